//! The table of the programs that listen here, and the notes below it.

use std::net::IpAddr;

use anstyle::Style;
use portlab_words::{
    Lang, Text,
    style::{DIM, HEAD},
    table::{Span, cut, lay_out, total_width},
    tr, units,
    wrap::wrap,
};

use super::{
    listeners::{Group, Program},
    meaning::Machine,
    range::{Range, time_wait},
    snapshot::Snapshot,
};

/// The programs that listen or receive on this machine, and the use of the ports that the system hands out, in lines
/// of at most `width`.
pub fn listing(machine: &Machine, lang: Lang, width: usize) -> String {
    let snapshot = &machine.snapshot;
    let paragraph = |text: &Text, style: Style| -> String {
        let lines = wrap(text.pick(lang), width);
        let lines = lines.iter().map(|line| format!("{style}{line}{style:#}\n"));
        lines.collect()
    };
    let mut text = String::new();
    if snapshot.listeners.is_empty() {
        let none = Text::new(
            "No program listens on a TCP port of this machine. Start a server and look again: portlab serve",
            "这台机器上没有程序在监听 TCP 端口。先启动一个服务端再来看看：portlab serve",
        );
        text += &paragraph(&none, Style::new());
    } else {
        text += &of_listeners(snapshot, lang).text(width);
        text.push('\n');
    }
    if !snapshot.receivers.is_empty() {
        let title = Text::new("UDP, which has no connections:", "UDP（没有连接）：");
        text += &paragraph(&title, Style::new());
        text += &of_receivers(snapshot, lang).text(width);
        text.push('\n');
    }
    for note in notes(snapshot) {
        text += &paragraph(&note, DIM);
    }
    if let Some(range) = &machine.range {
        text.push('\n');
        for sentence in sentences(range, snapshot) {
            text += &paragraph(&sentence, Style::new());
        }
    }
    text
}

/// A table of ports and their programs, with one row for each address. An entry's first row has the figures.
struct Table<'a> {
    /// The names of the figures.
    headings: Vec<&'static str>,
    entries: Vec<Entry<'a>>,
    lang: Lang,
}

struct Entry<'a> {
    port: u16,
    addrs: &'a [IpAddr],
    programs: Text,
    figures: Vec<String>,
}

fn of_listeners(snapshot: &Snapshot, lang: Lang) -> Table<'_> {
    let entries = snapshot.listeners.iter().map(|it| {
        let figures = [
            it.figures.established.to_string(),
            it.figures.waiting.to_string(),
        ];
        entry(it, figures.to_vec(), snapshot)
    });
    Table {
        headings: vec![lang.pick("connected", "连接数"), lang.pick("queue", "排队")],
        entries: entries.collect(),
        lang,
    }
}

fn of_receivers(snapshot: &Snapshot, lang: Lang) -> Table<'_> {
    let entries = snapshot.receivers.iter().map(|it| {
        let unread = units::bytes(it.figures as f64);
        entry(it, vec![unread], snapshot)
    });
    Table {
        headings: vec![lang.pick("unread", "未读")],
        entries: entries.collect(),
        lang,
    }
}

fn entry<'a, F>(group: &'a Group<F>, figures: Vec<String>, snapshot: &Snapshot) -> Entry<'a> {
    Entry {
        port: group.port,
        addrs: &group.addrs,
        programs: snapshot.names(&group.programs),
        figures,
    }
}

impl Table<'_> {
    fn text(&self, width: usize) -> String {
        let plain = self.rows(usize::MAX);
        let too_much = total_width(&plain).saturating_sub(width);
        if too_much == 0 {
            return lay_out(&plain);
        }
        // If the table is too wide, the names of the programs are cut, but not below `LEAST` columns.
        let programs = plain.iter().filter_map(|row| row.get(2)).map(Span::width);
        let room = programs.max().unwrap_or(0).saturating_sub(too_much);
        if room >= LEAST {
            return lay_out(&self.rows(room));
        }
        self.stacked(width)
    }

    /// A row for each address. An entry's first row also has the programs, cut to `room` columns, and the figures.
    fn rows(&self, room: usize) -> Vec<Vec<Span>> {
        let left = |text: String| Span::to_the_left(text, Style::new());
        let mut head = vec![
            Span::new(self.lang.pick("port", "端口"), HEAD),
            Span::to_the_left(self.lang.pick("address", "地址"), HEAD),
            Span::to_the_left(self.lang.pick("program", "程序"), HEAD),
        ];
        head.extend(self.headings.iter().map(|it| Span::new(*it, HEAD)));
        let mut rows = vec![head];
        for entry in &self.entries {
            let mut addrs = entry.addrs.iter().map(ToString::to_string);
            let mut row = vec![
                Span::new(entry.port.to_string(), HEAD),
                left(addrs.next().unwrap_or_default()),
                left(cut(entry.programs.pick(self.lang), room)),
            ];
            let figures = entry.figures.iter();
            row.extend(figures.map(|figure| Span::new(figure.clone(), Style::new())));
            rows.push(row);
            rows.extend(addrs.map(|addr| vec![Span::default(), left(addr)]));
        }
        rows
    }

    /// Each entry in lines of its own, for a terminal that is too narrow for a table.
    fn stacked(&self, width: usize) -> String {
        let mut text = String::new();
        for entry in &self.entries {
            let figures = self.headings.iter().zip(&entry.figures);
            let figures = figures.map(|(heading, figure)| format!("{heading} {figure}"));
            let figures = Text::join(figures, ", ", "，");
            let addrs = Text::join(entry.addrs, " ", " ");
            let lines = [&addrs, &entry.programs, &figures].map(|it| it.pick(self.lang));
            let lines = lines.map(|line| wrap(line, width.saturating_sub(INDENT)));
            text += &format!("{HEAD}{:>5}{HEAD:#}  ", entry.port);
            text += &lines.concat().join(&format!("\n{:INDENT$}", ""));
            text.push('\n');
        }
        text
    }
}

/// Notes that explain the table. Only what occurs in the table is explained.
fn notes(snapshot: &Snapshot) -> Vec<Text> {
    let of_tcp = snapshot
        .listeners
        .iter()
        .map(|it| (&it.addrs, &it.programs));
    let of_udp = snapshot
        .receivers
        .iter()
        .map(|it| (&it.addrs, &it.programs));
    let (addrs, programs): (Vec<_>, Vec<_>) = of_tcp.chain(of_udp).unzip();
    let addrs = || addrs.iter().copied().flatten();
    let programs = || programs.iter().copied();
    let several = |program: &Program| program.pids.len() > 1;
    let mut notes = Vec::new();
    let mut note = |applies: bool, en: &'static str, zh: &'static str| {
        if applies {
            notes.push(Text::new(en, zh));
        }
    };
    note(
        !snapshot.listeners.is_empty(),
        "connected: connections open now. queue: those that the program hasn't accepted yet.",
        "连接数：现在连着的。排队：其中程序还没有接受（accept）的。",
    );
    note(
        addrs().any(IpAddr::is_unspecified),
        "0.0.0.0 and :: stand for all addresses of this machine, IPv4 and IPv6: others can connect.",
        "0.0.0.0 和 :: 表示本机的所有地址（IPv4 和 IPv6）：别的机器也能连接。",
    );
    note(
        addrs().any(IpAddr::is_loopback),
        "127.x.x.x and ::1 are loopback: only programs on this machine can connect.",
        "127.x.x.x 和 ::1 是回环地址：只有本机的程序能连接。",
    );
    note(
        programs().flatten().any(several),
        "(pid 10 +3): process 10 and 3 more of the same name share the port.",
        "(pid 10 +3)：进程 10 和另外 3 个同名进程共用这个端口。",
    );
    let unseen = programs().any(Vec::is_empty);
    note(
        unseen && !snapshot.sees_all_users,
        "Only root sees the programs of other users: sudo portlab ports",
        "其他用户的程序只有 root 能看到：sudo portlab ports",
    );
    note(
        unseen && snapshot.sees_all_users,
        "A program that even root doesn't see is the kernel's own, or runs in another container.",
        "连 root 也看不到的程序，属于内核自己，或者在别的容器里。",
    );
    notes
}

/// Says which ports the system hands out, and how many are in use.
fn sentences(range: &Range, snapshot: &Snapshot) -> Vec<Text> {
    let count = range.count();
    let usage = range.usage(&snapshot.sockets);
    let in_use = usage.in_use;
    let mut sentences = vec![tr!(
        "The system hands out the {count} ports {range} by itself: to clients, and to servers that bind \
         port 0. In use: {in_use}.",
        "系统自动分配的端口是 {range}，共 {count} 个：分给客户端，也分给绑定端口 0 的服务端。\
         正在使用的有 {in_use} 个。"
    )];
    if let Some(crowded) = usage.crowded.filter(|crowded| crowded.ports >= CROWD) {
        let (source, destination, ports) = (crowded.source, crowded.destination, crowded.ports);
        sentences.push(tr!(
            "The most between two addresses: {ports}, from {source} to {destination}.",
            "其中最多的是从 {source} 到 {destination} 的连接，占用 {ports} 个。"
        ));
    }
    sentences.push(match time_wait(&snapshot.sockets) {
        0 => tr!(
            "No connection is in TIME-WAIT.",
            "没有处于 TIME-WAIT 状态的连接。"
        ),
        1 => tr!(
            "1 connection is in TIME-WAIT: closed, and remembered for a minute.",
            "有 1 个连接处于 TIME-WAIT 状态：已经关闭，系统还要再记住它一分钟。"
        ),
        waiting => tr!(
            "{waiting} connections are in TIME-WAIT: closed, and remembered for a minute.",
            "有 {waiting} 个连接处于 TIME-WAIT 状态：已经关闭，系统还要再记住它们一分钟。"
        ),
    });
    sentences
}

/// The fewest columns for a program's name and number.
const LEAST: usize = 24;
/// The width of a port's digits and the gap after them.
const INDENT: usize = 7;
/// The pair of addresses that uses the most ports is named if it uses at least this many.
const CROWD: usize = 10;
