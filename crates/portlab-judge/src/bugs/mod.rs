//! The bugs that a judge can name.
//!
//! A new one is a constant in the file of its topic, and a line in the table.

#![allow(
    non_upper_case_globals,
    reason = "a bug is called by the name of its constant"
)]

use crate::Side;

mod callers;
mod clients;
mod ends;
mod messages;
mod pages;
mod running;
mod start;
mod text;
mod traversal;

/// A bug, in a beginner's words.
#[derive(Debug)]
pub struct Bug {
    /// Its name, in kebab case: a part of the JSON. The table takes it from the constant.
    pub name: &'static str,
    /// What goes wrong, in a few words, in English and Chinese.
    pub title: [&'static str; 2],
    /// Why.
    pub cause: [&'static str; 2],
    /// What to do about it.
    pub remedy: [&'static str; 2],
    /// The code to write, in Python; it may have several lines. `{encoding}` is the encoding that the program uses.
    pub code: &'static str,
    /// The lesson to read.
    pub lesson: &'static str,
    /// Parts of the line of a Python program to look at; an earlier one counts more.
    pub look_at: &'static [&'static str],
}

impl Bug {
    /// The common part of the bugs that `lesson` explains; each bug adds its texts.
    const fn read_in(lesson: &'static str) -> Self {
        Self {
            name: "",
            title: [""; 2],
            cause: [""; 2],
            remedy: [""; 2],
            code: "",
            lesson,
            look_at: &[],
        }
    }
}

/// Lists the bugs under the names of their constants.
macro_rules! table {
    ($(#[$doc:meta])* $table:ident: $($topic:ident::$bug:ident $name:literal,)*) => {
        $(#[$doc])*
        pub static $table: &[&Bug] = &[$(&Bug { name: $name, ..$topic::$bug },)*];
    };
}

table! {
    /// Every bug of a server.
    BUGS:
    start::no_listen "no-listen",
    start::input_before_listen "input-before-listen",
    start::crashes_at_start "crashes-at-start",
    start::no_answer "no-answer",
    start::not_http "not-http",
    start::wrong_answer "wrong-answer",
    start::crashes "crashes",
    start::errors_swallowed "errors-swallowed",
    clients::ends_after_first_client "ends-after-first-client",
    clients::ends_at_empty_connection "ends-at-empty-connection",
    clients::keeps_lost_members "keeps-lost-members",
    clients::resends_after_end "resends-after-end",
    clients::epoll_closed_before_unregistered "epoll-closed-before-unregistered",
    ends::ends_at_reset "ends-at-reset",
    ends::closes_at_half_close "closes-at-half-close",
    ends::send_not_sendall "send-not-sendall",
    running::one_at_a_time "one-at-a-time",
    running::busy_loop "busy-loop",
    running::worker_never_ends "worker-never-ends",
    running::descriptor_leak "descriptor-leak",
    running::zombies "zombies",
    running::small_backlog "small-backlog",
    running::no_reuseaddr "no-reuseaddr",
    messages::one_read_one_message "one-read-one-message",
    messages::shared_state "shared-state",
    text::dies_at_non_text "dies-at-non-text",
    text::splits_character "splits-character",
    text::gbk_answered_as_utf8 "gbk-answered-as-utf8",
    pages::no_404 "no-404",
    pages::dies_at_404 "dies-at-404",
    pages::no_content_length_no_close "no-content-length-no-close",
    pages::content_length_in_characters "content-length-in-characters",
    pages::wrong_charset "wrong-charset",
    pages::answers_before_request_ends "answers-before-request-ends",
    traversal::traversal_dotdot "traversal-dotdot",
    traversal::traversal_absolute "traversal-absolute",
    traversal::traversal_encoded "traversal-encoded",
}

table! {
    /// Every bug of a client. Some have the name of a server's bug, and other words.
    CLIENT_BUGS:
    callers::no_connect "no-connect",
    callers::crashes_at_start "crashes-at-start",
    callers::crashes "crashes",
    callers::sends_nothing "sends-nothing",
    callers::mixed_encodings "mixed-encodings",
    callers::one_read_one_message "one-read-one-message",
    callers::splits_character "splits-character",
    callers::send_not_sendall "send-not-sendall",
    callers::busy_loop "busy-loop",
    callers::no_timeout "no-timeout",
    callers::dies_at_server_end "dies-at-server-end",
    callers::misses_server_end "misses-server-end",
    callers::never_closes "never-closes",
    callers::dies_at_reset "dies-at-reset",
    callers::dies_at_refusal "dies-at-refusal",
    callers::no_blank_line "no-blank-line",
    callers::bare_lf "bare-lf",
    callers::no_host "no-host",
    callers::waits_for_close "waits-for-close",
}

/// The bug of a server with this name.
pub fn find(name: &str) -> Option<&'static Bug> {
    bug_of(Side::Server, name)
}

/// The bug of a program of this `side` with this name.
pub fn bug_of(side: Side, name: &str) -> Option<&'static Bug> {
    let mut all = match side {
        Side::Server => BUGS.iter(),
        Side::Client => CLIENT_BUGS.iter(),
    };
    all.find(|it| it.name == name).copied()
}

/// Asserts that the table of this `side` has each bug that `experiment` names.
#[cfg(test)]
pub(crate) fn are_in_the_table<Fits, Run>(
    side: Side,
    experiment: &portlab_conformance::experiments::Experiment<Fits, Run>,
) {
    for name in experiment.names.iter().chain(&experiment.unless.concat()) {
        assert!(bug_of(side, name).is_some(), "{}: {name}", experiment.name);
    }
    assert!(!experiment.names.is_empty(), "{}", experiment.name);
}

#[cfg(test)]
mod tests {
    use super::*;
    use portlab_conformance::experiments::EXPERIMENTS;

    #[test]
    fn every_bug_that_an_experiment_names_is_in_the_table() {
        for experiment in EXPERIMENTS {
            are_in_the_table(Side::Server, experiment);
        }
    }

    #[test]
    fn every_bug_has_its_texts_in_both_languages() {
        for bug in BUGS.iter().chain(CLIENT_BUGS) {
            for [en, zh] in [bug.title, bug.cause, bug.remedy] {
                let is_chinese = zh.chars().any(|it| it > '\u{4e00}');
                assert!(!en.is_empty() && is_chinese, "{}: {en} {zh}", bug.name);
            }
            let kebab = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '-';
            assert!(bug.name.chars().all(kebab), "{}", bug.name);
            for line in bug.code.lines() {
                assert!(line.chars().count() <= 72, "{}: {line}", bug.name);
            }
        }
    }
}
