//! A chat room, and a member that doesn't read.

mod member;
mod naive;
mod order;

use std::io;

use portlab_lab::Server;
use portlab_sys::sockets::Socket;

use self::member::Member;
use crate::{
    cast::{Ends, hex, kernel::shown},
    stage::{Exit, Seen, Stage},
};

pub(super) fn play(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let options = ["--service", "chat", "--model", "event-loop"];
    let limits = ["--output-limit", "128KiB"];
    let server = stage.server(&[&options[..], &limits].concat())?;
    stage.set("server", server.addr());
    let mut room = Room::with_three_members(&server)?;
    one_line_to_all(stage, &mut room)?;
    one_stops_reading(stage, &mut room)?;
    and_reaches_the_limit(stage, room)?;
    naive::a_room_that_blocks(stage)?;
    order::threads_and_a_loop(stage, &server)
}

/// The members of the server's room.
struct Room {
    hong: Member,
    wang: Member,
    ming: Member,
    /// The number of ming's last line.
    number: usize,
}

fn one_line_to_all(stage: &mut Stage<'_>, room: &mut Room) -> Result<(), Exit> {
    let mut step = stage.step("join")?;
    let Room {
        hong, wang, ming, ..
    } = room;
    ming.say("大家好")?;
    for (member, bytes, text) in [
        (hong, "in_utf8", "hong_hears"),
        (wang, "in_gbk", "wang_hears"),
    ] {
        let line = member.bytes_of("ming: ")?;
        step.set(bytes, hex(&line));
        step.set(text, member.text(&line));
        step.seen(text, member.text(&line) == "ming: 大家好");
    }
    // A server answers in order: if ming received its own line, this line would come first.
    ming.say("/who")?;
    let answer = ming.hear()?;
    step.seen("ming_hears", answer.starts_with("* in lobby"));
    step.set("ming_hears", answer);
    step.end()
}

fn one_stops_reading(stage: &mut Stage<'_>, room: &mut Room) -> Result<(), Exit> {
    let few = 20;
    stage.set("few", few);
    let mut step = stage.step("stops")?;
    let (mut in_order, mut sent) = (true, 0);
    for _ in 0..few {
        in_order &= room.send_the_next_to_hong()? == room.last_line();
        sent += room.wang.length(&room.last_line());
    }
    let queued = |ends: &[Socket]| ends.iter().map(|it| it.unread + it.unsent).sum::<u32>();
    let ends = room.ends_once(|ends| queued(ends) as usize == sent)?;
    step.set("queues", shown(&ends));
    step.set("queued", queued(&ends));
    step.seen("queued", queued(&ends) as usize == sent);
    step.seen("others", in_order);
    step.end()
}

fn and_reaches_the_limit(stage: &mut Stage<'_>, mut room: Room) -> Result<(), Exit> {
    let mut step = stage.step("limit")?;
    let (mut in_order, mut ends) = (true, Vec::new());
    let told = loop {
        let line = room.send_the_next_to_hong()?;
        if line.starts_with("* ") || room.number > MANY {
            break line;
        }
        in_order &= line == room.last_line();
        if room.number.is_multiple_of(40) {
            ends = room.ends_once(|_| true)?;
        }
    };
    step.set("full", shown(&ends));
    step.seen("told", told == "* wang was dropped for reading too slowly");
    step.set("told", told);
    // ming's last line comes after that.
    in_order &= room.hong.hear().ok() == Some(room.last_line());
    step.seen("others", in_order);
    step.set("lines", room.number);
    let (heard, last) = room.wang.rest();
    step.seen("end", heard < room.number);
    step.set("heard", heard);
    let is_reason = last.contains("you read too slowly");
    step.seen("reason", Seen::if_shown(is_reason));
    step.set("last_words", last);
    step.end()
}

impl Room {
    fn with_three_members(server: &Server) -> io::Result<Self> {
        let server = server.addr();
        Ok(Self {
            hong: Member::join(server, "hong", "utf-8")?,
            wang: Member::join(server, "wang", "gbk")?,
            ming: Member::join(server, "ming", "utf-8")?,
            number: 0,
        })
    }

    /// Lets ming send a long line. Returns the next line that hong receives.
    fn send_the_next_to_hong(&mut self) -> io::Result<String> {
        self.number += 1;
        self.ming.say(&long_line(self.number))?;
        self.hong.hear()
    }

    /// ming's last line, as the others receive it.
    fn last_line(&self) -> String {
        format!("ming: {}", long_line(self.number))
    }

    /// Both ends of wang's connection, the server's first, as soon as `are` holds for them.
    fn ends_once(&self, are: impl Fn(&[Socket]) -> bool) -> io::Result<Vec<Socket>> {
        Ends::of(self.wang.stream())?.once(are)
    }
}

/// More lines than any kernel keeps for a member that doesn't read.
const MANY: usize = 20_000;

/// A line a little shorter than the server's limit for a line.
fn long_line(number: usize) -> String {
    format!("{number} {}", "哈".repeat(1300))
}
