//! SIGTERM while clients are talking.

use portlab_sys::spawn::Signal;

use crate::{
    Case, Requires,
    client::{Client, random_bytes},
    failure::ensure,
};

pub(super) const CASE: Case = Case {
    about: "at SIGTERM the port closes, all bytes that were sent before are answered, every connection ends \
            with a FIN, and the server exits with status 0",
    faults: &[19],
    requires: &[Requires::Process],
    options: &["--drain=30s"],
    run: |target| {
        let text = random_bytes(60_000);
        let mut clients = Vec::new();
        for _ in 0..target.crowd(20) {
            let mut client = target.served_client()?;
            client.send(&text)?;
            clients.push(client);
        }
        // After the first byte of an answer, the rest of the request has arrived or is on its way through the loopback,
        // which keeps the order.
        for client in &mut clients {
            client.expect(&text[..1])?;
        }
        target.process()?.signal(Signal::TERM)?;
        for client in &mut clients {
            client.expect(&text[1..])?;
            client.expect_end()?;
        }
        target.expect_exit()?;
        ensure!(
            Client::connect(target.addr).is_err(),
            "the port still accepts connections"
        );
        Ok(())
    },
    ..Case::ECHO
};
