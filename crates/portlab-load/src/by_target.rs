//! The figures of each target, where a run has several.

use portlab_stats::load::TargetResult;

use crate::{Latency, Outcome, Plan, outcome::per_s};

/// The figures of one of several targets.
#[derive(Clone, Debug, Default)]
pub struct TargetFigures {
    /// Messages answered while measuring.
    pub messages: u64,
    /// From when a message was due to the last byte of its answer.
    pub latency: Latency,
    /// Errors.
    pub errors: u64,
    /// Messages sent whose answers had not come when the run ended, or their connection was lost.
    pub unanswered: u64,
}

impl TargetFigures {
    /// Adds those of another thread.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.messages += other.messages;
        self.latency.merge(&other.latency);
        self.errors += other.errors;
        self.unanswered += other.unanswered;
    }

    /// Adds those of `others` to `all`, target by target.
    pub(crate) fn merge_all(all: &mut Vec<Self>, others: &[Self]) {
        all.resize_with(others.len().max(all.len()), Self::default);
        for (all, other) in all.iter_mut().zip(others) {
            all.merge(other);
        }
    }
}

/// The figures of each of several targets in the result of `plan`.
pub(crate) fn results(plan: &Plan, outcome: &Outcome) -> Vec<TargetResult> {
    let both = plan.targets.iter().zip(&outcome.by_target);
    both.map(|(target, figures)| TargetResult {
        target: target.to_string(),
        messages: figures.messages,
        messages_per_s: per_s(figures.messages, outcome.time()),
        latency_ns: figures.latency.quantiles(),
        errors: figures.errors,
        unanswered: figures.unanswered,
    })
    .collect()
}

/// The figures of a thread by target; nothing is kept with one target, whose figures are those of the run.
#[derive(Debug, Default)]
pub(crate) struct ByTarget {
    figures: Vec<TargetFigures>,
    /// Errors of the current statistics that a target has.
    errors: u64,
}

impl ByTarget {
    pub(crate) fn new(targets: usize) -> Self {
        let figures = match targets {
            1 => Vec::new(),
            several => vec![TargetFigures::default(); several],
        };
        Self { figures, errors: 0 }
    }

    /// The figures of the target that the run's connection `number` loads.
    #[inline]
    pub(crate) fn of(&mut self, number: usize) -> Option<&mut TargetFigures> {
        // Most runs have one target, and need no division for each message.
        let target = number.checked_rem(self.figures.len())?;
        self.figures.get_mut(target)
    }

    /// The current statistics have so many errors: those that no target has are errors of the run's connection `number`.
    pub(crate) fn has_errors(&mut self, number: usize, errors: impl Fn() -> u64) {
        if self.figures.is_empty() {
            return;
        }
        let errors = errors();
        let new = errors - std::mem::replace(&mut self.errors, errors);
        if let Some(figures) = self.of(number) {
            figures.errors += new;
        }
    }

    /// Takes the figures for the current statistics; the next ones begin empty.
    pub(crate) fn take(&mut self) -> Vec<TargetFigures> {
        self.errors = 0;
        let empty = vec![TargetFigures::default(); self.figures.len()];
        std::mem::replace(&mut self.figures, empty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_belong_to_the_target_of_the_connection_that_had_them() {
        let mut by_target = ByTarget::new(2);
        by_target.has_errors(0, || 3);
        by_target.has_errors(5, || 4);
        by_target.has_errors(2, || 4);
        let mut all = by_target.take();
        by_target.has_errors(4, || 1);
        TargetFigures::merge_all(&mut all, &by_target.take());
        let errors: Vec<_> = all.iter().map(|it| it.errors).collect();
        assert_eq!(errors, [4, 1]);
        assert!(ByTarget::new(1).of(7).is_none());
    }
}
