//! What `portlab judge` does with a server: the table of experiments.
//!
//! A new one is a constant in the file of its topic, and a line in the table. Experiments run in the order of the table,
//! each on a server that runs and has no client.

#![allow(
    non_upper_case_globals,
    reason = "an experiment is called by the name of its constant"
)]

mod clients;
mod ending;
mod ends;
mod errors;
mod experiment;
pub mod fuzz;
pub(crate) mod http;
mod large;
mod leaks;
mod listening;
mod messages;
mod pages;
mod record;
mod speech;
mod subject;
mod talk;
mod text;
mod traversal;
mod visitor;

pub use ending::{Ending, KnownEnd};
pub use experiment::{Experiment, Needs, Outcome, Trouble, Weight};
pub use record::{Event, Evidence, Record, shown};
pub use speech::{Answer, Kind, Progress, Speech};
pub use subject::{Idle, Program, Service, Subject};
pub use talk::has;
pub use visitor::{Processes, Received, Visitor, Waits};

/// Lists the experiments under the names of their constants.
macro_rules! table {
    ($($topic:ident::$experiment:ident,)*) => {
        /// Every experiment, in the order in which they run.
        pub static EXPERIMENTS: &[&Experiment] =
            &[$(&Experiment { name: stringify!($experiment), ..$topic::$experiment },)*];
    };
}

table! {
    clients::answers_a_client,
    clients::serves_the_next_client,
    clients::survives_an_empty_connection,
    ends::survives_a_reset,
    clients::serves_others_beside_a_silent_client,
    ends::does_not_spin,
    ends::notices_the_end,
    large::sends_all,
    ends::answers_after_half_close,
    ends::sends_the_rest_after_half_close,
    leaks::ends_its_workers,
    leaks::closes_its_sockets,
    leaks::reaps_its_children,
    listening::has_a_queue,
    listening::restarts_at_once,
    messages::reads_messages_and_not_segments,
    messages::keeps_clients_apart,
    text::survives_bytes_that_are_not_text,
    text::keeps_characters_whole,
    text::answers_in_the_encoding_of_the_question,
    pages::answers_404_for_a_missing_page,
    pages::says_where_a_page_ends,
    pages::counts_the_bytes_of_a_page,
    pages::declares_the_encoding_of_a_page,
    pages::waits_for_the_whole_request,
    traversal::no_dotdot_leads_out,
    traversal::no_absolute_path_leads_out,
    traversal::no_encoded_path_leads_out,
}
