//! The table of models: a new one is a file here and a line in the table.

use crate::{Backend, Group};

/// Declares each file as a module and lists its `MODEL`, in the order in which they are shown.
macro_rules! table {
    ($($file:ident,)*) => {
        $(mod $file;)*

        /// Every concurrency model, from the simplest to the most elaborate.
        pub static MODELS: &[&dyn Backend] = &[$(&$file::Model,)*];

        /// The models' files, their textbook twins and the reactor, by their paths in `src/`: lessons quote them.
        pub static SOURCES: &[(&str, &str)] = &[
            $((
                concat!("models/", stringify!($file), ".rs"),
                include_str!(concat!(stringify!($file), ".rs")),
            ),)*
            $((
                concat!("textbook/", stringify!($file), ".rs"),
                include_str!(concat!("../textbook/", stringify!($file), ".rs")),
            ),)*
            ("drivers/waiting.rs", include_str!("../drivers/waiting.rs")),
            ("drivers/fibers/context.rs", include_str!("../drivers/fibers/context.rs")),
            ("drivers/readiness/reactor.rs", include_str!("../drivers/readiness/reactor.rs")),
        ];
    };
}

table! {
    iterative,
    fork,
    prefork,
    passing,
    threads,
    prethreaded,
    pool,
    poll,
    event_loop,
    sharded,
    prefork_loop,
    leader_followers,
    loop_pool,
    tasks_single,
    tasks,
    coroutines,
    uring,
}

/// Finds a model by its name.
pub fn find(name: &str) -> Option<&'static dyn Backend> {
    let mut models = MODELS.iter().copied();
    models.find(|model| model.sheet().name == name)
}

/// The models that this machine can run: those without a [`Backend::obstacle`].
pub fn runnable() -> impl Iterator<Item = &'static dyn Backend> {
    let models = MODELS.iter().copied();
    models.filter(|model| model.obstacle().is_none())
}

/// The models of a group, in the order of the table.
pub fn of_group(group: Group) -> impl Iterator<Item = &'static dyn Backend> {
    let models = MODELS.iter().copied();
    models.filter(move |model| model.sheet().groups.contains(&group))
}
