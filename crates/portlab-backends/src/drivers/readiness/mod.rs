//! Connections driven by readiness: the state machine of one, and the loop of many.

pub(super) mod conn;
pub(crate) mod reactor;
