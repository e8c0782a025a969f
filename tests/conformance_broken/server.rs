//! A small server that is broken on purpose: two threads for each connection, the services of `portlab-service`, one
//! lock around the rooms, and one defect.

use std::{
    collections::HashMap,
    io::{self, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    process::{Command, exit},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use portlab_service::{
    CloseReason, ConnId, Cx, Flow, Hub, Mail, Next, Service, ServiceOptions, Session, Work,
};
use portlab_sys::clock::burn;
use portlab_words::Text;

/// Declares the defects and lists them.
macro_rules! defects {
    ($($name:ident)*) => {
        /// How the server is broken; `Sound` if it isn't.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Defect { $($name,)* }

        const DEFECTS: &[Defect] = &[$(Defect::$name,)*];
    };
}

defects! {
    Sound AddsNewlines AbortsAtAPanic BurnsAtLongInput ClosesAtMalformedBytes DecodesEachReadAlone
    ExitsAtAnEmptyConnection ExitsAtALostClient DoublesSingleBytes DropsAnswersAtFin DropsLateReaders FlipsABit
    DoublesMail ForgetsTheLost HugeTurns IgnoresTheEncoding KeepsDescriptors KeepsMemory LeaksMail LeavesAChild
    SeparateRooms LosesLines LosesMail PassesEscapes QueuesWithoutBound ReversesLines Spins StopsAfterAHundred
    StopsAtAPause SwapsMail TakesALinePerRead WritesReferences
}
use Defect::*;

/// The hub and its members. An echo has one for each connection, without a hub.
struct Rooms {
    defect: Defect,
    hub: Option<Box<dyn Hub>>,
    members: HashMap<ConnId, Member>,
    lines: usize,
    /// Mail that is held back until its receiver gets more.
    held: Option<(ConnId, Mail)>,
}

struct Member {
    session: Box<dyn Session>,
    /// The queue of the writing thread; `None` if the connection is to be closed.
    out: Option<SyncSender<Vec<u8>>>,
}

/// Serves as `portlab serve` does. Unknown options are ignored.
pub(crate) fn serve(options: &[String]) -> io::Result<()> {
    let option = |name: &str| options.iter().find_map(|option| option.strip_prefix(name));
    let named = |defect: &&Defect| Some(format!("{defect:?}").as_str()) == option("--defect=");
    let defect = *DEFECTS
        .iter()
        .find(named)
        .ok_or(io::ErrorKind::InvalidInput)?;
    let mut service = ServiceOptions {
        reply: option("--reply=").unwrap_or_default().to_owned(),
        ..ServiceOptions::default()
    };
    if let Some(name) = option("--encoding=").filter(|_| defect != IgnoresTheEncoding) {
        service.encoding = name.parse().map_err(io::Error::other)?;
    }
    let work = option("--work=").unwrap_or("none").parse();
    service.work = work.map_err(io::Error::other::<Text>)?;
    match defect {
        AbortsAtAPanic => std::panic::set_hook(Box::new(|_| exit(1))),
        HugeTurns => service.chat.lines_per_turn = usize::MAX,
        // The child ends by itself after the test.
        LeavesAChild => drop(Command::new("sleep").arg("30").spawn()?),
        _ => {}
    }
    let service = service.build(option("--service=").unwrap_or_default());
    let service: &'static dyn Service = Box::leak(service.map_err(io::Error::other)?);
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let listening = serde_json::json!({"event": "listening", "addr": listener.local_addr()?});
    println!("{listening}");
    accept(&listener, service, defect);
    Ok(())
}

/// Serves until the process ends.
pub(crate) fn accept(listener: &TcpListener, service: &'static dyn Service, defect: Defect) {
    let shared = rooms(service, defect);
    for number in 1.. {
        if defect == StopsAfterAHundred && number > 100 {
            thread::sleep(FOREVER);
        }
        match listener.accept() {
            Ok((stream, _)) => {
                let is_shared = service.hub().is_some() && defect != SeparateRooms;
                let rooms = if is_shared {
                    Arc::clone(&shared)
                } else {
                    rooms(service, defect)
                };
                thread::spawn(move || {
                    serve_connection(service, ConnId(number), &Arc::new(stream), &rooms);
                });
            }
            Err(error) => {
                eprintln!("{error}");
                if defect != Spins {
                    thread::sleep(Duration::from_secs(1));
                }
            }
        }
    }
}

fn rooms(service: &dyn Service, defect: Defect) -> Arc<Mutex<Rooms>> {
    Arc::new(Mutex::new(Rooms {
        defect,
        hub: service.hub(),
        members: HashMap::new(),
        lines: 0,
        held: None,
    }))
}

fn lock(rooms: &Mutex<Rooms>) -> MutexGuard<'_, Rooms> {
    rooms.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve_connection(
    service: &dyn Service,
    id: ConnId,
    stream: &Arc<TcpStream>,
    rooms: &Mutex<Rooms>,
) {
    let defect = lock(rooms).defect;
    // The queue of a chat is long. If the client of an echo doesn't read, the server doesn't read either.
    let bound = match defect {
        DropsLateReaders => 500,
        QueuesWithoutBound => 100_000,
        _ if service.hub().is_some() => 8_192,
        _ => 1,
    };
    let (out, queue) = sync_channel(bound);
    let writing = Arc::clone(stream);
    let writer = thread::spawn(move || write(defect, &writing, &queue));
    let session = service.open(id, ([127, 0, 0, 1], 0).into());
    lock(rooms).members.insert(
        id,
        Member {
            session,
            out: Some(out),
        },
    );
    lock(rooms).call(id, &mut |session, cx| session.on_open(cx));
    let how = drive(defect, id, stream, rooms);
    lock(rooms).members.remove(&id);
    if defect != ForgetsTheLost {
        lock(rooms).call_hub(id, |hub, deliver| hub.gone(id, how, deliver));
    }
    let _ = writer.join();
    match defect {
        KeepsDescriptors => std::mem::forget(stream.try_clone()),
        KeepsMemory => std::mem::forget(vec![1_u8; 8192]),
        _ => {}
    }
    // Input that arrives late must not turn the end into a RST.
    let _ = stream.set_read_timeout(Some(Duration::from_secs(1)));
    let _ = io::copy(&mut &**stream, &mut io::sink());
}

/// Reads until the connection ends, and returns the reason.
fn drive(defect: Defect, id: ConnId, mut stream: &TcpStream, rooms: &Mutex<Rooms>) -> CloseReason {
    let mut buffer = vec![0; if defect == HugeTurns { 1 << 20 } else { 4096 }];
    for turn in 0.. {
        let input = match stream.read(&mut buffer) {
            Ok(0) if turn == 0 && defect == ExitsAtAnEmptyConnection => exit(1),
            Ok(0) => {
                lock(rooms).call(id, &mut |session, cx| session.on_eof(cx));
                return CloseReason::Left;
            }
            Ok(length) => &buffer[..length],
            Err(_) if defect == ExitsAtALostClient => exit(1),
            Err(_) => return CloseReason::Lost,
        };
        let input = match defect {
            AddsNewlines => [input, b"\n"].concat(),
            DecodesEachReadAlone => String::from_utf8_lossy(input).into_owned().into_bytes(),
            TakesALinePerRead => input
                .split_inclusive(|it| *it == b'\n')
                .take(1)
                .flatten()
                .copied()
                .collect(),
            ClosesAtMalformedBytes if str::from_utf8(input).is_err() => return CloseReason::Left,
            DropsAnswersAtFin if ends_soon(stream) => return CloseReason::Left,
            _ => input.to_vec(),
        };
        if defect == BurnsAtLongInput && input.len() > 1_000 {
            burn(Duration::from_millis(20));
        }
        let mut next = lock(rooms).call(id, &mut |session, cx| session.on_data(&input, cx));
        while next == Next::More {
            next = lock(rooms).call(id, &mut |session, cx| session.on_more(cx));
        }
        if next == Next::Close {
            break;
        }
    }
    CloseReason::Left
}

/// Whether a FIN comes next.
fn ends_soon(stream: &TcpStream) -> bool {
    thread::sleep(Duration::from_millis(10));
    let _ = stream.set_nonblocking(true);
    let ends = matches!(stream.peek(&mut [0]), Ok(0));
    let _ = stream.set_nonblocking(false);
    ends
}

fn write(defect: Defect, mut stream: &TcpStream, queue: &Receiver<Vec<u8>>) {
    for bytes in queue {
        let since = Instant::now();
        if stream.write_all(&bytes).is_err() {
            if defect == ExitsAtALostClient {
                exit(1);
            }
            break;
        }
        if defect == StopsAtAPause && since.elapsed() > Duration::from_millis(50) {
            thread::sleep(FOREVER);
        }
    }
    let _ = stream.shutdown(Shutdown::Write);
}

/// Longer than a case takes.
const FOREVER: Duration = Duration::from_secs(60);

impl Rooms {
    /// Calls a session, and returns what comes next.
    fn call(
        &mut self,
        id: ConnId,
        what: &mut dyn FnMut(&mut dyn Session, &mut Cx<'_>) -> Flow,
    ) -> Next {
        let (defect, mut out, mut posts) = (self.defect, Vec::new(), Vec::new());
        let Some(member) = self.members.get_mut(&id).filter(|it| it.out.is_some()) else {
            return Next::Close;
        };
        let flow = what(
            &mut *member.session,
            &mut Cx {
                out: &mut out,
                posts: &mut posts,
            },
        );
        match flow.work {
            Work::None => {}
            Work::Wait(time) | Work::Block(time) => thread::sleep(time),
            Work::Cpu(time) => burn(time),
        }
        match defect {
            DoublesSingleBytes if out.len() == 1 => out.push(out[0]),
            FlipsABit if out.len() == 4096 => out[2000] ^= 1,
            PassesEscapes => out = replaced(&out, "␛", "\x1b"),
            ReversesLines => posts.reverse(),
            WritesReferences => out = replaced(&out, "?, ?", "&#8364;, &#128512;"),
            _ => {}
        }
        let full = match &member.out {
            Some(queue) if defect == DropsLateReaders => queue.try_send(out).is_err(),
            Some(queue) => queue.send(out).is_err(),
            _ => false,
        };
        if full || flow.next == Next::Close {
            member.out = None;
        }
        for post in posts {
            self.call_hub(id, |hub, deliver| hub.handle(id, &post, deliver));
        }
        match self.members.get(&id).is_some_and(|it| it.out.is_some()) {
            true => flow.next,
            false => Next::Close,
        }
    }

    fn call_hub(
        &mut self,
        from: ConnId,
        what: impl FnOnce(&mut dyn Hub, &mut dyn FnMut(ConnId, Mail)),
    ) {
        let mut mail = Vec::new();
        if let Some(hub) = &mut self.hub {
            what(&mut **hub, &mut |to, piece| mail.push((to, piece)));
        }
        if let Some((_, line)) = mail.first()
            && !line.0.starts_with(b"*")
        {
            self.lines += 1;
            if self.lines.is_multiple_of(100) {
                self.spoil(from, &mut mail);
            }
        }
        for (to, piece) in mail {
            self.call(to, &mut |session, cx| session.on_mail(&piece, cx));
            if let Some((_, late)) = self.held.take_if(|held| held.0 == to) {
                self.call(to, &mut |session, cx| session.on_mail(&late, cx));
            }
        }
    }

    /// Applies the defect to the mail that a line makes; most defects change its first piece.
    fn spoil(&mut self, from: ConnId, mail: &mut Vec<(ConnId, Mail)>) {
        match self.defect {
            LosesMail => drop(mail.remove(0)),
            LosesLines => mail.clear(),
            DoublesMail => mail.push(mail[0].clone()),
            SwapsMail => self.held = Some(mail.remove(0)),
            LeaksMail => {
                let receives = |id: &ConnId| *id == from || mail.iter().any(|(to, _)| to == id);
                let other = self.members.keys().find(|id| !receives(id)).copied();
                mail.extend(other.map(|id| (id, mail[0].1.clone())));
            }
            _ => {}
        }
    }
}

fn replaced(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    let text = str::from_utf8(bytes).map(|text| text.replace(from, to));
    text.map_or_else(|_| bytes.to_vec(), String::into_bytes)
}
