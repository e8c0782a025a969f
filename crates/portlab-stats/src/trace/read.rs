//! Reading a timeline back, as `portlab serve --trace` has written it.

use std::{
    collections::HashMap,
    io::{self, Read},
};

use serde::Deserialize;

use super::{About, Conn, Counter, FORMAT, Kind, NotAConn, Process, Slice, Span, Thread, Trace};

/// Why a file isn't a timeline.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It can't be read, or isn't JSON of this form.
    #[error("not a trace of portlab: {0}")]
    Json(#[from] serde_json::Error),
    /// It was written by another version.
    #[error("its format is {0:?}, and this portlab reads {FORMAT:?}; record it again")]
    Format(String),
    /// An event that isn't one of ours.
    #[error("event {number}: {what}")]
    Event {
        /// Its place in the file, from 1.
        number: usize,
        /// What is wrong with it.
        what: String,
    },
}

impl Trace {
    /// Reads a timeline.
    ///
    /// # Errors
    /// When `file` can't be read, isn't a trace, or is inconsistent: a slice on a thread without a name,
    /// a connection that ends without a beginning, or begins without an end.
    pub fn read(file: impl Read) -> Result<Self, ReadError> {
        let file: File = serde_json::from_reader(io::BufReader::new(file))?;
        if file.about.format != FORMAT {
            return Err(ReadError::Format(file.about.format));
        }
        let mut building = Building::default();
        for (index, event) in file.events.into_iter().enumerate() {
            building.add(event).map_err(|what| ReadError::Event {
                number: index + 1,
                what,
            })?;
        }
        building.finish(file.about)
    }
}

/// The file, as it stands there.
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

#[derive(Default, Deserialize)]
struct Args {
    name: Option<String>,
    conn: Option<String>,
    bytes: Option<u64>,
    mail: Option<u64>,
    peer_port: Option<u16>,
    closed: Option<bool>,
    value: Option<u64>,
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
    fn add(&mut self, event: Event) -> Result<(), String> {
        let (pid, tid, at_ns) = (event.pid, event.tid, nanos(event.ts));
        match event.ph.as_str() {
            "M" => {
                let name = event.args.name.ok_or("a name without a name")?;
                if event.name == "process_name" {
                    self.process(pid).name = name;
                } else {
                    self.process(pid).threads.push(Thread { tid, name });
                }
            }
            "X" => {
                let kind = Kind::ALL.into_iter().find(|kind| kind.name() == event.name);
                let conn = event.args.conn.map(|conn| conn.parse());
                self.slices.push(Slice {
                    pid,
                    tid,
                    kind: kind.ok_or_else(|| format!("unknown slice {:?}", event.name))?,
                    start_ns: at_ns,
                    end_ns: at_ns.saturating_add(nanos(event.dur)),
                    conn: conn
                        .transpose()
                        .map_err(|error: NotAConn| error.to_string())?,
                    bytes: event.args.bytes,
                    mail: event.args.mail,
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
                    peer_port: event.args.peer_port.unwrap_or_default(),
                    closed: false,
                };
                if self.begun.insert(conn, span).is_some() {
                    return Err(format!("connection {conn} begins twice"));
                }
            }
            "e" => {
                let conn = conn(event.id)?;
                let begun = self.begun.remove(&conn);
                let span =
                    begun.ok_or_else(|| format!("connection {conn} ends without a beginning"))?;
                self.spans.push(Span {
                    end_ns: at_ns,
                    closed: event.args.closed.unwrap_or(true),
                    ..span
                });
            }
            "C" => {
                let value = event.args.value.ok_or("a counter without a value")?;
                self.counter(event.name).samples.push((at_ns, value));
            }
            other => return Err(format!("unknown event {other:?}")),
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

    fn finish(mut self, about: About) -> Result<Trace, ReadError> {
        let at_the_end = |what: String| ReadError::Event { number: 0, what };
        if let Some(conn) = self.begun.keys().next() {
            return Err(at_the_end(format!("connection {conn} never ends")));
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

fn conn(id: Option<String>) -> Result<Conn, String> {
    let id = id.ok_or("a connection without a number")?;
    id.parse().map_err(|error: NotAConn| error.to_string())
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
    fn what_was_written_is_read_again_to_the_nanosecond() {
        let trace = trace();
        assert_eq!(Trace::read(&written(&trace)[..]).unwrap(), trace);
    }

    #[test]
    fn a_timeline_of_nothing_is_one() {
        let nothing = Trace {
            about: about(),
            processes: Vec::new(),
            slices: Vec::new(),
            spans: Vec::new(),
            counters: Vec::new(),
        };
        assert_eq!(Trace::read(&written(&nothing)[..]).unwrap(), nothing);
    }

    #[test]
    fn what_is_no_timeline_is_refused_with_a_reason() {
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
    fn times_beyond_all_clocks_are_read_as_the_last_moment() {
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
