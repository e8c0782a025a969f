//! Tests of every lesson in both languages: its texts agree, its claims hold, it leaves no process and no file behind, also
//! when it is interrupted, its page is fresh, and every Python listing runs as described.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod answers;
mod choices;
mod interactive;
mod interrupt;
mod listings;
mod pages;
mod pictures;
mod plans;
mod plays;
mod texts;

use std::sync::{Mutex, MutexGuard, PoisonError};

use libtest_mimic::{Failed, Trial};
use portlab_lessons::{LESSONS, Lesson};
use portlab_words::Lang;

fn main() {
    let mut trials = Vec::new();
    for &lesson in LESSONS {
        for lang in Lang::ALL {
            let name = format!("{}::its_claims_hold_in_{lang}", lesson.name);
            trials.push(Trial::test(name, move || {
                let _turn = turn_of(lesson);
                plays::its_claims_hold(lesson, lang)
            }));
        }
        for &(name, run) in ON_EVERY_LESSON {
            let name = format!("{}::{name}", lesson.name);
            trials.push(Trial::test(name, move || {
                let _turn = turn_of(lesson);
                run(lesson)
            }));
        }
    }
    for &(name, run) in ONCE {
        trials.push(Trial::test(name, run));
    }
    trials.extend(listings::trials());
    portlab_testkit::run(trials);
}

/// Held by a test that uses port 8080, which the course's programs use. A lesson gives this number to the student's program,
/// so no other test may bind it until that program has.
static COURSES_PORT: Mutex<()> = Mutex::new(());

fn turn_at_the_courses_port() -> MutexGuard<'static, ()> {
    COURSES_PORT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The turn of a lesson that may listen at port 8080.
fn turn_of(lesson: &Lesson) -> Option<MutexGuard<'static, ()>> {
    lesson
        .has_a_port_for_the_user()
        .then(turn_at_the_courses_port)
}

type OnLesson = fn(&'static Lesson) -> Result<(), Failed>;
type Once = fn() -> Result<(), Failed>;

const ON_EVERY_LESSON: &[(&str, OnLesson)] = &[
    ("its_texts_agree", texts::agree),
    ("its_pages_are_what_its_texts_say", pages::are_fresh),
    (
        "its_last_step_stands_alone",
        choices::its_last_step_stands_alone,
    ),
    (
        "its_screens_suit_a_projector",
        interactive::its_screens_suit_a_projector,
    ),
    (
        "ctrl_c_leaves_nothing_behind",
        interrupt::leaves_nothing_behind,
    ),
];

/// Names each trial after its function.
macro_rules! once {
    ($($module:ident::$name:ident,)*) => {
        const ONCE: &[(&str, Once)] = &[$((stringify!($name), $module::$name),)*];
    };
}

once! {
    plans::every_row_of_a_class_plan_has_enough_time,
    choices::a_wrong_choice_gets_an_error_with_a_remedy,
    choices::one_language_is_shown_where_there_are_two,
    choices::pages_are_exported_in_both_languages_or_in_one,
    choices::programs_are_saved_and_run,
    interactive::a_students_server_that_resets_the_connection_does_not_end_the_lesson,
    plays::a_lesson_ends_without_a_message_when_its_pipe_is_closed,
    interactive::a_students_server_gets_a_client_when_it_listens,
    interactive::a_students_web_server_is_visited_until_its_pages_are_right,
    plays::a_students_own_files_change_nothing,
    plays::the_holder_of_port_8080_is_named,
    interactive::the_courses_client_is_answered_by_hand,
    interactive::a_users_own_program_is_skipped_by_s_only,
    texts::every_lesson_is_a_folder_of_its_name,
    texts::the_chinese_texts_use_the_courses_terms,
    pages::the_indexes_list_every_lesson,
    pages::class_plans_name_existing_lessons,
    pictures::the_waterfall_is_drawn_from_its_record,
    interactive::a_guess_is_judged_right_or_wrong,
    interactive::the_outcome_is_not_shown_before_the_guess,
    interactive::the_reason_comes_after_a_stop,
    answers::the_right_answer_is_at_each_place_equally_often,
    answers::no_text_refers_to_an_answer_by_its_place,
    answers::the_answers_stand_in_one_order_on_page_and_terminal,
    interactive::a_user_may_leave_anywhere,
    plays::additions_are_lost_on_two_processors,
    plays::the_list_is_in_teaching_order_also_as_json,
}

/// Fails with `text` unless `holds`.
fn check(holds: bool, text: impl Into<String>) -> Result<(), Failed> {
    if holds {
        Ok(())
    } else {
        Err(text.into().into())
    }
}
