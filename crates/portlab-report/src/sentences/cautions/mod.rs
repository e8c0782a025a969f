//! What a reader must know before believing a record: each caution is computed from it, and given
//! only where it applies.

mod chance;
mod machine;
mod wrong;

use portlab_stats::record::Record;

use super::Sentence;
use crate::Lang;

/// Every caution that applies, the gravest first. Where nothing was measured, nothing needs any.
pub(super) fn all(record: &Record, lang: Lang) -> Vec<Sentence> {
    if record.measured() == 0 {
        return wrong::incomplete(record, lang);
    }
    let given = CAUTIONS.iter().flat_map(|caution| caution(record, lang));
    given.collect()
}

/// A caution: sentences about a record, none where it doesn't apply.
type Caution = fn(&Record, Lang) -> Vec<Sentence>;

/// All cautions, in the order in which they are told.
static CAUTIONS: &[Caution] = &[
    wrong::incomplete,
    wrong::failures,
    wrong::errors,
    wrong::generator,
    chance::rounds,
    chance::floor,
    chance::outliers,
    chance::few_latencies,
    machine::pinning,
    machine::virtual_machine,
    machine::loopback,
];

/// What tests of a caution look at.
#[cfg(test)]
mod check {
    use portlab_stats::record::Record;

    use super::Caution;
    use crate::Lang;

    /// What `caution` must say in English and in Chinese; nothing, where both are empty.
    #[track_caller]
    pub(super) fn check(caution: Caution, record: &Record, en: &[&str], zh: &[&str]) {
        let said = Lang::ALL.map(|lang| -> Vec<String> {
            let sentences = caution(record, lang);
            sentences.iter().map(ToString::to_string).collect()
        });
        assert_eq!(said, [en, zh].map(<[_]>::to_vec));
    }
}
