//! A file of 1 MiB: nearly all of the time goes into moving its bytes. A server that has its bytes moved by the kernel
//! (`sendfile`) copies them once less than a server that reads and writes them.

use portlab_stats::record::Counts;

use super::{Load, PLAIN, Scale, Text, Workload};

pub(super) static WORKLOAD: Workload = Workload {
    name: "http-file",
    title: &Text::new("http-file: requests for a large file", "大文件：请求大文件"),
    asks: &Text::new(
        "What does it cost to send a large file?",
        "发送一个大文件的代价是多少？",
    ),
    counts: Counts::Requests,
    connections: Scale {
        usual: &[10],
        full: &[10],
        ..PLAIN.connections
    },
    size_bytes: 1 << 20,
    duration_ms: 250,
    load: Load::Http(|plan| vec![plan]),
    ..PLAIN
};
