//! The table of the programs that listen here, and the notes below it.

use std::net::IpAddr;

use anstyle::Style;
use portlab_words::{
    Lang,
    table::{Span, cut, lay_out, total_width},
    tr, units,
    wrap::wrap,
};

use super::{
    listeners::{Listener, Program, Snapshot},
    meaning::{Machine, who, written},
    range::{Range, time_wait},
    receivers::Receiver,
};
use portlab_words::style::{DIM, HEAD};

/// The programs that listen or receive on this machine, and the use of the ports that the system hands out, in lines of at most `width`.
#[must_use]
pub fn listing(machine: &Machine, lang: Lang, width: usize) -> String {
    let snapshot = &machine.snapshot;
    let mut text = String::new();
    if snapshot.listeners.is_empty() {
        let none = tr!(
            lang,
            "No program listens on a TCP port of this machine. Start a server and look again: portlab serve",
            "这台机器上没有程序在监听 TCP 端口。先启动一个服务端再来看看：portlab serve"
        );
        text += &paragraph(&none, Style::new(), width);
    } else {
        text += &of_listeners(&snapshot.listeners, snapshot.sees_everybody, lang).text(width);
        text.push('\n');
    }
    if !snapshot.receivers.is_empty() {
        let title = lang.pick("UDP, which has no connections:", "UDP（没有连接）：");
        text += &paragraph(title, Style::new(), width);
        text += &of_receivers(&snapshot.receivers, snapshot.sees_everybody, lang).text(width);
        text.push('\n');
    }
    for note in notes(machine, lang) {
        text += &paragraph(&note, DIM, width);
    }
    if let Some(range) = &machine.range {
        text.push('\n');
        for sentence in sentences(range, machine, lang) {
            text += &paragraph(&sentence, Style::new(), width);
        }
    }
    text
}

/// A table of programs at ports, one row for each address. Figures stand at the end of an entry's first row.
struct Table<'a> {
    headings: Vec<Span>,
    entries: Vec<Entry<'a>>,
    sees_everybody: bool,
    lang: Lang,
}

struct Entry<'a> {
    port: u16,
    addrs: &'a [IpAddr],
    programs: &'a [Program],
    figures: Vec<String>,
    /// The same in words, where no table fits.
    in_words: String,
}

fn of_listeners(listeners: &[Listener], sees_everybody: bool, lang: Lang) -> Table<'_> {
    let entries = listeners.iter().map(|it| {
        let (count, queue) = (it.established, it.queue);
        Entry {
            port: it.port,
            addrs: &it.addrs,
            programs: &it.programs,
            figures: vec![count.to_string(), queue.to_string()],
            in_words: tr!(
                lang,
                "connected {count}, queue {queue}",
                "连接数 {count}，排队 {queue}"
            ),
        }
    });
    Table {
        headings: vec![
            Span::new(lang.pick("connected", "连接数"), HEAD),
            Span::new(lang.pick("queue", "排队"), HEAD),
        ],
        entries: entries.collect(),
        sees_everybody,
        lang,
    }
}

fn of_receivers(receivers: &[Receiver], sees_everybody: bool, lang: Lang) -> Table<'_> {
    let entries = receivers.iter().map(|it| {
        let unread = units::bytes(it.unread_bytes as f64);
        Entry {
            port: it.port,
            addrs: &it.addrs,
            programs: &it.programs,
            in_words: tr!(lang, "unread {unread}", "未读 {unread}"),
            figures: vec![unread],
        }
    });
    Table {
        headings: vec![Span::new(lang.pick("unread", "未读"), HEAD)],
        entries: entries.collect(),
        sees_everybody,
        lang,
    }
}

impl Table<'_> {
    fn text(&self, width: usize) -> String {
        let plain = self.rows(usize::MAX);
        let too_much = total_width(&plain).saturating_sub(width);
        if too_much == 0 {
            return lay_out(&plain);
        }
        // The programs' names can be cut, to a degree.
        let programs = plain.iter().filter_map(|row| row.get(2)).map(Span::width);
        let room = programs.max().unwrap_or(0).saturating_sub(too_much);
        if room >= LEAST {
            return lay_out(&self.rows(room));
        }
        self.stacked(width)
    }

    /// A row for each address, and what is to be said of all of them in the first; programs in `room`.
    fn rows(&self, room: usize) -> Vec<Vec<Span>> {
        let lang = self.lang;
        let left = |text: String| Span::to_the_left(text, Style::new());
        let mut head = vec![
            Span::new(lang.pick("port", "端口"), HEAD),
            Span::to_the_left(lang.pick("address", "地址"), HEAD),
            Span::to_the_left(lang.pick("program", "程序"), HEAD),
        ];
        head.extend(self.headings.iter().cloned());
        let mut rows = vec![head];
        for entry in &self.entries {
            let mut addrs = entry.addrs.iter().map(ToString::to_string);
            let mut row = vec![
                Span::new(entry.port.to_string(), HEAD),
                left(addrs.next().unwrap_or_default()),
                left(cut(&who(entry.programs, self.sees_everybody, lang), room)),
            ];
            let figures = entry.figures.iter();
            row.extend(figures.map(|figure| Span::new(figure.clone(), Style::new())));
            rows.push(row);
            rows.extend(addrs.map(|addr| vec![Span::default(), left(addr)]));
        }
        rows
    }

    /// Each entry in lines of its own.
    fn stacked(&self, width: usize) -> String {
        let mut text = String::new();
        for entry in &self.entries {
            let addrs: Vec<_> = entry.addrs.iter().map(ToString::to_string).collect();
            let addrs = addrs.join(" ");
            text += &format!("{HEAD}{:>5}{HEAD:#}  ", entry.port);
            text += &wrap(&addrs, width.saturating_sub(INDENT)).join(&format!("\n{:INDENT$}", ""));
            text.push('\n');
            let programs = who(entry.programs, self.sees_everybody, self.lang);
            for line in [programs, entry.in_words.clone()] {
                for line in wrap(&line, width.saturating_sub(INDENT)) {
                    text += &format!("{:INDENT$}{line}\n", "");
                }
            }
        }
        text
    }
}

/// What the table doesn't say of itself.
fn notes(machine: &Machine, lang: Lang) -> Vec<String> {
    let Snapshot {
        listeners,
        receivers,
        ..
    } = &machine.snapshot;
    let of_udp = || receivers.iter().flat_map(|it| &it.addrs);
    let addrs = || listeners.iter().flat_map(|it| &it.addrs).chain(of_udp());
    let programs = || {
        let of_udp = receivers.iter().map(|it| &it.programs);
        listeners.iter().map(|it| &it.programs).chain(of_udp)
    };
    let several = |program: &Program| program.pids.len() > 1;
    let mut notes = Vec::new();
    let mut note = |applies: bool, text: String| {
        if applies {
            notes.push(text);
        }
    };
    note(
        !listeners.is_empty(),
        tr!(
            lang,
            "connected: connections open now. queue: those that the program hasn't accepted yet.",
            "连接数：现在连着的。排队：其中程序还没有接受（accept）的。"
        ),
    );
    note(
        addrs().any(std::net::IpAddr::is_unspecified),
        tr!(
            lang,
            "0.0.0.0 and :: stand for all addresses of this machine, IPv4 and IPv6: others can connect.",
            "0.0.0.0 和 :: 表示本机的所有地址（IPv4 和 IPv6）：别的机器也能连接。"
        ),
    );
    note(
        addrs().any(std::net::IpAddr::is_loopback),
        tr!(
            lang,
            "127.x.x.x and ::1 are loopback: only programs on this machine can connect.",
            "127.x.x.x 和 ::1 是回环地址：只有本机的程序能连接。"
        ),
    );
    note(
        programs().flatten().any(several),
        tr!(
            lang,
            "(pid 10 +3): process 10 and 3 more of the same name share the port.",
            "(pid 10 +3)：进程 10 和另外 3 个同名进程共用这个端口。"
        ),
    );
    let unseen = programs().any(Vec::is_empty);
    note(
        unseen && !machine.snapshot.sees_everybody,
        tr!(
            lang,
            "Only root sees the programs of other users: sudo portlab ports",
            "其他用户的程序只有 root 能看到：sudo portlab ports"
        ),
    );
    note(
        unseen && machine.snapshot.sees_everybody,
        tr!(
            lang,
            "A program that even root doesn't see is the kernel's own, or runs in another container.",
            "连 root 也看不到的程序，属于内核自己，或者在别的容器里。"
        ),
    );
    notes
}

/// The ports that the system hands out, and what of them is in use.
fn sentences(range: &Range, machine: &Machine, lang: Lang) -> Vec<String> {
    let (ports, count) = (written(&range.ports), range.count());
    let usage = range.usage(&machine.snapshot.sockets);
    let in_use = usage.in_use;
    let mut sentences = vec![tr!(
        lang,
        "The system hands out the {count} ports {ports} by itself: to clients, and to servers that bind \
         port 0. In use: {in_use}.",
        "系统自动分配的端口是 {ports}，共 {count} 个：分给客户端，也分给绑定端口 0 的服务端。\
         正在使用的有 {in_use} 个。"
    )];
    if let Some(crowded) = usage.crowded.filter(|crowded| crowded.ports >= CROWD) {
        let (source, destination, ports) = (crowded.source, crowded.destination, crowded.ports);
        sentences.push(tr!(
            lang,
            "Most of one kind: {ports}, from {source} to {destination}.",
            "其中最多的是从 {source} 到 {destination} 的连接，占用 {ports} 个。"
        ));
    }
    sentences.push(match time_wait(&machine.snapshot.sockets) {
        0 => tr!(
            lang,
            "No connection is in TIME-WAIT.",
            "没有处于 TIME-WAIT 状态的连接。"
        ),
        1 => tr!(
            lang,
            "1 connection is in TIME-WAIT: closed, and remembered for a minute.",
            "有 1 个连接处于 TIME-WAIT 状态：已经关闭，系统还要再记住它一分钟。"
        ),
        waiting => tr!(
            lang,
            "{waiting} connections are in TIME-WAIT: closed, and remembered for a minute.",
            "有 {waiting} 个连接处于 TIME-WAIT 状态：已经关闭，系统还要再记住它们一分钟。"
        ),
    });
    sentences
}

fn paragraph(text: &str, style: Style, width: usize) -> String {
    let lines = wrap(text, width);
    let lines = lines.iter().map(|line| format!("{style}{line}{style:#}\n"));
    lines.collect()
}

/// A program's name and number can't be told in less.
const LEAST: usize = 24;
/// A port's digits, and a gap.
const INDENT: usize = 7;
/// As few ports as this are no crowd.
const CROWD: usize = 10;
