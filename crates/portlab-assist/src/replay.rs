//! Replay: the assistant answers as it did in a log.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    path::Path,
};

use portlab_load::bytes_of_hex;
use portlab_words::{Text, plural, tr};

use crate::{Name, Record};

/// What each client of a log was sent: the n-th client of the replay gets the answers of the log's n-th.
#[derive(Clone, Debug, Default)]
pub struct Replay {
    clients: VecDeque<Part>,
    /// How many clients the log has.
    count: usize,
}

/// What one client of a log was sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Part {
    /// The bytes that have come so far.
    received: u64,
    /// How many bytes had come in the log after each of its reads.
    reads: BTreeSet<u64>,
    steps: VecDeque<Step>,
}

/// Something that the assistant did after so many bytes had come.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    after_bytes: u64,
    action: Action,
}

/// What the assistant did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Send(Vec<u8>),
    HalfClose,
    Close,
    Reset,
}

impl Replay {
    /// Reads the log `path`, which `portlab assist --json` or `--save FILE.jsonl` has written.
    ///
    /// # Errors
    /// When the file can't be read, a line isn't an event, or sent bytes are missing.
    pub fn open(path: &Path) -> Result<Self, Text> {
        let name = path.display();
        let bytes = portlab_sys::input::read(path, MOST_LOG).map_err(|error| {
            let why = Text::system(&error);
            tr!(
                "can't read the log {name}: {why}",
                "无法读日志 {name}：{why:#}"
            )
        })?;
        Self::read(&bytes)
            .map_err(|why| tr!("can't replay {name}: {why}", "无法重放 {name}：{why:#}"))
    }

    /// Reads a log.
    pub(crate) fn read(log: &[u8]) -> Result<Self, Text> {
        let mut all = Vec::new();
        // The clients by their number; a log may hold several runs, of which each counts from 1.
        let mut current = BTreeMap::new();
        // The clients that were closed last: by the end of the assistant, if nothing follows.
        let mut closed = Vec::new();
        for (at, line) in String::from_utf8_lossy(log).lines().enumerate() {
            let number = at + 1;
            if line.trim().is_empty() {
                continue;
            }
            let record: Record = serde_json::from_str(line).map_err(|_| match all.is_empty() {
                true => tr!(
                    "line {number} is not an event in JSON; a log to replay is one of --save lesson.jsonl or --json",
                    "第 {number} 行不是 JSON 格式的事件；要重放的日志必须是用 --save lesson.jsonl 或 --json 记录的"
                ),
                false => tr!(
                    "line {number} is not an event in JSON; delete the line, or make a log with --save lesson.jsonl",
                    "第 {number} 行不是 JSON 格式的事件；请删除这一行，或用 --save lesson.jsonl 重新记录日志"
                ),
            })?;
            let Some(peer) = record.peer else {
                if record.event == Name::Stopped {
                    for at in closed.drain(..) {
                        let part: &mut Part = &mut all[at];
                        part.steps.pop_back_if(|it| it.action == Action::Close);
                    }
                }
                continue;
            };
            if record.event == Name::Online {
                current.insert(peer, all.len());
                all.push(Part::default());
            }
            if record.event != Name::Offline {
                closed.clear();
            }
            if let Some(at) = current.get(&peer) {
                if record.event == Name::Offline {
                    closed.push(*at);
                }
                let part: &mut Part = &mut all[*at];
                part.add(&record)
                    .map_err(|why| tr!("line {number}: {why}", "第 {number} 行：{why:#}"))?;
            }
        }
        if all.is_empty() {
            return Err(Text::new(
                "no client was online in this log",
                "这份日志里没有客户端上线",
            ));
        }
        for part in &mut all {
            part.received = 0;
        }
        Ok(Self {
            count: all.len(),
            clients: all.into(),
        })
    }

    /// What the next client is sent.
    pub(crate) fn next_client(&mut self) -> Option<Part> {
        self.clients.pop_front()
    }

    /// Why a further client gets no answer; `None` if no log is replayed.
    pub(crate) fn lacks_client(&self) -> Option<Text> {
        let (count, clients) = (self.count, plural(self.count as u64, "client"));
        (count > 0).then(|| {
            tr!(
                "the log of --replay has answers for {clients} only; type an answer, or add a rule: /rule any => TEXT",
                "--replay 的日志里只有 {count} 个客户端的答复；请输入答复，或者增加规则：/rule any => 文字"
            )
        })
    }
}

impl Part {
    /// Adds an event of the log.
    fn add(&mut self, record: &Record) -> Result<(), Text> {
        let length = record.length.unwrap_or(0);
        let action = match (record.event, record.how.as_deref()) {
            (Name::Received | Name::Folded, _) => {
                self.received = self.received.saturating_add(length);
                self.reads.insert(self.received);
                return Ok(());
            }
            (Name::Sent, _) => {
                let bytes = bytes_of_hex(record.hex.as_deref().unwrap_or(""))?;
                let count = bytes.len();
                if count as u64 != length {
                    return Err(tr!(
                        "\"length\" is {length}, but \"hex\" has {count} bytes",
                        "\"length\" 是 {length}，但 \"hex\" 里有 {count} 字节"
                    ));
                }
                Action::Send(bytes)
            }
            (Name::FoldedSent, _) => {
                return Err(Text::new(
                    "the bytes of fast sends are not in the log, so they can't be sent again",
                    "发送太快，日志里没有这些字节，无法再发一次",
                ));
            }
            (Name::HalfClosed, _) => Action::HalfClose,
            (Name::Offline, Some("closed_here" | "closed_unread")) => Action::Close,
            (Name::Offline, Some("reset_here")) => Action::Reset,
            _ => return Ok(()),
        };
        self.steps.push_back(Step {
            after_bytes: self.received,
            action,
        });
        Ok(())
    }

    /// Notes that `bytes` have come; returns what is due now.
    pub(crate) fn received(&mut self, bytes: usize) -> Vec<Action> {
        self.received = self.received.saturating_add(bytes as u64);
        let mut due = Vec::new();
        while let Some(step) = self
            .steps
            .pop_front_if(|it| it.after_bytes <= self.received)
        {
            due.push(step.action);
        }
        due
    }

    /// Why nothing is due now; `None` if nothing was due in the log either, after as many bytes.
    pub(crate) fn silence(&self) -> Option<Text> {
        (!self.reads.contains(&self.received)).then(|| match self.steps.front() {
            Some(next) => {
                let count = next.after_bytes - self.received;
                let bytes = plural(count, "more byte");
                tr!(
                    "the log of --replay answers after {bytes} of this client; let the client send as much as in the log, \
                     or type an answer",
                    "--replay 的日志要等这个客户端再发来 {count} 字节才答复；请让客户端发送与日志里一样多的内容，或输入答复"
                )
            }
            None => Text::new(
                "the log of --replay has no further answer for this client; type an answer",
                "--replay 的日志里没有给这个客户端的更多答复；请输入答复",
            ),
        })
    }
}

/// The bytes of the largest log.
const MOST_LOG: u64 = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = r#"{"event":"listening","at_us":0,"addr":"127.0.0.1:1"}
{"event":"online","at_us":1,"peer":1}
{"event":"sent","at_us":2,"peer":1,"length":2,"hex":"6869","by":"hand"}
{"event":"online","at_us":2,"peer":2}
{"event":"received","at_us":3,"peer":1,"length":4,"hex":"c4e3bac3"}
{"event":"sent","at_us":4,"peer":1,"length":1,"hex":"78","by":"rule 1"}
{"event":"sent","at_us":4,"peer":2,"length":1,"hex":"79","by":"hand"}
{"event":"offline","at_us":5,"peer":1,"how":"closed_here"}
{"event":"sent","at_us":5,"peer":2,"length":1,"hex":"7a","by":"hand"}
{"event":"offline","at_us":6,"peer":2,"how":"closed_here"}
{"event":"stopped","at_us":6}
"#;

    #[test]
    fn each_client_gets_the_answers_of_the_logs_when_as_many_bytes_have_come() {
        let mut replay = Replay::read(LOG.as_bytes()).unwrap();
        let send = |text: &str| Action::Send(text.into());
        let mut first = replay.next_client().unwrap();
        assert_eq!(first.received(0), [send("hi")]);
        assert_eq!(first.received(3), []);
        let waits = first.silence().unwrap();
        assert!(
            waits.en.contains("1 more byte") && waits.zh.contains("1 字节"),
            "{waits}"
        );
        assert_eq!(first.received(5), [send("x"), Action::Close]);
        assert!(first.silence().unwrap().en.contains("no further answer"));
        // The end of the assistant closed the second one, and isn't replayed.
        let mut second = replay.next_client().unwrap();
        assert_eq!(second.received(0), [send("y"), send("z")]);
        // In the log, nothing came after three bytes either.
        second.reads.insert(3);
        assert_eq!((second.received(3), second.silence()), (vec![], None));
        assert!(replay.next_client().is_none());
    }

    #[test]
    fn a_log_of_several_runs_has_the_clients_of_all() {
        let mut replay = Replay::read(LOG.repeat(2).as_bytes()).unwrap();
        let all = std::iter::from_fn(|| replay.next_client());
        let texts: Vec<_> = all.map(|mut it| it.received(0).len()).collect();
        assert_eq!(texts, [1, 2, 1, 2]);
    }

    #[test]
    fn a_log_that_cannot_be_replayed_is_refused_with_its_line() {
        for (line, part) in [
            ("    0.000  listening", "line 2 is not an event"),
            (
                r#"{"event":"folded_sent","at_us":1,"peer":1,"length":9,"times":3}"#,
                "line 2: the bytes of fast sends",
            ),
            (
                r#"{"event":"sent","at_us":1,"peer":1,"hex":"7"}"#,
                "line 2: invalid hex",
            ),
            (
                r#"{"event":"sent","at_us":1,"peer":1,"length":3}"#,
                "line 2: \"length\" is 3",
            ),
        ] {
            let online = r#"{"event":"online","at_us":1,"peer":1}"#;
            let log = format!("{online}\n{line}\n");
            let error = Replay::read(log.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
        assert!(Replay::read(b"").is_err());
    }
}
