//! One lesson as a process: `portlab lesson`, which waits for Enter as on a terminal. What it prints is the topic `run`.

use std::{
    io::{self, Write},
    process::{ChildStdin, Command, Stdio},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{RecvTimeoutError, SyncSender, TrySendError, sync_channel},
    },
    thread,
    time::Duration,
};

use axum::{Json, Router, extract::State, response::Response, routing::post};
use portlab_lessons::{Lesson, find};
use portlab_words::{Lang, Text};
use serde::{Deserialize, Serialize};

use super::screen::Screen;
use crate::{joined::Joined, orders, process::Process, room::Room};

/// What a teacher may ask of a run.
#[derive(Clone, Debug)]
pub(crate) enum Order {
    /// Runs a lesson from a step on, in place of the run before.
    Start {
        lesson: String,
        step: Option<String>,
        lang: Lang,
    },
    /// Types a line; an empty one is Enter.
    Line(String),
    /// Ends the run.
    Stop,
}

/// The way of orders to the runner.
pub(crate) type Orders = orders::Orders<Order>;

pub(super) fn routes() -> Router<Arc<Room>> {
    Router::new()
        .route("/do/run", post(start))
        .route("/do/run/line", post(line))
        .route(
            "/do/run/stop",
            post(async |room: State<Arc<Room>>| give(&room, Order::Stop).await),
        )
}

#[derive(Deserialize)]
struct Start {
    lesson: String,
    step: Option<String>,
    lang: String,
}

async fn start(State(room): State<Arc<Room>>, Json(start): Json<Start>) -> Response {
    let Start { lesson, step, lang } = start;
    let lang = lang.parse().unwrap_or(room.lang);
    give(&room, Order::Start { lesson, step, lang }).await
}

#[derive(Deserialize)]
struct Line {
    text: String,
}

async fn line(State(room): State<Arc<Room>>, Json(Line { text }): Json<Line>) -> Response {
    give(&room, Order::Line(text)).await
}

async fn give(room: &Room, order: Order) -> Response {
    room.lessons.runs.give(order).await
}

/// Writes lines to a lesson from a thread of its own: a lesson that reads nothing holds up that thread only, which ends
/// with the lesson.
fn writer(mut input: ChildStdin) -> SyncSender<String> {
    let (sender, lines) = sync_channel::<String>(FEW_LINES);
    thread::spawn(move || {
        for line in lines {
            if input.write_all(format!("{line}\n").as_bytes()).is_err() {
                break;
            }
        }
    });
    sender
}

/// Starts the thread that starts lessons, and ends them.
pub(crate) fn start_runner(room: Arc<Room>) -> io::Result<Joined> {
    Joined::start("lessons", room, carry_out_orders)
}

fn carry_out_orders(room: &Room) {
    let receiver = room.lessons.runs.receive();
    let mut run: Option<Run> = None;
    while !room.has_ended() {
        match receiver.recv_timeout(FRAME) {
            Ok(task) => {
                let done = obey(room, task.order, &mut run);
                // The browser may have gone.
                let _ = task.answer.send(done);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        if let Some(run) = &mut run {
            run.publish(room);
        }
    }
}

fn obey(room: &Room, order: Order, run: &mut Option<Run>) -> Result<(), Text> {
    match order {
        Order::Start { lesson, step, lang } => {
            let lesson = find(&lesson).ok_or(NO_LESSON)?;
            let script = lesson.script(lang).map_err(Text::of)?;
            let step = step.unwrap_or_else(|| "1".to_owned());
            // An option of the command line comes from a text that is checked.
            let place = script.place_of(&step).ok_or(NO_STEP)?;
            // The run before ends before the new one starts.
            *run = None;
            let started = Run::start(room, lesson, place, lang);
            *run = Some(started.map_err(|it| Text::system(&it))?);
            Ok(())
        }
        Order::Line(text) => run.as_mut().ok_or(NO_RUN)?.answer(&text),
        Order::Stop => {
            run.as_mut().ok_or(NO_RUN)?.stop();
            Ok(())
        }
    }
}

/// A lesson that runs, or has ended. When this is dropped, its process has ended.
struct Run {
    lesson: &'static Lesson,
    lang: Lang,
    process: Process,
    input: Option<SyncSender<String>>,
    screen: Arc<Mutex<Screen>>,
    /// The exit code; `Some(None)` if a signal ended the run.
    ended: Option<Option<i32>>,
    /// The version of the screen that was published last, and whether the run had ended.
    published: Option<(u64, bool)>,
}

/// A run, for browsers.
#[derive(Serialize)]
struct View<'a> {
    lesson: &'static str,
    lang: &'static str,
    state: &'static str,
    exit: Option<i32>,
    lines: Vec<&'a str>,
    /// What the run waits for.
    prompt: &'a str,
}

impl Run {
    /// Starts a lesson at the step that is at `place`, from 0. Its process ends with the calling thread.
    fn start(room: &Room, lesson: &'static Lesson, place: usize, lang: Lang) -> io::Result<Self> {
        let mut command = Command::new(&room.program);
        command
            .args(["lesson", lesson.name, "--enter"])
            .arg(format!("--step={}", place + 1))
            .arg(format!("--lang={lang}"))
            .env("COLUMNS", COLUMNS)
            .stdin(Stdio::piped());
        let screen = Arc::<Mutex<Screen>>::default();
        let writes = || {
            let screen = Arc::clone(&screen);
            move |bytes: &[u8]| lock(&screen).write(bytes)
        };
        let mut process = Process::start(&mut command, PATIENCE, writes(), writes())?;
        Ok(Self {
            lesson,
            lang,
            input: process.input().map(writer),
            process,
            screen,
            ended: None,
            published: None,
        })
    }

    fn answer(&mut self, text: &str) -> Result<(), Text> {
        let line = text.lines().next().unwrap_or_default();
        let line: String = line.chars().take(LONGEST_LINE).collect();
        let input = self.input.as_mut().ok_or(NO_RUN)?;
        // The screen first: the run may answer at once.
        lock(&self.screen).answer(&line);
        input.try_send(line).map_err(|error| match error {
            TrySendError::Full(_) => NOT_READ,
            TrySendError::Disconnected(_) => NO_RUN,
        })
    }

    /// Ends the process. Its own children end with it.
    fn stop(&mut self) {
        self.input = None;
        self.process.stop();
    }

    fn has_ended(&mut self) -> bool {
        if self.ended.is_none()
            && let Ok(Some(status)) = self.process.ended()
        {
            self.ended = Some(status.code());
            self.input = None;
        }
        self.ended.is_some()
    }

    /// Publishes the screen, if it has changed.
    fn publish(&mut self, room: &Room) {
        let has_ended = self.has_ended();
        let screen = lock(&self.screen);
        let now = (screen.version, has_ended);
        if self.published == Some(now) {
            return;
        }
        self.published = Some(now);
        room.publish(
            "run",
            &View {
                lesson: self.lesson.name,
                lang: self.lang.tag(),
                state: if has_ended { "ended" } else { "running" },
                exit: self.ended.flatten(),
                lines: screen.lines().collect(),
                prompt: screen.prompt(),
            },
        );
    }
}

fn lock(screen: &Mutex<Screen>) -> MutexGuard<'_, Screen> {
    screen.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Browsers get the screen 20 times a second at most.
const FRAME: Duration = Duration::from_millis(50);
/// How long a lesson may take to end.
const PATIENCE: Duration = Duration::from_millis(300);
/// The width of a lesson's text, as on a projector.
const COLUMNS: &str = "60";
/// The most characters that are typed at once.
const LONGEST_LINE: usize = 200;

const NO_LESSON: Text = Text::new("no such lesson", "没有这节课");
const NO_STEP: Text = Text::new("the lesson has no such step", "这节课没有这一步");
/// Lines that a lesson has not read yet.
const FEW_LINES: usize = 16;
const NOT_READ: Text = Text::new(
    "the lesson doesn't read now: wait, or stop it",
    "这节课现在不读输入：请等一等，或者停止它",
);
const NO_RUN: Text = Text::new("no lesson runs: start one", "没有正在运行的课程：请先运行");
