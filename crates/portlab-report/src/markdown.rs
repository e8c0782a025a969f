//! The notes as Markdown, with the tables that GitHub knows.

use portlab_words::Text;

use crate::notes::{
    Notes,
    legend::Seen,
    table::{Column, Entry, Field, Row, Table},
};

/// Writes `notes` as a page of Markdown, with every column.
#[must_use]
pub fn markdown(notes: &Notes) -> String {
    let (lang, heading) = (notes.lang, &notes.heading);
    let mut page = format!(
        "# {}\n\n{}\\\n{}\n",
        escaped(&heading.what),
        escaped(&heading.how),
        escaped(&heading.machine)
    );
    for (at, line) in notes.conclusion.iter().enumerate() {
        page += if at == 0 { "\n" } else { "" };
        page += &format!("- **{}**\n", escaped(line));
    }
    let mut seen = Seen::default();
    for workload in &notes.workloads {
        page += &format!("\n## {}\n\n", escaped(workload.name));
        if workload.title != workload.name {
            page += &format!("{}{}", escaped(workload.title), STOP.pick(lang));
        }
        page += &escaped(workload.asks);
        if !workload.details.is_empty() {
            page += &format!("\\\n{}", escaped(&workload.details));
        }
        page.push('\n');
        for finding in &workload.findings {
            page += &format!("\n- {}", escaped(&finding.sentence.plain()));
        }
        if !workload.findings.is_empty() {
            page.push('\n');
        }
        for table in &workload.tables {
            page += &section(table, &mut seen);
        }
    }
    page += &traits(notes);
    page += &format!("\n## {}\n\n", HOW.pick(lang));
    for sign in notes.legend.iter().filter(|sign| seen.needs(sign)) {
        page += &format!("- {}\n", escaped(&sign.sentence.plain()));
    }
    page += &format!("\n## {}\n\n", BEFORE.pick(lang));
    let cautions = notes.cautions.iter().map(|caution| &caution.sentence);
    for sentence in heading.checked.iter().chain(cautions) {
        page += &format!("- {}\n", escaped(&sentence.plain()));
    }
    if !notes.record.command.is_empty() {
        page += &format!("\n{}{}\n", MADE_BY.pick(lang), code(&notes.record.command));
    }
    page
}

static STOP: Text = Text::new(". ", "。");
static HOW: Text = Text::new("How to read it", "怎样阅读");
static BEFORE: Text = Text::new("Before you believe it", "相信之前请注意");
static MADE_BY: Text = Text::new("Made by ", "命令：");
static TRAITS: Text = Text::new("What the traits cost", "公共接口的代价");
static TRAITS_HOW: Text = Text::new(
    "Server CPU per message, round by round.",
    "每条消息的服务器 CPU，按轮配对。",
);
static TRAITS_HEADS: [Text; 4] = [
    Text::new("model", "模型"),
    Text::new("connections", "连接数"),
    Text::new("through the traits : by hand", "经过公共接口 : 手写"),
    Text::new("95% interval", "95% 置信区间"),
];

/// A table under its title.
fn section(table: &Table, seen: &mut Seen) -> String {
    let mut text = format!("\n### {}\n", escaped(&table.title));
    let shown = |column: &Column| !column.field.is_narrow();
    let columns: Vec<&Column> = table.columns.iter().filter(|it| shown(it)).collect();
    let mut line = |row: &Row| {
        let entries = row.entries.iter().zip(&table.columns);
        let entries = entries.filter(|(_, column)| shown(column));
        let mut write = |(entry, column): (&Entry, &Column)| {
            seen.entry(column.field, &entry.text, entry.sign);
            let sign = entry.sign.map_or(String::new(), |sign| format!(" {sign}"));
            entry.text.clone() + &sign
        };
        entries.map(&mut write).collect::<Vec<_>>()
    };
    let measured = table.rows.iter().filter(|row| !row.entries.is_empty());
    let rows: Vec<_> = measured.map(&mut line).collect();
    if !rows.is_empty() {
        let heads: Vec<_> = columns.iter().map(|column| column.head.clone()).collect();
        let left = columns.iter().map(|it| it.field == Field::Name).collect();
        text += &self::table(&heads, left, &rows);
    }
    if let Some(floor) = &table.floor {
        text += &format!("\n({floor})\n");
    }
    for (at, remark) in table.remarks.iter().enumerate() {
        text += if at == 0 { "\n" } else { "" };
        text += &format!("- {}\n", escaped(&remark.sentence.plain()));
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
fn traits(notes: &Notes) -> String {
    if notes.traits.is_empty() {
        return String::new();
    }
    let pick = |text: &Text| text.pick(notes.lang).to_owned();
    let rows = notes.traits.iter().map(|overhead| {
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
    let table = table(&TRAITS_HEADS.each_ref().map(pick), left, &rows);
    format!("\n## {}\n\n{}\n{table}", pick(&TRAITS), pick(&TRAITS_HOW))
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
        let page = markdown(&Notes::of(&record, portlab_words::Lang::En));
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
