//! Outages: times in which no connection to a target could be made, although connections that end are made again.

use std::time::Duration;

use portlab_stats::load::{OutageLine, OutageResult};
use portlab_words::{Text, plural, tr, units};

use crate::{Plan, thread_state::nanos};

/// A time in which no connection to a target could be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outage {
    /// The index of the target.
    pub(crate) target: usize,
    /// When the first connection was lost, or could not be made, in nanoseconds since the run began.
    pub(crate) from: u64,
    /// When a connection was made again; `None` if that was not before the run ended.
    pub(crate) to: Option<u64>,
    /// Measured messages on their way on the connections that were lost.
    pub(crate) lost: u64,
    /// Attempts to connect that failed.
    pub(crate) attempts: u64,
}

/// The outages of a run, in the order of their beginnings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outages {
    list: Vec<Outage>,
    /// The run's measuring: when it began, and when it ended.
    pub(crate) measuring: (u64, u64),
}

/// Whether connections to a target can be made, as far as one thread has seen.
#[derive(Debug, Default)]
pub(crate) struct Reach {
    /// Since a connection was made last: when the first connection was lost, or could not be made, and how many
    /// measured messages were lost.
    lost: Option<(u64, u64)>,
    /// Attempts that have failed since then.
    attempts: u64,
    /// Slots that wait until a connection is made: meanwhile, one slot tries.
    parked: Vec<u32>,
    /// Whether a slot tries.
    tries: bool,
}

/// How long a slot waits before the next attempt: this share of the time that the target has been away, so that the
/// length of an outage is known to as much.
const SHARE: u64 = 40;
/// The shortest and the longest wait, in nanoseconds.
const WAIT: [u64; 2] = [1_000_000, 1_000_000_000];

impl Reach {
    /// A connection was lost at `now`, with so many measured messages on their way.
    pub(crate) fn lose(&mut self, now: u64, messages: u64) {
        self.lost.get_or_insert((now, 0)).1 += messages;
    }

    /// Whether a connection may be tried now: another slot may be trying already. If not, `slot` is kept for
    /// [`made`](Self::made).
    pub(crate) fn may_try(&mut self, slot: u32) -> bool {
        if self.attempts > 0 && self.tries {
            self.parked.push(slot);
            return false;
        }
        true
    }

    /// An attempt of `slot` has failed at `now`. Returns when `slot` tries again, or `None` if another slot tries.
    pub(crate) fn fail(&mut self, slot: u32, now: u64) -> Option<u64> {
        let (since, _) = *self.lost.get_or_insert((now, 0));
        self.attempts += 1;
        if self.tries {
            self.parked.push(slot);
            return None;
        }
        self.tries = true;
        let [least, most] = WAIT;
        Some(now + ((now - since) / SHARE).clamp(least, most))
    }

    /// The slot that waited for its next attempt begins it.
    pub(crate) fn try_now(&mut self) {
        self.tries = false;
    }

    /// A connection to `target` was made at `now`. Returns the outage that has ended, and the slots that are to be
    /// connected again.
    pub(crate) fn made(&mut self, target: usize, now: u64) -> (Option<Outage>, Vec<u32>) {
        let outage = self.outage(target, Some(now));
        let parked = std::mem::take(self).parked;
        (outage, parked)
    }

    /// The outage that lasts until `to`, if attempts have failed.
    pub(crate) fn outage(&self, target: usize, to: Option<u64>) -> Option<Outage> {
        let (from, lost) = self.lost.filter(|_| self.attempts > 0)?;
        Some(Outage {
            target,
            from,
            to,
            lost,
            attempts: self.attempts,
        })
    }
}

impl Outages {
    /// Adds an outage. Threads notice the same outage: outages of a target that overlap become one, which ends when the
    /// first thread has made a connection.
    pub(crate) fn add(&mut self, mut outage: Outage) {
        let end = |it: &Outage| it.to.unwrap_or(u64::MAX);
        self.list.retain(|it| {
            let same = it.target == outage.target;
            if !same || it.from > end(&outage) || outage.from > end(it) {
                return true;
            }
            outage = Outage {
                target: it.target,
                from: it.from.min(outage.from),
                to: it.to.into_iter().chain(outage.to).min(),
                lost: it.lost + outage.lost,
                attempts: it.attempts + outage.attempts,
            };
            false
        });
        let at = self.list.partition_point(|it| it.from < outage.from);
        self.list.insert(at, outage);
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        other.list.iter().for_each(|outage| self.add(*outage));
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Outage> {
        self.list.iter()
    }

    /// Whether there was none.
    pub fn is_none(&self) -> bool {
        self.list.is_empty()
    }

    /// How many there were.
    pub fn count(&self) -> usize {
        self.list.len()
    }

    /// Whether a target was away when the run ended.
    pub fn goes_on(&self) -> bool {
        self.list.iter().any(|it| it.to.is_none())
    }

    /// How long they lasted, added up; an outage that had not ended counts up to the end of measuring.
    pub fn total(&self) -> Duration {
        self.list.iter().map(|it| self.length(it)).sum()
    }

    /// How long `outage` lasted.
    pub(crate) fn length(&self, outage: &Outage) -> Duration {
        let to = outage.to.unwrap_or(self.measuring.1);
        Duration::from_nanos(to.saturating_sub(outage.from))
    }

    /// When `outage` began, from the beginning of measuring; `None` if that was before.
    pub(crate) fn begin(&self, outage: &Outage) -> Option<Duration> {
        let since = outage.from.checked_sub(self.measuring.0)?;
        Some(Duration::from_nanos(since))
    }

    /// Measured messages that were lost.
    pub fn lost(&self) -> u64 {
        self.list.iter().map(|it| it.lost).sum()
    }

    /// The outages, in words; empty if there was none.
    pub fn text(&self) -> Text {
        let Some(first) = self.list.first() else {
            return Text::new("", "");
        };
        let (count, lost) = (self.list.len(), self.lost());
        let total = units::time(self.total());
        let (messages, were) = (
            plural(lost, "message"),
            if lost == 1 { "was" } else { "were" },
        );
        let from = match self.begin(first).map(units::time) {
            Some(at) => tr!("from {at} after measuring began", "从测量开始后 {at} 起"),
            None => Text::new("from before measuring began", "从测量开始之前起"),
        };
        let Text { en, zh } = from;
        let Text {
            en: end,
            zh: end_zh,
        } = match self.goes_on() {
            true => Text::new(", and still when the run ended", "，到运行结束时仍未恢复"),
            false => Text::new("", ""),
        };
        match count {
            1 => tr!(
                "the port was away for {total}, {en}{end}: {messages} on the way {were} lost",
                "端口中断了 {total}（{zh}{end_zh}）：丢失了途中的 {lost} 条消息"
            ),
            _ => tr!(
                "the port was away {count} times for {total} in all, {en}{end}: {messages} on the way {were} lost",
                "端口中断了 {count} 次，共 {total}（{zh}{end_zh}）：丢失了途中的 {lost} 条消息"
            ),
        }
    }

    /// The outages in the result of `plan`; `None` if there was none.
    pub(crate) fn result(&self, plan: &Plan) -> Option<OutageResult> {
        let line = |outage: &Outage| OutageLine {
            target: plan.targets[outage.target].to_string(),
            from_ns: self.begin(outage).map(nanos),
            length_ns: nanos(self.length(outage)),
            ended: outage.to.is_some(),
            messages_lost: outage.lost,
            failed_attempts: outage.attempts,
        };
        (!self.is_none()).then(|| OutageResult {
            count: self.count() as u64,
            length_ns: nanos(self.total()),
            messages_lost: self.lost(),
            each: self.iter().take(100).map(line).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn outage(target: usize, from: u64, to: Option<u64>) -> Outage {
        let (lost, attempts) = (1, 2);
        Outage {
            target,
            from,
            to,
            lost,
            attempts,
        }
    }

    #[test]
    fn one_slot_tries_while_the_others_wait() {
        let mut reach = Reach::default();
        reach.lose(100 * MS, 3);
        reach.lose(101 * MS, 2);
        // Until an attempt has failed, each slot tries.
        assert!(reach.may_try(0) && reach.may_try(1));
        assert_eq!(reach.fail(0, 102 * MS), Some(103 * MS));
        assert_eq!((reach.fail(1, 102 * MS), reach.may_try(2)), (None, false));
        reach.try_now();
        assert_eq!(reach.fail(0, 500 * MS), Some(510 * MS));
        reach.try_now();
        let (outage, parked) = reach.made(7, 600 * MS);
        let expected = Outage {
            target: 7,
            from: 100 * MS,
            to: Some(600 * MS),
            lost: 5,
            attempts: 3,
        };
        assert_eq!((outage, parked), (Some(expected), vec![1, 2]));
        reach.lose(700 * MS, 1);
        assert_eq!(reach.made(7, 701 * MS), (None, vec![]));
    }

    #[test]
    fn the_outages_of_several_threads_are_those_of_their_targets() {
        let mut outages = Outages::default();
        for (target, from, to) in [
            (0, 500, Some(900)),
            (0, 100, Some(300)),
            (1, 100, Some(400)),
            (0, 120, Some(290)),
            (0, 1_000, None),
            (0, 1_100, None),
        ] {
            outages.merge(&Outages {
                list: vec![outage(target, from, to)],
                ..Outages::default()
            });
        }
        outages.measuring = (50, 1_200);
        let found: Vec<_> = outages
            .iter()
            .map(|it| (it.target, it.from, it.to, it.lost))
            .collect();
        let expected = [
            (0, 100, Some(290), 2),
            (1, 100, Some(400), 1),
            (0, 500, Some(900), 1),
            (0, 1_000, None, 2),
        ];
        assert_eq!(found, expected);
        assert_eq!(outages.total(), Duration::from_nanos(300 + 190 + 400 + 200));
        assert!(outages.goes_on() && outages.lost() == 6);
    }

    #[test]
    fn an_outage_is_told_with_its_length_its_beginning_and_its_losses() {
        let mut outages = Outages::default();
        outages.add(outage(0, 2_000 * MS, Some(2_500 * MS)));
        outages.measuring = (1_000 * MS, 6_000 * MS);
        assert_eq!(
            outages.text().to_string(),
            "the port was away for 500 ms, from 1.00 s after measuring began: 1 message on the way was lost"
        );
        outages.add(outage(0, 5_000 * MS, None));
        assert_eq!(
            outages.text().to_string(),
            "the port was away 2 times for 1.50 s in all, from 1.00 s after measuring began, and still when the run \
             ended: 2 messages on the way were lost"
        );
    }
}
