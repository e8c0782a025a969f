//! Fault 17: accepting is paused until the queue of the listener is full.

use std::time::Duration;

use portlab_sys::{
    limits,
    meter::tree,
    spawn::{Signal, signal_pid},
};

use crate::{Case, Requires, client::Client, failure::ensure};

/// More than the backlog holds.
const MOST: usize = 2_000;
/// Descriptors that the other tests of this process need.
const OTHERS: usize = 300;
/// How long a connection to loopback may take if the queue has room.
const ROOM: Duration = Duration::from_millis(500);

pub(super) const CASE: Case = Case {
    about: "while the server is stopped (SIGSTOP), clients fill its queue; when it goes on, each is answered, \
            and so is the next",
    faults: &[17],
    requires: &[Requires::Process],
    run: |target| {
        let files = usize::try_from(limits::raise_open_files()).unwrap_or(usize::MAX);
        let most = MOST.min(files.saturating_sub(OTHERS));
        let processes = tree(target.pid()?)?;
        for &pid in &processes {
            signal_pid(pid, Signal::STOP)?;
        }
        let mut clients = Vec::new();
        while clients.len() < most {
            // When the queue is full, the kernel drops the SYN.
            let Ok(mut client) = Client::connect_within(target.addr, ROOM) else {
                break;
            };
            client.send(format!("client {}", clients.len()).as_bytes())?;
            client.half_close()?;
            clients.push(client);
        }
        for &pid in &processes {
            signal_pid(pid, Signal::CONT)?;
        }
        ensure!(
            clients.len() > 100,
            "the queue took {} clients",
            clients.len()
        );
        for (number, client) in clients.iter_mut().enumerate() {
            client.expect(format!("client {number}").as_bytes())?;
            client.expect_end()?;
        }
        target.served_client().map(drop)
    },
    ..Case::ECHO
};
