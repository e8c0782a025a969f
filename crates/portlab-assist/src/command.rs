//! What a person commands.

use std::{fmt, time::Duration};

use portlab_service::TextEncoding;
use portlab_words::{Text, narrow};

use crate::{By, PeerId, Rules, Template};

/// A command to the engine.
#[derive(Clone, Debug)]
pub enum Command {
    /// Sends bytes.
    Send {
        /// The recipients.
        to: Recipient,
        /// The bytes.
        bytes: Vec<u8>,
        /// The pieces in which they are sent.
        pieces: Pieces,
        /// What made the assistant send.
        by: By,
    },
    /// Sends a text periodically, from now on. It replaces the text that was sent periodically before.
    Every {
        /// The recipients.
        to: Recipient,
        /// The text.
        text: Template,
        /// The time between two sends.
        every: Duration,
    },
    /// Ends periodic sending.
    EveryOff,
    /// Adds rules for answers, behind the others.
    AddRules(Rules),
    /// Drops all rules.
    RulesOff,
    /// Closes connections, when everything is sent.
    Close(Recipient),
    /// Sends the own FIN, when everything is sent, and goes on receiving.
    HalfClose(Recipient),
    /// Resets connections.
    Reset(Recipient),
    /// Stops reading.
    Pause(Recipient),
    /// Reads again.
    Resume(Recipient),
    /// Changes how the texts of rules and of periodic sending are sent, and how the texts of conditions are read.
    Speak(Speech),
    /// Sends what is still waiting, closes everything, and ends the engine. The second one ends it at once.
    Quit,
}

/// The recipients of a command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Recipient {
    /// Every peer that is online.
    #[default]
    All,
    /// One peer.
    One(PeerId),
}

/// The pieces in which bytes are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pieces {
    /// The most bytes of one send, at least 1.
    pub most_bytes: usize,
    /// The time between two sends.
    pub gap: Duration,
}

/// How texts are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Speech {
    /// Their encoding.
    pub encoding: TextEncoding,
    /// What follows a text.
    pub eol: Eol,
}

/// The line end that is sent after a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Eol {
    /// Nothing.
    #[default]
    None,
    /// `\n`.
    Lf,
    /// `\r\n`.
    CrLf,
}

impl Eol {
    /// All line ends.
    pub const ALL: [Self; 3] = [Self::None, Self::Lf, Self::CrLf];

    /// The characters.
    pub fn text(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Lf => "\n",
            Self::CrLf => "\r\n",
        }
    }

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Lf => "lf",
            Self::CrLf => "crlf",
        }
    }

    /// The name that people read.
    pub fn title(self) -> Text {
        match self {
            Self::None => Text::new("none", "无"),
            Self::Lf => Text::new("LF", "LF"),
            Self::CrLf => Text::new("CRLF", "CRLF"),
        }
    }

    /// The line end that has this name on the command line.
    pub fn named(name: &str) -> Option<Self> {
        let name = narrow(name);
        Self::ALL.into_iter().find(|it| it.name() == name)
    }
}

impl Pieces {
    /// In as few sends as the kernel allows.
    pub const WHOLE: Self = Self {
        most_bytes: usize::MAX,
        gap: Duration::ZERO,
    };
}

impl Recipient {
    /// Whether `peer` is a recipient, if the peer is online.
    pub fn has(self, peer: PeerId) -> bool {
        self == Self::All || self == Self::One(peer)
    }
}

/// Writes the recipient as it can be typed behind `/to`.
impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.pad("all"),
            Self::One(peer) => f.pad(&peer.0.to_string()),
        }
    }
}
