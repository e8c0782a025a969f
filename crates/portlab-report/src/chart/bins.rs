//! Slices, thinned to what can be seen.

use crate::chart::strip::{Slice, SliceKind};

/// A stretch of equal bins: from one bin to before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run<T> {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) what: T,
}

impl<T> Run<T> {
    /// The same without what it is.
    pub(crate) fn plain(&self) -> Run<()> {
        Run {
            from: self.from,
            to: self.to,
            what: (),
        }
    }
}

/// What a bin shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    /// What took most of it; what the thread does comes before its waiting, however short.
    pub(crate) kind: SliceKind,
    /// Whether it did so for less than half of it.
    pub(crate) brief: bool,
}

/// What happened in each bin.
pub(crate) struct Bins {
    bins: Vec<Bin>,
}

/// The time of each kind, as a share of the bin, and for which connection most.
#[derive(Clone, Copy, Default)]
struct Bin {
    shares: [f64; SliceKind::COUNT],
    connection: Option<(u64, f64)>,
}

impl Bins {
    /// Sorts `slices` into `count` bins of `bin_us` microseconds, the first from `from_us`.
    pub(crate) fn new(slices: &[Slice], (from_us, bin_us): (f64, f64), count: usize) -> Self {
        let mut bins = vec![Bin::default(); count];
        for slice in slices {
            let from = (slice.from_us - from_us) / bin_us;
            let to = (slice.to_us - from_us) / bin_us;
            if !(from.is_finite() && to.is_finite() && to >= from && to >= 0.0) {
                continue;
            }
            let (from, to) = (from.max(0.0), to.min(count as f64));
            for (at, bin) in bins
                .iter_mut()
                .enumerate()
                .take(to.ceil() as usize)
                .skip(from as usize)
            {
                let share = to.min(at as f64 + 1.0) - from.max(at as f64);
                bin.add(slice, share.max(1e-9));
            }
        }
        Self { bins }
    }

    /// What is to be drawn, in stretches as long as possible.
    pub(crate) fn kinds(&self) -> Vec<Run<Shown>> {
        runs(self.bins.iter().map(Bin::shown))
    }

    /// The connections that were served, in stretches as long as possible.
    pub(crate) fn connections(&self) -> Vec<Run<u64>> {
        runs(
            self.bins
                .iter()
                .map(|bin| bin.connection.map(|(connection, _)| connection)),
        )
    }
}

impl Bin {
    fn add(&mut self, slice: &Slice, share: f64) {
        self.shares[slice.kind as usize] += share;
        if let Some(connection) = slice.connection.filter(|_| slice.kind != SliceKind::Wait)
            && self.connection.is_none_or(|(_, most)| share > most)
        {
            self.connection = Some((connection, share));
        }
    }

    fn shown(&self) -> Option<Shown> {
        let share = |kind: SliceKind| self.shares[kind as usize];
        let busy = SliceKind::ALL
            .into_iter()
            .filter(|kind| *kind != SliceKind::Wait);
        let total: f64 = busy.clone().map(share).sum();
        let most = busy.max_by(|a, b| share(*a).total_cmp(&share(*b)))?;
        if total > 0.0 {
            return Some(Shown {
                kind: most,
                brief: total < 0.5,
            });
        }
        (share(SliceKind::Wait) > 0.0).then_some(Shown {
            kind: SliceKind::Wait,
            brief: false,
        })
    }
}

fn runs<T: Copy + PartialEq>(bins: impl Iterator<Item = Option<T>>) -> Vec<Run<T>> {
    let mut runs: Vec<Run<T>> = Vec::new();
    for (at, what) in bins.enumerate() {
        let Some(what) = what else { continue };
        match runs.last_mut() {
            Some(last) if last.to == at && last.what == what => last.to = at + 1,
            _ => runs.push(Run {
                from: at,
                to: at + 1,
                what,
            }),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(kind: SliceKind, from_us: f64, to_us: f64) -> Slice {
        Slice {
            kind,
            from_us,
            to_us,
            connection: Some(7),
        }
    }

    #[test]
    fn equal_neighbours_become_one_stretch() {
        let slices = [
            slice(SliceKind::Read, 0.0, 3.0),
            slice(SliceKind::Read, 3.0, 6.0),
        ];
        let bins = Bins::new(&slices, (0.0, 1.0), 10);
        let what = Shown {
            kind: SliceKind::Read,
            brief: false,
        };
        assert_eq!(
            bins.kinds(),
            [Run {
                from: 0,
                to: 6,
                what
            }]
        );
        assert_eq!(
            bins.connections(),
            [Run {
                from: 0,
                to: 6,
                what: 7
            }]
        );
    }

    #[test]
    fn what_is_short_is_seen_beside_a_long_wait() {
        let slices = [
            slice(SliceKind::Wait, 0.0, 100.0),
            slice(SliceKind::Accept, 50.0, 51.0),
        ];
        let bins = Bins::new(&slices, (0.0, 10.0), 10);
        let accept = Shown {
            kind: SliceKind::Accept,
            brief: true,
        };
        assert!(bins.kinds().contains(&Run {
            from: 5,
            to: 6,
            what: accept
        }));
    }

    #[test]
    fn what_makes_no_sense_is_left_out() {
        let slices = [
            slice(SliceKind::Read, f64::NAN, 3.0),
            slice(SliceKind::Read, 5.0, 2.0),
            slice(SliceKind::Read, -9.0, -2.0),
            slice(SliceKind::Read, 1e9, 2e9),
        ];
        assert_eq!(Bins::new(&slices, (0.0, 1.0), 10).kinds(), []);
    }
}
