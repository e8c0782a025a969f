//! The answers to choose from: the place of the right one.

use libtest_mimic::Failed;
use portlab_lessons::{LESSONS, order::SEED, page::page, script::Ask};
use portlab_words::Lang;

use crate::{
    check,
    plays::{Room, streams},
};

/// The seeds that are tried.
const SEEDS: u64 = 500;

/// The questions of all lessons in the order of `seed`.
fn asked(seed: u64) -> Result<Vec<(String, Ask)>, Failed> {
    let mut all = Vec::new();
    for lesson in LESSONS {
        for step in lesson.script_as_shown(Lang::En, seed)?.steps {
            let name = format!("{}/{}", lesson.name, step.key);
            all.extend(step.ask.map(|ask| (name, ask)));
        }
    }
    Ok(all)
}

/// Over all seeds, the right answer of each question is equally often at each place. With the seed of the pages, no place has
/// the right answer much more often than the others.
pub(crate) fn the_right_answer_is_at_each_place_equally_often() -> Result<(), Failed> {
    let questions = asked(SEED)?;
    let counts = questions.iter().map(|(_, ask)| vec![0; ask.options.len()]);
    let mut counts: Vec<Vec<u64>> = counts.collect();
    for seed in 0..SEEDS {
        for (count, (_, ask)) in counts.iter_mut().zip(asked(seed)?) {
            count[ask.right] += 1;
        }
    }
    for ((name, _), count) in questions.iter().zip(&counts) {
        // Five standard deviations of a binomial distribution.
        let share = 1.0 / count.len() as f64;
        let expected = SEEDS as f64 * share;
        let bound = 5.0 * (expected * (1.0 - share)).sqrt();
        let is_even = count.iter().all(|it| (*it as f64 - expected).abs() < bound);
        check(is_even, format!("{name}: right at {count:?} of {SEEDS}"))?;
    }
    for options in [2, 3] {
        let asks = questions.iter().map(|(_, ask)| ask);
        let mut count = vec![0_usize; options];
        for ask in asks.filter(|it| it.options.len() == options) {
            count[ask.right] += 1;
        }
        let total: usize = count.iter().sum();
        // The expected share, a half or a third of the questions, within a third of this share.
        let is_even = |it: &usize| (total * 2..=total * 4).contains(&(it * options * 3));
        let said = format!("{total} with {options} answers, right at {count:?}; take another SEED");
        check(count.iter().all(is_even), said)?;
    }
    Ok(())
}

/// Words that refer to an answer by its place. They would be wrong, because the place depends on the seed.
const PLACES: &str = "first answer to|second answer|third answer|last option|first option|second option|\
    third option|answer 1|answer 2|answer 3|option 1|option 2|option 3|the answers above|第一个选项|第二个选项|\
    第三个选项|最后一个选项|选项一|选项二|选项三|选项 1|选项 2|选项 3|第一个答案|第二个答案|第三个答案|\
    上一个选项|以上都|less than that|more than that|比这个";

pub(crate) fn no_text_refers_to_an_answer_by_its_place() -> Result<(), Failed> {
    let lessons = LESSONS.iter();
    for (lesson, lang) in lessons.flat_map(|it| Lang::ALL.map(|lang| (it, lang))) {
        let text = lesson.text(lang).to_lowercase().replace('\n', " ");
        let found = PLACES.split('|').find(|place| text.contains(place));
        let said = format!("{}/{lang}.md says {found:?}", lesson.name);
        check(found.is_none(), said)?;
    }
    Ok(())
}

pub(crate) fn the_answers_stand_in_one_order_on_page_and_terminal() -> Result<(), Failed> {
    let room = Room::new();
    let lesson = portlab_lessons::find("ports").unwrap();
    for seed in [SEED, SEED + 1, SEED + 2] {
        let number = seed.to_string();
        let mut arguments = vec!["ports", "--lang", "en"];
        if seed != SEED {
            arguments.extend(["--seed", &number]);
        }
        let mut command = room.command(&arguments);
        let output = command.env("COLUMNS", "80").output()?;
        let (shown, _) = streams(&output);
        check(shown.contains(&format!("--seed {seed}")), &shown)?;
        let mut rest = shown.as_str();
        let script = lesson.script_as_shown(Lang::En, seed)?;
        let on_page = page(lesson, Lang::En)?;
        let mut rest_of_page = on_page.as_str();
        for ask in script.steps.iter().filter_map(|it| it.ask.as_ref()) {
            for (place, option) in (1..).zip(&ask.options) {
                let place: usize = place;
                let line = format!("  {place}  {option}");
                let found = rest.find(&line).ok_or(format!("no {line:?} in\n{rest}"))?;
                rest = &rest[found..];
                if seed == SEED {
                    let line = format!("{place}. {option}\n");
                    let found = rest_of_page
                        .find(&line)
                        .ok_or(format!("the page has no {line:?}"))?;
                    rest_of_page = &rest_of_page[found..];
                }
            }
        }
    }
    Ok(())
}
