//! # fork: a process for every connection
//!
//! By hand, on one page: `textbook/fork.rs`.
//!
//! The classic Unix server (`inetd`, early `sshd`, CERN's httpd): the parent accepts and forks, the child serves this one
//! connection and exits. Each child is as simple as the iterative server, and yet many clients are served, because the
//! kernel runs the children side by side.
//!
//! **Isolation** is the advantage. Parent and child share no memory after the fork: if a child crashes, leaks memory or is
//! killed, one connection ends. Isolation is also the price: children can't share a chat room, a cache or a counter
//! without a means of the kernel.
//!
//! **The two descriptors.** After the fork both processes hold both sockets, and a socket closes when its *last* holder
//! closes it. So the parent must close its copy of the connection, or the client never sees the end; and the child closes
//! the listener, which it doesn't need. (A threaded server must do neither: its threads share one table of descriptors.)
//!
//! **Zombies.** A child that has exited stays in the process table until its parent reads its exit status. The parent here
//! waits for SIGCHLD beside the listener and reaps in a loop, because signals coalesce: one signal may stand for ten
//! children.
//!
//! **The broker.** What children share must be in another process: the rooms of a chat are in a process of their own, forked
//! before the first connection. Each child gets a line to the broker (`SOCK_SEQPACKET`: whole messages, in order, and the
//! end is reported); the parent passes the other end of the line to the broker. When a child dies, its line ends, and the
//! broker takes the member out of its room.
//!
//! **What blocks**: only the process of the connection itself.
//!
//! **What a connection costs**: a process, that is the memory that it writes to (the rest is shared until then) and the
//! time to fork, reap and tear it down; one descriptor; two system calls per message. `portlab models fork` has the
//! figures.
//!
//! **What breaks first**: the number of processes, then memory, then the scheduler. Short connections pay for the fork
//! each time.
//!
//! Read on: UNP vol. 1, sections 4.7, 5.8 to 5.10 (zombies), 30.6.

use std::io;

use portlab_service::Service;
use portlab_sys::{
    children::{Children, Forked, leave},
    tally::{self, Count},
};
use portlab_words::Text;

use crate::{
    Backend, Door, Group, PROCESSES, Served, Serves, Sheet, Workers, drivers::blocking,
    hub::broker::Broker, log::not_served,
};

pub(crate) struct Model;

static SHEET: Sheet = Sheet {
    name: "fork",
    family: PROCESSES,
    groups: &[Group::Course, Group::History],
    term: Text::new(
        "process per connection",
        "每个连接一个进程（process per connection）",
    ),
    idea: Text::new(
        "The parent accepts and forks; each child serves one client and exits.",
        "父进程负责 accept，然后 fork；每个子进程服务一个客户端，服务完就退出。",
    ),
    blocks: Text::new(
        "only the connection's own process",
        "只卡住这个连接自己的进程",
    ),
    cost: Text::new(
        "a process: the memory that it writes to, and the time to create it; 2 system calls per message",
        "一个进程：它写过的那些内存，以及创建它的时间；每条消息 2 次系统调用",
    ),
    breaks_first: Text::new(
        "the number of processes; short connections pay for a fork each",
        "进程的数量；而且每个短连接都要付一次 fork 的代价",
    ),
    teaches: Text::new(
        "isolation; zombies; which process closes which descriptor; no shared state",
        "进程隔离；僵尸进程；父子进程各自关闭不用的文件描述符；不共享状态",
    ),
    source: "UNP vol. 1, 4.7, 5.8 and 30.6",
    workers: Workers::None,
    serves: Serves::Open,
    hub: Ok(Text::new(
        "a broker process, to which each child has a line (SOCK_SEQPACKET)",
        "一个中介进程（broker），每个子进程有一条通往它的线路（SOCK_SEQPACKET）",
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
            overflow,
            ..
        } = door;
        let mut children = Children::new()?;
        let mut broker = Broker::start(service, overflow, &mut children, &alone)?;
        // The parent waits for three things at once: a connection, the end of a child, the stop signal.
        entry.set_nonblocking()?;
        while !entry.wait_for(&[entry.fd(), children.bell()], broker.patience())? {
            let dead = children.reap();
            // A child counts the end of its connection, unless it is killed.
            let killed = dead
                .iter()
                .filter(|dead| dead.killed && Some(dead.pid) != broker.pid());
            tally::add(Count::Ended, killed.count() as u64);
            broker.restart_if_dead(&dead, &mut children, &alone);
            let Some(connection) = entry.accept() else {
                continue;
            };
            let line = broker.line(children.len() - broker.processes());
            match line.and_then(|line| Ok((line, children.fork(&alone)?))) {
                Ok((line, Forked::Child(_))) => {
                    // Closes this copy of the listener: with it, the port would stay in use after the parent's end.
                    let stop = entry.into_stop();
                    broker.close_control();
                    blocking::serve_on_line(connection, service, line.as_ref());
                    leave(stop.finish() == 0);
                }
                // Closes the parent's copy of the socket; the child's copy keeps the connection open.
                Ok((_, Forked::Parent(_))) => connection.leave_to_child(),
                // The connection is closed. The next fork may succeed.
                Err(error) => {
                    not_served(
                        "can't fork for a connection",
                        "无法为连接创建子进程",
                        &error,
                    );
                }
            }
        }
        let (unwell, counts) = broker.end(&mut children, entry.stop.deadline());
        // No child is left, and so no connection.
        tally::add(Count::Ended, tally::active());
        Ok(entry.served(unwell, counts))
    }
}
