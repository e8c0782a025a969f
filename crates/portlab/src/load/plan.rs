//! From the command line to a plan.

use std::{net::IpAddr, ops::RangeInclusive, time::Duration};

use anyhow::{Context, bail};
use portlab_load::{
    ClientBehaviour, Expect, Expectation, Framing, Life, Limits, Pace, Payload, Plan, Script, Stop,
    loopback_sources,
};
use portlab_words::{Text, tr, units};

use super::{Args, ScriptArgs, chat, http, messages, target};
use crate::address::narrow;

/// One rate, or the ends of a range, per second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rates {
    pub(super) from: f64,
    pub(super) to: f64,
}

impl Rates {
    pub(super) fn is_range(self) -> bool {
        self.from < self.to
    }
}

/// The shortest and the longest message.
pub(super) type Sizes = RangeInclusive<usize>;

/// Where connections come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sources {
    Auto,
    These(Vec<IpAddr>),
}

/// Reads `RATE` or `FROM..TO`.
pub(super) fn rates(text: &str) -> anyhow::Result<Rates> {
    let (from, to) = range(text, "1k..20k", units::rate("0.001", "10M"))?;
    if from == to && text.contains("..") {
        bail!(tr!(
            "both ends of {text:?} are the same; write one rate, or two, such as 1k..20k",
            "{text:?} 两端相同；请写一个速率，或两个，如 1k..20k"
        ));
    }
    Ok(Rates { from, to })
}

/// Reads `SIZE` or `FROM..TO`.
pub(super) fn sizes(text: &str) -> anyhow::Result<Sizes> {
    let (from, to) = range(text, "16..1KiB", units::size("1", "64MiB"))?;
    Ok(from..=to)
}

/// Reads a range such as `example`, or one value, which is both its ends.
fn range<T: PartialOrd + Copy>(
    text: &str,
    example: &str,
    read: impl units::Parse<T>,
) -> anyhow::Result<(T, T)> {
    let Some((from, to)) = text.split_once("..") else {
        let value = read(text)?;
        return Ok((value, value));
    };
    if from.is_empty() || to.is_empty() {
        bail!(tr!(
            "{text:?} has one end; write both ends, such as {example}",
            "{text:?} 只有一端；请写两端，如 {example}"
        ));
    }
    let (from, to) = (read(from)?, read(to)?);
    if from > to {
        bail!(tr!(
            "the range {text:?} goes down; write the lower end first, as in {example}",
            "{text:?} 是递减的；请先写较小的一端，如 {example}"
        ));
    }
    Ok((from, to))
}

/// Reads how many threads generate the load. In ab, `-t` is a time.
pub(super) fn threads(text: &str) -> anyhow::Result<u64> {
    if units::duration("0s", "7d")(text).is_ok() && text != "0" {
        bail!(tr!(
            "{text:?} is a time, and -t is a number of threads; write --duration {text}",
            "{text:?} 是时间，而 -t 是线程数；请写 --duration {text}"
        ));
    }
    Ok(units::count("1", "1k")(text)?)
}

/// Reads `auto` or addresses.
pub(super) fn sources(text: &str) -> anyhow::Result<Sources> {
    let text = narrow(text);
    if text == "auto" {
        return Ok(Sources::Auto);
    }
    let read = |part: &str| {
        part.trim().parse().with_context(|| {
            tr!(
                "invalid source {part:?}: expected auto, or addresses such as 127.0.0.2,127.0.0.3",
                "源地址 {part:?} 无效：请写 auto，或 127.0.0.2,127.0.0.3 这样的地址"
            )
        })
    };
    Ok(Sources::These(
        text.split(',').map(read).collect::<anyhow::Result<_>>()?,
    ))
}

/// Resolves the arguments to a plan. Its sources are chosen by [`sources_for`].
pub(super) fn plan(args: &Args) -> anyhow::Result<Plan> {
    let connections = &args.connections;
    let urls = http::urls(args)?;
    let targets: anyhow::Result<Vec<_>> = match &urls {
        Some(urls) => urls.iter().map(|url| http::target(url, args)).collect(),
        None => {
            let read = |text: &String| target::target(text, connections.connect_timeout);
            args.targets.iter().map(read).collect()
        }
    };
    let targets = targets?;
    if args.pace.steps.is_some() && !args.pace.rate.is_some_and(Rates::is_range) {
        bail!(Text::new(
            "--steps divides a range of rates, and there is one rate; write --rate 1k..20k",
            "--steps 用来划分速率范围，而这里只有一个速率；请写 --rate 1k..20k",
        ));
    }
    if args.script.dialogue.is_some() && connections.per_connection.is_some() {
        bail!(Text::new(
            "--per-connection: a connection is closed after the last step of its --dialogue; write repeat N and end in \
             the file",
            "--per-connection：连接在 --dialogue 的最后一步之后关闭；请在文件里写 repeat N 和 end",
        ));
    }
    check_find(args)?;
    let seconds = if args.limits.find().is_empty() { 10 } else { 3 };
    let usual = Some(Duration::from_secs(seconds)).filter(|_| args.stop.messages.is_none());
    let stop = Stop {
        after: args.stop.duration.or(usual),
        messages: args.stop.messages,
        errors: args.stop.max_errors,
    };
    let warmup = args.stop.warmup.unwrap_or_else(|| {
        // An idle run sends nothing, so it needs no warm-up.
        if args.pace.idle {
            return Duration::ZERO;
        }
        let duration = stop.after.unwrap_or(Duration::from_secs(10));
        (duration / 10).min(Duration::from_secs(1))
    });
    let hosts: anyhow::Result<Vec<_>> = match &urls {
        Some(urls) => urls.iter().map(|url| Ok(url.name().to_owned())).collect(),
        None => args.targets.iter().map(|it| target::host_of(it)).collect(),
    };
    let is_https = urls.as_ref().is_some_and(|urls| urls[0].tls);
    let tls = args.tls.plan(&hosts?, is_https)?;
    let base = Plan::new(targets[0].clone());
    Ok(Plan {
        connections: usize::try_from(connections.connections)?,
        life: Life {
            ramp: connections.ramp,
            per_connection: connections.per_connection,
            reset: connections.reset,
            reconnect: connections.reconnect.unwrap_or(urls.is_some()),
            sources: Vec::new(),
        },
        threads: usize::try_from(connections.threads)?,
        spin: args.pace.spin,
        pace: pace(args),
        depth: usize::try_from(args.pace.depth)?,
        script: match (urls, &args.script.script) {
            (Some(urls), _) => http::script(args, urls)?,
            (None, Some(_)) => chat::script(args)?,
            (None, None) => script(&args.script, args.pace.seed)?,
        },
        warmup,
        stop,
        connect_timeout: connections.connect_timeout,
        timeout: connections.timeout,
        interval: super::show::INTERVAL,
        seed: args.pace.seed,
        tls,
        targets,
        ..base
    })
}

/// Checks the options of an open loop against each other.
fn check_find(args: &Args) -> anyhow::Result<()> {
    let finds = !args.limits.find().is_empty();
    let is_open = finds || args.pace.rate.is_some();
    if args.pace.arrivals.is_some() && !is_open {
        bail!(Text::new(
            "--arrivals spreads the messages of an open loop; add --rate or --find",
            "--arrivals 用来分布开环的消息；请加上 --rate 或 --find",
        ));
    }
    if finds && args.pace.rate.is_some_and(|it| !it.is_range()) {
        bail!(Text::new(
            "--find tries many rates, and --rate gives one; write the range of interest, such as --rate 1k..20k, or \
             leave it out",
            "--find 要试很多速率，而 --rate 只给了一个；请写感兴趣的范围，如 --rate 1k..20k，或者去掉它",
        ));
    }
    Ok(())
}

fn pace(args: &Args) -> Pace {
    let arrivals = args.pace.arrivals.unwrap_or_default();
    match args.pace.rate {
        _ if args.pace.idle => Pace::Idle,
        Some(rates) => Pace::Open {
            rate_per_s: rates.from,
            arrivals,
        },
        None if !args.limits.find().is_empty() => Pace::Open {
            rate_per_s: super::find::START_PER_S,
            arrivals,
        },
        None => Pace::Closed,
    }
}

fn script(args: &ScriptArgs, seed: u64) -> anyhow::Result<Script> {
    let in_encoding = |expect: &Expect| expect.clone().in_encoding(args.encoding);
    let greeting = args.greeting.as_ref().map(in_encoding).transpose()?;
    let greeting = greeting.map(Expect::as_greeting).transpose()?;
    let expect = args.expect.clone().map(Expectation::with_its_end);
    let expect = expect.transpose()?.unwrap_or(Framing::Echo.into());
    if args.any_answer && args.dialogue.is_none() && expect.framing == Framing::Echo {
        bail!(Text::new(
            "--any-answer is for answers that aren't compared byte by byte, and --expect is echo; write \
             --expect until:\"\\r\\n\", lines:1, bytes:100 or close",
            "--any-answer 用于不逐字节核对的响应，而 --expect 是 echo；请写 --expect until:\"\\r\\n\"、lines:1、bytes:100 或 \
             close",
        ));
    }
    let mut script = Script {
        payload: Payload::Random(size(args)),
        expect: in_encoding(&expect)?,
        program: None,
        greeting,
        introduction: Vec::new(),
        any_answer: args.any_answer,
        chat: None,
        behaviour: behaviour(args),
    };
    messages::add_messages(&mut script, args, seed)?;
    Ok(script)
}

/// How the client sends and reads.
pub(super) fn behaviour(args: &ScriptArgs) -> ClientBehaviour {
    ClientBehaviour {
        trickle: args.trickle,
        read_per_s: args.slow_reader.map(|rate| rate as u64),
    }
}

/// The lengths of random messages.
pub(super) fn size(args: &ScriptArgs) -> Sizes {
    args.size.clone().unwrap_or(64..=64)
}

/// The plan of the highest rate: of a ladder, its last rung.
pub(super) fn at_the_highest_rate(plan: &Plan, args: &Args) -> Plan {
    let mut most = plan.clone();
    if let (Pace::Open { rate_per_s, .. }, Some(rates)) = (&mut most.pace, args.pace.rate) {
        *rate_per_s = rates.to;
    }
    most
}

/// Where the connections of `plan` come from.
pub(super) fn sources_for(
    plan: &Plan,
    args: &Args,
    limits: &Limits,
) -> anyhow::Result<Vec<IpAddr>> {
    let sources = match &args.connections.source {
        None => Vec::new(),
        Some(Sources::These(sources)) => sources.clone(),
        Some(Sources::Auto) => loopback_sources(plan, limits).with_context(|| {
            let target = plan.targets_text();
            tr!(
                "--source auto takes addresses of IPv4's loopback, and {target} isn't one; write addresses of this \
                 machine",
                "--source auto 只知道 IPv4 的回环地址，而 {target} 不是；请写本机的地址"
            )
        })?,
    };
    for &source in &sources {
        std::net::UdpSocket::bind((source, 0)).with_context(|| {
            tr!(
                "{source} can't be a source; write an address of this machine (ip addr)",
                "{source} 不能用作源地址；请写本机的地址（ip addr）"
            )
        })?;
    }
    Ok(sources)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_and_descending_ones_refused() {
        let range = rates("1k..20k").unwrap();
        assert_eq!((range.from, range.to, range.is_range()), (1e3, 2e4, true));
        assert!(!rates("500").unwrap().is_range());
        assert_eq!(sizes("16..1KiB").unwrap(), 16..=1024);
        assert!(rates("2k..1k").is_err() && sizes("2..1").is_err());
    }

    #[test]
    fn a_range_needs_two_ends_that_differ() {
        for text in ["1k..", "..1k", ".."] {
            for error in [rates(text).unwrap_err(), sizes(text).unwrap_err()] {
                assert!(error.to_string().contains("write both ends"), "{error}");
            }
        }
        let error = rates("10..10").unwrap_err().to_string();
        assert!(error.contains("are the same"), "{error}");
    }

    #[test]
    fn a_time_is_no_number_of_threads() {
        let error = threads("30s").unwrap_err();
        assert!(error.to_string().contains("--duration 30s"), "{error}");
        assert_eq!(threads("4").unwrap(), 4);
        let none = threads("0").unwrap_err();
        assert!(!none.to_string().contains("--duration"), "{none}");
    }

    #[test]
    fn sources_are_read_as_a_chinese_keyboard_has_them() {
        let these = ["127.0.0.2", "127.0.0.3"].map(|it| it.parse().unwrap());
        assert_eq!(
            sources("127.0.0.2，127。0。0。3").unwrap(),
            Sources::These(these.into())
        );
    }
}
