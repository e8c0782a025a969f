//! The routes of votes: students join and vote on `/join`; a teacher opens a question, closes it and shows the outcome.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use portlab_lessons::find;
use portlab_words::{Lang, Text};
use serde::{Deserialize, Serialize};

use super::{
    texts::{Ask, Page},
    votes::{Device, Place, Refused, Votes},
};
use crate::{
    assets,
    guard::{refusal, same},
    room::{Room, random},
};

/// The votes, and the question that they are about.
#[derive(Debug, Default)]
pub(crate) struct Voting(Mutex<Ballots>);

#[derive(Debug, Default)]
struct Ballots {
    votes: Votes,
    asked: Option<Asked>,
}

/// The question of a step, in both languages.
#[derive(Debug)]
struct Asked {
    place: Place,
    number: usize,
    titles: [Vec<(&'static str, String)>; 2],
    asks: [Ask; 2],
}

/// What students see: the topic `join`.
#[derive(Serialize)]
struct Joined<'a> {
    lesson: &'a str,
    step: &'a str,
    number: usize,
    en: Shown<'a>,
    zh: Shown<'a>,
    state: &'static str,
    voters: usize,
    counts: Option<Vec<usize>>,
    right: Option<usize>,
}

#[derive(Serialize)]
struct Shown<'a> {
    title: &'a [(&'static str, String)],
    #[serde(flatten)]
    ask: &'a Ask,
}

pub(super) fn routes() -> Router<Arc<Room>> {
    Router::new()
        .route("/join", get(page).post(join))
        .route("/vote", post(vote))
}

pub(super) fn teacher_routes() -> Router<Arc<Room>> {
    Router::new()
        .route("/do/vote/open", post(open))
        .route(
            "/do/vote/close",
            post(async |room: State<Arc<Room>>| turn(&room, Votes::close)),
        )
        .route(
            "/do/vote/show",
            post(async |room: State<Arc<Room>>| turn(&room, Votes::show)),
        )
}

/// `GET /join`: the page of students. Its cookie is a random mark, which distinguishes devices.
async fn page(headers: HeaderMap) -> Response {
    let page = assets::file("join.html");
    if device(&headers).is_some() {
        return page;
    }
    let Ok(random) = random() else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let mark = Device::new(random).text();
    let cookie = format!("{COOKIE}={mark}; Path=/; HttpOnly; SameSite=Strict; Max-Age=86400");
    ([(header::SET_COOKIE, cookie)], page).into_response()
}

#[derive(Deserialize)]
struct Join {
    code: String,
}

/// `POST /join`: the device may vote from now on.
async fn join(
    State(room): State<Arc<Room>>,
    headers: HeaderMap,
    Json(Join { code }): Json<Join>,
) -> Response {
    let Some(device) = device(&headers) else {
        return refusal(StatusCode::FORBIDDEN, &NO_COOKIE);
    };
    // Phones begin a word with a capital letter.
    let code = code.trim().to_ascii_lowercase();
    let is_right = same(code.as_bytes(), room.codes.join.as_bytes());
    let joined = lock(&room).votes.join(device, is_right, Instant::now());
    answer(joined)
}

#[derive(Deserialize)]
struct Vote {
    lesson: String,
    step: String,
    option: usize,
}

async fn vote(
    State(room): State<Arc<Room>>,
    headers: HeaderMap,
    Json(vote): Json<Vote>,
) -> Response {
    let Some(device) = device(&headers) else {
        return refusal(StatusCode::FORBIDDEN, &NO_COOKIE);
    };
    let place = Place {
        lesson: vote.lesson,
        step: vote.step,
    };
    let mut state = lock(&room);
    let voted = state
        .votes
        .vote(device, &place, vote.option, Instant::now());
    state.publish(&room);
    answer(voted)
}

#[derive(Deserialize)]
struct Open {
    lesson: String,
    step: String,
}

async fn open(State(room): State<Arc<Room>>, Json(Open { lesson, step }): Json<Open>) -> Response {
    let Some(asked) = Asked::of(&lesson, &step) else {
        return refusal(StatusCode::NOT_FOUND, &NO_QUESTION);
    };
    let mut state = lock(&room);
    let options = asked.asks[0].options.len();
    state.votes.open(asked.place.clone(), options);
    state.asked = Some(asked);
    state.publish(&room);
    StatusCode::NO_CONTENT.into_response()
}

fn turn(room: &Room, turn: fn(&mut Votes)) -> Response {
    let mut state = lock(room);
    turn(&mut state.votes);
    state.publish(room);
    StatusCode::NO_CONTENT.into_response()
}

fn lock(room: &Room) -> MutexGuard<'_, Ballots> {
    let state = room.lessons.voting.0.lock();
    state.unwrap_or_else(PoisonError::into_inner)
}

impl Asked {
    /// The question of a step; `None` if the lesson, the step or the question is missing.
    fn of(lesson: &str, step: &str) -> Option<Self> {
        let lesson = find(lesson)?;
        let [en, zh] = Lang::ALL.map(|lang| {
            let steps = Page::of(lesson, lang, false).ok()?.steps;
            let mut steps = (1..).zip(steps);
            steps.find(|(_, it)| it.key == step)
        });
        let ((number, en), (_, zh)) = en.zip(zh)?;
        Some(Self {
            place: Place {
                lesson: lesson.name.to_owned(),
                step: step.to_owned(),
            },
            number,
            titles: [en.title, zh.title],
            asks: [en.ask?, zh.ask?],
        })
    }
}

impl Ballots {
    fn publish(&self, room: &Room) {
        let standing = self.votes.standing();
        let Some((asked, standing)) = self.asked.as_ref().zip(standing) else {
            return;
        };
        let [en, zh] = [0, 1].map(|at| Shown {
            title: &asked.titles[at],
            ask: &asked.asks[at],
        });
        let is_shown = standing.counts.is_some();
        room.publish(
            "join",
            &Joined {
                lesson: &asked.place.lesson,
                step: &asked.place.step,
                number: asked.number,
                en,
                zh,
                state: if standing.is_open { "open" } else { "closed" },
                voters: standing.voters,
                counts: standing.counts,
                right: is_shown.then_some(asked.asks[0].right),
            },
        );
    }
}

/// The mark in the cookie of a request.
fn device(headers: &HeaderMap) -> Option<Device> {
    let cookies = headers.get_all(header::COOKIE).iter();
    let mut pairs = cookies
        .filter_map(|it| it.to_str().ok())
        .flat_map(|it| it.split(';'));
    pairs.find_map(|pair| {
        let mark = pair.trim().strip_prefix(COOKIE)?.strip_prefix('=')?;
        Device::parse(mark)
    })
}

fn answer(done: Result<(), Refused>) -> Response {
    let Err(why) = done else {
        return StatusCode::NO_CONTENT.into_response();
    };
    let (status, why) = match why {
        Refused::WrongCode => (StatusCode::FORBIDDEN, &WRONG_CODE),
        Refused::NotJoined => (StatusCode::FORBIDDEN, &NOT_JOINED),
        Refused::TooManyTries => (StatusCode::TOO_MANY_REQUESTS, &TOO_MANY_TRIES),
        Refused::TooFast => (StatusCode::TOO_MANY_REQUESTS, &TOO_FAST),
        Refused::Full => (StatusCode::SERVICE_UNAVAILABLE, &FULL),
        Refused::NotOpen => (StatusCode::CONFLICT, &NOT_OPEN),
        Refused::NoSuchAnswer => (StatusCode::UNPROCESSABLE_ENTITY, &NO_SUCH_ANSWER),
    };
    refusal(status, why)
}

const COOKIE: &str = "device";

const NO_COOKIE: Text = Text::new(
    "open /join in this browser first, and allow its cookie: it distinguishes devices, so that each has one vote",
    "请先在这个浏览器里打开 /join，并允许 cookie：它用来区分设备，保证每台设备一票",
);
const WRONG_CODE: Text = Text::new(
    "wrong code: the class's code is on the projector",
    "口令不对：请看投影上的口令",
);
const NOT_JOINED: Text = Text::new("type the class's code first", "请先输入课堂口令");
const TOO_MANY_TRIES: Text = Text::new(
    "too many wrong codes: wait a second and type it again",
    "错误的口令太多：等一秒再输入",
);
const TOO_FAST: Text = Text::new(
    "too many votes from this device: vote again in a second",
    "这台设备投得太快：一秒后再投",
);
const FULL: Text = Text::new(
    "500 devices have joined, which is the limit",
    "已有 500 台设备加入，达到上限",
);
const NOT_OPEN: Text = Text::new(
    "the vote about this question is closed",
    "这道题的投票已经结束",
);
const NO_SUCH_ANSWER: Text = Text::new("the question has no such answer", "这道题没有这个选项");
const NO_QUESTION: Text = Text::new("this step asks no question", "这一步没有提问");
