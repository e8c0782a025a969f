//! A chat: one member says something, and all others in the room hear it. Here models differ by
//! where they keep what connections share.

use std::time::Duration;

use portlab_stats::record::Counts;
use portlab_words::Text;

use super::{Load, PLAIN, Scale, Workload};

pub(super) static WORKLOAD: Workload = Workload {
    name: "chat",
    title: &Text::new("chat: one says it, all hear it", "聊天：一人说，众人听"),
    asks: &Text::new(
        "What does it cost that all hear what one says?",
        "一个人说的话让所有人听到，要花多少？",
    ),
    counts: Counts::Deliveries,
    connections: Scale {
        usual: &[10, 100],
        quick: &[10],
        class: &[20],
        full: &[10, 100, 500],
    },
    duration: Duration::from_millis(200),
    load: Load::Chat,
    ..PLAIN
};
