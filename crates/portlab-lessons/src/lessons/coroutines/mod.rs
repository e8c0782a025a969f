//! Coroutines: taking turns on one thread.

use std::{
    cell::RefCell,
    future::poll_fn,
    io,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use portlab_sys::threads::threads;
use portlab_words::{Lang, table::columns, tr};

use crate::{
    cast::{
        client::{are_in_line, ask_at_once, bars, connect_all},
        kernel::{threads_once, threads_shown},
    },
    stage::{Exit, LessonStep, Stage},
};

/// How many wait at once.
const MANY: usize = 100;
/// How long each waits.
const WAIT: Duration = Duration::from_millis(200);
/// All of them one after the other.
const IN_LINE: Duration = Duration::from_secs(20);
/// How many ask a handler that blocks.
const ASKERS: usize = 5;

const TURNS: &str = "A 1, B 1, A 2, B 2, A 3, B 3";

/// What the student's coroutine prints when it is run by hand.
const STEPS: &str = "called\nsoup on the fire\nnext: simmers\nsoup gets salt\nsend: simmers again\nsoup is done\nnext: the end";

pub(super) fn play(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let mut step = stage.step("turns")?;
    let turns = take_turns().join(", ");
    let student = step.student("turns.py", &[])?;
    let in_python = student.map(|student| student.rest().join(", "));
    step.seen("turns", turns == TURNS);
    step.set("turns", turns);
    step.printed("python", "python_turns", in_python, |it| it == TURNS);
    step.end()?;

    by_hand(stage)?;

    stage.set("seconds", IN_LINE.as_secs());
    let mut step = stage.step("hundred")?;
    let tasks = hundred_wait(&step, "tasks-single", 1)?;
    step.set("tasks", &tasks.shown);
    step.set("answers", tasks.answers);
    step.set("after", tasks.after.as_millis());
    step.seen("together", tasks.came_together());
    step.seen("one", tasks.threads == 1);
    step.end()?;

    let mut step = stage.step("threads")?;
    let threads = hundred_wait(&step, "threads", MANY + 1)?;
    let beside = side_by_side(step.lang(), &tasks, &threads);
    step.set("beside", beside);
    step.set("count", threads.threads);
    step.seen("counted", threads.threads == MANY + 1);
    step.seen("together", threads.came_together());
    step.end()?;

    let mut step = stage.step("blocks")?;
    let options = ["--model", "tasks-single", "--work", "block:200ms"];
    let server = step.server(&options)?;
    let blocked = ask_at_once(&mut connect_all(server.addr(), ASKERS)?, "hello")?;
    step.set("blocked", bars(&blocked, 40));
    let is_in_line = blocked.len() == ASKERS && are_in_line(&blocked, WAIT);
    step.seen("line", is_in_line);
    step.end()?;

    let mut step = stage.step("asyncio")?;
    let hundred = hundred_in_python(&mut step, "tasks.py")?;
    show(&mut step, "asyncio", hundred);
    step.end()?;

    switched(stage)?;

    let mut step = stage.step("gevent")?;
    let has_gevent = step.python().and_then(|it| it.package("gevent")).is_some();
    let hundred = match has_gevent {
        true => hundred_in_python(&mut step, "green.py")?,
        false => None,
    };
    show(&mut step, "gevent", hundred);
    step.end()
}

/// Records the outcome of a student's program; `None` if it wasn't run.
fn show(step: &mut LessonStep<'_, '_>, claim: &str, hundred: Option<Hundred>) {
    step.seen(claim, hundred.as_ref().map(Hundred::came_on_one_thread));
    let hundred = hundred.unwrap_or_default();
    step.set(&format!("{claim}_after"), hundred.after.as_millis());
    step.set(&format!("{claim}_threads"), hundred.threads);
}

async fn count(name: &str, diary: &RefCell<Vec<String>>) {
    for number in 1..=3 {
        diary.borrow_mut().push(format!("{name} {number}"));
        pause().await;
    }
}

/// Ready when it is polled the second time.
async fn pause() {
    let mut has_paused = false;
    poll_fn(|_| {
        if std::mem::replace(&mut has_paused, true) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

/// Two coroutines, and the smallest loop that runs them.
fn take_turns() -> Vec<String> {
    let diary = RefCell::default();
    {
        let (mut a, mut b) = (pin!(count("A", &diary)), pin!(count("B", &diary)));
        let mut context = Context::from_waker(Waker::noop());
        for _turn in 1..=3 {
            let _ = a.as_mut().poll(&mut context);
            let _ = b.as_mut().poll(&mut context);
        }
    }
    diary.into_inner()
}

/// One coroutine, continued from pause to pause.
fn by_hand(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let mut step = stage.step("steps")?;
    let rows = call_and_polls();
    step.set("polls", columns(&rows, 2));
    let is_lazy = rows[0][1] == "-" && rows[1..4].iter().all(|it| it[2] == "Pending");
    step.seen("lazy", is_lazy && rows[4][1..] == ["-", "Ready"]);
    let student = step.student("steps.py", &[])?;
    let printed = student.map(|it| it.rest().join("\n"));
    step.printed("python", "steps", printed, |it| it == STEPS);
    step.end()
}

/// What a coroutine has done after its call, and after each of four polls; and what the poll returned.
fn call_and_polls() -> [[String; 3]; 5] {
    let diary: RefCell<Vec<String>> = RefCell::default();
    let mut a = pin!(count("A", &diary));
    let mut context = Context::from_waker(Waker::noop());
    let done = || diary.take().pop().unwrap_or_else(|| "-".to_owned());
    let called = ["call".to_owned(), done(), "-".to_owned()];
    let polls = [1, 2, 3, 4].map(|number| {
        let is_ready = a.as_mut().poll(&mut context).is_ready();
        let state = if is_ready { "Ready" } else { "Pending" };
        [format!("poll {number}"), done(), state.to_owned()]
    });
    let [first, second, third, fourth] = polls;
    [called, first, second, third, fourth]
}

/// Greenlets that continue each other.
fn switched(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let mut step = stage.step("switch")?;
    let has_greenlet = step
        .python()
        .and_then(|it| it.package("greenlet"))
        .is_some();
    let student = match has_greenlet {
        true => step.student("switch.py", &[])?,
        false => None,
    };
    let printed = student.map(|it| it.rest().join(", "));
    let expected = format!("{TURNS}, main");
    step.printed("greenlet", "switched", printed, |it| it == expected);
    step.end()
}

/// The outcome of a hundred waits at once.
#[derive(Default)]
struct Hundred {
    answers: usize,
    /// The time until the last answer.
    after: Duration,
    threads: usize,
    /// The threads as a table.
    shown: String,
}

impl Hundred {
    /// Whether all answers came within a quarter of the time that they would take one after another. Answers that wait
    /// together take much less, also on a busy machine.
    fn came_together(&self) -> bool {
        self.answers == MANY && self.after < IN_LINE / 4
    }

    /// Whether that happened on one thread.
    fn came_on_one_thread(&self) -> bool {
        self.came_together() && self.threads == 1
    }
}

/// A hundred clients ask a server whose handler waits, all at once.
fn hundred_wait(stage: &Stage<'_>, model: &str, threads: usize) -> Result<Hundred, Exit> {
    let server = stage.server(&["--model", model, "--work", "wait:200ms"])?;
    let mut clients = connect_all(server.addr(), MANY)?;
    let answers = ask_at_once(&mut clients, "hello")?;
    // The clients are still connected.
    let threads = threads_once(server.pid(), |them| them.len() == threads)?;
    Ok(Hundred {
        answers: answers.len(),
        after: answers.last().copied().unwrap_or_default(),
        threads: threads.len(),
        shown: threads_shown(&threads),
    })
}

fn side_by_side(lang: Lang, tasks: &Hundred, threads: &Hundred) -> String {
    let head = lang.pick(
        ["Model", "Threads", "Last answer"],
        ["模型", "线程数", "最后一个回答"],
    );
    let row = |model: &str, it: &Hundred| {
        let after = format!("{} ms", it.after.as_millis());
        [model.to_owned(), it.threads.to_string(), after]
    };
    let rows = [row("tasks-single", tasks), row("threads", threads)];
    columns(&[&[head.map(str::to_owned)][..], &rows].concat(), 2)
}

/// The outcome of a student's program with a hundred waits at once; `None` without Python.
fn hundred_in_python(stage: &mut Stage<'_>, file: &str) -> io::Result<Option<Hundred>> {
    let Some(student) = stage.student(file, &[])? else {
        return Ok(None);
    };
    let line = student.line().unwrap_or_default();
    let printed = line.split_once(' ');
    let printed = printed.and_then(|(count, ms)| Some((count.parse().ok()?, ms.parse().ok()?)));
    let (answers, ms) = printed.ok_or_else(|| {
        io::Error::other(tr!(
            "{file} printed \"{line}\" where two numbers were expected",
            "{file} 应当打印两个数，却打印了“{line}”"
        ))
    })?;
    // Counted by the kernel, while the program waits for a line.
    let threads = threads(student.pid())?;
    Ok(Some(Hundred {
        answers,
        after: Duration::from_millis(ms),
        threads: threads.len(),
        ..Hundred::default()
    }))
}
