//! HTTP/1.1 (RFC 9112): requests from the parts of a command line, and where an answer ends.
//!
//! | module | owns |
//! |---|---|
//! | `url`, `request`, `statuses` | what is asked for: the bytes of a request, and the statuses that are fine |
//! | `head` | the head of an answer: status, and how its body ends |
//! | `reading`, `chunks` | an answer that comes in pieces: head, body, chunks, trailers |
//! | `last_head` | the head of the last answer: most often the next one begins with the same bytes |
//! | `fault` | what can be wrong with an answer |
//!
//! Strict where a tolerant reader would take a wrong end for an answer's end, so that figures would be false; tolerant
//! where servers differ without harm: lines that end with LF alone, empty lines before an answer, spaces behind a size.

mod chunks;
mod fault;
pub(crate) mod fuzz;
mod head;
mod last_head;
mod reading;
mod request;
mod statuses;
mod url;

pub use fault::{Figures, HttpFault};
pub(crate) use head::Head;
pub(crate) use last_head::LastHead;
pub(crate) use reading::{Reading, Sink};
pub use request::{Header, Method, Request};
pub use statuses::Statuses;
pub use url::Url;

use crate::ErrorAnswer;

/// How the answers of HTTP end, and which of them are fine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http {
    /// The method of the requests.
    pub method: Method,
    /// What is requested, by the number of the target.
    pub urls: Vec<Url>,
    /// The statuses that are fine, if they were given; otherwise, [`Statuses::default`].
    pub statuses: Option<Statuses>,
}

impl Http {
    /// The error that an answer with `status` reports; `None` if the status is fine.
    pub fn error(&self, status: u16) -> Option<ErrorAnswer> {
        match &self.statuses {
            Some(given) if given.contains(status) => None,
            Some(_) => Some(ErrorAnswer::UnexpectedStatus(status)),
            None if Statuses::default().contains(status) => None,
            None => Some(ErrorAnswer::Status(status)),
        }
    }
}
