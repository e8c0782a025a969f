//! Two runs compared, in words and tables.

use std::borrow::Cow;

use anstyle::Style;
use portlab_stats::{
    analysis::Group,
    changes::{Change, Changes, Pair, Pairs, Reason, Unlike, Verdict, changes},
    estimate::Estimate,
    measure::Measure,
    record::{Cell, Record},
};
use portlab_words::{
    Lang,
    table::{Span, cut, lay_out, total_width},
};

use crate::{
    markdown::{escaped, table},
    notes::{
        figures::{figure_of as write, percent},
        heading::date,
        names, place_of,
        table::{ALIKE, FIRST, LAST, Tone},
    },
    text::{BOLD, DIM, NARROWEST, PLAIN, WARN, filled, style},
};

/// One of a table's columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Name,
    Before,
    After,
    Change,
    Interval,
    Verdict,
    /// The change of another measure, by its place among [`Pairs::measures`].
    Beside(usize),
}

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
        let title = place(after, &pairs.group);
        text.push('\n');
        text += &filled(&title, BOLD, width);
        text += &filled(&goes_by(pairs), DIM, width);
        if compared(pairs).next().is_some() {
            text += &fitting(pairs, width);
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
        let fields = fields(pairs);
        let heads: Vec<_> = fields.iter().map(|field| head(pairs, *field)).collect();
        let row =
            |pair: &Pair| -> Vec<_> { fields.iter().map(|field| entry(pair, *field).0).collect() };
        let rows: Vec<_> = compared(pairs).map(row).collect();
        let left = fields.iter().map(|field| *field == Field::Name).collect();
        if !rows.is_empty() {
            page += &table(&heads, left, &rows);
        }
        for (at, line) in incomparable(pairs).enumerate() {
            page += if at == 0 { "\n" } else { "" };
            page += &format!("- {}\n", escaped(&line));
        }
    }
    page += "\n## How to read it\n\n";
    for note in notes(&changes, before, after) {
        page += &format!("- {}\n", escaped(&note));
    }
    page
}

/// How many cells have changed, and how many haven't.
fn summary(changes: &Changes) -> String {
    let count = |verdict: &Verdict| {
        let pairs = changes.pairs();
        pairs
            .filter(|pair| pair.change().verdict == *verdict)
            .count()
    };
    let all = changes.pairs().count();
    let [worse, better, unseen] =
        [Verdict::Worse, Verdict::Better, Verdict::Unseen].map(|it| count(&it));
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
    if unseen > 0 {
        let floors = floors(changes);
        let of = if unseen == all {
            String::new()
        } else {
            format!("{unseen} with ")
        };
        parts.push(format!("{of}{UNSEEN} ({floors})"));
    }
    if compared < all {
        parts.push(format!("{} not compared", all - compared));
    }
    format!("{} in both runs: {}", plural(all, "cell"), parts.join(", "))
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
        plural(record.setup.rounds, "round"),
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

pub(crate) fn plural(count: usize, noun: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{ending}")
}

/// The pairs that compare in what the ranking goes by.
fn compared<'a, 'b>(pairs: &'b Pairs<'a>) -> impl Iterator<Item = &'b Pair<'a>> {
    let pairs = pairs.pairs.iter();
    pairs.filter(|pair| pair.change().ratio.is_some())
}

/// Those that don't, with the reason.
fn incomparable<'a>(pairs: &'a Pairs) -> impl Iterator<Item = String> + 'a {
    pairs.pairs.iter().filter_map(|pair| {
        let Verdict::NotComparable(reason) = &pair.change().verdict else {
            return None;
        };
        Some(format!(
            "not compared: {} ({})",
            pair.after.model,
            why(reason)
        ))
    })
}

pub(crate) fn why(reason: &Reason) -> String {
    match reason {
        Reason::NotMeasured => "its figure isn't known in both".to_owned(),
        Reason::ErrorsBefore => "errors or failures before".to_owned(),
        Reason::ErrorsNow => "errors or failures now".to_owned(),
        Reason::ErrorsInBoth => "errors or failures in both".to_owned(),
        Reason::OneRound => "one round knows nothing of chance".to_owned(),
        Reason::Generator => "the generator was the limit".to_owned(),
        Reason::Rates => "the rates are too far apart".to_owned(),
        Reason::Workload(unlike) => format!("another workload; {}", told(unlike)),
    }
}

fn fields(pairs: &Pairs) -> Vec<Field> {
    let mut fields = vec![
        Field::Name,
        Field::Before,
        Field::After,
        Field::Change,
        Field::Interval,
        Field::Verdict,
    ];
    fields.extend((1..pairs.measures.len()).map(Field::Beside));
    fields
}

/// When there is no room for all fields, the one with the lowest weight goes first.
fn weight(field: Field) -> Option<usize> {
    match field {
        Field::Beside(at) => Some(9 - at),
        Field::Interval => Some(10),
        Field::Before => Some(11),
        Field::After => Some(12),
        Field::Name | Field::Change | Field::Verdict => None,
    }
}

fn head(pairs: &Pairs, field: Field) -> String {
    match field {
        Field::Name => "model".to_owned(),
        Field::Before => "before".to_owned(),
        Field::After => "now".to_owned(),
        Field::Change => "change".to_owned(),
        Field::Interval => "95% interval".to_owned(),
        Field::Verdict => String::new(),
        Field::Beside(at) => name(pairs, pairs.measures[at]).into_owned(),
    }
}

fn entry(pair: &Pair, field: Field) -> (String, Tone) {
    let change = pair.change();
    let figure = |figure: Option<Estimate>| {
        figure.map_or("–".to_owned(), |figure| {
            write(change.measure, figure.median)
        })
    };
    let tone = match &change.verdict {
        _ if pair.is_aside => Tone::Dim,
        Verdict::Better => Tone::Good,
        Verdict::Worse => Tone::Bad,
        Verdict::Unseen | Verdict::NotComparable(_) => Tone::Plain,
    };
    match field {
        Field::Name if pair.is_aside => (pair.after.model.clone(), Tone::Dim),
        Field::Name => (pair.after.model.clone(), Tone::Plain),
        Field::Before => (figure(change.before), Tone::Dim),
        Field::After if pair.is_aside => (figure(change.after), Tone::Dim),
        Field::After => (figure(change.after), Tone::Plain),
        Field::Change => (changed(change.ratio, |it| it.median), tone),
        Field::Interval => {
            let low = changed(change.ratio, |it| it.low);
            let high = changed(change.ratio, |it| it.high);
            (format!("{low} to {high}"), Tone::Dim)
        }
        Field::Verdict => (verdict(change).to_owned(), tone),
        Field::Beside(at) => beside(&pair.changes[at]),
    }
}

fn verdict(change: &Change) -> &'static str {
    match change.verdict {
        Verdict::Better => "▲ better",
        Verdict::Worse => "▼ worse",
        Verdict::Unseen => "no change seen",
        Verdict::NotComparable(_) => "not compared",
    }
}

/// The change of a measure that stands beside.
fn beside(change: &Change) -> (String, Tone) {
    let sign = match change.verdict {
        Verdict::Better => FIRST,
        Verdict::Worse => LAST,
        Verdict::Unseen => ALIKE,
        Verdict::NotComparable(_) => ' ',
    };
    let text = changed(change.ratio, |ratio| ratio.median);
    (format!("{text}{sign}"), Tone::Dim)
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

/// The table of what compares, with the columns that there is room for.
fn fitting(pairs: &Pairs, width: usize) -> String {
    let mut fields = fields(pairs);
    loop {
        let rows = rows(pairs, &fields, width);
        let least = fields.iter().filter_map(|field| weight(*field)).min();
        if total_width(&rows) <= width || least.is_none() {
            return lay_out(&rows);
        }
        fields.retain(|field| weight(*field) != least);
    }
}

fn rows(pairs: &Pairs, fields: &[Field], width: usize) -> Vec<Vec<Span>> {
    let span = |field: Field, text: String, style: Style| match field {
        Field::Name => Span::to_the_left(cut(&text, width / 3), style),
        Field::Verdict => Span::to_the_left(text, style),
        _ => Span::new(text, style),
    };
    let heading = |field: &Field| match field {
        // Above the figures, and not above their signs.
        Field::Beside(_) => span(*field, head(pairs, *field) + " ", DIM),
        _ => span(*field, head(pairs, *field), DIM),
    };
    let row = |pair: &Pair| -> Vec<Span> {
        let spans = fields.iter().map(|field| {
            let (text, tone) = entry(pair, *field);
            span(*field, text, style(tone))
        });
        spans.collect()
    };
    let head = fields.iter().map(heading).collect();
    std::iter::once(head)
        .chain(compared(pairs).map(row))
        .collect()
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
            "Behind the verdict, how other figures have changed: {FIRST} better, {LAST} worse, {ALIKE} no \
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
