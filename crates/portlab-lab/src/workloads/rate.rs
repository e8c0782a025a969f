//! An open loop: messages come at a fixed rate, whatever the server does, as those of many independent users
//! do. First at one rate for all servers, half of the slowest server's highest rate; then for each server at half
//! of its own highest rate. Latency counts from when a message was due.

use portlab_stats::{measure::Measure, record::Rate};

use super::{PLAIN, Scale, Text, Workload};

pub(super) static WORKLOAD: Workload = Workload {
    name: "rate",
    title: &Text::new("rate: messages at a fixed rate", "定速：消息按固定速率到来"),
    asks: &Text::new(
        "How long does an answer take when messages come at a fixed rate?",
        "不等上一个响应就发下一条时，一个响应要等多久？",
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
