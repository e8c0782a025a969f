//! `portlab advise` as people use it: questions that are answered without measuring, and a small one that is measured.
//! Whether the advice is right is checked by `benches/advise.rs`.

use std::{
    io::{BufRead, BufReader, Read},
    time::Duration,
};

use portlab_lab::{
    Pinning, Running,
    advise::{Inquiry, InquiryObserver, Now, inquire},
};
use portlab_stats::advice::{Ceiling, Question};
use portlab_sys::spawn::{Signal, signal};
use serde_json::Value;

use portlab_testkit::{binary, command, folder, names, portlab};

fn advise(arguments: &[&str]) -> (String, String, Option<i32>) {
    let output = portlab(&[&["advise"], arguments].concat());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!said.contains("panicked"), "{arguments:?}: {said}");
    let text = String::from_utf8(output.stdout).unwrap();
    (text, said, output.status.code())
}

#[test]
fn an_impossible_load_is_refused_without_measuring_in_both_languages() {
    let question = ["--wait=5ms", "-c=10", "--rate=5k"];
    let (text, _, code) = advise(&[&question[..], &["--lang=en"]].concat());
    assert_eq!(code, Some(1), "{text}");
    assert!(text.starts_with("impossible:"), "{text}");
    assert!(text.contains("2.00k/s: 10 connections, 5.00 ms"), "{text}");
    assert!(!text.contains("can't"), "{text}");
    let (text, _, code) = advise(&[&question[..], &["--lang=zh"]].concat());
    assert_eq!(code, Some(1), "{text}");
    assert!(text.starts_with("不可能："), "{text}");
    assert!(text.contains("利特尔法则"), "{text}");
}

#[test]
fn a_pool_for_jobs_that_block_has_a_worker_for_each_connection() {
    let question = ["--wait=1ms", "--block=5ms", "-c=10", "--rate=5k"];
    let (text, said, _) = advise(&[&question[..], &["--models=loop-pool", "--json"]].concat());
    let told: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{said}"));
    assert_eq!(told["measured"]["candidates"][0]["workers"], 10);
}

#[test]
fn an_invalid_question_is_refused_with_the_remedy() {
    for (question, remedy) in [
        (
            &["--wait=60ms", "-c=10", "--rate=5"][..],
            "--within 50.0 ms",
        ),
        (&["--wait=0s", "-c=10", "--rate=5"], "between 1ns and 1s"),
        (&["-c=0", "--rate=5"], "between 1 and 1M"),
        (&["-c=5", "--rate=5", "--members=9"], "2 to 5 members"),
        (&["-c=5", "--rate=5", "--time=1s"], "between 10s and 10m"),
    ] {
        let (text, said, code) = advise(question);
        assert_eq!((code, text.as_str()), (Some(2), ""), "{question:?}: {said}");
        assert!(said.contains(remedy), "{question:?}: {said}");
    }
}

/// A model that serves one connection at a time is not measured, the other one is, and the answer follows from the
/// measurements, even on a busy machine.
#[test]
fn a_small_question_is_measured_and_answered() {
    let models = "--models=iterative,event-loop";
    let question = [models, "-c=5", "--rate=50", "--within=900ms", "--time=10s"];
    let (text, said, code) = advise(&[&question[..], &["--json"]].concat());
    let told: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{said}"));
    let of = |model: &str| {
        let all = told["measured"]["candidates"].as_array().unwrap();
        all.iter().find(|it| it["model"] == model).unwrap().clone()
    };
    assert_eq!(of("iterative")["carries"], "one");
    assert_eq!(of("iterative")["shots"].as_array().unwrap().len(), 0);
    assert!(!of("event-loop")["shots"].as_array().unwrap().is_empty());
    let unable = &told["advice"]["cannot"][0];
    assert_eq!(unable["model"], "iterative");
    assert_eq!(unable["why"]["carries"], "one");
    match code {
        Some(0) => assert_eq!(told["advice"]["answer"]["choose"]["model"], "event-loop"),
        Some(1) => assert_eq!(told["advice"]["answer"], "no_model"),
        code => assert_eq!(
            (code, &told["advice"]["answer"]),
            (Some(2), &"undecided".into())
        ),
    }
}

#[test]
fn an_interrupted_run_says_that_it_was_interrupted() {
    let question = ["advise", "--wait=5ms", "-c=50", "--rate=100", "--json"];
    let mut child = command(&question).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    stderr.read_line(&mut said).unwrap();
    assert!(said.contains("round 1"), "{said}");
    signal(&mut child, Signal::INT).unwrap();
    stderr.read_to_string(&mut said).unwrap();
    let output = child.wait_with_output().unwrap();
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let doubts = told["advice"]["doubts"].as_array().unwrap();
    assert!(doubts.contains(&"interrupted".into()), "{doubts:?}");
    assert!(!doubts.contains(&"cut_short".into()), "{doubts:?}");
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(
        said.contains("interrupted before the measurements decide"),
        "{said}"
    );
}

/// Interrupts an inquiry when the search for the highest rates begins.
#[derive(Default)]
struct InterruptsTheSearch(bool);

impl InquiryObserver for InterruptsTheSearch {
    fn now(&mut self, _model: &str, now: Now, _share: f64) {
        self.0 |= matches!(now, Now::Searching(_));
    }

    fn interrupted(&self) -> bool {
        self.0
    }
}

#[test]
fn an_interrupted_search_is_reported_and_its_trial_is_not_counted() {
    let dir = folder("interrupted");
    let inquiry = Inquiry {
        program: binary().into(),
        question: Question {
            works: Vec::new(),
            connections: 5,
            rate_per_s: 50.0,
            size_bytes: 64,
            members: None,
            churn: false,
            within_ns: 900_000_000,
        },
        models: vec![portlab_backends::find("event-loop").unwrap()],
        workers: None,
        runtime_threads: None,
        pinning: Pinning::default(),
        cores: 2,
        memory_bytes: 1 << 32,
        encodings: Vec::new(),
        time: Duration::from_secs(120),
        seed: 1,
    };
    let running = Running::begin(&dir).unwrap();
    let measured = inquire(&inquiry, &running, &mut InterruptsTheSearch::default());
    drop(running);
    assert!(names(&dir).is_empty());
    assert!(measured.interrupted && !measured.cut_short, "{measured:?}");
    let ceiling = measured.candidates[0].ceiling;
    let is_spoiled = matches!(ceiling, Ceiling::AtLeast { spoiled: true, .. });
    assert!(!is_spoiled, "{ceiling:?}");
}

/// The number of workers that a server prints.
fn workers(options: &[&str]) -> u64 {
    let server = portlab_testkit::Running::serve(options);
    server.listening["workers"].as_u64().unwrap()
}

#[test]
fn workers_are_for_pools_that_block_and_runtime_threads_for_a_runtime() {
    let cores = std::thread::available_parallelism().unwrap().get() as u64;
    assert_eq!(workers(&["--model=tasks", "--workers=500"]), cores);
    assert_eq!(workers(&["--model=tasks", "--runtime-threads=3"]), 3);
    assert_eq!(workers(&["--model=prethreaded", "--workers=50"]), 50);
    let both = ["--model=prethreaded", "--runtime-threads=3", "--workers=5"];
    assert_eq!(workers(&both), 5);
}
