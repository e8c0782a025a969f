//! What became of a run's messages: the figures from which every sentence about them is written.

use std::time::Duration;

use portlab_words::Text;

use crate::{Expect, Outcome, Pace, Plan};

/// What became of a run's messages, and how far their answers were checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// Messages answered since the run began.
    pub answered: u64,
    /// Of these, while measuring.
    pub measured: u64,
    /// Messages that became due while measuring and were answered: each has a latency.
    pub samples: u64,
    /// Messages that became due while measuring, and were sent and not answered.
    pub unanswered: u64,
    /// Messages that became due while measuring, and were never sent.
    pub due_not_sent: u64,
    /// Answers that were errors by their own protocol; `answered` counts them as well.
    pub error_answers: u64,
    /// All errors, `error_answers` included.
    pub errors: u64,
    /// How far answers were checked.
    pub checked: Checked,
}

/// How far the answers of a run were checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checked {
    /// The run sends nothing, and expects no answer.
    Idle,
    /// No answer was expected.
    NotExpected,
    /// Not one byte came.
    NothingCame,
    /// Bytes came, and no answer was complete.
    Incomplete,
    /// Every byte was compared with what was sent.
    EveryByte,
    /// The same, but all messages are alike: two answers in the wrong order would look right.
    EveryByteOfLikeMessages,
    /// Every answer ended as the script says; its content was not checked.
    Framing,
    /// Every delivery of a chat was compared with what must come.
    History,
}

impl Account {
    /// What became of the messages of `plan`.
    #[must_use]
    pub fn of(plan: &Plan, outcome: &Outcome) -> Self {
        let checked = match plan.checks_every_byte() {
            _ if plan.pace == Pace::Idle => Checked::Idle,
            _ if plan.script.chat.is_some() => Checked::History,
            _ if plan.script.expect == Expect::Nothing => Checked::NotExpected,
            // Without answers, nothing was checked.
            _ if outcome.answered == 0 && outcome.bytes_received == 0 => Checked::NothingCame,
            _ if outcome.answered == 0 => Checked::Incomplete,
            true if plan.tells_messages_apart() => Checked::EveryByte,
            true => Checked::EveryByteOfLikeMessages,
            false => Checked::Framing,
        };
        Self {
            answered: outcome.answered,
            measured: outcome.messages,
            samples: outcome.latency.count(),
            unanswered: outcome.unanswered,
            due_not_sent: outcome.due_not_sent,
            error_answers: outcome.tally.error_answers(),
            errors: outcome.tally.total(),
            checked,
        }
    }
}

impl Checked {
    /// Its name, for machines.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::EveryByte | Self::EveryByteOfLikeMessages => "every_byte",
            Self::Framing => "framing",
            Self::History => "history",
            Self::Idle | Self::NotExpected | Self::NothingCame | Self::Incomplete => "nothing",
        }
    }

    /// How far answers were checked, in words; empty if none was to come.
    #[must_use]
    pub fn text(self) -> Text {
        match self {
            Self::Idle => Text::new("", ""),
            Self::NotExpected => Text::new("no answer was expected", "不等待回应"),
            Self::NothingCame => Text::new("nothing came", "什么也没收到"),
            Self::Incomplete => Text::new("no answer was complete", "没有一个完整的回应"),
            Self::EveryByte => Text::new("every byte was checked", "逐字节核对过"),
            Self::EveryByteOfLikeMessages => Text::new(
                "every byte was checked; all messages are alike",
                "逐字节核对过；所有消息都相同",
            ),
            Self::Framing => Text::new(
                "framing checked, content not",
                "核对了消息边界，没有核对内容",
            ),
            Self::History => Text::new("every delivery was checked", "核对了每一次投递"),
        }
    }
}

/// How long `due` messages take at `rate_per_s`, of which all became due within `elapsed`.
///
/// N messages at a rate of R take N / R: the last message takes up the time until the next would be due,
/// even if the run ended before. So a run of one message isn't faster than its rate. If messages are
/// `counted`, the run ends with the last of them. Otherwise it ends by the clock, somewhere between two
/// messages, and they take one interval more than `elapsed` at most.
pub(crate) fn time_of(due: u64, rate_per_s: f64, elapsed: Duration, counted: bool) -> Duration {
    let by_rate = due as f64 / rate_per_s;
    let one = 1.0 / rate_per_s;
    let most = match counted {
        true => f64::INFINITY,
        false => elapsed.as_secs_f64() + one,
    };
    // A rate may be so low that it takes years.
    Duration::try_from_secs_f64(by_rate.min(most)).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_at_a_rate_take_their_number_divided_by_it() {
        let time = |due, rate, elapsed_ms, counted| {
            let elapsed = Duration::from_millis(elapsed_ms);
            time_of(due, rate, elapsed, counted).as_millis()
        };
        assert_eq!(time(1, 10.0, 1, true), 100);
        assert_eq!(time(100, 10.0, 9_901, true), 10_000);
        // Ten that came early by chance, counted; and by the clock.
        assert_eq!(time(10, 10.0, 600, true), 1_000);
        assert_eq!(time(12, 10.0, 1_000, false), 1_100);
        assert_eq!(time(2, 1.0, 1_050, false), 2_000);
        assert_eq!(time(0, 10.0, 1_050, false), 0);
    }
}
