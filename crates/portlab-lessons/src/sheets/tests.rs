//! Each page has what its readers need, and nothing that gives an answer away.

use super::*;
use crate::{LESSONS, order::SEED};

fn of(kind: Kind, name: &str, lang: Lang) -> String {
    sheet(kind, crate::find(name).unwrap(), lang, SEED, Code::Both).unwrap()
}

/// All lessons in each language.
fn all() -> impl Iterator<Item = (&'static Lesson, Lang)> {
    let lessons = LESSONS.iter().copied();
    lessons.flat_map(|it| Lang::ALL.map(|lang| (it, lang)))
}

#[test]
fn every_page_is_one_file_that_makes_no_request() {
    for ((lesson, lang), kind) in all().flat_map(|it| Kind::ALL.map(|kind| (it, kind))) {
        let page = of(kind, lesson.name, lang);
        let name = format!("{} {} {lang}", lesson.name, kind.name());
        for outside in ["src=", "@import", "url(", "http:", "https:"] {
            // The text itself may name an address.
            let head = page.split("</head>").next().unwrap();
            assert!(!head.contains(outside), "{name}: {outside}");
        }
        assert_eq!(page.contains("<script"), kind == Kind::Slides, "{name}");
        // A program's own brackets stay.
        let programs = lesson
            .files
            .iter()
            .filter(|(file, _)| file.ends_with(".py"));
        let programs: String = programs.map(|(_, text)| *text).collect();
        let is_filled = |name: &&str| !page.contains(name) || programs.contains(name);
        let is_filled = ["{port}", "{yours}"].iter().all(is_filled);
        assert!(is_filled, "{name}");
        let title = lesson.title(lang).split('`').next().unwrap();
        assert!(page.contains(title), "{name}");
    }
}

#[test]
fn the_worksheet_has_gaps_for_calls_and_values() {
    let page = of(Kind::Worksheet, "client", Lang::Zh);
    assert!(
        page.contains(r#"client.<span class="gap short"></span>((&quot;127.0.0.1&quot;, port))"#),
        "{page}"
    );
    assert!(
        page.contains(r#"客户端从 <span class="gap short"></span> 号端口"#),
        "{page}"
    );
    for call in ["connect", "recv", "encode"] {
        assert!(
            page.contains(&format!("<span>{call}</span>")),
            "{call} is not in the list of words"
        );
    }
    assert!(!page.contains("client.connect("), "an answer is shown");
    let key = of(Kind::Key, "client", Lang::Zh);
    assert!(key.contains("client.<mark>connect</mark>("));
}

/// A claim below a question would answer it; the key has it.
#[test]
fn no_claim_of_a_step_that_asks_is_on_the_worksheet() {
    for (lesson, lang) in all() {
        let [page, key] = [Kind::Worksheet, Kind::Key].map(|kind| of(kind, lesson.name, lang));
        let sheet = Sheet {
            lesson,
            lang,
            seed: SEED,
            script: lesson.script(lang).unwrap(),
            examples: lesson.examples(lang),
        };
        for step in &sheet.script.steps {
            for claim in &step.claims {
                let is_told = page.contains(&sheet.with_gaps(&claim.text).into_string());
                let name = format!("{}/{}/{} {lang}", lesson.name, step.key, claim.key);
                assert_ne!(is_told, step.ask.is_some(), "{name}");
                assert!(
                    key.contains(&sheet.inline(&claim.text).into_string()),
                    "{name}"
                );
            }
        }
    }
}

/// The quiz and its key agree on the numbers, also in another order of the answers.
#[test]
fn the_key_names_the_right_answer_of_the_quiz() {
    let lesson = crate::find("ports").unwrap();
    let mut places = std::collections::BTreeSet::new();
    for seed in 1..9 {
        let [quiz, key] = [Kind::Quiz, Kind::Key]
            .map(|kind| sheet(kind, lesson, Lang::En, seed, Code::Both).unwrap());
        let script = lesson.script_as_shown(Lang::En, seed).unwrap();
        let ask = script.steps[0].ask.as_ref().unwrap();
        let options = quiz.split("<ol class=\"boxes\">").nth(1).unwrap();
        let items: Vec<_> = options.split("<li>").skip(1).collect();
        assert_eq!(items.len(), ask.options.len());
        let (_, answer) = key.split_once("Right answer ").unwrap();
        let number: usize = answer.split('<').next().unwrap().parse().unwrap();
        let text = items[number - 1].split("</li>").next().unwrap();
        assert!(answer.contains(text), "{number} of {items:?}");
        assert_eq!(number, ask.right + 1);
        assert!(!quiz.contains("Right answer") && quiz.contains(&format!("--seed {seed}")));
        places.insert(number);
    }
    assert!(places.len() > 1, "the order depends on the seed");
}

#[test]
fn a_question_comes_a_slide_before_its_answer() {
    let page = of(Kind::Slides, "server", Lang::En);
    let slides: Vec<_> = page.split("<section").skip(1).collect();
    let asks = |it: &&str| it.contains("slide ask") && it.contains("It is refused");
    let at = slides.iter().position(asks).unwrap();
    assert!(!slides[at].contains('→'));
    assert!(
        slides[at + 1].contains("→ <strong>It is refused</strong>"),
        "{}",
        slides[at + 1]
    );
    let script = crate::find("server").unwrap().script(Lang::En).unwrap();
    let least = 3 * script.steps.len();
    assert!(slides.len() > least, "{} slides", slides.len());
}
