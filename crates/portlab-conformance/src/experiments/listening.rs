//! The listening socket: its queue, and its port after a restart.

use std::{net::SocketAddr, time::Duration};

use portlab_sys::sockets::{State, sockets_at};
use portlab_words::{Text, tr};

use super::{
    Experiment, Kind, Needs, Received, Subject, Trouble, Weight, clients::NOT_SERVING,
    talk::unreachable, visitor::Dial,
};

pub(super) const has_a_queue: Experiment = Experiment {
    about: [
        "lets several clients wait for accept()",
        "几个客户端同时连接，都能排队等待 accept()",
    ],
    weight: Weight::May,
    needs: Needs::Control,
    names: &["small-backlog"],
    unless: &[NOT_SERVING],
    run: |subject| {
        let paused = subject.pause();
        let connect = |_| Dial::default().connect(subject.addr, QUEUED);
        // A connection that isn't queued hangs: the kernel drops its SYN, which is sent again after a second.
        let queue: Vec<_> = (0..CLIENTS).map_while(|it| connect(it).ok()).collect();
        let count = queue.len();
        drop(queue);
        drop(paused);
        subject.note(tr!(
            "while the server is paused, {count} of {CLIENTS} clients connect at once",
            "服务端暂停时，{CLIENTS} 个客户端中有 {count} 个马上连上"
        ));
        if count == CLIENTS {
            return Ok(());
        }
        subject.note(Text::new(
            "the next client waits: its SYN is dropped, and sent again after 1 s",
            "下一个客户端只能等待：它的 SYN 被丢弃，1 秒之后才重发",
        ));
        Err(Trouble::Bug("small-backlog"))
    },
    ..Experiment::ANY
};

pub(super) const restarts_at_once: Experiment = Experiment {
    about: ["can be restarted at once", "结束之后可以马上重新启动"],
    weight: Weight::Should,
    needs: Needs::Control,
    names: &["no-reuseaddr"],
    unless: &[&["no-answer", "not-http", "errors-swallowed", "crashes"]],
    run: |subject| {
        let client = match subject.speech.kind {
            Kind::Silent => subject.connect(),
            _ => subject.served().ok(),
        };
        let mut client = client.ok_or_else(unreachable)?;
        // If the server ends first, its side of the connection stays in TIME-WAIT.
        let addr = subject.addr;
        subject.note(tr!("the server is ended", "结束服务端"));
        subject.kill();
        while let Received::Bytes(_) = client.receive() {}
        client.close();
        if !subject.until(|| is_waiting(addr)) {
            return Err(Trouble::Skipped(Text::new(
                "no connection is left in TIME-WAIT",
                "没有处于 TIME-WAIT 的连接",
            )));
        }
        subject.note(tr!(
            "a connection of {addr} is in TIME-WAIT; the server is started again",
            "{addr} 有一个连接处于 TIME-WAIT；重新启动服务端"
        ));
        let Err(Text { en, zh }) = subject.start_once() else {
            return Ok(());
        };
        subject.note(tr!("{en}", "{zh}"));
        // Without the TIME-WAIT, the program must start: otherwise it has another reason.
        match subject.start() {
            Ok(()) => Err(Trouble::Bug("no-reuseaddr")),
            Err(why) => Err(Trouble::Blocked(why)),
        }
    },
    ..Experiment::ANY
};

/// Whether a socket of the server at `addr` is in TIME-WAIT.
fn is_waiting(addr: SocketAddr) -> bool {
    let all = sockets_at(addr.port()).unwrap_or_default();
    let mut of_server = all.iter().filter(|it| it.local.port() == addr.port());
    of_server.any(|it| it.state == State::TimeWait)
}

impl Subject<'_> {
    fn kill(&mut self) {
        if let Some(program) = &mut self.program {
            program.kill();
        }
    }

    fn start_once(&mut self) -> Result<(), Text> {
        if let Some(program) = &mut self.program {
            self.addr = program.start_once()?;
        }
        Ok(())
    }
}

/// How many clients come at once: a backlog of 5, which old programs have, is enough for them.
const CLIENTS: usize = 6;

/// How long a connection that is queued may take, while the server doesn't run.
const QUEUED: Duration = Duration::from_millis(300);
