//! What is said of a workload. Each finding tells beside its condition when it is withheld.

mod absent;
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

use portlab_words::Text;

use super::{
    MOST, Sentence,
    claim::Claim,
    parts::{Words, sentence},
    places::place,
    view::View,
};

/// What is said of a workload, and what it rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The sentence.
    pub sentence: Sentence,
    /// What the sentence claims, as data.
    pub claims: Vec<Claim>,
}

/// Everything there is to say of a workload, the most important first.
pub(super) fn all(view: &View) -> Vec<Finding> {
    let said = FINDINGS.iter().flat_map(|(_, make)| make(view));
    paragraph(view, said.take(MOST))
}

/// How a finding is made: what it says of a workload, nothing where the figures don't carry it.
pub(super) type Make = fn(&View) -> Vec<Said>;

/// What a finding says, and where it holds.
pub(super) struct Said {
    /// Empty, where the words tell it themselves.
    place: Words,
    told: Words,
    claims: Vec<Claim>,
}

impl Said {
    /// `told` holds for the groups of `range`.
    fn of(view: &View, range: RangeInclusive<usize>, told: Words) -> Self {
        Self {
            place: place(view, range),
            told,
            claims: Vec::new(),
        }
    }

    /// The same, which claims this.
    fn claiming(self, claims: impl IntoIterator<Item = Claim>) -> Self {
        Self {
            claims: claims.into_iter().collect(),
            ..self
        }
    }
}

/// What the finding `make` says of `view`, whatever the others say.
#[cfg(test)]
pub(super) fn by(make: Make, view: &View) -> Vec<Finding> {
    paragraph(view, make(view))
}

/// Makes sentences of what was said. A place is told once, and holds until another is.
fn paragraph(view: &View, said: impl IntoIterator<Item = Said>) -> Vec<Finding> {
    let mut known = Words::default();
    let findings = said.into_iter().map(|said| {
        let Said {
            place,
            told,
            claims,
        } = said;
        let is_new = place != known && place != Words::default();
        known = place.clone();
        let sentence = if is_new {
            let text = Text::new("{place}, {told}", "{place}，{told}");
            sentence(view.lang, &text, &[("place", place), ("told", told)])
        } else {
            sentence(view.lang, &Text::new("{told}", "{told}"), &[("told", told)])
        };
        Finding { sentence, claims }
    });
    findings.collect()
}

/// All findings by name, in the order in which they are told.
pub(super) static FINDINGS: &[(&str, Make)] = &[
    ("best", best::best),
    ("absent", absent::absent),
    ("others", others::others),
    ("switches", switches::switches),
    ("at_once", at_once::at_once),
    ("made", made::made),
    ("rate", rate::rate),
    ("sweep", sweep::sweep),
    ("tail", tail::tail),
    ("memory", memory::memory),
];

/// What tests of a finding look at.
#[cfg(test)]
mod check {
    use portlab_stats::record::Record;

    use super::{Make, paragraph};
    use crate::notes::view::View;
    use portlab_words::Lang;

    /// What `finding` says of the first workload of `record`, in English and in Chinese.
    pub(super) fn said(finding: Make, record: &Record) -> [Vec<String>; 2] {
        Lang::ALL.map(|lang| {
            let view = &View::all(record, lang)[0];
            let findings = paragraph(view, finding(view)).into_iter();
            findings.map(|it| it.sentence.to_string()).collect()
        })
    }

    /// What `finding` must say in English and in Chinese; nothing, where both are empty.
    #[track_caller]
    pub(super) fn check(finding: Make, record: &Record, en: &[&str], zh: &[&str]) {
        assert_eq!(said(finding, record), [en, zh].map(<[_]>::to_vec));
    }
}
