//! The report as Markdown, with the tables that GitHub knows.

use portlab_stats::{
    analysis::{Group, groups},
    record::Record,
    summary::overheads,
};

use crate::{
    columns::percent,
    grid::{Field, Grid},
    heading::{INCOMPLETE, machine, place, what, workload},
    legend::{Seen, notes},
    tail::tail,
};

/// Renders `record` as a page of Markdown, with every column.
#[must_use]
pub fn markdown(record: &Record) -> String {
    let (what, rounds) = what(record);
    let mut page = format!(
        "# {}\n\n{}\\\n{}\n",
        escaped(&what),
        escaped(&rounds),
        escaped(&machine(record))
    );
    if !record.complete {
        page += &format!("\n**{INCOMPLETE}**\n");
    }
    let mut seen = Seen::default();
    let mut last = None;
    for group in groups(record) {
        let name = &group.workload.name;
        if last.replace(name) != Some(name) {
            let (says, details) = workload(record, group.workload);
            page += &format!("\n## {}\n\n{}", escaped(name), escaped(&says));
            if !details.is_empty() {
                page += &format!("\\\n{}", escaped(&details));
            }
            page.push('\n');
        }
        page += &section(record, &group, &mut seen);
    }
    page += &controls(record);
    page += "\n## How to read it\n\n";
    for note in notes(record, seen) {
        page += &format!("- {}\n", escaped(&note));
    }
    if !record.command.is_empty() {
        page += &format!("\nMade by {}\n", code(&record.command));
    }
    page
}

/// The table of a group, under its title.
fn section(record: &Record, group: &Group, seen: &mut Seen) -> String {
    let mut text = format!("\n### {}\n", escaped(&place(record, group)));
    let grid = Grid::new(group);
    let fields = grid.fields(true);
    let line = |at: usize| {
        let entries = fields.iter().map(|field| grid.entry(at, *field));
        let written = entries.map(|entry| {
            let sign = entry.sign.map_or(String::new(), |sign| format!(" {sign}"));
            entry.text + &sign
        });
        written.collect::<Vec<_>>()
    };
    let rows: Vec<_> = grid.rows().map(line).collect();
    if !rows.is_empty() {
        let heads: Vec<_> = fields.iter().map(|field| grid.head(*field)).collect();
        let left = fields.iter().map(|field| *field == Field::Name).collect();
        text += &table(&heads, left, &rows);
        seen.lacks_quantiles |= grid.lacks_quantiles(&fields);
        seen.ratios |= fields.contains(&Field::WideRatio);
        seen.intervals |= fields.contains(&Field::Interval);
    }
    if grid.ranking().last().is_some() {
        let floor = grid.ranking().floor;
        let how = if floor.measured { "" } else { ", assumed" };
        text += &format!("\nNoise floor {}{how}.\n", percent(floor.share));
    }
    let tail = tail(group);
    if !tail.is_empty() {
        text.push('\n');
    }
    for (_, line) in tail {
        text += &format!("- {}\n", escaped(&line));
    }
    text
}

/// A table of `rows` under `heads`; the columns that are `left` stand at the left.
pub(crate) fn table(heads: &[String], left: Vec<bool>, rows: &[Vec<String>]) -> String {
    let line = |cells: &[String]| {
        let cells: Vec<_> = cells.iter().map(|cell| escaped(cell)).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let rules = left.iter().map(|left| if *left { ":---" } else { "---:" });
    let rules = rules.collect::<Vec<_>>().join("|");
    let rows: String = rows.iter().map(|row| line(row)).collect();
    format!("\n{}|{rules}|\n{rows}", line(heads))
}

/// What the traits cost, where controls were measured.
fn controls(record: &Record) -> String {
    let overheads = overheads(record);
    if overheads.is_empty() {
        return String::new();
    }
    let heads = [
        "model",
        "connections",
        "through the traits : by hand",
        "95% interval",
    ];
    let rows = overheads.iter().map(|overhead| {
        let ratio = overhead.ratio;
        vec![
            overhead.model.clone(),
            overhead.connections.to_string(),
            format!("{:.3}", ratio.median),
            format!("{:.3}–{:.3}", ratio.low, ratio.high),
        ]
    });
    let rows: Vec<_> = rows.collect();
    let left = vec![true, false, false, false];
    let table = table(&heads.map(str::to_owned), left, &rows);
    format!("\n## What the traits cost\n\nServer CPU per message, round by round.\n{table}")
}

/// `text` as it is read, whatever characters of Markdown are in it.
pub(crate) fn escaped(text: &str) -> String {
    let mut safe = String::new();
    for character in text.chars() {
        match character {
            '\\' | '`' | '*' | '_' | '|' | '[' | ']' | '~' | '#' => {
                safe.push('\\');
                safe.push(character);
            }
            '&' => safe += "&amp;",
            '<' => safe += "&lt;",
            control if control.is_control() => safe.push(' '),
            other => safe.push(other),
        }
    }
    safe
}

/// `text` as code, between more backticks than it has in a row.
fn code(text: &str) -> String {
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let runs = text.split(|c| c != '`').map(str::len);
    let fence = "`".repeat(runs.max().unwrap_or(0) + 1);
    let gap = if fence.len() > 1 { " " } else { "" };
    format!("{fence}{gap}{text}{gap}{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use portlab_stats::fixture::{cell, record, twin};

    #[test]
    fn a_table_has_every_column_and_stays_one() {
        let record = record(vec![
            cell("a|b", &[4.0, 4.2, 4.1]),
            twin("a|b", &[4.0, 4.2, 4.1]),
            cell("c", &[9.0, 9.2, 9.1]),
        ]);
        let page = markdown(&record);
        let rows: Vec<_> = page.lines().filter(|line| line.starts_with('|')).collect();
        assert_eq!(rows.len(), 5, "{page}");
        let columns = |row: &str| row.replace("\\|", "").matches('|').count();
        assert!(
            rows.iter().all(|row| columns(row) == columns(rows[0])),
            "{page}"
        );
        assert!(
            rows[2].starts_with("| 1 | a\\|b | 4.10 µs ▲ | 4.00–4.20 µs |"),
            "{page}"
        );
        assert!(page.contains("Made by `portlab compare`"), "{page}");
    }

    #[test]
    fn nothing_in_a_text_is_taken_for_markdown() {
        assert_eq!(escaped("a*b_c <d>\n"), "a\\*b\\_c &lt;d> ");
        assert_eq!(code("plain"), "`plain`");
        assert_eq!(code("a `b`"), "`` a `b` ``");
    }
}
