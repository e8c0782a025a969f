//! The program of a server: started by the judge, or running already.

mod attached;
mod command;
mod kept;
mod launched;
mod output;
mod port;
mod trouble;

pub use attached::Attached;
pub(crate) use kept::Kept;
pub use launched::{Launch, Launched};
use output::Tail;
pub use trouble::StartTrouble;
pub(crate) use trouble::{in_words, syntax_hint};
