//! The state machine with the events of a connection in any order: bytes to read, room to write, mail,
//! work that ends, and calls without a reason.
//!
//! The simulated driver calls a connection only when [`Step`] says that it must: after `Yield`, after
//! an event of the poller (edge-triggered), and when the inbox wakes it. So if mail or input is left at
//! the end, the connection has returned a wrong `Step`.

use std::{
    cell::RefCell,
    collections::VecDeque,
    num::NonZeroU32,
    rc::Rc,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Wake, Waker},
};

use portlab_service::{Cx, Found, Lookup, Mail, Next, PathLookup, Post, What};
use proptest::prelude::*;

use super::*;
use crate::{
    Limits,
    drivers::held::PIECE,
    files::{FileOptions, Files},
    hub::{
        mailbox::{Mailbox, Overflow, Policy, Put},
        shared_mailbox::SharedMailbox,
    },
};

#[derive(Default)]
struct Kernel {
    arrived: VecDeque<u8>,
    /// How many more bytes the peer takes now.
    room: usize,
    /// A write has found no room, so that more room is an event.
    was_full: bool,
    sent: Vec<u8>,
    is_finished: bool,
    /// As with a ring: a write takes all bytes at once, and the next one must wait until they have left.
    takes_all: bool,
    leaving: Vec<u8>,
}

struct Simulated(Rc<RefCell<Kernel>>);

impl Socket for Simulated {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut kernel = self.0.borrow_mut();
        let length = kernel.arrived.len().min(buffer.len());
        if length == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        for (place, byte) in buffer.iter_mut().zip(kernel.arrived.drain(..length)) {
            *place = byte;
        }
        Ok(length)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut kernel = self.0.borrow_mut();
        if kernel.takes_all && kernel.leaving.is_empty() {
            kernel.leaving.extend_from_slice(bytes);
            return Ok(bytes.len());
        }
        let room = if kernel.takes_all { 0 } else { kernel.room };
        let length = room.min(bytes.len());
        if length < bytes.len() {
            kernel.was_full = true;
        }
        if length == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        kernel.room -= length;
        kernel.sent.extend_from_slice(&bytes[..length]);
        Ok(length)
    }

    fn write_more(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write(bytes)
    }

    fn send_file(&mut self, held: &mut Held, most: usize) -> io::Result<usize> {
        let room = match &*self.0.borrow() {
            kernel if !kernel.takes_all => kernel.room.min(most),
            kernel if kernel.leaving.is_empty() => most,
            _ => 0,
        };
        if room == 0 {
            return self.write(b"!");
        }
        let mut piece = Vec::new();
        held.take(room, &mut piece)?;
        self.write(&piece)
    }

    fn finish(&mut self) -> io::Result<()> {
        // A poller reports the socket again after each FIN, so with a second FIN the loop would spin.
        assert!(!mem::replace(&mut self.0.borrow_mut().is_finished, true));
        Ok(())
    }

    fn has_unsent(&mut self) -> bool {
        let mut kernel = self.0.borrow_mut();
        let has_unsent = !kernel.leaving.is_empty();
        kernel.was_full |= has_unsent;
        has_unsent
    }
}

/// Sends mail to the peer, and answers each byte of input, some bytes in each turn; a `w` asks for work, and an `f` for a
/// file.
struct MailAndEcho {
    rest: Vec<u8>,
    /// How many files are still to be sent.
    files: usize,
    is_sending: bool,
    lookup: Lookup,
}

const WORK: u8 = b'w';
const FILE: u8 = b'f';
const PORTION: usize = 20_000;
/// It is sent in two turns.
const FILE_LENGTH: usize = PIECE + 1;

static FILES: LazyLock<&Files> = LazyLock::new(|| {
    let root = portlab_testkit::folder("orders");
    std::fs::write(root.join("file"), [b'd'; FILE_LENGTH]).unwrap();
    let options = FileOptions {
        root,
        index: String::new(),
        listing: false,
        cache_bytes: 0,
    };
    Files::open(options).unwrap()
});

impl MailAndEcho {
    fn new() -> Self {
        Self {
            rest: Vec::new(),
            files: 0,
            is_sending: false,
            lookup: Lookup::Path(PathLookup {
                path: b"file".to_vec(),
                is_folder: false,
                codings: [None; 2],
            }),
        }
    }

    fn next(&mut self) -> Flow {
        if self.files > 0 {
            self.files -= 1;
            return Flow::LOOKUP;
        }
        match self.rest.is_empty() {
            true => Flow::CONTINUE,
            false => Flow::MORE,
        }
    }
}

impl Session for MailAndEcho {
    fn on_data(&mut self, input: &[u8], cx: &mut Cx<'_>) -> Flow {
        assert!(self.rest.is_empty(), "a rest was not handled");
        self.rest.extend_from_slice(input);
        self.on_more(cx)
    }

    fn on_more(&mut self, cx: &mut Cx<'_>) -> Flow {
        if std::mem::take(&mut self.is_sending) {
            return self.next();
        }
        let portion: Vec<_> = self.rest.drain(..PORTION.min(self.rest.len())).collect();
        cx.posts.push(Post(Vec::new()));
        cx.out.extend_from_slice(&portion);
        self.files = portion.iter().filter(|byte| **byte == FILE).count();
        let flow = self.next();
        match portion.contains(&WORK) {
            true => flow.after(Work::Wait(Duration::from_millis(1))),
            false => flow,
        }
    }

    fn lookup(&self) -> &Lookup {
        &self.lookup
    }

    fn on_found(&mut self, found: &Found, _cx: &mut Cx<'_>) -> Flow {
        let What::File(facts) = &found.what else {
            panic!("{found:?}");
        };
        self.is_sending = true;
        Flow {
            work: Work::None,
            next: Next::Body {
                from: 0,
                length: facts.length,
            },
        }
    }

    fn on_mail(&mut self, mail: &Mail, cx: &mut Cx<'_>) -> Flow {
        cx.out.extend_from_slice(&mail.0);
        Flow::CONTINUE
    }
}

#[derive(Clone, Debug)]
enum Event {
    Bytes(usize),
    Work,
    File,
    Mail(usize),
    Room(usize),
    /// The poller reports the connection, for a reason that has passed.
    Spurious,
    Turn,
    WorkDone,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        (1..100_000_usize).prop_map(Event::Bytes),
        Just(Event::Work),
        Just(Event::File),
        (1..80_000_usize).prop_map(Event::Mail),
        (1..200_000_usize).prop_map(Event::Room),
        Just(Event::Spurious),
        Just(Event::Turn),
        Just(Event::Turn),
        Just(Event::WorkDone),
    ]
}

/// Where the mail waits: in a mailbox of the loop, or in one that other threads fill.
enum Where {
    Own(Mailbox),
    Shared(SharedMailbox, Arc<Bell>),
}

#[derive(Default)]
struct Bell(AtomicBool);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Relaxed);
    }
}

struct World {
    kernel: Rc<RefCell<Kernel>>,
    conn: Conn<Simulated>,
    scratch: Scratch,
    inbox: Where,
    /// The driver must call the connection.
    is_due: bool,
    job: Option<Job>,
}

impl World {
    fn new(inbox: Where, sends_files: bool) -> Self {
        let kernel = Rc::new(RefCell::new(Kernel::default()));
        let socket = Simulated(Rc::clone(&kernel));
        let limits = Limits {
            posts_per_s: NonZeroU32::new(POSTS_PER_S),
            ..Limits::default()
        };
        let admission = Admission::for_test(limits, *FILES);
        let session = Box::new(MailAndEcho::new());
        let mut conn = Conn::new(socket, session, Span::new(ConnId(1)), admission);
        conn.deadlines.spend_credit();
        Self {
            kernel,
            conn,
            scratch: Scratch::new(match sends_files {
                true => |_| true,
                false => |_| false,
            }),
            inbox,
            is_due: true,
            job: None,
        }
    }

    fn apply(&mut self, what: &Event) {
        match *what {
            Event::Bytes(count) => self.arrive(&vec![b'd'; count]),
            Event::Work => self.arrive(&[WORK]),
            Event::File => self.arrive(&[FILE]),
            Event::Mail(length) => self.put(length),
            Event::Room(more) => {
                let mut kernel = self.kernel.borrow_mut();
                kernel.room += more;
                if !kernel.takes_all && mem::take(&mut kernel.was_full) {
                    drop(kernel);
                    self.report();
                }
            }
            Event::Spurious => self.report(),
            Event::Turn => self.turn(),
            Event::WorkDone => {
                if let Some(job) = self.job.take() {
                    let step = self.conn.job_done(job.perform(), &mut self.scratch);
                    self.scratch.outbox.posts();
                    self.follow(step);
                }
            }
        }
    }

    /// The peer takes what a ring sends. When all of it has left, a connection that waits for that is told.
    fn complete(&mut self) {
        let kernel = &mut *self.kernel.borrow_mut();
        let count = kernel.room.min(kernel.leaving.len());
        kernel.room -= count;
        kernel.sent.extend(kernel.leaving.drain(..count));
        let is_told =
            kernel.takes_all && kernel.leaving.is_empty() && mem::take(&mut kernel.was_full);
        if is_told {
            self.conn.is_ready(false);
            self.is_due = true;
        }
    }

    fn arrive(&mut self, bytes: &[u8]) {
        self.kernel.borrow_mut().arrived.extend(bytes);
        self.report();
    }

    fn report(&mut self) {
        self.conn.is_ready(false);
        self.is_due = true;
    }

    fn put(&mut self, length: usize) {
        let mail = Mail(vec![b'm'; length].into());
        match &mut self.inbox {
            Where::Own(mailbox) => {
                mailbox.put(mail);
                self.is_due = true;
            }
            Where::Shared(mailbox, _) => {
                if let (_, Some(waker)) = mailbox.put(mail) {
                    waker.wake();
                }
            }
        }
    }

    fn is_due(&mut self) -> bool {
        if let Where::Shared(_, bell) = &self.inbox {
            self.is_due |= bell.0.swap(false, Relaxed);
        }
        self.is_due
    }

    fn turn(&mut self) {
        self.complete();
        if !self.is_due() {
            return;
        }
        self.is_due = false;
        let before = Instant::now();
        let step = match &mut self.inbox {
            Where::Own(mailbox) => self.conn.advance(&mut self.scratch, Some(mailbox)),
            Where::Shared(mailbox, bell) => {
                let waker = Waker::from(Arc::clone(bell));
                let inbox = &mut (&*mailbox, &waker);
                self.conn.advance(&mut self.scratch, Some(inbox))
            }
        };
        self.scratch.outbox.posts();
        // A deadline in the past would have a driver call again and again.
        assert!(self.conn.deadline().is_none_or(|at| at > before));
        self.follow(step);
    }

    fn follow(&mut self, step: Step) {
        match step {
            Step::Idle => {}
            Step::Yield => self.is_due = true,
            Step::Job(job) => self.job = Some(job),
            Step::Linger(_) | Step::Done => panic!("{step:?} without a reason"),
        }
    }

    /// The peer reads everything, and the driver makes all calls that are due.
    fn settle(&mut self) {
        self.apply(&Event::Room(usize::MAX / 2));
        loop {
            self.complete();
            while self.is_due() || self.job.is_some() {
                self.turn();
                self.apply(&Event::WorkDone);
                self.complete();
            }
            let Some(at) = self.conn.deadline() else {
                return;
            };
            std::thread::sleep(at.saturating_duration_since(Instant::now()));
            self.is_due = true;
        }
    }
}

fn nothing_is_left_behind(
    inbox: Where,
    sends_files: bool,
    events: &[Event],
) -> Result<(), TestCaseError> {
    nothing_is_left_in(World::new(inbox, sends_files), events)
}

fn nothing_is_left_in(mut world: World, events: &[Event]) -> Result<(), TestCaseError> {
    events.iter().for_each(|what| world.apply(what));
    world.settle();
    let [mut mail, mut input] = [0, 0];
    for what in events {
        match what {
            Event::Mail(length) => mail += length,
            Event::Bytes(length) => input += length,
            Event::Work => input += 1,
            Event::File => input += 1 + FILE_LENGTH,
            _ => {}
        }
    }
    let kernel = world.kernel.borrow();
    let sent_mail = kernel.sent.iter().filter(|byte| **byte == b'm').count();
    prop_assert_eq!(sent_mail, mail, "mail was left behind");
    prop_assert_eq!(
        kernel.sent.len() - sent_mail,
        input,
        "input was left behind"
    );
    Ok(())
}

/// A low rate, so that a short rest follows each turn.
const POSTS_PER_S: u32 = 20_000;

/// Limits that no list of events reaches.
const WIDE: Overflow = Overflow {
    policy: Policy::Disconnect,
    hard: usize::MAX,
    soft: usize::MAX,
    patience: Duration::from_secs(600),
    total: usize::MAX,
};

proptest! {
    #[test]
    fn a_loop_leaves_no_mail_and_no_input_behind(
        sends_files: bool,
        events in proptest::collection::vec(event(), 1..60),
    ) {
        nothing_is_left_behind(Where::Own(Mailbox::new(WIDE)), sends_files, &events)?;
    }

    #[test]
    fn a_ring_leaves_no_mail_and_no_input_behind(events in proptest::collection::vec(event(), 1..60)) {
        let world = World::new(Where::Own(Mailbox::new(WIDE)), true);
        world.kernel.borrow_mut().takes_all = true;
        nothing_is_left_in(world, &events)?;
    }

    #[test]
    fn a_thread_leaves_no_mail_and_no_input_behind(events in proptest::collection::vec(event(), 1..60)) {
        nothing_is_left_behind(Where::Shared(SharedMailbox::new(WIDE), Arc::default()), true, &events)?;
    }
}

/// The order that showed a bug: a full batch of mail leaves, and the poller has reported a connection without
/// input.
#[test]
fn a_full_batch_and_a_report_without_input_leave_no_mail_behind() {
    let events = [
        Event::Turn,
        Event::Room(200_000),
        Event::Mail(40_000),
        Event::Mail(40_000),
        Event::Mail(40_000),
        Event::Spurious,
        Event::Turn,
    ];
    for inbox in [
        Where::Own(Mailbox::new(WIDE)),
        Where::Shared(SharedMailbox::new(WIDE), Arc::default()),
    ] {
        nothing_is_left_behind(inbox, true, &events).unwrap();
    }
}

#[test]
fn a_connection_whose_peer_does_not_read_is_woken_when_its_mailbox_overflows() {
    let World {
        mut conn,
        mut scratch,
        kernel,
        ..
    } = World::new(Where::Own(Mailbox::new(WIDE)), true);
    kernel.borrow_mut().room = 120_000;
    let mailbox = SharedMailbox::new(Overflow::default());
    let bell = Arc::new(Bell::default());
    let waker = Waker::from(Arc::clone(&bell));
    let mail = Mail(vec![b'm'; 50_000].into());
    // However much the socket takes first, the mailbox must be able to wake the driver.
    while !conn.is_blocked() {
        mailbox.put(mail.clone());
        let inbox = &mut (&mailbox, &waker);
        let step = conn.advance(&mut scratch, Some(inbox));
        assert!(matches!(step, Step::Idle), "{step:?}");
    }
    let woken = loop {
        if let (Put::Overflowed(_), woken) = mailbox.put(mail.clone()) {
            break woken;
        }
    };
    woken.expect("a waker of the receiver").wake();
    assert!(bell.0.load(Relaxed));
    let step = conn.advance(&mut scratch, Some(&mut (&mailbox, &waker)));
    assert!(matches!(step, Step::Linger(LINGER)), "{step:?}");
    assert_eq!(conn.close_reason(), CloseReason::TooSlow);
}

#[test]
fn a_connection_that_lingers_sends_one_fin() {
    let mut world = World::new(Where::Own(Mailbox::new(WIDE)), true);
    world.apply(&Event::Room(200_000));
    world.turn();
    let step = world.conn.cut(Cut::Idle, &mut world.scratch);
    assert!(matches!(step, Step::Linger(LINGER)), "{step:?}");
    for _ in 0..3 {
        world.conn.is_ready(false);
        let step = world.conn.advance(&mut world.scratch, None);
        assert!(matches!(step, Step::Idle), "{step:?}");
    }
    assert!(world.kernel.borrow().is_finished);
}
