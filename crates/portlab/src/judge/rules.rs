//! The rules of HTTP on the terminal, and the folder that a judged server may serve.

use std::{
    collections::BTreeMap,
    fs::DirBuilder,
    io,
    os::unix::{fs::DirBuilderExt, process::CommandExt},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use anyhow::Context;
use portlab_judge::{Result, RuleRow, fixture};
use portlab_words::{
    Lang,
    table::{columns, cut},
    tr,
    wrap::{Lead, hang},
};

use crate::args::{BAD, DIM, HEAD, WARN, lang};

/// The folder of `{root}` with the files of the rules. It is removed with this value, or when portlab ends, SIGKILL included.
pub(super) struct Root {
    pub(super) path: PathBuf,
    remover: Option<Child>,
}

impl Root {
    /// Makes the folder if a word of `command` has the place `{root}`.
    pub(super) fn of(command: &[String]) -> anyhow::Result<Option<Self>> {
        if !command.iter().any(|it| it.contains("{root}")) {
            return Ok(None);
        }
        let number = portlab_lab::random_seed();
        let mut root = Self {
            path: std::env::temp_dir().join(format!("portlab-judge-{number:08x}")),
            remover: None,
        };
        root.make().with_context(|| {
            let dir = root.path.display();
            tr!(
                lang(),
                "can't make the files in {dir}",
                "无法在 {dir} 里创建文件"
            )
        })?;
        Ok(Some(root))
    }

    fn make(&mut self) -> io::Result<()> {
        // The end of its input is the end of portlab. In a process group of its own it gets no Ctrl-C.
        let mut remover = Command::new("sh");
        remover.args(["-c", "cat >/dev/null; exec rm -rf -- \"$0\""]);
        remover.arg(&self.path).process_group(0);
        self.remover = Some(remover.stdin(Stdio::piped()).spawn()?);
        DirBuilder::new().mode(0o755).create(&self.path)?;
        fixture(&self.path)
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        if let Some(mut remover) = self.remover.take() {
            // This closes its input first. A folder that stays does no harm.
            let _ = remover.wait();
        }
    }
}

/// The rules by section, then each that the server breaks.
pub(super) fn text(rows: &[RuleRow], lang: Lang, width: usize) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut sections: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for row in rows {
        sections.entry(chapter(&row.section)).or_default().push(row);
    }
    let all: Vec<_> = rows.iter().collect();
    let [must, should, may] = shares(&all);
    let title = tr!(
        lang,
        "The rules of HTTP: {must} MUST, {should} SHOULD, {may} MAY",
        "HTTP 的规则：必须（MUST）{must}，应该（SHOULD）{should}，可以（MAY）{may}"
    );
    let head = ["", "MUST", "SHOULD", "MAY"].map(str::to_owned);
    let lines = sections.iter().map(|((rfc, chapter), rows)| {
        let [must, should, may] = shares(rows);
        let section = format!("  RFC {rfc}, {}", chapter.trim_start());
        [section, must, should, may]
    });
    let lines = lines.filter(|line| line[1..].iter().any(|cell| !cell.is_empty()));
    let table = columns(&[head].into_iter().chain(lines).collect::<Vec<_>>(), 3);
    let mut text = format!("\n{HEAD}{title}{HEAD:#}\n{table}\n\n");
    for weight in WEIGHTS {
        let of_weight = rows.iter().filter(|it| it.weight == weight);
        text.extend(of_weight.map(|it| broken(it, lang, width)));
    }
    let mut skipped: BTreeMap<_, usize> = BTreeMap::new();
    for row in rows.iter().filter(|it| it.result == Result::Skipped) {
        let why = row.why.as_ref().map(|it| it.pick(lang));
        *skipped.entry(why.unwrap_or_default()).or_default() += 1;
    }
    for (why, count) in skipped {
        let s = if count == 1 { "" } else { "s" };
        let line = tr!(
            lang,
            "{count} rule{s} skipped: {why}",
            "跳过 {count} 条规则：{why}"
        );
        text += &hang(&[Lead::new("-", DIM, 1)], &line, width);
    }
    text
}

/// A rule that the server breaks: what it says, what was seen, and the line that shows it.
fn broken(row: &RuleRow, lang: Lang, width: usize) -> String {
    let (sign, style) = match row.result {
        Result::Fail => ("✗", BAD),
        Result::Warn => ("!", WARN),
        Result::Pass | Result::Blocked | Result::Skipped => return String::new(),
    };
    let (about, section, weight) = (
        row.about.pick(lang),
        &row.section,
        row.weight.to_uppercase(),
    );
    let said = tr!(
        lang,
        "{weight}, RFC {section}: {about}",
        "{weight}，RFC {section}：{about}"
    );
    let mut text = hang(&[Lead::new(sign, style, 1)], &said, width);
    if let Some(why) = &row.why {
        text += &hang(&[Lead::new("", DIM, 1)], why.pick(lang), width);
    }
    if let Some(answer) = row.answer.as_ref().filter(|it| !it.is_empty()) {
        text += &format!("   {}\n", cut(answer, width.saturating_sub(3)));
    }
    // The line is copied to a shell, so it isn't broken.
    if let Some(line) = &row.line {
        text += &format!("  {DIM}{line}{DIM:#}\n");
    }
    text
}

const WEIGHTS: [&str; 3] = ["must", "should", "may"];

/// The RFC and the chapter of a section, such as 9112 and 6.
fn chapter(section: &str) -> (&str, String) {
    let (rfc, part) = section.split_once(' ').unwrap_or((section, ""));
    let chapter = part.split('.').next().unwrap_or_default();
    // In the order of numbers, an appendix behind them.
    (rfc, format!("{chapter:>2}"))
}

/// For each weight: how many rules are followed, of how many that were checked.
fn shares(rows: &[&RuleRow]) -> [String; 3] {
    WEIGHTS.map(|weight| {
        let checked = rows
            .iter()
            .filter(|it| it.weight == weight && it.result != Result::Skipped);
        let passed = checked
            .clone()
            .filter(|it| it.result == Result::Pass)
            .count();
        match checked.count() {
            0 => String::new(),
            count => format!("{passed}/{count}"),
        }
    })
}
