//! A connection's place in its program, and the bytes of its messages.

use super::ThreadState;
use crate::{Payload, Ring, program::Cursor, stage::Stage};

/// What a connection keeps if its script is a program: one exchange that is sent from the ring again and again needs
/// none of this.
#[derive(Debug)]
pub(super) struct Steps {
    cursor: Cursor,
    /// The exchange whose message was queued last.
    pub(super) last: u32,
    /// Since when the connection pauses, and until when.
    pub(super) pause: Option<(u64, u64)>,
    /// `None` if messages are sent from the ring.
    own: Option<Own>,
}

/// The bytes of the messages in flight, where each message is different.
#[derive(Debug, Default)]
struct Own {
    bytes: Vec<u8>,
    /// Where `bytes` begin in the connection's stream.
    base: u64,
    /// Up to where messages have been answered.
    answered: u64,
}

/// A buffer that is larger is given back to the system when it is empty, so that an idle connection stays small.
const KEPT: usize = 4096;

/// The bytes of the stream of the run's connection `number` from `offset` on, at most `length` of them: those that the
/// connection keeps, or else those of the ring.
#[inline]
pub(super) fn bytes_at<'a>(
    steps: Option<&'a Steps>,
    ring: &'a Ring,
    (number, offset): (usize, u64),
    length: usize,
) -> &'a [u8] {
    let Some(own) = steps.and_then(|it| it.own.as_ref()) else {
        return ring.at(number, offset, length);
    };
    let rest = &own.bytes[(offset - own.base) as usize..];
    &rest[..length.min(rest.len())]
}

impl Steps {
    /// The place of a new connection; `None` if its script isn't a program.
    pub(super) fn of(state: &ThreadState) -> Option<Box<Self>> {
        let program = state.plan.script.program.as_ref()?;
        let made = |payload: &Payload| matches!(payload, Payload::Template(_));
        let makes = program.exchanges().iter().any(|it| made(&it.payload));
        Some(Box::new(Self {
            cursor: Cursor::default(),
            last: 0,
            pause: None,
            own: makes.then(Own::default),
        }))
    }

    /// Moves on to the next message, whose bytes are appended; returns its exchange and its length.
    pub(super) fn next(&mut self, number: usize, state: &mut ThreadState) -> (u32, usize) {
        let ThreadState {
            plan,
            numbers,
            random,
            ..
        } = state;
        let script = &plan.script;
        let program = script.program.as_ref().expect("the script is a program");
        self.cursor.advance(program, random);
        let next = self.cursor.take(program);
        self.last = next.expect("a connection sends no more messages than its program has");
        let size = match (script.exchange(self.last).0, &mut self.own) {
            (Payload::Template(template), Some(own)) => {
                let before = own.bytes.len();
                template.render(number, numbers, random, &mut own.bytes);
                own.bytes.len() - before
            }
            _ => state.next_size(),
        };
        (self.last, size)
    }

    /// The oldest message, of `size` bytes, has been answered, and the stream has been sent up to `sent`.
    pub(super) fn release(&mut self, size: usize, sent: u64) {
        let Some(own) = &mut self.own else {
            return;
        };
        own.answered += size as u64;
        // A server may answer before it has received the whole message.
        let done = (own.answered.min(sent) - own.base) as usize;
        if done == own.bytes.len() {
            own.bytes.clear();
            if own.bytes.capacity() > KEPT {
                own.bytes = Vec::new();
            }
        } else if done > own.bytes.len() / 2 {
            own.bytes.drain(..done);
        } else {
            return;
        }
        own.base += done as u64;
    }

    /// Begins the pause before the next message, if there is one; returns when it ends.
    pub(super) fn begin_pause(&mut self, state: &mut ThreadState, now: u64) -> Option<u64> {
        let ThreadState {
            plan,
            random,
            stage,
            ..
        } = state;
        let program = plan.script.program.as_ref()?;
        let pause = match *stage {
            // The run has ended: only what ends the session is said.
            Stage::LastSteps => 0,
            _ => self.cursor.advance(program, random),
        };
        self.pause = (pause > 0).then_some((now, now + pause));
        self.pause.map(|(_, until)| until)
    }

    /// Goes to the steps that end a connection of an endless program; returns how many messages they have. `None` if
    /// there are none.
    pub(super) fn jump_to_last(&mut self, state: &ThreadState) -> Option<u64> {
        let program = state.plan.script.program.as_ref()?;
        self.pause = None;
        self.cursor.jump_to_last(program)
    }
}
