//! Before every answer the handler waits 5 ms, as for a database on another machine, and uses no CPU time. If a
//! model lets many connections wait at the same time, it serves many connections as fast as few.

use portlab_stats::measure::Measure;

use super::{PLAIN, Scale, Text, Workload};

pub(super) static WORKLOAD: Workload = Workload {
    name: "wait",
    title: &Text::new(
        "wait: every answer waits 5 ms",
        "等待：每个响应都要等 5 毫秒",
    ),
    asks: &Text::new(
        "Which models let many connections wait at the same time?",
        "哪些模型能让许多连接同时等待？",
    ),
    ranked_by: Measure::MessagesPerS,
    work: "wait:5ms",
    connections: Scale {
        class: &[100],
        full: &[10, 100, 1000],
        ..PLAIN.connections
    },
    duration_ms: 120,
    ..PLAIN
};
