//! The classroom page: a class sees models of servers at work, runs lessons, votes, and has its own servers judged.
//!
//! ```text
//! browser ──POST /do/..., teacher's code──▶ guard ──▶ a part of the page ──▶ stage (a thread: servers, load, lanes)
//!    ▲                                                       │                     │
//!    └──────── GET /events (server-sent events) ◀── Topic ◀──┴─────────────────────┘
//! ```
//!
//! | module | owns |
//! |---|---|
//! | [`Class`] | the page's listener, its routes and its end |
//! | `room` | what all parts share: the codes, the topics, the language |
//! | `topic` | the newest value of something, for every browser that watches |
//! | `guard` | which request may do what |
//! | `assets` | the files of the page |
//! | `events` | the topics as a stream of events |
//! | `folder` | folders for temporary files |
//! | `conns` | the connections of browsers: how many may be open |
//! | [`lanes`] | the picture of a server: events in, lanes and places out; pure |
//! | `stage` | servers, load and guests, as processes and connections of their own |
//! | `console` | the assistant: programs of students connect to it |
//! | `kernel` | the TCP sockets of the page's ports, as `ss` shows them |
//! | `race` | two models side by side, then `portlab compare` and the sentences of its report |
//! | `wall` | the verdicts of `portlab judge --report` |
//! | `orders` | the way from a route to a thread that owns processes |
//! | `process` | one command of portlab as a process, and what it prints |
//! | `joined` | such a thread, which is waited for at the end |
//! | `lessons` | texts, a run, votes of students |
//!
//! A part that takes requests has its routes in its module: `Class::routes` lists them.

#![forbid(unsafe_code)]

mod assets;
mod conns;
mod console;
mod events;
mod folder;
mod guard;
mod joined;
mod kernel;
pub mod lanes;
mod lessons;
mod orders;
mod process;
mod race;
mod room;
mod stage;
mod topic;
mod wall;

use std::{
    io::{self, Read},
    net::{SocketAddr, TcpListener},
    os::unix::net::UnixStream,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use axum::{Router, extract::DefaultBodyLimit, middleware};
use portlab_words::Lang;
use tokio::runtime;

use self::{joined::Joined, room::Room};

/// What a page is started with.
#[derive(Debug)]
pub struct Options {
    /// The port of the page.
    pub listener: TcpListener,
    /// The language that the page begins with. Each browser may choose the other one.
    pub lang: Lang,
    /// The file of this program: servers, loads, lessons and comparisons are started from it.
    pub program: PathBuf,
}

/// A page that is ready to be served.
#[derive(Debug)]
pub struct Class {
    room: Arc<Room>,
    /// The threads that own processes.
    threads: [Joined; 3],
    listener: TcpListener,
}

impl Class {
    /// Makes the page, with two new codes.
    ///
    /// # Errors
    /// When the system has no thread or no random number left.
    pub fn open(options: Options) -> io::Result<Self> {
        let Options {
            listener,
            lang,
            program,
        } = options;
        let room = Arc::new(Room::new(lang, program, listener.local_addr()?)?);
        let stage = stage::start(Arc::clone(&room))?;
        let runner = lessons::start(Arc::clone(&room))?;
        console::start(Arc::clone(&room))?;
        kernel::start(Arc::clone(&room))?;
        let races = race::start(Arc::clone(&room))?;
        Ok(Self {
            room,
            threads: [stage, runner, races],
            listener,
        })
    }

    /// The address of the page.
    pub fn addr(&self) -> SocketAddr {
        self.room.addr
    }

    /// The addresses at which browsers find the page: the teacher's first; if other machines can reach the page, theirs
    /// behind it.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.room.addresses()
    }

    /// Whether other machines can reach the page.
    pub fn is_wide(&self) -> bool {
        self.room.is_wide()
    }

    /// The code of the teacher, for everything that starts, loads or stops something.
    pub fn teacher_code(&self) -> &str {
        &self.room.codes.teacher
    }

    /// The code of the students, for votes.
    pub fn join_code(&self) -> &str {
        &self.room.codes.join
    }

    /// Serves the page until `bell` is readable. Then all streams of events end, and all processes of the page.
    ///
    /// # Errors
    /// When the system has no descriptor left for the runtime.
    pub fn serve(self, bell: UnixStream) -> io::Result<()> {
        let Self {
            room,
            threads,
            listener,
        } = self;
        listener.set_nonblocking(true)?;
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let ended = runtime.block_on(async {
            let listener = conns::Limited::new(tokio::net::TcpListener::from_std(listener)?);
            let routes = Self::routes(Arc::clone(&room));
            let mut ending = room.ending();
            tokio::task::spawn_blocking({
                let room = Arc::clone(&room);
                move || {
                    // A byte and an error both mean the end.
                    let _ = (&bell).read_exact(&mut [0]);
                    room.end();
                }
            });
            let serving = axum::serve(listener, routes)
                .with_graceful_shutdown(async move { drop(ending.wait_for(|it| *it).await) });
            let mut ending = room.ending();
            tokio::select! {
                served = serving.into_future() => served,
                // A browser that reads nothing doesn't hold the end up.
                () = async {
                    let _ = ending.wait_for(|it| *it).await;
                    tokio::time::sleep(LAST).await;
                } => Ok(()),
            }
        });
        drop(threads);
        runtime.shutdown_background();
        ended
    }

    /// All routes: those that need the teacher's code are behind [`guard::teacher`].
    fn routes(room: Arc<Room>) -> Router {
        let for_teacher = Router::new()
            .merge(stage::routes())
            .merge(console::teacher_routes())
            .merge(race::routes())
            .merge(wall::teacher_routes())
            .merge(lessons::teacher_routes())
            .merge(assets::teacher_routes())
            .layer(middleware::from_fn_with_state(
                Arc::clone(&room),
                guard::teacher,
            ));
        let for_all = Router::new()
            .merge(assets::routes())
            .merge(events::routes())
            .merge(wall::routes())
            .merge(lessons::routes());
        for_teacher
            .merge(for_all)
            .layer(DefaultBodyLimit::max(LARGEST_BODY))
            .layer(middleware::from_fn_with_state(
                Arc::clone(&room),
                guard::browser,
            ))
            .with_state(room)
    }
}

/// The time that streams have to end.
const LAST: Duration = Duration::from_millis(500);
/// The most bytes of a request's body.
const LARGEST_BODY: usize = 256 * 1024;
