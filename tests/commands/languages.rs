//! Every command prints the language that was chosen; lines for programs are English in both.

use std::io::Write;

use portlab_testkit::{Running, command, folder, free_addr, listener, path, stderr};

/// How many words of a line are English: names, options, addresses and units don't count.
fn english_words(line: &str) -> usize {
    let is_word = |word: &&str| word.len() > 2 && word.chars().all(|it| it.is_ascii_lowercase());
    line.split_whitespace().filter(is_word).count()
}

#[test]
fn every_command_refuses_and_reports_in_chinese() {
    let taken = listener();
    let taken = taken.local_addr().unwrap().to_string();
    let closed = free_addr().to_string();
    let dir = folder("languages");
    let out = format!("--out={}", path(&dir));
    for (code, arguments) in [
        (2, &["serve", "--bind", &taken][..]),
        (2, &["serve", "--bind=8080x"]),
        (2, &["serve", "--trace=/"]),
        (2, &["connect", &closed]),
        (2, &["connect", "nosuch.invalid:80"]),
        (1, &["doctor", &closed]),
        (0, &["doctor"]),
        (0, &["ports", "21"]),
        (2, &["ports", "htpp"]),
        (2, &["lesson", "nosuch"]),
        (0, &["lesson"]),
        (2, &["compare", "--models=none", &out]),
        (2, &["compare", "--baseline=nosuch", &out]),
        (2, &["compare", "--resume", &out]),
        (2, &["compare", "--rooms=2", &out]),
        (2, &["advise", "-c=10", "--rate=1", "--members=20"]),
        (2, &["report", path(&dir)]),
        (2, &["proxy", "--to=9", "--bind", &taken]),
        (2, &["proxy", "--to=9", "--flip=0"]),
        (2, &["assist", &taken]),
        (2, &["assist", "--rule=hi"]),
        (2, &["assist", "--replay=/no"]),
        (2, &["man", "nosuch"]),
        (2, &["load", "1", "--hex=5"]),
        (2, &["report", "/dev/zero"]),
    ] {
        let output = command(arguments)
            .env("PORTLAB_LANG", "zh")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
        assert!(!text.is_ascii(), "{arguments:?}: {text}");
        for line in text.lines() {
            assert!(english_words(line) < 6, "{arguments:?}: {line}");
        }
    }
}

#[test]
fn lines_for_programs_are_english_in_every_language() {
    let text = |lang: &str| {
        let mut command = command(&["connect", "127.0.0.1:1", "--json"]);
        stderr(&command.env("PORTLAB_LANG", lang).output().unwrap())
    };
    // An option that a command doesn't have: a line for people.
    assert!(text("en").contains("unexpected argument '--json'"));
    assert!(text("zh").contains("没有 --json 这个选项"));
    let mut serve = command(&["serve", "--json", "--bind=127.0.0.1:0"]);
    let mut server = Running::start(serve.env("PORTLAB_LANG", "zh"));
    assert_eq!(server.listening["event"], "listening");
    server.connect().write_all(b"x").unwrap();
    let mut connect = command(&["connect", &server.addr.to_string(), "--send=x", "--trace"]);
    let output = connect.env("PORTLAB_LANG", "zh").output().unwrap();
    let steps = stderr(&output);
    for part in ["1 创建", "2 连接", "3 发送", "4 接收", "5 关闭", "FIN"] {
        assert!(steps.contains(part), "{part}: {steps}");
    }
    assert_eq!(server.stop().code(), Some(0));
    assert_eq!(server.event()["event"], "stopped");
}
