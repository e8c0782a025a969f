//! What is shown and kept while a run lasts.

use std::{
    io::IsTerminal,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use anyhow::Context;
use portlab_load::{Interval, Plan, Progress, Watch};
use portlab_words::{Text, plural};

use super::{files::Files, lines::Lines, parts::Parts, screen::Screen, words::waiting};
use crate::{args::lang, progress::Progress as Bar};

/// How often a live screen moves on.
pub(super) const INTERVAL: Duration = Duration::from_millis(250);

/// What lines and files tell of at a time; a little less, for intervals end a little late.
const SECOND: Duration = Duration::from_millis(900);

/// A run that is planned to be shorter needs no screen.
const WORTH_A_SCREEN: Duration = Duration::from_secs(3);

/// Looks on while a run lasts.
pub(super) struct Show {
    live: Live,
    /// What tells this run from others, if there are several.
    title: String,
    files: Files,
    /// The intervals of the current second.
    second: Option<Interval>,
    /// The parts of the run, if they are asked for.
    pub(super) parts: Option<Parts>,
    interrupted: Arc<AtomicBool>,
}

/// How a run is shown.
enum Live {
    /// On a terminal.
    Screen(Box<Screen>),
    /// On a terminal, when it is short.
    Bar(Bar),
    /// Off a terminal, or when asked for.
    Lines(Lines),
}

/// A flag that Ctrl-C sets, so that a run ends with what it has. The second Ctrl-C ends it at once.
pub(crate) fn interrupt_flag() -> anyhow::Result<Arc<AtomicBool>> {
    portlab_sys::interrupt::interrupt_flag()
        .context(Text::new("can't catch Ctrl-C", "无法捕捉 Ctrl-C"))
}

impl Show {
    /// Shows a run of `plan`.
    pub(super) fn new(plan: &Plan, files: Files, plain: bool) -> anyhow::Result<Self> {
        let planned = plan.stop.after.map(|time| {
            time.saturating_add(plan.warmup)
                .saturating_add(plan.life.ramp)
        });
        let long = planned.is_none_or(|planned| planned >= WORTH_A_SCREEN);
        let plain = plain || (long && cfg!(not(feature = "tui")));
        let live = if !is_on_terminal(plain) {
            Live::Lines(Lines::new("", plan))
        } else if long && let Some(screen) = Screen::open(plan) {
            Live::Screen(Box::new(screen))
        } else {
            Live::Bar(Bar::new(lang().pick("connecting", "正在连接")))
        };
        Ok(Self {
            live,
            title: String::new(),
            files,
            second: None,
            parts: None,
            interrupted: interrupt_flag()?,
        })
    }

    /// Shows a run that is one of several, which `title` tells from the others; `interrupted` ends
    /// all of them. It leaves room for the table that grows above.
    pub(super) fn of_a_rung(
        plan: &Plan,
        plain: bool,
        title: &str,
        interrupted: Arc<AtomicBool>,
    ) -> Self {
        let live = match is_on_terminal(plain) {
            true => Live::Bar(Bar::new(title)),
            false => Live::Lines(Lines::new(title, plan)),
        };
        Self {
            live,
            title: format!("{title}: "),
            files: Files::default(),
            second: None,
            parts: None,
            interrupted,
        }
    }

    /// The run is over: clears the screen away, and hands the files back.
    pub(super) fn finish(mut self) -> anyhow::Result<Files> {
        if let Some(second) = self.second.take() {
            self.tell(&second);
        }
        match self.live {
            Live::Screen(screen) => screen.finish()?,
            Live::Bar(bar) => bar.finish(),
            Live::Lines(_) => {}
        }
        Ok(self.files)
    }

    fn tell(&mut self, second: &Interval) {
        self.files.add(second);
        if let Live::Lines(lines) = &mut self.live {
            lines.add(second);
        }
    }
}

fn is_on_terminal(plain: bool) -> bool {
    std::io::stderr().is_terminal() && !plain
}

impl Watch for Show {
    fn connected(&mut self, connected: usize) -> bool {
        match &mut self.live {
            Live::Screen(screen) => screen.connected(connected),
            Live::Bar(bar) => {
                let (title, lang) = (&self.title, lang());
                let connections = plural(connected as u64, "connection");
                bar.say(&lang.pick(
                    format!("{title}loading, {connections}"),
                    format!("{title}正在加载，{connected} 个连接"),
                ));
            }
            Live::Lines(_) => {}
        }
        true
    }

    fn begin(&mut self) {
        self.files.begin();
        if let Live::Lines(lines) = &mut self.live {
            lines.begin();
        }
    }

    fn interval(&mut self, interval: &Interval) {
        if let Live::Screen(screen) = &mut self.live {
            screen.add(interval);
        }
        if let Some(parts) = &mut self.parts {
            parts.add(&interval.latency);
        }
        // Histograms are large: without lines or files no seconds are kept.
        if !matches!(self.live, Live::Lines(_)) && self.files.is_empty() {
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

    fn end(&mut self) {
        if let Live::Lines(lines) = &mut self.live {
            lines.end();
        }
    }

    fn tick(&mut self, progress: &Progress) {
        match &mut self.live {
            Live::Screen(screen) => screen.tick(progress),
            Live::Bar(bar) => {
                bar.at(progress.share);
                if let Some(left) = progress.waiting {
                    bar.say(&waiting(left, lang()));
                }
            }
            Live::Lines(lines) => lines.tick(progress),
        }
    }

    fn wanted_rate(&mut self) -> Option<f64> {
        match &mut self.live {
            Live::Screen(screen) => screen.wanted_rate(),
            Live::Bar(_) | Live::Lines(_) => None,
        }
    }

    fn interrupted(&self) -> bool {
        let by_key = match &self.live {
            Live::Screen(screen) => screen.wants_to_end(),
            Live::Bar(_) | Live::Lines(_) => false,
        };
        by_key || self.interrupted.load(Relaxed)
    }
}
