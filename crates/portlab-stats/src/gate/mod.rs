//! Whether a program has become worse than another build of it: the decision of a CI gate.
//!
//! A program **is worse** at a cell if both of these hold:
//!
//! - in the pairs that were measured, it is worse so consistently that chance makes any cell of the run as
//!   much worse with a probability of [`EACH`] at most (a sign-flip test over all cells together);
//! - the median of the pairs is worse by more than the **bar**, so a small change never fails a run.
//!
//! It **is broken** if it has errors or failures in so many pairs in which the reference has none that
//! chance does this with that probability at most (a sign test). A single failure doesn't make it broken:
//! on a busy machine an unchanged program fails now and then.
//!
//! In a pair, chance alone decides which of the two measurements comes first: the same model of two builds
//! in one round, which shuffles them; or two whole runs that were made in turn. Rounds of
//! different runs aren't paired: the rounds of a run don't show how much runs of the same program differ.

mod signs;

use crate::{
    analysis::groups,
    changes::{Reason, incomparable, other_workload},
    estimate::Estimate,
    measure::Measure,
    record::{Cell, Kind, Record},
};

use signs::{pairs_needed, probabilities};

/// The level of each of the two tests, for worse and for broken: an unchanged program fails at most one run
/// in a hundred.
pub const EACH: f64 = 0.01 / 2.0;

/// A cell isn't decided if a change of this many times the bar can't be ruled out.
const REACH: f64 = 2.0;
/// The least bar for this rule: with a lower one, noise would leave every cell undecided.
const LEAST_REACH: f64 = 0.05;

/// What is decided about each cell.
#[derive(Clone, Debug)]
pub struct Gate<'a> {
    /// How much worse a program may be, as a share of the reference's figure.
    pub bar: f64,
    /// What the pairs consist of.
    pub unit: Unit,
    /// The cells that both builds have, without controls and twins, in the order of the record.
    pub judged: Vec<Judged<'a>>,
}

/// What a pair consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Two measurements of one round.
    Round,
    /// Two runs.
    Run,
}

/// A cell of both builds.
#[derive(Clone, Debug)]
pub struct Judged<'a> {
    /// The cell of the program that is judged, of the last run if there are several.
    pub cell: &'a Cell,
    /// The measure that it is judged by, which ranks its workload.
    pub measure: Measure,
    /// The figures of the reference and of the program that is judged.
    pub figures: [Option<f64>; 2],
    /// The program's figure divided by the reference's, over the pairs.
    pub ratio: Option<Estimate>,
    /// The probability that chance makes any cell as much worse.
    pub chance: Option<f64>,
    /// The decision.
    pub decision: Decision,
}

/// The decision about one cell.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// It is worse by more than the bar.
    Worse,
    /// It is better by more than the bar.
    Better,
    /// It isn't worse by more than the bar.
    Fine,
    /// It has errors or failures so much more often than the reference that chance is ruled out.
    Broken,
    /// It has errors or failures in some pairs, in which the reference has none; too few to rule out chance.
    Erring {
        /// In how many pairs.
        pairs: usize,
    },
    /// There are too few pairs to tell a change from chance.
    TooFew {
        /// How many there are.
        pairs: usize,
        /// How many are needed.
        needed: usize,
    },
    /// The pairs differ so much from each other that a change of twice the bar might be hidden, or that a
    /// change above the bar might be chance.
    TooNoisy {
        /// By how much the program may be worse, as a share of the reference's figure.
        up_to: f64,
    },
    /// The figures can't be compared.
    NotComparable(Reason),
}

impl Decision {
    /// Whether more pairs are needed for a decision.
    pub fn is_open(&self) -> bool {
        matches!(
            self,
            Self::TooFew { .. } | Self::TooNoisy { .. } | Self::Erring { .. }
        )
    }
}

/// The decision about a whole run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing is worse.
    Passed,
    /// Something is worse, or broken.
    Failed,
    /// Nothing is known to be worse, but a cell isn't decided, or no cell can be compared.
    Undecided,
}

/// Why runs can't be put into pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unpaired {
    /// There is one run of each program.
    OneEach,
    /// There are more runs of one program than of the other.
    Counts {
        /// Runs of the reference.
        before: usize,
        /// Runs of the program that is judged.
        after: usize,
    },
    /// The runs weren't made in turn.
    NotInTurn,
}

/// Judges the models of `record` against the same models of the other build in it.
pub fn builds(record: &Record, bar: f64) -> Gate<'_> {
    let mut candidates = Vec::new();
    for group in groups(record) {
        let measure = group.workload.ranked_by;
        for before in &group.cells {
            let Some(Kind::Build { of, .. }) = group.entrant(before).map(|it| &it.kind) else {
                continue;
            };
            let Some(after) = group.cells.iter().find(|cell| cell.model == *of) else {
                continue;
            };
            candidates.extend(Candidate::of_rounds(before, after, measure));
        }
    }
    judge(candidates, Unit::Round, bar)
}

/// Judges the program of the runs `after` against that of the runs `before`.
///
/// # Errors
/// When the runs aren't pairs that were made in turn.
pub fn runs<'a>(before: &'a [Record], after: &'a [Record], bar: f64) -> Result<Gate<'a>, Unpaired> {
    let pairs = in_turn(before, after)?;
    let Some((_, last)) = pairs.last() else {
        return Ok(judge(Vec::new(), Unit::Run, bar));
    };
    let takes_part = |cell: &&Cell| {
        let entrant = last.entrant(&cell.model);
        entrant.is_some_and(|it| it.kind.takes_part()) && cell.was_tried()
    };
    let cells = last.cells.iter().filter(takes_part);
    let candidates = cells.filter_map(|cell| Candidate::of_runs(&pairs, last, cell));
    Ok(judge(candidates.collect(), Unit::Run, bar))
}

/// Two runs that were made one after the other: of the reference, and of the program that is judged.
type Pair<'a> = (&'a Record, &'a Record);

/// Puts runs into pairs, by the time when they began.
fn in_turn<'a>(before: &'a [Record], after: &'a [Record]) -> Result<Vec<Pair<'a>>, Unpaired> {
    match (before.len(), after.len()) {
        (1, 1) => return Err(Unpaired::OneEach),
        (before, after) if before != after => return Err(Unpaired::Counts { before, after }),
        _ => {}
    }
    let reference = before.iter().map(|run| (false, run));
    let mut runs: Vec<(bool, &Record)> = reference
        .chain(after.iter().map(|run| (true, run)))
        .collect();
    runs.sort_by_key(|(_, run)| run.started_unix_s);
    let pair = |runs: &[(bool, &'a Record)]| match *runs {
        [(false, before), (true, after)] | [(true, after), (false, before)] => Ok((before, after)),
        _ => Err(Unpaired::NotInTurn),
    };
    runs.chunks(2).map(pair).collect()
}

/// A cell of both builds, before it is judged.
struct Candidate<'a> {
    judged: Judged<'a>,
    /// The ratio of each pair, `None` if something went wrong in it; or why nothing can be compared.
    ratios: Result<Vec<Option<f64>>, Reason>,
    /// In how many pairs only the reference, and only the program, had an error or failed.
    wrong: [usize; 2],
}

impl<'a> Candidate<'a> {
    /// From two cells of one record: each round is a pair.
    fn of_rounds(before: &Cell, after: &'a Cell, measure: Measure) -> Option<Self> {
        if !before.was_tried() || !after.was_tried() {
            return None;
        }
        let numbers = [before, after].into_iter().flat_map(|cell| &cell.rounds);
        let last = numbers.map(|round| round.round).max().unwrap_or(0);
        let mut wrong = [0, 0];
        let mut ratios = Vec::new();
        for round in 1..=last {
            let sides = [before, after].map(|cell| Side::of(cell, round, measure));
            match sides {
                [Side::Good(_), Side::Wrong] => wrong[1] += 1,
                [Side::Wrong, Side::Good(_)] => wrong[0] += 1,
                _ => {}
            }
            ratios.push(match sides {
                [Side::Good(Some(before)), Side::Good(Some(after))] => ratio(before, after),
                _ => None,
            });
        }
        let figures = [before, after].map(|cell| Some(cell.figure(measure)?.median));
        Some(Self {
            judged: Judged::open(after, measure, figures),
            ratios: match incomparable(before, after, measure) {
                Some(reason @ (Reason::Generator | Reason::Rates)) => Err(reason),
                _ => Ok(ratios),
            },
            wrong,
        })
    }

    /// From a cell of the last run: each pair of runs is a pair.
    fn of_runs(pairs: &[Pair], last: &Record, cell: &'a Cell) -> Option<Self> {
        let measure = last.workload(&cell.workload)?.ranked_by;
        let (mut figures, mut reason, mut wrong) = (Vec::new(), None, [0, 0]);
        for (before, after) in pairs {
            let pair = of_pair(before, after, cell, measure);
            match pair.as_ref().err() {
                None | Some(Reason::ErrorsInBoth) => {}
                Some(Reason::ErrorsBefore) => wrong[0] += 1,
                Some(Reason::ErrorsNow) => wrong[1] += 1,
                Some(other) => reason = reason.or_else(|| Some(other.clone())),
            }
            figures.push(pair.ok());
        }
        let known = || figures.iter().flatten();
        let median = |at: usize| Some(Estimate::of(known().map(|it: &[f64; 2]| it[at]))?.median);
        let ratio_of =
            |pair: &Option<[f64; 2]>| pair.and_then(|[before, after]| ratio(before, after));
        Some(Self {
            judged: Judged::open(cell, measure, [median(0), median(1)]),
            ratios: match reason {
                None => Ok(figures.iter().map(ratio_of).collect()),
                Some(reason) => Err(reason),
            },
            wrong,
        })
    }
}

/// A cell in one round.
#[derive(Clone, Copy)]
enum Side {
    /// It was measured without an error, and may have a figure.
    Good(Option<f64>),
    /// It had errors, or failed, or had failed too often to be tried again.
    Wrong,
    /// It wasn't tried.
    Untried,
}

impl Side {
    fn of(cell: &Cell, round: usize, measure: Measure) -> Self {
        match cell.rounds.iter().find(|it| it.round == round) {
            Some(measured) if measured.errors == 0 => Self::Good(measure.of(cell, measured)),
            Some(_) => Self::Wrong,
            None if cell.rounds.is_empty() || cell.has(round) => Self::Wrong,
            None => Self::Untried,
        }
    }
}

/// The figures of the cell like `cell` in both runs of a pair.
fn of_pair(
    before: &Record,
    after: &Record,
    cell: &Cell,
    measure: Measure,
) -> Result<[f64; 2], Reason> {
    let is_wanted = |it: &&Cell| it.is_same(cell) && it.was_tried();
    let earlier = before.cells.iter().find(is_wanted);
    let later = after.cells.iter().find(is_wanted);
    let (earlier, later) = earlier.zip(later).ok_or(Reason::NotMeasured)?;
    let workloads = before
        .workload(&cell.workload)
        .zip(after.workload(&cell.workload));
    if let Some(unlike) = workloads.and_then(|(before, after)| other_workload(before, after)) {
        return Err(Reason::Workload(Box::new(unlike)));
    }
    if let Some(reason) = incomparable(earlier, later, measure) {
        return Err(reason);
    }
    let figures = earlier.figure(measure).zip(later.figure(measure));
    let (earlier, later) = figures.ok_or(Reason::NotMeasured)?;
    Ok([earlier.median, later.median])
}

/// `after` divided by `before`; `None` if the quotient isn't a positive number.
fn ratio(before: f64, after: f64) -> Option<f64> {
    (before > 0.0 && after > 0.0).then_some(after / before)
}

fn judge<'a>(candidates: Vec<Candidate<'a>>, unit: Unit, bar: f64) -> Gate<'a> {
    let rows = |direction: f64| -> Vec<Vec<Option<f64>>> {
        let compared = candidates
            .iter()
            .filter_map(|it| Some((it.judged.measure, it.ratios.as_ref().ok()?)));
        let row = |(measure, ratios): (Measure, &Vec<Option<f64>>)| {
            let worse = direction * measure.worse_sign();
            ratios
                .iter()
                .map(|ratio| Some(ratio.as_ref()?.ln() * worse))
                .collect()
        };
        compared.map(row).collect()
    };
    let (worse, better) = (probabilities(&rows(1.0)), probabilities(&rows(-1.0)));
    let needed = pairs_needed(worse.len(), EACH);
    let mut chances = worse.into_iter().zip(better);
    // Each cell has its own sign test, so its probability is multiplied by the number of cells (Bonferroni).
    let cells = candidates.len() as f64;
    let decide = |it: Candidate<'a>| -> Judged<'a> {
        let (mut judged, [before, after]) = (it.judged, it.wrong);
        match it.ratios {
            Err(reason) => judged.decision = Decision::NotComparable(reason),
            Ok(ratios) => {
                let (worse, better) = chances.next().unwrap_or((1.0, 1.0));
                judged.chance = Some(worse);
                judged.ratio = Estimate::of(ratios.into_iter().flatten());
                judged.decision = judged.decided(bar, better, needed);
            }
        }
        if at_least(before + after, after) * cells <= EACH && after > 0 {
            judged.decision = Decision::Broken;
        } else if after > 0 && judged.decision != Decision::Worse {
            judged.decision = Decision::Erring { pairs: after };
        }
        judged
    };
    Gate {
        bar,
        unit,
        judged: candidates.into_iter().map(decide).collect(),
    }
}

/// The probability that at least `heads` of `all` coins show heads.
fn at_least(all: usize, heads: usize) -> f64 {
    let mut of_all = 0.5_f64.powi(i32::try_from(all).unwrap_or(i32::MAX));
    let mut sum = 0.0;
    for shown in 0..=all {
        if shown >= heads {
            sum += of_all;
        }
        of_all *= (all - shown) as f64 / (shown + 1) as f64;
    }
    sum
}

impl<'a> Judged<'a> {
    fn open(cell: &'a Cell, measure: Measure, figures: [Option<f64>; 2]) -> Self {
        Self {
            cell,
            measure,
            figures,
            ratio: None,
            chance: None,
            decision: Decision::Fine,
        }
    }

    fn decided(&self, bar: f64, better: f64, needed: usize) -> Decision {
        let pairs = self.ratio.map_or(0, |ratio| ratio.count);
        let Some(ratio) = self.ratio.filter(|_| pairs >= needed) else {
            return Decision::TooFew { pairs, needed };
        };
        let worse_by = self.worsening(ratio.median);
        let up_to = self.worsening(ratio.low).max(self.worsening(ratio.high));
        if self.chance.is_some_and(|chance| chance <= EACH) && worse_by > bar {
            Decision::Worse
        } else if better <= EACH && worse_by < -bar {
            Decision::Better
        } else if up_to > REACH * bar.max(LEAST_REACH) || worse_by > bar {
            Decision::TooNoisy { up_to }
        } else {
            Decision::Fine
        }
    }

    /// By how much the program is worse if its figure is `ratio` times the reference's, as a share of the
    /// reference's figure; negative if it is better.
    pub fn worsening(&self, ratio: f64) -> f64 {
        (ratio - 1.0) * self.measure.worse_sign()
    }
}

impl Gate<'_> {
    /// The decision about the whole run.
    pub fn outcome(&self) -> Outcome {
        let any = |what: fn(&Decision) -> bool| self.judged.iter().any(|it| what(&it.decision));
        if any(|it| matches!(it, Decision::Worse | Decision::Broken)) {
            Outcome::Failed
        } else if any(Decision::is_open) {
            Outcome::Undecided
        } else if any(|it| matches!(it, Decision::Fine | Decision::Better)) {
            Outcome::Passed
        } else {
            Outcome::Undecided
        }
    }
}

#[cfg(test)]
mod tests;
