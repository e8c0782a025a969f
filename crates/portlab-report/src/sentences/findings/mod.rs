//! What is said of a workload. Each finding tells beside its condition when it is withheld.

mod at_once;
mod best;
mod made;
mod memory;
mod others;
mod rate;
mod sweep;
mod switches;
mod tail;

use std::ops::RangeInclusive;

use portlab_stats::record::Text;

use super::{
    MOST, Sentence,
    parts::{Words, sentence},
    places::place,
    view::View,
};

/// Everything there is to say of a workload, the most important first.
pub(super) fn all(view: &View) -> Vec<Sentence> {
    let said = FINDINGS.iter().flat_map(|finding| finding(view));
    paragraph(view, said.take(MOST))
}

/// A finding: what it says of a workload, nothing where the figures don't carry it.
type Finding = fn(&View) -> Vec<Said>;

/// What a finding says, and where it holds.
struct Said {
    /// Empty, where the words tell it themselves.
    place: Words,
    told: Words,
}

impl Said {
    /// `told` holds for the groups of `range`.
    fn of(view: &View, range: RangeInclusive<usize>, told: Words) -> Self {
        Self {
            place: place(view, range),
            told,
        }
    }
}

/// Makes sentences of what was said. A place is told once, and holds until another is.
fn paragraph(view: &View, said: impl IntoIterator<Item = Said>) -> Vec<Sentence> {
    let mut known = Words::default();
    let sentences = said.into_iter().map(|Said { place, told }| {
        let is_new = place != known && place != Words::default();
        known = place.clone();
        if is_new {
            let text = Text::new("{place}, {told}", "{place}，{told}");
            sentence(view.lang, &text, &[("place", place), ("told", told)])
        } else {
            sentence(view.lang, &Text::new("{told}", "{told}"), &[("told", told)])
        }
    });
    sentences.collect()
}

/// All findings, in the order in which they are told.
static FINDINGS: &[Finding] = &[
    best::best,
    others::others,
    switches::switches,
    at_once::at_once,
    made::made,
    rate::rate,
    sweep::sweep,
    tail::tail,
    memory::memory,
];

/// What tests of a finding look at.
#[cfg(test)]
mod check {
    use portlab_stats::record::Record;

    use super::{Finding, paragraph};
    use crate::{Lang, sentences::view::View};

    /// What `finding` says of the first workload of `record`, in English and in Chinese.
    pub(super) fn said(finding: Finding, record: &Record) -> [Vec<String>; 2] {
        Lang::ALL.map(|lang| {
            let view = &View::all(record, lang)[0];
            let sentences = paragraph(view, finding(view));
            sentences.iter().map(ToString::to_string).collect()
        })
    }

    /// What `finding` must say in English and in Chinese; nothing, where both are empty.
    #[track_caller]
    pub(super) fn check(finding: Finding, record: &Record, en: &[&str], zh: &[&str]) {
        assert_eq!(said(finding, record), [en, zh].map(<[_]>::to_vec));
    }
}
