//! SIGTERM while answers wait in the queues of the system.

use portlab_sys::spawn::Signal;

use crate::{
    Case, Requires,
    client::{Client, random_bytes},
};

pub(super) const CASE: Case = Case {
    about: "clients that have sent much before SIGTERM and read only afterwards get all answers and a FIN, and \
            the server exits with status 0",
    faults: &[19],
    requires: &[Requires::Process],
    options: &["--drain=30s", "--workers=4"],
    run: |target| {
        let flood = random_bytes(64 << 20);
        let mut clients = Vec::new();
        // The first answer fits into the queues, the last one fills them.
        for most in [10_000, 500_000, 3_000_000, 64 << 20]
            .into_iter()
            .take(target.crowd(4))
        {
            clients.push(Client::that_does_not_read(target.addr, &flood[..most])?);
        }
        target.process()?.signal(Signal::TERM)?;
        for (number, (client, sent)) in clients.iter_mut().enumerate() {
            // The first one fits into the socket's buffer, so all of it was answered.
            if number == 0 {
                client.expect(&flood[..*sent])?;
                client.expect_end()?;
                continue;
            }
            client.enlarge_buffer()?;
            client.expect_beginning_and_end(&flood[..*sent])?;
        }
        target.expect_exit()
    },
    ..Case::ECHO
};
