//! Connections without a message: how much memory a server keeps for each, and whether it keeps all of them open.

use portlab_load::{Pace, Plan};
use portlab_stats::{measure::Measure, record::Counts};

use super::{Load, PLAIN, Scale, Text, Workload};

pub(super) static WORKLOAD: Workload = Workload {
    name: "idle",
    title: &Text::new(
        "idle: connections without a message",
        "空闲：不发消息的连接",
    ),
    asks: &Text::new(
        "How much memory and how many threads does an idle connection take?",
        "一个空闲连接要占多少内存、多少线程？",
    ),
    counts: Counts::Nothing,
    ranked_by: Measure::MemoryPerConnection,
    connections: Scale {
        usual: &[100, 1000],
        quick: &[100],
        class: &[100],
        full: &[100, 1000, 5000],
    },
    load: Load::Echo(|plan| {
        vec![Plan {
            pace: Pace::Idle,
            ..plan
        }]
    }),
    ..PLAIN
};
