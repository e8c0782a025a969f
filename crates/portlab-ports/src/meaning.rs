//! What a port number means: to the course, to IANA, and to this machine.

use std::{io, ops::RangeInclusive};

use portlab_sys::ports::unprivileged_from;
use portlab_words::{
    Lang,
    style::{DIM, HEAD},
    tr,
    wrap::{Lead, hang},
};
use unicode_width::UnicodeWidthStr;

use super::{
    leftovers::Leftovers,
    listeners::{Program, Snapshot},
    range::Range,
    services::{self, Service},
};

/// What there is to know of a port number on this machine.
#[derive(Debug)]
pub struct Meaning<'a> {
    pub(crate) port: u16,
    pub(crate) service: Option<&'static Service>,
    pub(crate) machine: &'a Machine,
}

/// What this machine says of ports.
#[derive(Debug)]
pub struct Machine {
    /// What it hands out; `None` when it doesn't tell.
    pub(crate) range: Option<Range>,
    /// The first port that a normal user may listen on.
    pub(crate) unprivileged_from: u16,
    /// The sockets, and the programs that hold them.
    pub(crate) snapshot: Snapshot,
}

impl Machine {
    /// Looks at this machine.
    ///
    /// # Errors
    /// If the system doesn't list its sockets.
    pub fn look() -> io::Result<Self> {
        Ok(Self {
            range: Range::of_this_machine(),
            unprivileged_from: unprivileged_from(),
            snapshot: Snapshot::take()?,
        })
    }
}

/// A class of numbers: as the course has them, there are two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    WellKnown,
    Dynamic,
}

/// A class of numbers as IANA has them (RFC 6335).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IanaClass {
    System,
    Registered,
    Dynamic,
}

/// A fact, and what it is about.
pub(crate) type Fact = (&'static str, String);

impl Class {
    pub(crate) fn of(port: u16) -> Self {
        if port < 1024 {
            Self::WellKnown
        } else {
            Self::Dynamic
        }
    }

    /// As it stands in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::WellKnown => "well-known",
            Self::Dynamic => "dynamic",
        }
    }
}

impl IanaClass {
    pub(crate) fn of(port: u16) -> Self {
        match port {
            0..1024 => Self::System,
            1024..49_152 => Self::Registered,
            _ => Self::Dynamic,
        }
    }

    /// As it stands in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Registered => "registered",
            Self::Dynamic => "dynamic",
        }
    }
}

impl<'a> Meaning<'a> {
    /// What `port` means on `machine`.
    #[must_use]
    pub fn of(port: u16, machine: &'a Machine) -> Self {
        let service = services::at(port);
        Self {
            port,
            service,
            machine,
        }
    }

    /// Whether the system may hand the number out by itself; `None` when it doesn't tell.
    pub(crate) fn is_handed_out(&self) -> Option<bool> {
        let range = self.machine.range.as_ref();
        range.map(|range| range.contains(self.port))
    }

    /// Whether it takes root to listen on it. Port 0 stands for one that doesn't.
    pub(crate) fn needs_root(&self) -> bool {
        self.port != 0 && self.port < self.machine.unprivileged_from
    }

    /// What the number means, as a heading and facts, in lines of at most `width`.
    #[must_use]
    pub fn text(&self, lang: Lang, width: usize) -> String {
        let port = self.port.to_string();
        let (name, purpose) = self.title(lang);
        let mut heading = vec![Lead::new(&port, HEAD, port.len())];
        if !name.is_empty() {
            heading.push(Lead::new(name, HEAD, name.len()));
        }
        let mut text = hang(&heading, purpose, width);
        let facts = self.facts(lang);
        let columns = facts.iter().map(|(about, _)| about.width()).max();
        for (about, fact) in &facts {
            let leads = [
                Lead::new("", HEAD, 0),
                Lead::new(about, DIM, columns.unwrap_or(0)),
            ];
            text += &hang(&leads, fact, width);
        }
        text
    }

    /// What the number is for, in a line: the service's name, and its purpose.
    pub(crate) fn title(&self, lang: Lang) -> (&'static str, &'static str) {
        match self.service {
            Some(service) => (service.name, service.purpose.pick(lang)),
            None if self.port == 0 => (
                "",
                lang.pick(
                    "no port of its own: it means \"let the system choose\"",
                    "不是真正的端口，意思是“请系统替我选一个”",
                ),
            ),
            None => (
                "",
                lang.pick(
                    "no well-known service uses it",
                    "没有哪个常见的服务固定用它",
                ),
            ),
        }
    }

    /// All else there is to say.
    pub(crate) fn facts(&self, lang: Lang) -> Vec<Fact> {
        if self.port == 0 {
            return self.facts_of_zero(lang);
        }
        let mut facts = vec![
            (lang.pick("class", "类别"), self.class(lang)),
            (lang.pick("handed out", "自动分配"), self.handing_out(lang)),
            (lang.pick("rights", "谁能监听"), self.rights(lang)),
            (lang.pick("now", "现在"), self.now(lang)),
        ];
        if let Some(left) = Leftovers::at(self.port, None, &self.machine.snapshot) {
            facts.push((lang.pick("left behind", "遗留"), left.tell(lang)));
        }
        facts.extend(self.udp(lang).map(|udp| ("UDP", udp)));
        facts
    }

    fn facts_of_zero(&self, lang: Lang) -> Vec<Fact> {
        let range = self.machine.range.as_ref();
        let from = range.map_or_else(String::new, |range| {
            let ports = written(&range.ports);
            tr!(lang, " from {ports}", "（从 {ports} 里选）")
        });
        let listening = tr!(
            lang,
            "a server that binds port 0 is given a free one{from}; getsockname() tells which: \
             portlab serve --bind 127.0.0.1:0",
            "服务端绑定端口 0，系统就会分给它一个空闲的端口{from}；用 getsockname() 能查到是几号：\
             portlab serve --bind 127.0.0.1:0"
        );
        let calling = tr!(
            lang,
            "a client that binds nothing gets its own port in the same way, and another one each time",
            "客户端不绑定端口，它自己的端口号也是这样分来的，每次运行都不一样"
        );
        let connecting = tr!(
            lang,
            "no client can connect to port 0",
            "没有程序能连接到端口 0"
        );
        vec![
            (lang.pick("server", "服务端"), listening),
            (lang.pick("client", "客户端"), calling),
            (lang.pick("calling it", "连接它"), connecting),
        ]
    }

    fn class(&self, lang: Lang) -> String {
        match IanaClass::of(self.port) {
            IanaClass::System => tr!(
                lang,
                "well known (0-1023), for well-known services; IANA calls these system ports",
                "知名端口号（0-1023），固定分配给众所周知的服务；IANA 把它们叫作系统端口，范围相同"
            ),
            IanaClass::Registered => tr!(
                lang,
                "dynamic (1024-65535) as the course divides them; IANA, which keeps the list, is finer: \
                 it calls 1024-49151 registered, and dynamic only what is above",
                "课程里属于动态端口号（1024-65535）；管理端口号的 IANA 分得更细：\
                 1024-49151 叫注册端口，再往上才叫动态端口"
            ),
            IanaClass::Dynamic => tr!(
                lang,
                "dynamic: to the course (1024-65535) and to IANA (49152-65535), which assigns these to no service",
                "动态端口号：课程（1024-65535）和 IANA（49152-65535）都这样叫，不固定分给任何服务"
            ),
        }
    }

    fn handing_out(&self, lang: Lang) -> String {
        let Some(range) = &self.machine.range else {
            return tr!(
                lang,
                "this system doesn't tell which ports it hands out",
                "这个系统没有说明它会自动分配哪些端口"
            );
        };
        let ports = written(&range.ports);
        if range.contains(self.port) {
            tr!(
                lang,
                "yes, this system hands it out: clients get theirs from {ports}, so a server that wants \
                 just this one may find it taken",
                "会：系统从 {ports} 里给客户端分配端口，固定用它的服务端可能会碰上它已被占用"
            )
        } else if range.ports.contains(&self.port) {
            tr!(
                lang,
                "no: it is kept back, though this system hands out {ports}",
                "不会：系统自动分配 {ports}，但这个号被特意留了出来"
            )
        } else {
            tr!(
                lang,
                "no: this system hands out {ports} only, so it is there for a server that wants it",
                "不会：系统只自动分配 {ports}，服务端可以放心固定用它"
            )
        }
    }

    fn rights(&self, lang: Lang) -> String {
        let from = self.machine.unprivileged_from;
        if !self.needs_root() {
            return tr!(
                lang,
                "every user may listen on it",
                "任何用户的程序都能监听它"
            );
        }
        if self.machine.snapshot.sees_everybody {
            tr!(
                lang,
                "only root may listen on it, which you are; other users may from {from} on",
                "只有 root 能监听它，你现在就是 root；普通用户从 {from} 号开始"
            )
        } else {
            tr!(
                lang,
                "only root may listen on it (sudo); you may from {from} on",
                "只有 root 能监听它（要用 sudo）；普通用户从 {from} 号开始"
            )
        }
    }

    fn now(&self, lang: Lang) -> String {
        let mut told = Vec::new();
        for listener in self.machine.snapshot.at(self.port) {
            let at = listener.addresses().collect::<Vec<_>>();
            let at = at.join(lang.pick(", ", "、"));
            let seen = self.machine.snapshot.sees_everybody;
            let who = who(&listener.programs, seen, lang);
            let (count, queue) = (listener.established, listener.queue);
            let counts = tr!(
                lang,
                "; connected: {count}, waiting to be accepted: {queue}",
                "；已有连接 {count} 个，排队等待 accept 的 {queue} 个"
            );
            let counts = if count + queue as usize > 0 {
                counts
            } else {
                String::new()
            };
            told.push(if listener.programs.is_empty() {
                let remedy = self.remedy(lang);
                tr!(
                    lang,
                    "{who} listens at {at}{counts}{remedy}",
                    "{who}在 {at} 监听{counts}{remedy}"
                )
            } else {
                tr!(
                    lang,
                    "{who} listens at {at}{counts}",
                    "{who} 在 {at} 监听{counts}"
                )
            });
        }
        if told.is_empty() {
            return tr!(
                lang,
                "no program listens on it here (TCP)",
                "这台机器上没有程序监听它（TCP）"
            );
        }
        told.join(lang.pick(". ", "。"))
    }

    /// Which programs receive UDP there; `None` when none does.
    fn udp(&self, lang: Lang) -> Option<String> {
        let snapshot = &self.machine.snapshot;
        let told = snapshot.receiving_at(self.port).map(|receiver| {
            let at: Vec<_> = receiver.addresses().collect();
            let at = at.join(lang.pick(", ", "、"));
            let who = who(&receiver.programs, snapshot.sees_everybody, lang);
            let (space, remedy) = match receiver.programs.is_empty() {
                true => ("", self.remedy(lang)),
                false => (" ", String::new()),
            };
            tr!(
                lang,
                "{who} receives at {at}{remedy}",
                "{who}{space}在 {at} 接收{remedy}"
            )
        });
        let told: Vec<_> = told.collect();
        (!told.is_empty()).then(|| told.join(lang.pick(". ", "。")))
    }

    fn remedy(&self, lang: Lang) -> String {
        if self.machine.snapshot.sees_everybody {
            return String::new();
        }
        let port = self.port;
        tr!(
            lang,
            " (sudo portlab ports {port} tells which)",
            "（sudo portlab ports {port} 可以看到是哪个）"
        )
    }
}

/// Names the programs; if they can't be seen, says so.
pub(crate) fn who(programs: &[Program], sees_everybody: bool, lang: Lang) -> String {
    if programs.is_empty() {
        return match sees_everybody {
            false => tr!(lang, "another user's program", "其他用户的程序"),
            // Root sees all but what isn't in its own container.
            true => tr!(lang, "an unseen program", "看不到的程序"),
        };
    }
    let names: Vec<_> = programs.iter().map(Program::to_string).collect();
    names.join(lang.pick(", ", "、"))
}

/// Writes `32768-60999`.
pub(crate) fn written(range: &RangeInclusive<u16>) -> String {
    format!("{}-{}", range.start(), range.end())
}
