//! The outcome of a claim.

/// The outcome of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It was seen.
    Yes,
    /// It should have been seen, and wasn't.
    No,
    /// This machine can't show it.
    NotHere,
    /// Left out: the claim is about a program of the user's, which didn't connect or wasn't started.
    Moot,
}

impl Seen {
    /// The outcome of a claim that depends on this machine or on the user: [`Self::Yes`], or [`Self::NotHere`].
    pub(crate) fn if_shown(seen: bool) -> Self {
        if seen { Self::Yes } else { Self::NotHere }
    }
}

impl From<bool> for Seen {
    fn from(seen: bool) -> Self {
        if seen { Self::Yes } else { Self::No }
    }
}

/// The outcome of a claim that only some machines can show, such as those with Python; `None` on the others.
impl From<Option<bool>> for Seen {
    fn from(seen: Option<bool>) -> Self {
        seen.map_or(Self::NotHere, Self::from)
    }
}
