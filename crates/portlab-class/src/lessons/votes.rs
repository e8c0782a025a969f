//! Votes: which devices have joined, and what they voted. Pure: the time and the devices' marks come from outside.
//!
//! A device has one vote in each step. Until the vote is closed, the device may change it. After a discussion a teacher may
//! open the same question again: all votes stay, and devices may change them.

use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, Instant},
};

/// All votes of a class.
#[derive(Debug)]
pub(super) struct Votes {
    /// The devices that have joined, and how often each votes.
    joined: HashMap<Device, Rate>,
    ballots: BTreeMap<Place, Ballot>,
    current: Option<Place>,
    wrong_codes: Rate,
}

/// A browser, by the random mark that the page gave it. No name is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Device(u128);

/// A step of a lesson.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) lesson: String,
    pub(super) step: String,
}

/// The votes about one question.
#[derive(Debug)]
struct Ballot {
    options: usize,
    votes: HashMap<Device, usize>,
    is_open: bool,
    is_shown: bool,
}

/// How the vote about the current question stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) is_open: bool,
    pub(super) voters: usize,
    /// The votes for each answer, once the outcome is shown.
    pub(super) counts: Option<Vec<usize>>,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    WrongCode,
    TooManyTries,
    Full,
    NotJoined,
    NotOpen,
    NoSuchAnswer,
    TooFast,
}

impl Default for Votes {
    fn default() -> Self {
        Self {
            joined: HashMap::new(),
            ballots: BTreeMap::new(),
            current: None,
            wrong_codes: Rate::new(WRONG_CODES_PER_S),
        }
    }
}

impl Votes {
    /// Lets a device join, if the code that was typed there is right. After too many wrong codes of all devices, a right
    /// one is refused too, until the next second, so that codes can't be tried.
    pub(super) fn join(
        &mut self,
        device: Device,
        is_right: bool,
        now: Instant,
    ) -> Result<(), Refused> {
        if self.joined.contains_key(&device) && is_right {
            return Ok(());
        }
        if !self.wrong_codes.has_room(now) {
            return Err(Refused::TooManyTries);
        }
        if !is_right {
            self.wrong_codes.take();
            return Err(Refused::WrongCode);
        }
        if self.joined.len() >= DEVICES {
            return Err(Refused::Full);
        }
        self.joined.insert(device, Rate::new(VOTES_PER_S));
        Ok(())
    }

    /// Opens the question at `place`, with `options` answers. The question before it is closed.
    pub(super) fn open(&mut self, place: Place, options: usize) {
        self.close();
        let ballot = self.ballots.entry(place.clone()).or_insert_with(|| Ballot {
            options,
            votes: HashMap::new(),
            is_open: true,
            is_shown: false,
        });
        ballot.is_open = true;
        ballot.is_shown = false;
        self.current = Some(place);
    }

    /// Closes the current question: votes stay as they are.
    pub(super) fn close(&mut self) {
        if let Some(ballot) = self.current_ballot() {
            ballot.is_open = false;
        }
    }

    /// Closes the current question, and shows its outcome.
    pub(super) fn show(&mut self) {
        self.close();
        if let Some(ballot) = self.current_ballot() {
            ballot.is_shown = true;
        }
    }

    /// Votes for the answer `option`, from 0, in place of the device's vote before.
    pub(super) fn vote(
        &mut self,
        device: Device,
        place: &Place,
        option: usize,
        now: Instant,
    ) -> Result<(), Refused> {
        let rate = self.joined.get_mut(&device).ok_or(Refused::NotJoined)?;
        if !rate.has_room(now) {
            return Err(Refused::TooFast);
        }
        rate.take();
        let is_current = self.current.as_ref() == Some(place);
        let ballot = self.current_ballot().filter(|it| is_current && it.is_open);
        let ballot = ballot.ok_or(Refused::NotOpen)?;
        if option >= ballot.options {
            return Err(Refused::NoSuchAnswer);
        }
        ballot.votes.insert(device, option);
        Ok(())
    }

    /// How the vote about the current question stands.
    pub(super) fn standing(&self) -> Option<Standing> {
        let ballot = self.ballots.get(self.current.as_ref()?)?;
        let count = |option| ballot.votes.values().filter(|it| **it == option).count();
        Some(Standing {
            is_open: ballot.is_open,
            voters: ballot.votes.len(),
            counts: ballot
                .is_shown
                .then(|| (0..ballot.options).map(count).collect()),
        })
    }

    fn current_ballot(&mut self) -> Option<&mut Ballot> {
        self.ballots.get_mut(self.current.as_ref()?)
    }
}

impl Device {
    pub(super) fn new(random: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(random))
    }

    /// Reads 32 hexadecimal digits.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let is_hex = text.len() == 32 && text.bytes().all(|it| it.is_ascii_hexdigit());
        is_hex.then(|| u128::from_str_radix(text, 16).ok().map(Self))?
    }

    pub(super) fn text(self) -> String {
        format!("{:032x}", self.0)
    }
}

/// How often something may happen in a second.
#[derive(Debug)]
struct Rate {
    per_s: usize,
    taken: usize,
    since: Option<Instant>,
}

impl Rate {
    fn new(per_s: usize) -> Self {
        Self {
            per_s,
            taken: 0,
            since: None,
        }
    }

    /// Whether it may happen now.
    fn has_room(&mut self, now: Instant) -> bool {
        let is_over = |since| now.saturating_duration_since(since) >= Duration::from_secs(1);
        if self.since.is_none_or(is_over) {
            self.since = Some(now);
            self.taken = 0;
        }
        self.taken < self.per_s
    }

    fn take(&mut self) {
        self.taken += 1;
    }
}

/// A large lecture hall.
const DEVICES: usize = 500;
/// There are a million codes of four characters: to try them all takes a day.
const WRONG_CODES_PER_S: usize = 10;
/// A device that votes faster disturbs no other one.
const VOTES_PER_S: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn place(step: &str) -> Place {
        Place {
            lesson: "ports".to_owned(),
            step: step.to_owned(),
        }
    }

    fn device(number: u8) -> Device {
        Device::new([number; 16])
    }

    /// Votes with a question of three answers that is open, and `devices` that have joined.
    fn opened(devices: u8) -> (Votes, Instant) {
        let (mut votes, now) = (Votes::default(), Instant::now());
        for number in 0..devices {
            assert_eq!(votes.join(device(number), true, now), Ok(()));
        }
        votes.open(place("second"), 3);
        (votes, now)
    }

    #[test]
    fn a_device_has_one_vote_and_may_change_it_until_the_vote_is_closed() {
        let (mut votes, now) = opened(2);
        for (from, option) in [(0, 1), (0, 2), (1, 2), (1, 2)] {
            let done = votes.vote(device(from), &place("second"), option, now);
            assert_eq!(done, Ok(()));
        }
        let standing = votes.standing().unwrap();
        assert_eq!((standing.voters, standing.counts), (2, None));
        votes.show();
        let late = votes.vote(device(0), &place("second"), 0, now);
        assert_eq!(late, Err(Refused::NotOpen));
        assert_eq!(votes.standing().unwrap().counts, Some(vec![0, 0, 2]));
    }

    #[test]
    fn a_question_that_is_opened_again_keeps_its_votes_and_hides_them() {
        let (mut votes, now) = opened(1);
        votes.vote(device(0), &place("second"), 1, now).unwrap();
        votes.show();
        votes.open(place("other"), 2);
        assert_eq!(votes.standing().unwrap().voters, 0);
        let old = votes.vote(device(0), &place("second"), 0, now);
        assert_eq!(old, Err(Refused::NotOpen));
        votes.open(place("second"), 3);
        let again = Standing {
            is_open: true,
            voters: 1,
            counts: None,
        };
        assert_eq!(votes.standing(), Some(again));
    }

    #[test]
    fn a_device_that_has_not_joined_has_no_vote() {
        let (mut votes, now) = opened(1);
        let refused = votes.vote(device(7), &place("second"), 0, now);
        assert_eq!(refused, Err(Refused::NotJoined));
        let refused = votes.vote(device(0), &place("second"), 3, now);
        assert_eq!(refused, Err(Refused::NoSuchAnswer));
        assert_eq!(votes.standing().unwrap().voters, 0);
    }

    #[test]
    fn codes_can_not_be_tried_fast() {
        let (mut votes, now) = opened(1);
        for _ in 0..WRONG_CODES_PER_S {
            let tried = votes.join(device(9), false, now);
            assert_eq!(tried, Err(Refused::WrongCode));
        }
        let tried = votes.join(device(9), true, now);
        assert_eq!(tried, Err(Refused::TooManyTries));
        // A device of the class goes on.
        assert_eq!(votes.join(device(0), true, now), Ok(()));
        let later = now + Duration::from_secs(1);
        assert_eq!(votes.join(device(9), true, later), Ok(()));
    }

    #[test]
    fn devices_and_votes_are_limited() {
        let (mut votes, now) = opened(1);
        for number in 1..DEVICES {
            let device = Device(number as u128);
            assert_eq!(votes.join(device, true, now), Ok(()));
        }
        assert_eq!(votes.join(Device(9999), true, now), Err(Refused::Full));
        for _ in 0..VOTES_PER_S {
            votes.vote(device(0), &place("second"), 0, now).unwrap();
        }
        let fast = votes.vote(device(0), &place("second"), 0, now);
        assert_eq!(fast, Err(Refused::TooFast));
        let other = votes.vote(Device(1), &place("second"), 0, now);
        assert_eq!(other, Ok(()));
    }

    #[test]
    fn a_mark_is_read_as_it_is_written() {
        let mark = Device::new([0xab; 16]);
        assert_eq!(Device::parse(&mark.text()), Some(mark));
        for wrong in ["", "ab", &"g".repeat(32), &format!("+{}", "1".repeat(31))] {
            assert_eq!(Device::parse(wrong), None, "{wrong}");
        }
    }
}
