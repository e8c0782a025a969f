//! One run of a client against a server that does as an experiment says.

use std::{
    cell::RefCell,
    os::unix::process::ExitStatusExt,
    process::ExitStatus,
    rc::Rc,
    thread,
    time::{Duration, Instant},
};

use portlab_conformance::experiments::{Record, shown};
use portlab_sys::{meter, sockets::have_udp};
use portlab_words::{Text, tr};

use super::{
    caller::Caller,
    experiment::Exam,
    manner::Manner,
    quiet::{LISTING, LOOKS, Quiet},
    start::{Door, Started},
};
use crate::{
    Traceback,
    program::{StartTrouble, in_words, syntax_hint},
};

/// A run of the client. The first connection is served as the experiment says, and the others as a right server would.
pub(super) struct Run {
    started: Started,
    callers: Vec<Caller>,
    has_udp: bool,
    record: Record,
    manner: Manner,
    patience: Duration,
    /// What the client has written to stderr, when the run has ended.
    complaints: Complaints,
}

/// The stderr of the last run.
pub(super) type Complaints = Rc<RefCell<String>>;

/// What a client does after something was done to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settled {
    /// It has ended.
    Ended(ExitStatus),
    /// It waits: for bytes, for input, or for time to pass.
    Waiting,
    /// It uses a processor all the time.
    Spinning,
    /// It sends all the time.
    Sending,
}

impl Run {
    /// Starts the client.
    ///
    /// # Errors
    /// When it can't be started, or when its port can't be seen.
    pub(super) fn begin(exam: &Exam<'_>, door: Door) -> Result<Self, StartTrouble> {
        Ok(Self {
            started: Started::begin(exam.launch, door)?,
            callers: Vec::new(),
            has_udp: false,
            record: exam.record.clone(),
            manner: exam.manner.clone(),
            patience: exam.patience,
            complaints: Rc::clone(&exam.complaints),
        })
    }

    /// Waits until the client connects. Returns false if it ends, or doesn't within `limit`; on a busy machine, a client that
    /// still starts has more time.
    pub(super) fn connected(&mut self, limit: Duration) -> bool {
        let since = Instant::now();
        let mut looked = since;
        let mut quiet = Quiet::new(self.started.run.root());
        while self.callers.is_empty() {
            self.step();
            if looked.elapsed() > LISTING {
                self.look_for_udp();
                looked = Instant::now();
            }
            if self.started.run.ended().is_some() {
                self.step();
                break;
            }
            let starts = quiet.look().is_zero() && since.elapsed() < LONGER * limit;
            if since.elapsed() > limit && !starts {
                break;
            }
            thread::sleep(AGAIN);
        }
        !self.callers.is_empty()
    }

    /// Waits until the client has dialled an address at which nothing listens. Without a view of its calls, and after
    /// `limit`, it may have dialled.
    pub(super) fn refused(&mut self, limit: Duration) {
        let since = Instant::now();
        while self.started.is_watched()
            && self.started.dialled().is_empty()
            && self.started.run.ended().is_none()
            && since.elapsed() < limit
        {
            thread::sleep(AGAIN);
        }
    }

    /// Whether the client has had a UDP socket while it was expected to connect.
    pub(super) fn has_udp(&self) -> bool {
        self.has_udp
    }

    fn look_for_udp(&mut self) {
        let below = meter::below(self.started.run.root()).unwrap_or_default();
        self.has_udp |= have_udp(&below);
    }

    /// Waits for the question of the first connection. Returns false if the client ends, or waits itself.
    pub(super) fn asked(&mut self) -> bool {
        let since = Instant::now();
        let mut quiet = Quiet::new(self.started.run.root());
        loop {
            let moved = self.step();
            let caller = &mut self.callers[0];
            if self.manner.is_whole(caller) {
                self.note_question();
                return true;
            }
            if caller.end.is_some() || self.started.run.ended().is_some() {
                break;
            }
            if moved {
                quiet = Quiet::new(self.started.run.root());
            }
            let (waits, looks) = (quiet.look(), quiet.looks);
            let limit = if caller.total > 0 {
                BETWEEN_PARTS
            } else {
                self.patience
            };
            // A client that sends without an end has asked, too.
            let longest = match caller.total {
                0 => 2 * LONGER * self.patience,
                _ => 2 * self.patience,
            };
            if (waits > limit && looks >= LOOKS) || since.elapsed() > longest {
                break;
            }
            thread::sleep(AGAIN);
        }
        self.note_question();
        self.callers[0].total > 0
    }

    fn note_question(&self) {
        let caller = &self.callers[0];
        if caller.total > 0 {
            let (length, text) = (caller.total, shown(&caller.pending));
            self.record.add(tr!(
                "the client sends {length} bytes: {text}",
                "客户端发送 {length} 字节：{text}"
            ));
        }
    }

    /// Takes the question out of the first connection.
    pub(super) fn question(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.callers[0].pending)
    }

    /// Sends `bytes` on the first connection.
    pub(super) fn send(&mut self, bytes: &[u8]) {
        let (length, text) = (bytes.len(), shown(bytes));
        self.record.add(tr!(
            "portlab answers with {length} bytes: {text}",
            "portlab 回答 {length} 字节：{text}"
        ));
        self.callers[0].send(bytes);
    }

    /// Answers the first connection as a right server does, from now on.
    pub(super) fn serve(&mut self) {
        self.callers[0].is_served = true;
    }

    /// Closes the first connection: FIN.
    pub(super) fn finish(&mut self) {
        self.record.add(Text::new(
            "portlab closes the connection (FIN)",
            "portlab 关闭连接（FIN）",
        ));
        self.callers[0].finish();
    }

    /// Resets the first connection.
    pub(super) fn reset(&mut self) {
        self.record.add(Text::new(
            "portlab resets the connection (RST)",
            "portlab 把连接复位（RST）",
        ));
        self.callers.remove(0).reset();
    }

    /// The first connection.
    pub(super) fn first(&mut self) -> &mut Caller {
        &mut self.callers[0]
    }

    pub(super) fn started(&mut self) -> &mut Started {
        &mut self.started
    }

    /// Waits until the client has ended, or has done nothing for `quiet`, or until it is clear that it won't wait.
    pub(super) fn settle(&mut self, quiet_for: Duration) -> Settled {
        let began = Instant::now();
        let mut quiet = Quiet::new(self.started.run.root());
        let (mut steps, mut moves) = (0, 0);
        loop {
            let moved = self.step();
            steps += 1;
            moves += u32::from(moved);
            if let Some(status) = self.started.run.ended() {
                // What it has sent before its end.
                while self.step() {}
                self.started.run.await_output();
                let Text { en, zh } = in_words(status);
                let why = Traceback::of(&self.started.run.stderr(), None).map(|it| it.error);
                let hint = why.as_deref().map(syntax_hint).unwrap_or_default();
                let why = why.map_or_else(String::new, |it| format!(": {it}"));
                self.record.add(tr!(
                    "the client ends: {en}{why}{hint}",
                    "客户端结束：{zh}{why}{hint:#}"
                ));
                return Settled::Ended(status);
            }
            let waits = quiet.look();
            if moved {
                quiet.begin();
            }
            if !moved && waits >= quiet_for && quiet.looks >= LOOKS {
                return Settled::Waiting;
            }
            if quiet.has_run_for(self.patience) {
                self.record.add(Text::new(
                    "the client runs all the time, and does nothing that can be seen",
                    "客户端一直占用 CPU，却没有做任何看得见的事",
                ));
                return Settled::Spinning;
            }
            // A client that sends now and then never settles.
            let has_moved_long =
                moves > 0 && began.elapsed() > LONGER * quiet_for.max(self.patience / 2);
            if has_moved_long || began.elapsed() > 2 * LONGER * self.patience {
                return match moves > steps / 2 {
                    true => Settled::Sending,
                    false => Settled::Waiting,
                };
            }
            thread::sleep(AGAIN);
        }
    }

    /// Sends, receives and accepts what can be at once, and answers the connections that are served. Returns whether anything
    /// was done.
    fn step(&mut self) -> bool {
        let mut moved = false;
        while let Some(stream) = self.started.accept() {
            let is_first = self.callers.is_empty();
            self.callers
                .push(Caller::new(stream, &self.record, !is_first));
            self.record.add(match is_first {
                true => Text::new("the client connects", "客户端连接"),
                false => Text::new("the client connects once more", "客户端又建立了一个连接"),
            });
            moved = true;
        }
        for caller in &mut self.callers {
            moved |= caller.step();
            if !caller.is_served {
                continue;
            }
            if self.manner.is_whole(caller) {
                let question = std::mem::take(&mut caller.pending);
                caller.send(&self.manner.answer(&question));
                if self.manner.closes_after(&question) {
                    caller.finish();
                }
                moved = true;
            }
            if caller.end.is_some() && !caller.has_finished() {
                caller.finish();
            }
        }
        moved
    }

    /// How the client has died, if it has: its traceback's last line, or the signal that ended it. A client that says what is
    /// wrong, and ends, is alive in this sense.
    pub(super) fn death(&mut self) -> Option<String> {
        let stderr = self.started.run.stderr();
        if let Some(traceback) = Traceback::of(&stderr, None) {
            return Some(traceback.error);
        }
        let signal = self.started.run.ended()?.signal()?;
        Some(format!("signal {signal}"))
    }

    /// Whether the first connection was closed by the client, or the client has ended.
    pub(super) fn is_over(&mut self) -> bool {
        self.callers.first().is_none_or(Caller::is_closed) || self.started.run.ended().is_some()
    }

    /// Whether the client has read everything that was sent to it.
    pub(super) fn has_read_all(&self) -> bool {
        self.callers.first().is_some_and(Caller::is_read)
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        *self.complaints.borrow_mut() = self.started.run.stderr();
    }
}

/// How long a client that does nothing is taken to wait for the next step of the server.
pub(super) const QUIET: Duration = Duration::from_millis(200);

/// The time between two steps.
const AGAIN: Duration = Duration::from_millis(3);

/// How long a client that has sent something waits before its question is taken to be whole.
pub(super) const BETWEEN_PARTS: Duration = Duration::from_millis(60);

/// How often longer than the patience a client may be busy.
const LONGER: u32 = 4;
