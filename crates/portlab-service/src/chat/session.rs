//! The half of a chat that each member has: bytes to requests, mail to bytes.

use super::{
    Limits,
    commands::{self, Action},
    encoded_line,
    lines::Lines,
    request::Request,
};
use crate::{Cut, Cx, Flow, Mail, Session, TextEncoding, inert};

pub(super) struct ChatSession {
    lines: Lines,
    limits: Limits,
    /// Input for the next turn, from `handled` on.
    rest: Vec<u8>,
    handled: usize,
    /// The member has sent its last request, and the connection closes when it has been answered.
    leaves: bool,
}

impl ChatSession {
    pub(super) fn new(encoding: TextEncoding, limits: Limits) -> Self {
        Self {
            lines: Lines::new(encoding, limits.line_bytes),
            limits,
            rest: Vec::new(),
            handled: 0,
            leaves: false,
        }
    }

    /// Sends the member a line of the server at once, before mail that waits.
    fn tell(&self, text: &str, cx: &mut Cx<'_>) {
        let line = encoded_line::encode(&format!("* {text}"), self.lines.encoding());
        cx.out.extend_from_slice(&line);
    }

    /// Handles as many lines of `input` as one turn allows.
    fn take_turn(&mut self, input: &mut &[u8], cx: &mut Cx<'_>) -> Flow {
        for _ in 0..self.limits.lines_per_turn {
            if self.leaves {
                return Flow::CONTINUE;
            }
            match self.lines.next(input) {
                None => return Flow::CONTINUE,
                Some(Ok(line)) => self.handle(&line, cx),
                Some(Err(_)) => {
                    let limit = self.limits.line_bytes;
                    let text = format!("a line has at most {limit} bytes; goodbye");
                    cx.posts.push(Request::TooLong(&text).post());
                    cx.posts.push(Request::Last.post());
                    self.leaves = true;
                }
            }
        }
        match input.is_empty() || self.leaves {
            true => Flow::CONTINUE,
            false => Flow::MORE,
        }
    }

    fn handle(&mut self, line: &str, cx: &mut Cx<'_>) {
        let line = inert(line);
        let mut ask = |request: Request<'_>| cx.posts.push(request.post());
        // Answers of the session go through the hub, too, so that all answers keep the order of the requests.
        match commands::read(&line) {
            Ok(Action::Ask(request)) => ask(request),
            Ok(Action::Speak(label)) => match label.parse() {
                Ok(encoding) => {
                    self.lines.set_encoding(encoding);
                    ask(Request::Speak(encoding));
                }
                Err(error) => ask(Request::Note(&error.to_string())),
            },
            Ok(Action::Help) => commands::help().for_each(|line| ask(Request::Note(&line))),
            Ok(Action::Quit) => {
                ask(Request::Note("goodbye"));
                ask(Request::Last);
                self.leaves = true;
            }
            Err(error) => ask(Request::Note(&error)),
        }
    }
}

impl Session for ChatSession {
    fn on_open(&mut self, cx: &mut Cx<'_>) -> Flow {
        self.tell("welcome; what is your name?", cx);
        Flow::CONTINUE
    }

    fn on_data(&mut self, mut input: &[u8], cx: &mut Cx<'_>) -> Flow {
        let flow = self.take_turn(&mut input, cx);
        if flow == Flow::MORE {
            self.rest = input.to_vec();
        }
        flow
    }

    fn on_more(&mut self, cx: &mut Cx<'_>) -> Flow {
        let rest = std::mem::take(&mut self.rest);
        let mut input = &rest[self.handled..];
        let flow = self.take_turn(&mut input, cx);
        self.handled = 0;
        if flow == Flow::MORE {
            self.handled = rest.len() - input.len();
            self.rest = rest;
        }
        flow
    }

    fn unfinished(&self) -> Option<u64> {
        self.lines.unfinished()
    }

    fn on_mail(&mut self, mail: &Mail, cx: &mut Cx<'_>) -> Flow {
        cx.out.extend_from_slice(&mail.0);
        match mail.0.is_empty() {
            true => Flow::CLOSE,
            false => Flow::CONTINUE,
        }
    }

    fn on_missed(&mut self, count: u64, cx: &mut Cx<'_>) -> Flow {
        let lines = if count == 1 { "line" } else { "lines" };
        self.tell(
            &format!("you have missed {count} {lines}, reading too slowly"),
            cx,
        );
        Flow::CONTINUE
    }

    fn on_cut(&mut self, why: Cut, _now_s: u64, cx: &mut Cx<'_>) {
        let reason = match why {
            Cut::TooSlow => "you read too slowly, and too much was waiting for you; goodbye",
            Cut::HubLost => "the rooms are lost; come again",
            Cut::Idle => "you were silent for too long; goodbye",
            Cut::Unfinished => "a line that you began did not end in time; goodbye",
        };
        self.tell(reason, cx);
    }

    fn on_eof(&mut self, cx: &mut Cx<'_>) -> Flow {
        if !self.leaves {
            // The last line may lack a line feed.
            if let Some(line) = self.lines.end() {
                self.handle(&line, cx);
            }
            if !self.leaves {
                cx.posts.push(Request::Last.post());
                self.leaves = true;
            }
        }
        // The member may still read: its requests are answered first.
        Flow::CONTINUE
    }
}
