//! A form: a head, and a body that comes later.

use std::{
    io::{self, Write},
    net::SocketAddr,
    thread,
    time::Duration,
};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::site::head_of;
use crate::{
    cast::{Response, Site, Visit, connection, receive},
    stage::{Exit, Stage},
};

/// How long the body comes after the head.
const LATER: Duration = Duration::from_millis(200);
/// What is typed into the form's field.
const NAME: &str = "小明";

pub(super) fn posted(stage: &mut Stage<'_>, site: &Site) -> Result<(), Exit> {
    let percent = utf8_percent_encode(NAME, NON_ALPHANUMERIC).to_string();
    let body = format!("name={percent}&seats=2");
    let length = body.len();
    let message = |host: SocketAddr| {
        format!(
            "POST /form HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        )
    };
    stage.set("body_bytes", length);
    stage.set("silence", LATER.as_millis());
    let mut step = stage.step("post")?;
    step.set("name", NAME);
    step.set("percent", &percent);

    let whole = message(site.addr);
    step.set("posted", whole.replace('\r', ""));
    let (mut client, mut served) = connection()?;
    client.write_all(head_of(whole.as_bytes()))?;
    let first = receive(&mut served)?;
    client.write_all(body.as_bytes())?;
    let rest = receive(&mut served)?;
    step.set("first", first.len());
    step.seen("first", first == head_of(whole.as_bytes()));
    step.seen("length", rest == body.as_bytes());

    let response = in_two_pieces(site.addr, &whole)?;
    step.seen(
        "fields",
        response.text() == format!("name = {NAME}, seats = 2"),
    );
    step.set("fields", response.text());

    let student = step.student("form.py", &[])?;
    let answer = student.map(|student| {
        let door = student.door()?;
        Ok::<_, io::Error>(in_two_pieces(door, &message(door))?.text())
    });
    step.printed("python", "python", answer.transpose()?, |it| {
        it == format!("{{'name': ['{NAME}'], 'seats': ['2']}}")
    });
    step.end()
}

/// Sends a message in two pieces, the body a moment after the head. Returns the response.
fn in_two_pieces(addr: SocketAddr, message: &str) -> io::Result<Response> {
    let head = head_of(message.as_bytes()).len();
    let mut visit = Visit::to(addr)?;
    visit.send(&message[..head])?;
    thread::sleep(LATER);
    visit.send(&message[head..])?;
    visit.response()
}
