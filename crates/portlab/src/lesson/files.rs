//! What `portlab lesson` writes: a lesson's programs, and its pages for a class.

use std::{fs, io::Write, path::Path};

use anyhow::{Context, bail};
use portlab_lessons::{
    Code, Lesson,
    programs::Program,
    sheets::{Kind, sheet},
};
use portlab_sys::{input, whole::write_whole};
use portlab_words::{Lang, tr};

use super::Args;
use crate::{Verdict, args, output};

/// Writes the programs of `lesson` into `folder`. A file of other content stays as it is, and then nothing is written.
pub(super) fn save(lesson: &Lesson, code: Code, folder: &Path) -> anyhow::Result<Verdict> {
    let lang = args::lang();
    let programs = lesson.programs(&lesson.script(lang)?, code);
    if programs.is_empty() {
        let name = lesson.name;
        bail!(tr!(
            lang,
            "lesson {name} has no program to save; without --code, programs in every language are saved",
            "课程 {name} 没有可以保存的程序；去掉 --code 就会保存各种语言的程序",
        ));
    }
    for program in &programs {
        let path = folder.join(&program.file);
        if is_other(&path, program) {
            let (path, name) = (path.display(), lesson.name);
            bail!(tr!(
                lang,
                "{path} exists with other content, so nothing was written; name another folder, such as --save lesson-{name}",
                "{path} 已经存在，内容不同，所以什么也没有写；请换一个文件夹，例如 --save lesson-{name}",
            ));
        }
    }
    for program in &programs {
        let path = folder.join(&program.file);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent).with_context(|| args::unwritten(parent))?;
        write_whole(&path, program.text.as_bytes()).with_context(|| args::unwritten(&path))?;
        let file = path.display();
        for before in program.before.lines() {
            let line = tr!(
                lang,
                "{file}: first run in another terminal: {before}",
                "{file}，先在另一个终端运行：{before}",
            );
            writeln!(output::stdout(), "{line}")?;
        }
        let line = match program.command(&path.to_string_lossy()) {
            Some(run) => tr!(lang, "{file}: run it with: {run}", "{file}，运行：{run}"),
            None => file.to_string(),
        };
        writeln!(output::stdout(), "{line}")?;
    }
    Ok(Verdict::Fine)
}

/// Writes the page of `kind` for each of `lessons` in each of `langs` into `folder`. A page of an earlier run is replaced.
pub(super) fn export(
    kind: &str,
    folder: &Path,
    lessons: &[&Lesson],
    langs: &[Lang],
    args: &Args,
) -> anyhow::Result<Verdict> {
    let lang = args::lang();
    let Some(kind) = Kind::ALL.into_iter().find(|it| it.name() == kind) else {
        let kinds = Kind::ALL.map(Kind::name).join(", ");
        bail!(tr!(
            lang,
            "unknown kind {kind:?} of --export; the kinds are: {kinds}",
            "--export 不认识 {kind:?}；可以写的有：{kinds}",
        ));
    };
    fs::create_dir_all(folder).with_context(|| args::unwritten(folder))?;
    for lesson in lessons {
        for &of_page in langs {
            let page = sheet(kind, lesson, of_page, args.seed, args.code())?;
            let file = format!("{}-{}.{of_page}.html", lesson.name, kind.name());
            let path = folder.join(file);
            write_whole(&path, page.as_bytes()).with_context(|| args::unwritten(&path))?;
            writeln!(output::stdout(), "{}", path.display())?;
        }
    }
    Ok(Verdict::Fine)
}

/// Whether there is something else at `path` than `program`.
fn is_other(path: &Path, program: &Program) -> bool {
    let is_there = path.symlink_metadata().is_ok();
    let found = input::read(path, LARGEST);
    is_there && found.ok().as_deref() != Some(program.text.as_bytes())
}

/// No program is as large as this.
const LARGEST: u64 = 1 << 20;
