//! What the tests share: a load, the checks of its outcome, and their output.

use std::{
    fmt::Display,
    io::{self, Write},
    ops::RangeInclusive,
    process::Child,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use portlab_load::{Outcome, Plan, Progress as Moment, Watch};
use portlab_sys::spawn::{Signal, signal};
use portlab_words::{Text, tr};
use textwrap::core::display_width;

use super::known::{Behaviour, Known};
use crate::{
    args::{BAD, DIM, GOOD, lang},
    load::json::Check,
    output,
    progress::Progress,
};

/// The checks so far, and where they are printed.
pub(super) struct Bench {
    /// What is being tested.
    pub(super) test: &'static Text,
    pub(super) checks: Vec<Check>,
    pub(super) out: Option<output::Stdout>,
    pub(super) bar: Progress,
    pub(super) interrupted: Arc<AtomicBool>,
    /// The largest share of a run in which the generator, which polled, waited for a processor.
    pub(super) waited: f64,
    /// The processors that the servers keep to.
    pub(super) server_cpus: Vec<usize>,
}

/// On an idle machine, a generator that polls waits for less than this share of its time.
const BUSY: f64 = 0.01;

impl Bench {
    pub(super) fn start(&self, behaviour: Behaviour) -> anyhow::Result<Known> {
        Known::start(behaviour, &self.server_cpus)
    }

    /// Carries out `plan`; Ctrl-C ends it.
    pub(super) fn load(&mut self, plan: &Plan) -> anyhow::Result<Outcome> {
        Ok(self.load_and_freeze(plan, None)?.0)
    }

    /// Carries out `plan`, and freezes `server` for the second half of it. Returns also how long the server was frozen.
    pub(super) fn load_and_freeze(
        &mut self,
        plan: &Plan,
        server: Option<&mut Child>,
    ) -> anyhow::Result<(Outcome, Option<Duration>)> {
        let mut guard = Guard {
            interrupted: &self.interrupted,
            server,
            stopped: None,
            stall: None,
        };
        let outcome = portlab_load::run(plan, &mut guard)?;
        let stall = guard.stall;
        if plan.spin {
            let waited: Duration = outcome.generator_waited.iter().sum();
            let share = waited.as_secs_f64() / outcome.elapsed.as_secs_f64().max(f64::MIN_POSITIVE);
            self.waited = self.waited.max(share);
        }
        Ok((outcome, stall))
    }

    /// Checks that a figure is in a range.
    pub(super) fn figure(
        &mut self,
        name: Text,
        range: &RangeInclusive<f64>,
        got: f64,
        write: impl Fn(f64) -> String,
    ) -> anyhow::Result<()> {
        let (low, high) = (write(*range.start()), write(*range.end()));
        let expected = tr!("{low} to {high}", "{low} 到 {high}");
        self.check(name, expected, written(write(got)), range.contains(&got))
    }

    /// Checks a count.
    pub(super) fn count(&mut self, name: Text, expected: u64, got: u64) -> anyhow::Result<()> {
        self.same(name, written(expected), written(got))
    }

    /// Checks that two texts are the same.
    pub(super) fn same(&mut self, name: Text, expected: Text, got: Text) -> anyhow::Result<()> {
        let passed = expected == got;
        self.check(name, expected, got, passed)
    }

    pub(super) fn check(
        &mut self,
        name: Text,
        expected: Text,
        got: Text,
        passed: bool,
    ) -> anyhow::Result<()> {
        if self.interrupted.load(Relaxed) {
            return Ok(());
        }
        let lang = lang();
        let (style, word) = match passed {
            true => (GOOD, lang.pick("pass", "通过")),
            false => (BAD, lang.pick("FAIL", "失败")),
        };
        let [what, found, wanted] = [&name, &got, &expected].map(|it| it.pick(lang));
        let [after, before] = [(28, what), (12, found)]
            .map(|(room, it): (usize, _)| room.saturating_sub(display_width(it)));
        let wanted = tr!(lang, "expected {wanted}", "应为 {wanted}");
        self.say(&format!(
            "  {style}{word}{style:#}  {what}{:after$} {:before$}{found}   {DIM}{wanted}{DIM:#}",
            "", ""
        ))?;
        let [test, name, expected, got] =
            [self.test.clone(), name, expected, got].map(|it| it.en.into_owned());
        self.checks.push(Check {
            test,
            name,
            expected,
            got,
            passed,
        });
        Ok(())
    }

    /// Whether the generator can be believed after so many `failed` checks.
    pub(super) fn conclusion(&self, failed: usize) -> String {
        let (lang, total) = (lang(), self.checks.len());
        if self.interrupted.load(Relaxed) {
            let text = lang.pick(
                "interrupted: the other checks were not made",
                "已中断：其余检查没有进行",
            );
            return text.to_owned();
        }
        if failed == 0 {
            return tr!(
                lang,
                "{GOOD}all {total} checks passed{GOOD:#}",
                "{GOOD}全部 {total} 项检查通过{GOOD:#}"
            );
        }
        let percent = self.waited * 100.0;
        let advice = match self.waited > BUSY {
            true => tr!(
                lang,
                "this machine was busy (for up to {percent:.0}% of its time the generator waited for a \
                 processor); run it again when nothing else runs",
                "这台机器很忙（生成器最多有 {percent:.0}% 的时间在等处理器）；请在机器空闲时重试"
            ),
            false => tr!(
                lang,
                "the generator's figures can't be trusted on this machine",
                "在这台机器上不要相信生成器的数字"
            ),
        };
        tr!(
            lang,
            "{BAD}{failed} of {total} checks failed{BAD:#}: {advice}",
            "{BAD}{total} 项检查中有 {failed} 项未通过{BAD:#}：{advice}"
        )
    }

    /// Prints a line above the bar, unless the result is JSON.
    pub(super) fn say(&mut self, line: &str) -> io::Result<()> {
        let mut result = Ok(());
        if let Some(out) = &mut self.out {
            self.bar.above(|| result = writeln!(out, "{line}"));
        }
        result
    }
}

/// A value whose text is the same in both languages.
pub(super) fn written(value: impl Display) -> Text {
    tr!("{value}", "{value}")
}

/// Ends a run on Ctrl-C, and freezes a server, if there is one, for the second half of what is measured.
struct Guard<'a> {
    interrupted: &'a AtomicBool,
    server: Option<&'a mut Child>,
    stopped: Option<Instant>,
    /// How long the server was frozen.
    stall: Option<Duration>,
}

impl Watch for Guard<'_> {
    fn tick(&mut self, progress: &Moment) {
        if let Some(server) = &mut self.server
            && self.stopped.is_none()
            && progress.share >= 0.5
        {
            let stopped = signal(server, Signal::STOP);
            self.stopped = stopped.ok().map(|()| Instant::now());
        }
    }

    fn end(&mut self) {
        if let Some(server) = &mut self.server
            && signal(server, Signal::CONT).is_ok()
        {
            self.stall = self.stopped.map(|it| it.elapsed());
        }
    }

    fn interrupted(&self) -> bool {
        self.interrupted.load(Relaxed)
    }
}
