//! Reading a timeline back, as `portlab serve --trace` has written it.

use std::{
    collections::HashMap,
    io::{self, Read},
};

use portlab_words::{Text, tr};
use serde::Deserialize;

use super::{About, Args, Conn, Counter, FORMAT, Kind, Process, Slice, Span, Thread, Trace};

impl Trace {
    /// Reads a timeline.
    ///
    /// # Errors
    /// When `file` can't be read, isn't a trace, or is inconsistent: a slice on a thread without a name,
    /// a connection that ends without a beginning, or begins without an end.
    pub fn read(file: impl Read) -> Result<Self, Text> {
        let File { events, about } =
            serde_json::from_reader(io::BufReader::new(file)).map_err(|error| {
                tr!(
                    "not a trace of portlab: {error}",
                    "不是 portlab 的时间线：{error}"
                )
            })?;
        if about.format != FORMAT {
            let format = about.format;
            return Err(tr!(
                "its format is {format:?}, and this portlab reads {FORMAT:?}; record it again",
                "它的格式是 {format:?}，这个 portlab 只读 {FORMAT:?}；请重新记录"
            ));
        }
        let mut building = Building::default();
        for (index, event) in events.into_iter().enumerate() {
            building.add(event).map_err(|Text { en, zh }| {
                let number = index + 1;
                tr!("event {number}: {en}", "第 {number} 个事件：{zh}")
            })?;
        }
        building.finish(about)
    }
}

/// The form of the file.
#[derive(Deserialize)]
struct File {
    #[serde(rename = "traceEvents")]
    events: Vec<Event>,
    #[serde(rename = "otherData")]
    about: About,
}

#[derive(Deserialize)]
struct Event {
    ph: String,
    name: String,
    pid: u32,
    tid: u32,
    #[serde(default)]
    ts: f64,
    #[serde(default)]
    dur: f64,
    id: Option<String>,
    #[serde(default)]
    args: Args,
}

/// What has been read so far.
#[derive(Default)]
struct Building {
    processes: Vec<Process>,
    slices: Vec<Slice>,
    begun: HashMap<Conn, Span>,
    spans: Vec<Span>,
    counters: Vec<Counter>,
}

impl Building {
    fn add(&mut self, event: Event) -> Result<(), Text> {
        let (pid, tid, at_ns) = (event.pid, event.tid, nanos(event.ts));
        let args = event.args;
        match event.ph.as_str() {
            "M" => {
                let nameless = Text::new("a name event has no args.name", "命名事件没有 args.name");
                let name = args.name.ok_or(nameless)?;
                if event.name == "process_name" {
                    self.process(pid).name = name;
                } else {
                    self.process(pid).threads.push(Thread { tid, name });
                }
            }
            "X" => {
                let kind = Kind::ALL.into_iter().find(|kind| kind.name() == event.name);
                self.slices.push(Slice {
                    pid,
                    tid,
                    kind: kind.ok_or_else(|| unknown(&event.name))?,
                    start_ns: at_ns,
                    end_ns: at_ns.saturating_add(nanos(event.dur)),
                    conn: args.conn.map(|conn| conn.parse()).transpose()?,
                    bytes: args.bytes,
                    mail: args.mail,
                });
            }
            "b" => {
                let conn = conn(event.id)?;
                let span = Span {
                    conn,
                    pid,
                    tid,
                    start_ns: at_ns,
                    end_ns: at_ns,
                    peer_port: args.peer_port.unwrap_or_default(),
                    closed: false,
                };
                if self.begun.insert(conn, span).is_some() {
                    return Err(tr!(
                        "connection {conn} begins twice",
                        "连接 {conn} 开始了两次"
                    ));
                }
            }
            "e" => {
                let conn = conn(event.id)?;
                let span = self.begun.remove(&conn).ok_or_else(|| {
                    tr!(
                        "connection {conn} ends without a beginning",
                        "连接 {conn} 没有开始就结束了"
                    )
                })?;
                self.spans.push(Span {
                    end_ns: at_ns,
                    closed: args.closed.unwrap_or(true),
                    ..span
                });
            }
            "C" => {
                let valueless = Text::new(
                    "a counter event has no args.value",
                    "计数事件没有 args.value",
                );
                let value = args.value.ok_or(valueless)?;
                self.counter(event.name).samples.push((at_ns, value));
            }
            other => return Err(unknown(other)),
        }
        Ok(())
    }

    fn process(&mut self, pid: u32) -> &mut Process {
        let found = self.processes.iter().position(|process| process.pid == pid);
        let index = found.unwrap_or_else(|| {
            self.processes.push(Process {
                pid,
                name: String::new(),
                threads: Vec::new(),
            });
            self.processes.len() - 1
        });
        &mut self.processes[index]
    }

    fn counter(&mut self, name: String) -> &mut Counter {
        let found = self
            .counters
            .iter()
            .position(|counter| counter.name == name);
        let index = found.unwrap_or_else(|| {
            let samples = Vec::new();
            self.counters.push(Counter { name, samples });
            self.counters.len() - 1
        });
        &mut self.counters[index]
    }

    fn finish(mut self, about: About) -> Result<Trace, Text> {
        if let Some(conn) = self.begun.keys().next() {
            return Err(tr!("connection {conn} never ends", "连接 {conn} 没有结束"));
        }
        self.slices
            .sort_by_key(|slice| (slice.pid, slice.tid, slice.start_ns, slice.end_ns));
        self.spans.sort_by_key(|span| (span.start_ns, span.conn));
        for counter in &mut self.counters {
            counter.samples.sort_by_key(|(at_ns, _)| *at_ns);
        }
        Ok(Trace {
            about,
            processes: self.processes,
            slices: self.slices,
            spans: self.spans,
            counters: self.counters,
        })
    }
}

fn conn(id: Option<String>) -> Result<Conn, Text> {
    id.ok_or_else(|| Text::new("a connection event has no id", "连接事件没有 id"))?
        .parse()
}

fn unknown(what: &str) -> Text {
    tr!("unknown event {what:?}", "未知的事件 {what:?}")
}

/// Microseconds with three decimals, as nanoseconds: exact for the first hundred days.
fn nanos(micros: f64) -> u64 {
    (micros * 1000.0).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Writer;

    fn about() -> About {
        About {
            format: FORMAT.to_owned(),
            portlab_version: "0.1.0".to_owned(),
            model: "fork".to_owned(),
            service: "echo".to_owned(),
            workers: 1,
            work: "none".to_owned(),
            events: 3,
            not_recorded: 1,
            recorded_until_ns: 9_999_999_999_999_999,
        }
    }

    fn trace() -> Trace {
        let conn = Conn { pid: 7, number: 1 };
        let slice = |kind, start_ns, end_ns, bytes| Slice {
            pid: 7,
            tid: 8,
            kind,
            start_ns,
            end_ns,
            conn: Some(conn),
            bytes,
            mail: None,
        };
        let far = 8_000_000_000_000_001;
        Trace {
            about: about(),
            processes: vec![Process {
                pid: 7,
                name: "a \"quoted\" name, 端口".to_owned(),
                threads: vec![Thread {
                    tid: 8,
                    name: "main".to_owned(),
                }],
            }],
            slices: vec![
                Slice {
                    conn: None,
                    ..slice(Kind::Wait, 0, 1, None)
                },
                slice(Kind::Read, 1, 999, Some(64)),
                Slice {
                    mail: Some(0),
                    ..slice(Kind::Handle, far, far + 1, None)
                },
            ],
            spans: vec![Span {
                conn,
                pid: 7,
                tid: 8,
                start_ns: 1_000_001,
                end_ns: far,
                peer_port: 65_535,
                closed: false,
            }],
            counters: vec![Counter {
                name: "connections".to_owned(),
                samples: vec![(0, 0), (1_000_001, 1), (far, 0)],
            }],
        }
    }

    fn written(trace: &Trace) -> Vec<u8> {
        let mut writer = Writer::new(Vec::new()).unwrap();
        for process in &trace.processes {
            writer.process(process.pid, &process.name).unwrap();
            for thread in &process.threads {
                writer
                    .thread(process.pid, thread.tid, &thread.name)
                    .unwrap();
            }
        }
        for slice in &trace.slices {
            writer.slice(slice).unwrap();
        }
        for span in &trace.spans {
            writer.span(span).unwrap();
        }
        for counter in &trace.counters {
            for (at_ns, value) in &counter.samples {
                writer.sample(7, &counter.name, *at_ns, *value).unwrap();
            }
        }
        writer.finish(&trace.about).unwrap()
    }

    #[test]
    fn a_written_timeline_is_read_back_to_the_nanosecond() {
        let trace = trace();
        assert_eq!(Trace::read(&written(&trace)[..]).unwrap(), trace);
    }

    #[test]
    fn an_empty_timeline_is_read() {
        let nothing = Trace {
            about: about(),
            ..Trace::default()
        };
        assert_eq!(Trace::read(&written(&nothing)[..]).unwrap(), nothing);
    }

    #[test]
    fn a_file_that_is_not_a_timeline_is_refused_with_a_reason() {
        let text = String::from_utf8(written(&trace())).unwrap();
        for (from, to, reason) in [
            ("portlab-trace/1", "portlab-trace/0", "portlab-trace/0"),
            (r#""ph":"X""#, r#""ph":"Y""#, "\"Y\""),
            (r#""name":"read""#, r#""name":"rest""#, "\"rest\""),
            (r#""ph":"b""#, r#""ph":"e""#, "without a beginning"),
            (r#""id":"7.1""#, r#""id":"7""#, "4711.1"),
            ("]", "", "not a trace of portlab"),
        ] {
            let broken = text.replacen(from, to, 1);
            assert_ne!(broken, text, "{from}");
            let error = Trace::read(broken.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn a_time_beyond_the_range_is_read_as_the_last_moment() {
        let text = String::from_utf8(written(&trace())).unwrap();
        let text = text.replacen("\"ts\":0.001", "\"ts\":1e300", 1);
        let read = Trace::read(text.as_bytes()).unwrap();
        assert!(read.slices.iter().any(|slice| slice.end_ns == u64::MAX));
    }

    #[test]
    fn slices_that_overlap_on_a_thread_are_found() {
        let mut trace = trace();
        assert_eq!(trace.overlap(), None);
        trace.slices[0].end_ns = 2;
        assert_eq!(trace.overlap(), Some((trace.slices[0], trace.slices[1])));
        trace.slices[1].tid = 9;
        assert_eq!(trace.overlap(), None);
    }
}
