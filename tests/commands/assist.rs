//! `portlab assist` as people run it: typed lines in a pipe, rows, rules, logs, errors. What its engine does is tested in
//! its crate.

use std::{
    fs,
    io::{BufRead, BufReader, ErrorKind, Lines, Read, Write},
    net::{SocketAddr, TcpStream, UdpSocket},
    process::{ChildStderr, Command, Stdio},
};

use portlab_sys::{spawn::Signal, time_wait};
use serde_json::Value;
use socket2::{Domain, Socket, Type};

use portlab_testkit::{
    PATIENCE, Running, command, folder, free_addr, listener, path, portlab, refused, says, stderr,
    words,
};

/// An assistant whose stdin is the test's.
fn assist(options: &[&str]) -> Running {
    let mut command = command(&["assist", "--json", "127.0.0.1:0"]);
    let running = Running::start(command.args(options).stdin(Stdio::piped()));
    assert_eq!(running.listening["event"], "listening");
    running
}

/// An assistant whose stdin is the test's, and the lines of its stderr.
fn assist_with_errors(options: &str) -> (Running, Lines<BufReader<ChildStderr>>) {
    let line = format!("assist --json 127.0.0.1:0 {options}");
    let mut command = command(&words(&line));
    let mut running = Running::start(command.stdin(Stdio::piped()).stderr(Stdio::piped()));
    let errors = BufReader::new(running.child.stderr.take().unwrap());
    (running, errors.lines())
}

/// Types a line.
fn type_line(running: &mut Running, line: &str) {
    let stdin = running.child.stdin.as_mut().unwrap();
    stdin.write_all(format!("{line}\n").as_bytes()).unwrap();
}

/// Connects, and waits until the assistant has seen it.
#[track_caller]
fn client(running: &mut Running) -> TcpStream {
    let client = running.connect();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(running.event()["event"], "online");
    client
}

/// The next event, which must be `name`.
#[track_caller]
fn next(running: &mut Running, name: &str) -> Value {
    let event = running.event();
    assert_eq!(event["event"], name, "{event}");
    event
}

/// The course's client, but for the port.
const CLIENT: &str = r#"
import socket, sys
tcp_client_socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
tcp_client_socket.connect(("127.0.0.1", int(sys.argv[1])))
tcp_client_socket.send("你好服务端，我是客户端小黑!".encode("gbk"))
recv_data = tcp_client_socket.recv(1024)
print(recv_data.decode("gbk"))
tcp_client_socket.close()
"#;

#[test]
fn the_courses_client_prints_what_a_person_typed() {
    let mut running = assist(&["--encoding", "gbk"]);
    // The line waits for the client.
    type_line(&mut running, "收到，小黑！");
    let port = running.addr.port().to_string();
    let python = Command::new("python3")
        .args(["-c", CLIENT, &port])
        .env("PYTHONIOENCODING", "utf-8")
        .output();
    let output = match python {
        Err(error) if error.kind() == ErrorKind::NotFound => return,
        output => output.unwrap(),
    };
    assert_eq!(String::from_utf8_lossy(&output.stdout), "收到，小黑！\n");
    let mut texts = Vec::new();
    loop {
        let event = running.event();
        match event["event"].as_str() {
            Some("received") => texts.push(event["text"].as_str().unwrap().to_owned()),
            Some("offline") => break assert_eq!(event["how"], "fin"),
            _ => {}
        }
    }
    assert_eq!(texts, ["你好服务端，我是客户端小黑!"]);
    assert!(running.stop().success());
}

#[test]
fn typed_lines_send_and_close_and_a_wrong_one_is_answered_with_a_remedy() {
    let (mut running, mut errors) = assist_with_errors("--eol=crlf --encoding=gbk");
    let mut one = client(&mut running);
    let mut two = client(&mut running);
    let mut complains = |parts: &[&str]| says(&errors.next().unwrap().unwrap(), parts);
    type_line(&mut running, "/to 2");
    complains(&["#2"]);
    type_line(&mut running, "你好");
    let sent = next(&mut running, "sent");
    assert!(sent["peer"] == 2 && sent["hex"] == "c4e3bac30d0a", "{sent}");
    let mut bytes = [0; 6];
    two.read_exact(&mut bytes).unwrap();
    // Refused before anything is sent.
    type_line(&mut running, "😀");
    complains(&["😀", "GBK", "utf-8"]);
    type_line(&mut running, "/clos");
    complains(&["/clos", "/close", "//clos"]);
    let wrong = "/hex 5|/every x|/parts 1 a|/drip 5 a|/eol x|/encoding gbx|/to x|/file /no";
    for line in wrong.split('|') {
        type_line(&mut running, line);
        complains(&["not done"]);
    }
    type_line(&mut running, "/to 9");
    complains(&["#9"]);
    type_line(&mut running, "x");
    let why = next(&mut running, "unsent");
    says(why["message"].as_str().unwrap(), &["#9", "#1, #2"]);
    let lines = "//x\n／hex ００　ff\n、to all\n/reset ２\n/close";
    type_line(&mut running, lines);
    // To #9, which isn't there.
    next(&mut running, "unsent");
    next(&mut running, "unsent");
    let [reset, closed] = [(); 2].map(|()| next(&mut running, "offline"));
    for (event, peer, how) in [(reset, 2, "reset_here"), (closed, 1, "closed_here")] {
        assert!(event["peer"] == peer && event["how"] == how, "{event}");
    }
    let error = two.read(&mut bytes).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert_eq!(one.read(&mut bytes).unwrap(), 0);
    assert!(running.stop().success());
}

#[test]
fn in_a_pipe_commands_act_before_a_client_comes() {
    let mut running = assist(&["--rule=any => old"]);
    type_line(&mut running, "/help\n/rule off\n/rule any => new\n/eol lf");
    // The text, and what is typed behind it, wait.
    type_line(&mut running, "text\n/quit");
    let mut stream = client(&mut running);
    let mut all = String::new();
    stream.read_to_string(&mut all).unwrap();
    assert_eq!(all, "text\n");
    assert!(running.child.wait().unwrap().success());
    // Without a text, the end doesn't wait.
    let mut running = assist(&[]);
    type_line(&mut running, "/quit");
    assert!(running.child.wait().unwrap().success());
}

#[test]
fn a_log_is_replayed_to_the_same_clients() {
    let dir = folder("assist-replay");
    let log = dir.join("lesson.jsonl");
    let save = format!("--save={}", log.display());
    let rules = [
        "--rule=equals:hi => hello {seq}",
        "--rule=contains:bye => {text}, {peer}",
    ];
    let mut running = assist(&[&rules[..], &["--auto-echo", &save]].concat());
    // What each of two clients sends, and what comes back.
    let talk = |running: &mut Running| {
        let mut said = Vec::new();
        for texts in [["hi", "x"], ["bye", "hi"]] {
            let mut client = client(running);
            for text in texts {
                client.write_all(text.as_bytes()).unwrap();
                let mut buffer = [0; 100];
                let length = client.read(&mut buffer).unwrap();
                said.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
                next(running, "received");
                next(running, "sent");
            }
            drop(client);
            next(running, "offline");
        }
        said
    };
    let said = talk(&mut running);
    assert_eq!(said, ["hello 1", "x", "bye, 2", "hello 2"]);
    assert!(running.stop().success());
    let replay = format!("--replay={}", log.display());
    let mut running = assist(&[&replay]);
    assert_eq!(talk(&mut running), said);
    assert!(running.stop().success());
    let saved = fs::read_to_string(&log).unwrap();
    assert_eq!(saved.lines().count(), 1 + 2 * 6 + 1);
    let text = dir.join("lesson.txt");
    fs::write(&text, "    0.000  listening\n").unwrap();
    let why = refused(&["assist", "0", "--replay", text.to_str().unwrap()]);
    says(&why, &["lesson.txt", "line 1", "--save lesson.jsonl"]);
}

#[test]
fn datagrams_are_rows_and_their_senders_are_clients() {
    let line = "assist udp://127.0.0.1:0 --json --rule=any=>{length}";
    let mut command = command(&words(line));
    let mut running = Running::start(command.stdin(Stdio::piped()));
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    for (text, answer) in [("", "0"), ("你好", "6")] {
        client.send_to(text.as_bytes(), running.addr).unwrap();
        let mut buffer = [0; 9];
        let (length, _) = client.recv_from(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], answer.as_bytes());
    }
    let own = client.local_addr().unwrap().to_string();
    assert_eq!(next(&mut running, "online")["addr"], own);
    let lengths = [(); 4].map(|()| running.event()["length"].as_u64().unwrap());
    assert_eq!(lengths, [0, 1, 6, 1]);
    // A second assistant is the client of the first.
    let to = format!("udp://{}", running.addr);
    let mut second = portlab_testkit::command(&["assist", "--to", &to, "--lang=en"]);
    let second = second.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut second = second.spawn().unwrap();
    let mut stdin = second.stdin.take().unwrap();
    stdin.write_all(b"hello\n/fin\n").unwrap();
    let mut rows = BufReader::new(second.stdout.take().unwrap()).lines();
    let mut row = || rows.next().unwrap().unwrap();
    says(&row(), &["#1", "online"]);
    let mut rest = [row(), row(), row()];
    rest.sort_by_key(|it| it.contains('←'));
    says(
        &rest.concat(),
        &[
            "→     5  hello | 68 65 6c 6c 6f",
            "only TCP has FIN",
            "←     1  5 | 35",
        ],
    );
    stdin.write_all(b"/quit\n").unwrap();
    assert!(second.wait().unwrap().success());
    assert!(running.stop().success());
}

#[test]
fn rows_are_text_and_hex_in_both_languages_and_the_saved_log_is_the_same() {
    let log = folder("assist-rows").join("rows.txt");
    let save = format!("--save={}", log.display());
    for (lang, online, offline) in [
        ("en", "online", "the peer closed (FIN)"),
        ("zh", "上线", "对方关闭了连接（FIN）"),
    ] {
        let server = listener();
        let to_addr = server.local_addr().unwrap().to_string();
        let options = format!("--both --encoding=gbk {save} --lang={lang}");
        let mut command = command(&words(&format!("assist --to {to_addr} {options}")));
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped());
        let child = command.spawn().unwrap();
        let (mut stream, _) = server.accept().unwrap();
        stream.write_all(b"\xc4\xe3\xba\x1b[2J").unwrap();
        drop(stream);
        // It ends with its connection.
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(!text.contains('\x1b'));
        says(&text, &[online, offline, "#1", &to_addr, "[2J"]);
        says(&text, &["c4 e3 ba 1b 5b 32 4a", "GBK: 你", "UTF-8: "]);
        assert!(fs::read_to_string(&log).unwrap().ends_with(&text));
    }
    let saved = fs::read_to_string(&log).unwrap();
    assert_eq!(saved.matches("c4 e3 ba").count(), 2);
}

#[test]
fn another_encoding_prints_the_last_rows_again() {
    let server = listener();
    let to = server.local_addr().unwrap().to_string();
    let mut command = command(&["assist", "--to", &to, "--encoding=gbk", "--lang=en"]);
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (mut stream, _) = server.accept().unwrap();
    let mut rows = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut row = || rows.next().unwrap().unwrap();
    says(&row(), &["online"]);
    for _ in 0..20 {
        stream.write_all(b"x").unwrap();
        says(&row(), &["x | 78"]);
    }
    stream.write_all("你好".as_bytes()).unwrap();
    says(&row(), &["浣犲ソ |"]);
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"/encoding utf-8\n").unwrap();
    says(&row(), &["the last 20 rows", "UTF-8"]);
    let again = [(); 20].map(|()| row());
    assert_eq!(again.iter().filter(|it| it.ends_with("x | 78")).count(), 19);
    says(&again[19], &["你好 | e4"]);
    stdin.write_all(b"/both\n").unwrap();
    says(&row(), &["UTF-8+GBK"]);
    let again = [(); 20].map(|()| row());
    says(&again[19], &["UTF-8: 你好 | GBK: 浣犲ソ | e4"]);
    drop(stream);
    says(&row(), &["the peer closed"]);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_port_that_an_ended_connection_holds_is_refused_with_the_time_to_wait() {
    // A server without SO_REUSEADDR that closes first.
    let server = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    server.bind(&any.into()).unwrap();
    server.listen(1).unwrap();
    let addr = server.local_addr().unwrap().as_socket().unwrap();
    let client = TcpStream::connect(addr).unwrap();
    drop(server.accept().unwrap());
    drop((client, server));
    // At its limit, the kernel keeps no further connections in TIME-WAIT.
    if time_wait::has_room() {
        let addr = addr.to_string();
        let en = refused(&["assist", &addr]);
        says(&en, &["TIME-WAIT", "another", &addr]);
        let zh = refused(&["assist", "--lang=zh", &addr]);
        says(&zh, &["TIME-WAIT", "还要", &addr]);
    }
}

#[test]
fn what_cannot_run_is_refused_with_the_reason_and_the_remedy() {
    let taken = listener();
    let taken = taken.local_addr().unwrap().to_string();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let udp = format!("udp://{}", udp.local_addr().unwrap());
    let pid = std::process::id().to_string();
    let kill = format!("kill {pid}");
    for (arguments, parts) in [
        (
            &*taken,
            &[
                &taken,
                "is in use by",
                &pid,
                &kill,
                "portlab assist 127.0.0.1:",
            ][..],
        ),
        (
            &udp,
            &["is in use by", &pid, "portlab assist udp://127.0.0.1:"],
        ),
        ("--encoding=gbx", &["gbx", "\"gbk\""]),
        ("--rule=你好", &["你好", "=>"]),
        ("--rule=contain:x=>y", &["contain:x", "contains:TEXT"]),
        ("--rule=any=>{tme}", &["{tme}", "{time}"]),
        ("--rule=any=>😀 --encoding=gbk", &["😀", "GBK", "utf-8"]),
        ("192.0.2.1:0", &["192.0.2.1", "address of this machine"]),
        ("udp://192.0.2.1:0", &["192.0.2.1", "this machine"]),
        ("80800", &["80800", "65535"]),
        (
            "8080 --bind=127.0.0.1:8081",
            &["portlab assist 8080 --bind 127.0.0.1"],
        ),
        (
            "--to=127.0.0.1",
            &["127.0.0.1", "65536", "portlab assist --to 127.0.0.1:8080"],
        ),
        ("--save=/no/log.txt", &["/no/log.txt", "mkdir"]),
        ("--replay=/no/log.jsonl", &["/no/log.jsonl"]),
        ("--eol=lfcr", &["lfcr", "none, lf or crlf"]),
    ] {
        let line = format!("assist {arguments}");
        says(&refused(&words(&line)), parts);
    }
    // A port alone, and an address alone.
    let output = portlab(&["assist", "8080", "--bind", "192.0.2.1"]);
    says(&stderr(&output), &["192.0.2.1:8080"]);
}

#[test]
fn in_chinese_errors_of_the_system_are_chinese() {
    let folder = folder("assist-errors");
    let folder = path(&folder);
    let closed = free_addr().to_string();
    let save = |name: &str| format!("--save={folder}{name}");
    for (arguments, said) in [
        (&["192.0.2.1:0"][..], "本机没有这个地址"),
        (&["udp://192.0.2.1:0"], "本机没有这个地址"),
        (&["--to", &closed], "没有程序监听"),
        (&["--to", "a b:80"], "a b"),
        (&["--to", "nosuch.invalid:80"], "查不到主机"),
        (&["0", "--replay", "/no/log.jsonl"], "没有这个文件或文件夹"),
        (&["0", "--replay", folder], "文件夹"),
        (&["0", &save("/no/log")], "没有"),
        (&["0", &save("")], "文件夹"),
    ] {
        let all = [&["assist", "--lang=zh"], arguments].concat();
        let why = refused(&all);
        says(&why, &[said]);
        let why = why.replace(folder, "").replace("nosuch.invalid", "");
        // What remains in English are names, such as `portlab assist --to`.
        let mut english = "error|no |not |file|such|address|ermission|failed".split('|');
        assert!(!english.any(|it| why.contains(it)), "{why}");
    }
    // A typed line is answered the same.
    let (mut running, mut errors) = assist_with_errors("--lang=zh");
    let _client = client(&mut running);
    type_line(&mut running, "/file /no/such");
    let why = errors.next().unwrap().unwrap();
    assert_eq!(
        why,
        "没有执行：无法读文件 \"/no/such\"：没有这个文件或文件夹（系统错误 2）"
    );
    assert!(running.stop().success());
}

#[test]
fn a_flood_that_is_not_read_costs_no_memory_and_every_byte_is_counted() {
    let mut running = assist(&[]);
    let mut client = client(&mut running);
    let flood = vec![b'x'; 1 << 20];
    for _ in 0..64 {
        client.write_all(&flood).unwrap();
    }
    drop(client);
    let status = fs::read_to_string(format!("/proc/{}/status", running.pid())).unwrap();
    let mut lines = status.lines();
    let peak = lines.find_map(|it| it.strip_prefix("VmHWM:")).unwrap();
    let peak_kib: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak_kib < 160 << 10, "{peak_kib} KiB");
    let (mut bytes, mut folded) = (0, 0);
    loop {
        let event = running.event();
        match event["event"].as_str() {
            Some("received") => bytes += event["length"].as_u64().unwrap(),
            Some("folded") => {
                bytes += event["length"].as_u64().unwrap();
                folded += event["times"].as_u64().unwrap();
            }
            _ => break assert_eq!(event["event"], "offline"),
        }
    }
    assert_eq!(bytes, 64 << 20);
    assert!(folded > 0);
    running.signal(Signal::INT);
    assert!(running.child.wait().unwrap().success());
}
