//! What the members of a chat share: the senders, the messages on their way, and the history.

use std::collections::HashMap;

use super::{
    Chat, ChatEncoding, ChatFindings, RunId,
    history::{History, Message, Violation},
};
use crate::{Answers, Plan, Sample, Tally, stage::Stage};

/// The rooms of a chat under load.
#[derive(Debug)]
pub(crate) struct Rooms {
    chat: Chat,
    history: History,
    members: Vec<MemberState>,
    /// Members in each room.
    present: Vec<usize>,
    /// Members that may send.
    senders: Vec<u32>,
    random: fastrand::Rng,
    /// Messages that were sent from each slot, by all of its members together.
    sent: Vec<u64>,
    /// Messages that have been sent in all.
    count: u64,
    /// How many messages may be on their way.
    most: usize,
    /// Since when fewer messages than that are on their way.
    free_since: u64,
    on_their_way: HashMap<Message, Flight>,
    /// When a message was last received, or sent while no other was on its way.
    last_received: u64,
    findings: ChatFindings,
    /// The first message that a member received.
    pub(super) received: Answers,
}

/// The state of the member at a slot.
#[derive(Clone, Copy, Debug, Default)]
struct MemberState {
    /// How many members have had this slot; it is part of the member's name.
    generation: u64,
    /// Messages that had been sent when it had entered. It must receive those that are sent later.
    since: u64,
    /// Messages that it may still send.
    left: u64,
    /// Its messages that are on their way.
    in_flight: usize,
    is_in: bool,
}

/// A message on its way.
#[derive(Clone, Copy, Debug)]
struct Flight {
    due: u64,
    sent: u64,
    /// Its place among all messages.
    place: u64,
    /// How many members have still to receive it.
    left: usize,
    /// When a member last received it; 0 for never.
    last: u64,
}

/// The most messages of an open loop that are on their way.
const MOST_UNDER_WAY: usize = 1 << 18;
/// The most deliveries that are waited for. Each takes 16 bytes.
const MOST_DELIVERIES: usize = 4 << 20;
/// The most bytes of text that wait until the server reads.
const MOST_UNSENT: usize = 64 << 20;

impl Rooms {
    /// The rooms of `plan`, whose members have `slots` slots.
    ///
    /// # Panics
    /// When the plan has no chat.
    pub(crate) fn new(plan: &Plan, slots: usize) -> Self {
        let chat = plan.script.chat.clone().expect("members are of a chat");
        let member = MemberState {
            left: plan.life.per_connection.unwrap_or(u64::MAX),
            ..MemberState::default()
        };
        Self {
            history: History::new(slots, chat.rooms),
            members: vec![member; slots],
            present: vec![0; chat.rooms],
            senders: Vec::new(),
            random: fastrand::Rng::with_seed(plan.seed),
            sent: vec![0; slots],
            count: 0,
            most: most_under_way(plan, &chat),
            free_since: 0,
            on_their_way: HashMap::new(),
            last_received: 0,
            findings: ChatFindings::default(),
            received: Answers::default(),
            chat,
        }
    }

    /// A member has connected at `slot`, perhaps in place of another.
    pub(super) fn connects(&mut self, slot: u32) {
        self.members[slot as usize].generation += 1;
    }

    /// The name of the member at `slot`: no two members of a run have the same one.
    pub(super) fn name_of(&self, slot: u32) -> String {
        let generation = self.members[slot as usize].generation as usize - 1;
        let number = slot as usize + generation * self.members.len();
        self.chat.run.member(number)
    }

    pub(super) fn run(&self) -> RunId {
        self.chat.run
    }

    pub(super) fn encoding_of(&self, slot: u32) -> &ChatEncoding {
        &self.chat.encodings[slot as usize % self.chat.encodings.len()]
    }

    /// The member at `slot` asks to enter its room; returns the room's name.
    pub(super) fn joins(&mut self, slot: u32) -> String {
        if self.members[slot as usize].generation > 1 {
            self.history.enters(slot as usize);
        }
        self.chat.run.room(self.history.room_of(slot as usize))
    }

    /// The member at `slot` is in its room.
    pub(super) fn is_in(&mut self, slot: u32) {
        let member = &mut self.members[slot as usize];
        (member.is_in, member.since) = (true, self.count);
        self.present[self.history.room_of(slot as usize)] += 1;
    }

    /// The load has begun: the member at `slot` may send from `now` on. The observers send nothing.
    pub(super) fn may_send(&mut self, slot: u32, now: u64) {
        if self.senders.is_empty() {
            self.free_since = now;
        }
        if !self.history.is_observer(slot as usize) {
            self.senders.push(slot);
        }
    }

    pub(super) fn can_send(&self) -> bool {
        self.on_their_way.len() < self.most && !self.senders.is_empty()
    }

    pub(super) fn free_since(&self) -> u64 {
        self.free_since
    }

    /// A member at random, if there is room for a message.
    pub(super) fn sender(&mut self) -> Option<u32> {
        if !self.can_send() {
            return None;
        }
        self.random.choice(&self.senders).copied()
    }

    /// The member at `slot` sends a message; returns the message's number.
    pub(super) fn sends(&mut self, slot: u32, due: u64, now: u64) -> u64 {
        let from = slot as usize;
        let number = self.sent[from];
        self.sent[from] += 1;
        if self.on_their_way.is_empty() {
            self.last_received = now;
        }
        let flight = Flight {
            due,
            sent: now,
            place: self.count,
            left: self.present[self.history.room_of(from)] - 1,
            last: 0,
        };
        self.count += 1;
        self.on_their_way.insert(Message { from, number }, flight);
        let member = &mut self.members[from];
        member.in_flight += 1;
        member.left -= 1;
        if member.left == 0 {
            self.senders.retain(|sender| *sender != slot);
        }
        number
    }

    /// Whether the member at `slot` has sent all that it was to send, and all of it has been received.
    pub(super) fn is_done(&self, slot: u32) -> bool {
        let member = &self.members[slot as usize];
        member.left == 0 && member.in_flight == 0
    }

    /// Whether a member may send, or messages are on their way.
    pub(super) fn goes_on(&self) -> bool {
        !self.senders.is_empty() || !self.on_their_way.is_empty()
    }

    /// Whether nothing has been received for as long as the `patience`, with messages on their way.
    pub(super) fn is_silent(&self, now: u64, patience: u64) -> bool {
        !self.on_their_way.is_empty() && now.saturating_sub(self.last_received) > patience
    }

    /// How many messages are on their way that became due at a time that `counts`.
    pub(super) fn on_their_way(&self, counts: impl Fn(u64) -> bool) -> u64 {
        let flights = self.on_their_way.values();
        flights.filter(|flight| counts(flight.due)).count() as u64
    }

    /// The findings at the end of the run. If the run was `interrupted`, messages were still on their way, and don't
    /// count as lost.
    pub(crate) fn conclude(mut self, interrupted: bool) -> ChatFindings {
        if !interrupted {
            self.history.end(&self.sent);
        }
        let (violations, first) = self.history.violations();
        ChatFindings {
            violations,
            first_violations: first.into_iter().map(Violation::text).collect(),
            ..self.findings
        }
    }

    pub(super) fn garbled(&mut self, slot: u32) {
        self.history.garbled(slot as usize);
    }

    pub(super) fn stranger(&mut self, line: &[u8]) {
        self.findings.strangers += 1;
        let first = &mut self.findings.first_stranger;
        first.get_or_insert_with(|| Sample::of(line, Tally::SAMPLE));
    }

    /// The message with its sender's slot instead of the number in the sender's name; `None` if there was no member of
    /// this name.
    fn by_slot(&self, message: Message) -> Option<Message> {
        let members = self.members.len();
        let (from, generation) = (message.from % members, (message.from / members) as u64);
        (generation < self.members[from].generation).then_some(Message { from, ..message })
    }

    /// The member at `slot` has left, or its connection is lost: takes it out of its room. Returns the messages that
    /// are given up, because it was their sender or the observer of their room, and the messages that only this member
    /// hadn't received.
    fn take_out(&mut self, slot: u32) -> (Vec<Message>, Vec<Message>) {
        let gone = slot as usize;
        let room = self.history.room_of(gone);
        let is_observer = self.history.is_observer(gone);
        let MemberState { since, is_in, .. } = self.members[gone];
        self.senders.retain(|sender| match is_observer {
            // A room without its observer can't be checked.
            true => self.history.room_of(*sender as usize) != room,
            false => *sender != slot,
        });
        let (mut given_up, mut complete) = (Vec::new(), Vec::new());
        for (message, flight) in &mut self.on_their_way {
            if self.history.room_of(message.from) != room {
                continue;
            }
            let missed = is_in
                && flight.place >= since
                && message.from != gone
                && !self.history.has_received(gone, *message);
            flight.left = flight.left.saturating_sub(usize::from(missed));
            if message.from == gone || is_observer {
                given_up.push(*message);
            } else if flight.left == 0 {
                complete.push(*message);
            }
        }
        if is_in {
            self.present[room] -= 1;
        }
        self.history.leaves(gone);
        (given_up, complete)
    }
}

impl crate::thread_state::ThreadState<Rooms> {
    /// The member at `slot` has received `message`.
    pub(super) fn deliver(&mut self, slot: u32, message: Message) {
        // The clock is read for each message: an older time would make later messages look fast.
        let now = self.now();
        let rooms = &mut self.shared;
        let Some(message) = rooms.by_slot(message) else {
            return rooms.garbled(slot);
        };
        let sent = rooms.sent[message.from];
        if !rooms.history.receive(slot as usize, message, sent) {
            return;
        }
        rooms.last_received = now;
        self.delivered += 1;
        if self.stage == Stage::Measure {
            rooms.findings.deliveries += 1;
        }
        let since = rooms.members[slot as usize].since;
        let Some(flight) = rooms.on_their_way.get_mut(&message) else {
            return;
        };
        flight.last = now;
        let expected = flight.place >= since;
        flight.left = flight.left.saturating_sub(usize::from(expected));
        let (due, is_complete) = (flight.due, expected && flight.left == 0);
        if self.is_measured(due) {
            self.shared.findings.delivery.record(now - due);
        }
        if is_complete {
            self.complete(message, now);
        }
    }

    /// All members of its room have received `message`, the last as of `now`.
    fn complete(&mut self, message: Message, now: u64) {
        if let Some(Flight { due, sent, .. }) = self.take_off(message, now) {
            self.record_answer(0, due, sent, now);
        }
    }

    /// `message` is no longer on its way, as of `now`.
    fn take_off(&mut self, message: Message, now: u64) -> Option<Flight> {
        let rooms = &mut self.shared;
        if rooms.on_their_way.len() == rooms.most {
            rooms.free_since = now;
        }
        let flight = rooms.on_their_way.remove(&message)?;
        let sender = &mut rooms.members[message.from];
        sender.in_flight -= 1;
        if sender.left == 0 && sender.in_flight == 0 {
            // Its connection is to be closed.
            self.again.push(message.from as u32);
        }
        Some(flight)
    }

    /// The member at `slot` is done, or its connection is lost; returns how many measured messages are given
    /// up with it.
    pub(super) fn lose_member(&mut self, slot: u32) -> u64 {
        let now = self.now();
        let (given_up, complete) = self.shared.take_out(slot);
        for message in complete {
            let last = self.shared.on_their_way[&message].last;
            self.complete(message, last);
        }
        let mut unanswered = 0;
        for message in given_up {
            if let Some(flight) = self.take_off(message, now) {
                self.in_flight -= 1;
                unanswered += u64::from(self.is_measured(flight.due));
            }
        }
        let member = &mut self.shared.members[slot as usize];
        *member = MemberState {
            generation: member.generation,
            left: self.plan.life.per_connection.unwrap_or(u64::MAX),
            ..MemberState::default()
        };
        unanswered
    }
}

/// How many messages may be on their way. In an open loop, that is limited by memory: the others are due and not sent.
fn most_under_way(plan: &Plan, chat: &Chat) -> usize {
    if plan.pace.rate_per_s().is_none() {
        return plan.depth;
    }
    let audience = plan.connections.div_ceil(chat.rooms);
    let longest = chat.encodings.iter().map(|it| it.filler.len()).max();
    // The number, a space and the line feed.
    let text = longest.unwrap_or_default() + 24;
    MOST_UNDER_WAY
        .min(MOST_DELIVERIES / audience)
        .min(MOST_UNSENT / text)
}
