//! Whether a chat keeps its promises: checked while it is loaded, delivery by delivery.

use std::collections::VecDeque;

use portlab_words::{Text, tr};

/// What the members of a chat have received, compared with what they must receive.
///
/// One member of each room is its observer: it sends nothing, so the server must deliver every message to it. The
/// observer's messages, in its order, are the room's history. Each sender's messages must reach the observer in the
/// sender's order. Every other member must receive the same messages in the same order, except its own. A member may
/// receive a message before the observer does; that message is compared when the observer has received it.
///
/// A member may leave, and enter again: then the first message that it receives tells where in the room's order it has
/// entered. Messages that it missed before can't be distinguished from messages that were sent before it entered.
#[derive(Debug)]
pub(super) struct History {
    members: Vec<Member>,
    /// The members of each room; the first is the observer.
    rooms: Vec<Vec<usize>>,
    /// The number of the next message that a room's observer must receive from each sender.
    next: Vec<u64>,
    found: Vec<Violation>,
    count: u64,
}

#[derive(Debug)]
struct Member {
    room: usize,
    presence: Presence,
    /// What the observer has received, and this member hasn't yet.
    expected: VecDeque<Message>,
    /// What this member has received, and the observer hasn't yet.
    ahead: VecDeque<Message>,
}

/// How much of its room's history a member must receive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    /// All of it from a message on that both the member and the observer have received, or from the start.
    In,
    /// It has asked to enter, and all of it from some message on.
    Entering,
    /// Nothing: it has left, or its connection is lost.
    Out,
}

/// A message: the number of its sender, and its number among the sender's, from 0 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Message {
    pub(super) from: usize,
    pub(super) number: u64,
}

/// A broken promise, and the member that received, or missed, the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Violation {
    member: usize,
    kind: Kind,
}

/// How a promise was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The member never received so many messages.
    Lost(u64),
    /// The member received this message again, or it was never sent, or it is the member's own.
    Doubled(Message),
    /// The member received this message before an earlier one.
    OutOfOrder(Message),
    /// The member received a message of this member of another room.
    Elsewhere(usize),
    /// The member received a line that no member sent.
    Garbled,
}

/// How many violations are kept to be shown.
const KEPT: usize = 10;

impl History {
    /// The history of `members` in `rooms`: member `m` is in room `m` modulo `rooms`.
    pub(super) fn new(members: usize, rooms: usize) -> Self {
        let room_of = |member: usize| member % rooms;
        let mut history = Self {
            members: Vec::new(),
            rooms: vec![Vec::new(); rooms],
            next: vec![0; members],
            found: Vec::new(),
            count: 0,
        };
        for member in 0..members {
            let room = room_of(member);
            history.rooms[room].push(member);
            history.members.push(Member {
                room,
                presence: Presence::In,
                expected: VecDeque::new(),
                ahead: VecDeque::new(),
            });
        }
        history
    }

    /// The room of `member`.
    pub(super) fn room_of(&self, member: usize) -> usize {
        self.members[member].room
    }

    /// Whether `member` observes its room.
    pub(super) fn is_observer(&self, member: usize) -> bool {
        self.rooms[self.members[member].room][0] == member
    }

    /// `member` has left, or its connection is lost. Messages that it hasn't received are no violations.
    pub(super) fn leaves(&mut self, member: usize) {
        let member = &mut self.members[member];
        member.presence = Presence::Out;
        member.expected.clear();
        member.ahead.clear();
    }

    /// `member`, which had left, asks to enter its room again.
    pub(super) fn enters(&mut self, member: usize) {
        self.members[member].presence = Presence::Entering;
    }

    /// Whether `member` has received `message`, which was sent after the member had entered.
    pub(super) fn has_received(&self, member: usize, message: Message) -> bool {
        let member = &self.members[member];
        match message.number < self.next[message.from] {
            true => !member.expected.contains(&message),
            false => member.ahead.contains(&message),
        }
    }

    /// `member` has received `message`, whose sender has sent `sent` messages so far. Returns whether the message is part
    /// of the history; other messages aren't kept.
    pub(super) fn receive(&mut self, member: usize, message: Message, sent: u64) -> bool {
        let Message { from, number } = message;
        let Some(sender) = self.members.get(from) else {
            return self.refuse(member, Kind::Garbled);
        };
        let room = sender.room;
        if room != self.members[member].room {
            return self.refuse(member, Kind::Elsewhere(from));
        }
        if from == member || number >= sent {
            return self.refuse(member, Kind::Doubled(message));
        }
        if self.is_observer(member) {
            return self.observe(member, message);
        }
        let listener = &mut self.members[member];
        if listener.expected.front() == Some(&message) {
            listener.expected.pop_front();
            listener.presence = Presence::In;
            return true;
        }
        let entering = listener.presence == Presence::Entering;
        let at = listener.expected.iter().position(|it| *it == message);
        match at {
            // The messages before this one were sent before the member had entered.
            Some(at) if entering => {
                listener.expected.drain(..=at);
                listener.presence = Presence::In;
                return true;
            }
            Some(at) => {
                listener.expected.remove(at);
            }
            // The observer has received it before, and so has this member.
            None if number < self.next[from] || listener.ahead.contains(&message) => {
                return self.refuse(member, Kind::Doubled(message));
            }
            None => {
                if entering {
                    listener.expected.clear();
                }
                let behind = !listener.expected.is_empty();
                listener.ahead.push_back(message);
                if !behind {
                    return true;
                }
            }
        }
        self.note(member, Kind::OutOfOrder(message));
        true
    }

    /// The observer of a room has received `message`, which is now the end of the room's history.
    fn observe(&mut self, observer: usize, message: Message) -> bool {
        let Message { from, number } = message;
        let next = &mut self.next[from];
        if number < *next {
            return self.refuse(observer, Kind::Doubled(message));
        }
        let skipped = number - *next;
        *next = number + 1;
        if skipped > 0 {
            // If these messages come later, each is counted again, as doubled.
            self.note(observer, Kind::Lost(skipped));
        }
        let room = self.members[observer].room;
        let mut disordered = Vec::new();
        for &member in &self.rooms[room] {
            if member == observer || member == from {
                continue;
            }
            let listener = &mut self.members[member];
            if listener.presence == Presence::Out {
                continue;
            }
            let entering = listener.presence == Presence::Entering;
            if listener.ahead.front() == Some(&message) {
                listener.ahead.pop_front();
                listener.presence = Presence::In;
            } else if let Some(at) = listener.ahead.iter().position(|it| *it == message) {
                listener.ahead.remove(at);
                disordered.push(member);
            } else if entering && !listener.ahead.is_empty() {
                // The message was sent before the member had entered.
            } else {
                listener.expected.push_back(message);
                // The member has received later messages before this one.
                if !listener.ahead.is_empty() {
                    disordered.push(member);
                }
            }
        }
        for member in disordered {
            self.note(member, Kind::OutOfOrder(message));
        }
        true
    }

    /// `member` has received a line that this run can't read as a message.
    pub(super) fn garbled(&mut self, member: usize) {
        self.note(member, Kind::Garbled);
    }

    /// The run is over, and member `m` has sent `sent[m]` messages. Messages that are missing because the
    /// connection of a member was lost aren't counted as violations: the lost connection is counted as an error.
    pub(super) fn end(&mut self, sent: &[u64]) {
        let mut lost = Vec::new();
        let is_out = |member: usize| self.members[member].presence == Presence::Out;
        for (from, count) in sent.iter().enumerate() {
            let missing = count.saturating_sub(self.next[from]);
            let observer = self.rooms[self.members[from].room][0];
            if missing > 0 && !is_out(observer) && !is_out(from) {
                lost.push((observer, missing));
            }
        }
        for (member, listener) in self.members.iter().enumerate() {
            // A message that the observer never received is expected of no other member.
            if !listener.expected.is_empty() && listener.presence == Presence::In {
                lost.push((member, listener.expected.len() as u64));
            }
        }
        lost.sort_unstable();
        for (member, count) in lost {
            self.note(member, Kind::Lost(count));
        }
    }

    fn note(&mut self, member: usize, kind: Kind) {
        self.count += 1;
        if self.found.len() < KEPT {
            self.found.push(Violation { member, kind });
        }
    }

    /// Counts a violation by a message that isn't part of the history.
    fn refuse(&mut self, member: usize, kind: Kind) -> bool {
        self.note(member, kind);
        false
    }

    /// How many violations there were, and the first of them.
    pub(super) fn violations(self) -> (u64, Vec<Violation>) {
        (self.count, self.found)
    }
}

impl Violation {
    /// What was wrong, in words.
    pub(super) fn text(self) -> Text {
        let member = self.member;
        match self.kind {
            Kind::Lost(count) => tr!(
                "member {member} never received {count} of the messages",
                "成员 {member} 没有收到其中 {count} 条消息"
            ),
            Kind::Doubled(Message { from, number }) => tr!(
                "member {member} received message {number} of member {from} once too often",
                "成员 {member} 多收到一次成员 {from} 的消息 {number}"
            ),
            Kind::OutOfOrder(Message { from, number }) => tr!(
                "member {member} received message {number} of member {from} in another order than its room",
                "成员 {member} 收到成员 {from} 的消息 {number} 的顺序与聊天室的顺序不同"
            ),
            Kind::Elsewhere(from) => tr!(
                "member {member} received a message of member {from}, which is in another room",
                "成员 {member} 收到了另一个聊天室的成员 {from} 的消息"
            ),
            Kind::Garbled => tr!(
                "member {member} received a line that no member sent",
                "成员 {member} 收到了没有成员发送过的一行"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Members 0 (the observer), 1, 2 and 3 in a room.
    fn room() -> History {
        History::new(4, 1)
    }

    fn message(from: usize, number: u64) -> Message {
        Message { from, number }
    }

    /// Members receive these `(member, from, number)`, while each of 1 and 2 has sent two messages.
    fn receive_all(history: &mut History, received: &[(usize, usize, u64)]) {
        for &(member, from, number) in received {
            history.receive(member, message(from, number), 2);
        }
    }

    fn found(mut history: History, received: &[(usize, usize, u64)]) -> Vec<Violation> {
        receive_all(&mut history, received);
        history.end(&[0, 2, 2, 0]);
        history.violations().1
    }

    #[test]
    fn a_lost_connection_is_not_a_broken_promise() {
        let found = |lost: Option<usize>| {
            let mut history = room();
            // The observer has received the first of four messages; members 2 and 3 none.
            history.receive(0, message(1, 0), 2);
            if let Some(lost) = lost {
                history.leaves(lost);
            }
            history.end(&[0, 2, 2, 0]);
            history.violations().0
        };
        // Without a lost connection: the last messages of 1 and of 2, and the first message at 2 and at 3.
        assert_eq!(found(None), 4);
        assert_eq!([0, 1, 2, 3].map(|it| found(Some(it))), [2, 3, 2, 3]);
    }

    /// One order of the room, 1.0 2.0 1.1 2.1, as every member must receive it.
    const GOOD: [(usize, usize, u64); 12] = [
        // Member 3 is ahead of the observer, and member 2 behind it.
        (3, 1, 0),
        (3, 2, 0),
        (0, 1, 0),
        (0, 2, 0),
        (1, 2, 0),
        (0, 1, 1),
        (0, 2, 1),
        (2, 1, 0),
        (2, 1, 1),
        (1, 2, 1),
        (3, 1, 1),
        (3, 2, 1),
    ];

    #[test]
    fn a_chat_that_keeps_its_promises_has_no_violation() {
        assert_eq!(found(room(), &GOOD), []);
    }

    #[test]
    fn a_missing_delivery_is_found() {
        for (at, missing) in GOOD.iter().enumerate() {
            let mut received = GOOD.to_vec();
            received.remove(at);
            assert_ne!(found(room(), &received), [], "without {missing:?}");
        }
    }

    #[test]
    fn a_doubled_delivery_is_found() {
        for (at, doubled) in GOOD.iter().enumerate() {
            for again in at + 1..=GOOD.len() {
                let mut received = GOOD.to_vec();
                received.insert(again, *doubled);
                let found = found(room(), &received);
                assert_ne!(found, [], "{doubled:?} again at {again}");
            }
        }
    }

    #[test]
    fn another_order_is_found() {
        // Any two deliveries to one member are swapped.
        for (at, one) in GOOD.iter().enumerate() {
            for (offset, other) in GOOD[at + 1..].iter().enumerate() {
                if one.0 == other.0 {
                    let mut received = GOOD.to_vec();
                    received.swap(at, at + 1 + offset);
                    assert_ne!(
                        found(room(), &received),
                        [],
                        "{one:?} and {other:?} swapped"
                    );
                }
            }
        }
    }

    /// The room's order is 1.0 2.0 1.1 2.1. Member 3 leaves after the first message and enters again, so that
    /// it receives the last two.
    fn reentered(ahead: bool, received: &[(usize, usize, u64)]) -> Vec<Violation> {
        let mut history = room();
        receive_all(&mut history, &[(3, 1, 0), (0, 1, 0), (2, 1, 0)]);
        history.leaves(3);
        history.enters(3);
        let observed = [
            (0, 2, 0),
            (1, 2, 0),
            (0, 1, 1),
            (2, 1, 1),
            (0, 2, 1),
            (1, 2, 1),
        ];
        let (first, then) = if ahead {
            (received, &observed[..])
        } else {
            (&observed[..], received)
        };
        receive_all(&mut history, first);
        found(history, then)
    }

    #[test]
    fn a_member_that_enters_again_must_receive_all_from_its_first_message_on() {
        for ahead in [false, true] {
            assert_eq!(reentered(ahead, &[(3, 1, 1), (3, 2, 1)]), [], "{ahead}");
            for wrong in [
                &[(3, 2, 1), (3, 1, 1)][..],
                &[(3, 1, 1)],
                &[(3, 1, 1), (3, 1, 1), (3, 2, 1)],
                &[(3, 1, 0), (3, 1, 1), (3, 2, 1)],
                &[(3, 2, 0), (3, 2, 1)],
            ] {
                assert_ne!(reentered(ahead, wrong), [], "{ahead}: {wrong:?}");
            }
        }
    }

    #[test]
    fn messages_that_were_never_sent_are_found_and_not_kept() {
        let mut history = room();
        for number in [2, 3, u64::MAX] {
            assert!(!history.receive(0, message(1, number), 2));
            assert!(!history.receive(3, message(1, number), 2));
        }
        assert_eq!(history.count, 6);
        assert_eq!(history.next, [0; 4]);
        assert!(
            history
                .members
                .iter()
                .all(|it| it.ahead.is_empty() && it.expected.is_empty())
        );
    }

    #[test]
    fn a_message_of_another_room_or_of_the_member_itself_is_found() {
        let mut two_rooms = History::new(6, 2);
        assert!(two_rooms.is_observer(1) && two_rooms.room_of(2) == 0);
        assert!(!two_rooms.receive(3, message(2, 0), 2));
        assert!(!two_rooms.receive(3, message(3, 0), 2));
        assert!(!two_rooms.receive(3, message(99, 0), 2));
        two_rooms.garbled(3);
        let (own, member) = (message(3, 0), 3);
        let kinds = [
            Kind::Elsewhere(2),
            Kind::Doubled(own),
            Kind::Garbled,
            Kind::Garbled,
        ];
        let expected = kinds.map(|kind| Violation { member, kind });
        assert_eq!(two_rooms.violations(), (4, expected.into()));
    }
}
