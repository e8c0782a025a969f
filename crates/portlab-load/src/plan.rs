//! What a run is to do.

use std::{net::SocketAddr, time::Duration};

use portlab_sys::limits::raise_open_files;

/// Everything a run needs to know. Nothing is looked up later.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The port to load.
    pub target: SocketAddr,
    /// How many connections are opened, at least one.
    pub connections: usize,
    /// How many threads drive them, at least one; more than there are connections are not started.
    pub threads: usize,
    /// Messages that each connection keeps in flight, at least one.
    pub depth: usize,
    /// The length of a message in bytes, at least one.
    pub size: usize,
    /// Load before the measuring begins, so that buffers and caches have settled.
    pub warmup: Duration,
    /// When measuring ends.
    pub stop: Stop,
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
    /// How long an answer may take before its connection is given up.
    pub timeout: Duration,
}

/// When measuring ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// After this time.
    After(Duration),
    /// After this many messages, over all connections.
    Messages(u64),
}

/// A plan that this machine can't carry out.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PlanError {
    /// Too few file descriptors.
    #[error(
        "{connections} connections need {needed} open files and the limit is {limit}; \
         raise it with `ulimit -n {needed}`, or use fewer connections"
    )]
    OpenFiles {
        /// What was asked for.
        connections: usize,
        /// How many descriptors that takes.
        needed: u64,
        /// How many this process may have.
        limit: u64,
    },
    /// A number that must be at least one.
    #[error("{0} is 0; it must be at least 1")]
    Zero(&'static str),
}

/// A thread's poller and its waker.
const FILES_PER_THREAD: u64 = 2;
/// Descriptors that are open beside those: standard streams, a server's pipes, a file of results.
const OTHER_FILES: u64 = 20;

impl Plan {
    /// A plan with everything as usual: one connection, one thread, depth 1, 64 bytes, ten seconds
    /// after one of warm-up.
    #[must_use]
    pub fn new(target: SocketAddr) -> Self {
        Self {
            target,
            connections: 1,
            threads: 1,
            depth: 1,
            size: 64,
            warmup: Duration::from_secs(1),
            stop: Stop::After(Duration::from_secs(10)),
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(10),
        }
    }

    /// Checks what can be known before the run, raising the soft limit of open files if that helps.
    ///
    /// # Errors
    /// When a number is zero, or there are too few file descriptors.
    pub fn check(&self) -> Result<(), PlanError> {
        let numbers = [
            ("the number of connections", self.connections as u64),
            ("the number of threads", self.threads as u64),
            ("the depth", self.depth as u64),
            ("the message size", self.size as u64),
            (
                "the number of messages",
                if let Stop::Messages(n) = self.stop {
                    n
                } else {
                    1
                },
            ),
        ];
        if let Some((name, _)) = numbers.iter().find(|(_, number)| *number == 0) {
            return Err(PlanError::Zero(name));
        }
        let pollers = (self.threads.min(self.connections) as u64).saturating_mul(FILES_PER_THREAD);
        let needed = (self.connections as u64)
            .saturating_add(pollers)
            .saturating_add(OTHER_FILES);
        let limit = raise_open_files();
        if needed > limit {
            return Err(PlanError::OpenFiles {
                connections: self.connections,
                needed,
                limit,
            });
        }
        Ok(())
    }

    /// How many of `total` fall to thread `index` of `threads`: the remainder goes to the first
    /// ones, and none is dropped.
    pub(crate) fn share(total: u64, index: usize, threads: usize) -> u64 {
        let (index, threads) = (index as u64, threads as u64);
        total / threads + u64::from(index < total % threads)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up_to_the_whole() {
        for (total, threads) in [(100, 3), (1, 4), (7, 7), (10_000, 6)] {
            let shares: Vec<_> = (0..threads)
                .map(|i| Plan::share(total, i, threads))
                .collect();
            assert_eq!(shares.iter().sum::<u64>(), total);
            assert!(shares.iter().max().unwrap() - shares.iter().min().unwrap() <= 1);
        }
    }

    #[test]
    fn more_connections_than_descriptors_are_refused_with_the_remedy() {
        let mut plan = Plan::new("127.0.0.1:1".parse().unwrap());
        plan.connections = usize::MAX;
        let error = plan.check().unwrap_err().to_string();
        assert!(error.contains("ulimit -n"), "{error}");
    }
}
