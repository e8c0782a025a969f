//! Every answer waits for something slow, such as a database, without anybody's help: 5 ms each.
//! Whoever can let many wait at once is served as fast as few.

use std::time::Duration;

use portlab_stats::measure::Measure;
use portlab_words::Text;

use super::{PLAIN, Scale, Workload};

pub(super) static WORKLOAD: Workload = Workload {
    name: "wait",
    title: &Text::new(
        "wait: every answer waits 5 ms",
        "等待：每个回答都要等 5 毫秒",
    ),
    asks: &Text::new(
        "Who lets many wait at the same time?",
        "谁能让许多连接同时等待？",
    ),
    ranked_by: Measure::MessagesPerS,
    work: "wait:5ms",
    connections: Scale {
        class: &[100],
        full: &[10, 100, 1000],
        ..PLAIN.connections
    },
    duration: Duration::from_millis(120),
    ..PLAIN
};
