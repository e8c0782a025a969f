//! The faults that every server must survive.

/// One fault, and when a server passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Its number, from 1.
    pub number: u8,
    /// What happens to the server.
    pub name: &'static str,
    /// What the server must do.
    pub passes: &'static str,
}

/// Declares the faults and counts them.
macro_rules! faults {
    ($($number:literal $name:literal => $passes:literal,)*) => {
        /// Every fault, by its number.
        pub static FAULTS: &[Fault] =
            &[$(Fault { number: $number, name: $name, passes: $passes },)*];
    };
}

faults! {
    1 "one byte per write" => "echo is exact; a chat line appears only at its newline",
    2 "100 lines in one write" => "100 messages, in order",
    3 "GBK and UTF-8 texts cut at every byte" => "the same text, without U+FFFD",
    4 "malformed bytes, a lone lead byte at the end" => "U+FFFD in their place, the connection stays open; echo is exact",
    5 "emoji and euro sign to a GBK client" => "`?`, which Python's strict codec reads",
    6 "1 MiB, then a FIN" => "all of it comes back, then the end",
    7 "RST in the middle of a reply" => "no panic, all descriptors are closed, other clients are unaffected",
    8 "a write to a client that has closed" => "SIGPIPE ends no process",
    9 "RST before accept, 1,000 times" => "the accept loop goes on",
    10 "idle connections up to the limit" => "closed at the idle timeout, if one is set; then the next client is served",
    11 "200 slow clients" => "closed at the line timeout; other clients are served meanwhile (bounded pools: afterwards)",
    12 "a chat member that never reads" => "disconnected at the limit, with a reason; memory is bounded",
    13 "64 MiB into an echo without reading" => "the server stops reading, memory is bounded; all bytes come back later",
    14 "a line of 1 MiB without a newline" => "a clear error, then the end; the buffer is bounded",
    15 "32 descriptors, 100 clients" => "under 5 % CPU, at most one log line a second, old clients are served, new ones after release",
    16 "connections above --max-connections" => "closed, with the reason if the protocol can carry one; when a connection ends, the next one is served",
    17 "accepting paused, backlog full" => "all clients are served after it resumes",
    18 "a port in use; a restart after an active close" => "the message names the holder and the remedy, exit code 2; the restart works at once",
    19 "SIGTERM with active and stuck clients" => "the port closes, output is flushed, stuck clients are cut, exit code 0; a second signal ends it at once",
    20 "SIGKILL of a child process" => "no zombie, only its clients are lost, another worker takes its slot",
    21 "a handler panics" => "only its connection is lost; the pool keeps its size",
    22 "a handler blocks" => "if it delays other connections, the sheet of the model says so; the server goes on",
    23 "thousands of short connections" => "as many descriptors as before, memory within 10 %",
    24 "telnet commands, NUL, BOM, escape sequences, markup in a name" => "made visible, not executed; the next line is read as usual",
    25 "100 clients ask for one name; many joins, lines and quits at once" => "one client gets the name; no line is lost or doubled; one order per sender and room",
}
