//! Errors, counted by phase and cause.

use std::{collections::BTreeMap, fmt, io};

use portlab_words::units;

use crate::{ErrorAnswer, Mismatch, Sample};

/// What was being done when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Making the connection.
    Connect,
    /// Waiting for what the server says first.
    Greeting,
    /// Sending a message.
    Send,
    /// Waiting for an answer.
    Receive,
    /// Checking an answer.
    Verify,
    /// Closing the connection.
    Close,
}

/// Why it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// The system's error number.
    Errno(i32),
    /// The timeout expired.
    TimedOut,
    /// The timeout expired in the middle of an answer.
    Incomplete,
    /// The server closed the connection before all its requests were answered.
    ClosedEarly,
    /// The server closed a connection on which no request waited for its answer.
    ClosedIdle,
    /// A byte of an echo differs from what was sent.
    WrongByte,
    /// More bytes came than an answer may have.
    Unsolicited,
    /// A line of a chat, or a greeting, has no end within [`LONGEST_LINE`] bytes.
    NoEnd,
    /// The chat refused a name or a room.
    Refused,
    /// The server's first line isn't that of a portlab chat.
    NoChat,
    /// The answer is complete, and an error by its own protocol.
    ErrorAnswer(ErrorAnswer),
}

/// One line of the tally.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What was being done.
    pub phase: Phase,
    /// Why it failed.
    pub cause: Cause,
    /// How often.
    pub count: u64,
}

/// How many bytes a line of a chat, or a greeting that ends with a delimiter or a line end, may have.
/// Real ones are much shorter, and as much can be kept for every connection.
pub const LONGEST_LINE: usize = 64 * 1024;

/// All that went wrong in a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    counts: BTreeMap<(Phase, Cause), u64>,
    first_mismatch: Option<Mismatch>,
    first_wrong: Option<Sample>,
}

impl Tally {
    /// How many bytes of a wrong answer are kept to be shown.
    pub(crate) const SAMPLE: usize = 60;

    /// Counts an error.
    pub fn add(&mut self, phase: Phase, cause: Cause) {
        *self.counts.entry((phase, cause)).or_default() += 1;
    }

    pub(crate) fn add_io(&mut self, phase: Phase, error: &io::Error) {
        self.add(phase, Cause::Errno(error.raw_os_error().unwrap_or(0)));
    }

    pub(crate) fn add_mismatch(&mut self, mismatch: Mismatch) {
        self.add(Phase::Verify, Cause::WrongByte);
        self.first_mismatch.get_or_insert(mismatch);
    }

    /// Keeps the beginning of `bytes`, in which something was wrong, if it is the first.
    pub(crate) fn keep_wrong(&mut self, bytes: &[u8]) {
        let first = &mut self.first_wrong;
        first.get_or_insert_with(|| Sample::of(bytes, Self::SAMPLE));
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (&key, count) in &other.counts {
            *self.counts.entry(key).or_default() += count;
        }
        self.first_mismatch = self.first_mismatch.or(other.first_mismatch);
        if self.first_wrong.is_none() {
            self.first_wrong.clone_from(&other.first_wrong);
        }
    }

    /// How many errors there were.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    /// How many answers were errors by their own protocol.
    #[must_use]
    pub fn error_answers(&self) -> u64 {
        let mut errors = 0;
        for ((phase, cause), count) in &self.counts {
            if let (Phase::Verify, Cause::ErrorAnswer(_)) = (phase, cause) {
                errors += count;
            }
        }
        errors
    }

    /// The errors, by phase and cause.
    pub fn failures(&self) -> impl Iterator<Item = Failure> {
        self.counts.iter().map(|(&(phase, cause), &count)| Failure {
            phase,
            cause,
            count,
        })
    }

    /// The beginning of the first read in which something was wrong, if there was one.
    #[must_use]
    pub fn first_wrong(&self) -> Option<&Sample> {
        self.first_wrong.as_ref()
    }

    /// The first wrong byte, if there was one.
    #[must_use]
    pub fn first_mismatch(&self) -> Option<Mismatch> {
        self.first_mismatch
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Connect => "connect",
            Self::Greeting => "greeting",
            Self::Send => "send",
            Self::Receive => "receive",
            Self::Verify => "verify",
            Self::Close => "close",
        })
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // The standard library knows the text, and adds the number.
            Self::Errno(errno) => write!(f, "{}", io::Error::from_raw_os_error(*errno)),
            Self::TimedOut => f.write_str("timed out"),
            Self::Incomplete => f.write_str("timed out in the middle of an answer"),
            Self::ClosedEarly => f.write_str("the server closed before all requests were answered"),
            Self::ClosedIdle => f.write_str("the server closed an idle connection"),
            Self::WrongByte => f.write_str("wrong byte"),
            Self::Unsolicited => f.write_str("more came back than was expected"),
            Self::NoEnd => {
                let limit = units::bytes(LONGEST_LINE as f64);
                write!(f, "more than {limit} came, the limit, without an end")
            }
            Self::Refused => f.write_str("the server refused it"),
            Self::NoChat => f.write_str("the server is not a portlab chat"),
            Self::ErrorAnswer(error) => write!(f, "the server answered with an error: {error}"),
        }
    }
}

impl Cause {
    /// The system's error number, if it was the system's error.
    #[must_use]
    pub fn errno(self) -> Option<i32> {
        match self {
            Self::Errno(errno) => Some(errno),
            _ => None,
        }
    }

    /// What to do about it when it happens in `phase`, where that is known.
    #[must_use]
    pub fn hint(self, phase: Phase) -> Option<&'static str> {
        // The numbers are Linux's; see errno(3).
        Some(match self {
            Self::Errno(111) => "no program listens there; is the server up?",
            Self::Errno(104) => {
                "the server reset the connection: it crashed, or closed before it had read everything"
            }
            Self::Errno(99) => {
                "no local port is left for this address; use --source auto, fewer connections, or \
                 wait a minute"
            }
            Self::Errno(24) => "out of file descriptors; raise the limit with ulimit -n",
            Self::Errno(32) => "the server had closed the connection already",
            Self::Errno(113 | 101) => "no way to that address; check it, and the network",
            Self::TimedOut => match phase {
                Phase::Connect => "no reply to the handshake: a firewall, or a full accept queue",
                Phase::Greeting => {
                    "the server sends no greeting, or not the one that --greeting says"
                }
                Phase::Send => "the server doesn't read, or reads more slowly than data is sent",
                _ => {
                    "no byte of the answer came: the server is slow, or serves fewer connections at once \
                     and leaves the others in its accept queue, or waits for the rest of the request (does \
                     the message end as it should?)"
                }
            },
            Self::Incomplete => "what came has no end as --expect says, or comes slowly",
            Self::ClosedEarly => {
                "it crashed, speaks another protocol, or limits the requests per connection: then use \
                 --per-connection"
            }
            Self::ClosedIdle => "it has an idle timeout, or a limit on connections",
            Self::WrongByte => {
                "not an echo server (see --expect), or one that mixes up its buffers"
            }
            Self::Unsolicited => {
                "the answer is longer than --expect says, or the server sent something twice"
            }
            Self::NoEnd => match phase {
                Phase::Greeting => {
                    "give the end of what the server sends first, as in --greeting 'until:\\r\\n'; \
                     portlab connect shows what it sends"
                }
                _ => "no line of a chat is so long; is it a chat of portlab serve --service chat?",
            },
            Self::Refused => {
                "in a chat: a name is taken, perhaps by another load, or there are too many rooms"
            }
            Self::NoChat => "start one: portlab serve --service chat",
            Self::ErrorAnswer(_) => {
                "is the request right? To count such answers as any other, use --any-answer"
            }
            Self::Errno(_) => return None,
        })
    }
}

impl Failure {
    /// What to do about it, where that is known.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        self.cause.hint(self.phase)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_several_threads_add_up_by_phase_and_cause() {
        let (mut left, mut right) = (Tally::default(), Tally::default());
        left.add(Phase::Connect, Cause::Errno(111));
        right.add(Phase::Connect, Cause::Errno(111));
        right.add(Phase::Receive, Cause::TimedOut);
        left.merge(&right);
        let counts: Vec<_> = left
            .failures()
            .map(|failure| (failure.phase, failure.cause, failure.count))
            .collect();
        assert_eq!(
            counts,
            [
                (Phase::Connect, Cause::Errno(111), 2),
                (Phase::Receive, Cause::TimedOut, 1)
            ]
        );
        assert_eq!(left.total(), 3);
    }

    #[test]
    fn an_error_number_is_told_in_the_systems_words_with_a_remedy() {
        let refused = Cause::Errno(111);
        assert!(refused.to_string().contains("refused"), "{refused}");
        assert!(
            refused
                .hint(Phase::Connect)
                .is_some_and(|hint| hint.contains("server up"))
        );
    }
}
