//! A network debugging assistant: it listens or connects, reports everything that happens as events, and does what a
//! person commands.
//!
//! ```text
//! a line that is typed ──Desk::typed──▶ Command ──▶ Engine (a thread: sockets, rules, replay)
//!                                                      │
//!                       rows to show ◀──Log::push── Event
//! ```
//!
//! [`Engine`] owns all sockets and runs on a thread of its own. Everything else is pure: [`Desk`] reads what a person
//! types, and [`Log`] turns events into rows. The crate knows no terminal, so that a page can use it too.

#![forbid(unsafe_code)]

mod command;
mod desk;
mod engine;
mod event;
#[doc(hidden)]
pub mod fuzz;
mod log;
mod plain;
mod record;
mod replay;
mod row;
mod rules;
mod states;
mod template;

pub use command::{Command, Eol, Pieces, Recipient, Speech};
pub use desk::{Desk, Done, help, is_for_peers, reads_file};
pub use engine::{Engine, Open, Plan};
pub use event::{By, Ended, Event, PeerId, Way, What};
pub use log::{Client, Log};
pub use record::{Name, Record};
pub use replay::Replay;
pub use row::{CUT, Line, Reading, Row, hex};
pub use rules::Rules;
pub use states::{End, PeerState};
pub use template::Template;
