//! The mistake, made on purpose: the handler blocks for 5 ms, as a call does that knows nothing of
//! loops and tasks. Where one thread serves all, all stand still. The server may use all processors, so
//! that a pool whose size follows them has more than one worker even on a machine of two.

use std::time::Duration;

use portlab_stats::measure::Measure;
use portlab_words::Text;

use super::{PLAIN, Scale, Workload};

pub(super) static WORKLOAD: Workload = Workload {
    name: "block",
    title: &Text::new(
        "block: every handler blocks 5 ms",
        "阻塞：每个处理都阻塞 5 毫秒",
    ),
    asks: &Text::new(
        "Who is held up when a handler blocks?",
        "处理函数阻塞时，谁会被拖住？",
    ),
    ranked_by: Measure::MessagesPerS,
    work: "block:5ms",
    connections: Scale {
        usual: &[10],
        class: &[10],
        full: &[10, 100],
        ..PLAIN.connections
    },
    duration: Duration::from_millis(250),
    server_on_all_cpus: true,
    ..PLAIN
};
