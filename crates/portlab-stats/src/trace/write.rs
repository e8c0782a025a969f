//! Writing a timeline as Chrome Trace Event JSON, piece by piece, so that it is never in memory as a whole.

use std::{
    fmt,
    io::{self, Write},
};

use serde_json::{Value, json};

use super::{About, Args, Slice, Span};

/// Writes events in any order, one a line; the readers sort them.
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
    empty: bool,
}

impl<W: Write> Writer<W> {
    /// Begins a file.
    ///
    /// # Errors
    /// Those of `out`, here and in all other methods.
    pub fn new(mut out: W) -> io::Result<Self> {
        // The events come first: viewers recognise the format by this beginning.
        out.write_all(b"{\"traceEvents\":[")?;
        Ok(Self { out, empty: true })
    }

    /// Names a process.
    pub fn process(&mut self, pid: u32, name: &str) -> io::Result<()> {
        self.name("process_name", (pid, pid), name)
    }

    /// Names a thread.
    pub fn thread(&mut self, pid: u32, tid: u32, name: &str) -> io::Result<()> {
        self.name("thread_name", (pid, tid), name)
    }

    fn name(&mut self, of: &str, (pid, tid): (u32, u32), name: &str) -> io::Result<()> {
        let args = Args {
            name: Some(name.to_owned()),
            ..Args::default()
        };
        let head = format_args!(r#""ph":"M","name":"{of}","pid":{pid},"tid":{tid}"#);
        self.event(head, &args)
    }

    /// Writes what a thread did.
    pub fn slice(&mut self, slice: &Slice) -> io::Result<()> {
        let (name, pid, tid) = (slice.kind.name(), slice.pid, slice.tid);
        let start = Micros(slice.start_ns);
        let duration = Micros(slice.end_ns.saturating_sub(slice.start_ns));
        let args = Args {
            conn: slice.conn.map(|conn| conn.to_string()),
            bytes: slice.bytes,
            mail: slice.mail,
            ..Args::default()
        };
        let head = format_args!(
            r#""ph":"X","name":"{name}","pid":{pid},"tid":{tid},"ts":{start},"dur":{duration}"#
        );
        self.event(head, &args)
    }

    /// Writes a connection: its beginning and its end.
    pub fn span(&mut self, span: &Span) -> io::Result<()> {
        let (conn, pid, tid) = (span.conn.to_string(), span.pid, span.tid);
        let same =
            format!(r#""cat":"conn","name":"connection","id":"{conn}","pid":{pid},"tid":{tid}"#);
        let begin = Args {
            conn: Some(conn),
            peer_port: Some(span.peer_port),
            ..Args::default()
        };
        let end = Args {
            closed: Some(span.closed),
            ..Args::default()
        };
        for (phase, at_ns, args) in [("b", span.start_ns, begin), ("e", span.end_ns, end)] {
            let at = Micros(at_ns);
            self.event(format_args!(r#""ph":"{phase}",{same},"ts":{at}"#), &args)?;
        }
        Ok(())
    }

    /// Writes the value that a counter has from a moment on.
    pub fn sample(&mut self, pid: u32, name: &str, at_ns: u64, value: u64) -> io::Result<()> {
        let (at, name) = (Micros(at_ns), Value::from(name));
        let args = Args {
            value: Some(value),
            ..Args::default()
        };
        let head = format_args!(r#""ph":"C","name":{name},"pid":{pid},"tid":{pid},"ts":{at}"#);
        self.event(head, &args)
    }

    /// Ends the file with `about`.
    pub fn finish(mut self, about: &About) -> io::Result<W> {
        let about = json!(about);
        write!(
            self.out,
            "\n],\"displayTimeUnit\":\"ns\",\"otherData\":{about}}}\n"
        )?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn event(&mut self, head: fmt::Arguments<'_>, args: &Args) -> io::Result<()> {
        let comma = if self.empty { "" } else { "," };
        self.empty = false;
        let args = serde_json::to_string(args)?;
        write!(self.out, "{comma}\n{{{head},\"args\":{args}}}")
    }
}

/// Nanoseconds, as microseconds with three decimals.
struct Micros(u64);

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1000, self.0 % 1000)
    }
}
