//! Connect, one message, close: what a connection costs its server. W. R. Stevens asked it of nine
//! designs in "UNIX Network Programming", chapter 30.

use portlab_load::{Life, Plan};
use portlab_stats::record::Counts;

use super::{Load, PLAIN, Scale, Text, Workload};

pub(super) static WORKLOAD: Workload = Workload {
    name: "churn",
    title: &Text::new(
        "churn: connect, one message, close",
        "短连接：连接、一条消息、断开",
    ),
    asks: &Text::new("What does a connection cost?", "一个连接的代价是多少？"),
    counts: Counts::Connections,
    connections: Scale {
        usual: &[10],
        class: &[10],
        full: &[1, 10],
        ..PLAIN.connections
    },
    duration_ms: 250,
    load: Load::Echo(|plan| {
        vec![Plan {
            life: Life {
                per_connection: Some(1),
                ..plan.life.clone()
            },
            ..plan
        }]
    }),
    ..PLAIN
};
