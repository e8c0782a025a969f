//! `send` takes the bytes that fit into the buffer.

use std::{
    io::{self, Write},
    thread,
};

use socket2::SockRef;

use crate::{
    cast::{Ends, connection},
    stage::{Exit, Stage},
};

pub(super) fn a_part_is_sent(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let data = vec![b'x'; 8_000_000];
    stage.set("asked", data.len());
    let mut step = stage.step("part")?;
    let (mut client, served) = connection()?;
    // Small buffers, so that the outcome is the same on every machine.
    SockRef::from(&client).set_send_buffer_size(64 << 10)?;
    SockRef::from(&served).set_recv_buffer_size(64 << 10)?;

    client.set_nonblocking(true)?;
    let taken = client.write(&data)?;
    step.set("taken", taken);
    step.seen("fewer", (1..data.len()).contains(&taken));
    let ends = Ends::of(&client)?;
    let is_all = |(unread, unsent): (u32, u32)| (unread + unsent) as usize == taken;
    let (unread, unsent) = ends.queues(&ends.once(|all| is_all(ends.queues(all)))?);
    step.set("unsent", unsent);
    step.set("unread", unread);
    step.seen("queued", is_all((unread, unsent)));

    let reader = thread::spawn(move || io::copy(&mut &served, &mut io::sink()));
    client.set_nonblocking(false)?;
    client.write_all(&data[taken..])?;
    drop(client);
    let arrived = reader.join().unwrap_or(Ok(0))?;
    step.set("arrived", arrived);
    step.seen("rest", arrived == data.len() as u64);
    step.end()
}
