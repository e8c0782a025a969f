//! The echo service.

use std::net::SocketAddr;

use crate::{ConnId, Cx, Flow, Service, Session};

/// Sends every byte back, in order, until the peer's FIN; then sends what is left and closes.
///
/// A peer may close its sending half and go on reading: it gets all of its bytes. The bytes are not
/// interpreted, so each read is handled as a message.
///
/// Source: RFC 862, "TCP Based Echo Service".
#[derive(Clone, Copy, Debug, Default)]
pub struct Echo;

impl Service for Echo {
    fn open(&self, _conn: ConnId, _peer: SocketAddr) -> Box<dyn Session> {
        // An echo has no state, so this box is empty and allocates no memory.
        Box::new(EchoSession)
    }
}

struct EchoSession;

impl Session for EchoSession {
    fn on_data(&mut self, input: &[u8], cx: &mut Cx<'_>) -> Flow {
        cx.out.extend_from_slice(input);
        Flow::CONTINUE
    }
}
