//! `--trace`: the five steps of a client, a line or more for each.

use std::{
    io,
    net::SocketAddr,
    os::fd::RawFd,
    time::{Duration, Instant},
};

use portlab_service::{TextDecoder, TextEncoding};
use portlab_words::{plural, units};

use super::bytes::rows;
use crate::args::{DIM, HEAD, stderr_width};

/// Writes the steps: each method returns the line, or lines, to print.
pub(super) struct Trace {
    start: Instant,
    sent: Direction,
    came: Direction,
    per_row: usize,
}

/// What was sent, or what was received.
struct Direction {
    decoder: TextDecoder,
    bytes: u64,
}

/// How a connection ended: who sent the first FIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parting {
    /// The server closed first, and this client after it.
    ServerFirst,
    /// This client closed first, its sending half or all, and the server after it.
    OursFirst,
    /// This client closed its sending half, and the server has not closed for so long.
    Unanswered(Duration),
    /// This client closes, because nothing came for so long.
    Quiet(Duration),
    /// This client closes, because SIGTERM came.
    Told,
    /// This client closes, because the reader of stdout has closed it.
    NoReader,
    /// There was no FIN.
    Reset,
}

impl Trace {
    /// A trace of a conversation in `encoding` that begins at `start`.
    pub(super) fn new(encoding: TextEncoding, start: Instant) -> Self {
        let direction = || Direction {
            decoder: encoding.decoder(),
            bytes: 0,
        };
        Self {
            start,
            sent: direction(),
            came: direction(),
            per_row: match stderr_width() {
                Some(..NARROW) => 4,
                Some(NARROW..WIDE) => 8,
                _ => 16,
            },
        }
    }

    pub(super) fn created(&self, addr: SocketAddr, fd: RawFd) -> String {
        let version = if addr.is_ipv4() { 4 } else { 6 };
        self.line(
            Instant::now(),
            CREATE,
            &format!("a TCP socket for IPv{version}: file descriptor {fd}"),
        )
    }

    pub(super) fn connected(&self, local: SocketAddr, peer: SocketAddr) -> String {
        let port = local.port();
        let line = self.line(Instant::now(), CONNECT, &format!("to {peer}"));
        format!(
            "{line}\n{:INDENT$}from {local}: the system chose port {port}",
            ""
        )
    }

    pub(super) fn unconnected(&self, peer: SocketAddr, error: &io::Error) -> String {
        self.line(Instant::now(), CONNECT, &format!("to {peer}: {error}"))
    }

    pub(super) fn sending(&mut self, at: Instant, bytes: &[u8]) -> String {
        self.sent.bytes += bytes.len() as u64;
        let text = self.sent.table(bytes, self.per_row);
        self.line(at, SEND, &text)
    }

    pub(super) fn came(&mut self, at: Instant, bytes: &[u8]) -> String {
        self.came.bytes += bytes.len() as u64;
        let text = self.came.table(bytes, self.per_row);
        self.line(at, RECEIVE, &text)
    }

    pub(super) fn half_closing(&self, at: Instant) -> String {
        self.line(
            at,
            CLOSE,
            "our half: our FIN tells the server that this was all",
        )
    }

    pub(super) fn fin(&self, at: Instant) -> String {
        let count = count(0);
        self.line(
            at,
            RECEIVE,
            &format!("{count}  the server's FIN: that was all"),
        )
    }

    pub(super) fn broken(&self, at: Instant, error: &io::Error) -> String {
        self.line(at, RECEIVE, &error.to_string())
    }

    pub(super) fn closed(&self, parting: Parting, local: SocketAddr) -> String {
        let port = local.port();
        let how = match parting {
            Parting::ServerFirst => "the server's FIN came first, and ours follows".to_owned(),
            Parting::OursFirst => {
                format!("our FIN came first: TIME_WAIT keeps port {port} for a minute")
            }
            Parting::Unanswered(quiet) => {
                let quiet = units::time(quiet);
                format!("our FIN came first, and the server's has not come in {quiet}")
            }
            Parting::Quiet(quiet) => {
                let quiet = units::time(quiet);
                format!("our FIN comes first: nothing has come for {quiet}")
            }
            Parting::NoReader => {
                "our FIN comes first: the reader of stdout has closed it".to_owned()
            }
            Parting::Told => "our FIN comes first: SIGTERM told us to end".to_owned(),
            Parting::Reset => "no FIN: a reset ends a connection at once".to_owned(),
        };
        let line = self.line(Instant::now(), CLOSE, &how);
        let totals = format!(
            "sent {}, received {}",
            plural(self.sent.bytes, "byte"),
            plural(self.came.bytes, "byte")
        );
        format!("{line}\n{:INDENT$}{DIM}{totals}{DIM:#}", "")
    }

    fn line(&self, at: Instant, step: &str, text: &str) -> String {
        let elapsed = units::time(at.saturating_duration_since(self.start));
        format!("{DIM}{elapsed:>8}{DIM:#}  {HEAD}{step:<9}{HEAD:#}  {text}")
    }
}

impl Direction {
    /// The number of `bytes`, and these in hex and as text: the first row of it to stand in the
    /// line of a step, the others below.
    fn table(&mut self, bytes: &[u8], per_row: usize) -> String {
        let (rows, left_out) = rows(bytes, &mut self.decoder, per_row, MOST_ROWS);
        let mut text = count(bytes.len());
        let indent = INDENT + text.chars().count();
        for (index, row) in rows.iter().enumerate() {
            if index > 0 {
                text += &format!("\n{:indent$}", "");
            }
            text += &format!("  {DIM}{}{DIM:#}  {}", row.hex, row.text);
        }
        if left_out > 0 {
            let left_out = plural(left_out as u64, "byte");
            text += &format!("\n{:indent$}  {DIM}and {left_out} more{DIM:#}", "");
        }
        text
    }
}

/// A number of bytes in its column.
fn count(bytes: usize) -> String {
    let noun = if bytes == 1 { "byte " } else { "bytes" };
    format!("{bytes:>5} {noun}")
}

const CREATE: &str = "1 create";
const CONNECT: &str = "2 connect";
const SEND: &str = "3 send";
const RECEIVE: &str = "4 receive";
const CLOSE: &str = "5 close";

/// What stands before the text of a step: the time, the step, and the gaps.
const INDENT: usize = 21;

/// Eight bytes and their text fit into so many columns, in any encoding.
const NARROW: usize = 76;

/// And sixteen into so many.
const WIDE: usize = 100;

/// More rows of one send or receive are not printed.
const MOST_ROWS: usize = 8;

#[cfg(test)]
mod tests {
    use anstream::adapter::strip_str;

    use super::*;

    #[test]
    fn sends_and_receives_stand_in_columns_below_each_other() {
        let start = Instant::now();
        let mut trace = Trace::new("gbk".parse().unwrap(), start);
        trace.per_row = 8;
        let at = |us| start + Duration::from_micros(us);
        let said = [
            trace.sending(at(350), b"\xc4\xe3\xba\xc3\n"),
            trace.came(at(1_200), b"0123456789\xc4"),
            trace.came(at(12_000), b"\xe3"),
            trace.fin(at(12_300)),
        ];
        assert_eq!(
            strip_str(&said.join("\n")).to_string(),
            "  350 µs  3 send         5 bytes  c4 e3 ba c3 0a           你好␊\n\
             \u{20}1.20 ms  4 receive     11 bytes  30 31 32 33 34 35 36 37  01234567\n\
             \u{20}                                 38 39 c4                 89\n\
             \u{20}12.0 ms  4 receive      1 byte   e3                       你\n\
             \u{20}12.3 ms  4 receive      0 bytes  the server's FIN: that was all"
        );
    }

    #[test]
    fn what_nobody_would_look_at_is_counted() {
        let mut trace = Trace::new(TextEncoding::default(), Instant::now());
        let text = trace.came(Instant::now(), &[b'x'; 1000]);
        assert_eq!(text.lines().count(), 9, "{text}");
        assert!(text.contains("more"), "{text}");
    }
}
