//! Coroutines with a stack each: code that seems to block, what a stack costs, and which coroutine stalls the others.

use std::{fs, io, time::Duration};

use portlab_sys::{limits::memory_maps, meter::anonymous_bytes};
use portlab_words::{Lang, table::columns, units::bytes};

use crate::{
    cast::{
        client::{are_in_line, ask_at_once, bars, connect_all},
        kernel::{are_asleep, once, threads_once, threads_shown},
    },
    stage::{Exit, Stage},
};

/// How many wait at once.
const MANY: usize = 100;
/// The waits of all, one after another.
const IN_LINE: Duration = Duration::from_secs(20);
/// How many clients are connected while their memory is counted.
const CLIENTS: usize = 500;
/// How many ask a handler that blocks, and for how long it blocks.
const ASKERS: usize = 3;
const BLOCK: Duration = Duration::from_millis(300);

/// The size of a stack, and the most that a coroutine may have touched of it.
const STACK: u64 = 64 * 1024;
const PAGE: u64 = 4096;
const MUCH: u64 = 1 << 20;

pub(super) fn play(stage: &mut Stage<'_>) -> Result<(), Exit> {
    stage.set("seconds", IN_LINE.as_secs());
    let mut step = stage.step("same")?;
    let server = step.server(&["--model", "coroutines", "--work", "wait:200ms"])?;
    let mut clients = connect_all(server.addr(), MANY)?;
    let answers = ask_at_once(&mut clients, "hello")?;
    let threads = threads_once(server.pid(), |them| them.len() == 2)?;
    let last = answers.last().copied().unwrap_or_default();
    step.set("threads", threads_shown(&threads));
    step.set("answers", answers.len());
    step.set("after", last.as_millis());
    // Answers that wait together take much less, also on a busy machine.
    step.seen("together", answers.len() == MANY && last < IN_LINE / 4);
    step.seen("two", threads.len() == 2);
    step.end()?;

    stage.set("clients", CLIENTS);
    let mut step = stage.step("memory")?;
    let with_stack = Cost::of(&step, "coroutines")?;
    let without = Cost::of(&step, "event-loop")?;
    let costs = side_by_side(step.lang(), &with_stack, &without);
    step.set("costs", costs);
    step.set("reserved", bytes(with_stack.reserved as f64));
    step.set("touched", bytes(with_stack.touched as f64));
    step.set("of_loop", bytes(without.touched as f64));
    step.set("limit", memory_maps().unwrap_or_default());
    let is_stack = (STACK..2 * STACK).contains(&with_stack.reserved);
    step.seen("touched", (PAGE..STACK / 4).contains(&with_stack.touched));
    step.seen("reserved", is_stack);
    step.seen("maps", with_stack.maps == 2);
    step.seen("loop", without.touched < PAGE);
    step.end()?;

    stalled(stage)?;

    let mut step = stage.step("gevent")?;
    let has_gevent = step.python().and_then(|it| it.package("gevent")).is_some();
    let student = match has_gevent {
        true => step.student("rude.py", &[])?,
        false => None,
    };
    let report = student.map(|it| it.error_with("appears to be blocked").unwrap_or_default());
    // Before the name stands the time.
    let report = report.map(|it| it.rsplit(" : ").next().unwrap_or_default().to_owned());
    step.printed("monitor", "report", report, |it| it.contains("rude>"));
    step.end()
}

/// A handler that blocks its loop, and what the server writes about it.
fn stalled(stage: &mut Stage<'_>) -> Result<(), Exit> {
    stage.set("askers", ASKERS);
    let mut step = stage.step("stalled")?;
    let lang = step.lang().pick("en", "zh");
    let options = ["--model", "coroutines", "--work", "block:300ms"];
    let server = step.server(&[&options[..], &["--lang", lang]].concat())?;
    let mut clients = connect_all(server.addr(), ASKERS)?;
    let names: io::Result<Vec<_>> = clients
        .iter()
        .map(|it| Ok(it.addr()?.to_string()))
        .collect();
    let names = names?;
    let answers = ask_at_once(&mut clients, "hello")?;
    let mut told = None;
    once(|| {
        let errors = server.error_output();
        let mut lines = errors.lines();
        let found = lines.find(|line| names.iter().any(|name| line.contains(name)));
        told = found.map(str::to_owned);
        told.is_some()
    });
    step.set("blocked", bars(&answers, 40));
    step.seen("named", told.is_some());
    step.set("told", told.unwrap_or_default());
    step.seen(
        "line",
        answers.len() == ASKERS && are_in_line(&answers, BLOCK),
    );
    step.end()
}

/// What one more client costs a server.
struct Cost {
    reserved: u64,
    touched: u64,
    maps: u64,
}

impl Cost {
    /// Measured with [`CLIENTS`] clients that have asked once.
    fn of(stage: &Stage<'_>, model: &str) -> Result<Self, Exit> {
        let server = stage.server(&["--model", model])?;
        // The first client pays for what is made once.
        let mut first = connect_all(server.addr(), 1)?;
        ask_at_once(&mut first, "hello")?;
        threads_once(server.pid(), are_asleep)?;
        let before = memory(server.pid())?;
        let mut clients = connect_all(server.addr(), CLIENTS)?;
        ask_at_once(&mut clients, "hello")?;
        let after = memory(server.pid())?;
        let each = |at: usize| after[at].saturating_sub(before[at]) / CLIENTS as u64;
        Ok(Self {
            reserved: each(0),
            touched: each(1),
            maps: each(2),
        })
    }
}

/// The addresses that a process has reserved in small maps, its own memory, and the number of its memory maps. Fails if it
/// has ended.
fn memory(pid: i32) -> io::Result<[u64; 3]> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps"))?;
    // At its first allocation, each thread reserves 64 MiB for further ones.
    let sizes = maps.lines().filter_map(size_of).filter(|size| *size < MUCH);
    Ok([
        sizes.sum(),
        anonymous_bytes(pid)?,
        maps.lines().count() as u64,
    ])
}

/// The size of the memory map in a line of `/proc/PID/maps`, which begins with its first address and its end.
fn size_of(line: &str) -> Option<u64> {
    let (from, to) = line.split(' ').next()?.split_once('-')?;
    let [from, to] = [from, to].map(|address| u64::from_str_radix(address, 16));
    to.ok()?.checked_sub(from.ok()?)
}

fn side_by_side(lang: Lang, with_stack: &Cost, without: &Cost) -> String {
    let head = lang.pick(
        ["Model", "Reserved", "In memory", "Memory maps"],
        ["模型", "预留的地址", "实际内存", "内存映射"],
    );
    let row = |model: &str, it: &Cost| {
        let [reserved, touched] = [it.reserved, it.touched].map(|size| bytes(size as f64));
        [model.to_owned(), reserved, touched, it.maps.to_string()]
    };
    let rows = [row("coroutines", with_stack), row("event-loop", without)];
    columns(&[&[head.map(str::to_owned)][..], &rows].concat(), 2)
}
