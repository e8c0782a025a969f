//! When messages are sent: closed and open loops, ladders.

use super::*;

#[test]
fn an_open_loop_accounts_for_every_message_that_was_due() {
    let addr = server(echo);
    // Each of two threads has half of the connections, and one message may be due at either edge of its time. A
    // Poisson process of 1,400 has a standard deviation of 37.
    for (arrivals, allowed) in [("uniform", 3.0), ("poisson", 250.0)] {
        let options = format!("--rate=2k --arrivals={arrivals} -d=700ms -c=4 --threads=2");
        let result = fine(addr, &options);
        let count = number(&result, "latency_ns/count");
        let due = number(&result, "elapsed_ns") / 1e9 * 2_000.0;
        let known = count + number(&result, "unanswered") + number(&result, "due_not_sent");
        assert!((known - due).abs() <= allowed, "{known} of {due}");
        assert!(number(&result, "pacing_lag_ns/count") > 0.0);
        let corrected = result["latency_ns"]["count"].clone();
        holds(
            &result,
            json!({"loop": "open", "arrivals": arrivals, "uncorrected_latency_ns/count": corrected}),
        );
    }
}

#[test]
fn a_stall_is_charged_to_every_message_that_had_to_wait_for_it() {
    // After 150 messages, which take 300 ms at this rate, the server is silent for 600 ms.
    let addr = server(echo_changed(|_, at| {
        if at == 150 * 64 {
            thread::sleep(Duration::from_millis(600));
        }
        true
    }));
    let result = fine(addr, "--rate=500 -d=1s --warmup=0s -c=1");
    let from_due = number(&result, "latency_ns/p90");
    // Of about 500 messages 300 had to wait, a sixth of them for more than 500 ms.
    assert!(from_due > 450e6, "{result}");
    assert!(
        number(&result, "uncorrected_latency_ns/p90") < from_due,
        "{result}"
    );
    // The one that was on its way.
    assert!(
        number(&result, "uncorrected_latency_ns/max") >= 600e6,
        "{result}"
    );
    // The time that messages waited for a connection isn't the generator's lag.
    let [from_due, from_sent, lag] =
        ["latency_ns", "uncorrected_latency_ns", "pacing_lag_ns"].map(|key| sum(&result, key));
    assert!(lag + from_sent < 0.9 * from_due, "{result}");
}

#[test]
fn one_connection_is_given_all_that_is_due_up_to_its_depth() {
    let result = fine(server(echo), "--rate=50k --depth=64 -c=1 -d=300ms");
    holds(&result, json!({"due_not_sent": 0}));
    // Some more may have been sent before the thread noticed the end.
    let due = number(&result, "elapsed_ns") * 50e3 / 1e9;
    assert!(number(&result, "latency_ns/count") >= due - 1.0, "{result}");
}

#[test]
fn a_stopped_generator_reports_that_it_sent_late() {
    stop_and_look("");
}

/// A generator that spins is rarely asleep when it is stopped.
#[test]
fn a_stopped_generator_that_spins_reports_that_it_sent_late() {
    stop_and_look("--spin");
}

fn stop_and_look(option: &str) {
    let echoed = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&echoed);
    let addr = server(echo_changed(move |piece, _| {
        counted.fetch_add(piece.len() as u64 / 64, Relaxed);
        true
    }));
    // So many connections that one is free when the generator is stopped, even if it has not run for 256 ms before: if
    // all were waiting for answers, the messages due would have waited for those too.
    let options = format!("--rate=500 -c=128 --warmup=0s {option}");
    // While the generator is stopped, this many messages become due.
    let late = 200;
    let (output, _) = interrupted(addr, &options, |child| {
        signal(child, Signal::STOP).unwrap();
        thread::sleep(Duration::from_millis(400));
        let before = echoed.load(Relaxed);
        signal(child, Signal::CONT).unwrap();
        wait_until("the late messages are sent", || {
            echoed.load(Relaxed) >= before + late
        });
    });
    let result = json(&output);
    has(&result["verdict"]["doubts"].to_string(), &["held_up"]);
    let [lag, from_due, from_sent] =
        ["pacing_lag_ns", "latency_ns", "uncorrected_latency_ns"].map(|key| sum(&result, key));
    // The late messages waited for 200 ms on average, or longer if the generator was stopped for longer.
    assert!(lag >= 0.9 * late as f64 * 200e6, "{lag} ns in {result}");
    // All of this time is before the messages were sent, and none of it after.
    assert!(from_due - from_sent >= 0.99 * lag, "{result}");
}

/// All times of a histogram together, in nanoseconds.
#[track_caller]
fn sum(result: &Value, key: &str) -> f64 {
    number(result, &format!("{key}/mean")) * number(result, &format!("{key}/count"))
}

#[test]
fn what_is_due_and_never_sent_is_counted() {
    // Silent from the third message on.
    let addr = server(|mut stream| {
        echo_one(&mut stream)?;
        echo_one(&mut stream)?;
        swallow(stream)
    });
    let (result, _) = failed(addr, "--rate=100 -d=500ms --warmup=0s -c=1 --timeout=1s");
    holds(&result, json!({"answered": 2, "unanswered": 1}));
    let due = number(&result, "elapsed_ns") / 1e9 * 100.0;
    let due_not_sent = number(&result, "due_not_sent");
    assert!((due_not_sent + 3.0 - due).abs() <= 1.0, "{result}");
    let doubts = result["verdict"]["doubts"].to_string();
    has(&doubts, &["missing_answers", "overload"]);
}

#[test]
fn a_ladder_tries_its_rates_and_names_the_knee() {
    // Two connections, 10 ms for each message: at most 200 messages a second.
    let addr = server(echo_changed(|_, _| {
        thread::sleep(Duration::from_millis(10));
        true
    }));
    let ladder = "--rate=50..800 --steps=3 -d=300ms --warmup=0s -c=2";
    let text = text(addr, ladder, 0);
    has(&text, &["50.0/s", "200/s", "800/s", "knee"]);
}

#[test]
fn a_ladder_that_finds_no_good_rate_says_why() {
    let lies = server(|mut stream| {
        stream.read_exact(&mut [0; 64])?;
        stream.write_all(b"no echo")?;
        stream.read(&mut [0; 64]).map(drop)
    });
    let lost = "every connection was lost";
    for (addr, options, parts) in [
        (lies, "-c=2", ["answers were wrong", lost]),
        (server(swallow), "-c=2", ["no answer was received", lost]),
        (
            lies,
            "-c=50 --max-errors=0",
            ["answers were wrong", "more than 0 errors"],
        ),
    ] {
        let ladder = "--rate=50..100 --steps=2 -d=5s --warmup=0s --timeout=300ms";
        let text = text(addr, &format!("{ladder} {options}"), 1);
        has(&text, &parts);
        assert!(!text.contains("begin with a lower"), "{text}");
    }
}

#[test]
fn a_wrong_answer_in_a_ladder_counts_even_if_its_rate_is_interrupted() {
    // Right for the first rate, and wrong from the second on.
    let (sender, lied) = mpsc::channel();
    let addr = numbered(move |number, mut stream| {
        if number != 2 {
            return echo(stream);
        }
        stream.read_exact(&mut [0; 64])?;
        stream.write_all(&[b'?'; 64])?;
        let _ = sender.send(());
        stream.read(&mut [0; 64]).map(drop)
    });
    let load = format!("load {addr} --messages=40 -d=10m --rate=100..100.1 --steps=100 -c=2");
    let mut child = command(&words(&load)).spawn().unwrap();
    lied.recv_timeout(PATIENCE).unwrap();
    signal(&mut child, Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    has(&stderr(&output), &["wrong bytes"]);
    let text = String::from_utf8_lossy(&output.stdout);
    has(&text, &["verify: wrong byte"]);
}

#[test]
fn a_ladder_is_no_wider_than_its_terminal() {
    let addr = server(echo);
    for (width, bars) in [(80, true), (60, false), (45, false)] {
        let load = format!("exec $portlab load {addr} -c 2 -d 200ms --rate 100..200 --steps 2");
        let script = format!("stty cols {width} rows 30; {load} 2>/dev/null");
        let Some(mut command) = on_a_terminal(&script) else {
            return;
        };
        let output = command.env("NO_COLOR", "1").output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let wide = text.lines().find(|line| line.chars().count() > width);
        assert_eq!(wide, None, "{width}: {text}");
        assert_eq!(text.contains('█'), bars, "{width}: {text}");
    }
}

#[test]
fn a_closed_loop_reports_the_residual_of_littles_law() {
    let result = fine(server(echo), "-c=4 -d=400ms");
    // Both sides of the law are sums over the same moments, so a busy machine doesn't change the residual.
    let residual = number(&result, "verdict/littles_law_residual");
    assert!(residual.abs() < 0.001, "{result}");
    // A closed loop has one latency.
    holds(&result, json!({"uncorrected_latency_ns": null}));
}
