//! A build without the feature `tls`: types without values, so that the rest of the crate is the same.

use std::{
    convert::Infallible,
    io::{self, Read, Write},
    time::Duration,
};

use portlab_words::Text;

use super::{Certificate, Session, TlsOptions};
use crate::{Target, stream::Stream};

/// How connections are encrypted: in this build, never.
#[derive(Clone, Debug)]
pub struct Tls {
    never: Infallible,
    pub(crate) verifies: bool,
    pub(crate) resumes: bool,
}

/// An encrypted stream: this build makes none.
#[derive(Debug)]
pub(crate) struct TlsStream {
    never: Infallible,
    pub(crate) socket: Stream,
}

/// Whether `target` speaks TLS: this build can't find out.
pub(crate) fn answers_hello(_target: &Target, _patience: Duration) -> bool {
    false
}

impl Tls {
    /// Says how to get a build with TLS.
    ///
    /// # Errors
    /// Always.
    pub fn new(_options: &TlsOptions, _names: &[String]) -> Result<Self, Text> {
        Err(Text::new(
            "this build has no TLS; build portlab with it: cargo install --path crates/portlab --features tls",
            "这个程序没有编入 TLS；请这样编译：cargo install --path crates/portlab --features tls",
        ))
    }
}

/// Gives a type without values these methods.
macro_rules! methods {
    ($type:ty: $($name:ident($($argument:ty),*) -> $result:ty;)*) => {
        impl $type {
            $(pub(crate) fn $name(&self, $(_: $argument),*) -> $result {
                match self.never {}
            })*
        }
    };
}

methods! {
    Tls:
    begin(Stream, usize) -> io::Result<TlsStream>;
    certificate() -> Option<&Certificate>;
    name() -> String;
}

methods! {
    TlsStream:
    shake_hands() -> io::Result<bool>;
    session() -> Session;
    is_resumed() -> bool;
    plain_head() -> &[u8];
    may_hold_more() -> bool;
    was_cut() -> bool;
    shut_down_sending() -> io::Result<()>;
}

impl Read for TlsStream {
    fn read(&mut self, _buffer: &mut [u8]) -> io::Result<usize> {
        match self.never {}
    }
}

impl Write for TlsStream {
    fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
        match self.never {}
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.never {}
    }
}
