//! The findings about a workload. Each file says when its finding is given and when it is withheld.

mod absent;
mod at_once;
mod best;
mod crowd;
mod made;
mod memory;
mod others;
mod rate;
mod skew;
mod sweep;
mod switches;
mod tail;

use std::ops::RangeInclusive;

use portlab_words::tr;

use super::{MOST, Sentence, claim::Claim, places::place, view::View};

/// What is said of a workload, and the claims that the sentence makes, as data.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Finding {
    /// The sentence.
    pub(crate) sentence: Sentence,
    pub(super) claims: Vec<Claim>,
}

/// Everything there is to say of a workload, the most important first.
pub(super) fn all(view: &View) -> Vec<Finding> {
    let said = FINDINGS.iter().flat_map(|(_, make)| make(view));
    paragraph(view, said.take(MOST))
}

/// How a finding is made: what it says of a workload; nothing if the figures don't support it.
pub(super) type Make = fn(&View) -> Vec<Said>;

/// What a finding says, and where it holds.
pub(super) struct Said {
    /// Empty if the words name the place themselves.
    place: String,
    told: String,
    claims: Vec<Claim>,
}

impl Said {
    /// `told` holds for the groups of `range`.
    fn of(view: &View, range: RangeInclusive<usize>, told: String) -> Self {
        Self {
            place: place(view, range),
            told,
            claims: Vec::new(),
        }
    }

    /// The same, with these claims.
    fn claiming(self, claims: impl IntoIterator<Item = Claim>) -> Self {
        Self {
            claims: claims.into_iter().collect(),
            ..self
        }
    }
}

/// Makes sentences of `said`. A place that is the same as in the sentence before isn't repeated.
pub(super) fn paragraph(view: &View, said: impl IntoIterator<Item = Said>) -> Vec<Finding> {
    let mut known = String::new();
    let findings = said.into_iter().map(|said| {
        let Said {
            place,
            told,
            claims,
        } = said;
        let is_new = place != known && !place.is_empty();
        let sentence = match is_new {
            true => tr!(view.lang, "{place}, {told}", "{place}，{told}"),
            false => told,
        };
        known = place;
        Finding {
            sentence: Sentence::of(view.lang, &sentence),
            claims,
        }
    });
    findings.collect()
}

/// All findings by name, in the order in which they are told.
pub(super) static FINDINGS: &[(&str, Make)] = &[
    ("best", best::best),
    ("absent", |view| Vec::from_iter(absent::absent(view))),
    ("others", |view| Vec::from_iter(others::others(view))),
    ("switches", |view| Vec::from_iter(switches::switches(view))),
    ("at_once", at_once::at_once),
    ("made", made::made),
    ("rate", rate::rate),
    ("crowd", |view| Vec::from_iter(crowd::crowd(view))),
    ("skew", |view| Vec::from_iter(skew::skew(view))),
    ("sweep", |view| Vec::from_iter(sweep::sweep(view))),
    ("tail", |view| Vec::from_iter(tail::tail(view))),
    ("memory", memory::memory),
];
