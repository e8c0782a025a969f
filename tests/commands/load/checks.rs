//! What is counted and checked, against correct servers and faulty ones.

use std::time::Instant;

use super::*;

#[test]
fn a_foreign_echo_is_loaded_and_every_message_counted() {
    let result = fine(server(echo), "--connections=7 --messages=1000 --depth=3");
    let expected = json!({"messages": 1000, "connected": 7, "latency_ns/count": 1000});
    holds(&result, expected);
    assert!(number(&result, "latency_ns/p50") <= number(&result, "latency_ns/max"));
    assert!(number(&result, "generator_cpu_us_per_message") > 0.0);
}

#[test]
fn messages_larger_than_any_buffer_and_as_small_as_a_byte_are_checked_too() {
    let addr = server(echo);
    for (size, messages) in [("1", 500), ("3MiB", 60), ("65537", 30)] {
        let options = format!("--connections=2 --size={size} --messages={messages} --depth=2");
        holds(&fine(addr, &options), json!({"messages": messages}));
    }
}

#[test]
fn every_thread_gets_its_share_and_none_is_dropped() {
    let result = fine(server(echo), "--connections=10 --threads=3 --messages=1001");
    let expected = json!({"connected": 10, "messages": 1001, "threads": 3});
    holds(&result, expected);
}

#[test]
fn a_run_by_the_clock_leaves_out_its_warm_up() {
    let options = "--connections=2 --duration=300ms --warmup=200ms";
    let began = Instant::now();
    let result = fine(server(echo), options);
    let all = began.elapsed();
    assert!(all >= Duration::from_millis(500), "{all:?}");
    let measured = number(&result, "elapsed_ns");
    assert!(
        measured > 0.0 && measured + 200e6 <= all.as_nanos() as f64,
        "{result}"
    );
    // Two connections may have a message each on its way at either edge.
    let before = number(&result, "answered") - number(&result, "messages");
    assert!(before > 4.0, "a warm-up of {before} messages");
    assert!(number(&result, "bytes_sent") / 64.0 >= number(&result, "answered"));
}

#[test]
fn one_flipped_bit_in_a_megabyte_is_found_and_named_and_fails_the_run() {
    let addr = server(echo_changed(|piece, at| {
        if (at..at + piece.len() as u64).contains(&777_777) {
            piece[(777_777 - at) as usize] ^= 0x10;
        }
        true
    }));
    let (result, said) = failed(addr, "--connections=1 --size=1000 --messages=1000");
    holds(&result, json!({"first_mismatch/offset": 777_777}));
    let byte = |key: &str| result["first_mismatch"][key].as_u64().unwrap();
    assert_eq!(byte("expected") ^ byte("got"), 0x10);
    has(&said, &["connection 0, offset 777777: expected 0x"]);
}

#[test]
fn a_server_that_echoes_too_many_bytes_is_found() {
    let addr = server(|mut stream| {
        let mut buffer = [0; 4096];
        while let length @ 1.. = stream.read(&mut buffer)? {
            stream.write_all(&buffer[..length].repeat(2))?;
        }
        Ok(())
    });
    let (result, _) = failed(addr, "--connections=1 --messages=100");
    holds(&result, json!({"failures/0/phase": "verify"}));
}

#[test]
fn a_server_that_closes_early_is_reported_by_phase_and_the_run_ends() {
    let addr = server(echo_changed(|_, at| at < 5_000));
    let (result, _) = failed(addr, "--connections=4 --messages=1M");
    let expected = json!({"failures/0/phase": "receive", "unanswered": 4});
    holds(&result, expected);
    // Closed, or reset (ECONNRESET), as its unread bytes decide.
    let errno = &result["failures"][0]["errno"];
    assert!(errno.is_null() || errno == 104 || errno == 32, "{result}");
    assert!(number(&result, "messages") > 0.0);
}

#[test]
fn a_server_that_never_answers_is_given_up_after_the_timeout() {
    let options = "--connections=3 --messages=10 --timeout=300ms";
    let (result, _) = failed(server(swallow), options);
    let expected = json!({"messages": 0, "unanswered": 3, "failures/0/cause": "timed out"});
    holds(&result, expected);
}

#[test]
fn a_slow_server_shows_its_slowness_in_the_latency() {
    let addr = server(echo_changed(|_, _| {
        thread::sleep(Duration::from_millis(20));
        true
    }));
    let result = fine(addr, "--connections=2 --messages=20");
    for quantile in ["p50", "p90", "p99", "max"] {
        assert!(number(&result["latency_ns"], quantile) >= 20e6, "{result}");
    }
}

#[test]
fn a_port_without_a_listener_cannot_be_loaded() {
    let said = unable(free_addr(), "--messages=10");
    has(&said, &["refused", "is the server up?"]);
}
