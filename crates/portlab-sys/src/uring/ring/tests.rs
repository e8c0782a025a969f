use std::{
    collections::HashMap,
    io::{Read, Write},
    net::{Shutdown as Half, TcpListener, TcpStream},
    os::{
        fd::{AsFd, AsRawFd},
        unix::net::UnixStream,
    },
    thread,
    time::Duration,
};

use rustix::io::fcntl_dupfd_cloexec;

use super::*;
use crate::uring::{Uring, uring};

const SMALL: Options = Options {
    requests: 4,
    buffers: 2,
    buffer_bytes: 1024,
    linger: Duration::from_secs(60),
};

/// A ring; `None`, and a note, where io_uring is forbidden.
fn ring<T: AsFd>(options: Options) -> Option<Ring<T>> {
    match uring() {
        Uring::Ready => Some(Ring::new(options).expect("a ring")),
        answer => {
            eprintln!("not run: io_uring is {answer:?} here");
            None
        }
    }
}

fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (client, listener.accept().unwrap().0)
}

/// Sends back what is received, until `clients` connections have ended.
struct Echo<T: AsFd> {
    ring: Ring<T>,
    unsent: HashMap<Key, Vec<u8>>,
}

impl<T: AsFd> Echo<T> {
    fn new(ring: Ring<T>) -> Self {
        Self {
            ring,
            unsent: HashMap::new(),
        }
    }

    fn add(&mut self, socket: T) -> Key {
        let key = self.ring.insert(socket);
        self.ring.receive(key);
        self.unsent.insert(key, Vec::new());
        key
    }

    fn handle(&mut self, completion: Completion) {
        match completion {
            Completion::Received(key, Ok(Some(buffer))) => {
                let unsent = self.unsent.get_mut(&key).unwrap();
                unsent.extend_from_slice(self.ring.bytes(&buffer));
                self.ring.give_back(buffer);
                self.send(key);
            }
            Completion::Sent(key, Ok(_)) => self.send(key),
            Completion::Received(key, Ok(None)) => {
                self.unsent.remove(&key);
                self.ring.close(key);
            }
            other => panic!("{other:?}"),
        }
    }

    fn send(&mut self, key: Key) {
        let Some(unsent) = self.unsent.get_mut(&key) else {
            return;
        };
        if !self.ring.is_sending(key) && !unsent.is_empty() {
            let bytes = std::mem::take(unsent);
            self.ring.send(key, bytes, false).unwrap();
        }
    }

    fn run(&mut self) {
        while !self.ring.is_empty() {
            self.ring.wait(None).unwrap();
            while let Some(completion) = self.ring.next() {
                self.handle(completion);
            }
        }
    }
}

/// Sends `count` bytes that differ, while another thread reads them back.
fn converse(mut client: TcpStream, count: usize) -> thread::JoinHandle<()> {
    let sent: Vec<u8> = (0..count).map(|at| (at * 7 + at / 251) as u8).collect();
    let mut sender = client.try_clone().unwrap();
    let bytes = sent.clone();
    thread::spawn(move || sender.write_all(&bytes).unwrap());
    thread::spawn(move || {
        let mut got = vec![0; sent.len()];
        client.read_exact(&mut got).unwrap();
        assert!(got == sent, "other bytes came back");
        client.shutdown(Half::Write).unwrap();
        assert_eq!(client.read(&mut [0]).unwrap(), 0);
    })
}

#[test]
fn connections_are_accepted_and_echoed() {
    let Some(mut ring) = ring::<TcpStream>(Options::default()) else {
        return;
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    ring.listen(listener);
    let clients: Vec<_> = (0..3)
        .map(|_| converse(TcpStream::connect(addr).unwrap(), 300_000))
        .collect();
    let mut echo = Echo::new(ring);
    let mut accepted = 0;
    while accepted < 3 || !echo.ring.is_empty() {
        echo.ring.wait(None).unwrap();
        while let Some(completion) = echo.ring.next() {
            match completion {
                Completion::Accepted(stream) => {
                    echo.add(stream.unwrap());
                    accepted += 1;
                }
                other => echo.handle(other),
            }
        }
    }
    clients.into_iter().for_each(|it| it.join().unwrap());
}

#[test]
fn more_connections_than_buffers_and_requests_lose_nothing() {
    let Some(ring) = ring(SMALL) else { return };
    let mut echo = Echo::new(ring);
    let clients: Vec<_> = (0..20)
        .map(|_| {
            let (client, server) = pair();
            echo.add(server);
            converse(client, 100_000)
        })
        .collect();
    echo.run();
    clients.into_iter().for_each(|it| it.join().unwrap());
}

#[test]
fn a_socket_that_found_no_buffer_is_received_from_when_one_comes_back() {
    let Some(mut ring) = ring(SMALL) else { return };
    let (mut client, server) = UnixStream::pair().unwrap();
    client.write_all(&[b'a'; 5000]).unwrap();
    let key = ring.insert(server);
    ring.receive(key);
    let mut held = Vec::new();
    while held.len() < 2 {
        ring.wait(None).unwrap();
        while let Some(completion) = ring.next() {
            let Completion::Received(_, Ok(Some(buffer))) = completion else {
                panic!("{completion:?}");
            };
            held.push(buffer);
        }
    }
    // Both buffers are lent, and 2,952 bytes wait in the socket.
    ring.wait(Some(Duration::ZERO)).unwrap();
    assert!(ring.next().is_none());
    let mut count = 0;
    while count < 5000 {
        for buffer in held.drain(..) {
            count += ring.bytes(&buffer).len();
            ring.give_back(buffer);
        }
        if count < 5000 {
            ring.wait(None).unwrap();
        }
        while let Some(Completion::Received(_, Ok(Some(buffer)))) = ring.next() {
            held.push(buffer);
        }
    }
    assert_eq!(count, 5000);
}

#[test]
fn a_send_that_the_socket_takes_in_parts_goes_on_to_its_end() {
    let Some(mut ring) = ring(SMALL) else { return };
    let (mut client, server) = pair();
    rustix::net::sockopt::set_socket_send_buffer_size(&server, 4096).unwrap();
    let key = ring.insert(server);
    let bytes: Vec<u8> = (0..3_000_000).map(|at| (at / 3) as u8).collect();
    ring.send(key, bytes.clone(), false).unwrap();
    // A second send could overtake the first.
    assert_eq!(ring.send(key, vec![1], false), Err(vec![1]));
    ring.wait(Some(Duration::ZERO)).unwrap();
    assert!(ring.next().is_none() && ring.is_sending(key));
    let reader = thread::spawn(move || {
        let mut got = vec![0; 3_000_000];
        client.read_exact(&mut got).unwrap();
        got
    });
    let returned = loop {
        ring.wait(None).unwrap();
        if let Some(Completion::Sent(sent, returned)) = ring.next() {
            assert_eq!(sent, key);
            break returned.unwrap();
        }
    };
    assert!(returned == bytes && reader.join().unwrap() == bytes);
    assert!(!ring.is_sending(key));
}

#[test]
fn an_old_completion_does_not_reach_the_next_socket_with_the_same_descriptor() {
    let Some(mut ring) = ring(SMALL) else { return };
    // No other test uses descriptors with numbers that high.
    let at_500 = |socket: TcpStream| fcntl_dupfd_cloexec(&socket, 500).unwrap();
    let (mut client, server) = pair();
    let old = ring.insert(at_500(server));
    ring.receive(old);
    ring.wait(Some(Duration::ZERO)).unwrap();
    // The bytes arrive, and are received by the old socket's request when the ring is waited for.
    client.write_all(b"old").unwrap();
    ring.close(old);
    assert!(ring.get(old).is_none());
    // The descriptor stays open, so that its number isn't free before the last completion.
    assert_eq!(ring.len(), 1);
    while !ring.is_empty() {
        ring.wait(None).unwrap();
        assert!(ring.next().is_none());
    }
    drop(client);
    let (mut client, server) = pair();
    let server = at_500(server);
    assert_eq!(server.as_raw_fd(), 500);
    let new = ring.insert(server);
    assert_eq!(new.index, old.index);
    assert_ne!(new, old);
    ring.receive(new);
    ring.receive(old);
    ring.close(old);
    client.write_all(b"new").unwrap();
    ring.wait(None).unwrap();
    let Some(Completion::Received(key, Ok(Some(buffer)))) = ring.next() else {
        panic!("nothing was received");
    };
    assert_eq!((key, ring.bytes(&buffer)), (new, &b"new"[..]));
}

#[test]
fn a_paused_socket_receives_nothing_until_it_is_asked_again() {
    let Some(mut ring) = ring(SMALL) else { return };
    let (mut client, server) = pair();
    let key = ring.insert(server);
    ring.receive(key);
    ring.wait(Some(Duration::ZERO)).unwrap();
    ring.pause(key);
    ring.wait(Some(Duration::ZERO)).unwrap();
    assert!(ring.next().is_none());
    client.write_all(b"wait").unwrap();
    ring.wait(Some(Duration::from_millis(20))).unwrap();
    assert!(ring.next().is_none());
    // The second request is waited for; a pause that is taken back before the kernel knows it changes nothing.
    ring.receive(key);
    ring.pause(key);
    ring.receive(key);
    let buffer = loop {
        ring.wait(None).unwrap();
        if let Some(Completion::Received(_, received)) = ring.next() {
            break received.unwrap().unwrap();
        }
    };
    assert_eq!(ring.bytes(&buffer), b"wait");
}

#[test]
fn a_closed_socket_sends_its_last_bytes_and_then_its_end() {
    let Some(mut ring) = ring(SMALL) else { return };
    let (mut client, server) = pair();
    let key = ring.insert(server);
    ring.receive(key);
    ring.send(key, vec![b'l'; 4_000_000], false).unwrap();
    ring.wait(Some(Duration::ZERO)).unwrap();
    ring.close(key);
    let reader = thread::spawn(move || {
        let mut got = Vec::new();
        client.read_to_end(&mut got).unwrap();
        got.len()
    });
    while !ring.is_empty() {
        ring.wait(None).unwrap();
        assert!(ring.next().is_none());
    }
    assert_eq!(reader.join().unwrap(), 4_000_000);
}

#[test]
fn a_closed_socket_whose_peer_does_not_read_is_cut() {
    let linger = Duration::from_millis(5);
    let Some(mut ring) = ring(Options { linger, ..SMALL }) else {
        return;
    };
    let (_client, server) = pair();
    let key = ring.insert(server);
    ring.send(key, vec![b'l'; 20_000_000], false).unwrap();
    ring.wait(Some(Duration::ZERO)).unwrap();
    ring.close(key);
    while !ring.is_empty() {
        ring.wait(None).unwrap();
        assert!(ring.next().is_none());
    }
}

#[test]
fn a_send_to_a_broken_connection_fails() {
    let Some(mut ring) = ring(SMALL) else { return };
    let (client, server) = pair();
    let key = ring.insert(server);
    ring.receive(key);
    rustix::net::sockopt::set_socket_linger(&client, Some(Duration::ZERO)).unwrap();
    drop(client);
    ring.wait(None).unwrap();
    let Some(Completion::Received(_, Err(error))) = ring.next() else {
        panic!("no reset");
    };
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    ring.send(key, vec![1], false).unwrap();
    ring.wait(None).unwrap();
    let Some(Completion::Sent(_, Err(error))) = ring.next() else {
        panic!("no error");
    };
    assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
}

#[test]
fn a_ring_dropped_with_requests_in_flight_leaves_their_memory_to_the_kernel() {
    let Some(mut ring) = ring(SMALL) else { return };
    let (mut client, server) = pair();
    let key = ring.insert(server);
    assert!(!ring.is_in_flight());
    ring.receive(key);
    ring.send(key, vec![b's'; 20_000_000], false).unwrap();
    ring.wait(Some(Duration::ZERO)).unwrap();
    assert!(ring.is_in_flight());
    let memory = ring.memory();
    drop(ring);
    assert!(is_mapped(memory));
    // The descriptor was closed, and the kernel has cancelled the requests: the peer finds the end.
    let patience = Some(Duration::from_secs(60));
    client.set_read_timeout(patience).unwrap();
    while client.read(&mut [0; 65_536]).unwrap() > 0 {}
}

fn is_mapped(address: u64) -> bool {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    maps.lines().any(|line| {
        let ends = line.split([' ', '-']).take(2);
        let ends: Vec<_> = ends
            .map(|it| u64::from_str_radix(it, 16).unwrap())
            .collect();
        (ends[0]..ends[1]).contains(&address)
    })
}

#[test]
fn a_watched_descriptor_is_reported_once() {
    let Some(mut ring) = ring::<TcpStream>(SMALL) else {
        return;
    };
    let (bell, mut doorbell) = UnixStream::pair().unwrap();
    ring.watch(bell.into());
    ring.wait(Some(Duration::ZERO)).unwrap();
    assert!(ring.next().is_none());
    doorbell.write_all(b"!").unwrap();
    ring.wait(None).unwrap();
    assert!(matches!(ring.next(), Some(Completion::Readable)));
    ring.wait(Some(Duration::ZERO)).unwrap();
    assert!(ring.next().is_none());
}

#[test]
fn a_listener_that_is_closed_accepts_no_more() {
    let Some(mut ring) = ring::<TcpStream>(SMALL) else {
        return;
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    ring.listen(listener);
    ring.wait(Some(Duration::ZERO)).unwrap();
    ring.close_listener();
    ring.wait(Some(Duration::ZERO)).unwrap();
    assert!(ring.next().is_none());
    assert!(TcpStream::connect(addr).is_err());
}

#[test]
fn a_buffer_of_another_ring_opens_no_memory_of_the_kernel() {
    let (Some(mut one), Some(mut other)) = (ring(SMALL), ring::<TcpStream>(SMALL)) else {
        return;
    };
    let (mut client, server) = pair();
    client.write_all(b"bytes").unwrap();
    let key = one.insert(server);
    one.receive(key);
    one.wait(None).unwrap();
    let Some(Completion::Received(_, Ok(Some(buffer)))) = one.next() else {
        panic!("nothing was received");
    };
    assert_eq!(other.bytes(&buffer), b"");
    other.give_back(buffer);
}
