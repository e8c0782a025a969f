//! A readiness loop, by hand.

use std::io::{self, Read, Write};

use mio::{
    Events, Interest, Poll, Token,
    net::{TcpListener, TcpStream},
};
use portlab_service::Service;
use slab::Slab;

use super::{exit_when_stopped, sheet};
use crate::{Backend, Door, READ_BUFFER, Served, Sheet};

pub(super) struct ByHand;

const LISTENER: Token = Token(usize::MAX);

impl Backend for ByHand {
    fn sheet(&self) -> &'static Sheet {
        sheet!("event-loop")
    }

    fn serve(&self, door: Door, _: &'static dyn Service) -> io::Result<Served> {
        let (listener, stop) = door.entry.take()?;
        exit_when_stopped(stop);
        let mut listener = TcpListener::from_std(listener);
        let mut poll = Poll::new()?;
        poll.registry()
            .register(&mut listener, LISTENER, Interest::READABLE)?;
        let mut events = Events::with_capacity(1024);
        let mut buffer = vec![0; READ_BUFFER];
        let mut streams: Slab<TcpStream> = Slab::new();
        loop {
            match poll.poll(&mut events, None) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                result => result?,
            }
            for event in &events {
                if event.token() == LISTENER {
                    while let Ok((mut stream, _)) = listener.accept() {
                        let token = Token(streams.vacant_key());
                        poll.registry()
                            .register(&mut stream, token, Interest::READABLE)?;
                        streams.insert(stream);
                    }
                } else if let Some(stream) = streams.get_mut(event.token().0)
                    && !matches!(echo(stream, &mut buffer, event.is_read_closed()), Ok(true))
                {
                    streams.remove(event.token().0);
                }
            }
        }
    }
}

/// Echoes what there is; says whether more may come. Good for answers that fit the socket's buffer.
fn echo(stream: &mut TcpStream, buffer: &mut [u8], to_the_end: bool) -> io::Result<bool> {
    loop {
        match stream.read(buffer) {
            Ok(0) => return Ok(false),
            Ok(length) => {
                stream.write_all(&buffer[..length])?;
                if length < buffer.len() && !to_the_end {
                    return Ok(true);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
            Err(error) => return Err(error),
        }
    }
}
