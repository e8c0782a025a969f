//! A chat: one member sends a line, and all other members of the room receive it. Here models differ in the place
//! of the data that connections share.

use portlab_stats::record::Counts;

use super::{Load, PLAIN, Scale, Text, Workload};

pub(super) static WORKLOAD: Workload = Workload {
    name: "chat",
    title: &Text::new(
        "chat: one member sends, all others receive",
        "聊天：一人发言，众人收到",
    ),
    asks: &Text::new(
        "What does it cost to send a line to all other members of the room?",
        "一个人的话要发给聊天室里的所有人，代价是多少？",
    ),
    counts: Counts::Deliveries,
    connections: Scale {
        usual: &[10, 100],
        quick: &[10],
        class: &[20],
        full: &[10, 100, 500],
    },
    duration_ms: 200,
    load: Load::Chat,
    ..PLAIN
};
