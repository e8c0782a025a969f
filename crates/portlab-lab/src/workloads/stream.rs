//! Pipelining: sixteen messages are under way on each connection, so that one read brings several
//! and one write answers them. What a system call costs is shared; what is left is the model's own.

use super::{PLAIN, Scale, Text, Workload};

pub(super) static WORKLOAD: Workload = Workload {
    name: "stream",
    title: &Text::new(
        "stream: sixteen messages under way",
        "流水线：同时有十六条消息在途",
    ),
    asks: &Text::new(
        "What is left of the difference when one system call carries many messages?",
        "一次系统调用搬运许多消息时，差别还剩多少？",
    ),
    depth: 16,
    connections: Scale {
        full: &[1, 10, 100],
        ..PLAIN.connections
    },
    ..PLAIN
};
