//! The report as a whole, for a terminal.

use anstyle::{AnsiColor, Style};
use portlab_stats::{
    analysis::{Group, groups},
    record::Record,
    summary::overheads,
};

use crate::{
    columns::percent,
    grid::{Entry, FIRST, Field, Grid, LAST, Tone},
    heading::{INCOMPLETE, machine, place, plural, what, workload},
    legend::{Seen, notes},
    table::{Span, cut, lay_out, total_width},
    tail::tail,
};

/// The narrowest terminal that the report is made for.
pub const NARROWEST: usize = 40;

pub(crate) const PLAIN: Style = Style::new();
pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const DIM: Style = Style::new().dimmed();
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const BAD: Style = AnsiColor::Red.on_default();
pub(crate) const WARN: Style = AnsiColor::Yellow.on_default();

/// The widest bar, in characters.
const BAR: usize = 10;
/// Prose is no wider than this.
const PROSE: usize = 100;

/// Renders `record` for a terminal of `width` columns, at least [`NARROWEST`]. Where there is no
/// room for every column, the least telling ones are left out.
#[must_use]
pub fn text(record: &Record, width: usize) -> String {
    let width = width.max(NARROWEST);
    let mut text = heading(record, width);
    let mut seen = Seen::default();
    let mut last = None;
    for group in groups(record) {
        text.push('\n');
        let name = &group.workload.name;
        if last.replace(name) != Some(name) {
            let (says, details) = workload(record, group.workload);
            text += &filled(&says, PLAIN, width);
            text += &filled(&details, DIM, width);
            text.push('\n');
        }
        text += &table(record, &group, width, &mut seen);
        for (tone, line) in tail(&group) {
            text += &filled(&line, style(tone), width);
        }
    }
    text += &controls(record, width);
    text.push('\n');
    for note in notes(record, seen) {
        let note = filled(&note, PLAIN, width);
        let coloured = [(FIRST, GOOD), (LAST, BAD)];
        text += &coloured.iter().fold(note, |note, (sign, style)| {
            note.replace(*sign, &format!("{style}{sign}{style:#}"))
        });
    }
    text
}

fn heading(record: &Record, width: usize) -> String {
    let (what, rounds) = what(record);
    let mut text = filled(&what, BOLD, width);
    text += &filled(&rounds, DIM, width);
    text += &filled(&machine(record), DIM, width);
    if !record.complete {
        text += &filled(INCOMPLETE, WARN, width);
    }
    text
}

/// Breaks prose into lines, each in `style`. Of a text from elsewhere, nothing moves the cursor.
pub(crate) fn filled(prose: &str, style: Style, width: usize) -> String {
    let prose: String = prose
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let lines = textwrap::wrap(&prose, width.min(PROSE));
    let lines = lines.iter().filter(|line| !line.is_empty());
    lines
        .map(|line| format!("{style}{line}{style:#}\n"))
        .collect()
}

/// The table of a group, under its title.
fn table(record: &Record, group: &Group, width: usize, seen: &mut Seen) -> String {
    let grid = Grid::new(group);
    let mut title = filled(
        &format!("{}  {}", group.workload.name, place(record, group)),
        BOLD,
        width,
    );
    if grid.rows().next().is_none() {
        return title;
    }
    if grid.ranking().last().is_some() {
        let floor = grid.ranking().floor;
        let how = if floor.measured { "" } else { " assumed" };
        let words = format!("  {DIM}floor {}{how}{DIM:#}\n", percent(floor.share));
        title = title.trim_end().to_owned() + &words;
    }
    let (fields, rows) = layout(&grid, width);
    seen.lacks_quantiles |= grid.lacks_quantiles(&fields);
    let has = |any: [Field; 2]| fields.iter().any(|field| any.contains(field));
    seen.ratios |= has([Field::Ratio, Field::WideRatio]);
    seen.intervals |= has([Field::Spread, Field::Interval]);
    title + &lay_out(&rows)
}

/// The rows that fit: whole intervals go first, then the bars, then columns, the least telling first.
fn layout(grid: &Grid, width: usize) -> (Vec<Field>, Vec<Vec<Span>>) {
    let whole = grid.fields(true);
    let mut fields = grid.fields(false);
    for (fields, bars) in [(&whole, true), (&fields, true), (&fields, false)] {
        let rows = rows(grid, fields, bars, width);
        if total_width(&rows) <= width {
            return (fields.clone(), rows);
        }
    }
    loop {
        let rows = rows(grid, &fields, false, width);
        let least = fields.iter().filter_map(|field| grid.weight(*field)).min();
        if total_width(&rows) <= width || least.is_none() {
            return (fields, rows);
        }
        fields.retain(|field| grid.weight(*field) != least);
    }
}

fn rows(grid: &Grid, fields: &[Field], bars: bool, width: usize) -> Vec<Vec<Span>> {
    let heading = |field: &Field| match field {
        Field::Name => Span::to_the_left(grid.head(*field), DIM),
        Field::Rank | Field::Spread | Field::Interval => Span::new(grid.head(*field), DIM),
        // Above the figures, and not above their signs.
        _ => Span::new(cut(&grid.head(*field), width / 2) + " ", DIM),
    };
    let mut head: Vec<Span> = fields.iter().map(heading).collect();
    if bars {
        head.push(Span::to_the_left(grid.head(Field::Figure(0)), DIM));
    }
    let row = |at: usize| {
        let span = |field: &Field| span(grid.entry(at, *field), *field, width);
        let mut row: Vec<Span> = fields.iter().map(span).collect();
        if let Some(share) = grid.share(at).filter(|_| bars) {
            row.push(Span::to_the_left(bar(share), DIM));
        }
        row
    };
    std::iter::once(head).chain(grid.rows().map(row)).collect()
}

fn span(entry: Entry, field: Field, width: usize) -> Span {
    let mut style = style(entry.tone);
    match field {
        Field::Name => return Span::to_the_left(cut(&entry.text, width / 2), style),
        Field::Rank | Field::Spread | Field::Interval => return Span::new(entry.text, style),
        Field::Figure(_) if entry.sign.is_some_and(|sign| [FIRST, LAST].contains(&sign)) => {
            style = style.bold();
        }
        _ => {}
    }
    Span::new(entry.text + &entry.sign.unwrap_or(' ').to_string(), style)
}

pub(crate) fn style(tone: Tone) -> Style {
    match tone {
        Tone::Plain => PLAIN,
        Tone::Dim => DIM,
        Tone::Good => GOOD,
        Tone::Bad => BAD,
    }
}

/// A bar of `share`, in `[0, 1]`, of the widest, to an eighth of a character.
fn bar(share: f64) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (share * BAR as f64 * 8.0).round().max(1.0) as usize;
    "█".repeat(eighths / 8) + EIGHTHS[eighths % 8]
}

/// What the traits cost, where controls were measured.
fn controls(record: &Record, width: usize) -> String {
    let overheads = overheads(record);
    if overheads.is_empty() {
        return String::new();
    }
    let mut text = format!("\n{BOLD}What the traits cost{BOLD:#}\n");
    let how = "server CPU per message, through the traits : by hand, round by round";
    text += &filled(how, DIM, width);
    let rows = overheads.iter().map(|overhead| {
        let ratio = overhead.ratio;
        let interval = match ratio.count {
            1 => "1 round".to_owned(),
            _ => format!("{:.3}–{:.3}", ratio.low, ratio.high),
        };
        vec![
            Span::to_the_left(cut(&overhead.model, width / 2), PLAIN),
            Span::new(plural(overhead.connections, "connection"), DIM),
            Span::new(format!("{:.3}", ratio.median), BOLD),
            Span::new(interval, DIM),
        ]
    });
    let mut rows: Vec<_> = rows.collect();
    while total_width(&rows) > width {
        for row in &mut rows {
            row.remove(1);
        }
    }
    text + &lay_out(&rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use portlab_stats::{
        fixture::{cell, record, twin},
        measure::Measure,
        record::{Cell, Counts},
    };
    use unicode_width::UnicodeWidthStr;

    /// The report without its colours.
    fn plain(record: &Record, width: usize) -> String {
        anstream::adapter::strip_str(&text(record, width)).to_string()
    }

    /// The line of an entrant.
    fn line<'a>(text: &'a str, name: &str) -> &'a str {
        let of = |line: &&str| line.split_whitespace().take(2).any(|word| word == name);
        text.lines()
            .find(of)
            .unwrap_or_else(|| panic!("no {name} in:\n{text}"))
    }

    fn pair() -> Vec<Cell> {
        vec![
            cell("event-loop", &[4.0, 4.2, 4.1]),
            cell("fork", &[9.0, 9.2, 9.1]),
        ]
    }

    #[test]
    fn first_and_last_are_seen_without_colour() {
        let text = plain(&record(pair()), 160);
        assert!(line(&text, "event-loop").contains("4.10 µs▲"), "{text}");
        assert!(line(&text, "fork").contains("9.10 µs▼"), "{text}");
        assert!(line(&text, "fork").starts_with("   2  fork"), "{text}");
        assert!(line(&text, "fork").ends_with("██████████"), "{text}");
    }

    #[test]
    fn who_made_errors_wins_nothing() {
        let mut wrong = cell("wrong", &[1.0, 1.1, 1.0]);
        wrong.rounds[0].errors = 3;
        let mut cells = pair();
        cells.insert(0, wrong);
        let text = plain(&record(cells), 160);
        assert!(line(&text, "event-loop").contains("4.10 µs▲"), "{text}");
        assert!(!line(&text, "wrong").contains('▲'), "{text}");
        assert!(text.contains("wrong: 3 errors"), "{text}");
    }

    #[test]
    fn what_the_generator_limited_is_not_ranked() {
        let mut cells = pair();
        for round in &mut cells[0].rounds {
            round.generator_cpu_share = 0.97;
            round.messages_per_s = 200_000.0;
        }
        let text = plain(&record(cells), 160);
        assert!(text.contains("200k*") && !text.contains("200k▲"), "{text}");
        assert!(text.contains("the load generator was the limit"), "{text}");
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let many = || {
            let mut cells = pair();
            cells.push(twin("event-loop", &[4.0, 4.1, 4.1]));
            cells.push(cell("event-loop-by-hand", &[4.0, 4.1, 4.1]));
            cells.push(cell("某人自己写的一个很长很长的服务器的名字", &[5.0; 3]));
            cells.push(cell("late", &[]));
            cells[1].rounds[0].errors = 2;
            cells
        };
        for width in (NARROWEST..=220).step_by(3) {
            for record in [record(many()), chat(many())] {
                let text = plain(&record, width);
                for line in text.lines() {
                    assert!(line.width() <= width, "{width}: {line}");
                }
                let figure = line(&text, "event-loop").contains("4.10 µs");
                assert!(figure, "{width}: what it is ranked by went: {text}");
            }
        }
    }

    #[test]
    fn what_there_is_room_for_is_shown() {
        let text = plain(&record(pair()), 200);
        let fork = line(&text, "fork");
        for word in ["9.00–9.20 µs", "2.22 (2.19–2.25)", "1.91 MiB", "9.77 KiB"] {
            assert!(fork.contains(word), "{word}: {text}");
        }
        let text = plain(&record(pair()), 80);
        assert!(line(&text, "fork").contains("±1.1%"), "{text}");
        assert!(text.contains("× event-loop"), "{text}");
    }

    fn chat(mut cells: Vec<Cell>) -> Record {
        for round in cells.iter_mut().flat_map(|cell| &mut cell.rounds) {
            round.latency_count = Some(500);
        }
        let mut record = record(cells);
        let workload = &mut record.workloads[0];
        workload.counts = Counts::Deliveries;
        workload.rooms = Some(1);
        workload.depth = 8;
        record
    }

    #[test]
    fn a_chat_is_told_in_deliveries_and_fan_out() {
        let text = plain(&chat(pair()), 200);
        for word in [
            "64 B, 1 room, 8 messages under way",
            "100 members",
            "deliveries/s",
            "fan-out p50",
            "CPU/delivery",
            "4.10 µs▲",
        ] {
            assert!(text.contains(word), "{word}: {text}");
        }
        assert!(!text.contains("msg") && !text.contains("latenc"), "{text}");
    }

    #[test]
    fn where_nothing_is_said_memory_is_what_counts() {
        let mut cells = pair();
        for round in &mut cells[1].rounds {
            round.peak_pss_bytes *= 3;
        }
        let mut record = record(cells);
        record.workloads[0].counts = Counts::Nothing;
        record.workloads[0].ranked_by = Measure::MemoryPerConnection;
        let text = plain(&record, 160);
        assert!(line(&text, "event-loop").contains("9.77 KiB▲"), "{text}");
        assert!(!text.contains("p99") && !text.contains("CPU/"), "{text}");
    }

    #[test]
    fn a_quantile_of_few_fan_outs_is_not_shown_however_many_deliveries_there_were() {
        let record = chat(pair());
        let text = plain(&record, 200);
        assert!(text.contains("2.00 ms"), "a p99 takes 100: {text}");
        assert!(!text.contains("3.00 ms"), "a p99.9 takes 1,000: {text}");
        assert!(text.contains("– too few messages"), "{text}");
        let narrow = plain(&record, 80);
        assert!(!narrow.contains("– too few"), "nor is it missed: {narrow}");
    }

    #[test]
    fn what_came_from_elsewhere_moves_no_cursor() {
        let mut cells = pair();
        cells[1].rounds[0].errors = 1;
        cells[1].rounds[0].first_error = Some("\u{1b}[2Jgone\nand more".into());
        let text = text(&record(cells), 120);
        assert!(!text.contains("\u{1b}[2J"), "{text:?}");
    }

    #[test]
    fn the_same_record_renders_the_same_bytes() {
        let record = record(vec![cell("a", &[4.0, 4.2]), cell("a-by-hand", &[4.0, 4.0])]);
        assert_eq!(text(&record, 100), text(&record, 100));
        let text = plain(&record, 100);
        assert!(text.contains("1.025  1.000–1.050"), "{text}");
    }

    #[test]
    fn a_comparison_that_was_ended_says_so() {
        let mut record = record(pair());
        record.complete = false;
        assert!(plain(&record, 100).contains("incomplete"));
    }
}
