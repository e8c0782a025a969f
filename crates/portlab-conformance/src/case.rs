//! What a case is.

use crate::{Failure, Promises, Target};

/// One thing that a server must do, and how to find out whether it does.
#[derive(Debug)]
pub struct Case {
    /// Its name: what the server must do, in snake case. The table of cases takes it from the constant.
    pub name: &'static str,
    /// What the server must do, in a sentence.
    pub about: &'static str,
    /// The numbers of the faults that it tests, as in [`FAULTS`](crate::FAULTS).
    pub faults: &'static [u8],
    /// The service that the case needs.
    pub speaks: Speaks,
    /// What must be promised; otherwise the case is skipped.
    pub requires: &'static [Requires],
    /// Options that `portlab serve` is started with for this case. Other servers are judged by the cases that have none.
    pub options: &'static [&'static str],
    /// Runs the case.
    pub run: fn(&mut Target<'_>) -> Result<(), Failure>,
}

/// The service of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaks {
    /// Every byte comes back.
    Echo,
    /// Every read is answered by the same bytes.
    Reply,
    /// A line goes to all other members of the room.
    Chat,
    /// The files of [`fixture`](crate::http::fixture) by HTTP.
    Http,
}

/// Something that a case needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requires {
    /// That the server's process is known.
    Process,
    /// That at least so many connections are served at once.
    AtOnce(usize),
    /// That the number of connections served at once is bounded.
    Bound,
    /// That a handler which blocks delays its own connection only.
    SurvivesBlocking,
    /// That a handler which blocks delays all connections of its loop.
    StallsWhenBlocked,
    /// That the server's first process serves the connections.
    OneProcess,
    /// That connections can send messages to each other.
    Hub,
    /// That child processes serve the connections, and the death of one ends only its own.
    Processes,
}

impl Speaks {
    /// The service's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Reply => "reply",
            Self::Chat => "chat",
            Self::Http => "http",
        }
    }
}

impl Case {
    /// The common part of most cases of an echo. Each case adds `about` and `run`.
    pub(crate) const ECHO: Self = Self {
        name: "",
        about: "",
        faults: &[],
        speaks: Speaks::Echo,
        requires: &[],
        options: &[],
        run: |_| Err(Failure::new("this case has no code")),
    };

    /// The common part of most cases of a chat.
    pub(crate) const CHAT: Self = Self {
        speaks: Speaks::Chat,
        ..Self::ECHO
    };

    /// The first requirement that a server with these promises doesn't meet; `None` when the case
    /// can be run.
    pub fn unmet(&self, promises: &Promises, process_known: bool) -> Option<Requires> {
        let met = |requirement: &Requires| match *requirement {
            Requires::Process => process_known,
            Requires::AtOnce(count) => promises.at_once.is_none_or(|bound| bound >= count),
            Requires::Bound => promises.at_once.is_some(),
            Requires::SurvivesBlocking => promises.survives_blocking,
            Requires::StallsWhenBlocked => !promises.survives_blocking,
            Requires::OneProcess => !promises.processes,
            Requires::Processes => promises.processes,
            Requires::Hub => promises.hub,
        };
        let chat: &[_] = if self.speaks == Speaks::Chat {
            &[Requires::Hub]
        } else {
            &[]
        };
        chat.iter()
            .chain(self.requires)
            .find(|requirement| !met(requirement))
            .copied()
    }
}
