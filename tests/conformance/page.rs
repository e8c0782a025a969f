//! `docs/faults.md`: which fault is held by which cases, on which model.

use portlab_backends::{MODELS, Sheet};
use portlab_conformance::{CASES, Case, FAULTS, Requires, Speaks};

use crate::models::promises;

const HEAD: &str = "\
# The faults

Every server meets these faults. The conformance suite puts each of them to each model, the real binary in
a process of its own; `tests/faults.sh` runs all of it, `cargo test --test conformance` a share. Each case has been
seen failing against a server that was broken for it on purpose: `cargo test --test conformance_broken`.

Generated from the cases and the models' sheets; a test fails when it is stale.

- **yes**: the cases of the fault pass.
- **documented**: the model can't promise it. The cases show the outcome that its sheet
  names, such as a full pool that keeps the next client waiting, and that it serves again afterwards.
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
        let cases = holding(fault.number);
        let names = cases.map(|case| format!("`{}::{}`", case.speaks.name(), case.name));
        let names = names.collect::<Vec<_>>().join(" ");
        page += &format!("| {} | {} | {names} |\n", fault.number, fault.passes);
    }
    page
}

/// The cases that hold a fault.
fn holding(fault: u8) -> impl Iterator<Item = &'static Case> {
    let cases = CASES.iter().copied();
    cases.filter(move |case| case.faults.contains(&fault))
}

/// What becomes of a fault on a model.
fn outcome(fault: u8, sheet: &Sheet) -> String {
    let unmet = |case: &Case| case.unmet(&promises(sheet, case), true);
    let cases = holding(fault);
    let run: Vec<_> = cases.filter(|case| unmet(case).is_none()).collect();
    let shows_a_limit = |case: &&Case| {
        let is_limit = |it: &Requires| matches!(it, Requires::Bound | Requires::StallsWhenBlocked);
        case.requires.iter().any(is_limit)
    };
    let chat = |case: &Case| case.speaks == Speaks::Chat;
    match holding(fault).next().and_then(unmet) {
        _ if run.iter().any(shows_a_limit) => "documented".to_owned(),
        Some(reason) if run.is_empty() => format!("n/a: {}", words(reason)),
        _ if holding(fault).any(chat) && !run.iter().any(|case| chat(case)) => {
            "yes, as an echo".to_owned()
        }
        _ => "yes".to_owned(),
    }
}

/// Why a case makes no sense on a model.
fn words(unmet: Requires) -> String {
    match unmet {
        Requires::AtOnce(count) => format!("serves fewer than {count} at once"),
        Requires::Bound => "serves any number at once".to_owned(),
        Requires::Process => "its process is not known".to_owned(),
        Requires::SurvivesBlocking => "a blocking handler stalls it".to_owned(),
        Requires::StallsWhenBlocked => "a blocking handler stalls only itself".to_owned(),
        Requires::OneProcess => "its connections are in other processes".to_owned(),
        Requires::Hub => "no chat".to_owned(),
        Requires::Processes => "no child processes".to_owned(),
    }
}
