//! A program beside another build of it: the decision of a gate, in words and a table.

use anstyle::Style;
use portlab_stats::{
    gate::{Decision, EACH, Gate, Judged, Unit},
    record::{Cell, Kind, Record},
};
use portlab_words::{
    Lang, Text, plural,
    style::{DIM, GOOD, HEAD, WARN},
    table::cut,
    tr,
};

use crate::{
    changes::{changed, why},
    grid::{Grid, GridColumn, escaped},
    notes::{
        figures::{figure_of, percent},
        place_of,
    },
    text::{BAD, NARROWEST, PLAIN, filled},
};

/// The columns: their heads, whether they have words, and their weight. The lowest weight is left out first.
static COLUMNS: [(Text, bool, Option<u8>); 8] = [
    (Text::new("model", "模型"), true, None),
    (Text::new("at", "测点"), true, Some(2)),
    (Text::new("other", "对照版本"), false, Some(1)),
    (Text::new("this", "本版本"), false, Some(1)),
    (Text::new("change", "变化"), false, None),
    (Text::new("95% interval", "95% 置信区间"), false, Some(3)),
    (Text::new("chance", "偶然概率"), false, Some(4)),
    (Text::new("", ""), true, None),
];

/// Renders what `gate` says in the language `lang`, for a terminal of `width` columns, at least
/// [`NARROWEST`]; `record` is the one that was judged, or the last of them.
pub fn gate_text(gate: &Gate, record: &Record, lang: Lang, width: usize) -> String {
    let width = width.max(NARROWEST);
    let report = Report { gate, record, lang };
    let title = filled(&report.title(), HEAD, width);
    let summary = filled(&report.summary(), PLAIN, width);
    let (_, table) = report.grid(width).text(width);
    let notes = report.notes().map(|note| filled(&note, PLAIN, width));
    format!("{title}{summary}\n{table}\n{}", notes.concat())
}

/// Renders what `gate` says as Markdown.
pub fn gate_markdown(gate: &Gate, record: &Record, lang: Lang) -> String {
    let report = Report { gate, record, lang };
    let (title, summary) = (escaped(&report.title()), escaped(&report.summary()));
    let table = report.grid(usize::MAX).markdown();
    let notes = report.notes().map(|note| format!("- {}\n", escaped(&note)));
    format!("# {title}\n\n{summary}\n\n{table}\n{}", notes.concat())
}

/// What fails a program and what can't be decided, a sentence each; `record` is the one that was judged, or the last of
/// them.
pub fn gate_findings(gate: &Gate, record: &Record, lang: Lang) -> Vec<String> {
    let report = Report { gate, record, lang };
    let finding = |it: &Judged| {
        let (model, place) = (&it.cell.model, report.at(it));
        Some(match &it.decision {
            Decision::Worse => {
                let by = percent(it.ratio.map_or(0.0, |ratio| it.worsening(ratio.median)));
                let most = percent(gate.bar);
                tr!(
                    lang,
                    "failed: {model} at {place}: worse by {by}, more than {most}",
                    "失败：{model}，{place}：变差 {by}，超过 {most}"
                )
            }
            Decision::Broken => tr!(
                lang,
                "failed: {model} at {place}: errors or failures that the other program doesn't have",
                "失败：{model}，{place}：出现了另一个程序没有的错误"
            ),
            decision if decision.is_open() => {
                let decision = report.decision(it);
                tr!(
                    lang,
                    "not decided: {model} at {place}: {decision}",
                    "无法判定：{model}，{place}：{decision}"
                )
            }
            _ => return None,
        })
    };
    gate.judged.iter().filter_map(finding).collect()
}

/// What a gate says, in one language.
struct Report<'a> {
    gate: &'a Gate<'a>,
    record: &'a Record,
    lang: Lang,
}

impl Report<'_> {
    /// Where a cell is.
    fn at(&self, judged: &Judged) -> String {
        let Cell {
            workload, point, ..
        } = judged.cell;
        place_of(self.record, workload, *point, self.lang)
    }

    fn title(&self) -> String {
        let build = self.record.entrants.iter().find_map(|it| match &it.kind {
            Kind::Build {
                program, version, ..
            } => Some(format!("{program} (portlab {version})")),
            _ => None,
        });
        match (self.gate.unit, build) {
            (Unit::Round, Some(build)) => tr!(
                self.lang,
                "This build beside {build}",
                "本版本与 {build} 的对比"
            ),
            _ => tr!(
                self.lang,
                "Runs compared in pairs: before, and now",
                "成对比较的多次测量：之前与现在"
            ),
        }
    }

    /// How many cells are worse, and how many aren't.
    fn summary(&self) -> String {
        let (lang, bar) = (self.lang, percent(self.gate.bar));
        type Is = fn(&Decision) -> bool;
        let parts: [(Is, String); 6] = [
            (
                |it| *it == Decision::Worse,
                tr!(lang, "worse by more than {bar}", "个变差超过 {bar}"),
            ),
            (
                |it| *it == Decision::Broken,
                tr!(lang, "broken", "个出了错"),
            ),
            (
                |it| *it == Decision::Better,
                tr!(lang, "better by more than {bar}", "个变好超过 {bar}"),
            ),
            (
                |it| *it == Decision::Fine,
                tr!(lang, "not worse by more than {bar}", "个没有变差超过 {bar}"),
            ),
            (Decision::is_open, tr!(lang, "not decided", "个无法判定")),
            (
                |it| matches!(it, Decision::NotComparable(_)),
                tr!(lang, "not compared", "个没有比较"),
            ),
        ];
        let judged = &self.gate.judged;
        let parts = parts.into_iter().filter_map(|(is, what)| {
            let count = judged.iter().filter(|it| is(&it.decision)).count();
            (count > 0).then(|| format!("{count} {what}"))
        });
        let parts: Vec<_> = parts.collect();
        let (count, parts) = (judged.len(), parts.join(lang.pick(", ", "，")));
        let cells = plural(count as u64, "cell");
        match count {
            0 => tr!(
                lang,
                "nothing can be compared: no cell was measured with both builds",
                "没有可以比较的：没有一个测点在两个版本上都测过"
            ),
            _ => tr!(
                lang,
                "{cells} of both builds: {parts}",
                "两个版本共有 {count} 个测点：{parts}"
            ),
        }
    }

    /// The table; on a terminal of `width` columns, names and decisions are at most a third of it.
    fn grid(&self, width: usize) -> Grid {
        let columns = COLUMNS.iter().map(|(head, has_words, weight)| GridColumn {
            head: head.pick(self.lang).to_owned(),
            has_words: *has_words,
            weight: *weight,
        });
        Grid {
            columns: columns.collect(),
            rows: self
                .gate
                .judged
                .iter()
                .map(|it| self.row(it, width))
                .collect(),
        }
    }

    fn row(&self, it: &Judged, width: usize) -> Vec<(String, Style)> {
        let unknown = || "–".to_owned();
        let [other, this] = it.figures.map(|figure| {
            let figure = figure.map_or_else(unknown, |it_is| figure_of(it.measure, it_is));
            (figure, PLAIN)
        });
        let ends = [
            changed(it.ratio, |it| it.low),
            changed(it.ratio, |it| it.high),
        ];
        let interval = match it.ratio {
            Some(_) => ends.join(self.lang.pick(" to ", " 至 ")),
            None => unknown(),
        };
        let chance = match it.chance {
            Some(chance) if chance < 0.001 => "<0.1%".to_owned(),
            Some(chance) => percent(chance),
            None => unknown(),
        };
        let style = style(&it.decision);
        vec![
            (cut(&it.cell.model, width / 3), PLAIN),
            (self.at(it), PLAIN),
            other,
            this,
            (changed(it.ratio, |it| it.median), style),
            (interval, PLAIN),
            (chance, PLAIN),
            (cut(&self.decision(it), width / 3), style),
        ]
    }

    fn decision(&self, it: &Judged) -> String {
        let lang = self.lang;
        let (unit, zh) = match self.gate.unit {
            Unit::Round => ("round", "轮"),
            Unit::Run => ("pair", "对"),
        };
        match &it.decision {
            Decision::Worse => tr!(lang, "▼ worse", "▼ 变差"),
            Decision::Better => tr!(lang, "▲ better", "▲ 变好"),
            Decision::Fine => tr!(lang, "not worse", "没有变差"),
            Decision::Broken => tr!(lang, "▼ broken", "▼ 出了错"),
            Decision::Erring { pairs } => {
                let units = plural(*pairs as u64, unit);
                tr!(lang, "errors in {units}", "{pairs} {zh}出错")
            }
            Decision::TooFew { pairs, needed } => {
                let units = plural(*pairs as u64, unit);
                tr!(
                    lang,
                    "{units}, {needed} needed",
                    "只有 {pairs} {zh}，需要 {needed} {zh}"
                )
            }
            Decision::TooNoisy { up_to } => {
                let up_to = percent(*up_to);
                tr!(lang, "up to {up_to} worse", "可能变差达 {up_to}")
            }
            Decision::NotComparable(reason) => why(reason, lang),
        }
    }

    /// What the words mean.
    fn notes(&self) -> [String; 2] {
        let pairs = match self.gate.unit {
            Unit::Round => tr!(
                self.lang,
                "Each round is a pair: both builds were measured within moments, in shuffled order.",
                "每一轮是一对：两个版本在同一轮里先后测量，顺序随机。"
            ),
            Unit::Run => tr!(
                self.lang,
                "Each pair is two runs that were made one after the other.",
                "每一对是先后进行的两次测量。"
            ),
        };
        let (level, bar) = (percent(EACH), percent(self.gate.bar));
        [
            tr!(
                self.lang,
                "{pairs} The change is the median of the pairs' ratios. \"chance\" is how probable it is that two equal programs would show as large a worsening in any of these cells (a sign-flip test).",
                "{pairs}变化是各对比值的中位数。“偶然概率”是：两个版本其实相同时，仅仅因为偶然，就有某个测点显得这么差的概率（符号翻转检验，所有测点一起算）。"
            ),
            tr!(
                self.lang,
                "Worse: chance is at most {level}, and the change is above {bar}. So equal programs fail one run in a hundred at most. Not decided: too few pairs, pairs that differ too much to rule out a large change, or errors in too few pairs to rule out chance; take more pairs.",
                "变差：偶然概率不超过 {level}，并且变化超过 {bar}。所以程序没变时，一百次里最多误报一次。无法判定：对数太少，各对之间相差太大而不能排除较大的变化，或出错的对数太少而不能排除偶然；请多测几对。"
            ),
        ]
    }
}

fn style(decision: &Decision) -> Style {
    match decision {
        Decision::Worse | Decision::Broken => BAD,
        Decision::Better => GOOD,
        Decision::Fine => PLAIN,
        Decision::NotComparable(_) => DIM,
        _ => WARN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use portlab_stats::{
        fixture::{cell, record},
        gate::builds,
    };

    fn run() -> Record {
        let figures = |factor: f64| -> Vec<f64> {
            (0..12)
                .map(|round| factor * (4.0 + 0.01 * f64::from(round * 7 % 5)))
                .collect()
        };
        let equal: Vec<f64> = (0..12)
            .map(|at| 4.0 + 0.01 * f64::from(at * 5 % 7))
            .collect();
        record(vec![
            cell("threads", &figures(1.2)),
            cell("threads-other", &figures(1.0)),
            cell("tasks", &figures(1.0)),
            cell("tasks-other", &equal),
            cell("fork", &[9.0]),
            cell("fork-other", &[9.0]),
        ])
    }

    #[test]
    fn each_decision_is_told() {
        let record = run();
        let gate = builds(&record, 0.05);
        let text =
            anstream::adapter::strip_str(&gate_text(&gate, &record, Lang::En, 120)).to_string();
        let line = |name: &str| text.lines().find(|line| line.starts_with(name)).unwrap();
        assert!(
            text.starts_with("This build beside old/portlab (portlab 0.1.0)"),
            "{text}"
        );
        assert!(
            text.contains("3 cells of both builds: 1 worse by more than 5.0%, 1 not worse"),
            "{text}"
        );
        assert!(
            line("threads ").contains("+20%") && line("threads ").ends_with("▼ worse"),
            "{text}"
        );
        assert!(line("tasks ").ends_with("not worse"), "{text}");
        assert!(line("fork ").ends_with("1 round, 10 needed"), "{text}");
        let findings = gate_findings(&gate, &record, Lang::En);
        assert_eq!(
            findings,
            [
                "failed: threads at echo, 100 connections of 64 B: worse by 20%, more than 5.0%",
                "not decided: fork at echo, 100 connections of 64 B: 1 round, 10 needed",
            ]
        );
        let page = gate_markdown(&gate, &record, Lang::En);
        assert!(
            page.contains("| threads | echo, 100 connections of 64 B | 4.02 µs | 4.82 µs | +20% |"),
            "{page}"
        );
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_and_the_verdict_stays() {
        let record = run();
        let gate = builds(&record, 0.05);
        crate::changes::tests::fits(|lang, width| gate_text(&gate, &record, lang, width));
    }
}
