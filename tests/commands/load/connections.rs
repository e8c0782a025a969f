//! How connections are opened, held and closed.

use std::sync::Barrier;

use super::*;

#[test]
fn churn_closes_after_so_many_answers_and_connects_anew() {
    let (sender, ended) = mpsc::channel();
    let addr = server(move |mut stream: TcpStream| {
        let (mut total, mut message) = (0, [0; 64]);
        let how = loop {
            match stream.read(&mut message) {
                Ok(0) => break Ok(()),
                Ok(length) => {
                    total += length;
                    stream.write_all(&message[..length])?;
                }
                Err(error) => break Err(error.kind()),
            }
        };
        let _ = sender.send((total / 64, how));
        Ok(())
    });
    for (option, expected) in [
        ("--threads=2", Ok(())),
        ("--reset", Err(ErrorKind::ConnectionReset)),
    ] {
        let options = format!("-c=4 --messages=400 --per-connection=10 {option}");
        let result = fine(addr, &options);
        let made = result["connections_made"].as_u64().unwrap();
        assert!((40..=44).contains(&made), "{made}");
        let counts = json!({"messages": 400, "connect_latency_ns/count": made});
        holds(&result, counts);
        let of: Vec<_> = (0..made)
            .map(|_| ended.recv_timeout(PATIENCE).unwrap())
            .collect();
        assert!(of.iter().all(|(messages, _)| *messages <= 10), "{of:?}");
        let full = of.iter().filter(|(messages, _)| *messages == 10);
        // The last ones may have been opened for messages that others took.
        assert!(full.clone().count() >= 36, "{of:?}");
        assert!(full.clone().all(|(_, how)| *how == expected), "{of:?}");
    }
}

#[test]
fn a_full_accept_queue_shows_in_the_time_to_connect() {
    let listener = listener_with_backlog(1);
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        // All clients connect, and the queue has room for two.
        wait_until("all connect", || client_ports(addr).len() == 8);
        server_at(listener, echo);
    });
    let output = load(addr, "-c=8 --messages=80 --connect-timeout=30s");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    has(&stderr(&output), &["the server's accept queue was full"]);
    let result = json(&output);
    assert!(number(&result, "connect_latency_ns/max") >= 1e9, "{result}");
    // The latency of messages doesn't contain it.
    holds(&result, json!({"latency_ns/count": 80}));
}

#[test]
fn a_ramp_spreads_the_connections() {
    let result = fine(server(echo), "-c=5 --ramp=400ms --messages=10");
    // The fifth begins after four fifths.
    assert!(number(&result, "connect_phase_ns") >= 320e6, "{result}");
}

#[test]
fn idle_connections_are_held_and_closed_ones_are_reported() {
    let result = fine(server(echo), "-c=7 --idle -d=300ms");
    holds(&result, json!({"alive": 7, "bytes_sent": 0}));

    let all = Arc::new(Barrier::new(7));
    let impatient = server(move |_| {
        all.wait();
        Ok(())
    });
    let (result, _) = failed(impatient, "-c=7 --idle -d=10m");
    holds(
        &result,
        json!({
            "alive": 0,
            "ended": "nobody_left",
            "failures/0/cause": "the server closed an idle connection",
            "failures/0/count": 7,
        }),
    );
}

#[test]
fn a_line_about_idle_connections_says_how_many_are_open() {
    let said = stderr(&plain(server(echo), "-c=3 --idle -d=1100ms --plain"));
    has(&said, &["3 of 3 open"]);
    assert!(!said.contains("p99"), "{said}");
}

#[test]
fn an_idle_load_accepts_any_bytes_and_notices_every_close() {
    let chatty = server(|mut stream| {
        loop {
            stream.write_all(b"ping\r\n")?;
            thread::sleep(Duration::from_millis(20));
        }
    });
    holds(&fine(chatty, "-c=3 --idle -d=300ms"), json!({"alive": 3}));
    // The end comes together with the greeting.
    let full = server(|mut stream| stream.write_all(b"421 too many\r\n"));
    let (result, _) = failed(full, r"-c=3 --idle -d=10m --greeting=until:\r\n");
    holds(&result, json!({"alive": 0, "connected": 3}));
}

#[test]
fn a_port_that_answers_no_handshake_costs_one_timeout_in_all() {
    let listener = listener_with_backlog(0);
    let addr = listener.local_addr().unwrap();
    // Fills the queue: no other handshake is answered.
    let _first = TcpStream::connect(addr).unwrap();
    let to = addr.to_string();
    let options = ["-c=2000", "--connect-timeout=1s", "--messages=1"];
    let mut load = command(&["load", &to]).args(options).spawn().unwrap();
    let mut seen = BTreeSet::new();
    while load.try_wait().unwrap().is_none() {
        seen.append(&mut client_ports(addr));
        thread::sleep(Duration::from_millis(5));
    }
    let output = load.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    has(&stderr(&output), &["timed out"]);
    // At most 64 connect at a time: if each group waited for its own timeout, there would be 32 groups.
    assert!(seen.len() < 5 * 64, "{} connections", seen.len());
}

/// A server that reports the addresses of its clients.
fn telling_peers(bind: &str) -> (SocketAddr, Receiver<IpAddr>) {
    let (sender, peers) = mpsc::channel();
    let addr = server_at(TcpListener::bind(bind).unwrap(), move |stream| {
        let _ = sender.send(stream.peer_addr()?.ip());
        echo(stream)
    });
    (addr, peers)
}

#[test]
fn connections_come_from_the_addresses_that_are_named() {
    let (addr, peers) = telling_peers("127.0.0.1:0");
    fine(addr, "-c=6 --messages=60 --source=127.0.0.2,127.0.0.3");
    let from: BTreeSet<_> = peers.try_iter().map(|peer| peer.to_string()).collect();
    assert_eq!(from, ["127.0.0.2", "127.0.0.3"].map(str::to_owned).into());
    fine(addr, "-c=6 --messages=60 --source=auto");
    let usual = IpAddr::from([127, 0, 0, 1]);
    assert!(peers.try_iter().all(|peer| peer != usual));
}

#[test]
fn ipv6_and_names_are_targets_too() {
    let (addr, peers) = telling_peers("127.0.0.1:0");
    let named = format!("localhost:{}", addr.port());
    let output = portlab(&["load", &named, "-c=1", "--messages=1"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let from = peers.recv_timeout(PATIENCE).unwrap();
    assert_eq!(from, IpAddr::from([127, 0, 0, 1]));
    if TcpListener::bind("[::1]:0").is_err() {
        eprintln!("skipped: this machine has no IPv6");
        return;
    }
    let (addr, peers) = telling_peers("[::1]:0");
    fine(addr, "-c=2 --messages=20");
    assert!(peers.recv_timeout(PATIENCE).unwrap().is_ipv6());
    for (option, part) in [
        ("--source=127.0.0.2", "one is IPv4 and the other IPv6"),
        ("--source=auto", "write addresses"),
    ] {
        has(&unable(addr, option), &[part]);
    }
}

#[test]
fn fairness_reports_the_least_and_the_most_answers() {
    // Every other connection is slow.
    let addr = numbered(|number, stream| {
        let pause = Duration::from_millis(20 * (number % 2));
        echo_changed(move |_, _| {
            thread::sleep(pause);
            true
        })(stream)
    });
    let result = fine(addr, "-c=4 -d=400ms --warmup=0s");
    let fairness = &result["fairness"];
    holds(fairness, json!({"connections": 4}));
    let most_of_a_slow_one = number(&result, "elapsed_ns") / 20e6 + 1.0;
    let least = number(fairness, "least_messages");
    assert!(least <= most_of_a_slow_one, "{fairness}");
    assert!(least < number(fairness, "most_messages"));
    assert!(number(fairness, "jain_index") < 1.0);
}

#[test]
fn a_load_starts_a_proxy_that_ends_with_the_load() {
    let addr = server(echo);
    let options = "-c=2 --messages=20 --through=latency=down:100ms,slicer=up:8,1ms";
    let result = fine(addr, options);
    let faults = "up: slicer 8,1ms; down: latency 100ms";
    let expected = json!({"target": addr.to_string(), "through": faults});
    holds(&result, expected);
    assert!(number(&result, "latency_ns/p50") >= 99e6, "{result}");
    let text = words(&text(addr, options, 0)).join(" ");
    let (_, proxy) = text.split_once("through a proxy at ").unwrap();
    let (proxy, rest) = proxy.split_once(": ").unwrap();
    assert!(rest.starts_with(faults), "{text}");
    let refused = TcpStream::connect(proxy).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn what_a_proxy_does_is_counted_and_an_unknown_fault_is_refused() {
    let addr = server(echo);
    let (result, _) = failed(addr, "-c=1 --messages=20 --through=flip=down:100");
    holds(&result, json!({"failures/0/cause": "wrong byte"}));
    let said = unable(addr, "--through=latency=50ms,latencey=1s");
    has(&said, &["latencey"]);
}
