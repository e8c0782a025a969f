//! A program beside another build of it: the decision of a gate, in words and a table.

use anstyle::Style;
use portlab_stats::{
    changes::Reason,
    gate::{EACH, Gate, Judged, Unit, Verdict},
    record::{Cell, Kind, Record},
};
use portlab_words::{
    Lang, Text,
    table::{Span, cut, lay_out, total_width},
};

use crate::{
    changes::{changed, plural, why},
    markdown::{escaped, table},
    notes::{
        figures::{figure_of as write, percent},
        place_of,
    },
    text::{BAD, BOLD, DIM, GOOD, NARROWEST, PLAIN, WARN, filled},
};

/// The columns, and what goes first where there is no room: the highest weight.
const HEADS: [(Text, u8); 8] = [
    (Text::new("model", "模型"), 0),
    (Text::new("at", "测点"), 3),
    (Text::new("other", "对照版本"), 4),
    (Text::new("this", "本版本"), 4),
    (Text::new("change", "变化"), 0),
    (Text::new("95% interval", "95% 置信区间"), 2),
    (Text::new("chance", "偶然概率"), 1),
    (Text::new("", ""), 0),
];
/// What there is no room for in this column of a narrow terminal stands in the summary.
const VERDICT: usize = 7;

/// Renders what `gate` says in the language `lang`, for a terminal of `width` columns, at least
/// [`NARROWEST`]; `record` is the one that was judged, or the last of them.
#[must_use]
pub fn gate_text(gate: &Gate, record: &Record, lang: Lang, width: usize) -> String {
    let width = width.max(NARROWEST);
    let words = Words { gate, record, lang };
    let mut text = filled(&words.title(), BOLD, width);
    text += &filled(&words.summary(), PLAIN, width);
    text.push('\n');
    let mut most = u8::MAX;
    loop {
        let rows = words.rows(most, width);
        if total_width(&rows) <= width || most == 0 {
            text += &lay_out(&rows);
            break;
        }
        most = most.min(5) - 1;
    }
    text.push('\n');
    for note in words.notes() {
        text += &filled(&note, PLAIN, width);
    }
    text
}

/// Renders what `gate` says as Markdown.
#[must_use]
pub fn gate_markdown(gate: &Gate, record: &Record, lang: Lang) -> String {
    let words = Words { gate, record, lang };
    let mut page = format!(
        "# {}\n\n{}\n\n",
        escaped(&words.title()),
        escaped(&words.summary())
    );
    let heads: Vec<_> = HEADS
        .iter()
        .map(|(head, _)| head.pick(lang).to_owned())
        .collect();
    let left = (0..HEADS.len()).map(|at| at < 2 || at == VERDICT).collect();
    let rows: Vec<Vec<String>> = gate
        .judged
        .iter()
        .map(|it| words.entries(it).into())
        .collect();
    page += &table(&heads, left, &rows);
    page.push('\n');
    for note in words.notes() {
        page += &format!("- {}\n", escaped(&note));
    }
    page
}

/// What fails a program and what can't be decided, a sentence each, in English; `record` is the one that
/// was judged, or the last of them.
#[must_use]
pub fn gate_findings(gate: &Gate, record: &Record) -> Vec<String> {
    let words = Words {
        gate,
        record,
        lang: Lang::En,
    };
    let finding = |it: &Judged| {
        let place = format!("{} at {}", it.cell.model, words.at(it));
        Some(match &it.verdict {
            Verdict::Worse => {
                let by = it.ratio.map_or(0.0, |ratio| it.worsening(ratio.median));
                let most = percent(gate.bar);
                format!(
                    "failed: {place}: worse by {}, more than {most}",
                    percent(by)
                )
            }
            Verdict::Broken => {
                format!("failed: {place}: errors or failures that the other program doesn't have")
            }
            Verdict::TooFew { .. } | Verdict::TooNoisy { .. } | Verdict::Erring { .. } => {
                format!("not decided: {place}: {}", words.verdict(it))
            }
            _ => return None,
        })
    };
    gate.judged.iter().filter_map(finding).collect()
}

/// What a gate says, in one language.
struct Words<'a> {
    gate: &'a Gate<'a>,
    record: &'a Record,
    lang: Lang,
}

impl Words<'_> {
    fn say(&self, en: impl Into<String>, zh: impl Into<String>) -> String {
        match self.lang {
            Lang::En => en.into(),
            Lang::Zh => zh.into(),
        }
    }

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
            (Unit::Round, Some(build)) => self.say(
                format!("This build beside {build}"),
                format!("本版本与 {build} 的对比"),
            ),
            _ => self.say(
                "Runs compared in pairs: before, and now",
                "成对比较的多次测量：之前与现在",
            ),
        }
    }

    /// How many cells are worse, and how many aren't.
    fn summary(&self) -> String {
        let judged = &self.gate.judged;
        let count =
            |what: fn(&Verdict) -> bool| judged.iter().filter(|it| what(&it.verdict)).count();
        let bar = percent(self.gate.bar);
        let parts = [
            (
                count(|it| *it == Verdict::Worse),
                self.say(
                    format!("worse by more than {bar}"),
                    format!("个变差超过 {bar}"),
                ),
            ),
            (
                count(|it| *it == Verdict::Broken),
                self.say("broken", "个出了错"),
            ),
            (
                count(|it| *it == Verdict::Better),
                self.say(
                    format!("better by more than {bar}"),
                    format!("个变好超过 {bar}"),
                ),
            ),
            (
                count(|it| *it == Verdict::Fine),
                self.say(
                    format!("not worse by more than {bar}"),
                    format!("个没有变差超过 {bar}"),
                ),
            ),
            (
                count(|it| {
                    matches!(
                        it,
                        Verdict::TooFew { .. } | Verdict::TooNoisy { .. } | Verdict::Erring { .. }
                    )
                }),
                self.say("not decided", "个无法判定"),
            ),
            (
                count(|it| matches!(it, Verdict::NotComparable(_))),
                self.say("not compared", "个没有比较"),
            ),
        ];
        let parts = parts.iter().filter(|(count, _)| *count > 0);
        let parts: Vec<_> = parts
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        if parts.is_empty() {
            return self.say(
                "nothing compares: no cell was measured with both builds",
                "没有可比较的：没有哪个测点在两个版本上都测过",
            );
        }
        let cells = judged.len();
        self.say(
            format!(
                "{} of both builds: {}",
                plural(cells, "cell"),
                parts.join(", ")
            ),
            format!("两个版本共有 {cells} 个测点：{}", parts.join("，")),
        )
    }

    fn entries(&self, it: &Judged) -> [String; 8] {
        let [other, this] = it.figures.map(|figure| match figure {
            Some(figure) => write(it.measure, figure),
            None => "–".to_owned(),
        });
        let ends = [
            changed(it.ratio, |it| it.low),
            changed(it.ratio, |it| it.high),
        ];
        let interval = match it.ratio {
            Some(_) => ends.join(&self.say(" to ", " 至 ")),
            None => "–".to_owned(),
        };
        let chance = match it.chance {
            Some(chance) if chance < 0.001 => "<0.1%".to_owned(),
            Some(chance) => percent(chance),
            None => "–".to_owned(),
        };
        [
            it.cell.model.clone(),
            self.at(it),
            other,
            this,
            changed(it.ratio, |it| it.median),
            interval,
            chance,
            self.verdict(it),
        ]
    }

    fn verdict(&self, it: &Judged) -> String {
        let (en, zh) = match self.gate.unit {
            Unit::Round => ("round", "轮"),
            Unit::Run => ("pair", "对"),
        };
        match &it.verdict {
            Verdict::Worse => self.say("▼ worse", "▼ 变差"),
            Verdict::Better => self.say("▲ better", "▲ 变好"),
            Verdict::Fine => self.say("not worse", "没有变差"),
            Verdict::Broken => self.say("▼ broken", "▼ 出了错"),
            Verdict::Erring { pairs } => self.say(
                format!("errors in {}", plural(*pairs, en)),
                format!("{pairs} {zh}出错"),
            ),
            Verdict::TooFew { pairs, needed } => self.say(
                format!("{}, {needed} needed", plural(*pairs, en)),
                format!("只有 {pairs} {zh}，需要 {needed} {zh}"),
            ),
            Verdict::TooNoisy { up_to } => self.say(
                format!("up to {} worse", percent(*up_to)),
                format!("可能变差达 {}", percent(*up_to)),
            ),
            Verdict::NotComparable(reason) => self.say(why(reason), why_in_chinese(reason)),
        }
    }

    /// The table, without the columns whose weight is above `most`.
    fn rows(&self, most: u8, width: usize) -> Vec<Vec<Span>> {
        let places = || (0..HEADS.len()).filter(|at| HEADS[*at].1 <= most);
        let span = |at: usize, text: String, style: Style| match at {
            0 | VERDICT => Span::to_the_left(cut(&text, width / 3), style),
            1 => Span::to_the_left(text, style),
            _ => Span::new(text, style),
        };
        let head = |at: usize| span(at, HEADS[at].0.pick(self.lang).to_owned(), DIM);
        let row = |it: &Judged| {
            let mut entries = self.entries(it);
            let style = |at| match at {
                4 | VERDICT => tone(&it.verdict),
                _ => PLAIN,
            };
            let spans = places().map(|at| span(at, std::mem::take(&mut entries[at]), style(at)));
            spans.collect()
        };
        let rows = self.gate.judged.iter().map(row);
        std::iter::once(places().map(head).collect())
            .chain(rows)
            .collect()
    }

    /// What the words mean.
    fn notes(&self) -> [String; 2] {
        let pairs = match self.gate.unit {
            Unit::Round => self.say(
                "Each round is a pair: both builds were measured within moments, in shuffled order.",
                "每一轮是一对：两个版本在同一轮里先后测量，次序随机。",
            ),
            Unit::Run => self.say(
                "Each pair is two runs that were made one after the other.",
                "每一对是先后进行的两次测量。",
            ),
        };
        let (level, bar) = (percent(EACH), percent(self.gate.bar));
        [
            self.say(
                format!(
                    "{pairs} The change is the median of the pairs' ratios. \"chance\" is how probable it is \
                     that two equal programs would show as large a worsening in any of these cells (a \
                     sign-flip test)."
                ),
                format!(
                    "{pairs}变化是各对比值的中位数。“偶然概率”是：两个版本其实相同时，某个测点仅凭偶然就显得\
                     这么差的概率（符号翻转检验，所有测点一起算）。"
                ),
            ),
            self.say(
                format!(
                    "Worse: chance is at most {level}, and the change is above {bar}. So equal programs fail \
                     one run in a hundred at most. Not decided: too few pairs, pairs that differ too \
                     much to rule out a large change, or errors in too few pairs to rule out chance; take \
                     more pairs."
                ),
                format!(
                    "变差：偶然概率不超过 {level}，并且变化超过 {bar}。所以程序没变时，一百次里最多误报一次。\
                     无法判定：对数太少，各对之间相差太大而不能排除较大的变化，或出错的对数太少而不能排除偶然；请多测几对。"
                ),
            ),
        ]
    }
}

fn why_in_chinese(reason: &Reason) -> &'static str {
    match reason {
        Reason::NotMeasured => "并非两边都测到",
        Reason::ErrorsBefore => "对照版本有错误或失败",
        Reason::ErrorsNow => "本版本有错误或失败",
        Reason::ErrorsInBoth => "两边都有错误或失败",
        Reason::OneRound => "只有一轮，无法估计偶然误差",
        Reason::Generator => "瓶颈是负载生成器",
        Reason::Rates => "两边的速率相差太大",
        Reason::Workload(_) => "两边的负载不同",
    }
}

fn tone(verdict: &Verdict) -> Style {
    match verdict {
        Verdict::Worse | Verdict::Broken => BAD,
        Verdict::Better => GOOD,
        Verdict::TooFew { .. } | Verdict::TooNoisy { .. } | Verdict::Erring { .. } => WARN,
        Verdict::Fine => PLAIN,
        Verdict::NotComparable(_) => DIM,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use portlab_stats::{
        fixture::{cell, record},
        gate::builds,
    };
    use unicode_width::UnicodeWidthStr;

    fn run() -> Record {
        let figures = |factor: f64| -> Vec<f64> {
            (0..12)
                .map(|round| factor * (4.0 + 0.01 * f64::from(round * 7 % 5)))
                .collect()
        };
        let equal: Vec<f64> = (0..12)
            .map(|at| 4.0 + 0.01 * f64::from(at * 5 % 7))
            .collect();
        let mut record = record(vec![
            cell("threads", &figures(1.2)),
            cell("threads-other", &figures(1.0)),
            cell("tasks", &figures(1.0)),
            cell("tasks-other", &equal),
            cell("fork", &[9.0]),
            cell("fork-other", &[9.0]),
        ]);
        for entrant in &mut record.entrants {
            if let Some(of) = entrant.name.strip_suffix("-other") {
                entrant.kind = Kind::Build {
                    of: of.to_owned(),
                    program: "old/portlab".to_owned(),
                    version: "0.1.0".to_owned(),
                };
            }
        }
        record
    }

    #[test]
    fn what_is_worse_what_is_not_and_what_is_undecided_are_told() {
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
        let findings = gate_findings(&gate, &record);
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
        for width in NARROWEST..=140 {
            for (lang, worse) in [(Lang::En, "▼ worse"), (Lang::Zh, "▼ 变差")] {
                let text = gate_text(&gate, &record, lang, width);
                let text = anstream::adapter::strip_str(&text).to_string();
                for line in text.lines() {
                    assert!(line.width() <= width, "{width}: {line}");
                }
                assert!(text.contains("+20%") && text.contains(worse), "{text}");
            }
        }
    }
}
