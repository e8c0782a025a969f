//! One of the connections has a hundred requests under way, and each of the others has one. The others are measured: those
//! that wait behind the heavy one have a long p99. The throughput of the heavy one shows how a server divides its work.
//!
//! Requests for a small file, because each of them costs CPU time; of an echo, one read and one write answer a hundred
//! messages as quickly as one. The server may use all processors: otherwise no model could show that another processor
//! serves the others meanwhile.

use std::time::Duration;

use portlab_load::{Plan, Stop};
use portlab_stats::{measure::Measure, record::Counts};

use super::{Load, PLAIN, Scale, Text, Workload};

/// How many requests the heavy connection has under way.
const HEAVY_DEPTH: usize = 100;

/// The heavy connection runs alone while the others connect. That isn't counted.
const ALONE: Duration = Duration::from_millis(100);

pub(super) static WORKLOAD: Workload = Workload {
    name: "skew",
    title: &Text::new(
        "skew: one connection with a hundred requests under way",
        "倾斜：一个连接同时有一百个请求在途",
    ),
    asks: &Text::new(
        "Who waits when one connection sends a hundred times as much as the others?",
        "一个连接发的请求是别人的一百倍，谁会跟着等？",
    ),
    ranked_by: Measure::LatencyP99,
    counts: Counts::Requests,
    size_bytes: 1024,
    heavy_depth: Some(HEAVY_DEPTH),
    connections: Scale {
        usual: &[100],
        quick: &[100],
        class: &[],
        full: &[100],
    },
    duration_ms: 200,
    server_on_all_cpus: true,
    load: Load::Http(|plan| {
        let heavy = Plan {
            connections: 1,
            threads: 1,
            depth: HEAVY_DEPTH,
            warmup: plan.warmup + ALONE,
            stop: Stop::default(),
            ..plan.clone()
        };
        let others = Plan {
            connections: plan.connections.saturating_sub(1).max(1),
            ..plan
        };
        vec![others, heavy]
    }),
    ..PLAIN
};
