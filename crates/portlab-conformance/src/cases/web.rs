//! A web server: clients that are slow, silent or gone, and connections that go on.

use portlab_sys::meter::anonymous_bytes;

use crate::{
    Case, Failure, Requires, Speaks, Target,
    client::Client,
    failure::{ensure, failed},
    http::{Answer, Conn, Next},
    patience::eventually,
    target::Footprint,
};

/// The common part of most cases of a web server.
const WEB: Case = Case {
    speaks: Speaks::Http,
    ..Case::ECHO
};

const PAGE: &[u8] = b"GET /text.txt HTTP/1.1\r\nHost: localhost\r\n\r\n";
/// A file that is larger than the socket buffers.
const LARGE: &[u8] = b"GET /large.bin HTTP/1.1\r\nHost: localhost\r\n\r\n";

fn answer(conn: &mut Conn) -> Result<Answer, Failure> {
    match conn.next(false) {
        Next::Answer(answer) => Ok(*answer),
        Next::End(_) => failed("the connection ends without a whole answer"),
        Next::Nothing(_) => failed("no whole answer comes"),
    }
}

/// Asks for the text of 1 KiB.
fn get(conn: &mut Conn) -> Result<(), Failure> {
    conn.send(PAGE.to_vec());
    let answer = answer(conn)?;
    let (status, length) = (answer.status, answer.body.len());
    ensure!(
        (status, length) == (200, 1024),
        "status {status}, {length} bytes"
    );
    Ok(())
}

/// Asks for the text on a connection of its own.
fn get_once(target: &Target<'_>) -> Result<(), Failure> {
    get(&mut Conn::open(target.addr)?)
}

/// A client that has received the beginning of the large file, and reads no more.
fn slow_reader(target: &Target<'_>) -> Result<Client, Failure> {
    let mut client = Client::with_small_buffer(target.addr)?;
    client.send(LARGE)?;
    client.receive()?;
    Ok(client)
}

pub(super) const an_idle_web_client_does_not_delay_others: Case = Case {
    about: "while one client is silent, one has sent half a request and one waits after its answer, others are served",
    requires: &[Requires::AtOnce(4)],
    run: |target| {
        let _silent = target.client()?;
        let mut half = Conn::open(target.addr)?;
        half.send(PAGE[..20].to_vec());
        let mut waiting = Conn::open(target.addr)?;
        get(&mut waiting)?;
        for _ in 0..5 {
            get_once(target)?;
        }
        half.send(PAGE[20..].to_vec());
        answer(&mut half)?;
        get(&mut waiting)
    },
    ..WEB
};

pub(super) const a_slow_head_gets_408: Case = Case {
    about: "a request that doesn't end within --line-timeout is answered with 408, and the connection ends",
    options: &["--line-timeout=300ms"],
    run: |target| {
        for begin in [&PAGE[..20], &PAGE[..PAGE.len() - 2]] {
            let mut conn = Conn::open(target.addr)?;
            conn.send(begin.to_vec());
            let status = answer(&mut conn)?.status;
            ensure!(status == 408, "expected status 408, got {status}");
            let next = conn.next(false);
            ensure!(
                matches!(&next, Next::End(rest) if rest.is_empty()),
                "expected the end, got {next:?}"
            );
        }
        get_once(target)
    },
    ..WEB
};

pub(super) const a_thousand_requests_leave_nothing_behind: Case = Case {
    about: "after 1,000 requests on one connection the server has as many descriptors and processes as before",
    requires: &[Requires::Process],
    run: |target| {
        get_once(target)?;
        let before = target.settled_footprint()?;
        let mut conn = Conn::open(target.addr)?;
        for _ in 0..1_000 {
            get(&mut conn)?;
        }
        drop(conn);
        expect_no_more(target, before)
    },
    ..WEB
};

pub(super) const a_reset_mid_file_leaves_nothing_behind: Case = Case {
    about: "after a RST in the middle of a file the server runs, keeps no descriptor, and serves other clients",
    requires: &[Requires::Process],
    run: |target| {
        // The server may keep files open that it has sent before.
        slow_reader(target)?.reset()?;
        get_once(target)?;
        let before = target.settled_footprint()?;
        for _ in 0..20 {
            slow_reader(target)?.reset()?;
        }
        get_once(target)?;
        expect_no_more(target, before)
    },
    ..WEB
};

/// How much the server's memory may grow while 64 clients read slowly: 64 files would be 4 GiB.
const BOUND: u64 = 128 << 20;

pub(super) const slow_readers_of_a_file_do_not_delay_others: Case = Case {
    about: "while 64 clients ask for 64 MiB each and read none of it, others are served, and no file is in memory whole",
    requires: &[Requires::Process, Requires::AtOnce(65)],
    run: |target| {
        let pid = target.pid()?;
        let before = anonymous_bytes(pid)?;
        let slow: Vec<_> = (0..64)
            .map(|_| slow_reader(target))
            .collect::<Result<_, _>>()?;
        for _ in 0..5 {
            get_once(target)?;
        }
        let grown = anonymous_bytes(pid)?.saturating_sub(before);
        ensure!(
            grown < BOUND,
            "the server's memory grew by {grown} bytes; the bound is {BOUND}"
        );
        drop(slow);
        get_once(target)
    },
    ..WEB
};

/// Expects that the server has no more descriptors and processes than before.
fn expect_no_more(target: &mut Target<'_>, before: Footprint) -> Result<(), Failure> {
    let mut after = before;
    let back = eventually(|| {
        after = target.footprint()?;
        let no_more = after.descriptors <= before.descriptors;
        Ok(no_more && after.processes <= before.processes && after.zombies == 0)
    })?;
    ensure!(back, "before {before:?}, after {after:?}");
    Ok(())
}
