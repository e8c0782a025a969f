//! Handshakes that fail: what is said about each.

use super::*;

#[test]
fn a_certificate_that_is_not_accepted_is_named_with_what_helps() {
    let authority = Authority::new("tls-refused");
    let other = Authority::new("tls-refused-other");
    let own = Identity::own();
    let own_file = folder("tls-own").join("own.pem");
    fs::write(&own_file, &own.pem).unwrap();
    let trusting = format!("--ca={}", authority.file);
    let local = |identity: &Identity| encrypted(identity.config(), echo_encrypted);
    for (addr, options, parts) in [
        (
            local(&Identity::expired(&authority)),
            &*trusting,
            ["expired at 2002-02-02T00:00:00Z", "--insecure"],
        ),
        (
            local(&authority.issue(&["a.example", "b.example"], |_| {})),
            &trusting,
            ["is for a.example, b.example, not for 127.0.0.1", "--sni"],
        ),
        (
            local(&other.local()),
            &trusting,
            ["root tls-refused-other, is not trusted", "--ca"],
        ),
        (
            local(&own),
            "",
            ["self-signed and not trusted", "--ca FILE"],
        ),
        (local(&own), &trusting, ["self-signed", "--insecure"]),
    ] {
        let said = unable(addr, &format!("-c=2 --messages=1 --tls {options}"));
        has(&said, &["TLS handshake: the "]);
        has(&said, &parts);
        // The run itself says nothing about the server's certificate if none is asked for.
        let result = fine(addr, "-c=2 --messages=2 --tls --insecure");
        holds(&result, json!({"tls/verified": false}));
    }
    // The remedies that are named help.
    let named = local(&authority.issue(&["a.example"], |_| {}));
    let with_name = format!("-c=1 --messages=1 --tls {trusting} --sni=a.example");
    holds(
        &fine(named, &with_name),
        json!({"tls/server_name": "a.example"}),
    );
    let trusts_itself = format!(
        "-c=1 --messages=1 --tls --sni=localhost --ca={}",
        own_file.display()
    );
    fine(local(&own), &trusts_itself);
    // Its name is checked all the same.
    let said = unable(local(&own), &trusts_itself.replace("--sni=localhost", ""));
    has(&said, &["is for localhost, not for 127.0.0.1"]);
}

#[test]
fn a_server_that_asks_for_a_certificate_gets_the_one_that_is_given() {
    let authority = Authority::new("tls-clients");
    let config = authority.local().config_for_clients_of(&authority);
    let addr = encrypted(config, echo_encrypted);
    let dir = folder("tls-client");
    let (cert, key) = (dir.join("cert.pem"), dir.join("key.pem"));
    let client = authority.issue(&["client"], |_| {});
    fs::write(&cert, &client.pem).unwrap();
    fs::write(&key, client.key.serialize_pem()).unwrap();
    let tls = format!("-c=1 --messages=5 --tls --ca={}", authority.file);
    let (result, _) = failed(addr, &tls);
    holds(
        &result,
        json!({
            "failures/0/phase": "receive",
            "failures/0/cause": "the server sent the alert certificate_required (116)",
        }),
    );
    let hint = result["failures"][0]["hint"].as_str().unwrap();
    has(hint, &["--cert FILE --key FILE"]);
    let both = format!("--cert={} --key={}", cert.display(), key.display());
    fine(addr, &format!("{tls} {both}"));
    // A key may be in the certificate's file.
    let pair = dir.join("both.pem");
    fs::write(&pair, client.pem + &client.key.serialize_pem()).unwrap();
    fine(addr, &format!("{tls} --cert={}", pair.display()));
}

#[test]
fn a_port_without_tls_is_recognised_and_never_waited_for_long() {
    let options = "-c=2 --messages=1 --tls --insecure --connect-timeout";
    let web = answering(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    for (addr, parts) in [
        (
            server(web),
            [
                "answers without TLS",
                "leave out --tls",
                "it said \"HTTP/1.1 400",
            ],
        ),
        (server(echo), ["echoes, without TLS", "leave out --tls", ""]),
        (
            server(|mut stream| {
                stream.write_all(b"220 ready\r\n")?;
                swallow(stream)
            }),
            ["answers without TLS", "leave out --tls", "220 ready"],
        ),
        (
            server(|mut stream| stream.read(&mut [0; 1]).map(drop)),
            ["TLS handshake: ", "", ""],
        ),
        (
            server(|mut stream| stream.read(&mut [0; 4096]).map(drop)),
            ["closed the connection during the handshake", "speak", ""],
        ),
        (
            server(swallow),
            ["TLS handshake: timed out", "does this port speak TLS?", ""],
        ),
    ] {
        let timeout = if parts[0].contains("timed out") {
            "300ms"
        } else {
            "60s"
        };
        has(&unable(addr, &format!("{options}={timeout}")), &parts);
    }
    // Connections behind the first ones aren't tried one after the other.
    let many = format!("{options}=300ms").replace("-c=2", "-c=1000");
    has(&unable(server(swallow), &many), &["timed out"]);
}

#[test]
fn a_port_with_tls_is_recognised_without_it() {
    let authority = Authority::new("tls-unasked");
    let addr = encrypted(authority.local().config(), echo_encrypted);
    // Some close without a word if what comes isn't TLS.
    let silent = encrypted(authority.local().config(), |mut stream| {
        if first_byte(&stream.sock)? != 22 {
            return Ok(());
        }
        stream.flush()?;
        echo_encrypted(stream)
    });
    let nginx =
        answering(b"HTTP/1.1 400 Bad Request\r\n\r\nThe plain HTTP request was sent to HTTPS port");
    for (addr, options) in [
        (addr, "-c=2 --messages=10"),
        (addr, r"-c=2 --messages=10 --text=x\n --expect=lines:1"),
        (silent, r"-c=2 --messages=10 --text=x\n --expect=lines:1"),
        (
            server(nginx),
            r"-c=2 --messages=10 --text=GET\n --expect=until:\r\n\r\n",
        ),
    ] {
        let (result, _) = failed(addr, options);
        let hint = result["failures"][0]["hint"].as_str().unwrap();
        has(hint, &["speaks TLS", "--tls"]);
    }
    let waiting = r"-c=2 --messages=10 --greeting=lines:1 --timeout=300ms";
    has(&unable(addr, waiting), &["speaks TLS", "--tls"]);
}

/// The first byte that a client has sent, which stays unread.
fn first_byte(stream: &TcpStream) -> io::Result<u8> {
    let mut first = [0; 1];
    stream.peek(&mut first).map(|_| first[0])
}

#[test]
fn options_of_tls_without_tls_and_files_without_certificates_are_refused() {
    let addr = free_addr();
    let empty = folder("tls-empty").join("empty.pem");
    fs::write(&empty, "").unwrap();
    let empty = empty.display();
    for (options, parts) in [
        ("--insecure", ["--insecure", "add --tls"]),
        ("--sni=x", ["--sni", "add --tls"]),
        ("--tls-resumption=on", ["--tls-resumption", "add --tls"]),
        (
            "--tls --ca=/nonexistent.pem",
            ["/nonexistent.pem", "No such file"],
        ),
        (
            &*format!("--tls --ca={empty}"),
            ["empty.pem", "BEGIN CERTIFICATE"],
        ),
        ("--tls --key=x", ["--cert", ""]),
        (
            "--tls --insecure --sni=a_b\\c",
            ["can't be a server's name", "--sni"],
        ),
        ("--tls --insecure --alpn=", ["--alpn", "http/1.1"]),
    ] {
        has(&unable(addr, options), &parts);
    }
}
