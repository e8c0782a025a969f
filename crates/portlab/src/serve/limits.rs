//! What `serve` allows its connections: the options, and the line that prints them at the start.

use std::{num::NonZeroU32, time::Duration};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use portlab_backends::{Limits, MOST_PROCESSES, Overflow, Policy, Sheet, Workers, find};
use portlab_service::ChatLimits;
use portlab_sys::limits::maps_for;
use portlab_words::{
    tr,
    units::{self, Parse},
};
use serde_json::{Value, json};

use super::web::WebArgs;
use crate::args::lang;

/// The limits: an option for each, with the same meaning on every model.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Limits")]
pub(super) struct LimitArgs {
    /// The most connections at a time; a further one gets the service's message about
    /// it, if the service has one, and is closed
    #[arg(long, value_name = "N", default_value = "20k", value_parser = some("10M"))]
    max_connections: usize,

    /// The most processes of the model fork, and so the most connections that it
    /// serves at a time
    #[arg(long, value_name = "N", default_value_t = MOST_PROCESSES, value_parser = some("4M"))]
    max_processes: usize,

    /// Close a connection if no byte was sent or received on it for this long
    #[arg(long, value_name = "TIME", default_value = "off", value_parser = off_or_time("1ms", "7d"))]
    idle_timeout: OffOr<Duration>,

    /// Close a connection if a line or a request that has begun doesn't end within
    /// this time
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = off_or_time("1ms", "7d"))]
    line_timeout: OffOr<Duration>,

    /// The longest line of a chat; a member that sends a longer one gets a message
    /// and is closed
    #[arg(long, value_name = "BYTES", default_value = "4KiB", value_parser = units::size("64", "8KiB"))]
    line_limit: usize,

    /// Lines and commands that one member of a chat may send in a second; a member
    /// that sends more is read more slowly
    #[arg(long, value_name = "N", default_value = "10k", value_parser = off_or_rate)]
    member_rate: OffOr<NonZeroU32>,

    /// Lines and commands of one member that the server handles before those of the
    /// other members
    #[arg(long, value_name = "N", default_value = "32", value_parser = some("1M"))]
    member_budget: usize,

    /// The most rooms of a chat at a time; a room stays open while a member is in it
    #[arg(long, value_name = "N", default_value = "100", value_parser = some("1M"))]
    rooms: usize,

    /// What happens if a member of a chat doesn't read its mail: disconnect the member,
    /// or drop-oldest
    #[arg(long, value_name = "POLICY", default_value = "disconnect")]
    #[arg(hide_possible_values = true)]
    #[arg(value_parser = PossibleValuesParser::new(Policy::ALL.map(Policy::name)).map(policy))]
    overflow: Policy,

    /// The most mail that may wait for one member
    #[arg(long, alias = "hard-limit", value_name = "BYTES")]
    #[arg(default_value = "1MiB")]
    #[arg(value_parser = units::size("1", "1TiB"))]
    output_limit: usize,

    /// More mail than this may wait for a member no longer than --patience
    #[arg(long, value_name = "BYTES", default_value = "256KiB", value_parser = units::size("0", "1TiB"))]
    soft_limit: usize,

    /// How long more than --soft-limit may wait
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = units::duration("0s", "1h"))]
    patience: Duration,

    /// The most mail that may wait for all members together; the first 64 KiB of
    /// each member aren't counted
    #[arg(long, value_name = "BYTES", default_value = "256MiB", value_parser = units::size("0", "1TiB"))]
    mail_limit: usize,

    /// After this long without a byte, check that the peer's machine still answers
    /// (TCP keepalive)
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = off_or_time("1s", "9h"))]
    keepalive: OffOr<Duration>,

    /// How long connections may take to finish when the server stops
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = units::duration("0s", "1h"))]
    pub(super) drain: Duration,
}

/// How many connections the kernel allows the model of `sheet`, if it meets such a limit.
fn most_connections(sheet: &Sheet) -> Option<usize> {
    find(sheet.name)?.most_connections()
}

fn policy(name: String) -> Policy {
    let named = Policy::ALL.into_iter().find(|it| it.name() == name);
    named.expect("the parser takes names of policies only")
}

/// A limit that may be off.
#[derive(Clone, Copy, Debug)]
struct OffOr<T>(Option<T>);

/// Returns a parser that takes `off` beside what `read` takes.
fn off_or<T>(read: impl Parse<T>) -> impl Fn(&str) -> Result<OffOr<T>, String> + Clone {
    move |text| match text {
        "off" => Ok(OffOr(None)),
        _ => match read(text) {
            Ok(limit) => Ok(OffOr(Some(limit))),
            Err(error) => Err(format!("{error}, or off")),
        },
    }
}

fn off_or_time(
    least: &'static str,
    most: &'static str,
) -> impl Fn(&str) -> Result<OffOr<Duration>, String> + Clone {
    off_or(units::duration(least, most))
}

fn off_or_rate(text: &str) -> Result<OffOr<NonZeroU32>, String> {
    let OffOr(rate) = off_or(units::count("1", "4G"))(text)?;
    Ok(OffOr(rate.and_then(|rate| NonZeroU32::new(rate as u32))))
}

/// Returns a parser of numbers from 1 to `most`.
fn some(most: &'static str) -> impl Parse<usize> {
    let read = units::count("1", most);
    move |text: &str| Ok(read(text)? as usize)
}

impl LimitArgs {
    /// The limits of the model of `sheet`.
    pub(super) fn limits(&self, sheet: &Sheet) -> Limits {
        let forks = sheet.forks() && sheet.workers == Workers::None;
        let processes = forks.then_some(self.max_processes);
        let mosts = [processes, most_connections(sheet)].into_iter().flatten();
        Limits {
            connections: mosts.fold(self.max_connections, usize::min),
            idle: self.idle_timeout.0,
            message: self.line_timeout.0,
            posts_per_s: self.member_rate.0,
            keepalive: self.keepalive.0,
        }
    }

    pub(super) fn overflow(&self) -> Overflow {
        Overflow {
            policy: self.overflow,
            hard: self.output_limit,
            soft: self.soft_limit.min(self.output_limit),
            patience: self.patience,
            total: self.mail_limit,
        }
    }

    pub(super) fn chat(&self) -> ChatLimits {
        ChatLimits {
            line_bytes: self.line_limit,
            lines_per_turn: self.member_budget,
            rooms: self.rooms,
            ..ChatLimits::default()
        }
    }

    /// Warns if the kernel allows the model fewer connections than were asked for.
    pub(super) fn warn_of_few_maps(&self, sheet: &Sheet) {
        let asked = self.max_connections;
        if let Some(most) = most_connections(sheet).filter(|most| *most < asked) {
            let maps = maps_for(asked as u64);
            crate::say!(
                "note: the model needs a stack for each connection, and vm.max_map_count allows {most} stacks, so the limit is \
                 {most} connections instead of {asked}; allow more: sudo sysctl -w vm.max_map_count={maps}",
                "提示：这个模型的每个连接需要一个栈，vm.max_map_count 只允许 {most} 个栈，所以连接数上限是 {most}，不是 {asked}；\
                 放宽限制：sudo sysctl -w vm.max_map_count={maps}"
            );
        }
    }

    /// The limits for programs.
    pub(super) fn json(&self, sheet: &Sheet) -> Value {
        let seconds = |time: Option<Duration>| time.map(|time| time.as_secs_f64());
        let limits = self.limits(sheet);
        json!({
            "connections": limits.connections,
            "idle_timeout_s": seconds(limits.idle),
            "line_timeout_s": seconds(limits.message),
            "line_bytes": self.line_limit,
            "member_lines_per_s": limits.posts_per_s,
            "member_budget": self.member_budget,
            "rooms": self.rooms,
            "overflow": self.overflow.name(),
            "output_bytes": self.output_limit,
            "soft_bytes": self.soft_limit,
            "patience_s": self.patience.as_secs_f64(),
            "mail_bytes": self.mail_limit,
            "keepalive_s": seconds(limits.keepalive),
            "drain_s": self.drain.as_secs_f64(),
        })
    }

    /// The limits for people: those of a chat or of a web server only for this service.
    pub(super) fn line(&self, sheet: &Sheet, service: &str, web: &WebArgs) -> String {
        let lang = lang();
        let off = || lang.pick("off", "关").to_owned();
        let time = |time: Option<Duration>| time.map_or_else(off, units::time);
        let bytes = |bytes: usize| units::bytes(bytes as f64);
        let limits = self.limits(sheet);
        let connections = limits.connections;
        let [idle, keepalive] = [limits.idle, limits.keepalive].map(time);
        let drain = units::time(self.drain);
        let line = tr!(
            lang,
            "limits: {connections} connections, idle timeout {idle}, keepalive {keepalive}, drain {drain}",
            "限制：连接 {connections} 个，空闲超时 {idle}，保活 {keepalive}，停止时收尾 {drain}"
        );
        match service {
            "chat" => {}
            "http" => return line + "\n" + &web.line(&time(limits.message)),
            _ => return line,
        }
        let rate = limits.posts_per_s.map_or_else(off, |rate| rate.to_string());
        let (budget, rooms, overflow) = (self.member_budget, self.rooms, self.overflow.name());
        let (length, within) = (bytes(self.line_limit), time(limits.message));
        let [output, soft, all] = [self.output_limit, self.soft_limit, self.mail_limit].map(bytes);
        let patience = units::time(self.patience);
        line + "\n"
            + &tr!(
                lang,
                "limits: lines of {length} within {within}, member rate {rate}, member budget {budget}, {rooms} rooms, \
                 {output} waiting for a member ({soft} for {patience}) and {all} for all, overflow {overflow}",
                "限制：一行 {length}，须在 {within} 内发完，成员速率 {rate}，每轮 {budget} 行，聊天室 {rooms} 个，\
                 每个成员最多积压 {output}（超过 {soft} 最多 {patience}），全部成员 {all}，溢出处理 {overflow}"
            )
    }
}
