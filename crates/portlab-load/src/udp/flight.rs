//! The messages of one socket that may still be answered.

use std::collections::VecDeque;

/// The messages that one socket has sent, the oldest first, each known by its sequence number.
///
/// An answered message stays for a while, so that a second answer is recognised as a duplicate.
#[derive(Debug, Default)]
pub(crate) struct Flight {
    messages: VecDeque<Message>,
    /// The sequence number of the oldest message; later messages follow without a gap.
    first: u64,
    /// The sequence number after the highest one that was answered.
    next_expected: u64,
    /// How many messages the system has not taken yet: the last ones.
    unsent: u64,
}

/// A message that was sent. Times are in nanoseconds since the run began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Message {
    pub(crate) due: u64,
    pub(crate) sent: u64,
    pub(crate) size: usize,
    is_answered: bool,
}

/// What a datagram is that came with a sequence number.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Came {
    /// The answer to this message.
    Answer {
        message: Message,
        /// Whether the answer to a later message came before.
        reordered: bool,
    },
    /// Another answer to a message that was answered.
    Duplicate,
    /// An answer after the message was given up.
    Late,
    /// An answer to no message of this socket.
    Unknown,
}

/// How many messages are kept at least, if the oldest are answered.
const KEPT: usize = 1024;

impl Flight {
    /// The number and the length of the next message that is to be sent.
    pub(crate) fn unsent(&self) -> Option<(u64, usize)> {
        let at = (self.messages.len() as u64).checked_sub(self.unsent)?;
        let message = self.messages.get(at as usize)?;
        Some((self.first + at, message.size))
    }

    /// The system has taken the message that [`unsent`](Self::unsent) returned.
    pub(crate) fn has_sent(&mut self) {
        self.unsent -= 1;
    }

    /// Adds a message, which is to be sent.
    pub(crate) fn queue(&mut self, due: u64, sent: u64, size: usize) {
        self.messages.push_back(Message {
            due,
            sent,
            size,
            is_answered: false,
        });
        self.unsent += 1;
    }

    /// An answer with this sequence number has come.
    ///
    /// Reordered is an answer whose number is lower than one that came before (RFC 4737, 3.3).
    pub(crate) fn answer(&mut self, number: u64) -> Came {
        let Some(at) = number.checked_sub(self.first) else {
            return Came::Late;
        };
        let sent = self.messages.len() as u64 - self.unsent;
        let Some(message) = self.messages.get_mut(at as usize).filter(|_| at < sent) else {
            return Came::Unknown;
        };
        if std::mem::replace(&mut message.is_answered, true) {
            return Came::Duplicate;
        }
        let message = *message;
        let reordered = number < self.next_expected;
        self.next_expected = self.next_expected.max(number + 1);
        let is_old = |it: &Message| it.is_answered;
        while self.messages.len() > KEPT && self.messages.front().is_some_and(is_old) {
            self.drop_first();
        }
        Came::Answer { message, reordered }
    }

    /// The oldest message has been answered: answers without a number come in the order of their messages.
    pub(crate) fn answer_the_oldest(&mut self) -> Option<Message> {
        (self.messages.len() as u64 > self.unsent).then(|| self.drop_first())?
    }

    /// Takes the oldest message if it was sent by `moment`, and says whether it was answered.
    pub(crate) fn expire(&mut self, moment: u64) -> Option<(Message, bool)> {
        self.messages.front().filter(|it| it.sent <= moment)?;
        self.drop_first().map(|it| (it, it.is_answered))
    }

    /// When the oldest message was sent.
    pub(crate) fn oldest(&self) -> Option<u64> {
        self.messages.front().map(|it| it.sent)
    }

    /// The messages without an answer.
    pub(crate) fn unanswered(&self) -> impl Iterator<Item = &Message> {
        self.messages.iter().filter(|it| !it.is_answered)
    }

    fn drop_first(&mut self) -> Option<Message> {
        let message = self.messages.pop_front()?;
        self.first += 1;
        self.unsent = self.unsent.min(self.messages.len() as u64);
        Some(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn send(flight: &mut Flight, due: u64, sent: u64, size: usize) {
        flight.queue(due, sent, size);
        flight.has_sent();
    }

    fn told(came: Came) -> String {
        match came {
            Came::Answer { message, reordered } => {
                format!(
                    "{}{}",
                    message.due,
                    if reordered { " reordered" } else { "" }
                )
            }
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn answers_are_told_apart_by_their_numbers() {
        let mut flight = Flight::default();
        for moment in 0..5 {
            send(&mut flight, moment, moment + 100, 8);
        }
        let numbers = [1, 0, 1, 4, 3, 5];
        let came = numbers.map(|number| told(flight.answer(number)));
        let expected = [
            "1",
            "0 reordered",
            "Duplicate",
            "4",
            "3 reordered",
            "Unknown",
        ];
        assert_eq!(came, expected);
        let unanswered: Vec<_> = flight.unanswered().map(|it| it.due).collect();
        assert_eq!(unanswered, [2]);
        let expired = std::iter::from_fn(|| flight.expire(103));
        let expired: Vec<_> = expired.map(|(it, answered)| (it.due, answered)).collect();
        assert_eq!(expired, [(0, true), (1, true), (2, false), (3, true)]);
        assert_eq!(told(flight.answer(2)), "Late");
        assert_eq!(flight.oldest(), Some(104));
        flight.queue(5, 105, 8);
        assert_eq!(
            (flight.unsent(), told(flight.answer(5))),
            (Some((5, 8)), "Unknown".into())
        );
    }

    #[test]
    fn answered_messages_take_no_more_than_some_room() {
        let mut flight = Flight::default();
        for number in 0..100_000 {
            send(&mut flight, number, number, 8);
            flight.answer(number);
        }
        assert_eq!(flight.messages.len(), KEPT);
        // The oldest has no answer: those behind it stay.
        let mut flight = Flight::default();
        for number in 0..2_000 {
            send(&mut flight, number, number, 8);
            if number > 0 {
                flight.answer(number);
            }
        }
        assert_eq!(
            (flight.messages.len(), flight.unanswered().count()),
            (2_000, 1)
        );
    }

    #[test]
    fn answers_without_a_number_come_in_order() {
        let mut flight = Flight::default();
        send(&mut flight, 7, 7, 8);
        send(&mut flight, 8, 8, 8);
        flight.queue(9, 9, 8);
        let due = [(); 3].map(|()| flight.answer_the_oldest().map(|it| it.due));
        assert_eq!(due, [Some(7), Some(8), None]);
    }
}
