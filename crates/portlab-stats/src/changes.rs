//! Two runs compared: what has changed from one to the other, as far as their rounds show it.
//!
//! Rounds of different runs aren't pairs, so a change is the ratio of two medians, with the interval
//! that follows from both ([`Estimate::of_ratio`]). It is **seen** under the same two conditions as a
//! difference within a run ([`differs`]): the interval leaves out 1, and the change is above the larger noise
//! floor of the two runs.
//!
//! Neither floor includes the differences between the runs, such as another day or another program on the machine. These
//! move all cells alike: see [`Changes::common`].

use std::fmt::Display;

use crate::{
    analysis::{Floor, Group, differs, groups},
    estimate::Estimate,
    measure::Measure,
    record::{Cell, Counts, Pinning, Record, Workload},
};
use portlab_words::{Text, tr};

/// Rates of open loops that are further apart than this, in parts of the earlier one, make latencies
/// incomparable.
const RATES_APART: f64 = 0.1;

/// What has changed between two runs.
#[derive(Clone, Debug)]
pub struct Changes<'a> {
    /// The cells that both runs have, by workload and point, in the order of the later run.
    pub groups: Vec<Pairs<'a>>,
    /// Cells that were measured in the earlier run only.
    pub only_before: Vec<&'a Cell>,
    /// Cells that were measured in the later run only.
    pub only_after: Vec<&'a Cell>,
    /// What else differs between the runs, and may be the reason for the changes.
    pub unlike: Vec<Unlike>,
}

/// The pairs at one point of a workload.
#[derive(Clone, Debug)]
pub struct Pairs<'a> {
    /// The later run's group, for its title.
    pub group: Group<'a>,
    /// What is compared: the measure that the later run ranks by, and some more beside it.
    pub measures: Vec<Measure>,
    /// In the order of the later run.
    pub pairs: Vec<Pair<'a>>,
}

/// The same entrant at the same point of the same workload, in both runs.
#[derive(Clone, Debug)]
pub struct Pair<'a> {
    /// In the earlier run.
    pub before: &'a Cell,
    /// In the later one.
    pub after: &'a Cell,
    /// For each measure of [`Pairs::measures`].
    pub changes: Vec<Change>,
    /// Whether it is a control or a twin, which is shown for comparison only.
    pub is_aside: bool,
}

/// How one figure has changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The measure.
    pub measure: Measure,
    /// The figure in the earlier run.
    pub before: Option<Estimate>,
    /// The figure in the later run.
    pub after: Option<Estimate>,
    /// The later figure divided by the earlier one; `None` if they aren't comparable.
    pub ratio: Option<Estimate>,
    /// The larger noise floor of both runs. It counts as measured if both are.
    pub floor: Floor,
    /// Whether it is better or worse.
    pub trend: Trend,
}

/// Whether a figure has become better or worse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trend {
    /// It is better than before.
    Better,
    /// It is worse.
    Worse,
    /// The runs show no change.
    Unseen,
    /// The figures don't compare.
    NotComparable(Reason),
}

/// Why two figures don't compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// One of them isn't known.
    NotMeasured,
    /// There were errors, or rounds that failed, before.
    ErrorsBefore,
    /// There are errors, or rounds that failed, now.
    ErrorsNow,
    /// There are errors, or rounds that failed, in both runs.
    ErrorsInBoth,
    /// One of them is of a single round, which can't tell a change from chance.
    OneRound,
    /// The load generator was the limit.
    Generator,
    /// The open loops had different rates.
    Rates,
    /// The workloads of this name differ.
    Workload(Box<Unlike>),
}

/// Something that isn't the same in both runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unlike {
    /// What it is.
    pub what: Text,
    /// In the earlier run.
    pub before: Text,
    /// In the later one.
    pub after: Text,
}

/// Compares the earlier run `before` with the later one, `after`.
pub fn changes<'a>(before: &'a Record, after: &'a Record) -> Changes<'a> {
    let earlier = groups(before);
    let mut pairs = Vec::new();
    for group in groups(after) {
        let same = |it: &&Group| it.workload.name == group.workload.name && it.point == group.point;
        if let Some(earlier) = earlier.iter().find(same) {
            pairs.extend(Pairs::of(earlier, group));
        }
    }
    Changes {
        groups: pairs,
        only_before: only(before, after),
        only_after: only(after, before),
        unlike: circumstances(before, after),
    }
}

/// What a workload's entrants are compared by: what it ranks by, and what puts it into context.
fn measures(workload: &Workload) -> Vec<Measure> {
    let context: &[Measure] = match workload.counts {
        Counts::Nothing => &[Measure::PeakMemory],
        _ => &[Measure::MessagesPerS, Measure::LatencyP99],
    };
    let mut measures = vec![workload.ranked_by];
    measures.extend(context.iter().filter(|it| **it != workload.ranked_by));
    measures
}

/// The measured cells of `record` that `other` hasn't measured.
fn only<'a>(record: &'a Record, other: &'a Record) -> Vec<&'a Cell> {
    let measured = |record: &'a Record| record.cells.iter().filter(|cell| cell.was_tried());
    let alone = measured(record).filter(|cell| !measured(other).any(|it| it.is_same(cell)));
    alone.collect()
}

impl<'a> Pairs<'a> {
    /// The pairs of two groups at the same point; `None` if there are none.
    fn of(earlier: &Group<'a>, later: Group<'a>) -> Option<Self> {
        let measures = measures(later.workload);
        let other = other_workload(earlier.workload, later.workload);
        let pair = |&after: &&'a Cell| {
            let mut others = earlier.cells.iter();
            let before = *others.find(|before| before.model == after.model)?;
            if !before.was_tried() || !after.was_tried() {
                return None;
            }
            let change = |&measure: &Measure| {
                let floors = [earlier.floor(measure), later.floor(measure)];
                Change::of(before, after, measure, larger(floors), other.as_ref())
            };
            let kind = later.entrant(after).map(|entrant| &entrant.kind);
            Some(Pair {
                before,
                after,
                changes: measures.iter().map(change).collect(),
                is_aside: kind.is_some_and(|kind| !kind.takes_part()),
            })
        };
        let pairs: Vec<_> = later.cells.iter().filter_map(pair).collect();
        (!pairs.is_empty()).then_some(Self {
            group: later,
            measures,
            pairs,
        })
    }
}

/// The larger one of two floors. It counts as measured if both are.
fn larger([a, b]: [Floor; 2]) -> Floor {
    Floor {
        share: a.share.max(b.share),
        measured: a.measured && b.measured,
    }
}

impl Change {
    fn of(
        before: &Cell,
        after: &Cell,
        measure: Measure,
        floor: Floor,
        other: Option<&Unlike>,
    ) -> Self {
        let reason = match other {
            Some(other) => Some(Reason::Workload(Box::new(other.clone()))),
            None => incomparable(before, after, measure),
        };
        let figures = [before, after].map(|cell| cell.figure(measure));
        let values = |cell: &Cell| -> Vec<f64> {
            let rounds = cell.rounds.iter();
            rounds.filter_map(|it| measure.of(cell, it)).collect()
        };
        let known = reason.is_none() && figures.iter().all(Option::is_some);
        let ratio = Estimate::of_ratio(values(after), values(before)).filter(|_| known);
        let mut change = Self {
            measure,
            before: figures[0],
            after: figures[1],
            ratio,
            floor,
            trend: Trend::NotComparable(reason.unwrap_or(Reason::NotMeasured)),
        };
        if let Some(ratio) = ratio {
            change.trend = match change.worsening() {
                _ if !differs(ratio, floor) => Trend::Unseen,
                Some(worse) if worse > 0.0 => Trend::Worse,
                _ => Trend::Better,
            };
        }
        change
    }

    /// By how much the figure is worse than before, as a share of the earlier one: negative if it is better; `None` if
    /// the figures don't compare.
    pub fn worsening(&self) -> Option<f64> {
        Some((self.ratio?.median - 1.0) * self.measure.worse_sign())
    }
}

/// Why the figures of two cells don't compare, if they don't.
pub(crate) fn incomparable(before: &Cell, after: &Cell, measure: Measure) -> Option<Reason> {
    let cells = [before, after];
    let limited = || cells.iter().any(|cell| cell.generator_was_the_limit());
    match (before.went_well(), after.went_well()) {
        (true, true) => {}
        (true, false) => return Some(Reason::ErrorsNow),
        (false, true) => return Some(Reason::ErrorsBefore),
        (false, false) => return Some(Reason::ErrorsInBoth),
    }
    if cells.iter().any(|cell| cell.rounds.len() < 2) {
        return Some(Reason::OneRound);
    }
    if measure.is_the_generators() && limited() {
        return Some(Reason::Generator);
    }
    if measure.is_the_generators() && rates_are_apart(before, after) {
        return Some(Reason::Rates);
    }
    None
}

fn rates_are_apart(before: &Cell, after: &Cell) -> bool {
    let rate = |cell: &Cell| {
        let rates = cell.rounds.iter().filter_map(|round| round.offered_per_s);
        Estimate::of(rates).map(|rate| rate.median)
    };
    match (rate(before), rate(after)) {
        (Some(before), Some(after)) => (after / before - 1.0).abs() > RATES_APART,
        (None, None) => false,
        _ => true,
    }
}

/// The first difference between two workloads of one name; `None` if there is none.
pub(crate) fn other_workload(before: &Workload, after: &Workload) -> Option<Unlike> {
    const PARTS: [Part<Workload>; 5] = [
        (Text::new("service", "服务"), |it| same(&it.service)),
        (Text::new("what is counted", "计数对象"), |it| {
            same(format!("{:?}", it.counts).to_lowercase())
        }),
        (Text::new("work", "处理"), |it| same(&it.work)),
        (Text::new("depth", "深度"), |it| same(it.depth)),
        (Text::new("number of rooms", "聊天室数"), |it| {
            it.rooms.map_or(NONE, same)
        }),
    ];
    unlike(&PARTS, before, after).next()
}

/// What else differs between two runs.
fn circumstances(before: &Record, after: &Record) -> Vec<Unlike> {
    const PARTS: [Part<Record>; 6] = [
        (Text::new("processor", "处理器"), |it| {
            same(&it.environment.cpu)
        }),
        (Text::new("number of cores", "核数"), |it| {
            same(it.environment.cores)
        }),
        (Text::new("kernel", "内核"), |it| {
            same(&it.environment.kernel)
        }),
        (Text::new("pinning", "绑核"), |it| {
            match &it.environment.pinning {
                Pinning::Apart {
                    server_cpus,
                    generator_cpus,
                } => tr!(
                    "server on {server_cpus:?}, generator on {generator_cpus:?}",
                    "服务端在 {server_cpus:?}，负载生成器在 {generator_cpus:?}"
                ),
                Pinning::Together(_) => NONE,
            }
        }),
        (
            Text::new("generator's threads", "负载生成器线程数"),
            |it| same(it.setup.load_threads),
        ),
        (Text::new("version of portlab", "portlab 版本"), |it| {
            same(&it.portlab_version)
        }),
    ];
    const TIMES: [Part<Workload>; 1] = [(Text::new("time measured", "测量时长"), |it| {
        let (time, warmup, name) = (it.duration_ms, it.warmup_ms, &it.name);
        tr!(
            "{time} ms after {warmup} ms of warm-up in {name}",
            "{name} 预热 {warmup} ms 后测 {time} ms"
        )
    })];
    let mut all: Vec<_> = unlike(&PARTS, before, after).collect();
    for workload in &after.workloads {
        if let Some(earlier) = before.workload(&workload.name) {
            all.extend(unlike(&TIMES, earlier, workload));
        }
    }
    all
}

/// A part of a value that is compared: its name, and how it is written.
type Part<T> = (Text, fn(&T) -> Text);

/// The `parts` that differ between two values.
fn unlike<T>(parts: &[Part<T>], before: &T, after: &T) -> impl Iterator<Item = Unlike> {
    parts.iter().filter_map(|(what, of)| {
        let (before, after) = (of(before), of(after));
        (before != after).then(|| Unlike {
            what: what.clone(),
            before,
            after,
        })
    })
}

const NONE: Text = Text::new("none", "无");

/// A value that is written alike in both languages.
fn same(value: impl Display) -> Text {
    value.to_string().into()
}

impl<'a> Changes<'a> {
    /// All pairs, group by group.
    pub fn pairs(&self) -> impl Iterator<Item = &Pair<'a>> {
        self.groups.iter().flat_map(|group| &group.pairs)
    }

    /// The pairs that are worse by more than `share`, by what their workload ranks by, where the runs
    /// could see it. Neither controls nor twins are among them.
    pub fn worse_by(&self, share: f64) -> impl Iterator<Item = &Pair<'a>> {
        let worse = move |pair: &&Pair| {
            let change = pair.change();
            let by = change.worsening().unwrap_or(0.0);
            !pair.is_aside && change.trend == Trend::Worse && by > share
        };
        self.pairs().filter(worse)
    }

    /// The pairs without an error or a failure before that have some now.
    pub fn broken(&self) -> impl Iterator<Item = &Pair<'a>> {
        self.pairs()
            .filter(|pair| pair.before.went_well() && !pair.after.went_well())
    }

    /// By how much the pairs are worse in common, as a share of the earlier figure: the median over all that compare. The
    /// cause of a common change is likely something that all pairs share, or the machine.
    pub fn common(&self) -> Option<f64> {
        let changes = self.pairs().map(Pair::change);
        let shares = changes.filter_map(Change::worsening);
        Estimate::of(shares).map(|shares| shares.median)
    }
}

impl Pair<'_> {
    /// How it has changed in what its workload ranks by.
    pub fn change(&self) -> &Change {
        self.changes.first().expect("a workload ranks by something")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{cell, record, twin, with_rounds};

    const ROUNDS: [f64; 5] = [4.0, 4.1, 4.2, 4.1, 4.15];

    fn times(factor: f64) -> [f64; 5] {
        ROUNDS.map(|figure| figure * factor)
    }

    fn trend(before: &Record, after: &Record) -> Trend {
        changes(before, after).groups[0].pairs[0]
            .change()
            .trend
            .clone()
    }

    #[test]
    fn a_run_compared_with_itself_has_not_changed() {
        let run = record(vec![
            cell("a", &ROUNDS),
            twin("a", &ROUNDS),
            cell("b", &[9.0; 5]),
        ]);
        let changes = changes(&run, &run);
        assert_eq!(changes.pairs().count(), 3);
        for pair in changes.pairs() {
            assert_eq!(pair.change().trend, Trend::Unseen);
            assert!(pair.change().ratio.unwrap().contains(1.0));
        }
        assert!(changes.only_before.is_empty() && changes.only_after.is_empty());
        assert!(changes.unlike.is_empty());
        assert_eq!(changes.common(), Some(0.0));
    }

    #[test]
    fn a_change_is_seen_above_the_larger_floor_only() {
        let run = |factor, twins: [f64; 5]| {
            record(vec![
                cell("a", &times(factor)),
                twin("a", &twins.map(|it| it * factor)),
            ])
        };
        let quiet = || run(1.0, ROUNDS);
        assert_eq!(trend(&quiet(), &run(1.2, ROUNDS)), Trend::Worse);
        assert_eq!(trend(&quiet(), &run(0.8, ROUNDS)), Trend::Better);
        let noisy = ROUNDS.map(|it| it * 1.3);
        assert_eq!(trend(&quiet(), &run(1.2, noisy)), Trend::Unseen);
        assert_eq!(trend(&run(1.0, noisy), &run(1.2, ROUNDS)), Trend::Unseen);
    }

    #[test]
    fn more_messages_are_better_and_fewer_are_worse() {
        let run = |rate: f64| {
            let cell = cell("a", &ROUNDS);
            let mut record = record(vec![with_rounds(cell, |it| it.messages_per_s = rate)]);
            record.workloads[0].ranked_by = Measure::MessagesPerS;
            record
        };
        let (slow, fast) = (run(80.0), run(100.0));
        assert_eq!(trend(&slow, &fast), Trend::Better);
        assert_eq!(trend(&fast, &slow), Trend::Worse);
        let changes = changes(&fast, &slow);
        assert!((changes.common().unwrap() - 0.2).abs() < 1e-12);
        assert_eq!(changes.worse_by(0.19).count(), 1);
        assert_eq!(changes.worse_by(0.21).count(), 0);
    }

    #[test]
    fn figures_that_do_not_compare_have_a_reason() {
        let clean = record(vec![cell("a", &ROUNDS)]);
        let with = |change: fn(&mut Record)| {
            let mut record = clean.clone();
            change(&mut record);
            record
        };
        let why = |before: &Record, after: &Record| match trend(before, after) {
            Trend::NotComparable(reason) => reason,
            other => panic!("{other:?}"),
        };
        let wrong = with(|it| it.cells[0].rounds[1].errors = 1);
        assert_eq!(why(&clean, &wrong), Reason::ErrorsNow);
        assert_eq!(why(&wrong, &clean), Reason::ErrorsBefore);
        assert_eq!(why(&wrong, &wrong), Reason::ErrorsInBoth);
        assert_eq!(changes(&clean, &wrong).broken().count(), 1);
        assert_eq!(changes(&wrong, &clean).broken().count(), 0);
        let once = with(|it| it.cells[0].rounds.truncate(1));
        assert_eq!(why(&clean, &once), Reason::OneRound);
        let unknown = with(|it| it.cells[0].rounds[1].server_cpu_us_per_message = None);
        assert_eq!(why(&clean, &unknown), Reason::NotMeasured);
        let deep = with(|it| it.workloads[0].depth = 8);
        let Reason::Workload(unlike) = why(&clean, &deep) else {
            panic!("another depth is another workload");
        };
        assert_eq!((&*unlike.before.en, &*unlike.after.zh), ("1", "8"));
        let limited = with(|it| {
            for round in &mut it.cells[0].rounds {
                round.generator_cpu_share = 0.95;
            }
        });
        assert_eq!(trend(&clean, &limited), Trend::Unseen);
        let rate = &changes(&clean, &limited).groups[0].pairs[0].changes[1];
        let generator = Trend::NotComparable(Reason::Generator);
        assert_eq!(
            (rate.measure, &rate.trend),
            (Measure::MessagesPerS, &generator)
        );
        let paced = |rate| {
            let cell = cell("a", &ROUNDS);
            let mut record = record(vec![with_rounds(cell, |it| it.offered_per_s = Some(rate))]);
            record.workloads[0].ranked_by = Measure::LatencyP99;
            record
        };
        assert_eq!(why(&paced(1_000.0), &paced(1_200.0)), Reason::Rates);
        assert_eq!(trend(&paced(1_000.0), &paced(1_050.0)), Trend::Unseen);
    }

    #[test]
    fn cells_of_only_one_run_are_listed_unless_they_never_ran() {
        let before = record(vec![
            cell("gone", &ROUNDS),
            cell("a", &ROUNDS),
            cell("idle", &[]),
        ]);
        let after = record(vec![cell("a", &ROUNDS), cell("new", &ROUNDS)]);
        let changes = changes(&before, &after);
        let names =
            |cells: &[&Cell]| -> Vec<_> { cells.iter().map(|it| it.model.clone()).collect() };
        assert_eq!(names(&changes.only_before), ["gone"]);
        assert_eq!(names(&changes.only_after), ["new"]);
        assert_eq!(changes.pairs().count(), 1);
    }

    #[test]
    fn differences_between_the_machines_are_listed() {
        let before = record(vec![cell("a", &ROUNDS)]);
        let mut after = before.clone();
        after.environment.kernel = "7.0".into();
        after.environment.pinning = Default::default();
        after.workloads[0].duration_ms = 900;
        let unlike = changes(&before, &after).unlike;
        let what: Vec<_> = unlike.iter().map(|it| &*it.what.en).collect();
        assert_eq!(what, ["kernel", "pinning", "time measured"]);
    }

    #[test]
    fn a_control_is_never_worse() {
        let run = |factor| record(vec![cell("a", &ROUNDS), cell("a-by-hand", &times(factor))]);
        let (before, after) = (run(1.0), run(2.0));
        assert_eq!(changes(&before, &after).worse_by(0.05).count(), 0);
    }
}
