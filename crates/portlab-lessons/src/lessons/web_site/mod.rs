//! A web server with a page for each path: 404, a connection without a request, and paths that lead out of the folder.

use std::{
    io,
    net::{SocketAddr, TcpStream},
};

use portlab_words::table::columns;

use crate::{
    cast::{Folder, Response, Site, Student, Visit},
    stage::{Exit, Stage},
    users::site::{Flaw, Probe, Start, flaw_in, requested, yours},
};

/// The pages, by the path in a request.
const PAGES: &[(&str, &str)] = &[
    ("/", include_str!("static/index.html")),
    ("/index.html", include_str!("static/index.html")),
    ("/news.html", include_str!("static/news.html")),
];

/// What comes with the status 404.
const ERROR: &str = include_str!("static/error.html");

/// The file outside of the folder.
const SECRET: &str = include_str!("secret.txt");

/// Paths that lead out of the folder: with dots, with encoded dots, and into a folder whose name begins like the site's.
const OUTSIDE: [&str; 3] = ["/../secret.txt", "/%2e%2e/secret.txt", "-old/plan.txt"];

/// A path that leads out of any folder, to the kernel's data on the program that opens it.
const FAR: &str = "/../../../../../../../../../../proc/self/status";

/// The visits to the user's own server.
const PROBES: &[Probe] = &[
    Probe {
        claim: "page",
        visit: |addr| flaw_in(&requested(addr, "/")),
    },
    Probe {
        claim: "missing",
        visit: |addr| {
            let status = requested(addr, "/nothing.html").status();
            let is_missing = status.split(' ').nth(1) == Some("404");
            (!is_missing).then_some(Flaw::NotMissing(status))
        },
    },
    Probe {
        claim: "empty",
        visit: |addr| {
            drop(TcpStream::connect(addr));
            requested(addr, "/").bytes.is_empty().then_some(Flaw::Ended)
        },
    },
    Probe {
        claim: "outside",
        visit: |addr| {
            let body = requested(addr, FAR).body();
            body.starts_with("Name:").then_some(Flaw::Leaked(FAR))
        },
    },
];

pub(super) fn play(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let site = Site::open(answer)?;
    let folder = stage.folder()?;
    let folder = folder.as_ref();
    stage.set("address", site.addr);
    pages(stage, site.addr, folder)?;
    missing(stage, site.addr, folder)?;
    empty(stage, site.addr, folder)?;
    outside(stage, site.addr, folder)?;
    closed(stage, folder)?;
    let start: Start<'_> = &|stage, port| stage.student_in(folder, "site.py", &[port]);
    yours(stage, PROBES, start, answer)
}

/// Two paths, two pages.
fn pages(stage: &mut Stage<'_>, addr: SocketAddr, folder: Option<&Folder>) -> Result<(), Exit> {
    let mut step = stage.step("pages")?;
    let paths = ["/", "/news.html"];
    let [index, news] = Visit::responses(addr, paths)?;
    step.set("news", news.whole());
    step.seen("index", index.body == PAGES[0].1.as_bytes());
    step.seen("news", news.body == PAGES[2].1.as_bytes());
    let theirs = responses_of(&mut step, folder, "first.py", paths)?;
    let are_same = theirs.map(|it| it[0].body == index.body && it[1].body == news.body);
    step.seen("python", are_same);
    step.end()
}

/// A path without a page.
fn missing(stage: &mut Stage<'_>, addr: SocketAddr, folder: Option<&Folder>) -> Result<(), Exit> {
    let mut step = stage.step("missing")?;
    let paths = ["/nothing.html"];
    let [missing] = Visit::responses(addr, paths)?;
    step.set("missing", missing.whole());
    step.seen("status", missing.status() == "HTTP/1.1 404 Not Found");
    step.seen("body", missing.body == ERROR.as_bytes());
    let theirs = responses_of(&mut step, folder, "first.py", paths)?;
    let are_same = theirs.map(|[it]| it.status() == missing.status() && it.body == missing.body);
    step.seen("python", are_same);
    step.end()
}

/// A connection without a request.
fn empty(stage: &mut Stage<'_>, addr: SocketAddr, folder: Option<&Folder>) -> Result<(), Exit> {
    let mut step = stage.step("empty")?;
    let first = step.student_in(folder, "first.py", &["0"])?;
    let ended = first.map(|it| after_an_empty_connection(&it)).transpose()?;
    let (error, refusal) = ended.unzip();
    step.printed("ended", "error", error, |it| it.starts_with("IndexError"));
    let kind = step.set_error("refusal", refusal.as_ref().and_then(Option::as_ref));
    let is_refused = kind == Some(io::ErrorKind::ConnectionRefused);
    step.seen("refused", refusal.map(|_| is_refused));
    let survives = |addr: SocketAddr| -> io::Result<bool> {
        drop(TcpStream::connect(addr)?);
        Ok(Visit::to(addr)?.get("/")?.body == PAGES[0].1.as_bytes())
    };
    step.seen("survives", survives(addr)?);
    let checked = step.student_in(folder, "site.py", &["0"])?;
    let survived = checked.map(|it| survives(it.door()?));
    step.seen("python", survived.transpose()?);
    step.end()
}

/// The error that ends the student's server after a client that sends nothing, and what the next client gets.
fn after_an_empty_connection(student: &Student) -> io::Result<(String, Option<io::Error>)> {
    let addr = student.door()?;
    drop(TcpStream::connect(addr)?);
    // The end of its output is the end of the program.
    let error = student.error_line();
    Ok((error, TcpStream::connect(addr).err()))
}

/// A path that leads out of the folder.
fn outside(stage: &mut Stage<'_>, addr: SocketAddr, folder: Option<&Folder>) -> Result<(), Exit> {
    let mut step = stage.step("outside")?;
    let [dots, _, neighbour] = OUTSIDE;
    let theirs = responses_of(&mut step, folder, "first.py", [dots, neighbour])?;
    let theirs = theirs.map(|[secret, plan]| (secret.text(), plan.text()));
    let (secret, plan) = theirs.unzip();
    step.printed("leaked", "secret", secret, |it| it == SECRET.trim_end());
    step.printed("neighbour", "plan", plan, |it| it.starts_with("明年"));
    let [ours] = Visit::responses(addr, [dots])?;
    step.set("refused", ours.status());
    step.seen("table", ours.status().contains("404"));
    step.end()
}

/// The same paths at the server that checks them.
fn closed(stage: &mut Stage<'_>, folder: Option<&Folder>) -> Result<(), Exit> {
    let mut step = stage.step("closed")?;
    let [a, b, c] = OUTSIDE;
    let paths = [a, b, c, "/%6eews.html"];
    let theirs = responses_of(&mut step, folder, "site.py", paths)?;
    let rows = theirs.as_ref().map(|all| {
        let rows = paths.iter().zip(all);
        let rows = rows.map(|(path, it)| [(*path).to_owned(), it.status().to_owned()]);
        columns(&rows.collect::<Vec<_>>(), 2)
    });
    step.printed("all", "rows", rows, |it| it.matches(" 404 ").count() == 3);
    let news = theirs.map(|[.., news]| news.body == PAGES[2].1.as_bytes());
    step.seen("inside", news);
    step.end()
}

/// The responses of a student's server; `None` without Python. The server runs only for these requests, because
/// it sends any file to any client on this machine, on purpose, and a step may take the user an hour.
fn responses_of<const N: usize>(
    stage: &mut Stage<'_>,
    folder: Option<&Folder>,
    file: &str,
    paths: [&str; N],
) -> io::Result<Option<[Response; N]>> {
    let student = stage.student_in(folder, file, &["0"])?;
    let answers = |it: Student| Visit::responses(it.door()?, paths);
    student.map(answers).transpose()
}

/// The response to the request for `path`: the pages are in a table.
fn answer(path: &str) -> Vec<u8> {
    let found = PAGES.iter().find(|(name, _)| *name == path);
    let (status, body) = match found {
        Some((_, page)) => ("200 OK", *page),
        None => ("404 Not Found", ERROR),
    };
    let kind = "Content-Type: text/html; charset=utf-8";
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\n{kind}\r\nContent-Length: {length}\r\n\r\n");
    (head + body).into_bytes()
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::TcpListener,
        thread,
    };

    use super::*;

    fn flaws(addr: SocketAddr) -> Vec<Option<Flaw>> {
        PROBES.iter().map(|it| (it.visit)(addr)).collect()
    }

    #[test]
    fn a_site_without_a_flaw_is_left_alone() {
        assert_eq!(flaws(Site::open(answer).unwrap().addr), [const { None }; 4]);
    }

    #[test]
    fn a_site_that_sends_any_file_has_two_flaws() {
        fn any_file(_path: &str) -> Vec<u8> {
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nName:".to_vec()
        }
        let not_missing = Flaw::NotMissing("HTTP/1.1 200 OK".into());
        assert_eq!(
            flaws(Site::open(any_file).unwrap().addr),
            [None, Some(not_missing), None, Some(Flaw::Leaked(FAR))]
        );
    }

    #[test]
    fn a_site_that_an_empty_connection_ends_is_named() {
        let door = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = door.local_addr().unwrap();
        let server = thread::spawn(move || {
            for client in door.incoming() {
                let (mut client, mut request) = (client.unwrap(), [0; 1024]);
                if client.read(&mut request).unwrap() == 0 {
                    break;
                }
                let status = match request.starts_with(b"GET / ") {
                    true => "200 OK",
                    false => "404 Not Found",
                };
                write!(client, "HTTP/1.1 {status}\r\n\r\n").unwrap();
            }
        });
        assert_eq!(flaws(addr), [None, None, Some(Flaw::Ended), None]);
        server.join().unwrap();
    }
}
