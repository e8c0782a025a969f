//! The decision of a gate (`--fail-over`) as an exit code.

use anyhow::bail;
use portlab_report::gate_findings;
use portlab_stats::{
    gate::{Decision, Gate, Outcome, Unit},
    record::Record,
};
use portlab_words::{Lang, Text, tr};

use crate::{
    Verdict,
    args::{BAD, lang},
};

/// Whether the program has passed; the reasons of a failure go to stderr. `record` is the one that was
/// judged, or the last of them.
///
/// # Errors
/// When the run can't decide.
pub(crate) fn judge(gate: &Gate, record: &Record) -> anyhow::Result<Verdict> {
    let findings = gate_findings(gate, record, lang());
    match gate.outcome() {
        Outcome::Passed => Ok(Verdict::Fine),
        Outcome::Failed => {
            for finding in findings {
                let head = lang().pick("failed:", "失败：");
                match finding.strip_prefix(head) {
                    Some(what) => crate::tell!("{BAD}{head}{BAD:#}{what}"),
                    None => crate::tell!("{finding}"),
                }
            }
            Ok(Verdict::Failed)
        }
        Outcome::Undecided if findings.is_empty() => {
            bail!(tr!(
                "--fail-over has nothing to judge: no cell can be compared; the table gives the reasons",
                "--fail-over 没有可判定的：没有一个测点可以比较；表里写了原因"
            ))
        }
        Outcome::Undecided => {
            for finding in findings {
                crate::tell!("{finding}");
            }
            let Text { en, zh } = remedy(gate);
            bail!(tr!(
                "this run cannot decide; {en}",
                "这次运行不能判定；{zh}"
            ))
        }
    }
}

/// What makes a run decide.
fn remedy(gate: &Gate) -> Text {
    let needed = gate.judged.iter().filter_map(|it| match it.decision {
        Decision::TooFew { needed, .. } => Some(needed),
        _ => None,
    });
    let has = |is: fn(&Decision) -> bool| gate.judged.iter().any(|it| is(&it.decision));
    let only_errors = has(|it| matches!(it, Decision::Erring { .. }))
        && !has(|it| matches!(it, Decision::TooNoisy { .. }));
    let more = match gate.unit {
        Unit::Round => Text::new("--rounds", "--rounds"),
        Unit::Run => Text::new("pairs of runs", "成对的运行"),
    };
    let (more, more_zh) = (more.pick(Lang::En), more.pick(Lang::Zh));
    match (gate.unit, needed.max()) {
        (Unit::Round, Some(needed)) => tr!(
            "take at least --rounds {needed}",
            "至少用 --rounds {needed}"
        ),
        (Unit::Run, Some(needed)) => tr!(
            "take at least {needed} pairs of runs",
            "至少要 {needed} 对运行"
        ),
        (_, None) if only_errors => {
            tr!(
                "find the cause of the errors, or take more {more}",
                "找出出错的原因，或者增加 {more_zh}"
            )
        }
        (_, None) => {
            tr!(
                "take more {more}, give a higher --fail-over, or use a quieter machine",
                "增加 {more_zh}、提高 --fail-over，或者换一台更空闲的机器"
            )
        }
    }
}
