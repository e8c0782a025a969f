//! Ports and port numbers: the doors of a classroom building.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
};

use portlab_sys::ports::handed_out;

use crate::{
    cast::{
        accept, fresh_listener,
        kernel::{shown, sockets_once},
    },
    stage::{Exit, Seen, Stage},
};

pub(super) fn play(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let range = handed_out();
    if let Some(range) = &range {
        stage.set("first", range.start());
        stage.set("last", range.end());
    }
    // Without /proc/sys the range is not known.
    let is_of_the_range = |port| range.as_ref().map(|it| it.contains(&port));

    let mut step = stage.step("door")?;
    let door = fresh_listener()?;
    let port = door.local_addr()?.port();
    step.set("port", port);
    let sockets = sockets_once(port, |all| all.len() == 1)?;
    step.set("sockets", shown(&sockets));
    step.seen("chosen", is_of_the_range(port));
    step.seen("listens", sockets.len() == 1);
    step.end()?;

    let mut step = stage.step("deliver")?;
    let server = TcpListener::bind(("127.0.0.1", 0))?;
    let other = server.local_addr()?.port();
    step.set("other", other);
    let (maths, music) = (send_word(port, "maths")?, send_word(other, "music")?);
    let (at_port, at_other) = (received_word(&door)?, received_word(&server)?);
    drop((maths, music));
    let are_apart = (at_port.as_str(), at_other.as_str()) == ("maths", "music");
    step.seen("apart", are_apart);
    step.set("at_port", at_port);
    step.set("at_other", at_other);
    step.end()?;

    let mut step = stage.step("second")?;
    let refused = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).err();
    let kind = step.set_error("error", refused.as_ref());
    step.seen("refused", kind == Some(ErrorKind::AddrInUse));
    step.end()?;

    let low = 80;
    stage.set("low", low);
    let mut step = stage.step("low")?;
    let refused = TcpListener::bind((Ipv4Addr::LOCALHOST, low)).err();
    let kind = step.set_error("refusal", refused.as_ref());
    // Root may bind it, a container often may, and another program may have it already.
    let is_ordinary = kind == Some(ErrorKind::PermissionDenied);
    step.seen("refused", Seen::if_shown(is_ordinary));
    step.end()?;

    let mut step = stage.step("client")?;
    let once = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    let again = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    let [once, again] = [once.local_addr()?.port(), again.local_addr()?.port()];
    step.set("client", once);
    step.set("again", again);
    step.seen("given", is_of_the_range(once));
    step.seen("differs", once != again);
    step.end()
}

/// Connects to a port, and sends a word.
fn send_word(port: u16, word: &str) -> io::Result<TcpStream> {
    let mut client = TcpStream::connect(("127.0.0.1", port))?;
    client.write_all(word.as_bytes())?;
    Ok(client)
}

/// Accepts a client, and reads its word.
fn received_word(door: &TcpListener) -> io::Result<String> {
    let mut client = accept(door)?;
    let mut word = [0; 5];
    client.read_exact(&mut word)?;
    Ok(String::from_utf8_lossy(&word).into_owned())
}
