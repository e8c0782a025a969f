//! What the operating system is asked for, behind safe functions: the only crate with `unsafe`
//! code.
//!
//! | module | owns |
//! |---|---|
//! | [`alone`] | the proof that a process has one thread, without which nobody may fork |
//! | [`stop`] | SIGINT and SIGTERM: telling every connection, and the deadline that follows |
//! | [`interrupt`] | Ctrl-C: finish what is being done, give the terminal back, or leave at once |
//! | [`children`] | forking, reaping, ending |
//! | [`sockets`] | the machine's TCP and UDP sockets, and whose they are |
//! | [`listening`] | what listening sockets were told to do |
//! | [`spawn`] | starting another program that must not outlive this one |
//! | [`meter`] | what a tree of processes uses, from `/proc` |
//! | [`clock`] | the monotonic clock, CPU clocks of threads and processes |
//! | [`limits`] | open files, processes, connections followed by the firewall |
//! | [`cgroup`] | what a container allows |
//! | [`ports`] | which port numbers the system hands out |
//! | [`interfaces`] | the addresses of this machine, and its networks |
//! | [`uring`] | whether io_uring may be used |
//! | [`seqpacket`] | whole messages, and descriptors, between processes |
//! | [`shared`] | memory that forked processes share |
//! | [`socket`] | sockets, as far as the standard library doesn't go |
//! | [`threads`] | the threads of a process, and what they do |
//! | [`process`] | what the kernel tells of a process |
//! | [`time_wait`] | whether there is room for one more TIME-WAIT |
//! | [`tally`] | what has happened to a server's connections |
//! | [`terminal`] | who may use the terminal |
//! | [`pressure`] | how much the whole machine lacks processors |
//! | [`keeper`] | starting a program so that none of its descendants is lost |
//! | [`holder`] | who holds a port |
//! | [`name`] | what programs call themselves, made inert |
//! | [`machine`] | what machine this is; keeping to a part of it |
//! | [`whole`] | files that appear whole, or not at all |
//! | [`marked`] | processes known by a mark in their environment |
//! | `test_wait` | waiting in tests for another process |
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
#[cfg(test)]
mod test_wait;
pub mod threads;
pub mod time_wait;
mod undelivered;
pub mod uring;
pub mod whole;
