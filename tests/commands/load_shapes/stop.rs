//! When a run ends.

use super::*;

#[test]
fn too_many_errors_end_the_run() {
    let addr = server(|_| Ok(()));
    let output = load(
        addr,
        &["--per-connection=1", "-c=2", "--max-errors=20", "-d=10m"],
    );
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let result = json(&output);
    assert_eq!(result["ended"], "too_many_errors");
    // The other connection may be in the middle of failing.
    let errors = number(&result["errors"]);
    assert!((21.0..=23.0).contains(&errors), "{errors}");
}

#[test]
fn errors_while_connecting_leave_what_was_measured_and_who_had_come() {
    let accepted = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let addr = server(move |mut stream| {
        let number = accepted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        // One closes at once, and the others wait.
        if number != 20 {
            let _ = stream.read(&mut [0]);
        }
        Ok(())
    });
    let output = load(addr, &["-c=200", "--ramp=2s", "--max-errors=0"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let result = json(&output);
    assert_eq!(result["ended"], "too_many_errors");
    assert!(number(&result["connected"]) > 10.0, "{result}");
    assert_eq!(result["verdict"]["word"], "no");
    assert_eq!(result["verdict"]["doubts"][0]["name"], "not_measured");
}

#[test]
fn a_lost_message_is_no_reason_to_call_a_run_incomplete() {
    let accepted = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let addr = server(move |mut stream| {
        let mut message = [0; 64];
        stream.read_exact(&mut message)?;
        if accepted.fetch_add(1, std::sync::atomic::Ordering::Relaxed) != 50 {
            stream.write_all(&message)?;
        }
        Ok(())
    });
    let output = load(addr, &["--per-connection=1", "--messages=100", "-c=1"]);
    let result = json(&output);
    assert_eq!(
        (&result["messages"], &result["unanswered"]),
        (&99.into(), &1.into()),
        "{result}"
    );
    assert_eq!(
        result["ended"], "done",
        "all that was to be asked was asked"
    );
}

#[test]
fn what_is_lost_before_measuring_is_not_missed_in_it() {
    let accepted = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let addr = server(move |mut stream| {
        if accepted.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0 {
            return stream.read_exact(&mut [0; 64]);
        }
        echo(stream)
    });
    let output = load(addr, &["-c=2", "--warmup=500ms", "-d=200ms"]);
    let result = json(&output);
    assert_eq!(
        (&result["errors"], &result["unanswered"]),
        (&1.into(), &0.into()),
        "{result}"
    );
}

#[test]
fn a_server_that_dies_ends_the_run_with_the_reason() {
    let addr = server(|mut stream| {
        let mut message = [0; 64];
        for _ in 0..100 {
            stream.read_exact(&mut message)?;
            stream.write_all(&message)?;
        }
        Ok(())
    });
    let output = load(addr, &["-c=3", "-d=10m", "--warmup=0s"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let result = json(&output);
    assert_eq!(
        (&result["ended"], &result["messages"]),
        (&"nobody_left".into(), &300.into())
    );
    assert_eq!(
        (&result["errors"], &result["alive"]),
        (&3.into(), &0.into())
    );
    assert!(result["failures"][0]["hint"].is_string(), "{result}");
}

#[test]
fn whichever_end_comes_first_ends_the_run() {
    let addr = server(echo);
    assert_eq!(
        fine(addr, &["-c=1", "-d=10m", "--messages=50"])["messages"],
        50
    );
    let result = fine(addr, &["-c=1", "-d=200ms", "--messages=1G"]);
    // A thread that notices the beginning late measures for less time.
    assert!(number(&result["elapsed_ns"]) >= 100e6);
}
