//! The notes for a terminal.

use anstyle::{AnsiColor, Style};
use portlab_stats::summary::Overhead;
use portlab_words::{
    Lang, Text,
    style::{DIM, GOOD, HEAD},
    table::cut,
    tr, wrap,
};
use unicode_width::UnicodeWidthStr;

use crate::{
    grid::{Grid, GridColumn},
    notes::{
        Notes,
        legend::Seen,
        remarks::Remark,
        table::{Column, Entry, FIRST, Field, LAST, Row, Table, Tone, headed, with_families},
    },
};

/// The narrowest terminal that the report is made for.
pub const NARROWEST: usize = 40;

pub(crate) const PLAIN: Style = Style::new();
pub(crate) const BAD: Style = AnsiColor::Red.on_default();

/// The widest bar, in characters.
const BAR: usize = 10;
/// Prose is no wider than this.
const PROSE: usize = 100;

/// Writes `notes` for a terminal of `width` columns, at least [`NARROWEST`]. If there is no room for every column, those of
/// the lowest weight are left out, and named.
pub fn text(notes: &Notes, width: usize) -> String {
    let mut page = Page {
        lang: notes.lang,
        width: width.max(NARROWEST),
        seen: Seen::default(),
        text: String::new(),
    };
    page.heading(notes);
    for workload in &notes.workloads {
        page.text.push('\n');
        let mut says = String::new();
        if workload.title != workload.name {
            says = format!("{}{}", workload.title, notes.lang.pick(". ", "。"));
        }
        page.prose(&(says + workload.asks), PLAIN);
        page.prose(&workload.details, DIM);
        for table in &workload.tables {
            page.text.push('\n');
            page.table(workload.name, table);
            table.remarks.iter().for_each(|remark| page.remark(remark));
        }
    }
    page.traits(notes);
    page.text.push('\n');
    page.legend(notes);
    if let Some(checked) = &notes.heading.checked {
        page.prose(&checked.plain(), PLAIN);
    }
    for caution in notes.cautions.iter().filter(|it| !it.is_remarked) {
        page.prose(&caution.sentence.plain(), PLAIN);
    }
    if !notes.conclusion.is_empty() {
        page.text.push('\n');
    }
    for line in &notes.conclusion {
        page.prose(line, HEAD);
    }
    page.text
}

pub(crate) static TRAITS: Text = Text::new("What the traits cost", "公共接口的代价");
static TRAITS_HOW: Text = Text::new(
    "server CPU per message, through the traits : by hand, round by round",
    "每条消息的服务端 CPU，经过公共接口 : 手写，按轮配对",
);

/// A report that is being written.
struct Page {
    lang: Lang,
    width: usize,
    /// What the tables have shown: the legend explains only that.
    seen: Seen,
    text: String,
}

impl Page {
    fn prose(&mut self, prose: &str, style: Style) {
        self.text += &filled(prose, style, self.width);
    }

    fn heading(&mut self, notes: &Notes) {
        self.prose(&notes.heading.what, HEAD);
        self.prose(&notes.heading.how, DIM);
        self.prose(&notes.heading.machine, DIM);
    }

    /// The table under its title, with the columns for which there is room.
    fn table(&mut self, name: &str, table: &Table) {
        let title = format!("{name}  {}", table.title);
        self.prose(&title, HEAD);
        if let Some(floor) = &table.floor {
            // Beside the title, if there is room.
            if title.width() + 2 + floor.width() <= self.width.min(PROSE) {
                self.text.pop();
                self.text += &format!("  {DIM}{floor}{DIM:#}\n");
            } else {
                self.prose(floor, DIM);
            }
        }
        let measured = table.rows.iter().filter(|row| !row.entries.is_empty());
        let measured: Vec<&Row> = measured.collect();
        if measured.is_empty() {
            return;
        }
        let (is_narrow, shown, text) = layout(table, &measured, self.width);
        self.text += &text;
        for row in &measured {
            for &at in &shown {
                let (field, entry) = (table.columns[at].field, &row.entries[at]);
                self.seen.entry(field, entry.text(is_narrow), entry.sign);
            }
        }
        let unseen = table.columns.iter().enumerate();
        let unseen = unseen.filter(|(at, _)| !shown.contains(at));
        let unseen: Vec<&str> = unseen.map(|(_, it)| it.head(is_narrow)).collect();
        if !unseen.is_empty() {
            let names = unseen.join(self.lang.pick(", ", "、"));
            let unseen = tr!(
                self.lang,
                "no room for {names}: a wider terminal or --format md shows all columns",
                "放不下：{names}；加宽终端，或用 --format md 查看所有列"
            );
            self.prose(&unseen, DIM);
        }
    }

    fn remark(&mut self, remark: &Remark) {
        self.prose(&remark.sentence.plain(), style(remark.tone));
    }

    fn legend(&mut self, notes: &Notes) {
        for sign in notes.legend.iter().filter(|sign| self.seen.needs(sign)) {
            let note = filled(&sign.sentence.plain(), PLAIN, self.width);
            let coloured = [(FIRST, GOOD), (LAST, BAD)];
            self.text += &coloured.iter().fold(note, |note, (sign, style)| {
                note.replace(*sign, &format!("{style}{sign}{style:#}"))
            });
        }
    }

    /// What the traits cost, where controls were measured.
    fn traits(&mut self, notes: &Notes) {
        if notes.traits.is_empty() {
            return;
        }
        let title = TRAITS.pick(self.lang);
        self.text += &format!("\n{HEAD}{title}{HEAD:#}\n");
        self.prose(TRAITS_HOW.pick(self.lang), DIM);
        self.text += &traits(notes, [""; 4], self.width).text(self.width).1;
    }
}

/// What the traits cost, as a table with these heads; on a terminal of `width` columns, a name takes at most a half.
pub(crate) fn traits(notes: &Notes, heads: [&str; 4], width: usize) -> Grid {
    let weights = [None, Some(1), Some(2), None];
    let columns = heads
        .into_iter()
        .zip(weights)
        .enumerate()
        .map(|(at, (head, weight))| GridColumn {
            head: head.to_owned(),
            has_words: at == 0,
            weight,
        });
    let row = |overhead: &Overhead| {
        let ratio = overhead.ratio;
        vec![
            (cut(&overhead.model, width / 2), PLAIN),
            (overhead.connections.to_string(), DIM),
            (format!("{:.3}", ratio.median), HEAD),
            (format!("{:.3}–{:.3}", ratio.low, ratio.high), DIM),
        ]
    };
    Grid {
        columns: columns.collect(),
        rows: notes.traits.iter().map(row).collect(),
    }
}

/// Breaks prose into lines, each in `style`. Control characters become spaces, so that text from a record can't move the
/// cursor.
pub(crate) fn filled(text: &str, style: Style, width: usize) -> String {
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let lines = wrap::wrap(&text, width.min(PROSE));
    let lines = lines.iter().filter(|line| !line.is_empty());
    lines
        .map(|line| format!("{style}{line}{style:#}\n"))
        .collect()
}

/// Whether entries are in their short forms, the places of the columns that fit, and the table. If there is too little
/// room, whole intervals are left out first, then the bars, then columns by their weight.
fn layout(table: &Table, rows: &[&Row], width: usize) -> (bool, Vec<usize>, String) {
    for is_narrow in [false, true] {
        let (mut shown, text) = grid(table, rows, is_narrow, true, width).text(width);
        // The last one is the bars'.
        if shown.len() > table.columns.len() {
            shown.pop();
            return (is_narrow, shown, text);
        }
    }
    let (shown, text) = grid(table, rows, true, false, width).text(width);
    (true, shown, text)
}

/// The columns, and a bar for the ranked figure.
fn grid(table: &Table, rows: &[&Row], is_narrow: bool, bars: bool, width: usize) -> Grid {
    let columns = table.columns.iter();
    let column = |column: &Column| GridColumn {
        head: match column.field {
            Field::Name | Field::Rank | Field::Interval => column.head(is_narrow).to_owned(),
            // Above the figures, and not above their signs.
            _ => cut(column.head(is_narrow), width / 2) + " ",
        },
        has_words: column.field == Field::Name,
        weight: column.weight,
    };
    let ranking = columns
        .clone()
        .find(|it| matches!(it.field, Field::Figure(_)));
    let bar_column = GridColumn {
        head: ranking.map_or_else(String::new, |column| column.head.clone()),
        has_words: true,
        weight: None,
    };
    let row = |row: &&Row| {
        let entries = row.entries.iter().zip(&table.columns);
        let cells = entries.map(|(it, column)| cell(it, column.field, is_narrow, width));
        let bar = bars.then(|| (row.share.map_or_else(String::new, bar), DIM));
        cells.chain(bar).collect()
    };
    let head = |family: &str| -> Vec<(String, Style)> {
        let name = |column: &Column| match column.field {
            Field::Name => (cut(&headed(family), width / 2), DIM),
            _ => (String::new(), PLAIN),
        };
        let bar = bars.then(|| (String::new(), PLAIN));
        table.columns.iter().map(name).chain(bar).collect()
    };
    let rows = with_families(rows.iter().copied());
    let rows = rows.flat_map(|(family, of)| family.map(head).into_iter().chain([row(&of)]));
    Grid {
        columns: columns
            .map(column)
            .chain(bars.then_some(bar_column))
            .collect(),
        rows: rows.collect(),
    }
}

fn cell(entry: &Entry, field: Field, is_narrow: bool, width: usize) -> (String, Style) {
    let (text, style) = (entry.text(is_narrow), style(entry.tone));
    match field {
        Field::Name => (cut(text, width / 2), style),
        Field::Rank | Field::Interval => (text.to_owned(), style),
        _ => {
            let is_end = entry.sign.is_some_and(|sign| [FIRST, LAST].contains(&sign));
            let style = match field {
                Field::Figure(_) if is_end => style.bold(),
                _ => style,
            };
            let sign = entry.sign.unwrap_or(' ');
            (format!("{text}{sign}"), style)
        }
    }
}

fn style(tone: Tone) -> Style {
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

#[cfg(test)]
mod tests {
    use super::*;
    use portlab_stats::{
        fixture::{cell, record, twin},
        measure::Measure,
        record::{Cell, Counts, Record},
    };

    /// The report without its colours.
    fn plain(record: &Record, width: usize) -> String {
        anstream::adapter::strip_str(&super::text(&Notes::of(record, Lang::En), width)).to_string()
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
    fn a_server_with_errors_has_no_place() {
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
    fn rates_that_the_generator_limited_are_not_ranked() {
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
            cells.push(cell("event-loop-textbook", &[4.0, 4.1, 4.1]));
            cells.push(cell("某人自己写的一个很长很长的服务端的名字", &[5.0; 3]));
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
                assert!(figure, "{width}: the ranked column is missing: {text}");
            }
        }
    }

    /// Thirteen servers, of which seven have sheets.
    fn many() -> Record {
        let known = [
            "event-loop",
            "tasks",
            "tasks-single",
            "threads",
            "prethreaded",
            "fork",
            "prefork",
        ];
        let known = known.map(str::to_owned).into_iter();
        let names = known.chain((1..=6).map(|at| format!("other-{at}")));
        let cells = names
            .enumerate()
            .map(|(at, name)| cell(&name, &[4.0 + at as f64; 7]));
        record(cells.collect())
    }

    #[test]
    fn families_stand_apart_in_a_long_table_of_each_form() {
        let record = many();
        for width in [80, 200] {
            let text = plain(&record, width);
            let heads: Vec<_> = text
                .lines()
                .filter(|it| it.contains("── "))
                .map(str::trim)
                .collect();
            let families = [
                "event",
                "coroutines",
                "threads",
                "processes",
                "other servers",
            ];
            assert_eq!(
                heads,
                families.map(|it| format!("── {it}")),
                "{width}: {text}"
            );
            assert!(text.lines().all(|line| line.width() <= width), "{text}");
        }
        let notes = Notes::of(&record, Lang::Zh);
        assert!(crate::markdown(&notes).contains("| ── 其他服务端 |"));
        let page = crate::html(&notes);
        assert_eq!(page.matches("scope=\"rowgroup\"").count(), 5);
        let mut few = record;
        few.cells.pop();
        assert!(!plain(&few, 200).contains("── "));
    }

    #[test]
    fn all_columns_that_fit_are_shown() {
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
    fn a_workload_without_messages_is_ranked_by_memory() {
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
        assert!(text.contains("– not known: too few messages"), "{text}");
        let narrow = plain(&record, 80);
        assert!(
            !narrow.contains("– not known"),
            "the legend explains a column that isn't shown: {narrow}"
        );
    }

    #[test]
    fn text_from_a_record_cannot_move_the_cursor() {
        let mut cells = pair();
        cells[1].rounds[0].errors = 1;
        cells[1].rounds[0].first_error = Some("\u{1b}[2Jgone\nand more".to_owned().into());
        let text = super::text(&Notes::of(&record(cells), Lang::En), 120);
        assert!(!text.contains("\u{1b}[2J"), "{text:?}");
    }

    #[test]
    fn the_same_record_renders_the_same_bytes() {
        let record = record(vec![
            cell("a", &[4.0, 4.2]),
            cell("a-textbook", &[4.0, 4.0]),
        ]);
        assert_eq!(plain(&record, 100), plain(&record, 100));
        let text = plain(&record, 100);
        assert!(text.contains("1.025  1.000–1.050"), "{text}");
    }

    #[test]
    fn an_interrupted_comparison_says_so() {
        let mut record = record(pair());
        record.complete = false;
        assert!(plain(&record, 100).contains("The run was broken off"));
    }
}
