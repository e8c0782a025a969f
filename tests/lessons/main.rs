//! Every lesson, in both languages: its texts agree, what it claims is seen, it leaves nothing behind,
//! also when it is interrupted, its page is what its text says, and every Python listing does as told.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod answers;
mod interactive;
mod interrupt;
mod listings;
mod pages;
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
            let name = format!("{}::what_it_claims_is_seen_in_{lang}", lesson.name);
            trials.push(Trial::test(name, move || {
                let _turn = turn_of(lesson);
                plays::what_it_claims_is_seen(lesson, lang)
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

/// The port that the course's programs use. A lesson names its number and leaves it to the student's
/// program: until that has it, no other test may take it.
static COURSES_PORT: Mutex<()> = Mutex::new(());

fn turn_at_the_courses_port() -> MutexGuard<'static, ()> {
    COURSES_PORT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The turn of a lesson that listens at the course's port when it goes on by itself.
fn turn_of(lesson: &Lesson) -> Option<MutexGuard<'static, ()>> {
    (lesson.name == "client").then(turn_at_the_courses_port)
}

type OnLesson = fn(&'static Lesson) -> Result<(), Failed>;
type Once = fn() -> Result<(), Failed>;

const ON_EVERY_LESSON: &[(&str, OnLesson)] = &[
    ("its_texts_agree", texts::agree),
    ("its_pages_are_what_its_texts_say", pages::are_fresh),
    (
        "ctrl_c_leaves_nothing_behind",
        interrupt::leaves_nothing_behind,
    ),
];

/// Names each trial as its function is named.
macro_rules! once {
    ($($module:ident::$name:ident,)*) => {
        const ONCE: &[(&str, Once)] = &[$((stringify!($name), $module::$name),)*];
    };
}

once! {
    interactive::a_students_server_that_breaks_off_ends_no_lesson,
    plays::a_closed_pipe_ends_a_lesson_quietly,
    interactive::a_students_server_is_called_when_it_is_ready,
    plays::a_students_own_files_change_nothing,
    plays::who_has_the_courses_port_is_told,
    interactive::the_courses_client_is_answered_by_hand,
    texts::every_lesson_is_a_folder_of_its_name,
    texts::the_chinese_texts_use_the_courses_terms,
    pages::the_indexes_list_every_lesson,
    pages::plans_of_classes_name_lessons_that_there_are,
    plays::what_is_asked_wrongly_is_told_the_nearest_that_works,
    interactive::a_guess_is_told_right_or_wrong,
    interactive::the_outcome_is_not_shown_before_the_guess,
    interactive::the_reason_comes_after_a_stop,
    answers::the_right_answer_is_anywhere_with_every_seed,
    answers::no_text_refers_to_an_answer_by_its_place,
    answers::the_answers_stand_in_one_order_on_page_and_terminal,
    interactive::a_user_may_leave_anywhere,
    plays::the_lost_update_loses_on_two_processors,
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
