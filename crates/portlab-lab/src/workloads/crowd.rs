//! Ten connections send messages among many that are idle: libevent's benchmark of event notification. A server that
//! looks at every connection to find those with input pays for the idle ones, too.

use std::time::Duration;

use portlab_load::{Pace, Plan, Stop};

use super::{Load, PLAIN, Scale, Text, Workload};

/// How many connections send messages.
const ACTIVE: usize = 10;

pub(super) static WORKLOAD: Workload = Workload {
    name: "crowd",
    title: &Text::new(
        "crowd: ten active connections among idle ones",
        "人群：十个活跃连接，其余都空闲",
    ),
    asks: &Text::new(
        "What do idle connections add to the cost of a message?",
        "空闲连接会让一条消息多花多少 CPU？",
    ),
    active: Some(ACTIVE),
    connections: Scale {
        usual: &[10, 100, 1000, 10_000],
        quick: &[1000],
        class: &[],
        full: &[10, 1000, 10_000],
    },
    load: Load::Echo(|plan| {
        let idle = Plan {
            pace: Pace::Idle,
            threads: 1,
            warmup: Duration::ZERO,
            stop: Stop::default(),
            ..plan.clone()
        };
        let active = Plan {
            connections: ACTIVE,
            ..plan
        };
        vec![active, idle]
    }),
    ..PLAIN
};
