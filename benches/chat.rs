//! The cost of a chat and its limits: server CPU per delivery against the echo's per message, two thousand members in a
//! room, and members that never read.
//!
//!     cargo bench --bench chat

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use portlab_lab::Server;
use portlab_load::{
    Arrivals, Chat, ChatEncoding, Outcome, Pace, Plan, RunId, Script, Stop, Watch, run,
};
use portlab_stats::estimate::Estimate;
use portlab_sys::{
    clock::process_cpu,
    limits::raise_open_files,
    meter::{anonymous_bytes, tree},
};
use portlab_testkit::{binary, is_bench};
use portlab_words::units;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Bytes of a message, and of a line as a member receives it.
const SIZE: usize = 64;
/// The members that receive each message, and the connections of the echo.
const AUDIENCE: usize = 100;
/// Pairs of an echo and a chat, and turns of each in a pair.
const PAIRS: usize = 5;
const TURNS: usize = 8;
const TURN: Duration = Duration::from_millis(250);
/// A delivery may cost so many times the echo's CPU per message.
const FAN_OUT: f64 = 1.3;
/// Members of one room.
const CROWDS: &[(&str, usize)] = &[
    ("event-loop", 2_000),
    ("tasks", 2_000),
    ("threads", 2_000),
    ("fork", 200),
];
/// Members that never read, members beside them that read, and the mail that may wait for each: the server's memory may
/// grow by the limit times the number of all these members.
const SILENT: usize = 5;
const OTHERS: usize = 50;
const LIMIT: usize = 64 << 10;
/// The fan-out of the others may take so many times longer then.
const DISTURBED: f64 = 2.0;

fn main() -> Result<()> {
    if !is_bench() {
        return Ok(());
    }
    raise_open_files();
    let mut kept = true;
    println!("server CPU per delivery to {AUDIENCE} members : per echo to as many, {SIZE} B");
    for model in ["event-loop", "tasks"] {
        kept &= fan_out(model)?;
    }
    println!("members in one room; each receives every message");
    for &(model, members) in CROWDS {
        kept &= crowd(model, members)?;
    }
    println!("{SILENT} members that never read beside {OTHERS} that do, 500 messages/s");
    for model in ["event-loop", "tasks", "threads", "fork"] {
        kept &= silent(model)?;
    }
    match kept {
        true => Ok(()),
        false => Err("a bound was not kept".into()),
    }
}

fn start(model: &str, options: &[&str]) -> Result<Server> {
    let model = format!("--model={model}");
    let options = options.iter().copied().chain([model.as_str()]);
    Ok(Server::start(Path::new(binary()), options)?)
}

fn plan(server: &Server, members: usize) -> Plan {
    let chat = Chat {
        rooms: 1,
        encodings: vec![ChatEncoding {
            label: "utf-8".to_owned(),
            // `abcdef12: 3456 ` before it, and the end of the line after.
            filler: vec![b'x'; SIZE - 17],
        }],
        run: RunId::random(),
    };
    Plan {
        connections: members,
        depth: 8,
        script: Script::chat(chat, SIZE),
        warmup: Duration::from_millis(20),
        stop: Stop::default(),
        connect_timeout: Duration::from_secs(10),
        timeout: Duration::from_secs(20),
        ..Plan::new(server.addr())
    }
}

fn clean(plan: &Plan, watch: &mut dyn Watch) -> Result<Outcome> {
    let outcome = run(plan, watch)?;
    match outcome.is_clean() {
        true => Ok(outcome),
        false => Err(format!("not clean: {outcome:?}").into()),
    }
}

fn fan_out(model: &str) -> Result<bool> {
    let mut ratios = Vec::new();
    for pair in 0..PAIRS {
        let (echo, chat) = (start(model, &[])?, start(model, &["--service=chat"])?);
        let mut of_pair = Vec::new();
        for turn in 0..TURNS {
            // A B, B A, A B, ...: neither is always the first.
            if (turn + pair).is_multiple_of(2) {
                let delivery = per_delivery(&chat)?;
                of_pair.push(delivery / per_echo(&echo)?);
            } else {
                let message = per_echo(&echo)?;
                of_pair.push(per_delivery(&chat)? / message);
            }
        }
        ratios.push(Estimate::of(of_pair).expect("there was a turn").median);
    }
    let Estimate {
        median, min, max, ..
    } = Estimate::of(ratios).expect("there was a pair");
    let kept = median <= FAN_OUT;
    println!(
        "{model:>12}: {median:.3} ({min:.3} to {max:.3}), {} the bound of {FAN_OUT}",
        verdict(kept)
    );
    Ok(kept)
}

fn per_echo(server: &Server) -> Result<f64> {
    let plan = Plan {
        connections: AUDIENCE,
        script: Script::echo(SIZE),
        warmup: Duration::from_millis(20),
        stop: Stop::after(TURN),
        ..Plan::new(server.addr())
    };
    let mut meter = Meter::of(server);
    let outcome = run(&plan, &mut meter)?;
    assert!(outcome.is_clean(), "the server answered wrongly");
    Ok(meter.us() / outcome.metered_messages as f64)
}

fn per_delivery(server: &Server) -> Result<f64> {
    let plan = Plan {
        stop: Stop::after(TURN),
        ..plan(server, AUDIENCE + 1)
    };
    let mut meter = Meter::of(server);
    let outcome = clean(&plan, &mut meter)?;
    let findings = outcome.chat.ok_or("not a chat")?;
    Ok(meter.us() / findings.metered_deliveries as f64)
}

fn crowd(model: &str, members: usize) -> Result<bool> {
    let server = start(model, &["--service=chat"])?;
    let plan = Plan {
        depth: 1,
        stop: Stop::messages(100),
        ..plan(&server, members)
    };
    let outcome = clean(&plan, &mut ())?;
    println!(
        "{model:>12}: {members} members entered within {}, and received {} messages each; fan-out p50 {}",
        units::time(outcome.connect_phase),
        outcome.messages,
        units::nanos(outcome.latency.quantile_ns(0.5) as f64)
    );
    Ok(outcome.messages == 100)
}

fn silent(model: &str) -> Result<bool> {
    let (mut without, mut with, mut grown) = (Vec::new(), Vec::new(), 0);
    for _ in 0..PAIRS {
        // With `disconnect`, the silent members would be gone, and cost nothing.
        let limit = format!("--output-limit={LIMIT}");
        let options = ["--service=chat", "--overflow=drop-oldest", limit.as_str()];
        let server = start(model, &options)?;
        let plan = Plan {
            pace: Pace::Open {
                rate_per_s: 500.0,
                arrivals: Arrivals::Uniform,
            },
            stop: Stop::after(Duration::from_secs(2)),
            ..plan(&server, OTHERS)
        };
        let p99 = |outcome: &Outcome| outcome.latency.quantile_ns(0.99) as f64;
        without.push(p99(&clean(&plan, &mut ())?));
        let _silent = (0..SILENT)
            .map(|number| member_that_never_reads(&server, number))
            .collect::<Result<Vec<_>>>()?;
        // While the system's buffers have room, a silent member costs as much as any other.
        fill(&server)?;
        let (before, processes) = settled_memory(&server, None)?;
        with.push(p99(&clean(&plan, &mut ())?));
        let (after, _) = settled_memory(&server, Some(processes))?;
        grown = grown.max(after.saturating_sub(before));
    }
    let [without, with] = [without, with].map(|p99s| Estimate::of(p99s).expect("there was a pair"));
    let ratio = with.median / without.median;
    let bound = ((SILENT + OTHERS) * LIMIT) as u64;
    let kept = ratio < DISTURBED && grown <= bound;
    println!(
        "{model:>12}: fan-out p99 {} with and {} without them: {ratio:.2} times, {} the bound of \
         {DISTURBED}; memory grew by {}, the bound is {}",
        units::nanos(with.median),
        units::nanos(without.median),
        verdict(ratio < DISTURBED),
        units::bytes(grown as f64),
        units::bytes(bound as f64),
    );
    Ok(kept)
}

/// The memory of a server, and the number of its processes, after the processes of members that have just left have
/// ended.
fn settled_memory(server: &Server, processes: Option<usize>) -> Result<(u64, usize)> {
    let deadline = Instant::now() + Duration::from_secs(5);
    let mut last = 0;
    loop {
        let now = tree(server.pid())?.len();
        let settled = processes.map_or(now == last, |processes| now <= processes);
        if settled || Instant::now() > deadline {
            return Ok((anonymous_bytes(server.pid())?, now));
        }
        last = now;
        thread::sleep(Duration::from_millis(100));
    }
}

/// A member of the load's room that sends and reads nothing after it has joined.
fn member_that_never_reads(server: &Server, number: usize) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(server.addr())?;
    write!(stream, "silent{number}\n/join r0\n")?;
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    while !lines.next().ok_or("the server closed")??.contains("in r0") {}
    Ok(stream)
}

/// Sends lines to the silent members until the system's buffers for them are full.
fn fill(server: &Server) -> Result<()> {
    let mut talker = TcpStream::connect(server.addr())?;
    write!(talker, "talker\n/join r0\n")?;
    let line = [b'x'; 4000];
    for _ in 0..2_000 {
        talker.write_all(&line)?;
        talker.write_all(b"\n")?;
    }
    // The answer to this command comes after all lines have been delivered.
    writeln!(talker, "/who")?;
    let mut lines = BufReader::new(talker).lines();
    while !lines.next().ok_or("the server closed")??.contains("in r0:") {}
    Ok(())
}

fn verdict(kept: bool) -> &'static str {
    if kept { "within" } else { "OVER" }
}

/// The CPU time of a server's first process between two marks; a server that forks would use more.
struct Meter {
    pid: i32,
    begin: Duration,
    end: Duration,
}

impl Meter {
    fn of(server: &Server) -> Self {
        Self {
            pid: server.pid(),
            begin: Duration::ZERO,
            end: Duration::ZERO,
        }
    }

    fn us(&self) -> f64 {
        (self.end - self.begin).as_secs_f64() * 1e6
    }
}

impl Watch for Meter {
    fn begin(&mut self) {
        self.begin = process_cpu(self.pid).expect("the server runs");
    }

    fn end(&mut self) {
        self.end = process_cpu(self.pid).expect("the server runs");
    }
}
