//! The user's own programs, which meet the lesson at a port.

pub(crate) mod server;
pub(crate) mod site;
