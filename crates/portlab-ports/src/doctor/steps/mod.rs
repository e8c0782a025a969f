//! What happened on the way to an address, told step by step to a beginner.

use portlab_words::{Lang, tr, units};

mod connect;
#[cfg(test)]
mod tests;

use portlab_service::inert;

use super::{
    finding::{Finding, Grade},
    reach::{Attempt, First, Location, Name, Outcome, Reach},
};
use crate::{listeners::Listener, meaning::who};

/// All steps, in order, as far as it got.
pub(super) fn all(reach: &Reach, lang: Lang) -> Vec<Finding> {
    let mut steps = vec![name(reach, lang)];
    for attempt in &reach.attempts {
        steps.push(place(attempt, lang));
        steps.extend(listener(attempt, lang));
        // If the server was reached at another address, this one is no problem.
        let worst = if reach.is_reached() {
            Grade::Note
        } else {
            Grade::Problem
        };
        steps.push(connect::connect(attempt, reach, worst, lang));
        steps.extend(left_behind(attempt, worst, lang));
        steps.extend(accepted(attempt, reach, lang));
        steps.extend(first(attempt, lang));
        steps.extend(afterwards(attempt, lang));
    }
    steps
}

/// The last word.
pub(super) fn conclusion(reach: &Reach, lang: Lang) -> String {
    let target = &reach.target;
    let taken = |it: &Attempt| matches!(it.outcome, Outcome::Connected(_));
    let listens = |it: &Attempt| matches!(it.outcome, Outcome::Listens);
    if reach.attempts.iter().any(Attempt::has_ended) {
        tr!(
            lang,
            "{target} was reached, and its program has ended since.",
            "{target} 连上过，但是它的程序随后就结束了。"
        )
    } else if reach
        .attempts
        .iter()
        .any(|it| it.is_reached() && listens(it))
    {
        tr!(
            lang,
            "A program listens at {target}.",
            "有程序在监听 {target}。"
        )
    } else if reach.is_reached() {
        tr!(lang, "{target} can be reached.", "{target} 可以连上。")
    } else if reach.attempts.iter().any(listens) {
        tr!(
            lang,
            "A program listens at {target}, but it doesn't accept connections.",
            "有程序在监听 {target}，但是它没有接受（accept）连接。"
        )
    } else if reach.attempts.iter().any(taken) {
        tr!(
            lang,
            "{target} can be connected to, but its program doesn't take the connection.",
            "{target} 能连上，但是它的程序没有接受连接。"
        )
    } else {
        tr!(lang, "{target} can't be reached.", "{target} 连不上。")
    }
}

fn name(reach: &Reach, lang: Lang) -> Finding {
    let finding = |text| Finding::new("name", lang.pick("name", "名字"), text);
    let (host, patience) = (&reach.target.host, units::time(reach.patience));
    match &reach.name {
        Name::Literal => finding(tr!(
            lang,
            "{host} is an IP address: there is nothing to look up",
            "{host} 本身就是 IP 地址，不用查"
        )),
        Name::Found { addrs, took } => {
            let addrs: Vec<_> = addrs.iter().map(|it| it.ip().to_string()).collect();
            let (addrs, took) = (addrs.join(lang.pick(", ", "、")), units::time(*took));
            finding(tr!(
                lang,
                "{host} is {addrs}; looking it up took {took}",
                "{host} 的地址是 {addrs}，查询用了 {took}"
            ))
        }
        Name::Unknown { took, .. } => {
            let took = units::time(*took);
            finding(tr!(
                lang,
                "the name service has no address for {host} (asked for {took})",
                "查不到 {host} 的地址（查了 {took}）"
            ))
            .graded(
                Grade::Problem,
                tr!(
                    lang,
                    "check its spelling and the network, or give its IP address; this machine is 127.0.0.1",
                    "检查名字有没有写错、网络通不通，或者直接写 IP 地址；本机是 127.0.0.1"
                ),
            )
        }
        Name::Unanswered => finding(tr!(
            lang,
            "the name service has not told the address of {host} within {patience}",
            "域名服务在 {patience} 内没有给出 {host} 的地址"
        ))
        .graded(
            Grade::Problem,
            tr!(
                lang,
                "check the network, wait longer (--timeout 30s), or give the IP address",
                "检查网络，多等一会儿（--timeout 30s），或者直接写 IP 地址"
            ),
        ),
    }
}

fn place(attempt: &Attempt, lang: Lang) -> Finding {
    let ip = attempt.addr.ip();
    let text = match &attempt.location {
        Location::Loopback if ip.is_unspecified() => tr!(
            lang,
            "{ip} is an address to listen at; a client that connects to it reaches this machine",
            "{ip} 是监听时用的地址，连接它就是连接本机"
        ),
        Location::Loopback => tr!(
            lang,
            "{ip} is this machine itself (loopback): no network is needed",
            "{ip} 就是本机（回环地址），不经过网络"
        ),
        Location::Own(interface) => tr!(
            lang,
            "{ip} is this machine's own address ({interface})",
            "{ip} 是本机自己的地址（{interface} 网卡）"
        ),
        Location::SameNetwork(interface) => tr!(
            lang,
            "{ip} is in the same network as this machine ({interface})",
            "{ip} 和本机在同一个网络里（{interface} 网卡）"
        ),
        Location::Elsewhere => tr!(
            lang,
            "{ip} is outside of this machine's networks: a router leads there",
            "{ip} 不在本机所在的网络里，要经过路由器"
        ),
    };
    Finding::new("place", lang.pick("where", "位置"), text)
}

/// The listener, where it can be seen.
fn listener(attempt: &Attempt, lang: Lang) -> Option<Finding> {
    let listener = attempt.heard()?;
    let sees_everybody = attempt.here.as_ref()?.before.sees_everybody;
    let who = who(&listener.programs, sees_everybody, lang);
    let at: Vec<_> = listener.addresses().collect();
    let at = at.join(lang.pick(", ", "、"));
    let (count, queue) = (listener.established, listener.queue);
    let space = if listener.programs.is_empty() {
        ""
    } else {
        " "
    };
    Some(Finding::new(
        "listener",
        lang.pick("listener", "监听者"),
        tr!(
            lang,
            "{who} listens at {at}; connected: {count}, waiting to be accepted: {queue}",
            "{who}{space}在 {at} 监听；已有连接 {count} 个，排队等待 accept 的 {queue} 个"
        ),
    ))
}

/// What keeps a port from being bound though no program listens on it.
fn left_behind(attempt: &Attempt, worst: Grade, lang: Lang) -> Option<Finding> {
    let left = attempt.here.as_ref()?.leftovers.as_ref()?;
    let finding = Finding::new(
        "left_behind",
        lang.pick("left behind", "遗留"),
        left.tell(lang),
    );
    let remedy = tr!(
        lang,
        "wait that long, or start the server at another port; and set SO_REUSEADDR in it from its first start on, \
         before bind()",
        "等一等，或者让服务端换一个端口；另外，服务端从第一次启动起就应当在 bind 之前设置 SO_REUSEADDR"
    );
    Some(finding.graded(worst, remedy))
}

/// Whether the program has taken the connection that the kernel has made for it, or takes those that wait.
fn accepted(attempt: &Attempt, reach: &Reach, lang: Lang) -> Option<Finding> {
    let finding = |text| Finding::new("accept", lang.pick("accept", "接受"), text);
    let tried = match attempt.outcome {
        Outcome::Connected(_) => true,
        Outcome::Listens => false,
        _ => return None,
    };
    let here = attempt.here.as_ref()?;
    let patience = units::time(reach.patience);
    let before = attempt.heard().map_or(0, |it| it.queue);
    let queue = here.queue.unwrap_or(before);
    let is_full = attempt.heard().is_some_and(Listener::is_full);
    let text = match (here.accepted?, tried) {
        (true, true) => {
            return Some(finding(tr!(
                lang,
                "the program has accepted the connection",
                "程序已经接受（accept）了这个连接"
            )));
        }
        (true, false) => {
            return Some(finding(tr!(
                lang,
                "connections waited, and the program has accepted one",
                "有连接在排队，程序接受（accept）了其中的连接"
            )));
        }
        (false, true) => tr!(
            lang,
            "the server doesn't accept: the kernel has made the connection, but the program has not accepted \
             it within {patience}; waiting in its queue: {before} before, {queue} now",
            "服务端没有接受连接：内核已经建立了连接，但程序在 {patience} 内没有接受（accept）；排队的连接\
             原来有 {before} 个，现在有 {queue} 个"
        ),
        (false, false) if is_full => tr!(
            lang,
            "the server doesn't accept: its accept queue is full ({queue} wait in it), and the program has accepted none \
             of them within {patience}: a client that connects now gets no answer",
            "服务端没有接受连接：等待队列满了（有 {queue} 个连接在排队），程序在 {patience} 内一个也没有接受\
             （accept）：现在来连接的客户端得不到回应"
        ),
        (false, false) => tr!(
            lang,
            "the server doesn't accept: connections wait, and the program has accepted none of them within {patience}; \
             waiting in its queue: {queue}",
            "服务端没有接受连接：有连接在排队，但程序在 {patience} 内一个也没有接受（accept）；排队的连接有 \
             {queue} 个"
        ),
    };
    Some(finding(text).graded(Grade::Problem, deaf(attempt, lang)))
}

/// Whether the program was still there after the connection was closed.
fn afterwards(attempt: &Attempt, lang: Lang) -> Option<Finding> {
    let finding = |text| Finding::new("afterwards", lang.pick("afterwards", "断开之后"), text);
    if !attempt.here.as_ref()?.has_ended? {
        return Some(finding(tr!(
            lang,
            "the program still listens after the connection was closed",
            "我们断开之后，程序仍然在监听"
        )));
    }
    let text = tr!(
        lang,
        "the program ended when the connection was closed: it serves one client and exits, or an empty read ends it",
        "我们一断开，它就结束了：要么它只服务一个客户端就退出，要么 recv 读到空数据时它会出错退出"
    );
    let remedy = tr!(
        lang,
        "start it again; a client that leaves makes recv() return nothing: the server should close that connection \
         and accept the next. Without --connect doctor only looks",
        "重新启动它；客户端离开时 recv() 返回空数据，服务端应当关闭这个连接，再去 accept 下一个。不加 --connect，\
         doctor 就只看不连"
    );
    Some(finding(text).graded(Grade::Problem, remedy))
}

/// What to do about a program that doesn't accept.
fn deaf(attempt: &Attempt, lang: Lang) -> String {
    let listener = attempt.heard();
    let pid = listener.and_then(|it| Some(it.programs.first()?.pids[0]));
    let look = pid.map_or_else(String::new, |pid| {
        tr!(
            lang,
            "; see what it does: sudo strace -p {pid}",
            "；看看它在做什么：sudo strace -p {pid}"
        )
    });
    tr!(
        lang,
        "it may be busy with another client, as a server that serves one at a time; or it never calls \
         accept(), or hangs: end the other client, or start it again{look}",
        "它可能正忙着服务别人（一次只服务一个客户端的服务端就会这样），也可能没有调用 accept()，或者卡住了：\
         关掉另一个客户端，或者重新启动它{look}"
    )
}

/// What the server said first.
fn first(attempt: &Attempt, lang: Lang) -> Option<Finding> {
    let finding = |text| Finding::new("first_words", lang.pick("first word", "第一句话"), text);
    let Outcome::Connected(first) = &attempt.outcome else {
        return None;
    };
    let deaf = attempt.here.as_ref().and_then(|here| here.accepted) == Some(false);
    Some(match first {
        First::Words(words) => {
            let said = shown(words);
            finding(tr!(
                lang,
                "the server sends first: {said}",
                "服务端先说话：{said}"
            ))
        }
        // A program that hasn't accepted can't send.
        First::Silence if deaf => return None,
        First::Silence => finding(tr!(
            lang,
            "the server sends nothing first and waits for the client, as an echo and a web server do",
            "服务端不先说话，等客户端开口：回显服务和网页服务都是这样"
        )),
        First::Closed => finding(tr!(
            lang,
            "the server closed the connection at once and sent nothing",
            "服务端什么也没说，马上关闭了连接"
        ))
        .graded(
            Grade::Note,
            tr!(
                lang,
                "is it meant to? It may be full, refuse this address, or have ended with an error",
                "这是它本来的样子吗？也可能是它满员了、不接受这个地址，或者程序出错退出了"
            ),
        ),
        First::Reset => finding(tr!(
            lang,
            "the server broke the connection off (reset)",
            "服务端强行中断了连接（RST）"
        ))
        .graded(
            Grade::Note,
            tr!(
                lang,
                "it may have ended with an error: look at what it printed",
                "程序可能出错退出了：看看它打印了什么"
            ),
        ),
    })
}

/// The first words, as far as they fit a line or two, without what a terminal obeys.
pub(super) fn shown(words: &[u8]) -> String {
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
