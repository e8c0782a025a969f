//! The class plans of the guides for teachers: every row has as many minutes as its texts and programs need.

use std::{collections::BTreeSet, fs, path::Path};

use libtest_mimic::Failed;
use portlab_lessons::{
    find,
    script::{Block, Script, Step},
};
use portlab_words::Lang;

use crate::check;

/// How many Chinese characters, words of Latin script and numbers a class reads in a minute.
const READ_PER_MINUTE: f64 = 300.0;
/// How many keys a beginner presses in a minute.
const TYPED_PER_MINUTE: f64 = 60.0;
/// The minutes of a vote.
const VOTE: f64 = 0.5;

/// A row of a plan: its minutes, its lesson with the steps, from 1, and what the students do.
#[derive(Debug)]
struct Row {
    from: u32,
    to: u32,
    lesson: Option<(String, usize, usize)>,
    students: String,
}

/// Each plan is without a gap, is as long as its title says, is the same in both languages, and has enough time in each
/// row.
pub(crate) fn every_row_of_a_class_plan_has_enough_time() -> Result<(), Failed> {
    let guides = ["docs/teaching.md", "docs/teaching.zh.md"];
    let [en, zh] = guides.map(|guide| -> Result<_, Failed> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let plans = plans(&fs::read_to_string(root.join(guide))?)?;
        let lengths: Vec<u32> = plans.iter().map(|(minutes, _)| *minutes).collect();
        check(
            lengths == [45, 65, 90, 90, 45],
            format!("{guide} has plans of {lengths:?} minutes"),
        )?;
        for (minutes, rows) in &plans {
            let mut clock = 0;
            for row in rows {
                check(row.from == clock, format!("{guide}: a gap before {row:?}"))?;
                clock = row.to;
                let (claimed, needed) = (f64::from(row.to - row.from), needed(row)?);
                let said = format!(
                    "{guide}, {minutes} minutes: {needed:.1} minutes are needed for {row:?}"
                );
                check(needed <= claimed, said)?;
            }
            check(
                clock == *minutes,
                format!("{guide}: {minutes} minutes end at {clock}"),
            )?;
        }
        Ok(plans)
    });
    let played = |plans: Vec<(u32, Vec<Row>)>| {
        let rows = plans.into_iter().flat_map(|(_, rows)| rows);
        rows.map(|row| (row.from, row.to, row.lesson))
            .collect::<Vec<_>>()
    };
    let (en, zh) = (played(en?), played(zh?));
    check(en == zh, format!("the plans differ:\n{en:?}\n{zh:?}"))
}

/// The plans of a guide: the minutes of each title, and its rows.
fn plans(guide: &str) -> Result<Vec<(u32, Vec<Row>)>, Failed> {
    let mut plans: Vec<(u32, Vec<Row>)> = Vec::new();
    for line in guide.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            let minutes = title.split(' ').next().and_then(|it| it.parse().ok());
            plans.extend(minutes.map(|minutes| (minutes, Vec::new())));
        }
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        if let [_, times, screen, students, _] = cells[..]
            && let Some((from, to)) = times.split_once('–')
        {
            let (_, rows) = plans.last_mut().ok_or("a row before the first plan")?;
            rows.push(Row {
                from: from.parse()?,
                to: to.parse()?,
                lesson: lesson_in(screen),
                students: students.to_owned(),
            });
        }
    }
    Ok(plans)
}

/// The lesson and the steps that a cell names: "`portlab lesson ports`, steps 1 to 3".
fn lesson_in(cell: &str) -> Option<(String, usize, usize)> {
    let (_, behind) = cell.split_once("`portlab lesson ")?;
    let (name, steps) = behind.split_once('`')?;
    let numbers = steps.split(|it: char| !it.is_ascii_digit());
    let numbers: BTreeSet<usize> = numbers.filter_map(|it| it.parse().ok()).collect();
    Some((name.to_owned(), *numbers.first()?, *numbers.last()?))
}

/// The minutes for what is read, voted on and typed in a row.
fn needed(row: &Row) -> Result<f64, Failed> {
    let Some((name, first, last)) = &row.lesson else {
        return Ok(0.0);
    };
    let lesson = find(name).ok_or(format!("no lesson {name}"))?;
    let script = lesson.script(Lang::Zh)?;
    let steps = script.steps.get(first - 1..*last);
    let steps = steps.ok_or(format!("{name} has no steps {first} to {last}"))?;
    let opening = script.goal.iter().chain(&script.story).map(Block::text);
    let opening: usize = opening.map(count).sum();
    let votes = steps.iter().filter(|step| step.ask.is_some()).count();
    let mut read = opening + steps.iter().map(characters).sum::<usize>();
    if let Some((_, key)) = row.students.split_once("--step ") {
        read += of_the_user(&script, key)?;
    }
    let files = lesson.files.iter();
    let typed = files.filter(|(file, _)| is_written(&row.students, file));
    let typed: usize = typed.map(|(_, text)| keys(text)).sum();
    Ok(read as f64 / READ_PER_MINUTE + votes as f64 * VOTE + typed as f64 / TYPED_PER_MINUTE)
}

/// What is read from the step that `text` begins with to the end of the lesson.
fn of_the_user(script: &Script, text: &str) -> Result<usize, Failed> {
    let key = text.split('`').next().unwrap_or_default();
    let (at, _) = script.step(key).ok_or(format!("no step {key}"))?;
    Ok(script.steps[at..].iter().map(characters).sum())
}

fn is_written(students: &str, file: &str) -> bool {
    let mut verbs = ["write ", "写 "].iter();
    verbs.any(|verb| students.contains(&format!("{verb}{file}")))
}

fn characters(step: &Step) -> usize {
    let asked = step.ask.iter().flat_map(|ask| {
        let question = ask.question.iter().map(Block::text);
        question.chain(ask.options.iter().map(String::as_str))
    });
    let blocks = step.say.iter().chain(&step.seen).chain(&step.why);
    let claims = step.claims.iter().map(|claim| claim.text.as_str());
    let texts = blocks.map(Block::text).chain(asked).chain(claims);
    texts.chain([step.title.as_str()]).map(count).sum()
}

/// Chinese characters count one each, and so does a word of Latin script or a number.
fn count(text: &str) -> usize {
    let is_chinese = |it: &char| ('\u{2e80}'..='\u{9fff}').contains(it);
    let words = text.split(|it: char| !it.is_ascii_alphanumeric() && it != '_');
    text.chars().filter(is_chinese).count() + words.filter(|it| !it.is_empty()).count()
}

/// The keys for a program; an editor indents by itself.
fn keys(program: &str) -> usize {
    let lines = program.lines();
    lines.map(|line| line.trim().chars().count() + 1).sum()
}
