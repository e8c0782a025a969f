//! How connections come, live and go.

use std::sync::{Arc, Barrier};

use super::*;

#[test]
fn churn_closes_after_so_many_answers_and_connects_anew() {
    let (sender, ended) = mpsc::channel();
    let counted = move |mut stream: TcpStream| {
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
    };
    let addr = server(counted);
    for (options, expected) in [
        (&["--threads=2"][..], Ok(())),
        (&["--reset"], Err(ErrorKind::ConnectionReset)),
    ] {
        let result = fine(
            addr,
            &[&["-c=4", "--messages=400", "--per-connection=10"], options].concat(),
        );
        assert_eq!(result["messages"], 400);
        let made = result["connections_made"].as_u64().unwrap();
        assert!((40..=44).contains(&made), "{made}");
        assert_eq!(result["connect_latency_ns"]["count"], made);
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
fn a_full_accept_queue_shows_as_what_it_is() {
    let listener = listener_with_backlog(1);
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        // All have asked for a connection, and only two found a place in the queue.
        wait_until("all call", || callers(addr).len() == 8);
        server_at(listener, echo);
    });
    let output = load(addr, &["-c=8", "--messages=80", "--connect-timeout=30s"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(
        stderr(&output).contains("the server's accept queue was full"),
        "{output:?}"
    );
    let result = json(&output);
    assert!(
        number(&result["connect_latency_ns"]["max"]) >= 1e9,
        "{result}"
    );
    // It is not mixed up with the latency of messages.
    assert_eq!(result["latency_ns"]["count"], 80);
}

#[test]
fn a_ramp_spreads_the_connections() {
    let addr = server(echo);
    let result = fine(addr, &["-c=5", "--ramp=400ms", "--messages=10"]);
    // The fifth begins after four fifths.
    assert!(number(&result["connect_phase_ns"]) >= 320e6, "{result}");
}

#[test]
fn idle_connections_are_held_and_those_that_die_are_told() {
    let addr = server(echo);
    let result = fine(addr, &["-c=7", "--idle", "-d=300ms"]);
    assert_eq!(
        (&result["alive"], &result["bytes_sent"]),
        (&7.into(), &0.into())
    );

    let all = Arc::new(Barrier::new(7));
    let impatient = server(move |_| {
        all.wait();
        Ok(())
    });
    let output = load(impatient, &["-c=7", "--idle", "-d=10m"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let result = json(&output);
    assert_eq!(
        (&result["alive"], &result["ended"]),
        (&0.into(), &"nobody_left".into())
    );
    assert_eq!(
        result["failures"][0]["cause"],
        "the server closed an idle connection"
    );
    assert_eq!(result["failures"][0]["count"], 7);
}

#[test]
fn a_line_about_idle_connections_says_how_many_are_open() {
    let addr = server(echo).to_string();
    let output = load_with(&[&addr, "-c=3", "--idle", "-d=1100ms", "--plain"]);
    assert!(stderr(&output).contains("3 of 3 open"), "{output:?}");
    assert!(!stderr(&output).contains("p99"), "{output:?}");
}

#[test]
fn an_idle_load_listens_to_whatever_is_said_and_notices_every_end() {
    let chatty = server(|mut stream| {
        loop {
            stream.write_all(b"ping\r\n")?;
            thread::sleep(Duration::from_millis(20));
        }
    });
    assert_eq!(fine(chatty, &["-c=3", "--idle", "-d=300ms"])["alive"], 3);
    // The end comes together with the greeting.
    let full = server(|mut stream| stream.write_all(b"421 too many\r\n"));
    let output = load(
        full,
        &["-c=3", "--idle", "-d=10m", "--greeting=until:\\r\\n"],
    );
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let result = json(&output);
    assert_eq!(
        (&result["alive"], &result["connected"]),
        (&0.into(), &3.into())
    );
}

#[test]
fn a_port_that_swallows_everything_costs_one_timeout_and_not_one_for_each() {
    let listener = listener_with_backlog(0);
    let addr = listener.local_addr().unwrap();
    // Fills the queue: no other connection gets an answer.
    let _first = TcpStream::connect(addr).unwrap();
    let to = addr.to_string();
    let options = ["-c=2000", "--connect-timeout=1s", "--messages=1"];
    let mut load = command(&["load", &to]).args(options).spawn().unwrap();
    let mut seen = BTreeSet::new();
    while load.try_wait().unwrap().is_none() {
        seen.append(&mut callers(addr));
        thread::sleep(Duration::from_millis(5));
    }
    let output = load.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(stderr(&output).contains("timed out"), "{output:?}");
    // At most 64 connect at a time: if each group waited for its own timeout, there would be 32 groups.
    assert!(seen.len() < 5 * 64, "{} connections", seen.len());
}

/// A server that tells where its connections come from.
fn telling_peers(bind: &str) -> (SocketAddr, Receiver<IpAddr>) {
    let (sender, peers) = mpsc::channel();
    let addr = server_at(TcpListener::bind(bind).unwrap(), move |stream| {
        let _ = sender.send(stream.peer_addr()?.ip());
        echo(stream)
    });
    (addr, peers)
}

#[test]
fn connections_come_from_the_addresses_they_are_told_to() {
    let (addr, peers) = telling_peers("127.0.0.1:0");
    fine(
        addr,
        &["-c=6", "--messages=60", "--source=127.0.0.2,127.0.0.3"],
    );
    let from: BTreeSet<_> = peers.try_iter().map(|peer| peer.to_string()).collect();
    assert_eq!(from, ["127.0.0.2", "127.0.0.3"].map(str::to_owned).into());
    fine(addr, &["-c=6", "--messages=60", "--source=auto"]);
    assert!(
        peers
            .try_iter()
            .all(|peer| peer != IpAddr::from([127, 0, 0, 1]))
    );
}

#[test]
fn ipv6_and_names_are_targets_too() {
    let (addr, peers) = telling_peers("127.0.0.1:0");
    let named = format!("localhost:{}", addr.port());
    let output = load_with(&[&named, "-c=1", "--messages=1"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(
        peers.recv_timeout(PATIENCE).unwrap(),
        IpAddr::from([127, 0, 0, 1])
    );
    if TcpListener::bind("[::1]:0").is_err() {
        eprintln!("skipped: this machine has no IPv6");
        return;
    }
    let (addr, peers) = telling_peers("[::1]:0");
    fine(addr, &["-c=2", "--messages=20"]);
    assert!(peers.recv_timeout(PATIENCE).unwrap().is_ipv6());
    let output = load(addr, &["--source=127.0.0.2"]);
    assert!(
        stderr(&output).contains("one is IPv4 and the other IPv6"),
        "{output:?}"
    );
    let output = load(addr, &["--source=auto"]);
    assert!(stderr(&output).contains("name addresses"), "{output:?}");
}

#[test]
fn fairness_tells_the_least_and_the_most_served() {
    // Every other connection is slow.
    let (sender, order) = mpsc::channel();
    (0..100).for_each(|number| sender.send(number).unwrap());
    let order = Arc::new(std::sync::Mutex::new(order));
    let addr = server(move |mut stream| {
        let slow = order.lock().unwrap().recv().unwrap() % 2 == 0;
        let mut message = [0; 64];
        loop {
            stream.read_exact(&mut message)?;
            if slow {
                thread::sleep(Duration::from_millis(20));
            }
            stream.write_all(&message)?;
        }
    });
    let result = fine(addr, &["-c=4", "-d=400ms", "--warmup=0s"]);
    let fairness = &result["fairness"];
    assert_eq!(fairness["connections"], 4);
    let most_of_a_slow_one = number(&result["elapsed_ns"]) / 20e6 + 1.0;
    assert!(
        number(&fairness["least_messages"]) <= most_of_a_slow_one,
        "{fairness}"
    );
    assert!(number(&fairness["least_messages"]) < number(&fairness["most_messages"]));
    assert!(number(&fairness["jain_index"]) < 1.0);
}

#[test]
fn a_load_goes_through_a_proxy_of_its_own_which_ends_with_it() {
    let addr = server(echo);
    let options = words("-c=2 --messages=20 --through=latency=down:100ms,slicer=up:8,1ms");
    let result = fine(addr, &options);
    let faults = "up: slicer 8,1ms; down: latency 100ms";
    assert_eq!(
        (&result["target"], &result["through"]),
        (&addr.to_string().into(), &faults.into())
    );
    assert!(number(&result["latency_ns"]["p50"]) >= 99e6, "{result}");
    let addr = addr.to_string();
    let output = load_with(&[&[addr.as_str()], &options[..]].concat());
    let text = String::from_utf8_lossy(&output.stdout).replace('\n', " ");
    let (_, proxy) = text.split_once("through a proxy at ").unwrap();
    let (proxy, rest) = proxy.split_once(": ").unwrap();
    assert!(
        rest.split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .starts_with(faults),
        "{text}"
    );
    let refused = TcpStream::connect(proxy).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn what_a_proxy_does_is_counted_and_an_unknown_fault_is_refused() {
    let addr = server(echo);
    let output = load(addr, &["-c=1", "--messages=20", "--through=flip=down:100"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(json(&output)["failures"][0]["cause"], "wrong byte");
    let output = load(addr, &["--through=latency=50ms,latencey=1s"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(stderr(&output).contains("latencey"), "{output:?}");
}
