//! What is sent, what counts as an answer, and how the client behaves.

use std::{ops::RangeInclusive, sync::Arc, time::Duration};

use portlab_words::Text;

use crate::{Chat, Exchange, Expect, Framing, Http, Program, Ring, Template, ThinkTime};

/// What is sent on each connection, and what counts as an answer.
#[derive(Clone, Debug)]
pub struct Script {
    /// The bytes of a message.
    pub payload: Payload,
    /// What counts as its answer.
    pub expect: Expect,
    /// If this is set, connections go through these steps, and `payload` and `expect` aren't used.
    pub program: Option<Arc<Program>>,
    /// What the server sends before any message is sent: [`Framing::Bytes`], [`Framing::Until`] or [`Framing::Lines`]; or
    /// [`Framing::Http`], if the introduction is a request.
    pub greeting: Option<Expect>,
    /// What a connection sends before it reads the greeting: a few bytes, or nothing. With an introduction and a
    /// greeting, the server has served every connection once before the load begins.
    pub introduction: Vec<u8>,
    /// Whether every answer counts as correct. Otherwise an answer that is an error by its own protocol
    /// ([`ErrorAnswer`](crate::ErrorAnswer)) is an error of the run too.
    pub any_answer: bool,
    /// How the client behaves.
    pub behaviour: ClientBehaviour,
    /// If this is set, the connections are members of a chat, and of the fields above only the lengths in `payload` are
    /// used.
    pub chat: Option<Chat>,
}

/// The bytes of a message.
#[derive(Clone, Debug)]
pub enum Payload {
    /// Random bytes, different in each message, of lengths drawn from this range. At least one byte.
    Random(RangeInclusive<usize>),
    /// The same bytes in each message. At least one byte.
    Always(Arc<[u8]>),
    /// Bytes made from a template, for a script with a [`Program`]. At least one byte.
    Template(Arc<Template>),
}

/// How a client behaves. The default sends and reads at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClientBehaviour {
    /// Sends one byte at a time, each in a packet of its own, this long after the last byte.
    pub trickle: Option<Duration>,
    /// Reads only so many bytes a second on each connection, at least one, with a small receive
    /// buffer in the kernel, so that the server's send buffer fills up.
    pub read_per_s: Option<u64>,
}

impl Script {
    /// An echo of random messages of `size` bytes.
    pub fn echo(size: usize) -> Self {
        Self {
            payload: Payload::Random(size..=size),
            expect: Framing::Echo.into(),
            program: None,
            greeting: None,
            introduction: Vec::new(),
            any_answer: false,
            behaviour: ClientBehaviour::default(),
            chat: None,
        }
    }

    /// A chat whose messages have about `size` bytes.
    pub fn chat(chat: Chat, size: usize) -> Self {
        Self {
            chat: Some(chat),
            ..Self::echo(size)
        }
    }

    /// How HTTP is spoken, if it is.
    pub fn http(&self) -> Option<&Http> {
        match &self.expect.framing {
            Framing::Http(http) => Some(http),
            _ => None,
        }
    }

    pub(crate) fn ring(&self) -> Ring {
        match self.exchange(0).0 {
            Payload::Random(_) | Payload::Template(_) => Ring::random(),
            Payload::Always(message) => Ring::of(message),
        }
    }

    /// The dialogue file, if the script is one.
    pub fn dialogue(&self) -> Option<&Program> {
        let program = self.program.as_deref();
        program.filter(|it| it.exchanges().iter().all(|it| it.source.is_some()))
    }

    /// The pause between an answer and the next message, of a script that isn't a dialogue file.
    pub fn think(&self) -> Option<ThinkTime> {
        let program = self.program.as_ref()?;
        program
            .thinks()
            .next()
            .filter(|_| self.dialogue().is_none())
    }

    /// What counts as an answer, in the form of `--expect`; `dialogue`, if a dialogue file says so for each message.
    pub fn expectation(&self) -> String {
        match self.dialogue() {
            Some(_) => "dialogue".to_owned(),
            None => self.exchange(0).1.to_string(),
        }
    }

    /// The messages and what counts as their answers: one, or those of the program.
    pub fn exchanges(&self) -> impl Iterator<Item = (&Payload, &Expect)> {
        let program = self.program.as_deref().map_or(&[][..], Program::exchanges);
        let only = program.is_empty().then_some((&self.payload, &self.expect));
        let all = program.iter().map(Exchange::parts);
        only.into_iter().chain(all)
    }

    /// The exchange with this index.
    pub(crate) fn exchange(&self, index: u32) -> (&Payload, &Expect) {
        match &self.program {
            None => (&self.payload, &self.expect),
            Some(program) => program.exchanges()[index as usize].parts(),
        }
    }

    /// The shortest and the longest message.
    pub fn sizes(&self) -> RangeInclusive<usize> {
        let sizes = || self.exchanges().map(|(payload, _)| payload.sizes());
        let least = sizes().map(|it| *it.start()).min();
        let most = sizes().map(|it| *it.end()).max();
        least.unwrap_or_default()..=most.unwrap_or_default()
    }

    /// Whether an answer ends when the server closes the connection.
    pub(crate) fn closes(&self) -> bool {
        let mut exchanges = self.exchanges();
        exchanges.any(|(_, expect)| expect.framing == Framing::Close)
    }

    /// Why a connection can have one message in flight only, if that is so.
    pub(crate) fn needs_turns(&self) -> Option<Text> {
        let program = self.program.as_deref();
        if self.dialogue().is_some() {
            return Some(Text::new("a dialogue", "使用对话"));
        }
        if program.is_some_and(|it| it.thinks().next().is_some()) {
            return Some(Text::new("a pause before each message", "消息之间有停顿"));
        }
        self.closes().then(|| {
            Text::new(
                "an answer that ends with its connection",
                "响应以关闭连接结束",
            )
        })
    }

    /// Whether connections send something when the run has ended.
    pub(crate) fn has_last_steps(&self) -> bool {
        let program = self.program.as_ref();
        program.is_some_and(|it| it.last_messages() > 0)
    }

    /// Whether the content of an answer is checked.
    pub(crate) fn has_conditions(&self) -> bool {
        let mut exchanges = self.exchanges();
        exchanges.any(|(_, expect)| !expect.conditions.is_empty())
    }

    /// Whether no message has an answer.
    pub fn is_one_way(&self) -> bool {
        self.exchanges()
            .all(|(_, expect)| expect.framing == Framing::Nothing)
    }
}

impl Payload {
    /// The shortest and the longest message.
    pub fn sizes(&self) -> RangeInclusive<usize> {
        match self {
            Self::Random(sizes) => sizes.clone(),
            Self::Always(message) => message.len()..=message.len(),
            Self::Template(template) => template.sizes(),
        }
    }
}
