//! The evidence of an experiment: what was sent, what came, and when.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use portlab_service::{TextEncoding, inert};
use portlab_words::{Text, tr};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The time since the experiment began.
    pub at: Duration,
    /// What happened.
    pub what: Text,
}

/// What an experiment has seen of a program.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// What happened, in order.
    pub events: Vec<Event>,
    /// What the program has written to stderr meanwhile; of much, the end.
    pub stderr: String,
    /// The encoding of the text that the program mistook.
    pub encoding: Option<&'static str>,
}

/// The events of an experiment, which its clients write themselves.
#[derive(Clone, Debug)]
pub struct Record(Arc<Mutex<Events>>);

#[derive(Debug)]
struct Events {
    began: Instant,
    events: Vec<Event>,
    left_out: usize,
    has_waited: bool,
    is_slow: Option<Text>,
    clients: usize,
    has_connected: bool,
}

impl Default for Record {
    fn default() -> Self {
        Self::new()
    }
}

impl Record {
    /// A record that begins now.
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(Events {
            began: Instant::now(),
            events: Vec::new(),
            left_out: 0,
            has_waited: false,
            is_slow: None,
            clients: 0,
            has_connected: false,
        })))
    }

    /// Adds an event. Of many, the first and the last are kept.
    pub fn add(&self, what: Text) {
        self.with(|it| {
            let at = it.began.elapsed();
            if it.events.len() >= MOST {
                it.events.remove(MOST / 2);
                it.left_out += 1;
            }
            it.events.push(Event { at, what });
        });
    }

    /// Adds an event, unless the last one says the same.
    pub(crate) fn add_once(&self, what: Text) {
        let is_known = self.with(|it| it.events.last().is_some_and(|last| last.what == what));
        if !is_known {
            self.add(what);
        }
    }

    /// Notes that something was awaited, and didn't come in time: on a busy machine, it may only have been late.
    pub(crate) fn waited_in_vain(&self) {
        self.with(|it| it.has_waited = true);
    }

    /// Whether a wait reached its limit.
    pub fn has_waited(&self) -> bool {
        self.with(|it| it.has_waited)
    }

    /// Notes that a client was still receiving when it gave up: of a server that sends slowly, the experiment can't tell.
    pub(crate) fn gave_up(&self, bytes: usize, time: Duration) {
        let seconds = time.as_secs_f64();
        let why = tr!(
            "the server sends too slowly: {bytes} bytes in {seconds:.1} s",
            "服务端发送得太慢：{seconds:.1} 秒里只发了 {bytes} 字节"
        );
        self.with(|it| it.is_slow = Some(why));
    }

    /// How much a client had received when the wait for more was given up, if one was.
    pub fn is_slow(&self) -> Option<Text> {
        self.with(|it| it.is_slow.clone())
    }

    /// The number of the next client, from 1.
    pub(crate) fn next_client(&self) -> usize {
        self.with(|it| {
            it.clients += 1;
            it.clients
        })
    }

    /// Notes that a client has connected.
    pub(crate) fn connected(&self) {
        self.with(|it| it.has_connected = true);
    }

    /// Whether clients have dialled, and none has connected.
    pub fn is_unreached(&self) -> bool {
        self.with(|it| it.clients > 0 && !it.has_connected)
    }

    /// The events so far. Where some were left out, an event says how many.
    pub fn events(&self) -> Vec<Event> {
        self.with(|it| {
            let mut events = it.events.clone();
            let count = it.left_out;
            if count > 0 {
                let at = events[MOST / 2 - 1].at;
                let what = tr!("({count} more events)", "（还有 {count} 个事件）");
                events.insert(MOST / 2, Event { at, what });
            }
            events
        })
    }

    fn with<T>(&self, what: impl FnOnce(&mut Events) -> T) -> T {
        // A panic in another thread leaves whole events.
        what(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// How many events are kept.
const MOST: usize = 16;

/// `bytes` as a text between backticks, in UTF-8 or GBK, or as hex if the bytes are not text; of many, the beginning.
pub fn shown(bytes: &[u8]) -> String {
    let (begin, is_cut) = match bytes.get(..SHOWN) {
        Some(begin) if bytes.len() > SHOWN => (begin, true),
        _ => (bytes, false),
    };
    let valid = match std::str::from_utf8(begin) {
        Ok(text) => Some(text),
        // A character that the cut has split.
        Err(error) if is_cut && error.error_len().is_none() => {
            std::str::from_utf8(&begin[..error.valid_up_to()]).ok()
        }
        Err(_) => None,
    };
    let more = if is_cut { "..." } else { "" };
    let quoted = |text: &str| {
        let text = text.replace('\r', "\\r").replace('\n', "\\n");
        format!("`{}{more}`", inert(&text))
    };
    match (valid, in_gbk(begin, is_cut)) {
        (Some(text), _) => quoted(text),
        (None, Some(text)) => quoted(&text) + " (GBK)",
        (None, None) => {
            let hex: Vec<_> = begin
                .iter()
                .take(SHOWN / 3)
                .map(|it| format!("{it:02x}"))
                .collect();
            let more = if bytes.len() > SHOWN / 3 { " ..." } else { "" };
            format!("[{}{more}]", hex.join(" "))
        }
    }
}

/// `bytes` as a text in GBK that has the characters of level 1, which are the usual ones. Almost any bytes are some text in GBK.
fn in_gbk(bytes: &[u8], is_cut: bool) -> Option<String> {
    let gbk: TextEncoding = "gbk".parse().ok()?;
    let mut text = String::new();
    let well_formed = gbk.decoder().decode(bytes, !is_cut, &mut text);
    let usual = |it: char| {
        let bytes = gbk.encode(it.encode_utf8(&mut [0; 4]));
        bytes.is_ok_and(|it| {
            matches!(it[..], [byte] if byte < 0x80) || matches!(it[..], [0xa1..=0xd7, 0xa1..=0xff])
        })
    };
    (well_formed && text.chars().all(usual)).then_some(text)
}

/// How many bytes of a text are shown.
const SHOWN: usize = 48;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_shown_as_text_or_as_hex() {
        assert_eq!(shown("你好\r\n\x1b".as_bytes()), "`你好\\r\\n␛`");
        assert_eq!(shown(b"\xc4\xe3\n"), "`你\\n` (GBK)");
        assert_eq!(shown(b"\xff\xfe\x81\n"), "[ff fe 81 0a]");
        assert_eq!(shown(b"\xc4"), "[c4]");
        // Characters that hardly any text has.
        assert_eq!(shown(b"\x81\x40\x90\x41"), "[81 40 90 41]");
        // The cut after 48 bytes splits a character.
        let text = format!("a{}", "你".repeat(40));
        assert_eq!(shown(text.as_bytes()), format!("`a{}...`", "你".repeat(15)));
        assert!(shown(&[0xff; 100]).ends_with("ff ...]"));
    }

    #[test]
    fn of_many_events_the_first_and_the_last_are_kept() {
        let record = Record::new();
        for number in 0..100 {
            record.add(number.to_string().into());
        }
        let events = record.events();
        let texts: Vec<_> = events.iter().map(|it| &*it.what.en).collect();
        assert_eq!(texts.len(), MOST + 1);
        assert_eq!(texts[..8], ["0", "1", "2", "3", "4", "5", "6", "7"]);
        assert_eq!(texts[8], "(84 more events)");
        assert_eq!(texts[16], "99");
    }
}
