//! The results of `doctor` as JSON. docs/ports.md says what each key means.

use serde_json::{Value, json};

use super::{
    checks,
    finding::{self, worst},
    machine::{CoursePort, Facts},
    reach::{Attempt, First, Location, Name, Outcome, Reach},
    steps,
};
use crate::json::{leftovers, listener, nanos};

impl Facts {
    /// The facts and what they mean, for programs; docs/ports.md explains the keys.
    pub fn json(&self) -> Value {
        let findings = checks::all(self);
        json!({
            "grade": worst(&findings).name(),
            "checks": finding::json(&findings),
            "machine": machine(self),
        })
    }
}

fn machine(facts: &Facts) -> Value {
    let limited = |limit: u64| (limit != u64::MAX).then_some(limit);
    let (reuses_on_loopback, reuses_elsewhere) = facts.reuses_time_wait;
    json!({
        "open_files_soft_limit": limited(facts.open_files),
        "open_files_hard_limit": limited(facts.most_open_files),
        "tasks_limit": facts.tasks.map(|tasks| tasks.most),
        "tasks_limited_by": facts.tasks.map(|tasks| tasks.bound),
        "online_processors": facts.processors.online,
        "allowed_processors": facts.processors.allowed,
        "usable_processors": facts.processors.usable,
        "memory_total_bytes": facts.memory.map(|memory| memory.total_bytes),
        "memory_available_bytes": facts.memory.map(|memory| memory.available_bytes),
        "first_handed_out_port": facts.range.as_ref().map(|range| *range.ports.start()),
        "last_handed_out_port": facts.range.as_ref().map(|range| *range.ports.end()),
        "in_use_ports": facts.in_use,
        "time_wait_connections": facts.time_wait,
        "reuses_time_wait_on_loopback": reuses_on_loopback,
        "reuses_time_wait_elsewhere": reuses_elsewhere,
        "accept_queue_limit_connections": facts.somaxconn,
        "firewall_followed_connections": facts.conntrack.map(|(now, _)| now),
        "firewall_limit_connections": facts.conntrack.map(|(_, most)| most),
        "io_uring": format!("{:?}", facts.uring).to_lowercase(),
        "loopback_works": facts.loopback.v4.is_none(),
        "loopback_second_works": facts.loopback.second.is_none(),
        "loopback_ipv6_works": facts.loopback.v6.is_none(),
        "port_8080_is_free": facts.course_port == CoursePort::Free,
        "python_version": facts.python.as_ref().map(|python| &python.version),
        "gevent_version": facts.gevent,
        "terminal_columns": facts.terminal.columns,
        "locale": facts.terminal.locale,
        "locale_is_utf8": facts.terminal.is_utf8(),
    })
}

impl Reach {
    /// The way and its steps, for programs; docs/ports.md explains the keys.
    pub fn json(&self) -> Value {
        let (name, error, took) = match &self.name {
            Name::Literal => ("literal", None, None),
            Name::Found { took, .. } => ("found", None, Some(*took)),
            Name::Unknown { error, took } => ("unknown", Some(error), Some(*took)),
            Name::Unanswered => ("unanswered", None, Some(self.timeout)),
        };
        json!({
            "host": self.target.host.to_string(),
            "port": self.target.port,
            "is_reached": self.is_reached(),
            "name": name,
            "name_error": error,
            "name_lookup_ns": took.map(nanos),
            "attempts": self.attempts.iter().map(attempt).collect::<Vec<_>>(),
            "steps": finding::json(&steps::all(self)),
        })
    }
}

fn attempt(attempt: &Attempt) -> Value {
    let (place, interface) = match &attempt.location {
        Location::Loopback => ("loopback", None),
        Location::Own(interface) => ("own", Some(interface)),
        Location::SameNetwork(interface) => ("same-network", Some(interface)),
        Location::Elsewhere => ("elsewhere", None),
    };
    let (outcome, first, error) = match &attempt.outcome {
        Outcome::Listens => ("listens", None, None),
        Outcome::Connected(first) => ("connected", Some(first), None),
        Outcome::Refused => ("refused", None, None),
        Outcome::TimedOut => ("timed-out", None, None),
        Outcome::Unreachable => ("unreachable", None, None),
        Outcome::NoOwnPort => ("no-own-port", None, None),
        Outcome::Failed(error) => ("failed", None, Some(&*error.en)),
    };
    let (first, words) = match first {
        Some(First::Words(words)) => (Some("words"), Some(words)),
        Some(First::Silence) => (Some("silence"), None),
        Some(First::Closed) => (Some("closed"), None),
        Some(First::Reset) => (Some("reset"), None),
        None => (None, None),
    };
    let here = attempt.here.as_ref();
    let found = attempt.listener();
    json!({
        "address": attempt.addr,
        "place": place,
        "interface": interface,
        "outcome": outcome,
        "error": error,
        "connect_ns": attempt.took.map(nanos),
        "listener": found.map(listener),
        "queued_before_connections": found.map(|listener| listener.figures.waiting),
        "queued_after_connections": here.and_then(|here| here.queue),
        "is_accepted": here.and_then(|here| here.accepted),
        "listener_has_ended": here.and_then(|here| here.has_ended),
        "left_behind": here.and_then(|here| here.leftovers.as_ref()).map(leftovers),
        "first": first,
        "first_words": words.map(|words| String::from_utf8_lossy(words)),
        "first_words_bytes": words.map(Vec::len),
    })
}
