//! Rows in columns, Chinese too.

use unicode_width::UnicodeWidthStr;

/// Rows in columns.
#[must_use]
pub(crate) fn table<const N: usize>(rows: &[[String; N]]) -> String {
    in_columns(rows, "  ")
}

/// The same, with `gap` between columns.
pub(super) fn in_columns<const N: usize>(rows: &[[String; N]], gap: &str) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths);
        let cells =
            cells.map(|(cell, width)| format!("{cell}{}", " ".repeat(width - cell.width())));
        let line = cells.collect::<Vec<_>>().join(gap);
        line.trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Figures under a head, each row with its name: names to the left, figures to the right.
#[must_use]
pub(crate) fn figures<const N: usize>(head: [&str; N], rows: &[(&str, [String; N])]) -> String {
    let names = rows.iter().map(|(name, _)| name.width()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(|at| {
        let cells = rows.iter().map(|(_, cells)| cells[at].width());
        cells.chain([head[at].width()]).max().unwrap_or(0)
    });
    let line = |name: &str, cells: [&str; N]| {
        let mut line = format!("{name}{}", " ".repeat(names - name.width()));
        for (cell, width) in cells.iter().zip(widths) {
            line += &format!("  {}{cell}", " ".repeat(width - cell.width()));
        }
        line
    };
    let rows = rows
        .iter()
        .map(|(name, cells)| line(name, cells.each_ref().map(String::as_str)));
    [line("", head)]
        .into_iter()
        .chain(rows)
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_also_in_chinese() {
        let rows = [["端口", "b"], ["a", "c"]].map(|row| row.map(str::to_owned));
        assert_eq!(table(&rows), "端口  b\na     c");
    }

    #[test]
    fn figures_stand_to_the_right() {
        let rows = [("fork", ["51".to_owned()]), ("a", ["1".to_owned()])];
        assert_eq!(
            figures(["进程"], &rows),
            "      进程\nfork    51\na        1"
        );
    }
}
