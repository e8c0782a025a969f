//! # passing: a parent accepts, and passes the descriptor
//!
//! By hand, on one page: `textbook/passing.rs`.
//!
//! N workers are forked at the start, as in `prefork`, and none of them has the listener's work: the parent accepts each
//! connection, chooses a free worker and passes the connection to it. The worker serves the connection to its end and
//! reports that it is free. So the parent, not the kernel, decides which worker gets which connection, and a worker may
//! run with fewer rights than the process that listens. systemd passes listeners to services in this way, and OpenSSH its
//! connections between processes of different rights.
//!
//! **What a descriptor is.** A descriptor is a number, and a number can be sent through any pipe; but the receiver would
//! have nothing behind the number. The number is an index into a table that each process has for itself, and the entry
//! points to an open file of the kernel: here the socket. So the kernel must help: a message with `SCM_RIGHTS` on a Unix
//! socket names an entry of the sender's table, and at `recvmsg` the kernel writes a new entry for the *same* open file
//! into the receiver's table, usually under another number. A fork does the same for the whole table at once.
//!
//! **The two copies.** After the passing both processes hold the socket, which closes when the last holder closes it. So
//! the parent closes its copy after `sendmsg`. The message itself is a holder meanwhile: if its receiver dies, the kernel
//! drops the message, and the client sees the end of the connection.
//!
//! **Who is free.** The parent has a channel (`SOCK_SEQPACKET`: whole messages, and the end is reported) to each worker.
//! If every worker has a connection, the parent doesn't accept: it waits for a report, and the next clients wait in the
//! backlog.
//!
//! **The broker** holds what workers share, as in `prefork`.
//!
//! **What blocks**: a worker serves one connection at a time. Once all N have one, the next client waits in the backlog.
//!
//! **What a connection costs**: one of N workers while it lasts; an accept, a message to the worker and a message back, with
//! the switches between the two processes; two system calls per message.
//!
//! **What breaks first**: N, as in `prefork`; with short connections the parent, through which each connection goes.
//!
//! Read on: UNP vol. 1, sections 15.7 and 30.9; `unix(7)` and `cmsg(3)`.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd},
    str,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use portlab_service::Service;
use portlab_sys::{
    children::{Children, Forked, leave},
    seqpacket::Seqpacket,
    stop::Interruptible,
};
use portlab_words::Text;

use crate::{
    Backend, Door, PROCESSES, Served, Serves, Sheet, Workers,
    door::{Connection, Terms},
    drivers::{blocking, worker_slots::WorkerSlots},
    hub::broker::{Broker, Line},
    log::not_served,
    trace,
};

pub(crate) struct Model;

static SHEET: Sheet = Sheet {
    name: "passing",
    family: PROCESSES,
    term: Text::new(
        "pre-forked pool with descriptor passing",
        "预先创建的进程池，由父进程传递描述符（descriptor passing）",
    ),
    idea: Text::new(
        "The parent accepts and passes each connection's descriptor to a free worker process.",
        "父进程负责 accept，再把连接的文件描述符传给一个空闲的工作进程。",
    ),
    blocks: Text::new(
        "the next client, once every worker has one",
        "所有工作进程都有客户端以后，下一个客户端就得等",
    ),
    cost: Text::new(
        "one of N worker processes while it lasts; a message to the worker and one back; 2 system calls per message",
        "连接存续期间占用 N 个工作进程中的一个；传给工作进程一次，工作进程报告一次；每条消息 2 次系统调用",
    ),
    breaks_first: Text::new(
        "the number of workers; with short connections the parent, through which each one goes",
        "工作进程的数量；短连接多的时候是父进程，因为每个连接都要经过它",
    ),
    teaches: Text::new(
        "what a descriptor is: a number in a table of the process, for an open file of the kernel",
        "文件描述符是什么：进程自己那张表里的编号，指向内核中打开的文件",
    ),
    source: "UNP vol. 1, 15.7 and 30.9",
    workers: Workers::Fixed(16),
    serves: Serves::Workers,
    hub: Ok(Text::new(
        "a broker process, to which each worker has a line (SOCK_SEQPACKET)",
        "一个中介进程（broker），每个工作进程有一条通往它的线路（SOCK_SEQPACKET）",
    )),
    survives_blocking: true,
};

impl Backend for Model {
    fn sheet(&self) -> &'static Sheet {
        &SHEET
    }

    fn serve(&self, door: Door, service: &'static dyn Service) -> io::Result<Served> {
        let Door {
            alone,
            entry,
            workers,
            overflow,
        } = door;
        entry.set_nonblocking()?;
        let mut children = Children::new()?;
        let mut broker = Broker::start(service, overflow, &mut children, &alone)?;
        let mut slots = WorkerSlots::new(workers)?;
        let mut team = Team::new(workers);
        // The connection that no worker could take, because each free one had just died.
        let mut waiting = None;
        loop {
            while !entry.stop.is_set()
                && let Some(slot) = slots.empty()
            {
                let line = broker.line(slots.running());
                let ends = line.and_then(|line| Ok((line, Seqpacket::pair()?)));
                match ends.and_then(|ends| Ok((ends, children.fork(&alone)?))) {
                    Ok(((line, (near, far)), Forked::Child(_))) => {
                        broker.close_control();
                        // With copies of the parent's ends, a worker would keep the channels of the others open.
                        drop((near, team));
                        waiting.map(Connection::leave_to_child);
                        let (terms, busy) = (entry.terms(), slots.busy(slot));
                        // A worker doesn't accept, so it closes its copy of the listener.
                        let stop = entry.into_stop();
                        work(far, terms, service, line.as_ref(), busy);
                        leave(stop.finish() == 0);
                    }
                    Ok(((_, (near, _)), Forked::Parent(worker))) => {
                        slots.fill(slot, worker);
                        team.0[slot] = Some(Channel::new(near, slots.busy(slot)));
                    }
                    Err(error) => slots.refuse(error)?,
                }
            }
            let patience = slots.patience().into_iter().chain(broker.patience());
            let mut awaited = vec![children.bell()];
            match team.has_free() {
                true => awaited.push(entry.fd()),
                false => awaited.extend(team.reports()),
            }
            if entry.wait_for(&awaited, patience.min())? {
                break;
            }
            let dead = children.reap();
            slots.free(&dead);
            // A worker that waits for a connection doesn't look at its line, which has ended. So the workers are replaced.
            if broker.restart_if_dead(&dead, &mut children, &alone) {
                children.kill_but(broker.pid());
            }
            if !team.has_free() {
                team.take_reports();
            }
            if team.has_free() {
                let next = waiting.take().or_else(|| entry.accept());
                waiting = next.and_then(|connection| team.pass(connection));
            }
        }
        // The end of its channel ends a worker that waits.
        drop((team, waiting));
        let (unwell, counts) = broker.end(&mut children, entry.stop.deadline());
        slots.all_have_ended();
        Ok(entry.served(unwell, counts))
    }
}

/// The parent's channels to its workers, by their slots; `None` without a worker.
struct Team(Vec<Option<Channel>>);

struct Channel {
    socket: Seqpacket,
    /// 1 from the passing of a connection to its end.
    busy: &'static AtomicU64,
    /// The worker has reported that it has no connection.
    is_free: bool,
}

impl Channel {
    fn new(socket: Seqpacket, busy: &'static AtomicU64) -> Self {
        Self {
            socket,
            busy,
            is_free: false,
        }
    }
}

impl Team {
    fn new(workers: usize) -> Self {
        Self((0..workers).map(|_| None).collect())
    }

    fn has_free(&self) -> bool {
        self.0.iter().flatten().any(|channel| channel.is_free)
    }

    /// Readable when a worker has reported, or has died.
    fn reports(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.0.iter().flatten().map(|it| it.socket.as_fd())
    }

    fn take_reports(&mut self) {
        for slot in &mut self.0 {
            let Some(channel) = slot else { continue };
            match channel.socket.try_recv(&mut [0]) {
                Ok(1..) => channel.is_free = true,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // The worker has ended.
                Ok(0) | Err(_) => *slot = None,
            }
        }
    }

    /// Passes a connection to the first free worker. Returns the connection if each of them has ended.
    fn pass(&mut self, connection: Connection) -> Option<Connection> {
        for slot in &mut self.0 {
            let Some(channel) = slot.as_mut().filter(|channel| channel.is_free) else {
                continue;
            };
            // From here on the parent counts the connection's end if the worker dies.
            channel.busy.store(1, Relaxed);
            channel.is_free = false;
            let message = connection.described();
            let passed = channel
                .socket
                .try_send_with(message.as_bytes(), &connection.stream);
            let Err(error) = passed else {
                connection.leave_to_child();
                return None;
            };
            channel.busy.store(0, Relaxed);
            match error.kind() {
                // The worker has ended.
                io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => *slot = None,
                _ => {
                    channel.is_free = true;
                    not_passed(&error);
                    return None;
                }
            }
        }
        Some(connection)
    }
}

/// All that a worker does: it reports that it is free, takes a connection from its channel and serves it.
///
/// As in `prefork`, a worker without a line to the broker ends.
fn work(
    channel: Seqpacket,
    terms: &'static Terms,
    service: &dyn Service,
    line: Option<&Line>,
    busy: &AtomicU64,
) {
    if line.is_some_and(|line| !line.is_taken()) {
        return;
    }
    // A signal to this worker shuts the channel: the wait for a connection ends, and the parent passes no other.
    let channel = Interruptible::new(channel);
    while !line.is_some_and(Line::is_lost) && channel.try_send(&[b"free"]).is_ok() {
        let mut described = [0; LONGEST];
        let waiting = trace::start();
        let passed = channel.recv_with(&mut described);
        waiting.idle();
        match passed {
            Ok(Some((length, fd))) => {
                let described = str::from_utf8(&described[..length]).unwrap_or_default();
                if let Some(connection) = terms.take_over(fd, described) {
                    blocking::serve_on_line(connection, service, line);
                }
            }
            // The parent has closed the channel, or a signal has shut it.
            Ok(None) => break,
            Err(error) => {
                drop(terms.admitted());
                not_passed(&error);
            }
        }
        busy.store(0, Relaxed);
    }
}

fn not_passed(error: &io::Error) {
    not_served(
        "can't pass a connection to a worker",
        "无法把连接传给工作进程",
        error,
    );
}

/// The longest description: a number of 20 digits and an IPv6 address with its scope and port need less.
const LONGEST: usize = 128;
