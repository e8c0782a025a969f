//! A web server as a class, and its port from the command line: strings, wrong arguments, a taken port.

use std::{io, net::SocketAddr, num::ParseIntError};

use portlab_sys::{process::command_line, sockets::State};
use portlab_words::table::columns;

use crate::{
    cast::{
        Folder, Site, Student, Visit, fresh_listener,
        kernel::{own_pid, shown, sockets_at},
    },
    stage::{Exit, Stage},
};

/// Wrong arguments: none, two, no number, a negative one, a number that is too large, and a digit that `int` doesn't know.
const WRONG: [&[&str]; 6] = [
    &[],
    &["8080", "9090"],
    &["abc"],
    &["-1"],
    &["70000"],
    &["²"],
];

pub(super) fn play(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let folder = stage.folder()?;
    let folder = folder.as_ref();
    class(stage, folder)?;
    words(stage, folder)?;
    checks(stage, folder)?;
    taken(stage, folder)
}

/// Two servers of one kind.
fn class(stage: &mut Stage<'_>, folder: Option<&Folder>) -> Result<(), Exit> {
    let mut step = stage.step("class")?;
    let ours = [Site::open(first)?.addr, Site::open(second)?.addr];
    let (table, pages) = listening_and_pages(ours)?;
    step.seen("two", ours[0] != ours[1] && is_of(&table, own_pid()));
    step.seen("pages", pages == ["first", "second"]);
    let student = step.student_in(folder, "two.py", &[])?;
    let theirs = student.map(|it| -> io::Result<_> {
        let (table, pages) = listening_and_pages([it.door()?, it.door()?])?;
        let are_apart = pages[0].contains("class 1") && pages[1].contains("class 2");
        Ok((is_of(&table, it.pid()) && are_apart, table))
    });
    let theirs = theirs.transpose()?;
    step.set("table", theirs.as_ref().map_or(&table, |(_, table)| table));
    step.seen("python", theirs.as_ref().map(|(seen, _)| *seen));
    step.end()
}

/// The listening sockets at two addresses as a table, and the page of each.
fn listening_and_pages(doors: [SocketAddr; 2]) -> io::Result<(String, [String; 2])> {
    let mut pages = [const { String::new() }; 2];
    let mut all = Vec::new();
    for (door, page) in doors.into_iter().zip(&mut pages) {
        *page = Visit::to(door)?.get("/")?.text();
        let sockets = sockets_at(door.port())?.into_iter();
        all.extend(sockets.filter(|it| it.state == State::Listen));
    }
    Ok((shown(&all), pages))
}

/// Whether a table has two sockets, both of process `pid`.
fn is_of(table: &str, pid: i32) -> bool {
    table.matches(&format!(" {pid}/")).count() == 2
}

/// What a program gets from the command line.
fn words(stage: &mut Stage<'_>, folder: Option<&Folder>) -> Result<(), Exit> {
    let mut step = stage.step("words")?;
    let server = step.server(&["--service", "echo"])?;
    let line = command_line(server.pid())?;
    let line = line.rsplit('/').next().unwrap_or_default();
    step.set("line", line);
    step.seen("kernel", line.starts_with("portlab serve "));
    let student = step.student_in(folder, "words.py", &["8080"])?;
    let printed = student.map(|it| {
        let [list, twice] = [(); 2].map(|()| it.line().unwrap_or_default());
        [list, twice, it.error_line()].join("\n")
    });
    let has = |line: &'static str| {
        let printed = printed.as_deref();
        printed.map(|it| it.lines().any(|it| it == line))
    };
    step.seen("list", has("['words.py', '8080']"));
    step.seen("twice", has("80808080"));
    step.printed("text", "printed", printed, |it| {
        it.contains("\nTypeError: ")
    });
    step.end()
}

/// Wrong arguments.
fn checks(stage: &mut Stage<'_>, folder: Option<&Folder>) -> Result<(), Exit> {
    let mut step = stage.step("checks")?;
    let reasons = ["-1", "70000", "²"].map(|word| port_of(word).err().map(|it| it.to_string()));
    step.seen("rust", reasons.iter().all(Option::is_some));
    step.set("reason", reasons[1].as_deref().unwrap_or("-"));
    let naive = errors_of(&mut step, folder, "naive.py")?;
    let web = errors_of(&mut step, folder, "web.py")?;
    let is_usage = |it: &String| it.starts_with("usage: ");
    let passes = naive.as_ref().map(|all| {
        let (usage, ended) = all.split_at(4);
        let errors = ["OverflowError", "ValueError"];
        let are_errors = ended
            .iter()
            .zip(errors)
            .all(|(it, error)| it.starts_with(error));
        usage.iter().all(is_usage) && are_errors
    });
    let none = step.lang().pick("(none)", "（不写）");
    let rows = naive.zip(web.as_ref()).map(|(naive, web)| {
        let name = |line: &String| line.split(':').next().unwrap_or_default().to_owned();
        let ends = naive
            .iter()
            .zip(web)
            .map(|(naive, web)| [name(naive), name(web)]);
        let rows = WRONG
            .iter()
            .zip(ends)
            .map(|(words, [naive, web])| match words {
                [] => [none.to_owned(), naive, web],
                _ => [words.join(" "), naive, web],
            });
        let head = ["", "naive.py", "web.py"].map(str::to_owned);
        columns(&[head].into_iter().chain(rows).collect::<Vec<_>>(), 2)
    });
    step.printed("usage", "rows", rows, |_| {
        web.as_ref().is_some_and(|all| all.iter().all(is_usage))
    });
    step.seen("naive", passes);
    step.end()
}

/// The error that ends a student's program, for each of the wrong arguments; `None` without Python.
fn errors_of(
    stage: &mut Stage<'_>,
    folder: Option<&Folder>,
    file: &str,
) -> io::Result<Option<Vec<String>>> {
    // All of them run at the same time.
    let students = WRONG.map(|words| stage.student_in(folder, file, words));
    let students: Vec<Option<Student>> = students.into_iter().collect::<io::Result<_>>()?;
    let errors = students.iter().map(|it| Some(it.as_ref()?.error_line()));
    Ok(errors.collect())
}

/// A right argument, and a port that another program has.
fn taken(stage: &mut Stage<'_>, folder: Option<&Folder>) -> Result<(), Exit> {
    let holder = fresh_listener()?;
    let door = holder.local_addr()?;
    stage.set("port", door.port());
    let mut step = stage.step("taken")?;
    let lang = step.lang().to_string();
    let mut ours = step.portlab(&["serve", "--bind", &door.to_string(), "--lang", &lang])?;
    let said = ours.error_line();
    step.seen(
        "ours",
        !ours.ended_well()? && said.contains(&door.to_string()),
    );
    step.set("said", said);
    let student = step.student_in(folder, "web.py", &[&door.port().to_string()])?;
    let ended = student.map(|mut it| Ok((it.error_line(), it.ended_well()?)));
    let ended: Option<(String, bool)> = ended.transpose().map_err(|it: io::Error| it)?;
    let (error, well) = ended.unzip();
    step.printed("python", "error", error, |it| {
        let is_named = it.starts_with(&format!("port {}: ", door.port()));
        is_named && it.ends_with(" in use") && well == Some(false)
    });
    step.end()
}

/// The port that a word of the command line names.
fn port_of(word: &str) -> Result<u16, ParseIntError> {
    word.parse()
}

fn first(_path: &str) -> Vec<u8> {
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst".to_vec()
}

fn second(_path: &str) -> Vec<u8> {
    b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond".to_vec()
}
