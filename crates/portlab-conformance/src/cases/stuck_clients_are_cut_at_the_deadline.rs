//! SIGTERM while a client doesn't read.

use portlab_sys::spawn::Signal;

use crate::{Case, Requires, client::random_bytes, target::expect_gone};

pub(super) const CASE: Case = Case {
    about: "clients that never read don't delay a stop beyond its deadline: the others get their answers and a FIN, \
            the server exits with status 0 and leaves no process",
    faults: &[19],
    requires: &[Requires::Process],
    options: &["--drain=2s", "--workers=20"],
    run: |target| {
        let flood = random_bytes(64 << 20);
        let mut clients = Vec::new();
        let at_once = target.crowd(55);
        let stuck = 5.min(at_once);
        for _ in 0..stuck {
            let mut client = target.client()?;
            client.send_until_full(&flood)?;
            clients.push(client);
        }
        let mut active = target.served_clients(at_once - stuck)?;
        for client in &mut active {
            client.send(b"one more")?;
        }
        let children = target.children()?;
        target.process()?.signal(Signal::TERM)?;
        for client in &mut active {
            client.expect(b"one more")?;
            client.expect_end()?;
        }
        target.expect_exit()?;
        for client in &mut clients {
            client.expect_to_be_dropped()?;
        }
        expect_gone(&children)
    },
    ..Case::ECHO
};
