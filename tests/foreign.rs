//! `portlab load` against servers that others wrote, each started here on a port of its own:
//! socat, ncat, Python's http.server, nginx, redis-server. What isn't installed is ignored, and says
//! so; `tests/foreign.sh` installs them where it can, and runs this. And the other way round: clients
//! that others wrote, in one room of our chat.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::{
    env, fs,
    io::{self, BufRead, Write},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    thread,
    time::Duration,
};

use libtest_mimic::{Failed, Trial};
use portlab_sys::spawn::tie_to_this_thread;
use portlab_testkit::{Foreign, binary, free_addr};
use serde_json::Value;

/// A server: the program it needs, and the test of it.
const SERVERS: &[(&str, &str, Test)] = &[
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
        python_says_no,
    ),
    ("nginx", "nginx_answers_http_with_keep_alive", nginx),
    ("redis-server", "redis_answers_ping", redis),
    (
        "nc",
        "nc_and_python_and_our_client_talk_in_three_encodings",
        three_clients,
    ),
];

type Test = fn() -> Result<(), Failed>;

fn main() {
    let trials = SERVERS.iter().map(|(program, name, test)| {
        let missing = find(program).is_none();
        let name = match missing {
            true => format!("{name} (skipped: no {program} here)"),
            false => (*name).to_owned(),
        };
        Trial::test(name, *test).with_ignored_flag(missing)
    });
    portlab_testkit::run(trials.collect());
}

/// Where `program` is; administrators' programs aren't on everybody's path.
fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let others = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
    let places = env::split_paths(&path).chain(others);
    places
        .map(|place| place.join(program))
        .find(|file| file.is_file())
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

fn told(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}\n{}", text(&output.stdout), text(&output.stderr))
}

/// A folder of a test's own, with a page in it.
fn folder(name: &str) -> PathBuf {
    let dir = portlab_testkit::folder(name);
    fs::write(dir.join("index.html"), "<html>hello</html>\n").unwrap();
    dir
}

fn check(result: &Value, messages: u64) -> Result<(), Failed> {
    if result["messages"] == messages {
        Ok(())
    } else {
        Err(format!("{messages} messages were expected: {result}").into())
    }
}

fn socat() -> Result<(), Failed> {
    let listen = "TCP4-LISTEN:{port},bind=127.0.0.1,fork,reuseaddr,backlog=64";
    let server = start("socat", &[listen, "EXEC:cat"]);
    check(
        &server.load(&["-c=5", "--messages=500", "--size=3000", "--depth=2"]),
        500,
    )
}

fn ncat() -> Result<(), Failed> {
    let arguments = [
        "-l",
        "127.0.0.1",
        "{port}",
        "--keep-open",
        "--exec",
        "/bin/cat",
    ];
    let server = start("ncat", &arguments);
    check(&server.load(&["-c=5", "--messages=500"]), 500)
}

/// Python's server, in a folder with a page.
fn python(name: &str, version: &str) -> Foreign {
    let dir = folder(name);
    let dir = dir.display().to_string();
    let arguments = [
        "-m",
        "http.server",
        "{port}",
        "--bind=127.0.0.1",
        "--directory",
        &dir,
    ];
    start(
        "python3",
        &[&arguments[..], &["--protocol", version]].concat(),
    )
}

fn python_keep_alive() -> Result<(), Failed> {
    let server = python("keep-alive", "HTTP/1.1");
    let request = "--text=GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n";
    let result = server.load(&[
        "-c=3",
        "--messages=150",
        request,
        "--expect=until:</html>\\n",
    ]);
    if result["connections_made"] != 3 {
        return Err(format!("the connections were not kept: {result}").into());
    }
    check(&result, 150)
}

fn python_closes() -> Result<(), Failed> {
    let server = python("closes", "HTTP/1.0");
    let request = "--text=GET / HTTP/1.0\\r\\n\\r\\n";
    check(
        &server.load(&["-c=3", "--messages=90", request, "--expect=close"]),
        90,
    )
}

fn python_says_no() -> Result<(), Failed> {
    let server = python("says-no", "HTTP/1.0");
    let mut command = Command::new(binary());
    command.args(["load", &server.addr.to_string(), "--json", "-c=2"]);
    command.args(["--messages=20", "--expect=close"]);
    let output = command
        .arg("--text=GET /none HTTP/1.0\\r\\n\\r\\n")
        .output()?;
    let result: Value = serde_json::from_slice(&output.stdout).map_err(|_| told(&output))?;
    let found = result["error_answers"] == 20 && output.status.code() == Some(1);
    match found && result["first_lines"][0]["error"] == "status 404" {
        true => check(&result, 20),
        false => Err(told(&output).into()),
    }
}

fn nginx() -> Result<(), Failed> {
    let dir = folder("nginx");
    let root = dir.display();
    let addr = free_addr();
    let port = addr.port();
    // It drops what it writes and where it writes into the folder, and stays in the foreground.
    let config = format!(
        "daemon off; master_process off; pid {root}/pid; error_log {root}/log;
         events {{ worker_connections 64; }}
         http {{ access_log off; client_body_temp_path {root}/1; proxy_temp_path {root}/2;
                 fastcgi_temp_path {root}/3; uwsgi_temp_path {root}/4; scgi_temp_path {root}/5;
                 server {{ listen 127.0.0.1:{port}; root {root}; keepalive_requests 1000000; }} }}"
    );
    let file = dir.join("nginx.conf");
    fs::write(&file, config)?;
    let file = file.display().to_string();
    // Its port stands in its file.
    let server = start_at(addr, "nginx", &["-c", &file]);
    let request = "--text=HEAD / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n";
    let expect = "--expect=until:\\r\\n\\r\\n";
    check(
        &server.load(&["-c=4", "--messages=2000", request, expect]),
        2000,
    )
}

fn redis() -> Result<(), Failed> {
    let arguments = ["--port", "{port}", "--bind", "127.0.0.1", "--save", ""];
    let server = start("redis-server", &arguments);
    let result = server.load(&[
        "-c=5",
        "--messages=5k",
        "--text=PING\\r\\n",
        "--expect=until:\\r\\n",
    ]);
    if result["bytes_received"] != 5_000 * "+PONG\r\n".len() {
        return Err(format!("not every answer was +PONG: {result}").into());
    }
    check(&result, 5_000)
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
/// models: everybody reads what the others say.
fn three_clients() -> Result<(), Failed> {
    if find("python3").is_none() {
        return Ok(());
    }
    for model in ["threads", "fork", "event-loop", "tasks"] {
        let program = std::path::Path::new(binary());
        let options = [format!("--model={model}"), "--service=chat".to_owned()];
        let server = portlab_lab::Server::start(program, options)?;
        let (addr, port) = (server.addr().to_string(), server.addr().port().to_string());
        let mut clients = [
            Client::start("nc", &["127.0.0.1", &port], "utf-8", "阿明")?,
            Client::start("python3", &["-c", SPEAKS_GBK, &port], "gbk", "小明")?,
            Client::start(
                binary(),
                &["connect", &addr, "--encoding", "big5"],
                "big5",
                "大明",
            )?,
        ];
        for speaker in 0..clients.len() {
            let name = clients[speaker].name;
            clients[speaker].say("大家好，你好")?;
            for (listener, client) in clients.iter_mut().enumerate() {
                if listener != speaker {
                    let heard = client.hear_of(&format!("{name}: "));
                    let heard = heard.map_err(|error| format!("{model}: {error:?}"))?;
                    if heard != format!("{name}: 大家好，你好") {
                        return Err(format!("{model}: {} heard {heard:?}", client.name).into());
                    }
                }
            }
        }
    }
    Ok(())
}

/// A client of somebody's, spoken to in UTF-8 through its input and heard through its output.
struct Client {
    child: Child,
    name: &'static str,
    heard: std::sync::mpsc::Receiver<String>,
}

impl Client {
    /// Starts it, has it speak `encoding` with the chat, and take `name`.
    fn start(
        program: &str,
        arguments: &[&str],
        encoding: &str,
        name: &'static str,
    ) -> Result<Self, Failed> {
        let program = find(program).unwrap_or_else(|| program.into());
        let mut command = Command::new(program);
        command.args(arguments).stderr(Stdio::null());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = tie_to_this_thread(&mut command).spawn()?;
        let lines = io::BufReader::new(child.stdout.take().ok_or("it has no output")?).lines();
        let (tell, heard) = std::sync::mpsc::channel();
        thread::spawn(move || {
            lines
                .map_while(Result::ok)
                .try_for_each(|line| tell.send(line))
        });
        let mut client = Self { child, name, heard };
        client.hear_of("name?")?;
        client.say(&format!("/encoding {encoding}"))?;
        client.hear_of("from now on in")?;
        client.say(name)?;
        client.hear_of("you are")?;
        Ok(client)
    }

    fn say(&mut self, line: &str) -> Result<(), Failed> {
        let input = self.child.stdin.as_mut().ok_or("it has no input")?;
        writeln!(input, "{line}")?;
        Ok(input.flush()?)
    }

    /// The next line that it shows with `part` in it.
    fn hear_of(&mut self, part: &str) -> Result<String, Failed> {
        loop {
            let line = self.heard.recv_timeout(Duration::from_secs(30));
            let line = line.map_err(|_| format!("{} never heard {part:?}", self.name))?;
            if line.contains(part) {
                return Ok(line.trim_end().to_owned());
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
