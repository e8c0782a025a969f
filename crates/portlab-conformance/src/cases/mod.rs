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
    an_idle_client_disturbs_nobody,
    a_half_written_client_disturbs_nobody,
    a_firehose_disturbs_nobody,
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
    a_second_signal_ends_it_at_once,
    a_hangup_is_a_stop,
    late_readers_have_their_answers_at_a_stop,
    a_killed_server_leaves_no_process,
    a_killed_worker_takes_only_its_own_along,
    no_descriptors_left,
    no_descriptors_left_in_a_chat,
    fixed_text,
    a_line_appears_at_its_end,
    a_hundred_lines_in_one_write,
    everybody_reads_his_own_encoding,
    malformed_bytes_are_replaced,
    nobody_moves_anothers_cursor,
    a_line_without_end_is_cut_off,
    slow_lines_are_cut_off,
    idle_members_are_told_and_closed,
    members_above_the_limit_are_told,
    one_of_many_gets_a_name,
    a_member_that_breaks_off_is_announced,
    a_member_that_does_not_read_is_dropped,
    the_oldest_lines_are_dropped_when_asked,
    a_member_that_pauses_hears_everything,
    a_paste_drops_no_attentive_reader,
    a_long_name_costs_no_more_than_a_short_one,
    a_flood_of_commands_lets_others_talk,
    a_storm_is_heard_in_one_order,
    who_leaves_hears_all_his_answers,
    who_waits_for_a_place_hears_nothing,
    a_killed_process_takes_its_own_members_along,
    a_killed_broker_takes_the_rooms_along_and_no_more,
    a_chat_that_stops_ends_without_a_word,
}
