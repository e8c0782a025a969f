//! The pages of the lessons, and the indexes of them.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use libtest_mimic::Failed;
use portlab_lessons::{
    LESSONS, Lesson,
    page::{RENEW, index, page, short_index},
};
use portlab_words::Lang;

use crate::check;

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/lessons")
}

pub(crate) fn are_fresh(lesson: &'static Lesson) -> Result<(), Failed> {
    for lang in Lang::ALL {
        let file = docs().join(format!("{lang}/{}.md", lesson.name));
        fresh(&file, &page(lesson, lang)?)?;
    }
    Ok(())
}

pub(crate) fn the_indexes_list_every_lesson() -> Result<(), Failed> {
    fresh(&docs().join("README.md"), &index())?;
    for (lang, readme) in [(Lang::En, "README.md"), (Lang::Zh, "README.zh.md")] {
        let file = docs().join("../..").join(readme);
        let text = fs::read_to_string(&file)?;
        let marks = ["<!-- lessons -->\n", "<!-- end of lessons -->"];
        let parts = text.split_once(marks[0]).and_then(|(before, rest)| {
            let (_, behind) = rest.split_once(marks[1])?;
            Some([before, marks[0], &short_index(lang), marks[1], behind].concat())
        });
        let none = format!("{readme} has no marks of the lessons");
        fresh(&file, &parts.ok_or(none)?)?;
    }
    for lang in Lang::ALL {
        let pages = fs::read_dir(docs().join(lang.to_string()))?.flatten();
        for page in pages {
            let name = page.file_name().into_string().unwrap();
            let listed = LESSONS.iter().any(|it| format!("{}.md", it.name) == name);
            let said = format!("{} belongs to no lesson", page.path().display());
            check(listed, said)?;
        }
    }
    Ok(())
}

/// Every lesson that a class plan or a README names exists, and every plan names every lesson.
pub(crate) fn class_plans_name_existing_lessons() -> Result<(), Failed> {
    let root = docs().join("../..");
    for plan in [
        "docs/teaching.md",
        "docs/teaching.zh.md",
        "README.md",
        "README.zh.md",
    ] {
        let text = fs::read_to_string(root.join(plan))?;
        let named: BTreeSet<_> = text
            .split("portlab lesson ")
            .skip(1)
            .filter_map(|after| after.split(['`', ' ', '\n', '*']).next())
            .filter(|name| name.starts_with(|it: char| it.is_ascii_lowercase()))
            .collect();
        let all: BTreeSet<_> = LESSONS.iter().map(|it| it.name).collect();
        let unknown: Vec<_> = named.difference(&all).collect();
        check(unknown.is_empty(), format!("{plan} names {unknown:?}"))?;
        if !plan.starts_with("README") {
            let missing: Vec<_> = all.difference(&named).collect();
            check(missing.is_empty(), format!("{plan} leaves out {missing:?}"))?;
        }
    }
    Ok(())
}

/// Checks that a file has the generated text, or renews it if `PORTLAB_RENEW` is set.
pub(crate) fn fresh(file: &Path, text: &str) -> Result<(), Failed> {
    if std::env::var_os("PORTLAB_RENEW").is_some() {
        fs::create_dir_all(file.parent().unwrap())?;
        fs::write(file, text)?;
    }
    let found = fs::read_to_string(file).unwrap_or_default();
    let stale = format!("{} is stale; renew it with: {RENEW}", file.display());
    check(found == text, stale)
}
