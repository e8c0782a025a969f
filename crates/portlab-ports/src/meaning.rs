//! What a port number means: to the course, to IANA, and to this machine.

use std::io;

use portlab_sys::ports::unprivileged_from;
use portlab_words::{
    Lang, Text,
    style::{DIM, HEAD},
    tr,
    wrap::{Lead, hang},
};
use unicode_width::UnicodeWidthStr;

use super::{
    leftovers::Leftovers,
    listeners::Program,
    range::Range,
    services::{self, Service},
    snapshot::Snapshot,
};

/// What a port number means on a machine.
#[derive(Debug)]
pub struct Meaning<'a> {
    pub(crate) port: u16,
    pub(crate) service: Option<&'static Service>,
    pub(crate) machine: &'a Machine,
}

/// The settings and sockets of this machine.
#[derive(Debug)]
pub struct Machine {
    /// The ports that the system hands out; `None` if the system doesn't report them.
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

/// The class of a port: its name in the course, which has two classes, its name at IANA (RFC 6335), and both in a sentence.
pub(crate) fn class(port: u16) -> (&'static str, &'static str, Text) {
    match port {
        0..1024 => (
            "well-known",
            "system",
            Text::new(
                "well known (0-1023), for well-known services; IANA calls these system ports",
                "知名端口号（0-1023），固定分配给众所周知的服务；IANA 把它们叫作系统端口，范围相同",
            ),
        ),
        1024..49_152 => (
            "dynamic",
            "registered",
            Text::new(
                "dynamic (1024-65535) in the course; IANA, which keeps the list, has two classes here: \
                 registered (1024-49151) and dynamic (49152-65535)",
                "课程里属于动态端口号（1024-65535）；管理端口号的 IANA 分得更细：\
                 1024-49151 叫注册端口，再往上才叫动态端口",
            ),
        ),
        _ => (
            "dynamic",
            "dynamic",
            Text::new(
                "dynamic in the course (1024-65535) and at IANA (49152-65535), which assigns these ports to no service",
                "动态端口号：课程（1024-65535）和 IANA（49152-65535）都这样叫，不固定分给任何服务",
            ),
        ),
    }
}

impl<'a> Meaning<'a> {
    /// What `port` means on `machine`.
    pub fn of(port: u16, machine: &'a Machine) -> Self {
        Self {
            port,
            service: services::at(port),
            machine,
        }
    }

    /// Whether the system may hand the port out by itself; `None` if the system doesn't report its range.
    pub(crate) fn is_handed_out(&self) -> Option<bool> {
        let range = self.machine.range.as_ref();
        range.map(|range| range.contains(self.port))
    }

    /// Whether only root may listen on the port. For port 0, the system chooses a port that every user may use.
    pub(crate) fn needs_root(&self) -> bool {
        self.port != 0 && self.port < self.machine.unprivileged_from
    }

    /// What the number means, as a heading and facts, in lines of at most `width`.
    pub fn text(&self, lang: Lang, width: usize) -> String {
        let port = self.port.to_string();
        let mut heading = vec![Lead::new(&port, HEAD, port.len())];
        if let Some(service) = self.service {
            heading.push(Lead::new(service.name, HEAD, service.name.len()));
        }
        let mut text = hang(&heading, self.purpose().pick(lang), width);
        let facts = self.facts();
        let abouts = facts.iter().map(|(about, _)| about.pick(lang).width());
        let columns = abouts.max().unwrap_or(0);
        for (about, fact) in &facts {
            let about = Lead::new(about.pick(lang), DIM, columns);
            text += &hang(&[Lead::new("", HEAD, 0), about], fact.pick(lang), width);
        }
        text
    }

    /// The usual service of the port, in one line.
    fn purpose(&self) -> Text {
        match self.service {
            Some(service) => service.purpose.clone(),
            None if self.port == 0 => Text::new(
                "not a real port: it means \"let the system choose\"",
                "不是真正的端口，意思是“请系统替我选一个”",
            ),
            None => Text::new(
                "no well-known service uses it",
                "没有哪个常见的服务固定用它",
            ),
        }
    }

    /// The facts below the heading, each with its topic.
    fn facts(&self) -> Vec<(Text, Text)> {
        if self.port == 0 {
            return self.facts_of_zero();
        }
        let (.., class) = class(self.port);
        let mut facts = vec![
            (Text::new("class", "类别"), class),
            (Text::new("handed out", "自动分配"), self.handing_out()),
            (Text::new("rights", "谁能监听"), self.rights()),
            (Text::new("now", "现在"), self.now()),
        ];
        if let Some(left) = Leftovers::at(self.port, None, &self.machine.snapshot) {
            facts.push((Text::new("left behind", "遗留"), left.tell()));
        }
        facts.extend(self.udp().map(|udp| (Text::new("UDP", "UDP"), udp)));
        facts
    }

    fn facts_of_zero(&self) -> Vec<(Text, Text)> {
        let from = match &self.machine.range {
            Some(range) => tr!(" from {range}", "（从 {range} 里选）"),
            None => Text::new("", ""),
        };
        let listening = tr!(
            "a server that binds port 0 gets a free port{from}; getsockname() returns its number: \
             portlab serve --bind 127.0.0.1:0",
            "服务端绑定端口 0，系统就会分给它一个空闲的端口{from:#}；用 getsockname() 能查到是几号：\
             portlab serve --bind 127.0.0.1:0"
        );
        let calling = Text::new(
            "a client that doesn't call bind() gets its own port in the same way, a different port each time",
            "客户端不绑定端口，它自己的端口号也是这样分来的，每次运行都不一样",
        );
        let connecting = Text::new("no client can connect to port 0", "没有程序能连接到端口 0");
        vec![
            (Text::new("server", "服务端"), listening),
            (Text::new("client", "客户端"), calling),
            (Text::new("connecting", "连接它"), connecting),
        ]
    }

    fn handing_out(&self) -> Text {
        let Some(range) = &self.machine.range else {
            return tr!(
                "this system doesn't report which ports it hands out",
                "这个系统没有说明它会自动分配哪些端口"
            );
        };
        if range.contains(self.port) {
            tr!(
                "yes: the ports of clients come from {range}, so a server that needs this port may find it in \
                 use",
                "会：系统从 {range} 里给客户端分配端口，固定用它的服务端可能会碰上它已被占用"
            )
        } else if range.ports.contains(&self.port) {
            tr!(
                "no: this system hands out {range}, but this port is reserved",
                "不会：系统自动分配 {range}，但这个号被特意留了出来"
            )
        } else {
            tr!(
                "no: this system hands out {range} only, so a server can rely on this port",
                "不会：系统只自动分配 {range}，服务端可以放心固定用它"
            )
        }
    }

    fn rights(&self) -> Text {
        let from = self.machine.unprivileged_from;
        if !self.needs_root() {
            return tr!("every user may listen on it", "任何用户的程序都能监听它");
        }
        if self.machine.snapshot.sees_all_users {
            tr!(
                "only root may listen on it, and you are root; other users may listen on ports from {from} on",
                "只有 root 能监听它，你现在就是 root；普通用户从 {from} 号开始"
            )
        } else {
            tr!(
                "only root may listen on it (sudo); other users may listen on ports from {from} on",
                "只有 root 能监听它（要用 sudo）；普通用户从 {from} 号开始"
            )
        }
    }

    fn now(&self) -> Text {
        let snapshot = &self.machine.snapshot;
        let told = snapshot.at(self.port).map(|listener| {
            let program = snapshot.subject(&listener.programs);
            let (at, remedy) = (listener.addresses(), self.remedy(&listener.programs));
            let (count, queue) = (listener.figures.established, listener.figures.waiting);
            let counts = match count + queue as usize {
                0 => Text::new("", ""),
                _ => tr!(
                    "; connected: {count}, waiting to be accepted: {queue}",
                    "；已有连接 {count} 个，排队等待 accept 的 {queue} 个"
                ),
            };
            tr!(
                "{program} listens at {at}{counts}{remedy}",
                "{program:#}在 {at:#} 监听{counts:#}{remedy:#}"
            )
        });
        let none = Text::new(
            "no program listens on it here (TCP)",
            "这台机器上没有程序监听它（TCP）",
        );
        sentences(told).unwrap_or(none)
    }

    /// Which programs receive UDP at the port; `None` if no program does.
    fn udp(&self) -> Option<Text> {
        let snapshot = &self.machine.snapshot;
        sentences(snapshot.receiving_at(self.port).map(|receiver| {
            let program = snapshot.subject(&receiver.programs);
            let (at, remedy) = (receiver.addresses(), self.remedy(&receiver.programs));
            tr!(
                "{program} receives at {at}{remedy}",
                "{program:#}在 {at:#} 接收{remedy:#}"
            )
        }))
    }

    /// The command that shows the programs, if they can't be seen.
    fn remedy(&self, programs: &[Program]) -> Text {
        if !programs.is_empty() || self.machine.snapshot.sees_all_users {
            return Text::new("", "");
        }
        let port = self.port;
        tr!(
            " (sudo portlab ports {port} shows which)",
            "（sudo portlab ports {port} 可以看到是哪个）"
        )
    }
}

/// Joins sentences; `None` when there are none.
fn sentences(told: impl Iterator<Item = Text>) -> Option<Text> {
    let mut told = told.peekable();
    told.peek()?;
    Some(Text::join(told, ". ", "。"))
}
