//! `portlab load --self-test`: the figures of the generator against servers whose behaviour is
//! known. Each server is a process of its own.

mod delays;
mod server;

use std::{
    io::{self, Write},
    net::SocketAddr,
    ops::RangeInclusive,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use anyhow::Context;
use portlab_load::{
    Arrivals, Ended, Outcome, Pace, Phase, Plan, Progress as Moment, Script, Stop, Watch,
};
use portlab_sys::machine::{halves, keep_to};
use portlab_words::{Text, tr, units};

use self::server::{Freeze, Known};
use super::{
    json::{self, Check, SelfTest},
    known::Behaviour,
    show::interrupt_flag,
};
use crate::{
    Verdict,
    args::{BAD, DIM, GOOD, HEAD, lang},
    output,
    progress::Progress,
};

/// By how much the corrected p90 of the stop test may differ from the arithmetic.
const STOP_TRUTH: f64 = 0.05;
/// By how much Little's law may be missed.
const LITTLE: f64 = 0.01;

/// The tests, in their order: what each is about, and the test itself.
const TESTS: &[(&str, Test)] = &[
    // Two per cent of these are less than a machine may take to wake a thread.
    ("a delay of 1 ms, with --spin", |bench| {
        bench.delay(1, 10, true)
    }),
    ("a delay of 5 ms, with --spin", |bench| {
        bench.delay(5, 20, true)
    }),
    ("a delay of 50 ms", |bench| bench.delay(50, 100, false)),
    ("answers that trickle", Bench::trickle),
    ("Little's law", Bench::little),
    ("a server that stops", Bench::stop),
    ("a lie in a million bytes", Bench::lie_in_a_million),
    ("a lie in 100 MB", Bench::lie_in_100_mb),
    ("answers of a wrong length", Bench::wrong_length),
    ("a server that closes", Bench::close),
    ("churn", Bench::churn),
    ("answers that are errors", Bench::refusals),
];

type Test = fn(&mut Bench) -> anyhow::Result<()>;

pub(super) fn run(json: bool) -> anyhow::Result<Verdict> {
    // The servers keep to the other half: how they wait for the moment to answer must not take the
    // processor from a generator that watches for it.
    if let Ok(Some(halves)) = halves() {
        let _ = keep_to(&halves.first);
    }
    let mut bench = Bench {
        test: "",
        checks: Vec::new(),
        out: (!json).then(output::stdout),
        bar: Progress::new("self-test"),
        interrupted: interrupt_flag()?,
        waited: 0.0,
    };
    let lang = lang();
    bench.say(&tr!(
        lang,
        "{HEAD}self-test{HEAD:#}  servers of known behaviour, and what the generator tells of them",
        "{HEAD}自检{HEAD:#}  行为已知的服务器，以及生成器对它们的测量"
    ))?;
    for (index, (name, test)) in TESTS.iter().enumerate() {
        bench.bar.say(name);
        bench.bar.at(index as f64 / TESTS.len() as f64);
        bench.say(name)?;
        bench.test = name;
        test(&mut bench).with_context(|| tr!("self-test, {name}", "自检，{name}"))?;
        if bench.interrupted.load(Relaxed) {
            break;
        }
    }
    bench.bar.finish();
    let failed = bench.checks.iter().filter(|check| !check.passed).count();
    let interrupted = bench.interrupted.load(Relaxed);
    let (passed, total) = (failed == 0 && !interrupted, bench.checks.len());
    if json {
        let checks = bench.checks;
        json::print(&mut output::stdout(), &SelfTest { passed, checks })?;
    } else if interrupted {
        bench.say(lang.pick(
            "interrupted: the other checks were not made",
            "已中断：其余检查没有进行",
        ))?;
    } else if passed {
        bench.say(&tr!(
            lang,
            "{GOOD}all {total} checks passed{GOOD:#}",
            "{GOOD}全部 {total} 项检查通过{GOOD:#}"
        ))?;
    } else {
        let advice = match bench.waited > BUSY {
            true => {
                let percent = bench.waited * 100.0;
                tr!(
                    lang,
                    "this machine was busy (for up to {percent:.0}% of its time the generator waited for a \
                     processor); run it again when nothing else runs",
                    "这台机器很忙（生成器最多有 {percent:.0}% 的时间在等处理器）；请在机器空闲时重试"
                )
            }
            false => lang
                .pick(
                    "don't believe the generator here",
                    "在这台机器上不要相信生成器的数字",
                )
                .to_owned(),
        };
        bench.say(&tr!(
            lang,
            "{BAD}{failed} of {total} checks failed{BAD:#}: {advice}",
            "{BAD}{total} 项检查中有 {failed} 项未通过{BAD:#}：{advice}"
        ))?;
    }
    Ok(if passed {
        Verdict::Fine
    } else {
        Verdict::Failed
    })
}

struct Bench {
    /// What is being tested.
    test: &'static str,
    checks: Vec<Check>,
    out: Option<output::Stdout>,
    bar: Progress,
    interrupted: Arc<AtomicBool>,
    /// The greatest share of a run that the generator waited for a processor, while it polled.
    waited: f64,
}

/// A generator that polls waits less than this on an idle machine, as a share of its time.
const BUSY: f64 = 0.01;

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
        let server = Known::start(Behaviour::Delay(Duration::from_millis(5)))?;
        let plan = Plan {
            connections: 20,
            stop: Stop::after(Duration::from_secs(5)),
            warmup: Duration::from_millis(200),
            ..Plan::new(server.addr)
        };
        let outcome = self.load(&plan, &mut ())?;
        let residual = outcome.littles_law_residual().unwrap_or(f64::NAN) * 100.0;
        let percent = |value: f64| format!("{value:.2}%");
        let range = -LITTLE * 100.0..=LITTLE * 100.0;
        self.figure("N and X R differ by", &range, residual, percent)
    }

    /// The server is frozen for the second half of an open loop. Of the messages due in a time `T`,
    /// those due in the stall, from `s` to `e`, are answered at `e`; so a tenth of all waits longer
    /// than `(e - s) - T / 10`.
    fn stop(&mut self) -> anyhow::Result<()> {
        let mut server = Known::start(Behaviour::Delay(Duration::ZERO))?;
        let plan = Plan {
            connections: 10,
            ..open(server.addr, 1_000.0, Duration::from_secs(4))
        };
        let mut freeze = Freeze::new(&mut server);
        let outcome = self.load(&plan, &mut freeze)?;
        let (Some(stopped), Some(went_on)) = (freeze.stopped, freeze.went_on) else {
            anyhow::bail!(Text::new(
                "the run ended before the server could be stopped",
                "还没能停住服务器，运行就结束了",
            ));
        };
        let stall = (went_on - stopped).as_secs_f64() * 1e9;
        let p90 = stall - 0.1 * outcome.elapsed.as_secs_f64() * 1e9;
        let range = p90 * (1.0 - STOP_TRUTH)..=p90 * (1.0 + STOP_TRUTH);
        let got = outcome.latency.quantile_ns(0.9) as f64;
        let name = format!("p90 after a stop of {}", units::nanos(stall));
        self.figure(&name, &range, got, units::nanos)?;
        // The control: uncorrected, nothing of it is to be seen, for only the messages on their way
        // met the stall, and the others were put off.
        let uncorrected = outcome.uncorrected.quantile_ns(0.9) as f64;
        self.figure(
            "p90 uncorrected",
            &(0.0..=p90 / 10.0),
            uncorrected,
            units::nanos,
        )?;
        self.same(
            "messages lost",
            &0,
            &(outcome.unanswered + outcome.due_not_sent),
        )
    }

    fn lie_in_a_million(&mut self) -> anyhow::Result<()> {
        let server = Known::start(Behaviour::Lie(999_999))?;
        let plan = Plan {
            connections: 4,
            script: Script::echo(1_000),
            stop: Stop::messages(8_000),
            ..Plan::new(server.addr)
        };
        let outcome = self.load(&plan, &mut ())?;
        self.wrong_byte_at(999_999, &outcome)?;
        self.same("connections that found it", &4, &outcome.tally.total())
    }

    fn lie_in_100_mb(&mut self) -> anyhow::Result<()> {
        let server = Known::start(Behaviour::Lie(99_999_999))?;
        let plan = Plan {
            script: Script::echo(100_000),
            stop: Stop::messages(1_100),
            ..Plan::new(server.addr)
        };
        let outcome = self.load(&plan, &mut ())?;
        self.wrong_byte_at(99_999_999, &outcome)
    }

    fn wrong_byte_at(&mut self, place: u64, outcome: &Outcome) -> anyhow::Result<()> {
        let found = outcome.tally.first_mismatch();
        let got = found.map_or("none".to_owned(), |found| found.offset.to_string());
        self.same("first wrong byte", &place.to_string(), &got)
    }

    fn wrong_length(&mut self) -> anyhow::Result<()> {
        // In the middle of a message, and as the very last byte of the run.
        for (behaviour, what) in [
            (Behaviour::Omit(6_400), "a byte too few"),
            (Behaviour::Omit(63_999), "a byte too few at the end"),
            (Behaviour::Repeat(6_400), "a byte too many"),
            (Behaviour::Repeat(63_999), "a byte too many at the end"),
        ] {
            let server = Known::start(behaviour)?;
            let plan = Plan {
                stop: Stop::messages(1_000),
                timeout: Duration::from_millis(500),
                ..Plan::new(server.addr)
            };
            let outcome = self.load(&plan, &mut ())?;
            let found = if outcome.is_clean() {
                "not found"
            } else {
                "found"
            };
            self.same(what, &"found", &found)?;
        }
        Ok(())
    }

    fn close(&mut self) -> anyhow::Result<()> {
        let server = Known::start(Behaviour::Close(10 * 64))?;
        let plan = Plan {
            connections: 5,
            stop: Stop::messages(1_000),
            ..Plan::new(server.addr)
        };
        let outcome = self.load(&plan, &mut ())?;
        self.same("messages answered", &50, &outcome.messages)?;
        let by_server = outcome
            .tally
            .failures()
            .filter(|failure| matches!(failure.phase, Phase::Receive | Phase::Send));
        let lost: u64 = by_server.map(|failure| failure.count).sum();
        self.same("connections lost", &5, &lost)?;
        self.same("how it ended", &Ended::NobodyLeft, &outcome.ended)
    }

    fn churn(&mut self) -> anyhow::Result<()> {
        let server = Known::start(Behaviour::Close(10 * 64))?;
        let mut plan = Plan {
            connections: 5,
            stop: Stop::messages(1_000),
            ..Plan::new(server.addr)
        };
        plan.life.per_connection = Some(10);
        let outcome = self.load(&plan, &mut ())?;
        self.same("messages answered", &1_000, &outcome.messages)?;
        // A place that comes to its end while others still have messages begins another.
        let made = outcome.connect_latency.count() as f64;
        self.figure("connections made", &(100.0..=105.0), made, |count| {
            count.to_string()
        })?;
        self.same("errors", &0, &outcome.tally.total())
    }

    fn refusals(&mut self) -> anyhow::Result<()> {
        let size = 64;
        let server = Known::start(Behaviour::Refuse(size))?;
        let mut plan = Plan {
            connections: 4,
            stop: Stop::messages(1_000),
            ..Plan::new(server.addr)
        };
        plan.script.expect = "until:\\r\\n\\r\\n".parse()?;
        let outcome = self.load(&plan, &mut ())?;
        self.same("messages answered", &1_000, &outcome.messages)?;
        self.same("errors", &1_000, &outcome.tally.total())
    }

    /// Carries out `plan`; Ctrl-C ends it.
    fn load(&mut self, plan: &Plan, watch: &mut dyn Watch) -> anyhow::Result<Outcome> {
        let mut watch = Interruptible(watch, &self.interrupted);
        let outcome = portlab_load::run(plan, &mut watch)?;
        if plan.spin {
            let waited: Duration = outcome.generator_waited.iter().sum();
            let share = waited.as_secs_f64() / outcome.elapsed.as_secs_f64().max(f64::MIN_POSITIVE);
            self.waited = self.waited.max(share);
        }
        Ok(outcome)
    }

    /// A figure lies in a range.
    fn figure(
        &mut self,
        name: &str,
        range: &RangeInclusive<f64>,
        got: f64,
        write: impl Fn(f64) -> String,
    ) -> anyhow::Result<()> {
        let expected = format!("{} to {}", write(*range.start()), write(*range.end()));
        self.check(name, expected, write(got), range.contains(&got))
    }

    /// Something is what it must be.
    fn same<T: PartialEq + std::fmt::Debug>(
        &mut self,
        name: &str,
        expected: &T,
        got: &T,
    ) -> anyhow::Result<()> {
        let write = |value: &T| format!("{value:?}").replace('"', "");
        self.check(name, write(expected), write(got), expected == got)
    }

    fn check(
        &mut self,
        name: &str,
        expected: String,
        got: String,
        passed: bool,
    ) -> anyhow::Result<()> {
        if self.interrupted.load(Relaxed) {
            return Ok(());
        }
        let verdict = if passed {
            format!("{GOOD}pass{GOOD:#}")
        } else {
            format!("{BAD}FAIL{BAD:#}")
        };
        self.say(&format!(
            "  {verdict}  {name:<28} {got:>12}   {DIM}expected {expected}{DIM:#}"
        ))?;
        self.checks.push(Check {
            test: self.test,
            name: name.to_owned(),
            expected,
            got,
            passed,
        });
        Ok(())
    }

    /// Prints a line above the bar, unless the result is JSON.
    fn say(&mut self, line: &str) -> io::Result<()> {
        let mut result = Ok(());
        if let Some(out) = &mut self.out {
            self.bar.above(|| result = writeln!(out, "{line}"));
        }
        result
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

/// Any watch, and Ctrl-C.
struct Interruptible<'a>(&'a mut dyn Watch, &'a AtomicBool);

impl Watch for Interruptible<'_> {
    fn begin(&mut self) {
        self.0.begin();
    }

    fn end(&mut self) {
        self.0.end();
    }

    fn tick(&mut self, progress: &Moment) {
        self.0.tick(progress);
    }

    fn interrupted(&self) -> bool {
        self.1.load(Relaxed)
    }
}
