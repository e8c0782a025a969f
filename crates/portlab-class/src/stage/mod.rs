//! The stage: the servers, their load and their guests, on one thread that lives as long as the page (see [`Joined`]).
//!
//! | module | owns |
//! |---|---|
//! | this one | the thread: orders, frames, figures |
//! | `orders` | what a teacher may ask for, and the routes |
//! | `dials` | the values of the dials, and their limits |
//! | `server` | one server: its process, its picture |
//! | `load` | `portlab load` as a process |
//! | `replay` | the frames of the last 30 seconds |
//! | `guests` | connections that misbehave |

mod dials;
mod guests;
mod load;
mod orders;
mod replay;
mod server;

use std::{
    io,
    sync::{Arc, mpsc::RecvTimeoutError},
    time::{Duration, Instant},
};

use axum::Router;
use portlab_sys::{sockets::sockets, whole::write_whole};
use portlab_words::{Text, tr};
use serde::Serialize;

pub(crate) use self::{
    dials::{Dials, sheet},
    orders::{Aim, Order, Orders},
    replay::Replay,
};
use self::{
    guests::Guest,
    load::Load,
    orders::Task,
    server::{Frame, Meters, Running},
};
use crate::{folder::Folder, joined::Joined, kernel::Owner, room::Room};

/// What a teacher may ask of the stage.
pub(crate) fn routes() -> Router<Arc<Room>> {
    orders::routes().merge(replay::routes())
}

/// Frames in a second.
const FRAMES_PER_S: usize = 20;
const FRAME: Duration = Duration::from_millis(1_000 / FRAMES_PER_S as u64);
/// The kernel lists its sockets in some milliseconds, so it is asked in every second frame.
const SOCKETS_EVERY: usize = 2;
/// Threads that have ended are looked for in every fifth frame.
const THREADS_EVERY: usize = 5;
/// How many servers there are side by side.
const SLOTS: usize = 2;

/// Starts the thread of the stage.
pub(crate) fn start(room: Arc<Room>) -> io::Result<Joined> {
    Joined::start("stage", room, |room| Floor::new(room).run())
}

/// What the thread owns.
struct Floor<'a> {
    room: &'a Room,
    slots: [Option<Running>; SLOTS],
    dials: Dials,
    /// Which servers get the load; `None` while it is off.
    loaded: Option<Aim>,
    /// What went wrong last, until the next order.
    notice: Option<Text>,
    began: Instant,
    /// How many frames were published.
    frames: u64,
    /// The files of web servers.
    site: Option<Folder>,
}

/// What runs, for browsers.
#[derive(Serialize)]
struct View<'a> {
    slots: [Option<SlotView>; SLOTS],
    dials: &'a Dials,
    loaded: Option<Aim>,
    notice: &'a Option<Text>,
}

#[derive(Serialize)]
struct SlotView {
    model: &'static str,
    addr: String,
    pid: i32,
}

#[derive(Serialize)]
struct Frames {
    /// How many frames there were before: a browser sees whether it has skipped some.
    number: u64,
    /// Milliseconds since the page began.
    at_ms: u64,
    slots: [Option<Frame>; SLOTS],
}

#[derive(Serialize)]
struct Figures {
    at_ms: u64,
    slots: [Option<Meters>; SLOTS],
}

impl<'a> Floor<'a> {
    fn new(room: &'a Room) -> Self {
        Self {
            room,
            slots: [None, None],
            dials: Dials::default(),
            loaded: None,
            notice: None,
            began: Instant::now(),
            frames: 0,
            site: None,
        }
    }

    fn run(mut self) {
        let receiver = self.room.orders.receive();
        let mut next = Instant::now();
        self.publish();
        for turn in 1.. {
            next += FRAME;
            loop {
                let left = next.saturating_duration_since(Instant::now());
                match receiver.recv_timeout(left) {
                    Ok(task) => self.obey(task),
                    Err(RecvTimeoutError::Timeout) => break,
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            }
            if self.room.has_ended() {
                break;
            }
            self.frame(turn);
            // After a long order, frames don't come in a burst.
            next = next.max(Instant::now() - FRAME);
        }
    }

    fn frame(&mut self, turn: usize) {
        let runs = self.slots.iter().any(Option::is_some);
        if !runs {
            return;
        }
        let now = Instant::now();
        for running in self.slots.iter_mut().flatten() {
            running.take_events();
            running.guests.retain_mut(|guest| guest.goes_on(now));
            if turn.is_multiple_of(THREADS_EVERY) {
                running.drop_ended_lanes();
            }
        }
        // After the events: a connection that they have opened is in the kernel's list, too.
        if turn.is_multiple_of(SOCKETS_EVERY)
            && let Ok(all) = sockets()
        {
            for running in self.slots.iter_mut().flatten() {
                running.take_sockets(&all);
            }
        }
        let at_ms = self.at_ms();
        let slots = self
            .slots
            .each_mut()
            .map(|slot| slot.as_mut().map(Running::frame));
        let number = self.frames;
        self.frames += 1;
        let frames = Frames {
            number,
            at_ms,
            slots,
        };
        self.room.publish("lanes", &frames);
        if let Some((_, frames)) = self.room.topic("lanes") {
            self.room.replay.push(frames.json());
        }
        if turn.is_multiple_of(FRAMES_PER_S) {
            self.look_after_servers();
            self.look_after_loads();
        }
        if turn.is_multiple_of(FRAMES_PER_S) && self.room.is_watched("figures") {
            let slots = self
                .slots
                .each_mut()
                .map(|slot| slot.as_mut().map(Running::meters));
            self.room.publish("figures", &Figures { at_ms, slots });
        }
    }

    fn at_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Reports a server that has ended by itself; its slot is empty then.
    fn look_after_servers(&mut self) {
        for number in 0..SLOTS {
            let ended = self.slots[number].as_mut().and_then(|running| {
                let status = running.ended()?;
                Some((running.sheet.name, status))
            });
            if let Some((model, status)) = ended {
                self.notice = Some(tr!(
                    "the server {model} has ended by itself ({status})",
                    "服务端 {model} 自己结束了（{status}）"
                ));
                self.slots[number] = None;
                self.publish();
            }
        }
    }

    /// Reports a load that has ended by itself, and ends the other one: the page shows that the load is off.
    fn look_after_loads(&mut self) {
        let running = self.slots.iter_mut().flatten();
        let ended = running.filter_map(|it| {
            let why = it.load.as_mut()?.ended()?;
            it.load = None;
            Some(why)
        });
        if let Some(why) = ended.last() {
            self.notice = Some(tr!("the load has ended: {why}", "负载已经结束：{why}"));
            self.loaded = None;
            for running in self.slots.iter_mut().flatten() {
                running.load = None;
            }
            self.publish();
        }
    }

    /// Carries out an order, and answers the request.
    fn obey(&mut self, task: Task) {
        self.notice = None;
        let done = self.carry_out(task.order);
        self.notice = done.as_ref().err().cloned();
        self.publish();
        // The browser may have gone.
        let _ = task.answer.send(done);
    }

    fn carry_out(&mut self, order: Order) -> Result<(), Text> {
        match order {
            Order::Serve { slot, model } => {
                let slot = known(slot)?;
                let Some(sheet) = model.as_deref().map(sheet).transpose()? else {
                    self.slots[slot] = None;
                    return Ok(());
                };
                self.dials.check_for(sheet)?;
                // The old server and its load end before the new one starts.
                self.slots[slot] = None;
                self.slots[slot] = Some(self.start(sheet)?);
                self.load()
            }
            Order::Dials(dials) => self.turn(dials),
            Order::SlowMotion => {
                // Without clients there would be nothing to see.
                self.loaded = self.loaded.or(Some(Aim::Both));
                self.turn(self.dials.slow_motion())
            }
            Order::Load { on } => {
                self.loaded = on;
                self.load()
            }
            Order::Guest { slot, kind } => self.invite(known(slot)?, kind),
            Order::GuestsLeave => {
                for running in self.slots.iter_mut().flatten() {
                    running.guests.clear();
                }
                Ok(())
            }
        }
    }

    /// Turns the dials. Servers and loads that depend on a change start anew.
    fn turn(&mut self, dials: Dials) -> Result<(), Text> {
        dials.check()?;
        for running in self.slots.iter().flatten() {
            dials.check_for(running.sheet)?;
        }
        let before = std::mem::replace(&mut self.dials, dials);
        if before == self.dials {
            return Ok(());
        }
        if before.changes_server(&self.dials) {
            for slot in 0..SLOTS {
                if let Some(running) = self.slots[slot].take() {
                    let sheet = running.sheet;
                    drop(running);
                    self.slots[slot] = Some(self.start(sheet)?);
                }
            }
        }
        for running in self.slots.iter_mut().flatten() {
            running.load = None;
        }
        self.load()
    }

    fn start(&mut self, sheet: &'static portlab_backends::Sheet) -> Result<Running, Text> {
        if self.dials.service == "http" {
            self.write_site().map_err(|it| Text::system(&it))?;
        }
        let root = self.site.as_ref().map(Folder::path);
        Running::start(&self.room.program, sheet, &self.dials, root)
    }

    fn write_site(&mut self) -> io::Result<()> {
        if self.site.is_none() {
            let folder = Folder::create("site")?;
            write_whole(&folder.path().join("index.html"), PAGE.as_bytes())?;
            self.site = Some(folder);
        }
        Ok(())
    }

    /// Gives each server the load that it is to have.
    fn load(&mut self) -> Result<(), Text> {
        let Self {
            slots,
            dials,
            loaded,
            room,
            ..
        } = self;
        for (number, running) in slots.iter_mut().enumerate() {
            let Some(running) = running else {
                continue;
            };
            let wants = dials.clients > 0 && loaded.is_some_and(|aim| aim.has(number));
            match (wants, &running.load) {
                (false, _) => running.load = None,
                (true, Some(_)) => {}
                (true, None) => {
                    let load = Load::start(&room.program, running.addr, dials);
                    running.load = Some(load.map_err(|it| Text::system(&it))?);
                }
            }
        }
        Ok(())
    }

    fn invite(&mut self, slot: usize, kind: guests::Kind) -> Result<(), Text> {
        let Some(running) = &mut self.slots[slot] else {
            return Err(Text::new("start a server first", "请先启动一个服务端"));
        };
        if running.guests.len() >= guests::MOST {
            let most = guests::MOST;
            return Err(tr!(
                "a server has at most {most} guests: let the guests leave first",
                "一个服务端最多有 {most} 个特殊客户端：请先让它们离开"
            ));
        }
        let guest = Guest::connect(kind, running.addr).map_err(|it| Text::system(&it))?;
        running.guests.push(guest);
        Ok(())
    }

    fn publish(&self) {
        for (number, slot) in self.slots.iter().enumerate() {
            let port = slot.as_ref().map(|it| (it.addr.port(), it.sheet.name));
            self.room.ports.show(
                Owner::Slot(number),
                port.map(|(port, name)| (port, Text::new(name, name))),
            );
        }
        let slot = |running: &Running| SlotView {
            model: running.sheet.name,
            addr: running.addr.to_string(),
            pid: running.pid(),
        };
        self.room.publish(
            "stage",
            &View {
                slots: self.slots.each_ref().map(|it| it.as_ref().map(slot)),
                dials: &self.dials,
                loaded: self.loaded,
                notice: &self.notice,
            },
        );
    }
}

/// Refuses the number of a slot that the page hasn't.
fn known(slot: usize) -> Result<usize, Text> {
    match slot < SLOTS {
        true => Ok(slot),
        false => Err(tr!(
            "no slot {slot}: the page has {SLOTS}, from 0",
            "没有位置 {slot}：网页有 {SLOTS} 个位置，从 0 开始"
        )),
    }
}

/// The file of web servers.
const PAGE: &str = "<!doctype html>\n<title>portlab</title>\n<h1>portlab</h1>\n";
