//! Playing lessons.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use libtest_mimic::Failed;
use portlab_lab::python::Python;
use portlab_lessons::{LESSONS, Lesson, script::Script};
use portlab_sys::marked::marked;
use portlab_testkit::binary;
use portlab_words::Lang;

use crate::{check, turn_at_the_courses_port};

/// The environment variable that marks all processes of a lesson.
const MARK: &str = "PORTLAB_TEST_LESSON";

/// An empty folder in which a lesson is played, and the mark of the lesson's processes.
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

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        &self.dir
    }

    /// `portlab lesson ARGUMENTS`, without a terminal.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
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

    /// Fails when a process of the lesson is left. It waits, because a killed process takes a moment to end.
    pub(crate) fn has_no_process(&self) -> Result<(), Failed> {
        let since = Instant::now();
        let mut left = marked(MARK, &self.mark)?;
        while !left.is_empty() && since.elapsed() < Duration::from_secs(10) {
            thread::sleep(Duration::from_millis(5));
            left = marked(MARK, &self.mark)?;
        }
        check(left.is_empty(), format!("processes are left: {left:?}"))
    }

    /// Fails when a file of the lesson is left.
    pub(crate) fn has_no_file(&self) -> Result<(), Failed> {
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
pub(crate) fn streams(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("a lesson writes UTF-8");
    (text(&output.stdout), text(&output.stderr))
}

/// The columns of the narrowest terminal that must suit the lessons.
const COLUMNS: usize = 60;

/// All claims of the text are shown, and hold. In English this uses this machine's Python, if there is one; in Chinese `PATH` is
/// empty, so there are no programs but portlab.
pub(crate) fn its_claims_hold(lesson: &Lesson, lang: Lang) -> Result<(), Failed> {
    let room = Room::new();
    let script = lesson.script(lang)?;
    let mut command = room.command(&[lesson.name, "--lang", &lang.to_string()]);
    command.env("COLUMNS", COLUMNS.to_string());
    if lang == Lang::Zh {
        command.env("PATH", &room.dir);
    }
    let output = command.output()?;
    let (text, errors) = streams(&output);
    let whole = format!("{text}\n{errors}");
    let said = format!("{}\n{whole}", output.status);
    check(output.status.success(), said)?;
    let claims = script.steps.iter().flat_map(|step| &step.claims).count();
    check(
        claims_in(&text) == claims,
        format!("{claims} claims, but\n{whole}"),
    )?;
    let wide = text.lines().find(|line| width(line) > COLUMNS);
    check(wide.is_none(), format!("wider than {COLUMNS}: {wide:?}"))?;
    let holds = errors.contains("--auto");
    check(holds, "the missing terminal is not reported")?;
    if lang == Lang::En && Python::find().is_some() {
        only_what_may_be_missing_is(lesson, &script, &text)?;
    }
    room.has_no_process()?;
    room.has_no_file()
}

/// The number of claims that a lesson has shown. The last line with a mark is the sum.
pub(crate) fn claims_in(text: &str) -> usize {
    let marked = text.lines().filter(|it| it.starts_with(['✓', '○']));
    marked.count().saturating_sub(1)
}

/// Fails if the output says that this machine can't show a claim, though every machine can.
fn only_what_may_be_missing_is(lesson: &Lesson, script: &Script, text: &str) -> Result<(), Failed> {
    let said = without_breaks(text);
    for step in &script.steps {
        for claim in &step.claims {
            let name = format!("{}/{}/{}", lesson.name, step.key, claim.key);
            let not_here = claim.not_here.as_deref().map(longest_literal);
            let is_missing = not_here.is_some_and(|text| said.contains(&without_breaks(text)));
            let may_be = MAY_BE_MISSING.iter().any(|it| name.starts_with(it));
            let said = format!("{name} was not seen:\n{text}");
            check(!is_missing || may_be, said)?;
        }
    }
    Ok(())
}

/// Claims that even a machine with two processors and Python may not show, and the reasons.
const MAY_BE_MISSING: &[&str] = &[
    // Root may bind every port.
    "ports/low/refused",
    // The system may give the port to another program first.
    "holder/end/free",
    // They need greenlet and gevent.
    "coroutines/switch/",
    "coroutines/gevent/",
    "stacks/gevent/",
    "web-many/gevent/",
    // A container may forbid io_uring and `ptrace`.
    "uring/",
    // A container hides the parent.
    "processes/",
    // These depend on chance, and on how busy the machine is.
    "threads/order/differs",
    "lost-update/python/apart",
    "chat/limit/reason",
    "figures/",
];

/// The longest piece of a text without values.
fn longest_literal(text: &str) -> &str {
    let pieces = text.split(['{', '}', '`', '*']);
    pieces.max_by_key(|piece| piece.len()).unwrap_or_default()
}

/// A text as one line, however it is broken.
pub(crate) fn without_breaks(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A student's own files don't disturb a lesson, and neither does a `python3` that is a script, as in some installations.
pub(crate) fn a_students_own_files_change_nothing() -> Result<(), Failed> {
    let Some(python) = Python::find() else {
        return Ok(());
    };
    let room = Room::new();
    let own = room.dir.join("socket.py");
    fs::write(&own, "raise SystemExit('a student\'s own file')")?;
    let wrapper = room.dir.join("python3");
    let script = format!("#!/bin/sh\n{} \"$@\"\n", python.executable.display());
    fs::write(&wrapper, script)?;
    fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755))?;
    for lesson in ["bytes", "eof"] {
        let mut command = room.command(&[lesson, "--lang", "en"]);
        let output = command.env("PATH", &room.dir).output()?;
        let (text, errors) = streams(&output);
        check(output.status.success(), format!("{text}\n{errors}"))?;
        check(!text.contains('○'), text)?;
        room.has_no_process()?;
    }
    fs::remove_file(own)?;
    fs::remove_file(wrapper)?;
    room.has_no_file()
}

/// If port 8080 is taken, the lesson names the holder, and takes another port.
pub(crate) fn the_holder_of_port_8080_is_named() -> Result<(), Failed> {
    let _turn = turn_at_the_courses_port();
    // If another program has the port, this waits for it: the program might free the port during the test.
    let since = Instant::now();
    let mut taken = TcpListener::bind("127.0.0.1:8080");
    while taken.is_err() && since.elapsed() < Duration::from_secs(20) {
        thread::sleep(Duration::from_millis(50));
        taken = TcpListener::bind("127.0.0.1:8080");
    }
    let room = Room::new();
    for (lang, says) in [("en", "Number 8080 is taken by"), ("zh", "8080 号被")] {
        let output = room.command(&["client", "--lang", lang]).output()?;
        let (text, _) = streams(&output);
        check(output.status.success(), &text)?;
        check(without_breaks(&text).contains(says), text)?;
    }
    Ok(())
}

/// The columns of a line: a Chinese character takes two.
pub(crate) fn width(line: &str) -> usize {
    let wide = |character: char| ('\u{2e80}'..='\u{ffef}').contains(&character);
    line.chars().map(|it| if wide(it) { 2 } else { 1 }).sum()
}

/// If two threads can run at the same time, additions are lost.
pub(crate) fn additions_are_lost_on_two_processors() -> Result<(), Failed> {
    if thread::available_parallelism()?.get() < 2 {
        return Ok(());
    }
    let room = Room::new();
    let output = room.command(&["lost-update", "--lang", "en"]).output()?;
    let (text, _) = streams(&output);
    let said = without_breaks(&text);
    check(said.contains("additions were lost."), &text)?;
    check(!said.contains("nothing was lost here"), text)
}

/// The reader closes the pipe early, as `head` does.
pub(crate) fn a_lesson_ends_without_a_message_when_its_pipe_is_closed() -> Result<(), Failed> {
    let room = Room::new();
    let mut child = room.command(&["ports", "--auto", "--fast"]).spawn()?;
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first)?;
    let output = child.wait_with_output()?;
    let (_, errors) = streams(&output);
    check(output.status.success() && errors.is_empty(), errors)
}

pub(crate) fn the_list_is_in_teaching_order_also_as_json() -> Result<(), Failed> {
    let room = Room::new();
    let json = room.command(&["--json"]).output()?;
    let listed: Vec<serde_json::Value> = serde_json::from_slice(&json.stdout)?;
    let names = listed.iter().map(|it| it["name"].as_str().unwrap());
    let names: Vec<_> = names.collect();
    let expected: Vec<_> = LESSONS.iter().map(|it| it.name).collect();
    check(names == expected, format!("{names:?}"))?;
    let holds = listed[0]["title"]["zh"].as_str().is_some();
    check(holds, "a title in Chinese")?;
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
