//! When and how a run ends.

use portlab_sys::marked::started;

use super::*;

#[test]
fn too_many_errors_end_the_run() {
    let addr = server(|_| Ok(()));
    let (result, _) = failed(addr, "--per-connection=1 -c=2 --max-errors=20 -d=10m");
    holds(&result, json!({"ended": "too_many_errors"}));
    // The other connection may fail at the same time.
    let errors = number(&result, "errors");
    assert!((21.0..=23.0).contains(&errors), "{errors}");
}

#[test]
fn too_many_errors_while_connecting_end_the_run_and_the_connections_are_counted() {
    // One closes at once, and the others wait.
    let addr = numbered(|number, mut stream| {
        if number != 20 {
            let _ = stream.read(&mut [0]);
        }
        Ok(())
    });
    let (result, _) = failed(addr, "-c=200 --ramp=2s --max-errors=0");
    assert!(number(&result, "connected") > 10.0, "{result}");
    holds(
        &result,
        json!({
            "ended": "too_many_errors",
            "verdict/word": "no",
            "verdict/doubts/0/name": "not_measured",
        }),
    );
}

#[test]
fn a_run_with_a_lost_message_is_complete_if_all_messages_were_sent() {
    let addr = numbered(|number, mut stream| match number {
        50 => stream.read_exact(&mut [0; 64]),
        _ => echo_one(&mut stream),
    });
    let result = json(&load(addr, "--per-connection=1 --messages=100 -c=1"));
    // All messages were sent.
    let expected = json!({"messages": 99, "unanswered": 1, "ended": "done"});
    holds(&result, expected);
}

#[test]
fn a_message_that_is_lost_before_measuring_is_not_counted_as_unanswered() {
    let addr = numbered(|number, mut stream| match number {
        0 => stream.read_exact(&mut [0; 64]),
        _ => echo(stream),
    });
    let result = json(&load(addr, "-c=2 --warmup=500ms -d=200ms"));
    holds(&result, json!({"errors": 1, "unanswered": 0}));
}

#[test]
fn a_server_that_closes_all_connections_ends_the_run_with_the_reason() {
    let addr = server(echo_changed(|_, at| at < 100 * 64));
    let (result, _) = failed(addr, "-c=3 -d=10m --warmup=0s");
    let expected = json!({"ended": "nobody_left", "messages": 300, "errors": 3, "alive": 0});
    holds(&result, expected);
    assert!(result["failures"][0]["hint"].is_string(), "{result}");
}

#[test]
fn the_first_limit_that_is_reached_ends_the_run() {
    let addr = server(echo);
    let result = fine(addr, "-c=1 -d=10m --messages=50");
    holds(&result, json!({"messages": 50}));
    let result = fine(addr, "-c=1 -d=200ms --messages=1G");
    assert!(number(&result, "elapsed_ns") >= 200e6, "{result}");
}

#[test]
fn an_interrupted_run_prints_its_result_and_exits_with_0() {
    let (heard, first_bytes) = mpsc::channel();
    let addr = server(echo_changed(move |_, at| {
        // Well after the first message: some have been answered by then.
        if at > 64 * 100 {
            let _ = heard.send(());
        }
        true
    }));
    for (warmup, measured) in [("--warmup=0s", true), ("--warmup=10m", false)] {
        let mut command = command(&["load", &addr.to_string(), "-c=2", "-d=10m", "--json"]);
        let mut child = command.arg(warmup).spawn().unwrap();
        first_bytes.recv_timeout(PATIENCE).unwrap();
        signal(&mut child, Signal::INT).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let result = json(&output);
        holds(&result, json!({"interrupted": true, "unanswered": 0}));
        assert_eq!(number(&result, "messages") > 0.0, measured, "{result}");
        first_bytes.try_iter().for_each(drop);
    }
}

#[test]
fn a_closed_terminal_ends_a_load_that_keeps_its_files() {
    let addr = server(echo);
    let dir = folder("hangup");
    let load = format!("echo $$ > pid; exec $portlab load {addr} -c 2 -d 10m --hgrm percentiles");
    let Some(mut command) = on_a_terminal(&load) else {
        return;
    };
    command.current_dir(&dir).stdin(Stdio::piped());
    let mut terminal = command.spawn().unwrap();
    let mut shown = terminal.stdout.take().unwrap();
    // Until the screen appears.
    let (mut seen, mut byte) = (Vec::new(), [0]);
    while !seen.ends_with(b"\x1b[?1049h") {
        shown.read_exact(&mut byte).unwrap();
        seen.extend(byte);
    }
    let pid = fs::read_to_string(dir.join("pid")).unwrap();
    let pid = pid.trim().parse().unwrap();
    terminal.kill().unwrap();
    terminal.wait().unwrap();
    wait_until("the load has ended with its terminal", || {
        started(pid).is_none()
    });
    let percentiles = fs::read_to_string(dir.join("percentiles")).unwrap();
    has(&percentiles, &["#[Buckets"]);
}
