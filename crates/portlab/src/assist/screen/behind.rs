//! What to do with events that come faster than rows can be made of them: they are counted, so that the screen shows the
//! present.

use std::collections::BTreeMap;

use portlab_assist::{Event, PeerId, Way, What};

/// `events` with reads and sends counted, and all others in their order.
pub(super) fn counted(events: impl IntoIterator<Item = Event>) -> Vec<Event> {
    let mut all = Vec::new();
    let mut counts = BTreeMap::<(PeerId, Way), (u64, u64)>::new();
    let mut last = None;
    for Event { at, what } in events {
        last = Some(at);
        let more = match &what {
            What::Folded {
                way, times, bytes, ..
            } => Some((*way, *times, *bytes)),
            what => what.bytes().map(|(way, it)| (way, 1, it.len() as u64)),
        };
        match (what.peer(), more) {
            (Some(peer), Some((way, times, bytes))) => {
                let sum = counts.entry((peer, way)).or_default();
                *sum = (sum.0 + times, sum.1 + bytes);
            }
            // What was counted came before this event.
            _ => {
                let before = std::mem::take(&mut counts);
                all.extend(before.into_iter().map(|(key, sum)| folded(at, key, sum)));
                all.push(Event { at, what });
            }
        }
    }
    if let Some(at) = last {
        all.extend(counts.into_iter().map(|(key, sum)| folded(at, key, sum)));
    }
    all
}

fn folded(at: std::time::Duration, key: (PeerId, Way), sum: (u64, u64)) -> Event {
    let ((peer, way), (times, bytes)) = (key, sum);
    let what = What::Folded {
        peer,
        way,
        times,
        bytes,
    };
    Event { at, what }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn reads_are_counted_by_client_and_other_events_keep_their_place() {
        let [one, two] = [1, 2].map(PeerId);
        let read = |peer, length| What::Received {
            peer,
            bytes: vec![0; length],
        };
        let fold = |peer, times, bytes| What::Folded {
            peer,
            way: Way::In,
            times,
            bytes,
        };
        let events = [
            read(one, 5),
            read(two, 7),
            fold(one, 10, 100),
            What::Fin { peer: one },
            read(two, 1),
        ];
        let events = (1..).zip(events).map(|(at, what)| Event {
            at: Duration::from_secs(at),
            what,
        });
        let counted = counted(events).into_iter();
        let seen: Vec<_> = counted.map(|it| (it.at.as_secs(), it.what)).collect();
        let expected = [
            (4, fold(one, 11, 105)),
            (4, fold(two, 1, 7)),
            (4, What::Fin { peer: one }),
            (5, fold(two, 1, 1)),
        ];
        assert_eq!(seen, expected);
        assert_eq!(super::counted([]), []);
    }
}
