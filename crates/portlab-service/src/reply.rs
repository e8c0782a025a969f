//! The fixed-reply service.

use std::{net::SocketAddr, sync::Arc};

use crate::{ConnId, Cx, Flow, Service, Session};

/// Answers each read with the same bytes, exactly those: no newline, no terminator.
///
/// This is the server for a first TCP client in class: the client sends a sentence, reads once, and has its answer.
///
/// # Why a read is not a message
/// TCP carries a stream of bytes and no boundaries. A sentence sent with one `send` may arrive in
/// two reads (then there are two answers), and two sentences may arrive in one (then there is one
/// answer). On a quiet loopback and with short texts it looks as if a read were a message, but TCP doesn't
/// promise that. A real protocol frames its messages: by a newline, a length, or the end of the stream.
#[derive(Clone, Debug)]
pub struct Reply {
    bytes: Arc<[u8]>,
}

impl Reply {
    /// Makes a service that answers with `bytes`.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self {
            bytes: bytes.into(),
        }
    }
}

impl Service for Reply {
    fn open(&self, _conn: ConnId, _peer: SocketAddr) -> Box<dyn Session> {
        Box::new(self.clone())
    }
}

impl Session for Reply {
    fn on_data(&mut self, _input: &[u8], cx: &mut Cx<'_>) -> Flow {
        cx.out.extend_from_slice(&self.bytes);
        Flow::CONTINUE
    }
}
