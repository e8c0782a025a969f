//! Making connections: the first stage of a worker.

use std::io;

use mio::{Events, Interest, Token, net::TcpStream};

use crate::{
    Cause, Phase,
    conn::Conn,
    stage::Stage,
    worker::{News, Slot, TICK, WAKE, Worker},
};

/// How many connections a thread has under way at once: more would overrun a server's accept queue,
/// and measure retransmitted handshakes.
const CONNECTING_AT_ONCE: usize = 64;

impl Worker {
    /// Makes every connection of this worker's, some at a time.
    pub(crate) fn connect(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        let (mut next, mut under_way, mut made) = (0, 0, 0);
        let mut looked = self.now();
        while next < self.conns.len() || under_way > 0 {
            while next < self.conns.len() && under_way < CONNECTING_AT_ONCE {
                under_way += usize::from(self.start(next));
                next += 1;
            }
            self.wait(&mut events)?;
            for event in events.iter().filter(|event| event.token() != WAKE) {
                let slot = event.token().0;
                if let Slot::Connecting(..) = self.conns[slot] {
                    let number = self.index + slot * self.plan.threads;
                    if let Some(connected) = self.finish(slot, number) {
                        under_way -= 1;
                        made += usize::from(connected);
                    }
                }
            }
            let now = self.now();
            if now - looked > TICK.as_nanos() as u64 {
                looked = now;
                under_way -= self.give_up_on_the_unconnected(now);
            }
            if self.stages.now() != Stage::Connect {
                break;
            }
        }
        let _ = self.news.send(News::Connected(made));
        Ok(())
    }

    /// Gives up connections that take too long to make; says how many.
    fn give_up_on_the_unconnected(&mut self, now: u64) -> usize {
        let patience = self.plan.connect_timeout.as_nanos() as u64;
        let late = |slot: &&mut Slot| matches!(slot, Slot::Connecting(_, since) if now - *since > patience);
        let mut given_up = 0;
        for slot in self.conns.iter_mut().filter(late) {
            *slot = Slot::Gone;
            self.harvest.tally.add(Phase::Connect, Cause::TimedOut);
            given_up += 1;
        }
        given_up
    }

    /// Begins to make a connection; says whether it is under way.
    fn start(&mut self, slot: usize) -> bool {
        let since = self.now();
        let begun = TcpStream::connect(self.plan.target).and_then(|mut stream| {
            // Asked for once and edge-triggered: after that, a message costs no call to the poller.
            let both = Interest::READABLE | Interest::WRITABLE;
            self.poll
                .registry()
                .register(&mut stream, Token(slot), both)?;
            Ok(stream)
        });
        self.conns[slot] = match begun {
            Ok(stream) => Slot::Connecting(stream, since),
            Err(error) => {
                self.harvest.tally.add_io(Phase::Connect, &error);
                Slot::Gone
            }
        };
        matches!(self.conns[slot], Slot::Connecting(..))
    }

    /// Looks how connecting went; `None` when it is still under way.
    fn finish(&mut self, slot: usize, number: usize) -> Option<bool> {
        let Slot::Connecting(stream, since) = std::mem::replace(&mut self.conns[slot], Slot::Gone)
        else {
            return None;
        };
        let error = match stream.take_error() {
            Ok(None) => match stream.peer_addr() {
                Ok(_) => {
                    let took = self.now() - since;
                    self.harvest.connect_latency.record(took);
                    // Without it, a small message could wait for the answer to the last (Nagle).
                    let _ = stream.set_nodelay(true);
                    self.conns[slot] = Slot::Open(Conn::new(stream, number));
                    self.open += 1;
                    return Some(true);
                }
                Err(error) if error.kind() == io::ErrorKind::NotConnected => {
                    self.conns[slot] = Slot::Connecting(stream, since);
                    return None;
                }
                Err(error) => error,
            },
            Ok(Some(error)) | Err(error) => error,
        };
        self.harvest.tally.add_io(Phase::Connect, &error);
        Some(false)
    }
}
