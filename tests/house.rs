//! Files, tables and dependencies are as the design says (docs/ARCHITECTURE.md, CONTRIBUTING.md).

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

#[path = "floors.rs"]
mod floors;
#[path = "messages.rs"]
mod messages;
#[path = "conformance/models.rs"]
mod models;
#[path = "conformance/page.rs"]
mod page;

use std::{collections::BTreeSet, fs, path::PathBuf};

use floors::FLOORS;
use portlab_backends::{MODELS, Sheet, find, textbook};
use portlab_conformance::CASES;
use portlab_lab::workloads::WORKLOADS;
use portlab_testkit::{commands, printed as portlab, read, root};

/// The names of the Rust files in `dir`, without `mod.rs`.
fn stems(dir: &str) -> BTreeSet<String> {
    let files = fs::read_dir(root().join(dir)).unwrap().flatten();
    let stems = files.filter_map(|file| {
        let name = file.file_name().into_string().unwrap();
        name.strip_suffix(".rs").map(str::to_owned)
    });
    stems.filter(|stem| stem != "mod").collect()
}

/// Every Rust file of `crate_name`, with its text.
fn sources(crate_name: &str) -> Vec<(PathBuf, String)> {
    sources_in(&format!("crates/{crate_name}/src"))
}

/// Every Rust file in the folder `dir` and below, with its text.
fn sources_in(dir: &str) -> Vec<(PathBuf, String)> {
    let mut dirs = vec![root().join(dir)];
    let mut sources = Vec::new();
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() && !path.ends_with("target") {
                dirs.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                sources.push((path, text));
            }
        }
    }
    sources
}

/// Every Rust file of `crate_name` without its tests: those at the end of a file, and modules that are only compiled for
/// tests.
fn code(crate_name: &str) -> Vec<(PathBuf, String)> {
    let mut sources = sources(crate_name);
    let parts = sources
        .iter()
        .flat_map(|(_, text)| text.split("#[cfg(test)]\nmod ").skip(1));
    let names = parts.filter_map(|part| part.split_once(';'));
    let names: BTreeSet<String> = names.map(|(name, _)| name.to_owned()).collect();
    sources.retain(|(path, _)| {
        // A folder above the repository may have any name.
        let inside = path.strip_prefix(root()).unwrap();
        let mut parts = inside.iter().filter_map(|part| part.to_str());
        !parts.any(|part| names.contains(part.trim_end_matches(".rs")))
    });
    for (_, text) in &mut sources {
        text.truncate(text.find("#[cfg(test)]").unwrap_or(text.len()));
    }
    sources
}

fn all_code() -> impl Iterator<Item = (PathBuf, String)> {
    crates().into_iter().flat_map(|name| code(&name))
}

fn all_sources() -> impl Iterator<Item = (PathBuf, String)> {
    crates().into_iter().flat_map(|name| sources(&name))
}

fn crates() -> Vec<String> {
    let dirs = fs::read_dir(root().join("crates")).unwrap().flatten();
    let mut names: Vec<_> = dirs
        .map(|dir| dir.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// The names under `[dependencies]` of a crate.
fn dependencies(crate_name: &str) -> Vec<String> {
    let manifest = read(&format!("crates/{crate_name}/Cargo.toml"));
    let section = manifest
        .split("\n[dependencies]\n")
        .nth(1)
        .unwrap_or_default();
    let lines = section.lines().take_while(|line| !line.starts_with('['));
    let names = lines.filter_map(|line| line.split(['.', '=', ' ']).next());
    names
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_model_is_a_file_of_its_name_and_every_file_is_listed() {
    let names: Vec<_> = MODELS.iter().map(|model| model.sheet().name).collect();
    let unique: BTreeSet<_> = names.iter().map(|name| name.replace('-', "_")).collect();
    assert_eq!(unique.len(), names.len(), "a name is used twice");
    assert_eq!(unique, stems("crates/portlab-backends/src/models"));
    for name in names {
        let kebab = name.chars().all(|c| c.is_ascii_lowercase() || c == '-');
        assert!(
            kebab && !name.starts_with('-') && !name.ends_with('-'),
            "{name}"
        );
        assert_eq!(find(name).map(|model| model.sheet().name), Some(name));
    }
}

#[test]
fn every_model_tells_its_story_before_its_code() {
    for model in MODELS.iter().map(|model| model.sheet()) {
        let stem = model.file();
        let text = read(&format!("crates/portlab-backends/src/models/{stem}.rs"));
        assert!(
            text.starts_with(&format!("//! # {}: ", model.name)),
            "{stem}.rs doesn't begin with: //! # {}: ...",
            model.name
        );
        for heading in [
            "What blocks",
            "What a connection costs",
            "What breaks first",
            "Read on",
        ] {
            let story = text.split("\nuse ").next().unwrap_or_default();
            assert!(story.contains(heading), "{stem}.rs doesn't say: {heading}");
        }
        let lines = text.lines().count();
        assert!(lines <= 150, "{stem}.rs has {lines} lines");
        let (Ok(hub) | Err(hub)) = &model.hub;
        for fact in [
            &model.family,
            &model.term,
            &model.idea,
            &model.blocks,
            &model.cost,
            &model.breaks_first,
            &model.teaches,
            hub,
        ] {
            let is_whole = !fact.en.is_empty() && fact.zh.chars().any(|c| c > '\u{4e00}');
            assert!(is_whole, "{}'s sheet has a gap: {fact:?}", model.name);
        }
    }
}

/// Files that may name models: tests' samples, and the command line's two defaults.
const MAY_NAME_MODELS: &[&str] = &[
    "portlab-backends/src/models/",
    "portlab-backends/src/textbook/",
    "portlab-lessons/",
    // Names of lessons.
    "portlab-judge/src/bugs/",
    "portlab-stats/src/fixture.rs",
    "compare/entrants.rs",
    "serve/mod.rs",
];

/// Names of models that mean something else in a file.
const OTHER_MEANINGS: &[(&str, &str)] = &[
    ("backends/src/sheet.rs", "coroutines"),
    ("doctor/checks/limits.rs", "tasks"),
    ("html/charts.rs", "threads"),
    ("load/src/plan.rs", "threads"),
    ("notes/names.rs", "threads"),
    ("portlab-stats/src/check.rs", "threads"),
    ("portlab-stats/src/record.rs", "threads"),
];

#[test]
fn no_other_file_names_a_model() {
    let mut found = Vec::new();
    for (path, text) in all_code() {
        let file = path.display().to_string();
        if MAY_NAME_MODELS.iter().any(|it| file.contains(it)) {
            continue;
        }
        let lines = text.lines();
        let code: Vec<_> = lines
            .filter(|line| !line.trim().starts_with("//"))
            .collect();
        for name in MODELS.iter().map(|model| model.sheet().name) {
            let quoted = format!("\"{name}\"");
            let chosen = ["--model=", "--model "].map(|option| format!("{option}{name}"));
            let names =
                |line: &&str| line.contains(&quoted) || chosen.iter().any(|it| line.contains(it));
            let is_other = |(place, word): &(&str, &str)| *word == name && file.ends_with(place);
            if let Some(line) = code.iter().copied().find(names)
                && !OTHER_MEANINGS.iter().any(is_other)
            {
                found.push(format!("{file}: {}", line.trim()));
            }
        }
    }
    assert_eq!(
        found, [""; 0],
        "take the name from the table, or from a sheet"
    );
}

/// A class reads a twin on one page: of the project's crates, a twin uses only the one with the unsafe system calls.
#[test]
fn every_model_has_a_textbook_twin_of_a_page() {
    let sheets = || MODELS.iter().map(|model| model.sheet());
    let files: BTreeSet<_> = sheets().map(Sheet::file).collect();
    assert_eq!(files, stems("crates/portlab-backends/src/textbook"));
    for sheet in sheets() {
        let twin = textbook::twin(sheet).unwrap().source;
        let lines = twin.lines().count();
        assert!(lines <= 80, "the twin of {} has {lines} lines", sheet.name);
        let long = twin.lines().find(|line| line.chars().count() > 100);
        assert_eq!(long, None, "too wide for a projector");
        let run = format!("cargo run --example textbook-{}`", sheet.name);
        assert!(twin.contains(&run), "{} doesn't say: {run}", sheet.name);
        let story = read(&format!(
            "crates/portlab-backends/src/models/{}.rs",
            sheet.file()
        ));
        let link = format!("textbook/{}.rs", sheet.file());
        assert!(
            story.contains(&link),
            "the story of {} doesn't name {link}",
            sheet.name
        );
        let needs_unsafe = sheet.forks() || sheet.term.en.contains("io_uring");
        for library in dependencies("portlab-backends") {
            let module = library.replace('-', "_");
            let uses = twin.contains(&format!("{module}::"));
            // The field's term of a model names the crate that it uses, such as "async tasks (tokio)".
            let may = sheet.term.en.contains(&module) || needs_unsafe && module == "portlab_sys";
            assert!(may || !uses, "the twin of {} uses {library}", sheet.name);
        }
        for ours in ["crate::", "super::", "impl ", "dyn "] {
            assert!(
                !twin.contains(ours),
                "the twin of {} has {ours}",
                sheet.name
            );
        }
    }
}

#[test]
fn every_case_is_listed_once() {
    // A constant that the table leaves out is dead code, which the compiler reports.
    let names: BTreeSet<_> = CASES.iter().map(|case| case.name).collect();
    assert_eq!(names.len(), CASES.len(), "a name is used twice");
}

#[test]
fn every_bug_of_the_judge_names_a_lesson_that_exists() {
    let lessons = portlab(&["lesson"]);
    for bug in [portlab_judge::bugs::BUGS, portlab_judge::bugs::CLIENT_BUGS].concat() {
        let is_listed = lessons.split_whitespace().any(|word| word == bug.lesson);
        assert!(
            is_listed,
            "{}: the lesson {} doesn't exist",
            bug.name, bug.lesson
        );
    }
}

#[test]
fn the_page_on_judging_lists_every_bug_with_its_weight() {
    let page = read("docs/judge.md");
    for experiment in portlab_conformance::experiments::EXPERIMENTS {
        let weight = format!("| {:?} ", experiment.weight).to_lowercase();
        let mut rows = page.lines().filter(|line| line.starts_with(&weight));
        // An experiment names its own bug first; another bug that it meets may weigh more.
        let (own, row) = (experiment.names[0], rows.next().unwrap());
        assert!(row.contains(&format!("`{own}`")), "{weight}: {own}");
    }
    for bug in portlab_judge::bugs::BUGS {
        assert!(page.contains(&format!("`{}`", bug.name)), "{}", bug.name);
    }
}

#[test]
fn one_crate_alone_may_have_unsafe_code() {
    for name in crates().iter().filter(|name| *name != "portlab-sys") {
        let sources = sources(name);
        let forbids = sources.iter().any(|(path, text)| {
            let top = path.ends_with("src/lib.rs") || path.ends_with("src/main.rs");
            top && text.contains("#![forbid(unsafe_code)]")
        });
        assert!(forbids, "{name} doesn't forbid unsafe code");
    }
}

#[test]
fn dependencies_run_downwards_and_each_runtime_is_used_in_its_crates() {
    let drawn: BTreeSet<&str> = FLOORS.iter().map(|(name, _)| *name).collect();
    let built = crates();
    let built: BTreeSet<&str> = built
        .iter()
        .filter_map(|it| it.strip_prefix("portlab-"))
        .collect();
    assert_eq!(
        drawn, built,
        "FLOORS lists every crate below the command line"
    );
    for (floor, (name, below)) in FLOORS.iter().enumerate() {
        for dependency in dependencies(&format!("portlab-{name}")) {
            let Some(dependency) = dependency.strip_prefix("portlab-") else {
                continue;
            };
            // No crate may depend on testkit: only tests use it.
            assert!(
                below.contains(&dependency),
                "portlab-{name} depends on {dependency}"
            );
        }
        for dependency in *below {
            let at = FLOORS.iter().position(|(name, _)| name == dependency);
            assert!(
                at.is_some_and(|at| at < floor),
                "an arrow upwards: {name} to {dependency}"
            );
        }
    }
    let of_portlab = dependencies("portlab");
    assert!(!of_portlab.contains(&"portlab-testkit".to_owned()));
    for (library, homes) in [
        ("tokio", &["portlab-backends", "portlab-class"][..]),
        ("axum", &["portlab-class"]),
        ("rayon", &["portlab-backends"]),
        (
            "mio",
            &["portlab-assist", "portlab-backends", "portlab-load"],
        ),
        ("rustls", &["portlab", "portlab-load"]),
        ("ureq", &["portlab"]),
        ("clap", &["portlab"]),
        ("anyhow", &["portlab"]),
    ] {
        for name in crates() {
            let has = dependencies(&name)
                .iter()
                .any(|dependency| dependency == library);
            assert_eq!(has, homes.contains(&name.as_str()), "{library} in {name}");
        }
    }
}

#[test]
fn a_service_uses_no_socket_no_thread_and_no_clock() {
    for (path, text) in sources("portlab-service") {
        for word in [
            "TcpStream",
            "TcpListener",
            "std::thread",
            "Instant",
            "SystemTime",
            "std::fs",
        ] {
            assert!(!text.contains(word), "{} uses {word}", path.display());
        }
    }
}

/// The wings of a crate, from the lowest: each uses only those before it.
const WINGS: [(&str, &[&str]); 2] = [
    (
        "portlab-backends",
        &["trace", "hub", "files", "door", "drivers", "models"],
    ),
    (
        "portlab-lessons",
        &["seen", "cast", "stage", "users", "lesson", "lessons"],
    ),
];

#[test]
fn a_wing_uses_only_those_below_it() {
    for (name, wings) in WINGS {
        let src = root().join("crates").join(name).join("src");
        for (path, text) in sources(name) {
            let inside = path.strip_prefix(&src).unwrap();
            let wing = inside.components().next().unwrap().as_os_str();
            let height = wings
                .iter()
                .position(|known| wing.to_string_lossy().trim_end_matches(".rs") == *known);
            for above in height.map_or(&[][..], |height| &wings[height + 1..]) {
                let uses = text.contains(&format!("{above}::"));
                assert!(!uses, "{} uses {above}", inside.display());
            }
        }
    }
}

#[test]
fn stdout_and_stderr_are_written_in_one_place_which_makes_text_inert() {
    for (path, mut text) in code("portlab") {
        for harmless in [
            "io::stdout().is_terminal()",
            "io::stdout())",
            "output::stdout()",
            "output::stdout)",
            "output::raw_stdout()",
            "output::failing_stdout(",
            "io::stderr().is_terminal()",
            "io::stderr())",
            "output::stderr()",
            "use_stderr()",
        ] {
            text = text.replace(harmless, "");
        }
        let writes = ["stdout()", "::stdout", "stderr()", "println!", "print!"];
        let writes = writes.into_iter().find(|it| text.contains(it));
        // Bars and live screens move the cursor; their texts are made inert before.
        let places = ["output.rs", "progress.rs", "src/terminal.rs"];
        let is_the_place = places.iter().any(|place| path.ends_with(place));
        assert_eq!(
            writes.is_some(),
            is_the_place,
            "{}: {writes:?}",
            path.display()
        );
    }
}

/// English texts that need no Chinese: a part of the file's path, and how the texts begin (`""`: all of them).
const ENGLISH: &[(&str, &str)] = &[
    // Texts of the C library, which are translated.
    ("words/src/system.rs", ""),
    // Values that clap's parsers refuse: clap's own messages are English too.
    ("portlab/src/args.rs", "expected a whole number"),
    ("hub/mailbox.rs", "unknown policy"),
    ("load/src/pace.rs", "{0:?} is no kind"),
    // For the programmer of a server or of a test.
    ("portlab-conformance/", ""),
    ("portlab-testkit/", ""),
    // Can't happen, or only while a lesson is written: the tests read every lesson.
    ("serve/mod.rs", "clap let"),
    ("backends/src/hub/", "no thread panics"),
    ("deadlock/desk.rs", "no thread panics"),
    ("service/src/catalog.rs", "unknown service"),
    ("trace/memory.rs", "a process records one"),
    ("lessons/src/script.rs", ""),
    ("lessons/src/stage/", ""),
    ("lessons/src/lessons/", "the student's room"),
    ("lessons/src/lessons/", "the echo was wrong"),
    ("lessons/src/lessons/", "the reader has"),
    ("lessons/src/lessons/", "an IPv4 socket"),
    // Lines of a server on its port: a protocol, the same for all members of a room.
    ("service/src/chat/", ""),
    ("lessons/chat/mod.rs", "* wang was"),
    ("lessons/chat/mod.rs", "you read too"),
    ("lab/src/chat.rs", "* "),
    // For programs: CSV, logs of histograms, Prometheus, the counts that a signal handler writes, Python.
    ("report/src/csv.rs", ""),
    ("load/src/export.rs", "["),
    ("load/src/openmetrics/", ""),
    ("sys/src/tally.rs", ""),
    ("lab/src/python.rs", "import "),
    // What Python and its packages print; code in Python. A test of the crate finds a text of a bug without its Chinese.
    ("judge/src/program/trouble.rs", "Address already"),
    ("judge/src/program/trouble.rs", "Cannot assign"),
    ("judge/src/program/trouble.rs", "No such file"),
    ("judge/src/program/trouble.rs", "endpoint is not"),
    ("judge/src/bugs/", ""),
    ("lessons/stacks/mod.rs", "appears to be blocked"),
    // A program of one page for a class.
    ("backends/src/textbook/", ""),
    // Commands for a shell.
    ("lessons/src/programs.rs", "python3 -m pip"),
    // Both languages in one text.
    ("lessons/src/page.rs", "```sh"),
];

#[test]
fn every_message_exists_in_both_languages() {
    let mut missing = Vec::new();
    for (path, text) in all_code() {
        let file = path.display().to_string();
        let known = ENGLISH.iter().filter(|(part, _)| file.contains(part));
        let known: Vec<_> = known.map(|(_, text)| *text).collect();
        let mut missing_here = messages::without_chinese(&text);
        missing_here.retain(|it| !known.iter().any(|known| it.starts_with(known)));
        missing.extend(missing_here.iter().map(|it| format!("{file}: {it}")));
    }
    let remedy = "write both languages with tr!, or give the reason in ENGLISH";
    assert!(missing.is_empty(), "{remedy}:\n{}", missing.join("\n"));
}

#[test]
fn files_are_written_in_one_place_which_writes_them_whole() {
    // The file that says that a comparison runs is locked, and so must stay the same file. A log grows. Shared memory is opened
    // as a file.
    let places = [
        "portlab-sys/src/growing.rs",
        "portlab-sys/src/shared.rs",
        "portlab-sys/src/whole.rs",
        "portlab-lab/src/running.rs",
    ];
    for (path, text) in all_code() {
        let writes = [
            "fs::write(",
            "File::create",
            "fs::rename(",
            "fs::copy(",
            ".write(true)",
            ".append(true)",
            "File::options(",
        ];
        let text = text.replace("WholeFile::create", "");
        let writes = writes.into_iter().find(|it| text.contains(it));
        let is_a_place = places.iter().any(|place| path.ends_with(place));
        assert!(
            writes.is_none() || is_a_place,
            "{}: {writes:?}",
            path.display()
        );
    }
}

#[test]
fn names_of_files_are_made_in_a_few_places() {
    // The names are made of: a chart's name, which is plain; the name of a model; random numbers; a comparison's mark, which
    // has hexadecimal digits only; the number of a process.
    let places = [
        "portlab/src/report/mod.rs",
        "portlab-lab/src/timeline.rs",
        "portlab/src/advise/mod.rs",
        "portlab/src/judge/rules.rs",
        "portlab-lab/src/files.rs",
        "portlab-class/src/folder.rs",
    ];
    for (path, text) in all_code() {
        let makes = text.contains(".join(format!(");
        let is_a_place = places.iter().any(|place| path.ends_with(place));
        assert_eq!(makes, is_a_place, "{}", path.display());
    }
}

#[test]
fn no_file_has_more_than_700_lines() {
    let tests = ["tests", "benches"].into_iter().flat_map(sources_in);
    for (path, text) in all_sources().chain(tests) {
        let lines = text.lines().count();
        assert!(lines <= 700, "{} has {lines} lines", path.display());
    }
}

#[test]
fn the_page_of_comparisons_asks_what_every_workload_asks() {
    let page = read("docs/compare.md");
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    let rows: Vec<_> = rows.take_while(|line| line.contains('?')).collect();
    let expected = WORKLOADS
        .iter()
        .map(|it| format!("| `{}` | {} |", it.name, it.asks.en));
    assert_eq!(rows, expected.collect::<Vec<_>>());
    let methods = read("docs/METHODOLOGY.md");
    for workload in WORKLOADS {
        let row = format!("| `{}` |", workload.name);
        assert!(
            methods.contains(&row),
            "docs/METHODOLOGY.md has no row {row}"
        );
    }
}

#[test]
fn the_page_on_security_names_flags_that_exist() {
    let (page, flags) = (read("SECURITY.md"), portlab(&["serve", "--help"]));
    let named = page.split('`').filter(|word| word.starts_with("--"));
    let missing: Vec<_> = named
        .filter(|flag| !flags.contains(&format!(" {flag} ")))
        .collect();
    assert!(missing.is_empty(), "portlab serve has no {missing:?}");
}

#[test]
fn every_generated_page_is_what_the_program_says() {
    let mut cli = "# The command line\n\nGenerated from `--help`; a test fails when it is stale.\n"
        .to_owned();
    cli += &format!("\n## portlab\n\n```text\n{}```\n", portlab(&["--help"]));
    for name in commands() {
        let help = portlab(&[&name, "--help"]);
        cli += &format!("\n## {name}\n\n```text\n{help}```\n");
    }
    let assist = portlab(&["assist", "--json-schema"]);
    let load = portlab(&["load", "--json-schema"]);
    let record = portlab(&["report", "--json-schema"]);
    let judge = portlab(&["judge", "--json-schema"]);
    for (path, text) in [
        ("docs/cli.md", cli),
        ("docs/models.md", portlab(&["models", "--markdown"])),
        ("docs/faults.md", page::page()),
        ("docs/assist.schema.json", assist),
        ("docs/judge.schema.json", judge),
        ("docs/load.schema.json", load),
        ("docs/results.schema.json", record),
    ] {
        if std::env::var_os("PORTLAB_RENEW").is_some() {
            fs::write(root().join(path), &text).unwrap();
        }
        let renew = "PORTLAB_RENEW=1 cargo test --test house";
        assert!(
            read(path) == text,
            "{path} is stale; renew it with: {renew}"
        );
    }
}

/// The commands in a README: its indented lines, each up to a gap of two spaces.
fn shown(readme: &str) -> Vec<String> {
    let text = read(readme);
    let lines = text.lines().filter_map(|line| line.strip_prefix("    "));
    let commands = lines.filter_map(|line| line.split("  ").next());
    commands
        .filter(|command| !command.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The parts of a page: its headings, the rows of its tables, its commands, and the beginnings and ends of its blocks.
fn parts(page: &str) -> Vec<String> {
    let text = read(page);
    let parts = text.lines().filter_map(|line| match line.split_once(' ') {
        Some((mark, _)) if mark.starts_with('#') => Some(mark.to_owned()),
        Some(("|", row)) => Some(row.matches(" |").count().to_string()),
        _ if line.starts_with("    p") || line.starts_with("```") => Some(line.to_owned()),
        _ => None,
    });
    parts.collect()
}

#[test]
fn both_pages_of_the_assistant_and_of_the_judge_have_the_same_parts() {
    assert_eq!(parts("docs/assist.md"), parts("docs/assist.zh.md"));
    assert_eq!(parts("docs/judge.md"), parts("docs/judge.zh.md"));
}

#[test]
fn both_readmes_show_the_same_commands_and_each_command() {
    let (english, chinese) = (shown("README.md"), shown("README.zh.md"));
    assert_eq!(english, chinese);
    for name in commands() {
        let command = format!("portlab {name}");
        let is_shown = english
            .iter()
            .any(|it| *it == command || it.starts_with(&format!("{command} ")));
        assert!(is_shown, "the READMEs don't show {command}");
    }
}

#[test]
fn both_guides_to_judge_name_every_bug_and_the_same_options() {
    let [english, chinese] = ["docs/judge.md", "docs/judge.zh.md"].map(|guide| {
        let text = read(guide);
        let spans = text.split('`').skip(1).step_by(2);
        let is_name = |it: &&str| {
            let name = it.split(' ').next().unwrap_or_default();
            name.starts_with(|it: char| it.is_ascii_lowercase() || it == '-')
                && name
                    .bytes()
                    .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-')
        };
        let names = spans.filter(is_name).filter_map(|it| it.split(' ').next());
        names.map(str::to_owned).collect::<BTreeSet<_>>()
    });
    assert_eq!(english, chinese);
    for bug in portlab_judge::bugs::BUGS
        .iter()
        .chain(portlab_judge::bugs::CLIENT_BUGS)
    {
        assert!(english.contains(bug.name), "{}", bug.name);
    }
}
