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
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use libtest_mimic::{Arguments, Failed, Trial};
use portlab_sys::{
    meter,
    spawn::{Signal, signal, tie_to_this_thread},
};
use portlab_testkit::binary;
use serde_json::Value;

fn main() {
    let arguments = Arguments::from_args();
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
    libtest_mimic::run(&arguments, trials).exit();
}

/// What must be true of every peer.
fn peer(name: &str, command: &str) -> Result<(), Failed> {
    let mut server = Peer::start(name, command)?;
    server.loaded(&["--messages=400", "--size=1..100000"])?;
    server.loaded(&["--messages=400", "--size=1", "--depth=5"])?;
    server.loaded(&["--messages=200", "--per-connection=2", "--reset"])?;
    everything_comes_back_after_a_half_close(server.addr)?;
    a_client_that_does_not_read_is_not_read(server.addr)?;
    resets_concern_nobody_else(server.addr)?;
    until("children of clients that have gone are reaped", || {
        Ok(meter::tree(server.pid())?.len() == 1)
    })?;

    // With clients that are there and others that have just gone.
    let clients: Vec<_> = (0..20)
        .map(|_| greeted(server.addr))
        .collect::<Result<_, _>>()?;
    server.ends_in_order(Signal::TERM)?;
    drop(clients);
    Peer::start(name, command)?.ends_in_order(Signal::INT)
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

fn resets_concern_nobody_else(addr: SocketAddr) -> Result<(), Failed> {
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

/// Whether somebody listens. A socket that connects to a port where nobody does may have been given
/// that very port, and meets itself.
fn accepts(addr: SocketAddr) -> bool {
    TcpStream::connect(addr).is_ok_and(|stream| stream.local_addr().is_ok_and(|own| own != addr))
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

/// A running peer. It ends with this, or with this test.
struct Peer {
    child: Child,
    addr: SocketAddr,
    said: PathBuf,
}

impl Peer {
    /// Starts `command` on a free port, and waits until that accepts.
    fn start(name: &str, command: &str) -> Result<Self, Failed> {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let said = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("peer-{name}.txt"));
        let output = File::create(&said)?;
        let mut shell = Command::new("sh");
        // The peer takes the shell's place, and its number.
        let line = format!(
            "exec {}",
            command.replace("{port}", &free.port().to_string())
        );
        shell.args(["-c", &line]).current_dir(root());
        shell.stdin(Stdio::null());
        shell.stdout(output.try_clone()?).stderr(output);
        let mut server = Self {
            child: tie_to_this_thread(&mut shell).spawn()?,
            addr: free,
            said,
        };
        until("it accepts", || match server.child.try_wait()? {
            Some(status) => Err(format!("it ended ({status}): {}", server.said()).into()),
            None => Ok(accepts(server.addr)),
        })?;
        Ok(server)
    }

    fn pid(&self) -> i32 {
        self.child.id() as i32
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.said).unwrap_or_default()
    }

    /// Loads it over 20 connections; every byte of every answer is checked.
    fn loaded(&self, options: &[&str]) -> Result<(), Failed> {
        let mut command = Command::new(binary());
        command.args(["load", &self.addr.to_string()]);
        command.args(["--connections=20", "--warmup=0s", "--json", "--plain"]);
        let output = command.args(options).output()?;
        let result: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        match output.status.success() && result["errors"] == 0 {
            true => Ok(()),
            false => Err(format!("{options:?}: {output:?}").into()),
        }
    }

    /// `ending` ends it with status 0, without a word, and no child of it stays.
    fn ends_in_order(&mut self, ending: Signal) -> Result<(), Failed> {
        let tree = meter::tree(self.pid())?;
        let family: Vec<_> = tree
            .iter()
            .filter_map(|&pid| Some((pid, born(pid)?)))
            .collect();
        signal(&mut self.child, ending)?;
        let status = self.ended()?;
        if !status.success() {
            return Err(format!("{ending:?}: {status}: {}", self.said()).into());
        }
        until("its children are gone", || {
            Ok(family
                .iter()
                .all(|(pid, time)| born(*pid).as_ref() != Some(time)))
        })?;
        match self.said().as_str() {
            "" => Ok(()),
            said => Err(format!("{ending:?}: it isn't quiet: {said}").into()),
        }
    }

    fn ended(&mut self) -> Result<ExitStatus, Failed> {
        until("it ends", || Ok(self.child.try_wait()?.is_some()))?;
        Ok(self.child.wait()?)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let family = meter::tree(self.pid()).unwrap_or_default();
        if self.child.try_wait().is_ok_and(|status| status.is_some()) {
            return;
        }
        for pid in family {
            let _ = portlab_sys::spawn::signal_pid(pid, Signal::KILL);
        }
        let _ = self.child.wait();
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

/// Waits until `done`, in which `what` comes true.
fn until(what: &str, mut done: impl FnMut() -> Result<bool, Failed>) -> Result<(), Failed> {
    let deadline = Instant::now() + PATIENCE;
    while !done()? {
        if Instant::now() > deadline {
            return Err(format!("not within {PATIENCE:?}: {what}").into());
        }
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// Long enough for a Python on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

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
    fs::read_to_string(root().join("docs/peers").join(file)).unwrap()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}
