//! The bytes that an echo sends back, and the text of a reply.

use crate::{Case, Speaks, client::random_bytes};

pub(super) const exact_bytes: Case = Case {
    about: "random bytes of many sizes, up to 1 MiB, come back exactly",
    faults: &[4],
    run: |target| {
        // Around the sizes where something changes: a segment, a page, a read buffer, a socket
        // buffer.
        const SIZES: [usize; 12] = [
            1, 2, 63, 64, 1_000, 1_460, 4_096, 16_384, 65_535, 65_536, 65_537, 1_048_576,
        ];
        let mut client = target.client()?;
        for size in SIZES {
            client.exchange(&random_bytes(size))?;
        }
        Ok(())
    },
    ..Case::ECHO
};

pub(super) const one_byte_per_write: Case = Case {
    about: "a text sent a byte at a time comes back exactly",
    faults: &[1],
    run: |target| {
        let mut client = target.client()?;
        let text = random_bytes(300);
        let (one_by_one, rest) = text.split_at(100);
        for byte in one_by_one.chunks(1) {
            client.exchange(byte)?;
        }
        for byte in rest.chunks(1) {
            client.send(byte)?;
        }
        client.expect(rest)
    },
    ..Case::ECHO
};

pub(super) const many_messages_in_one_write: Case = Case {
    about: "a hundred lines in one write come back in order, none lost or doubled",
    faults: &[2],
    run: |target| {
        let lines: String = (0..100).map(|number| format!("line {number}\n")).collect();
        let mut client = target.client()?;
        client.send(lines.as_bytes())?;
        client.expect(lines.as_bytes())?;
        client.half_close()?;
        client.expect_end()
    },
    ..Case::ECHO
};

pub(super) const half_close: Case = Case {
    about: "1 MiB and then a FIN: all of it comes back, and then the end",
    faults: &[6],
    run: |target| {
        let text = random_bytes(1 << 20);
        let mut client = target.client()?;
        // Large enough that the server is still sending when the FIN arrives.
        let (most, rest) = text.split_at(text.len() - 1_000);
        client.send_beside(most.to_vec())?;
        client.expect(&most[..500_000])?;
        client.expect(&most[500_000..])?;
        client.send(rest)?;
        client.half_close()?;
        client.expect(rest)?;
        client.expect_end()?;

        // The same, with the FIN before the first byte of the answer.
        let mut client = target.client()?;
        client.send(b"goodbye")?;
        client.half_close()?;
        client.expect(b"goodbye")?;
        client.expect_end()
    },
    ..Case::ECHO
};

pub(super) const empty_connections: Case = Case {
    about: "after clients that connect and close without a byte, other clients are served",
    run: |target| {
        for _ in 0..50 {
            let mut client = target.client()?;
            client.half_close()?;
            client.expect_end()?;
            drop(target.client()?);
        }
        target.served_client().map(drop)
    },
    ..Case::ECHO
};

pub(super) const a_hundred_at_once: Case = Case {
    about: "a hundred clients at once (or as many as are promised) each get their own bytes",
    run: |target| {
        let mut clients = target.clients(target.crowd(100))?;
        for round in 0..5 {
            let word = |number: usize| format!("round {round}, client {number}").into_bytes();
            for (number, client) in clients.iter_mut().enumerate() {
                client.send(&word(number))?;
            }
            // Read in another order than written.
            for (number, client) in clients.iter_mut().enumerate().rev() {
                client.expect(&word(number))?;
            }
        }
        Ok(())
    },
    ..Case::ECHO
};

pub(super) const fixed_text: Case = Case {
    about: "each request is answered with exactly the fixed text, in its encoding",
    speaks: Speaks::Reply,
    options: &["--reply=你好客户端", "--encoding=gbk"],
    run: |target| {
        // The texts as Python's .encode("gbk") writes them.
        const ASKED: &[u8] = b"\xc4\xe3\xba\xc3\xb7\xfe\xce\xf1\xb6\xcb";
        const ANSWER: &[u8] = b"\xc4\xe3\xba\xc3\xbf\xcd\xbb\xa7\xb6\xcb";
        for _ in 0..3 {
            let mut client = target.client()?;
            for _ in 0..3 {
                client.send(ASKED)?;
                client.expect(ANSWER)?;
            }
            client.half_close()?;
            client.expect_end()?;
        }
        Ok(())
    },
    ..Case::ECHO
};
