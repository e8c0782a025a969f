//! The pages of the lessons, and the indexes of them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use libtest_mimic::Failed;
use portlab_lessons::{
    LESSONS, Lesson,
    page::{RENEW, index, page},
};
use portlab_report::Lang;

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

pub(crate) fn indexes() -> Result<(), Failed> {
    fresh(&docs().join("README.md"), &index())?;
    for lang in Lang::ALL {
        let pages = fs::read_dir(docs().join(lang.to_string()))?.flatten();
        for page in pages {
            let name = page.file_name().into_string().unwrap();
            let listed = LESSONS.iter().any(|it| format!("{}.md", it.name) == name);
            check(
                listed,
                format!("{} belongs to no lesson", page.path().display()),
            )?;
        }
    }
    Ok(())
}

/// A file is as it is generated, or is renewed when that is asked for.
fn fresh(file: &Path, text: &str) -> Result<(), Failed> {
    if std::env::var_os("PORTLAB_RENEW").is_some() {
        fs::create_dir_all(file.parent().unwrap())?;
        fs::write(file, text)?;
    }
    let found = fs::read_to_string(file).unwrap_or_default();
    let stale = format!("{} is stale; renew it with: {RENEW}", file.display());
    check(found == text, stale)
}
