//! What a record says: which entrants differ, and by how much.
//!
//! Two entrants **differ** in a figure if both of these hold:
//!
//! - the interval of their ratio, taken round by round, leaves out 1;
//! - the ratio is further from 1 than the **noise floor**, which twins show: one model under two
//!   names, measured in the same rounds.
//!
//! The first condition alone would call one of twenty equal pairs different, and more with few measurements. The second
//! condition compares with the difference of equal servers in the same run.
//! `benches/differences.rs` checks that both together find the differences that exist, and no others.

use crate::{
    estimate::{Estimate, median},
    measure::{Better, Measure},
    record::{Cell, Entrant, Kind, Pinning, Point, Record, Workload},
};

/// A smaller difference is never reported, whatever the twins show: the layout of code and data in memory alone
/// makes such differences (T. Mytkowicz et al., "Producing wrong data without doing anything obviously wrong",
/// 2009).
pub const LEAST_FLOOR: f64 = 0.03;

/// The floor where there are no twins to measure it.
pub const ASSUMED_FLOOR: f64 = 0.05;

/// Above this floor nothing is ranked: if a model differs from itself by a factor of two, the figures show the noise of
/// the machine.
pub const MOST_FLOOR: f64 = 1.0;

/// If server and generator waited for a processor for this share of their time or more, a report says that the machine
/// was busy with other programs.
pub const BUSY: f64 = 0.05;

/// From this share on, rates and latencies depend on the other programs, and aren't ranked.
pub const TOO_BUSY: f64 = 0.25;

/// Why a measure isn't ranked at a point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Refusal {
    /// The measure is a fact, neither good nor bad.
    Fact,
    /// The load generator was the limit, so that its own figures would be ranked.
    Generator,
    /// A figure lies below what can be measured.
    Unresolved,
    /// The noise floor is above [`MOST_FLOOR`].
    Noise(Floor),
    /// Server or generator waited for a processor for this share, in `[0, 1]`, of their time: see
    /// [`TOO_BUSY`].
    Busy(f64),
    /// Servers computed on one processor, but the workload asks how many they use.
    OneProcessor,
}

/// The cells that are compared with each other: every entrant at one point of a workload.
#[derive(Clone, Debug)]
pub struct Group<'a> {
    record: &'a Record,
    /// The workload.
    pub workload: &'a Workload,
    /// Where in the workload.
    pub point: Point,
    /// One for each entrant, in the order in which they are shown.
    pub cells: Vec<&'a Cell>,
}

/// The noise floor of a figure: the difference of the twins, or the uncertainty of their ratio, whichever is larger; at
/// least [`LEAST_FLOOR`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Floor {
    /// In parts of the figure: 0.03 is three per cent.
    pub share: f64,
    /// Whether twins were measured; otherwise it is [`ASSUMED_FLOOR`].
    pub measured: bool,
}

/// One figure of all cells of a group.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// The measure.
    pub measure: Measure,
    /// The figure of each cell; `None` if it has none.
    pub figures: Vec<Option<Estimate>>,
    /// The place of each cell, from 1: those that don't differ from the best among them share one.
    /// `None` for a cell that isn't ranked.
    pub ranks: Vec<Option<usize>>,
    /// The noise floor that the ranks go by.
    pub floor: Floor,
}

/// The groups of `record`, in order.
pub fn groups(record: &Record) -> Vec<Group<'_>> {
    let mut groups: Vec<Group> = Vec::new();
    for cell in &record.cells {
        let Some(workload) = record.workload(&cell.workload) else {
            continue;
        };
        let same =
            |group: &&mut Group| group.workload.name == cell.workload && group.point == cell.point;
        match groups.iter_mut().find(same) {
            Some(group) => group.cells.push(cell),
            None => groups.push(Group {
                record,
                workload,
                point: cell.point,
                cells: vec![cell],
            }),
        }
    }
    groups
}

/// Whether `ratio` shows a difference above `floor`.
pub fn differs(ratio: Estimate, floor: Floor) -> bool {
    !ratio.contains(1.0) && distance(ratio.median) > floor.share
}

/// The median of `values`; `None` if there are none. Unlike an [`Estimate`], it is quick for the rounds of all cells.
fn median_of(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    (!values.is_empty()).then(|| median(&values))
}

/// How far a ratio is from 1. One half is as far as 2.
fn distance(ratio: f64) -> f64 {
    ratio.max(1.0 / ratio) - 1.0
}

impl<'a> Group<'a> {
    /// The entrant of a cell.
    pub fn entrant(&self, cell: &Cell) -> Option<&'a Entrant> {
        self.record.entrant(&cell.model)
    }

    /// Whether a cell may have a place in a ranking. Servers with errors have none: dropping requests makes a server look
    /// fast. Also without a place are servers that did not keep up with the rate of an open loop, controls, twins, and
    /// cells of a single round, which can't tell a difference from chance.
    pub fn is_ranked(&self, cell: &Cell) -> bool {
        self.is_well(cell) && cell.kept_up() != Some(false)
    }

    /// Whether a cell is that of a model or a foreign server, and was measured more than once and without an error.
    pub fn is_well(&self, cell: &Cell) -> bool {
        let entrant = self.entrant(cell);
        let takes_part = entrant.is_some_and(|entrant| entrant.kind.takes_part());
        takes_part && cell.went_well() && cell.rounds.len() > 1
    }

    /// Whether the generator was the limit in one of the cells.
    pub fn generator_was_the_limit(&self) -> bool {
        self.cells.iter().any(|cell| cell.generator_was_the_limit())
    }

    /// Whether `measure` is ranked here.
    pub fn ranks(&self, measure: Measure) -> bool {
        self.refusal(measure).is_none()
    }

    /// Why `measure` isn't ranked here; `None` if it is.
    pub fn refusal(&self, measure: Measure) -> Option<Refusal> {
        self.refusal_beside(measure, self.floor(measure))
    }

    /// The same, for a noise floor that is known.
    fn refusal_beside(&self, measure: Measure, floor: Floor) -> Option<Refusal> {
        if measure.better() == Better::Neither {
            return Some(Refusal::Fact);
        }
        if measure.is_the_generators() && self.generator_was_the_limit() {
            return Some(Refusal::Generator);
        }
        if measure.is_the_generators()
            && let Some(share) = self.wait_share().filter(|share| *share >= TOO_BUSY)
        {
            return Some(Refusal::Busy(share));
        }
        if measure == Measure::MessagesPerS && self.computes_on_one_of_several() {
            return Some(Refusal::OneProcessor);
        }
        let unresolved = |cell: &&Cell| cell.is_below(measure) && self.is_ranked(cell);
        if self.cells.iter().any(unresolved) {
            return Some(Refusal::Unresolved);
        }
        (floor.share > MOST_FLOOR).then_some(Refusal::Noise(floor))
    }

    /// The share, in `[0, 1]`, of its runnable time that the generator or a server waited for a processor because of
    /// other programs: the larger of the two medians over the rounds of all cells. `None` if it isn't known.
    ///
    /// A server counts only if it has no more threads than processors, and no other program of the run uses these:
    /// otherwise its threads wait for each other, or for the generator.
    pub fn wait_share(&self) -> Option<f64> {
        let own_cpus = match &self.record.environment.pinning {
            Pinning::Apart { server_cpus, .. } if !self.workload.server_on_all_cpus => {
                server_cpus.len() as u64
            }
            Pinning::Apart { .. } | Pinning::Together(_) => 0,
        };
        let rounds = || self.cells.iter().flat_map(|cell| &cell.rounds);
        let server = rounds().filter(|round| round.threads <= own_cpus);
        let server = median_of(server.filter_map(|round| round.server_wait_share));
        // The generator may wait for a server that uses all processors.
        let generator = rounds().filter(|_| own_cpus > 0);
        let generator = median_of(generator.filter_map(|round| round.generator_wait_share));
        [server, generator]
            .into_iter()
            .flatten()
            .max_by(f64::total_cmp)
    }

    /// Whether a server may use several processors.
    pub fn has_several_processors(&self) -> bool {
        let environment = &self.record.environment;
        match &environment.pinning {
            Pinning::Apart { server_cpus, .. } if !self.workload.server_on_all_cpus => {
                server_cpus.len() > 1
            }
            Pinning::Apart { .. } | Pinning::Together(_) => environment.cores > 1,
        }
    }

    /// Whether handlers compute and servers were kept to one of several processors: then no model can show how many it
    /// uses.
    fn computes_on_one_of_several(&self) -> bool {
        let environment = &self.record.environment;
        let computes = self.workload.work.starts_with("cpu:");
        let on_one = match &environment.pinning {
            Pinning::Apart { server_cpus, .. } => server_cpus.len() == 1,
            Pinning::Together(_) => false,
        };
        let on_one = on_one && !self.workload.server_on_all_cpus;
        computes && on_one && environment.cores > 1
    }

    /// The cell of the entrant that the others are put in relation to, if it was measured here.
    pub fn baseline(&self) -> Option<&'a Cell> {
        let name = self.record.setup.baseline.as_deref()?;
        let is_it = |cell: &&&Cell| cell.model == name && !cell.rounds.is_empty();
        self.cells.iter().find(is_it).copied()
    }

    /// The twins of this group, the copy second.
    pub fn twins(&self) -> Option<(&'a Cell, &'a Cell)> {
        let copy = |cell: &&&Cell| {
            let kind = self.entrant(cell).map(|entrant| &entrant.kind);
            matches!(kind, Some(Kind::Twin { .. }))
        };
        let twin = self.cells.iter().find(copy)?;
        let Kind::Twin { of } = &self.entrant(twin)?.kind else {
            return None;
        };
        let model = self.cells.iter().find(|cell| cell.model == *of)?;
        Some((model, twin))
    }

    /// The noise floor of `measure` here.
    pub fn floor(&self, measure: Measure) -> Floor {
        let ratio = self
            .twins()
            .and_then(|(model, twin)| twin.ratio(model, measure))
            .filter(|ratio| ratio.count > 1);
        match ratio {
            Some(ratio) => Floor {
                share: distance(ratio.median)
                    .max(ratio.uncertainty())
                    .max(LEAST_FLOOR),
                measured: true,
            },
            None => Floor {
                share: ASSUMED_FLOOR,
                measured: false,
            },
        }
    }

    /// The figures of all cells, and their places.
    pub fn column(&self, measure: Measure) -> Column {
        let figures: Vec<_> = self.cells.iter().map(|cell| cell.figure(measure)).collect();
        let floor = self.floor(measure);
        let ranks = match self.refusal_beside(measure, floor) {
            None => self.places(measure, &figures, floor),
            Some(_) => vec![None; self.cells.len()],
        };
        Column {
            measure,
            figures,
            ranks,
            floor,
        }
    }

    fn places(
        &self,
        measure: Measure,
        figures: &[Option<Estimate>],
        floor: Floor,
    ) -> Vec<Option<usize>> {
        let known = figures.iter().enumerate().filter_map(|(at, figure)| {
            let median = figure.as_ref()?.median;
            self.is_ranked(self.cells[at])
                .then_some((at, measure.worse_sign() * median))
        });
        let mut order: Vec<(usize, f64)> = known.collect();
        order.sort_by(|(_, a), (_, b)| a.total_cmp(b));
        let mut ranks = vec![None; figures.len()];
        // The best among those that share a place, and that place.
        let mut first: Option<(usize, usize)> = None;
        for (place, (at, _)) in (1..).zip(order) {
            let shared =
                first.filter(|&(best, _)| !self.is_behind((at, best), measure, figures, floor));
            let (best, rank) = shared.unwrap_or((at, place));
            first = Some((best, rank));
            ranks[at] = Some(rank);
        }
        ranks
    }

    /// Whether the cell at `at` is worse than the one at `best`, and differs.
    fn is_behind(
        &self,
        (at, best): (usize, usize),
        measure: Measure,
        figures: &[Option<Estimate>],
        floor: Floor,
    ) -> bool {
        let (cell, leader) = (self.cells[at], self.cells[best]);
        let higher = measure.better() == Better::Higher;
        let ratio = cell.ratio(leader, measure);
        // If few rounds have a ratio, a figure is often 0. Then the intervals are compared.
        match ratio.filter(|ratio| ratio.count > 1 && ratio.count * 2 > cell.rounds.len()) {
            Some(ratio) => differs(ratio, floor) && (ratio.median < 1.0) == higher,
            None => figures[at]
                .zip(figures[best])
                .is_some_and(|(own, leads)| match higher {
                    true => own.high < leads.low,
                    false => own.low > leads.high,
                }),
        }
    }
}

impl Column {
    /// Whether there are at least two places, so that the first and the last differ.
    pub fn tells_apart(&self) -> bool {
        self.last().is_some_and(|last| last > 1)
    }

    /// The last place.
    pub fn last(&self) -> Option<usize> {
        self.ranks.iter().copied().flatten().max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{cell, record, twin, with_rounds};

    fn ranks(record: &Record) -> Vec<Option<usize>> {
        groups(record)[0].column(Measure::CpuPerMessage).ranks
    }

    #[test]
    fn a_server_that_does_not_differ_from_the_best_shares_its_place() {
        let record = record(vec![
            cell("a", &[1.0, 1.1, 1.0, 1.2, 1.0]),
            twin("a", &[1.0, 1.1, 1.0, 1.2, 1.02]),
            cell("like-a", &[1.1, 1.0, 1.1, 1.1, 1.1]),
            cell("slower", &[2.0, 2.1, 2.2, 2.0, 2.1]),
            cell("like-slower", &[2.1, 2.2, 2.1, 2.1, 2.1]),
            cell("slowest", &[9.0, 9.0, 9.1, 9.3, 9.1]),
        ]);
        let expected = [Some(1), None, Some(1), Some(3), Some(3), Some(5)];
        assert_eq!(ranks(&record), expected);
        let column = groups(&record)[0].column(Measure::CpuPerMessage);
        assert!(column.tells_apart() && column.floor.measured);
        assert_eq!(column.last(), Some(5));
    }

    #[test]
    fn a_difference_below_the_noise_floor_gives_no_rank() {
        let quiet = [1.0; 5];
        let a_little_more = [1.05; 5];
        let entrants = |twins: &[f64]| {
            vec![
                cell("a", &quiet),
                twin("a", twins),
                cell("b", &a_little_more),
            ]
        };
        assert_eq!(
            ranks(&record(entrants(&[1.0; 5]))),
            [Some(1), None, Some(2)]
        );
        let noisy = [0.9, 1.0, 1.12, 1.0, 1.07];
        assert_eq!(ranks(&record(entrants(&noisy))), [Some(1), None, Some(1)]);
    }

    #[test]
    fn without_twins_a_floor_is_assumed() {
        let record = record(vec![cell("a", &[1.0; 5]), cell("b", &[1.04; 5])]);
        let group = &groups(&record)[0];
        let floor = group.floor(Measure::CpuPerMessage);
        assert_eq!((floor.share, floor.measured), (ASSUMED_FLOOR, false));
        assert_eq!(ranks(&record), [Some(1), Some(1)]);
    }

    #[test]
    fn a_server_with_errors_or_failures_or_one_round_has_no_place() {
        let mut wrong = cell("wrong", &[0.1; 5]);
        wrong.rounds[2].errors = 1;
        let mut failed = cell("failed", &[0.1; 5]);
        failed.failures.push(crate::record::Failed {
            round: 6,
            reason: "no answer".to_owned().into(),
            unmetered: None,
        });
        let record = record(vec![
            wrong,
            failed,
            cell("once", &[0.1]),
            cell("right", &[1.0; 5]),
        ]);
        assert_eq!(ranks(&record), [None, None, None, Some(1)]);
    }

    #[test]
    fn servers_that_the_generator_limited_are_not_ranked_by_rate_and_latency() {
        let limited = with_rounds(cell("limited", &[1.0; 5]), |it| {
            it.generator_cpu_share = 0.97;
        });
        let record = record(vec![limited, cell("slow", &[9.0; 5])]);
        let group = &groups(&record)[0];
        assert!(!group.ranks(Measure::MessagesPerS) && !group.ranks(Measure::LatencyP99));
        assert!(group.ranks(Measure::CpuPerMessage));
        assert_eq!(group.column(Measure::LatencyP50).ranks, [None, None]);
        assert_eq!(ranks(&record), [Some(1), Some(2)]);
    }

    #[test]
    fn nothing_is_ranked_by_a_figure_below_the_resolution() {
        let with = |model: &str, peak: [u64; 5]| {
            let mut peaks = peak.into_iter();
            with_rounds(cell(model, &[1.0; 5]), |it| {
                it.peak_pss_bytes = peaks.next().unwrap();
            })
        };
        let (none, little) = (
            [1_000_000; 5],
            [1_000_000, 1_004_096, 1_000_000, 1_008_192, 1_000_000],
        );
        let mut record = record(vec![
            with("little", little),
            with("little-again", little),
            with("some", [3_000_000; 5]),
        ]);
        let measure = Measure::MemoryPerConnection;
        let refusal = |record: &Record| groups(record)[0].refusal(measure);
        assert_eq!(refusal(&record), Some(Refusal::Unresolved));
        assert_eq!(groups(&record)[0].column(measure).ranks, [None; 3]);
        record.cells[0] = with("little", none.map(|it| it + 400_000));
        record.cells[1] = with("little-again", none.map(|it| it + 400_000));
        assert_eq!(refusal(&record), None);
        let column = groups(&record)[0].column(measure);
        assert_eq!(column.ranks, [Some(1), None, Some(2)]);
    }

    #[test]
    fn with_a_floor_above_a_factor_of_two_nothing_is_ranked() {
        let record = |twins| record(vec![cell("a", &[1.0; 5]), twins, cell("b", &[9.0; 5])]);
        let measure = Measure::CpuPerMessage;
        let quiet = record(twin("a", &[1.9; 5]));
        assert_eq!(groups(&quiet)[0].refusal(measure), None);
        let loud = record(twin("a", &[43.0; 5]));
        let refusal = groups(&loud)[0].refusal(measure);
        assert!(matches!(refusal, Some(Refusal::Noise(floor)) if floor.share == 42.0));
        assert_eq!(groups(&loud)[0].column(measure).ranks, [None; 3]);
    }

    #[test]
    fn the_use_of_processors_is_not_ranked_on_one_of_two() {
        let mut record = record(vec![cell("a", &[1.0; 5]), cell("b", &[9.0; 5])]);
        let refusal = |record: &Record| groups(record)[0].refusal(Measure::MessagesPerS);
        assert_eq!(refusal(&record), None);
        record.workloads[0].work = "cpu:200us".into();
        assert_eq!(refusal(&record), Some(Refusal::OneProcessor));
        record.environment.cores = 1;
        assert_eq!(refusal(&record), None);
        record.environment.cores = 2;
        record.workloads[0].server_on_all_cpus = true;
        assert_eq!(refusal(&record), None);
        record.workloads[0].server_on_all_cpus = false;
        record.environment.pinning = Pinning::default();
        assert_eq!(refusal(&record), None);
    }

    #[test]
    fn on_a_busy_machine_rates_and_latencies_are_not_ranked() {
        let with = |server, generator, threads| {
            let busy = |model, cpu| {
                with_rounds(cell(model, &[cpu; 5]), |it| {
                    it.server_wait_share = Some(server);
                    it.generator_wait_share = Some(generator);
                    it.threads = threads;
                })
            };
            record(vec![busy("a", 1.0), busy("b", 9.0)])
        };
        let look = |record: &Record| {
            let group = &groups(record)[0];
            let refusal = |measure| group.refusal(measure).is_some();
            let measures = [Measure::LatencyP99, Measure::CpuPerMessage];
            (group.wait_share(), measures.map(refusal))
        };
        assert_eq!(look(&with(0.3, 0.1, 1)), (Some(0.3), [true, false]));
        assert_eq!(look(&with(0.1, 0.2, 1)), (Some(0.2), [false, false]));
        // Ten threads on one processor wait for each other.
        assert_eq!(look(&with(0.9, 0.0, 10)), (Some(0.0), [false, false]));
        let mut shared = with(0.3, 0.4, 1);
        shared.workloads[0].server_on_all_cpus = true;
        assert_eq!(look(&shared), (None, [false, false]));
    }

    #[test]
    fn a_server_that_did_not_keep_up_has_no_place() {
        let open = |model: &str, unsent| {
            with_rounds(cell(model, &[1.0; 5]), |it| {
                (it.offered_per_s, it.due_not_sent) = (Some(100_000.0), Some(unsent));
            })
        };
        let record = record(vec![open("late", 7), open("in-time", 0)]);
        assert_eq!(ranks(&record), [None, Some(1)]);
    }

    #[test]
    fn memory_below_one_page_for_all_connections_is_below_the_resolution() {
        let cell = cell("a", &[1.0; 5]);
        let measure = Measure::MemoryPerConnection;
        let figure = |cell: &Cell| cell.figure(measure).unwrap().median;
        assert!(!measure.is_below_resolution(&cell, figure(&cell)));
        let cell = with_rounds(cell, |it| {
            it.peak_pss_bytes = it.empty_pss_bytes.unwrap() + 17;
        });
        assert!(measure.is_below_resolution(&cell, figure(&cell)));
        assert!(!Measure::CpuPerMessage.is_below_resolution(&cell, 1.0));
    }

    #[test]
    fn one_half_is_as_far_from_one_as_two() {
        assert!((distance(0.5) - distance(2.0)).abs() < 1e-12);
        assert_eq!(distance(1.0), 0.0);
    }
}
