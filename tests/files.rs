//! Files on their way to a peer, on every model: what happens if the file shrinks, the peer reads nothing, or the server
//! stops meanwhile.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
};

use portlab_backends::models::runnable;
use portlab_sys::spawn::Signal;
use portlab_testkit::{PATIENCE, Running, folder, named, path, run, trial, wait_until};

/// A test of one model, in a folder of its own.
type Test = fn(model: &str, root: PathBuf);

fn main() {
    let tests: &[(&str, Test)] = named![
        a_file_that_shrinks_ends_its_connection_and_no_other,
        a_peer_that_leaves_ends_its_connection_and_no_other,
        a_peer_that_reads_nothing_is_cut,
        a_file_is_sent_to_its_end_while_the_server_stops,
    ];
    let models = runnable().map(|model| model.sheet().name);
    let trials = models.flat_map(|model| {
        tests.iter().map(move |(name, test)| {
            trial(format!("{model}::{name}"), move || {
                test(model, folder(&format!("{model}-{name}")));
            })
        })
    });
    run(trials.collect());
}

/// A server of two files. The large one has a hole: it takes no disk, and is larger than all buffers on the way.
fn serve(model: &str, root: &Path, more: &str) -> Running {
    let large = File::create(root.join("large"));
    large.unwrap().set_len(LENGTH).unwrap();
    fs::write(root.join("small"), "small").unwrap();
    let (model, root) = (format!("--model={model}"), format!("--root={}", path(root)));
    Running::serve(&["--service=http", &model, &root, more])
}

const LENGTH: u64 = 64 << 20;

/// Asks for the large file, and reads the head of the response. The rest has not been sent yet.
fn ask(server: &Running) -> BufReader<TcpStream> {
    let mut client = BufReader::new(server.connect());
    client.get_ref().set_read_timeout(Some(PATIENCE)).unwrap();
    let request = b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n";
    client.get_mut().write_all(request).unwrap();
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(client.read_line(&mut head).unwrap() > 0, "{head:?}");
    }
    let length = format!("content-length: {LENGTH}\r\n");
    assert!(head.to_lowercase().contains(&length), "{head}");
    client
}

/// How many bytes come until the connection ends or is reset.
fn count(mut client: impl Read) -> u64 {
    let mut buffer = vec![0; 1 << 20];
    let mut count = 0;
    while let Ok(length @ 1..) = client.read(&mut buffer) {
        count += length as u64;
    }
    count
}

/// Waits until the server has counted one of `what`.
fn wait_for_one(server: &mut Running, what: &str) {
    wait_until(what, || {
        server.signal(Signal::USR1);
        server.event()[what].as_u64().unwrap() == 1
    });
}

/// The next client gets its file.
fn serves_on(server: &Running) {
    let mut other = server.connect();
    let request = b"GET /small HTTP/1.0\r\n\r\n";
    other.write_all(request).unwrap();
    let mut response = String::new();
    other.read_to_string(&mut response).unwrap();
    assert!(response.ends_with("\r\n\r\nsmall"), "{response}");
}

fn a_file_that_shrinks_ends_its_connection_and_no_other(model: &str, root: PathBuf) {
    let mut server = serve(model, &root, "--drain=60s");
    let client = ask(&server);
    let file = File::options().write(true).open(root.join("large"));
    file.unwrap().set_len(1000).unwrap();
    let sent = count(client);
    assert!(sent < LENGTH, "{sent} of {LENGTH}");
    wait_for_one(&mut server, "reset");
    serves_on(&server);
}

fn a_peer_that_leaves_ends_its_connection_and_no_other(model: &str, root: PathBuf) {
    let mut server = serve(model, &root, "--drain=60s");
    drop(ask(&server));
    wait_for_one(&mut server, "reset");
    serves_on(&server);
}

fn a_peer_that_reads_nothing_is_cut(model: &str, root: PathBuf) {
    let mut server = serve(model, &root, "--idle-timeout=1s");
    let client = ask(&server);
    wait_for_one(&mut server, "idle_timeouts");
    let sent = count(client);
    assert!(sent < LENGTH, "{sent} of {LENGTH}");
}

fn a_file_is_sent_to_its_end_while_the_server_stops(model: &str, root: PathBuf) {
    let mut server = serve(model, &root, "--drain=60s");
    let client = ask(&server);
    server.signal(Signal::TERM);
    assert_eq!(count(client), LENGTH);
    assert!(server.child.wait().unwrap().success());
}
