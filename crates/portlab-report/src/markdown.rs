//! The notes as Markdown, with the tables of GitHub's dialect.

use portlab_words::Text;

use crate::{
    grid::{Grid, GridColumn, escaped},
    notes::{
        Notes,
        legend::Seen,
        table::{Column, Field, Row, Table, headed, with_families},
    },
    text::{self, PLAIN, TRAITS},
};

/// Writes `notes` as a page of Markdown, with every column.
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
            page += &format!("{}{}", escaped(workload.title), lang.pick(". ", "。"));
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

static HOW: Text = Text::new("How to read it", "怎样阅读");
static BEFORE: Text = Text::new("Cautions", "注意事项");
static MADE_BY: Text = Text::new("Made by ", "命令：");
static TRAITS_HOW: Text = Text::new(
    "Server CPU per message, round by round.",
    "每条消息的服务端 CPU，按轮配对。",
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
    let columns = table.columns.iter().map(|column| GridColumn {
        head: column.head.clone(),
        has_words: column.field == Field::Name,
        weight: None,
    });
    let mut cells = |row: &Row| {
        let cells = row.entries.iter().zip(&table.columns);
        let cells = cells.map(|(entry, column)| {
            seen.entry(column.field, &entry.text, entry.sign);
            let sign = entry.sign.map_or(String::new(), |sign| format!(" {sign}"));
            (entry.text.clone() + &sign, PLAIN)
        });
        cells.collect()
    };
    let measured = table.rows.iter().filter(|row| !row.entries.is_empty());
    let head = |family: &str| {
        let name = |column: &Column| match column.field {
            Field::Name => (headed(family), PLAIN),
            _ => (String::new(), PLAIN),
        };
        table.columns.iter().map(name).collect()
    };
    let rows = with_families(measured);
    let rows = rows.flat_map(|(family, row)| family.map(head).into_iter().chain([cells(row)]));
    let grid = Grid {
        columns: columns.collect(),
        rows: rows.collect(),
    };
    if !grid.rows.is_empty() {
        text += &format!("\n{}", grid.markdown());
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

/// What the traits cost, where controls were measured.
fn traits(notes: &Notes) -> String {
    if notes.traits.is_empty() {
        return String::new();
    }
    let heads = TRAITS_HEADS.each_ref().map(|head| head.pick(notes.lang));
    let table = text::traits(notes, heads, usize::MAX).markdown();
    let [title, how] = [&TRAITS, &TRAITS_HOW].map(|it| it.pick(notes.lang));
    format!("\n## {title}\n\n{how}\n\n{table}")
}

/// `text` as code, between more backticks than it has in a row.
pub(crate) fn code(text: &str) -> String {
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
    fn a_table_has_every_column() {
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
    fn text_is_not_interpreted_as_markdown() {
        assert_eq!(escaped("a*b_c <d>\n"), "a\\*b\\_c &lt;d> ");
        assert_eq!(code("plain"), "`plain`");
        assert_eq!(code("a `b`"), "`` a `b` ``");
    }
}
