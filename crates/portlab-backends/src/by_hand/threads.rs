//! Thread per connection, by hand.

use std::{
    io::{self, Read, Write},
    thread,
};

use portlab_service::Service;

use super::{exit_when_stopped, sheet};
use crate::{Backend, Door, READ_BUFFER, Served, Sheet};

pub(super) struct ByHand;

impl Backend for ByHand {
    fn sheet(&self) -> &'static Sheet {
        sheet!("threads")
    }

    fn serve(&self, door: Door, _: &'static dyn Service) -> io::Result<Served> {
        let (listener, stop) = door.entry.take()?;
        exit_when_stopped(stop);
        listener.set_nonblocking(false)?;
        for stream in listener.incoming() {
            let mut stream = stream?;
            thread::spawn(move || -> io::Result<()> {
                let mut buffer = vec![0; READ_BUFFER];
                loop {
                    let length = stream.read(&mut buffer)?;
                    if length == 0 {
                        return Ok(());
                    }
                    stream.write_all(&buffer[..length])?;
                }
            });
        }
        Ok(Served::default())
    }
}
