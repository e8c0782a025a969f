//! The table of services.

use portlab_words::{Text, tr};

use crate::{
    Chat, ChatLimits, Echo, EncodeError, HandlerWork, Http, HttpOptions, Reply, Service,
    TextEncoding, Work, handler_work::WithWork,
};

/// One row of the table.
pub struct ServiceEntry {
    /// The name on the command line.
    pub name: &'static str,
    make: fn(&ServiceOptions) -> Result<Box<dyn Service>, EncodeError>,
}

/// All services. A new one is a file, and an entry here.
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
    ServiceEntry {
        name: "http",
        make: |options| Ok(Box::new(Http::new(options.http.clone()))),
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
    /// The options of a web server.
    pub http: HttpOptions,
}

impl Default for ServiceOptions {
    fn default() -> Self {
        Self {
            reply: "hello".to_owned(),
            encoding: TextEncoding::default(),
            work: HandlerWork::Work(Work::None),
            chat: ChatLimits::default(),
            http: HttpOptions::default(),
        }
    }
}

impl ServiceOptions {
    /// Makes the service called `name`.
    ///
    /// # Errors
    /// When no service has this name, or a text can't be written in the encoding.
    pub fn build(&self, name: &str) -> Result<Box<dyn Service>, Text> {
        let entry = SERVICES.iter().find(|entry| entry.name == name);
        let entry = entry.ok_or_else(|| {
            let names = SERVICES.iter().map(|entry| entry.name).collect::<Vec<_>>();
            let names = names.join(", ");
            tr!(
                "unknown service {name:?}: expected one of {names}",
                "没有 {name:?} 这种服务；可以用的有 {names}"
            )
        })?;
        let service = (entry.make)(self).map_err(|error| tr!("{error}", "{error:#}"))?;
        Ok(match self.work {
            HandlerWork::Work(Work::None) => service,
            work => Box::new(WithWork { service, work }),
        })
    }
}
