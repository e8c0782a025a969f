//! The simplest room: it stops when one member doesn't read.

use std::{
    io, thread,
    time::{Duration, Instant},
};

use portlab_sys::threads::state;
use portlab_words::Text;

use super::{long_line, member::Member};
use crate::{
    cast::{
        Ends, PATIENCE, Student,
        kernel::{shown, sockets_at, sockets_once},
    },
    stage::{Exit, Stage},
};

/// How long hong must receive nothing until the room counts as stopped.
const SILENCE: Duration = Duration::from_millis(300);

/// A student's room, and its members in the order in which they joined.
struct Naive {
    room: Student,
    wang: Member,
    hong: Member,
    ming: Member,
    /// The number of ming's last line.
    number: usize,
}

pub(super) fn a_room_that_blocks(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let mut step = stage.step("naive")?;
    let student = step.student("room.py", &[])?;
    let Some(student) = student else {
        for claim in ["stuck", "waits", "freed"] {
            step.printed(claim, "stuck", None, |_| true);
        }
        return step.end();
    };
    let mut naive = Naive::with_members(student)?;
    let silent_since = naive.send_until_hong_receives_nothing()?;
    let still_nothing = naive.hong.hear().is_err();
    let silence = silent_since.map(|it| it.elapsed());
    step.set("line", naive.number);
    step.set("silence", silence.unwrap_or_default().as_millis());
    let is_stuck = silence.is_some() && still_nothing && naive.number > 1;
    step.seen("stuck", is_stuck);

    naive.ming.say(&long_line(naive.number + 1))?;
    let [wang, ming] = [
        Ends::of(naive.wang.stream())?,
        Ends::of(naive.ming.stream())?,
    ];
    let port = ming.server.port();
    let all = sockets_once(port, |all| ming.queues(all).0 > 0)?;
    let rooms_ends = [wang.both(&all)[0], ming.both(&all)[0]];
    let (unread, _) = ming.queues(&all);
    let rooms_ends: Vec<_> = rooms_ends.into_iter().flatten().cloned().collect();
    step.set("stuck", shown(&rooms_ends));
    step.set("unread", unread);
    let state = state(naive.room.pid()).unwrap_or('-');
    step.set("state", state);
    step.seen("waits", unread > 0 && state == 'S');
    step.seen("freed", naive.goes_on_when_wang_reads()?);
    step.end()
}

impl Naive {
    fn with_members(room: Student) -> io::Result<Self> {
        let silent = || {
            io::Error::other(Text::new(
                "the student's room prints nothing",
                "同学的聊天室没有任何输出",
            ))
        };
        let addr = room.door()?;
        let join = || {
            let member = Member::connect(addr)?;
            room.line().ok_or_else(silent)?;
            io::Result::Ok(member)
        };
        let [wang, hong, ming] = [join()?, join()?, join()?];
        Ok(Self {
            room,
            wang,
            hong,
            ming,
            number: 0,
        })
    }

    /// Returns the time of the last line; `None` if hong receives every line.
    fn send_until_hong_receives_nothing(&mut self) -> io::Result<Option<Instant>> {
        self.hong.stream().set_read_timeout(Some(SILENCE))?;
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            self.number += 1;
            let said = Instant::now();
            self.ming.say(&long_line(self.number))?;
            if !self.hong_receives_it()? {
                return Ok(Some(said));
            }
        }
        Ok(None)
    }

    /// Waits for the line. The kernel's tables show whether the room has stopped or the machine is busy.
    fn hong_receives_it(&mut self) -> io::Result<bool> {
        let since = Instant::now();
        while self.hong.hear().is_err() {
            if self.is_stuck()? || since.elapsed() > PATIENCE {
                // A room that was only late may sleep too, but then it has delivered the line.
                return Ok(self.hong.hear().is_ok());
            }
        }
        Ok(true)
    }

    /// Whether the room is blocked in sending to wang.
    fn is_stuck(&self) -> io::Result<bool> {
        let wang = Ends::of(self.wang.stream())?;
        let all = sockets_at(wang.server.port())?;
        let is_full = wang.both(&all)[0].is_some_and(|it| it.unsent > 0);
        Ok(is_full && state(self.room.pid()) == Some('S'))
    }

    /// Lets wang read, and checks that hong receives the missing lines.
    fn goes_on_when_wang_reads(&mut self) -> io::Result<bool> {
        let mut wang = self.wang.stream().try_clone()?;
        // The thread ends with the connection.
        thread::spawn(move || io::copy(&mut wang, &mut io::sink()));
        self.hong.stream().set_read_timeout(Some(PATIENCE))?;
        let missing = [self.number, self.number + 1].map(long_line);
        Ok(missing
            .iter()
            .all(|line| self.hong.hear().is_ok_and(|heard| heard == *line)))
    }
}
