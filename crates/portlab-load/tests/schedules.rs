//! The stages of a run under every schedule of the coordinator and the workers: `stage.rs`, line for line, with
//! atomics that `loom` watches.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "a part of the crate stands here by itself; a test that can't be set up has failed"
)]

use std::sync::Arc;

use loom::thread;

#[path = "../src/stage.rs"]
mod stage;

/// Atomics of loom's in place of the system's.
mod sync {
    pub(crate) use loom::sync::atomic::AtomicU64;
}

use stage::{Stage, Stages};

#[test]
fn a_worker_that_sees_a_stage_sees_when_it_began() {
    loom::model(|| {
        let stages = Arc::new(Stages::new(Vec::new(), 1.0, None));
        let coordinator = {
            let stages = Arc::clone(&stages);
            thread::spawn(move || {
                stages.announce(Stage::WarmUp, 7);
                stages.announce(Stage::WarmUp, 8);
                stages.announce(Stage::Measure, 9);
            })
        };
        let mut last = 0;
        for _ in 0..2 {
            let turn = stages.now();
            assert!(turn.number >= last, "turns go on");
            last = turn.number;
            // loom explores a stale value only if it is read in every schedule.
            assert!([0, 7].contains(&stages.began(Stage::WarmUp)));
            match turn.stage {
                Stage::WarmUp => assert_eq!(stages.began(Stage::WarmUp), 7),
                Stage::Measure => {
                    assert_eq!((turn.number, stages.began(Stage::Measure)), (3, 9));
                }
                _ => assert_eq!(turn.number, 0),
            }
        }
        coordinator.join().unwrap();
    });
}
