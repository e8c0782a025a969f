use std::time::Duration;

use portlab_judge::Finding;

use super::*;

fn verdict(name: &str, points: u32, bugs: &[(&str, &str)]) -> Verdict {
    let finding = |(bug, weight): &(&str, &str)| Finding {
        bug: (*bug).to_owned(),
        experiment: String::new(),
        weight: (*weight).to_owned(),
        title: Text::new("words of a student", "学生写的文字"),
        evidence: Vec::new(),
        stderr: Vec::new(),
        cause: Text::default(),
        remedy: Text::default(),
        source: None,
        code: String::new(),
        lesson: String::new(),
    };
    Verdict {
        format: Verdict::FORMAT,
        portlab_version: String::new(),
        name: name.to_owned(),
        side: Side::Server,
        command: Vec::new(),
        addr: None,
        speech: None,
        started_unix_s: 0,
        took_ms: 0,
        mark: Mark {
            points,
            of: 10,
            passed: 2,
            judged: 3,
        },
        experiments: Vec::new(),
        bugs: bugs.iter().map(finding).collect(),
        rules: Vec::new(),
    }
}

#[test]
fn a_verdict_under_the_same_name_replaces_the_earlier_one_and_keeps_its_mark() {
    let wall = Wall::default();
    for (name, points) in [("王小明", 6), ("Li", 10), (" 王小明\n", 9)] {
        wall.take(&verdict(name, points, &[]), 7).unwrap();
    }
    let seen = wall.cards().into_iter();
    let seen: Vec<_> = seen
        .map(|it| (it.name, it.mark, it.before, it.times, it.number))
        .collect();
    let expected = [
        ("王小明".to_owned(), 9, Some(6), 2, 3),
        ("Li".to_owned(), 10, None, 1, 2),
    ];
    assert_eq!(seen, expected);
    wall.remove("Li");
    assert_eq!(wall.cards().len(), 1);
    wall.clear();
    assert_eq!(wall.cards(), []);
}

#[test]
fn bugs_are_in_the_judges_order_with_the_words_of_this_program() {
    let wall = Wall::default();
    let bugs = [
        ("no-answer", "should"),
        ("crashes", "must"),
        ("a-newer-bug\u{202e}", "may"),
    ];
    wall.take(&verdict("Li", 3, &bugs), 0).unwrap();
    let bugs = wall.cards().remove(0).bugs;
    let names: Vec<_> = bugs.iter().map(|it| &*it.name).collect();
    assert_eq!(names, ["no-answer", "crashes", "a-newer-bug\u{fffd}"]);
    assert_eq!(bugs[0].title.en, bugs::find("no-answer").unwrap().title[0]);
    let shown = serde_json::to_string(&bugs).unwrap();
    assert!(!shown.contains("words of a student"), "{shown}");
}

#[test]
fn a_name_is_one_short_line_without_marks_of_direction() {
    for (name, cleaned) in [
        ("  a \t b\n", "a b"),
        ("a\u{202e}b\u{7}", "a\u{fffd}b␇"),
        (
            &format!("{}/li/server.py", "长".repeat(90)),
            &*format!("…{}/li/server.py", "长".repeat(26)),
        ),
        ("Wa\u{200b}ng\u{2060}", "Wang"),
        ("<b>&amp;", "<b>&amp;"),
        (" \n", ""),
    ] {
        assert_eq!(clean(name), cleaned, "{name:?}");
    }
}

#[test]
fn a_verdict_without_a_name_or_with_an_impossible_mark_is_refused() {
    let wall = Wall::default();
    let mut of_eleven = verdict("Li", 10, &[]);
    of_eleven.mark.of = 11;
    let mut too_many_passed = verdict("Li", 10, &[]);
    too_many_passed.mark.passed = 4;
    for wrong in [
        verdict(" ", 5, &[]),
        verdict("Li", 11, &[]),
        of_eleven,
        too_many_passed,
    ] {
        let (status, _) = wall.take(&wrong, 0).unwrap_err();
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong:?}");
    }
    assert_eq!(wall.cards(), []);
}

#[test]
fn a_full_wall_takes_known_names_only() {
    let wall = Wall::default();
    for number in 0..MOST_NAMES {
        wall.take(&verdict(&number.to_string(), 5, &[]), 0).unwrap();
    }
    let (status, why) = wall.take(&verdict("new", 5, &[]), 0).unwrap_err();
    assert_eq!(status, StatusCode::INSUFFICIENT_STORAGE);
    assert!(why.en.contains("200"), "{why}");
    wall.take(&verdict("7", 6, &[]), 0).unwrap();
    assert_eq!(wall.cards().len(), MOST_NAMES);
}

#[test]
fn a_class_may_send_at_once_and_a_flood_is_refused() {
    let mut allowance = Allowance::default();
    let now = Instant::now();
    let taken = (0..1_000).filter(|_| allowance.has_room(now)).count();
    assert_eq!(taken, AT_ONCE as usize);
    // A second later, there is room for a second's verdicts.
    let later = now + Duration::from_secs(1);
    let taken = (0..1_000).filter(|_| allowance.has_room(later)).count();
    assert_eq!(taken, 10);
}
