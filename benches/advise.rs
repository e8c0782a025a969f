//! Whether `portlab advise` gives the answers that follow from first principles.
//!
//!     cargo bench --bench advise [-- NAME ...]
//!
//! Each question has an answer that is known without measuring: a pool with fewer workers than connections can't serve
//! all of them; one thread that blocks 5 ms for a message answers 200 messages a second; one processor has one second of
//! CPU time in a second. The advice must choose one of the right models, and must name the models that can't do it. Each
//! question takes a minute; the machine must do nothing else.

use portlab_testkit::{binary, is_bench};
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
    /// The answer must be one of these models; empty: no model can do it.
    one_of: &'static str,
    /// Models that can't do it.
    cannot: &'static str,
    /// Models that must cost clearly more, if they can do it.
    dearer: &'static str,
    /// Whether the advice also has what it must have for this question.
    also: fn(&Value) -> bool,
}

/// One thread or loop serves all.
const ONE_THREAD: &str = "iterative poll event-loop tasks-single coroutines uring";

fn questions(cores: usize) -> Vec<Question> {
    [works(), shapes(), processors(cores as f64)].concat()
}

fn options(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

fn plain(_: &Value) -> bool {
    true
}

/// Questions with a handler that waits or blocks.
fn works() -> Vec<Question> {
    vec![
        Question {
            name: "waiting, few workers",
            because: "16 workers carry 16 connections; a loop, a task or a thread each waits for all",
            options: options("--wait 5ms -c 500 --rate 2k --workers 16"),
            one_of: "poll event-loop sharded prefork-loop leader-followers loop-pool tasks-single tasks coroutines \
                     uring threads",
            cannot: "iterative prefork passing prethreaded pool",
            dearer: "fork",
            also: |advice| limit(advice) == Some(100_000.0),
        },
        Question {
            name: "blocking",
            because: "a thread that blocks 5 ms for a message answers 200 a second",
            options: options("--block 5ms -c 100 --rate 1k"),
            one_of: "fork prefork passing threads prethreaded pool loop-pool leader-followers",
            cannot: ONE_THREAD,
            dearer: "",
            also: |advice| limit(advice) == Some(20_000.0),
        },
        Question {
            name: "a driver that turns out to block",
            because: "a wait costs a loop nothing, and a handler that blocks stops the loop",
            options: options(
                "--wait 5ms -c 100 --rate 1k --models event-loop,tasks-single,threads",
            ),
            one_of: "event-loop tasks-single threads",
            cannot: "",
            dearer: "",
            also: names_threads_for_blocking,
        },
    ]
}

/// Questions about the number and the kind of connections.
fn shapes() -> Vec<Question> {
    vec![
        Question {
            name: "thousands idle",
            because: "a stack or a process for each connection takes memory, and the clients are idle",
            options: options("-c 2000 --rate 5 --within 100ms"),
            one_of: "event-loop sharded prefork-loop leader-followers loop-pool tasks-single tasks uring",
            cannot: "iterative",
            dearer: "threads fork coroutines",
            also: plain,
        },
        Question {
            name: "churn",
            because: "a new process for each connection costs more than a new thread, and a thread more than none",
            options: options("--churn -c 10 --rate 300"),
            one_of: "iterative prefork passing prethreaded pool poll event-loop sharded prefork-loop leader-followers \
                     loop-pool tasks-single tasks coroutines uring",
            cannot: "",
            dearer: "fork",
            also: plain,
        },
        Question {
            name: "chat",
            because: "with the rooms in another process, each message goes through that process",
            options: options("--members 10 -c 50 --rate 50"),
            one_of: "poll event-loop sharded leader-followers loop-pool tasks-single tasks coroutines uring",
            cannot: "iterative",
            dearer: "fork prefork passing prefork-loop",
            also: plain,
        },
    ]
}

/// Questions with a handler that computes, for a machine with `cores`.
fn processors(cores: f64) -> Vec<Question> {
    let computing = |connections, used: f64| {
        let rate = used * cores / 2e-3;
        options(&format!("--cpu=2ms -c={connections} --rate={rate}"))
    };
    let too_much = Question {
        name: "more than there are processors",
        because: "a processor has one second of CPU time in a second",
        options: computing(50, 1.5),
        one_of: "",
        cannot: "",
        dearer: "",
        also: |advice| advice["advice"]["answer"] == "impossible",
    };
    let beyond_one = Question {
        name: "cpu beyond one core",
        because: "one thread computes on one processor, and this work takes 1.4 processors at least",
        options: computing(20, 0.7),
        one_of: "fork prefork passing threads prethreaded pool sharded prefork-loop leader-followers loop-pool tasks",
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

/// The advice chooses a loop, and threads if the driver blocks; or it chooses threads in both cases.
fn names_threads_for_blocking(advice: &Value) -> bool {
    let threads = advice["advice"]["answer"]["choose"]["model"] == "threads";
    let changes = advice["advice"]["changes"].as_array();
    let blocks = changes.and_then(|all| all.iter().find_map(|change| change.get("blocks")));
    blocks.is_some_and(|blocks| match threads {
        true => blocks == "same",
        false => blocks["choose"] == "threads",
    })
}

fn main() -> Result<()> {
    if !is_bench() {
        return Ok(());
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
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
    println!("{} of {asked} answers are right", asked - wrong);
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

/// The chosen model.
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
            faults.push(format!("{model} is not named as unable"));
        }
    }
    let others = advice["advice"]["others"].as_array().into_iter().flatten();
    for other in others {
        let model = other["model"].as_str().unwrap_or("");
        if is_in(question.dearer, model) && other["differs"] != true {
            faults.push(format!("{model} is not named as more expensive"));
        }
    }
    if !(question.also)(advice) {
        faults.push("the advice lacks a known limit or change".to_owned());
    }
    faults
}
