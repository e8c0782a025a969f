//! The last rows, and what they say about each peer.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    net::SocketAddr,
};

use portlab_service::{EncodingWatch, TextEncoding};

use crate::{Ended, Event, PeerId, Row, Way, What, row::Reader};

/// The last rows: at most 20,000, with at most 4 MiB of bytes. They can be read again in another encoding.
pub struct Log {
    rows: VecDeque<Row>,
    bytes: usize,
    /// How many rows were dropped.
    dropped: u64,
    clients: BTreeMap<PeerId, Client>,
    encodings: Vec<TextEncoding>,
    /// The country whose encodings are likely, as a top-level domain.
    country: &'static str,
    readers: HashMap<(PeerId, Way), Vec<Reader>>,
    watches: HashMap<PeerId, EncodingWatch>,
}

/// What the log says about a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its address.
    pub addr: SocketAddr,
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
            encodings: encodings.to_vec(),
            country,
            readers: HashMap::new(),
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

    /// Shows all rows in other encodings.
    pub fn read_again(&mut self, encodings: &[TextEncoding]) {
        self.encodings = encodings.to_vec();
        self.readers.clear();
        self.watches.clear();
        for row in std::mem::take(&mut self.rows) {
            let Row { at, what, .. } = row;
            let row = self.row(Event { at, what });
            self.rows.push_back(row);
        }
    }

    /// The rows, the oldest first.
    pub fn rows(&self) -> &VecDeque<Row> {
        &self.rows
    }

    /// How many rows were dropped, because there is room for so many only.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// All peers that are online, and the last ones that are offline.
    pub fn clients(&self) -> &BTreeMap<PeerId, Client> {
        &self.clients
    }

    /// The peers that are online.
    pub fn online(&self) -> impl Iterator<Item = PeerId> {
        let online = self.clients.iter().filter(|(_, it)| it.ended.is_none());
        online.map(|(id, _)| *id)
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
        match &row.what {
            What::Offline { peer, .. } => {
                self.readers.remove(&(*peer, Way::In));
                self.readers.remove(&(*peer, Way::Out));
                self.watches.remove(peer);
            }
            // Bytes are missing, so a character may be, too.
            What::Folded { peer, way, .. } => {
                self.readers.remove(&(*peer, *way));
            }
            what => {
                if let (Some(peer), Some((way, bytes))) = (what.peer(), what.bytes()) {
                    let encodings = &self.encodings;
                    let readers = self.readers.entry((peer, way));
                    let readers = readers
                        .or_insert_with(|| encodings.iter().map(|it| Reader::new(*it)).collect());
                    let read = readers.iter_mut().map(|it| it.read(bytes));
                    let read: Vec<_> = read.collect();
                    let well_formed = read.first().is_some_and(|(_, it)| *it);
                    if way == Way::In && encodings.len() == 1 {
                        let watch = self.watches.entry(peer);
                        let watch =
                            watch.or_insert_with(|| EncodingWatch::new(encodings[0], self.country));
                        row.guess = watch.push(bytes, well_formed);
                    }
                    row.readings = read.into_iter().map(|(reading, _)| reading).collect();
                }
            }
        }
        row
    }

    /// Updates what is known about the peer.
    fn note(&mut self, what: &What) {
        let Some(peer) = what.peer() else {
            return;
        };
        if let What::Online { addr, .. } = what {
            self.clients.insert(peer, Client::new(*addr));
        }
        let Some(client) = self.clients.get_mut(&peer) else {
            return;
        };
        match what {
            What::Received { bytes, .. } => client.received += bytes.len() as u64,
            What::Sent { bytes, .. } => client.sent += bytes.len() as u64,
            What::Folded { way, bytes, .. } => match way {
                Way::In => client.received += bytes,
                Way::Out => client.sent += bytes,
            },
            What::Fin { .. } => client.fin = true,
            What::HalfClosed { .. } => client.half_closed = true,
            What::Paused { .. } => client.paused = true,
            What::Resumed { .. } => client.paused = false,
            What::Offline { how, .. } => {
                client.ended = Some(how.clone());
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

impl Client {
    fn new(addr: SocketAddr) -> Self {
        Self {
            addr,
            received: 0,
            sent: 0,
            paused: false,
            fin: false,
            half_closed: false,
            ended: None,
        }
    }
}

impl Row {
    fn size(&self) -> usize {
        self.what.bytes().map_or(0, |(_, bytes)| bytes.len())
    }
}

const MOST_ROWS: usize = 20_000;
const MOST_BYTES: usize = 4 << 20;
/// How many peers that are offline are kept.
const MOST_OFFLINE: usize = 100;
