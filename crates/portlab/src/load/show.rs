//! Showing a run while it lasts, and keeping what its files need.

use std::{
    io::{self, IsTerminal},
    iter,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use anyhow::Context;
use portlab_load::{Interval, Metrics, Outcome, Parts, Plan, Progress, Watch};
use portlab_words::{Text, plural};

use super::{files::Files, lines::Lines, screen, words::stage};
use crate::{args::lang, progress};

/// How often a live screen is updated.
pub(super) const INTERVAL: Duration = Duration::from_millis(250);

/// The time that a line, or a row of a file, covers: a little less than a second, because intervals end a little late.
const SECOND: Duration = Duration::from_millis(900);

/// A run that is planned to be shorter needs no screen.
const WORTH_A_SCREEN: Duration = Duration::from_secs(3);

/// How a run is shown: on a screen, in a bar or in lines.
pub(super) trait Live: Watch {
    /// Called after each second.
    fn second(&mut self, _second: &Interval) {}

    /// Called after the run.
    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Shows a run while it lasts, and keeps what its files need.
pub(super) struct Show {
    live: Box<dyn Live>,
    files: Files,
    /// Histograms are large: without lines or files no seconds are kept.
    keeps_seconds: bool,
    /// The intervals of the current second.
    second: Option<Interval>,
    /// The parts of the run, if they are asked for.
    pub(super) parts: Option<Parts>,
    /// The figures for Prometheus, if they are asked for.
    metrics: Option<Metrics>,
    interrupted: Arc<AtomicBool>,
}

/// A flag that Ctrl-C sets, so that a run ends with what it has. The second Ctrl-C ends it at once.
pub(crate) fn interrupt_flag() -> anyhow::Result<Arc<AtomicBool>> {
    portlab_sys::interrupt::interrupt_flag()
        .context(Text::new("can't catch Ctrl-C", "无法捕捉 Ctrl-C"))
}

impl Show {
    /// Shows a run of `plan`, which `interrupted` ends. A run that is one of several has a `title`, and
    /// leaves room for the table that grows above.
    pub(super) fn new(
        plan: &Plan,
        title: &str,
        files: Files,
        plain: bool,
        interrupted: Arc<AtomicBool>,
    ) -> Self {
        let planned = plan.stop.after.map(|time| {
            time.saturating_add(plan.warmup)
                .saturating_add(plan.life.ramp)
        });
        let long = planned.is_none_or(|planned| planned >= WORTH_A_SCREEN) && title.is_empty();
        let plain = plain || (long && cfg!(not(feature = "tui")));
        let on_terminal = std::io::stderr().is_terminal() && !plain;
        let live: Box<dyn Live> = if !on_terminal {
            Box::new(Lines::new(title, plan))
        } else if long && let Some(screen) = screen::open(plan) {
            screen
        } else {
            Box::new(Bar::new(title))
        };
        Self {
            live,
            keeps_seconds: !on_terminal || !files.need_no_seconds(),
            files,
            second: None,
            parts: None,
            metrics: None,
            interrupted,
        }
    }

    /// Gives the figures of this run, of `plan`, to `metrics` too.
    pub(super) fn export_to(&mut self, metrics: Option<&Metrics>, plan: &Plan) {
        self.metrics = metrics.cloned();
        if let Some(metrics) = metrics {
            metrics.begin_run(plan);
        }
    }

    /// Clears the screen after the run, and returns the files.
    pub(super) fn finish(mut self) -> anyhow::Result<Files> {
        if let Some(second) = self.second.take() {
            self.tell(&second);
        }
        self.live.finish()?;
        Ok(self.files)
    }

    /// What is called with everything that happens.
    fn watches(&mut self) -> impl Iterator<Item = &mut dyn Watch> {
        let metrics = self.metrics.as_mut().map(|it| it as &mut dyn Watch);
        let live: &mut dyn Watch = &mut *self.live;
        iter::once(live).chain(metrics)
    }

    fn tell(&mut self, second: &Interval) {
        self.files.add(second);
        self.live.second(second);
    }
}

/// A bar for a short run. Dropping it clears it.
struct Bar {
    bar: progress::Progress,
    /// The name of this run, if there are several.
    title: String,
}

impl Bar {
    fn new(title: &str) -> Self {
        let (what, title) = match title {
            "" => (lang().pick("connecting", "正在连接"), String::new()),
            title => (title, format!("{title}: ")),
        };
        let bar = progress::Progress::new(what);
        Self { bar, title }
    }
}

impl Live for Bar {}

impl Watch for Bar {
    fn connected(&mut self, connected: usize) -> bool {
        let title = &self.title;
        let connections = plural(connected as u64, "connection");
        self.bar.say(&lang().pick(
            format!("{title}loading, {connections}"),
            format!("{title}正在加载，{connected} 个连接"),
        ));
        true
    }

    fn tick(&mut self, progress: &Progress) {
        self.bar.at(progress.share);
        if progress.waiting.is_some() {
            self.bar.say(&stage(progress, 0, lang()));
        }
    }
}

impl Watch for Show {
    fn connected(&mut self, connected: usize) -> bool {
        let mut goes_on = true;
        for watch in self.watches() {
            goes_on &= watch.connected(connected);
        }
        goes_on
    }

    fn begin(&mut self) {
        self.files.begin();
        self.watches().for_each(Watch::begin);
    }

    fn interval(&mut self, interval: &Interval) {
        self.watches().for_each(|it| it.interval(interval));
        if let Some(parts) = &mut self.parts {
            parts.add(interval);
        }
        if !self.keeps_seconds {
            return;
        }
        match &mut self.second {
            Some(second) => second.extend(interval),
            None => self.second = Some(interval.clone()),
        }
        if let Some(second) = self.second.take_if(|second| second.length() >= SECOND) {
            self.tell(&second);
        }
    }

    fn added(&mut self, so_far: &Outcome) {
        if let Some(metrics) = &mut self.metrics {
            metrics.added(so_far);
        }
    }

    fn end(&mut self) {
        self.watches().for_each(Watch::end);
    }

    fn tick(&mut self, progress: &Progress) {
        self.live.tick(progress);
    }

    fn wanted_rate(&mut self) -> Option<f64> {
        self.live.wanted_rate()
    }

    fn interrupted(&self) -> bool {
        self.live.interrupted() || self.interrupted.load(Relaxed)
    }
}
