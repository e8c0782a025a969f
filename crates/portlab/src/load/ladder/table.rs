//! A row for each rate, with as many columns as the terminal has room for.

use anstyle::Style;
use portlab_load::{Latency, Plan};
use portlab_words::{tr, units};
use textwrap::core::display_width;

use super::super::{
    step::Step,
    words::{Page, headline_of_a_ladder, quantile},
};
use crate::args::{DIM, HEAD};

/// The columns that there is room for.
pub(in crate::load) struct Table {
    /// From left to right.
    columns: Vec<&'static Column>,
    /// How many cells a bar has at most; 0 when there are none.
    bar: usize,
}

/// In English and in Chinese.
type Name = (&'static str, &'static str);

struct Column {
    name: Name,
    /// With the gap before it.
    width: usize,
    /// Columns with a low rank are kept longest when there is little room.
    rank: u8,
    style: Style,
    value: fn(&Step) -> String,
}

impl Table {
    /// A table that is no wider than `width`, if its first column fits.
    pub(in crate::load) fn of_width(width: usize) -> Self {
        let mut by_rank: Vec<&Column> = COLUMNS.iter().collect();
        by_rank.sort_by_key(|column| column.rank);
        let mut room = width;
        let fits = |column: &&&Column| {
            let left = room.checked_sub(column.width);
            room = left.unwrap_or(0);
            left.is_some()
        };
        let last = by_rank.iter().take_while(fits).last();
        let last = last.map_or(0, |column| column.rank);
        let (bars, columns): (Vec<_>, Vec<_>) = COLUMNS
            .iter()
            .filter(|column| column.rank <= last)
            .partition(|column| column.rank == BARS);
        let taken: usize = columns.iter().map(|column| column.width).sum();
        let bar = match bars.is_empty() {
            true => 0,
            false => (width - taken - GAP).min(MOST_CELLS),
        };
        Self { columns, bar }
    }

    /// A table without bars that leaves `room` columns at the end of each row.
    pub(in crate::load) fn with_room(width: usize, room: usize) -> Self {
        let table = Self::of_width(width.saturating_sub(room));
        Self { bar: 0, ..table }
    }

    pub(super) fn head(&self, page: &mut Page, plan: &Plan, rates: &[f64]) {
        let lang = page.lang;
        let ends = [rates.first(), rates.last()].map(|end| end.copied().unwrap_or_default());
        let headline = headline_of_a_ladder(plan, ends, lang);
        page.head(&plan.targets_text(), &headline);
        let each = plan.stop.after.map_or(String::new(), |time| {
            let time = units::time(time);
            tr!(lang, " of {time} each", "，每个 {time}")
        });
        let sent = match self.columns.iter().any(|column| column.name == SENT) {
            true => lang.pick(
                "; p99 sent: from when it was sent",
                "；发送 p99：从发送时算起",
            ),
            false => "",
        };
        let steps = rates.len();
        let text = tr!(
            lang,
            "{steps} rates{each}; latency from when a message was due{sent}",
            "{steps} 个速率{each}；延迟从消息到期时算起{sent}"
        );
        page.add("", DIM, &text);
        let bars = match self.bar {
            0 => String::new(),
            _ => format!("{:GAP$}{}", "", lang.pick(BAR_HEAD.0, BAR_HEAD.1)),
        };
        self.heads(page, &bars);
    }

    /// The names of the columns, and of what is `last` in a row.
    pub(in crate::load) fn heads(&self, page: &mut Page, last: &str) {
        let lang = page.lang;
        let of_column = |it: &&Column| {
            let name = lang.pick(it.name.0, it.name.1);
            format!("{:1$}{name}", "", it.width - display_width(name))
        };
        let heads: String = self.columns.iter().map(of_column).collect();
        page.text += &format!("{HEAD}{heads}{last}{HEAD:#}\n");
    }

    pub(in crate::load) fn row(&self, step: &Step) -> String {
        let of_column = |column: &&Column| {
            // A space separates even a long value from the one before.
            let (style, width) = (column.style, column.width - 1);
            format!("{style} {:>width$}{style:#}", (column.value)(step))
        };
        let mut row: String = self.columns.iter().map(of_column).collect();
        if self.bar > 0 {
            let cells = cells(step.result.latency_ns.quantile_ns(0.99)).min(self.bar);
            row += &format!("{:GAP$}{}", "", "█".repeat(cells));
        }
        row + "\n"
    }
}

/// The cells of a bar: one more each time the latency doubles, from 16 µs on; 0 without a latency.
fn cells(p99_ns: u64) -> usize {
    if p99_ns == 0 {
        return 0;
    }
    (p99_ns as f64 / 16_000.0).max(1.0).log2().round() as usize + 1
}

fn p99(latency: Option<&Latency>) -> String {
    latency.map_or(String::new(), |it| quantile(it, 0.99))
}

/// Between the last column and the bars.
const GAP: usize = 2;
/// The longest bar stands for some two minutes.
const MOST_CELLS: usize = 24;
const BAR_HEAD: Name = ("p99 (a cell: x 2)", "p99（每格翻倍）");
/// The rank of the bars.
const BARS: u8 = 6;
const SENT: Name = ("p99 sent", "发送 p99");

const PLAIN: Style = Style::new();

/// All columns, from left to right.
const COLUMNS: [Column; 10] = [
    column(("rate", "速率"), 10, 0, PLAIN, Step::rate),
    column(("kept", "达到"), 8, 2, PLAIN, |step| {
        let share = step.result.messages_per_s / step.asked_per_s();
        format!("{:.1}%", share * 100.0)
    }),
    column(("p50", "p50"), 10, 3, PLAIN, |step| {
        quantile(&step.result.latency_ns, 0.5)
    }),
    column(("p99", "p99"), 10, 1, PLAIN, |step| {
        quantile(&step.result.latency_ns, 0.99)
    }),
    column(("p99.9", "p99.9"), 10, 9, PLAIN, |step| {
        quantile(&step.result.latency_ns, 0.999)
    }),
    column(SENT, 10, 8, DIM, |step| {
        p99(step.result.uncorrected_latency_ns.as_ref())
    }),
    column(("lag p99", "滞后 p99"), 10, 5, DIM, |step| {
        p99(step.result.pacing_lag_ns.as_ref())
    }),
    column(("gen", "生成器"), 7, 7, DIM, |step| {
        format!("{:.0}%", step.result.generator_cpu_share * 100.0)
    }),
    column(
        ("lost", "丢失"),
        8,
        4,
        PLAIN,
        |Step { result, .. }| (result.errors + result.unanswered + result.due_not_sent).to_string(),
    ),
    // The bars are drawn by `Table::row`.
    column(BAR_HEAD, GAP + BAR_HEAD.0.len(), BARS, PLAIN, |_| {
        String::new()
    }),
];

const fn column(
    name: Name,
    width: usize,
    rank: u8,
    style: Style,
    value: fn(&Step) -> String,
) -> Column {
    Column {
        name,
        width,
        rank,
        style,
        value,
    }
}

#[cfg(test)]
mod tests {
    use portlab_words::Lang;

    use super::*;
    use crate::load::text::tests::plain;

    fn heads(width: usize) -> String {
        heads_in(Lang::En, width)
    }

    fn heads_in(lang: Lang, width: usize) -> String {
        let plan = Plan::new(std::net::SocketAddr::from(([127, 0, 0, 1], 9)));
        let mut page = Page::new(width, lang);
        Table::of_width(width).head(&mut page, &plan, &[1e3, 2e4]);
        let text = plain(&page.text);
        let widest = text.lines().map(display_width).max();
        assert!(widest.unwrap() <= width, "{width}:\n{text}");
        let last = text.lines().last().unwrap_or_default().trim_start();
        last.to_owned()
    }

    #[test]
    fn a_narrow_terminal_loses_the_columns_that_matter_least() {
        let all = "rate    kept       p50       p99     p99.9  p99 sent   lag p99    gen    lost  \
                   p99 (a cell: x 2)";
        assert_eq!(heads(200), all);
        let with_bars = "rate    kept       p50       p99   lag p99    lost  p99 (a cell: x 2)";
        assert_eq!(heads(80), with_bars);
        assert_eq!(
            heads(60),
            "rate    kept       p50       p99   lag p99    lost"
        );
        assert_eq!(heads(40), "rate    kept       p50       p99");
        assert_eq!(heads(30), "rate    kept       p99");
        assert_eq!(heads_in(Lang::Zh, 30), "速率    达到       p99");
    }

    #[test]
    fn a_bar_has_the_room_that_the_columns_leave() {
        let cells = [200, 80, 75, 74].map(|width| Table::of_width(width).bar);
        assert_eq!(cells, [24, 22, 17, 0]);
        assert_eq!([0, 1_000, 32_000].map(super::cells), [0, 1, 2]);
    }
}
