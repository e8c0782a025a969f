//! `portlab judge --each`: the programs of a class, one after another, a line of CSV for each.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use portlab_judge::Verdict as Judgement;
use portlab_words::tr;

use super::{Args, Job, report::Page, screen::Screen};
use crate::{Verdict, args::lang, error_text, output};

/// The head of the CSV.
const HEAD: [&str; 9] = [
    "file", "mark", "of", "passed", "judged", "speaks", "bugs", "seconds", "error",
];

/// Judges each file that matches `pattern`. No two programs run at once: many have the same port written in.
pub(super) fn run(args: &Args, pattern: &str, page: Option<&Page>) -> anyhow::Result<Verdict> {
    let files = files(pattern)?;
    output::print(&line(&HEAD.map(str::to_owned))?)?;
    let mut result = Verdict::Fine;
    let mut unsent = None;
    for (at, file) in files.iter().enumerate() {
        let mut screen = Screen::of_class(at + 1, files.len(), &file.to_string_lossy());
        let verdict = args.judge(&job(file, &args.command), &mut screen);
        drop(screen);
        let row = match &verdict {
            Ok(verdict) => row(file, verdict),
            Err(error) => failed(file, error),
        };
        output::print(&line(&row)?)?;
        if !verdict.as_ref().is_ok_and(Judgement::is_fine) {
            result = Verdict::Failed;
        }
        if let (Some(page), Ok(verdict)) = (page, &verdict) {
            // The other programs are judged all the same.
            unsent = page.send(verdict).err().or(unsent);
        }
    }
    unsent.map_or(Ok(result), Err)
}

/// The files that match `pattern`, in the order of their names.
fn files(pattern: &str) -> anyhow::Result<Vec<PathBuf>> {
    let found = glob::glob(pattern).with_context(|| {
        tr!(
            lang(),
            "can't read the pattern {pattern:?}: write it like 'students/*/server.py'",
            "看不懂 {pattern:?}：请写成 'students/*/server.py' 这样"
        )
    })?;
    let files: Vec<_> = found.flatten().filter(|it| it.is_file()).collect();
    if files.is_empty() {
        bail!(tr!(
            lang(),
            "no file matches {pattern:?}; check the folder, and quote the pattern: 'students/*/server.py'",
            "没有文件符合 {pattern:?}；请检查文件夹，并且给它加上引号：'students/*/server.py'"
        ));
    }
    Ok(files)
}

/// How `file` is judged: in its own folder, because a program may read files beside it.
fn job(file: &Path, command: &[String]) -> Job {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let command = match command {
        [] if file.extension().is_some_and(|it| it == "py") => {
            vec!["python3".to_owned(), name.into_owned()]
        }
        [] => vec![format!("./{name}")],
        words => words.iter().map(|it| it.replace("{file}", &name)).collect(),
    };
    let folder = file.parent().filter(|it| !it.as_os_str().is_empty());
    let shown = file.to_string_lossy();
    Job {
        command,
        folder: folder.map(Path::to_owned),
        name: Some(portlab_service::inert(&shown)),
    }
}

fn row(file: &Path, verdict: &Judgement) -> [String; 9] {
    let mark = verdict.mark;
    let bugs: Vec<_> = verdict.bugs.iter().map(|it| it.bug.as_str()).collect();
    [
        file.display().to_string(),
        mark.points.to_string(),
        mark.of.to_string(),
        mark.passed.to_string(),
        mark.judged.to_string(),
        verdict.speech.clone().unwrap_or_default(),
        bugs.join(" "),
        (verdict.took_ms / 1000).to_string(),
        String::new(),
    ]
}

fn failed(file: &Path, error: &anyhow::Error) -> [String; 9] {
    let mut row = std::array::from_fn(|_| String::new());
    row[0] = file.display().to_string();
    row[8] = error_text::plain(error);
    row
}

/// A line of CSV.
fn line(row: &[String; 9]) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(row)?;
    Ok(String::from_utf8(writer.into_inner()?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_python_file_runs_in_its_folder_with_python() {
        let job_of = |file: &str, command: &[&str]| {
            let command: Vec<_> = command.iter().map(|it| (*it).to_owned()).collect();
            let job = job(Path::new(file), &command);
            (job.command.join(" "), job.folder)
        };
        let folder = Some(PathBuf::from("class/li"));
        let found = job_of("class/li/server.py", &[]);
        assert_eq!(found, ("python3 server.py".to_owned(), folder.clone()));
        let found = job_of("class/li/a.out", &["./{file}", "{port}"]);
        assert_eq!(found, ("./a.out {port}".to_owned(), folder));
        assert_eq!(job_of("server", &[]), ("./server".to_owned(), None));
    }

    #[test]
    fn a_field_with_a_comma_is_quoted() {
        let mut row = std::array::from_fn(|_| String::new());
        row[0] = "a,b.py".to_owned();
        assert_eq!(line(&row).unwrap(), "\"a,b.py\",,,,,,,,\n");
    }
}
