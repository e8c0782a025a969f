//! The servers of `docs/peers/` can be compared. Each echo server returns every byte, and each web server sends every byte
//! of its files; they still serve after half-closes, resets and a client that doesn't read, and end with status 0. If the
//! program of a peer isn't installed, the peer's test is ignored, and the test's name says so.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{self, ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    path::PathBuf,
    process::Command,
    thread,
    time::Duration,
};

use portlab_sys::{
    meter,
    spawn::{Signal, signal},
};
use portlab_testkit::{Foreign, PATIENCE, folder, free_addr, names, once, root, trial, wait_until};

fn main() {
    let listed = Listed::by_the_script();
    let mut trials = vec![
        trial("the_table_lists_every_peer", table),
        trial("every_peer_explains_its_model", explanations),
    ];
    for name in files().into_keys() {
        let command = listed.commands.get(&name).cloned();
        trials.push(match (command, listed.why_not(&name)) {
            (Some(command), _) => trial(name.clone(), move || match command.contains("{root}") {
                true => web_server(&name, &command),
                false => echo_server(&name, &command),
            }),
            (None, Some(why)) => {
                let title = format!("{name} (skipped: {why})");
                trial(title.clone(), move || panic!("{title}")).with_ignored_flag(true)
            }
            (None, None) => trial(name, || panic!("compare.sh doesn't list it")),
        });
    }
    portlab_testkit::run(trials);
}

/// Checks what every web server must do.
fn web_server(name: &str, command: &str) {
    let root = folder(&format!("{name}-root"));
    let bytes: Vec<u8> = (0..100_000_u32).map(|at| (at * 31 % 251) as u8).collect();
    fs::write(root.join("index.bin"), &bytes).unwrap();
    fs::write(root.with_file_name("secret.bin"), "secret").unwrap();
    // More than the buffers of both sockets hold.
    let large = File::create(root.join("large.bin")).unwrap();
    large.set_len(64 << 20).unwrap();
    let command = command.replace("{root}", root.to_str().unwrap());
    let peer = Peer::start(name, &command);
    let addr = peer.server.addr;

    // On one connection.
    let mut stream = connect(addr);
    for (request, status, body) in [
        ("GET /index.bin", "200", &bytes[..]),
        ("HEAD /index.bin", "200", b""),
        ("GET /index.bin", "200", &bytes),
    ] {
        let (head, came) = asked(&mut stream, request);
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
        let length = head
            .to_ascii_lowercase()
            .contains("content-length: 100000\r\n");
        assert!(length && came == body, "{request}: {head}");
    }
    for target in ["/none.bin", "/../secret.bin", "/%2e%2e/secret.bin"] {
        let (head, body) = asked(&mut connect(addr), &format!("GET {target}"));
        assert!(head.starts_with("HTTP/1.1 4"), "{target}: {head}");
        assert!(!body.ends_with(b"secret"), "{target}: {head}");
    }
    let url = format!("http://{addr}/index.bin");
    let load = [
        "load",
        &url,
        "--messages=400",
        "--connections=20",
        "--plain",
        "--json",
    ];
    let loaded = portlab_testkit::json(&portlab_testkit::portlab(&load));
    assert_eq!(
        (&loaded["messages"], &loaded["errors"]),
        (&400.into(), &0.into())
    );

    let processes = meter::tree(peer.server.pid()).unwrap().len();
    // A client that doesn't read, and clients that reset their connections.
    let mut idle = connect(addr);
    idle.write_all(b"GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    for _ in 0..50 {
        let mut stream = connect(addr);
        stream
            .write_all(b"GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n")
            .unwrap();
        stream.read_exact(&mut [0; 5]).unwrap();
        let socket = socket2::SockRef::from(&stream);
        socket.set_linger(Some(Duration::ZERO)).unwrap();
    }
    assert!(asked(&mut stream, "GET /index.bin").1 == bytes);
    assert!(asked(&mut connect(addr), "GET /index.bin").1 == bytes);
    assert_eq!(meter::tree(peer.server.pid()).unwrap().len(), processes);
    peer.ends_cleanly(Signal::TERM);
    drop(idle);
    Peer::start(&format!("{name}-2"), &command).ends_cleanly(Signal::INT);
}

/// Sends a request without a body, and returns the head and the body of the response, whose length is known.
fn asked(stream: &mut TcpStream, request: &str) -> (String, Vec<u8>) {
    let request = format!("{request} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    let head = String::from_utf8(head).unwrap();
    let lengths = head.lines().filter_map(|line| line.split_once(": "));
    let length = lengths.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length: usize = length
        .map(|(_, length)| length.parse::<usize>().unwrap())
        .sum();
    let mut body = vec![
        0;
        if request.starts_with("HEAD") {
            0
        } else {
            length
        }
    ];
    stream.read_exact(&mut body).unwrap();
    (head, body)
}

/// Checks what every echo server must do.
fn echo_server(name: &str, command: &str) {
    let peer = Peer::start(name, command);
    let addr = peer.server.addr;
    peer.load(&["--messages=400", "--size=1..100000"]);
    peer.load(&["--messages=400", "--size=1", "--depth=5"]);
    peer.load(&["--messages=200", "--per-connection=2", "--reset"]);
    every_byte_is_echoed_after_a_half_close(addr);
    a_client_that_does_not_read_is_not_read(addr);
    a_reset_leaves_other_connections_alone(addr);
    wait_until("the children of closed connections are reaped", || {
        meter::tree(peer.server.pid()).unwrap().len() == 1
    });

    // SIGTERM ends the peer although connections are open, and others have just been closed.
    let clients: Vec<_> = (0..20).map(|_| served(addr)).collect();
    peer.ends_cleanly(Signal::TERM);
    drop(clients);
    Peer::start(&format!("{name}-2"), command).ends_cleanly(Signal::INT);
}

fn every_byte_is_echoed_after_a_half_close(addr: SocketAddr) {
    let stream = connect(addr);
    let bytes: Vec<u8> = (0..300_000_u32).map(|at| (at * 31 % 251) as u8).collect();
    let mut back = Vec::new();
    thread::scope(|scope| {
        scope.spawn(|| {
            (&stream).write_all(&bytes).unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
        });
        (&stream).read_to_end(&mut back).unwrap();
    });
    assert!(back == bytes, "the {} bytes of the echo differ", back.len());
}

/// A server without back-pressure would continue to read, and store all bytes in its memory.
fn a_client_that_does_not_read_is_not_read(addr: SocketAddr) {
    // More than the buffers of both sockets hold.
    const TOO_MUCH: usize = 64 << 20;
    let mut stream = connect(addr);
    let brief = Some(Duration::from_millis(500));
    stream.set_write_timeout(brief).unwrap();
    let (chunk, mut sent) = ([b'x'; 64 << 10], 0);
    loop {
        match stream.write(&chunk) {
            Ok(length) => sent += length,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => panic!("{error} after {sent} bytes"),
        }
        assert!(sent < TOO_MUCH, "the server read {sent} bytes");
    }
    stream.shutdown(Shutdown::Write).unwrap();
    let back = io::copy(&mut stream, &mut io::sink()).unwrap();
    assert_eq!(back, sent as u64);
}

fn a_reset_leaves_other_connections_alone(addr: SocketAddr) {
    let mut bystander = served(addr);
    for _ in 0..50 {
        let mut stream = connect(addr);
        // The client resets the connection before it has read the answer.
        stream.write_all(&[b'x'; 50_000]).unwrap();
        let socket = socket2::SockRef::from(&stream);
        socket.set_linger(Some(Duration::ZERO)).unwrap();
    }
    exchange(&mut bystander);
    served(addr);
}

fn connect(addr: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Opens a connection, and exchanges one message.
#[track_caller]
fn served(addr: SocketAddr) -> TcpStream {
    let mut stream = connect(addr);
    exchange(&mut stream);
    stream
}

#[track_caller]
fn exchange(stream: &mut TcpStream) {
    let mut back = [0; 5];
    stream.write_all(b"hello").unwrap();
    stream.read_exact(&mut back).unwrap();
    assert_eq!(&back, b"hello");
}

/// A running peer.
struct Peer {
    server: Foreign,
    output: PathBuf,
}

impl Peer {
    /// Starts `command` on a free port.
    fn start(name: &str, command: &str) -> Self {
        let addr = free_addr();
        let output = folder(name).join("output");
        let file = File::create(&output).unwrap();
        let mut shell = Command::new("sh");
        // The peer replaces the shell, and keeps the process id.
        let line = command.replace("{port}", &addr.port().to_string());
        shell.args(["-c", &format!("exec {line}")]);
        shell.current_dir(root());
        shell.stdout(file.try_clone().unwrap()).stderr(file);
        let server = Foreign::start(&mut shell, addr);
        Self { server, output }
    }

    /// Loads the peer over 20 connections; every byte of every answer is checked.
    fn load(&self, options: &[&str]) {
        let all = ["--connections=20", "--warmup=0s", "--plain"];
        self.server.load(&[&all[..], options].concat());
    }

    /// Expects that `ending` ends the peer with status 0 and without output, and that no child is left.
    fn ends_cleanly(mut self, ending: Signal) {
        let tree = meter::tree(self.server.pid()).unwrap().into_iter();
        let processes: Vec<_> = tree.filter_map(|pid| Some((pid, started(pid)?))).collect();
        let sent = signal(&mut self.server.child, ending);
        assert!(
            sent.is_ok(),
            "{sent:?}: {:?}",
            fs::read_to_string(&self.output)
        );
        let status = once(|| self.server.child.try_wait().unwrap().ok_or("the peer runs"));
        let output = fs::read_to_string(&self.output).unwrap();
        assert!(status.success(), "{ending:?}: {status}: {output}");
        wait_until("the children of the peer have ended", || {
            let is_gone = |(pid, time): &(i32, String)| started(*pid).as_ref() != Some(time);
            processes.iter().all(is_gone)
        });
        assert_eq!(output, "", "{ending:?}: the peer wrote to stdout or stderr");
    }
}

/// When process `pid` was started; `None` if it has ended. The time tells a later process with the same number apart.
fn started(pid: i32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit(')').next()?.split_whitespace();
    let state = fields.next()?;
    fields.nth(18).filter(|_| state != "Z").map(str::to_owned)
}

/// The output of `compare.sh --list`.
struct Listed {
    commands: BTreeMap<String, String>,
    stderr: String,
}

impl Listed {
    fn by_the_script() -> Self {
        let mut script = Command::new("bash");
        script.args(["docs/peers/compare.sh", "--list", "--workload=echo,http"]);
        let output = script.current_dir(root()).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "compare.sh --list: {stderr}");
        let text = String::from_utf8(output.stdout).unwrap();
        let pairs = text.lines().map(|line| line.split_once('\t').unwrap());
        Self {
            commands: pairs
                .map(|(name, command)| (name.into(), command.into()))
                .collect(),
            stderr,
        }
    }

    /// Why the script leaves `name` out; `None` if the script doesn't.
    fn why_not(&self, name: &str) -> Option<&str> {
        let start = format!("left out: {name}: ");
        let mut lines = self.stderr.lines();
        lines.find_map(|line| line.strip_prefix(&start))
    }
}

/// The peers: name and file.
fn files() -> BTreeMap<String, String> {
    let others = [
        "Cargo.lock",
        "Cargo.toml",
        "README.md",
        "compare.sh",
        "http",
        "__pycache__",
    ];
    let mut files = names(&root().join("docs/peers"));
    files.retain(|file| !others.contains(&file.as_str()));
    let name = |file: &str| file.split('.').next().unwrap().replace('_', "-");
    let mut files: BTreeMap<_, _> = files.into_iter().map(|file| (name(&file), file)).collect();
    let web = names(&root().join("docs/peers/http"));
    let web = web
        .into_iter()
        .filter(|file| !others.contains(&file.as_str()));
    files.extend(web.map(|file| (name(&file), format!("http/{file}"))));
    files
}

/// The rows of the README's table: the file and the similar model.
fn rows() -> Vec<(String, String)> {
    let page = read("README.md");
    let rows = page.lines().filter(|line| line.starts_with("| [`"));
    rows.map(|row| {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let file = cells[1].split('`').nth(1).unwrap();
        assert_eq!(cells[1], format!("[`{file}`]({file})"));
        (file.to_owned(), cells[3].trim_matches('`').to_owned())
    })
    .collect()
}

fn table() {
    let listed: BTreeSet<_> = rows().into_iter().map(|(file, _)| file).collect();
    assert_eq!(listed, files().into_values().collect());
    let script = read("compare.sh");
    let models = script.lines().find_map(|line| line.strip_prefix("models="));
    let models: Vec<_> = models.unwrap().split(',').collect();
    for (file, model) in rows() {
        assert!(
            models.contains(&&*model),
            "compare.sh doesn't compare {file} with {model}"
        );
    }
    for model in models {
        assert!(portlab_backends::find(model).is_some(), "{model}");
    }
}

fn explanations() {
    for (file, model) in rows() {
        let text = read(&file);
        let model = format!("Similar portlab model: `{model}`");
        let blocks = ["The idea:", &model, "What blocks:"];
        for part in [
            &blocks[..],
            &["What a connection costs:", "What breaks first:"],
        ]
        .concat()
        {
            assert!(text.contains(part), "{file} has no {part:?}");
        }
    }
}

fn read(file: &str) -> String {
    portlab_testkit::read(&format!("docs/peers/{file}"))
}
