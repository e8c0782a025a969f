//! The command line as people use it: results, and errors with their reasons.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
};

use portlab_backends::{Group, MODELS, models::runnable};
use portlab_sys::spawn::{Signal, signal, tie_to_this_thread};
use portlab_words::{Lang, Text};
use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use portlab_testkit::{
    Running, command, commands, folder, listener, names, portlab, printed, refused, says, shell,
    stderr, wait_until_read, words,
};

#[test]
fn a_server_that_other_machines_can_reach_warns_and_names_the_remedy() {
    for (bind, is_wide) in [
        ("127.0.0.1:0", false),
        ("[::1]:0", false),
        ("0.0.0.0:0", true),
    ] {
        let mut server = Running::start(&mut command(&["serve", "--json", "--bind", bind]));
        let port = server.addr.port();
        server.stop();
        let said = server.stderr();
        let remedy = format!("for this machine only: --bind 127.0.0.1:{port}\n");
        assert_eq!(
            said.contains("warning: other machines can connect"),
            is_wide,
            "{said}"
        );
        assert_eq!(said.contains(&remedy), is_wide, "{said}");
    }
}

#[test]
fn a_number_of_workers_that_the_model_does_not_use_is_named() {
    // A port that is taken ends the server after its notes.
    let taken = listener();
    let bind = taken.local_addr().unwrap().to_string();
    for (model, option, has_effect) in [
        ("poll", "--workers", false),
        ("tasks", "--workers", false),
        ("pool", "--workers", true),
        ("pool", "--runtime-threads", false),
        ("tasks", "--runtime-threads", true),
    ] {
        let said = refused(&["serve", "--model", model, "--bind", &bind, option, "3"]);
        let note =
            format!("note: {option} 3 has no effect on {model}; see `portlab models {model}`");
        assert_eq!(!said.contains(&note), has_effect, "{said}");
    }
}

#[test]
fn a_mistyped_name_is_refused_with_the_most_similar_one() {
    for arguments in [
        &["serve", "--model", "thread"][..],
        &["compare", "--models", "tasks,thread"],
        &["models", "thread"],
    ] {
        assert!(refused(arguments).contains("'threads'"), "{arguments:?}");
    }
    for (arguments, near) in [
        (["compare", "--models", "@histry"], "'@history'"),
        (["compare", "--family", "evnt"], "'event'"),
        (["advise", "--family", "evnt"], "'event'"),
    ] {
        let said = refused(&arguments);
        assert!(said.contains(near), "{said}");
        assert!(said.contains("possible values: "), "{said}");
    }
    assert!(refused(&["serve", "--service", "ehco"]).contains("'echo'"));
    assert!(refused(&["serve", "--encoding", "gkb"]).contains("gbk"));
    assert!(refused(&["compair"]).contains("compare"));
}

#[test]
fn an_invalid_quantity_is_refused_with_an_example() {
    for (arguments, example) in [
        ("load 127.0.0.1:9 --size big", "4KiB"),
        ("load 127.0.0.1:9 --duration 10", "10s"),
        ("load 127.0.0.1:9 --connections many", "10k"),
        ("load 127.0.0.1:9 --connections 0", "between 1 and 1M"),
        ("load 127.0.0.1:9 --size 0", "between 1 and 64MiB"),
        ("load 127.0.0.1:9 --messages 0", "between 1 and 1T"),
        ("compare --connections 1,x", "10k"),
        ("compare --connections 0", "between 1 and 1M"),
        ("compare --duration 0s", "between 1ms and 1h"),
        ("serve --work sleep:5ms", "wait:5ms"),
        ("serve --drain soon", "10s"),
        ("serve --workers 0", "between 1 and 65535"),
    ] {
        let text = refused(&words(arguments));
        assert!(text.contains(example), "{arguments}: {text}");
    }
}

#[test]
fn an_invalid_load_is_refused_with_the_remedy() {
    for (options, remedy) in [
        ("--rate=0", "between 0.001 and 10M"),
        ("--rate=20k..1k", "lower end first, as in 1k..20k"),
        ("--rate=99M", "between 0.001 and 10M"),
        ("--rate=1k --steps=1", "between 2 and 100"),
        ("--rate=1 --arrivals=often", "poisson"),
        ("--rate=1k..2k --hlog=x", "use --csv or --hgrm"),
        ("--idle --rate=5", "cannot be used"),
        ("--expect=foo", "until:"),
        ("--expect=bytes:0", "write none"),
        ("--expect=close --depth=2", "must be 1"),
        ("--greeting=echo", "lines:1"),
        ("--depth=100k", "65536"),
        ("--size=9..3", "lower end first, as in 16..1KiB"),
        ("--hex=5", "pairs of digits"),
        ("--text=", "at least 1 byte"),
        ("--text=a\\q", "\\r \\n"),
        ("--text=€ --encoding=gbk", "gb18030"),
        ("--text=a --size=5", "cannot be used"),
        ("--payload=/no/such/file", "can't read /no/such/file"),
        ("--source=203.0.113.9", "address of this machine"),
        ("--source=here", "127.0.0.2"),
        ("--per-connection=0", "between 1 and 1T"),
        ("--slow-reader=0", "between 1 and 1TiB"),
        ("-c -1", "10k"),
        ("--rate -5", "10k"),
        ("--seed -1", "between 0 and 18446744073709551615"),
        ("-c=99999999999999999999", "between 1 and 1M"),
        ("--timeout=0s", "between 1ms and 1h"),
        ("--connect-timeout=0s", "between 1ms and 1h"),
        ("--rate=1k..", "write both ends"),
        ("--rate=10..10", "the same"),
        ("--rate=10 --steps=3", "1k..20k"),
        ("--idle --size=9", "cannot be used"),
        ("--idle --text=a", "cannot be used"),
        ("--idle --expect=none", "cannot be used"),
        ("--idle --per-connection=1", "cannot be used"),
        ("--payload=/dev/zero", "is a device"),
        ("--csv=/tmp/x --hlog=/tmp/./x", "file of its own"),
    ] {
        let text = refused(&words(&format!("load 127.0.0.1:9 {options}")));
        assert!(text.contains(remedy), "{options}: {text}");
    }
    assert!(refused(&["load"]).contains("ADDR"));
}

#[test]
fn an_invalid_address_is_refused_with_the_remedy() {
    for (arguments, remedy) in [
        ("load here", "portlab load here:8080"),
        ("load 127.0.0.1:99999", "1 to 65535"),
        ("load 127.0.0.1:0", "1 to 65535"),
        ("serve --bind 127.0.0.1:99999", "0 to 65535"),
        ("load ftp://127.0.0.1:80/", "such as http://127.0.0.1:8080/"),
        ("serve --bind here", "HOST:PORT"),
        ("load no-such-host.invalid:80", "check its spelling"),
        ("serve --bind 192.0.2.1:0", "address of this machine"),
    ] {
        let text = refused(&words(arguments));
        assert!(text.contains(remedy), "{arguments}: {text}");
        assert_eq!(
            text.trim_end().lines().count(),
            1,
            "more than a line: {text}"
        );
    }
}

#[test]
fn a_taken_port_is_refused_with_its_holder_and_the_remedy() {
    let holder = listener();
    let addr = holder.local_addr().unwrap().to_string();
    let text = refused(&["serve", "--bind", &addr]);
    let pid = format!("(pid {})", std::process::id());
    assert!(text.contains(&addr) && text.contains(&pid), "{text}");
    assert!(text.contains("--bind 127.0.0.1:0"), "{text}");
}

#[test]
fn every_model_refuses_a_taken_port_and_takes_it_as_soon_as_it_is_free() {
    for model in runnable().map(|model| model.sheet().name) {
        let mut first = Running::serve(&["--model", model]);
        let addr = first.addr.to_string();
        assert!(refused(&["serve", "--model", model, "--bind", &addr]).contains("in use"));
        // The server closes first, so its side of this connection goes to TIME_WAIT.
        let mut client = first.connect();
        client.write_all(b"x").unwrap();
        client.read_exact(&mut [0]).unwrap();
        assert_eq!(first.stop().code(), Some(0), "{model}");
        let again = ["serve", "--json", "--model", model, "--bind", &addr];
        let mut second = Running::start(&mut command(&again));
        assert_eq!(second.addr, first.addr, "{model}");
        assert_eq!(second.stop().code(), Some(0), "{model}");
    }
}

#[test]
fn serving_is_announced_in_words_and_in_json() {
    let mut command = command(&["serve", "--bind", "127.0.0.1:0"]);
    let mut child = tie_to_this_thread(&mut command).spawn().unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.as_mut().unwrap());
    stdout.read_line(&mut line).unwrap();
    assert!(line.starts_with("listening on 127.0.0.1:"), "{line}");
    signal(&mut child, Signal::TERM).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = stderr(&output);
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        lines,
        [
            "limits: 20000 connections, idle timeout off, keepalive 60.0 s, drain 5.00 s",
            "stopped: all connections had ended",
            "counts: 0 active, 0 accepted, 0 refused"
        ]
    );

    let mut server = Running::serve(&["--model", "pool"]);
    let event = &server.listening;
    assert_eq!(event["event"], "listening");
    assert_eq!(event["pid"], server.child.id());
    assert_eq!(
        (&event["model"], &event["service"]),
        (&"pool".into(), &"echo".into())
    );
    server.signal(Signal::INT);
    let event = server.event();
    assert_eq!(
        (&event["event"], &event["cut"]),
        (&"stopped".into(), &0.into())
    );
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}

#[test]
fn connections_that_are_closed_at_the_deadline_are_counted() {
    for model in ["event-loop", "loop-pool", "tasks", "tasks-single"] {
        let options = ["--drain=300ms", "--work=wait:10m", "--model", model];
        let mut server = Running::serve(&options);
        let mut client = server.connect();
        client.write_all(b"take your time").unwrap();
        // The server has accepted the connection, and its answer comes in ten minutes.
        wait_until_read(&client);
        assert_eq!(server.stop().code(), Some(0), "{model}");
        let event = server.event();
        assert_eq!(event["cut"], 1, "{model}: {event}");
    }
}

#[test]
fn the_options_of_a_web_server_need_its_service_and_values_that_can_be_served() {
    let dir = folder("cli_web");
    let root = format!("--root={}", dir.display());
    for (options, parts) in [
        (&["--root=."][..], &["--root", "--service http"][..]),
        (&["--service=chat", "--listing"], &["--listing", "chat"]),
        (&["--service=http"], &["--root DIR", "--root ."]),
        (
            &["--service=http", "--root=/missing"],
            &["/missing", "--root DIR"],
        ),
        (&["--service=http", "--root=/dev/null"], &["isn't a folder"]),
        (
            &["--service=http", &root, "--index=a/b"],
            &["\"a/b\"", "index.html"],
        ),
        (&["--service=http", &root, "--index="], &["--index \"\""]),
        (
            &["--service=http", &root, "--error-page=/missing"],
            &["/missing", "HTML"],
        ),
    ] {
        says(&refused(&[&["serve"], options].concat()), parts);
    }
}

#[test]
fn a_text_that_its_encoding_cannot_encode_is_refused() {
    let text = refused(&["serve", "--service=reply", "--reply=5 €", "--encoding=gbk"]);
    assert!(text.contains("'€'") && text.contains("gb18030"), "{text}");
}

#[test]
fn more_connections_than_descriptors_are_refused_with_the_remedy() {
    for command in [
        "load 127.0.0.1:9 --connections",
        "compare --models threads --connections",
    ] {
        let output = shell(&format!("ulimit -n 64; exec $portlab {command} 100"));
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(
            text.contains("hard limit is 64") && text.contains("use 41 connections"),
            "{text}"
        );
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_an_error_before_the_run() {
    let file = folder("not-a-folder").join("file");
    fs::write(&file, "").unwrap();
    let out = format!("--out={}", file.join("results").display());
    let text = refused(&["compare", "--models=threads", "--quick", &out]);
    assert!(
        text.contains("can't write") && text.contains("--out DIR"),
        "{text}"
    );
}

#[test]
fn a_full_disk_is_an_error_without_a_panic() {
    let output = shell("$portlab models --json >/dev/full");
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("No space left"), "{output:?}");
}

#[test]
fn the_models_are_listed_in_words_and_in_json() {
    let said = |args: &[&str]| String::from_utf8(portlab(args).stdout).unwrap();
    let has = |text: &str, fact: &Text, lang| {
        let [text, fact] = [text, fact.pick(lang)].map(|it| it.replace(char::is_whitespace, ""));
        assert!(text.contains(&fact), "{fact}: {text}");
    };
    let json: Value = serde_json::from_str(&said(&["models", "--json"])).unwrap();
    let names: Vec<_> = json
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["name"])
        .collect();
    assert_eq!(
        names,
        MODELS.iter().map(|it| it.sheet().name).collect::<Vec<_>>()
    );
    for lang in Lang::ALL {
        let option = format!("--lang={lang}");
        let list = said(&["models", &option]);
        let wide = list.lines().find(|line| line.width() > 80);
        assert_eq!(wide, None, "wider than 80 columns");
        for sheet in MODELS.iter().map(|model| model.sheet()) {
            let own = said(&["models", sheet.name, &option]);
            has(&list, &sheet.term, lang);
            has(&list, &sheet.blocks, lang);
            has(&own, &sheet.term, lang);
            has(&own, &sheet.teaches, lang);
        }
        for group in Group::ALL {
            has(&list, &group.title(), lang);
        }
    }
}

#[test]
fn a_group_lists_its_models_and_no_other() {
    for group in Group::ALL {
        let json = portlab(&["models", group.name(), "--json"]).stdout;
        let json: Value = serde_json::from_slice(&json).unwrap();
        let listed = json.as_array().unwrap();
        for model in MODELS {
            let sheet = model.sheet();
            let is_listed = listed.iter().any(|it| it["name"] == sheet.name);
            assert_eq!(is_listed, sheet.groups.contains(group), "{}", sheet.name);
        }
    }
    assert!(refused(&["models", "@course", "--code"]).contains("name a model"));
}

#[test]
fn every_command_has_help_with_an_example_in_80_columns() {
    for command in [
        "compare", "load", "serve", "connect", "models", "ports", "doctor",
    ] {
        for flag in ["-h", "--help"] {
            let text = printed(&[command, flag]);
            assert!(text.contains(&format!("portlab {command}")), "{text}");
            assert!(text.contains("Example"), "{text}");
            let wide = text.lines().find(|line| line.chars().count() > 80);
            assert_eq!(wide, None, "{command} {flag}");
        }
    }
}

#[test]
fn every_shell_completes_every_command_and_no_hidden_one() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = portlab(&["completions", shell]);
        assert!(output.status.success(), "{shell}: {}", stderr(&output));
        let script = String::from_utf8(output.stdout).unwrap();
        for command in commands() {
            assert!(script.contains(&command), "{shell}: {command}");
        }
        assert!(script.contains("connect-timeout"), "{shell}: options too");
        assert!(!script.contains("known-server"), "{shell}");
    }
    let script = "complete -r; eval \"$($portlab completions bash)\"; complete -p portlab";
    let known = shell(script);
    assert!(known.status.success(), "{}", stderr(&known));
    assert!(refused(&["completions", "cmd"]).contains("bash"));
}

#[test]
fn every_command_has_a_manual_page() {
    let dir = folder("man");
    let output = portlab(&["man", "--dir", dir.to_str().unwrap()]);
    assert!(output.status.success(), "{}", stderr(&output));
    let mut expected: Vec<_> = commands()
        .iter()
        .map(|command| format!("portlab-{command}.1"))
        .collect();
    expected.push("portlab.1".to_owned());
    expected.sort();
    assert_eq!(names(&dir), expected);
    let page = fs::read(dir.join("portlab-load.1")).unwrap();
    assert_eq!(portlab(&["man", "load"]).stdout, page);
    let page = String::from_utf8(page).unwrap();
    for part in [".TH portlab-load 1", ".SH SYNOPSIS", "connect\\-timeout"] {
        assert!(page.contains(part), "{part} in {page}");
    }
    assert!(refused(&["man", "laod"]).contains("portlab --help"));
}
