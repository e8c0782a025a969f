//! Beginning to record, and writing the file.

use std::{
    collections::{BTreeMap, HashMap},
    io::{self, Write},
};

use portlab_stats::trace::{
    ACCEPT_QUEUE, About, CONNECTIONS, Conn, Kind, QUEUE, Slice, Span, Writer,
};
use portlab_sys::clock::monotonic_ns;

use super::{
    FILE,
    event::{ProcessRole, TraceEvent, What},
    memory::{Memory, Owner, make},
    turn_off, turn_on,
};

/// A recording. It begins before the server, so that it covers every process that the server forks.
pub struct Recorder {
    memory: &'static Memory,
    began_ns: u64,
}

impl Recorder {
    /// Begins to record, once per process, with room for this number of events.
    ///
    /// # Errors
    /// When the system has no memory for them.
    pub fn begin(events: usize) -> io::Result<Self> {
        let memory = make(events)?;
        turn_on(FILE);
        Ok(Self {
            memory,
            began_ns: monotonic_ns(),
        })
    }

    /// Stops recording, and writes the events to `out`, even if other threads still run. Returns `about` with its counts.
    ///
    /// # Errors
    /// When `out` can't be written.
    pub fn write(self, about: About, out: impl Write) -> io::Result<About> {
        turn_off(FILE);
        let now = monotonic_ns();
        let Self { memory, began_ns } = self;
        let timeline = Timeline {
            memory,
            began_ns,
            until: memory.first_lost_ns().map_or(now, |lost| lost.min(now)),
        };
        timeline.write(about, out)
    }
}

/// The events between two times. After the second, events are missing.
struct Timeline {
    memory: &'static Memory,
    began_ns: u64,
    until: u64,
}

/// A summary of all events, made before any is written.
#[derive(Default)]
struct Survey {
    events: u64,
    beyond: u64,
    /// The processes, and the names of their threads.
    processes: BTreeMap<u32, (ProcessRole, BTreeMap<u32, String>)>,
    conns: HashMap<u64, Life>,
    queue: Vec<(u64, i64)>,
    accept_queue: Vec<(u64, u64)>,
}

#[derive(Default)]
struct Life {
    accepted: Option<(u64, u16)>,
    end_ns: u64,
    /// When the connection was served last, and by which process and thread.
    served: (u64, u32, u32),
    /// The processes that have held the connection, and whether each has closed it.
    holders: Vec<(u32, bool)>,
}

impl Timeline {
    fn write(&self, mut about: About, out: impl Write) -> io::Result<About> {
        let survey = self.survey()?;
        about.events = survey.events;
        about.not_recorded = self.memory.not_recorded() + survey.beyond;
        about.recorded_until_ns = self.relative(self.until);
        let mut writer = Writer::new(out)?;
        for (pid, (role, threads)) in &survey.processes {
            let suffix = match role {
                ProcessRole::Server => "",
                ProcessRole::Child => " child",
                ProcessRole::Broker => " broker",
            };
            writer.process(*pid, &format!("portlab {}{suffix}", about.model))?;
            for (tid, name) in threads {
                writer.thread(*pid, *tid, name)?;
            }
        }
        self.write_slices(&mut writer)?;
        let spans = self.spans(&survey.conns);
        for span in &spans {
            writer.span(span)?;
        }
        let server = std::process::id();
        let mut count = |name: &str, samples: Vec<(u64, u64)>| {
            let mut samples = samples.into_iter();
            samples.try_for_each(|(at, value)| writer.sample(server, name, at, value))
        };
        let ends = |span: &Span| [(span.start_ns, 1), (span.end_ns, -1)];
        count(CONNECTIONS, sums(spans.iter().flat_map(ends).collect()))?;
        count(QUEUE, sums(survey.queue))?;
        count(ACCEPT_QUEUE, changes(survey.accept_queue))?;
        writer.finish(&about)?;
        Ok(about)
    }

    fn survey(&self) -> io::Result<Survey> {
        let mut survey = Survey::default();
        // The counters belong to the server's process, even if its own threads have no event.
        let server = (ProcessRole::Server, BTreeMap::new());
        survey.processes.insert(std::process::id(), server);
        self.memory.for_each(|owner, events| {
            let process = survey.processes.entry(owner.pid);
            let (_, threads) = process.or_insert_with(|| (owner.process, BTreeMap::new()));
            let thread = threads.entry(owner.tid);
            thread.or_insert_with(|| owner.thread.clone());
            for event in events {
                if event.end_ns < self.until {
                    survey.events += 1;
                    survey.add(owner, &event, self.relative(event.end_ns));
                } else {
                    survey.beyond += 1;
                }
            }
            Ok(())
        })?;
        Ok(survey)
    }

    fn write_slices(&self, writer: &mut Writer<impl Write>) -> io::Result<()> {
        self.memory.for_each(|owner, events| {
            for event in events.filter(|event| event.end_ns < self.until) {
                let (kind, bytes, mail) = match event.what {
                    What::Accept => (Kind::Accept, None, None),
                    What::Read => (Kind::Read, Some(event.extra), None),
                    What::Handle => (Kind::Handle, None, None),
                    What::Hub => (Kind::Handle, None, Some(event.extra)),
                    What::Write => (Kind::Write, Some(event.extra), None),
                    What::Wait | What::Block => (Kind::Wait, None, None),
                    What::Close | What::Queued | What::Taken | What::Timer => continue,
                };
                writer.slice(&Slice {
                    pid: owner.pid,
                    tid: owner.tid,
                    kind,
                    start_ns: self.relative(event.start_ns),
                    end_ns: self.relative(event.end_ns),
                    conn: (event.conn != 0).then(|| conn(event.conn)),
                    bytes,
                    mail,
                })?;
            }
            Ok(())
        })
    }

    /// The connections, in the order in which they were accepted.
    fn spans(&self, conns: &HashMap<u64, Life>) -> Vec<Span> {
        let spans = conns.iter().filter_map(|(&id, life)| {
            let (start_ns, peer_port) = life.accepted?;
            let (_, pid, tid) = life.served;
            Some(Span {
                conn: conn(id),
                pid,
                tid,
                start_ns,
                end_ns: life.end_ns,
                peer_port,
                closed: life.holders.iter().all(|(_, closed)| *closed),
            })
        });
        let mut spans: Vec<_> = spans.collect();
        spans.sort_by_key(|span| (span.start_ns, span.conn));
        spans
    }

    fn relative(&self, time_ns: u64) -> u64 {
        time_ns.saturating_sub(self.began_ns)
    }
}

impl Survey {
    fn add(&mut self, owner: &Owner, event: &TraceEvent, end_ns: u64) {
        match event.what {
            What::Queued => return self.queue.push((end_ns, 1)),
            What::Taken => return self.queue.push((end_ns, -1)),
            // The hub doesn't hold a connection.
            What::Hub => return,
            _ if event.conn == 0 => return,
            _ => {}
        }
        let life = self.conns.entry(event.conn).or_default();
        life.end_ns = life.end_ns.max(end_ns);
        let found = life.holders.iter().position(|(pid, _)| *pid == owner.pid);
        let holder = found.unwrap_or_else(|| {
            life.holders.push((owner.pid, false));
            life.holders.len() - 1
        });
        if event.what == What::Close {
            life.holders[holder].1 = true;
            return;
        }
        life.served = life.served.max((end_ns, owner.pid, owner.tid));
        if event.what == What::Accept {
            life.accepted = Some((end_ns, (event.extra >> 32) as u16));
            let waiting = (end_ns, u64::from(event.extra as u32));
            self.accept_queue.push(waiting);
        }
    }
}

/// The sums of changes. Several changes at the same time make one sum.
fn sums(mut changes: Vec<(u64, i64)>) -> Vec<(u64, u64)> {
    // At the same time, connections begin before others end.
    changes.sort_by_key(|&(at, change)| (at, -change));
    let mut sum = 0;
    let mut sums: Vec<(u64, u64)> = Vec::new();
    for (at, change) in changes {
        sum += change;
        let value = u64::try_from(sum).unwrap_or(0);
        match sums.last_mut() {
            Some(last) if last.0 == at => last.1 = value,
            _ => sums.push((at, value)),
        }
    }
    sums
}

/// The samples that differ from the one before.
fn changes(mut samples: Vec<(u64, u64)>) -> Vec<(u64, u64)> {
    samples.sort_unstable();
    samples.dedup_by_key(|(_, value)| *value);
    samples
}

fn conn(id: u64) -> Conn {
    Conn {
        pid: (id >> 32) as u32,
        number: id as u32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_add_up_in_their_order() {
        let changes = vec![(9, -1), (1, 1), (5, -1), (5, 1), (3, 1)];
        assert_eq!(sums(changes), [(1, 1), (3, 2), (5, 2), (9, 1)]);
    }

    #[test]
    fn a_sample_with_the_value_of_the_one_before_is_left_out() {
        let samples = vec![(4, 2), (1, 0), (2, 0), (3, 2), (5, 0)];
        assert_eq!(changes(samples), [(1, 0), (3, 2), (5, 0)]);
    }

    fn life(events: &[(u32, What, u64)]) -> Span {
        let mut survey = Survey::default();
        for &(pid, what, end_ns) in events {
            let event = TraceEvent {
                what,
                start_ns: end_ns,
                end_ns,
                conn: 1 << 32 | 1,
                extra: 0,
            };
            let owner = Owner {
                pid,
                tid: pid,
                process: ProcessRole::Child,
                thread: "main".to_owned(),
            };
            survey.add(&owner, &event, end_ns);
        }
        let timeline = Timeline {
            memory: Box::leak(Box::new(Memory::new(0).unwrap())),
            began_ns: 0,
            until: 100,
        };
        timeline.spans(&survey.conns)[0]
    }

    #[test]
    fn a_connection_ends_when_its_last_holder_closes_it() {
        use What::{Accept, Close, Read};
        // The parent closes its copy while the child serves; the child closes last.
        let parent = [(1, Accept, 10), (1, Close, 12)];
        let span = life(&[&parent[..], &[(2, Read, 20), (2, Close, 30)]].concat());
        assert_eq!((span.start_ns, span.end_ns), (10, 30));
        assert_eq!((span.pid, span.closed), (2, true));
    }

    #[test]
    fn a_connection_whose_process_was_killed_ends_with_its_last_event() {
        use What::{Accept, Close, Read};
        let span = life(&[(1, Accept, 10), (1, Close, 12), (2, Read, 20)]);
        assert_eq!((span.end_ns, span.pid, span.closed), (20, 2, false));
        // The parent may close its copy later. That isn't an event of the child.
        let span = life(&[(1, Accept, 10), (1, Close, 25), (2, Read, 20)]);
        assert_eq!((span.end_ns, span.pid, span.closed), (25, 2, false));
    }
}
