//! How to ask a server one question, and whether its answer is right.

use super::http;

/// What a server was found to speak, or was said to speak.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Speech {
    /// The kind of its protocol.
    pub kind: Kind,
    /// A question that the server has answered.
    pub question: Vec<u8>,
    /// What the right answer to the question is.
    pub answer: Answer,
    /// Whether the server sends something before it is asked.
    pub greets: bool,
    /// Whether the server closes the connection after its answer.
    pub closes: bool,
}

/// The kind of a protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Every byte comes back.
    Echo,
    /// Whatever is sent, the same text is the answer.
    Reply,
    /// A line is answered, and the answer depends on the line.
    Lines,
    /// A line goes to the other clients.
    Chat,
    /// HTTP/1.
    Http,
    /// It sends nothing.
    Silent,
}

/// The right answer to the question of a [`Speech`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// These bytes.
    Exactly(Vec<u8>),
    /// Any bytes: the answer was another one each time, such as one with the time in it.
    Something,
    /// A response of HTTP.
    Response,
    /// Nothing; the connection stays open.
    Nothing,
}

/// How far an answer has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It is the right answer, and whole.
    Right,
    /// It may become the right answer.
    Partial,
    /// It is another answer.
    Wrong,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 6] = [
        Self::Echo,
        Self::Reply,
        Self::Lines,
        Self::Chat,
        Self::Http,
        Self::Silent,
    ];

    /// Its name, as it is written on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Reply => "reply",
            Self::Lines => "lines",
            Self::Chat => "chat",
            Self::Http => "http",
            Self::Silent => "silent",
        }
    }
}

impl Speech {
    /// An echo: whatever is sent comes back.
    pub fn echo(question: &[u8]) -> Self {
        Self {
            kind: Kind::Echo,
            question: question.to_vec(),
            answer: Answer::Exactly(question.to_vec()),
            greets: false,
            closes: false,
        }
    }

    /// A server of HTTP, asked for its first page.
    pub fn http(closes: bool) -> Self {
        Self::http_page("/", closes)
    }

    /// A server of HTTP, asked for the page at `path`.
    pub fn http_page(path: &str, closes: bool) -> Self {
        Self {
            kind: Kind::Http,
            question: http::request(path),
            answer: Answer::Response,
            greets: false,
            closes,
        }
    }

    /// Whether one client can ask, and gets an answer itself.
    pub fn answers(&self) -> bool {
        !matches!(self.kind, Kind::Chat | Kind::Silent)
    }

    /// How far `received` has come. `has_ended` says that the server has closed the connection.
    pub fn progress(&self, received: &[u8], has_ended: bool) -> Progress {
        match &self.answer {
            Answer::Exactly(expected) if received == expected => Progress::Right,
            Answer::Exactly(expected) if !has_ended && expected.starts_with(received) => {
                Progress::Partial
            }
            Answer::Something if !received.is_empty() => Progress::Right,
            Answer::Nothing if received.is_empty() && !has_ended => Progress::Right,
            Answer::Something if !has_ended => Progress::Partial,
            Answer::Response => match http::progress(received, has_ended) {
                // The end of such a page never comes: another experiment judges that, and the others need not wait.
                Progress::Partial if !self.closes => match http::response(received) {
                    Some(response) if !response.is_sized() => Progress::Right,
                    _ => Progress::Partial,
                },
                progress => progress,
            },
            _ => Progress::Wrong,
        }
    }
}
