//! Checks of loopback, ports and queues.

use portlab_words::{Text, tr};

use crate::doctor::{
    finding::Remark,
    machine::{COURSE_PORT, CoursePort, Facts},
};

/// Whether programs of this machine can connect to each other.
pub(super) fn loopback(facts: &Facts) -> Option<Remark> {
    Some(match &facts.loopback.v4 {
        None => Remark::new(tr!(
            "programs of this machine can connect to each other at 127.0.0.1",
            "本机的程序可以通过 127.0.0.1 互相通信"
        )),
        Some(error) => Remark::new(tr!(
            "programs of this machine can't connect to each other at 127.0.0.1 ({error}); every command needs that",
            "本机的程序不能通过 127.0.0.1 互相通信（{error:#}），portlab 什么也做不了"
        ))
        .problem(tr!(
            "switch the interface lo on: sudo ip link set lo up; if it is on, check the firewall",
            "启用 lo 网卡：sudo ip link set lo up；如果已经启用，就检查防火墙"
        )),
    })
}

/// Whether loopback has more addresses than 127.0.0.1.
pub(super) fn second_address(facts: &Facts) -> Option<Remark> {
    Some(match &facts.loopback.second {
        None => Remark::new(tr!(
            "more addresses on loopback: a load of more connections than ports can use them (--source auto)",
            "回环上还有更多地址：连接数比端口还多的压测可以用它们（--source auto）"
        )),
        Some(error) => Remark::new(tr!(
            "not available ({error}): a load can use the ports of one address only",
            "不可用（{error:#}）：压测只能用一个地址的端口"
        ))
        .note(tr!(
            "keep to fewer connections than there are ports",
            "让连接数少于端口数"
        )),
    })
}

/// Whether loopback has IPv6.
pub(super) fn ipv6(facts: &Facts) -> Option<Remark> {
    Some(match &facts.loopback.v6 {
        None => Remark::new(tr!("works on loopback: [::1]", "回环上可用：[::1]")),
        Some(error) => Remark::new(tr!(
            "not available on loopback ({error}); nothing in the course needs it",
            "回环上不可用（{error:#}）；课程里用不到它"
        ))
        .note(tr!(
            "switch it on: sudo sysctl -w net.ipv6.conf.lo.disable_ipv6=0",
            "要启用它：sudo sysctl -w net.ipv6.conf.lo.disable_ipv6=0"
        )),
    })
}

/// Whether the course's server can start.
pub(super) fn course_port(facts: &Facts) -> Option<Remark> {
    let another = || {
        tr!(
            "end that program, or take another port: portlab serve --bind 127.0.0.1:8081",
            "结束那个程序，或者换一个端口：portlab serve --bind 127.0.0.1:8081"
        )
    };
    Some(match &facts.course_port {
        CoursePort::Free => Remark::new(tr!(
            "free: the course's server can bind it",
            "空闲：课程里的服务端可以绑定它"
        )),
        CoursePort::Held(programs) if programs.is_empty() => Remark::new(tr!(
            "taken by another user's program: the course's server can't bind it",
            "被其他用户的程序占用：课程里的服务端绑定不了"
        ))
        .note(tr!(
            "see which program it is: sudo portlab ports {COURSE_PORT}; or take another port",
            "看看是哪个程序：sudo portlab ports {COURSE_PORT}；或者换一个端口"
        )),
        CoursePort::Held(programs) => {
            let names = Text::join(programs, ", ", "、");
            Remark::new(tr!(
                "taken by {names}: the course's server can't bind it",
                "被 {names:#} 占用：课程里的服务端绑定不了"
            ))
            .note(another())
        }
        CoursePort::LeftBehind(left) => {
            let left = left.tell();
            Remark::new(tr!(
                "no program listens on it, but: {left}",
                "没有程序监听它，但是：{left:#}"
            ))
            .note(tr!(
                "wait that long; for the future, let the server call this before bind(), each time it starts: \
                 setsockopt(SOL_SOCKET, SO_REUSEADDR, True)",
                "等一等；服务端从第一次启动起，就在 bind 之前加上一句 \
                 setsockopt(SOL_SOCKET, SO_REUSEADDR, True)"
            ))
        }
        CoursePort::Refused(error) => {
            Remark::new(tr!("can't be bound: {error}", "绑定不了：{error:#}")).note(another())
        }
    })
}

/// The ports of outgoing connections.
pub(super) fn ports(facts: &Facts) -> Option<Remark> {
    let range = facts.range.as_ref()?;
    let (count, in_use) = (range.count(), facts.in_use);
    let kept = match facts.reuses_time_wait {
        (true, true) => tr!(
            "the port of a closed connection is handed out again after a second",
            "连接关闭一秒后，它的端口就可以再次分配"
        ),
        (true, false) => tr!(
            "the port of a closed connection is handed out again after a second on loopback, elsewhere after a \
             minute",
            "连接关闭后，它的端口在回环上一秒、在其他网络上一分钟才能再次分配"
        ),
        _ => tr!(
            "the port of a closed connection is handed out again after a minute",
            "连接关闭一分钟后，它的端口才能再次分配"
        ),
    };
    let finding = Remark::new(tr!(
        "{count} for outgoing connections to one address ({range}), {in_use} in use; {kept}",
        "到同一个地址的连接有 {count} 个端口可用（{range}），已用 {in_use} 个；{kept:#}"
    ));
    let crowded = in_use * 10 > count * 8;
    Some(finding.note_if(
        count < FEW_PORTS || crowded,
        tr!(
            "allow more: sudo sysctl -w net.ipv4.ip_local_port_range=\"15000 60999\"; or give the load \
             --source auto",
            "增加端口：sudo sysctl -w net.ipv4.ip_local_port_range=\"15000 60999\"；压测时也可以加 \
             --source auto"
        ),
    ))
}

/// The longest accept queue.
pub(super) fn backlog(facts: &Facts) -> Option<Remark> {
    let most = facts.somaxconn?;
    let finding = Remark::new(tr!(
        "up to {most} connections can wait for a server to accept them (net.core.somaxconn), if its \
         listen() asks for so many",
        "最多 {most} 个连接可以排队等服务端 accept（net.core.somaxconn），前提是 listen() 的参数也有这么大"
    ));
    Some(finding.note_if(
        u64::from(most) < SHORT_QUEUE,
        tr!(
            "allow more: sudo sysctl -w net.core.somaxconn=4096",
            "放宽限制：sudo sysctl -w net.core.somaxconn=4096"
        ),
    ))
}

/// The connections that the firewall tracks; nothing if it tracks none.
pub(super) fn conntrack(facts: &Facts) -> Option<Remark> {
    let (now, most) = facts.conntrack?;
    let finding = Remark::new(tr!(
        "tracks {now} connections and can track {most}; with more, it drops packets",
        "正在跟踪 {now} 个连接，最多 {most} 个；超过就会丢包"
    ));
    Some(finding.note_if(
        most.saturating_sub(now) < SMALL_ROOM,
        tr!(
            "allow more: sudo sysctl -w net.netfilter.nf_conntrack_max=262144",
            "放宽限制：sudo sysctl -w net.netfilter.nf_conntrack_max=262144"
        ),
    ))
}

/// A load of ten thousand connections needs this many ports.
const FEW_PORTS: usize = 10_000;
/// Before Linux 5.4 the limit was 128, which a burst of connections overruns.
const SHORT_QUEUE: u64 = 1_024;
const SMALL_ROOM: u64 = 10_000;
