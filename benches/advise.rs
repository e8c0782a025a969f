//! Whether `portlab advise` answers what first principles answer.
//!
//!     cargo bench --bench advise [-- NAME ...]
//!
//! Each question has an answer that is known without measuring: a pool with fewer workers than
//! connections can't serve them all, one thread that blocks 5 ms for a message answers 200 a second, one
//! processor computes a second a second. The advice must be among what is right, and must name as unable
//! what is. A minute for each; the machine must do nothing else.

use portlab_testkit::binary;
use std::{process::Command, time::Instant};

use serde_json::Value;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// A question, and what is known of its answer. Models are separated by spaces.
#[derive(Clone)]
struct Question {
    name: &'static str,
    /// Why the answer is known.
    because: &'static str,
    options: Vec<String>,
    /// The answer is one of these models; none: no model can do it.
    one_of: &'static str,
    /// Models that can't do it.
    cannot: &'static str,
    /// Models that handle it, or don't, but cost clearly more if they do.
    dearer: &'static str,
    /// What else must be in the advice.
    also: fn(&Value) -> bool,
}

/// One thread or loop serves all.
const ONE_THREAD: &str = "iterative event-loop tasks-single";

fn questions(cores: usize) -> Vec<Question> {
    [works(), shapes(), processors(cores as f64)].concat()
}

fn options(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

fn plain(_: &Value) -> bool {
    true
}

/// What a handler that waits or blocks asks of a model.
fn works() -> Vec<Question> {
    vec![
        Question {
            name: "waiting, few workers",
            because: "16 workers carry 16 connections; a loop, a task or a thread each waits for all",
            options: options("--wait 5ms -c 500 --rate 2k --workers 16"),
            one_of: "event-loop loop-pool tasks-single tasks threads",
            cannot: "iterative prefork prethreaded pool",
            dearer: "fork",
            also: |advice| limit(advice) == Some(100_000.0),
        },
        Question {
            name: "blocking",
            because: "a thread that blocks 5 ms for a message answers 200 a second",
            options: options("--block 5ms -c 100 --rate 1k"),
            one_of: "fork prefork threads prethreaded pool loop-pool",
            cannot: ONE_THREAD,
            dearer: "",
            also: |advice| limit(advice) == Some(20_000.0),
        },
        Question {
            name: "a driver that turns out to block",
            because: "what waits for free on a loop stops it when it blocks",
            options: options(
                "--wait 5ms -c 100 --rate 1k --models event-loop,tasks-single,threads",
            ),
            one_of: "event-loop tasks-single threads",
            cannot: "",
            dearer: "",
            also: blocks_are_told,
        },
    ]
}

/// What the connections ask of a model.
fn shapes() -> Vec<Question> {
    vec![
        Question {
            name: "thousands idle",
            because: "a stack or a process for each connection is memory, and nothing else is used",
            options: options("-c 2000 --rate 5 --within 100ms"),
            one_of: "event-loop loop-pool tasks-single tasks",
            cannot: "iterative",
            dearer: "threads fork",
            also: plain,
        },
        Question {
            name: "churn",
            because: "a process for each connection costs more than a thread, and that more than none",
            options: options("--churn -c 10 --rate 300"),
            one_of: "iterative prefork prethreaded pool event-loop loop-pool tasks-single tasks",
            cannot: "",
            dearer: "fork",
            also: plain,
        },
        Question {
            name: "chat",
            because: "rooms in a process of their own take a hop for each message, those in a loop none",
            options: options("--members 10 -c 50 --rate 50"),
            one_of: "event-loop loop-pool tasks-single tasks",
            cannot: "iterative",
            dearer: "fork prefork",
            also: plain,
        },
    ]
}

/// What computing asks of a model on a machine with `cores`.
fn processors(cores: f64) -> Vec<Question> {
    let computing = |connections, used: f64| {
        let rate = used * cores / 2e-3;
        options(&format!("--cpu=2ms -c={connections} --rate={rate}"))
    };
    let too_much = Question {
        name: "more than there are processors",
        because: "a processor computes a second a second",
        options: computing(50, 1.5),
        one_of: "",
        cannot: "",
        dearer: "",
        also: |advice| advice["advice"]["answer"] == "impossible",
    };
    let beyond_one = Question {
        name: "cpu beyond one core",
        because: "one thread computes on one processor, and this is 1.4 of one at least",
        options: computing(20, 0.7),
        one_of: "fork prefork threads prethreaded pool loop-pool tasks",
        cannot: ONE_THREAD,
        dearer: "",
        also: plain,
    };
    match cores >= 2.0 {
        true => vec![too_much, beyond_one],
        false => vec![too_much],
    }
}

/// The lowest physical limit.
fn limit(advice: &Value) -> Option<f64> {
    let limit = advice["advice"]["limits"].get(0)?.as_object()?;
    limit.values().next()?["per_s"].as_f64()
}

/// The chosen one is a loop and threads are named for a driver that blocks, or it is threads.
fn blocks_are_told(advice: &Value) -> bool {
    let threads = advice["advice"]["answer"]["choose"]["model"] == "threads";
    let changes = advice["advice"]["changes"].as_array();
    let told = changes.and_then(|all| all.iter().find_map(|change| change.get("blocks")));
    told.is_some_and(|told| match threads {
        true => told == "same",
        false => told["choose"] == "threads",
    })
}

fn main() -> Result<()> {
    // `cargo test --benches` passes no `--bench`: then there is nothing to measure.
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if !arguments.iter().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let chosen: Vec<_> = arguments.iter().filter(|it| !it.starts_with('-')).collect();
    let cores = std::thread::available_parallelism()?.get();
    let (mut wrong, mut asked) = (0, 0);
    println!(
        "{:<34} {:<14} {:>6}  what is wrong",
        "question", "answer", "took"
    );
    for question in questions(cores) {
        let is_chosen = |name: &&String| question.name.contains(name.as_str());
        if !chosen.is_empty() && !chosen.iter().any(is_chosen) {
            continue;
        }
        let since = Instant::now();
        let advice = ask(&question)?;
        let faults = faults(&question, &advice);
        asked += 1;
        wrong += usize::from(!faults.is_empty());
        println!(
            "{:<34} {:<14} {:>4} s  {}",
            question.name,
            answer(&advice).unwrap_or("-"),
            since.elapsed().as_secs(),
            match faults.is_empty() {
                true => "nothing".to_owned(),
                false => faults.join("; "),
            }
        );
        if !faults.is_empty() {
            println!("{:<34} known because {}", "", question.because);
        }
    }
    println!("{} of {asked} as they must be", asked - wrong);
    match wrong {
        0 => Ok(()),
        wrong => Err(format!("{wrong} answers are wrong").into()),
    }
}

fn ask(question: &Question) -> Result<Value> {
    let output = Command::new(binary())
        .args(["advise", "--json", "--time=60s", "--seed=1"])
        .args(&question.options)
        .output()?;
    serde_json::from_slice(&output.stdout).map_err(|_| {
        let said = String::from_utf8_lossy(&output.stderr);
        format!("{}: {said}", question.name).into()
    })
}

/// The model that was chosen.
fn answer(advice: &Value) -> Option<&str> {
    advice["advice"]["answer"]["choose"]["model"].as_str()
}

fn is_in(models: &str, model: &str) -> bool {
    models.split_whitespace().any(|it| it == model)
}

fn faults(question: &Question, advice: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let names = |list: &str| -> Vec<String> {
        let all = advice["advice"][list].as_array().into_iter().flatten();
        let name = |it: &Value| it["model"].as_str().map(str::to_owned);
        all.filter_map(name).collect()
    };
    let (unable, chosen) = (names("cannot"), answer(advice));
    match chosen {
        None if !question.one_of.is_empty() => faults.push("no model was chosen".to_owned()),
        Some(model) if !is_in(question.one_of, model) => {
            faults.push(format!("{model} was chosen"));
        }
        _ => {}
    }
    for model in question.cannot.split_whitespace() {
        if !unable.iter().any(|it| it == model) {
            faults.push(format!("{model} is said to be able"));
        }
    }
    let others = advice["advice"]["others"].as_array().into_iter().flatten();
    for other in others {
        let model = other["model"].as_str().unwrap_or("");
        if is_in(question.dearer, model) && other["differs"] != true {
            faults.push(format!("{model} is said to cost no more"));
        }
    }
    if !(question.also)(advice) {
        faults.push("the advice lacks what is known, or says it wrongly".to_owned());
    }
    faults
}
