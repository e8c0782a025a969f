//! The requests of the user's browser, if there is a user.

use std::{os::fd::AsFd, time::Duration};

use portlab_service::inert;

use super::{
    site::{PAGE, Site},
    visit::Visit,
};
use crate::{
    board,
    run::Input,
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
    heads.extend(until_enter(&mut step, site)?);
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

/// Shows the requests that come, until the user presses Enter.
fn until_enter(stage: &mut Stage<'_>, site: &mut Site) -> Result<Vec<String>, Exit> {
    let mut heads = Vec::new();
    if !stage.is_interactive() {
        return Ok(heads);
    }
    let prompt = stage.lang().pick(
        "Requests are shown here as they come. Enter: continue, q: quit.",
        "收到的请求会显示在这里。按回车继续，q 退出。",
    );
    let prompt = board::painted(stage.palette().dim, &format!("[{prompt}]"));
    // Enter that was pressed before the prompt was shown doesn't end the step.
    stage.run().discard_input();
    stage.write(&format!("{prompt}\n"))?;
    loop {
        match stage
            .run()
            .wait(site.bell.as_fd(), Duration::from_secs(60))?
        {
            Input::Line(line) if line.trim() == "q" => return Err(Exit::Left),
            Input::Line(_) | Input::End => return Ok(heads),
            Input::Timeout => {}
            Input::Other => {
                for head in site.heads() {
                    let line = head.lines().next().unwrap_or_default();
                    stage.write(&format!("  │ {}\n", inert(line)))?;
                    heads.push(head);
                }
            }
        }
    }
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
