//! The highest rate that a server handles within a bound: a search without sockets and without a clock.
//!
//! A comparison's launcher, or a simulation, runs the trials and gives their findings to the search. The search
//! returns the rate of the next trial, and the interval that it has found.
//!
//! Measurements are noisy: near the limit some trials at one rate meet the bound and others don't, and sometimes the
//! machine spoils a trial far below the limit. A plain bisection can't correct a wrong trial. This search keeps all
//! trials and weighs them (see `belief`): a trial that contradicts the others widens the interval, and rates near the
//! limit are tried until the interval is as narrow as the goal demands.
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

/// The goal of a search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Goal {
    /// The rate of the first trial, in messages per second; from `least_per_s` to `most_per_s`.
    pub start_per_s: f64,
    /// The lowest rate that is of interest; more than 0.
    pub least_per_s: f64,
    /// The highest rate that is of interest, or that the generator can send.
    pub most_per_s: f64,
    /// How narrow the interval is to be, as a share of its lower end; more than 0.
    pub precision: f64,
    /// How sure the interval is to be, in `(0, 1)`.
    pub confidence: f64,
    /// The most trials that are made.
    pub trials: usize,
    /// The bound as a share of a trial's length. A trial is short: if the rate exceeds the server's highest rate by
    /// less than this share, the queue doesn't grow enough in one trial to break the bound. So the interval's lower end
    /// is lowered by this share.
    pub blind: f64,
}

impl Goal {
    /// The confidence of a user's search.
    pub const CONFIDENCE: f64 = 0.9;
    /// The precision of a user's search.
    pub const PRECISION: f64 = 0.05;
}

/// A trial that was made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trial {
    /// Messages per second that were asked for.
    pub rate_per_s: f64,
    /// The finding.
    pub finding: Finding,
}

/// The highest rate, in messages per second, at which the bound is met more often than not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Highest {
    /// In this interval.
    Between {
        /// Its lower end.
        low: f64,
        /// Its upper end.
        high: f64,
    },
    /// At least this rate: no trial shows an upper end.
    AtLeast {
        /// The rate.
        per_s: f64,
        /// Why no higher rate was tried.
        limit: Limit,
    },
    /// Below this rate, the lowest that was of interest.
    Below {
        /// The rate.
        per_s: f64,
    },
    /// Nothing is known of the server.
    Unknown,
}

/// Why no higher rate was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// The rate is the highest that was of interest.
    Asked,
    /// Trials of higher rates say nothing.
    Spoiled,
    /// No more trials were made.
    Trials,
}

/// The factor from one rate to the next, until one trial has held and another has missed the bound.
const FACTOR: f64 = 2.0;

/// Where trials are made when the highest rate lies between two trials: at these two quantiles of the belief, in turn. At
/// the median, half of the trials hold with every server. At other quantiles, trials that hold below and miss above show how
/// sharp the limit is, so that fewer trials are needed.
const ASIDE: [f64; 2] = [0.2, 0.8];

/// Trials up to this factor above the lowest rate that was tried are trials of the lowest rates.
const LOWEST: f64 = 1.1;

/// A search: its goal, and what its trials have shown.
#[derive(Clone, Debug)]
pub struct Search {
    goal: Goal,
    trials: Vec<Trial>,
    belief: Belief,
}

impl Search {
    /// A search before its first trial.
    ///
    /// # Panics
    /// When the goal's numbers are out of their ranges.
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

    /// Adds the finding of a trial.
    pub fn learn(&mut self, trial: Trial) {
        self.trials.push(trial);
        self.belief
            .learn(trial.rate_per_s, trial.finding == Finding::Held);
    }

    /// The rate of the next trial, in messages per second, whose finding is then given to [`Search::learn`]; `None`
    /// if no more trials are needed, or allowed.
    pub fn next_rate(&self) -> Option<f64> {
        if self.trials.len() >= self.goal.trials || self.is_settled() {
            return None;
        }
        let goal = self.goal;
        let held = self.rates(true).reduce(f64::max);
        let missed = self.rates(false).reduce(f64::min);
        let rate = match (held, missed) {
            (None, None) => goal.start_per_s,
            (Some(held), None) => held * FACTOR,
            (None, Some(missed)) => missed / FACTOR,
            (Some(_), Some(_)) => self.belief.quantile(ASIDE[self.trials.len() % 2]),
        };
        Some(three_digits(rate).clamp(goal.least_per_s, goal.most_per_s))
    }

    /// The trials that were made, in order.
    pub fn trials(&self) -> &[Trial] {
        &self.trials
    }

    /// The highest rate, as far as the trials show it.
    pub fn highest(&self) -> Highest {
        let (least_per_s, most_per_s) = (self.goal.least_per_s, self.goal.most_per_s);
        // A trial can't show a rate that is too high by this factor.
        let unseen = 1.0 + self.goal.blind;
        let (low, high) = self.belief.interval(self.goal.confidence);
        let sure = low / unseen;
        let missed = |trial: &Trial| matches!(trial.finding, Finding::Missed(_));
        if low <= least_per_s && self.is_settled() && self.trials.iter().any(missed) {
            let per_s = least_per_s;
            return match self.says_nothing_at_the_lowest_rates() {
                true => Highest::Unknown,
                false => Highest::Below { per_s },
            };
        }
        let Some(held) = self.rates(true).reduce(f64::max) else {
            return Highest::Unknown;
        };
        if low >= most_per_s {
            let (per_s, limit) = (most_per_s / unseen, Limit::Asked);
            return Highest::AtLeast { per_s, limit };
        }
        // These trials set the upper end. If most of them say nothing about the server, its highest rate may be higher.
        let above = |trial: &&Trial| trial.rate_per_s >= low && !trial.finding.is_held();
        let above: Vec<_> = self.trials.iter().filter(above).collect();
        let spoiled = |trial: &&&Trial| trial.finding == Finding::Nothing;
        let spoiled = above.iter().filter(spoiled).count();
        if above.is_empty() || spoiled * 2 > above.len() {
            let limit = match above.is_empty() {
                true if held >= most_per_s => Limit::Asked,
                true => Limit::Trials,
                false => Limit::Spoiled,
            };
            // No rate above the highest that held is claimed.
            let per_s = sure.min(held / unseen).max(least_per_s);
            return Highest::AtLeast { per_s, limit };
        }
        Highest::Between {
            low: sure.max(least_per_s),
            high: high.min(most_per_s),
        }
    }

    /// Whether the interval is as narrow as the goal demands, or at an end of the range of interest.
    pub fn is_settled(&self) -> bool {
        let (low, high) = self.belief.interval(self.goal.confidence);
        let narrow = high <= low * (1.0 + self.goal.precision);
        let at_an_end = low >= self.goal.most_per_s || high <= self.goal.least_per_s;
        !self.trials.is_empty() && (narrow || at_an_end)
    }

    /// Whether most trials of the lowest rates that were tried say nothing about the server.
    fn says_nothing_at_the_lowest_rates(&self) -> bool {
        let lowest = self.trials.iter().map(|it| it.rate_per_s);
        let lowest = lowest.fold(f64::INFINITY, f64::min) * LOWEST;
        let low = self.trials.iter().filter(|it| it.rate_per_s <= lowest);
        let low: Vec<_> = low.collect();
        let spoiled = low.iter().filter(|it| it.finding == Finding::Nothing);
        spoiled.count() * 2 > low.len()
    }

    /// The rates of the trials that held, or of those that didn't.
    fn rates(&self, held: bool) -> impl Iterator<Item = f64> {
        let trials = self.trials.iter();
        let alike = trials.filter(move |trial| trial.finding.is_held() == held);
        alike.map(|trial| trial.rate_per_s)
    }
}

/// `rate` with three significant digits.
fn three_digits(rate: f64) -> f64 {
    let step = 10_f64.powf(rate.log10().floor() - 2.0);
    (rate / step).round() * step
}
