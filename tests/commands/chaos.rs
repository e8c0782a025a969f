//! Processes of servers, of the load generator and of comparisons are killed and stopped at random moments. After
//! each round no process is left, no file is cut, and the next server starts on the same port.
//!
//! A test has six rounds. `tests/chaos.sh 1000` has a thousand, and `tests/chaos.sh 1 SEED` repeats the round that
//! failed with that seed.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use fastrand::Rng;
use portlab_backends::{Backend, Sheet, models::runnable};
use portlab_sys::{
    marked::{kill_marked, marked},
    meter::{tree, zombies},
    spawn::{Signal, signal_pid, tie_to_this_thread},
};
use portlab_testkit::{PATIENCE, binary, folder, names};

/// The variable by which the processes of a round are found: its value is the round's own.
const MARK: &str = "PORTLAB_CHAOS_MARK";
/// One round in this many is a comparison.
const COMPARISONS: u64 = 10;

type Outcome = Result<(), String>;

#[test]
fn killed_and_stopped_processes_leave_nothing_behind() {
    let number = |name| {
        let text = std::env::var(name).ok();
        text.map(|text| {
            text.parse::<u64>()
                .unwrap_or_else(|_| panic!("{name} is a number"))
        })
    };
    let rounds = number("PORTLAB_CHAOS").unwrap_or(6);
    let first = number("PORTLAB_CHAOS_SEED").unwrap_or(36);
    let dir = folder("chaos");
    let mut chaos = Chaos {
        rng: Rng::new(),
        port: free_port(),
        dir,
        mark: String::new(),
        blows: BTreeMap::new(),
        told: String::new(),
    };
    for seed in first..first + rounds {
        if let Err(error) = chaos.round(seed) {
            let _ = kill_marked(MARK, &chaos.mark);
            panic!("{error}\n{}\nagain: tests/chaos.sh 1 {seed}", chaos.told);
        }
    }
    if rounds >= COMPARISONS {
        chaos.last_comparison().unwrap();
    }
    for (what, count) in &chaos.blows {
        println!("{count:6}  {what}");
    }
}

struct Chaos {
    rng: Rng,
    /// The same for every server.
    port: u16,
    dir: PathBuf,
    mark: String,
    /// How often each signal was sent to each kind of process.
    blows: BTreeMap<String, u64>,
    /// The events of this round.
    told: String,
}

/// A process that a round started, and that it may kill.
struct Root {
    name: &'static str,
    child: Child,
    /// Its stderr.
    errors: PathBuf,
    is_killed: bool,
}

impl Chaos {
    fn round(&mut self, seed: u64) -> Outcome {
        self.rng = Rng::with_seed(seed);
        self.mark = format!("{}-{seed}", std::process::id());
        self.told.clear();
        match seed % COMPARISONS {
            0 => self.comparison()?,
            _ => self.serving()?,
        }
        let mark = self.mark.clone();
        eventually("no process of the round is left", || {
            marked(MARK, &mark).unwrap().is_empty()
        })
    }

    /// A server under load.
    fn serving(&mut self) -> Outcome {
        // Half of the rounds have a model with processes, which has the most processes to kill.
        let is_processes = self.rng.bool();
        let sheets = runnable().map(Backend::sheet);
        let is_wanted = |sheet: &&Sheet| !is_processes || sheet.forks();
        let sheets: Vec<_> = sheets.filter(is_wanted).collect();
        let sheet = sheets[self.rng.usize(..sheets.len())];
        let is_chat = sheet.hub.is_ok() && self.rng.bool();
        let service = if is_chat { "chat" } else { "echo" };
        self.tell(format!("{} serves {service}", sheet.name));
        let (addr, model) = (format!("127.0.0.1:{}", self.port), sheet.name);
        let workers = self.rng.usize(4..20);
        let serve = format!(
            "serve --json --bind {addr} --model {model} --service {service} --workers {workers} --drain 2s"
        );
        let mut server = self.start("server", &serve, &[]);
        let mut lines = BufReader::new(server.child.stdout.take().unwrap());
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        if line.is_empty() {
            return Err(format!("the server didn't start: {}", server.said()));
        }
        let kind = match is_chat {
            true => "--script=chat --rooms=2",
            false => "--size=1000 --hgrm=load.hgrm --csv=load.csv",
        };
        let load = format!("load {addr} --json -c=6 -d=150ms --warmup=1ms --timeout=2s {kind}");
        let mut load = self.start("load", &load, &[]);
        let is_stopped_for_good = self.blows(&mut [&mut server, &mut load]);

        end_of(&mut load, 2)?;
        let mut result = Vec::new();
        let mut stdout = load.child.stdout.take().unwrap();
        stdout.read_to_end(&mut result).unwrap();
        is_whole("the load's result", &result)?;
        self.only_whole_files(&["load.hgrm", "load.csv"], load.is_killed)?;

        if !server.is_killed {
            if !is_stopped_for_good {
                eventually("the next client is served", || is_served(&addr, is_chat))?;
            }
            let pid = server.pid();
            eventually("no zombie is left", || {
                zombies(pid).is_ok_and(|zombies| zombies.is_empty())
            })?;
            signal_pid(pid, Signal::TERM).unwrap();
        }
        end_of(&mut server, 0)
    }

    fn comparison(&mut self) -> Outcome {
        self.tell("a comparison".to_owned());
        let mut compare = self.compare();
        thread::sleep(Duration::from_millis(self.rng.u64(..2500)));
        self.blows(&mut [&mut compare]);
        end_of(&mut compare, 2)?;
        let dir = self.dir.join("compared");
        if !compare.is_killed && dir.join("running.json").exists() {
            return Err("the comparison has ended, and running.json is left".to_owned());
        }
        is_whole(
            "results.json",
            &fs::read(dir.join("results.json")).unwrap_or_default(),
        )
    }

    /// After all rounds a comparison in the same folder runs to its end, and leaves only its results.
    fn last_comparison(&mut self) -> Outcome {
        self.mark += "-last";
        let mut compare = self.compare();
        end_of(&mut compare, 0)?;
        let mut files = names(&self.dir.join("compared"));
        files.retain(|name| !["results.json", "report.html"].contains(&name.as_str()));
        match files.is_empty() {
            true => Ok(()),
            false => Err(format!("{files:?} are left: {}", compare.said())),
        }
    }

    fn compare(&self) -> Root {
        let kept = "--model event-loop --bind 127.0.0.1:{port}";
        let kept = format!("--server=kept='{}' serve {kept}", binary());
        let compare = "compare --out=compared --fresh -m=fork,prefork -w=echo -c=2 --rounds=2 \
                       --duration=50ms --warmup=1ms --no-twin";
        self.start("compare", compare, &[&kept])
    }

    /// Kills and stops one to four processes below `roots`. Returns whether a process of a server stays stopped.
    fn blows(&mut self, roots: &mut [&mut Root]) -> bool {
        let mut stays = false;
        for _ in 0..self.rng.u64(1..5) {
            thread::sleep(Duration::from_millis(self.rng.u64(..60)));
            // The server, which has the most processes, gets the most signals.
            let root = self.rng.usize(..4) / 3 % roots.len();
            let root = &mut *roots[root];
            // A process that has ended and was not waited for keeps its number.
            let first = root.pid();
            let below = tree(first).unwrap_or_default();
            if root.is_killed || below.is_empty() {
                continue;
            }
            let index = match self.rng.u64(..4) {
                0 => 0,
                1 => 1.min(below.len() - 1),
                _ => self.rng.usize(..below.len()),
            };
            let role = match (index, root.name) {
                (0, name) => name.to_owned(),
                (1, "server") => "the server's first child".to_owned(),
                (_, name) => format!("another process of the {name}"),
            };
            let is_kill = self.rng.u64(..5) < 3;
            let signal = if is_kill { Signal::KILL } else { Signal::STOP };
            let _ = signal_pid(below[index], signal);
            root.is_killed |= is_kill && index == 0;
            let what = if is_kill { "SIGKILL" } else { "SIGSTOP" };
            self.tell(format!("{what} to {role} ({})", below[index]));
            *self.blows.entry(format!("{what} to {role}")).or_default() += 1;
            // A server goes on with its other processes, and at its end it ends stopped processes too.
            if !is_kill && root.name == "server" && index > 0 && self.rng.bool() {
                stays = true;
            } else if !is_kill {
                thread::sleep(Duration::from_millis(self.rng.u64(1..100)));
                let _ = signal_pid(below[index], Signal::CONT);
            }
        }
        stays
    }

    /// Starts portlab with the words of `arguments`, and `more`.
    fn start(&self, name: &'static str, arguments: &str, more: &[&str]) -> Root {
        let errors = self.dir.join(format!("{name}.err"));
        let mut command = Command::new(binary());
        command.args(arguments.split_whitespace()).args(more);
        command.env(MARK, &self.mark).current_dir(&self.dir);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(fs::File::create(&errors).unwrap());
        Root {
            name,
            child: tie_to_this_thread(&mut command).spawn().unwrap(),
            errors,
            is_killed: false,
        }
    }

    /// Checks that the folder holds whole files only; a killed process may have left a file that it was writing.
    fn only_whole_files(&self, whole: &[&str], is_killed: bool) -> Outcome {
        for name in names(&self.dir) {
            let path = self.dir.join(&name);
            if whole.contains(&name.as_str()) {
                if !fs::read(path).unwrap().ends_with(b"\n") {
                    return Err(format!("{name} is cut"));
                }
            } else if path.is_file() && !name.ends_with(".err") {
                if !is_killed {
                    return Err(format!("{name} is left"));
                }
                fs::remove_file(path).unwrap();
            }
        }
        Ok(())
    }

    fn tell(&mut self, what: String) {
        self.told += &what;
        self.told.push('\n');
    }
}

impl Root {
    fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.errors).unwrap_or_default()
    }
}

/// Nothing of a round outlives the test, even if the round fails.
impl Drop for Root {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits for the end of a process; if it was not killed, its exit code is `most` at most.
fn end_of(root: &mut Root, most: i32) -> Outcome {
    let mut status = None;
    eventually(&format!("the {} has ended", root.name), || {
        status = root.child.try_wait().unwrap();
        status.is_some()
    })?;
    match status.unwrap().code() {
        Some(code) if code <= most => Ok(()),
        _ if root.is_killed => Ok(()),
        _ => Err(format!(
            "the {} ended with {status:?}: {}",
            root.name,
            root.said()
        )),
    }
}

/// Checks that JSON is whole, or that there is none.
fn is_whole(what: &str, json: &[u8]) -> Outcome {
    match serde_json::from_slice::<serde_json::Value>(json) {
        Err(error) if !json.is_empty() => Err(format!("{what} is cut: {error}")),
        _ => Ok(()),
    }
}

/// Whether a client gets an answer.
fn is_served(addr: &str, is_chat: bool) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(addr)?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        if !is_chat {
            stream.write_all(b"ping")?;
        }
        let mut answer = [0; 4];
        stream.read_exact(&mut answer)?;
        Ok(is_chat || answer == *b"ping")
    };
    ask().unwrap_or(false)
}

/// A free port below those that the system hands out to clients.
fn free_port() -> u16 {
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let from = 20_000 + (std::process::id() % 10_000) as u16;
    (from..32_000).find(is_free).unwrap()
}

fn eventually(what: &str, mut is_so: impl FnMut() -> bool) -> Outcome {
    let since = Instant::now();
    while !is_so() {
        if since.elapsed() > PATIENCE {
            return Err(format!("not within {PATIENCE:?}: {what}"));
        }
        thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}
