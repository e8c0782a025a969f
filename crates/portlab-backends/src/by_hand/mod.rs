//! Echo by hand: what each of three models would be without `Service`, `Session`, panics that are
//! caught, or a stop that drains.
//!
//! They are controls, not models: the ratio of server CPU per message through the traits to that by
//! hand says what the traits cost (`portlab compare --controls`). Each makes the same system calls
//! as its model and nothing else, and is entered through the same door, so nothing but the traits
//! differs. They end at once at the stop signal.

use crate::Backend;

mod event_loop;
mod tasks;
mod threads;

/// The controls, each named after its model.
pub static BY_HAND: &[&dyn Backend] = &[&threads::ByHand, &event_loop::ByHand, &tasks::ByHand];

/// The suffix by which a control's name differs from its model's.
pub const SUFFIX: &str = "-by-hand";

/// A control's sheet: its model's facts, under its own name.
macro_rules! sheet {
    ($model:literal) => {{
        use crate::{Capacity, Family, Sheet, Workers};
        static SHEET: Sheet = Sheet {
            name: concat!($model, "-by-hand"),
            family: Family::Sequential,
            term: concat!("control: the plainest ", $model, " echo"),
            idea: "The same echo without the traits.",
            blocks: "as the model",
            cost: "as the model",
            breaks_first: "as the model",
            teaches: "what the traits cost",
            source: "",
            workers: if matches!($model.as_bytes(), b"tasks") {
                Workers::Runtime
            } else {
                Workers::None
            },
            serves: Capacity::Open,
            hub: Err("it knows no service but its echo"),
            survives_blocking: false,
        };
        &SHEET
    }};
}
use sheet;

/// The process ends at the stop signal, whoever is being served.
fn exit_when_stopped(stop: portlab_sys::stop::Stop) {
    std::thread::spawn(move || {
        let _ = stop.wait(&[]);
        std::process::exit(0);
    });
}
