//! The texts of a lesson: both languages tell the same.

use std::{collections::BTreeSet, fs, path::Path};

use libtest_mimic::Failed;
use portlab_lessons::{
    LESSONS, Lesson, find,
    script::{Script, placeholders},
};
use portlab_words::Lang;

use crate::check;

pub(crate) fn agree(lesson: &'static Lesson) -> Result<(), Failed> {
    let [en, zh] = [Lang::En, Lang::Zh].map(|lang| {
        let script = lesson.script(lang);
        script.map_err(|error| format!("{lang}.md: {error}"))
    });
    let (shape, other) = (shape(&en?), shape(&zh?));
    check(shape == other, format!("en: {shape:#?}\nzh: {other:#?}"))?;
    for lang in Lang::ALL {
        let text = lesson.text(lang);
        for name in placeholders(&without_programs(text)) {
            let has = lesson.examples.iter().any(|(example, _)| *example == name);
            check(has, format!("{lang}.md: {{{name}}} has no example"))?;
        }
        for (file, _) in lesson.files {
            // The function itself need not be shown.
            let shown = *file == "mod.rs" || text.contains(file);
            check(shown, format!("{lang}.md shows nothing of {file}"))?;
        }
    }
    for (example, _) in lesson.examples_zh {
        let has = lesson.examples.iter().any(|(other, _)| other == example);
        check(has, format!("{{{example}}} has an example in Chinese only"))?;
    }
    for (example, _) in lesson.examples {
        let used = Lang::ALL
            .iter()
            .any(|&lang| lesson.text(lang).contains(&format!("{{{example}}}")));
        check(used, format!("no text has {{{example}}}"))?;
    }
    let half = lesson.zh.lines().find(|line| has_half_width_mark(line));
    check(
        half.is_none(),
        format!("zh.md has a half-width mark: {half:?}"),
    )
}

/// All that must be the same in both languages.
fn shape(script: &Script) -> Vec<String> {
    let steps = script.steps.iter().map(|step| {
        let ask = step.ask.as_ref().map(|ask| (ask.options.len(), ask.right));
        let claims: Vec<_> = step
            .claims
            .iter()
            .map(|it| (&it.key, it.not_here.is_some()))
            .collect();
        let (say, seen) = (step.say.len(), step.seen.len());
        format!(
            "{}: {say} blocks, asks {ask:?}, {seen} blocks, claims {claims:?}",
            step.key
        )
    });
    let questions = format!("{} questions", script.questions.len());
    steps.chain([questions]).collect()
}

/// A text without the blocks that are a program's: those have brackets of their own.
fn without_programs(text: &str) -> String {
    let mut kept = String::new();
    for (at, piece) in text.split("\n```").enumerate() {
        if at % 2 == 0 || piece.starts_with('\n') {
            kept += piece;
        }
    }
    kept
}

/// Whether a Chinese character is followed by a comma or the like that is not Chinese.
fn has_half_width_mark(line: &str) -> bool {
    let pairs = line.chars().zip(line.chars().skip(1));
    let is_chinese = |it: char| ('\u{4e00}'..='\u{9fff}').contains(&it);
    pairs
        .into_iter()
        .any(|(a, b)| is_chinese(a) && ",;:?!".contains(b))
}

pub(crate) fn folders() -> Result<(), Failed> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../portlab-lessons/src/lessons");
    let folders = fs::read_dir(root)?
        .flatten()
        .filter(|entry| entry.path().is_dir());
    let folders: BTreeSet<_> = folders
        .map(|it| it.file_name().into_string().unwrap())
        .collect();
    let names: BTreeSet<_> = LESSONS.iter().map(|it| it.name.replace('-', "_")).collect();
    check(names.len() == LESSONS.len(), "a name is used twice")?;
    check(folders == names, format!("{folders:?}, but {names:?}"))?;
    check(
        LESSONS.is_sorted_by_key(|it| it.part),
        "the parts are not in order",
    )?;
    for (number, lesson) in (1..).zip(LESSONS) {
        let number: usize = number;
        for called in [lesson.name, &number.to_string()] {
            check(
                find(called).is_some_and(|it| it.name == lesson.name),
                called,
            )?;
        }
    }
    Ok(())
}
