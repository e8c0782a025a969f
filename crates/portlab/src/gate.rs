//! The decision of a gate, as an exit code.

use anyhow::bail;
use portlab_report::gate_findings;
use portlab_stats::{
    gate::{Decision, Gate, Outcome, Unit},
    record::Record,
};

use crate::{Verdict, args::BAD};

/// Whether the program has passed; the reasons of a failure go to stderr. `record` is the one that was
/// judged, or the last of them.
///
/// # Errors
/// When the run can't decide.
pub(crate) fn judge(gate: &Gate, record: &Record) -> anyhow::Result<Verdict> {
    let findings = gate_findings(gate, record);
    match gate.outcome() {
        Outcome::Passed => Ok(Verdict::Fine),
        Outcome::Failed => {
            for finding in findings {
                match finding.strip_prefix("failed:") {
                    Some(what) => crate::tell!("{BAD}failed:{BAD:#}{what}"),
                    None => crate::tell!("{finding}"),
                }
            }
            Ok(Verdict::Failed)
        }
        Outcome::Undecided if findings.is_empty() => {
            bail!(
                "--fail-over has nothing to judge: no cell can be compared; the table gives the reasons"
            )
        }
        Outcome::Undecided => {
            for finding in findings {
                crate::tell!("{finding}");
            }
            bail!("this run cannot decide; {}", remedy(gate))
        }
    }
}

/// How to make a run decide.
fn remedy(gate: &Gate) -> String {
    let needed = gate.judged.iter().filter_map(|it| match it.decision {
        Decision::TooFew { needed, .. } => Some(needed),
        _ => None,
    });
    let has = |is: fn(&Decision) -> bool| gate.judged.iter().any(|it| is(&it.decision));
    let only_errors = has(|it| matches!(it, Decision::Erring { .. }))
        && !has(|it| matches!(it, Decision::TooNoisy { .. }));
    let more = match gate.unit {
        Unit::Round => "--rounds",
        Unit::Run => "pairs of runs",
    };
    match (gate.unit, needed.max()) {
        (Unit::Round, Some(needed)) => format!("take at least --rounds {needed}"),
        (Unit::Run, Some(needed)) => format!("take at least {needed} pairs of runs"),
        (_, None) if only_errors => {
            format!("find the cause of the errors, or take more {more}")
        }
        (_, None) => {
            format!("take more {more}, give a higher --fail-over, or use a quieter machine")
        }
    }
}
