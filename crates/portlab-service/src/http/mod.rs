//! A static web server: HTTP/1.1 as RFC 9110 and RFC 9112 define it, for files below one folder.
//!
//! | file | what it does |
//! |---|---|
//! | `session` | one connection: reads requests, asks for files, answers in order |
//! | `request` | the head of a request: strict framing, and the fields that matter |
//! | `target` | the target of a request: decoded and checked, before any file is looked up |
//! | `body` | the body of a request, which is read and discarded |
//! | `conditions`, `range`, `accept` | fields that decide what is sent |
//! | `answer` | what is sent: the head of a response, and parts of a file |
//! | `page` | pages that the server writes itself: a folder's entries, errors |
//! | `status` | status codes and their reasons |

mod accept;
mod answer;
mod body;
mod conditions;
mod page;
mod range;
mod request;
mod session;
mod status;
mod target;

use std::{net::SocketAddr, sync::Arc};

use portlab_words::Lang;

use crate::{ConnId, Service, Session, TextEncoding};

/// Sends the files below one folder, by GET and HEAD.
///
/// The session reads bytes and asks for paths (see [`Lookup`](crate::Lookup)); the driver opens the files. A request that
/// can be understood in two ways (two lengths, a length and chunks, a line end without CR) is refused and the connection is
/// closed, because another server on the way may have understood it in the other way (request smuggling).
///
/// Source: RFC 9110 (semantics), RFC 9112 (HTTP/1.1).
#[derive(Clone, Debug)]
pub struct Http {
    options: Arc<HttpOptions>,
}

/// The options of a web server.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    /// The most bytes of a request's target; a longer one gets 414.
    pub max_target: usize,
    /// The most bytes of a request's head; a longer one gets 431.
    pub max_head: usize,
    /// The most bytes of a request's body, which is discarded; a longer one gets 413.
    pub max_body: u64,
    /// The page for errors, in HTML; `{status}` in it becomes the status, such as `404 Not Found`.
    pub error_page: Option<String>,
    /// The encoding of texts, which their Content-Type names.
    pub encoding: TextEncoding,
    /// The language of the pages that the server writes itself.
    pub lang: Lang,
}

impl Default for HttpOptions {
    /// 8 KiB for a target, 16 KiB for a head, 1 MiB for a body.
    fn default() -> Self {
        Self {
            max_target: 8 * 1024,
            max_head: 16 * 1024,
            max_body: 1024 * 1024,
            error_page: None,
            encoding: TextEncoding::default(),
            lang: Lang::En,
        }
    }
}

impl Http {
    /// Makes the service.
    pub fn new(options: HttpOptions) -> Self {
        Self {
            options: Arc::new(options),
        }
    }
}

impl Service for Http {
    fn open(&self, _conn: ConnId, _peer: SocketAddr) -> Box<dyn Session> {
        Box::new(session::HttpSession::new(Arc::clone(&self.options)))
    }

    fn refusal(&self) -> Vec<u8> {
        b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".into()
    }
}
