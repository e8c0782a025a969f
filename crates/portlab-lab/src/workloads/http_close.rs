//! A connection for each request, as in HTTP/1.0: what keeping connections open saves.

use portlab_load::{Life, Plan};
use portlab_stats::record::Counts;

use super::{Load, PLAIN, Scale, Text, Workload};

pub(super) static WORKLOAD: Workload = Workload {
    name: "http-close",
    title: &Text::new(
        "http-close: a connection for each request",
        "网页短连接：每个请求一个连接",
    ),
    asks: &Text::new(
        "What does a request cost that needs a connection of its own?",
        "每个请求都要新建连接时，代价是多少？",
    ),
    counts: Counts::Connections,
    connections: Scale {
        usual: &[10],
        full: &[10],
        ..PLAIN.connections
    },
    size_bytes: 1024,
    duration_ms: 250,
    load: Load::Http(|plan| {
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
