//! Conclusions, as data.

use serde::Serialize;

use super::{Carries, Ceiling, Limit, Shown};

/// Which model to choose, and why. It is data only; the program writes the words.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Advice {
    /// Which model.
    pub answer: Answer,
    /// The other models that handle the load, with their costs, the cheapest first.
    pub others: Vec<Other>,
    /// The models that don't handle the load, or of which too little is known; empty if no server can handle
    /// it.
    pub cannot: Vec<Cannot>,
    /// The rates that no model can exceed, the lowest first.
    pub limits: Vec<Limit>,
    /// The highest rate of each model that handles the load.
    pub ceilings: Vec<(String, Ceiling)>,
    /// What would change the answer.
    pub changes: Vec<Change>,
    /// Reasons to doubt the answer.
    #[serde(rename = "doubts")]
    pub cautions: Vec<Caution>,
}

/// Which model.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// This model.
    Choose {
        /// Its name.
        model: String,
        /// The models whose cost was measured to be no different.
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
    /// No model that was measured handles the load.
    NoModel,
    /// No server can handle the load.
    Impossible,
    /// The measurements don't decide.
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

/// A model that handles the load, but isn't chosen.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Other {
    /// Its name.
    pub model: String,
    /// The resource of which it takes the larger share.
    pub resource: Resource,
    /// How many times as much of that it takes as the chosen model.
    pub times: f64,
    /// The lower end of its 95 % interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// Whether the models differ by more than chance.
    pub differs: bool,
}

/// A model that doesn't handle the load.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cannot {
    /// Its name.
    pub model: String,
    /// Why.
    pub why: Why,
}

/// Why a model doesn't handle the load.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// It can't serve all connections at the same time.
    Carries(Carries),
    /// At this rate it missed the bound.
    Missed {
        /// How.
        shown: Shown,
        /// Its p99.
        p99_ns: f64,
    },
    /// It met the bound in some rounds and missed it in others.
    SomeRounds {
        /// Rounds that met the bound.
        held: usize,
        /// Rounds that say anything.
        of: usize,
    },
    /// It wasn't measured, or too few of its measurements say anything.
    NotMeasured,
}

/// What would change the advice.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// A higher rate than the chosen model handles.
    Rate {
        /// From this rate on.
        above_per_s: f64,
        /// The model that handles more, if one is known to.
        choose: Option<String>,
    },
    /// A driver that blocks instead of waiting.
    Blocks(Blocked),
    /// The other resource is scarcer: another model takes less of it.
    Scarce {
        /// The other resource.
        resource: Resource,
        /// The model that takes least of it.
        choose: String,
        /// How many times as much as the chosen model it takes; less than 1.
        times: f64,
    },
}

/// Which model to choose if the driver blocks.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Blocked {
    /// The chosen model, which handles that too.
    Same,
    /// This model: the cheapest that handles that. The chosen one doesn't.
    Choose(String),
    /// No model that was measured handles that.
    NoModel,
}

/// A reason to doubt the answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Caution {
    /// For some model, so few rounds count.
    FewRounds(usize),
    /// The user ended the run.
    Interrupted,
    /// The time was too short for all that was planned.
    CutShort,
    /// These models met the bound in some rounds and not in others.
    Wavers(Vec<String>),
    /// So many measurements say nothing: the generator was late, or other programs used the processors.
    Generator(usize),
    /// A p99 is of so few messages that it is little more than the longest latency.
    FewMessages(u64),
    /// The servers waited for a processor for this share of their time, because other programs ran.
    Busy(f64),
}
