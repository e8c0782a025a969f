//! Ping-pong: every client sends a message and waits for its answer. This is the simplest workload, and the
//! others are variations of it.

use super::{PLAIN, Scale, Text, Workload};

pub(super) static WORKLOAD: Workload = Workload {
    name: "echo",
    title: &Text::new("echo: one message at a time", "回显：一次一条消息"),
    asks: &Text::new(
        "What does a message cost when every client waits for its answer?",
        "每个客户端都等到响应才发下一条，一条消息的代价是多少？",
    ),
    connections: Scale {
        usual: &[1, 10, 100],
        quick: &[10],
        class: &[10, 100],
        full: &[1, 4, 16, 64, 256, 1000],
    },
    ..PLAIN
};
