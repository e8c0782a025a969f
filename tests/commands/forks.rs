//! The models with processes: too few descriptors or processes, a stopped process, mail that is thrown away on both
//! sides of a line, and a connection that is passed and not taken.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpStream},
    path::PathBuf,
    process::Command,
    thread,
    time::Duration,
};

use portlab_sys::{
    asleep::Asleep,
    meter::{tree, zombies},
    sockets::{holders, sockets_at},
    spawn::{self, Signal},
};
use serde_json::Value;

use portlab_testkit::{PATIENCE, Running, binary, folder, once, wait_until};

/// A running `portlab serve --service chat`.
struct Server {
    running: Running,
    /// Its stderr.
    log: PathBuf,
}

impl Server {
    /// Starts a server, of a chat unless the options name a service, perhaps with a limit of open files.
    fn start(name: &str, open_files: Option<u32>, options: &str) -> Self {
        let log = folder(name).join("log");
        let mut command = Command::new("sh");
        let limit = open_files.map_or_else(String::new, |limit| format!("ulimit -n {limit};"));
        let limited = format!("{limit} exec \"$0\" \"$@\"");
        command.args(["-c", &limited, binary()]);
        command.args(["serve", "--json", "--bind=127.0.0.1:0"]);
        if !options.contains("--service") {
            command.arg("--service=chat");
        }
        command.args(options.split_whitespace());
        command.stderr(fs::File::create(&log).unwrap());
        let running = Running::start(&mut command);
        Self { running, log }
    }

    fn pid(&self) -> i32 {
        self.running.pid()
    }

    /// The broker, which is the first child.
    fn broker(&self) -> i32 {
        once(|| tree(self.pid()).unwrap().get(1).copied().ok_or("no broker"))
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    fn call(&self) -> Member {
        let stream = self.running.connect();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Member(BufReader::new(stream))
    }

    /// Ends the server, and returns its last line.
    fn stop(mut self) -> Value {
        self.running.signal(Signal::TERM);
        let mut rest = String::new();
        self.running.stdout.read_to_string(&mut rest).unwrap();
        let status = self.running.child.wait().unwrap();
        assert!(status.success(), "{}", self.log());
        serde_json::from_str(&rest).unwrap_or_else(|_| panic!("{rest:?} {}", self.log()))
    }
}

struct Member(BufReader<TcpStream>);

impl Member {
    fn send(&mut self, line: &str) {
        writeln!(self.0.get_mut(), "{line}").unwrap();
    }

    /// The next line; empty at the end.
    fn next(&mut self) -> String {
        let mut line = String::new();
        let _ = self.0.read_line(&mut line);
        line.truncate(line.trim_end().len());
        line
    }

    /// Waits for a line with `part`; `false` when the connection ends before.
    fn receives(&mut self, part: &str) -> bool {
        loop {
            let line = self.next();
            if line.is_empty() || line.contains("the rooms are lost") || line.contains(part) {
                return line.contains(part);
            }
        }
    }

    /// Takes a name and is in the lobby.
    fn joins(&mut self, name: &str) -> bool {
        // A server without room may have closed the connection already.
        let _ = writeln!(self.0.get_mut(), "{name}");
        self.receives("you are")
    }
}

/// A worker that alone gets the signal accepts no more, ends when its connections have ended, and is replaced. Other workers
/// serve the later clients.
#[test]
fn a_worker_that_is_told_to_stop_stops_at_once() {
    for model in ["prefork-loop", "passing"] {
        let options = format!("--service=echo --model={model} --workers=2 --drain=10m");
        let server = Server::start(&format!("worker-{model}"), None, &options);
        let echo = |text: &[u8]| {
            let mut stream = server.running.connect();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            stream.write_all(text).unwrap();
            let mut answer = vec![0; text.len()];
            stream.read_exact(&mut answer).unwrap();
            assert_eq!(answer, text, "{model}");
        };
        for _ in 0..3 {
            echo(b"before");
        }
        let workers = tree(server.pid()).unwrap()[1..].to_vec();
        assert_eq!(workers.len(), 2, "{model}");
        for worker in workers {
            spawn::signal_pid(worker, Signal::TERM).unwrap();
            wait_until("another worker", || {
                let now = tree(server.pid()).unwrap();
                now.len() == 3 && !now.contains(&worker)
            });
            for _ in 0..10 {
                echo(b"after");
            }
        }
        let stopped = server.stop();
        assert_eq!(
            stopped["connections"]["accept_errors"], 0,
            "{model}: {stopped}"
        );
    }
}

/// A signal may come to a child at its first instruction, when it still has its parent's list of the sockets to be shut.
#[test]
fn a_signal_to_a_new_child_does_not_shut_the_listener() {
    let server = Server::start("new-children", None, "--service=echo --model=fork");
    let (pid, addr) = (server.pid(), server.running.addr);
    let dials = thread::spawn(move || {
        (0..300).for_each(|_| drop(TcpStream::connect(addr).unwrap()));
    });
    while !dials.is_finished() {
        for child in &tree(pid).unwrap()[1..] {
            // It fails if the child has ended.
            let _ = spawn::signal_pid(*child, Signal::TERM);
        }
    }
    dials.join().unwrap();
    assert!(server.stop()["connections"]["accepted"].as_u64() > Some(0));
}

/// The parent gets the signal first and shuts the listener. The workers' `accept` then fails, and the workers don't count that as
/// an error.
#[test]
fn a_stop_is_no_failure_to_accept() {
    for _ in 0..8 {
        let server = Server::start("stop-loops", None, "--service=echo --model=prefork-loop");
        let log = server.log.clone();
        let stopped = server.stop();
        assert_eq!(stopped["connections"]["accept_errors"], 0, "{stopped}");
        assert_eq!(fs::read_to_string(log).unwrap(), "");
    }
}

#[test]
fn a_pool_of_more_workers_than_descriptors_has_fewer_workers_and_logs_it_once() {
    let server = Server::start("pool", Some(64), "--model=prefork --workers=100");
    wait_until("the shortage is logged", || {
        server.log().contains(" of 100 workers run: ")
    });
    let log = server.log();
    let running = log.trim_start_matches("portlab: ").split(' ').next();
    let running: usize = running.unwrap().parse().unwrap();
    assert!((30..64).contains(&running), "{log}");
    for remedy in ["64 open files", "ulimit -n", "--workers"] {
        assert!(log.contains(remedy), "{log}");
    }
    // Each of the workers serves, and no other takes a client from them.
    let mut members: Vec<_> = (0..running).map(|_| server.call()).collect();
    for (number, member) in members.iter_mut().enumerate() {
        assert!(member.joins(&format!("m{number}")), "{number} of {running}");
    }
    // A killed worker's slot is filled again, shortage or not.
    let (broker, workers) = (server.broker(), tree(server.pid()).unwrap());
    let lost = *workers.last().unwrap();
    assert_ne!(lost, broker);
    spawn::signal_pid(lost, Signal::KILL).unwrap();
    wait_until("the slot is filled again", || {
        let now = tree(server.pid()).unwrap();
        let no_zombies = zombies(server.pid()).unwrap().is_empty();
        no_zombies && !now.contains(&lost) && now.len() == workers.len()
    });
    assert!(server.call().joins("next"));
    drop(members);
    assert_eq!(server.log().lines().count(), 1, "{}", server.log());
    let stopped = server.stop();
    assert_eq!(stopped["cut"], 0);
    // The killed worker's connection is counted too.
    assert_eq!(stopped["connections"]["active"], 0, "{stopped}");
}

#[test]
fn a_client_without_a_line_is_closed_with_a_log_line() {
    let server = Server::start("line", Some(64), "--model=fork");
    let mut members: Vec<_> = (0..70).map(|_| server.call()).collect();
    let numbered = members.iter_mut().enumerate();
    let inside = numbered.filter_map(|(at, it)| it.joins(&format!("m{at}")).then_some(()));
    let inside = inside.count();
    assert!((30..64).contains(&inside), "{inside} of 70 are inside");
    let log = server.log();
    assert!(log.contains("64 open files"), "{log}");
    drop(members);
    wait_until("a client is served again", || server.call().joins("again"));
    assert_eq!(server.stop()["cut"], 0);
}

#[test]
fn a_broker_without_descriptors_is_started_again_and_the_reason_is_logged() {
    let server = Server::start("broker", None, "--model=fork");
    let broker = server.broker();
    // The parent has more files open now than the next broker may have.
    portlab_sys::limits::limit_open_files(server.pid(), 8).unwrap();
    spawn::signal_pid(broker, Signal::KILL).unwrap();
    wait_until("the reason is logged", || {
        let log = server.log();
        log.contains("can't start another broker") || log.contains("the broker can't go on")
    });
    portlab_sys::limits::limit_open_files(server.pid(), 64).unwrap();
    wait_until("the rooms are back", || server.call().joins("again"));
    assert!(server.log().lines().count() < 20, "{}", server.log());
    server.stop();
}

#[test]
fn a_stopped_broker_stops_neither_the_parent_nor_its_children() {
    let server = Server::start("stopped", None, "--model=fork --drain=60s");
    let mut early = server.call();
    assert!(early.joins("early"));
    let broker = server.broker();
    spawn::signal_pid(broker, Signal::STOP).unwrap();
    // More than the socket to the broker holds; the others are closed, and all are accepted.
    let mut crowd: Vec<_> = (0..400).map(|_| server.call()).collect();
    let lines = crowd.iter_mut().map(Member::next);
    let closed = lines.filter(String::is_empty).count();
    assert!((1..400).contains(&closed), "{closed} of 400");
    assert!(server.log().contains("the broker takes no lines now"));
    drop(crowd);
    // A member's line fills up; its process waits, and still ends when the server stops.
    let mut talker = early.0.get_ref().try_clone().unwrap();
    let brief = Some(Duration::from_millis(300));
    talker.set_write_timeout(brief).unwrap();
    let line = [&[b'x'; 1000][..], b"\n"].concat();
    while talker.write_all(&line).is_ok() {}
    wait_until("all that ended are reaped", || {
        zombies(server.pid()).unwrap().is_empty()
    });
    spawn::signal_pid(broker, Signal::CONT).unwrap();
    wait_until("clients are served again", || server.call().joins("again"));
    // Stopped processes end with the server, long before its deadline.
    for pid in tree(server.pid()).unwrap().split_off(1) {
        let _ = spawn::signal_pid(pid, Signal::STOP);
    }
    assert_eq!(server.stop()["cut"], 0);
}

#[test]
fn a_member_gets_a_message_about_each_line_that_is_counted_as_missed() {
    // A stopped process leaves its mail to the broker's mailbox, another one to its own.
    for (model, is_stopped) in [("fork", false), ("prefork", true), ("passing", true)] {
        let (told, received, stopped) = missing(model, is_stopped, true);
        assert!(told > 0, "{model}: {received} received");
        assert_eq!(told + received, LINES, "{model}");
        assert_eq!(stopped["mail"]["missed"], told, "{model}: {stopped}");
    }
    // A killed process has counted the mail that it threw away.
    let (_, _, stopped) = missing("fork", false, false);
    let missed = stopped["mail"]["missed"].as_u64().unwrap();
    assert!((LINES / 10..LINES).contains(&missed), "{stopped}");
}

#[test]
fn a_member_behind_a_full_line_is_dropped_with_a_message_and_the_line_serves_the_next() {
    for model in ["fork", "prefork", "passing"] {
        let (server, mut members, process) = three(model, "--output-limit=64KiB");
        let [silent, alice, bob] = &mut members;
        spawn::signal_pid(process, Signal::STOP).unwrap();
        while !{
            alice.send(&format!("{:0>1000}", 1));
            bob.next().contains("silent was dropped")
        } {}
        spawn::signal_pid(process, Signal::CONT).unwrap();
        assert!(silent.receives("you read too slowly"), "{model}");
        drop(members);
        for name in ["a", "b", "c"] {
            assert!(server.call().joins(name), "{model}");
        }
        let stopped = server.stop();
        assert_eq!(stopped["mail"]["members_dropped"], 1, "{model}: {stopped}");
    }
}

#[test]
fn a_connection_that_was_passed_and_not_taken_ends_with_its_worker_and_is_counted() {
    let mut command = Command::new(binary());
    command.args(["serve", "--json", "--bind=127.0.0.1:0", "--model=passing"]);
    let mut server = Running::start(command.arg("--workers=1"));
    let answer = |stream: &mut TcpStream| {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(b"ping").unwrap();
        let mut answer = [0; 4];
        stream.read_exact(&mut answer).map(|()| answer)
    };
    let mut first = server.connect();
    assert_eq!(answer(&mut first).unwrap(), *b"ping");
    first.shutdown(Shutdown::Write).unwrap();
    assert_eq!(first.read(&mut [0]).unwrap(), 0);
    // The worker is free, and is stopped while it waits for the next connection.
    let worker = tree(server.pid()).unwrap()[1];
    wait_until("the worker waits", || Asleep::look(&[worker]).is_some());
    spawn::signal_pid(worker, Signal::STOP).unwrap();
    wait_until("the worker is stopped", || {
        let stat = fs::read_to_string(format!("/proc/{worker}/stat")).unwrap();
        stat.contains(") T ")
    });
    let mut passed = server.connect();
    let port = passed.local_addr().unwrap().port();
    wait_until("it is on its way: accepted, and held by no process", || {
        let all = sockets_at(server.addr.port()).unwrap();
        let its = all.iter().find(|socket| socket.remote.port() == port);
        its.is_some_and(|it| it.inode != 0 && !holders().contains_key(&it.inode))
    });
    spawn::signal_pid(worker, Signal::KILL).unwrap();
    assert!(answer(&mut passed).is_err(), "the connection has ended");
    // The slot is filled again.
    assert_eq!(answer(&mut server.connect()).unwrap(), *b"ping");
    server.signal(Signal::TERM);
    let mut last = String::new();
    server.stdout.read_to_string(&mut last).unwrap();
    let last: Value = serde_json::from_str(&last).unwrap();
    assert_eq!(last["connections"]["accepted"], 3, "{last}");
    assert_eq!(last["connections"]["active"], 0, "{last}");
}

/// How many lines of 1000 bytes are sent: more than all the buffers on the way hold.
const LINES: u64 = 8_000;

/// A member doesn't read, and its process may be stopped meanwhile; then the member reads everything, or its process is
/// killed. Returns how many lines the member missed by its messages, how many it received, and the server's last line.
fn missing(model: &str, is_stopped: bool, reads: bool) -> (u64, u64, Value) {
    let options = "--overflow=drop-oldest --output-limit=64KiB";
    let (server, mut members, process) = three(model, options);
    let [silent, alice, bob] = &mut members;
    assert!(silent.receives("bob joined") && alice.receives("bob joined"));
    if is_stopped {
        spawn::signal_pid(process, Signal::STOP).unwrap();
    }
    for number in 0..LINES {
        alice.send(&format!("{number:0>1000}"));
        bob.next();
    }
    if is_stopped {
        spawn::signal_pid(process, Signal::CONT).unwrap();
    }
    let (mut told, mut received) = (0, 0);
    if !reads {
        spawn::signal_pid(process, Signal::KILL).unwrap();
        assert!(bob.receives("silent"));
        return (told, received, server.stop());
    }
    alice.send("the last one");
    loop {
        let line = silent.next();
        match line.strip_prefix("* you have missed ") {
            Some(rest) => told += rest.split(' ').next().unwrap().parse::<u64>().unwrap(),
            None if line.ends_with("the last one") => break,
            None => received += 1,
        }
        assert!(!line.is_empty(), "{model}: the end, after {received} lines");
    }
    (told, received, server.stop())
}

/// A server with three members, and the process that serves the first.
fn three(model: &str, options: &str) -> (Server, [Member; 3], i32) {
    let options = format!("--model={model} --workers=3 {options}");
    let server = Server::start(&format!("{model}-{}", options.len()), None, &options);
    let members = ["silent", "alice", "bob"].map(|name| {
        let mut member = server.call();
        assert!(member.joins(name));
        member
    });
    let process = process_of(&server, &members[0]);
    (server, members, process)
}

/// The process that serves `member`.
fn process_of(server: &Server, member: &Member) -> i32 {
    let addr = server.running.addr;
    let peer = member.0.get_ref().local_addr().unwrap();
    let sockets = sockets_at(addr.port()).unwrap();
    let mut its = sockets.iter().filter(|it| it.local.port() == addr.port());
    let its = its.find(|it| it.remote.port() == peer.port()).unwrap();
    let family = tree(server.pid()).unwrap();
    let holders = &holders()[&its.inode];
    let is_child = |pid: &i32| family.contains(pid);
    holders.iter().map(|it| it.pid).find(is_child).unwrap()
}
