//! From measurements to conclusions.

use serde::Serialize;

use super::{Candidate, Carries, Ceiling, Limit, Measured, Shot, Shown, limits};
use crate::{
    analysis::{BUSY, Floor},
    estimate::Estimate,
};

/// What to do, and why. Every part is data; words are made of it elsewhere.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Advice {
    /// Which model.
    pub answer: Answer,
    /// What the others cost that bear the load too, the cheapest first.
    pub others: Vec<Other>,
    /// The models that don't bear it.
    pub cannot: Vec<Cannot>,
    /// What no model can exceed, the lowest first.
    pub limits: Vec<Limit>,
    /// The highest rate of each model that bears the load.
    pub ceilings: Vec<(String, Ceiling)>,
    /// What would change the advice.
    pub changes: Vec<Change>,
    /// Why it may be wrong; nothing if nothing speaks against it.
    pub doubts: Vec<Doubt>,
}

/// Which model.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// This one.
    Choose {
        /// Its name.
        model: String,
        /// Those that cost the same, as far as was measured.
        equals: Vec<String>,
        /// The resource that its cost is counted in: the one that runs out first.
        resource: Resource,
        /// The share of the machine's processors that it takes, in `[0, 1]`.
        cpu_share: f64,
        /// The processors that it takes: 0.5 is half of one.
        cpu_cores: f64,
        /// Its memory.
        memory_bytes: f64,
        /// Its p99.
        p99_ns: f64,
    },
    /// None: no model that was measured bears it.
    Nobody,
    /// None: no server can.
    Impossible,
    /// The measurements don't tell.
    Undecided,
}

/// What a cost is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// CPU time.
    Cpu,
    /// Memory.
    Memory,
}

/// A model that bears the load, and isn't chosen.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Other {
    /// Its name.
    pub model: String,
    /// How many times as much it takes of the resource that the choice goes by.
    pub times: f64,
    /// The interval of that, with 95 %.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
    /// Whether it is a difference, and not chance.
    pub differs: bool,
}

/// A model that doesn't bear the load.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cannot {
    /// Its name.
    pub model: String,
    /// Why.
    pub why: Why,
}

/// Why a model doesn't bear the load.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// It doesn't carry the connections.
    Carries(Carries),
    /// At this rate it missed the bound.
    Missed {
        /// How.
        shown: Shown,
        /// Its p99.
        p99_ns: f64,
    },
    /// It missed it in some rounds and not in others.
    SomeRounds {
        /// Rounds that met the bound.
        held: usize,
        /// Rounds that say anything.
        of: usize,
    },
    /// It was not measured, or the generator was late in every round.
    NotMeasured,
}

/// What would change the advice.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// The chosen model bears no more than this.
    Rate {
        /// From this rate on.
        above_per_s: f64,
        /// The model that bears more, if one does.
        choose: Option<String>,
    },
    /// The work blocks instead of waiting.
    Blocks(Blocked),
    /// The other resource is scarcer: then this model takes so many times as much of it as the chosen one
    /// (less than 1).
    Scarce {
        /// The other resource.
        resource: Resource,
        /// The model that takes least of it.
        choose: String,
        /// How many times as much.
        times: f64,
    },
}

/// What happens if the driver blocks.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Blocked {
    /// The chosen model bears that too.
    Same,
    /// It doesn't; this one does, at the least cost.
    Choose(String),
    /// Neither does any other.
    Nobody,
}

/// Why an advice may be wrong.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// It rests on so few rounds.
    FewRounds(usize),
    /// The time was too short for all that was planned.
    CutShort,
    /// These models met the bound in some rounds and not in others.
    Wavers(Vec<String>),
    /// In so many measurements the generator was late, or other programs had the processors: they say
    /// nothing.
    Generator(usize),
    /// The p99 is of so few messages that it is little more than the longest.
    FewMessages(u64),
    /// The servers waited for a processor for this share of their time, because other programs ran.
    Busy(f64),
}

/// Fewer rounds than this are few.
const ROUNDS: usize = 5;
/// One measurement alone may be chance.
const LEAST: usize = 2;
/// Fewer latencies than this make no p99.
const LATENCIES: u64 = 100;
/// Without twins the noise between servers is assumed: nothing smaller is called a difference.
const FLOOR: f64 = 0.1;
/// The same of few rounds: of three, all lie on one side by chance in one case of four.
const FLOOR_OF_FEW: f64 = 0.3;

/// What `measured` says.
///
/// A model bears the load if it met the bound in four of five rounds at least. Of those that bear it, the
/// one is chosen that takes the smallest share of the machine: its *dominant share*, the larger one of its
/// shares of processors and memory, because that resource runs out first (A. Ghodsi et al., "Dominant
/// resource fairness", NSDI 2011).
#[must_use]
pub fn conclude(measured: &Measured) -> Advice {
    let question = &measured.question;
    let limits = limits(question, measured.server_cores);
    let impossible = limits
        .first()
        .is_some_and(|limit| limit.per_s() < question.rate_per_s);
    let judged: Vec<(&Candidate, Bears)> = measured
        .candidates
        .iter()
        .map(|candidate| {
            (
                candidate,
                bears(&candidate.carries, &candidate.shots, LEAST),
            )
        })
        .collect();
    let works = question.works.len().max(1);
    let mut able: Vec<Cost> = judged
        .iter()
        .filter(|(_, bears)| *bears == Bears::Yes)
        .filter_map(|(candidate, _)| Cost::of(measured, candidate, works))
        .collect();
    able.sort_by(|a, b| a.share().total_cmp(&b.share()));
    let cannot = judged.iter().filter_map(|(candidate, bears)| {
        let why = why_not(candidate, *bears)?;
        let model = candidate.model.clone();
        Some(Cannot { model, why })
    });
    let cannot: Vec<_> = cannot.collect();
    let wavers = |(_, bears): &&(&Candidate, Bears)| *bears == Bears::Wavers;
    let is_open = judged
        .iter()
        .any(|it| wavers(&it) || it.1 == Bears::Unknown);
    let mut advice = Advice {
        answer: match (impossible, is_open) {
            (true, _) => Answer::Impossible,
            (false, true) => Answer::Undecided,
            (false, false) => Answer::Nobody,
        },
        others: Vec::new(),
        cannot,
        limits,
        ceilings: able
            .iter()
            .map(|cost| (cost.model().to_owned(), cost.candidate.ceiling))
            .collect(),
        changes: Vec::new(),
        doubts: doubts(measured, &judged),
    };
    if impossible || able.is_empty() {
        return advice;
    }
    let chosen = choose(&able);
    let resource = chosen.resource();
    advice.others = able
        .iter()
        .filter(|cost| cost.model() != chosen.model())
        .filter_map(|cost| other(cost, chosen, resource))
        .collect();
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

/// Whether a model bears a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bears {
    Yes,
    No,
    /// Some rounds say so and some the contrary.
    Wavers,
    Unknown,
}

/// `least` measurements at least must say something.
fn bears(carries: &Carries, shots: &[Shot], least: usize) -> Bears {
    if *carries != Carries::All {
        return Bears::No;
    }
    let of = shots
        .iter()
        .filter(|it| it.says() != Shown::Nothing)
        .count();
    let held = shots.iter().filter(|it| it.says() == Shown::Held).count();
    match (held, of) {
        (_, of) if of < least => Bears::Unknown,
        (held, of) if held * 5 >= of * 4 => Bears::Yes,
        (held, of) if held * 5 <= of => Bears::No,
        _ => Bears::Wavers,
    }
}

fn why_not(candidate: &Candidate, bears: Bears) -> Option<Why> {
    match bears {
        Bears::Yes => None,
        Bears::Unknown => Some(Why::NotMeasured),
        _ if candidate.carries != Carries::All => Some(Why::Carries(candidate.carries.clone())),
        Bears::Wavers => {
            let known = candidate
                .shots
                .iter()
                .filter(|it| it.says() != Shown::Nothing);
            let held = known.clone().filter(|it| it.says() == Shown::Held).count();
            Some(Why::SomeRounds {
                held,
                of: known.count(),
            })
        }
        Bears::No => {
            let missed = candidate.shots.iter().filter(|it| it.says() != Shown::Held);
            let shown = missed
                .clone()
                .find(|it| it.says() != Shown::Nothing)?
                .says();
            let p99s = missed.map(|it| it.p99_ns as f64);
            let p99_ns = Estimate::of(p99s).map_or(0.0, |p99| p99.median);
            Some(Why::Missed { shown, p99_ns })
        }
    }
}

/// What a model takes of the machine, round by round.
struct Cost<'a> {
    candidate: &'a Candidate,
    /// Round, share of the processors, share of the memory, bytes.
    rounds: Vec<(usize, f64, f64, f64)>,
}

impl<'a> Cost<'a> {
    /// A message's work is done in parts that were measured apart: CPU times add up, memory doesn't.
    fn of(measured: &Measured, candidate: &'a Candidate, works: usize) -> Option<Self> {
        let held = |shot: &&Shot| shot.says() == Shown::Held && shot.cpu_us_per_message.is_some();
        let shots: Vec<&Shot> = candidate.shots.iter().filter(held).collect();
        let mut numbers: Vec<usize> = shots.iter().map(|shot| shot.round).collect();
        numbers.dedup();
        let round = |&number: &usize| {
            let of = shots.iter().filter(|shot| shot.round == number);
            let cpu_us: f64 = of.clone().filter_map(|shot| shot.cpu_us_per_message).sum();
            let bytes = of.clone().map(|shot| shot.peak_pss_bytes).max()? as f64;
            let cpu_share =
                cpu_us / 1e6 * measured.question.rate_per_s / measured.server_cores.max(1) as f64;
            let share = bytes / measured.memory_bytes.max(1) as f64;
            (of.count() == works).then_some((number, cpu_share, share, bytes))
        };
        let rounds: Vec<_> = numbers.iter().filter_map(round).collect();
        (!rounds.is_empty()).then_some(Self { candidate, rounds })
    }

    fn model(&self) -> &str {
        &self.candidate.model
    }

    fn median(&self, of: impl Fn(&(usize, f64, f64, f64)) -> f64) -> f64 {
        Estimate::of(self.rounds.iter().map(of)).map_or(f64::INFINITY, |it| it.median)
    }

    fn cpu_share(&self) -> f64 {
        self.median(|round| round.1)
    }

    fn memory_bytes(&self) -> f64 {
        self.median(|round| round.3)
    }

    fn p99_ns(&self) -> f64 {
        let shots = self.candidate.shots.iter();
        let p99s = shots.filter(|shot| shot.says() == Shown::Held);
        Estimate::of(p99s.map(|shot| shot.p99_ns as f64)).map_or(0.0, |p99| p99.median)
    }

    /// The dominant share.
    fn share(&self) -> f64 {
        self.cpu_share().max(self.median(|round| round.2))
    }

    fn resource(&self) -> Resource {
        match self.cpu_share() >= self.median(|round| round.2) {
            true => Resource::Cpu,
            false => Resource::Memory,
        }
    }

    /// How many times as much as `other` it takes, round by round. Where the dominant resources differ, each
    /// counts by its own.
    fn times(&self, other: &Self) -> Option<Estimate> {
        let of = |round: &(usize, f64, f64, f64)| round.1.max(round.2);
        self.ratio(other, of)
    }

    fn times_of(&self, other: &Self, resource: Resource) -> Option<Estimate> {
        self.ratio(other, |round| match resource {
            Resource::Cpu => round.1,
            Resource::Memory => round.2,
        })
    }

    fn ratio(&self, other: &Self, of: impl Fn(&(usize, f64, f64, f64)) -> f64) -> Option<Estimate> {
        let ratios = self.rounds.iter().filter_map(|round| {
            let same = other.rounds.iter().find(|it| it.0 == round.0)?;
            let (own, others) = (of(round), of(same));
            (own > 0.0 && others > 0.0).then_some(own / others)
        });
        Estimate::of(ratios)
    }
}

/// Whether `ratio` is more than chance.
fn differs(ratio: Estimate) -> bool {
    let share = match ratio.count >= ROUNDS {
        true => FLOOR,
        false => FLOOR_OF_FEW,
    };
    let floor = Floor {
        share,
        measured: false,
    };
    crate::analysis::differs(ratio, floor)
}

/// The cheapest of `able`, which are sorted by cost; of those that cost the same, one that bears a driver
/// that blocks too, or a clearly higher rate.
fn choose<'a, 'b>(able: &'b [Cost<'a>]) -> &'b Cost<'a> {
    let cheapest = &able[0];
    let same = able.iter().skip(1).filter(|cost| {
        let times = cost.times(cheapest);
        times.is_none_or(|times| !differs(times))
    });
    same.fold(cheapest, |best, cost| {
        let blocked = |cost: &Cost| bears(&Carries::All, &cost.candidate.blocked, 1);
        match (blocked(cost), blocked(best)) {
            (Bears::Yes, Bears::No) => return cost,
            (Bears::No, Bears::Yes) => return best,
            _ => {}
        }
        let (own, bests) = (cost.candidate.ceiling, best.candidate.ceiling);
        match (own.low(), bests.high()) {
            (Some(low), Some(high)) if low > high => cost,
            _ => best,
        }
    })
}

fn other(cost: &Cost, chosen: &Cost, resource: Resource) -> Option<Other> {
    let dominant = cost.times(chosen)?;
    let times = cost.times_of(chosen, resource)?;
    Some(Other {
        model: cost.model().to_owned(),
        times: times.median,
        low: times.low,
        high: times.high,
        differs: differs(dominant) && dominant.median > 1.0,
    })
}

fn changes(measured: &Measured, chosen: &Cost, able: &[Cost]) -> Vec<Change> {
    let mut changes = Vec::new();
    if measured.what_if.is_some() {
        changes.extend(if_blocked(chosen, able).map(Change::Blocks));
    }
    if let Some(high) = chosen.candidate.ceiling.high() {
        let more = able
            .iter()
            .filter(|cost| cost.candidate.ceiling.low().is_some_and(|low| low > high));
        let rate = |cost: &&Cost| cost.candidate.ceiling.low().unwrap_or(0.0);
        let most = more.max_by(|a, b| rate(a).total_cmp(&rate(b)));
        changes.push(Change::Rate {
            above_per_s: high,
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

/// Less than half of the other resource is worth a word.
const HALF: f64 = 0.5;

fn if_blocked(chosen: &Cost, able: &[Cost]) -> Option<Blocked> {
    let bears = |cost: &Cost| bears(&Carries::All, &cost.candidate.blocked, 1);
    let other = able.iter().find(|cost| bears(cost) == Bears::Yes);
    match (bears(chosen), other) {
        (Bears::Yes, _) => Some(Blocked::Same),
        (Bears::No, Some(other)) => Some(Blocked::Choose(other.model().to_owned())),
        (Bears::No, None) => {
            let none = able.iter().all(|cost| bears(cost) == Bears::No);
            none.then_some(Blocked::Nobody)
        }
        (Bears::Wavers | Bears::Unknown, _) => None,
    }
}

fn doubts(measured: &Measured, judged: &[(&Candidate, Bears)]) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    let able = judged.iter().filter(|(_, bears)| *bears == Bears::Yes);
    let works = measured.question.works.len().max(1);
    let known = |shots: &[Shot]| {
        shots
            .iter()
            .filter(|it| it.says() != Shown::Nothing)
            .count()
    };
    let rounds = able.clone().map(|(it, _)| known(&it.shots) / works).min();
    if let Some(rounds) = rounds.filter(|rounds| *rounds < ROUNDS) {
        doubts.push(Doubt::FewRounds(rounds));
    }
    if measured.cut_short {
        doubts.push(Doubt::CutShort);
    }
    let wavering = judged.iter().filter(|(_, bears)| *bears == Bears::Wavers);
    let wavering: Vec<_> = wavering.map(|(it, _)| it.model.clone()).collect();
    if !wavering.is_empty() {
        doubts.push(Doubt::Wavers(wavering));
    }
    let shots = measured.candidates.iter().flat_map(|it| &it.shots);
    let late = shots.filter(|shot| shot.says() == Shown::Nothing).count();
    if late > 0 {
        doubts.push(Doubt::Generator(late));
    }
    let held = able
        .clone()
        .flat_map(|(it, _)| &it.shots)
        .map(|it| it.latencies);
    if let Some(few) = held.min().filter(|count| *count < LATENCIES) {
        doubts.push(Doubt::FewMessages(few));
    }
    let waited = able
        .flat_map(|(it, _)| &it.shots)
        .filter_map(|it| it.wait_share);
    if let Some(waited) = Estimate::of(waited).filter(|it| it.median >= BUSY) {
        doubts.push(Doubt::Busy(waited.median));
    }
    doubts
}
