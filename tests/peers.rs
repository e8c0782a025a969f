//! The echo servers of `docs/peers/` are worth comparing: each returns every byte, bears half-closes,
//! resets and a client that doesn't read, and ends in order. A peer whose program isn't here is
//! ignored, and says so.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{self, ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    path::PathBuf,
    process::Command,
    thread,
    time::Duration,
};

use libtest_mimic::{Failed, Trial};
use portlab_sys::{
    meter,
    spawn::{Signal, signal},
};
use portlab_testkit::{Foreign, PATIENCE, folder, free_addr, once, root, wait_until};

fn main() {
    let listed = Listed::by_the_script();
    let mut trials = vec![
        Trial::test("the_table_of_peers_is_the_folder", table),
        Trial::test("every_peer_tells_its_story", stories),
    ];
    for name in files().into_keys() {
        trials.push(match listed.commands.get(&name).cloned() {
            Some(command) => {
                let title = name.clone();
                Trial::test(title, move || peer(&name, &command))
            }
            None => {
                let why = listed.why_not(&name);
                let missing = listed.left_out(&name);
                let unlisted = move || Err(format!("compare.sh doesn't know it: {why}").into());
                let title = format!("{name} (skipped: {})", listed.why_not(&name));
                Trial::test(title, unlisted).with_ignored_flag(missing)
            }
        });
    }
    portlab_testkit::run(trials);
}

/// What must be true of every peer.
fn peer(name: &str, command: &str) -> Result<(), Failed> {
    let peer = Peer::start(name, command);
    let addr = peer.server.addr;
    peer.load(&["--messages=400", "--size=1..100000"]);
    peer.load(&["--messages=400", "--size=1", "--depth=5"]);
    peer.load(&["--messages=200", "--per-connection=2", "--reset"]);
    everything_comes_back_after_a_half_close(addr)?;
    a_client_that_does_not_read_is_not_read(addr)?;
    a_reset_leaves_other_connections_alone(addr)?;
    wait_until("children of clients that have gone are reaped", || {
        meter::tree(peer.server.pid()).unwrap().len() == 1
    });

    // With clients that are there and others that have just gone.
    let clients: Vec<_> = (0..20).map(|_| greeted(addr)).collect::<Result<_, _>>()?;
    peer.ends_in_order(Signal::TERM);
    drop(clients);
    Peer::start(&format!("{name}-2"), command).ends_in_order(Signal::INT);
    Ok(())
}

fn everything_comes_back_after_a_half_close(addr: SocketAddr) -> Result<(), Failed> {
    let stream = connect(addr)?;
    let bytes: Vec<u8> = (0..300_000_u32).map(|at| (at * 31 % 251) as u8).collect();
    let mut back = Vec::new();
    thread::scope(|scope| {
        let sender = scope.spawn(|| {
            (&stream).write_all(&bytes)?;
            stream.shutdown(Shutdown::Write)
        });
        (&stream).read_to_end(&mut back)?;
        sender.join().map_err(|_| io::Error::other("panicked"))?
    })
    .map_err(|error| format!("half-close: {error} after {} bytes", back.len()))?;
    match back == bytes {
        true => Ok(()),
        false => Err(format!("half-close: {} other bytes came back", back.len()).into()),
    }
}

/// A server without back-pressure reads on, and keeps in its memory what nobody takes.
fn a_client_that_does_not_read_is_not_read(addr: SocketAddr) -> Result<(), Failed> {
    // More than the sockets' buffers at both ends can hold.
    const TOO_MUCH: usize = 64 << 20;
    let mut stream = connect(addr)?;
    stream.set_write_timeout(Some(Duration::from_millis(500)))?;
    let (chunk, mut sent) = ([b'x'; 64 << 10], 0);
    while sent < TOO_MUCH {
        match stream.write(&chunk) {
            Ok(length) => sent += length,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => return Err(format!("not reading: {error} after {sent} bytes").into()),
        }
    }
    if sent >= TOO_MUCH {
        return Err(format!("it read {sent} bytes of a client that reads nothing").into());
    }
    stream.shutdown(Shutdown::Write)?;
    let back = io::copy(&mut stream, &mut io::sink())?;
    match back == sent as u64 {
        true => Ok(()),
        false => Err(format!("{sent} bytes were sent, and {back} came back").into()),
    }
}

fn a_reset_leaves_other_connections_alone(addr: SocketAddr) -> Result<(), Failed> {
    let mut bystander = greeted(addr)?;
    for _ in 0..50 {
        let mut stream = connect(addr)?;
        // In mid-answer: there is more on its way than is ever read.
        stream.write_all(&[b'x'; 50_000])?;
        socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
    }
    greet(&mut bystander).map_err(|error| format!("after resets, an old client: {error}"))?;
    greeted(addr).map_err(|error| format!("after resets, a new client: {error}"))?;
    Ok(())
}

fn connect(addr: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(addr)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// A connection that has been served.
fn greeted(addr: SocketAddr) -> io::Result<TcpStream> {
    let mut stream = connect(addr)?;
    greet(&mut stream)?;
    Ok(stream)
}

fn greet(stream: &mut TcpStream) -> io::Result<()> {
    let mut back = [0; 5];
    stream.write_all(b"hello")?;
    stream.read_exact(&mut back)?;
    match &back {
        b"hello" => Ok(()),
        _ => Err(io::Error::other(format!("{back:?} came back"))),
    }
}

/// A running peer.
struct Peer {
    server: Foreign,
    said: PathBuf,
}

impl Peer {
    /// Starts `command` on a free port.
    fn start(name: &str, command: &str) -> Self {
        let addr = free_addr();
        let said = folder(name).join("said");
        let output = File::create(&said).unwrap();
        let mut shell = Command::new("sh");
        // The peer takes the shell's place, and its number.
        let line = command.replace("{port}", &addr.port().to_string());
        shell.args(["-c", &format!("exec {line}")]);
        shell.current_dir(root());
        shell.stdout(output.try_clone().unwrap()).stderr(output);
        let server = Foreign::start(&mut shell, addr);
        Self { server, said }
    }

    /// Loads it over 20 connections; every byte of every answer is checked.
    fn load(&self, options: &[&str]) {
        let all = ["--connections=20", "--warmup=0s", "--plain"];
        self.server.load(&[&all[..], options].concat());
    }

    /// `ending` ends it with status 0, without a word, and no child of it stays.
    fn ends_in_order(mut self, ending: Signal) {
        let tree = meter::tree(self.server.pid()).unwrap().into_iter();
        let family: Vec<_> = tree.filter_map(|pid| Some((pid, born(pid)?))).collect();
        signal(&mut self.server.child, ending).unwrap();
        let status = once(|| self.server.child.try_wait().unwrap().ok_or("it runs on"));
        let said = fs::read_to_string(&self.said).unwrap();
        assert!(status.success(), "{ending:?}: {status}: {said}");
        wait_until("its children are gone", || {
            let is_gone = |(pid, time): &(i32, String)| born(*pid).as_ref() != Some(time);
            family.iter().all(is_gone)
        });
        assert_eq!(said, "", "{ending:?}: it isn't quiet");
    }
}

/// When process `pid` was started, which tells it from a later one of this number; `None` if it has
/// ended.
fn born(pid: i32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit(')').next()?.split_whitespace();
    let state = fields.next()?;
    fields.nth(18).filter(|_| state != "Z").map(str::to_owned)
}

/// What `compare.sh --list` says.
struct Listed {
    commands: BTreeMap<String, String>,
    complaints: String,
}

impl Listed {
    fn by_the_script() -> Self {
        let mut script = Command::new("bash");
        script.args(["docs/peers/compare.sh", "--list"]);
        let output = script.current_dir(root()).output().unwrap();
        let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "compare.sh --list: {complaints}");
        let text = String::from_utf8(output.stdout).unwrap();
        let pairs = text.lines().map(|line| line.split_once('\t').unwrap());
        Self {
            commands: pairs
                .map(|(name, command)| (name.into(), command.into()))
                .collect(),
            complaints,
        }
    }

    fn left_out(&self, name: &str) -> bool {
        self.complaints.contains(&format!("left out: {name}: "))
    }

    fn why_not(&self, name: &str) -> String {
        let start = format!("left out: {name}: ");
        let reason = self
            .complaints
            .lines()
            .find_map(|line| line.strip_prefix(&start));
        reason.unwrap_or("no word of it").to_owned()
    }
}

/// The peers by name, from their files.
fn files() -> BTreeMap<String, String> {
    let files = fs::read_dir(root().join("docs/peers")).unwrap().flatten();
    let names = files.map(|file| file.file_name().into_string().unwrap());
    let peers =
        names.filter(|name| !["README.md", "compare.sh", "__pycache__"].contains(&name.as_str()));
    peers
        .map(|file| (file.split('.').next().unwrap().replace('_', "-"), file))
        .collect()
}

/// The README's table: the file, and the model that is its kin.
fn rows() -> Vec<(String, String)> {
    let page = read("README.md");
    let rows = page.lines().filter(|line| line.starts_with("| [`"));
    rows.map(|row| {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let file = cells[1].split('`').nth(1).unwrap();
        assert_eq!(cells[1], format!("[`{file}`]({file})"));
        (file.to_owned(), cells[3].trim_matches('`').to_owned())
    })
    .collect()
}

fn table() -> Result<(), Failed> {
    let listed: BTreeSet<_> = rows().into_iter().map(|(file, _)| file).collect();
    assert_eq!(
        listed,
        files().into_values().collect(),
        "README.md, and the folder"
    );
    let script = read("compare.sh");
    let models = script.lines().find_map(|line| line.strip_prefix("models="));
    let models: Vec<_> = models.unwrap().split(',').collect();
    for (file, kin) in rows() {
        assert!(
            models.contains(&kin.as_str()),
            "{file}'s kin isn't compared: {kin}"
        );
    }
    for model in models {
        assert!(portlab_backends::find(model).is_some(), "{model}");
    }
    Ok(())
}

fn stories() -> Result<(), Failed> {
    for (file, kin) in rows() {
        let text = read(&file);
        let kin = format!("portlab's kin: `{kin}`");
        for part in [
            "The idea:",
            &kin,
            "What blocks:",
            "What a connection costs:",
            "What breaks first:",
        ] {
            assert!(text.contains(part), "{file} doesn't say: {part}");
        }
    }
    Ok(())
}

fn read(file: &str) -> String {
    portlab_testkit::read(&format!("docs/peers/{file}"))
}
