//! A program beside another build of it: the decision of a gate, in words and a table.

use anstyle::Style;
use portlab_stats::{
    gate::{Gate, Judged, LEVEL, Unit, Verdict},
    record::{Kind, Record},
};

use crate::{
    changes::{changed, plural, why},
    markdown::{escaped, table},
    notes::figures::{figure as write, percent},
    table::{Span, cut, lay_out, total_width},
    text::{BAD, BOLD, DIM, GOOD, NARROWEST, PLAIN, WARN, filled},
};

/// The columns, and what goes first where there is no room: the highest weight.
const HEADS: [(&str, u8); 8] = [
    ("model", 0),
    ("at", 3),
    ("other", 4),
    ("this", 4),
    ("change", 0),
    ("95% interval", 2),
    ("chance", 1),
    ("", 0),
];

/// Renders what `gate` says, for a terminal of `width` columns, at least [`NARROWEST`]; `record` is the
/// one that was judged, or the last of them.
#[must_use]
pub fn gate_text(gate: &Gate, record: &Record, width: usize) -> String {
    let width = width.max(NARROWEST);
    let mut text = filled(&title(gate, record), BOLD, width);
    text += &filled(&summary(gate), PLAIN, width);
    text.push('\n');
    let mut most = u8::MAX;
    loop {
        let rows = rows(gate, most, width);
        if total_width(&rows) <= width || most == 0 {
            text += &lay_out(&rows);
            break;
        }
        most = most.min(5) - 1;
    }
    text.push('\n');
    for note in notes(gate) {
        text += &filled(&note, PLAIN, width);
    }
    text
}

/// Renders what `gate` says as Markdown.
#[must_use]
pub fn gate_markdown(gate: &Gate, record: &Record) -> String {
    let mut page = format!(
        "# {}\n\n{}\n\n",
        escaped(&title(gate, record)),
        escaped(&summary(gate))
    );
    let heads = HEADS.map(|(head, _)| head.to_owned());
    let left = (0..HEADS.len()).map(|at| at < 2 || at == 7).collect();
    let rows: Vec<Vec<String>> = gate
        .judged
        .iter()
        .map(|it| entries(it, gate.unit).into())
        .collect();
    page += &table(&heads, left, &rows);
    page += "\n## How to read it\n\n";
    for note in notes(gate) {
        page += &format!("- {}\n", escaped(&note));
    }
    page
}

/// What fails a program and what can't be decided, a sentence each.
#[must_use]
pub fn gate_findings(gate: &Gate) -> Vec<String> {
    let finding = |it: &Judged| {
        let place = format!("{} at {}", it.cell.model, at(it));
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
                format!("failed: {place}: errors or failures that the other build doesn't have")
            }
            Verdict::TooFew { .. } | Verdict::TooNoisy { .. } => {
                format!("not decided: {place}: {}", verdict(it, gate.unit))
            }
            _ => return None,
        })
    };
    gate.judged.iter().filter_map(finding).collect()
}

fn title(gate: &Gate, record: &Record) -> String {
    let build = record.entrants.iter().find_map(|it| match &it.kind {
        Kind::Build {
            program, version, ..
        } => Some(format!("{program}, portlab {version}")),
        _ => None,
    });
    match (gate.unit, build) {
        (Unit::Round, Some(build)) => format!("This build beside {build}"),
        _ => "Runs compared in pairs: before, and now".to_owned(),
    }
}

/// How many cells are worse, and how many aren't.
fn summary(gate: &Gate) -> String {
    let count =
        |what: fn(&Verdict) -> bool| gate.judged.iter().filter(|it| what(&it.verdict)).count();
    let bar = percent(gate.bar);
    let parts = [
        (
            count(|it| *it == Verdict::Worse),
            format!("worse by more than {bar}"),
        ),
        (count(|it| *it == Verdict::Broken), "broken".to_owned()),
        (
            count(|it| *it == Verdict::Better),
            format!("better by more than {bar}"),
        ),
        (
            count(|it| *it == Verdict::Fine),
            format!("not worse by more than {bar}"),
        ),
        (
            count(|it| matches!(it, Verdict::TooFew { .. } | Verdict::TooNoisy { .. })),
            "not decided".to_owned(),
        ),
        (
            count(|it| matches!(it, Verdict::NotComparable(_))),
            "not compared".to_owned(),
        ),
    ];
    let parts = parts.iter().filter(|(count, _)| *count > 0);
    let parts: Vec<_> = parts
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    let cells = plural(gate.judged.len(), "cell");
    match parts.is_empty() {
        true => "nothing compares: no cell was measured with both builds".to_owned(),
        false => format!("{cells} of both builds: {}", parts.join(", ")),
    }
}

/// Where a cell is, in a few words.
fn at(judged: &Judged) -> String {
    let point = &judged.cell.point;
    let mut words = format!("{} {}", judged.cell.workload, point.connections);
    if let Some(workers) = point.workers_asked {
        words += &format!(", {}", plural(workers, "worker"));
    }
    words
}

fn entries(it: &Judged, unit: Unit) -> [String; 8] {
    let [other, this] = it.figures.map(|figure| match figure {
        Some(figure) => write(it.measure, figure),
        None => "–".to_owned(),
    });
    let interval = match it.ratio {
        Some(_) => format!(
            "{} to {}",
            changed(it.ratio, |it| it.low),
            changed(it.ratio, |it| it.high)
        ),
        None => "–".to_owned(),
    };
    let chance = match it.chance {
        Some(chance) if chance < 0.001 => "<0.1%".to_owned(),
        Some(chance) => percent(chance),
        None => "–".to_owned(),
    };
    [
        it.cell.model.clone(),
        at(it),
        other,
        this,
        changed(it.ratio, |it| it.median),
        interval,
        chance,
        verdict(it, unit),
    ]
}

fn verdict(it: &Judged, unit: Unit) -> String {
    match &it.verdict {
        Verdict::Worse => "▼ worse".to_owned(),
        Verdict::Better => "▲ better".to_owned(),
        Verdict::Fine => "not worse".to_owned(),
        Verdict::Broken => "▼ broken".to_owned(),
        Verdict::TooFew { pairs, needed } => {
            let pairs = match unit {
                Unit::Round => plural(*pairs, "round"),
                Unit::Run => plural(*pairs, "pair"),
            };
            format!("{pairs}, {needed} needed")
        }
        Verdict::TooNoisy { up_to } => format!("up to {} worse", percent(*up_to)),
        Verdict::NotComparable(reason) => why(reason),
    }
}

fn tone(verdict: &Verdict) -> Style {
    match verdict {
        Verdict::Worse | Verdict::Broken => BAD,
        Verdict::Better => GOOD,
        Verdict::TooFew { .. } | Verdict::TooNoisy { .. } => WARN,
        Verdict::Fine => PLAIN,
        Verdict::NotComparable(_) => DIM,
    }
}

/// The table, without the columns whose weight is above `most`.
fn rows(gate: &Gate, most: u8, width: usize) -> Vec<Vec<Span>> {
    let kept = |at: &usize| HEADS[*at].1 <= most;
    let places = || (0..HEADS.len()).filter(kept);
    let span = |at: usize, text: String, style: Style| match at {
        0 => Span::to_the_left(cut(&text, width / 3), style),
        1 => Span::to_the_left(text, style),
        // What there is no room for in a narrow terminal stands in the summary and in the findings.
        7 => Span::to_the_left(cut(&text, width / 3), style),
        _ => Span::new(text, style),
    };
    let head = places()
        .map(|at| span(at, HEADS[at].0.to_owned(), DIM))
        .collect();
    let row = |it: &Judged| {
        let mut entries = entries(it, gate.unit);
        let style = |at| {
            if matches!(at, 4 | 7) {
                tone(&it.verdict)
            } else {
                PLAIN
            }
        };
        places()
            .map(|at| span(at, std::mem::take(&mut entries[at]), style(at)))
            .collect()
    };
    std::iter::once(head)
        .chain(gate.judged.iter().map(row))
        .collect()
}

/// What the words mean.
fn notes(gate: &Gate) -> Vec<String> {
    let pairs = match gate.unit {
        Unit::Round => {
            "Each round is a pair: both builds were measured within moments, in shuffled order."
        }
        Unit::Run => "Each pair is two runs that were made one after the other.",
    };
    vec![
        format!(
            "{pairs} The change is the median of the pairs' ratios. \"chance\" is how probable it is that \
             two equal programs would show as large a worsening in any of these cells (a sign-flip test)."
        ),
        format!(
            "Worse: chance is at most {}, and the change is above {}. So equal programs fail one run in a \
             hundred at most. Not decided: too few pairs, or pairs that differ too much to rule out a \
             large change; take more of them.",
            percent(LEVEL),
            percent(gate.bar)
        ),
    ]
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
        let text = anstream::adapter::strip_str(&gate_text(&gate, &record, 120)).to_string();
        let line = |name: &str| text.lines().find(|line| line.starts_with(name)).unwrap();
        assert!(
            text.starts_with("This build beside old/portlab, portlab 0.1.0"),
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
        assert!(line("fork ").ends_with("1 round, 9 needed"), "{text}");
        let findings = gate_findings(&gate);
        assert_eq!(
            findings,
            [
                "failed: threads at echo 100: worse by 20%, more than 5.0%",
                "not decided: fork at echo 100: 1 round, 9 needed",
            ]
        );
        let page = gate_markdown(&gate, &record);
        assert!(
            page.contains("| threads | echo 100 | 4.02 µs | 4.82 µs | +20% |"),
            "{page}"
        );
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_and_the_verdict_stays() {
        let record = run();
        let gate = builds(&record, 0.05);
        for width in NARROWEST..=140 {
            let text = anstream::adapter::strip_str(&gate_text(&gate, &record, width)).to_string();
            for line in text.lines() {
                assert!(line.width() <= width, "{width}: {line}");
            }
            assert!(text.contains("+20%") && text.contains("▼ worse"), "{text}");
        }
    }
}
