//! `portlab load` against foreign servers, each started here on a port of its own: socat, ncat, Python's
//! http.server, nginx, redis-server. A test whose program isn't installed is ignored, and its name says so;
//! `tests/foreign.sh` installs them where it can, and runs this. And foreign clients in one room of our chat.

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

/// Where `program` is; the path of a user may lack programs of administrators.
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

/// The same at an address that is chosen already.
fn start_at(addr: SocketAddr, program: &str, arguments: &[&str]) -> Foreign {
    let port = addr.port().to_string();
    let mut command = Command::new(find(program).unwrap());
    command.args(arguments.iter().map(|it| it.replace("{port}", &port)));
    Foreign::start(command.stdout(Stdio::null()).stderr(Stdio::null()), addr)
}

/// A folder of a test's own, with a page in it.
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
        "they were not kept: {result}"
    );
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
}

fn nginx() {
    let dir = folder("nginx");
    let root = dir.display();
    let addr = free_addr();
    let port = addr.port();
    // nginx writes into the folder only, and stays in the foreground.
    let config = format!(
        "daemon off; master_process off; pid {root}/pid; error_log {root}/log;
         events {{ worker_connections 64; }}
         http {{ access_log off; client_body_temp_path {root}/1; proxy_temp_path {root}/2;
                 fastcgi_temp_path {root}/3; uwsgi_temp_path {root}/4; scgi_temp_path {root}/5;
                 server {{ listen 127.0.0.1:{port}; root {root}; keepalive_requests 1000000; }} }}"
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

/// A program of the course's kind: speaks GBK, strictly, and shows what it hears.
const SPEAKS_GBK: &str = r#"
import socket, sys, threading
sock = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
def hear():
    rest = b""
    while data := sock.recv(1024):
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            print(line.decode("gbk").strip(), flush=True)
threading.Thread(target=hear, daemon=True).start()
for line in sys.stdin:
    sock.sendall(line.encode("gbk"))
sock.shutdown(socket.SHUT_WR)
"#;

/// `nc` in UTF-8, a Python program in GBK and our own client in Big5, in one room of each of these
/// models: each client shows what the others say.
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
            Client::start("python3", &["-c", SPEAKS_GBK, &port], "gbk", "小明"),
            Client::start(binary(), &connect, "big5", "大明"),
        ];
        for speaker in 0..clients.len() {
            let name = clients[speaker].name;
            clients[speaker].say("大家好，你好");
            for client in clients.iter_mut().filter(|client| client.name != name) {
                let heard = client.hear_of(&format!("{name}: "));
                assert_eq!(
                    heard,
                    format!("{name}: 大家好，你好"),
                    "{model}: {}",
                    client.name
                );
            }
        }
    }
}

/// A foreign client, spoken to in UTF-8 through its input and heard through its output.
struct Client {
    child: Child,
    name: &'static str,
    heard: mpsc::Receiver<String>,
}

impl Client {
    /// Starts it, has it speak `encoding` with the chat, and take `name`.
    fn start(program: &str, arguments: &[&str], encoding: &str, name: &'static str) -> Self {
        let program = find(program).unwrap_or_else(|| program.into());
        let mut command = Command::new(program);
        command.args(arguments).stderr(Stdio::null());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = tie_to_this_thread(&mut command).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap())
            .lines()
            .map_while(Result::ok);
        let (tell, heard) = mpsc::channel();
        thread::spawn(move || lines.try_for_each(|line| tell.send(line)));
        let mut client = Self { child, name, heard };
        client.hear_of("name?");
        client.say(&format!("/encoding {encoding}"));
        client.hear_of("from now on in");
        client.say(name);
        client.hear_of("you are");
        client
    }

    fn say(&mut self, line: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    /// The next line that it shows with `part` in it.
    fn hear_of(&mut self, part: &str) -> String {
        loop {
            let line = self.heard.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("{} never heard {part:?}", self.name));
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
