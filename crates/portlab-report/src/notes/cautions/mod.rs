//! What a reader must know before relying on a report: each caution is computed from the record, and given only if it
//! applies.

mod chance;
mod machine;
mod wrong;

use portlab_stats::record::Record;
use portlab_words::Lang;

use super::{Sentence, view::View};

/// What a reader must know.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Caution {
    /// In a sentence.
    pub(crate) sentence: Sentence,
    /// Whether a remark beneath a table says it too.
    pub(crate) is_remarked: bool,
}

/// Every caution that applies, the gravest first. If nothing was measured, only the first one may apply.
pub(super) fn all(record: &Record, views: &[View], lang: Lang) -> Vec<Caution> {
    let told = match record.measured() {
        0 => &CAUTIONS[..1],
        _ => CAUTIONS,
    };
    let given = told.iter().flat_map(|(_, caution, is_remarked)| {
        let sentences = caution(record, views, lang).into_iter();
        sentences.map(|sentence| Caution {
            sentence: Sentence::of(lang, &sentence),
            is_remarked: *is_remarked,
        })
    });
    given.collect()
}

/// A caution: sentences about a record, none if it doesn't apply.
pub(super) type Make = fn(&Record, &[View], Lang) -> Vec<String>;

/// All cautions, in the order in which they are told, that of an incomplete run first; and whether remarks say them too.
pub(super) static CAUTIONS: &[(&str, Make, bool)] = &[
    ("incomplete", wrong::incomplete, false),
    ("failures", wrong::failures, true),
    ("errors", wrong::errors, true),
    ("generator", wrong::generator, true),
    ("busy", machine::busy, false),
    ("rounds", chance::rounds, false),
    ("floor", chance::floor, false),
    ("outliers", chance::outliers, false),
    ("few_latencies", chance::few_latencies, true),
    ("pinning", machine::pinning, false),
    ("virtual_machine", machine::virtual_machine, false),
    ("loopback", machine::loopback, false),
];
