//! `portlab load --self-test`: the figures of the generator against servers whose behaviour is
//! known. Each server is a process of its own.

mod bench;
mod delays;
#[cfg(feature = "tls")]
mod encrypted;
mod highest;
mod known;
mod protocols;
mod queue;
mod servers;

use std::{net::SocketAddr, sync::atomic::Ordering::Relaxed, time::Duration};

use anyhow::Context;
use portlab_load::{Arrivals, Ended, Outcome, Pace, Phase, Plan, Script, Stop};
use portlab_sys::machine::{halves, keep_to};
use portlab_words::{Text, tr, units};

pub(crate) use self::known::{Args as KnownArgs, serve as serve_known};
use self::{
    bench::{Bench, written},
    known::Behaviour,
};
use super::{json::SelfTest, show::interrupt_flag};
use crate::{
    Verdict,
    args::{HEAD, lang},
    output,
    progress::Progress,
};

/// By what share the corrected p90 of the stop test may differ from the expected one.
const STOP_TOLERANCE: f64 = 0.05;
/// By what share the figures may differ from Little's law.
const LITTLE: f64 = 0.01;

/// The tests, in their order: what each is about, and the test itself.
static TESTS: &[(Text, Test)] = &[
    // Two per cent of these are less than a machine may take to wake a thread.
    (
        Text::new("a delay of 1 ms, with --spin", "1 ms 的延迟，使用 --spin"),
        |bench| bench.delay(1, 10, true),
    ),
    (
        Text::new("a delay of 5 ms, with --spin", "5 ms 的延迟，使用 --spin"),
        |bench| bench.delay(5, 20, true),
    ),
    (Text::new("a delay of 50 ms", "50 ms 的延迟"), |bench| {
        bench.delay(50, 100, false)
    }),
    (
        Text::new("answers that trickle", "逐字节到达的响应"),
        Bench::trickle,
    ),
    (Text::new("Little's law", "利特尔法则"), Bench::little),
    (
        Text::new("a server that stops", "停住一段时间的服务端"),
        Bench::stop,
    ),
    (
        Text::new("a queue, with --find", "排队的服务端，使用 --find"),
        Bench::highest,
    ),
    (
        Text::new("a wrong byte in a million", "一百万字节中有一个错误字节"),
        Bench::wrong_byte_in_a_million,
    ),
    (
        Text::new("a wrong byte in 100 MB", "100 MB 中有一个错误字节"),
        Bench::wrong_byte_in_100_mb,
    ),
    (
        Text::new("answers of a wrong length", "长度不对的响应"),
        Bench::wrong_length,
    ),
    (
        Text::new("a server that closes", "主动关闭连接的服务端"),
        Bench::close,
    ),
    (Text::new("churn", "反复新建连接"), Bench::churn),
    (
        Text::new("answers that are errors", "内容是错误的响应"),
        Bench::refusals,
    ),
    (
        Text::new("HTTP with statuses", "HTTP：状态码"),
        Bench::statuses,
    ),
    (
        Text::new("HTTP with chunks", "HTTP：分块的响应正文"),
        Bench::chunks,
    ),
    (
        Text::new("HTTP with short bodies", "HTTP：不完整的响应正文"),
        Bench::short_bodies,
    ),
    #[cfg(feature = "tls")]
    (
        Text::new("TLS with slow handshakes", "TLS：缓慢的握手"),
        Bench::handshakes,
    ),
    (
        Text::new("every hundredth datagram lost", "每一百个数据报丢失一个"),
        Bench::datagrams,
    ),
    (
        Text::new("a server that is away for 500 ms", "中断 500 ms 的服务端"),
        Bench::outage,
    ),
];

type Test = fn(&mut Bench) -> anyhow::Result<()>;

pub(super) fn run(json: bool) -> anyhow::Result<Verdict> {
    // The servers keep to the other half of the processors: they poll the clock before they answer, which must not
    // take the processor from the generator.
    let server_cpus = match halves() {
        Ok(Some(halves)) if keep_to(&halves.first).is_ok() => halves.second,
        _ => Vec::new(),
    };
    let lang = lang();
    let mut bench = Bench {
        test: &TESTS[0].0,
        checks: Vec::new(),
        out: (!json).then(output::stdout),
        bar: Progress::new(lang.pick("self-test", "自检")),
        interrupted: interrupt_flag()?,
        waited: 0.0,
        server_cpus,
    };
    bench.say(&tr!(
        lang,
        "{HEAD}self-test{HEAD:#}  servers of known behaviour, and what the generator measures of them",
        "{HEAD}自检{HEAD:#}  行为已知的服务端，以及生成器对它们的测量"
    ))?;
    for (index, (name, test)) in TESTS.iter().enumerate() {
        bench.bar.say(name.pick(lang));
        bench.bar.at(index as f64 / TESTS.len() as f64);
        bench.say(name.pick(lang))?;
        bench.test = name;
        let Text { en, zh } = name;
        test(&mut bench).with_context(|| tr!("self-test, {en}", "自检，{zh}"))?;
        if bench.interrupted.load(Relaxed) {
            break;
        }
    }
    bench.bar.finish();
    let failed = bench.checks.iter().filter(|check| !check.passed).count();
    let passed = failed == 0 && !bench.interrupted.load(Relaxed);
    let conclusion = bench.conclusion(failed);
    if json {
        let checks = bench.checks;
        output::print_json(&SelfTest { passed, checks })?;
    } else {
        bench.say(&conclusion)?;
    }
    Ok(match passed {
        true => Verdict::Fine,
        false => Verdict::Failed,
    })
}

const ANSWERED: Text = Text::new("messages answered", "得到响应的消息");
const ERRORS: Text = Text::new("errors", "错误");

impl Bench {
    fn delay(&mut self, millis: u64, connections: usize, spin: bool) -> anyhow::Result<()> {
        let delay = Duration::from_millis(millis);
        let plan = |addr| Plan {
            connections,
            spin,
            ..open(addr, 1_000.0, Duration::from_millis(1_200))
        };
        self.percentiles(Behaviour::Delay(delay), delay, plan)
    }

    fn trickle(&mut self) -> anyhow::Result<()> {
        let (gap, size) = (Duration::from_millis(2), 11);
        let plan = |addr| Plan {
            connections: 20,
            script: Script::echo(size),
            ..open(addr, 300.0, Duration::from_millis(1_200))
        };
        self.percentiles(Behaviour::Trickle(gap), gap * (size as u32 - 1), plan)
    }

    fn little(&mut self) -> anyhow::Result<()> {
        let delay = Behaviour::Delay(Duration::from_millis(5));
        let outcome = self.load_server(delay, |plan| {
            plan.connections = 20;
            plan.stop = Stop::after(Duration::from_secs(5));
            plan.warmup = Duration::from_millis(200);
        })?;
        let residual = outcome.littles_law_residual().unwrap_or(f64::NAN) * 100.0;
        let range = -LITTLE * 100.0..=LITTLE * 100.0;
        let name = Text::new("N and X R differ by", "N 与 X R 相差");
        self.figure(name, &range, residual, |percent| format!("{percent:.2}%"))
    }

    /// The server is frozen for the second half of an open loop. Of the messages due in a time `T`,
    /// those due in the stall, from `s` to `e`, are answered at `e`; so a tenth of all waits longer
    /// than `(e - s) - T / 10`.
    fn stop(&mut self) -> anyhow::Result<()> {
        let mut server = self.start(Behaviour::Delay(Duration::ZERO))?;
        let plan = Plan {
            connections: 10,
            ..open(server.addr, 1_000.0, Duration::from_secs(4))
        };
        let (outcome, stall) = self.load_and_freeze(&plan, Some(&mut server.child))?;
        let stall = stall.context(Text::new(
            "the run ended before the server could be stopped",
            "还没能停住服务端，运行就结束了",
        ))?;
        let stall = stall.as_secs_f64() * 1e9;
        let p90 = stall - 0.1 * outcome.elapsed.as_secs_f64() * 1e9;
        let range = p90 * (1.0 - STOP_TOLERANCE)..=p90 * (1.0 + STOP_TOLERANCE);
        let got = outcome.latency.quantile_ns(0.9) as f64;
        let stall = units::nanos(stall);
        let name = tr!("p90 after a stop of {stall}", "停住 {stall} 后的 p90");
        self.figure(name, &range, got, units::nanos)?;
        // The control: the uncorrected p90 doesn't show the stall, because only the messages in flight met the stall, and
        // the others were sent after it.
        let uncorrected = outcome.uncorrected.quantile_ns(0.9) as f64;
        let name = Text::new("p90 uncorrected", "未修正的 p90");
        self.figure(name, &(0.0..=p90 / 10.0), uncorrected, units::nanos)?;
        let lost = outcome.unanswered + outcome.due_not_sent;
        self.count(Text::new("messages lost", "丢失的消息"), 0, lost)
    }

    fn wrong_byte_in_a_million(&mut self) -> anyhow::Result<()> {
        let outcome = self.load_server(Behaviour::Flip(999_999), |plan| {
            plan.connections = 4;
            plan.script = Script::echo(1_000);
            plan.stop = Stop::messages(8_000);
        })?;
        self.wrong_byte_at(999_999, &outcome)?;
        let name = Text::new("connections that found it", "发现它的连接");
        self.count(name, 4, outcome.tally.total())
    }

    fn wrong_byte_in_100_mb(&mut self) -> anyhow::Result<()> {
        let outcome = self.load_server(Behaviour::Flip(99_999_999), |plan| {
            plan.script = Script::echo(100_000);
            plan.stop = Stop::messages(1_100);
        })?;
        self.wrong_byte_at(99_999_999, &outcome)
    }

    fn wrong_byte_at(&mut self, place: u64, outcome: &Outcome) -> anyhow::Result<()> {
        let found = outcome.tally.first_mismatch();
        let got = found.map_or(Text::new("none", "没有"), |found| written(found.offset));
        let name = Text::new("first wrong byte", "第一个错误字节");
        self.same(name, written(place), got)
    }

    fn wrong_length(&mut self) -> anyhow::Result<()> {
        let few = Text::new("a byte too few", "少一个字节");
        let few_at_the_end = Text::new("a byte too few at the end", "末尾少一个字节");
        let many = Text::new("a byte too many", "多一个字节");
        let many_at_the_end = Text::new("a byte too many at the end", "末尾多一个字节");
        // In the middle of a message, and as the very last byte of the run.
        for (behaviour, what) in [
            (Behaviour::Omit(6_400), few),
            (Behaviour::Omit(63_999), few_at_the_end),
            (Behaviour::Repeat(6_400), many),
            (Behaviour::Repeat(63_999), many_at_the_end),
        ] {
            let outcome = self.load_server(behaviour, |plan| {
                plan.timeout = Duration::from_millis(500);
            })?;
            let found = Text::new("found", "发现");
            let got = match outcome.is_clean() {
                true => Text::new("not found", "没有发现"),
                false => found.clone(),
            };
            self.same(what, found, got)?;
        }
        Ok(())
    }

    fn close(&mut self) -> anyhow::Result<()> {
        let outcome = self.load_server(Behaviour::Close(10 * 64), |plan| plan.connections = 5)?;
        self.count(ANSWERED, 50, outcome.messages)?;
        let lost = outcome
            .tally
            .failures()
            .filter(|failure| matches!(failure.phase, Phase::Receive | Phase::Send))
            .map(|failure| failure.count);
        let name = Text::new("connections lost", "失去的连接");
        self.count(name, 5, lost.sum())?;
        let name = Text::new("how it ended", "怎样结束");
        let all_lost = Text::new("all connections lost", "失去所有连接");
        let got = match outcome.ended {
            Ended::AllLost => all_lost.clone(),
            other => written(format!("{other:?}")),
        };
        self.same(name, all_lost, got)
    }

    fn churn(&mut self) -> anyhow::Result<()> {
        let outcome = self.load_server(Behaviour::Close(10 * 64), |plan| {
            plan.connections = 5;
            plan.life.per_connection = Some(10);
        })?;
        self.count(ANSWERED, 1_000, outcome.messages)?;
        // A connection that ends while messages are left is followed by another one.
        let made = outcome.connect_latency.count() as f64;
        let name = Text::new("connections made", "建立的连接");
        self.figure(name, &(100.0..=105.0), made, |count| count.to_string())?;
        self.count(ERRORS, 0, outcome.tally.total())
    }

    fn refusals(&mut self) -> anyhow::Result<()> {
        let until = "until:\\r\\n\\r\\n".parse()?;
        let outcome = self.load_server(Behaviour::Refuse(64), |plan| {
            plan.connections = 4;
            plan.script.expect = until;
        })?;
        self.count(ANSWERED, 1_000, outcome.messages)?;
        self.count(ERRORS, 1_000, outcome.tally.total())
    }

    /// Loads a server of this behaviour with a thousand messages, or as `change` changes the plan.
    fn load_server(
        &mut self,
        behaviour: Behaviour,
        change: impl FnOnce(&mut Plan),
    ) -> anyhow::Result<Outcome> {
        let server = self.start(behaviour)?;
        let mut plan = Plan::new(server.addr);
        plan.stop = Stop::messages(1_000);
        change(&mut plan);
        self.load(&plan)
    }
}

/// An open loop with a short warm-up.
fn open(target: SocketAddr, rate_per_s: f64, duration: Duration) -> Plan {
    Plan {
        pace: Pace::Open {
            rate_per_s,
            arrivals: Arrivals::Uniform,
        },
        stop: Stop::after(duration),
        warmup: Duration::from_millis(200),
        ..Plan::new(target)
    }
}
