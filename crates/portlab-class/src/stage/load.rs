//! `portlab load` as a process of its own, and its figures of each second.

use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde::Serialize;

use super::dials::Dials;
use crate::process::{Process, lines};

/// A load that runs. When this is dropped, its process ends.
#[derive(Debug)]
pub(crate) struct Load {
    process: Process,
    seen: Arc<Mutex<Seen>>,
}

/// What the load has printed.
#[derive(Debug, Default)]
struct Seen {
    /// The names of the figures: the first line.
    head: String,
    figures: Option<Figures>,
    /// Why it has ended, if it has said that.
    why: String,
}

/// The figures of one second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Figures {
    /// When the second ended, in seconds since the load began.
    pub(crate) at_s: f64,
    pub(crate) messages_per_s: f64,
    pub(crate) latency_p50_ns: f64,
    pub(crate) latency_p99_ns: f64,
    pub(crate) open_connections: f64,
    pub(crate) in_flight: f64,
    /// Since the load began.
    pub(crate) errors: f64,
}

impl Load {
    /// Starts to load the server at `addr` as `dials` say. The process ends with the calling thread.
    pub(crate) fn start(program: &Path, addr: SocketAddr, dials: &Dials) -> io::Result<Self> {
        let mut command = Command::new(program);
        command
            .arg("load")
            .args(dials.load_options(addr))
            .args([
                // A client of a blocked server waits: it is seen in the accept queue.
                "--timeout=1h",
                "--duration=7d",
                "--warmup=0s",
                "--plain",
                "--csv=/dev/stdout",
            ])
            .stdin(Stdio::null());
        let seen = Arc::<Mutex<Seen>>::default();
        let (rows, errors) = (Arc::clone(&seen), Arc::clone(&seen));
        let process = Process::start(
            &mut command,
            // The result isn't needed, so the process need not end in good order.
            Duration::ZERO,
            lines(move |line| lock(&rows).note(line)),
            lines(move |line| {
                // The other lines are the figures of each second.
                if let Some(why) = line.strip_prefix("error: ") {
                    lock(&errors).why = why.to_owned();
                }
            }),
        )?;
        Ok(Self { process, seen })
    }

    pub(crate) fn figures(&self) -> Option<Figures> {
        lock(&self.seen).figures
    }

    /// Why the load has ended by itself; `None` while it runs.
    pub(crate) fn ended(&mut self) -> Option<String> {
        let status = self.process.ended().ok().flatten()?;
        let why = lock(&self.seen).why.clone();
        Some(if why.is_empty() {
            status.to_string()
        } else {
            why
        })
    }
}

impl Seen {
    fn note(&mut self, line: &str) {
        if self.head.is_empty() {
            line.clone_into(&mut self.head);
        }
        if let Some(mut figures) = figures(&self.head, line) {
            // A row has the errors of its second.
            figures.errors += self.figures.map_or(0.0, |it| it.errors);
            self.figures = Some(figures);
        }
    }
}

/// The figures in a row of CSV; `None` for the head and for other lines.
fn figures(head: &str, row: &str) -> Option<Figures> {
    let values: HashMap<&str, f64> = head
        .split(',')
        .zip(row.split(',').map(str::parse))
        .filter_map(|(name, value)| Some((name, value.ok()?)))
        .collect();
    let value = |name| values.get(name).copied();
    Some(Figures {
        at_s: value("to_s")?,
        messages_per_s: value("messages_per_s")?,
        // A second without an answer has no latency.
        latency_p50_ns: value("latency_p50_ns").unwrap_or_default(),
        latency_p99_ns: value("latency_p99_ns").unwrap_or_default(),
        open_connections: value("open_connections")?,
        in_flight: value("in_flight")?,
        errors: value("errors")?,
    })
}

fn lock(seen: &Mutex<Seen>) -> std::sync::MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_read_by_the_names_of_its_head() {
        let head = "from_s,to_s,messages_per_s,latency_p50_ns,latency_p99_ns,open_connections,in_flight,errors";
        let row = "0.000,1.000,99.5,1000,2000,5,1,0";
        let read = figures(head, row).unwrap();
        assert_eq!((read.at_s, read.messages_per_s), (1.0, 99.5));
        assert_eq!((read.latency_p50_ns, read.open_connections), (1000.0, 5.0));
        assert_eq!(figures(head, head), None);
        assert_eq!(figures(head, "throughput  99.7/s"), None);
        let silent = figures(head, "1.000,2.000,0.0,,,5,5,0").unwrap();
        assert_eq!(silent.latency_p99_ns, 0.0);
    }
}
