//! The dials: what the page's servers do, and what its load sends.

use std::{net::SocketAddr, path::Path, time::Duration};

use portlab_backends::{Sheet, find};
use portlab_service::HandlerWork;
use portlab_words::{Text, tr};
use serde::{Deserialize, Serialize};

/// All dials. A change of one restarts what depends on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Dials {
    /// What the servers serve: a name of [`SERVICES`].
    pub(crate) service: String,
    /// What a handler does before each answer, as `serve --work` takes it.
    pub(crate) work: String,
    /// The workers of a pool; 0 for the model's own number.
    pub(crate) workers: u16,
    /// The connections of the load of each server.
    pub(crate) clients: u32,
    /// Messages per second of all connections together.
    pub(crate) rate: u32,
    /// The size of a message, in bytes.
    pub(crate) size: u32,
    /// The seed of the load.
    pub(crate) seed: u64,
}

/// The services that the page serves. The load knows what each answers.
pub(crate) const SERVICES: [&str; 4] = ["echo", "reply", "chat", "http"];

pub(crate) const MOST_CLIENTS: u32 = 200;
pub(crate) const MOST_RATE: u32 = 10_000;
pub(crate) const MOST_SIZE: u32 = 64 * 1024;
pub(crate) const MOST_WORKERS: u16 = 64;
const LONGEST_WORK: Duration = Duration::from_secs(5);
/// What the service `reply` answers.
const REPLY: &str = "hello";

impl Default for Dials {
    fn default() -> Self {
        Self {
            service: SERVICES[0].to_owned(),
            work: "none".to_owned(),
            workers: 0,
            clients: 8,
            rate: 200,
            size: 64,
            seed: 1,
        }
    }
}

impl Dials {
    /// Each step can be followed: few clients, and a handler that waits 0.8 s.
    pub(crate) fn slow_motion(&self) -> Self {
        Self {
            work: "wait:800ms".to_owned(),
            clients: 5,
            rate: 3,
            ..self.clone()
        }
    }

    /// Refuses values outside of the limits.
    pub(crate) fn check(&self) -> Result<(), Text> {
        for (name, value, most) in [
            ("clients", u64::from(self.clients), u64::from(MOST_CLIENTS)),
            ("rate", u64::from(self.rate), u64::from(MOST_RATE)),
            ("size", u64::from(self.size), u64::from(MOST_SIZE)),
            ("workers", u64::from(self.workers), u64::from(MOST_WORKERS)),
        ] {
            if value > most {
                return Err(tr!(
                    "{name} {value} is too large: the most is {most}",
                    "{name} 的值 {value} 太大：最大是 {most}"
                ));
            }
        }
        if self.rate == 0 || self.size == 0 {
            return Err(Text::new(
                "rate and size must be at least 1",
                "速率和大小至少是 1",
            ));
        }
        let service = &self.service;
        if !SERVICES.contains(&service.as_str()) {
            return Err(tr!(
                "no service {service:?} on this page",
                "本页没有服务 {service:?}"
            ));
        }
        let work: HandlerWork = self.work.parse().map_err(Text::of)?;
        if work.time() > LONGEST_WORK {
            return Err(tr!(
                "{work} is too long: at most 5s",
                "{work} 太长：最多 5s"
            ));
        }
        Ok(())
    }

    /// Refuses a service that the model of `sheet` can't serve.
    pub(crate) fn check_for(&self, sheet: &Sheet) -> Result<(), Text> {
        match &sheet.hub {
            Err(why) if self.service == "chat" => {
                let model = sheet.name;
                Err(tr!(
                    "{model} can't serve chat: {why}",
                    "{model} 不能提供 chat 服务：{why:#}"
                ))
            }
            _ => Ok(()),
        }
    }

    /// The options of `portlab serve` for the model of `sheet`; a web server has its files in `root`.
    pub(crate) fn serve_options(&self, sheet: &Sheet, root: Option<&Path>) -> Vec<String> {
        let mut options = vec![
            format!("--model={}", sheet.name),
            format!("--service={}", self.service),
            format!("--work={}", self.work),
        ];
        match &*self.service {
            "reply" => options.push(format!("--reply={REPLY}")),
            "http" => options.extend(root.map(|it| format!("--root={}", it.display()))),
            _ => {}
        }
        if self.workers > 0 {
            options.push(format!("--workers={}", self.workers));
        }
        options
    }

    /// The options of `portlab load` for a server at `addr`.
    pub(crate) fn load_options(&self, addr: SocketAddr) -> Vec<String> {
        let target = match &*self.service {
            "http" => format!("http://{addr}/"),
            _ => addr.to_string(),
        };
        let mut options = vec![
            target,
            format!("--connections={}", self.clients),
            format!("--rate={}", self.rate),
            format!("--seed={}", self.seed),
        ];
        match &*self.service {
            "chat" => options.push("--script=chat".to_owned()),
            "http" => {}
            service => {
                options.push(format!("--size={}", self.size));
                if service == "reply" {
                    options.push(format!("--expect=bytes:{}", REPLY.len()));
                }
            }
        }
        options
    }

    /// Whether a server has to be started anew for `next`.
    pub(crate) fn changes_server(&self, next: &Self) -> bool {
        let of = |it: &Self| (it.service.clone(), it.work.clone(), it.workers);
        of(self) != of(next)
    }
}

/// The sheet of the model `name`.
pub(crate) fn sheet(name: &str) -> Result<&'static Sheet, Text> {
    let model = find(name).map(portlab_backends::Backend::sheet);
    model.ok_or_else(|| tr!("no model {name:?}", "没有模型 {name:?}"))
}
