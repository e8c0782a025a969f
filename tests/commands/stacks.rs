//! A model in which each connection has a stack of its own: a stalled loop is named, a panic ends one connection, a connection
//! without a stack is refused, and connections that don't end are unwound at the deadline.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::PathBuf,
};

use portlab_backends::MODELS;
use portlab_sys::{
    limits::{limit_addresses, memory_maps},
    process::status,
    threads::threads,
};
use portlab_testkit::{PATIENCE, Running, command, folder, wait_until, wait_until_read};

/// Starts a server, and returns it with the file of its stderr.
fn serve(name: &str, options: &[&str]) -> (Running, PathBuf) {
    let log = folder(name).join("log");
    let mut models = MODELS.iter();
    let model = models.find(|model| model.most_connections().is_some());
    let model = model.unwrap().sheet().name;
    let mut command = command(&["serve", "--json", "--bind=127.0.0.1:0", "--model", model]);
    command.args(options).env("RUST_BACKTRACE", "1");
    command.stderr(fs::File::create(&log).unwrap());
    (Running::start(&mut command), log)
}

/// Sends a byte. Returns whether it comes back.
fn answers(stream: &mut TcpStream) -> bool {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(b"x").is_ok() && matches!(stream.read(&mut [0; 2]), Ok(1))
}

#[test]
fn a_connection_that_stalls_its_loop_is_named() {
    for (lang, said) in [("en", "stalled the loop"), ("zh", "卡住了")] {
        let name = format!("stall-{lang}");
        let (running, log) = serve(&name, &["--work=block:400ms", "--lang", lang]);
        let mut stalling = running.connect();
        let mut other = running.connect();
        assert!(answers(&mut stalling));
        let client = stalling.local_addr().unwrap().to_string();
        wait_until("the name of the connection", || {
            let log = fs::read_to_string(&log).unwrap();
            log.lines()
                .any(|line| line.contains(&client) && line.contains(said))
        });
        let log = fs::read_to_string(&log).unwrap();
        let silent = other.local_addr().unwrap().to_string();
        assert!(!log.contains(&silent), "{log}");
        assert!(answers(&mut other));
    }
}

/// A handler runs on the stack of the loop, so its panic has room to be reported; `RUST_BACKTRACE` is set, and changes nothing.
#[test]
fn a_panic_ends_only_its_connection() {
    let (mut running, _) = serve("stack-panic", &["--work=panic"]);
    for _ in 0..3 {
        assert!(!answers(&mut running.connect()));
    }
    assert!(running.stop().success());
    let stopped = running.event();
    assert_eq!(stopped["connections"]["panicked"], 3, "{stopped}");
}

#[test]
fn a_connection_without_a_stack_is_refused_and_the_server_goes_on() {
    let (mut running, log) = serve("no-stack", &[]);
    let mut first = running.connect();
    assert!(answers(&mut first));
    // A thread that is just starting reserves addresses.
    wait_until("that all threads sleep", || {
        let threads = threads(running.pid()).unwrap();
        threads.len() == 2 && threads.iter().all(|it| it.state == 'S')
    });
    let size = status(running.pid(), "VmSize").unwrap();
    let kilobytes: u64 = size.split(' ').next().unwrap().parse().unwrap();
    // Enough for some thirty stacks.
    limit_addresses(running.pid(), kilobytes * 1024 + (2 << 20)).unwrap();
    let mut clients: Vec<_> = (0..100).map(|_| running.connect()).collect();
    let served: Vec<_> = clients.iter_mut().map(answers).collect();
    let count = served.iter().filter(|it| **it).count();
    assert!((10..60).contains(&count), "{count} of 100 were served");
    let said = fs::read_to_string(&log).unwrap();
    for part in ["can't make a stack", "64 KiB", "vm.max_map_count"] {
        assert!(said.contains(part), "{said}");
    }
    assert!(answers(&mut first));
    // The stacks of connections that have ended are used again.
    drop(clients);
    wait_until("a stack", || answers(&mut running.connect()));
    assert!(running.stop().success());
}

/// More connections than the kernel allows stacks for are refused as above any other limit.
#[test]
fn the_limit_of_memory_maps_is_a_limit_of_connections() {
    let (running, log) = serve("few-maps", &["--max-connections=10M"]);
    let limit = running.listening["limits"]["connections"].as_u64().unwrap();
    let maps = memory_maps().unwrap();
    assert!((maps / 4..maps / 2).contains(&limit), "{limit} of {maps}");
    let said = fs::read_to_string(&log).unwrap();
    assert!(
        said.contains(&format!("{limit} connections instead of")),
        "{said}"
    );
    let (running, log) = serve("enough-maps", &["--max-connections=10"]);
    assert_eq!(running.listening["limits"]["connections"], 10);
    assert_eq!(fs::read_to_string(&log).unwrap(), "");
}

#[test]
fn what_waits_beyond_the_deadline_is_unwound() {
    let (mut running, log) = serve("unwound", &["--work=wait:10m", "--drain=300ms"]);
    let mut clients: Vec<_> = (0..3).map(|_| running.connect()).collect();
    for client in &mut clients {
        client.write_all(b"x").unwrap();
    }
    clients.iter().for_each(wait_until_read);
    assert!(running.stop().success());
    let log = fs::read_to_string(&log).unwrap();
    assert!(!log.contains("panicked"), "{log}");
    let stopped = running.event();
    assert_eq!(stopped["cut"], 3, "{stopped}");
    // What was on their stacks was dropped.
    assert_eq!(stopped["connections"]["active"], 0, "{stopped}");
}
