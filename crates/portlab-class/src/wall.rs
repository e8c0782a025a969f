//! The wall of servers: the verdicts that students send with `portlab judge --report`.
//!
//! The page only reads these verdicts. It runs no program of a student, and it connects to none.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{
        DefaultBodyLimit, State,
        rejection::{BytesRejection, FailedToBufferBody::LengthLimitError},
    },
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use portlab_judge::{Mark, Side, Verdict, bugs};
use portlab_service::inert;
use portlab_words::{Text, tr};
use serde::{Deserialize, Serialize};
use unicode_width::UnicodeWidthChar;

use crate::{guard::refusal, room::Room};

/// What students do: they send a verdict to the page's own address.
pub(crate) fn routes() -> Router<Arc<Room>> {
    Router::new().route("/", post(report).layer(DefaultBodyLimit::max(LARGEST)))
}

/// What the teacher does.
pub(crate) fn teacher_routes() -> Router<Arc<Room>> {
    Router::new()
        .route("/do/wall/remove", post(remove))
        .route("/do/wall/clear", post(clear))
}

/// The newest verdict under each name.
#[derive(Debug, Default)]
pub(crate) struct Wall {
    state: Mutex<Verdicts>,
}

#[derive(Debug, Default)]
struct Verdicts {
    cards: Vec<Card>,
    /// How many verdicts have come.
    count: u64,
    allowance: Allowance,
}

/// A name on the wall, for browsers.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Card {
    name: String,
    mark: u32,
    of: u32,
    passed: u32,
    judged: u32,
    /// The mark of the verdict before this one.
    before: Option<u32>,
    kind: Side,
    /// The bugs in the judge's order, as the student's terminal shows them.
    bugs: Vec<FoundBug>,
    /// The bugs that `bugs` has no room for.
    more_bugs: usize,
    at_unix_s: u64,
    /// How many verdicts have come under this name.
    times: u32,
    /// The number of the verdict: the highest one is the newest.
    number: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct FoundBug {
    name: String,
    title: Text,
}

/// How many verdicts the page takes in a moment.
#[derive(Debug, Default)]
struct Allowance {
    /// When all verdicts that were taken would have come, if they came one by one at the highest rate.
    until: Option<Instant>,
}

impl Wall {
    /// Puts a verdict on the wall, in place of the earlier one under the same name.
    fn take(&self, verdict: &Verdict, at_unix_s: u64) -> Result<(), (StatusCode, Text)> {
        let unusable = |why| Err((StatusCode::UNPROCESSABLE_ENTITY, why));
        let name = clean(&verdict.name);
        if name.is_empty() {
            return unusable(NO_NAME);
        }
        let Mark {
            points, of, judged, ..
        } = verdict.mark;
        if points > of || of != POINTS || verdict.mark.passed > judged {
            return unusable(NO_MARK);
        }
        let mut state = self.lock();
        let earlier = state.cards.iter().position(|it| it.name == name);
        if earlier.is_none() && state.cards.len() >= MOST_NAMES {
            let why = tr!(
                "the wall has {MOST_NAMES} names, which is the most; ask the teacher to clear it",
                "服务端墙上已有 {MOST_NAMES} 个名字，不能再多；请老师清空"
            );
            return Err((StatusCode::INSUFFICIENT_STORAGE, why));
        }
        state.count += 1;
        let mut card = Card::of(name, verdict, at_unix_s, state.count);
        match earlier {
            Some(at) => {
                let old = &state.cards[at];
                card.before = Some(old.mark);
                card.times = old.times.saturating_add(1);
                state.cards[at] = card;
            }
            None => state.cards.push(card),
        }
        Ok(())
    }

    fn remove(&self, name: &str) {
        self.lock().cards.retain(|it| it.name != name);
    }

    fn clear(&self) {
        self.lock().cards.clear();
    }

    fn cards(&self) -> Vec<Card> {
        self.lock().cards.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Verdicts> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Card {
    fn of(name: String, verdict: &Verdict, at_unix_s: u64, number: u64) -> Self {
        let Mark {
            points,
            of,
            passed,
            judged,
        } = verdict.mark;
        let found = &verdict.bugs;
        let bugs = found
            .iter()
            .take(MOST_BUGS)
            .map(|it| FoundBug::of(verdict.side, &it.bug));
        Self {
            name,
            mark: points,
            of,
            passed,
            judged,
            before: None,
            kind: verdict.side,
            bugs: bugs.collect(),
            more_bugs: found.len().saturating_sub(MOST_BUGS),
            at_unix_s,
            times: 1,
            number,
        }
    }
}

impl FoundBug {
    /// The bug with the words of this program, so that a student can't put other words on the wall. A newer judge may
    /// name a bug that this program doesn't know.
    fn of(side: Side, name: &str) -> Self {
        let name = clean(name);
        let known = bugs::bug_of(side, &name);
        let title = known.map_or_else(
            || Text::from(name.clone()),
            |it| Text::new(it.title[0], it.title[1]),
        );
        Self { name, title }
    }
}

impl Allowance {
    /// Whether one more verdict is taken at the time `now`.
    fn has_room(&mut self, now: Instant) -> bool {
        let until = self.until.map_or(now, |it| it.max(now));
        let has_room = until.saturating_duration_since(now) < EACH * AT_ONCE;
        if has_room {
            self.until = Some(until + EACH);
        }
        has_room
    }
}

/// A text of others on one line: no character that a screen executes, and at most [`LONGEST_NAME`] characters. Of a longer
/// one, the end is kept: it may be the path of a file.
fn clean(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    // Characters without a width could make one name look like another.
    let shown = |it: &char| it.width() != Some(0);
    let text: String = inert(&words).chars().filter(shown).collect();
    match text.chars().count().checked_sub(LONGEST_NAME) {
        None | Some(0) => text,
        Some(over) => format!("…{}", text.chars().skip(over + 1).collect::<String>()),
    }
}

async fn report(State(room): State<Arc<Room>>, body: Result<Bytes, BytesRejection>) -> Response {
    if !room.wall.lock().allowance.has_room(Instant::now()) {
        return refusal(StatusCode::TOO_MANY_REQUESTS, &TOO_MANY);
    }
    let body = match body {
        Ok(body) => body,
        Err(BytesRejection::FailedToBufferBody(LengthLimitError(_))) => {
            return refusal(StatusCode::PAYLOAD_TOO_LARGE, &TOO_LARGE);
        }
        Err(error) => return refusal(error.status(), &Text::of(error)),
    };
    let verdict = match serde_json::from_slice::<Verdict>(&body) {
        Ok(verdict) if verdict.format == Verdict::FORMAT => verdict,
        Ok(_) => return refusal(StatusCode::UNPROCESSABLE_ENTITY, &OTHER_FORM),
        Err(error) => {
            let why = tr!(
                "the body isn't a verdict of `portlab judge`: {error}; send it with: portlab judge --report URL",
                "收到的不是 `portlab judge` 的结果：{error}；请用 portlab judge --report 网址 发送"
            );
            return refusal(StatusCode::BAD_REQUEST, &why);
        }
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |it| it.as_secs());
    match room.wall.take(&verdict, now) {
        Ok(()) => done(&room),
        Err((status, why)) => refusal(status, &why),
    }
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

async fn remove(State(room): State<Arc<Room>>, Json(Named { name }): Json<Named>) -> Response {
    room.wall.remove(&name);
    done(&room)
}

async fn clear(State(room): State<Arc<Room>>) -> Response {
    room.wall.clear();
    done(&room)
}

fn done(room: &Room) -> Response {
    room.publish("wall", &room.wall.cards());
    StatusCode::NO_CONTENT.into_response()
}

/// A school has classes of up to 60; several classes may share a wall.
const MOST_NAMES: usize = 200;
const LONGEST_NAME: usize = 40;
const MOST_BUGS: usize = 6;
/// The points of a full mark.
const POINTS: u32 = 10;
/// A verdict on a web server has each rule of HTTP, in two languages and with what was sent and answered.
const LARGEST: usize = 512 * 1024;
/// The time between two verdicts at the highest rate.
const EACH: std::time::Duration = std::time::Duration::from_millis(100);
/// How many verdicts may come at the same moment: a class may send when the teacher says so.
const AT_ONCE: u32 = 60;

const NO_NAME: Text = Text::new(
    "the verdict has no name: write it behind --name",
    "结果没有名字：请写在 --name 后面",
);
const NO_MARK: Text = Text::new(
    "the mark of this verdict is impossible: send what `portlab judge --report` sends",
    "这个分数不可能出现：请用 `portlab judge --report` 发送",
);
const TOO_MANY: Text = Text::new(
    "too many verdicts come at once: send it again in some seconds",
    "同时收到的结果太多：请过几秒再发送",
);
const TOO_LARGE: Text = Text::new(
    "the verdict is larger than any of `portlab judge`",
    "数据太大，不会是 `portlab judge` 的结果",
);
const OTHER_FORM: Text = Text::new(
    "the verdict comes from another version of portlab: use the version that the teacher uses",
    "这个结果来自另一个版本的 portlab：请使用和老师一样的版本",
);

#[cfg(test)]
mod tests;
