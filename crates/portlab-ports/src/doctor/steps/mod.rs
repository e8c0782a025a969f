//! What happened on the way to an address, step by step and in words for a beginner.

mod connect;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;

use portlab_service::inert;
use portlab_words::{Text, tr, units};

use super::{
    Diagnosis,
    finding::{Finding, Grade, Remark},
    reach::{Attempt, First, Location, Name, Outcome, Reach},
};
use crate::listeners::Listener;

impl Reach {
    /// What each step means, and the conclusion.
    pub fn diagnosis(&self) -> Diagnosis {
        Diagnosis {
            findings: all(self),
            conclusion: conclusion(self),
            is_well: self.is_well(),
        }
    }
}

/// The findings of all steps that were taken, in order.
pub(super) fn all(reach: &Reach) -> Vec<Finding> {
    let mut steps = vec![Finding {
        key: "name",
        about: &NAME,
        remark: name(reach),
    }];
    for attempt in &reach.attempts {
        steps.extend(STEPS.iter().filter_map(|(key, about, step)| {
            let remark = step(attempt, reach)?;
            Some(Finding { key, about, remark })
        }));
    }
    steps
}

/// The result of one step of an attempt; `None` if the attempt ended before that step.
type Step = fn(&Attempt, &Reach) -> Option<Remark>;

static NAME: Text = Text::new("name", "名字");

/// The steps of an attempt, each with its key in JSON and its name.
static STEPS: [(&str, Text, Step); 7] = [
    ("place", Text::new("where", "位置"), place),
    ("listener", Text::new("listener", "监听者"), listener),
    ("connect", Text::new("connect", "连接"), connect::connect),
    ("left_behind", Text::new("left behind", "遗留"), left_behind),
    ("accept", Text::new("accept", "接受"), accepted),
    ("first_words", Text::new("first word", "先发的数据"), first),
    (
        "afterwards",
        Text::new("afterwards", "断开之后"),
        afterwards,
    ),
];

/// The grade of a failed attempt: only a note if the server was reached at another address.
fn worst(reach: &Reach) -> Grade {
    match reach.is_reached() {
        true => Grade::Note,
        false => Grade::Problem,
    }
}

fn conclusion(reach: &Reach) -> Text {
    let target = &reach.target;
    let any = |is: fn(&Attempt) -> bool| reach.attempts.iter().any(is);
    if any(Attempt::has_ended) {
        tr!(
            "{target} was reached, but its program has ended since.",
            "{target} 连上过，但是它的程序随后就结束了。"
        )
    } else if any(|it| it.is_reached() && matches!(it.outcome, Outcome::Listens)) {
        tr!("A program listens at {target}.", "有程序在监听 {target}。")
    } else if reach.is_reached() {
        tr!("{target} can be reached.", "{target} 可以连上。")
    } else if any(|it| matches!(it.outcome, Outcome::Listens)) {
        tr!(
            "A program listens at {target}, but it doesn't accept connections.",
            "有程序在监听 {target}，但是它没有接受（accept）连接。"
        )
    } else if any(|it| matches!(it.outcome, Outcome::Connected(_))) {
        tr!(
            "{target} can be connected to, but its program doesn't accept the connection.",
            "{target} 能连上，但是它的程序没有接受连接。"
        )
    } else {
        tr!("{target} can't be reached.", "{target} 连不上。")
    }
}

fn name(reach: &Reach) -> Remark {
    let (host, timeout) = (&reach.target.host, units::time(reach.timeout));
    match &reach.name {
        Name::Literal => Remark::new(tr!(
            "{host} is an IP address: no name is looked up",
            "{host} 本身就是 IP 地址，不用查"
        )),
        Name::Found { addrs, took } => {
            let addrs = Text::join(addrs.iter().map(SocketAddr::ip), ", ", "、");
            let took = units::time(*took);
            Remark::new(tr!(
                "{host} is {addrs}; looking it up took {took}",
                "{host} 的地址是 {addrs:#}，查询用了 {took}"
            ))
        }
        Name::Unknown { took, .. } => {
            let took = units::time(*took);
            Remark::new(tr!(
                "the name service has no address for {host} (the look-up took {took})",
                "查不到 {host} 的地址（查了 {took}）"
            ))
            .problem(tr!(
                "check its spelling and the network, or give its IP address; this machine is 127.0.0.1",
                "检查名字有没有写错、网络通不通，或者直接写 IP 地址；本机是 127.0.0.1"
            ))
        }
        Name::Unanswered => Remark::new(tr!(
            "the name service didn't give the address of {host} within {timeout}",
            "域名服务在 {timeout} 内没有给出 {host} 的地址"
        ))
        .problem(tr!(
            "check the network, wait longer (--timeout 30s), or give the IP address",
            "检查网络，多等一会儿（--timeout 30s），或者直接写 IP 地址"
        )),
    }
}

fn place(attempt: &Attempt, _: &Reach) -> Option<Remark> {
    let ip = attempt.addr.ip();
    let text = match &attempt.location {
        Location::Loopback if ip.is_unspecified() => tr!(
            "{ip} is an address to listen at; a client that connects to it reaches this machine",
            "{ip} 是监听时用的地址，连接它就是连接本机"
        ),
        Location::Loopback => tr!(
            "{ip} is this machine itself (loopback): no network is needed",
            "{ip} 就是本机（回环地址），不经过网络"
        ),
        Location::Own(interface) => tr!(
            "{ip} is this machine's own address ({interface})",
            "{ip} 是本机自己的地址（{interface} 网卡）"
        ),
        Location::SameNetwork(interface) => tr!(
            "{ip} is in the same network as this machine ({interface})",
            "{ip} 和本机在同一个网络里（{interface} 网卡）"
        ),
        Location::Elsewhere => tr!(
            "{ip} is outside this machine's networks: a router leads there",
            "{ip} 不在本机所在的网络里，要经过路由器"
        ),
    };
    Some(Remark::new(text))
}

/// The listener, if it can be seen.
fn listener(attempt: &Attempt, _: &Reach) -> Option<Remark> {
    let listener = attempt.listener()?;
    let program = attempt.here.as_ref()?.before.subject(&listener.programs);
    let at = listener.addresses();
    let (count, queue) = (listener.figures.established, listener.figures.waiting);
    Some(Remark::new(tr!(
        "{program} listens at {at}; connected: {count}, waiting to be accepted: {queue}",
        "{program:#}在 {at:#} 监听；已有连接 {count} 个，排队等待 accept 的 {queue} 个"
    )))
}

/// Connections that keep a port from being bound though no program listens on it.
fn left_behind(attempt: &Attempt, reach: &Reach) -> Option<Remark> {
    let left = attempt.here.as_ref()?.leftovers.as_ref()?;
    let remedy = tr!(
        "wait that long, or start the server on another port; for the future, let the server set SO_REUSEADDR before \
         bind(), each time it starts",
        "等一等，或者让服务端换一个端口；另外，服务端从第一次启动起就应当在 bind 之前设置 SO_REUSEADDR"
    );
    Some(Remark::new(left.tell()).graded(worst(reach), remedy))
}

/// Whether the program has accepted the connection, or one of the waiting connections.
fn accepted(attempt: &Attempt, reach: &Reach) -> Option<Remark> {
    let tried = match attempt.outcome {
        Outcome::Connected(_) => true,
        Outcome::Listens => false,
        _ => return None,
    };
    let here = attempt.here.as_ref()?;
    let timeout = units::time(reach.timeout);
    let before = attempt.listener().map_or(0, |it| it.figures.waiting);
    let queue = here.queue.unwrap_or(before);
    let is_full = attempt.listener().is_some_and(Listener::is_full);
    let text = match (here.accepted?, tried) {
        (true, true) => {
            return Some(Remark::new(tr!(
                "the program has accepted the connection",
                "程序已经接受（accept）了这个连接"
            )));
        }
        (true, false) => {
            return Some(Remark::new(tr!(
                "connections waited, and the program has accepted one",
                "有连接在排队，程序接受（accept）了其中的连接"
            )));
        }
        (false, true) => tr!(
            "the server doesn't accept: the kernel has made the connection, but the program has not accepted \
             it within {timeout}; waiting in its queue: {before} before, {queue} now",
            "服务端没有接受连接：内核已经建立了连接，但程序在 {timeout} 内没有接受（accept）；排队的连接\
             原来有 {before} 个，现在有 {queue} 个"
        ),
        (false, false) if is_full => tr!(
            "the server doesn't accept: its accept queue is full ({queue} wait in it), and the program has accepted none \
             of them within {timeout}: a client that connects now gets no answer",
            "服务端没有接受连接：accept 队列满了（有 {queue} 个连接在排队），程序在 {timeout} 内一个也没有接受\
             （accept）：现在来连接的客户端得不到响应"
        ),
        (false, false) => tr!(
            "the server doesn't accept: connections wait, and the program has accepted none of them within {timeout}; \
             waiting in its queue: {queue}",
            "服务端没有接受连接：有连接在排队，但程序在 {timeout} 内一个也没有接受（accept）；排队的连接有 \
             {queue} 个"
        ),
    };
    Some(Remark::new(text).problem(remedy_for_no_accept(attempt)))
}

/// Whether the program still listens after the connection was closed.
fn afterwards(attempt: &Attempt, _: &Reach) -> Option<Remark> {
    if !attempt.here.as_ref()?.has_ended? {
        return Some(Remark::new(tr!(
            "the program still listens after the connection was closed",
            "doctor 断开之后，程序仍然在监听"
        )));
    }
    let text = tr!(
        "the program ended when the connection was closed: it serves one client and exits, or an empty read ends it",
        "doctor 一断开，程序就结束了：要么它只服务一个客户端就退出，要么 recv 读到空数据时它会出错退出"
    );
    let remedy = tr!(
        "start it again; when a client closes, recv() returns no bytes: the server should close that connection and \
         accept the next. Without --connect, doctor makes no connection",
        "重新启动它；客户端离开时 recv() 返回空数据，服务端应当关闭这个连接，再去 accept 下一个。不加 --connect，\
         doctor 就只看不连"
    );
    Some(Remark::new(text).problem(remedy))
}

/// What to do about a program that doesn't accept.
fn remedy_for_no_accept(attempt: &Attempt) -> Text {
    let listener = attempt.listener();
    let pid = listener.and_then(|it| Some(it.programs.first()?.pids[0]));
    let look = pid.map_or(Text::new("", ""), |pid| {
        tr!(
            "; see what it does: sudo strace -p {pid}",
            "；看看它在做什么：sudo strace -p {pid}"
        )
    });
    tr!(
        "the server may serve one client at a time and be busy with another client, never call accept(), or \
         hang: end the other client, or start the server again{look}",
        "它可能正忙着服务另一个客户端（一次只服务一个客户端的服务端就会这样），也可能没有调用 accept()，或者卡住了：\
         关掉另一个客户端，或者重新启动它{look:#}"
    )
}

/// What the server did first.
fn first(attempt: &Attempt, _: &Reach) -> Option<Remark> {
    let Outcome::Connected(first) = &attempt.outcome else {
        return None;
    };
    let accepted = attempt.here.as_ref().and_then(|here| here.accepted);
    Some(match first {
        First::Words(words) => {
            let said = shown(words);
            Remark::new(tr!(
                "the server sends first: {said}",
                "服务端先发送了：{said}"
            ))
        }
        // A program that hasn't accepted can't send.
        First::Silence if accepted == Some(false) => return None,
        First::Silence => Remark::new(tr!(
            "the server waits for the client to send first, as an echo server and a web server do",
            "服务端不先发送，等客户端的请求：回显服务和网页服务都是这样"
        )),
        First::Closed => Remark::new(tr!(
            "the server closed the connection at once and sent nothing",
            "服务端什么也没发，马上关闭了连接"
        ))
        .note(tr!(
            "the server may be meant to close, be full, refuse this address, or have ended with an error",
            "这是它本来的样子吗？也可能是它满员了、不接受这个地址，或者程序出错退出了"
        )),
        First::Reset => Remark::new(tr!(
            "the server reset the connection (RST)",
            "服务端复位了连接（RST）"
        ))
        .note(tr!(
            "the server may have ended with an error: look at its output",
            "程序可能出错退出了：看看它打印了什么"
        )),
    })
}

/// The server's first bytes as text: shortened to a line or two, without escape sequences.
fn shown(words: &[u8]) -> String {
    let text = String::from_utf8_lossy(words);
    let text = inert(text.trim_end_matches(['\r', '\n']));
    let mut short: String = text.chars().take(SHOWN).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("“{short}”")
}

/// Characters of a greeting that are shown.
const SHOWN: usize = 60;
