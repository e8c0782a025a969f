//! Calls to the operating system behind safe functions. The only crate with `unsafe` code.
//!
//! ```
//! use portlab_sys::{holder::holder, limits, meter};
//!
//! // Which process listens at an address?
//! let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
//! let found = holder(listener.local_addr()?).map(|it| it.pid.cast_unsigned());
//! assert_eq!(found, Some(std::process::id()));
//!
//! // What do a process and its descendants use?
//! let usage = meter::usage(std::process::id().cast_signed())?;
//! assert!(usage.threads >= 1 && limits::open_files() > 0);
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! | module | owns |
//! |---|---|
//! | [`alone`] | the proof that a process has one thread, which forking requires |
//! | [`stop`] | SIGINT and SIGTERM: ending the input of every connection, and the deadline that follows |
//! | [`interrupt`] | Ctrl-C: finish the work, restore the terminal, or exit at once |
//! | [`children`] | forking, reaping, ending |
//! | [`sockets`] | the machine's TCP and UDP sockets, and the processes that hold them |
//! | [`listening`] | the backlog and options of listening sockets |
//! | [`spawn`] | starting another program that must not outlive this one |
//! | [`meter`] | what a tree of processes uses, from `/proc` |
//! | [`clock`] | the monotonic clock, CPU clocks of threads and processes |
//! | [`limits`] | open files, processes, connections followed by the firewall |
//! | [`cgroup`] | what a container allows |
//! | [`ports`] | which port numbers the system assigns |
//! | [`input`] | files that are read up to a limit |
//! | [`interfaces`] | the addresses of this machine, and its networks |
//! | [`uring`] | whether io_uring may be used |
//! | [`seqpacket`] | whole messages, and descriptors, between processes |
//! | [`shared`] | memory that forked processes share |
//! | [`socket`] | socket options that the standard library lacks |
//! | [`threads`] | the threads of a process, and their states |
//! | [`process`] | status and command line of a process |
//! | [`time_wait`] | whether the kernel keeps another socket in TIME-WAIT |
//! | [`tally`] | the counts of a server's connections |
//! | [`terminal`] | settings and foreground group of the terminal |
//! | [`pressure`] | how long threads of the whole machine wait for a processor |
//! | [`keeper`] | starting a program whose descendants can all be found and ended |
//! | [`holder`] | the process that holds a port |
//! | [`name`] | names of programs, made inert |
//! | [`machine`] | the machine's hardware and kernel; CPU affinity |
//! | [`whole`] | files that are replaced as a whole, or not at all |
//! | [`marked`] | processes known by a mark in their environment |
//!
//! Linux only: metering reads `/proc`, and children are tied to their parent by `prctl`.

pub mod alone;
mod bits;
pub mod cgroup;
pub mod children;
pub mod clock;
pub mod holder;
pub mod input;
pub mod interfaces;
pub mod interrupt;
pub mod keeper;
pub mod limits;
pub mod listening;
pub mod machine;
pub mod marked;
pub mod meter;
pub mod name;
pub mod ports;
pub mod pressure;
pub mod process;
pub mod seqpacket;
pub mod shared;
pub mod socket;
pub mod sockets;
pub mod spawn;
pub mod stop;
pub mod tally;
pub mod terminal;
pub mod threads;
pub mod time_wait;
mod undelivered;
pub mod uring;
pub mod whole;
