//! Loading a chat: members in rooms. Some members send messages, and all members of their room must receive them.
//!
//! A chat has no answers. What is measured is the time until the last member of a room has received a
//! message (its *fan-out*). What is checked is the whole history: nothing lost, nothing doubled, each
//! sender's order kept, one order per room, nothing from another room.

mod history;
mod line;
mod member;
mod rooms;

use portlab_words::Text;

use self::line::Line;
pub use self::line::RunId;
pub(crate) use self::{member::Member, rooms::Rooms};
use crate::{Latency, Sample};

/// A chat as a script: the connections are members in rooms.
///
/// One member of each room observes it, and sends nothing. In a closed loop a message is sent when an earlier
/// one has reached its whole room, and the depth is the number of messages on their way at a time, over all rooms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chat {
    /// How many rooms there are, at least one; each has at least two members.
    pub rooms: usize,
    /// The encodings that members use, in turn; at least one.
    pub encodings: Vec<ChatEncoding>,
    /// The letters with which the names of its members and rooms begin.
    pub run: RunId,
}

/// An encoding that members of a chat use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatEncoding {
    /// Its name, as the chat's `/encoding` takes it.
    pub label: String,
    /// The end of every message, without a line feed. In every encoding, the filler is the same text.
    pub filler: Vec<u8>,
}

/// The results that only a load of a chat has.
#[derive(Clone, Debug, Default)]
pub struct ChatFindings {
    /// How often a member received a message while measuring.
    pub deliveries: u64,
    /// How often a member received a message between [`Watch::begin`](crate::Watch::begin) and
    /// [`Watch::end`](crate::Watch::end).
    pub metered_deliveries: u64,
    /// From when a message became due, while measuring, to when each member received it.
    pub delivery: Latency,
    /// How many promises were not kept.
    pub violations: u64,
    /// The first of them, in words.
    pub first_violations: Vec<Text>,
    /// Lines that members received from clients that don't belong to this run.
    pub strangers: u64,
    /// The beginning of the first of them.
    pub first_stranger: Option<Sample>,
}

/// Treats the lines in `input` as lines that members of one run receive: the first byte of a line is the number of the
/// member. For `tests/fuzz/`.
///
/// # Panics
/// When the history counts more violations than lines and members allow.
pub fn fuzz_lines(input: &[u8]) {
    /// How many messages each member has sent.
    const SAID: u64 = 3;
    let run = RunId::of(*b"fuzzed");
    let filler = b"0123456789";
    let mut history = history::History::new(4, 2);
    let mut lines = 0;
    for line in input.split(|byte| *byte == b'\n') {
        let Some((member, line)) = line.split_first() else {
            continue;
        };
        let member = usize::from(*member) % 4;
        lines += 1;
        match line::read_line(line, run, filler) {
            Line::Message(message) => drop(history.receive(member, message, SAID)),
            Line::Garbled => history.garbled(member),
            Line::Stranger => {}
        }
    }
    history.end(&[SAID; 4]);
    // A line breaks at most one promise of each member, and at the end each member may miss messages.
    let (count, _) = history.violations();
    assert!(
        count <= 4 * lines + 8,
        "{count} violations in {lines} lines"
    );
}
