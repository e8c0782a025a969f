//! How far the answers of a run were checked.

use portlab_words::Text;

use crate::{Outcome, Pace, Plan};

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
    /// Every answer ended as the script says, and its content was compared with conditions.
    Content,
    /// Every answer ended as the script says; its content was not checked.
    Framing,
    /// Every answer of HTTP was complete, with a status that is fine; its content was not checked.
    Status,
    /// Every delivery of a chat was compared with what must come.
    History,
}

impl Checked {
    /// How far the answers of `plan` were checked.
    pub fn of(plan: &Plan, outcome: &Outcome) -> Self {
        match plan.checks_every_byte() {
            _ if plan.pace == Pace::Idle => Self::Idle,
            _ if plan.script.chat.is_some() => Self::History,
            _ if plan.script.is_one_way() => Self::NotExpected,
            // Without answers, nothing was checked.
            _ if outcome.answered == 0 && outcome.bytes_received == 0 => Self::NothingCame,
            _ if outcome.answered == 0 => Self::Incomplete,
            true if plan.tells_messages_apart() => Self::EveryByte,
            true => Self::EveryByteOfLikeMessages,
            false if plan.script.has_conditions() => Self::Content,
            false if plan.script.http().is_some() => Self::Status,
            false => Self::Framing,
        }
    }

    /// Its name, for machines.
    pub fn name(self) -> &'static str {
        match self {
            Self::EveryByte | Self::EveryByteOfLikeMessages => "every_byte",
            Self::Content => "content",
            Self::Framing => "framing",
            Self::Status => "status",
            Self::History => "history",
            Self::Idle | Self::NotExpected | Self::NothingCame | Self::Incomplete => "nothing",
        }
    }

    /// How far answers were checked, in words; empty if none was to come.
    pub fn text(self) -> Text {
        match self {
            Self::Idle => Text::new("", ""),
            Self::NotExpected => Text::new("no answer was expected", "不等待响应"),
            Self::NothingCame => Text::new("nothing came", "什么也没收到"),
            Self::Incomplete => Text::new("no answer was complete", "没有一个响应是完整的"),
            Self::EveryByte => Text::new("every byte was checked", "逐字节核对过"),
            Self::EveryByteOfLikeMessages => Text::new(
                "every byte was checked; all messages are alike",
                "逐字节核对过；所有消息都相同",
            ),
            Self::Content => Text::new(
                "framing checked, content by the conditions",
                "核对了消息边界，并按条件核对了内容",
            ),
            Self::Framing => Text::new(
                "framing checked, content not",
                "核对了消息边界，没有核对内容",
            ),
            Self::Status => Text::new(
                "status and length checked, content not",
                "核对了状态码和长度，没有核对内容",
            ),
            Self::History => Text::new("every delivery was checked", "核对了每一次送达"),
        }
    }
}
