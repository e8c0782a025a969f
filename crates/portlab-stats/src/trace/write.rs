//! Writing a timeline as Chrome Trace Event JSON, piece by piece: a large one is never a text in
//! memory.

use std::{
    fmt,
    io::{self, Write},
};

use serde_json::{Value, json};

use super::{About, Conn, Slice, Span};

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
    /// Those of `out`; so it is with all that follow.
    pub fn new(mut out: W) -> io::Result<Self> {
        // The events come first: it is by this beginning that viewers know the format.
        out.write_all(b"{\"traceEvents\":[")?;
        Ok(Self { out, empty: true })
    }

    /// Names a process.
    ///
    /// # Errors
    /// Those of the file.
    pub fn process(&mut self, pid: u32, name: &str) -> io::Result<()> {
        self.event(format_args!(
            r#"{{"ph":"M","name":"process_name","pid":{pid},"tid":{pid},"args":{{"name":{}}}}}"#,
            Value::from(name)
        ))
    }

    /// Names a thread.
    ///
    /// # Errors
    /// Those of the file.
    pub fn thread(&mut self, pid: u32, tid: u32, name: &str) -> io::Result<()> {
        self.event(format_args!(
            r#"{{"ph":"M","name":"thread_name","pid":{pid},"tid":{tid},"args":{{"name":{}}}}}"#,
            Value::from(name)
        ))
    }

    /// Writes what a thread did.
    ///
    /// # Errors
    /// Those of the file.
    pub fn slice(&mut self, slice: &Slice) -> io::Result<()> {
        let (name, pid, tid) = (slice.kind.name(), slice.pid, slice.tid);
        let start = Micros(slice.start_ns);
        let duration = Micros(slice.end_ns.saturating_sub(slice.start_ns));
        let args = Args {
            conn: slice.conn,
            bytes: slice.bytes,
            mail: slice.mail,
        };
        self.event(format_args!(
            r#"{{"ph":"X","name":"{name}","pid":{pid},"tid":{tid},"ts":{start},"dur":{duration},"args":{args}}}"#,
        ))
    }

    /// Writes a connection: its beginning and its end.
    ///
    /// # Errors
    /// Those of the file.
    pub fn span(&mut self, span: &Span) -> io::Result<()> {
        let Span {
            conn,
            pid,
            tid,
            peer_port,
            closed,
            ..
        } = span;
        let (start, end) = (Micros(span.start_ns), Micros(span.end_ns));
        self.event(format_args!(
            r#"{{"ph":"b","cat":"conn","name":"connection","id":"{conn}","pid":{pid},"tid":{tid},"ts":{start},"args":{{"conn":"{conn}","peer_port":{peer_port}}}}}"#,
        ))?;
        self.event(format_args!(
            r#"{{"ph":"e","cat":"conn","name":"connection","id":"{conn}","pid":{pid},"tid":{tid},"ts":{end},"args":{{"closed":{closed}}}}}"#,
        ))
    }

    /// Writes the value that a counter has from a moment on.
    ///
    /// # Errors
    /// Those of the file.
    pub fn sample(&mut self, pid: u32, name: &str, at_ns: u64, value: u64) -> io::Result<()> {
        let (at, name) = (Micros(at_ns), Value::from(name));
        self.event(format_args!(
            r#"{{"ph":"C","name":{name},"pid":{pid},"tid":{pid},"ts":{at},"args":{{"value":{value}}}}}"#,
        ))
    }

    /// Ends the file with what it is about.
    ///
    /// # Errors
    /// Those of the file.
    pub fn finish(mut self, about: &About) -> io::Result<W> {
        let about = json!(about);
        write!(
            self.out,
            "\n],\"displayTimeUnit\":\"ns\",\"otherData\":{about}}}\n"
        )?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn event(&mut self, event: fmt::Arguments<'_>) -> io::Result<()> {
        let comma = if self.empty { "" } else { "," };
        self.empty = false;
        write!(self.out, "{comma}\n{event}")
    }
}

/// Nanoseconds, as microseconds with three decimals.
struct Micros(u64);

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1000, self.0 % 1000)
    }
}

/// What is known of a slice, as an object.
struct Args {
    conn: Option<Conn>,
    bytes: Option<u64>,
    mail: Option<u64>,
}

impl fmt::Display for Args {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        let mut comma = "";
        if let Some(conn) = self.conn {
            write!(f, r#""conn":"{conn}""#)?;
            comma = ",";
        }
        for (name, value) in [("bytes", self.bytes), ("mail", self.mail)] {
            if let Some(value) = value {
                write!(f, r#"{comma}"{name}":{value}"#)?;
                comma = ",";
            }
        }
        f.write_str("}")
    }
}
