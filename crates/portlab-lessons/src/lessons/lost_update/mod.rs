//! Two threads add to one number, and additions are lost; and three ways to prevent that.

use std::{
    hint::spin_loop,
    io,
    sync::{
        Barrier, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use portlab_words::table::columns;

use crate::{
    cast::lock,
    stage::{Exit, LessonStep, Seen, Stage},
    words::NOT_RUN,
};

pub(super) fn play(stage: &mut Stage<'_>) -> Result<(), Exit> {
    short(stage)?;
    slowly(stage)?;
    python(stage)?;
    cure(stage)
}

/// Two threads add a million each, without synchronisation.
fn short(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let mut step = stage.step("short")?;
    let since = Instant::now();
    let mut runs = 0;
    // Repeated, because the sum is right if one thread ends before the other has started.
    let sum = loop {
        let number = AtomicU64::new(0);
        at_once(|| read_add_write(&number));
        runs += 1;
        let sum = number.into_inner();
        if sum != BOTH || since.elapsed() > LONG {
            break sum;
        }
    };
    step.set("sum", grouped(sum));
    step.set("lost", grouped(BOTH.saturating_sub(sum)));
    step.set("runs", runs);
    let cores = thread::available_parallelism().map_or(1, usize::from);
    step.seen(
        "short",
        match sum {
            // One core switches threads so seldom that the sum may be right every time.
            BOTH if cores == 1 => Seen::NotHere,
            sum => (sum < BOTH).into(),
        },
    );
    step.end()
}

/// One addition by each thread; both read before either writes.
fn slowly(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let [names, [reads, writes]] = stage.lang().pick(
        [["Ming", "Hong"], ["reads", "writes"]],
        [["小明", "小红"], ["读出", "写入"]],
    );
    let mut step = stage.step("slowly")?;
    let number = AtomicU64::new(0);
    let log = Mutex::new(Vec::new());
    let note = |who: &str, does: &str, value: u64| {
        lock(&log).push([who.to_owned(), does.to_owned(), value.to_string()]);
    };
    let both_have_read = Barrier::new(2);
    thread::scope(|scope| {
        for name in names {
            let (number, note, both_have_read) = (&number, &note, &both_have_read);
            scope.spawn(move || {
                let seen = number.load(Relaxed);
                note(name, reads, seen);
                both_have_read.wait();
                number.store(seen + 1, Relaxed);
                note(name, writes, seen + 1);
            });
        }
    });
    let end = number.into_inner();
    step.set("log", columns(&lock(&log), 2));
    step.set("end", end);
    step.seen("one", end == 1);
    step.end()
}

/// The same with this machine's Python.
fn python(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let version = stage.python().map(|it| {
        let kind = if it.is_free_threaded() { "t" } else { "" };
        format!("{}{kind}", it.version)
    });
    stage.set("version", version.as_deref().unwrap_or("3"));
    let mut step = stage.step("python")?;
    let mut plus = Vec::new();
    for _ in 0..3 {
        plus.extend(sum_of(&mut step, "plus.py")?);
    }
    // One wrong sum is enough; a right sum may be luck.
    let mut apart = None;
    for _ in 0..5 {
        apart = sum_of(&mut step, "apart.py")?;
        if apart.is_none_or(|sum| sum != BOTH) {
            break;
        }
    }
    let is_possible = |sum: &u64| (1..=BOTH).contains(sum);
    let printed: Vec<_> = plus.iter().map(u64::to_string).collect();
    let printed = version.is_some().then(|| printed.join("  "));
    step.printed("plus", "plus", printed, |_| {
        plus.len() == 3 && plus.iter().all(is_possible)
    });
    step.set("right", plus.iter().filter(|sum| **sum == BOTH).count());
    let not_run = NOT_RUN.pick(step.lang()).to_owned();
    step.set("apart", apart.map_or(not_run, |sum| sum.to_string()));
    let lost = apart.filter(|sum| *sum != BOTH);
    step.seen("apart", lost.as_ref().map(is_possible));
    step.end()
}

/// Three ways without lost additions, and the time that each takes.
fn cure(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let lang = stage.lang();
    let head = lang.pick(["How", "Sum", "Time"], ["办法", "结果", "用时"]);
    let after = lang.pick("one after the other", "一个做完，再做另一个");
    let locked = lang.pick("with a lock", "用互斥锁");
    let mut step = stage.step("cure")?;
    let mut rows = vec![head.map(str::to_owned)];
    let mut row = |way: &str, sum: u64, took: Duration| {
        let time = format!("{:.1} ms", took.as_secs_f64() * 1000.0);
        rows.push([way.to_owned(), grouped(sum), time]);
        sum == BOTH
    };

    let number = AtomicU64::new(0);
    let took = one_after_the_other(|| read_add_write(&number));
    step.seen("after", row(after, number.into_inner(), took));

    let number = Mutex::new(0);
    let took = at_once(|| add_locked(&number));
    step.seen("locked", row(locked, *lock(&number), took));

    let number = AtomicU64::new(0);
    let took = at_once(|| _ = number.fetch_add(1, Relaxed));
    step.seen("atomic", row("fetch_add", number.into_inner(), took));

    step.set("ways", columns(&rows, 2));
    let sum = sum_of(&mut step, "locked.py")?.map(|sum| sum.to_string());
    step.printed("python", "locked", sum, |sum| sum == BOTH.to_string());
    step.end()
}

fn read_add_write(number: &AtomicU64) {
    let seen = number.load(Relaxed);
    let more = seen + 1;
    number.store(more, Relaxed);
}

fn add_locked(number: &Mutex<u64>) {
    let mut number = lock(number);
    *number += 1;
}

/// Two threads call `add` a million times each, from the same moment on.
fn at_once(add: impl Fn() + Sync) -> Duration {
    let at_start = AtomicU64::new(0);
    let since = Instant::now();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                // The threads spin: if one slept, the other might end before the first woke up.
                at_start.fetch_add(1, Relaxed);
                while at_start.load(Relaxed) < 2 {
                    spin_loop();
                }
                (0..EACH).for_each(|_| add());
            });
        }
    });
    since.elapsed()
}

/// The second thread begins when the first has ended.
fn one_after_the_other(add: impl Fn() + Sync) -> Duration {
    let since = Instant::now();
    thread::scope(|scope| {
        for _ in 0..2 {
            let thread = scope.spawn(|| (0..EACH).for_each(|_| add()));
            let _ = thread.join();
        }
    });
    since.elapsed()
}

/// The number that a program of the lesson's folder prints; `None` without Python.
fn sum_of(step: &mut LessonStep<'_, '_>, file: &str) -> io::Result<Option<u64>> {
    let student = step.student(file, &[])?;
    // Any other output counts as 0, which is not a possible sum.
    Ok(student.map(|it| it.line().and_then(|line| line.parse().ok()).unwrap_or(0)))
}

/// A number with a comma at every thousand.
fn grouped(number: u64) -> String {
    match number {
        0..1000 => number.to_string(),
        _ => format!("{},{:03}", grouped(number / 1000), number % 1000),
    }
}

/// How often each thread adds 1.
const EACH: u64 = 1_000_000;

/// The right sum.
const BOTH: u64 = 2 * EACH;

/// How long the attempts are repeated while the sum is right.
const LONG: Duration = Duration::from_secs(5);
