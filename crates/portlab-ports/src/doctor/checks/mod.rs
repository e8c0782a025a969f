//! What the facts of a machine mean for a lesson or a load. A check is a function, and a line in a
//! table.

mod limits;
mod network;
mod programs;
#[cfg(test)]
mod tests;

use portlab_words::Lang;

use super::{finding::Finding, machine::Facts};

/// All checks of `facts`, in the order in which they are read.
pub(super) fn all(facts: &Facts, lang: Lang) -> Vec<Finding> {
    CHECKS
        .iter()
        .filter_map(|check| check(facts, lang))
        .collect()
}

/// Looks at one thing; at nothing where the machine doesn't have it.
type Check = fn(&Facts, Lang) -> Option<Finding>;

const CHECKS: &[Check] = &[
    network::loopback,
    network::second_address,
    network::ipv6,
    network::course_port,
    network::ports,
    network::backlog,
    network::conntrack,
    limits::open_files,
    limits::tasks,
    limits::processors,
    limits::memory,
    limits::uring,
    programs::python,
    programs::gevent,
    programs::terminal,
    programs::letters,
];
