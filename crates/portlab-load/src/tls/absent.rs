//! A build without the feature `tls`: types without values, so that the rest of the crate is the same.

use std::{
    io::{self, Read, Write},
    time::Duration,
};

use portlab_words::Text;

use super::{Certificate, Session, TlsOptions};
use crate::{Target, stream::Stream};

/// How connections are encrypted: in this build, never.
#[derive(Clone, Debug)]
pub enum Tls {}

/// An encrypted stream: in this build, there is none.
#[derive(Debug)]
pub(crate) enum TlsStream {}

/// Whether `target` speaks TLS: in this build, that isn't found out.
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

    pub(crate) fn begin(&self, _socket: Stream, _target: usize) -> io::Result<TlsStream> {
        match *self {}
    }

    pub(crate) fn certificate(&self) -> Option<&Certificate> {
        match *self {}
    }

    pub(crate) fn name(&self) -> String {
        match *self {}
    }

    pub(crate) fn resumes(&self) -> bool {
        match *self {}
    }

    pub(crate) fn verifies(&self) -> bool {
        match *self {}
    }
}

impl TlsStream {
    pub(crate) fn shake_hands(&mut self) -> io::Result<bool> {
        match *self {}
    }

    pub(crate) fn session(&self) -> Session {
        match *self {}
    }

    pub(crate) fn is_resumed(&self) -> bool {
        match *self {}
    }

    pub(crate) fn plain_head(&self) -> &[u8] {
        match *self {}
    }

    pub(crate) fn socket(&self) -> &Stream {
        match *self {}
    }

    pub(crate) fn socket_mut(&mut self) -> &mut Stream {
        match *self {}
    }

    pub(crate) fn may_hold_more(&self) -> bool {
        match *self {}
    }

    pub(crate) fn was_cut(&self) -> bool {
        match *self {}
    }

    pub(crate) fn shut_down_sending(&mut self) -> io::Result<()> {
        match *self {}
    }
}

impl Read for TlsStream {
    fn read(&mut self, _buffer: &mut [u8]) -> io::Result<usize> {
        match *self {}
    }
}

impl Write for TlsStream {
    fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
        match *self {}
    }

    fn flush(&mut self) -> io::Result<()> {
        match *self {}
    }
}
