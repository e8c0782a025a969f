//! The engine with real clients.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream, UdpSocket},
    sync::mpsc::{Receiver, sync_channel},
    time::Duration,
};

use portlab_service::TextEncoding;
use portlab_testkit::PATIENCE;

use super::*;
use crate::{By, Ended, Log, PeerId, PeerState, Pieces, Recipient, What};

/// An engine, its events, and the address at which it listens.
struct Desk {
    engine: Engine,
    events: Receiver<Event>,
    log: RefCell<Log>,
    addr: std::net::SocketAddr,
}

fn desk(change: impl FnOnce(&mut Plan)) -> Desk {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listening(start(Open::Listen(listener), change))
}

fn udp_desk() -> Desk {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    listening(start(Open::Udp { socket, to: None }, |_| ()))
}

fn listening(mut desk: Desk) -> Desk {
    match desk.next() {
        What::Listening(addr) => desk.addr = addr,
        other => panic!("{other:?}"),
    }
    desk
}

fn start(open: Open, change: impl FnOnce(&mut Plan)) -> Desk {
    let mut plan = Plan::default();
    change(&mut plan);
    let (sender, events) = sync_channel(256);
    Desk {
        engine: Engine::start(open, plan, sender).unwrap(),
        events,
        log: Log::new(&[TextEncoding::default()], "cn").into(),
        addr: ([0; 4], 0).into(),
    }
}

impl Desk {
    #[track_caller]
    fn next(&self) -> What {
        let event = self.events.recv_timeout(PATIENCE).unwrap();
        self.log.borrow_mut().push(event.clone());
        event.what
    }

    fn states(&self) -> BTreeMap<PeerId, PeerState> {
        PeerState::all(self.log.borrow().clients()).unwrap()
    }

    fn client(&self) -> TcpStream {
        let client = TcpStream::connect(self.addr).unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        client.set_nodelay(true).unwrap();
        let addr = client.local_addr().unwrap();
        match self.next() {
            What::Online { addr: of, .. } => assert_eq!(of, addr),
            other => panic!("{other:?}"),
        }
        client
    }

    /// Gives a command, and waits until the engine has carried it out. It may read before it looks for commands.
    fn command(&self, command: Command) {
        let (pause, resume) = (Command::Pause, Command::Resume);
        let all = [command, pause(Recipient::All), resume(Recipient::All)];
        all.into_iter().for_each(|it| self.engine.send(it));
        assert!(matches!(self.next(), What::Paused(_)));
        assert!(matches!(self.next(), What::Resumed(_)));
    }

    fn send(&self, text: &str, pieces: Pieces) {
        self.engine.send(Command::Send {
            to: Recipient::All,
            bytes: text.into(),
            pieces,
            by: By::Hand,
        });
    }
}

fn received(peer: u32, text: &str) -> What {
    What::Received(PeerId(peer), text.into())
}

fn sent(peer: u32, text: &str, by: By) -> What {
    What::Sent(PeerId(peer), text.into(), by)
}

fn offline(peer: u32, how: Ended) -> What {
    What::Offline(PeerId(peer), how)
}

#[test]
fn a_client_comes_sends_is_answered_and_goes() {
    let desk = desk(|_| ());
    let mut client = desk.client();
    client.write_all(b"hello").unwrap();
    assert_eq!(desk.next(), received(1, "hello"));
    desk.send("world", Pieces::WHOLE);
    assert_eq!(desk.next(), sent(1, "world", By::Hand));
    let mut answer = [0; 5];
    client.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"world");
    drop(client);
    assert_eq!(desk.next(), offline(1, Ended::Fin));
    // The next client has a number of its own.
    let _client = desk.client();
    desk.engine.send(Command::Quit);
    assert_eq!(desk.next(), offline(2, Ended::ClosedHere));
    assert_eq!(desk.next(), What::Stopped);
}

#[test]
fn rules_answer_before_the_echo_also_after_the_peers_fin() {
    let rules = ["contains:你好 => 你好，{seq}".to_owned()];
    let desk = desk(|plan| {
        plan.rules = Rules::parse(&rules).unwrap();
        plan.speech.encoding = "gbk".parse().unwrap();
        plan.echo = true;
    });
    let gbk: TextEncoding = "gbk".parse().unwrap();
    let mut client = desk.client();
    client.write_all(b"x").unwrap();
    assert_eq!(desk.next(), received(1, "x"));
    assert_eq!(desk.next(), sent(1, "x", By::Echo));
    client.write_all(&gbk.encode("你好").unwrap()).unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let mut all = Vec::new();
    client.read_to_end(&mut all).unwrap();
    assert_eq!(all, gbk.encode("x你好，1").unwrap());
    let mut rest: Vec<_> = (0..3).map(|_| desk.next()).collect();
    assert_eq!(rest.pop(), Some(offline(1, Ended::Fin)));
}

#[test]
fn each_way_to_end_a_connection_is_told_apart() {
    let desk = desk(|plan| plan.hold = true);
    let peer = |number| Recipient::One(PeerId(number));
    // Closed with bytes unread: the kernel sends a reset.
    let mut client = desk.client();
    desk.engine.send(Command::Pause(peer(1)));
    assert_eq!(desk.next(), What::Paused(Some(PeerId(1))));
    client.write_all(b"unread").unwrap();
    let seen = |it: &PeerState| it.own.is_some_and(|it| it.unread_bytes == 6);
    portlab_testkit::wait_until("the bytes wait in the kernel", || {
        desk.states().values().any(seen)
    });
    desk.engine.send(Command::Close(peer(1)));
    assert_eq!(desk.next(), offline(1, Ended::ClosedUnread));
    let error = client.read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);

    let mut client = desk.client();
    desk.engine.send(Command::Reset(peer(2)));
    assert_eq!(desk.next(), offline(2, Ended::ResetHere));
    assert!(client.read(&mut [0]).is_err());

    let client = desk.client();
    socket2::SockRef::from(&client)
        .set_linger(Some(Duration::ZERO))
        .unwrap();
    drop(client);
    assert_eq!(desk.next(), offline(3, Ended::Reset));

    // Half-closed here: the client reads the end, and can still send.
    let mut client = desk.client();
    desk.engine.send(Command::HalfClose(peer(4)));
    assert_eq!(desk.next(), What::HalfClosed(PeerId(4)));
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
    client.write_all(b"still").unwrap();
    assert_eq!(desk.next(), received(4, "still"));
    desk.send("no", Pieces::WHOLE);
    assert!(matches!(desk.next(), What::Unsent(..)));
    drop(client);
    assert_eq!(desk.next(), offline(4, Ended::Fin));

    // The peer's FIN leaves the own end in CLOSE-WAIT.
    let client = desk.client();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(desk.next(), What::Fin(PeerId(5)));
    portlab_testkit::wait_until("the kernel has acknowledged the FIN", || {
        let state = desk.states()[&PeerId(5)];
        let states = [state.own, state.peer].map(|it| it.unwrap().state);
        states == ["CLOSE-WAIT", "FIN-WAIT-2"]
    });
    desk.engine.send(Command::Close(peer(5)));
    assert_eq!(desk.next(), offline(5, Ended::ClosedHere));
}

#[test]
fn of_two_clients_from_the_same_port_the_newest_has_the_connection() {
    let desk = desk(|_| ());
    let mut own = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    for number in [1, 2] {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
        let socket = socket.unwrap();
        socket.bind(&own.into()).unwrap();
        socket.connect(&desk.addr.into()).unwrap();
        own = socket.local_addr().unwrap().as_socket().unwrap();
        assert!(matches!(desk.next(), What::Online { addr, .. } if addr == own));
        let states = desk.states();
        assert_eq!(states.keys().collect::<Vec<_>>(), [&PeerId(number)]);
        // The port is free at once.
        socket.set_linger(Some(Duration::ZERO)).unwrap();
        drop(socket);
        assert_eq!(desk.next(), offline(number, Ended::Reset));
    }
}

#[test]
fn a_text_is_sent_in_pieces_with_a_gap_and_the_bytes_arrive_whole() {
    let desk = desk(|_| ());
    let mut client = desk.client();
    let gap = Duration::from_millis(1);
    for (text, most_bytes) in [("abcde", 3), ("xy", 1)] {
        desk.send(text, Pieces { most_bytes, gap });
    }
    for piece in ["abc", "de", "x", "y"] {
        assert_eq!(desk.next(), sent(1, piece, By::Hand));
    }
    let mut all = [0; 7];
    client.read_exact(&mut all).unwrap();
    assert_eq!(&all, b"abcdexy");
}

#[test]
fn a_command_for_a_client_that_is_not_online_names_those_that_are() {
    let desk = desk(|_| ());
    desk.engine.send(Command::Close(Recipient::All));
    let _clients = [
        match desk.next() {
            What::Trouble(_) => desk.client(),
            other => panic!("{other:?}"),
        },
        desk.client(),
    ];
    desk.engine.send(Command::Reset(Recipient::One(PeerId(9))));
    match desk.next() {
        What::Trouble(why) => assert!(
            why.en.contains("never a client #9") && why.en.contains("#1, #2"),
            "{why}"
        ),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_engine_that_is_dropped_ends_although_its_events_are_not_taken() {
    let desk = desk(|_| ());
    let (engine, events) = (desk.engine, desk.events);
    let mut client = TcpStream::connect(desk.addr).unwrap();
    client.write_all(&vec![b'x'; 64 << 20]).unwrap();
    let (sender, ended) = sync_channel(1);
    std::thread::spawn(move || {
        drop(engine);
        sender.send(())
    });
    ended.recv_timeout(PATIENCE).expect("the engine has ended");
    drop(events);
}

#[test]
fn what_a_peer_that_has_reset_was_not_sent_is_counted() {
    let desk = desk(|_| ());
    let client = desk.client();
    // More than the kernel's buffers take.
    let text = "x".repeat(30 << 20);
    desk.send(&text, Pieces::WHOLE);
    let mut sent = match desk.next() {
        What::Sent(_, bytes, _) => bytes.len(),
        other => panic!("{other:?}"),
    };
    let linger = Some(Duration::ZERO);
    socket2::SockRef::from(&client).set_linger(linger).unwrap();
    drop(client);
    let why = loop {
        match desk.next() {
            What::Sent(_, bytes, _) => sent += bytes.len(),
            What::Unsent(_, why) => break why,
            other => panic!("{other:?}"),
        }
    };
    let rest = text.len() - sent;
    assert!(rest > 0 && why.en.contains(&rest.to_string()), "{why}");
    assert_eq!(desk.next(), offline(1, Ended::Reset));
}

#[test]
fn a_peer_that_sends_and_never_reads_does_not_fill_the_memory_with_answers() {
    let desk = desk(|plan| plan.echo = true);
    let mut client = desk.client();
    client
        .set_write_timeout(Some(Duration::from_millis(300)))
        .unwrap();
    let flood = vec![b'x'; 1 << 20];
    // The kernel's buffers take some, and then TCP stops the client.
    let mut written = 0_usize;
    while let Ok(count) = client.write(&flood) {
        written += count;
        assert!(written < 256 << 20, "the client is never stopped");
    }
}

#[test]
fn after_the_own_fin_one_row_says_that_answers_are_not_sent_and_after_quit_none() {
    let desk = desk(|plan| plan.echo = true);
    let mut client = desk.client();
    let one = Recipient::One(PeerId(1));
    desk.engine.send(Command::HalfClose(one));
    assert_eq!(desk.next(), What::HalfClosed(PeerId(1)));
    for text in ["a", "b"] {
        client.write_all(text.as_bytes()).unwrap();
        assert_eq!(desk.next(), received(1, text));
        if text == "a" {
            assert!(matches!(desk.next(), What::Unsent(..)));
        }
    }
    drop(client);
    assert_eq!(desk.next(), offline(1, Ended::Fin));
    // A client that never reads keeps the end waiting.
    let mut client = desk.client();
    desk.send(&"x".repeat(16 << 20), Pieces::WHOLE);
    assert!(matches!(desk.next(), What::Sent(..)));
    desk.engine.send(Command::Quit);
    let _ = client.write_all(b"more");
    let rest = std::iter::from_fn(|| Some(desk.next()).filter(|it| *it != What::Stopped));
    let unsent: Vec<_> = rest.filter(|it| matches!(it, What::Unsent(..))).collect();
    let [What::Unsent(_, why)] = &unsent[..] else {
        panic!("{unsent:?}");
    };
    assert!(why.en.contains("still waited"), "{why}");
}

#[test]
fn rules_that_are_added_while_it_runs_answer_until_they_are_dropped() {
    let desk = desk(|_| ());
    let mut client = desk.client();
    let rules = Rules::parse(&["any => yes".to_owned()]).unwrap();
    desk.command(Command::AddRules(rules));
    client.write_all(b"a").unwrap();
    assert_eq!(desk.next(), received(1, "a"));
    assert_eq!(desk.next(), sent(1, "yes", By::Rule(1)));
    desk.command(Command::RulesOff);
    client.write_all(b"b").unwrap();
    assert_eq!(desk.next(), received(1, "b"));
    desk.send("by hand", Pieces::WHOLE);
    assert_eq!(desk.next(), sent(1, "by hand", By::Hand));
}

#[test]
fn reading_that_stops_for_all_stops_for_later_clients_too() {
    let desk = desk(|_| ());
    desk.engine.send(Command::Pause(Recipient::All));
    assert_eq!(desk.next(), What::Paused(None));
    let mut client = desk.client();
    assert_eq!(desk.next(), What::Paused(Some(PeerId(1))));
    client.write_all(b"unread").unwrap();
    // Nothing else happens before the answer to the next command.
    desk.engine.send(Command::Reset(Recipient::One(PeerId(9))));
    assert!(matches!(desk.next(), What::Trouble(_)));
    assert!(desk.log.borrow().is_paused(Recipient::All));
    desk.engine.send(Command::Resume(Recipient::All));
    assert_eq!(desk.next(), What::Resumed(None));
    assert_eq!(desk.next(), received(1, "unread"));
    assert!(!desk.log.borrow().is_paused(Recipient::All));
}

#[test]
fn a_replay_says_once_why_nothing_is_sent() {
    let log = br#"{"event":"online","at_us":1,"peer":1}
{"event":"received","at_us":2,"peer":1,"length":2}
{"event":"sent","at_us":3,"peer":1,"length":2,"hex":"6869","by":"hand"}"#;
    let desk = desk(|plan| plan.replay = Replay::read(log).unwrap());
    let unsent = |part: &str| match desk.next() {
        What::Unsent(Some(_), why) => assert!(why.en.contains(part), "{why}"),
        other => panic!("{other:?}"),
    };
    let mut one = desk.client();
    for text in ["a", "b", "c", "d"] {
        one.write_all(text.as_bytes()).unwrap();
        assert_eq!(desk.next(), received(1, text));
        match text {
            "a" => unsent("after 1 more byte"),
            "b" => assert_eq!(desk.next(), sent(1, "hi", By::Replay)),
            "c" => unsent("no further answer"),
            _ => {}
        }
    }
    let mut two = desk.client();
    two.write_all(b"x").unwrap();
    assert_eq!(desk.next(), received(2, "x"));
    unsent("for 1 client only");
}

#[test]
fn over_udp_reading_stops_for_all_clients() {
    let desk = udp_desk();
    let clients = [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap());
    for (client, number) in clients.iter().zip(1..) {
        client.send_to(b"before", desk.addr).unwrap();
        assert!(matches!(desk.next(), What::Online { .. }));
        assert_eq!(desk.next(), received(number, "before"));
    }
    let one = Recipient::One(PeerId(1));
    desk.engine.send(Command::Pause(one));
    assert_eq!(desk.next(), What::Paused(None));
    clients[1].send_to(b"while", desk.addr).unwrap();
    // Nothing else happens before the answer to the next command.
    desk.engine.send(Command::HalfClose(one));
    assert!(matches!(desk.next(), What::Trouble(_)));
    desk.engine.send(Command::Resume(Recipient::All));
    assert_eq!(desk.next(), What::Resumed(None));
    assert_eq!(desk.next(), received(2, "while"));
}

#[test]
fn after_the_server_has_closed_the_client_is_told_so() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let stream = TcpStream::connect(server.local_addr().unwrap()).unwrap();
    let desk = start(Open::Connected(stream), |_| ());
    assert!(matches!(desk.next(), What::Online { .. }));
    // All means the server, which is the only peer.
    desk.engine.send(Command::Pause(Recipient::All));
    assert_eq!(desk.next(), What::Paused(Some(PeerId(1))));
    desk.engine.send(Command::Resume(Recipient::All));
    assert_eq!(desk.next(), What::Resumed(Some(PeerId(1))));
    drop(server.accept().unwrap());
    assert_eq!(desk.next(), offline(1, Ended::Fin));
    desk.send("x", Pieces::WHOLE);
    let told = desk.next();
    let What::Unsent(None, why) = &told else {
        panic!("{told:?}");
    };
    assert!(why.en.contains("server has ended"), "{why}");
}
