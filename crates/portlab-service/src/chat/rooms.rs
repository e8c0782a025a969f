//! The hub of the chat: who is where, and what each gets to hear.

use std::collections::{BTreeMap, HashMap};

use unicode_width::UnicodeWidthChar;

use super::{Limits, press::Press, request::Request};
use crate::{CloseReason, ConnId, Denied, Hub, Mail, Post, TextEncoding, nearest};

/// All members, and the rooms that they are in. The same posts in the same order always make the
/// same mail in the same order.
pub(super) struct Rooms {
    encoding: TextEncoding,
    limits: Limits,
    /// Who has posted something and has not gone.
    members: HashMap<ConnId, Member>,
    /// The connection that has each name, in lower case: `Bob` and `bob` are one too many. In order, so that of two names
    /// that are equally near always the same one is suggested.
    names: BTreeMap<String, ConnId>,
    /// Who is in which room, in the order in which they came.
    rooms: BTreeMap<String, Vec<ConnId>>,
    /// What [`Hub::denied`] returns next.
    denied: Option<Denied>,
}

#[derive(Clone, Debug)]
struct Member {
    encoding: TextEncoding,
    /// The name and the room; `None` until it has a name.
    place: Option<Place>,
}

#[derive(Clone, Debug)]
struct Place {
    name: String,
    room: String,
}

type Deliver<'a> = dyn FnMut(ConnId, Mail) + 'a;

/// Where members find themselves first. It is never closed.
const LOBBY: &str = "lobby";
/// Letters that nobody sees: the fillers of Hangul.
const INVISIBLE: [char; 4] = ['\u{115f}', '\u{1160}', '\u{3164}', '\u{ffa0}'];

/// How many names or rooms are listed at most.
const LISTED: usize = 100;

impl Rooms {
    pub(super) fn new(encoding: TextEncoding, limits: Limits) -> Self {
        Self {
            encoding,
            limits,
            members: HashMap::new(),
            names: BTreeMap::new(),
            rooms: BTreeMap::from([(LOBBY.to_owned(), Vec::new())]),
            denied: None,
        }
    }

    /// A request of somebody who has no name yet.
    fn introduce(&mut self, who: ConnId, request: &Request<'_>, deliver: &mut Deliver<'_>) {
        let Request::Line(name) = request else {
            return self.tell(who, "first of all, what is your name?", deliver);
        };
        let name = name.trim();
        if let Err(error) = self.free(name, who) {
            return self.tell(who, &format!("{error}; what is your name?"), deliver);
        }
        self.names.insert(name.to_lowercase(), who);
        self.enter(who, name.to_owned(), LOBBY, deliver);
    }

    /// A request of `who`, who is called and stands as `place` says.
    fn serve(
        &mut self,
        who: ConnId,
        place: Place,
        request: &Request<'_>,
        deliver: &mut Deliver<'_>,
    ) {
        let Place { name, room } = place;
        match *request {
            Request::Line(text) => self.to_others(who, &room, &format!("{name}: {text}"), deliver),
            Request::Act(text) => self.to_others(who, &room, &format!("- {name} {text}"), deliver),
            Request::Nick(new) => self.rename(who, &name, new, &room, deliver),
            Request::Join(other) => self.join(who, &name, &room, other, deliver),
            Request::Rooms => {
                let rooms = self.rooms.iter();
                let rooms = rooms.map(|(room, members)| format!("{room} ({})", members.len()));
                let text = format!("rooms: {}", listed(rooms, self.rooms.len()));
                self.tell(who, &text, deliver);
            }
            Request::Who => {
                let members = &self.rooms[&room];
                let names = members.iter().filter_map(|id| self.name(*id));
                let names = listed(names.map(str::to_owned), members.len());
                let text = format!("in {room}: {names}");
                self.tell(who, &text, deliver);
            }
            Request::Tell(other, text) => self.whisper(who, &name, other, text, deliver),
            Request::Speak(_) | Request::Note(_) | Request::TooLong(_) | Request::Last => {}
        }
    }

    /// A name that is well formed, and nobody else's.
    fn free(&self, name: &str, who: ConnId) -> Result<(), String> {
        self.well_formed("name", name)?;
        match self.names.get(&name.to_lowercase()) {
            Some(holder) if *holder != who => Err(format!("somebody is called {name} already")),
            _ => Ok(()),
        }
    }

    fn well_formed(&self, what: &str, name: &str) -> Result<(), String> {
        let most = self.limits.name_chars;
        let good = |character: char| character.is_alphanumeric() || "-_.".contains(character);
        if name.is_empty() {
            return Err(format!("a {what} has at least one letter"));
        }
        if name.chars().count() > most {
            return Err(format!("a {what} has at most {most} letters"));
        }
        // Alone, a combining mark would hang on what stands before the name.
        let first = name.chars().next().filter(|it| it.width() == Some(0));
        let bad = first.or(name.chars().find(|it| !good(*it) || INVISIBLE.contains(it)));
        match bad {
            Some(bad) => Err(format!(
                "{bad:?} can't be in a {what}: letters, digits, - _ . can"
            )),
            None => Ok(()),
        }
    }

    fn rename(&mut self, who: ConnId, old: &str, new: &str, room: &str, deliver: &mut Deliver<'_>) {
        if let Err(error) = self.free(new, who) {
            return self.tell(who, &error, deliver);
        }
        self.names.remove(&old.to_lowercase());
        self.names.insert(new.to_lowercase(), who);
        let place = Place {
            name: new.to_owned(),
            room: room.to_owned(),
        };
        self.member(who).place = Some(place);
        self.tell(who, &format!("you are now {new}"), deliver);
        self.to_others(who, room, &format!("* {old} is now {new}"), deliver);
    }

    fn join(&mut self, who: ConnId, name: &str, from: &str, to: &str, deliver: &mut Deliver<'_>) {
        let to = to.strip_prefix('#').unwrap_or(to);
        let allowed = match self.rooms.contains_key(to) {
            true if from == to => Err(format!("you are in {to}")),
            true => Ok(()),
            false if self.rooms.len() >= self.limits.rooms => {
                self.denied = Some(Denied::Room);
                let count = self.rooms.len();
                Err(format!(
                    "there are {count} rooms, and no more may be opened"
                ))
            }
            false => self.well_formed("room", to),
        };
        if let Err(error) = allowed {
            return self.tell(who, &error, deliver);
        }
        self.leave(who, from);
        self.to_others(who, from, &format!("* {name} went to {to}"), deliver);
        self.enter(who, name.to_owned(), to, deliver);
    }

    fn whisper(
        &mut self,
        who: ConnId,
        name: &str,
        to: &str,
        text: &str,
        deliver: &mut Deliver<'_>,
    ) {
        let Some(&receiver) = self.names.get(&to.to_lowercase()) else {
            if let Err(error) = self.well_formed("name", to) {
                return self.tell(who, &error, deliver);
            }
            let near = nearest(to, self.names.keys().map(String::as_str));
            let near = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
            return self.tell(who, &format!("nobody is called {to}{near}"), deliver);
        };
        self.print(&[receiver], &format!("{name} -> you: {text}"), deliver);
        let to = self.name(receiver).unwrap_or(to);
        self.print(&[who], &format!("you -> {to}: {text}"), deliver);
    }

    /// Puts `who` into `room`, and says so to all who are there.
    fn enter(&mut self, who: ConnId, name: String, room: &str, deliver: &mut Deliver<'_>) {
        self.to_others(who, room, &format!("* {name} joined"), deliver);
        let members = self.rooms.entry(room.to_owned()).or_default();
        let others = match members.len() {
            0 => "nobody else is here".to_owned(),
            1 => "1 other is here".to_owned(),
            count => format!("{count} others are here"),
        };
        members.push(who);
        let text = format!("you are {name} in {room}; {others}; /help lists the commands");
        let room = room.to_owned();
        self.member(who).place = Some(Place { name, room });
        self.tell(who, &text, deliver);
    }

    /// Takes `who` out of `room`, and closes it if it is empty now.
    fn leave(&mut self, who: ConnId, room: &str) {
        let Some(members) = self.rooms.get_mut(room) else {
            return;
        };
        members.retain(|member| *member != who);
        if members.is_empty() && room != LOBBY {
            self.rooms.remove(room);
        }
    }

    /// Tells `who` something as the server.
    fn tell(&self, who: ConnId, text: &str, deliver: &mut Deliver<'_>) {
        self.print(&[who], &format!("* {text}"), deliver);
    }

    /// Gives `line` to everybody in `room` but `who`.
    fn to_others(&self, who: ConnId, room: &str, line: &str, deliver: &mut Deliver<'_>) {
        let members = self.rooms.get(room).map_or(&[][..], Vec::as_slice);
        let mut press = Press::new(line);
        for &member in members.iter().filter(|member| **member != who) {
            deliver(member, press.print(self.encoding_of(member)));
        }
    }

    fn print(&self, receivers: &[ConnId], line: &str, deliver: &mut Deliver<'_>) {
        let mut press = Press::new(line);
        for &receiver in receivers {
            deliver(receiver, press.print(self.encoding_of(receiver)));
        }
    }

    fn encoding_of(&self, who: ConnId) -> TextEncoding {
        self.members
            .get(&who)
            .map_or(self.encoding, |member| member.encoding)
    }

    fn name(&self, who: ConnId) -> Option<&str> {
        let place = self.members.get(&who)?.place.as_ref()?;
        Some(&place.name)
    }

    fn member(&mut self, who: ConnId) -> &mut Member {
        let encoding = self.encoding;
        self.members.entry(who).or_insert(Member {
            encoding,
            place: None,
        })
    }
}

impl Hub for Rooms {
    fn handle(&mut self, from: ConnId, post: &Post, deliver: &mut Deliver<'_>) {
        // Posts are written by our own sessions; one that can't be read would be a bug of theirs,
        // and is no reason to end everybody's chat.
        let Some(request) = Request::read(post) else {
            return;
        };
        if let Request::Speak(encoding) = request {
            self.member(from).encoding = encoding;
            let text = format!("from now on in {}: 你好", encoding.name());
            return self.tell(from, &text, deliver);
        }
        match request {
            Request::Note(text) => return self.tell(from, text, deliver),
            Request::TooLong(text) => {
                self.denied = Some(Denied::Line);
                return self.tell(from, text, deliver);
            }
            Request::Last => return deliver(from, Mail([].into())),
            _ => {}
        }
        match self.member(from).place.clone() {
            None => self.introduce(from, &request, deliver),
            Some(place) => self.serve(from, place, &request, deliver),
        }
    }

    fn denied(&mut self) -> Option<Denied> {
        self.denied.take()
    }

    fn gone(&mut self, who: ConnId, how: CloseReason, deliver: &mut Deliver<'_>) {
        let Some(Member {
            place: Some(place), ..
        }) = self.members.remove(&who)
        else {
            return;
        };
        let Place { name, room } = place;
        self.names.remove(&name.to_lowercase());
        self.leave(who, &room);
        let how = match how {
            CloseReason::Left => "left",
            CloseReason::Lost => "lost the connection",
            CloseReason::TooSlow => "was dropped for reading too slowly",
            CloseReason::TimedOut => "timed out",
        };
        self.to_others(who, &room, &format!("* {name} {how}"), deliver);
    }
}

/// The first of `items`, and how many of the `count` there are besides.
fn listed(items: impl Iterator<Item = String>, count: usize) -> String {
    let mut text = items.take(LISTED).collect::<Vec<_>>().join(", ");
    if count > LISTED {
        text += &format!(" and {} more", count - LISTED);
    }
    text
}
