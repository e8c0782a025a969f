//! The requests of the user's browser, if there is a user.

use portlab_service::inert;

use super::site::PAGE;
use crate::{
    cast::{Site, Visit},
    stage::{Exit, Stage},
};

pub(super) fn requested_by_a_browser(stage: &mut Stage<'_>, site: &mut Site) -> Result<(), Exit> {
    let mut step = stage.step("browser")?;
    site.heads();
    let mut visit = Visit::to(site.addr)?;
    let host = site.addr;
    visit.send(&format!(
        "GET / HTTP/1.1\r\nHost: {host}\r\nUser-Agent: portlab\r\nAccept: text/html\r\n\r\n"
    ))?;
    let answered = visit.response()?.body == PAGE.as_bytes();
    let mut heads = site.heads();
    heads.extend(step.requests_until_enter(site)?);
    // A browser also requests other files, such as the picture on the tab.
    let for_the_page = heads.iter().rfind(|head| head.starts_with("GET / "));
    let last = for_the_page.cloned().unwrap_or_default();
    let lines: Vec<_> = last.lines().filter(|line| !line.is_empty()).collect();
    step.set("headers", lines.len());
    step.set("visits", heads.len());
    step.set("request", shown_lines(&lines));
    step.seen("head", last.starts_with("GET /") && lines.len() > 1);
    step.seen("answered", answered);
    step.end()
}

/// The most important lines of a request, without private ones such as cookies.
fn shown_lines(lines: &[&str]) -> String {
    let names = [
        "GET ",
        "Host:",
        "User-Agent:",
        "Accept:",
        "Accept-Language:",
    ];
    let shown = lines
        .iter()
        .filter(|line| names.iter().any(|name| line.starts_with(name)));
    shown.map(|line| inert(line)).collect::<Vec<_>>().join("\n")
}
