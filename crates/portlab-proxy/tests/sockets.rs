//! The effects of the faults on both peers, over loopback. All times are lower bounds.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, TcpStream},
    thread,
    time::{Duration, Instant},
};

use portlab_proxy::{Options, Proxy, Settings};
use portlab_testkit::{PATIENCE, free_addr, listener, wait_until, wait_until_closed};
use portlab_words::Text;

/// A client and a server's socket, with a proxy between them.
fn connected(lines: &[&str]) -> (TcpStream, TcpStream, Proxy) {
    let listener = portlab_testkit::listener();
    let proxy = Proxy::before(listener.local_addr().unwrap(), lines).unwrap();
    let client = connect(&proxy);
    let (server, _) = listener.accept().unwrap();
    server.set_read_timeout(Some(PATIENCE)).unwrap();
    (client, server, proxy)
}

fn connect(proxy: &Proxy) -> TcpStream {
    let client = TcpStream::connect(proxy.addr()).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    client
}

fn read(stream: &mut TcpStream, length: usize) -> String {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// All further input of `stream`, and the error at its end.
fn rest(stream: &mut TcpStream) -> (String, Option<ErrorKind>) {
    let mut text = Vec::new();
    let error = stream.read_to_end(&mut text).err().map(|it| it.kind());
    (String::from_utf8(text).unwrap(), error)
}

fn set(proxy: &Proxy, lines: &[&str]) {
    proxy.set(Settings::of(lines).unwrap()).unwrap();
}

#[test]
fn without_faults_a_megabyte_passes_both_ways_and_so_does_a_half_close() {
    let (mut client, mut server, proxy) = connected(&[]);
    let sent = "0123456789abcdef".repeat(1 << 16);
    let echo = thread::spawn(move || std::io::copy(&mut server.try_clone().unwrap(), &mut server));
    let mut writer = client.try_clone().unwrap();
    let text = sent.clone();
    thread::spawn(move || {
        writer.write_all(text.as_bytes()).unwrap();
        writer.shutdown(Shutdown::Write).unwrap();
    });
    assert!(rest(&mut client) == (sent, None));
    echo.join().unwrap().unwrap();
    wait_until("the proxy has counted it", || proxy.counts().open == 0);
    let counts = proxy.counts();
    assert_eq!(
        (counts.connections, counts.up_bytes, counts.down_bytes),
        (1, 1 << 20, 1 << 20)
    );
}

#[test]
fn a_server_sees_each_fault() {
    // The client sends "abcdef" and closes its half. Expected: what arrives, the error at the end, and the least ms.
    for (lines, expected, error, ms) in [
        (
            &["latency up:60ms", "jitter up:10ms"][..],
            "abcdef",
            None,
            50,
        ),
        (&["bandwidth up:100"], "abcdef", None, 40),
        (&["slicer up:1,10ms"], "abcdef", None, 50),
        (&["flip up:2"], "acceeg", None, 0),
        (&["half_close up:3"], "abc", None, 0),
        (&["limit_data up:3"], "abc", None, 0),
        (
            &["reset_peer up:3"],
            "abc",
            Some(ErrorKind::ConnectionReset),
            0,
        ),
        (&["timeout 0s"], "", None, 0),
        (&["slow_close up:50ms"], "abcdef", None, 50),
    ] {
        let begin = Instant::now();
        let (mut client, mut server, proxy) = connected(lines);
        client.write_all(b"abcdef").unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let (text, ended) = rest(&mut server);
        assert_eq!((text.as_str(), ended), (expected, error), "{lines:?}");
        assert!(begin.elapsed() >= Duration::from_millis(ms), "{lines:?}");
        wait_until("the proxy has counted it", || {
            proxy.counts().up_bytes == expected.len() as u64
        });
        assert_eq!(
            proxy.counts().resets,
            u64::from(error.is_some()),
            "{lines:?}"
        );
        // With all other faults, the server can still answer.
        let ended = ["limit_data up:3", "reset_peer up:3", "timeout 0s"].contains(&lines[0]);
        let _ = server.write_all(b"answer");
        drop(server);
        let (text, client_error) = rest(&mut client);
        assert_eq!(text, if ended { "" } else { "answer" }, "{lines:?}");
        assert_eq!(client_error, error, "{lines:?}");
    }
}

#[test]
fn a_timeout_closes_both_sides() {
    let begin = Instant::now();
    let (mut client, mut server, _proxy) = connected(&["timeout 80ms"]);
    client.write_all(b"lost").unwrap();
    assert_eq!(rest(&mut server), (String::new(), None));
    assert_eq!(rest(&mut client), (String::new(), None));
    assert!(begin.elapsed() >= Duration::from_millis(80));
}

#[test]
fn limited_data_arrives_whole_although_the_client_has_sent_unread_bytes() {
    let (mut client, mut server, proxy) = connected(&["pause up", "limit_data down:600000"]);
    // The proxy doesn't read these bytes. If it closed the socket without reading them, the client would be reset.
    client.write_all(b"unread").unwrap();
    let writer = thread::spawn(move || server.write_all(&[b'a'; 600_000]).map(|()| server));
    // The client reads late: many bytes are still in the proxy's socket when the socket is closed.
    wait_until("the proxy has counted it", || {
        proxy.counts().down_bytes == 600_000
    });
    wait_until_closed(&client);
    let (text, error) = rest(&mut client);
    assert_eq!((text.len(), error), (600_000, None));
    let _ = writer.join();
}

#[test]
fn a_client_that_closes_after_its_half_close_ends_the_servers_connection() {
    let (client, mut server, _proxy) = connected(&[]);
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(rest(&mut server), (String::new(), None));
    drop(client);
    // The first bytes reach the closed client, which resets the connection; then writes fail.
    wait_until("the connection has ended", || {
        server.write_all(b"late bytes").is_err()
    });
}

#[test]
fn a_change_of_faults_applies_to_bytes_under_way() {
    let (mut client, mut server, proxy) = connected(&["latency 1h"]);
    client.write_all(&[b'x'; 100_000]).unwrap();
    set(&proxy, &[]);
    assert_eq!(read(&mut server, 100_000).len(), 100_000);
}

#[test]
fn a_pause_holds_bytes_until_it_ends() {
    let (mut client, mut server, proxy) = connected(&["pause up"]);
    client.write_all(b"held").unwrap();
    // The other direction isn't paused.
    server.write_all(b"down").unwrap();
    assert_eq!(read(&mut client, 4), "down");
    assert_eq!(proxy.counts().up_bytes, 0);
    set(&proxy, &[]);
    assert_eq!(read(&mut server, 4), "held");
}

#[test]
fn a_reset_of_one_side_is_passed_as_a_reset() {
    for lines in [&[][..], &["latency 20ms"]] {
        let (client, mut server, proxy) = connected(lines);
        socket2::SockRef::from(&client)
            .set_linger(Some(Duration::ZERO))
            .unwrap();
        drop(client);
        assert_eq!(rest(&mut server).1, Some(ErrorKind::ConnectionReset));
        wait_until("the proxy has counted it", || {
            proxy.counts().resets_passed == 1
        });
        assert_eq!(proxy.counts().resets, 0);
    }
}

#[test]
fn an_unreachable_target_resets_the_client_and_is_reported_once_a_second() {
    let closed = free_addr();
    let (sender, reports) = std::sync::mpsc::channel();
    let listener = portlab_testkit::listener();
    let begin = Instant::now();
    let report = move |error: &Text| sender.send(error.to_string()).unwrap();
    let proxy = Proxy::start(listener, Options::to(vec![closed]), report).unwrap();
    for _ in 0..20 {
        assert_eq!(
            rest(&mut connect(&proxy)).1,
            Some(ErrorKind::ConnectionReset)
        );
    }
    wait_until("the proxy has counted it", || proxy.counts().open == 0);
    let seconds = begin.elapsed().as_secs() as usize;
    assert_eq!(proxy.counts().failed_targets, 20);
    drop(proxy);
    let reports: Vec<String> = reports.iter().collect();
    assert!(reports[0].contains("refused"), "{reports:?}");
    assert!(reports.len() <= 1 + seconds, "{reports:?}");
}

#[test]
fn a_connection_above_the_limit_is_reset_and_freed_slots_are_used_again() {
    let target = listener();
    let mut options = Options::to(vec![target.local_addr().unwrap()]);
    options.max_connections = 1;
    let listener = portlab_testkit::listener();
    let proxy = Proxy::start(listener, options, |_| {}).unwrap();
    let first = connect(&proxy);
    let server = target.accept().unwrap();
    assert_eq!(
        rest(&mut connect(&proxy)).1,
        Some(ErrorKind::ConnectionReset)
    );
    assert_eq!(proxy.counts().refused, 1);
    drop((first, server));
    wait_until("the proxy has counted it", || proxy.counts().open == 0);
    let mut again = connect(&proxy);
    target.accept().unwrap().0.write_all(b"served").unwrap();
    assert_eq!(read(&mut again, 6), "served");
}

#[test]
fn a_proxy_that_is_dropped_ends_its_connections() {
    let (mut client, mut server, proxy) = connected(&["latency 1h"]);
    client.write_all(b"never comes").unwrap();
    drop(proxy);
    assert_eq!(rest(&mut server).0, "");
    assert_eq!(rest(&mut client).0, "");
}
