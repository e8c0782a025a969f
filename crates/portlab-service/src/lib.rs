//! What is said on a port, as pure state machines.
//!
//! A [`Service`] is pushed bytes and appends its answer to a buffer that the caller owns. It never
//! sees a socket, a thread or a clock, so the same echo runs on blocking threads, forked processes,
//! readiness loops and async tasks, and is tested by feeding bytes and reading bytes. When an
//! answer needs time, the service doesn't take it: it says so in its [`Flow`], and whoever drives
//! the connection waits, blocks or computes in its own idiom.
//!
//! [`SERVICES`] lists what there is; [`ServiceOptions::build`] makes one by name.

#![forbid(unsafe_code)]

mod catalog;
mod chat;
mod echo;
mod encoding;
mod flow;
mod guess;
mod handler_work;
mod hub;
mod inert;
mod reply;
mod session;
mod suggest;

pub use catalog::{BuildError, SERVICES, ServiceEntry, ServiceOptions};
pub use chat::{Chat, Limits as ChatLimits};
pub use echo::Echo;
pub use encoding::{EncodeError, TextDecoder, TextEncoding, UnknownEncoding};
pub use flow::{Flow, Next, Work};
pub use guess::{EncodingWatch, Guess};
pub use handler_work::{HandlerWork, HandlerWorkError, WithWork};
pub use hub::{CloseReason, Denied, Hub, Mail, Post};
pub use inert::{inert, visible};
pub use reply::Reply;
pub use session::{ConnId, Cut, Cx, Service, Session};
pub use suggest::nearest;
