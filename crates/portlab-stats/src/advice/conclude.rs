//! From measurements to conclusions.

use super::{
    Advice, Answer, Blocked, Candidate, Cannot, Carries, Caution, Ceiling, Change, Measured, Other,
    Resource, Shot, Shown, Why,
    cost::{Cost, ROUNDS, differs},
    limits,
};
use crate::{analysis::BUSY, estimate::Estimate};

/// Fewer measurements than this may be chance.
const LEAST: usize = 2;
/// The p99 of fewer latencies than this is little more than the longest.
const LATENCIES: u64 = 100;

/// The conclusions from `measured`.
///
/// A model handles the load if it met the bound in four of five rounds at least. Of the models that handle the
/// load, the one with the smallest *dominant share* is chosen: the larger one of its shares of processors
/// and memory, because that resource runs out first (A. Ghodsi et al., "Dominant resource fairness", NSDI
/// 2011).
pub fn conclude(measured: &Measured) -> Advice {
    let question = &measured.question;
    let limits = limits(question, measured.server_cores);
    let impossible = !question.is_possible(measured.server_cores);
    let all = measured.candidates.iter();
    let judged = all.map(|it| (it, handles(&it.carries, &it.shots, LEAST)));
    let judged: Vec<(&Candidate, Handles)> = judged.collect();
    let works = question.each_work().len();
    let mut able: Vec<Cost> = judged
        .iter()
        .filter(|(_, handles)| *handles == Handles::Yes)
        .filter_map(|(candidate, _)| Cost::of(measured, candidate, works))
        .collect();
    able.sort_by(|a, b| a.share().total_cmp(&b.share()));
    let cannot = judged.iter().filter_map(|(candidate, handles)| {
        let why = why_not(candidate, *handles)?;
        let model = candidate.model.clone();
        Some(Cannot { model, why })
    });
    // If no server can handle the load, models aren't listed.
    let cannot = cannot.filter(|_| !impossible).collect();
    // A model that handles the load, but lacks a figure, makes the answer undecided.
    let is_open = judged.iter().any(|it| it.1 != Handles::No);
    let ceilings = able.iter();
    let ceilings = ceilings.map(|cost| (cost.model().to_owned(), cost.candidate.ceiling));
    let mut advice = Advice {
        answer: match (impossible, is_open) {
            (true, _) => Answer::Impossible,
            (false, true) => Answer::Undecided,
            (false, false) => Answer::NoModel,
        },
        others: Vec::new(),
        cannot,
        limits,
        ceilings: ceilings.collect(),
        changes: Vec::new(),
        cautions: cautions(measured, &judged),
    };
    if impossible || able.is_empty() {
        return advice;
    }
    let chosen = choose(&able);
    let resource = chosen.resource();
    let rest = able.iter().filter(|cost| cost.model() != chosen.model());
    advice.others = rest.filter_map(|cost| other(cost, chosen)).collect();
    advice.others.sort_by(|a, b| a.times.total_cmp(&b.times));
    let equals = advice.others.iter().filter(|other| !other.differs);
    advice.answer = Answer::Choose {
        model: chosen.model().to_owned(),
        equals: equals.map(|other| other.model.clone()).collect(),
        resource,
        cpu_share: chosen.cpu_share(),
        cpu_cores: chosen.cpu_share() * measured.server_cores as f64,
        memory_bytes: chosen.memory_bytes(),
        p99_ns: chosen.p99_ns(),
    };
    advice.changes = changes(measured, chosen, &able);
    advice
}

/// Whether a model handles a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Handles {
    Yes,
    No,
    /// The rounds contradict each other.
    Wavers,
    Unknown,
}

/// The measurements that say whether the server met the bound.
fn known(shots: &[Shot]) -> impl Iterator<Item = &Shot> + Clone {
    shots.iter().filter(|it| it.says() != Shown::Nothing)
}

/// How many rounds met the bound, and how many say anything.
fn rounds(shots: &[Shot]) -> (usize, usize) {
    let held = known(shots).filter(|it| it.says() == Shown::Held);
    (held.count(), known(shots).count())
}

/// Whether the model handles the load; unknown if fewer than `least` measurements say anything.
fn handles(carries: &Carries, shots: &[Shot], least: usize) -> Handles {
    if *carries != Carries::All {
        return Handles::No;
    }
    match rounds(shots) {
        (_, of) if of < least => Handles::Unknown,
        (held, of) if held * 5 >= of * 4 => Handles::Yes,
        (held, of) if held * 5 <= of => Handles::No,
        _ => Handles::Wavers,
    }
}

fn why_not(candidate: &Candidate, handles: Handles) -> Option<Why> {
    match handles {
        Handles::Yes => None,
        Handles::Unknown => Some(Why::NotMeasured),
        _ if candidate.carries != Carries::All => Some(Why::Carries(candidate.carries.clone())),
        Handles::Wavers => {
            let (held, of) = rounds(&candidate.shots);
            Some(Why::SomeRounds { held, of })
        }
        Handles::No => {
            let missed = known(&candidate.shots).filter(|it| it.says() != Shown::Held);
            let shown = missed.clone().next()?.says();
            let p99s = missed.map(|it| it.p99_ns as f64);
            let p99_ns = Estimate::of(p99s).map_or(0.0, |p99| p99.median);
            Some(Why::Missed { shown, p99_ns })
        }
    }
}

/// The cheapest of `able`, which are sorted by cost. Among models of equal cost, one that also handles a
/// driver that blocks is better, then one that handles a clearly higher rate.
fn choose<'a, 'b>(able: &'b [Cost<'a>]) -> &'b Cost<'a> {
    let cheapest = &able[0];
    let same = able.iter().skip(1).filter(|cost| {
        let times = cost.times(cheapest);
        times.is_none_or(|times| !differs(times))
    });
    same.fold(cheapest, |best, cost| {
        let blocked = |cost: &Cost| handles(&Carries::All, &cost.candidate.blocked, 1);
        match (blocked(cost), blocked(best)) {
            (Handles::Yes, Handles::No) => return cost,
            (Handles::No, Handles::Yes) => return best,
            _ => {}
        }
        let (own, bests) = (cost.candidate.ceiling, best.candidate.ceiling);
        match (own.low(), bests.high()) {
            (Some(low), Some(high)) if low > high => cost,
            _ => best,
        }
    })
}

fn other(cost: &Cost, chosen: &Cost) -> Option<Other> {
    let dominant = cost.times(chosen)?;
    let resource = cost.resource();
    let times = cost.times_of(chosen, resource)?;
    let differs = differs(dominant) && differs(times) && dominant.median > 1.0;
    Some(Other {
        model: cost.model().to_owned(),
        resource,
        times: times.median,
        low: times.low,
        high: times.high,
        differs,
    })
}

fn changes(measured: &Measured, chosen: &Cost, able: &[Cost]) -> Vec<Change> {
    let mut changes = Vec::new();
    if measured.what_if.is_some() {
        changes.extend(if_blocked(chosen, able).map(Change::Blocks));
    }
    if let Ceiling::Between { high_per_s, .. } = chosen.candidate.ceiling {
        let rate = |cost: &&Cost| cost.candidate.ceiling.low().unwrap_or(0.0);
        let more = able.iter().filter(|cost| rate(cost) > high_per_s);
        let most = more.max_by(|a, b| rate(a).total_cmp(&rate(b)));
        changes.push(Change::Rate {
            above_per_s: high_per_s,
            choose: most.map(|cost| cost.model().to_owned()),
        });
    }
    let scarce = match chosen.resource() {
        Resource::Cpu => Resource::Memory,
        Resource::Memory => Resource::Cpu,
    };
    let less = able.iter().filter_map(|cost| {
        let times = cost.times_of(chosen, scarce)?;
        (differs(times) && times.median < HALF).then_some((cost, times.median))
    });
    if let Some((cost, times)) = less.min_by(|a, b| a.1.total_cmp(&b.1)) {
        changes.push(Change::Scarce {
            resource: scarce,
            choose: cost.model().to_owned(),
            times,
        });
    }
    changes
}

/// A model that takes less than this of the other resource is named.
const HALF: f64 = 0.5;

fn if_blocked(chosen: &Cost, able: &[Cost]) -> Option<Blocked> {
    let handles = |cost: &Cost| handles(&Carries::All, &cost.candidate.blocked, 1);
    let other = able.iter().find(|cost| handles(cost) == Handles::Yes);
    match (handles(chosen), other) {
        (Handles::Yes, _) => Some(Blocked::Same),
        (Handles::No, Some(other)) => Some(Blocked::Choose(other.model().to_owned())),
        (Handles::No, None) => {
            let none = able.iter().all(|cost| handles(cost) == Handles::No);
            none.then_some(Blocked::NoModel)
        }
        (Handles::Wavers | Handles::Unknown, _) => None,
    }
}

fn cautions(measured: &Measured, judged: &[(&Candidate, Handles)]) -> Vec<Caution> {
    let mut cautions = Vec::new();
    let able = judged
        .iter()
        .filter(|(_, handles)| *handles == Handles::Yes);
    let able = able.map(|(candidate, _)| &candidate.shots);
    let works = measured.question.each_work().len();
    let rounds = able.clone().map(|shots| rounds(shots).1 / works).min();
    if let Some(rounds) = rounds.filter(|rounds| *rounds < ROUNDS) {
        cautions.push(Caution::FewRounds(rounds));
    }
    if measured.interrupted {
        cautions.push(Caution::Interrupted);
    }
    if measured.cut_short {
        cautions.push(Caution::CutShort);
    }
    let wavering = judged
        .iter()
        .filter(|(_, handles)| *handles == Handles::Wavers);
    let wavering: Vec<_> = wavering.map(|(it, _)| it.model.clone()).collect();
    if !wavering.is_empty() {
        cautions.push(Caution::Wavers(wavering));
    }
    let shots = measured.candidates.iter().flat_map(|it| &it.shots);
    let late = shots.filter(|shot| shot.says() == Shown::Nothing).count();
    if late > 0 {
        cautions.push(Caution::Generator(late));
    }
    let held = able.clone().flatten().map(|it| it.latencies);
    if let Some(few) = held.min().filter(|count| *count < LATENCIES) {
        cautions.push(Caution::FewMessages(few));
    }
    let waited = able.flatten().filter_map(|it| it.wait_share);
    if let Some(waited) = Estimate::of(waited).filter(|it| it.median >= BUSY) {
        cautions.push(Caution::Busy(waited.median));
    }
    cautions
}
