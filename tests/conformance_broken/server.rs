//! A small server, broken on purpose: a thread for each connection, the services of `portlab-service`,
//! one lock around the rooms, and one defect.

use std::{
    collections::HashMap,
    io::{self, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    process::{Command, exit},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use portlab_service::{
    ConnId, Cx, Flow, Hub, Mail, Next, Parting, Post, Service, ServiceOptions, Session, Work,
};

/// Declares the defects, with their names.
macro_rules! defects {
    ($($(#[$doc:meta])+ $name:ident,)*) => {
        /// How the server is broken.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Defect { $($(#[$doc])+ $name,)* }

        const DEFECTS: &[Defect] = &[$(Defect::$name,)*];
    };
}

defects! {
    /// It isn't.
    Sound,
    /// Ends every read with a newline.
    AddsNewlines,
    /// A panicking handler ends the process.
    AbortsAtAPanic,
    /// Computes for long about long input.
    BurnsAtLongInput,
    /// Closes a connection that sends what isn't UTF-8.
    ClosesAtMalformedBytes,
    /// Decodes each read by itself.
    DecodesEachReadAlone,
    /// An empty connection ends the process.
    DiesAtAnEmptyConnection,
    /// A failing read or write ends the process.
    DiesAtALostClient,
    /// Answers a single byte twice.
    DoublesSingleBytes,
    /// Closes members for whom 1,000 pieces of mail wait.
    DropsLateReaders,
    /// Closes at a FIN, without the answers.
    DropsAnswersAtFin,
    /// Flips a bit in an answer as long as its buffer.
    FlipsABit,
    /// Tells the room of no end.
    ForgetsTheLost,
    /// Takes a megabyte from one member before another's turn.
    HugeTurns,
    /// Writes UTF-8 whatever it was told.
    IgnoresTheEncoding,
    /// Keeps a descriptor of each connection.
    KeepsDescriptors,
    /// Keeps 8 KiB of each connection.
    KeepsMemory,
    /// Starts a process that outlives it.
    LeavesAChild,
    /// Has a room for each member.
    LonelyRooms,
    /// Loses every fiftieth piece of mail.
    LosesMail,
    /// Passes escape sequences on.
    PassesEscapes,
    /// Queues answers without a bound.
    QueuesWithoutBound,
    /// Accepts in a busy loop when it can't.
    Spins,
    /// Accepts a hundred connections and no more.
    StopsAfterAHundred,
    /// Never writes again to a member that paused.
    StopsAtAPause,
    /// Takes the first line of a read and forgets the rest.
    TakesALinePerRead,
    /// Writes what an encoding has no place for as references.
    WritesReferences,
}

struct Server {
    defect: Defect,
    service: Box<dyn Service>,
    rooms: Arc<Mutex<Rooms>>,
}

/// The hub and its members. An echo has one for each connection, without a hub.
struct Rooms {
    hub: Option<Box<dyn Hub>>,
    members: HashMap<ConnId, Member>,
    defect: Defect,
    mail: usize,
}

struct Member {
    session: Box<dyn Session>,
    /// Where its bytes go; `None` once it is to be closed.
    out: Option<Box<dyn FnMut(Vec<u8>) + Send>>,
}

/// Serves as `serve` does, as far as it understands `options`.
pub(crate) fn serve(options: &[String]) -> io::Result<()> {
    let told = |name: &str| options.iter().find_map(|option| option.strip_prefix(name));
    let named = |defect: &&Defect| Some(format!("{defect:?}").as_str()) == told("--defect=");
    let defect = *DEFECTS.iter().find(named).unwrap_or(&Defect::Sound);
    let mut service = ServiceOptions::default();
    if let Some(text) = told("--reply=") {
        service.reply = text.to_owned();
    }
    if let Some(name) = told("--encoding=").filter(|_| defect != Defect::IgnoresTheEncoding) {
        service.encoding = name.parse().map_err(io::Error::other)?;
    }
    if let Some(work) = told("--work=") {
        service.order = work.parse().map_err(io::Error::other)?;
    }
    if defect == Defect::HugeTurns {
        service.chat.lines_per_turn = usize::MAX;
    }
    let service = service.build(told("--service=").unwrap_or("echo"));
    let service = service.map_err(io::Error::other)?;
    if defect == Defect::AbortsAtAPanic {
        std::panic::set_hook(Box::new(|_| exit(1)));
    }
    if defect == Defect::LeavesAChild {
        // It ends by itself some time after the test.
        Command::new("sleep").arg("30").spawn()?;
    }
    let at = options.iter().position(|option| option == "--bind");
    let addr = at.and_then(|at| options.get(at + 1));
    let listener = TcpListener::bind(addr.map_or("127.0.0.1:0", String::as_str))?;
    let listening = serde_json::json!({"event": "listening", "addr": listener.local_addr()?});
    println!("{listening}");
    let server = Arc::new(Server {
        defect,
        rooms: rooms(&*service, defect),
        service,
    });
    for number in 1.. {
        if defect == Defect::StopsAfterAHundred && number > 100 {
            thread::sleep(Duration::from_secs(60));
        }
        match listener.accept() {
            Ok((stream, _)) => {
                let server = Arc::clone(&server);
                thread::spawn(move || attend(&server, ConnId(number), &Arc::new(stream)));
            }
            Err(error) => {
                eprintln!("{error}");
                if defect != Defect::Spins {
                    thread::sleep(Duration::from_secs(1));
                }
            }
        }
    }
    Ok(())
}

fn rooms(service: &dyn Service, defect: Defect) -> Arc<Mutex<Rooms>> {
    Arc::new(Mutex::new(Rooms {
        hub: service.hub(),
        members: HashMap::new(),
        defect,
        mail: 0,
    }))
}

fn lock(rooms: &Mutex<Rooms>) -> MutexGuard<'_, Rooms> {
    rooms.lock().unwrap_or_else(PoisonError::into_inner)
}

fn attend(server: &Server, id: ConnId, stream: &Arc<TcpStream>) {
    let Server {
        defect, service, ..
    } = server;
    let has_hub = service.hub().is_some();
    let rooms = match has_hub && *defect != Defect::LonelyRooms {
        true => Arc::clone(&server.rooms),
        false => rooms(&**service, *defect),
    };
    let (out, writer) = match has_hub || *defect == Defect::QueuesWithoutBound {
        true => queued(*defect, stream),
        false => (direct(*defect, stream), None),
    };
    let peer = stream.peer_addr().unwrap_or(([0, 0, 0, 0], 0).into());
    let member = Member {
        session: service.open(id, peer),
        out: Some(out),
    };
    lock(&rooms).members.insert(id, member);
    lock(&rooms).call(id, |session, cx| session.on_open(cx));
    let how = converse(*defect, id, stream, &rooms);
    let mut guard = lock(&rooms);
    guard.members.remove(&id);
    if *defect != Defect::ForgetsTheLost {
        guard.gone(id, how);
    }
    drop(guard);
    if let Some(writer) = writer {
        let _ = writer.join();
    }
    match defect {
        Defect::KeepsDescriptors => std::mem::forget(stream.try_clone()),
        Defect::KeepsMemory => std::mem::forget(vec![1_u8; 8192]),
        _ => {}
    }
    // What the client still says must not turn the end into a RST.
    let _ = stream.shutdown(Shutdown::Write);
    let _ = stream.set_read_timeout(Some(Duration::from_secs(1)));
    let _ = io::copy(&mut &**stream, &mut io::sink());
}

/// Reads until the end of the connection, and says how it came.
fn converse(defect: Defect, id: ConnId, mut stream: &TcpStream, rooms: &Mutex<Rooms>) -> Parting {
    let size = if defect == Defect::HugeTurns {
        1 << 20
    } else {
        4096
    };
    let mut buffer = vec![0; size];
    for turn in 0.. {
        let input = match stream.read(&mut buffer) {
            Ok(0) => {
                match defect {
                    Defect::DiesAtAnEmptyConnection if turn == 0 => exit(1),
                    _ => drop(lock(rooms).call(id, |session, cx| session.on_eof(cx))),
                }
                return Parting::Left;
            }
            Ok(length) => &buffer[..length],
            Err(_) if defect == Defect::DiesAtALostClient => exit(1),
            Err(_) => return Parting::Lost,
        };
        if defect == Defect::DropsAnswersAtFin {
            thread::sleep(Duration::from_millis(10));
            let _ = stream.set_nonblocking(true);
            if let Ok(0) = stream.peek(&mut [0]) {
                return Parting::Left;
            }
            let _ = stream.set_nonblocking(false);
        }
        let input = match defect {
            Defect::AddsNewlines => [input, b"\n"].concat(),
            Defect::DecodesEachReadAlone => {
                String::from_utf8_lossy(input).into_owned().into_bytes()
            }
            Defect::TakesALinePerRead => input
                .split_inclusive(|it| *it == b'\n')
                .take(1)
                .collect::<Vec<_>>()
                .concat(),
            Defect::ClosesAtMalformedBytes if str::from_utf8(input).is_err() => {
                return Parting::Left;
            }
            _ => input.to_vec(),
        };
        if defect == Defect::BurnsAtLongInput && input.len() > 1_000 {
            portlab_sys::clock::burn(Duration::from_millis(20));
        }
        let mut next = lock(rooms).call(id, |session, cx| session.on_data(&input, cx));
        while next == Next::More {
            next = lock(rooms).call(id, |session, cx| session.on_more(cx));
        }
        if next == Next::Close {
            return Parting::Left;
        }
    }
    Parting::Left
}

impl Rooms {
    /// Calls a session, and says what comes next.
    fn call(
        &mut self,
        id: ConnId,
        what: impl FnOnce(&mut dyn Session, &mut Cx<'_>) -> Flow,
    ) -> Next {
        let Some(member) = self.members.get_mut(&id) else {
            return Next::Close;
        };
        let (next, posts) = member.call(self.defect, what);
        for post in posts {
            if let Some(mut hub) = self.hub.take() {
                hub.handle(id, &post, &mut |to, mail| self.deliver(to, &mail));
                self.hub = Some(hub);
            }
        }
        match self.members.get(&id).is_some_and(|it| it.out.is_some()) {
            true => next,
            false => Next::Close,
        }
    }

    fn gone(&mut self, id: ConnId, how: Parting) {
        if let Some(mut hub) = self.hub.take() {
            hub.gone(id, how, &mut |to, mail| self.deliver(to, &mail));
            self.hub = Some(hub);
        }
    }

    fn deliver(&mut self, to: ConnId, mail: &Mail) {
        self.mail += 1;
        let lost = self.defect == Defect::LosesMail && self.mail % 50 == 0;
        if let Some(member) = self.members.get_mut(&to).filter(|_| !lost) {
            member.call(self.defect, |session, cx| session.on_mail(mail, cx));
        }
    }
}

impl Member {
    fn call(
        &mut self,
        defect: Defect,
        what: impl FnOnce(&mut dyn Session, &mut Cx<'_>) -> Flow,
    ) -> (Next, Vec<Post>) {
        let (mut out, mut posts) = (Vec::new(), Vec::new());
        let Some(send) = &mut self.out else {
            return (Next::Close, posts);
        };
        let mut cx = Cx {
            out: &mut out,
            posts: &mut posts,
        };
        let flow = what(&mut *self.session, &mut cx);
        match flow.work {
            Work::None => {}
            Work::Wait(time) | Work::Block(time) => thread::sleep(time),
            Work::Cpu(time) => portlab_sys::clock::burn(time),
        }
        match defect {
            Defect::DoublesSingleBytes if out.len() == 1 => out.push(out[0]),
            Defect::FlipsABit if out.len() == 4096 => out[2000] ^= 1,
            Defect::PassesEscapes => out = replaced(&out, "␛", "\x1b"),
            Defect::WritesReferences => out = replaced(&out, "?, ?", "&#8364;, &#128512;"),
            _ => {}
        }
        if !out.is_empty() {
            send(out);
        }
        if flow.next == Next::Close {
            self.out = None;
        }
        (flow.next, posts)
    }
}

fn replaced(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    match str::from_utf8(bytes) {
        Ok(text) => text.replace(from, to).into_bytes(),
        Err(_) => bytes.to_vec(),
    }
}

/// Writes at once, so that a client that doesn't read isn't read from.
fn direct(defect: Defect, stream: &Arc<TcpStream>) -> Box<dyn FnMut(Vec<u8>) + Send> {
    let stream = Arc::clone(stream);
    Box::new(move |bytes| {
        if (&*stream).write_all(&bytes).is_err() && defect == Defect::DiesAtALostClient {
            exit(1);
        }
    })
}

/// Leaves writing to a thread of its own.
fn queued(
    defect: Defect,
    stream: &Arc<TcpStream>,
) -> (Box<dyn FnMut(Vec<u8>) + Send>, Option<JoinHandle<()>>) {
    let (sender, receiver) = mpsc::channel::<Vec<u8>>();
    let waiting = Arc::new(AtomicUsize::new(0));
    let (counted, reader, stream) = (Arc::clone(&waiting), Arc::clone(stream), Arc::clone(stream));
    let writer = thread::spawn(move || {
        for bytes in receiver {
            let since = Instant::now();
            if (&*stream).write_all(&bytes).is_err() {
                break;
            }
            waiting.fetch_sub(1, Relaxed);
            if defect == Defect::StopsAtAPause && since.elapsed() > Duration::from_millis(50) {
                thread::sleep(Duration::from_secs(60));
            }
        }
        let _ = stream.shutdown(Shutdown::Write);
    });
    let send = Box::new(move |bytes| {
        if counted.fetch_add(1, Relaxed) > 1_000 && defect == Defect::DropsLateReaders {
            let _ = reader.shutdown(Shutdown::Both);
        }
        let _ = sender.send(bytes);
    });
    (send, Some(writer))
}
