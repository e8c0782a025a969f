//! Every answer takes 200 µs of computing. The processors are the limit: a model that computes on one
//! thread uses only one of them. So the server may use all processors here, also those of the generator, which
//! needs little CPU time.

use portlab_stats::measure::Measure;

use super::{PLAIN, Scale, Text, Workload};

pub(super) static WORKLOAD: Workload = Workload {
    name: "cpu",
    title: &Text::new(
        "cpu: every answer computes 200 µs",
        "计算：每个响应要算 200 微秒",
    ),
    asks: &Text::new(
        "Which model uses the processors best when every answer must be computed?",
        "每个响应都要计算时，哪个模型最能用好处理器？",
    ),
    ranked_by: Measure::MessagesPerS,
    work: "cpu:200us",
    connections: Scale {
        usual: &[10],
        class: &[],
        full: &[10, 100],
        ..PLAIN.connections
    },
    duration_ms: 120,
    server_on_all_cpus: true,
    ..PLAIN
};
