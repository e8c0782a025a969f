//! What a table can't show in columns: who wasn't measured, and what went wrong.

use portlab_stats::{analysis::Group, record::Cell};

use crate::{grid::Tone, heading::plural, sentences::names, table::cut};

/// The longest reason that is told, in characters.
const REASON: usize = 200;

/// The lines under the table of `group`.
pub(crate) fn tail(group: &Group) -> Vec<(Tone, String)> {
    let mut lines = Vec::new();
    let measured = |cell: &&&Cell| !cell.rounds.is_empty();
    let cells = &group.cells;
    for cell in cells.iter().filter(|cell| cell.errors() > 0) {
        let first = cell.rounds.iter().find_map(|it| it.first_error.as_ref());
        let first = first.map_or(String::new(), |error| format!(", the first one: {error}"));
        let errors = plural(
            usize::try_from(cell.errors()).unwrap_or(usize::MAX),
            "error",
        );
        lines.push((
            Tone::Bad,
            cut(&format!("{}: {errors}{first}", cell.model), REASON),
        ));
    }
    for cell in cells.iter() {
        let Some(failure) = cell.failures.first() else {
            continue;
        };
        let (model, reason) = (&cell.model, &failure.reason);
        let line = match measured(&cell) {
            true => format!(
                "{model}: {} of its rounds failed: {reason}",
                cell.failures.len()
            ),
            false => format!("{model} failed: {reason}"),
        };
        lines.push((Tone::Bad, cut(&line, REASON)));
    }
    let reason = |cell: &Cell| {
        let why = cell.not_run.as_ref()?;
        Some(names::not_run(why, cell.point.connections).en.into_owned())
    };
    lines.extend(grouped("not run", cells, reason));
    let missing = |cell: &Cell| {
        let nothing = cell.rounds.is_empty() && cell.failures.is_empty();
        (nothing && cell.not_run.is_none()).then(String::new)
    };
    lines.extend(grouped("not measured yet", cells, missing));
    lines
}

/// One line of all cells that have a reason, those with the same one together.
fn grouped(
    what: &str,
    cells: &[&Cell],
    reason: impl Fn(&Cell) -> Option<String>,
) -> Option<(Tone, String)> {
    let mut reasons: Vec<(String, Vec<&str>)> = Vec::new();
    for cell in cells {
        let Some(reason) = reason(cell) else { continue };
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, models)) => models.push(&cell.model),
            None => reasons.push((reason, vec![&cell.model])),
        }
    }
    let parts = reasons.iter().map(|(reason, models)| {
        let models = models.join(", ");
        match &reason[..] {
            "" => models,
            reason => format!("{models} ({})", cut(reason, REASON)),
        }
    });
    let parts: Vec<_> = parts.collect();
    (!parts.is_empty()).then(|| (Tone::Dim, format!("{what}: {}", parts.join("; "))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use portlab_stats::{
        analysis::groups,
        fixture::{cell, record},
        record::{Failed, NotRun},
    };

    #[test]
    fn who_is_not_in_the_table_is_under_it() {
        let not_run = |model: &str, reason: &str| {
            let mut cell = cell(model, &[]);
            cell.not_run = Some(NotRun::Told(reason.to_owned()));
            cell
        };
        let mut burnt = cell("burnt", &[]);
        let failed = |round| Failed {
            round,
            reason: "it burnt".into(),
        };
        burnt.failures.push(failed(1));
        let mut scorched = cell("scorched", &[4.0; 2]);
        scorched.failures.push(failed(3));
        scorched.rounds[1].errors = 2;
        scorched.rounds[1].first_error = Some("member 3 heard it twice".into());
        let record = record(vec![
            not_run("pool", "serves 2 at a time"),
            not_run("prefork", "serves 2 at a time"),
            not_run("iterative", "serves one"),
            burnt,
            scorched,
            cell("late", &[]),
        ]);
        let groups = groups(&record);
        let lines: Vec<_> = tail(&groups[0]).into_iter().map(|(_, line)| line).collect();
        assert_eq!(
            lines,
            [
                "scorched: 2 errors, the first one: member 3 heard it twice",
                "burnt failed: it burnt",
                "scorched: 1 of its rounds failed: it burnt",
                "not run: pool, prefork (serves 2 at a time); iterative (serves one)",
                "not measured yet: late",
            ]
        );
    }
}
