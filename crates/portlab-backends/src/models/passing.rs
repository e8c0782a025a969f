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

use std::io;

use portlab_service::Service;
use portlab_sys::children::leave;
use portlab_words::Text;

use crate::{
    Backend, Door, Group, PROCESSES, Served, Serves, Sheet, Workers,
    drivers::{blocking, channels::Channels, worker_pool::WorkerPool},
};

pub(crate) struct Model;

static SHEET: Sheet = Sheet {
    name: "passing",
    family: PROCESSES,
    groups: &[Group::History],
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
        let mut pool = WorkerPool::start(service, overflow, workers, alone)?;
        let mut channels = Channels::new(workers);
        loop {
            while let Some(slot) = pool.empty() {
                let end = channels.open(slot, pool.held(slot));
                if let Some((worker, end)) = pool.fork(slot, end)? {
                    channels.close_in_worker();
                    let end = end.start(entry.terms());
                    // A worker doesn't accept, so it closes its copy of the listener.
                    let stop = entry.into_stop();
                    worker.work(
                        || end.next(),
                        |it| blocking::serve_on_line(it, service, worker.line.as_ref()),
                    );
                    leave(stop.finish() == 0);
                }
            }
            // If every worker has a connection, the parent waits for a report, and not for the listener.
            if pool.wait(&entry, &channels.awaited(&entry))? {
                break;
            }
            channels.take_reports();
            channels.pass_next(&entry);
        }
        // The end of its channel ends a worker that waits for a connection.
        drop(channels);
        Ok(pool.end(&entry))
    }
}
