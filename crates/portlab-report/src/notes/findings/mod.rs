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

/// How a finding is made: what it says of a workload, nothing where the figures don't carry it.
pub(super) type Make = fn(&View) -> Vec<Said>;

/// What a finding says, and where it holds.
pub(super) struct Said {
    /// Empty where the words tell the place themselves.
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

    /// The same, which claims this.
    fn claiming(self, claims: impl IntoIterator<Item = Claim>) -> Self {
        Self {
            claims: claims.into_iter().collect(),
            ..self
        }
    }
}

/// Makes sentences of what was said. A place is told once, and holds until another is.
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
    ("sweep", |view| Vec::from_iter(sweep::sweep(view))),
    ("tail", |view| Vec::from_iter(tail::tail(view))),
    ("memory", memory::memory),
];

/// What tests of sentences look at: `testdata/sentences.txt`, which has the sentences in small records, in both languages.
/// `PORTLAB_RENEW=1 cargo test -p portlab-report --lib` renews it; read it aloud then.
#[cfg(test)]
pub(super) mod check {
    use std::{collections::BTreeMap, env, fs, sync::Mutex};

    use portlab_stats::record::Record;
    use portlab_words::Lang;

    use super::{Said, paragraph};
    use crate::notes::view::View;

    /// One test at a time renews the file.
    static FILE: Mutex<()> = Mutex::new(());

    /// Compares what is said in English and in Chinese with the section `label` of the file, or renews the section.
    #[track_caller]
    pub(in crate::notes) fn golden(label: &str, [en, zh]: &[Vec<String>; 2]) {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/sentences.txt");
        let _one = FILE
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let text = fs::read_to_string(path).unwrap_or_default();
        let sections = text.split("# ").filter_map(|it| it.split_once('\n'));
        let mut sections: BTreeMap<&str, &str> = sections
            .map(|(label, sentences)| (label, sentences.trim()))
            .collect();
        let said = format!("{}\n{}", en.join("\n"), zh.join("\n"));
        if env::var_os("PORTLAB_RENEW").is_some() {
            sections.insert(label, &said);
            let sections = sections
                .iter()
                .map(|(label, said)| format!("# {label}\n{said}\n"));
            fs::write(path, sections.collect::<Vec<_>>().join("\n")).unwrap();
        } else {
            let kept = sections.get(label).copied().unwrap_or_default();
            assert_eq!(
                said, kept,
                "{label}; PORTLAB_RENEW=1 renews testdata/sentences.txt"
            );
        }
    }

    /// What `finding` says of the first workload of `record`, in English and in Chinese.
    pub(super) fn said<S: IntoIterator<Item = Said>>(
        finding: impl Fn(&View) -> S,
        record: &Record,
    ) -> [Vec<String>; 2] {
        Lang::ALL.map(|lang| {
            let view = &View::all(record, lang)[0];
            let findings = paragraph(view, finding(view)).into_iter();
            findings.map(|it| it.sentence.to_string()).collect()
        })
    }

    /// Compares what `finding` says with the section `label` of the golden file.
    #[track_caller]
    pub(super) fn check<S: IntoIterator<Item = Said>>(
        finding: impl Fn(&View) -> S,
        record: &Record,
        label: &str,
    ) {
        golden(label, &said(finding, record));
    }

    /// Makes sure that `finding` says nothing.
    #[track_caller]
    pub(super) fn silent<S: IntoIterator<Item = Said>>(
        finding: impl Fn(&View) -> S,
        record: &Record,
    ) {
        assert_eq!(said(finding, record), [vec![], Vec::<String>::new()]);
    }
}
