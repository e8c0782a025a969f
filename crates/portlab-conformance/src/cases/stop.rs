//! Signals that stop a server, and its restart.

use portlab_sys::spawn::Signal;

use crate::{
    Case, Requires,
    client::{Client, random_bytes},
    failure::ensure,
    member::Member,
    patience::patience,
    target::expect_gone,
};

pub(super) const a_busy_port_is_explained_and_a_restart_works: Case = Case {
    about: "a second server at a port in use exits with 2 and names the holder and the remedy; after SIGTERM \
            has closed connections from the server's side, the port is free at once",
    faults: &[18],
    requires: &[Requires::Process],
    run: |target| {
        let mut clients = target.served_clients(target.crowd(3))?;
        let (addr, pid) = (target.addr, target.pid()?);
        match target.process()?.start_another(addr)? {
            Some((code, text)) => ensure!(
                code == Some(2)
                    && text.contains("is in use by")
                    && text.contains(&format!("(pid {pid})"))
                    && text.contains("try --bind"),
                "the second server exited with {code:?} and wrote: {text}"
            ),
            None => ensure!(false, "a second server listens at {addr}"),
        }
        target.process()?.signal(Signal::TERM)?;
        for client in &mut clients {
            // The server sends the first FIN, so that its side stays in TIME_WAIT.
            client.expect_end()?;
        }
        let status = target.process()?.wait(patience())?;
        ensure!(status.is_some(), "the server goes on after SIGTERM");
        drop(clients);
        if let Some((code, text)) = target.process()?.start_another(addr)? {
            ensure!(false, "the restart exited with {code:?} and wrote: {text}");
        }
        target.served_client().map(drop)
    },
    ..Case::ECHO
};

pub(super) const a_graceful_stop_answers_what_was_asked: Case = Case {
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

pub(super) const stuck_clients_are_cut_at_the_deadline: Case = Case {
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

pub(super) const a_blocked_handler_does_not_outlive_the_deadline: Case = Case {
    about: "a handler that sleeps for ten minutes does not delay a stop beyond its deadline",
    faults: &[19, 22],
    requires: &[Requires::Process],
    options: &["--work=block:10m", "--drain=200ms"],
    run: |target| {
        let mut client = target.client()?;
        client.send(b"block")?;
        client.expect_silence(std::time::Duration::from_millis(100))?;
        target.process()?.signal(Signal::TERM)?;
        target.expect_exit()?;
        client.expect_to_be_dropped()
    },
    ..Case::ECHO
};

pub(super) const a_second_signal_ends_the_server_at_once: Case = Case {
    about: "a second SIGTERM ends a draining server at once, children included",
    faults: &[19],
    requires: &[Requires::Process],
    options: &["--drain=10m"],
    run: |target| {
        let (_client, _) = Client::that_does_not_read(target.addr, &random_bytes(64 << 20))?;
        let children = target.children()?;
        target.process()?.signal(Signal::TERM)?;
        // Signals of one kind coalesce while they are pending: wait until the first has been handled.
        target.expect_closed_port()?;
        target.process()?.signal(Signal::TERM)?;
        let status = target.process()?.wait(patience())?;
        ensure!(status.is_some(), "the server still drains");
        expect_gone(&children)
    },
    ..Case::ECHO
};

pub(super) const a_hangup_is_a_stop: Case = Case {
    about: "at SIGHUP the server drains as at SIGTERM, a second SIGHUP changes nothing, and the server exits \
            with status 0",
    faults: &[19],
    requires: &[Requires::Process],
    options: &["--drain=30s"],
    run: |target| {
        let flood = random_bytes(64 << 20);
        let (mut client, sent) = Client::that_does_not_read(target.addr, &flood)?;
        target.process()?.signal(Signal::HUP)?;
        target.expect_closed_port()?;
        target.process()?.signal(Signal::HUP)?;
        client.expect_beginning_and_end(&flood[..sent])?;
        target.expect_exit()
    },
    ..Case::ECHO
};

pub(super) const late_readers_receive_their_answers_at_a_stop: Case = Case {
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
            // The first request fits into the socket's buffer, so all of it was answered.
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

pub(super) const a_chat_that_stops_announces_no_departures: Case = Case {
    about: "when a server is stopped, every member receives the end of its connection, and no member receives a line \
            that others leave; the server exits with status 0",
    faults: &[19],
    requires: &[Requires::AtOnce(3), Requires::Process],
    run: |target| {
        let mut members = Member::members(target, target.crowd(20))?;
        let last = members.len() - 1;
        for member in &mut members[..last] {
            member.expect_line_with(format!("* m{last} joined").as_bytes())?;
        }
        target.process()?.signal(Signal::TERM)?;
        for mut member in members {
            member.client().expect_end()?;
        }
        target.expect_exit()
    },
    ..Case::CHAT
};
