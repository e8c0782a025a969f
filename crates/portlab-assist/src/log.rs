//! The last rows, and what they say about each peer.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    net::SocketAddr,
};

use portlab_service::{EncodingWatch, TextEncoding};
use portlab_words::{Text, tr};

use crate::{Done, Ended, Event, PeerId, Reading, Recipient, Row, Way, What, row::Reader};

/// The last rows: at most 20,000, with at most 4 MiB of bytes. They can be read again in another encoding.
pub struct Log {
    rows: VecDeque<Row>,
    bytes: usize,
    /// How many rows were dropped.
    dropped: u64,
    clients: BTreeMap<PeerId, Client>,
    /// Whether reading from all has stopped, also from peers that come later.
    paused: bool,
    encodings: Vec<TextEncoding>,
    /// The country whose encodings are likely, as a top-level domain.
    country: &'static str,
    readers: Readers,
    watches: HashMap<PeerId, EncodingWatch>,
}

/// The readers of each peer's bytes, in each direction and each encoding.
type Readers = HashMap<(PeerId, Way, TextEncoding), Reader>;

/// What the log says about a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its address.
    pub addr: SocketAddr,
    /// The assistant's own address in this connection; `None` over UDP.
    pub own: Option<SocketAddr>,
    /// The received bytes.
    pub received: u64,
    /// The sent bytes.
    pub sent: u64,
    /// Whether the assistant doesn't read from it.
    pub paused: bool,
    /// Whether its FIN has come.
    pub fin: bool,
    /// Whether the own FIN was sent.
    pub half_closed: bool,
    /// How it went offline.
    pub ended: Option<Ended>,
}

impl Log {
    /// An empty log that shows bytes as text in `encodings`, of which there is at least one. `country` is the top-level
    /// domain of the country whose encodings are likely, such as `cn`.
    pub fn new(encodings: &[TextEncoding], country: &'static str) -> Self {
        Self {
            rows: VecDeque::new(),
            bytes: 0,
            dropped: 0,
            clients: BTreeMap::new(),
            paused: false,
            encodings: encodings.to_vec(),
            country,
            readers: Readers::new(),
            watches: HashMap::new(),
        }
    }

    /// Adds an event, and returns its row.
    pub fn push(&mut self, event: Event) -> &Row {
        self.note(&event.what);
        let row = self.row(event);
        self.bytes += row.size();
        self.rows.push_back(row);
        while self.rows.len() > MOST_ROWS || self.bytes > MOST_BYTES && self.rows.len() > 1 {
            self.bytes -= self.rows.pop_front().map_or(0, |it| it.size());
            self.dropped += 1;
        }
        self.rows.back().expect("a row was added")
    }

    /// Shows all rows in other encodings. What is shown already isn't decoded again.
    pub fn read_again(&mut self, encodings: &[TextEncoding]) {
        let old = std::mem::replace(&mut self.encodings, encodings.to_vec());
        let is_new = |it: &TextEncoding| !old.contains(it);
        let new: Vec<_> = encodings.iter().copied().filter(is_new).collect();
        let mut readers = Readers::new();
        for row in &mut self.rows {
            read(row, &new, &mut readers);
            let place = |of: &Reading| encodings.iter().position(|it| *it == of.encoding);
            row.readings.retain(|it| place(it).is_some());
            row.readings.sort_by_key(place);
        }
        self.readers.retain(|it, _| encodings.contains(&it.2));
        self.readers.extend(readers);
        if old.first() != encodings.first() {
            self.watches.clear();
            for row in &mut self.rows {
                watch(row, self.country, &mut self.watches);
            }
        }
    }

    /// The rows, the oldest first.
    pub fn rows(&self) -> &VecDeque<Row> {
        &self.rows
    }

    /// The number of rows that were dropped, because only the last rows are kept.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// All peers that are online, and the last ones that are offline.
    pub fn clients(&self) -> &BTreeMap<PeerId, Client> {
        &self.clients
    }

    /// What to say to the person about a line that was carried out.
    pub fn said(&self, done: &Done) -> Option<Text> {
        let stranger = done.chosen.and_then(|it| self.stranger(it));
        stranger.or_else(|| done.said.clone())
    }

    /// What to say about a recipient that was never online, if `to` is one.
    pub fn stranger(&self, to: Recipient) -> Option<Text> {
        let last = self.clients.keys().next_back().map_or(0, |it| it.0);
        match to {
            Recipient::One(peer) if peer.0 == 0 || peer.0 > last => Some(tr!(
                "to: {peer}, but there was never a client {peer}; /to all chooses all clients",
                "发给：{peer}，但没有出现过客户端 {peer}；输入 /to all 选择所有客户端"
            )),
            _ => None,
        }
    }

    /// The peers that are online.
    pub fn online(&self) -> impl Iterator<Item = PeerId> {
        let online = self.clients.iter().filter(|(_, it)| it.ended.is_none());
        online.map(|(id, _)| *id)
    }

    /// Whether reading from `to` has stopped. From all: from those that come later, or from one that is online.
    pub fn is_paused(&self, to: Recipient) -> bool {
        let mut meant = self.online().filter(|it| to.has(*it));
        to == Recipient::All && self.paused || meant.any(|it| self.clients[&it].paused)
    }

    fn row(&mut self, event: Event) -> Row {
        let Event { at, what } = event;
        let addr = what.peer().and_then(|it| self.clients.get(&it));
        let mut row = Row {
            at,
            addr: addr.map(|it| it.addr),
            readings: Vec::new(),
            guess: None,
            what,
        };
        read(&mut row, &self.encodings, &mut self.readers);
        watch(&mut row, self.country, &mut self.watches);
        row
    }

    /// Updates what is known about the peer.
    fn note(&mut self, what: &What) {
        if let What::Paused(None) | What::Resumed(None) = what {
            self.paused = *what == What::Paused(None);
            let clients = self.clients.values_mut();
            clients.for_each(|it| it.paused = self.paused && it.ended.is_none());
        }
        let Some(peer) = what.peer() else {
            return;
        };
        if let What::Online { addr, own, .. } = *what {
            let client = Client {
                addr,
                own,
                received: 0,
                sent: 0,
                paused: false,
                fin: false,
                half_closed: false,
                ended: None,
            };
            self.clients.insert(peer, client);
        }
        let Some(client) = self.clients.get_mut(&peer) else {
            return;
        };
        match what {
            What::Received(_, bytes) => client.received += bytes.len() as u64,
            What::Sent(_, bytes, _) => client.sent += bytes.len() as u64,
            What::Folded { way, bytes, .. } => match way {
                Way::In => client.received += bytes,
                Way::Out => client.sent += bytes,
            },
            What::Fin(_) => client.fin = true,
            What::HalfClosed(_) => client.half_closed = true,
            What::Paused(_) => client.paused = true,
            What::Resumed(_) => client.paused = false,
            What::Offline(_, how) => {
                client.ended = Some(how.clone());
                client.paused = false;
                let offline = |it: &&PeerId| self.clients[*it].ended.is_some();
                let offline: Vec<_> = self.clients.keys().filter(offline).copied().collect();
                for old in offline.iter().rev().skip(MOST_OFFLINE) {
                    self.clients.remove(old);
                }
            }
            _ => {}
        }
    }
}

/// Adds the readings of a row in `encodings`.
fn read(row: &mut Row, encodings: &[TextEncoding], readers: &mut Readers) {
    match &row.what {
        What::Offline(peer, _) => readers.retain(|it, _| it.0 != *peer),
        // Bytes are missing, so a character may be, too.
        What::Folded { peer, way, .. } => readers.retain(|it, _| (it.0, it.1) != (*peer, *way)),
        what => {
            if let (Some(peer), Some((way, bytes))) = (what.peer(), what.bytes()) {
                for encoding in encodings {
                    let reader = readers.entry((peer, way, *encoding));
                    let reader = reader.or_insert_with(|| Reader::new(*encoding));
                    row.readings.push(reader.read(bytes));
                }
            }
        }
    }
}

/// Examines whether the bytes of a row are text in another encoding than the first.
fn watch(row: &mut Row, country: &'static str, watches: &mut HashMap<PeerId, EncodingWatch>) {
    match (&row.what, row.readings.first()) {
        (What::Received(peer, bytes), Some(reading)) => {
            // The detector of encodings is slow, and the beginning of a long row tells enough.
            let begin = &bytes[..bytes.len().min(EXAMINED)];
            match is_certain(reading.encoding, bytes) {
                // What comes next may be in another encoding again.
                true => drop(watches.remove(peer)),
                false => {
                    let watch = watches.entry(*peer);
                    let watch =
                        watch.or_insert_with(|| EncodingWatch::new(reading.encoding, country));
                    row.guess = watch.push(begin, reading.well_formed);
                }
            }
        }
        (What::Offline(peer, _), _) => drop(watches.remove(peer)),
        _ => {}
    }
}

/// Whether the bytes of a row can only be a text in `encoding`.
fn is_certain(encoding: TextEncoding, bytes: &[u8]) -> bool {
    let is_utf_8 = std::str::from_utf8(bytes).is_ok();
    match encoding == TextEncoding::default() {
        true => is_utf_8 && !bytes.is_ascii(),
        false => !is_utf_8 && encoding.decoder().decode(bytes, true, &mut String::new()),
    }
}

impl Row {
    fn size(&self) -> usize {
        self.what.bytes().map_or(0, |(_, bytes)| bytes.len())
    }
}

/// How many bytes of a row are examined for another encoding.
const EXAMINED: usize = 4096;
const MOST_ROWS: usize = 20_000;
const MOST_BYTES: usize = 4 << 20;
/// How many peers that are offline are kept.
const MOST_OFFLINE: usize = 100;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn event(what: What) -> Event {
        let at = Duration::ZERO;
        Event { at, what }
    }

    fn online(number: u32) -> Event {
        event(What::Online {
            peer: PeerId(number),
            addr: SocketAddr::from(([127, 0, 0, 1], 9000)),
            own: None,
        })
    }

    fn received(number: u32, bytes: &[u8]) -> Event {
        event(What::Received(PeerId(number), bytes.to_vec()))
    }

    fn log(label: &str) -> Log {
        let mut log = Log::new(&[label.parse().unwrap()], "cn");
        log.push(online(1));
        log
    }

    fn texts(log: &Log) -> Vec<String> {
        let readings = log.rows().iter().flat_map(|it| it.readings.first());
        readings.map(Reading::text).collect()
    }

    #[test]
    fn what_was_received_is_read_again_in_another_encoding_across_cut_characters() {
        let mut log = log("utf-8");
        let bytes = "你好".as_bytes();
        let gbk = "gbk".parse().unwrap();
        log.push(received(1, &bytes[..4]));
        log.push(received(1, &bytes[4..]));
        assert_eq!(texts(&log), ["你▯", "▯好"]);
        log.read_again(&[gbk]);
        assert_eq!(texts(&log).concat(), "浣犲ソ");
        // Two encodings, and the first one again.
        log.read_again(&[gbk, TextEncoding::default()]);
        assert_eq!(log.rows()[1].readings[1].text(), "你▯");
        log.read_again(&[TextEncoding::default()]);
        assert_eq!(texts(&log), ["你▯", "▯好"]);
        // A character may be cut where the encoding was changed.
        log.push(received(1, &bytes[..1]));
        for encodings in [&[gbk][..], &[gbk, TextEncoding::default()]] {
            log.read_again(encodings);
        }
        let row = log.push(received(1, &bytes[1..]));
        let [gbk, utf_8] = [0, 1].map(|at| row.readings[at].text());
        assert_eq!((gbk.chars().next(), &*utf_8), (Some('▯'), "▯你好"));
    }

    #[test]
    fn another_encoding_is_noted_once_for_each_peer() {
        let mut log = log("gbk");
        log.push(online(2));
        let mut notes = |number| log.push(received(number, "你好".as_bytes())).note();
        let note = notes(1).unwrap();
        for part in ["UTF-8", "GBK", "你好", "/encoding utf-8"] {
            assert!(note.en.contains(part) && note.zh.contains(part), "{note}");
        }
        assert_eq!(notes(1), None);
        assert!(notes(2).is_some());
    }

    #[test]
    fn a_peer_that_changes_its_encoding_is_noted_whichever_comes_first() {
        let in_utf_8 = "你好".as_bytes();
        let in_gbk = b"\xc4\xe3\xba\xc3";
        for (label, right, wrong, named) in [
            ("gbk", &in_gbk[..], in_utf_8, "UTF-8"),
            ("utf-8", in_utf_8, in_gbk, "GBK"),
        ] {
            let mut log = log(label);
            let mut note = |bytes| log.push(received(1, bytes)).note();
            assert_eq!(note(right), None);
            for _ in 0..2 {
                let said = note(wrong).expect(label);
                let is_right = said.en.contains(named) && said.en.contains("你好");
                assert!(is_right, "{said}");
                // Once, until the first encoding comes again.
                assert_eq!(note(wrong), None);
                assert_eq!(note(right), None);
            }
            // The detector is slow, so a flood of right rows needs none.
            assert!(log.watches.is_empty());
        }
    }

    #[test]
    fn only_the_last_rows_are_kept_and_all_bytes_are_counted() {
        let mut log = log("utf-8");
        let block = vec![b'x'; 64 << 10];
        for _ in 0..70 {
            log.push(received(1, &block));
        }
        assert_eq!(log.clients()[&PeerId(1)].received, 70 << 16);
        assert_eq!(log.rows().len(), MOST_BYTES >> 16);
        assert_eq!(log.dropped(), 71 - 64);
        for _ in 0..MOST_ROWS {
            log.push(received(1, b"x"));
        }
        assert!(log.rows().len() <= MOST_ROWS);
    }

    #[test]
    fn a_client_that_is_offline_is_told_from_one_that_never_came() {
        let mut log = log("utf-8");
        log.push(event(What::Offline(PeerId(1), Ended::Fin)));
        let is_stranger = |it| log.stranger(Recipient::One(PeerId(it))).is_some();
        assert_eq!([0, 1, 2].map(is_stranger), [true, false, true]);
        assert_eq!(log.stranger(Recipient::All), None);
        // Reading stops for the others.
        log.push(event(What::Paused(None)));
        assert!(!log.clients()[&PeerId(1)].paused && log.is_paused(Recipient::All));
    }

    #[test]
    fn old_peers_are_forgotten_and_those_online_are_not() {
        let mut log = log("utf-8");
        for number in 2..500 {
            log.push(online(number));
            let peer = PeerId(number);
            log.push(event(What::Offline(peer, Ended::Fin)));
        }
        assert_eq!(log.clients().len(), 1 + MOST_OFFLINE);
        assert_eq!(log.online().collect::<Vec<_>>(), [PeerId(1)]);
    }
}
