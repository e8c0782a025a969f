//! The lessons, in teaching order: a new one is a folder here and a line in the table.

use crate::lesson::Lesson;

/// Declares each folder as a module and lists its `LESSON`.
macro_rules! table {
    ($($folder:ident,)*) => {
        $(mod $folder;)*

        /// Every lesson, in teaching order.
        pub static LESSONS: &[&Lesson] = &[$(&$folder::LESSON,)*];
    };
}

table! {
    ports,
    holder,
    tcp,
    socket,
    client,
    server,
    eof,
    bytes,
    encodings,
    bad_line,
    processes,
    threads,
    lost_update,
    deadlock,
    iterative,
    pool,
    event_loop,
    coroutines,
    figures,
    chat,
    http,
}

/// Finds a lesson by its name, or by its number in teaching order, from 1.
#[must_use]
pub fn find(name: &str) -> Option<&'static Lesson> {
    let by_number = name.parse().ok().and_then(|number: usize| {
        let place = number.checked_sub(1)?;
        LESSONS.get(place).copied()
    });
    let mut all = LESSONS.iter().copied();
    by_number.or_else(|| all.find(|lesson| lesson.name == name))
}
