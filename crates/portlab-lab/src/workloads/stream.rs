//! Pipelining: sixteen messages are under way on each connection, so that one read brings several of them
//! and one write answers them. They share the cost of the system calls, so the rest is the cost of the model.

use super::{PLAIN, Scale, Text, Workload};

pub(super) static WORKLOAD: Workload = Workload {
    name: "stream",
    title: &Text::new(
        "stream: sixteen messages under way",
        "流水线：同时有十六条消息在途",
    ),
    asks: &Text::new(
        "How much do the models differ when one system call carries many messages?",
        "一次系统调用搬运许多消息时，差别还剩多少？",
    ),
    depth: 16,
    connections: Scale {
        full: &[1, 10, 100],
        ..PLAIN.connections
    },
    ..PLAIN
};
