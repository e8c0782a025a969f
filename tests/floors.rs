//! The crates as docs/ARCHITECTURE.md draws them; `house.rs` compares the manifests with this table.

/// Every crate below the command line, from the ground up, and the crates that it may depend on.
pub(super) const FLOORS: &[(&str, &[&str])] = &[
    ("words", &[]),
    ("service", &["words"]),
    ("sys", &["words"]),
    ("stats", &["words"]),
    ("conformance", &["service", "sys", "words"]),
    ("judge", &["conformance", "service", "sys", "words"]),
    ("proxy", &["service", "words"]),
    ("load", &["service", "stats", "sys", "words"]),
    ("assist", &["load", "service", "sys", "words"]),
    ("backends", &["service", "stats", "sys", "words"]),
    ("lab", &["backends", "load", "stats", "sys", "words"]),
    ("chart", &[]),
    ("report", &["chart", "service", "stats", "words"]),
    ("ports", &["lab", "service", "sys", "words"]),
    (
        "lessons",
        &["backends", "lab", "proxy", "service", "sys", "words"],
    ),
    (
        "class",
        &[
            "assist", "backends", "judge", "lab", "lessons", "report", "service", "stats", "sys",
            "words",
        ],
    ),
    ("testkit", &["sys"]),
];
