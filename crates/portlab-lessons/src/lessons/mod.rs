//! The lessons, in teaching order. A new lesson is a folder here and a line in the table.

use crate::lesson::{Lesson, Part};

/// Declares each folder as a module, and the lesson of the texts and programs in the folder.
macro_rules! table {
    ($($folder:ident $name:literal $part:ident [$($file:literal),*],)*) => {
        $(mod $folder;)*

        /// Every lesson, in teaching order.
        pub static LESSONS: &[&Lesson] = &[$(&Lesson {
            name: $name,
            part: Part::$part,
            en: include_str!(concat!(stringify!($folder), "/en.md")),
            zh: include_str!(concat!(stringify!($folder), "/zh.md")),
            files: &[
                ("mod.rs", include_str!(concat!(stringify!($folder), "/mod.rs"))),
                $(($file, include_str!(concat!(stringify!($folder), "/", $file)))),*
            ],
            examples: include_str!(concat!(stringify!($folder), "/examples.txt")),
            play: $folder::play,
        },)*];
    };
}

// The folder, the lesson's name, the part of the course, and the programs, beside `mod.rs`, that its texts show.
table! {
    ports "ports" Ports ["two_doors.py"],
    holder "holder" Ports ["late.py"],
    tcp "tcp" Ports [],
    socket "socket" Ports ["plug.py"],
    udp "udp" Ports ["post.py", "flood.py", "order.py"],
    client "client" Talk ["client.py"],
    server "server" Talk ["server.py"],
    eof "eof" Talk ["busy.py"],
    bytes "bytes" Talk ["split.py"],
    encodings "encodings" Talk ["encode.py", "smile.py"],
    bad_line "bad-line" Talk ["once.py", "patient.py"],
    processes "processes" Together ["family.py", "named.py", "guard.py"],
    threads "threads" Together ["share.py", "daemon.py"],
    lost_update "lost-update" Together ["plus.py", "apart.py", "locked.py"],
    deadlock "deadlock" Together ["desk.rs", "people.rs", "knot.py", "patient.py"],
    iterative "iterative" Models ["iterative.py"],
    pool "pool" Models ["pool.py"],
    event_loop "event-loop" Models ["loop.py"],
    poll "poll" Models ["poll.py", "limit.py"],
    prefork_loop "prefork-loop" Models ["prefork.py"],
    sharded "sharded" Models [],
    coroutines "coroutines" Models ["turns.py", "steps.py", "tasks.py", "switch.py", "green.py"],
    stacks "stacks" Models ["rude.py"],
    uring "uring" Models [],
    passing "passing" Models ["pass.py"],
    leader_followers "leader-followers" Models [],
    figures "figures" Models [],
    chat "chat" Whole ["room.py"],
    http "http" Whole ["site.rs", "web.py"],
    http_messages "http-messages" Whole ["show.py", "follow.py", "form.py"],
    web_page "web-page" Whole ["url.py", "page.py"],
    web_site "web-site" Whole [
        "first.py", "site.py", "secret.txt", "static/index.html", "static/news.html", "static/error.html", "static-old/plan.txt"
    ],
    web_many "web-many" Whole ["one.py", "threads.py", "processes.py", "tasks.py", "green.py"],
    web_port "web-port" Whole ["web.py", "two.py", "words.py", "naive.py", "static/index.html", "other/index.html"],
}

/// Finds a lesson by its name, or by its number in teaching order, from 1.
pub fn find(name: &str) -> Option<&'static Lesson> {
    let by_number = name.parse().ok().and_then(|number: usize| {
        let place = number.checked_sub(1)?;
        LESSONS.get(place).copied()
    });
    let mut all = LESSONS.iter().copied();
    by_number.or_else(|| all.find(|lesson| lesson.name == name))
}
