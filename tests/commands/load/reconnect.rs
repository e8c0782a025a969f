//! `portlab load --reconnect`: connections that the server closes are made again.

use portlab_sys::listening::has_listener;

use super::*;

/// Echoes `each` messages of 64 bytes on every connection, then closes it.
fn echo_some(each: u64) -> SocketAddr {
    server(move |mut stream| {
        for _ in 0..each {
            echo_one(&mut stream)?;
        }
        stream.shutdown(std::net::Shutdown::Write)?;
        swallow(stream)
    })
}

#[test]
fn an_outage_is_counted_and_timed_and_the_run_goes_on_after_it() {
    let listener = listener();
    let addr = listener.local_addr().unwrap();
    let away = Duration::from_millis(300);
    thread::spawn(move || {
        let streams: Vec<_> = listener.incoming().take(4).map_while(Result::ok).collect();
        for stream in &streams {
            let mut stream = stream.try_clone().unwrap();
            echo_one(&mut stream).unwrap();
        }
        drop(listener);
        // A process that another test starts may have a copy of the listener for a moment.
        wait_until("the port is closed", || has_listener(addr) != Some(true));
        drop(streams);
        thread::sleep(away);
        server_at(TcpListener::bind(addr).unwrap(), echo);
    });
    let (result, said) = failed(addr, "-c=4 --messages=2000 --warmup=0s --reconnect");
    holds(
        &result,
        json!({
            "reconnect": true, "ended": "done", "outages/count": 1, "outages/each/0/ended": true,
            "outages/each/0/target": addr.to_string(), "outages/messages_lost": 4, "unanswered": 4,
        }),
    );
    // The thread that sleeps may wake late, and the generator may notice the loss late: the bound is wide.
    let outages = &result["outages"];
    assert!(number(outages, "length_ns") > 0.5 * away.as_nanos() as f64);
    assert!(number(&outages["each"][0], "failed_attempts") > 1.0);
    has(&said, &[]);
}

#[test]
fn a_connection_that_ends_while_idle_is_made_again_without_an_error() {
    let addr = echo_some(5);
    let options = "-c=2 --messages=100 --rate=500 --reconnect";
    let result = json(&load(addr, options));
    holds(&result, json!({"outages": null, "ended": "done"}));
    // Messages are due one after the other. If the machine is busy, one may be on its way when the server closes.
    let [errors, lost] = ["errors", "unanswered"].map(|it| number(&result, it));
    assert_eq!(errors, lost, "{result}");
    assert!(
        number(&result, "connections_made") - 2.0 > errors,
        "{result}"
    );
    // Without the option, the run ends when the connections are closed.
    let (result, said) = failed(addr, "-c=2 --messages=100 --rate=500 --reconnect=no");
    holds(&result, json!({"reconnect": false, "ended": "nobody_left"}));
    has(&said, &["--reconnect"]);
}

#[test]
fn a_server_that_closes_before_any_answer_is_tried_ever_more_slowly() {
    let addr = server(|_| Ok(()));
    let (result, _) = failed(addr, "-c=1 -d=500ms --warmup=0s --reconnect");
    // 10, 20, 40 ms ... apart: without the pauses, there would be thousands.
    let made = number(&result, "connections_made");
    assert!((2.0..=8.0).contains(&made), "{made}");
}

#[test]
fn a_server_that_resets_each_connection_is_not_away() {
    let addr = server(|stream| {
        let linger = socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO));
        linger.map(|()| drop(stream))
    });
    let (result, _) = failed(addr, "-c=20 -d=300ms --warmup=0s --reconnect");
    holds(&result, json!({"outages": null, "messages": 0}));
}

#[test]
fn an_outage_that_does_not_end_is_a_failure() {
    let listener = listener();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        drop(listener);
        wait_until("the port is closed", || has_listener(addr) != Some(true));
        echo_one(&mut stream)
    });
    let text = text(addr, "-c=1 -d=500ms --warmup=0s --reconnect --plain", 1);
    has(&text, &["and still when the run ended"]);
}
