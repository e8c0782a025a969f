//! Handlers that block, on a model that runs one at a time, as its sheet says.

use std::time::Duration;

use super::waiting_handlers_wait_side_by_side::four_answers;
use crate::{Case, Requires, failure::ensure};

pub(super) const CASE: Case = Case {
    about: "four handlers that block for half a second each run one after the other, as the model's sheet says; \
            afterwards other clients are served",
    faults: &[22],
    requires: &[Requires::AtOnce(4), Requires::StallsWhenBlocked],
    options: &["--work=block:500ms", "--workers=4"],
    run: |target| {
        let took = four_answers(target)?;
        ensure!(
            took >= Duration::from_secs(2),
            "expected one answer after the other, got all after {took:?}"
        );
        target.served_client().map(drop)
    },
    ..Case::ECHO
};
