//! What a browser asks: the watcher's own, if somebody watches.

use std::{io::Write, os::fd::AsFd, time::Duration};

use portlab_service::inert;
use portlab_words::Lang;

use super::{
    site::{PAGE, Site},
    visit::Visit,
};
use crate::{
    board,
    hall::Heard,
    stage::{Exit, Stage},
};

pub(super) fn asked_by_a_browser(stage: &mut Stage<'_>, site: &mut Site) -> Result<(), Exit> {
    let mut act = stage.step("browser")?;
    site.heads();
    let mut visit = Visit::to(site.addr)?;
    let host = site.addr;
    visit.send(&format!(
        "GET / HTTP/1.1\r\nHost: {host}\r\nUser-Agent: portlab\r\nAccept: text/html\r\n\r\n"
    ))?;
    let answered = visit.response()?.body == PAGE.as_bytes();
    let mut heads = site.heads();
    heads.extend(until_enter(act.stage(), site)?);
    // A browser asks for other things too, such as the picture on the tab.
    let for_the_page = heads.iter().rfind(|head| head.starts_with("GET / "));
    let last = for_the_page.cloned().unwrap_or_default();
    let lines: Vec<_> = last.lines().filter(|line| !line.is_empty()).collect();
    act.set("headers", lines.len());
    act.set("visits", heads.len());
    act.set("request", told_of(&lines));
    act.seen("head", last.starts_with("GET /") && lines.len() > 1);
    act.seen("answered", answered);
    act.end()
}

/// Shows the requests that come, until whoever watches presses Enter.
fn until_enter(stage: &mut Stage<'_>, site: &mut Site) -> Result<Vec<String>, Exit> {
    let mut heads = Vec::new();
    if !stage.is_manned() {
        return Ok(heads);
    }
    let prompt = match stage.lang() {
        Lang::En => "Requests are shown as they come. Enter goes on.",
        Lang::Zh => "有请求来，就会显示在这里。按回车继续。",
    };
    let prompt = board::painted(board::DIM, &format!("[{prompt}]"));
    writeln!(stage.hall().out, "{prompt}")?;
    loop {
        match stage
            .hall()
            .hear(site.bell.as_fd(), Duration::from_secs(60))?
        {
            Heard::Line(line) if line.trim() == "q" => return Err(Exit::Left),
            Heard::Line(_) => return Ok(heads),
            Heard::Nothing => {}
            Heard::Other => {
                for head in site.heads() {
                    let line = head.lines().next().unwrap_or_default();
                    writeln!(stage.hall().out, "  │ {}", inert(line))?;
                    heads.push(head);
                }
            }
        }
    }
}

/// Of a request's lines those that tell the most, and nothing private such as cookies.
fn told_of(lines: &[&str]) -> String {
    let names = [
        "GET ",
        "Host:",
        "User-Agent:",
        "Accept:",
        "Accept-Language:",
    ];
    let told = lines
        .iter()
        .filter(|line| names.iter().any(|name| line.starts_with(name)));
    told.map(|line| inert(line)).collect::<Vec<_>>().join("\n")
}
