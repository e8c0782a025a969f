//! HTTP by hand: a web page over a socket.

mod browser;
mod site;
mod visit;

use std::{
    io::{self, Read},
    net::SocketAddr,
    time::Duration,
};

use portlab_service::inert;
use portlab_sys::sockets::Socket;

use self::{
    site::{FOLDER, PAGE, Site},
    visit::{Response, Visit},
};
use crate::{
    cast::{
        Student,
        kernel::{shown, sockets_once},
    },
    lesson::{Lesson, Part},
    stage::{Exit, Stage},
};

pub(super) const LESSON: Lesson = Lesson {
    name: "http",
    part: Part::Whole,
    en: include_str!("en.md"),
    zh: include_str!("zh.md"),
    files: &[
        ("mod.rs", include_str!("mod.rs")),
        ("site.rs", include_str!("site.rs")),
        ("web.py", include_str!("web.py")),
    ],
    examples: &[
        ("address", "127.0.0.1:40231"),
        ("silence", "200"),
        (
            "response",
            "HTTP/1.1 200 OK\nContent-Type: text/html; charset=utf-8\nContent-Length: 31\n\n\
             <h1>你好，浏览器！</h1>",
        ),
        ("status", "HTTP/1.1 200 OK"),
        (
            "request",
            "GET / HTTP/1.1\nHost: 127.0.0.1:40231\nUser-Agent: portlab\nAccept: text/html",
        ),
        ("headers", "4"),
        ("visits", "1"),
        ("bytes", "31"),
        ("characters", "17"),
        ("whole", "<h1>你好，浏览器！</h1>"),
        ("cut", "<h1>你好，浏�"),
        ("folder", FOLDER),
        ("found", "Linux"),
        ("missing", "HTTP/1.1 404 Not Found"),
        ("path", OUTSIDE),
        ("leaked", "Name: python3"),
        ("refused", "HTTP/1.1 404 Not Found"),
        (
            "socket",
            "State       Recv-Q Send-Q Local           Peer            Process\n\
             ESTABLISHED 0      0      127.0.0.1:40231 127.0.0.1:51334 4711/portlab",
        ),
        ("client", "51334"),
        ("second", "Linux"),
    ],
    examples_zh: &[],
    play,
};

/// What leads out of the folder, to what the kernel tells of the very program that opens it.
const OUTSIDE: &str = "/../../self/status";

/// How long we listen whether a server answers before the empty line.
const A_WHILE: Duration = Duration::from_millis(200);

fn play(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let mut site = Site::open()?;
    stage.set("address", site.addr);
    stage.set("folder", FOLDER);
    stage.set("characters", PAGE.chars().count());
    stage.set("path", OUTSIDE);
    typed_by_hand(stage, &site)?;
    browser::asked_by_a_browser(stage, &mut site)?;
    a_length_in_characters(stage, &site)?;
    the_page_that_is_asked_for(stage, &site)?;
    out_of_the_folder(stage, &site)?;
    two_on_one_connection(stage, &site)
}

fn typed_by_hand(stage: &mut Stage<'_>, site: &Site) -> Result<(), Exit> {
    let mut act = stage.step("typed")?;
    let mut visit = Visit::to(site.addr)?;
    visit.send("GET / HTTP/1.1\r\n")?;
    visit.send(&format!("Host: {}\r\n", site.addr))?;
    act.set("silence", A_WHILE.as_millis());
    act.seen("silent", says_nothing(&visit)?);
    visit.send("\r\n")?;
    let response = visit.response()?;
    act.set("response", response.whole());
    act.set("status", response.status());
    act.seen("answered", response.status() == "HTTP/1.1 200 OK");
    act.seen("page", response.body == PAGE.as_bytes());
    let students = the_students(act.stage(), ["/"])?;
    let is_same = students.map(|[page]| page.body == response.body);
    act.seen("python", is_same);
    act.end()
}

fn a_length_in_characters(stage: &mut Stage<'_>, site: &Site) -> Result<(), Exit> {
    let mut act = stage.step("length")?;
    let right = Visit::to(site.addr)?.ask_for("/")?;
    let wrong = Visit::to(site.addr)?.ask_for("/short")?;
    act.set("bytes", right.header("Content-Length"));
    let counted = wrong.header("Content-Length") == PAGE.chars().count().to_string();
    act.seen("whole", right.body == PAGE.as_bytes());
    let is_cut = !wrong.text().contains("</h1>") && wrong.body.len() < PAGE.len();
    act.seen("cut", counted && is_cut);
    act.set("whole", right.text());
    act.set("cut", wrong.text());
    act.end()
}

fn the_page_that_is_asked_for(stage: &mut Stage<'_>, site: &Site) -> Result<(), Exit> {
    let mut act = stage.step("path")?;
    let paths = ["/ostype", "/nothing"];
    let [found, missing] = responses(site.addr, paths)?;
    act.seen(
        "found",
        found.status().contains("200") && found.text() == "Linux",
    );
    act.seen("missing", missing.status().contains("404"));
    act.set("found", found.text());
    act.set("missing", missing.status());
    let students = the_students(act.stage(), paths)?;
    let as_ours = students.map(|[its_found, its_missing]| {
        its_found.body == found.body && its_missing.status() == missing.status()
    });
    act.seen("python", as_ours);
    act.end()
}

fn out_of_the_folder(stage: &mut Stage<'_>, site: &Site) -> Result<(), Exit> {
    let mut act = stage.step("outside")?;
    let leaked = the_students(act.stage(), [OUTSIDE])?;
    let first = leaked.map(|[response]| {
        let text = response.text();
        inert(text.lines().next().unwrap_or_default()).replace('\t', " ")
    });
    act.seen("leaked", first.as_ref().map(|it| it.starts_with("Name:")));
    act.set("leaked", first.unwrap_or_default());
    let refused = Visit::to(site.addr)?.ask_for(OUTSIDE)?;
    act.set("refused", refused.status());
    act.seen("refused", refused.status().contains("404"));
    act.end()
}

fn two_on_one_connection(stage: &mut Stage<'_>, site: &Site) -> Result<(), Exit> {
    let mut act = stage.step("again")?;
    let mut visit = Visit::to(site.addr)?;
    let client = visit.stream().local_addr()?;
    let first = visit.ask_for("/")?;
    let second = visit.ask_for("/ostype")?;
    act.seen(
        "both",
        first.body == PAGE.as_bytes() && second.text() == "Linux",
    );
    act.set("second", second.text());
    let is_it = |it: &Socket| it.local == site.addr && it.remote == client;
    // The client's acknowledgement takes a moment.
    let is_quiet = |it: &Socket| is_it(it) && it.unsent == 0;
    let mut ends = sockets_once(site.addr.port(), |all| all.iter().any(is_quiet))?;
    ends.retain(is_it);
    act.set("socket", shown(&ends));
    act.set("client", client.port());
    act.seen(
        "stays",
        ends.len() == 1 && ends[0].state_name() == "ESTABLISHED",
    );
    act.end()
}

/// What the student's server answers; `None` without Python. It is started for these few questions
/// only, and ends with them: it hands out any file, on purpose, and whoever watches may take an hour.
fn the_students<const N: usize>(
    stage: &mut Stage<'_>,
    paths: [&str; N],
) -> io::Result<Option<[Response; N]>> {
    let student = stage.student("web.py", &[FOLDER])?;
    let answers = |it: &Student| responses(it.door()?, paths);
    student.as_ref().map(answers).transpose()
}

/// What a site answers, each on a connection of its own.
fn responses<const N: usize>(addr: SocketAddr, paths: [&str; N]) -> io::Result<[Response; N]> {
    let mut responses = Vec::new();
    for path in paths {
        responses.push(Visit::to(addr)?.ask_for(path)?);
    }
    Ok(responses
        .try_into()
        .ok()
        .expect("there is one for each path"))
}

fn says_nothing(visit: &Visit) -> io::Result<bool> {
    let mut stream = visit.stream();
    let patience = stream.read_timeout()?;
    stream.set_read_timeout(Some(A_WHILE))?;
    let read = stream.read(&mut [0]);
    stream.set_read_timeout(patience)?;
    Ok(read.is_err_and(|it| it.kind() == io::ErrorKind::WouldBlock))
}
