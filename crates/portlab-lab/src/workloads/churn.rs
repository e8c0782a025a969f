//! Connect, send one message, close: the cost of a connection for the server. W. R. Stevens measured nine
//! designs in this way in "UNIX Network Programming", chapter 30.

use portlab_load::{Life, Plan};
use portlab_stats::record::Counts;

use super::{Load, PLAIN, Scale, Text, Workload};

pub(super) static WORKLOAD: Workload = Workload {
    name: "churn",
    title: &Text::new(
        "churn: connect, one message, close",
        "短连接：连接、一条消息、断开",
    ),
    asks: &Text::new(
        "What does a short connection cost?",
        "一个短连接的代价是多少？",
    ),
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
