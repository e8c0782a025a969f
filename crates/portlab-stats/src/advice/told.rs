//! Conclusions, as data.

use serde::Serialize;

use super::{Carries, Ceiling, Limit, Shown};

/// What to do, and why. Every part is data; words are made of it elsewhere.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Advice {
    /// Which model.
    pub answer: Answer,
    /// What the others cost that bear the load too, the cheapest first.
    pub others: Vec<Other>,
    /// The models that don't bear it, or of which nothing is known; none if no server can bear it.
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
    /// The resource of which it takes the larger share.
    pub resource: Resource,
    /// How many times as much of that it takes as the chosen one.
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
    /// The user ended the run.
    Interrupted,
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
