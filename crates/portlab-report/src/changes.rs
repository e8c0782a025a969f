//! Two runs compared, in words and tables.

use std::borrow::Cow;

use anstyle::Style;
use portlab_stats::{
    analysis::Group,
    changes::{Change, Changes, Pair, Pairs, Reason, Trend, Unlike, changes},
    estimate::Estimate,
    measure::Measure,
    record::{Cell, Record},
};
use portlab_words::{Lang, plural, table::cut};

use crate::{
    grid::{Grid, GridColumn},
    markdown::escaped,
    notes::{
        figures::{figure_of, percent},
        heading::date,
        names, place_of,
        table::{ALIKE, FIRST, LAST},
    },
    text::{BAD, BOLD, DIM, GOOD, NARROWEST, PLAIN, WARN, filled},
};

/// What two runs can't know.
const ONE_EACH: &str = "One run of each can't tell a change of the program from a change of the machine: \
    two runs of the same program differ, too. To know, measure both builds in one run (portlab compare \
    --against), or repeat both in turn and give folders of runs.";

/// What was seen, in a few words.
const UNSEEN: &str = "no change that these runs could see";

/// Renders how `after` differs from `before`, the earlier run, for a terminal of `width` columns, at
/// least [`NARROWEST`].
#[must_use]
pub fn changes_text(before: &Record, after: &Record, width: usize) -> String {
    let width = width.max(NARROWEST);
    let changes = changes(before, after);
    let mut text = filled(&summary(&changes), BOLD, width);
    text += &filled(&format!("before: {}", run(before)), DIM, width);
    text += &filled(&format!("now:    {}", run(after)), DIM, width);
    for unlike in &changes.unlike {
        text += &filled(&told(unlike), WARN, width);
    }
    for pairs in &changes.groups {
        text.push('\n');
        text += &filled(&place(after, &pairs.group), BOLD, width);
        text += &filled(&goes_by(pairs), DIM, width);
        if let Some(grid) = grid(pairs, width) {
            text += &grid.text(width).1;
        }
        for line in incomparable(pairs) {
            text += &filled(&line, DIM, width);
        }
    }
    text.push('\n');
    for note in notes(&changes, before, after) {
        text += &filled(&note, PLAIN, width);
    }
    text
}

/// Renders how `after` differs from `before`, the earlier run, as Markdown.
#[must_use]
pub fn changes_markdown(before: &Record, after: &Record) -> String {
    let changes = changes(before, after);
    let list = |lines: Vec<String>| -> String {
        let lines = lines.iter().map(|line| format!("- {}\n", escaped(line)));
        lines.collect()
    };
    let mut page = format!(
        "# Two runs compared\n\n{}\n\n- before: {}\n- now: {}\n",
        escaped(&summary(&changes)),
        escaped(&run(before)),
        escaped(&run(after))
    );
    for unlike in &changes.unlike {
        page += &format!("- **{}**\n", escaped(&told(unlike)));
    }
    for pairs in &changes.groups {
        let title = place(after, &pairs.group);
        page += &format!("\n## {}\n\n{}\n", escaped(&title), escaped(&goes_by(pairs)));
        if let Some(grid) = grid(pairs, usize::MAX) {
            page += &format!("\n{}", grid.markdown());
        }
        let incomparable = list(incomparable(pairs).collect());
        if !incomparable.is_empty() {
            page += &format!("\n{incomparable}");
        }
    }
    page + "\n## How to read it\n\n" + &list(notes(&changes, before, after))
}

/// How many cells have changed, and how many haven't.
fn summary(changes: &Changes) -> String {
    let count = |trend: &Trend| {
        let pairs = changes.pairs();
        pairs.filter(|pair| pair.change().trend == *trend).count()
    };
    let all = changes.pairs().count();
    let [worse, better, unseen] = [Trend::Worse, Trend::Better, Trend::Unseen].map(|it| count(&it));
    let compared = worse + better + unseen;
    if compared == 0 {
        return "nothing compares: no cell was measured well in both runs".to_owned();
    }
    let mut parts = Vec::new();
    for (count, what) in [(worse, "worse now"), (better, "better now")] {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    }
    let floors = floors(changes);
    match unseen {
        0 => {}
        unseen if unseen == all => parts.push(format!("{UNSEEN} ({floors})")),
        unseen => parts.push(format!("{unseen} with {UNSEEN} ({floors})")),
    }
    if compared < all {
        parts.push(format!("{} not compared", all - compared));
    }
    let (cells, parts) = (plural(all as u64, "cell"), parts.join(", "));
    format!("{cells} in both runs: {parts}")
}

/// The floors of what was compared.
fn floors(changes: &Changes) -> String {
    let floors = || {
        let groups = changes.groups.iter();
        groups.map(|pairs| pairs.pairs[0].change().floor.share)
    };
    let lowest = percent(floors().fold(f64::INFINITY, f64::min));
    let highest = percent(floors().fold(0.0, f64::max));
    match lowest == highest {
        true => format!("floor {lowest}"),
        false => format!("floors {lowest} to {highest}"),
    }
}

/// When a run was, and how much of it there is.
fn run(record: &Record) -> String {
    let incomplete = if record.complete { "" } else { ", incomplete" };
    format!(
        "{}, {}{incomplete}, portlab {}: {}",
        date(record),
        plural(record.setup.rounds as u64, "round"),
        record.portlab_version,
        record.command,
    )
}

fn told(unlike: &Unlike) -> String {
    let Unlike {
        what,
        before,
        after,
    } = unlike;
    format!("not the same {what}: {before} before, {after} now")
}

/// What a table goes by.
fn goes_by(pairs: &Pairs) -> String {
    let floor = pairs.pairs[0].change().floor;
    let how = if floor.measured { "" } else { " assumed" };
    let by = name(pairs, pairs.measures[0]);
    format!("{by}, floor {}{how}", percent(floor.share))
}

fn name(pairs: &Pairs, measure: Measure) -> Cow<'static, str> {
    names::measure(measure, pairs.group.workload.counts)
        .short
        .en
}

/// Those that don't compare, with the reason.
fn incomparable<'a>(pairs: &'a Pairs) -> impl Iterator<Item = String> + 'a {
    pairs.pairs.iter().filter_map(|pair| {
        let Trend::NotComparable(reason) = &pair.change().trend else {
            return None;
        };
        let (model, why) = (&pair.after.model, why(reason));
        Some(format!("not compared: {model} ({why})"))
    })
}

pub(crate) fn why(reason: &Reason) -> String {
    match reason {
        Reason::NotMeasured => "its figure isn't known in both".to_owned(),
        Reason::ErrorsBefore => "errors or failures before".to_owned(),
        Reason::ErrorsNow => "errors or failures now".to_owned(),
        Reason::ErrorsInBoth => "errors or failures in both".to_owned(),
        Reason::OneRound => "a single round can't tell a change from chance".to_owned(),
        Reason::Generator => "the generator was the limit".to_owned(),
        Reason::Rates => "the rates are too far apart".to_owned(),
        Reason::Workload(unlike) => format!("another workload; {}", told(unlike)),
    }
}

/// The table of what compares in the measure that the ranking goes by, if anything does. On a terminal of `width`
/// columns, a name takes at most a third.
fn grid(pairs: &Pairs, width: usize) -> Option<Grid> {
    let column = |head: &str, weight| GridColumn {
        head: head.to_owned(),
        has_words: false,
        weight,
    };
    let words = |head: &str| GridColumn {
        has_words: true,
        ..column(head, None)
    };
    let mut columns = vec![
        words("model"),
        column("before", Some(11)),
        column("now", Some(12)),
        column("change", None),
        column("95% interval", Some(10)),
        words(""),
    ];
    let others = pairs.measures.iter().skip(1).zip((0..9).rev());
    // The head stands above the figures, and not above their signs.
    columns
        .extend(others.map(|(&it, weight)| column(&format!("{} ", name(pairs, it)), Some(weight))));
    let compared = pairs.pairs.iter();
    let compared = compared.filter(|pair| pair.change().ratio.is_some());
    let rows: Vec<_> = compared.map(|pair| row(pair, width)).collect();
    (!rows.is_empty()).then_some(Grid { columns, rows })
}

fn row(pair: &Pair, width: usize) -> Vec<(String, Style)> {
    let change = pair.change();
    let figure = |figure: Option<Estimate>| match figure {
        Some(figure) => figure_of(change.measure, figure.median),
        None => "–".to_owned(),
    };
    let (own, trend) = match &change.trend {
        _ if pair.is_aside => (DIM, DIM),
        Trend::Better => (PLAIN, GOOD),
        Trend::Worse => (PLAIN, BAD),
        Trend::Unseen | Trend::NotComparable(_) => (PLAIN, PLAIN),
    };
    let [low, high] = [
        changed(change.ratio, |it| it.low),
        changed(change.ratio, |it| it.high),
    ];
    let seen = match change.trend {
        Trend::Better => "▲ better",
        Trend::Worse => "▼ worse",
        Trend::Unseen => "no change seen",
        Trend::NotComparable(_) => "not compared",
    };
    let mut row = vec![
        (cut(&pair.after.model, width / 3), own),
        (figure(change.before), DIM),
        (figure(change.after), own),
        (changed(change.ratio, |it| it.median), trend),
        (format!("{low} to {high}"), DIM),
        (seen.to_owned(), trend),
    ];
    row.extend(pair.changes.iter().skip(1).map(|it| (beside(it), DIM)));
    row
}

/// The change of a measure that stands beside.
fn beside(change: &Change) -> String {
    let sign = match change.trend {
        Trend::Better => FIRST,
        Trend::Worse => LAST,
        Trend::Unseen => ALIKE,
        Trend::NotComparable(_) => ' ',
    };
    format!("{}{sign}", changed(change.ratio, |ratio| ratio.median))
}

/// A change in per cent, with its sign.
pub(crate) fn changed(ratio: Option<Estimate>, of: impl Fn(Estimate) -> f64) -> String {
    let Some(ratio) = ratio else {
        return "–".to_owned();
    };
    let share = of(ratio) - 1.0;
    let written = percent(share.abs());
    match share {
        _ if written == "0.0%" => written,
        share if share < 0.0 => format!("−{written}"),
        _ => format!("+{written}"),
    }
}

/// What the words mean, and what the runs can't tell.
fn notes(changes: &Changes, before: &Record, after: &Record) -> Vec<String> {
    let mut notes = Vec::new();
    for (cells, when, record) in [
        (&changes.only_before, "before", before),
        (&changes.only_after, "now", after),
    ] {
        if !cells.is_empty() {
            notes.push(format!("Only {when}: {}.", named(record, cells)));
        }
    }
    let floor = changes
        .groups
        .iter()
        .map(|it| it.pairs[0].change().floor.share);
    let floor = floor.fold(0.0, f64::max);
    if let Some(common) = changes.common().filter(|it| it.abs() > floor) {
        let way = if common > 0.0 { "worse" } else { "better" };
        notes.push(format!(
            "The median of all cells is {} {way}: what moves them together is something that they \
             share, or the machine, rather than a model.",
            percent(common.abs())
        ));
    }
    if changes.pairs().any(|pair| pair.change().ratio.is_some()) {
        notes.push(ONE_EACH.to_owned());
        notes.push(
            "A change is seen where its interval leaves out 0 and it is above the floor, the larger one \
             of both runs: how far equals differed within a run. What differs between two days on one \
             machine is in no floor."
                .to_owned(),
        );
        notes.push(format!(
            "The last columns show how other figures have changed: {FIRST} better, {LAST} worse, {ALIKE} no \
             change seen, – not comparable."
        ));
    }
    notes
}

/// Where a group is.
fn place(record: &Record, group: &Group) -> String {
    place_of(record, &group.workload.name, group.point, Lang::En)
}

/// The cells, by workload and point.
fn named(record: &Record, cells: &[&Cell]) -> String {
    let mut places: Vec<(String, Vec<&str>)> = Vec::new();
    for cell in cells {
        let place = place_of(record, &cell.workload, cell.point, Lang::En);
        match places.last_mut() {
            Some((last, models)) if *last == place => models.push(&cell.model),
            _ => places.push((place, vec![&cell.model])),
        }
    }
    let parts = places
        .iter()
        .map(|(place, models)| format!("{} at {place}", models.join(", ")));
    parts.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use portlab_stats::fixture::{cell, record, twin};
    use unicode_width::UnicodeWidthStr;

    const ROUNDS: [f64; 5] = [4.0, 4.1, 4.2, 4.1, 4.15];

    fn run_of(factor: f64) -> Record {
        record(vec![
            cell("event-loop", &ROUNDS.map(|it| it * factor)),
            cell("fork", &[9.0, 9.1, 9.0, 9.05, 9.1]),
            twin("fork", &[9.0, 9.1, 9.0, 9.05, 9.1]),
        ])
    }

    fn plain(before: &Record, after: &Record, width: usize) -> String {
        anstream::adapter::strip_str(&changes_text(before, after, width)).to_string()
    }

    #[test]
    fn a_change_is_told_and_so_is_none() {
        let text = plain(&run_of(1.0), &run_of(1.2), 120);
        let line = |name: &str| text.lines().find(|line| line.starts_with(name)).unwrap();
        assert!(
            text.starts_with("3 cells in both runs: 1 worse now, 2 with no change"),
            "{text}"
        );
        assert!(line("event-loop ").contains("+20%"), "{text}");
        assert!(line("event-loop ").contains("▼ worse"), "{text}");
        assert!(line("fork").contains("no change seen"), "{text}");
        let text = plain(&run_of(1.0), &run_of(1.0), 120);
        let words = "3 cells in both runs: no change that these runs could see (floor 3.0%)";
        assert!(text.starts_with(words), "{text}");
    }

    #[test]
    fn what_does_not_compare_is_named_with_its_reason() {
        let mut after = run_of(1.0);
        after.cells[1].rounds[0].errors = 3;
        after.environment.kernel = "7.0".into();
        after.cells.push(cell("new", &ROUNDS));
        let text = plain(&run_of(1.0), &after, 120);
        for words in [
            "not compared: fork (errors or failures now)",
            "not the same kernel: 6.0 before, 7.0 now",
            "Only now: new at echo, 100 connections of 64 B.",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_and_the_verdict_stays() {
        for width in NARROWEST..=140 {
            let text = plain(&run_of(1.0), &run_of(1.2), width);
            for line in text.lines() {
                assert!(line.width() <= width, "{width}: {line}");
            }
            assert!(text.contains("+20%") && text.contains("▼ worse"), "{text}");
        }
    }

    #[test]
    fn a_page_of_changes_has_its_table() {
        let page = changes_markdown(&run_of(1.0), &run_of(1.2));
        assert!(
            page.contains("| event-loop | 4.10 µs | 4.92 µs | +20% |"),
            "{page}"
        );
    }
}
