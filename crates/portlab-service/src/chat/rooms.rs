//! The hub of the chat: its members, their rooms, and the mail that they get.

use std::collections::{BTreeMap, HashMap};

use unicode_width::UnicodeWidthChar;

use super::{Limits, encoded_line::EncodedLine, request::Request};
use crate::{CloseReason, ConnId, Denied, Hub, Mail, Post, TextEncoding, nearest};

/// All members, and the rooms that they are in. The same posts in the same order always make the
/// same mail in the same order.
pub(super) struct Rooms {
    encoding: TextEncoding,
    limits: Limits,
    /// The connections that have posted something and have not ended.
    members: HashMap<ConnId, Member>,
    /// The connection of each name, in lower case: `Bob` and `bob` are the same name. The map is ordered, so that of two
    /// names that are equally near the same one is always suggested.
    names: BTreeMap<String, ConnId>,
    /// The members of each room, in the order in which they joined.
    rooms: BTreeMap<String, Vec<ConnId>>,
    /// What [`Hub::denied`] returns next.
    denied: Option<Denied>,
}

#[derive(Clone, Debug)]
struct Member {
    encoding: TextEncoding,
    /// The name and the room; `None` until the member has a name.
    presence: Option<Presence>,
}

#[derive(Clone, Debug)]
struct Presence {
    name: String,
    room: String,
}

type Deliver<'a> = dyn FnMut(ConnId, Mail) + 'a;

/// The first room of every member. It is never closed.
const LOBBY: &str = "lobby";
/// Letters that can't be seen: the fillers of Hangul.
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

    /// Handles a request of a connection without a name.
    fn introduce(&mut self, id: ConnId, request: &Request<'_>, deliver: &mut Deliver<'_>) {
        let Request::Line(name) = request else {
            return self.tell(id, "first of all, what is your name?", deliver);
        };
        let name = name.trim();
        if let Err(error) = self.free(name, id) {
            return self.tell(id, &format!("{error}; what is your name?"), deliver);
        }
        self.names.insert(name.to_lowercase(), id);
        self.enter(id, name.to_owned(), LOBBY, deliver);
    }

    /// Handles a request of a member.
    fn serve(
        &mut self,
        id: ConnId,
        presence: Presence,
        request: &Request<'_>,
        deliver: &mut Deliver<'_>,
    ) {
        let Presence { name, room } = presence;
        match *request {
            Request::Line(text) => self.to_others(id, &room, &format!("{name}: {text}"), deliver),
            Request::Act(text) => self.to_others(id, &room, &format!("- {name} {text}"), deliver),
            Request::Nick(new) => self.rename(id, &name, new, &room, deliver),
            Request::Join(other) => self.join(id, &name, &room, other, deliver),
            Request::Rooms => {
                let rooms = self.rooms.iter();
                let rooms = rooms.map(|(room, members)| format!("{room} ({})", members.len()));
                let text = format!("rooms: {}", listed(rooms, self.rooms.len()));
                self.tell(id, &text, deliver);
            }
            Request::Who => {
                let members = &self.rooms[&room];
                let names = members.iter().filter_map(|id| self.name(*id));
                let names = listed(names.map(str::to_owned), members.len());
                let text = format!("in {room}: {names}");
                self.tell(id, &text, deliver);
            }
            Request::Tell(other, text) => self.whisper(id, &name, other, text, deliver),
            Request::Speak(_) | Request::Note(_) | Request::TooLong(_) | Request::Last => {}
        }
    }

    /// Whether `id` can take this name: it is well formed, and no other member has it.
    fn free(&self, name: &str, id: ConnId) -> Result<(), String> {
        self.well_formed("name", name)?;
        match self.names.get(&name.to_lowercase()) {
            Some(holder) if *holder != id => Err(format!(
                "another member is called {name}; choose another name"
            )),
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
        // A combining mark would combine with the character before the name.
        let first = name.chars().next().filter(|it| it.width() == Some(0));
        let bad = first.or(name.chars().find(|it| !good(*it) || INVISIBLE.contains(it)));
        match bad {
            Some(bad) => Err(format!(
                "{bad:?} can't be in a {what}: letters, digits, - _ . can"
            )),
            None => Ok(()),
        }
    }

    fn rename(&mut self, id: ConnId, old: &str, new: &str, room: &str, deliver: &mut Deliver<'_>) {
        if let Err(error) = self.free(new, id) {
            return self.tell(id, &error, deliver);
        }
        self.names.remove(&old.to_lowercase());
        self.names.insert(new.to_lowercase(), id);
        let presence = Presence {
            name: new.to_owned(),
            room: room.to_owned(),
        };
        self.member(id).presence = Some(presence);
        self.tell(id, &format!("you are now {new}"), deliver);
        self.to_others(id, room, &format!("* {old} is now {new}"), deliver);
    }

    fn join(&mut self, id: ConnId, name: &str, from: &str, to: &str, deliver: &mut Deliver<'_>) {
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
            return self.tell(id, &error, deliver);
        }
        self.leave(id, from);
        self.to_others(id, from, &format!("* {name} went to {to}"), deliver);
        self.enter(id, name.to_owned(), to, deliver);
    }

    fn whisper(&mut self, id: ConnId, name: &str, to: &str, text: &str, deliver: &mut Deliver<'_>) {
        let Some(&receiver) = self.names.get(&to.to_lowercase()) else {
            if let Err(error) = self.well_formed("name", to) {
                return self.tell(id, &error, deliver);
            }
            let near = nearest(to, self.names.keys().map(String::as_str));
            let near = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
            return self.tell(id, &format!("nobody is called {to}{near}"), deliver);
        };
        self.send(receiver, &format!("{name} -> you: {text}"), deliver);
        let to = self.name(receiver).unwrap_or(to);
        self.send(id, &format!("you -> {to}: {text}"), deliver);
    }

    /// Puts member `id` into `room`, and tells the other members.
    fn enter(&mut self, id: ConnId, name: String, room: &str, deliver: &mut Deliver<'_>) {
        self.to_others(id, room, &format!("* {name} joined"), deliver);
        let members = self.rooms.entry(room.to_owned()).or_default();
        let others = match members.len() {
            0 => "nobody else is here".to_owned(),
            1 => "1 other is here".to_owned(),
            count => format!("{count} others are here"),
        };
        members.push(id);
        let text = format!("you are {name} in {room}; {others}; /help lists the commands");
        let room = room.to_owned();
        self.member(id).presence = Some(Presence { name, room });
        self.tell(id, &text, deliver);
    }

    /// Takes member `id` out of `room`, and closes the room if it is empty now.
    fn leave(&mut self, id: ConnId, room: &str) {
        let Some(members) = self.rooms.get_mut(room) else {
            return;
        };
        members.retain(|member| *member != id);
        if members.is_empty() && room != LOBBY {
            self.rooms.remove(room);
        }
    }

    /// Sends `id` a line of the server.
    fn tell(&self, id: ConnId, text: &str, deliver: &mut Deliver<'_>) {
        self.send(id, &format!("* {text}"), deliver);
    }

    /// Sends `line` to all members of `room` except `id`.
    fn to_others(&self, id: ConnId, room: &str, line: &str, deliver: &mut Deliver<'_>) {
        let members = self.rooms.get(room).map_or(&[][..], Vec::as_slice);
        let mut line = EncodedLine::new(line);
        for &member in members.iter().filter(|member| **member != id) {
            deliver(member, line.mail(self.encoding_of(member)));
        }
    }

    fn send(&self, receiver: ConnId, line: &str, deliver: &mut Deliver<'_>) {
        let mail = EncodedLine::new(line).mail(self.encoding_of(receiver));
        deliver(receiver, mail);
    }

    fn encoding_of(&self, id: ConnId) -> TextEncoding {
        self.members
            .get(&id)
            .map_or(self.encoding, |member| member.encoding)
    }

    fn name(&self, id: ConnId) -> Option<&str> {
        let presence = self.members.get(&id)?.presence.as_ref()?;
        Some(&presence.name)
    }

    fn member(&mut self, id: ConnId) -> &mut Member {
        let encoding = self.encoding;
        self.members.entry(id).or_insert(Member {
            encoding,
            presence: None,
        })
    }
}

impl Hub for Rooms {
    fn handle(&mut self, from: ConnId, post: &Post, deliver: &mut Deliver<'_>) {
        // The sessions of the chat write the posts. A post that can't be read is a bug; it is ignored, and the chat goes on.
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
        match self.member(from).presence.clone() {
            None => self.introduce(from, &request, deliver),
            Some(presence) => self.serve(from, presence, &request, deliver),
        }
    }

    fn denied(&mut self) -> Option<Denied> {
        self.denied.take()
    }

    fn gone(&mut self, id: ConnId, reason: CloseReason, deliver: &mut Deliver<'_>) {
        let Some(Member {
            presence: Some(presence),
            ..
        }) = self.members.remove(&id)
        else {
            return;
        };
        let Presence { name, room } = presence;
        self.names.remove(&name.to_lowercase());
        self.leave(id, &room);
        let end = match reason {
            CloseReason::Left => "left",
            CloseReason::Lost => "lost the connection",
            CloseReason::TooSlow => "was dropped for reading too slowly",
            CloseReason::TimedOut => "timed out",
        };
        self.to_others(id, &room, &format!("* {name} {end}"), deliver);
    }
}

/// The first of `items`, and how many more of the `count` there are.
fn listed(items: impl Iterator<Item = String>, count: usize) -> String {
    let mut text = items.take(LISTED).collect::<Vec<_>>().join(", ");
    if count > LISTED {
        text += &format!(" and {} more", count - LISTED);
    }
    text
}
