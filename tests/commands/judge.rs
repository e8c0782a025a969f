//! `portlab judge` as people run it. Which bugs it names is tested in `tests/judge/`.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Command, Output, Stdio},
    thread,
};

use portlab_judge::Verdict;
use portlab_sys::spawn::{Signal, signal_pid};
use portlab_testkit::{
    Running, binary, command, folder, free_addr, json, listener, names, path, portlab, refused,
    says, stderr, wait_until,
};
use serde_json::Value;

/// A program that accepts one client, and ends. It takes its port from the command line.
const ONCE: &str = "import socket, sys
server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind((\"127.0.0.1\", int(sys.argv[1])))
server.listen(128)
client, addr = server.accept()
data = client.recv(1024)
client.sendall(b\"welcome\")
client.close()
";

/// `None` without Python.
fn python() -> Option<()> {
    let version = Command::new("python3").arg("--version").output();
    version.ok().map(drop)
}

fn judged(options: &[&str]) -> Output {
    command(&["judge"]).args(options).output().unwrap()
}

/// The experiments with this result, by name.
fn with_result<'a>(verdict: &'a Value, result: &str) -> Vec<&'a str> {
    let all = verdict["experiments"].as_array().unwrap();
    let found = all.iter().filter(|it| it["result"] == result);
    found.map(|it| it["experiment"].as_str().unwrap()).collect()
}

#[test]
fn a_right_server_passes_and_the_json_is_its_schema() {
    let output = judged(&["--json", "--", binary(), "serve", "--bind=127.0.0.1:{port}"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let verdict = json(&output);
    assert_eq!(verdict["speech"], "echo");
    assert_eq!(verdict["mark"]["points"], 10, "{verdict:#}");
    assert_eq!(with_result(&verdict, "fail"), [""; 0]);
    // Every field is in the type from which the schema is made.
    let parsed: Verdict = serde_json::from_value(verdict.clone()).unwrap();
    assert_eq!(serde_json::to_value(&parsed).unwrap(), verdict);
}

#[test]
fn a_bug_is_shown_with_evidence_line_code_and_lesson() {
    let Some(()) = python() else { return };
    let dir = folder("judge_once");
    let text = ONCE.replace("int(sys.argv[1])", "0");
    for (lang, parts) in [
        (
            "en",
            [
                "1. the server ends after its first client",
                "client 1 receives 7 bytes: `welcome`",
                "the program has ended: exit code 0",
                "line 6 of",
                "client, addr = server.accept()",
                "portlab lesson server",
                "judge again",
            ],
        ),
        (
            "zh",
            [
                "1. 服务完第一个客户端就结束了",
                "客户端 1 收到 7 字节：`welcome`",
                "程序结束了：退出码 0",
                "第 6 行",
                "client, addr = server.accept()",
                "portlab lesson server",
                "改好以后再评测一次",
            ],
        ),
    ] {
        let (code, shown) = judged_file(&dir, "server.py", &text, &["--lang", lang]);
        assert_eq!(code, Some(1), "{shown}");
        says(&shown, &parts);
    }
}

#[test]
fn a_class_is_judged_in_turn_a_line_of_csv_each_and_a_page_receives_the_verdicts() {
    let dir = folder("judge_class");
    for name in ["li", "zhao"] {
        fs::create_dir(dir.join(name)).unwrap();
        fs::write(dir.join(name).join("server.sh"), "exit 3\n").unwrap();
    }
    let page = listener();
    let url = format!("http://{}/", page.local_addr().unwrap());
    let received = thread::spawn(move || [post(&page), post(&page)]);
    let pattern = dir.join("*").join("server.sh");
    let output = judged(&[
        "--each",
        path(&pattern),
        "--report",
        &url,
        "--",
        "sh",
        "{file}",
    ]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let csv = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<_> = csv.lines().collect();
    assert_eq!(
        lines[0],
        "file,mark,of,passed,judged,speaks,bugs,seconds,error"
    );
    assert_eq!(lines.len(), 3, "{csv}");
    for (line, name) in lines[1..].iter().zip(["li", "zhao"]) {
        says(line, &[name, "server.sh,0,10,0,1,,crashes-at-start,"]);
    }
    let names = received.join().unwrap().map(|it| it["name"].clone());
    assert!(names[0].as_str().unwrap().ends_with("li/server.sh"));
    assert!(names[1].as_str().unwrap().ends_with("zhao/server.sh"));
}

#[test]
fn a_class_is_judged_on_past_programs_that_get_no_mark() {
    let Some(()) = python() else { return };
    let dir = folder("judge_class_errors");
    let held = listener();
    let port = held.local_addr().unwrap().port().to_string();
    let client = "import socket\ns = socket.create_connection((\"127.0.0.1\", PORT))\n";
    for (name, file, text) in [
        ("1_client", "server.py", client.replace("PORT", &port)),
        ("2_taken", "server.py", CLOSES_FIRST.replace("PORT", &port)),
        ("3_unnamed", "server.rb", String::new()),
        ("4_ends", "server.py", "print('你好')\n".to_owned()),
    ] {
        fs::create_dir(dir.join(name)).unwrap();
        fs::write(dir.join(name).join(file), text).unwrap();
    }
    let pattern = dir.join("*").join("server.*");
    for (lang, errors) in [
        (
            "en",
            [
                "it is a client; add --client",
                "end that program",
                "it isn't executable",
            ],
        ),
        ("zh", ["它是客户端", "请先结束那个程序", "它不是可执行文件"]),
    ] {
        let output = judged(&["--lang", lang, "--each", path(&pattern)]);
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        let mut csv = csv::Reader::from_reader(&*output.stdout);
        let rows: Vec<_> = csv.records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), 4, "{rows:?}");
        for (row, error) in rows.iter().zip(errors) {
            // No mark, no bug, and what to do.
            assert_eq!((&row[1], &row[6]), ("", ""), "{row:?}");
            says(&row[8], &[error]);
        }
        assert_eq!(
            (&rows[3][1], &rows[3][6], &rows[3][8]),
            ("0", "no-listen", "")
        );
    }
}

#[test]
fn a_page_that_does_not_take_the_verdict_is_named_after_the_verdict() {
    let refusing = free_addr();
    let page = listener();
    let failing = page.local_addr().unwrap();
    let answers = thread::spawn(move || {
        // The classroom page says why it refuses; another server doesn't.
        let why = r#"{"en": "the wall is full", "zh": "墙满了"}"#;
        for body in ["", "", why, why] {
            let (mut stream, _) = page.accept().unwrap();
            receive_post(&mut stream);
            let length = body.len();
            let head = format!(
                "HTTP/1.1 500 Error\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
            );
            stream.write_all((head + body).as_bytes()).unwrap();
        }
    });
    for (lang, addr, parts) in [
        (
            "en",
            failing,
            ["didn't take the verdict", "status 500", "teacher's screen"],
        ),
        (
            "zh",
            failing,
            ["没有收下结果", "状态码是 500", "请核对老师屏幕上的地址"],
        ),
        (
            "en",
            failing,
            ["didn't take the verdict", "status 500", "the wall is full"],
        ),
        ("zh", failing, ["没有收下结果", "状态码 500", "墙满了"]),
        (
            "en",
            refusing,
            ["the verdict was not sent", "portlab doctor", "refused"],
        ),
        (
            "zh",
            refusing,
            [
                "结果没有送到",
                "连接被拒绝（系统错误 111）；请检查这个地址",
                "portlab doctor",
            ],
        ),
    ] {
        let url = format!("http://{addr}/");
        let options = ["--lang", lang, "--report", &url, "--", "sh", "-c", "exit 7"];
        let output = judged(&options);
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stdout).contains("crashes-at-start"));
        says(&stderr(&output), &[&[url.as_str()][..], &parts].concat());
    }
    answers.join().unwrap();
}

/// Receives one request of HTTP, answers it, and returns its body.
fn post(page: &TcpListener) -> Value {
    let (mut stream, _) = page.accept().unwrap();
    let body = receive_post(&mut stream);
    let answer = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
    stream.write_all(answer).unwrap();
    serde_json::from_slice(&body).unwrap()
}

/// Receives one request of HTTP, and returns its body.
fn receive_post(stream: &mut TcpStream) -> Vec<u8> {
    let mut text = Vec::new();
    loop {
        let mut buffer = [0; 4096];
        let length = stream.read(&mut buffer).unwrap();
        text.extend_from_slice(&buffer[..length]);
        let said = String::from_utf8_lossy(&text).to_ascii_lowercase();
        let Some((head, _)) = said.split_once("\r\n\r\n") else {
            continue;
        };
        assert!(head.starts_with("post / "), "{head}");
        let length = head.split("content-length: ").nth(1).unwrap();
        let length: usize = length.lines().next().unwrap().parse().unwrap();
        let begin = head.len() + 4;
        if text.len() >= begin + length {
            return text[begin..].to_vec();
        }
    }
}

#[test]
fn a_server_that_runs_already_is_neither_paused_nor_ended() {
    let mut server = Running::serve(&[]);
    let addr = server.addr.to_string();
    let output = judged(&["--json", "--at", &addr]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let verdict = json(&output);
    assert_eq!(verdict["name"], addr);
    // These would pause it or end it.
    let skipped = with_result(&verdict, "skipped");
    for experiment in ["has_a_queue", "restarts_at_once"] {
        assert!(skipped.contains(&experiment), "{skipped:?}");
    }
    server.connect();
    assert!(server.stop().success());
}

#[test]
fn what_cannot_be_judged_is_explained() {
    says(
        &refused(&["judge", "--", "no-such-program"]),
        &["no-such-program", "python3"],
    );
    says(
        &refused(&["judge", "--each", "/no/*.py"]),
        &["/no/*.py", "quote"],
    );
    let long = "x".repeat(41);
    says(
        &refused(&["judge", "--name", &long, "--", "true"]),
        &["41", "1 to 40"],
    );
    let https = ["judge", "--report", "https://a", "--", "true"];
    says(&refused(&https), &["https://a", "http://"]);
    // A program that ends, and one that doesn't listen.
    let output = portlab(&["judge", "--", "sh", "-c", "exit 7"]);
    assert_eq!(output.status.code(), Some(1));
    says(&String::from_utf8_lossy(&output.stdout), &["exit code 7"]);
    let prompt = "printf 'port: '; read port; sleep 600";
    let output = portlab(&["judge", "--start-timeout=10min", "--", "sh", "-c", prompt]);
    assert_eq!(output.status.code(), Some(1));
    says(
        &String::from_utf8_lossy(&output.stdout),
        &["waits for input", "port:"],
    );
}

/// What `portlab judge` prints about a program that is a file of its own.
fn judged_file(dir: &Path, name: &str, text: &str, options: &[&str]) -> (Option<i32>, String) {
    let file = dir.join(name);
    fs::write(&file, text).unwrap();
    let words = ["--", "python3", path(&file)];
    let output = judged(&[options, &words].concat());
    (output.status.code(), shown(&output))
}

/// What is printed, with one space for each line end, which may stand between two words of a text.
fn shown(output: &Output) -> String {
    let shown = String::from_utf8_lossy(&output.stdout).into_owned() + &stderr(output);
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_line_of_a_syntax_error_is_shown() {
    let Some(()) = python() else { return };
    let dir = folder("judge_syntax");
    let text = "import socket\n\nserver = socket.socket(\nprint('，')\n";
    for options in [&[][..], &["--client"]] {
        let (code, shown) = judged_file(&dir, "syntax.py", text, options);
        assert_eq!(code, Some(1), "{shown}");
        let parts = [
            "crashes-at-start",
            "SyntaxError: ",
            "Look at: line 3 of",
            "socket.socket(",
        ];
        says(&shown, &parts);
    }
    let (_, shown) = judged_file(&dir, "comma.py", "print(1， 2)\n", &[]);
    says(&shown, &["Look at: line 1 of", "Chinese input method"]);
}

#[test]
fn a_command_that_cannot_be_right_is_refused_before_it_runs() {
    let dir = folder("judge_commands");
    fs::write(dir.join("server.py"), "").unwrap();
    let missing = dir.join("nofile.py");
    let is_missing = ["nofile.py doesn't exist in", "it has server.py"];
    says(
        &refused(&["judge", "--", "python3", path(&missing)]),
        &is_missing,
    );
    let as_client = ["judge", "--client", "python3", "-u", path(&missing)];
    says(&refused(&as_client), &is_missing);
    for words in [&["python3 server.py"][..], &["python3", "server.py 8080"]] {
        let command = [&["judge", "--"], words].concat();
        says(
            &refused(&command),
            &["quotes", "judge -- python3 server.py"],
        );
    }
    let example = "portlab judge -- python3 server.py";
    says(&refused(&["judge"]), &["which program", example]);
    says(
        &refused(&["judge", "--lang", "zh", "--client"]),
        &["要评测哪个程序", example],
    );
}

#[test]
fn the_command_needs_no_dashes_before_it() {
    let output = judged(&["--lang", "zh", "sh", "-c", "exit 7"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    says(&String::from_utf8_lossy(&output.stdout), &["退出码 7"]);
}

#[test]
fn without_a_server_at_the_address_there_is_no_verdict_unless_a_command_starts_it() {
    let free = free_addr();
    let addr = free.to_string();
    let refusal = refused(&["judge", "--at", &addr]);
    says(&refusal, &["nothing listens at", &addr, "portlab ports"]);
    let failing = refused(&[
        "judge",
        "--start-timeout=100ms",
        "--at",
        &addr,
        "--restart",
        "true",
    ]);
    says(&failing, &[&addr, "after --restart"]);
    let restart = format!("exec {} serve --bind={addr}", binary());
    let output = judged(&["--json", "--at", &addr, "--restart", &restart]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(json(&output)["speech"], "echo");
}

#[test]
fn a_server_that_a_client_ends_is_started_again_only_if_a_command_says_how() {
    let Some(()) = python() else { return };
    let dir = folder("judge_restart");
    let file = dir.join("once.py");
    fs::write(
        &file,
        ONCE.replace("client, addr", "print(flush=True)\nclient, addr"),
    )
    .unwrap();
    let addr = free_addr().to_string();
    let port = addr.rsplit_once(':').unwrap().1;
    let restart = format!("exec python3 {} {port}", path(&file));
    let output = judged(&["--json", "--at", &addr, "--restart", &restart]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let verdict = json(&output);
    assert_eq!(
        verdict["bugs"][0]["bug"], "ends-after-first-client",
        "{verdict:#}"
    );
    assert!(
        verdict["mark"]["points"].as_u64().unwrap() < 4,
        "{verdict:#}"
    );
    for (lang, parts) in [
        (
            "en",
            [
                "portlab may not start it again",
                "--restart COMMAND",
                "which can't run",
            ],
        ),
        (
            "zh",
            ["portlab 不能重新启动它", "--restart 命令", "（无法进行）"],
        ),
    ] {
        let mut server = Command::new("python3")
            .args([path(&file), port])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // It listens after its first line.
        server
            .stdout
            .as_mut()
            .unwrap()
            .read_exact(&mut [0])
            .unwrap();
        let output = judged(&["--lang", lang, "--at", &addr]);
        server.wait().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        says(&shown(&output), &parts);
    }
}

/// A server without SO_REUSEADDR, at the port PORT, that closes first.
const CLOSES_FIRST: &str = "import socket
server = socket.socket()
server.bind((\"127.0.0.1\", PORT))
server.listen(128)
while True:
    client, addr = server.accept()
    data = client.recv(1024)
    client.sendall(b\"welcome\")
    client.close()
";

#[test]
fn a_connection_in_time_wait_costs_no_mark_and_a_taken_port_gets_none() {
    let Some(()) = python() else { return };
    let dir = folder("judge_time_wait");
    let held = listener();
    let port = held.local_addr().unwrap().port();
    let text = CLOSES_FIRST.replace("PORT", &port.to_string());
    let (code, shown) = judged_file(&dir, "server.py", &text, &[]);
    assert_eq!(code, Some(2), "{shown}");
    says(
        &shown,
        &["port", &port.to_string(), "is used by", "end that program"],
    );
    // The server's end closes first, so it stays in TIME-WAIT.
    let client = TcpStream::connect(held.local_addr().unwrap()).unwrap();
    drop(held.accept().unwrap());
    drop((client, held));
    let (code, shown) = judged_file(&dir, "server.py", &text, &[]);
    assert_eq!(code, Some(1), "{shown}");
    assert!(!shown.contains("crashes-at-start"), "{shown}");
    says(&shown, &["no-reuseaddr"]);
}

/// A server that answers one text only.
const ANSWERS_ONE: &str = "import socket, threading
def work(client):
    with client:
        try:
            if client.recv(1024) == \"你好\".encode(\"gbk\"):
                client.sendall(\"你好，我是服务端\".encode(\"gbk\"))
        except OSError:
            pass
server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind((\"127.0.0.1\", 0))
server.listen(128)
while True:
    threading.Thread(target=work, args=(server.accept()[0],), daemon=True).start()
";

#[test]
fn a_server_that_answers_one_text_only_is_asked_that() {
    let Some(()) = python() else { return };
    let dir = folder("judge_ask");
    let (code, shown) = judged_file(&dir, "server.py", ANSWERS_ONE, &[]);
    assert_eq!(code, Some(1), "{shown}");
    says(&shown, &["no-answer", "--ask"]);
    let ask = ["--ask", "你好", "--encoding", "gbk"];
    let (code, shown) = judged_file(&dir, "server.py", ANSWERS_ONE, &ask);
    assert_eq!(code, Some(0), "{shown}");
    let (code, shown) = judged_file(&dir, "server.py", ANSWERS_ONE, &["--ask", "\\q"]);
    assert_eq!(code, Some(2), "{shown}");
    says(&shown, &["--ask", "unknown escape"]);
}

#[test]
fn a_client_without_its_option_and_a_prompt_are_recognised() {
    let Some(()) = python() else { return };
    let dir = folder("judge_kinds");
    let addr = free_addr();
    let text = format!(
        "import socket\ns = socket.socket()\ns.connect((\"127.0.0.1\", {}))\n",
        addr.port()
    );
    let (code, shown) = judged_file(&dir, "client.py", &text, &[]);
    assert_eq!(code, Some(2), "{shown}");
    says(&shown, &[&addr.to_string(), "it is a client; add --client"]);
    let text = CLOSES_FIRST.replace("PORT", "int(input(\"port: \"))");
    let (code, shown) = judged_file(&dir, "asks.py", &text, &["--start-timeout=10min"]);
    assert_eq!(code, Some(1), "{shown}");
    says(
        &shown,
        &[
            "input-before-listen",
            "at `port:`",
            "Look at: line 3",
            "--typed",
        ],
    );
    let (_, shown) = judged_file(&dir, "asks.py", &text, &["--typed={port}\\n"]);
    says(&shown, &["✓ starts and listens"]);
    // Without a prompt, the kernel shows that it reads its stdin.
    let text = CLOSES_FIRST.replace("PORT", "int(input())");
    for (lang, part) in [
        ("en", "it waits for input, without a prompt"),
        ("zh", "它在等待键盘输入（没有显示提示）"),
    ] {
        let options = ["--start-timeout=10min", "--lang", lang];
        let (code, shown) = judged_file(&dir, "silent.py", &text, &options);
        assert_eq!(code, Some(1), "{shown}");
        says(&shown, &["input-before-listen", part, "int(input())"]);
    }
}

#[test]
fn a_udp_socket_is_named_where_a_listener_is_expected() {
    let Some(()) = python() else { return };
    let dir = folder("judge_udp");
    let receives = "import socket
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind((\"127.0.0.1\", 0))
while True:
    data, addr = server.recvfrom(1024)
";
    let listens = receives.replace("while True:", "server.listen(5)\nwhile True:");
    for (lang, part) in [
        (
            "en",
            "the program opens a UDP socket (SOCK_DGRAM); listen() needs a TCP socket",
        ),
        ("zh", "UDP 套接字（SOCK_DGRAM）；listen() 需要 TCP 套接字"),
    ] {
        let options = ["--start-timeout=10min", "--lang", lang];
        let (code, shown) = judged_file(&dir, "receives.py", receives, &options);
        assert_eq!(code, Some(1), "{shown}");
        says(&shown, &["no-listen", part]);
    }
    let (_, shown) = judged_file(&dir, "listens.py", &listens, &[]);
    says(&shown, &["crashes-at-start", "listen() needs a TCP socket"]);
}

/// The web server of portlab, as `judge` starts it.
const WEB: [&str; 6] = [
    "serve",
    "--service=http",
    "--bind=127.0.0.1:{port}",
    "--root={root}",
    "--model",
    "threads",
];

#[test]
fn a_web_server_is_held_to_the_rules_of_http() {
    let all = [&["--json", "--as", "http", "--", binary()][..], &WEB].concat();
    let verdict = json(&judged(&all));
    let rules = verdict["rules"].as_array().unwrap();
    let with = |result: &str| rules.iter().filter(|it| it["result"] == result).count();
    assert_eq!((with("fail"), with("warn")), (0, 2), "{rules:#?}");
    assert!(with("pass") > 250, "{}", with("pass"));
    let parsed: Verdict = serde_json::from_value(verdict.clone()).unwrap();
    assert_eq!(serde_json::to_value(&parsed).unwrap(), verdict);
    // The folder of the files is gone.
    let command = verdict["command"].to_string();
    assert!(command.contains("{root}"), "{command}");
}

#[test]
fn a_killed_judge_leaves_no_folder_of_files() {
    let dir = folder("judge_killed");
    for signal in [Signal::INT, Signal::KILL] {
        let mut judge = command(&["judge", "--as", "http", "--", binary()]);
        judge.args(WEB).env("TMPDIR", &dir);
        let mut judge = judge.stdout(Stdio::null()).spawn().unwrap();
        wait_until("the files are made", || !names(&dir).is_empty());
        signal_pid(judge.id() as i32, signal).unwrap();
        judge.wait().unwrap();
        wait_until("the files are removed", || names(&dir).is_empty());
    }
}

#[test]
fn a_broken_rule_is_shown_with_its_section_and_a_line_for_a_shell() {
    let Some(()) = python() else { return };
    let dir = folder("judge_rules");
    fs::write(dir.join("web.py"), WEB_PAGE).unwrap();
    let file = dir.join("web.py");
    for (lang, parts) in [
        (
            "en",
            [
                "The rules of HTTP:",
                "MUST, RFC 9112 3.2: answers a request of HTTP/1.1 without Host",
                "status 200 instead of 400",
                "{ printf 'GET / HTTP/1.1\\r\\n\\r\\n'; } | nc -w 2 127.0.0.1",
                "rules skipped: the server's files aren't known",
            ],
        ),
        (
            "zh",
            [
                "HTTP 的规则：必须（MUST）",
                "MUST，RFC 9112 3.2：HTTP/1.1 的请求没有 Host 时，回答 400",
                "状态码是 200，而不是 400",
                "{ printf 'GET / HTTP/1.1\\r\\n\\r\\n'; } | nc -w 2 127.0.0.1",
                "条规则：不知道服务端有哪些文件",
            ],
        ),
    ] {
        let output = judged(&[
            "--lang",
            lang,
            "--as",
            "http",
            "--",
            "python3",
            path(&file),
            "{port}",
        ]);
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        says(&String::from_utf8(output.stdout).unwrap(), &parts);
    }
}

/// A web server as a beginner writes it: right for a browser, and no more.
const WEB_PAGE: &str = "import socket, sys, threading
server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
server.bind((\"127.0.0.1\", int(sys.argv[1])))
server.listen(128)
def serve(client):
    request = b\"\"
    while b\"\\r\\n\\r\\n\" not in request:
        data = client.recv(4096)
        if not data:
            break
        request += data
    if request.startswith(b\"GET / \"):
        client.sendall(b\"HTTP/1.1 200 OK\\r\\nContent-Length: 5\\r\\n\\r\\nhello\")
    elif request:
        client.sendall(b\"HTTP/1.1 404 Not Found\\r\\nContent-Length: 4\\r\\n\\r\\nnone\")
    client.close()
while True:
    client, addr = server.accept()
    threading.Thread(target=serve, args=(client,), daemon=True).start()
";
