//! What a user may choose of a lesson: the first step, the programs, a port, files of the programs.

use std::{fs, net::TcpListener, process::Command};

use libtest_mimic::Failed;
use portlab_lab::python::Python;
use portlab_lessons::{LESSONS, Lesson};
use portlab_words::Lang;

use crate::{
    check,
    plays::{Room, claims_in, streams},
};

/// Every lesson can start at its last step: only that step is shown, and its claims hold.
pub(crate) fn its_last_step_stands_alone(lesson: &'static Lesson) -> Result<(), Failed> {
    let room = Room::new();
    let script = lesson.script(Lang::En)?;
    let (last, count) = (script.steps.last().ok_or("a step")?, script.steps.len());
    let mut command = room.command(&[lesson.name, "--lang", "en", "--step", &last.key]);
    let output = command.env("COLUMNS", "80").output()?;
    let (text, errors) = streams(&output);
    check(output.status.success(), format!("{text}\n{errors}"))?;
    let headings = text.lines().filter(|line| line.starts_with("── "));
    let steps: Vec<_> = headings.filter(|line| line.contains('/')).collect();
    let is_alone = steps.len() == 1 && steps[0].starts_with(&format!("── {count}/{count}  "));
    check(is_alone, format!("{steps:?}\n{text}"))?;
    check(claims_in(&text) == last.claims.len(), &text)?;
    room.has_no_process()?;
    room.has_no_file()
}

pub(crate) fn a_wrong_choice_gets_an_error_with_a_remedy() -> Result<(), Failed> {
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let port = taken.local_addr()?.port().to_string();
    let room = Room::new();
    let numbers = format!("lessons have the numbers 1 to {}", LESSONS.len());
    for (arguments, says) in [
        (
            &["prots"][..],
            "unknown lesson \"prots\"; did you mean ports?",
        ),
        (&["99"], "unknown lesson 99: lessons have the numbers 1 to"),
        (&["0"], &numbers),
        (&["ports", "--lang", "de"], "expected en or zh"),
        (&["ports", "--fast"], "--auto"),
        (&["client", "--step", "8"], "1 create, 2 connect, 3 send"),
        (&["client", "--step", "0"], "7 by_hand"),
        (&["client", "--step", "sent"], "unknown step \"sent\""),
        (&["client", "--port", &port], "choose another port, such as"),
        (
            &["ports", "--port", &port],
            "these lessons do: client, server",
        ),
        (&["client", "--port", "0"], "between 1 and 65535"),
        (&["client", "server"], "leave out server"),
        (&["figures", "--save", "x"], "without --code"),
        (&["client", "--code", "java"], "both"),
        (&["--export", "poster", "x"], "slides, worksheet, quiz, key"),
    ] {
        let output = room.command(arguments).output()?;
        let (_, errors) = streams(&output);
        check(
            output.status.code() == Some(2),
            format!("{arguments:?}: {errors}"),
        )?;
        check(errors.contains(says), format!("{arguments:?}: {errors}"))?;
    }
    room.has_no_file()
}

/// The programs are written, a changed one is not overwritten, and the command that is named runs the program.
pub(crate) fn programs_are_saved_and_run() -> Result<(), Failed> {
    let room = Room::new();
    let save = |room: &Room| room.command(&["lost-update", "--save", "own dir"]).output();
    let output = save(&room)?;
    let (text, errors) = streams(&output);
    check(output.status.success(), errors)?;
    let folder = room.path().join("own dir");
    for file in ["plus.py", "apart.py", "locked.py"] {
        let line = format!("own dir/{file}: run it with: python3 'own dir/{file}'");
        check(text.contains(&line), &text)?;
        check(folder.join(file).is_file(), file)?;
    }
    if Python::find().is_some() {
        let line = text.lines().find(|line| line.contains("locked.py"));
        let command = line.and_then(|line| line.split_once("run it with: "));
        let (_, command) = command.ok_or("a command")?;
        let mut shell = Command::new("sh");
        let output = shell
            .args(["-c", command])
            .current_dir(room.path())
            .output()?;
        check(output.stdout == b"2000000\n", format!("{output:?}"))?;
    }
    // The same program again changes nothing; a student's own change stays.
    check(save(&room)?.status.success(), "saved twice")?;
    fs::write(folder.join("plus.py"), "mine")?;
    fs::remove_file(folder.join("locked.py"))?;
    let output = save(&room)?;
    let (_, errors) = streams(&output);
    check(output.status.code() == Some(2), &errors)?;
    let is_said = errors.contains("own dir/plus.py exists with other content");
    check(is_said, errors)?;
    check(fs::read(folder.join("plus.py"))? == b"mine", "overwritten")?;
    check(
        !folder.join("locked.py").exists(),
        "another file was written",
    )?;
    // The files that a program reads are written too.
    let output = room.command(&["web-site", "--save", "own dir"]).output()?;
    let (text, errors) = streams(&output);
    check(output.status.success(), errors)?;
    check(text.contains("\nown dir/static/index.html\n"), &text)?;
    check(folder.join("static/news.html").is_file(), "a page")?;
    check(text.contains("cd 'own dir' && python3 site.py"), text)?;
    // A client is told after its server.
    let output = room.command(&["client", "--save", "own dir"]).output()?;
    let (text, _) = streams(&output);
    let server = text.find("client.py: first run in another terminal: portlab assist 8080");
    let client = text.find("client.py: run it with:");
    check(server.is_some() && server < client, text)?;
    fs::remove_dir_all(folder)?;
    room.has_no_file()
}

pub(crate) fn pages_are_exported_in_both_languages_or_in_one() -> Result<(), Failed> {
    let room = Room::new();
    let export = |arguments: &[&str]| room.command(arguments).output();
    let output = export(&["client", "7", "--export", "key", "new/pages"])?;
    let (text, errors) = streams(&output);
    check(output.status.success(), errors)?;
    let files = [
        "client-key.en.html",
        "client-key.zh.html",
        "server-key.en.html",
        "server-key.zh.html",
    ];
    let folder = room.path().join("new");
    for file in files {
        check(text.contains(&format!("new/pages/{file}\n")), &text)?;
        let page = fs::read_to_string(folder.join("pages").join(file))?;
        check(page.starts_with("<!DOCTYPE html>"), page)?;
    }
    check(text.lines().count() == files.len(), &text)?;
    // With --lang, only that language is written.
    let (text, _) = streams(&export(&[
        "7", "--lang", "zh", "--export", "quiz", "new/zh",
    ])?);
    check(text == "new/zh/server-quiz.zh.html\n", text)?;
    check(fs::read_dir(folder.join("zh"))?.count() == 1, "other files")?;
    // Without a name, every lesson is written.
    let (text, _) = streams(&export(&["--export", "slides", "new/all"])?);
    check(text.lines().count() == 2 * LESSONS.len(), text)?;
    fs::remove_dir_all(folder)?;
    room.has_no_file()
}

/// `--code` leaves out the other language only where a step has both.
pub(crate) fn one_language_is_shown_where_there_are_two() -> Result<(), Failed> {
    let room = Room::new();
    for (code, rust, python) in [("python", false, true), ("rust", true, false)] {
        let arguments = ["holder", "--lang", "en", "--code", code];
        let (text, _) = streams(&room.command(&arguments).output()?);
        // Step `other` has both languages; step `taken` has Python only.
        check(text.contains("(127, 0, 0, 2)") == rust, &text)?;
        check(text.contains("\"127.0.0.2\"") == python, &text)?;
        check(text.contains("port = int(sys.argv[1])"), &text)?;
    }
    Ok(())
}
