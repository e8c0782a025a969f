//! A web server with one page: what a browser requests, and what it gets.

mod aloud;

use std::{io::Read, net::SocketAddr};

use crate::{
    cast::{Site, Visit},
    stage::{Exit, Stage},
    users::site::{Probe, Start, flaw_in, requested, yours},
};

/// The site's only page.
const PAGE: &str = "<h1>你好，浏览器！</h1>";

/// The part of a URL behind the address.
const BEHIND: &str = "/news/today.html?page=2#end";

/// What a request for it asks for.
const ASKED: &str = "GET /news/today.html?page=2 HTTP/1.1";

/// The visits to the user's own server.
const PROBES: &[Probe] = &[
    Probe {
        claim: "page",
        visit: |addr| flaw_in(&requested(addr, "/")),
    },
    Probe {
        claim: "any",
        visit: |addr| flaw_in(&requested(addr, "/nothing.html")),
    },
];

pub(super) fn play(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let mut site = Site::open(answer)?;
    stage.set("address", site.addr);
    stage.set("port", site.addr.port());
    url(stage, &mut site)?;
    fixed(stage, site.addr)?;
    browser(stage, &mut site)?;
    blank(stage, site.addr)?;
    let start: Start<'_> = &|stage, port| stage.student("page.py", &[port]);
    yours(stage, PROBES, start, answer)
}

/// A program opens a URL, and the site reads what is left of the URL.
fn url(stage: &mut Stage<'_>, site: &mut Site) -> Result<(), Exit> {
    let mut step = stage.step("url")?;
    let url = format!("http://{}{BEHIND}", site.addr);
    step.portlab(&["load", &url, "-c", "1", "-n", "1"])?.rest();
    let head = site.heads().pop().unwrap_or_default();
    let host = format!("Host: {}", site.addr);
    let sent = head.lines().filter(|it| *it == ASKED || *it == host);
    step.set("sent", sent.collect::<Vec<_>>().join("\n"));
    step.seen("line", head.starts_with(ASKED));
    step.seen("host", head.contains(&host));
    step.seen("fragment", !head.is_empty() && !head.contains("end"));
    let student = step.student("url.py", &[&url])?;
    let parts = student.map(|it| it.rest().join("\n"));
    let expected = format!(
        "http 127.0.0.1 {}\n/news/today.html page=2 end",
        site.addr.port()
    );
    step.printed("python", "parts", parts, |it| it == expected);
    step.end()
}

/// The same page for every path.
fn fixed(stage: &mut Stage<'_>, addr: SocketAddr) -> Result<(), Exit> {
    let mut step = stage.step("fixed")?;
    let paths = ["/", "/nothing.html"];
    let [page, other] = Visit::responses(addr, paths)?;
    step.set("response", page.whole());
    step.seen("page", page.body == PAGE.as_bytes());
    step.seen("any", other.whole() == page.whole());
    let student = step.student("page.py", &["0"])?;
    let theirs = student.map(|it| Visit::responses(it.door()?, paths));
    let theirs = theirs.transpose()?;
    let are_same = theirs.map(|all| all.iter().all(|it| it.body == page.body));
    step.seen("python", are_same);
    step.end()
}

/// The request of the user's browser, or, without one, a request as browsers send it.
fn browser(stage: &mut Stage<'_>, site: &mut Site) -> Result<(), Exit> {
    let mut step = stage.step("browser")?;
    let addr = site.addr;
    site.heads();
    let mut visit = Visit::to(addr)?;
    visit.send(&format!(
        "GET / HTTP/1.1\r\nHost: {addr}\r\nConnection: keep-alive\r\nUser-Agent: portlab\r\n\
         Accept: text/html,image/png\r\nAccept-Encoding: gzip\r\nAccept-Language: zh-CN\r\n\r\n"
    ))?;
    let is_answered = visit.response()?.body == PAGE.as_bytes();
    let mut heads = site.heads();
    heads.extend(step.requests_until_enter(site)?);
    // A browser also requests other files, such as the picture on the tab.
    let for_the_page = heads.iter().rfind(|head| head.starts_with("GET / "));
    let head = for_the_page.cloned().unwrap_or_default();
    let lang = step.lang();
    step.set("aloud", aloud::aloud(&head, lang));
    step.set("visits", heads.len());
    step.seen("head", head.ends_with("\r\n\r\n"));
    // The user may also have written `localhost`.
    let (host, port) = ("\r\nHost: ", format!(":{}\r\n", addr.port()));
    step.seen("host", head.contains(host) && head.contains(&port));
    step.seen("answered", is_answered);
    step.end()
}

/// A response without the empty line.
fn blank(stage: &mut Stage<'_>, addr: SocketAddr) -> Result<(), Exit> {
    let mut step = stage.step("blank")?;
    let mut visit = Visit::to(addr)?;
    visit.send("GET /blank HTTP/1.1\r\n\r\n")?;
    let mut raw = String::new();
    visit.stream().read_to_string(&mut raw)?;
    step.set("raw", raw.replace('\r', ""));
    step.seen("came", raw.ends_with(PAGE));
    step.seen("none", Visit::to(addr)?.get("/blank").is_err());
    step.end()
}

/// The response to the request for `path`.
fn answer(path: &str) -> Vec<u8> {
    let mut head = "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n".to_owned();
    // A common mistake, on purpose: no empty line before the page.
    if path != "/blank" {
        head += &format!("Content-Length: {}\r\n\r\n", PAGE.len());
    }
    (head + PAGE).into_bytes()
}
