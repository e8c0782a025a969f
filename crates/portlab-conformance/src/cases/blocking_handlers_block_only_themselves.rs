//! Handlers that block, on a model that runs them side by side.

use super::waiting_handlers_wait_side_by_side::side_by_side;
use crate::{Case, Requires};

pub(super) const CASE: Case = Case {
    about: "four handlers that block for a second each run side by side",
    faults: &[22],
    requires: &[Requires::AtOnce(4), Requires::SurvivesBlocking],
    options: &["--work=block:1s", "--workers=4"],
    run: |target| side_by_side(target),
    ..Case::ECHO
};
