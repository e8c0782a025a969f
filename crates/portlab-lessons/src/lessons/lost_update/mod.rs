//! Two threads add to one number, and some of what they add is lost; and how nothing is.

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

use portlab_words::Lang;

use crate::{
    cast::{lock, not_run, table::table},
    lesson::{Lesson, Part},
    stage::{Act, Exit, Seen, Stage},
};

pub(super) const LESSON: Lesson = Lesson {
    name: "lost-update",
    part: Part::Together,
    en: include_str!("en.md"),
    zh: include_str!("zh.md"),
    files: &[
        ("mod.rs", include_str!("mod.rs")),
        ("plus.py", include_str!("plus.py")),
        ("apart.py", include_str!("apart.py")),
        ("locked.py", include_str!("locked.py")),
    ],
    examples: &[
        ("sum", "1,213,456"),
        ("lost", "786,544"),
        ("runs", "1"),
        (
            "log",
            "Ming  reads   0\nHong  reads   0\nHong  writes  1\nMing  writes  1",
        ),
        ("end", "1"),
        ("version", "3.11.7"),
        ("plus", "2000000  2000000  2000000"),
        ("right", "3"),
        ("apart", "1451234"),
        (
            "ways",
            "How                  Sum        Time\n\
             one after the other  2,000,000  1.9 ms\n\
             with a lock          2,000,000  14.3 ms\n\
             fetch_add            2,000,000  8.2 ms",
        ),
        ("locked", "2000000"),
    ],
    examples_zh: &[
        (
            "log",
            "小明  读出  0\n小红  读出  0\n小红  写入  1\n小明  写入  1",
        ),
        (
            "ways",
            "办法                  结果       用时\n\
             一个做完，再做另一个  2,000,000  1.9 ms\n\
             用锁                  2,000,000  14.3 ms\n\
             fetch_add             2,000,000  8.2 ms",
        ),
    ],
    play,
};

fn play(stage: &mut Stage<'_>) -> Result<(), Exit> {
    short(stage)?;
    slowly(stage)?;
    python(stage)?;
    cure(stage)
}

/// Two threads add a million each, without a word to one another.
fn short(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let mut act = stage.step("short")?;
    let since = Instant::now();
    let mut runs = 0;
    // It comes out right whenever one thread is done before the other has got going.
    let sum = loop {
        let number = AtomicU64::new(0);
        at_once(|| read_add_write(&number));
        runs += 1;
        let sum = number.into_inner();
        if sum != BOTH || since.elapsed() > LONG {
            break sum;
        }
    };
    act.set("sum", grouped(sum));
    act.set("lost", grouped(BOTH.saturating_sub(sum)));
    act.set("runs", runs);
    let cores = thread::available_parallelism().map_or(1, usize::from);
    act.seen(
        "short",
        match sum {
            // One core changes threads so seldom that it may come out right each time.
            BOTH if cores == 1 => Seen::NotHere,
            sum => (sum < BOTH).into(),
        },
    );
    act.end()
}

/// One addition each, so slowly that both read before either writes.
fn slowly(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let [names, [reads, writes]] = match stage.lang() {
        Lang::En => [["Ming", "Hong"], ["reads", "writes"]],
        Lang::Zh => [["小明", "小红"], ["读出", "写入"]],
    };
    let mut act = stage.step("slowly")?;
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
    act.set("log", table(&lock(&log)));
    act.set("end", end);
    act.seen("one", end == 1);
    act.end()
}

/// What this machine's Python makes of it.
fn python(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let version = stage.python().map(|it| {
        let kind = if it.is_free_threaded() { "t" } else { "" };
        format!("{}{kind}", it.version)
    });
    stage.set("version", version.as_deref().unwrap_or("3"));
    let not_run = not_run(stage.lang());
    let mut act = stage.step("python")?;
    let mut plus = Vec::new();
    for _ in 0..3 {
        plus.extend(sum_of(&mut act, "plus.py")?);
    }
    // Once is enough, unless by luck.
    let mut apart = None;
    for _ in 0..5 {
        apart = sum_of(&mut act, "apart.py")?;
        if apart.is_none_or(|sum| sum != BOTH) {
            break;
        }
    }
    let is_there = version.is_some();
    let here = |seen: bool| is_there.then_some(seen);
    let possible = |sum: &u64| (1..=BOTH).contains(sum);
    act.seen("plus", here(plus.len() == 3 && plus.iter().all(possible)));
    act.seen(
        "apart",
        match apart {
            Some(BOTH) => None,
            sum => here(sum.is_some_and(|sum| possible(&sum))),
        },
    );
    act.set("right", plus.iter().filter(|sum| **sum == BOTH).count());
    let printed: Vec<_> = plus.iter().map(u64::to_string).collect();
    act.set(
        "plus",
        if is_there {
            printed.join("  ")
        } else {
            not_run.to_owned()
        },
    );
    act.set(
        "apart",
        apart.map_or(not_run.to_owned(), |sum| sum.to_string()),
    );
    act.end()
}

/// Three ways to lose nothing, and the time that each takes.
fn cure(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let head = match stage.lang() {
        Lang::En => ["How", "Sum", "Time"],
        Lang::Zh => ["办法", "结果", "用时"],
    };
    let [after, locked, atomic] = match stage.lang() {
        Lang::En => ["one after the other", "with a lock", "fetch_add"],
        Lang::Zh => ["一个做完，再做另一个", "用锁", "fetch_add"],
    };
    let mut act = stage.step("cure")?;
    let mut rows = vec![head.map(str::to_owned)];
    let mut row = |way: &str, sum: u64, took: Duration| {
        let time = format!("{:.1} ms", took.as_secs_f64() * 1000.0);
        rows.push([way.to_owned(), grouped(sum), time]);
        sum == BOTH
    };

    let number = AtomicU64::new(0);
    let took = one_after_the_other(|| read_add_write(&number));
    act.seen("after", row(after, number.into_inner(), took));

    let number = Mutex::new(0);
    let took = at_once(|| add_locked(&number));
    act.seen("locked", row(locked, *lock(&number), took));

    let number = AtomicU64::new(0);
    let took = at_once(|| _ = number.fetch_add(1, Relaxed));
    act.seen("atomic", row(atomic, number.into_inner(), took));

    act.set("ways", table(&rows));
    let sum = sum_of(&mut act, "locked.py")?;
    act.seen("python", sum.map(|sum| sum == BOTH));
    let not_run = not_run(act.stage().lang());
    act.set(
        "locked",
        sum.map_or(not_run.to_owned(), |sum| sum.to_string()),
    );
    act.end()
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

/// Two threads do it a million times each, from the same moment on.
fn at_once(add: impl Fn() + Sync) -> Duration {
    let at_start = AtomicU64::new(0);
    let since = Instant::now();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                // Nobody sleeps here: by the time that one has been woken, the other may be done.
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

/// The second begins when the first has ended.
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
fn sum_of(act: &mut Act<'_, '_>, file: &str) -> io::Result<Option<u64>> {
    let student = act.stage().student(file, &[])?;
    // Whatever else it prints is no possible sum.
    Ok(student.map(|it| it.line().and_then(|line| line.parse().ok()).unwrap_or(0)))
}

/// A number with a comma at every thousand.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// How often each thread adds 1.
const EACH: u64 = 1_000_000;

/// What it should come to.
const BOTH: u64 = 2 * EACH;

/// How long it may go on coming out right.
const LONG: Duration = Duration::from_secs(5);
