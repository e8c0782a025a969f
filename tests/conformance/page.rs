//! `docs/faults.md`: which cases test a fault, and what the fault does to each model.

use portlab_backends::{MODELS, Sheet};
use portlab_conformance::{CASES, Case, FAULTS, Requires, Speaks};

use crate::models::promises;

const HEAD: &str = "\
# The faults

Every server has to handle these faults. The conformance suite tests each of them on each model, with the real binary
in a process of its own; `tests/faults.sh` runs every case on every model, `cargo test --test conformance` a part of
them. Each case fails against a server that is broken for it on purpose: `cargo test --test conformance_broken`.

Generated from the cases and the models' sheets; a test fails when it is stale.

- **yes**: the cases of the fault pass.
- **documented**: the model can't promise this. The cases show the outcome that the model's sheet names, such as a full
  pool that keeps the next client waiting, and that the model serves again afterwards.
- **n/a**: the fault can't happen to the model, for the reason that is given.
";

pub(crate) fn page() -> String {
    let mut page = format!("{HEAD}\n| # | fault |");
    for model in MODELS {
        page += &format!(" {} |", model.sheet().name);
    }
    page += &format!("\n|---|---|{}\n", "---|".repeat(MODELS.len()));
    for fault in FAULTS {
        page += &format!("| {} | {} |", fault.number, fault.name);
        for model in MODELS {
            page += &format!(" {} |", outcome(fault.number, model.sheet()));
        }
        page += "\n";
    }
    page += "\n| # | passes when | cases |\n|---|---|---|\n";
    for fault in FAULTS {
        let cases = testing(fault.number);
        let names = cases.map(|case| format!("`{}::{}`", case.speaks.name(), case.name));
        let names = names.collect::<Vec<_>>().join(" ");
        page += &format!("| {} | {} | {names} |\n", fault.number, fault.passes);
    }
    page
}

/// The cases that test a fault.
fn testing(fault: u8) -> impl Iterator<Item = &'static Case> {
    let cases = CASES.iter().copied();
    cases.filter(move |case| case.faults.contains(&fault))
}

/// What a fault does to a model, in the words of the page.
fn outcome(fault: u8, sheet: &Sheet) -> String {
    let unmet = |case: &Case| case.unmet(&promises(sheet, case), true);
    let cases = testing(fault);
    let run: Vec<_> = cases.filter(|case| unmet(case).is_none()).collect();
    let shows_a_limit = |case: &&Case| {
        let is_limit = |it: &Requires| matches!(it, Requires::Bound | Requires::StallsWhenBlocked);
        case.requires.iter().any(is_limit)
    };
    let chat = |case: &Case| case.speaks == Speaks::Chat;
    match testing(fault).next().and_then(unmet) {
        _ if run.iter().any(shows_a_limit) => "documented".to_owned(),
        Some(reason) if run.is_empty() => format!("n/a: {}", words(reason)),
        _ if testing(fault).any(chat) && !run.iter().any(|case| chat(case)) => {
            "yes, as an echo".to_owned()
        }
        _ => "yes".to_owned(),
    }
}

/// Why a case can't be run on a model.
fn words(unmet: Requires) -> String {
    match unmet {
        Requires::AtOnce(count) => format!("serves fewer than {count} at once"),
        Requires::Bound => "serves any number at once".to_owned(),
        Requires::Process => "its process is not known".to_owned(),
        Requires::SurvivesBlocking => "a blocking handler stalls it".to_owned(),
        Requires::StallsWhenBlocked => "a blocking handler stalls only itself".to_owned(),
        Requires::OneProcess => "child processes serve its connections".to_owned(),
        Requires::Hub => "no chat".to_owned(),
        Requires::Processes => "no child processes".to_owned(),
    }
}
