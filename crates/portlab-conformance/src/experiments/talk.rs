//! Conversations that several experiments need: a text in pieces, and a page.

use std::time::Duration;

use portlab_words::Text;

use super::{Kind, Progress, Subject, Trouble, Visitor, http, subject::QUIET};

/// A client that speaks, and the one that receives the answer: another member in a chat, and else the same.
pub(crate) struct Talk {
    speaker: Visitor,
    listener: Option<Visitor>,
}

/// The server ended, or doesn't listen, before the experiment began: another experiment judges that.
pub(crate) fn unreachable() -> Trouble {
    Trouble::Blocked(Text::new("the server can't be reached", "连不上服务端"))
}

impl Talk {
    pub(crate) fn begin(subject: &mut Subject<'_>) -> Result<Self, Trouble> {
        let (speaker, listener) = match subject.speech.kind {
            Kind::Chat => {
                let [listener, speaker] = subject.members().ok_or_else(unreachable)?;
                (speaker, Some(listener))
            }
            _ => (subject.connect().ok_or_else(unreachable)?, None),
        };
        Ok(Self { speaker, listener })
    }

    /// Sends `parts` with a pause after each, and returns what comes: at least `expected` bytes, if the server sends so
    /// many in time, and `is_over` doesn't return true before.
    pub(crate) fn say(
        &mut self,
        parts: &[&[u8]],
        expected: usize,
        is_over: impl Fn() -> bool,
    ) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (at, part) in parts.iter().enumerate() {
            if self.speaker.has_ended() || !self.speaker.send(part) {
                break;
            }
            if at + 1 < parts.len() {
                bytes.extend(self.receiver().drain(PAUSE));
            }
        }
        let missing = expected.saturating_sub(bytes.len());
        if missing > 0 && !self.receiver().has_ended() {
            let is_enough = |bytes: &[u8]| bytes.len() >= missing || is_over();
            let (_, more) = self.receiver().collect_until(is_enough);
            bytes.extend(more);
        }
        if !self.receiver().has_ended() {
            bytes.extend(self.receiver().drain(QUIET));
        }
        bytes
    }

    fn receiver(&mut self) -> &mut Visitor {
        self.listener.as_mut().unwrap_or(&mut self.speaker)
    }

    pub(crate) fn end(self) {
        leave(self.speaker);
        self.listener.into_iter().for_each(leave);
    }
}

/// Ends a client so that only a server which closed first gets a reset: a reset is the topic of other experiments.
pub(crate) fn leave(client: Visitor) {
    if !client.has_ended() {
        client.close();
    }
}

/// What a new client receives that sends `parts`. A new traceback of a decoder ends the wait.
pub(crate) fn said(
    subject: &mut Subject<'_>,
    parts: &[&[u8]],
    expected: usize,
) -> Result<Vec<u8>, Trouble> {
    subject.complaints_before = subject.complaints();
    let mut talk = Talk::begin(subject)?;
    let bytes = talk.say(parts, expected, || subject.decoding_has_failed(""));
    talk.end();
    Ok(bytes)
}

/// A page as a client received it.
pub(crate) struct Page {
    pub(crate) response: Option<http::Response>,
    /// Whether the server closed the connection, or the page was whole.
    pub(crate) is_whole: bool,
}

impl Page {
    pub(crate) fn status(&self) -> Option<u16> {
        self.response.as_ref().map(|it| it.status)
    }
}

/// Sends `request`, and receives a response and what comes behind it.
pub(crate) fn page(subject: &mut Subject<'_>, request: &[u8]) -> Result<Page, Trouble> {
    let mut client = subject.connect().ok_or_else(unreachable)?;
    client.send(request);
    let page = receive_page(&mut client);
    leave(client);
    Ok(page)
}

pub(crate) fn receive_page(client: &mut Visitor) -> Page {
    let patience = client.patience();
    let (progress, mut bytes) = client.collect(patience, http::progress);
    if progress == Progress::Right && !client.has_ended() {
        bytes.extend(client.drain(QUIET));
    }
    Page {
        response: http::response(&bytes),
        is_whole: progress == Progress::Right,
    }
}

/// Whether `part` is somewhere in `bytes`.
pub fn has(bytes: &[u8], part: &[u8]) -> bool {
    part.is_empty() || count(bytes, part) > 0
}

/// How often `part` is in `bytes`, upper and lower case being the same.
pub(crate) fn count(bytes: &[u8], part: &[u8]) -> usize {
    let windows = bytes.windows(part.len().max(1));
    windows.filter(|it| it.eq_ignore_ascii_case(part)).count()
}

/// How long a client waits between two pieces of a message, so that the server reads them apart.
pub(crate) const PAUSE: Duration = Duration::from_millis(120);
