//! The chat under load, on every model that has one: under every schedule no message is lost or doubled, the order of
//! each sender is kept, a room has one order, and no message arrives in another room. The load also finds each chat that
//! breaks one of these promises.
//!
//! `PORTLAB_SOAK=20 cargo test --release --test chat` takes twenty seeds with 5,000 messages each, as `tests/soak.sh`
//! does.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

#[allow(dead_code, reason = "the conformance suite needs more of it")]
#[path = "conformance_broken/server.rs"]
mod server;

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use libtest_mimic::{Failed, Trial};
use portlab_backends::{Backend, Sheet, models::runnable};
use portlab_lab::Server;
use portlab_load::{
    Arrivals, ChatEncoding, ChatFindings, Judgement, Outcome, Pace, Plan, RunId, Script, Stop,
    Watch, run,
};
use portlab_service::{Chat, ChatLimits, TextEncoding};
use portlab_testkit::binary;
use server::Defect::{self, DoublesMail, LeaksMail, LosesLines, LosesMail, Sound, SwapsMail};

fn main() {
    let models = runnable().map(Backend::sheet);
    let with_hub = models.filter(|sheet| sheet.hub.is_ok());
    let kept = with_hub.map(|sheet| {
        let name = format!("{}::many_messages_arrive_as_they_were_sent", sheet.name);
        Trial::test(name, move || storm(sheet))
    });
    let found = FAULTS.iter().map(|&fault| {
        let name = format!("a_broken_chat_is_found::{fault:?}");
        Trial::test(name, move || broken(fault))
    });
    let sound = Trial::test("a_chat_without_a_fault_breaks_no_promise", || broken(Sound));
    let guests = Trial::test("lines_of_other_clients_break_no_promise", strangers);
    let both = Trial::test("two_loads_of_one_chat_at_once_both_succeed", two_at_once);
    let churned = [Sound, LosesMail, DoublesMail].map(|fault| {
        let name = format!("members_are_replaced_and_the_chat_is_still_checked::{fault:?}");
        Trial::test(name, move || churn(fault))
    });
    let cut = Trial::test("a_server_that_stops_breaks_no_promise", stopped);
    let warmed_up = Trial::test("a_warm_up_comes_before_the_measuring", warm_up);
    let at_a_rate = Trial::test("one_message_is_measured_and_not_faster_than_its_rate", one);
    let trials = kept
        .chain(found)
        .chain(churned)
        .chain([sound, warmed_up, at_a_rate, guests, both, cut])
        .collect();
    portlab_testkit::run(trials);
}

/// A load of a chat: 50 members in 3 rooms.
fn plan(target: SocketAddr, seed: u64, messages: u64) -> Plan {
    let encoding = |label: &str| {
        let encoding: TextEncoding = label.parse().unwrap();
        ChatEncoding {
            label: label.to_owned(),
            filler: encoding.encode("你好，世界").unwrap(),
        }
    };
    let chat = portlab_load::Chat {
        rooms: ROOMS,
        encodings: ["utf-8", "gbk", "big5"].map(encoding).into(),
        run: RunId::random(),
    };
    Plan {
        connections: 50,
        depth: 16,
        script: Script::chat(chat, 64),
        warmup: Duration::ZERO,
        stop: Stop::messages(messages),
        connect_timeout: Duration::from_secs(10),
        timeout: Duration::from_secs(30),
        seed,
        ..Plan::new(target)
    }
}

const ROOMS: usize = 3;

fn run_id(plan: &Plan) -> RunId {
    plan.script.chat.as_ref().unwrap().run
}

/// The number of seeds that `PORTLAB_SOAK` asks for. Without it, a test has two seeds and fewer messages.
fn soak() -> Option<u64> {
    std::env::var("PORTLAB_SOAK").ok()?.parse().ok()
}

fn storm(sheet: &Sheet) -> Result<(), Failed> {
    let (seeds, messages) = soak().map_or((2, 1_000), |seeds| (seeds, 5_000));
    for seed in 1..=seeds {
        let program = Path::new(binary());
        let options = ["--service=chat", "--workers=60"].map(str::to_owned);
        let model = format!("--model={}", sheet.name);
        let server = Server::start(program, options.into_iter().chain([model]))?;
        let plan = plan(server.addr(), seed, messages);
        let outcome = beside(server.addr(), &plan, || run(&plan, &mut ()))?;
        check(&outcome, messages).map_err(|error| format!("seed {seed}: {error}"))?;
    }
    Ok(())
}

/// Does `work` while other clients connect, change their names, enter rooms and leave again, some in the middle of a
/// line: the server announces that to all members, and the result of the load must stay the same.
fn beside<T>(addr: SocketAddr, plan: &Plan, work: impl FnOnce() -> T) -> T {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for number in 0..RESTLESS {
            let over = &over;
            scope.spawn(move || {
                let mut random = fastrand::Rng::with_seed(number);
                for turn in 0.. {
                    if over.load(Relaxed) {
                        return;
                    }
                    // A client that is refused connects again.
                    let room = run_id(plan).room(random.usize(0..ROOMS));
                    let _ =
                        connect_and_leave(addr, &format!("{number}-{turn}"), &room, &mut random);
                }
            });
        }
        let done = work();
        over.store(true, Relaxed);
        done
    })
}

/// The number of these clients.
const RESTLESS: u64 = 5;

fn connect_and_leave(
    addr: SocketAddr,
    name: &str,
    room: &str,
    random: &mut fastrand::Rng,
) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(addr)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    write!(
        stream,
        "come{name}\n/join {room}\n/nick go{name}\n/join lobby\n"
    )?;
    // The first bytes show that the server has accepted it; the rest is not needed.
    stream.read_exact(&mut [0; 32])?;
    match random.bool() {
        true => stream.write_all(b"in the middle of a li"),
        false => {
            stream.write_all(b"/quit\n")?;
            std::io::copy(&mut stream, &mut std::io::sink()).map(drop)
        }
    }
}

fn check(outcome: &Outcome, messages: u64) -> Result<(), String> {
    let (tally, unanswered, found) = (&outcome.tally, outcome.unanswered, findings(outcome));
    let (violations, first_violations) = (found.violations, &found.first_violations);
    // The first message that a member received is shown.
    let shown = outcome.answers.first().is_some();
    match shown && outcome.is_clean() && outcome.messages == messages {
        true => Ok(()),
        false => Err(format!(
            "{} of {messages} messages reached their rooms, {unanswered} did not; {violations} promises \
             broken: {first_violations:?}; errors: {tally:?}",
            outcome.messages
        )),
    }
}

fn findings(outcome: &Outcome) -> &ChatFindings {
    outcome.chat.as_ref().unwrap()
}

/// The defects of a hub that is broken on purpose.
const FAULTS: &[Defect] = &[LosesMail, LosesLines, DoublesMail, SwapsMail, LeaksMail];

/// The load finds a broken hub, and finds no fault in a sound one.
fn broken(fault: Defect) -> Result<(), Failed> {
    let mut plan = plan(serve(fault), 1, 300);
    plan.connections = 12;
    plan.timeout = Duration::from_secs(2);
    let outcome = run(&plan, &mut ())?;
    expect_found(fault, &outcome, 300)
}

/// Expects that a sound chat has delivered `messages` messages without a fault, and that the load has found a broken one.
fn expect_found(fault: Defect, outcome: &Outcome, messages: u64) -> Result<(), Failed> {
    match (fault, findings(outcome).violations) {
        (Sound, _) => Ok(check(outcome, messages)?),
        (_, 0) => Err(format!("{fault:?} was not found: {outcome:?}").into()),
        _ => Ok(()),
    }
}

/// Members leave after a few messages, and others take their places, over a ramp.
fn churn(fault: Defect) -> Result<(), Failed> {
    #[derive(Default)]
    struct Intervals(u64);
    impl Watch for Intervals {
        fn interval(&mut self, interval: &portlab_load::Interval) {
            self.0 += interval.messages;
        }
    }
    let mut plan = plan(serve(fault), 1, 400);
    plan.connections = 12;
    plan.timeout = Duration::from_secs(2);
    plan.interval = Duration::from_millis(20);
    plan.life.per_connection = Some(5);
    plan.life.ramp = Duration::from_millis(50);
    let mut intervals = Intervals::default();
    let outcome = run(&plan, &mut intervals)?;
    expect_found(fault, &outcome, 400)?;
    if fault == Sound {
        // 9 of 12 members send, 5 messages each: the others replace members that have left.
        let made = outcome.connect_latency.count();
        assert!(made >= 83, "{made} connections made");
        assert_eq!(intervals.0, 400, "messages in intervals");
    }
    Ok(())
}

/// Other clients send all kinds of lines to the run's own rooms: they are counted, and are no errors of the server.
fn strangers() -> Result<(), Failed> {
    let mut plan = plan(serve(Sound), 1, 300);
    plan.connections = 12;
    let over = AtomicBool::new(false);
    let outcome = thread::scope(|scope| {
        for room in 0..ROOMS {
            let (over, plan) = (&over, &plan);
            scope.spawn(move || -> std::io::Result<()> {
                let mut stream = TcpStream::connect(plan.targets[0].addr().unwrap())?;
                write!(stream, "guest{room}\n/join {}\n", run_id(plan).room(room))?;
                while !over.load(Relaxed) {
                    write!(
                        stream,
                        "hello: you all\n/me waves\n/msg {} hi\n",
                        run_id(plan).member(room)
                    )?;
                    thread::sleep(Duration::from_millis(1));
                }
                Ok(())
            });
        }
        let outcome = run(&plan, &mut ());
        over.store(true, Relaxed);
        outcome
    })?;
    check(&outcome, 300)?;
    let found = findings(&outcome);
    match (found.strangers, &found.first_stranger) {
        (1.., Some(line)) if line.to_string().contains("guest") => Ok(()),
        _ => Err(format!("the lines of the guests were not counted: {outcome:?}").into()),
    }
}

/// The same command twice, at once, on one chat: each has rooms and names of its own.
fn two_at_once() -> Result<(), Failed> {
    let program = Path::new(binary());
    let options = ["--service=chat", "--model=event-loop"].map(str::to_owned);
    let server = Server::start(program, options)?;
    let addr = server.addr().to_string();
    let load = || {
        let mut command = std::process::Command::new(program);
        command.args(["load", &addr, "--script=chat", "--json", "--messages=300"]);
        command.args(["--connections=12", "--rooms=2", "--timeout=60s"]);
        command.stdout(std::process::Stdio::piped());
        command.stderr(std::process::Stdio::piped()).spawn()
    };
    let (one, other) = (load()?, load()?);
    for load in [one, other] {
        let output = load.wait_with_output()?;
        let result: serde_json::Value = serde_json::from_slice(&output.stdout)
            .map_err(|_| String::from_utf8_lossy(&output.stderr).into_owned())?;
        let fine = output.status.success() && result["strangers_lines"] == 0;
        if !fine || result["messages"] != 300 || result["violations"] != 0 {
            return Err(result.to_string().into());
        }
    }
    Ok(())
}

/// The server stops in the middle of a run: that is an error, and the last warning names it.
fn stopped() -> Result<(), Failed> {
    let program = Path::new(binary());
    let options = ["--service=chat", "--model=event-loop"].map(str::to_owned);
    let mut server = Some(Server::start(program, options)?);
    /// Ends the server after the first delivered message.
    struct Ends<'a>(&'a mut Option<Server>);
    impl Watch for Ends<'_> {
        fn tick(&mut self, progress: &portlab_load::Progress) {
            if progress.answered > 0
                && let Some(server) = self.0.take()
            {
                let _ = server.stop(Duration::from_secs(10));
            }
        }
    }
    let mut plan = plan(server.as_ref().map(Server::addr).unwrap(), 1, 1_000_000_000);
    plan.connections = 12;
    let outcome = run(&plan, &mut Ends(&mut server))?;
    let verdict = Judgement::of(&plan, &outcome);
    let doubts = verdict.doubts.iter().map(|it| it.text.to_string());
    let doubts: Vec<_> = doubts.collect();
    let last = doubts.last().map_or("", String::as_str);
    match findings(&outcome).violations {
        0 if last.starts_with("the server closed 12 connections") => Ok(()),
        _ => Err(format!("{doubts:?} {outcome:?}").into()),
    }
}

/// Messages of the warm-up are checked, and not measured.
fn warm_up() -> Result<(), Failed> {
    const LONG: Duration = Duration::from_millis(200);
    /// When the members were connected, when measuring began, and when it ended.
    struct Marks(Vec<Instant>);
    impl Watch for Marks {
        fn connected(&mut self, _: usize) -> bool {
            self.0.push(Instant::now());
            true
        }
        fn begin(&mut self) {
            self.0.push(Instant::now());
        }
        fn end(&mut self) {
            self.0.push(Instant::now());
        }
    }
    let mut marks = Marks(Vec::new());
    let plan = Plan {
        connections: 12,
        warmup: LONG,
        stop: Stop::after(LONG),
        ..plan(serve(Sound), 1, 0)
    };
    let outcome = run(&plan, &mut marks)?;
    let [connected, begun, ended] = marks.0[..] else {
        panic!("{:?}", marks.0);
    };
    // `outcome.elapsed` may be less: a thread that starts to measure late measures for less time.
    let (warmup, measured) = (begun - connected, ended - begun);
    assert!(
        warmup >= LONG && measured >= LONG,
        "{warmup:?}, {measured:?}"
    );
    assert!(outcome.is_clean() && outcome.messages > 0, "{outcome:?}");
    // One of the last messages may be delivered after the end of measuring; one of the warm-up has no fan-out.
    let (fan_outs, depth) = (outcome.latency.count(), plan.depth as u64);
    assert!(
        fan_outs.abs_diff(outcome.messages) <= depth,
        "{fan_outs} fan-outs of {} messages",
        outcome.messages
    );
    Ok(())
}

/// The first message of a run without a warm-up is due at its beginning.
fn one() -> Result<(), Failed> {
    let pace = Pace::Open {
        rate_per_s: 5.0,
        arrivals: Arrivals::Uniform,
    };
    let plan = Plan {
        pace,
        ..plan(serve(Sound), 1, 1)
    };
    let outcome = run(&plan, &mut ())?;
    let (rate, measured) = (outcome.messages_per_s(), outcome.latency.count());
    // On a busy machine, the message may be late, and the rate lower.
    match (rate, measured) {
        (0.1..5.1, 1) => Ok(()),
        _ => Err(format!("{rate}/s, {measured} fan-outs measured").into()),
    }
}

/// A chat in this process, with a broken hub.
fn serve(defect: Defect) -> SocketAddr {
    let listener = portlab_testkit::listener();
    let addr = listener.local_addr().unwrap();
    let service = Chat::new(TextEncoding::default(), ChatLimits::default());
    thread::spawn(move || server::accept(&listener, Box::leak(Box::new(service)), defect));
    addr
}
