//! A race: two models serve the same clients side by side, and then a comparison says why one is better.
//!
//! First the stage serves both models with the same dials, and each gets a load with the same seed: the class sees the
//! lanes. Then the loads stop, because they would disturb, and `portlab compare` measures the two models, as a process of
//! its own. What is shown of it are the sentences of its report.
//!
//! | module | owns |
//! |---|---|
//! | this one | the thread, its phases, the routes |
//! | `plan` | from the dials to the options of the comparison; pure |
//! | `measuring` | the comparison as a process, in a folder of its own |
//! | `outcome` | from the record to sentences and a table; pure |

mod measuring;
mod outcome;
mod plan;

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use portlab_backends::Sheet;
use portlab_words::{Text, tr};
use serde::{Deserialize, Serialize};

use self::{measuring::Measuring, outcome::Outcome, plan::Plan};
use crate::{
    guard::refusal,
    joined::Joined,
    room::Room,
    stage::{Aim, Dials, Order, sheet},
};

pub(crate) fn routes() -> Router<Arc<Room>> {
    Router::new()
        .route("/do/race", post(begin))
        .route("/do/race/stop", post(stop))
}

/// What a teacher asks for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    first: String,
    second: String,
    /// How long both serve side by side.
    seconds: Option<u64>,
    /// How many rounds are measured; as many as fit into half a minute if it is left out.
    rounds: Option<u16>,
}

const USUAL_SECONDS: u64 = 8;
const MOST_SECONDS: u64 = 60;
const MOST_ROUNDS: u16 = 21;
/// The time between two looks at what goes on.
const AGAIN: Duration = Duration::from_millis(100);
/// How long a race waits for the first answer of each server. A handler works up to 5 s for one.
const FIRST_ANSWERS: Duration = Duration::from_secs(10);
/// Looks between two values of the topic.
const TOLD_EVERY: usize = 5;

/// The way to the thread of races.
#[derive(Debug, Default)]
pub(crate) struct Control {
    next: Mutex<Option<Asked>>,
    runs: AtomicBool,
    stops: AtomicBool,
}

impl Control {
    fn ask(&self, asked: Asked) -> Result<(), Text> {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        if next.is_some() || self.runs.load(Relaxed) {
            return Err(Text::new(
                "a race goes on: stop it first",
                "比赛正在进行：请先停止它",
            ));
        }
        self.stops.store(false, Relaxed);
        *next = Some(asked);
        Ok(())
    }

    fn take(&self) -> Option<Asked> {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = next.take();
        self.runs.store(taken.is_some(), Relaxed);
        taken
    }
}

async fn begin(State(room): State<Arc<Room>>, Json(asked): Json<Asked>) -> Response {
    let begun = check(&asked).and_then(|()| room.race.ask(asked));
    match begun {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(why) => refusal(StatusCode::UNPROCESSABLE_ENTITY, &why),
    }
}

async fn stop(State(room): State<Arc<Room>>) -> StatusCode {
    room.race.stops.store(true, Relaxed);
    StatusCode::NO_CONTENT
}

fn check(asked: &Asked) -> Result<(), Text> {
    for name in [&asked.first, &asked.second] {
        if let Some(why) = sheet(name)?.obstacle() {
            return Err(why);
        }
    }
    if asked.first == asked.second {
        return Err(Text::new(
            "a race needs two different models",
            "比赛需要两个不同的模型",
        ));
    }
    let seconds = asked.seconds.unwrap_or(USUAL_SECONDS);
    if !(1..=MOST_SECONDS).contains(&seconds) {
        return Err(tr!(
            "invalid length of a race, {seconds} s: expected 1 to {MOST_SECONDS} s",
            "比赛时间不能是 {seconds} 秒：只能是 1 到 {MOST_SECONDS} 秒"
        ));
    }
    match asked.rounds {
        Some(rounds) if !(1..=MOST_ROUNDS).contains(&rounds) => Err(tr!(
            "{rounds} rounds can't be measured: expected 1 to {MOST_ROUNDS}",
            "不能测 {rounds} 轮：只能是 1 到 {MOST_ROUNDS} 轮"
        )),
        _ => Ok(()),
    }
}

/// Starts the thread of races.
pub(crate) fn start(room: Arc<Room>) -> io::Result<Joined> {
    Joined::start("race", room, |room| {
        room.publish("race", &View::default());
        while !room.has_ended() {
            match room.race.take() {
                Some(asked) => Race::new(room, &asked).run(),
                None => thread::sleep(AGAIN),
            }
        }
    })
}

/// What a race shows.
#[derive(Debug, Default, Serialize)]
struct View {
    state: Phase,
    first: String,
    second: String,
    /// How long both serve side by side, and how much of that time is left.
    seconds: u64,
    left_s: f64,
    /// The messages that each server has answered in that time.
    answers: [u64; 2],
    /// How many measurements are made, and how many there will be.
    measured: [usize; 2],
    /// What the comparison asks.
    question: Option<&'static Text>,
    /// Where the comparison differs from the dials.
    notes: Vec<Text>,
    /// The command of the comparison.
    command: String,
    #[serde(flatten)]
    outcome: Option<Outcome>,
    /// Why the race failed.
    why: Option<Text>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Phase {
    #[default]
    Idle,
    Live,
    Measuring,
    Done,
    Failed,
}

/// What the stage says of itself.
#[derive(Deserialize)]
struct OnStage {
    slots: [Option<OnSlot>; 2],
    dials: Dials,
    loaded: Option<Aim>,
}

/// A server of the stage. A server that is started anew has another number.
#[derive(PartialEq, Eq, Deserialize)]
struct OnSlot {
    pid: i32,
}

/// What is read from the lanes.
#[derive(Deserialize)]
struct Seen {
    slots: [Option<Answers>; 2],
}

#[derive(Deserialize)]
struct Answers {
    answers: u64,
}

/// A race that goes on.
struct Race<'a> {
    room: &'a Room,
    view: View,
    rounds: Option<u16>,
    /// What the stage had when both servers began.
    began: Option<OnStage>,
}

impl<'a> Race<'a> {
    fn new(room: &'a Room, asked: &Asked) -> Self {
        Self {
            room,
            view: View {
                state: Phase::Live,
                first: asked.first.clone(),
                second: asked.second.clone(),
                seconds: asked.seconds.unwrap_or(USUAL_SECONDS),
                ..View::default()
            },
            rounds: asked.rounds,
            began: None,
        }
    }

    fn run(mut self) {
        let before = self.stage();
        let done = self.race();
        // The load that ran before the race goes on.
        let on = before.and_then(|it| it.loaded);
        let restored = self.room.orders.give_and_wait(Order::Load { on });
        self.view.state = match done.and(restored) {
            Ok(()) => Phase::Done,
            Err(_) if self.stops() => Phase::Idle,
            Err(why) => {
                self.view.why = Some(why);
                Phase::Failed
            }
        };
        // A browser that shows the end may ask for another race at once.
        self.room.race.runs.store(false, Relaxed);
        self.publish();
    }

    fn race(&mut self) -> Result<(), Text> {
        let sheets = [sheet(&self.view.first)?, sheet(&self.view.second)?];
        self.publish();
        self.live(sheets)?;
        self.measure(sheets)
    }

    /// Serves both models to the same clients.
    fn live(&mut self, sheets: [&Sheet; 2]) -> Result<(), Text> {
        let give = |order| self.room.orders.give_and_wait(order);
        if self.stage().is_none_or(|it| it.dials.clients == 0) {
            return Err(Text::new(
                "a race needs clients: turn their dial up first",
                "比赛需要客户端：请先增加客户端的数量",
            ));
        }
        give(Order::Load { on: None })?;
        for (slot, sheet) in sheets.into_iter().enumerate() {
            let model = Some(sheet.name.to_owned());
            give(Order::Serve { slot, model })?;
        }
        let on = Some(Aim::Both);
        give(Order::Load { on })?;
        self.began = self.stage();
        let whole = Duration::from_secs(self.view.seconds);
        let asked = Instant::now();
        let mut begin = None;
        for look in 0.. {
            self.look()?;
            self.count();
            // The time side by side begins when each server has answered: a busy machine starts the loads late.
            let have_answered = self.view.answers.iter().all(|it| *it > 0);
            if begin.is_none() && (have_answered || asked.elapsed() >= FIRST_ANSWERS) {
                begin = Some(Instant::now());
            }
            let left = begin.map_or(whole, |it| whole.saturating_sub(it.elapsed()));
            self.view.left_s = left.as_secs_f64();
            if left.is_zero() {
                break;
            }
            if look % TOLD_EVERY == 0 {
                self.publish();
            }
            thread::sleep(AGAIN.min(left));
        }
        self.room.orders.give_and_wait(Order::Load { on: None })
    }

    /// Measures both models, as a report does.
    fn measure(&mut self, sheets: [&Sheet; 2]) -> Result<(), Text> {
        let stage = self.stage().ok_or_else(stopped)?;
        let plan = Plan::of(&stage.dials, sheets, self.rounds)?;
        self.view.state = Phase::Measuring;
        self.view.command = plan.command();
        self.view.question = plan.question();
        let mut measuring = Measuring::start(self.room, &plan)?;
        self.view.notes = plan.notes;
        self.publish();
        for look in 1.. {
            self.look()?;
            if self.stage().is_some_and(|it| it.loaded.is_some()) {
                return Err(Text::new(
                    "a load was started, which disturbs the measurement: race again",
                    "测量期间启动了负载，会干扰测量：请重新比赛",
                ));
            }
            if measuring.has_ended()? {
                break;
            }
            if look % TOLD_EVERY == 0
                && let Some(record) = measuring.record()
            {
                self.view.measured = measuring::progress(&record);
                self.publish();
            }
            thread::sleep(AGAIN);
        }
        let record = measuring.record().ok_or_else(|| measuring.why())?;
        self.view.measured = measuring::progress(&record);
        self.view.outcome = Some(Outcome::of(&record, sheets.map(|it| it.name)));
        Ok(())
    }

    /// An error if the race is to stop.
    fn look(&self) -> Result<(), Text> {
        if self.stops() {
            return Err(stopped());
        }
        match (&self.began, self.stage()) {
            (Some(began), Some(now)) if began.slots != now.slots || began.dials != now.dials => {
                Err(Text::new(
                    "a server or a dial was changed during the race: race again",
                    "比赛期间更换了服务端或改了参数：请重新比赛",
                ))
            }
            _ => Ok(()),
        }
    }

    fn stops(&self) -> bool {
        self.room.race.stops.load(Relaxed) || self.room.has_ended()
    }

    fn stage(&self) -> Option<OnStage> {
        self.room.topic("stage")?.1.now()
    }

    /// Takes the number of answers of each server from the lanes. Both were started for the race.
    fn count(&mut self) {
        let lanes = self.room.topic("lanes");
        if let Some(seen) = lanes.and_then(|(_, it)| it.now::<Seen>()) {
            self.view.answers = seen.slots.map(|slot| slot.map_or(0, |it| it.answers));
        }
    }

    fn publish(&self) {
        self.room.publish("race", &self.view);
    }
}

fn stopped() -> Text {
    Text::new("the race was stopped", "比赛已经停止")
}
