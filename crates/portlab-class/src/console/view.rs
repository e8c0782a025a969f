//! What browsers get of a console: its last rows and its clients.

use std::net::SocketAddr;

use portlab_assist::{Client, Desk, Ended, Log, PeerId, Reading, Recipient, Row, Way};
use portlab_words::Text;
use serde::Serialize;

/// A console at one moment.
#[derive(Debug, Serialize)]
pub(super) struct View {
    /// Where it listens; `None` if it is closed.
    addr: Option<SocketAddr>,
    /// The encoding's name that people read.
    encoding: &'static str,
    /// Whether rows are shown in a second encoding, too.
    both: bool,
    /// The name of the line end behind texts.
    eol: &'static str,
    /// The number of the client that gets the next text, or `all`.
    to: String,
    clients: Vec<ClientView>,
    /// The clients that `clients` has no room for.
    more_clients: usize,
    rows: Vec<RowView>,
    /// How many rows came before these.
    earlier: u64,
    /// What the last line has done.
    said: Option<Text>,
}

#[derive(Debug, Serialize)]
struct ClientView {
    id: u32,
    addr: SocketAddr,
    /// How it went offline; `None` while it is online.
    ended: Option<Text>,
    received: u64,
    sent: u64,
    is_paused: bool,
    /// Whether its FIN has come, and whether the own FIN was sent.
    fin: bool,
    half_closed: bool,
}

#[derive(Debug, Serialize)]
struct RowView {
    number: u64,
    at_s: f64,
    peer: Option<u32>,
    /// `in`, `out`, or `event` for all that isn't a read or a send.
    way: &'static str,
    bytes: usize,
    /// What made the assistant send, unless a person did.
    by: Option<Text>,
    /// The event in words; empty for a read and a send.
    what: Text,
    /// The bytes that are shown, two digits each.
    hex: String,
    readings: Vec<ReadingView>,
    guess: Option<GuessView>,
}

/// The bytes of a row as text in one encoding.
#[derive(Debug, Serialize)]
struct ReadingView {
    encoding: &'static str,
    text: String,
    /// A digit for each character: how many bytes of `hex` it has.
    lengths: String,
}

/// Another encoding in which the bytes are text.
#[derive(Debug, Serialize)]
struct GuessView {
    encoding: &'static str,
    text: String,
}

impl View {
    pub(super) fn of(
        addr: Option<SocketAddr>,
        desk: &Desk,
        log: &Log,
        said: Option<&Text>,
    ) -> Self {
        let rows = rows(log);
        let (online, mut offline): (Vec<_>, Vec<_>) =
            log.clients().iter().partition(|(_, it)| it.ended.is_none());
        // Those that went last are the most interesting ones.
        offline.reverse();
        let count = online.len() + offline.len();
        let clients = online.into_iter().chain(offline).take(MOST_CLIENTS);
        Self {
            addr,
            encoding: desk.speech.encoding.name(),
            both: desk.both,
            eol: desk.speech.eol.name(),
            to: match desk.to {
                Recipient::All => "all".to_owned(),
                Recipient::One(PeerId(number)) => number.to_string(),
            },
            clients: clients.map(|(id, it)| ClientView::of(*id, it)).collect(),
            more_clients: count.saturating_sub(MOST_CLIENTS),
            earlier: rows.first().map_or(0, |it| it.number),
            rows,
            said: said.cloned(),
        }
    }
}

/// The last rows, the oldest first: as many as there is room for.
fn rows(log: &Log) -> Vec<RowView> {
    let last = log.dropped() + log.rows().len() as u64;
    let mut room = MOST_BYTES;
    let mut rows = Vec::new();
    for (row, number) in log.rows().iter().rev().zip((0..last).rev()) {
        let row = RowView::of(number, row);
        let size = row.hex.len() / 2;
        if rows.len() >= MOST_ROWS || size > room {
            break;
        }
        room -= size;
        rows.push(row);
    }
    rows.reverse();
    rows
}

impl ClientView {
    fn of(PeerId(id): PeerId, client: &Client) -> Self {
        Self {
            id,
            addr: client.addr,
            ended: client.ended.as_ref().map(Ended::text),
            received: client.received,
            sent: client.sent,
            is_paused: client.paused,
            fin: client.fin,
            half_closed: client.half_closed,
        }
    }
}

impl RowView {
    fn of(number: u64, row: &Row) -> Self {
        let (way, bytes) = match row.what.bytes() {
            Some((Way::In, bytes)) => ("in", bytes),
            Some((Way::Out, bytes)) => ("out", bytes),
            None => ("event", &[][..]),
        };
        let shown = &bytes[..bytes.len().min(LONGEST)];
        Self {
            number,
            at_s: row.at.as_secs_f64(),
            peer: row.peer().map(|PeerId(number)| number),
            way,
            bytes: bytes.len(),
            by: row.by(),
            what: row.what.text(),
            hex: shown.iter().map(|it| format!("{it:02x}")).collect(),
            readings: row
                .readings
                .iter()
                .map(|it| ReadingView::of(it, shown.len()))
                .collect(),
            guess: row.guess.as_ref().map(|it| GuessView {
                encoding: it.encoding.name(),
                text: it.text.clone(),
            }),
        }
    }
}

impl ReadingView {
    /// The characters of the first `bytes` bytes.
    fn of(reading: &Reading, bytes: usize) -> Self {
        let (mut text, mut lengths, mut end) = (String::new(), String::new(), 0);
        for (character, length) in reading.shown() {
            end += usize::from(length);
            if end > bytes {
                break;
            }
            text.push(character);
            // A character has at most seven bytes: a byte order mark and four of its own.
            lengths.push(char::from_digit(length.into(), 10).unwrap_or('9'));
        }
        Self {
            encoding: reading.encoding.name(),
            text,
            lengths,
        }
    }
}

const MOST_CLIENTS: usize = 60;
const MOST_ROWS: usize = 200;
/// The bytes of a row that are shown: several lines of a projector.
const LONGEST: usize = 240;
/// The bytes of all rows that are shown: each takes some five characters of JSON.
const MOST_BYTES: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use portlab_assist::{Event, What};

    use super::*;

    fn log(encoding: &str, reads: impl IntoIterator<Item = Vec<u8>>) -> (Desk, Log) {
        let mut desk = Desk::default();
        desk.speech.encoding = encoding.parse().unwrap();
        let mut log = Log::new(&desk.encodings(), "cn");
        let peer = PeerId(1);
        let addr = SocketAddr::from(([127, 0, 0, 1], 9000));
        let online = What::Online {
            peer,
            addr,
            own: None,
        };
        let reads = reads.into_iter().map(|it| What::Received(peer, it));
        for what in [online].into_iter().chain(reads) {
            let at = Duration::from_millis(1500);
            log.push(Event { at, what });
        }
        (desk, log)
    }

    #[test]
    fn each_character_stands_with_its_bytes_and_a_wrong_encoding_is_guessed() {
        let (desk, log) = log("gbk", ["你好\n".as_bytes().to_vec()]);
        let view = View::of(None, &desk, &log, None);
        let row = &view.rows[1];
        assert_eq!(
            (row.number, row.peer, row.way, row.bytes),
            (1, Some(1), "in", 7)
        );
        assert_eq!(row.hex, "e4bda0e5a5bd0a");
        assert_eq!(row.readings[0].text, "浣犲ソ␊");
        assert_eq!(row.readings[0].lengths, "2221");
        let guess = row.guess.as_ref().unwrap();
        assert_eq!((guess.encoding, &*guess.text), ("UTF-8", "你好"));
        assert_eq!((view.encoding, &*view.to), ("GBK", "all"));
        assert_eq!(view.clients[0].received, 7);
    }

    #[test]
    fn a_long_row_is_cut_between_characters_and_its_length_is_told() {
        let (desk, log) = log("utf-8", ["长".repeat(1_000).into_bytes()]);
        let view = View::of(None, &desk, &log, None);
        let row = &view.rows[1];
        assert_eq!(row.bytes, 3_000);
        assert_eq!(row.hex.len(), 2 * LONGEST);
        assert_eq!(row.readings[0].text.chars().count(), LONGEST / 3);
    }

    #[test]
    fn only_the_last_rows_are_shown_and_they_are_small() {
        for (bytes, count) in [(1, MOST_ROWS), (1_000, MOST_BYTES / LONGEST)] {
            let (desk, log) = log("utf-8", (0..5_000).map(|_| vec![b'x'; bytes]));
            let view = View::of(None, &desk, &log, None);
            assert_eq!(view.rows.len(), count);
            assert_eq!(view.rows.last().unwrap().number, 5_000);
            assert_eq!(view.earlier, 5_001 - count as u64);
            let json = serde_json::to_string(&view).unwrap();
            assert!(json.len() < 256 * 1024, "{}", json.len());
        }
    }

    #[test]
    fn what_a_peer_sends_has_no_character_that_a_screen_executes() {
        let (desk, log) = log("utf-8", ["\u{202e}\u{1b}[2J<b>".as_bytes().to_vec()]);
        let view = View::of(None, &desk, &log, None);
        assert_eq!(view.rows[1].readings[0].text, "\u{fffd}␛[2J<b>");
    }
}
