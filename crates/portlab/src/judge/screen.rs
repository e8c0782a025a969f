//! The verdict on the terminal: a row for each experiment as it ends, then each bug with its evidence, then the mark.

use std::io::{self, Write};

use portlab_judge::{EXPERIMENTS, Finding, Result, Row, Side, Verdict};
use portlab_service::inert;
use portlab_words::{
    Lang, Text, tr,
    wrap::{Lead, hang, wrap_behind},
};

use super::rules;
use crate::{
    args::{BAD, DIM, GOOD, HEAD, WARN, lang, prose_width},
    output,
    progress::Progress,
};

/// The screen of one judgement; it shows nothing if JSON is printed.
pub(super) struct Screen {
    is_quiet: bool,
    lang: Lang,
    width: usize,
    progress: Option<Progress>,
    /// Which program of a class is judged: its place from 1, how many there are, and its name.
    class: Option<(usize, usize, String)>,
    /// How many experiments have ended.
    rows: usize,
    /// What is judged, until it has been printed.
    heading: String,
    /// Why experiments didn't run, and how many for each reason: a line for each reason follows the table.
    left_out: Vec<(Result, Text, usize)>,
}

impl Screen {
    pub(super) fn new(is_quiet: bool) -> Self {
        Self {
            is_quiet,
            lang: lang(),
            width: prose_width(),
            progress: None,
            class: None,
            rows: 0,
            heading: String::new(),
            left_out: Vec::new(),
        }
    }

    /// The screen of one program of a class: only its progress is shown.
    pub(super) fn of_class(place: usize, of: usize, name: &str) -> Self {
        Self {
            class: Some((place, of, inert(name))),
            ..Self::new(true)
        }
    }

    /// The program is being started.
    pub(super) fn starts(&mut self, command: &[String]) {
        let line = match &self.class {
            Some((place, of, name)) => tr!(
                self.lang,
                "judging {name} ({place} of {of})",
                "评测 {name}（第 {place} 个，共 {of} 个）"
            ),
            None => {
                let command = inert(&command.join(" "));
                tr!(self.lang, "judging {command}", "评测 {command}")
            }
        };
        self.heading = format!("{HEAD}{line}{HEAD:#}\n\n");
        let mut progress = Progress::new(&line);
        progress.at(self.share());
        if self.class.is_some() && progress.is_time_for_a_line() {
            crate::tell!("{line}");
        }
        self.progress = Some(progress);
    }

    /// The share that is done, in `[0, 1]`, as if each experiment took the same time, and all were to run.
    fn share(&self) -> f64 {
        let share = (self.rows as f64 / EXPERIMENTS.len() as f64).min(1.0);
        match self.class {
            Some((place, of, _)) => ((place - 1) as f64 + share) / of as f64,
            None => share,
        }
    }

    /// An experiment has ended.
    pub(super) fn row(&mut self, row: &Row) {
        self.rows += 1;
        let share = self.share();
        if let Some(progress) = &mut self.progress {
            progress.at(share);
            if self.class.is_none() {
                progress.say(row.about.pick(self.lang));
            }
        }
        if self.is_quiet {
            return;
        }
        let (sign, style) = match row.result {
            Result::Pass => ("✓", GOOD),
            Result::Warn => ("!", WARN),
            Result::Fail => ("✗", BAD),
            Result::Blocked | Result::Skipped => return self.leave_out(row),
        };
        let mut text = row.about.pick(self.lang).to_owned();
        if let Some(why) = &row.why {
            let why = why.pick(self.lang);
            text += &tr!(self.lang, " ({why})", "（{why}）");
        }
        let line = hang(&[Lead::new(sign, style, 1)], &text, self.width);
        let line = std::mem::take(&mut self.heading) + &line;
        // If stdout is closed, the verdict is still worth its exit code.
        let print = || drop(output::print(&line));
        match &self.progress {
            Some(progress) => progress.above(print),
            None => print(),
        }
    }

    /// A rule of HTTP was checked; this share of all is done.
    pub(super) fn rule(&mut self, share: f64) {
        if let Some(progress) = self.progress.as_mut().filter(|_| self.class.is_none()) {
            progress.at(share);
            progress.say(self.lang.pick("the rules of HTTP", "HTTP 的规则"));
        }
    }

    fn leave_out(&mut self, row: &Row) {
        let (result, why) = (row.result, row.why.clone().unwrap_or_default());
        let mut known = self.left_out.iter_mut();
        match known.find(|it| (it.0, &it.1) == (result, &why)) {
            Some((.., count)) => *count += 1,
            None => self.left_out.push((result, why, 1)),
        }
    }

    /// A line for each reason why experiments didn't run.
    fn left_out(&self) -> String {
        let lines = self.left_out.iter().map(|(result, why, count)| {
            let why = why.pick(self.lang);
            let s = if *count == 1 { "" } else { "s" };
            let (sign, style, text) = match result {
                Result::Blocked => (
                    "✗",
                    BAD,
                    tr!(
                        self.lang,
                        "{count} more not passed, which can't run: {why}",
                        "另有 {count} 个没有通过（无法进行）：{why}"
                    ),
                ),
                _ => (
                    "-",
                    DIM,
                    tr!(
                        self.lang,
                        "{count} experiment{s} skipped: {why}",
                        "跳过 {count} 个实验：{why}"
                    ),
                ),
            };
            hang(&[Lead::new(sign, style, 1)], &text, self.width)
        });
        lines.collect()
    }

    /// Everything is known: the bugs, and the mark.
    pub(super) fn end(&mut self, verdict: &Verdict) -> io::Result<()> {
        self.progress = None;
        let mut text = self.left_out();
        for (number, finding) in verdict.bugs.iter().enumerate() {
            text += &self.finding(number + 1, finding);
        }
        text += &rules::text(&verdict.rules, self.lang, self.width);
        text += &self.mark(verdict);
        output::stdout().write_all(text.as_bytes())
    }

    fn finding(&self, number: usize, finding: &Finding) -> String {
        let pick = |text: &'_ Text| text.pick(self.lang).to_owned();
        let (title, bug) = (pick(&finding.title), &finding.bug);
        let mut text = format!("\n{BAD}{number}. {title}{BAD:#}  {DIM}{bug}{DIM:#}\n");
        for seen in &finding.evidence {
            let ms = seen.at_ms;
            let at = tr!(self.lang, "+{ms} ms", "+{ms} 毫秒");
            text += &hang(
                &[Lead::new("", DIM, 1), Lead::new(&at, DIM, 8)],
                &pick(&seen.what),
                self.width,
            );
        }
        let last = finding.stderr.len().saturating_sub(STDERR);
        for line in &finding.stderr[last..] {
            text += &hang(
                &[Lead::new("", DIM, 1), Lead::new("stderr", DIM, 8)],
                line,
                self.width,
            );
        }
        let head = |en, zh| self.lang.pick(en, zh);
        text += &self.part(head("Why", "原因"), &pick(&finding.cause));
        if let Some(place) = &finding.source {
            let (file, line, code) = (&place.file, place.line, &place.text);
            let said = tr!(
                self.lang,
                "line {line} of {file}: {code}",
                "{file} 第 {line} 行：{code}"
            );
            text += &self.part(head("Look at", "看这里"), &said);
        }
        text += &self.part(head("Do this", "怎么改"), &pick(&finding.remedy));
        for line in finding.code.lines() {
            text += &format!("      {GOOD}{line}{GOOD:#}\n");
        }
        let lesson = &finding.lesson;
        text + &self.part(head("Read", "去学"), &format!("portlab lesson {lesson}"))
    }

    fn part(&self, head: &str, text: &str) -> String {
        let colon = self.lang.pick(": ", "：");
        let lines = wrap_behind(text, self.width, &format!("    {head}{colon}"));
        let first = lines
            .join("\n")
            .replacen(head, &format!("{HEAD}{head}{HEAD:#}"), 1);
        first + "\n"
    }

    fn mark(&self, verdict: &Verdict) -> String {
        let mark = verdict.mark;
        let (points, of, passed, judged) = (mark.points, mark.of, mark.passed, mark.judged);
        let what = match verdict.side {
            Side::Client => self.lang.pick("the client", "客户端"),
            Side::Server => self.lang.pick("the server", "服务端"),
        };
        let speech = verdict.speech.as_deref().unwrap_or("-");
        let style = match verdict.is_fine() {
            true => GOOD,
            false => BAD,
        };
        let mut text = tr!(
            self.lang,
            "\n{style}Mark: {points} of {of}{style:#}  ({passed} of {judged} experiments passed; {what} speaks {speech})\n",
            "\n{style}得分：{points} / {of}{style:#}  （{judged} 个实验通过了 {passed} 个；{what}的类型：{speech}）\n"
        );
        let mut results = verdict.experiments.iter().map(|it| it.result);
        if results.any(|it| it == Result::Blocked) {
            text += self.lang.pick(
                "Mend this, and judge again: experiments that can't run now may find more.\n",
                "改好以后再评测一次：现在无法进行的实验，可能还会发现别的问题。\n",
            );
        }
        if verdict.bugs.is_empty() && mark.judged > 0 && verdict.is_fine() {
            text += self.lang.pick("No bug was found.\n", "没有发现问题。\n");
        }
        text
    }
}

/// How many lines of stderr are shown.
const STDERR: usize = 3;
