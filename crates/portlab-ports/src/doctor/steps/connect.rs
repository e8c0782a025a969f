//! The step that fails most often: connecting.

use std::net::SocketAddr;

use portlab_words::{Lang, tr, units};

use crate::{
    doctor::{
        finding::{Finding, Grade},
        reach::{Attempt, Here, Location, Outcome, Reach, reached},
    },
    leftovers::{Bind, Leftovers},
    listeners::{Listener, Snapshot},
    meaning::who,
};

/// Whether the connection was made; if not, why, and what can be done. `worst` is what it is then.
pub(super) fn connect(attempt: &Attempt, reach: &Reach, worst: Grade, lang: Lang) -> Finding {
    let finding = |text| Finding::new("connect", lang.pick("connect", "连接"), text);
    let (ip, port) = (attempt.addr.ip(), attempt.addr.port());
    let (addr, took) = (attempt.addr, units::time(attempt.took.unwrap_or_default()));
    let (text, remedy) = match &attempt.outcome {
        Outcome::Listens => {
            return finding(tr!(
                lang,
                "not tried: the system's list of sockets shows the listener, and even an empty connection ends \
                 some servers (--connect tries it)",
                "没有去连：系统的套接字列表里已经有监听者，而有的服务端碰到一个空连接就会结束\
                 （加上 --connect 才会去连）"
            ));
        }
        Outcome::Connected(_) => {
            return finding(tr!(lang, "connected after {took}", "连上了，用了 {took}"));
        }
        Outcome::Refused => refused(attempt, lang),
        Outcome::TimedOut => timed_out(attempt, reach, lang),
        Outcome::Unreachable => (
            tr!(
                lang,
                "there is no route to {addr}: this machine's network has none, or no machine answers there",
                "到 {addr} 没有路：网络不通，或者那个地址上没有机器"
            ),
            tr!(
                lang,
                "check the address, the cable or Wi-Fi, and the routes: ip route",
                "检查地址有没有写错、网线或 Wi-Fi 有没有连好，再看看路由：ip route"
            ),
        ),
        Outcome::NoOwnPort => (
            tr!(
                lang,
                "no port of this machine is left to connect from, or {addr} is no address to connect to",
                "本机没有可用的端口来发起连接了，或者 {addr} 不是能连接的地址"
            ),
            tr!(
                lang,
                "see how many are in use: portlab ports; a closed connection frees its port after a minute",
                "看看用掉了多少：portlab ports；连接关闭一分钟后会让出端口"
            ),
        ),
        Outcome::Failed(_) if lacks_zone(addr) => (
            tr!(
                lang,
                "{addr} is an address within one network (link-local), and it is not said which",
                "{addr} 是只在一个网络内有效的地址（链路本地地址），但没有写是哪个网络"
            ),
            tr!(
                lang,
                "add the interface that leads there, as in [{ip}%eth0]:{port}; ip link lists them",
                "写上通往那里的网卡，比如 [{ip}%eth0]:{port}；ip link 会列出所有网卡"
            ),
        ),
        Outcome::Failed(error) => (
            tr!(
                lang,
                "it failed after {took}: {error}",
                "{took} 后失败：{error}"
            ),
            tr!(
                lang,
                "a firewall of this machine may forbid it: sudo iptables -L -n",
                "可能被本机的防火墙禁止：sudo iptables -L -n"
            ),
        ),
    };
    finding(text).graded(worst, remedy)
}

/// Whether an address lacks the interface without which it leads nowhere.
fn lacks_zone(addr: SocketAddr) -> bool {
    matches!(addr, SocketAddr::V6(it) if it.ip().is_unicast_link_local() && it.scope_id() == 0)
}

fn refused(attempt: &Attempt, lang: Lang) -> (String, String) {
    let port = attempt.addr.port();
    let Some(here) = &attempt.here else {
        return (
            tr!(
                lang,
                "refused: the machine is there, but no program listens on its port {port} (or a firewall \
                 says so)",
                "被拒绝：那台机器在，但它的端口 {port} 上没有程序监听（也可能是防火墙拒绝的）"
            ),
            tr!(
                lang,
                "start the server there, check the port, and see that it listens at 0.0.0.0 and not at \
                 127.0.0.1 only: portlab ports, run over there",
                "在那台机器上启动服务端，核对端口号，并确认它监听的是 0.0.0.0，而不只是 127.0.0.1：\
                 在那边运行 portlab ports"
            ),
        );
    };
    let elsewhere: Vec<_> = here.before.at(port).collect();
    if let Some(listener) = elsewhere.first() {
        return other_address(attempt, listener, here.before.sees_everybody, lang);
    }
    let udp = receives_udp(here, port, lang).unwrap_or_default();
    let text = tr!(
        lang,
        "refused: no program listens on port {port} of this machine{udp}",
        "被拒绝：本机的端口 {port} 上没有程序监听{udp}"
    );
    let addr = attempt.addr;
    // Advice works when it is typed: portlab serve sets SO_REUSEADDR.
    let can_start = |it: &Leftovers| it.reusing == Bind::Works;
    let start = if here.leftovers.as_ref().is_none_or(can_start) {
        tr!(
            lang,
            "start the server (portlab serve --bind {addr}), or check the port",
            "先启动服务端（portlab serve --bind {addr}），或者核对端口号"
        )
    } else {
        tr!(
            lang,
            "check the port; a server can't be started at it now, for what is left behind there",
            "核对端口号；因为有遗留的连接，这个端口现在还不能启动服务端"
        )
    };
    let near = near(&here.before, attempt, lang);
    (text, start + &near)
}

/// That a program receives UDP at a port where no program listens for TCP.
fn receives_udp(here: &Here, port: u16, lang: Lang) -> Option<String> {
    let receiver = here.before.receiving_at(port).next()?;
    let who = who(&receiver.programs, here.before.sees_everybody, lang);
    Some(tr!(
        lang,
        "; {who} receives UDP there, which has no connections",
        "；{who} 在那里接收 UDP，而 UDP 没有连接"
    ))
}

/// A program listens on the port, but at another address.
fn other_address(
    attempt: &Attempt,
    listener: &Listener,
    sees_everybody: bool,
    lang: Lang,
) -> (String, String) {
    let (ip, port) = (attempt.addr.ip(), attempt.addr.port());
    let addrs: Vec<_> = listener.addresses().collect();
    // What is advised can be typed, also where all addresses are listened at.
    let other = reached(SocketAddr::new(listener.addrs[0], port));
    let addrs = addrs.join(lang.pick(", ", "、"));
    let who = who(&listener.programs, sees_everybody, lang);
    let space = if listener.programs.is_empty() {
        ""
    } else {
        " "
    };
    let all = if ip.is_ipv6() { "[::]" } else { "0.0.0.0" };
    (
        tr!(
            lang,
            "refused: {who} does listen on port {port}, but only at {addrs}, and not at {ip}",
            "被拒绝：{who}{space}确实在监听端口 {port}，但只在 {addrs}，不在 {ip}"
        ),
        tr!(
            lang,
            "connect to {other}, or have the server bind {all}:{port}, which means all addresses",
            "改为连接 {other}，或者让服务端绑定 {all}:{port}，表示所有地址"
        ),
    )
}

/// The ports nearby that would have answered.
fn near(snapshot: &Snapshot, attempt: &Attempt, lang: Lang) -> String {
    let (ip, port) = (attempt.addr.ip(), attempt.addr.port());
    let mut heard: Vec<_> = snapshot
        .listeners
        .iter()
        .filter(|it| it.hears(ip))
        .collect();
    heard.sort_by_key(|it| it.port.abs_diff(port));
    heard.truncate(NEAR);
    if heard.is_empty() {
        return String::new();
    }
    let told = heard.iter().map(|it| {
        let who = who(&it.programs, snapshot.sees_everybody, lang);
        let port = it.port;
        tr!(lang, "{port}, {who}", "{port}，{who}")
    });
    let told: Vec<_> = told.collect();
    let told = told.join(lang.pick("; ", "；"));
    tr!(
        lang,
        ". Ports with a listener: {told}",
        "。有程序监听的端口：{told}"
    )
}

fn timed_out(attempt: &Attempt, reach: &Reach, lang: Lang) -> (String, String) {
    let patience = units::time(reach.patience);
    if let Some(listener) = attempt.heard() {
        let after = attempt.here.as_ref().and_then(|here| here.queue);
        let queue = after.unwrap_or(listener.queue);
        return (
            tr!(
                lang,
                "no answer within {patience}: the accept queue is full ({queue} wait in it), so the server \
                 listens and doesn't accept",
                "{patience} 内没有回应：等待队列满了（有 {queue} 个连接在排队），服务端在监听，\
                 却不接受（accept）连接"
            ),
            tr!(
                lang,
                "is it busy with one client, or does it hang? End the other clients or start it again; \
                 listen() may ask for a longer queue",
                "它是在忙着服务某个客户端，还是卡住了？关掉别的客户端，或者重新启动它；listen() 的参数\
                 可以要一个更长的队列"
            ),
        );
    }
    let text = tr!(lang, "no answer within {patience}", "{patience} 内没有回应");
    let remedy = match attempt.location {
        Location::Loopback | Location::Own(_) => tr!(
            lang,
            "a firewall of this machine drops the packets: sudo iptables -L -n",
            "被本机的防火墙丢掉了：sudo iptables -L -n"
        ),
        Location::SameNetwork(_) => tr!(
            lang,
            "is the machine on, and the address right? If it is, its firewall drops the packets: open the \
             port there (sudo ufw allow PORT)",
            "那台机器开着吗？地址写对了吗？如果都没问题，就是它的防火墙把连接丢掉了：在那边放行这个端口\
             （sudo ufw allow 端口号）"
        ),
        Location::Elsewhere => tr!(
            lang,
            "the address may be wrong, or a firewall on the way drops the packets; a slow network takes \
             longer: --timeout 30s",
            "地址可能写错了，或者路上的防火墙把连接丢掉了；网络慢的话可以多等一会儿：--timeout 30s"
        ),
    };
    (text, remedy)
}

/// As many neighbours are named.
const NEAR: usize = 3;
