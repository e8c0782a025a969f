//! The table of services.

use crate::{
    Chat, ChatLimits, Echo, EncodeError, HandlerWork, Reply, Service, TextEncoding, WithWork, Work,
};

/// One row of the table.
pub struct ServiceEntry {
    /// The name on the command line.
    pub name: &'static str,
    make: fn(&ServiceOptions) -> Result<Box<dyn Service>, EncodeError>,
}

/// Every service there is. A new one is a file and a line.
pub static SERVICES: &[ServiceEntry] = &[
    ServiceEntry {
        name: "echo",
        make: |_| Ok(Box::new(Echo)),
    },
    ServiceEntry {
        name: "reply",
        make: |options| {
            Ok(Box::new(Reply::new(
                options.encoding.encode(&options.reply)?,
            )))
        },
    },
    ServiceEntry {
        name: "chat",
        make: |options| Ok(Box::new(Chat::new(options.encoding, options.chat))),
    },
];

/// The options of all services; each service uses those that it needs.
#[derive(Clone, Debug)]
pub struct ServiceOptions {
    /// The text that `reply` answers with.
    pub reply: String,
    /// The encoding of texts that are sent; in `chat`, until a member chooses another.
    pub encoding: TextEncoding,
    /// What the handler does before each answer.
    pub work: HandlerWork,
    /// The limits of a chat.
    pub chat: ChatLimits,
}

impl Default for ServiceOptions {
    fn default() -> Self {
        Self {
            reply: "hello".to_owned(),
            encoding: TextEncoding::default(),
            work: HandlerWork::Work(Work::None),
            chat: ChatLimits::default(),
        }
    }
}

/// Why a service can't be made.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BuildError {
    /// The table has no such name.
    #[error("there is no service {0:?}; there are {names}", names = names())]
    Unknown(String),
    /// A text doesn't fit its encoding.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

impl ServiceOptions {
    /// Makes the service called `name`.
    ///
    /// # Errors
    /// When no service has this name, or a text can't be written in the encoding.
    pub fn build(&self, name: &str) -> Result<Box<dyn Service>, BuildError> {
        let unknown = || BuildError::Unknown(name.to_owned());
        let entry = SERVICES
            .iter()
            .find(|entry| entry.name == name)
            .ok_or_else(unknown)?;
        let service = (entry.make)(self)?;
        Ok(match self.work {
            HandlerWork::Work(Work::None) => service,
            work => Box::new(WithWork::new(service, work)),
        })
    }
}

impl<S: Service + ?Sized> Service for Box<S> {
    fn open(&self, conn: crate::ConnId, peer: std::net::SocketAddr) -> Box<dyn crate::Session> {
        (**self).open(conn, peer)
    }

    fn hub(&self) -> Option<Box<dyn crate::Hub>> {
        (**self).hub()
    }

    fn refusal(&self) -> Vec<u8> {
        (**self).refusal()
    }
}

fn names() -> String {
    SERVICES
        .iter()
        .map(|entry| entry.name)
        .collect::<Vec<_>>()
        .join(", ")
}
