//! The step that fails most often: connecting.

use std::net::SocketAddr;

use portlab_sys::listening::reached;
use portlab_words::{Text, tr, units};

use crate::{
    doctor::{
        finding::Remark,
        reach::{Attempt, Here, Location, Outcome, Reach},
    },
    leftovers::{Bind, Leftovers},
    listeners::Listener,
    snapshot::Snapshot,
};

use super::worst;

/// Whether the connection was made; if it wasn't, why, and what can be done.
pub(super) fn connect(attempt: &Attempt, reach: &Reach) -> Option<Remark> {
    let (ip, port) = (attempt.addr.ip(), attempt.addr.port());
    let (addr, took) = (attempt.addr, units::time(attempt.took.unwrap_or_default()));
    let (text, remedy) = match &attempt.outcome {
        Outcome::Listens => {
            return Some(Remark::new(tr!(
                "not tried: the system's list of sockets shows the listener, and even an empty connection ends \
                 some servers (--connect tries it)",
                "没有去连：系统的套接字列表里已经有监听者，而有的服务端碰到一个空连接就会结束\
                 （加上 --connect 才会去连）"
            )));
        }
        Outcome::Connected(_) => {
            let text = tr!("connected after {took}", "连上了，用了 {took}");
            return Some(Remark::new(text));
        }
        Outcome::Refused => refused(attempt),
        Outcome::TimedOut => timed_out(attempt, reach),
        Outcome::Unreachable => (
            tr!(
                "no route leads to {addr}: the network is down, or no machine has this address",
                "没有到 {addr} 的路由：网络不通，或者那个地址上没有机器"
            ),
            tr!(
                "check the address, the cable or Wi-Fi, and the routes: ip route",
                "检查地址有没有写错、网线或 Wi-Fi 有没有连好，再看看路由：ip route"
            ),
        ),
        Outcome::NoOwnPort => (
            tr!(
                "no port of this machine is left to connect from, or {addr} can't be connected to",
                "本机没有可用的端口来发起连接了，或者 {addr} 不是能连接的地址"
            ),
            tr!(
                "see how many are in use: portlab ports; a closed connection frees its port after a minute",
                "看看用掉了多少：portlab ports；连接关闭一分钟后会让出端口"
            ),
        ),
        Outcome::Failed(_) if lacks_zone(addr) => (
            tr!(
                "{addr} is valid within one network only (link-local), and the network isn't given",
                "{addr} 是只在一个网络内有效的地址（链路本地地址），但没有写是哪个网络"
            ),
            tr!(
                "add the interface of that network, as in [{ip}%eth0]:{port}; ip link lists the interfaces",
                "写上通往那里的网卡，比如 [{ip}%eth0]:{port}；ip link 会列出所有网卡"
            ),
        ),
        Outcome::Failed(error) => (
            tr!("failed after {took}: {error}", "{took} 后失败：{error:#}"),
            tr!(
                "a firewall of this machine may forbid the connection: sudo iptables -L -n",
                "可能被本机的防火墙禁止：sudo iptables -L -n"
            ),
        ),
    };
    Some(Remark::new(text).graded(worst(reach), remedy))
}

/// Whether a link-local address lacks the interface that it needs.
fn lacks_zone(addr: SocketAddr) -> bool {
    matches!(addr, SocketAddr::V6(it) if it.ip().is_unicast_link_local() && it.scope_id() == 0)
}

fn refused(attempt: &Attempt) -> (Text, Text) {
    let port = attempt.addr.port();
    let Some(here) = &attempt.here else {
        return (
            tr!(
                "refused: the machine answers, but no program listens on its port {port} (or a firewall \
                 refuses)",
                "被拒绝：那台机器在运行，但它的端口 {port} 上没有程序监听（也可能是防火墙拒绝的）"
            ),
            tr!(
                "start the server there and check the port; the server must listen at 0.0.0.0, not at \
                 127.0.0.1 only: run portlab ports on that machine",
                "在那台机器上启动服务端，核对端口号，并确认它监听的是 0.0.0.0，而不只是 127.0.0.1：\
                 在那边运行 portlab ports"
            ),
        );
    };
    if let Some(listener) = here.before.at(port).next() {
        return other_address(attempt, listener, &here.before);
    }
    let udp = receives_udp(here, port);
    let text = tr!(
        "refused: no program listens on port {port} of this machine{udp}",
        "被拒绝：本机的端口 {port} 上没有程序监听{udp:#}"
    );
    let addr = attempt.addr;
    // portlab serve sets SO_REUSEADDR, so the advice works if the option helps.
    let can_start = |it: &Leftovers| it.reusing == Bind::Works;
    let start = if here.leftovers.as_ref().is_none_or(can_start) {
        tr!(
            "start the server (portlab serve --bind {addr}), or check the port",
            "先启动服务端（portlab serve --bind {addr}），或者核对端口号"
        )
    } else {
        tr!(
            "check the port; a server can't be started on it now, because connections are left behind there",
            "核对端口号；因为有遗留的连接，这个端口现在还不能启动服务端"
        )
    };
    let near = near(&here.before, attempt);
    (text, tr!("{start}{near}", "{start:#}{near:#}"))
}

/// Says which program receives UDP at a port where no program listens for TCP.
fn receives_udp(here: &Here, port: u16) -> Text {
    let Some(receiver) = here.before.receiving_at(port).next() else {
        return NOTHING;
    };
    let program = here.before.subject(&receiver.programs);
    tr!(
        "; {program} receives UDP there, which has no connections",
        "；{program:#}在那里接收 UDP，而 UDP 没有连接"
    )
}

/// A program listens on the port, but at another address.
fn other_address(attempt: &Attempt, listener: &Listener, snapshot: &Snapshot) -> (Text, Text) {
    let (ip, port) = (attempt.addr.ip(), attempt.addr.port());
    // If the server listens at all addresses, the advice names loopback, which can be connected to.
    let other = reached(SocketAddr::new(listener.addrs[0], port));
    let (program, addrs) = (snapshot.subject(&listener.programs), listener.addresses());
    let all = if ip.is_ipv6() { "[::]" } else { "0.0.0.0" };
    (
        tr!(
            "refused: {program} listens on port {port}, but only at {addrs}, not at {ip}",
            "被拒绝：{program:#}确实在监听端口 {port}，但只在 {addrs:#}，不在 {ip}"
        ),
        tr!(
            "connect to {other}, or have the server bind {all}:{port}, which means all addresses",
            "改为连接 {other}，或者让服务端绑定 {all}:{port}，表示所有地址"
        ),
    )
}

/// The nearest ports of the same address that have a listener.
fn near(snapshot: &Snapshot, attempt: &Attempt) -> Text {
    let (ip, port) = (attempt.addr.ip(), attempt.addr.port());
    let others = snapshot.listeners.iter().filter(|it| it.receives(ip));
    let mut others: Vec<_> = others.collect();
    others.sort_by_key(|it| it.port.abs_diff(port));
    others.truncate(NEAR);
    if others.is_empty() {
        return NOTHING;
    }
    let others = others.iter().map(|it| {
        let (port, names) = (it.port, snapshot.names(&it.programs));
        tr!("{port}, {names}", "{port}，{names:#}")
    });
    let others = Text::join(others, "; ", "；");
    tr!(
        ". Ports with a listener: {others}",
        "。有程序监听的端口：{others:#}"
    )
}

fn timed_out(attempt: &Attempt, reach: &Reach) -> (Text, Text) {
    let timeout = units::time(reach.timeout);
    if let Some(listener) = attempt.listener() {
        let after = attempt.here.as_ref().and_then(|here| here.queue);
        let queue = after.unwrap_or(listener.figures.waiting);
        return (
            tr!(
                "no answer within {timeout}: the accept queue is full ({queue} wait in it), because the \
                 server listens and doesn't accept",
                "{timeout} 内没有响应：accept 队列满了（有 {queue} 个连接在排队），服务端在监听，\
                 却不接受（accept）连接"
            ),
            tr!(
                "the server may be busy with one client, or hang: end the other clients, or start the server \
                 again; listen() may ask for a longer queue",
                "它是在忙着服务某个客户端，还是卡住了？关掉别的客户端，或者重新启动它；listen() 的参数\
                 可以要一个更长的队列"
            ),
        );
    }
    let text = tr!("no answer within {timeout}", "{timeout} 内没有响应");
    let remedy = match attempt.location {
        Location::Loopback | Location::Own(_) => tr!(
            "a firewall of this machine drops the packets: sudo iptables -L -n",
            "数据包被本机的防火墙丢掉了：sudo iptables -L -n"
        ),
        Location::SameNetwork(_) => tr!(
            "check that the machine is on and the address is right; if both are, the machine's firewall drops \
             the packets: open the port there (sudo ufw allow PORT)",
            "那台机器开着吗？地址写对了吗？如果都没问题，就是它的防火墙把数据包丢掉了：在那边放行这个端口\
             （sudo ufw allow 端口号）"
        ),
        Location::Elsewhere => tr!(
            "the address may be wrong, or a firewall on the way drops the packets; a slow network takes \
             longer: --timeout 30s",
            "地址可能写错了，或者中途的防火墙把数据包丢掉了；网络慢的话可以多等一会儿：--timeout 30s"
        ),
    };
    (text, remedy)
}

const NOTHING: Text = Text::new("", "");

/// The most ports that are named.
const NEAR: usize = 3;
