//! The decision of a gate, as an exit code.

use anyhow::bail;
use portlab_report::gate_findings;
use portlab_stats::gate::{Gate, Outcome, Unit, Verdict as Decided};

use crate::{Verdict, args::BAD};

/// Whether the program has passed; what fails it is told on stderr.
///
/// # Errors
/// When it can't be decided.
pub(crate) fn judge(gate: &Gate) -> anyhow::Result<Verdict> {
    let findings = gate_findings(gate);
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
            bail!("--fail-over has nothing to judge by: no cell was measured well with both builds")
        }
        Outcome::Undecided => {
            for finding in findings {
                crate::tell!("{finding}");
            }
            bail!("this run cannot decide; {}", remedy(gate))
        }
    }
}

/// What makes an undecided run decide.
fn remedy(gate: &Gate) -> String {
    let needed = gate.judged.iter().filter_map(|it| match it.verdict {
        Decided::TooFew { needed, .. } => Some(needed),
        _ => None,
    });
    match (gate.unit, needed.max()) {
        (Unit::Round, Some(needed)) => format!("take at least --rounds {needed}"),
        (Unit::Round, None) => "take more --rounds, a higher bar, or a quieter machine".to_owned(),
        (Unit::Run, Some(needed)) => format!("take at least {needed} pairs of runs"),
        (Unit::Run, None) => "take more pairs, a higher bar, or a quieter machine".to_owned(),
    }
}
