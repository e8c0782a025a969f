//! The table of cases: a new one is a constant in the file of its topic, and a line in the table.

#![allow(
    non_upper_case_globals,
    reason = "a case is called by the name of its constant"
)]

mod bytes;
mod chat_limits;
mod chat_lines;
mod chat_members;
mod chat_readers;
mod handlers;
mod killed;
mod limits;
mod neighbours;
mod resets;
mod stop;
mod web;

use crate::Case;

/// Lists the cases under the names of their constants.
macro_rules! table {
    ($($topic:ident::$case:ident,)*) => {
        /// Every case.
        pub static CASES: &[&Case] = &[$(&Case { name: stringify!($case), ..$topic::$case },)*];
    };
}

table! {
    bytes::exact_bytes,
    bytes::one_byte_per_write,
    bytes::many_messages_in_one_write,
    bytes::half_close,
    bytes::empty_connections,
    bytes::a_hundred_at_once,
    neighbours::an_idle_client_does_not_delay_others,
    neighbours::a_half_written_message_does_not_delay_others,
    neighbours::a_fast_sender_does_not_delay_others,
    limits::connections_above_the_limit_are_closed,
    limits::idle_connections_are_closed,
    limits::a_full_server_keeps_the_next_waiting,
    neighbours::a_client_that_does_not_read_stops_only_itself,
    resets::a_reset_mid_reply_leaves_nothing_behind,
    resets::a_late_answer_to_a_lost_client_is_harmless,
    resets::resets_before_accept,
    limits::a_full_queue_is_served_after_a_pause,
    handlers::waiting_handlers_wait_side_by_side,
    handlers::blocking_handlers_block_only_themselves,
    handlers::blocking_handlers_stall_the_port,
    handlers::a_computing_handler_answers_rightly,
    handlers::a_panicking_handler_loses_only_its_connection,
    limits::short_connections_leave_no_trace,
    stop::a_busy_port_is_explained_and_a_restart_works,
    stop::a_graceful_stop_answers_what_was_asked,
    stop::stuck_clients_are_cut_at_the_deadline,
    stop::a_blocked_handler_does_not_outlive_the_deadline,
    stop::a_second_signal_ends_the_server_at_once,
    stop::a_hangup_is_a_stop,
    stop::late_readers_receive_their_answers_at_a_stop,
    killed::a_killed_server_leaves_no_process,
    killed::a_killed_worker_loses_only_its_own_client,
    limits::no_descriptors_left,
    chat_limits::no_descriptors_left_in_a_chat,
    bytes::fixed_text,
    chat_lines::a_line_appears_at_its_end,
    chat_lines::a_hundred_lines_in_one_write,
    chat_lines::each_member_reads_its_own_encoding,
    chat_lines::malformed_bytes_are_replaced,
    chat_lines::escape_sequences_are_made_visible,
    chat_lines::a_line_without_end_is_cut_off,
    chat_limits::slow_lines_are_cut_off,
    chat_limits::idle_members_receive_the_reason_and_are_closed,
    chat_limits::members_above_the_limit_receive_the_reason,
    chat_members::one_of_many_gets_a_name,
    chat_members::a_lost_member_is_announced,
    chat_readers::a_member_that_does_not_read_is_dropped,
    chat_readers::the_oldest_lines_are_dropped_when_asked,
    chat_readers::a_member_that_pauses_misses_no_line,
    chat_readers::a_paste_drops_no_member_that_reads,
    chat_members::a_long_name_costs_no_more_than_a_short_one,
    chat_members::a_flood_of_commands_does_not_delay_others,
    chat_members::all_members_receive_the_lines_in_one_order,
    chat_members::a_member_that_leaves_gets_all_its_answers,
    chat_limits::a_member_without_a_worker_receives_nothing,
    killed::a_killed_process_loses_only_its_own_members,
    killed::a_killed_broker_loses_only_the_rooms,
    stop::a_chat_that_stops_announces_no_departures,
    web::an_idle_web_client_does_not_delay_others,
    web::a_slow_head_gets_408,
    web::a_thousand_requests_leave_nothing_behind,
    web::a_reset_mid_file_leaves_nothing_behind,
    web::slow_readers_of_a_file_do_not_delay_others,
}
