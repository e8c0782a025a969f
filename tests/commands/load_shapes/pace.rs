//! When messages are sent: closed and open loops, ladders.

use super::*;

#[test]
fn an_open_loop_accounts_for_every_message_that_was_due() {
    let addr = server(echo);
    for arrivals in ["uniform", "poisson"] {
        let kind = format!("--arrivals={arrivals}");
        let result = fine(
            addr,
            &["--rate=2k", &kind, "-d=700ms", "-c=5", "--threads=2"],
        );
        assert_eq!(
            (&result["loop"], &result["arrivals"]),
            (&"open".into(), &arrivals.into())
        );
        let due = number(&result["elapsed_ns"]) / 1e9 * 2_000.0;
        let known = number(&result["latency_ns"]["count"])
            + number(&result["unanswered"])
            + number(&result["due_not_sent"]);
        // A Poisson process of 1,400 has a standard deviation of 37; and a busy machine may take a
        // moment between two readings of the clock.
        let allowed = if arrivals == "uniform" { 100.0 } else { 250.0 };
        assert!((known - due).abs() <= allowed, "{known} of {due}");
        assert_eq!(
            result["uncorrected_latency_ns"]["count"],
            result["latency_ns"]["count"]
        );
        assert!(number(&result["pacing_lag_ns"]["count"]) > 0.0);
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
    let result = fine(addr, &["--rate=500", "-d=1s", "--warmup=0s", "-c=1"]);
    let (from_due, from_sent) = (&result["latency_ns"], &result["uncorrected_latency_ns"]);
    // Of about 500 messages 300 had to wait, a sixth of them for more than 500 ms.
    assert!(number(&from_due["p90"]) > 450e6, "{from_due}");
    assert!(
        number(&from_sent["p90"]) < number(&from_due["p90"]),
        "{from_sent}"
    );
    // The one that was on its way.
    assert!(number(&from_sent["max"]) >= 600e6, "{from_sent}");
    // What others keep quiet about isn't the generator's own doing.
    assert!(number(&result["pacing_lag_ns"]["p50"]) < 450e6);
}

#[test]
fn one_connection_is_given_all_that_is_due_up_to_its_depth() {
    let addr = server(echo);
    let options = ["--rate=50k", "--depth=64", "-c=1", "-d=300ms"];
    let result = fine(addr, &options);
    assert_eq!(result["due_not_sent"], 0, "{result}");
    // Some more may have been sent before the thread heard of the end.
    let due = number(&result["elapsed_ns"]) * 50e3 / 1e9;
    assert!(
        number(&result["latency_ns"]["count"]) >= due - 1.0,
        "{result}"
    );
}

#[test]
fn a_generator_that_was_stopped_says_so_and_blames_itself() {
    stop_and_look(&[]);
}

/// One that spins is rarely asleep when it is stopped.
#[test]
fn a_generator_that_was_stopped_at_its_work_says_so_too() {
    stop_and_look(&["--spin"]);
}

fn stop_and_look(options: &[&str]) {
    let addr = server(echo).to_string();
    // So many connections that one is always free, whenever the generator is stopped: if all were waiting for
    // answers, the messages due would have waited for those too.
    let load = [
        "load",
        &addr,
        "--rate=2k",
        "-c=16",
        "-d=3s",
        "--json",
        "--plain",
    ];
    let mut child = command(&load).args(options).spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    // A second has been measured.
    assert!(said.any(|line| line.unwrap().contains("p99")));
    signal(&mut child, Signal::STOP).unwrap();
    thread::sleep(Duration::from_millis(400));
    signal(&mut child, Signal::CONT).unwrap();
    thread::spawn(move || said.for_each(drop));
    let output = child.wait_with_output().unwrap();
    let result = json(&output);
    let doubts = result["verdict"]["doubts"].to_string();
    assert!(doubts.contains("held_up"), "{result}");
    // They waited for the generator, and not for the server.
    assert!(number(&result["pacing_lag_ns"]["p99"]) > 200e6, "{result}");
    assert!(
        number(&result["uncorrected_latency_ns"]["p50"]) < 200e6,
        "{result}"
    );
}

#[test]
fn what_is_due_and_never_sent_is_counted() {
    // Silent from the third message on.
    let addr = server(|mut stream| {
        for _ in 0..2 {
            let mut message = [0; 64];
            stream.read_exact(&mut message)?;
            stream.write_all(&message)?;
        }
        loop {
            if stream.read(&mut [0; 4096])? == 0 {
                return Ok(());
            }
        }
    });
    let output = load(
        addr,
        &words("--rate=100 -d=500ms --warmup=0s -c=1 --timeout=1s"),
    );
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let result = json(&output);
    assert_eq!(
        (&result["messages"], &result["unanswered"]),
        (&2.into(), &1.into())
    );
    let due = number(&result["elapsed_ns"]) / 1e9 * 100.0;
    let due_not_sent = number(&result["due_not_sent"]);
    assert!((due_not_sent + 3.0 - due).abs() <= 5.0, "{result}");
    let doubts = result["verdict"]["doubts"].to_string();
    assert!(
        doubts.contains("missing_answers") && doubts.contains("overload"),
        "{doubts}"
    );
}

#[test]
fn a_ladder_walks_its_rates_and_names_the_knee() {
    // Two connections, 10 ms for each message: 200 a second are the most there can be.
    let addr = server(|mut stream| {
        let mut message = [0; 64];
        loop {
            stream.read_exact(&mut message)?;
            thread::sleep(Duration::from_millis(10));
            stream.write_all(&message)?;
        }
    });
    let ladder = words("--rate=50..800 --steps=3 -d=500ms --warmup=0s -c=2");
    let result = json(&load(addr, &ladder));
    let rungs = result["rungs"].as_array().unwrap();
    let rates: Vec<_> = rungs
        .iter()
        .map(|rung| number(&rung["rate_per_s"]).round())
        .collect();
    assert_eq!(rates, [50.0, 200.0, 800.0]);
    assert_eq!(result["knee_is_beyond"], false);
    let last = rungs[2]["verdict"]["doubts"].to_string();
    assert!(last.contains("overload"), "{last}");
    let addr = addr.to_string();
    let arguments: Vec<_> = [addr.as_str()].into_iter().chain(ladder).collect();
    let text = String::from_utf8(load_with(&arguments).stdout).unwrap();
    assert!(text.contains("800/s") && text.contains("knee"), "{text}");
    assert!(!text.contains("go higher"), "{text}");
}

#[test]
fn a_ladder_that_finds_no_good_rate_says_why() {
    let lies = server(|mut stream| {
        stream.read_exact(&mut [0; 64])?;
        stream.write_all(b"no echo")?;
        stream.read(&mut [0; 64]).map(drop)
    });
    let silent = server(|mut stream| {
        loop {
            if stream.read(&mut [0; 4096])? == 0 {
                return Ok(());
            }
        }
    });
    for (addr, options, parts) in [
        (
            lies,
            &["-c=2"][..],
            ["answers were wrong", "every connection was lost"],
        ),
        (
            silent,
            &["-c=2"],
            ["no answer came", "every connection was lost"],
        ),
        (
            lies,
            &["-c=50", "--max-errors=0"],
            ["answers were wrong", "more than 0 errors"],
        ),
    ] {
        let addr = addr.to_string();
        let ladder = [
            &addr,
            "--rate=50..100",
            "--steps=2",
            "-d=5s",
            "--warmup=0s",
            "--timeout=300ms",
        ];
        let output = load_with(&[&ladder, options].concat());
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        for part in parts {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("begin lower"), "{text}");
    }
}

#[test]
fn a_wrong_answer_in_a_ladder_counts_though_its_rate_is_interrupted() {
    // Right for the first rate, and wrong from the second on.
    let (sender, lied) = mpsc::channel();
    let connections = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let addr = server(move |mut stream| {
        let before = connections.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        if before != 2 {
            return echo(stream);
        }
        stream.read_exact(&mut [0; 64])?;
        stream.write_all(&[b'?'; 64])?;
        let _ = sender.send(());
        stream.read(&mut [0; 64]).map(drop)
    });
    let mut command = command(&["load", &addr.to_string(), "--messages=40", "-d=10m"]);
    command.args(["--rate=100..100.1", "--steps=100", "-c=2"]);
    let mut child = command.spawn().unwrap();
    lied.recv_timeout(PATIENCE).unwrap();
    signal(&mut child, Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(stderr(&output).contains("wrong bytes"), "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("verify: wrong byte"), "{text}");
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
fn a_closed_loop_says_how_far_it_keeps_littles_law() {
    let addr = server(echo);
    let result = fine(addr, &["-c=4", "-d=400ms"]);
    // What is in flight at its edges matters in so short a run.
    let residual = number(&result["verdict"]["littles_law_residual"]);
    assert!(residual.abs() < 0.05, "{result}");
    assert!(
        result["uncorrected_latency_ns"].is_null(),
        "there is nothing to correct"
    );
}
