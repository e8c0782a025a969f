//! Two runs compared, in words and tables.

use anstyle::Style;
use portlab_stats::{
    changes::{Change, Changes, Pair, Pairs, Reason, Trend, Unlike, changes},
    estimate::Estimate,
    measure::Measure,
    record::{Cell, Record},
};
use portlab_words::{
    Lang, plural,
    style::{DIM, GOOD, HEAD, WARN},
    table::cut,
    tr,
};

use crate::{
    grid::{Grid, GridColumn, escaped},
    notes::{
        figures::{figure_of, percent},
        heading::date,
        names, place_of,
        table::{ALIKE, FIRST, LAST},
    },
    text::{BAD, NARROWEST, PLAIN, filled},
};

/// Renders how `after` differs from `before`, the earlier run, for a terminal of `width` columns, at
/// least [`NARROWEST`].
pub fn changes_text(before: &Record, after: &Record, lang: Lang, width: usize) -> String {
    let width = width.max(NARROWEST);
    let report = Report::of(before, after, lang);
    let mut text = filled(&report.summary(), HEAD, width);
    for run in report.runs(lang.pick("now:    ", "现在：")) {
        text += &filled(&run, DIM, width);
    }
    for unlike in &report.changes.unlike {
        text += &filled(&told(unlike, lang), WARN, width);
    }
    for pairs in &report.changes.groups {
        text.push('\n');
        text += &filled(&report.place(pairs), HEAD, width);
        text += &filled(&report.goes_by(pairs), DIM, width);
        if let Some(grid) = report.grid(pairs, width) {
            text += &grid.text(width).1;
        }
        for line in report.incomparable(pairs) {
            text += &filled(&line, DIM, width);
        }
    }
    text.push('\n');
    for note in report.notes() {
        text += &filled(&note, PLAIN, width);
    }
    text
}

/// Renders how `after` differs from `before`, the earlier run, as Markdown.
pub fn changes_markdown(before: &Record, after: &Record, lang: Lang) -> String {
    let report = Report::of(before, after, lang);
    let list = |lines: Vec<String>| -> String {
        let lines = lines.iter().map(|line| format!("- {}\n", escaped(line)));
        lines.collect()
    };
    let (title, summary) = (
        lang.pick("Two runs compared", "两次测量的对比"),
        escaped(&report.summary()),
    );
    let runs = list(report.runs(lang.pick("now: ", "现在：")).into());
    let mut page = format!("# {title}\n\n{summary}\n\n{runs}");
    for unlike in &report.changes.unlike {
        page += &format!("- **{}**\n", escaped(&told(unlike, lang)));
    }
    for pairs in &report.changes.groups {
        let (title, goes_by) = (report.place(pairs), report.goes_by(pairs));
        page += &format!("\n## {}\n\n{}\n", escaped(&title), escaped(&goes_by));
        if let Some(grid) = report.grid(pairs, usize::MAX) {
            page += &format!("\n{}", grid.markdown());
        }
        let incomparable = list(report.incomparable(pairs).collect());
        if !incomparable.is_empty() {
            page += &format!("\n{incomparable}");
        }
    }
    let how = lang.pick("How to read it", "怎样阅读");
    page + &format!("\n## {how}\n\n{}", list(report.notes()))
}

/// What has changed, in one language.
struct Report<'a> {
    before: &'a Record,
    after: &'a Record,
    changes: Changes<'a>,
    lang: Lang,
}

impl<'a> Report<'a> {
    fn of(before: &'a Record, after: &'a Record, lang: Lang) -> Self {
        Self {
            before,
            after,
            changes: changes(before, after),
            lang,
        }
    }

    /// How many cells have changed, and how many haven't.
    fn summary(&self) -> String {
        let lang = self.lang;
        let count = |trend: &Trend| {
            let pairs = self.changes.pairs();
            pairs.filter(|pair| pair.change().trend == *trend).count()
        };
        let all = self.changes.pairs().count();
        let [worse, better, unseen] =
            [Trend::Worse, Trend::Better, Trend::Unseen].map(|it| count(&it));
        let (floors, others) = (self.floors(), all - worse - better - unseen);
        if others == all {
            return tr!(
                lang,
                "nothing can be compared: no cell was measured without errors in both runs",
                "没有可以比较的：没有一个测点在两次测量里都正常"
            );
        }
        let parts = [
            (worse, tr!(lang, "{worse} worse now", "{worse} 个变差")),
            (better, tr!(lang, "{better} better now", "{better} 个变好")),
            (
                unseen,
                match unseen == all {
                    true => tr!(
                        lang,
                        "no change that these runs could see ({floors})",
                        "这两次测量看不出变化（{floors}）"
                    ),
                    false => tr!(
                        lang,
                        "{unseen} with no change that these runs could see ({floors})",
                        "{unseen} 个看不出变化（{floors}）"
                    ),
                },
            ),
            (
                others,
                tr!(lang, "{others} not compared", "{others} 个没有比较"),
            ),
        ];
        let parts = parts.into_iter().filter(|(count, _)| *count > 0);
        let parts: Vec<String> = parts.map(|(_, part)| part).collect();
        let (cells, parts) = (
            plural(all as u64, "cell"),
            parts.join(lang.pick(", ", "，")),
        );
        tr!(
            lang,
            "{cells} in both runs: {parts}",
            "两次测量共有 {all} 个测点：{parts}"
        )
    }

    /// The floors of what was compared.
    fn floors(&self) -> String {
        let floors = || {
            let groups = self.changes.groups.iter();
            groups.map(|pairs| pairs.pairs[0].change().floor.share)
        };
        let lowest = percent(floors().fold(f64::INFINITY, f64::min));
        let highest = percent(floors().fold(0.0, f64::max));
        match lowest == highest {
            true => tr!(self.lang, "floor {lowest}", "噪声水平 {lowest}"),
            false => tr!(
                self.lang,
                "floors {lowest} to {highest}",
                "噪声水平 {lowest} 到 {highest}"
            ),
        }
    }

    /// When each run was, and how much of it there is; `now` stands before the later one.
    fn runs(&self, now: &str) -> [String; 2] {
        let lang = self.lang;
        let before = lang.pick("before: ", "之前：");
        [(before, self.before), (now, self.after)].map(|(when, record)| {
            let incomplete = match record.complete {
                true => "",
                false => lang.pick(", incomplete", "，未做完"),
            };
            let (date, count) = (date(record.started_unix_s), record.setup.rounds);
            let rounds = plural(count as u64, "round");
            let (version, command) = (&record.portlab_version, &record.command);
            tr!(
                lang,
                "{when}{date}, {rounds}{incomplete}, portlab {version}: {command}",
                "{when}{date}，{count} 轮{incomplete}，portlab {version}：{command}"
            )
        })
    }

    /// Where the cells of `pairs` are.
    fn place(&self, pairs: &Pairs) -> String {
        let group = &pairs.group;
        place_of(self.after, &group.workload.name, group.point, self.lang)
    }

    /// What a table goes by.
    fn goes_by(&self, pairs: &Pairs) -> String {
        let floor = pairs.pairs[0].change().floor;
        let (by, share) = (self.name(pairs, pairs.measures[0]), percent(floor.share));
        match floor.measured {
            true => tr!(self.lang, "{by}, floor {share}", "{by}，噪声水平 {share}"),
            false => tr!(
                self.lang,
                "{by}, floor {share} assumed",
                "{by}，噪声水平按 {share} 估计"
            ),
        }
    }

    fn name(&self, pairs: &Pairs, measure: Measure) -> String {
        let label = names::measure(measure, pairs.group.workload.counts);
        label.short.pick(self.lang).to_owned()
    }

    /// The cells that don't compare, with the reason.
    fn incomparable(&self, pairs: &Pairs) -> impl Iterator<Item = String> {
        pairs.pairs.iter().filter_map(|pair| {
            let Trend::NotComparable(reason) = &pair.change().trend else {
                return None;
            };
            let (model, why) = (&pair.after.model, why(reason, self.lang));
            Some(tr!(
                self.lang,
                "not compared: {model} ({why})",
                "没有比较：{model}（{why}）"
            ))
        })
    }

    /// The table of the cells that compare by the ranked measure; `None` if there are none. On a terminal of `width`
    /// columns, a name takes at most a third.
    fn grid(&self, pairs: &Pairs, width: usize) -> Option<Grid> {
        let lang = self.lang;
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
            words(lang.pick("model", "模型")),
            column(lang.pick("before", "之前"), Some(11)),
            column(lang.pick("now", "现在"), Some(12)),
            column(lang.pick("change", "变化"), None),
            column(lang.pick("95% interval", "95% 置信区间"), Some(10)),
            words(""),
        ];
        let others = pairs.measures.iter().skip(1).zip((0..9).rev());
        // The head stands above the figures, and not above their signs.
        columns.extend(
            others.map(|(&it, weight)| column(&(self.name(pairs, it) + " "), Some(weight))),
        );
        let compared = pairs.pairs.iter();
        let compared = compared.filter(|pair| pair.change().ratio.is_some());
        let rows: Vec<_> = compared.map(|pair| self.row(pair, width)).collect();
        (!rows.is_empty()).then_some(Grid { columns, rows })
    }

    fn row(&self, pair: &Pair, width: usize) -> Vec<(String, Style)> {
        let (lang, change) = (self.lang, pair.change());
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
        let ends = [
            changed(change.ratio, |it| it.low),
            changed(change.ratio, |it| it.high),
        ];
        let seen = match change.trend {
            Trend::Better => lang.pick("▲ better", "▲ 变好"),
            Trend::Worse => lang.pick("▼ worse", "▼ 变差"),
            Trend::Unseen => lang.pick("no change seen", "看不出变化"),
            Trend::NotComparable(_) => lang.pick("not compared", "没有比较"),
        };
        let mut row = vec![
            (cut(&pair.after.model, width / 3), own),
            (figure(change.before), DIM),
            (figure(change.after), own),
            (changed(change.ratio, |it| it.median), trend),
            (ends.join(lang.pick(" to ", " 至 ")), DIM),
            (seen.to_owned(), trend),
        ];
        row.extend(pair.changes.iter().skip(1).map(|it| (beside(it), DIM)));
        row
    }

    /// What the words mean, and what the runs can't tell.
    fn notes(&self) -> Vec<String> {
        let (lang, changes) = (self.lang, &self.changes);
        let mut notes = Vec::new();
        if !changes.only_before.is_empty() {
            let cells = self.named(self.before, &changes.only_before);
            notes.push(tr!(lang, "Only before: {cells}.", "只在之前：{cells}。"));
        }
        if !changes.only_after.is_empty() {
            let cells = self.named(self.after, &changes.only_after);
            notes.push(tr!(lang, "Only now: {cells}.", "只在现在：{cells}。"));
        }
        let floors = changes.groups.iter();
        let floors = floors.map(|it| it.pairs[0].change().floor.share);
        let floor = floors.fold(0.0, f64::max);
        if let Some(common) = changes.common().filter(|it| it.abs() > floor) {
            let share = percent(common.abs());
            let way = match common > 0.0 {
                true => lang.pick("worse", "变差"),
                false => lang.pick("better", "变好"),
            };
            notes.push(tr!(
                lang,
                "The median of all cells is {share} {way}: the cause is more likely something that all cells share, or the machine, than a model.",
                "所有测点的中位数{way}了 {share}：让它们一起变动的，是共有的部分或机器，而不是某个模型。"
            ));
        }
        if changes.pairs().any(|pair| pair.change().ratio.is_some()) {
            notes.push(tr!(
                lang,
                "One run of each can't tell a change of the program from a change of the machine: two runs of the same program differ, too. To know, measure both builds in one run (portlab compare --against), or repeat both in turn and give folders of runs.",
                "各测一次分不清是程序变了还是机器变了：同一程序的两次测量也不相同。要弄清楚，请在一次测量里比较两个版本（portlab compare --against），或轮流重复测量，再给出各自的文件夹。"
            ));
            notes.push(tr!(
                lang,
                "A change is seen if its interval leaves out 0 and the change is above the floor: the difference of equal servers within a run, the larger one of both runs. The floor doesn't include differences between two days on one machine.",
                "区间不含 0、而且超过噪声水平（取两次测量中较大的一个，即一次测量内同一模型自己相差多少），才算看出变化。同一台机器两天之间的差别不在噪声水平里。"
            ));
            notes.push(tr!(
                lang,
                "The last columns show how other figures have changed: {FIRST} better, {LAST} worse, {ALIKE} no change seen, – not comparable.",
                "后面几列是其他数字的变化：{FIRST} 变好，{LAST} 变差，{ALIKE} 看不出变化，– 不可比较。"
            ));
        }
        notes
    }

    /// The cells, by workload and point.
    fn named(&self, record: &Record, cells: &[&Cell]) -> String {
        let lang = self.lang;
        let mut places: Vec<(String, Vec<&str>)> = Vec::new();
        for cell in cells {
            let place = place_of(record, &cell.workload, cell.point, lang);
            match places.last_mut() {
                Some((last, models)) if *last == place => models.push(&cell.model),
                _ => places.push((place, vec![&cell.model])),
            }
        }
        let parts = places.iter().map(|(place, models)| {
            let models = models.join(lang.pick(", ", "、"));
            tr!(lang, "{models} at {place}", "{models}（{place}）")
        });
        let parts: Vec<String> = parts.collect();
        parts.join(lang.pick("; ", "；"))
    }
}

fn told(unlike: &Unlike, lang: Lang) -> String {
    let Unlike {
        what,
        before,
        after,
    } = unlike;
    let [what, before, after] = [what, before, after].map(|it| it.pick(lang));
    tr!(
        lang,
        "not the same {what}: {before} before, {after} now",
        "{what}不同：之前是 {before}，现在是 {after}"
    )
}

pub(crate) fn why(reason: &Reason, lang: Lang) -> String {
    let why = match reason {
        Reason::NotMeasured => lang.pick("its figure isn't known in both", "并非两边都测到"),
        Reason::ErrorsBefore => lang.pick("errors or failures before", "之前有错误或失败"),
        Reason::ErrorsNow => lang.pick("errors or failures now", "现在有错误或失败"),
        Reason::ErrorsInBoth => lang.pick("errors or failures in both", "两边都有错误或失败"),
        Reason::OneRound => lang.pick(
            "a single round can't tell a change from chance",
            "只有一轮，无法估计偶然误差",
        ),
        Reason::Generator => lang.pick("the generator was the limit", "瓶颈是负载生成器"),
        Reason::Rates => lang.pick("the rates are too far apart", "两边的速率相差太大"),
        Reason::Workload(unlike) => {
            let told = told(unlike, lang);
            return tr!(lang, "another workload; {told}", "两边的负载不同：{told}");
        }
    };
    why.to_owned()
}

/// The change of a measure that isn't ranked.
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

#[cfg(test)]
pub(crate) mod tests {
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
        let text = changes_text(before, after, Lang::En, width);
        anstream::adapter::strip_str(&text).to_string()
    }

    /// Makes sure that no line of `text` is wider than the terminal, and that a cell that is 20% worse stays in it.
    pub(crate) fn fits(text: impl Fn(Lang, usize) -> String) {
        for width in NARROWEST..=140 {
            for (lang, worse) in [(Lang::En, "▼ worse"), (Lang::Zh, "▼ 变差")] {
                let text = text(lang, width);
                let text = anstream::adapter::strip_str(&text).to_string();
                for line in text.lines() {
                    assert!(line.width() <= width, "{width}: {line}");
                }
                assert!(text.contains("+20%") && text.contains(worse), "{text}");
            }
        }
    }

    #[test]
    fn a_change_and_an_unchanged_cell_are_told() {
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
    fn a_cell_that_does_not_compare_is_named_with_its_reason() {
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
        let (before, after) = (run_of(1.0), run_of(1.2));
        fits(|lang, width| changes_text(&before, &after, lang, width));
    }

    #[test]
    fn a_page_of_changes_has_its_table() {
        let page = changes_markdown(&run_of(1.0), &run_of(1.2), Lang::En);
        assert!(
            page.contains("| event-loop | 4.10 µs | 4.92 µs | +20% |"),
            "{page}"
        );
    }
}
