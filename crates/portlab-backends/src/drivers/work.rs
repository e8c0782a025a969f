//! The work that a handler asks for, done on the calling thread.

use std::thread;

use portlab_service::Work;
use portlab_sys::clock::burn;

use crate::trace::{self, What};

/// Does a handler's work of any kind on the calling thread.
pub(crate) fn perform(work: Work) {
    let working = trace::start();
    match work {
        Work::None => {}
        Work::Wait(time) | Work::Block(time) => {
            thread::sleep(time);
            working.end(What::Wait, 0);
        }
        Work::Cpu(time) => {
            burn(time);
            working.end(What::Handle, 0);
        }
    }
}
