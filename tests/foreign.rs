//! `portlab load` against foreign servers, each started here on a port of its own: socat, ncat, Python's
//! http.server, nginx, redis-server; and other clients in one room of our chat. If a program isn't installed, its test is
//! ignored, and the test's name says so; `tests/foreign.sh` installs the programs if it can, and runs these tests.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
};

use portlab_sys::spawn::tie_to_this_thread;
use portlab_testkit::{Foreign, PATIENCE, binary, free_addr, path, portlab, stderr, trial, words};
use serde_json::Value;

/// The tests, each with the program that it needs.
const TESTS: &[(&str, &str, fn())] = &[
    ("socat", "socat_echoes", socat),
    ("ncat", "ncat_echoes", ncat),
    (
        "python3",
        "python_answers_http_with_keep_alive",
        python_keep_alive,
    ),
    ("python3", "python_answers_http_and_closes", python_closes),
    (
        "python3",
        "python_answers_404_and_that_is_an_error",
        python_answers_404,
    ),
    ("nginx", "nginx_answers_http_with_keep_alive", nginx),
    ("redis-server", "redis_answers_ping", redis),
    (
        "nc",
        "nc_and_python_and_our_client_talk_in_three_encodings",
        three_clients,
    ),
];

fn main() {
    let trials = TESTS.iter().map(|&(program, name, test)| {
        let missing = find(program).is_none();
        let name = match missing {
            true => format!("{name} (skipped: no {program} here)"),
            false => name.to_owned(),
        };
        trial(name, test).with_ignored_flag(missing)
    });
    portlab_testkit::run(trials.collect());
}

/// The file of `program`; the path of a user may lack programs of administrators.
fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let others = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
    let places = env::split_paths(&path).chain(others);
    let mut files = places.map(|place| place.join(program));
    files.find(|file| file.is_file())
}

/// Starts `program` with `arguments`, in which `{port}` stands for a free port.
fn start(program: &str, arguments: &[&str]) -> Foreign {
    start_at(free_addr(), program, arguments)
}

/// Starts `program` as [`start`] does, at `addr`.
fn start_at(addr: SocketAddr, program: &str, arguments: &[&str]) -> Foreign {
    let port = addr.port().to_string();
    let mut command = Command::new(find(program).unwrap());
    command.args(arguments.iter().map(|it| it.replace("{port}", &port)));
    Foreign::start(command.stdout(Stdio::null()).stderr(Stdio::null()), addr)
}

/// A folder for one test, with a page in it.
fn folder(name: &str) -> PathBuf {
    let dir = portlab_testkit::folder(name);
    fs::write(dir.join("index.html"), "<html>hello</html>\n").unwrap();
    dir
}

/// Loads `server`, which must answer `messages` messages.
fn load(server: &Foreign, messages: u64, options: &[&str]) -> Value {
    let all = format!("--messages={messages}");
    let result = server.load(&[&[all.as_str()], options].concat());
    assert_eq!(result["messages"], messages, "{result}");
    result
}

/// Requests `path` from `server`, which must answer `messages` times without an error.
fn request_url(server: &Foreign, path: &str, messages: u64, options: &[&str]) -> Value {
    let (url, all) = (
        format!("http://{}{path}", server.addr),
        format!("--messages={messages}"),
    );
    let output = portlab(&[&["load", &url, "--json", &all], options].concat());
    assert!(output.status.success(), "{options:?}: {output:?}");
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&result["messages"], &result["errors"]),
        (&messages.into(), &0.into())
    );
    result
}

fn socat() {
    let listen = "TCP4-LISTEN:{port},bind=127.0.0.1,fork,reuseaddr,backlog=64";
    let server = start("socat", &[listen, "EXEC:cat"]);
    load(&server, 500, &["-c=5", "--size=3000", "--depth=2"]);
}

fn ncat() {
    let arguments = words("-l 127.0.0.1 {port} --keep-open --exec /bin/cat");
    load(&start("ncat", &arguments), 500, &["-c=5"]);
}

/// Python's server, in a folder with a page.
fn python(name: &str, version: &str) -> Foreign {
    let dir = folder(name);
    let arguments = words("-m http.server {port} --bind=127.0.0.1 --protocol");
    let rest = [version, "--directory", path(&dir)];
    start("python3", &[&arguments[..], &rest].concat())
}

fn python_keep_alive() {
    let server = python("keep-alive", "HTTP/1.1");
    let request = "--text=GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n";
    let result = load(
        &server,
        150,
        &["-c=3", request, "--expect=until:</html>\\n"],
    );
    assert_eq!(
        result["connections_made"], 3,
        "the connections were not kept open: {result}"
    );
    let result = request_url(&server, "/", 150, &["-c=3", "--expect=contains:hello"]);
    assert_eq!(result["connections_made"], 3, "{result}");
}

fn python_closes() {
    let server = python("closes", "HTTP/1.0");
    let request = "--text=GET / HTTP/1.0\\r\\n\\r\\n";
    load(&server, 90, &["-c=3", request, "--expect=close"]);
}

fn python_answers_404() {
    let server = python("answers-404", "HTTP/1.0");
    let addr = server.addr.to_string();
    let request = "--text=GET /none HTTP/1.0\\r\\n\\r\\n";
    let options = ["--json", "-c=2", "--messages=20", "--expect=close", request];
    let output = portlab(&[&["load", addr.as_str()], &options[..]].concat());
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert_eq!(
        (&result["error_answers"], &result["messages"]),
        (&20.into(), &20.into())
    );
    assert_eq!(result["first_lines"][0]["error"], "status 404");
    request_url(&server, "/none", 20, &["-c=2", "--expect-status=404"]);
    request_url(&server, "/", 20, &["-c=2"]);
}

fn nginx() {
    let dir = folder("nginx");
    let root = dir.display();
    let addr = free_addr();
    let port = addr.port();
    // nginx writes into this folder only, and runs in the foreground.
    let config = format!(
        "daemon off; master_process off; pid {root}/pid; error_log {root}/log;
         events {{ worker_connections 64; }}
         http {{ access_log off; client_body_temp_path {root}/1; proxy_temp_path {root}/2;
                 fastcgi_temp_path {root}/3; uwsgi_temp_path {root}/4; scgi_temp_path {root}/5;
                 server {{ listen 127.0.0.1:{port}; root {root}; keepalive_requests 1000000;
                          location /few {{ keepalive_requests 100; alias {root}/index.html; }}
                          location /else {{ return 302 /; }} }} }}"
    );
    let file = dir.join("nginx.conf");
    fs::write(&file, config).unwrap();
    let server = start_at(addr, "nginx", &["-c", path(&file)]);
    let request = "--text=HEAD / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n";
    load(
        &server,
        2000,
        &["-c=4", request, "--expect=until:\\r\\n\\r\\n"],
    );
    // It closes a connection after 100 requests, and says so.
    let result = request_url(&server, "/few", 1000, &["-c=2", "--expect=contains:hello"]);
    let made = result["connections_made"].as_u64().unwrap();
    assert!((10..=12).contains(&made), "{result}");
    let result = request_url(&server, "/else", 100, &["-c=2", "--depth=4"]);
    assert_eq!(result["redirect"]["status"], 302, "{result}");
    request_url(&server, "/", 100, &["-c=2", "--method=HEAD"]);
    let missing = ["-c=2", "--expect-status=404"];
    request_url(&server, "/missing", 100, &missing);
}

fn redis() {
    let arguments = ["--port", "{port}", "--bind", "127.0.0.1", "--save", ""];
    let server = start("redis-server", &arguments);
    let options = ["-c=5", "--text=PING\\r\\n", "--expect=until:\\r\\n"];
    let result = load(&server, 5_000, &options);
    let all = 5_000 * "+PONG\r\n".len();
    assert_eq!(
        result["bytes_received"], all,
        "an answer was not +PONG: {result}"
    );
}

/// A client as the course writes it: it sends and receives GBK with Python's strict codec, and prints what it receives.
const GBK_CLIENT: &str = r#"
import socket, sys, threading
sock = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
def receive():
    rest = b""
    while data := sock.recv(1024):
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            print(line.decode("gbk").strip(), flush=True)
threading.Thread(target=receive, daemon=True).start()
for line in sys.stdin:
    sock.sendall(line.encode("gbk"))
sock.shutdown(socket.SHUT_WR)
"#;

/// `nc` in UTF-8, a Python program in GBK and `portlab connect` in Big5, in one room of each of these
/// models: each client prints the lines of the others.
fn three_clients() {
    if find("python3").is_none() {
        return;
    }
    for model in ["threads", "fork", "event-loop", "tasks"] {
        let options = [format!("--model={model}"), "--service=chat".to_owned()];
        let server = portlab_lab::Server::start(Path::new(binary()), options).unwrap();
        let (addr, port) = (server.addr().to_string(), server.addr().port().to_string());
        let connect = ["connect", &addr, "--encoding", "big5"];
        let mut clients = [
            Client::start("nc", &["127.0.0.1", &port], "utf-8", "阿明"),
            Client::start("python3", &["-c", GBK_CLIENT, &port], "gbk", "小明"),
            Client::start(binary(), &connect, "big5", "大明"),
        ];
        for speaker in 0..clients.len() {
            let name = clients[speaker].name;
            clients[speaker].send("大家好，你好");
            for client in clients.iter_mut().filter(|client| client.name != name) {
                let line = client.wait_for_line(&format!("{name}: "));
                assert_eq!(
                    line,
                    format!("{name}: 大家好，你好"),
                    "{model}: {}",
                    client.name
                );
            }
        }
    }
}

/// A client that another program is: the test writes UTF-8 to its stdin and reads its stdout.
struct Client {
    child: Child,
    name: &'static str,
    lines: mpsc::Receiver<String>,
}

impl Client {
    /// Starts the program, and sets its encoding in the chat and its name.
    fn start(program: &str, arguments: &[&str], encoding: &str, name: &'static str) -> Self {
        let program = find(program).unwrap_or_else(|| program.into());
        let mut command = Command::new(program);
        command.args(arguments).stderr(Stdio::null());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = tie_to_this_thread(&mut command).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap())
            .lines()
            .map_while(Result::ok);
        let (sender, received) = mpsc::channel();
        thread::spawn(move || lines.try_for_each(|line| sender.send(line)));
        let mut client = Self {
            child,
            name,
            lines: received,
        };
        client.wait_for_line("name?");
        client.send(&format!("/encoding {encoding}"));
        client.wait_for_line("from now on in");
        client.send(name);
        client.wait_for_line("you are");
        client
    }

    fn send(&mut self, line: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    /// The next line on its stdout that contains `part`.
    fn wait_for_line(&mut self, part: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("{} has not received {part:?}", self.name));
            if line.contains(part) {
                return line.trim_end().to_owned();
            }
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
