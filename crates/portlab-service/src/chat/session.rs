//! A member's own half of the chat: bytes to requests, mail to bytes.

use super::{
    Limits,
    commands::{self, Deed},
    lines::Lines,
    press,
    request::Request,
};
use crate::{Cut, Cx, Flow, Mail, Session, TextEncoding, inert};

pub(super) struct ChatSession {
    lines: Lines,
    limits: Limits,
}

impl ChatSession {
    pub(super) fn new(encoding: TextEncoding, limits: Limits) -> Self {
        Self {
            lines: Lines::new(encoding, limits.line_bytes),
            limits,
        }
    }

    /// Tells the member something, which nobody else hears.
    fn tell(&self, text: &str, cx: &mut Cx<'_>) {
        let line = press::line(&format!("* {text}"), self.lines.encoding());
        cx.out.extend_from_slice(&line);
    }

    fn hear(&mut self, line: &str, cx: &mut Cx<'_>) -> Flow {
        let line = inert(line);
        match commands::read(&line) {
            Ok(Deed::Ask(request)) => cx.posts.push(request.post()),
            Ok(Deed::Speak(label)) => match label.parse() {
                Ok(encoding) => {
                    self.lines.set_encoding(encoding);
                    cx.posts.push(Request::Speak(encoding).post());
                }
                Err(error) => self.tell(&format!("{error}"), cx),
            },
            Ok(Deed::Help) => commands::help().for_each(|line| self.tell(&line, cx)),
            Ok(Deed::Quit) => {
                self.tell("goodbye", cx);
                return Flow::CLOSE;
            }
            Err(error) => self.tell(&error, cx),
        }
        Flow::CONTINUE
    }
}

impl Session for ChatSession {
    fn on_open(&mut self, cx: &mut Cx<'_>) -> Flow {
        self.tell("welcome; what is your name?", cx);
        Flow::CONTINUE
    }

    fn on_data(&mut self, mut input: &[u8], cx: &mut Cx<'_>) -> Flow {
        while let Some(line) = self.lines.next(&mut input) {
            let flow = match line {
                Ok(line) => self.hear(&line, cx),
                Err(_) => {
                    let limit = self.limits.line_bytes;
                    self.tell(&format!("a line has at most {limit} bytes; goodbye"), cx);
                    Flow::CLOSE
                }
            };
            if flow != Flow::CONTINUE {
                return flow;
            }
        }
        Flow::CONTINUE
    }

    fn on_mail(&mut self, mail: &Mail, cx: &mut Cx<'_>) -> Flow {
        cx.out.extend_from_slice(&mail.0);
        Flow::CONTINUE
    }

    fn on_missed(&mut self, count: u64, cx: &mut Cx<'_>) -> Flow {
        let lines = if count == 1 { "line" } else { "lines" };
        self.tell(
            &format!("you have missed {count} {lines}, reading too slowly"),
            cx,
        );
        Flow::CONTINUE
    }

    fn on_cut(&mut self, why: Cut, cx: &mut Cx<'_>) {
        let reason = match why {
            Cut::TooSlow => "you read too slowly, and too much was waiting for you; goodbye",
            Cut::HubLost => "the rooms are lost; come again",
        };
        self.tell(reason, cx);
    }

    fn on_eof(&mut self, cx: &mut Cx<'_>) -> Flow {
        // Who forgets the last line feed has said something all the same.
        if let Some(line) = self.lines.end() {
            self.hear(&line, cx);
        }
        Flow::CLOSE
    }
}
