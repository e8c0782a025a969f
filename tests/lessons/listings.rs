//! Every Python listing of a text is run as the text describes, on machines with Python.
//!
//! `listings/*.py` has an entry for each listing: its input, and the expected outcome. A listing without an entry fails.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use libtest_mimic::{Failed, Trial};
use portlab_lab::python::{Python, alone};
use portlab_lessons::{
    LESSONS, Lesson,
    script::{Block, Script},
};
use portlab_sys::spawn;
use portlab_words::Lang;
use serde_json::json;

use crate::check;

/// The entries, and the program that runs them.
const HARNESS: &[&str] = &[
    include_str!("listings/harness.py"),
    include_str!("listings/network.py"),
    include_str!("listings/datagrams.py"),
    include_str!("listings/together.py"),
    include_str!("listings/servers.py"),
    include_str!("listings/messages.py"),
    include_str!("listings/web.py"),
    "main()",
];

/// The listings of a lesson in one language, by LESSON/STEP/NUMBER, and whether each is a whole program.
type Listings = BTreeMap<String, (String, bool)>;

/// The steps whose listings need a package.
const PACKAGES: [(&str, &str); 4] = [
    ("coroutines/switch/", "greenlet"),
    ("coroutines/gevent/", "gevent"),
    ("stacks/gevent/", "gevent"),
    ("web-many/gevent/", "gevent"),
];

/// A trial per listing; a listing that is the same in both languages is run once. Without Python, or without a package that
/// the listing needs, the trial is listed as ignored, with the reason.
pub(crate) fn trials() -> Vec<Trial> {
    let python = Python::find();
    let lacks = |package: &str| {
        python
            .as_ref()
            .is_some_and(|it| it.package(package).is_none())
    };
    let missing = PACKAGES.map(|(step, package)| (step, package, lacks(package)));
    let mut trials = Vec::new();
    let mut all = BTreeSet::new();
    for &lesson in LESSONS {
        let [en, zh] = Lang::ALL.map(|lang| of_lesson(lesson, lang));
        for (lang, listings, other) in [(Lang::En, &en, None), (Lang::Zh, &zh, Some(&en))] {
            all.extend(listings.keys().cloned());
            for (at, code) in listings {
                if other.is_some_and(|other| other.get(at) == Some(code)) {
                    continue;
                }
                let mut missing = missing.iter().filter(|(_, _, is_missing)| *is_missing);
                let package = missing.find(|(step, ..)| at.starts_with(step));
                let reason = match (&python, package) {
                    (None, _) => Some("no Python 3 here".to_owned()),
                    (_, Some((_, package, _))) => Some(format!("no {package} here")),
                    _ => None,
                };
                let name = format!("listings::{at}_runs_as_described_in_{lang}");
                let (python, at, listings) = (python.clone(), at.clone(), listings.clone());
                let trial = Trial::test(name, move || match python {
                    Some(python) => runs_as_described(&python, lesson, lang, &at, &listings),
                    None => Ok(()),
                });
                let trial = trial.with_ignored_flag(reason.is_some());
                trials.push(match reason {
                    Some(reason) => trial.with_kind(reason),
                    None => trial,
                });
            }
        }
    }
    if let Some(python) = python {
        let name = "listings::every_entry_has_its_listing";
        trials.push(Trial::test(name, move || entries_are(&python, &all)));
    }
    trials
}

fn of_lesson(lesson: &Lesson, lang: Lang) -> Listings {
    let script = lesson
        .script(lang)
        .expect("another test reports the mistake");
    let mut listings = Listings::new();
    let Script {
        goal,
        story,
        steps,
        questions,
        ..
    } = script;
    let mut add = |place: &str, blocks: &[&[Block]]| {
        let codes = blocks.iter().copied().flatten().filter_map(|it| match it {
            Block::Code {
                language,
                text,
                is_whole,
                ..
            } if language == "python" => Some((text.clone(), *is_whole)),
            _ => None,
        });
        for (number, code) in (1..).zip(codes) {
            let number: usize = number;
            listings.insert(format!("{}/{place}/{number}", lesson.name), code);
        }
    };
    add("opening", &[&goal, &story]);
    for step in &steps {
        let asked = step.ask.as_ref().map_or(&[][..], |ask| &ask.question);
        add(&step.key, &[&step.say, asked, &step.seen, &step.why]);
    }
    for (number, it) in (1..).zip(&questions) {
        let number: usize = number;
        add(&format!("question-{number}"), &[&it.question, &it.answer]);
    }
    listings
}

fn runs_as_described(
    python: &Python,
    lesson: &Lesson,
    lang: Lang,
    at: &str,
    listings: &Listings,
) -> Result<(), Failed> {
    let files = lesson.files.iter().copied();
    let files: BTreeMap<_, _> = files.filter(|(name, _)| name.ends_with(".py")).collect();
    let codes: BTreeMap<_, _> = listings.iter().map(|(at, (code, _))| (at, code)).collect();
    let given = json!({
        "at": at, "lang": lang.to_string(), "is_whole": listings[at].1, "listings": codes, "files": files,
    });
    let said = answer(python, &[], &given.to_string())?;
    if said.starts_with("left out") {
        eprintln!("{at}: {said}");
    }
    Ok(())
}

/// Every entry belongs to a listing.
fn entries_are(python: &Python, listings: &BTreeSet<String>) -> Result<(), Failed> {
    let entries = answer(python, &["--list"], "")?;
    let entries: BTreeSet<String> = entries.lines().map(str::to_owned).collect();
    let left: Vec<_> = entries.difference(listings).collect();
    let said = format!("entries without a listing: {left:?}");
    check(left.is_empty(), said)?;
    check(listings.len() > 70, format!("{} listings", listings.len()))
}

/// The output of the harness. After two minutes the harness is killed, and the programs that it has started end because
/// their pipes are closed.
fn answer(python: &Python, arguments: &[&str], given: &str) -> Result<String, Failed> {
    let mut command = Command::new(&python.executable);
    alone(&mut command)
        .args(["-c", &HARNESS.join("\n\n")])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = spawn::tie_to_this_thread(&mut command).spawn()?;
    child.stdin.take().unwrap().write_all(given.as_bytes())?;
    let errors = thread::spawn({
        let pipe = child.stderr.take().unwrap();
        move || io::read_to_string(pipe)
    });
    let pipe = child.stdout.take().unwrap();
    let said = thread::spawn(move || io::read_to_string(pipe));
    let since = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break Some(status);
        }
        if since.elapsed() > Duration::from_secs(120) {
            child.kill()?;
            child.wait()?;
            break None;
        }
        thread::sleep(Duration::from_millis(5));
    };
    let [said, errors] = [said, errors].map(|it| it.join().unwrap().unwrap_or_default());
    let is_well = status.is_some_and(|it| it.success());
    check(is_well, format!("{status:?}\n{said}\n{errors}"))?;
    Ok(said)
}
