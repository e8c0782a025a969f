//! What is sent, what counts as an answer, and how the client behaves.

use std::{ops::RangeInclusive, sync::Arc, time::Duration};

use crate::{Chat, Expect, Framing, Ring};

/// What is sent on each connection, and what counts as an answer.
#[derive(Clone, Debug)]
pub struct Script {
    /// The bytes of a message.
    pub payload: Payload,
    /// What counts as its answer.
    pub expect: Expect,
    /// What the server sends before any message is sent: [`Framing::Bytes`], [`Framing::Until`] or [`Framing::Lines`].
    pub greeting: Option<Expect>,
    /// What a connection sends before it reads the greeting: a few bytes, or nothing. With an introduction and a
    /// greeting, the server has served every connection once before the load begins.
    pub introduction: Vec<u8>,
    /// Whether every answer counts as correct. Otherwise an answer that is an error by its own protocol
    /// ([`ErrorAnswer`](crate::ErrorAnswer)) is an error of the run too.
    pub any_answer: bool,
    /// How the client behaves.
    pub behaviour: ClientBehaviour,
    /// If this is set, the connections are members of a chat, and of the fields above only the lengths in `payload` are
    /// used.
    pub chat: Option<Chat>,
}

/// The bytes of a message.
#[derive(Clone, Debug)]
pub enum Payload {
    /// Random bytes, different in each message, of lengths drawn from this range. At least one byte.
    Random(RangeInclusive<usize>),
    /// The same bytes in each message. At least one byte.
    Always(Arc<[u8]>),
}

/// How a client behaves. The default sends and reads at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClientBehaviour {
    /// Sends one byte at a time, each in a packet of its own, this long after the last byte.
    pub trickle: Option<Duration>,
    /// Reads only so many bytes a second on each connection, at least one, with a small receive
    /// buffer in the kernel, so that the server's send buffer fills up.
    pub read_per_s: Option<u64>,
}

impl Script {
    /// An echo of random messages of `size` bytes.
    pub fn echo(size: usize) -> Self {
        Self {
            payload: Payload::Random(size..=size),
            expect: Framing::Echo.into(),
            greeting: None,
            introduction: Vec::new(),
            any_answer: false,
            behaviour: ClientBehaviour::default(),
            chat: None,
        }
    }

    /// A chat whose messages have about `size` bytes.
    pub fn chat(chat: Chat, size: usize) -> Self {
        Self {
            chat: Some(chat),
            ..Self::echo(size)
        }
    }

    pub(crate) fn ring(&self) -> Ring {
        match &self.payload {
            Payload::Random(_) => Ring::random(),
            Payload::Always(message) => Ring::of(message),
        }
    }
}

impl Payload {
    /// The shortest and the longest message.
    pub fn sizes(&self) -> RangeInclusive<usize> {
        match self {
            Self::Random(sizes) => sizes.clone(),
            Self::Always(message) => message.len()..=message.len(),
        }
    }
}
