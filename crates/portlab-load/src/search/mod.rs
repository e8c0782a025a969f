//! The highest rate that a server can bear: a search that knows neither sockets nor time.
//!
//! A search is told what a trial at one rate has shown, and says which rate to try next, or what it
//! has found. Whoever runs the trials is the caller's affair: `load`, a comparison's launcher, a
//! simulation.
//!
//! Measurements are noisy: near the limit some trials at one rate meet the bound and others don't,
//! and now and then the machine spoils a trial far below it. A plain bisection believes its first
//! wrong answer and never comes back. This one keeps all trials and weighs them (see `belief`): one
//! that contradicts the others widens the interval, and the rates near the edge are tried until the
//! interval is as narrow as was asked for.
//!
//! Source: A. Watson and D. Pelli, "QUEST: a Bayesian adaptive psychometric method", Perception &
//! Psychophysics 33 (1983).

mod belief;
mod finding;
#[cfg(test)]
mod simulated;
#[cfg(test)]
mod tests;

use self::belief::Belief;
pub use self::finding::{Finding, Missed, Shown};

/// What is searched for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Goal {
    /// The rate that is tried first, in messages per second; between the next two.
    pub start_per_s: f64,
    /// The lowest rate that is of interest; more than 0.
    pub least_per_s: f64,
    /// The highest rate that is of interest, or that the generator can make.
    pub most_per_s: f64,
    /// How narrow the interval is to be, as a share of its lower end; more than 0.
    pub precision: f64,
    /// How sure the interval is to be, in `(0, 1)`.
    pub confidence: f64,
    /// The most trials that are made.
    pub trials: usize,
    /// The bound as a share of a trial's length. So much more than it can bear forever a server may
    /// be asked for in a trial, before the queue that grows meanwhile breaks the bound: the interval's
    /// lower end is lowered by it.
    pub blind: f64,
}

/// A trial that was made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trial {
    /// Messages per second that were asked for.
    pub rate_per_s: f64,
    /// What it has shown.
    pub finding: Finding,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    /// Make a trial at this rate, in messages per second, and [`Search::learn`] from it.
    Try(f64),
    /// No more trials are needed, or allowed.
    Done,
}

/// What is known of the highest rate, after any number of trials.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// Where it is.
    pub rate: Highest,
    /// Whether it is known as sharply as was asked for.
    pub settled: bool,
    /// How sure the statement is, in `(0, 1)`.
    pub confidence: f64,
    /// Trials made.
    pub trials: usize,
    /// Trials that say the contrary: noise.
    pub contrary: usize,
}

/// The highest rate, in messages per second, at which the bound is met more often than not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Highest {
    /// In this interval.
    Between {
        /// Its lower end.
        low: f64,
        /// The most likely value.
        middle: f64,
        /// Its upper end.
        high: f64,
    },
    /// At least this: there was no higher rate to try.
    AtLeast {
        /// The rate.
        per_s: f64,
        /// Why it went no higher.
        limit: Limit,
    },
    /// Below this, the lowest that was of interest.
    Below {
        /// The rate.
        per_s: f64,
        /// What was missed there.
        missed: Option<Missed>,
    },
    /// Nothing is known of the server.
    Unknown,
}

/// Why no higher rate was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// It is the highest that was of interest.
    Asked,
    /// The generator could make no more.
    Generator,
    /// No more trials were made.
    Trials,
}

/// How much the rate is changed until there is one on either side.
const FACTOR: f64 = 2.0;

/// A search under way.
#[derive(Clone, Debug)]
pub struct Search {
    goal: Goal,
    trials: Vec<Trial>,
    belief: Belief,
}

impl Search {
    /// A search of which nothing is known yet.
    ///
    /// # Panics
    /// When the goal's numbers are out of their ranges.
    #[must_use]
    pub fn new(goal: Goal) -> Self {
        let rates = [0.0, goal.least_per_s, goal.start_per_s, goal.most_per_s];
        assert!(rates[0] < rates[1] && rates.is_sorted(), "{goal:?}");
        assert!(goal.precision > 0.0 && goal.blind >= 0.0, "{goal:?}");
        assert!((0.5..1.0).contains(&goal.confidence), "{goal:?}");
        Self {
            goal,
            trials: Vec::new(),
            belief: Belief::new(goal.least_per_s, goal.most_per_s, goal.precision),
        }
    }

    /// Takes in what a trial has shown.
    pub fn learn(&mut self, trial: Trial) {
        self.trials.push(trial);
        self.belief
            .learn(trial.rate_per_s, trial.finding == Finding::Held);
    }

    /// What to do next.
    #[must_use]
    pub fn step(&self) -> Step {
        if self.trials.len() >= self.goal.trials || self.is_settled() {
            return Step::Done;
        }
        let Goal {
            start_per_s,
            least_per_s,
            most_per_s,
            ..
        } = self.goal;
        let held = self.highest(Finding::is_held);
        let missed = self.lowest(|finding| !finding.is_held());
        let rate = match (held, missed) {
            (None, None) => start_per_s,
            (Some(held), None) => held * FACTOR,
            (None, Some(missed)) => missed / FACTOR,
            (Some(_), Some(_)) => self.belief.quantile(0.5),
        };
        Step::Try(three_digits(rate).clamp(least_per_s, most_per_s))
    }

    /// What is known by now.
    #[must_use]
    pub fn found(&self) -> Found {
        let rate = self.rate();
        let contrary = |trial: &&Trial| match (rate, trial.finding) {
            (Highest::Between { high, .. }, Finding::Held) => trial.rate_per_s > high,
            (Highest::Between { low, .. }, Finding::Missed(_)) => trial.rate_per_s < low,
            (Highest::AtLeast { per_s, .. }, Finding::Missed(_)) => trial.rate_per_s <= per_s,
            (Highest::Below { .. }, Finding::Held) => true,
            _ => false,
        };
        Found {
            rate,
            settled: self.is_settled(),
            confidence: self.goal.confidence,
            trials: self.trials.len(),
            contrary: self.trials.iter().filter(contrary).count(),
        }
    }

    /// The trials that were made, in order.
    #[must_use]
    pub fn trials(&self) -> &[Trial] {
        &self.trials
    }

    fn rate(&self) -> Highest {
        let Goal {
            least_per_s,
            most_per_s,
            blind,
            ..
        } = self.goal;
        let (low, high) = self.belief.interval(self.goal.confidence);
        let sure = low / (1.0 + blind);
        let missed = self.missed_at(least_per_s);
        let too_much = low <= least_per_s && self.is_settled() && missed.is_some();
        if too_much {
            let per_s = least_per_s;
            return Highest::Below { per_s, missed };
        }
        if self.highest(Finding::is_held).is_none() {
            return Highest::Unknown;
        }
        if low >= most_per_s {
            let limit = Limit::Asked;
            return Highest::AtLeast {
                per_s: most_per_s / (1.0 + blind),
                limit,
            };
        }
        // The trials that hold the upper end down. If the generator spoiled them, the server may well
        // bear more.
        let above = |trial: &&Trial| trial.rate_per_s >= low && !trial.finding.is_held();
        let above: Vec<_> = self.trials.iter().filter(above).collect();
        let spoiled = |trial: &&&Trial| trial.finding == Finding::GeneratorLimit;
        let spoiled = above.iter().filter(spoiled).count();
        if above.is_empty() || spoiled * 2 > above.len() {
            let limit = match above.is_empty() {
                true => Limit::Trials,
                false => Limit::Generator,
            };
            // What was never tried isn't claimed.
            let held = self.highest(Finding::is_held).unwrap_or(least_per_s);
            let per_s = sure.min(held / (1.0 + blind)).max(least_per_s);
            return Highest::AtLeast { per_s, limit };
        }
        Highest::Between {
            low: sure.max(least_per_s),
            middle: self.belief.quantile(0.5),
            high: high.min(most_per_s),
        }
    }

    fn is_settled(&self) -> bool {
        let (low, high) = self.belief.interval(self.goal.confidence);
        let narrow = high <= low * (1.0 + self.goal.precision);
        let at_an_end = low >= self.goal.most_per_s || high <= self.goal.least_per_s;
        !self.trials.is_empty() && (narrow || at_an_end)
    }

    fn highest(&self, what: impl Fn(Finding) -> bool) -> Option<f64> {
        self.rates(what).reduce(f64::max)
    }

    fn lowest(&self, what: impl Fn(Finding) -> bool) -> Option<f64> {
        self.rates(what).reduce(f64::min)
    }

    fn rates(&self, what: impl Fn(Finding) -> bool) -> impl Iterator<Item = f64> {
        let trials = self.trials.iter();
        trials.filter_map(move |trial| what(trial.finding).then_some(trial.rate_per_s))
    }

    /// What was missed at the trial nearest to `rate_per_s`.
    fn missed_at(&self, rate_per_s: f64) -> Option<Missed> {
        let missed = self.trials.iter().filter_map(|trial| match trial.finding {
            Finding::Missed(missed) => Some((trial.rate_per_s, missed)),
            _ => None,
        });
        let distance = |rate: f64| (rate / rate_per_s).ln().abs();
        let nearest = missed.min_by(|a, b| distance(a.0).total_cmp(&distance(b.0)));
        nearest.map(|(_, missed)| missed)
    }
}

/// A rate that is easily said.
fn three_digits(rate: f64) -> f64 {
    let step = 10_f64.powf(rate.log10().floor() - 2.0);
    (rate / step).round() * step
}
