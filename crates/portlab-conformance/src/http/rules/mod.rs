//! The tables of rules: a file for each topic, a row for each rule.
//!
//! A row is: name, weight, section, what it needs, the sentence in both languages, what is sent, and what must come.
//! Several texts in what is sent are variations of one rule. If a standard allows several outcomes, a row names all.

mod chunks;
mod coding;
mod conditions;
mod connection;
mod fields;
mod files;
mod host;
mod length;
mod line;
mod methods;
mod ranges;
mod responses;
mod target;
mod transfer;

use super::{Needs, Rule, want};
use crate::experiments::Weight;

/// Every rule, by topic.
pub static RULES: &[&[Rule]] = &[
    line::RULES,
    target::RULES,
    host::RULES,
    fields::RULES,
    length::RULES,
    transfer::RULES,
    chunks::RULES,
    connection::RULES,
    methods::RULES,
    responses::RULES,
    conditions::RULES,
    ranges::RULES,
    coding::RULES,
    files::RULES,
];

/// Writes a table.
macro_rules! rules {
    ($($name:ident $weight:ident $section:literal $(($needs:ident))? $en:literal $zh:literal
        [$($ask:expr),* $(,)?] => $($want:expr),+;)*) => {
        pub(super) static RULES: &[super::Rule] = &[$(super::Rule {
            name: stringify!($name),
            section: $section,
            weight: super::Weight::$weight,
            about: portlab_words::Text::new($en, $zh),
            needs: super::rules!(@ $($needs)?),
            asks: &[$($ask),*],
            wants: &[$($want),+],
        },)*];
    };
    (@) => { super::Needs::Any };
    (@ $needs:ident) => { super::Needs::$needs };
}

/// A request without a body: `get!("/", "Range: bytes=0-1")`.
macro_rules! get {
    ($path:literal $(, $field:literal)*) => { super::asked!("GET", $path, ""; $($field),*) };
}

/// The same with HEAD.
macro_rules! head {
    ($path:literal $(, $field:literal)*) => { super::asked!("HEAD", $path, ""; $($field),*) };
}

/// A request with a body: `post!("hello"; "Content-Length: 5")`.
macro_rules! post {
    ($body:expr $(; $($field:literal),*)?) => { super::asked!("POST", "/", $body; $($($field),*)?) };
}

/// A request with a body in chunks.
macro_rules! chunked {
    ($body:expr) => { super::asked!("POST", "/", $body; "Transfer-Encoding: chunked") };
}

/// Any request.
macro_rules! asked {
    ($method:literal, $path:literal, $body:expr; $($field:literal),*) => {
        concat!($method, " ", $path, " HTTP/1.1\nHost: {host}\n", $($field, "\n",)* "\n", $body)
    };
}

/// A request of 27 bytes (1b in hexadecimal), which is sent as a body. A server that takes it for a request answers it.
macro_rules! smuggled {
    () => {
        "GET / HTTP/1.1\nHost: h\n\n"
    };
}

use {asked, chunked, get, head, post, rules, smuggled};
