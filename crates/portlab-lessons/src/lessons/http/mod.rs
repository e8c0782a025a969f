//! HTTP by hand: a web page over a socket.

mod browser;
mod site;

use std::{io, time::Duration};

use portlab_service::inert;
use portlab_sys::sockets::Socket;

use self::site::{FOLDER, PAGE};
use crate::{
    cast::{Ends, Response, Site, Student, Visit, kernel::shown},
    stage::{Exit, Stage},
};

/// A path that leads out of the folder, to the kernel's data on the program that opens it.
const OUTSIDE: &str = "/../../self/status";

/// How long the lesson waits for a response before the empty line.
const A_WHILE: Duration = Duration::from_millis(200);

pub(super) fn play(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let mut site = Site::open(site::answer)?;
    stage.set("address", site.addr);
    stage.set("folder", FOLDER);
    stage.set("characters", PAGE.chars().count());
    stage.set("path", OUTSIDE);
    typed_by_hand(stage, &site)?;
    browser::requested_by_a_browser(stage, &mut site)?;
    a_length_in_characters(stage, &site)?;
    the_requested_page(stage, &site)?;
    out_of_the_folder(stage, &site)?;
    two_on_one_connection(stage, &site)
}

fn typed_by_hand(stage: &mut Stage<'_>, site: &Site) -> Result<(), Exit> {
    let mut step = stage.step("typed")?;
    let mut visit = Visit::to(site.addr)?;
    visit.send("GET / HTTP/1.1\r\n")?;
    visit.send(&format!("Host: {}\r\n", site.addr))?;
    step.set("silence", A_WHILE.as_millis());
    step.seen("silent", visit.is_silent(A_WHILE)?);
    visit.send("\r\n")?;
    let response = visit.response()?;
    step.set("response", response.whole());
    step.set("status", response.status());
    step.seen("answered", response.status() == "HTTP/1.1 200 OK");
    step.seen("page", response.body == PAGE.as_bytes());
    let students = of_the_students_server(&mut step, ["/"])?;
    let is_same = students.map(|[page]| page.body == response.body);
    step.seen("python", is_same);
    step.end()
}

fn a_length_in_characters(stage: &mut Stage<'_>, site: &Site) -> Result<(), Exit> {
    let mut step = stage.step("length")?;
    let right = Visit::to(site.addr)?.get("/")?;
    let wrong = Visit::to(site.addr)?.get("/short")?;
    step.set("bytes", right.header("Content-Length"));
    let counted = wrong.header("Content-Length") == PAGE.chars().count().to_string();
    step.seen("whole", right.body == PAGE.as_bytes());
    let is_cut = !wrong.text().contains("</h1>") && wrong.body.len() < PAGE.len();
    step.seen("cut", counted && is_cut);
    step.set("whole", right.text());
    step.set("cut", wrong.text());
    step.end()
}

fn the_requested_page(stage: &mut Stage<'_>, site: &Site) -> Result<(), Exit> {
    let mut step = stage.step("path")?;
    let paths = ["/ostype", "/nothing"];
    let [found, missing] = Visit::responses(site.addr, paths)?;
    let is_found = found.status().contains("200") && found.text() == "Linux";
    step.seen("found", is_found);
    step.seen("missing", missing.status().contains("404"));
    step.set("found", found.text());
    step.set("missing", missing.status());
    let students = of_the_students_server(&mut step, paths)?;
    let as_ours = students.map(|[its_found, its_missing]| {
        its_found.body == found.body && its_missing.status() == missing.status()
    });
    step.seen("python", as_ours);
    step.end()
}

fn out_of_the_folder(stage: &mut Stage<'_>, site: &Site) -> Result<(), Exit> {
    let mut step = stage.step("outside")?;
    let leaked = of_the_students_server(&mut step, [OUTSIDE])?;
    let first = leaked.map(|[response]| {
        let text = response.text();
        inert(text.lines().next().unwrap_or_default()).replace('\t', " ")
    });
    step.printed("leaked", "leaked", first, |it| it.starts_with("Name:"));
    let refused = Visit::to(site.addr)?.get(OUTSIDE)?;
    step.set("refused", refused.status());
    step.seen("refused", refused.status().contains("404"));
    step.end()
}

fn two_on_one_connection(stage: &mut Stage<'_>, site: &Site) -> Result<(), Exit> {
    let mut step = stage.step("again")?;
    let mut visit = Visit::to(site.addr)?;
    let client = visit.stream().local_addr()?;
    let first = visit.get("/")?;
    let second = visit.get("/ostype")?;
    let are_both = first.body == PAGE.as_bytes() && second.text() == "Linux";
    step.seen("both", are_both);
    step.set("second", second.text());
    // The client's acknowledgement takes a moment.
    let is_quiet = |it: &Socket| it.local == site.addr && it.unsent == 0;
    let mut ends = Ends::of(visit.stream())?.once(|ends| ends.iter().any(is_quiet))?;
    ends.retain(|it| it.local == site.addr);
    step.set("socket", shown(&ends));
    step.set("client", client.port());
    let is_kept = ends.len() == 1 && ends[0].state_name() == "ESTABLISHED";
    step.seen("stays", is_kept);
    step.end()
}

/// The responses of the student's server; `None` without Python. The server runs only for these few requests, because it
/// sends any file to any client on this machine, on purpose, and a step may take the user an hour.
fn of_the_students_server<const N: usize>(
    stage: &mut Stage<'_>,
    paths: [&str; N],
) -> io::Result<Option<[Response; N]>> {
    let student = stage.student("web.py", &[FOLDER])?;
    let answers = |it: &Student| Visit::responses(it.door()?, paths);
    student.as_ref().map(answers).transpose()
}
