//! A desk and the things on it, as in the lesson's story. Each thing is a lock, and each person is a thread: one person at a
//! time may hold a thing, and the others wait.
//!
//! Unlike `std`'s locks, the desk records which person holds and waits for which thing. So it can find a circular wait,
//! and ask one of the persons to give up.

use std::{
    collections::BTreeMap,
    sync::{Condvar, Mutex, MutexGuard},
    time::{Duration, Instant},
};

/// The name of a person or a thing.
pub(super) type Name = &'static str;

/// The desk.
#[derive(Default)]
pub(super) struct Desk {
    notes: Mutex<Notes>,
    /// Rings when a thing is back, and when a person is asked to give up.
    bell: Condvar,
}

#[derive(Default)]
struct Notes {
    /// The holder of each thing.
    holder: BTreeMap<Name, Name>,
    /// The thing that each waiting person waits for.
    wanted: BTreeMap<Name, Name>,
    /// The person that has been asked to give up.
    asked: Option<Name>,
}

/// A thing that a person holds. Dropping it puts it back on the desk.
pub(super) struct Held<'a> {
    desk: &'a Desk,
    what: Name,
}

/// A person didn't get a thing: the time was over, or the person was asked to give up.
#[derive(Debug)]
pub(super) struct GaveUp;

/// A person waits for a thing that another person holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) who: Name,
    pub(super) what: Name,
    pub(super) holder: Name,
}

impl Desk {
    /// Takes a thing, after waiting for it without a time limit.
    pub(super) fn take(&self, who: Name, what: Name) -> Result<Held<'_>, GaveUp> {
        self.take_until(None, who, what)
    }

    /// Takes a thing, if it can be had within `patience`.
    pub(super) fn take_within(
        &self,
        patience: Duration,
        who: Name,
        what: Name,
    ) -> Result<Held<'_>, GaveUp> {
        self.take_until(Some(Instant::now() + patience), who, what)
    }

    fn take_until(
        &self,
        until: Option<Instant>,
        who: Name,
        what: Name,
    ) -> Result<Held<'_>, GaveUp> {
        let mut notes = self.notes();
        while notes.holder.contains_key(what) {
            let left = until.map(|it| it.saturating_duration_since(Instant::now()));
            if notes.asked.take_if(|asked| *asked == who).is_some() || left == Some(Duration::ZERO)
            {
                notes.wanted.remove(who);
                return Err(GaveUp);
            }
            notes.wanted.insert(who, what);
            // Waiting unlocks the notes.
            notes = match left {
                None => self.bell.wait(notes).expect(POISONED),
                Some(left) => self.bell.wait_timeout(notes, left).expect(POISONED).0,
            };
        }
        notes.wanted.remove(who);
        notes.holder.insert(what, who);
        Ok(Held { desk: self, what })
    }

    /// A circular wait: each person waits for what the next one holds. Empty if there is none.
    pub(super) fn circle(&self) -> Vec<Link> {
        let notes = self.notes();
        for &start in notes.wanted.keys() {
            let mut links = Vec::new();
            let mut who = start;
            // A circle has at most as many links as there are waiting persons.
            for _ in 0..notes.wanted.len() {
                let Some(link) = notes.link(who) else { break };
                links.push(link);
                who = link.holder;
                if who == start {
                    return links;
                }
            }
        }
        Vec::new()
    }

    /// Asks a waiting person to give up.
    pub(super) fn ask_to_give_up(&self, who: Name) {
        self.notes().asked = Some(who);
        self.bell.notify_all();
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().expect(POISONED)
    }
}

impl Notes {
    /// What a person waits for, and its holder; `None` when the person waits for nothing.
    fn link(&self, who: Name) -> Option<Link> {
        let what = self.wanted.get(who)?;
        let holder = self.holder.get(what)?;
        Some(Link { who, what, holder })
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.desk.notes().holder.remove(self.what);
        self.desk.bell.notify_all();
    }
}

/// No code that holds the notes can panic.
const POISONED: &str = "no thread panics while it holds the notes";

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn a_thing_can_be_taken_when_its_holder_has_put_it_back() {
        let desk = Desk::default();
        let pen = desk.take("Ming", "pen").unwrap();
        let at_once = desk.take_within(Duration::ZERO, "Hong", "pen");
        assert!(at_once.is_err());
        thread::scope(|scope| {
            let hong = scope.spawn(|| desk.take("Hong", "pen").is_ok());
            while desk.notes().wanted.is_empty() {
                thread::yield_now();
            }
            // The holder doesn't wait, so there is no circular wait.
            assert!(desk.circle().is_empty());
            drop(pen);
            assert!(hong.join().unwrap());
        });
        assert!(desk.notes().holder.is_empty());
    }

    #[test]
    fn a_circle_is_found_and_opened() {
        let desk = Desk::default();
        let _pen = desk.take("Ming", "pen").unwrap();
        thread::scope(|scope| {
            let hong = scope.spawn(|| {
                let _ruler = desk.take("Hong", "ruler").unwrap();
                desk.take("Hong", "pen").is_err()
            });
            let ming = scope.spawn(|| {
                while !desk.notes().wanted.contains_key("Hong") {
                    thread::yield_now();
                }
                desk.take("Ming", "ruler").is_ok()
            });
            while desk.circle().is_empty() {
                thread::yield_now();
            }
            let circle = desk.circle().into_iter();
            let circle: Vec<_> = circle.map(|it| [it.who, it.what, it.holder]).collect();
            assert_eq!(circle, [["Hong", "pen", "Ming"], ["Ming", "ruler", "Hong"]]);
            desk.ask_to_give_up("Hong");
            assert!(hong.join().unwrap() && ming.join().unwrap());
        });
        assert!(desk.circle().is_empty());
    }
}
