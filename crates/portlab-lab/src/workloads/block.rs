//! The mistake, made on purpose: the handler blocks for 5 ms, as a blocking call to a database does. If one
//! thread serves all connections, all of them wait. The server may use all processors: then a pool with one
//! worker per processor has two workers even on a machine with two processors.

use portlab_stats::measure::Measure;

use super::{PLAIN, Scale, Text, Workload};

pub(super) static WORKLOAD: Workload = Workload {
    name: "block",
    title: &Text::new(
        "block: every handler blocks 5 ms",
        "阻塞：处理每条消息都阻塞 5 毫秒",
    ),
    asks: &Text::new(
        "Which connections wait when a handler blocks?",
        "处理函数阻塞时，哪些连接会受影响？",
    ),
    ranked_by: Measure::MessagesPerS,
    work: "block:5ms",
    connections: Scale {
        usual: &[10],
        class: &[10],
        full: &[10, 100],
        ..PLAIN.connections
    },
    duration_ms: 250,
    server_on_all_cpus: true,
    ..PLAIN
};
