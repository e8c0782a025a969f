//! An open loop: messages come at their own rate, whatever the server does, as those of many
//! independent users would. First at one rate for all, half of the slowest server's highest rate; then at
//! half of what each can handle itself. Latency counts from when a message was due.

use portlab_stats::{measure::Measure, record::Rate};

use super::{PLAIN, Scale, Text, Workload};

pub(super) static WORKLOAD: Workload = Workload {
    name: "rate",
    title: &Text::new(
        "rate: messages at their own pace",
        "定速：消息按自己的节奏到来",
    ),
    asks: &Text::new(
        "How long do messages wait when they come at a rate, and not when the last is answered?",
        "消息按固定速率到来、不等上一个响应时，要等多久？",
    ),
    ranked_by: Measure::LatencyP99,
    connections: Scale {
        usual: &[10],
        quick: &[10],
        class: &[],
        full: &[10, 100],
    },
    rates: &[Rate::Common, Rate::HalfOfBest],
    duration_ms: 200,
    ..PLAIN
};
