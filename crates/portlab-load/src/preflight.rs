//! Warnings before the run, from the plan and the machine's limits alone.

use std::{net::IpAddr, time::Duration};

use portlab_sys::{limits, machine::machine};
use portlab_words::{Text, tr, units};

use crate::{Http, Plan, Target};

/// The limits of a machine that a run may meet.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Processors.
    pub cores: usize,
    /// Local ports that the system gives to connections, for each source address.
    pub ports: u64,
    /// Whether a port in TIME_WAIT is given to another connection after a second, on loopback and elsewhere.
    pub reuses_time_wait: (bool, bool),
    /// The longest accept queue that the kernel allows a server; `None` if that is unknown.
    pub somaxconn: Option<u64>,
    /// Connections that the kernel's firewall follows now, and can follow; `None` when it follows none.
    pub conntrack: Option<(u64, u64)>,
}

/// How long a closed connection keeps its port, on Linux.
const TIME_WAIT: Duration = Duration::from_secs(60);

impl Limits {
    /// Those of this machine.
    pub fn of_this_machine() -> Self {
        let machine = machine();
        let (first, last) = machine.port_range;
        Self {
            cores: machine.cores,
            ports: u64::from(last.saturating_sub(first)) + 1,
            reuses_time_wait: limits::reuses_time_wait(),
            somaxconn: machine.somaxconn.map(u64::from),
            conntrack: limits::conntrack(),
        }
    }
}

/// Warns of what will go wrong with `plan` on a machine with these `limits`, or will make the figures misleading. Too
/// few file descriptors are an error of [`Plan::check`], not a warning.
pub fn preflight(plan: &Plan, limits: &Limits) -> Vec<Text> {
    let loopback = plan.is_local();
    let churn = churn_within(plan, TIME_WAIT);
    let within_a_minute = (plan.connections as u64).saturating_add(churn);
    let at_once = plan.connecting_at_once() as u64;
    let slow = slowness(plan);
    let mut warnings: Vec<_> = ports(plan, limits, within_a_minute).into_iter().collect();
    let mut warn = |applies: bool, warning: Text| {
        if applies {
            warnings.push(warning);
        }
    };
    if let Some(somaxconn) = limits.somaxconn {
        warn(
            loopback && at_once > somaxconn,
            tr!(
                "{at_once} connections are begun at once and an accept queue holds {somaxconn} \
                 (net.core.somaxconn): some will take 1 s, 3 s, ...; use fewer --threads",
                "同时发起 {at_once} 个连接，而 accept 队列只能容纳 {somaxconn} 个（net.core.somaxconn）：有些连接要等 1 s、3 s……；\
                 请减少 --threads"
            ),
        );
    }
    let room = limits.conntrack.map(|(now, most)| most.saturating_sub(now));
    if let Some(room) = room {
        warn(
            within_a_minute > room,
            tr!(
                "{within_a_minute} connections, and the firewall has room for {room}: it will drop packets; raise \
                 net.netfilter.nf_conntrack_max",
                "有 {within_a_minute} 个连接，而防火墙只能跟踪 {room} 个：它会丢弃数据包；请调高 \
                 net.netfilter.nf_conntrack_max"
            ),
        );
    }
    let (threads, cores) = (plan.threads.min(plan.connections), limits.cores);
    warn(
        threads > cores,
        tr!(
            "{threads} threads share {cores} cores, and latencies contain their waiting; use fewer --threads",
            "{threads} 个线程轮流使用 {cores} 个核，延迟中包含了等待；请减少 --threads"
        ),
    );
    let [takes, timeout] = [slow, plan.timeout].map(units::time);
    warn(
        slow > plan.timeout,
        tr!(
            "at the pace of this client a message takes {takes}, and an answer may take {timeout}: all will time \
             out; raise --timeout, or send a shorter message",
            "按这个客户端的节奏，一条消息要 {takes}，而响应最多等 {timeout}：全部会超时；请调高 --timeout，或缩短消息"
        ),
    );
    if let Some(Http { urls, .. }) = plan.script.http() {
        let fragments = urls.iter().filter_map(|url| url.fragment.as_ref());
        for fragment in fragments {
            warnings.push(tr!(
                "#{fragment} is not sent: what follows # in a URL is for browsers",
                "#{fragment} 不会发送：网址中 # 之后的部分是给浏览器用的"
            ));
        }
    }
    warnings
}

/// Whether there are too few local ports.
fn ports(plan: &Plan, limits: &Limits, within_a_minute: u64) -> Option<Text> {
    let connections = plan.connections as u64;
    let loopback = plan.is_local();
    let ports = limits.ports * plan.life.sources.len().max(1) as u64;
    let (on_loopback, elsewhere) = limits.reuses_time_wait;
    let keeps_ports = !plan.life.reset && !(if loopback { on_loopback } else { elsewhere });
    if connections <= ports && keeps_ports && within_a_minute > ports {
        return Some(tr!(
            "{within_a_minute} connections within a minute take a local port each, which stays taken for a minute \
             (TIME_WAIT), and there are {ports}; add --source with more addresses, or --reset",
            "一分钟内的 {within_a_minute} 个连接各占用一个本地端口一分钟（TIME_WAIT），而只有 {ports} 个；请用 --source \
             加上更多地址，或使用 --reset"
        ));
    }
    let remedy = match loopback {
        true => Text::new("add --source auto", "请加上 --source auto"),
        false => Text::new(
            "add --source with more addresses of this machine, or widen net.ipv4.ip_local_port_range",
            "请用 --source 加上本机的更多地址，或扩大 net.ipv4.ip_local_port_range",
        ),
    };
    let Text { en, zh } = remedy;
    (connections > ports).then(|| {
        tr!(
            "{connections} connections need a local port each and there are {ports}: the rest will fail; {en}",
            "{connections} 个连接各需要一个本地端口，而只有 {ports} 个：其余的会失败；{zh}"
        )
    })
}

/// How many connections churn makes within `time`, as far as that follows from the plan.
fn churn_within(plan: &Plan, time: Duration) -> u64 {
    let Some(each) = plan.per_connection() else {
        return 0;
    };
    let share = |length: Duration| time.as_secs_f64().min(length.as_secs_f64());
    let length_s = plan.stop.after.map_or(time.as_secs_f64(), share);
    let by_rate = plan.pace.rate_per_s().map(|it| (it * length_s) as u64);
    let messages = by_rate.into_iter().chain(plan.stop.messages).min();
    messages.unwrap_or(0) / each.max(1)
}

/// How long the slowest message takes because of how the client behaves.
fn slowness(plan: &Plan) -> Duration {
    let behaviour = plan.script.behaviour;
    let longest = *plan.script.sizes().end() as u64;
    let in_flight = longest.saturating_mul(plan.depth as u64);
    let sending = |gap: Duration| gap.as_secs_f64() * in_flight as f64;
    let sending = behaviour.trickle.map_or(0.0, sending);
    let echoed = in_flight * u64::from(plan.checks_every_byte());
    let reading = |rate: u64| echoed as f64 / rate as f64;
    let reading = behaviour.read_per_s.map_or(0.0, reading);
    Duration::try_from_secs_f64(sending.max(reading)).unwrap_or(Duration::MAX)
}

/// As many source addresses on loopback as `plan` needs, for `--source auto`; `None` when there is
/// only one, because the target is elsewhere or IPv6.
pub fn loopback_sources(plan: &Plan, limits: &Limits) -> Option<Vec<IpAddr>> {
    let is_loopback = |target: &Target| {
        let ip = target.addr().map(|addr| addr.ip());
        ip.is_some_and(|ip| ip.is_ipv4() && ip.is_loopback())
    };
    if !plan.targets.iter().all(is_loopback) {
        return None;
    }
    // The rate of churn isn't known beforehand: eight addresses are enough for a few thousand connections a second.
    let churns = u64::from(plan.per_connection().is_some()) * 8;
    let connections = (plan.connections as u64).saturating_add(churn_within(plan, TIME_WAIT));
    let needed = connections.div_ceil(limits.ports);
    let count = needed.max(churns).clamp(2, 250);
    // 127.0.0.1 is left to the other programs of this machine.
    let sources = (2..=count + 1).map(|last| IpAddr::from([127, 0, 0, last as u8]));
    Some(sources.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Arrivals, Pace, Stop};

    const LIMITS: Limits = Limits {
        cores: 2,
        ports: 28_232,
        reuses_time_wait: (true, false),
        somaxconn: Some(4096),
        conntrack: None,
    };

    fn plan(target: &str, connections: usize) -> Plan {
        Plan {
            connections,
            ..Plan::new(addr(target))
        }
    }

    fn addr(text: &str) -> Target {
        Target::Tcp(text.parse().unwrap())
    }

    fn texts(plan: &Plan, limits: &Limits) -> Vec<String> {
        preflight(plan, limits)
            .iter()
            .map(Text::to_string)
            .collect()
    }

    #[test]
    fn an_ordinary_plan_and_unknown_limits_give_no_warning() {
        assert_eq!(texts(&plan("127.0.0.1:9", 15_000), &LIMITS), [""; 0]);
        let mut unknown = LIMITS;
        unknown.somaxconn = None;
        assert_eq!(texts(&plan("127.0.0.1:9", 200), &unknown), [""; 0]);
    }

    #[test]
    fn more_connections_than_ports_are_told_with_the_remedy() {
        let mut plan = plan("127.0.0.1:9", 40_000);
        assert!(texts(&plan, &LIMITS)[0].contains("--source auto"));
        plan.life.sources = loopback_sources(&plan, &LIMITS).unwrap();
        assert_eq!(plan.life.sources.len(), 2);
        assert_eq!(texts(&plan, &LIMITS), [""; 0]);
        plan.targets = vec![addr("192.0.2.1:9")];
        plan.life.sources.clear();
        assert!(texts(&plan, &LIMITS)[0].contains("ip_local_port_range"));
        assert_eq!(loopback_sources(&plan, &LIMITS), None);
    }

    #[test]
    fn churn_that_outruns_time_wait_is_told_where_ports_are_not_reused() {
        let mut plan = plan("192.0.2.1:9", 10);
        plan.life.per_connection = Some(1);
        plan.stop = Stop::messages(40_000);
        assert!(texts(&plan, &LIMITS)[0].contains("TIME_WAIT"));
        plan.life.reset = true;
        assert_eq!(texts(&plan, &LIMITS), [""; 0], "no TIME_WAIT");
        plan.life.reset = false;
        plan.targets = vec![addr("127.0.0.1:9")];
        assert_eq!(texts(&plan, &LIMITS), [""; 0], "loopback reuses its ports");
        plan.targets = vec![addr("192.0.2.1:9")];
        plan.stop = Stop::after(Duration::from_secs(600));
        plan.pace = Pace::Open {
            rate_per_s: 1_000.0,
            arrivals: Arrivals::Uniform,
        };
        assert!(texts(&plan, &LIMITS)[0].starts_with("60010 connections"));
    }

    #[test]
    fn the_other_limits_are_told_too() {
        let mut limits = LIMITS;
        limits.somaxconn = Some(16);
        limits.conntrack = Some((900, 1_000));
        let mut plan = plan("127.0.0.1:9", 200);
        plan.threads = 3;
        plan.script.behaviour.trickle = Some(Duration::from_secs(1));
        let texts = texts(&plan, &limits);
        let parts = [
            "holds 16",
            "room for 100",
            "3 threads share 2",
            "takes 64.0 s",
        ];
        assert_eq!(texts.len(), parts.len());
        for (text, part) in texts.iter().zip(parts) {
            assert!(text.contains(part), "{text}");
        }
    }
}
