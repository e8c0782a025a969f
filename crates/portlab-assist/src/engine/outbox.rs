//! Events on their way to a receiver that may be slower than the peers.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::mpsc::{SyncSender, TrySendError},
    time::Instant,
};

use crate::{Event, PeerId, Way, What};

/// Sends events without waiting, as the receiver's type. While the receiver takes none, reads and sends are counted, and
/// other events are kept.
pub(super) struct Outbox<T> {
    start: Instant,
    to: SyncSender<T>,
    kept: VecDeque<T>,
    folded: BTreeMap<(PeerId, Way), (u64, u64)>,
    gone: bool,
}

impl<T: From<Event>> Outbox<T> {
    pub(super) fn new(to: SyncSender<T>) -> Self {
        Self {
            start: Instant::now(),
            to,
            kept: VecDeque::new(),
            folded: BTreeMap::new(),
            gone: false,
        }
    }

    /// Reports `what`.
    pub(super) fn post(&mut self, what: What) {
        let at = self.start.elapsed();
        self.flush();
        let event = Event { at, what };
        if self.is_behind() {
            self.keep(event);
        } else {
            self.kept.push_back(event.into());
            self.flush();
        }
    }

    /// Whether events wait for the receiver.
    pub(super) fn is_behind(&self) -> bool {
        !self.kept.is_empty() || !self.folded.is_empty()
    }

    /// Whether the receiver is far behind, so that no new connection should be accepted.
    pub(super) fn is_far_behind(&self) -> bool {
        self.kept.len() >= MOST_KEPT
    }

    /// Whether the receiver has gone.
    pub(super) fn is_gone(&self) -> bool {
        self.gone
    }

    /// Gives the receiver as much as it takes. What was counted came after the events that were kept.
    pub(super) fn flush(&mut self) {
        loop {
            while let Some(event) = self.kept.pop_front() {
                match self.to.try_send(event) {
                    Ok(()) => {}
                    Err(TrySendError::Full(event)) => return self.kept.push_front(event),
                    Err(TrySendError::Disconnected(_)) => self.gone = true,
                }
            }
            let Some((key, counts)) = self.folded.pop_first() else {
                return;
            };
            let (at, what) = (self.start.elapsed(), folded(key, counts));
            self.kept.push_back(Event { at, what }.into());
        }
    }

    /// Counts or keeps an event.
    fn keep(&mut self, event: Event) {
        if self.gone {
            return;
        }
        if let (Some(peer), Some((way, bytes))) = (event.what.peer(), event.what.bytes()) {
            let (times, sum) = self.folded.entry((peer, way)).or_default();
            *times += 1;
            *sum += bytes.len() as u64;
            return;
        }
        // What was counted came before this event.
        if let Some(peer) = event.what.peer() {
            for way in [Way::In, Way::Out] {
                if let Some(counts) = self.folded.remove(&(peer, way)) {
                    let what = folded((peer, way), counts);
                    self.kept.push_back(Event { at: event.at, what }.into());
                }
            }
        }
        let may_be_lost = matches!(
            event.what,
            What::Unsent(..) | What::Trouble(_) | What::Paused(_) | What::Resumed(_)
        );
        if !(may_be_lost && self.is_far_behind()) {
            self.kept.push_back(event.into());
        }
    }
}

fn folded((peer, way): (PeerId, Way), (times, bytes): (u64, u64)) -> What {
    What::Folded {
        peer,
        way,
        times,
        bytes,
    }
}

/// With so many events that wait, further ones that may be lost are lost.
const MOST_KEPT: usize = 4096;

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, sync_channel};

    use super::*;

    fn read(bytes: usize) -> What {
        What::Received(PeerId(1), vec![0; bytes])
    }

    fn all(outbox: &mut Outbox<Event>, events: &Receiver<Event>) -> Vec<What> {
        let mut all = Vec::new();
        loop {
            outbox.flush();
            match events.try_recv() {
                Ok(event) => all.push(event.what),
                Err(_) => return all,
            }
        }
    }

    #[test]
    fn reads_are_counted_while_the_receiver_takes_none_and_everything_else_arrives_in_order() {
        let (sender, events) = sync_channel(2);
        let mut outbox = Outbox::new(sender);
        let peer = PeerId(1);
        for bytes in 1..=6 {
            outbox.post(read(bytes));
        }
        outbox.post(What::Fin(peer));
        outbox.post(read(7));
        let fold = |times, bytes| folded((peer, Way::In), (times, bytes));
        // Two are in the channel, and one waits.
        let expected = [read(1), read(2), read(3), fold(3, 4 + 5 + 6)];
        let expected = [&expected[..], &[What::Fin(peer), fold(1, 7)]].concat();
        assert_eq!(all(&mut outbox, &events), expected);
        outbox.post(read(8));
        assert_eq!(all(&mut outbox, &events), [read(8)]);
    }
}
