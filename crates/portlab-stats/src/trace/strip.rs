//! Some milliseconds of a timeline, small enough to be kept in a record and drawn.

use std::collections::HashMap;

use super::{Conn, Kind, Slice, Trace};
use crate::record::{self, Cell, Timeline, Track};

/// The most threads that a strip keeps.
const MOST_TRACKS: usize = 12;
/// A thread with more slices than this is shown in steps, each with its longest activity.
const MOST_SLICES: usize = 600;

impl Trace {
    /// At most `length_ns` in the middle of the time in which threads worked.
    pub fn middle(&self, length_ns: u64) -> (u64, u64) {
        let worked = || self.slices.iter().filter(|slice| slice.kind != Kind::Wait);
        let first = worked().map(|slice| slice.start_ns).min().unwrap_or(0);
        let last = worked().map(|slice| slice.end_ns).max().unwrap_or(0);
        let last = match self.about.not_recorded {
            0 => last,
            _ => last.min(self.about.recorded_until_ns),
        };
        let length = length_ns.min(last.saturating_sub(first));
        let from = first + (last.saturating_sub(first) - length) / 2;
        (from, from + length)
    }

    /// What each thread of `cell`'s server did from `from_ns` to `to_ns`, if it worked at all.
    pub fn strip(&self, (from_ns, to_ns): (u64, u64), cell: &Cell) -> Timeline {
        let mut numbers = HashMap::new();
        let mut tracks = Vec::new();
        let mut in_steps_only = false;
        for process in &self.processes {
            for thread in &process.threads {
                let mine = |slice: &&Slice| (slice.pid, slice.tid) == (process.pid, thread.tid);
                let within = |slice: &&Slice| slice.end_ns > from_ns && slice.start_ns < to_ns;
                let slices = self.slices.iter().filter(mine).filter(within);
                let slices: Vec<Slice> = slices.copied().collect();
                if slices.iter().all(|slice| slice.kind == Kind::Wait) {
                    continue;
                }
                let slices = match slices.len() {
                    0..=MOST_SLICES => slices,
                    _ => {
                        in_steps_only = true;
                        in_steps(&slices, (from_ns, to_ns))
                    }
                };
                let kept = slices.iter().map(|slice| {
                    let at = |ns: u64| {
                        let ns = ns.clamp(from_ns, to_ns) - from_ns;
                        (ns as f64 / 100.0).round() / 10.0
                    };
                    let number = slice.conn.map(|conn| number(&mut numbers, conn));
                    let kind = slice.kind.name().to_owned();
                    record::Slice(kind, at(slice.start_ns), at(slice.end_ns), number)
                });
                tracks.push(Track {
                    process: format!("{} (pid {})", process.name, process.pid),
                    thread: thread.name.clone(),
                    slices: kept.collect(),
                });
            }
        }
        let more_tracks = tracks.len().saturating_sub(MOST_TRACKS);
        tracks.truncate(MOST_TRACKS);
        Timeline {
            workload: cell.workload.clone(),
            model: cell.model.clone(),
            connections: cell.point.connections,
            length_us: (to_ns - from_ns) as f64 / 1e3,
            tracks,
            more_tracks,
            in_steps: in_steps_only,
        }
    }
}

/// Connections are numbered in the order in which they appear.
fn number(numbers: &mut HashMap<Conn, u64>, conn: Conn) -> u64 {
    let next = numbers.len() as u64 + 1;
    *numbers.entry(conn).or_insert(next)
}

/// The longest activity of a thread in each of [`MOST_SLICES`] steps. Neighbouring steps with the same activity become
/// one.
fn in_steps(slices: &[Slice], (from_ns, to_ns): (u64, u64)) -> Vec<Slice> {
    let step = ((to_ns - from_ns) / MOST_SLICES as u64).max(1);
    let mut steps: Vec<Slice> = Vec::new();
    let mut next = 0;
    let mut start_ns = from_ns;
    while start_ns < to_ns {
        let end_ns = (start_ns + step).min(to_ns);
        while slices
            .get(next)
            .is_some_and(|slice| slice.end_ns <= start_ns)
        {
            next += 1;
        }
        let mut spent = [0; Kind::ALL.len()];
        let mut longest: Option<(u64, Slice)> = None;
        let within = slices[next..]
            .iter()
            .take_while(|slice| slice.start_ns < end_ns);
        for slice in within {
            let most = &mut spent[slice.kind as usize];
            let begun_ns = slice.start_ns.max(start_ns);
            *most += slice.end_ns.min(end_ns).saturating_sub(begun_ns);
            if longest.is_none_or(|(before, _)| *most > before) {
                longest = Some((*most, *slice));
            }
        }
        if let Some((_, slice)) = longest {
            match steps.last_mut() {
                Some(last) if last.kind == slice.kind && last.end_ns == start_ns => {
                    last.end_ns = end_ns;
                }
                _ => steps.push(Slice {
                    start_ns,
                    end_ns,
                    // A step may contain several connections.
                    conn: None,
                    ..slice
                }),
            }
        }
        start_ns = end_ns;
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fixture::cell,
        trace::{Process, Thread},
    };

    fn slice(tid: u32, kind: Kind, start_ns: u64, end_ns: u64, number: u32) -> Slice {
        Slice {
            pid: 1,
            tid,
            kind,
            start_ns,
            end_ns,
            conn: Some(Conn { pid: 1, number }),
            bytes: None,
            mail: None,
        }
    }

    fn trace(threads: u32, slices: Vec<Slice>) -> Trace {
        let thread = |tid| Thread {
            tid,
            name: format!("worker {tid}"),
        };
        Trace {
            processes: vec![Process {
                pid: 1,
                name: "portlab".into(),
                threads: (1..=threads).map(thread).collect(),
            }],
            slices,
            ..Trace::default()
        }
    }

    #[test]
    fn a_strip_is_cut_from_the_middle_and_numbers_its_connections() {
        let slices = vec![
            slice(1, Kind::Wait, 0, 1_000_000, 7),
            slice(1, Kind::Read, 1_000_000, 2_000_000, 7),
            slice(1, Kind::Handle, 2_000_000, 5_000_000, 9),
            slice(2, Kind::Wait, 0, 9_000_000, 7),
        ];
        let trace = trace(2, slices);
        let middle = trace.middle(2_000_000);
        assert_eq!(middle, (2_000_000, 4_000_000));
        assert_eq!(trace.middle(u64::MAX), (1_000_000, 5_000_000));
        let strip = trace.strip((1_500_000, 4_000_000), &cell("threads", &[]));
        let tracks = strip.tracks;
        assert_eq!(
            (tracks.len(), strip.more_tracks),
            (1, 0),
            "a thread that only waits isn't shown"
        );
        assert!(!strip.in_steps);
        let read = record::Slice("read".into(), 0.0, 500.0, Some(1));
        let handle = record::Slice("handle".into(), 500.0, 2_500.0, Some(2));
        assert_eq!(tracks[0].slices, [read, handle]);
    }

    #[test]
    fn many_slices_become_steps_and_some_of_many_threads_are_left_out() {
        let many = (0..100_000).map(|at| {
            let kind = if at % 10 == 0 {
                Kind::Write
            } else {
                Kind::Handle
            };
            slice(1, kind, at * 100, at * 100 + 100, at as u32)
        });
        let strip = trace(1, many.collect()).strip((0, 10_000_000), &cell("threads", &[]));
        assert!(strip.in_steps);
        let slices = &strip.tracks[0].slices;
        assert!(slices.len() <= MOST_SLICES, "{}", slices.len());
        let handled: f64 = slices
            .iter()
            .filter(|it| it.0 == "handle")
            .map(|it| it.2 - it.1)
            .sum();
        assert!(handled > 9_900.0, "{handled}");

        let each = (1..=30).map(|tid| slice(tid, Kind::Read, 0, 10, 1));
        let strip = trace(30, each.collect()).strip((0, 100), &cell("threads", &[]));
        let shown = (strip.tracks.len(), strip.more_tracks);
        assert_eq!(shown, (MOST_TRACKS, 30 - MOST_TRACKS));
    }
}
