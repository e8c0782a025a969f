//! The reply console: the assistant in the page. Programs of students connect to its port; the teacher sees what they
//! send as text and bytes, and answers by hand.
//!
//! A click is short for a typed line, as a key is on the terminal, so crate `portlab-assist` carries out both.
//!
//! | module | owns |
//! |---|---|
//! | this one | the thread that owns the console, orders and routes |
//! | `view` | what browsers get of a log; pure |

mod view;

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use axum::{
    Json, Router,
    extract::State,
    response::Response,
    routing::{get, post},
};
use portlab_assist::{Command, Desk, Engine, Event, Log, Open, Plan, What, help, reads_file};
use portlab_backends::bind;
use portlab_words::{Lang, Text, tr};
use serde::{Deserialize, Serialize};

use self::view::View;
use crate::{kernel::Owner, orders, room::Room};

/// What a teacher may ask of the console.
#[derive(Debug)]
pub(crate) enum Order {
    /// Listens at a port of the page's own address, in place of the port before.
    Open { port: u16, encoding: String },
    /// Carries out a line as if it had been typed on a terminal: a text is sent, and `/` begins a command.
    Type(String),
    /// Closes the port and all connections. What has come stays on the page.
    Shut,
}

pub(crate) type Orders = orders::Orders<Order>;

pub(crate) fn teacher_routes() -> Router<Arc<Room>> {
    Router::new()
        .route("/console/help.json", get(async || Json(Help::new())))
        .route("/do/console/open", post(open))
        .route("/do/console/type", post(type_line))
        .route(
            "/do/console/shut",
            post(async |State(room): State<Arc<Room>>| room.console.give(Order::Shut).await),
        )
}

#[derive(Deserialize)]
struct Opened {
    port: u16,
    encoding: String,
}

async fn open(State(room): State<Arc<Room>>, Json(asked): Json<Opened>) -> Response {
    let Opened { port, encoding } = asked;
    room.console.give(Order::Open { port, encoding }).await
}

#[derive(Deserialize)]
struct Typed {
    line: String,
}

async fn type_line(State(room): State<Arc<Room>>, Json(typed): Json<Typed>) -> Response {
    room.console.give(Order::Type(typed.line)).await
}

/// The commands of the assistant, in both languages: how each is written, and what it does.
#[derive(Serialize)]
struct Help {
    en: Vec<(&'static str, &'static str)>,
    zh: Vec<(&'static str, &'static str)>,
}

impl Help {
    fn new() -> Self {
        // The page reads no file, and this list is the page's `/help`.
        let [en, zh] = Lang::ALL.map(|lang| {
            let all = help(lang).filter(|(form, _)| !reads_file(form) && *form != "/help");
            all.collect()
        });
        Self { en, zh }
    }
}

/// Starts the console's thread, which lives as long as the page.
pub(crate) fn start(room: Arc<Room>) -> io::Result<()> {
    let thread = thread::Builder::new().name("console".to_owned());
    thread.spawn(move || Console::new(&room).run()).map(drop)
}

/// What the thread owns.
struct Console<'a> {
    room: &'a Room,
    port: Option<Listening>,
    desk: Desk,
    log: Log,
    /// What the last line has done.
    said: Option<Text>,
    /// Whether browsers have an older view.
    is_stale: bool,
}

/// A port at which the console listens.
struct Listening {
    addr: SocketAddr,
    engine: Engine,
    events: Receiver<Event>,
}

impl<'a> Console<'a> {
    fn new(room: &'a Room) -> Self {
        let desk = Desk::default();
        Self {
            room,
            port: None,
            log: Log::new(&desk.encodings(), COUNTRY),
            desk,
            said: None,
            is_stale: true,
        }
    }

    fn run(mut self) {
        let orders = self.room.console.receive();
        while !self.room.has_ended() {
            match orders.recv_timeout(EVERY) {
                Ok(task) => {
                    self.said = None;
                    let done = self.carry_out(task.order);
                    self.is_stale = true;
                    // The browser may have gone.
                    let _ = task.answer.send(done);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.take_events();
            if self.is_stale && self.room.is_watched("console") {
                self.is_stale = false;
                let addr = self.port.as_ref().map(|it| it.addr);
                let view = View::of(addr, &self.desk, &self.log, self.said.as_ref());
                self.room.publish("console", &view);
            }
        }
    }

    fn carry_out(&mut self, order: Order) -> Result<(), Text> {
        match order {
            Order::Open { port, encoding } => self.open(port, &encoding),
            Order::Type(line) => self.type_line(&line),
            Order::Shut => {
                if let Some(port) = &self.port {
                    port.engine.send(Command::Quit);
                }
                Ok(())
            }
        }
    }

    fn open(&mut self, port: u16, encoding: &str) -> Result<(), Text> {
        let mut desk = Desk::default();
        desk.speech.encoding = encoding.parse()?;
        if self.port.as_ref().is_some_and(|it| it.addr.port() == port) {
            self.shut();
        }
        let addr = SocketAddr::new(self.room.addr.ip(), port);
        let listener = bind(addr, &portlab_backends::Options::default()).map_err(|error| {
            let why = error.text();
            tr!("{why}; choose another port", "{why:#}；请换一个端口")
        })?;
        let addr = listener.local_addr().map_err(|it| Text::system(&it))?;
        let (sender, events) = sync_channel(EVENTS);
        let plan = Plan {
            speech: desk.speech,
            ..Plan::default()
        };
        let engine =
            Engine::start(Open::Listen(listener), plan, sender).map_err(|it| Text::system(&it))?;
        let name = Text::new("console", "调试助手");
        self.room
            .ports
            .show(Owner::Console, Some((addr.port(), name)));
        self.log = Log::new(&desk.encodings(), COUNTRY);
        self.desk = desk;
        self.port = Some(Listening {
            addr,
            engine,
            events,
        });
        Ok(())
    }

    fn shut(&mut self) {
        self.port = None;
        self.room.ports.show(Owner::Console, None);
    }

    fn type_line(&mut self, line: &str) -> Result<(), Text> {
        if reads_file(line) {
            return Err(NO_FILE);
        }
        let done = self.desk.typed(line)?;
        if done.reread {
            self.log.read_again(&self.desk.encodings());
        }
        self.said = self.log.said(&done);
        let Some(port) = &self.port else {
            return match done.command {
                Some(_) => Err(CLOSED),
                None => Ok(()),
            };
        };
        if let Some(command) = done.command {
            port.engine.send(command);
        }
        Ok(())
    }

    /// Takes what has happened, for a moment: the engine counts what comes faster than that.
    fn take_events(&mut self) {
        let began = Instant::now();
        while began.elapsed() < EVERY {
            let Some(event) = self.port.as_ref().and_then(|it| it.events.try_recv().ok()) else {
                return;
            };
            let is_last = event.what == What::Stopped;
            self.log.push(event);
            self.is_stale = true;
            if is_last {
                self.shut();
            }
        }
    }
}

/// How often events are taken and browsers get a view, at most.
const EVERY: Duration = Duration::from_millis(100);
/// How many events wait for the console.
const EVENTS: usize = 256;
/// The country whose encodings are guessed.
const COUNTRY: &str = "cn";
const NO_FILE: Text = Text::new(
    "the page reads no file: `portlab assist` on a terminal does",
    "网页不读文件：请在终端里用 `portlab assist`",
);
const CLOSED: Text = Text::new("open a port first", "请先打开一个端口");
