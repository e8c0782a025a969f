//! What an experiment is, and what it finds.

use portlab_words::{Text, tr};

use super::{Speech, Subject};

/// A question to a program, answered by what the program is observed to do. `Fits` and `Run` are those of an experiment
/// with a server; an experiment with a client has others.
#[derive(Debug)]
pub struct Experiment<Fits = fn(&Speech) -> bool, Run = fn(&mut Subject<'_>) -> Outcome> {
    /// Its name, in snake case. The table of experiments takes it from the constant.
    pub name: &'static str,
    /// What the program should do, in a few words, in English and Chinese: a row of the table that a student sees.
    pub about: [&'static str; 2],
    /// How much it matters.
    pub weight: Weight,
    /// Whether it makes sense for a program that speaks so.
    pub fits: Fits,
    /// What it needs beside the address.
    pub needs: Needs,
    /// The bugs that it may name.
    pub names: &'static [&'static str],
    /// If a bug of these lists was named already, the experiment would only find the bug again, and is left out.
    pub unless: &'static [&'static [&'static str]],
    /// Runs it.
    pub run: Run,
}

/// How much it matters that a server passes, as in RFC 2119.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// A server that fails can be worse in one respect only.
    May,
    /// A server that fails works in class, and not elsewhere.
    Should,
    /// A server that fails is wrong.
    Must,
}

impl Weight {
    /// Its name: a part of the JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Must => "must",
            Self::Should => "should",
            Self::May => "may",
        }
    }
}

/// What an experiment needs beside the server's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing.
    Address,
    /// To look at the server's processes from outside.
    Process,
    /// To pause the server's processes, or to end the server and start it again.
    Control,
}

/// How an experiment ends: the server passes, or why it doesn't.
pub type Outcome = Result<(), Trouble>;

/// Why a server doesn't pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// A bug, by its name.
    Bug(&'static str),
    /// A bug that was named before keeps the experiment from running, or the server has ended: why.
    Blocked(Text),
    /// The experiment can't tell, and why.
    Skipped(Text),
}

impl Trouble {
    /// The bug with this title keeps the experiment from running.
    pub fn because(Text { en, zh }: &Text) -> Self {
        Self::Blocked(tr!("because {en}", "因为{zh}"))
    }
}

impl Experiment {
    /// The common part of most experiments. Each adds `about`, `names` and `run`.
    pub(crate) const ANY: Self = Self::any(|_| true, |_| Ok(()));
}

impl<Fits: Copy, Run: Copy> Experiment<Fits, Run> {
    /// An experiment without a name that every program must pass.
    pub const fn any(fits: Fits, run: Run) -> Self {
        Self {
            name: "",
            about: [""; 2],
            weight: Weight::Must,
            fits,
            needs: Needs::Address,
            names: &[],
            unless: &[],
            run,
        }
    }
}
