//! The results of `ports` as JSON. docs/ports.md says what each key means.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    leftovers::{Bind, Leftovers},
    listeners::{Listener, Program},
    meaning::{Machine, Meaning, class},
    range::time_wait,
    receivers::Receiver,
};

/// The listeners, and the ports that the system hands out.
pub fn listing(machine: &Machine) -> Value {
    let snapshot = &machine.snapshot;
    json!({
        "listeners": snapshot.listeners.iter().map(listener).collect::<Vec<_>>(),
        "udp_receivers": snapshot.receivers.iter().map(receiver).collect::<Vec<_>>(),
        "sees_all_users": snapshot.sees_all_users,
        "handed_out": machine.range.as_ref().map(|range| {
            let usage = range.usage(&snapshot.sockets);
            json!({
                "first_port": range.ports.start(),
                "last_port": range.ports.end(),
                "count_ports": range.count(),
                "in_use_ports": usage.in_use,
                "most_crowded": usage.crowded.map(|it| json!({
                    "source": it.source,
                    "destination": it.destination,
                    "in_use_ports": it.ports,
                })),
            })
        }),
        "time_wait_connections": time_wait(&snapshot.sockets),
    })
}

/// What numbers mean.
pub fn meanings(meanings: &[Meaning]) -> Value {
    json!({ "ports": meanings.iter().map(meaning).collect::<Vec<_>>() })
}

fn meaning(meaning: &Meaning) -> Value {
    let port = meaning.port;
    let (class, iana_class, _) = class(port);
    let listeners = meaning.machine.snapshot.at(port);
    json!({
        "port": port,
        "name": meaning.service.map(|service| service.name),
        "purpose": meaning.service.map(|service| &service.purpose),
        "class": class,
        "iana_class": iana_class,
        "is_handed_out": meaning.is_handed_out(),
        "needs_root": meaning.needs_root(),
        "listeners": listeners.map(listener).collect::<Vec<_>>(),
        "udp_receivers": meaning.machine.snapshot.receiving_at(port).map(receiver).collect::<Vec<_>>(),
        "left_behind": Leftovers::at(port, None, &meaning.machine.snapshot).as_ref().map(leftovers),
    })
}

pub(crate) fn leftovers(left: &Leftovers) -> Value {
    json!({
        "time_wait_connections": left.time_wait,
        "time_wait_left_ns": left.time_left.map(nanos),
        "open_connections": left.open,
        "programs": left.programs.iter().map(program).collect::<Vec<_>>(),
        "can_bind_with_reuseaddr": match left.reusing {
            Bind::Works => Some(true),
            Bind::InUse => Some(false),
            Bind::Unknown => None,
        },
    })
}

fn receiver(receiver: &Receiver) -> Value {
    json!({
        "port": receiver.port,
        "addresses": receiver.addrs,
        "programs": receiver.programs.iter().map(program).collect::<Vec<_>>(),
        "unread_bytes": receiver.figures,
    })
}

pub(crate) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn program(program: &Program) -> Value {
    json!({ "name": program.name, "pids": program.pids })
}

pub(crate) fn listener(listener: &Listener) -> Value {
    json!({
        "port": listener.port,
        "addresses": listener.addrs,
        "programs": listener.programs.iter().map(program).collect::<Vec<_>>(),
        "established_connections": listener.figures.established,
        "queued_connections": listener.figures.waiting,
        "queue_limit_connections": listener.figures.room,
    })
}
