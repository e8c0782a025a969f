//! Threads: several run at once in one process, share its memory, run in no fixed order, and can be waited for.

use std::{
    hint::black_box,
    io::{self, Read},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Barrier, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread::{self, Builder, JoinHandle},
    time::{Duration, Instant},
};

use portlab_sys::{
    socket::uninterrupted,
    threads::{Thread, threads},
};

use crate::{
    cast::{
        accept,
        kernel::{once, own_pid, own_thread, threads_of},
        listed, lock,
    },
    stage::{Exit, Seen, Stage},
};

pub(super) fn play(stage: &mut Stage<'_>) -> Result<(), Exit> {
    numbers(stage)?;
    shared(stage)?;
    order(stage)?;
    blocked(stage)?;
    join(stage)
}

/// Two more threads, and still one process.
fn numbers(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let mut step = stage.step("numbers")?;
    let music = Arc::new(Barrier::new(3));
    let [sing, dance] = NAMES.map(|name| {
        let music = Arc::clone(&music);
        named(name, move || music.wait())
    });
    let both = [sing?, dance?];
    once(|| NAMES.iter().all(|name| own_thread(name) == Some('S')));
    let all = threads(own_pid())?;
    let mut tids = all.iter().map(|it| it.tid).collect::<Vec<_>>();
    step.set("threads", threads_of(own_pid())?);
    step.set("pid", own_pid());
    let is_first = |it: &Thread| it.tid == own_pid() && !NAMES.contains(&&*it.name);
    step.seen("first", all.iter().any(is_first));
    tids.retain(|tid| *tid != own_pid());
    step.seen("others", tids.len() == 2 && tids[0] != tids[1]);
    step.set("tids", listed(&tids));
    // Both threads pass the barrier, and end.
    music.wait();
    both.map(JoinHandle::join).into_iter().for_each(drop);
    step.end()
}

/// One thread reads what another has written.
fn shared(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let mut step = stage.step("shared")?;
    let homework = Mutex::new(Vec::new());
    let read = thread::scope(|scope| {
        let writer = scope.spawn(|| write(&homework));
        let _ = writer.join();
        let reader = scope.spawn(|| read(&homework));
        reader.join()
    });
    let read = read.unwrap_or_default();
    step.set("read", format!("{read:?}"));
    step.seen("read", read == [0, 1, 2, 3, 4]);
    let student = step.student("share.py", &[])?;
    let printed = student.map(|it| it.rest().join("\n"));
    step.printed("python", "printed", printed, |it| it == "[0, 1, 2, 3, 4]");
    step.end()
}

/// Four threads say their names, round after round, until the order has changed once.
fn order(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let mut step = stage.step("order")?;
    let mut rounds: Vec<String> = Vec::new();
    let differ = |rounds: &[String]| rounds.iter().any(|it| *it != rounds[0]);
    while rounds.len() < FEW || (rounds.len() < MANY && !differ(&rounds)) {
        rounds.push(round());
    }
    // The first few, and the last, whose order is different if the first few were the same.
    let numbered: Vec<_> = (1..)
        .zip(&rounds)
        .map(|(at, it)| format!("{at}: {it}"))
        .collect();
    let shown = [&numbered[..FEW - 1], &numbered[numbered.len() - 1..]].concat();
    step.set("rounds", shown.join("\n"));
    step.set("count", rounds.len());
    step.seen("differs", Seen::if_shown(differ(&rounds)));
    step.seen("complete", rounds.iter().all(|it| is_complete(it)));
    rounds.sort();
    rounds.dedup();
    step.set("orders", rounds.len());
    step.end()
}

/// A thread that waits doesn't delay a thread that counts.
fn blocked(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let mut step = stage.step("blocked")?;
    let door = TcpListener::bind("127.0.0.1:0")?;
    let silent = TcpStream::connect(door.local_addr()?)?;
    let mut client = accept(&door)?;
    let wait = named("wait", move || {
        uninterrupted(|| client.read(&mut [0; 1024]))
    })?;
    once(|| own_thread("wait") == Some('S'));
    let counter = Arc::new((AtomicU64::new(0), AtomicBool::new(false)));
    let count = named("count", {
        let counter = Arc::clone(&counter);
        move || {
            let (number, is_over) = &*counter;
            while !is_over.load(Relaxed) {
                number.fetch_add(1, Relaxed);
            }
        }
    })?;
    let (number, is_over) = &*counter;
    let counts = once(|| number.load(Relaxed) > 1_000_000);
    let both = threads_of(own_pid());
    let states = ["wait", "count"].map(own_thread);
    is_over.store(true, Relaxed);
    step.set("both", both?);
    step.set("counted", number.load(Relaxed));
    step.seen("asleep", states[0] == Some('S'));
    step.seen("counts", counts && states[1] == Some('R'));
    // The end of the connection ends the waiting thread's read.
    drop(silent);
    let _ = (wait.join(), count.join());
    step.end()
}

/// Programs that wait for a thread's end, and one that doesn't.
fn join(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let mut step = stage.step("join")?;
    let counting = named("counting", || {
        (0..1_000_000).fold(0, |sum, _| sum + black_box(1))
    })?;
    let counted = counting.join().unwrap_or(0);
    step.set("counted_to", counted);
    step.seen("done", counted == 1_000_000);
    step.seen("gone", once(|| own_thread("counting").is_none()));
    let ordinary = dawdled(&mut step, "0.3", "ordinary")?;
    let ended_well = ordinary.as_ref().is_some_and(|it| it.ended_well);
    step.printed("waits", "waits", ordinary.map(|it| it.printed), |printed| {
        ended_well && printed.contains("thread ends")
    });
    let daemon = dawdled(&mut step, "60", "daemon")?;
    let ended_well = daemon.as_ref().is_some_and(|it| it.ended_well);
    let took = daemon.as_ref().map_or(Duration::ZERO, |it| it.took);
    step.set("took", format!("{:.1}", took.as_secs_f64()));
    step.printed("leaves", "leaves", daemon.map(|it| it.printed), |printed| {
        ended_well && printed == "main ends" && took < DAEMONS
    });
    step.end()
}

/// The outcome of a program with a thread that sleeps.
struct Dawdled {
    printed: String,
    ended_well: bool,
    took: Duration,
}

/// Runs the student's program to its end; `None` without Python.
fn dawdled(stage: &mut Stage<'_>, seconds: &str, kind: &str) -> io::Result<Option<Dawdled>> {
    let since = Instant::now();
    let Some(mut student) = stage.student("daemon.py", &[seconds, kind])? else {
        return Ok(None);
    };
    let printed = student.rest().join("\n");
    let ended_well = student.ended_well()?;
    Ok(Some(Dawdled {
        printed,
        ended_well,
        took: since.elapsed(),
    }))
}

fn write(homework: &Mutex<Vec<u32>>) {
    for number in 0..5 {
        lock(homework).push(number);
    }
}

fn read(homework: &Mutex<Vec<u32>>) -> Vec<u32> {
    lock(homework).clone()
}

/// One round: four threads wait at a start line, and each then says its name.
fn round() -> String {
    let line = Barrier::new(4);
    let said = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for name in ["A", "B", "C", "D"] {
            let (line, said) = (&line, &said);
            scope.spawn(move || {
                line.wait();
                lock(said).push(name);
            });
        }
    });
    lock(&said).join(" ")
}

/// Whether each of the four has said its name, once.
fn is_complete(round: &str) -> bool {
    let mut names: Vec<_> = round.split(' ').collect();
    names.sort_unstable();
    names == ["A", "B", "C", "D"]
}

fn named<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    Builder::new().name(name.to_owned()).spawn(work)
}

/// The two threads beside the first.
const NAMES: [&str; 2] = ["sing", "dance"];

/// How long the daemon thread would sleep.
const DAEMONS: Duration = Duration::from_secs(60);

/// The number of rounds that are shown.
const FEW: usize = 6;

/// The number of rounds after which the order counts as always the same.
const MANY: usize = 500;
