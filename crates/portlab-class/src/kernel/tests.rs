use std::net::{TcpListener, TcpStream};

use super::*;

fn socket(local: &str, remote: &str, state: State, inode: u64) -> Socket {
    Socket {
        local: local.parse().unwrap(),
        remote: remote.parse().unwrap(),
        state,
        unread: 3,
        unsent: 5,
        inode,
        time_left: None,
    }
}

fn port(port: u16) -> Port {
    let name = Text::new("threads", "threads");
    Port { port, name }
}

/// The view of `sockets` at ports 80 and 90.
fn view_of(sockets: &[Socket]) -> View {
    let ports = vec![port(80), port(90)];
    let placed = |it: &Socket| Some((place(it, &ports)?, it.clone()));
    let all = sockets.iter().filter_map(placed).collect();
    let listening = Listening {
        local: "127.0.0.1:80".parse().unwrap(),
        backlog: 128,
        is_v6_only: false,
    };
    let holder = |pid| Holder {
        name: "portlab".to_owned(),
        pid,
    };
    let known = Known {
        holders: HashMap::from([(7, vec![holder(4), holder(5)])]),
        listening: HashMap::from([(7, listening)]),
    };
    view(ports, all, &known)
}

#[test]
fn a_connection_is_two_neighbours_below_the_listener() {
    let client = "127.0.0.1:40000";
    let none = "0.0.0.0:0";
    let seen = view_of(&[
        socket("127.0.0.1:80", "127.0.0.1:39999", State::TimeWait, 0),
        socket(client, "127.0.0.1:80", State::Established, 9),
        socket("[::ffff:127.0.0.1]:80", client, State::Established, 0),
        socket("127.0.0.1:22", client, State::Established, 0),
        socket("127.0.0.1:80", none, State::Listen, 7),
    ]);
    let rows: Vec<_> = seen
        .rows
        .iter()
        .map(|it| (&*it.local, &*it.remote, it.is_server))
        .collect();
    let expected = [
        ("127.0.0.1:80", "*", true),
        ("127.0.0.1:80", client, true),
        (client, "127.0.0.1:80", false),
        ("127.0.0.1:80", "127.0.0.1:39999", true),
    ];
    assert_eq!(rows, expected);
    let listener = &seen.rows[0];
    assert_eq!((listener.recv_q, listener.send_q), (3, Some(128)));
    let process = listener.process.as_ref().unwrap();
    assert_eq!(
        (process.pid, process.others, process.is_page),
        (4, 1, false)
    );
    assert_eq!(seen.rows[1].process, None);
    let states = [("ESTABLISHED", 2), ("LISTEN", 1), ("TIME-WAIT", 1)];
    assert_eq!(seen.states, BTreeMap::from(states));
    assert_eq!(seen.more, 0);
}

#[test]
fn a_flood_at_one_port_hides_no_other_and_is_counted() {
    let mut all: Vec<_> = (1..=300)
        .map(|number| {
            let client = format!("127.0.0.1:{}", 40_000 + number);
            socket("127.0.0.1:80", &client, State::Established, number)
        })
        .collect();
    all.push(socket("127.0.0.1:90", "0.0.0.0:0", State::Listen, 1_000));
    let seen = view_of(&all);
    assert_eq!(seen.rows.len() + seen.more, 301);
    assert!(seen.rows.len() <= MOST_ROWS);
    assert_eq!(seen.rows.last().unwrap().local, "127.0.0.1:90");
}

#[test]
fn the_kernel_lists_a_connection_that_waits_to_be_accepted_without_a_process() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let ports = Ports::default();
    let name = Text::new("a test", "测试");
    ports.show(Owner::Console, Some((addr.port(), name)));
    let client = TcpStream::connect(addr).unwrap();
    let own = client.local_addr().unwrap().to_string();
    let mut known = Known::default();
    let looks = || {
        let seen = known.look(&ports);
        let waits = |it: &Row| it.remote == own && it.process.is_none();
        let queue = |it: &Row| it.state == "LISTEN" && it.recv_q == 1;
        let is_page = |it: &Row| it.process.as_ref().is_some_and(|it| it.is_page);
        seen.rows.iter().any(waits)
            && seen.rows.iter().any(queue)
            && seen.rows.iter().any(|it| it.local == own && is_page(it))
    };
    portlab_testkit::wait_until("the connection waits", looks);
    ports.show(Owner::Console, None);
    assert_eq!(known.look(&ports).rows, []);
}
