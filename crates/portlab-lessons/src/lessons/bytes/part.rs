//! `send` takes what there is room for.

use std::{
    io::{self, Write},
    net::TcpStream,
    thread,
};

use portlab_sys::sockets::Socket;
use socket2::SockRef;

use crate::{
    cast::{connection, kernel::sockets_once},
    stage::{Exit, Stage},
};

pub(super) fn a_part_is_sent(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let data = vec![b'x'; 8_000_000];
    stage.set("asked", data.len());
    let mut step = stage.step("part")?;
    let (mut client, served) = connection()?;
    // Small ones, so that it comes the same on every machine.
    SockRef::from(&client).set_send_buffer_size(64 << 10)?;
    SockRef::from(&served).set_recv_buffer_size(64 << 10)?;

    client.set_nonblocking(true)?;
    let taken = client.write(&data)?;
    step.set("taken", taken);
    step.seen("fewer", (1..data.len()).contains(&taken));
    let (unsent, unread) = queued(&client, &served, taken)?;
    step.set("unsent", unsent);
    step.set("unread", unread);
    step.seen("queued", unsent + unread == taken);

    let reader = thread::spawn(move || io::copy(&mut &served, &mut io::sink()));
    client.set_nonblocking(false)?;
    client.write_all(&data[taken..])?;
    drop(client);
    let arrived = reader.join().unwrap_or(Ok(0))?;
    step.set("arrived", arrived);
    step.seen("rest", arrived == data.len() as u64);
    step.end()
}

/// How many bytes wait at the client's end and at the server's, once they are as many as `taken`.
fn queued(client: &TcpStream, served: &TcpStream, taken: usize) -> io::Result<(usize, usize)> {
    let (here, there) = (client.local_addr()?, served.local_addr()?);
    let count = |all: &[Socket]| {
        let end = |local| all.iter().find(|it| it.local == local);
        let unsent = end(here).map_or(0, |it| it.unsent as usize);
        (unsent, end(there).map_or(0, |it| it.unread as usize))
    };
    let settled = sockets_once(there.port(), |all| {
        let (unsent, unread) = count(all);
        unsent + unread == taken
    })?;
    Ok(count(&settled))
}
