//! A tenth of the clients send slowly: a byte every two milliseconds. The other clients are measured meanwhile.

use std::time::Duration;

use portlab_load::{Plan, Script, Stop};
use portlab_stats::measure::Measure;

use super::{Load, PLAIN, Scale, Text, Workload};

pub(super) static WORKLOAD: Workload = Workload {
    name: "slow",
    title: &Text::new(
        "slow: a tenth of the clients send byte by byte",
        "慢客户端：十分之一的客户端一个字节一个字节地发",
    ),
    asks: &Text::new(
        "How long do clients wait for answers while others send byte by byte?",
        "有慢客户端时，其他客户端要等多久？",
    ),
    ranked_by: Measure::LatencyP99,
    connections: Scale {
        usual: &[10, 100],
        full: &[10, 100],
        ..PLAIN.connections
    },
    duration_ms: 200,
    load: Load::Echo(|plan| {
        let slow = (plan.connections / 10).max(1);
        let mut script = Script::echo(64);
        script.behaviour.trickle = Some(Duration::from_millis(2));
        let trickling = Plan {
            connections: slow,
            threads: 1,
            script,
            warmup: Duration::ZERO,
            stop: Stop::default(),
            ..plan.clone()
        };
        let others = Plan {
            connections: plan.connections.saturating_sub(slow).max(1),
            ..plan
        };
        vec![others, trickling]
    }),
    ..PLAIN
};
