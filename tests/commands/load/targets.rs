//! Where a load goes: several targets, and sockets in the file system.

use std::os::{
    linux::net::SocketAddrExt,
    unix::net::{self, UnixListener},
};

use super::*;

/// Answers each request of HTTP: one of `path` at this server's own port with 200, another one with 404.
fn web(path: &'static str) -> SocketAddr {
    let listener = listener();
    let addr = listener.local_addr().unwrap();
    let own = format!("GET {path} HTTP/1.1\r\nHost: {addr}\r\n");
    server_at(listener, move |mut stream| {
        answer(&mut stream, &own)?;
        swallow(stream)
    })
}

/// Answers the requests of HTTP that come from `stream`: with 200 if they begin with `own`.
fn answer(stream: &mut (impl Read + Write), own: &str) -> io::Result<()> {
    let mut request = String::new();
    let mut byte = [0];
    while stream.read(&mut byte)? > 0 {
        request.push(byte[0] as char);
        if request.ends_with("\r\n\r\n") {
            let status = if request.starts_with(own) { 200 } else { 404 };
            write!(stream, "HTTP/1.1 {status} x\r\nContent-Length: 0\r\n\r\n")?;
            request.clear();
        }
    }
    Ok(())
}

/// The result of a run without errors.
#[track_caller]
fn result(targets: &str, options: &str) -> Value {
    let output = portlab(&words(&format!("load {targets} --json {options}")));
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    json(&output)
}

#[test]
fn several_targets_have_their_own_figures() {
    let wrong = |piece: &mut [u8], _| {
        piece[0] ^= 1;
        true
    };
    let (one, other) = (server(echo), server(echo_changed(wrong)));
    let text = format!("load {one} {other} -c=4 --json --messages=40 --max-errors=1000");
    let result = json(&portlab(&words(&text)));
    let targets = &result["targets"];
    assert_eq!(targets[0]["target"], one.to_string());
    holds(&targets[0], json!({"errors": 0, "unanswered": 0}));
    let messages = [0, 1].map(|at| number(&targets[at], "messages"));
    assert_eq!(messages.iter().sum::<f64>(), number(&result, "messages"));
    assert!(messages[0] > 0.0, "{targets}");
    assert!(number(&targets[1], "errors") > 0.0, "{targets}");
}

#[test]
fn each_url_is_requested_from_its_own_server() {
    let targets = format!("http://{}/a http://{}/longer", web("/a"), web("/longer"));
    for options in ["-c=3", "-c=4 --depth=4 --threads=2", "-c=2 --think=1ms"] {
        let found = result(&targets, &format!("--messages=40 {options}"));
        holds(&found, json!({"messages": 40, "errors": 0}));
        let each = [0, 1].map(|at| number(&found["targets"][at], "messages"));
        assert!(each[0] > 0.0 && each[1] > 0.0, "{each:?}");
    }
}

#[test]
fn a_server_behind_a_socket_in_the_file_system_is_requested_with_http() {
    let path = folder("unix-http").join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || answer(&mut stream, "GET /x HTTP/1.1\r\nHost: app\r\n"));
        }
    });
    let options = format!("--unix-socket={} --messages=10 -c=2", path.display());
    let found = result("http://app/x", &options);
    holds(&found, json!({"messages": 10, "statuses/0/count": 10}));
}

#[test]
fn a_socket_in_the_abstract_namespace_is_loaded() {
    let name = format!("portlab-{}", std::process::id());
    let addr = net::SocketAddr::from_abstract_name(&name).unwrap();
    let listener = UnixListener::bind_addr(&addr).unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let answers = stream.try_clone().unwrap();
            thread::spawn(move || io::copy(&mut &stream, &mut &answers));
        }
    });
    let target = format!("unix:@{name}");
    let found = result(&target, "--messages=10 -c=2");
    holds(&found, json!({"messages": 10, "target": target}));
}
