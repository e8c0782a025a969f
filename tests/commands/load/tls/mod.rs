//! Loads over TLS.

mod refused;
mod servers;

use std::os::unix::net::UnixListener;

use portlab_testkit::Running;
use rustls::{
    ServerConnection, StreamOwned,
    version::{TLS12, TLS13},
};

use self::servers::{Authority, Encrypted, Identity, echo_encrypted, encrypted};
use super::*;

#[test]
fn an_echo_over_tls_is_checked_and_its_handshakes_are_counted() {
    let authority = Authority::new("tls-echo");
    let addr = encrypted(authority.local().config(), echo_encrypted);
    let tls = format!("--tls --ca={}", authority.file);
    let result = fine(addr, &format!("-c=3 --messages=300 {tls}"));
    holds(
        &result,
        json!({
            "messages": 300,
            "every_byte_checked": true,
            "connect_latency_ns/count": 3,
            "handshake_latency_ns/count": 3,
            "tls/version": "TLS 1.3",
            "tls/server_name": "127.0.0.1",
            "tls/verified": true,
            "tls/handshakes": 3,
            "tls/handshakes_resumed": 0,
            "tls/certificate/names": ["localhost", "127.0.0.1"],
            "tls/certificate/self_signed": false,
        }),
    );
    assert!(number(&result, "handshake_latency_ns/p50") > 0.0);
    let text = text(addr, &format!("-c=1 --messages=10 {tls}"), 0);
    has(
        &text,
        &[
            "1 in full, 0 resumed",
            "TLS 1.3",
            "certificate of the server until",
        ],
    );
    // A wrong byte is found as without TLS.
    let addr = encrypted(authority.local().config(), |mut stream| {
        let mut message = [0; 64];
        stream.read_exact(&mut message)?;
        message[5] ^= 1;
        stream.write_all(&message)
    });
    let (result, _) = failed(addr, &format!("-c=1 --messages=10 {tls}"));
    holds(&result, json!({"first_mismatch/offset": 5}));
    // Without TLS, there is nothing to tell.
    let plain = fine(server(echo), "-c=1 --messages=1");
    holds(&plain, json!({"tls": null, "handshake_latency_ns": null}));
}

#[test]
fn both_versions_are_spoken_and_sessions_are_resumed_only_if_asked() {
    let authority = Authority::new("tls-versions");
    for (version, name) in [(&TLS12, "TLS 1.2"), (&TLS13, "TLS 1.3")] {
        let addr = encrypted(authority.local().config_of(version), echo_encrypted);
        let options = format!(
            "-c=2 --messages=40 --per-connection=4 --tls --ca={}",
            authority.file
        );
        let result = fine(addr, &options);
        holds(
            &result,
            json!({"tls/version": name, "tls/handshakes_resumed": 0, "tls/resumption": false}),
        );
        let result = fine(addr, &format!("{options} --tls-resumption=on"));
        assert!(number(&result, "tls/handshakes_resumed") >= 6.0, "{result}");
    }
}

/// A socket that sends one byte at a time.
struct OneByOne(TcpStream);

impl Read for OneByOne {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for OneByOne {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(&bytes[..bytes.len().min(1)])
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn records_may_come_in_any_pieces_and_be_of_any_size() {
    let authority = Authority::new("tls-pieces");
    let config = Arc::new(authority.local().config());
    let ca = &authority.file;
    let addr = server({
        let config = Arc::clone(&config);
        move |stream| {
            stream.set_nodelay(true)?;
            let session = ServerConnection::new(Arc::clone(&config)).unwrap();
            echo_encrypted(StreamOwned::new(session, OneByOne(stream)))
        }
    });
    let options = format!("-c=2 --messages=40 --size=1..2000 --depth=4 --tls --ca={ca}");
    fine(addr, &options);
    let addr = encrypted(authority.local().config(), echo_encrypted);
    for options in [
        "-c=2 --messages=400 --size=1..100KiB --depth=8",
        "-c=1 --messages=4 --size=3MiB --depth=2",
        "-c=2 --messages=60 --size=4KiB --depth=4 --slow-reader=1MiB",
        "-c=1 --messages=4 --size=20 --trickle=0s",
    ] {
        fine(addr, &format!("{options} --tls --ca={ca}"));
    }
}

#[test]
fn what_has_no_answer_arrives_to_the_last_byte_and_the_end_is_announced() {
    let authority = Authority::new("tls-one-way");
    let (sender, arrived) = mpsc::channel();
    let addr = encrypted(authority.local().config(), move |mut stream| {
        let (mut total, mut buffer) = (0, vec![0; 1 << 16]);
        // A read fails if the end comes without close_notify.
        let end = loop {
            match stream.read(&mut buffer) {
                Ok(0) => break Ok(()),
                Ok(length) => total += length as u64,
                Err(error) => break Err(error.kind()),
            }
        };
        let _ = sender.send((total, end));
        stream.conn.send_close_notify();
        stream.flush()
    });
    for options in ["", "--per-connection=50"] {
        let options = format!(
            "-c=2 --messages=200 --size=10KiB --expect=none --tls --ca={} {options}",
            authority.file
        );
        let result = fine(addr, &options);
        let made = number(&result, "connections_made") as usize;
        let came: Vec<_> = (0..made)
            .map(|_| arrived.recv_timeout(PATIENCE).unwrap())
            .collect();
        assert!(came.iter().all(|(_, end)| *end == Ok(())), "{came:?}");
        let total: u64 = came.iter().map(|(total, _)| total).sum();
        assert_eq!(total as f64, number(&result, "bytes_sent"));
    }
}

#[test]
fn an_answer_that_ends_with_its_connection_may_be_cut_without_close_notify() {
    let authority = Authority::new("tls-close");
    for (announced, cut) in [(true, 0), (false, 5)] {
        let addr = encrypted(authority.local().config(), move |mut stream| {
            stream.read_exact(&mut [0; 64])?;
            stream.write_all(b"all of it")?;
            if announced {
                stream.conn.send_close_notify();
                stream.flush()?;
            }
            Ok(())
        });
        let options = format!(
            "-c=1 --messages=5 --expect=close --tls --ca={}",
            authority.file
        );
        let result = fine(addr, &options);
        holds(
            &result,
            json!({
                "messages": 5,
                "tls/answers_without_close_notify": cut,
                "first_answer": "all of it",
            }),
        );
    }
    // So may an answer of HTTP without a length.
    let addr = encrypted(authority.local().config(), |stream| {
        let (mut lines, mut line) = (BufReader::new(stream), String::new());
        while line != "\r\n" {
            line.clear();
            lines.read_line(&mut line)?;
        }
        lines
            .get_mut()
            .write_all(b"HTTP/1.0 200 OK\r\n\r\nall of it")
    });
    let (url, ca) = (
        format!("https://{addr}"),
        format!("--ca={}", authority.file),
    );
    let result = json(&portlab(&["load", &url, "--json", "-c=1", "-n=5", &ca]));
    holds(
        &result,
        json!({"errors": 0, "tls/answers_without_close_notify": 5}),
    );
}

#[test]
fn a_greeting_comes_even_if_it_is_in_the_last_bytes_of_the_handshake() {
    let authority = Authority::new("tls-greeting");
    for version in [&TLS12, &TLS13] {
        let addr = encrypted(authority.local().config_of(version), |mut stream| {
            // The client's last bytes of the handshake are read, and the answer to them has the greeting behind it.
            while stream.conn.is_handshaking() {
                stream.conn.read_tls(&mut stream.sock)?;
                stream
                    .conn
                    .process_new_packets()
                    .map_err(io::Error::other)?;
                if stream.conn.is_handshaking() {
                    while stream.conn.wants_write() {
                        stream.conn.write_tls(&mut stream.sock)?;
                    }
                }
            }
            stream.conn.writer().write_all(b"220 ready\r\n")?;
            echo_encrypted(stream)
        });
        let options = format!(
            r"-c=2 --messages=20 --greeting=until:\r\n --tls --ca={}",
            authority.file
        );
        fine(addr, &options);
    }
}

#[test]
fn protocols_are_offered_and_the_agreed_one_is_reported() {
    let authority = Authority::new("tls-alpn");
    let mut config = authority.local().config();
    config.alpn_protocols = vec![b"h2".into(), b"http/1.1".into()];
    let addr = encrypted(config, echo_encrypted);
    let tls = format!("-c=1 --messages=1 --tls --ca={}", authority.file);
    for (offer, agreed) in [
        ("--alpn=http/1.1", json!("http/1.1")),
        ("--alpn=x,http/1.1", json!("http/1.1")),
        ("", json!(null)),
    ] {
        let result = fine(addr, &format!("{tls} {offer}"));
        holds(&result, json!({"tls/alpn": agreed}));
    }
    let said = unable(addr, &format!("{tls} --alpn=http/1.0"));
    has(&said, &["no_application_protocol (120)", "--alpn"]);
}

/// Answers each request of HTTP, and announces the end after the last one of the connection, which stays open.
fn web(answer: &'static [u8], last: bool) -> impl Fn(Encrypted) -> io::Result<()> + Clone {
    move |stream| {
        let mut lines = BufReader::new(stream);
        let mut line = String::new();
        while lines.read_line(&mut line)? > 0 {
            if line == "\r\n" {
                let stream = lines.get_mut();
                stream.write_all(answer)?;
                if last {
                    stream.conn.send_close_notify();
                    stream.flush()?;
                }
            }
            line.clear();
        }
        Ok(())
    }
}

#[test]
fn a_url_of_https_is_loaded_and_a_port_with_http_2_alone_says_so() {
    let authority = Authority::new("tls-https");
    let ca = format!("--ca={}", authority.file);
    let get = |addr: SocketAddr, options: &[&str]| {
        let url = format!("https://localhost:{}/x", addr.port());
        portlab(&[&["load", &url, "--json", "-c=2", "-n=20", &ca], options].concat())
    };
    let sized = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let mut config = authority.local().config();
    config.alpn_protocols = vec![b"h2".into(), b"http/1.1".into()];
    let output = get(encrypted(config, web(sized, false)), &[]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    holds(
        &json(&output),
        json!({"tls/alpn": "http/1.1", "tls/server_name": "localhost", "errors": 0}),
    );
    // The end is announced, and no FIN follows.
    let ends = encrypted(
        authority.local().config(),
        web(b"HTTP/1.0 200 OK\r\n\r\nall", true),
    );
    let output = get(ends, &["--timeout=60s"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    holds(&json(&output), json!({"messages": 20, "errors": 0}));

    let mut config = authority.local().config();
    config.alpn_protocols = vec![b"h2".into()];
    let alone = encrypted(config, web(sized, false));
    for (options, part) in [
        (&[][..], "a port that speaks only HTTP/2"),
        (&["--alpn=h2"], "portlab speaks HTTP/1.1"),
    ] {
        let output = get(alone, options);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        has(&stderr(&output), &[part]);
    }
}

#[test]
fn a_socket_in_the_file_system_and_a_proxy_carry_tls_too() {
    let authority = Authority::new("tls-unix");
    let config = Arc::new(authority.local().config());
    let path = folder("tls-socket").join("s");
    let listener = UnixListener::bind(&path).unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let session = ServerConnection::new(Arc::clone(&config)).unwrap();
            thread::spawn(move || echo_encrypted(StreamOwned::new(session, stream)));
        }
    });
    let target = format!("unix:{}", path.display());
    let ca = format!("--ca={}", authority.file);
    let load = ["load", &target, "-c=2", "--messages=50", "--tls", &ca];
    let output = portlab(&load);
    assert_eq!(output.status.code(), Some(0), "{output:?}");

    let addr = encrypted(authority.local().config(), echo_encrypted);
    let options = format!("-c=2 --messages=50 --tls {ca} --through=slicer=3");
    fine(addr, &options);
}

/// Carries bytes between an encrypted connection and a plain one to `to`, until either ends.
fn relay(mut outside: Encrypted, to: SocketAddr) -> io::Result<()> {
    let mut inside = TcpStream::connect(to)?;
    outside.flush()?;
    let wait = Some(Duration::from_millis(1));
    outside.sock.set_read_timeout(wait)?;
    inside.set_read_timeout(wait)?;
    let mut buffer = [0; 4096];
    loop {
        match outside.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => inside.write_all(&buffer[..length])?,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        match inside.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => outside.write_all(&buffer[..length])?,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

#[test]
fn members_of_a_chat_may_be_encrypted() {
    let authority = Authority::new("tls-chat");
    let chat = Running::serve(&["--service=chat"]);
    let to = chat.addr;
    let addr = encrypted(authority.local().config(), move |stream| relay(stream, to));
    let options = format!(
        "--script=chat -c=4 --rooms=2 --messages=40 --tls --ca={}",
        authority.file
    );
    let result = fine(addr, &options);
    holds(&result, json!({"violations": 0, "tls/handshakes": 4}));
}
