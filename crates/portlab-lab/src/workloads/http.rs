//! A web server under its usual load: browsers keep their connections open, and request one small file after another.
//! The file is 1 KiB, so the rest is the cost of the model, of HTTP and of finding the file.

use portlab_stats::record::Counts;

use super::{Load, PLAIN, Scale, Text, Workload};

pub(super) static WORKLOAD: Workload = Workload {
    name: "http",
    title: &Text::new("http: requests for a small file", "网页：请求小文件"),
    asks: &Text::new(
        "What does a request for a small file cost when connections stay open?",
        "连接保持不断开时，请求一个小文件的代价是多少？",
    ),
    counts: Counts::Requests,
    connections: Scale {
        full: &[10, 100],
        ..PLAIN.connections
    },
    size_bytes: 1024,
    duration_ms: 100,
    load: Load::Http(|plan| vec![plan]),
    ..PLAIN
};
