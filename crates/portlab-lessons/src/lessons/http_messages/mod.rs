//! HTTP messages, taken apart: the bytes, methods, statuses, forms.

mod anatomy;
mod form;
mod site;
mod tools;

use std::net::SocketAddr;

use portlab_words::table::columns;

use self::anatomy::{OF_REQUEST, OF_RESPONSE, Part, parts, table};
use crate::{
    cast::{Request, Response, Site, Visit, listed},
    stage::{Exit, Stage},
};

/// The methods that the client tries on one path.
const METHODS: [&str; 5] = ["GET", "HEAD", "POST", "DELETE", "BREW"];

pub(super) fn play(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let mut site = Site::answering(site::answer)?;
    stage.set("address", site.addr);
    a_request(stage, &mut site)?;
    a_response(stage, &site)?;
    methods(stage, &site)?;
    statuses(stage, &mut site)?;
    form::posted(stage, &site)?;
    tools::network(stage, &mut site)
}

/// The smallest request for a path.
fn request_for(method: &str, path: &str, host: SocketAddr) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n\r\n")
}

fn a_request(stage: &mut Stage<'_>, site: &mut Site) -> Result<(), Exit> {
    let request = request_for("GET", "/", site.addr);
    stage.set("request_bytes", request.len());
    let mut step = stage.step("request")?;
    let mut visit = Visit::to(site.addr)?;
    visit.send(&request)?;
    visit.response()?;
    let read = site.heads().pop().unwrap_or_default();
    let parts = parts(request.as_bytes(), &OF_REQUEST);
    let rows = table(&parts, step.lang());
    step.set("request", rows);
    step.seen("whole", joined(&parts) == read.as_bytes());
    step.seen("ends", read.ends_with("\r\n\r\n"));
    let student = step.student("show.py", &[])?;
    let printed = student.map(|student| {
        let door = student.door()?;
        let mut visit = Visit::to(door)?;
        visit.send(&request_for("GET", "/", door))?;
        visit.response()?;
        Ok::<_, Exit>(student.line().unwrap_or_default())
    });
    step.printed("python", "printed", printed.transpose()?, |it| {
        it.starts_with("b'GET / HTTP/1.1\\r\\n") && it.ends_with("\\r\\n\\r\\n'")
    });
    step.end()
}

fn a_response(stage: &mut Stage<'_>, site: &Site) -> Result<(), Exit> {
    let response = Visit::to(site.addr)?.get("/hello")?;
    let message = [response.head.as_bytes(), &response.body].concat();
    stage.set("response_bytes", message.len());
    let mut step = stage.step("response")?;
    let parts = parts(&message, &OF_RESPONSE);
    let rows = table(&parts, step.lang());
    step.set("response", rows);
    step.seen("whole", joined(&parts) == message);
    let is_six = response.body.len() == 6 && response.header("Content-Length") == "6";
    step.seen("body", is_six && response.text() == "你好");
    let said = followed(&mut step, site, "/strange")?;
    step.printed("number", "number", said, |it| it == "404 OK");
    step.end()
}

fn methods(stage: &mut Stage<'_>, site: &Site) -> Result<(), Exit> {
    let mut step = stage.step("methods")?;
    let mut visit = Visit::to(site.addr)?;
    let mut responses = Vec::new();
    for method in METHODS {
        visit.send(&request_for(method, "/", site.addr))?;
        responses.push(match method {
            "HEAD" => visit.head()?,
            _ => visit.response()?,
        });
    }
    let head = step.lang().pick(
        ["", "Status", "Content-Length", "bytes of body"],
        ["", "状态码", "Content-Length", "响应体字节"],
    );
    let rows = METHODS.iter().zip(&responses).map(|(method, it)| {
        let length = it.header("Content-Length").to_owned();
        let came = it.body.len().to_string();
        [(*method).to_owned(), number_of(it), length, came]
    });
    let rows: Vec<_> = [head.map(str::to_owned)].into_iter().chain(rows).collect();
    step.set("methods", columns(&rows, 2));
    let has = |at: usize, number: &str| number_of(&responses[at]) == number;
    step.seen(
        "get",
        has(0, "200") && responses[0].body == site::PAGE.as_bytes(),
    );
    // If a body had followed, the next status line would be wrong.
    let is_same = responses[0].header("Content-Length") == responses[1].header("Content-Length");
    step.seen("head", has(1, "200") && is_same && has(2, "405"));
    let allow = responses[3].header("Allow");
    step.seen(
        "refused",
        has(2, "405") && has(3, "405") && !allow.is_empty(),
    );
    step.set("allow", allow);
    step.seen("unknown", has(4, "501"));
    step.end()
}

fn statuses(stage: &mut Stage<'_>, site: &mut Site) -> Result<(), Exit> {
    let mut step = stage.step("statuses")?;
    let [page, old, missing, broken] =
        Visit::responses(site.addr, ["/", "/old", "/nothing", "/broken"])?;
    let mut visit = Visit::to(site.addr)?;
    let (host, tag) = (site.addr, page.header("ETag"));
    visit.send(&format!(
        "GET / HTTP/1.1\r\nHost: {host}\r\nIf-None-Match: {tag}\r\n\r\n"
    ))?;
    let same = visit.response()?;
    let if_none = format!("/  If-None-Match: {tag}");
    let rows = [
        ("/", &page),
        (&*if_none, &same),
        ("/old", &old),
        ("/nothing", &missing),
        ("/broken", &broken),
    ];
    let rows = rows.map(|(path, it)| [path.to_owned(), status_of(it)]);
    step.set("statuses", columns(&rows, 2));
    let has = |it: &Response, number: &str| number_of(it) == number;
    step.seen(
        "redirect",
        has(&old, "301") && old.header("Location") == "/",
    );
    step.seen("unchanged", has(&same, "304") && same.body.is_empty());
    step.seen("missing", has(&missing, "404") && has(&broken, "500"));

    site.heads();
    let said = followed(&mut step, site, "/old")?;
    let paths: Vec<_> = site.heads().iter().map(|it| path_of(it)).collect();
    let is_two = paths == ["/old", "/"];
    step.set("paths", listed(&paths));
    let expected = format!("200 http://{host}/");
    step.printed("follows", "followed", said, |it| is_two && it == expected);
    step.end()
}

/// What the student's client says about a page; `None` without Python.
fn followed(stage: &mut Stage<'_>, site: &Site, path: &str) -> Result<Option<String>, Exit> {
    let url = format!("http://{}{path}", site.addr);
    let student = stage.student("follow.py", &[&url])?;
    Ok(student.map(|it| it.rest().join("\n")))
}

/// The path in the head of a request.
fn path_of(head: &str) -> String {
    let (head, body) = (head.to_owned(), Vec::new());
    Request { head, body }.path().to_owned()
}

/// The number of a response with the words behind it, as in `404 Not Found`.
fn status_of(response: &Response) -> String {
    let words = response.status().split_once(' ');
    words.map_or("", |(_, status)| status).to_owned()
}

/// The number alone.
fn number_of(response: &Response) -> String {
    status_of(response).chars().take(3).collect()
}

/// The bytes of the parts, one after another.
fn joined(parts: &[Part<'_>]) -> Vec<u8> {
    let bytes: Vec<_> = parts.iter().map(|part| part.bytes).collect();
    bytes.concat()
}
