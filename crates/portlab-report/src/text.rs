//! The report as a whole, for a terminal.

use anstyle::{AnsiColor, Style};
use portlab_stats::{
    record::{Cell, Record, Setup},
    summary::{CONTROL_SUFFIX, Figure, overheads},
    units,
};

use crate::{
    columns::{COLUMNS, CPU, Column, errors, is_chat},
    legend::legend,
    marks::{Mark, marks},
    table::{Row, Span, lay_out, total_width},
};

/// The narrowest terminal that the report is made for.
pub const NARROWEST: usize = 40;

const PLAIN: Style = Style::new();
const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const BAD: Style = AnsiColor::Red.on_default();
const WARN: Style = AnsiColor::Yellow.on_default();

/// What stands in place of a figure that isn't known.
const UNKNOWN: &str = "– ";

/// The widest bar, in characters.
const BAR: usize = 10;

/// Renders `record` for a terminal of `width` columns, at least [`NARROWEST`]. Where there is no
/// room for every column, the least telling ones are left out.
#[must_use]
pub fn text(record: &Record, width: usize) -> String {
    let width = width.max(NARROWEST);
    let mut text = heading(record, width);
    for connections in groups(record) {
        let of_group = |cell: &&Cell| cell.connections == connections;
        let cells: Vec<&Cell> = record.cells.iter().filter(of_group).collect();
        text += "\n";
        text += &group(connections, &cells, &record.setup, width);
    }
    let has_dashes = text.contains(UNKNOWN);
    text += &controls(record);
    text += &legend(record, has_dashes, width);
    text
}

fn heading(record: &Record, width: usize) -> String {
    let setup = &record.setup;
    let environment = &record.environment;
    let (what, how) = what_was_loaded(record);
    let rounds = format!(
        "{} of {} ms per cell, seed {}",
        plural(setup.rounds, "round"),
        setup.duration_ms,
        setup.seed,
    );
    let length = what.chars().count() + how.chars().count() + 2 + rounds.chars().count();
    let gap = if length <= width { "  " } else { "\n" };
    let mut text = format!(
        "{BOLD}{what}{BOLD:#}{how}{gap}{DIM}{rounds}{DIM:#}\n\
         {DIM}{}, {} cores, Linux {}{DIM:#}\n",
        environment.cpu, environment.cores, environment.kernel,
    );
    if !record.complete {
        text += &format!("{WARN}incomplete: the comparison was ended before its time{WARN:#}\n");
    }
    text
}

/// What was loaded, and how.
fn what_was_loaded(record: &Record) -> (String, String) {
    let setup = &record.setup;
    let size = units::bytes(setup.size_bytes as f64);
    let work = match setup.work.as_str() {
        "none" => String::new(),
        work => format!(", work {work}"),
    };
    if !is_chat(setup) {
        let what = format!("{} of {size}", setup.service);
        return (what, format!(", depth {}{work}", setup.depth));
    }
    let members = groups(record)
        .into_iter()
        .map(|members| members.to_string());
    let members = members.collect::<Vec<_>>().join(", ");
    let rooms = match setup.rooms.unwrap_or(1) {
        1 => "one room".to_owned(),
        rooms => plural(rooms, "room"),
    };
    let what = format!("chat of {members} members");
    let under_way = plural(setup.depth, "message");
    (
        what,
        format!(" in {rooms}, {size}, {under_way} under way{work}"),
    )
}

fn plural(count: usize, noun: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{ending}")
}

/// The numbers of connections, in the order in which they come.
fn groups(record: &Record) -> Vec<usize> {
    let mut groups: Vec<usize> = record.cells.iter().map(|cell| cell.connections).collect();
    groups.dedup();
    groups
}

/// The table of one number of connections.
fn group(connections: usize, cells: &[&Cell], setup: &Setup, width: usize) -> String {
    let noun = match is_chat(setup) {
        true => "member",
        false => "connection",
    };
    let title = Span::to_the_left(plural(connections, noun), BOLD);
    // The bars go first, then columns, the least telling first, until the rest fits.
    let mut columns: Vec<&Column> = COLUMNS.iter().collect();
    let mut bars = true;
    loop {
        let rows = rows(&title, cells, &columns, bars, setup);
        if total_width(&rows) <= width || columns.len() == 1 {
            return lay_out(&rows, width);
        }
        if !std::mem::take(&mut bars) {
            let least = columns.iter().map(|column| column.rank).min();
            columns.retain(|column| Some(column.rank) != least);
        }
    }
}

fn rows(title: &Span, cells: &[&Cell], columns: &[&Column], bars: bool, setup: &Setup) -> Vec<Row> {
    let heading = |column: &&Column| Span::new(format!("{} ", column.title(setup)), DIM);
    let mut head = vec![title.clone()];
    head.extend(columns.iter().map(heading));
    head.push(Span::new("errors", DIM));
    if bars {
        head.push(Span::to_the_left(CPU.title(setup), DIM));
    }
    let most = cells
        .iter()
        .flat_map(|cell| cell.figure(CPU.measure))
        .map(|cpu| cpu.median);
    let most = most.fold(f64::MIN_POSITIVE, f64::max);
    let mut rows = vec![Row::Cells(head)];
    let generator_was_the_limit = cells.iter().any(|cell| cell.generator_was_the_limit());
    let figures: Vec<(Vec<Option<Figure>>, Vec<Mark>)> = columns
        .iter()
        .map(|column| {
            let figures: Vec<_> = cells
                .iter()
                .map(|cell| cell.figure(column.measure))
                .collect();
            // A ranking by what the generator could do would be one of the generator.
            let refused = column.is_the_generators && generator_was_the_limit;
            let marks = if refused {
                vec![Mark::None; cells.len()]
            } else {
                let ranked = cells.iter().zip(&figures);
                let ranked = ranked.map(|(cell, figure)| figure.filter(|_| is_ranked(cell)));
                marks(&ranked.collect::<Vec<_>>(), column.better)
            };
            (figures, marks)
        })
        .collect();
    for (at, cell) in cells.iter().enumerate() {
        let name = Span::to_the_left(&cell.model, PLAIN);
        if let Some(remark) = remark(cell) {
            rows.push(Row::Remark(name, remark));
            continue;
        }
        let mut row = vec![name];
        for (column, (figures, marks)) in columns.iter().zip(&figures) {
            let limited = column.is_the_rate() && cell.generator_was_the_limit();
            row.push(figure(figures[at], marks[at], column, limited));
        }
        let errors = errors(cell);
        row.push(Span::new(
            errors.to_string(),
            if errors > 0 { BAD } else { DIM },
        ));
        if let Some(cpu) = cell.figure(CPU.measure).filter(|_| bars) {
            row.push(Span::to_the_left(bar(cpu.median / most), DIM));
        }
        rows.push(Row::Cells(row));
        if let Some(error) = cell.rounds.iter().find_map(|it| it.first_error.as_ref()) {
            let text = format!("the first error: {error}");
            rows.push(Row::Remark(Span::default(), Span::new(text, BAD)));
        }
        if let Some(failure) = cell.failures.first() {
            let text = format!(
                "{} of its rounds failed: {}",
                cell.failures.len(),
                failure.reason
            );
            rows.push(Row::Remark(Span::default(), Span::new(text, BAD)));
        }
    }
    rows
}

/// Whether a cell may be the best or the worst: not where something went wrong, for who drops
/// connections is soon done with the rest; not after a single round, which knows no chance; and not a
/// control, which is no model.
pub(crate) fn is_ranked(cell: &Cell) -> bool {
    let measured_well = errors(cell) == 0 && cell.failures.is_empty();
    measured_well && cell.rounds.len() > 1 && !cell.model.ends_with(CONTROL_SUFFIX)
}

/// What stands in place of figures, where there are none.
fn remark(cell: &Cell) -> Option<Span> {
    if let Some(reason) = &cell.not_run {
        return Some(Span::new(format!("not run: {reason}"), DIM));
    }
    if !cell.rounds.is_empty() {
        return None;
    }
    Some(match cell.failures.first() {
        Some(failure) => Span::new(format!("failed: {}", failure.reason), BAD),
        None => Span::new("not measured yet", DIM),
    })
}

fn figure(figure: Option<Figure>, mark: Mark, column: &Column, limited: bool) -> Span {
    let Some(figure) = figure else {
        return Span::new(UNKNOWN, DIM);
    };
    let (sign, style) = match mark {
        Mark::Best => ("▲", GOOD.bold()),
        Mark::WithTheBest => (" ", GOOD),
        Mark::None if limited => ("*", PLAIN),
        Mark::None => (" ", PLAIN),
        Mark::WithTheWorst => (" ", BAD),
        Mark::Worst => ("▼", BAD.bold()),
    };
    Span::new((column.write)(figure.median) + sign, style)
}

/// A bar of `share`, in `[0, 1]`, of the widest, to an eighth of a character.
fn bar(share: f64) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (share * BAR as f64 * 8.0).round().max(1.0) as usize;
    "█".repeat(eighths / 8) + EIGHTHS[eighths % 8]
}

/// What the traits cost, where controls were measured.
fn controls(record: &Record) -> String {
    let overheads = overheads(record);
    if overheads.is_empty() {
        return String::new();
    }
    let mut text = format!(
        "\n{BOLD}What the traits cost{BOLD:#}  {DIM}server CPU per message, through the traits : by hand, \
         round by round{DIM:#}\n"
    );
    for overhead in overheads {
        let Figure { median, min, max } = overhead.ratio;
        let ending = if overhead.connections == 1 { "" } else { "s" };
        text += &format!(
            "{:<12} {:>4} connection{ending}  {BOLD}{median:.3}{BOLD:#}  \
             {DIM}{min:.3} to {max:.3} in {}{DIM:#}\n",
            overhead.model,
            overhead.connections,
            if overhead.rounds == 1 {
                "1 round: no spread is known".to_owned()
            } else {
                format!("{} rounds", overhead.rounds)
            }
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use portlab_stats::record::{Environment, FORMAT, Round, Setup};

    fn round(round: usize, cpu: f64) -> Round {
        Round {
            round,
            messages: 50_000,
            elapsed_ms: 500.0,
            messages_per_s: 100_000.0,
            latency_count: None,
            latency_p50_ns: 900_000,
            latency_p90_ns: 1_000_000,
            latency_p99_ns: 2_000_000,
            latency_p999_ns: 3_000_000,
            latency_max_ns: 9_000_000,
            server_cpu_us_per_message: cpu,
            context_switches_per_message: 0.01,
            peak_pss_bytes: 2_000_000,
            threads: 1,
            processes: 1,
            errors: 0,
            first_error: None,
            generator_cpu_us_per_message: 8.0,
            generator_cpu_share: 0.8,
        }
    }

    fn cell(model: &str, cpu: &[f64]) -> Cell {
        let rounds = cpu
            .iter()
            .enumerate()
            .map(|(at, &cpu)| round(at + 1, cpu))
            .collect();
        let (model, not_run, failures) = (model.to_owned(), None, Vec::new());
        Cell {
            model,
            connections: 100,
            workers: 1,
            not_run,
            rounds,
            failures,
        }
    }

    fn record(cells: Vec<Cell>) -> Record {
        Record {
            format: FORMAT.into(),
            portlab_version: "0.0.0".into(),
            command: "portlab compare".into(),
            started_unix_s: 0,
            environment: Environment {
                kernel: "6.0".into(),
                cpu: "a processor".into(),
                cores: 2,
                open_files_limit: 1024,
                somaxconn: 4096,
                port_range_first: 1,
                port_range_last: 2,
            },
            setup: Setup {
                service: "echo".into(),
                rooms: None,
                work: "none".into(),
                size_bytes: 64,
                depth: 1,
                load_threads: 1,
                rounds: 2,
                duration_ms: 500,
                warmup_ms: 100,
                seed: 1,
            },
            complete: true,
            cells,
        }
    }

    /// The report without its colours.
    fn plain(record: &Record, width: usize) -> String {
        anstream::adapter::strip_str(&text(record, width)).to_string()
    }

    #[test]
    fn best_and_worst_are_seen_without_colour() {
        let record = record(vec![cell("fast", &[4.0, 4.2]), cell("slow", &[9.0, 9.2])]);
        let text = plain(&record, 140);
        let line = |name| text.lines().find(|line| line.starts_with(name)).unwrap();
        assert!(line("fast").contains("4.10 µs▲"), "{text}");
        assert!(line("slow").contains("9.10 µs▼"), "{text}");
        assert!(line("slow").ends_with("██████████"), "{text}");
    }

    #[test]
    fn a_cell_that_cannot_run_shows_its_reason_and_is_never_blank() {
        let mut pool = cell("pool", &[]);
        pool.not_run = Some("serves 2 at a time".into());
        let mut broken = cell("broken", &[]);
        broken.failures.push(portlab_stats::record::Failed {
            round: 1,
            reason: "it burnt".into(),
        });
        let text = plain(&record(vec![pool, broken]), 120);
        assert!(
            text.contains("pool") && text.contains("not run: serves 2 at a time"),
            "{text}"
        );
        assert!(text.contains("failed: it burnt"), "{text}");
    }

    #[test]
    fn who_made_errors_wins_nothing() {
        let mut wrong = cell("wrong", &[1.0, 1.1]);
        wrong.rounds[0].errors = 3;
        let cells = vec![wrong, cell("right", &[4.0, 4.2]), cell("slow", &[9.0, 9.2])];
        let text = plain(&record(cells), 140);
        assert!(
            text.contains("4.10 µs▲") && !text.contains("1.05 µs▲"),
            "{text}"
        );
    }

    #[test]
    fn what_the_generator_limited_is_not_ranked() {
        let mut limited = cell("limited", &[4.0, 4.2]);
        for round in &mut limited.rounds {
            round.generator_cpu_share = 0.97;
            round.messages_per_s = 200_000.0;
        }
        let text = plain(&record(vec![limited, cell("slow", &[9.0, 9.2])]), 120);
        assert!(text.contains("200k*") && !text.contains("200k▲"), "{text}");
        assert!(text.contains("the load generator was the limit"), "{text}");
    }

    #[test]
    fn no_line_of_figures_is_wider_than_the_terminal() {
        let cells = || vec![cell("event-loop", &[4.0, 4.2]), cell("fork", &[9.0, 9.2])];
        let widths = [NARROWEST, 60, 80, 100, 120, 200];
        let echo = widths.map(|width| (width, record(cells())));
        let chat = widths.map(|width| (width, chat(cells())));
        for (width, record) in echo.into_iter().chain(chat) {
            let text = plain(&record, width);
            let rows = text
                .lines()
                .filter(|line| line.starts_with("event") || line.starts_with("fork"));
            for row in rows {
                assert!(row.chars().count() <= width, "{width}: {row}");
                assert!(
                    row.contains("4.10 µs") || row.contains("9.10 µs"),
                    "CPU/msg went: {row}"
                );
            }
        }
    }

    fn chat(mut cells: Vec<Cell>) -> Record {
        for round in cells.iter_mut().flat_map(|cell| &mut cell.rounds) {
            round.latency_count = Some(500);
        }
        let mut record = record(cells);
        record.setup.service = "chat".into();
        record.setup.rooms = Some(1);
        record.setup.depth = 8;
        record
    }

    #[test]
    fn a_chat_is_told_in_deliveries_and_fan_out() {
        let record = chat(vec![cell("fast", &[4.0, 4.2]), cell("slow", &[9.0, 9.2])]);
        let text = plain(&record, 160);
        let heading = "chat of 100 members in one room, 64 B, 8 messages under way  2 rounds of";
        assert!(text.starts_with(heading), "{text}");
        for word in [
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
    fn a_quantile_of_few_fan_outs_is_not_shown_however_many_deliveries_there_were() {
        let record = chat(vec![cell("fast", &[4.0, 4.2]), cell("slow", &[9.0, 9.2])]);
        let text = plain(&record, 160);
        assert!(text.contains("2.00 ms"), "a p99 takes 100: {text}");
        assert!(!text.contains("3.00 ms"), "a p99.9 takes 1,000: {text}");
        assert!(text.contains("– too few messages"), "{text}");
        assert!(
            !plain(&record, 80).contains("– too few"),
            "nor is it missed"
        );
    }

    #[test]
    fn the_first_error_stands_under_its_cell() {
        let mut broken = cell("broken", &[4.0, 4.2]);
        broken.rounds[1].errors = 2;
        broken.rounds[1].first_error = Some("member 3 heard it twice".into());
        let text = plain(&chat(vec![broken, cell("right", &[9.0, 9.2])]), 120);
        assert!(text.contains("the first error: member 3 heard"), "{text}");
        assert!(!text.contains('▲'), "{text}");
    }

    #[test]
    fn a_record_of_older_days_is_one_of_an_echo() {
        let record = record(vec![cell("fast", &[4.0, 4.2])]);
        let mut json = serde_json::to_value(&record).unwrap();
        json["setup"].as_object_mut().unwrap().remove("service");
        assert_eq!(serde_json::from_value::<Record>(json).unwrap(), record);
    }

    #[test]
    fn the_same_record_renders_the_same_bytes() {
        let record = record(vec![cell("a", &[4.0, 4.2]), cell("a-by-hand", &[4.0, 4.0])]);
        assert_eq!(text(&record, 100), text(&record, 100));
        assert!(
            plain(&record, 100).contains("1.025"),
            "{}",
            plain(&record, 100)
        );
    }
}
