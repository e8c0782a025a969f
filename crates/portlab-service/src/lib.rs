//! Services, such as echo and chat, as pure state machines.
//!
//! A [`Service`] makes a [`Session`] for each connection. The session receives bytes and appends its answer to a buffer
//! that the server owns. It has no socket, no thread and no clock. So the same echo runs on blocking threads, forked
//! processes, readiness loops and async tasks, and a test gives it bytes and compares bytes:
//!
//! ```
//! use portlab_service::{ConnId, Cx, Echo, Flow, Service};
//!
//! let mut session = Echo.open(ConnId(1), "127.0.0.1:50000".parse().unwrap());
//! let (mut out, mut posts) = (Vec::new(), Vec::new());
//! let flow = session.on_data(b"hello", &mut Cx { out: &mut out, posts: &mut posts });
//! assert_eq!((out.as_slice(), flow), (&b"hello"[..], Flow::CONTINUE));
//! ```
//!
//! If an answer takes time, the session returns the work in its [`Flow`], and the driver of the connection waits, blocks
//! or computes in its own idiom.
//!
//! [`SERVICES`] lists the services; [`ServiceOptions::build`] makes one by its name.

#![forbid(unsafe_code)]

mod catalog;
mod chat;
mod echo;
mod encoding;
mod files;
mod flow;
mod guess;
mod handler_work;
mod http;
mod hub;
mod inert;
mod reply;
mod session;
mod suggest;

pub use catalog::{SERVICES, ServiceEntry, ServiceOptions};
pub use chat::{Chat, Limits as ChatLimits};
pub use echo::Echo;
pub use encoding::{EncodeError, TextDecoder, TextEncoding};
pub use files::{Coding, Entry, FileFacts, Found, Listing, Lookup, PathLookup, What};
pub use flow::{Flow, Next, Work};
pub use guess::{EncodingWatch, Guess, is_private};
pub use handler_work::HandlerWork;
pub use http::{Http, HttpOptions};
pub use hub::{CloseReason, ConnId, Denied, Hub, Mail, Post};
pub use inert::{inert, visible};
pub use reply::Reply;
pub use session::{Cut, Cx, Service, Session};
pub use suggest::nearest;
