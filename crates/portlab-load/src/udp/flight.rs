//! The messages of one socket that may still be answered.

use std::{collections::VecDeque, mem};

/// The messages that one socket has sent, the oldest first, each known by its number: numbers only rise.
///
/// A settled message, answered or given up, stays for a while, so that another answer is recognised.
#[derive(Debug, Default)]
pub(crate) struct Flight {
    messages: VecDeque<Message>,
    /// How many of the first messages are settled.
    settled: usize,
    /// How many of the last messages the system has not taken yet.
    unsent: usize,
    /// The number after the highest one that was answered.
    next_expected: u64,
}

/// A message. Times are in nanoseconds since the run began.
#[derive(Debug, Default)]
pub(crate) struct Message {
    pub(crate) number: u64,
    pub(crate) due: u64,
    pub(crate) sent: u64,
    pub(crate) size: usize,
    /// Its bytes; empty if they are in the ring.
    pub(crate) bytes: Box<[u8]>,
    pub(crate) state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum State {
    #[default]
    Waiting,
    Answered,
    GivenUp,
}

/// What a datagram is.
#[derive(Debug)]
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

/// How many messages are kept, if the oldest are settled.
const KEPT: usize = 256;

impl Flight {
    /// Adds a message, which is to be sent.
    pub(crate) fn queue(&mut self, message: Message) {
        self.messages.push_back(message);
        self.unsent += 1;
    }

    /// The next message that is to be sent.
    pub(crate) fn unsent(&self) -> Option<&Message> {
        self.messages.get(self.messages.len() - self.unsent)
    }

    /// The system has taken the message that [`unsent`](Self::unsent) returned.
    pub(crate) fn has_sent(&mut self) {
        self.unsent -= 1;
    }

    /// A datagram with this number has come.
    ///
    /// Reordered is an answer whose number is lower than one that came before (RFC 4737, 3.3).
    pub(crate) fn answer(&mut self, number: u64) -> Came {
        let at = match self.place(number) {
            Ok(at) => at,
            Err(0) if !self.messages.is_empty() => return Came::Late,
            Err(_) => return Came::Unknown,
        };
        match self.messages[at].state {
            State::Waiting => {}
            State::Answered => return Came::Duplicate,
            State::GivenUp => {
                self.messages[at].state = State::Answered;
                return Came::Late;
            }
        }
        let reordered = number < self.next_expected;
        self.next_expected = self.next_expected.max(number + 1);
        let message = self.settle(at, State::Answered);
        Came::Answer { message, reordered }
    }

    /// A datagram that contains these numbers has come: it is the answer to the first of their messages that waits and
    /// that `fits`, or to the first that was sent at all. Without any number, it answers the oldest message.
    pub(crate) fn answer_one_of(
        &mut self,
        numbers: impl Iterator<Item = u64> + Clone,
        fits: impl Fn(&Message) -> bool,
    ) -> Came {
        if numbers.clone().next().is_none() {
            return self.answer_the_oldest();
        }
        let found = |number: &u64| self.place(*number).ok().map(|at| &self.messages[at]);
        let waits = |it: &Message| it.state == State::Waiting && fits(it);
        let best = numbers.clone().find(|it| found(it).is_some_and(waits));
        let known = best.or_else(|| numbers.clone().find(|it| found(it).is_some()));
        known
            .or(numbers.min())
            .map_or(Came::Unknown, |number| self.answer(number))
    }

    /// A datagram without a number has come: the answer to the oldest message.
    pub(crate) fn answer_the_oldest(&mut self) -> Came {
        match self.settled < self.messages.len() - self.unsent {
            false => Came::Unknown,
            true => Came::Answer {
                message: self.settle(self.settled, State::Answered),
                reordered: false,
            },
        }
    }

    /// Gives up the oldest message if it was sent by `moment`.
    pub(crate) fn give_up(&mut self, moment: u64) -> Option<Message> {
        self.oldest().filter(|sent| *sent <= moment)?;
        if self.settled == self.messages.len() - self.unsent {
            self.unsent -= 1;
        }
        Some(self.settle(self.settled, State::GivenUp))
    }

    /// When the oldest message without an answer was sent.
    pub(crate) fn oldest(&self) -> Option<u64> {
        self.messages.get(self.settled).map(|it| it.sent)
    }

    /// The messages without an answer.
    pub(crate) fn unanswered(&self) -> impl Iterator<Item = &Message> {
        let waits = |it: &&Message| it.state == State::Waiting;
        self.messages.range(self.settled..).filter(waits)
    }

    /// Where the message that was sent with this number is, or would be.
    fn place(&self, number: u64) -> Result<usize, usize> {
        let place = self.messages.binary_search_by_key(&number, |it| it.number);
        let sent = self.messages.len() - self.unsent;
        place.and_then(|at| if at < sent { Ok(at) } else { Err(at) })
    }

    /// Takes the message at `at`, of which only the number and `state` stay.
    fn settle(&mut self, at: usize, state: State) -> Message {
        let number = self.messages[at].number;
        let settled = Message {
            number,
            state,
            ..Message::default()
        };
        let message = mem::replace(&mut self.messages[at], settled);
        let waits = |it: &Message| it.state == State::Waiting;
        let rest = self.messages.range(self.settled..);
        self.settled += rest.take_while(|it| !waits(it)).count();
        let extra = self.messages.len().saturating_sub(KEPT).min(self.settled);
        self.messages.drain(..extra);
        self.settled -= extra;
        message
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message that is due at `number` and sent at `number + 100`.
    fn queue(flight: &mut Flight, number: u64) {
        flight.queue(Message {
            number,
            due: number,
            sent: number + 100,
            ..Message::default()
        });
    }

    fn flight(numbers: impl IntoIterator<Item = u64>) -> Flight {
        let mut flight = Flight::default();
        for number in numbers {
            queue(&mut flight, number);
            flight.has_sent();
        }
        flight
    }

    fn told(came: Came) -> String {
        match came {
            Came::Answer { message, reordered } => {
                let due = message.due;
                format!("{due}{}", if reordered { " reordered" } else { "" })
            }
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn answers_are_told_apart_by_their_numbers() {
        let mut flight = flight(0..5);
        let came = [1, 0, 1, 4, 3, 5].map(|number| told(flight.answer(number)));
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
        assert_eq!((unanswered, flight.oldest()), (vec![2], Some(102)));
        assert!(flight.give_up(101).is_none());
        assert_eq!(flight.give_up(102).unwrap().due, 2);
        let came = [2, 2].map(|number| told(flight.answer(number)));
        assert_eq!(
            (came, flight.oldest()),
            (["Late".into(), "Duplicate".into()], None)
        );
        queue(&mut flight, 5);
        assert_eq!(flight.unsent().unwrap().number, 5);
        assert_eq!(told(flight.answer(5)), "Unknown");
        assert!(flight.give_up(105).is_some() && flight.unsent().is_none());
    }

    #[test]
    fn an_answer_belongs_to_the_first_of_its_numbers_that_fits_a_message_on_its_way() {
        let mut flight = flight([3, 7, 20, 30]);
        let mut came = |numbers: &[u64], fits: u64| {
            told(flight.answer_one_of(numbers.iter().copied(), |it| it.number == fits))
        };
        // A number may be part of the text: 200 in "200 OK 7".
        assert_eq!(came(&[200, 3, 7], 7), "7");
        assert_eq!(came(&[7], 7), "Duplicate");
        // It fits no message, so it is a wrong answer to the first one.
        assert_eq!(came(&[200, 20, 30], 0), "20");
        assert_eq!(came(&[200], 0), "Unknown");
        assert_eq!(came(&[], 0), "3");
    }

    #[test]
    fn settled_messages_take_no_more_than_some_room() {
        let mut numbered = flight(0..0);
        for number in 0..100_000 {
            queue(&mut numbered, number);
            numbered.has_sent();
            numbered.answer(number);
        }
        assert_eq!(
            (numbered.messages.len(), told(numbered.answer(7))),
            (KEPT, "Late".into())
        );
        // The oldest has no answer: those behind it stay.
        let mut numbered = flight(0..2_000);
        (1..2_000).for_each(|number| drop(numbered.answer(number)));
        assert_eq!(
            (numbered.messages.len(), numbered.unanswered().count()),
            (2_000, 1)
        );
    }

    #[test]
    fn answers_without_a_number_come_in_order() {
        let mut flight = flight([7, 8]);
        queue(&mut flight, 9);
        let came = [(); 3].map(|()| told(flight.answer_the_oldest()));
        assert_eq!(came, ["7", "8", "Unknown"]);
    }
}
