//! Handlers that block, where the model can't bear it: the documented stall, shown.

use std::time::Duration;

use super::waiting_handlers_wait_side_by_side::four_answers;
use crate::{Case, Requires, failure::ensure};

pub(super) const CASE: Case = Case {
    about: "four handlers that block for half a second stand in a queue, as the model's sheet says; \
            afterwards everybody is served",
    faults: &[22],
    requires: &[Requires::AtOnce(4), Requires::StallsWhenBlocked],
    options: &["--work=block:500ms", "--workers=4"],
    run: |target| {
        let took = four_answers(target)?;
        ensure!(
            took >= Duration::from_secs(2),
            "the sheet says they stall; yet all in {took:?}"
        );
        target.served_client().map(drop)
    },
    ..Case::ECHO
};
