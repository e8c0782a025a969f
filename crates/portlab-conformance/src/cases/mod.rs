//! The table of cases: a new one is a file here and a line in the table.

use crate::Case;

/// Declares each file as a module, and lists its `CASE` under the name of the file.
macro_rules! table {
    ($($file:ident,)*) => {
        $(mod $file;)*

        /// Every case.
        pub static CASES: &[&Case] = &[$(&Case { name: stringify!($file), ..$file::CASE },)*];
    };
}

table! {
    exact_bytes,
    one_byte_per_write,
    many_messages_in_one_write,
    half_close,
    empty_connections,
    a_hundred_at_once,
    an_idle_client_does_not_delay_others,
    a_half_written_message_does_not_delay_others,
    a_fast_sender_does_not_delay_others,
    connections_above_the_limit_are_closed,
    idle_connections_are_closed,
    a_full_server_keeps_the_next_waiting,
    a_client_that_does_not_read_stops_only_itself,
    a_reset_mid_reply_leaves_nothing_behind,
    a_late_answer_to_a_lost_client_is_harmless,
    resets_before_accept,
    a_full_queue_is_served_after_a_pause,
    waiting_handlers_wait_side_by_side,
    blocking_handlers_block_only_themselves,
    blocking_handlers_stall_the_port,
    a_computing_handler_answers_rightly,
    a_panicking_handler_loses_only_its_connection,
    short_connections_leave_no_trace,
    a_busy_port_is_explained_and_a_restart_works,
    a_graceful_stop_answers_what_was_asked,
    stuck_clients_are_cut_at_the_deadline,
    a_blocked_handler_does_not_outlive_the_deadline,
    a_second_signal_ends_the_server_at_once,
    a_hangup_is_a_stop,
    late_readers_have_their_answers_at_a_stop,
    a_killed_server_leaves_no_process,
    a_killed_worker_loses_only_its_own_client,
    no_descriptors_left,
    no_descriptors_left_in_a_chat,
    fixed_text,
    a_line_appears_at_its_end,
    a_hundred_lines_in_one_write,
    each_member_reads_its_own_encoding,
    malformed_bytes_are_replaced,
    escape_sequences_are_made_visible,
    a_line_without_end_is_cut_off,
    slow_lines_are_cut_off,
    idle_members_are_told_and_closed,
    members_above_the_limit_are_told,
    one_of_many_gets_a_name,
    a_lost_member_is_announced,
    a_member_that_does_not_read_is_dropped,
    the_oldest_lines_are_dropped_when_asked,
    a_member_that_pauses_misses_no_line,
    a_paste_drops_no_member_that_reads,
    a_long_name_costs_no_more_than_a_short_one,
    a_flood_of_commands_does_not_delay_others,
    all_members_receive_the_lines_in_one_order,
    a_member_that_leaves_gets_all_its_answers,
    a_member_without_a_worker_is_told_nothing,
    a_killed_process_loses_only_its_own_members,
    a_killed_broker_loses_only_the_rooms,
    a_chat_that_stops_announces_no_departures,
}
