//! Ports: what their numbers mean, which programs listen, and why an address can't be reached.
//!
//! | module | owns |
//! |---|---|
//! | [`address`] | reading addresses as people write them; the error says what to write instead |
//! | [`Snapshot`] | the sockets of this machine at one moment, and the programs that hold them |
//! | [`Meaning`] | what a number means to the course, to IANA and to this machine |
//! | [`Leftovers`] | connections that keep a port from being bound although no program listens on it |
//! | [`doctor`] | what limits this machine; the steps on the way to an address |
//!
//! Observing and explaining are separate: a [`Snapshot`] or [`doctor::Facts`] is a value, and texts and JSON are pure
//! functions of it. So a test can describe any machine.
//!
//! ```
//! use portlab_ports::{Machine, Meaning, address::Purpose, listing};
//! use portlab_words::Lang;
//!
//! // The machine as it is now.
//! let machine = Machine::look()?;
//! println!("{}", listing(&machine, Lang::En, 80));
//!
//! // What a number means on it.
//! let meaning = Meaning::of(21, &machine);
//! assert!(meaning.text(Lang::Zh, 80).contains("文件传输协议 FTP"));
//!
//! // An address as a Chinese keyboard writes it; an error has a remedy in both languages.
//! let address = Purpose::CONNECT.read("127。0。0。1：８０８０")?;
//! assert_eq!(address.to_string(), "127.0.0.1:8080");
//! let error = Purpose::CONNECT.read("127.0.0.1").unwrap_err();
//! assert!(error.pick(Lang::Zh).contains("没有写端口"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        reason = "a test that cannot be set up has failed"
    )
)]

pub mod address;
mod asked;
pub mod doctor;
pub mod json;
mod leftovers;
mod listeners;
mod listing;
mod meaning;
mod range;
mod receivers;
mod services;
mod snapshot;

pub use asked::asked;
pub use leftovers::Leftovers;
pub use listing::listing;
pub use meaning::{Machine, Meaning};
pub use snapshot::Snapshot;
