//! Playing lessons.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use libtest_mimic::Failed;
use portlab_lessons::{LESSONS, Lesson};
use portlab_report::Lang;
use portlab_sys::marked::marked;

use crate::check;

/// The variable by which all processes of a lesson are found.
const MARK: &str = "PORTLAB_TEST_LESSON";

/// A lesson about to be played in an empty folder, and the mark of all its processes.
pub(crate) struct Room {
    dir: PathBuf,
    mark: String,
}

impl Room {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let mark = format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Relaxed));
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("lesson-{mark}"));
        fs::create_dir_all(&dir).unwrap();
        Self { dir, mark }
    }

    /// `portlab lesson ARGUMENTS`, without a terminal.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portlab"));
        command
            .arg("lesson")
            .args(arguments)
            .current_dir(&self.dir)
            .env("HOME", &self.dir)
            .env("TMPDIR", &self.dir)
            .env(MARK, &self.mark)
            .env_remove("COLUMNS")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Whether no process and no file of the lesson is left. A killed process takes a moment to go.
    pub(crate) fn is_empty(&self) -> Result<(), Failed> {
        let since = Instant::now();
        let mut left = marked(MARK, &self.mark)?;
        while !left.is_empty() && since.elapsed() < Duration::from_secs(10) {
            thread::sleep(Duration::from_millis(5));
            left = marked(MARK, &self.mark)?;
        }
        check(left.is_empty(), format!("processes are left: {left:?}"))?;
        let files: Vec<_> = fs::read_dir(&self.dir)?.flatten().collect();
        check(files.is_empty(), format!("files are left: {files:?}"))
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// Both streams of a command that has ended, as text.
fn streams(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("a lesson writes UTF-8");
    (text(&output.stdout), text(&output.stderr))
}

pub(crate) fn what_it_claims_is_seen(lesson: &Lesson, lang: Lang) -> Result<(), Failed> {
    let room = Room::new();
    let script = lesson.script(lang)?;
    // Chinese at the narrowest that it must fit, English as wide as it gets.
    let columns = match lang {
        Lang::Zh => 60,
        Lang::En => 80,
    };
    let mut command = room.command(&[lesson.name, "--lang", &lang.to_string()]);
    if lang == Lang::Zh {
        // A machine without Python, or anything else that isn't ours.
        command.env("PATH", &room.dir);
    }
    let output = command.env("COLUMNS", columns.to_string()).output()?;
    let (text, complaints) = streams(&output);
    let whole = format!("{text}\n{complaints}");
    check(
        output.status.success(),
        format!("{}\n{whole}", output.status),
    )?;
    let claims = script.steps.iter().flat_map(|step| &step.claims).count();
    // The last such line is the sum.
    let marks = text
        .lines()
        .filter(|line| line.starts_with(['✓', '○']))
        .count();
    check(
        marks == claims + 1,
        format!("{claims} claims, but\n{whole}"),
    )?;
    let wide = text.lines().find(|line| width(line) > columns);
    check(wide.is_none(), format!("wider than {columns}: {wide:?}"))?;
    room.is_empty()
}

/// The columns of a line: what is Chinese takes two.
fn width(line: &str) -> usize {
    let wide = |character: char| ('\u{2e80}'..='\u{ffef}').contains(&character);
    line.chars().map(|it| if wide(it) { 2 } else { 1 }).sum()
}

/// Where two threads really run at once, the lost update is really lost.
pub(crate) fn the_lost_update_loses() -> Result<(), Failed> {
    if thread::available_parallelism()?.get() < 2 {
        return Ok(());
    }
    let room = Room::new();
    let output = room.command(&["lost-update", "--lang", "en"]).output()?;
    let (text, _) = streams(&output);
    let words: Vec<_> = text.split_whitespace().collect();
    let said = words.join(" ");
    check(said.contains("additions were lost."), &text)?;
    check(!said.contains("nothing was lost here"), text)
}

pub(crate) fn asked_wrongly() -> Result<(), Failed> {
    let room = Room::new();
    for (arguments, says) in [
        (&["prots"][..], "there is no lesson \"prots\"; try ports"),
        (&["99"], "there is no lesson \"99\"; `portlab lesson` for"),
        (&["ports", "--lang", "de"], "take en or zh"),
        (&["ports", "--fast"], "--auto"),
    ] {
        let output = room.command(arguments).output()?;
        let (_, complaints) = streams(&output);
        check(
            output.status.code() == Some(2),
            format!("{:?}", output.status),
        )?;
        check(complaints.contains(says), complaints)?;
    }
    Ok(())
}

pub(crate) fn list() -> Result<(), Failed> {
    let room = Room::new();
    let json = room.command(&["--json"]).output()?;
    let listed: Vec<serde_json::Value> = serde_json::from_slice(&json.stdout)?;
    let names: Vec<_> = listed
        .iter()
        .map(|it| it["name"].as_str().unwrap())
        .collect();
    let expected: Vec<_> = LESSONS.iter().map(|it| it.name).collect();
    check(names == expected, format!("{names:?}"))?;
    check(
        listed[0]["title"]["zh"].as_str().is_some(),
        "a title in Chinese",
    )?;
    for lang in Lang::ALL {
        let (text, _) = streams(&room.command(&["--lang", &lang.to_string()]).output()?);
        let mut rest = text.as_str();
        for lesson in LESSONS {
            let title = lesson.title(lang);
            let place = rest
                .find(title)
                .ok_or(format!("{title} is not in\n{rest}"))?;
            rest = &rest[place..];
        }
    }
    Ok(())
}
