//! `portlab judge` against programs whose bugs are known, and against right ones.
//!
//! A folder in `programs/` is a bug. Each program in the folder has this bug, except those whose names begin with
//! `right`: they have the same shape without the bug, and the judge must find nothing. In each program 8080 is replaced
//! by a port of its own. A program in C is compiled first.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::{
    collections::BTreeSet,
    env, fs,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{self, Command},
    sync::{
        LazyLock,
        atomic::{AtomicU16, Ordering::Relaxed},
    },
};

use portlab_backends::{Backend, Sheet, Workers, models::runnable};
use portlab_judge::bugs::BUGS;
use portlab_testkit::{binary, command, folder, json, names, path, root, trial};
use serde_json::Value;

/// Bugs of the program's shape beside the one that the folder names.
const ALSO: &[(&str, &[&str])] = &[
    // Each serves one client after another, without a `try`.
    (
        "dies-at-404/student.py",
        &[ONE_AT_A_TIME, AT_RESET, "traversal-dotdot"],
    ),
    (
        "dies-at-non-text/student.py",
        &[ONE_AT_A_TIME, AT_RESET, "splits-character"],
    ),
    ("dies-at-non-text/gbk.py", &["splits-character"]),
    ("ends-after-first-client/once.c", &[ONE_AT_A_TIME]),
    ("ends-after-first-client/server_class.py", &[ONE_AT_A_TIME]),
    (
        "ends-after-first-client/student.py",
        &[ONE_AT_A_TIME, AT_RESET],
    ),
    ("ends-at-empty-connection/chat.py", &[AT_RESET]),
    (
        "ends-at-empty-connection/named.py",
        &["keeps-lost-members", ONE_AT_A_TIME],
    ),
    (
        "ends-at-empty-connection/student.py",
        &[ONE_AT_A_TIME, AT_RESET],
    ),
    (
        "ends-at-empty-connection/web.py",
        &[ONE_AT_A_TIME, AT_RESET],
    ),
    ("ends-at-reset/student.py", &[ONE_AT_A_TIME]),
    // One read is decoded at once.
    ("one-read-one-message/student.py", &["splits-character"]),
    (
        "one-read-one-message/web.py",
        &["answers-before-request-ends"],
    ),
    ("splits-character/student.py", &["dies-at-non-text"]),
    // The global variable may be that of a client which was reset.
    ("shared-state/student.py", &[AT_RESET]),
    // The end isn't noticed, so the socket stays open too; and an error of send ends the program.
    ("resends-after-end/loop.py", &["descriptor-leak", AT_RESET]),
    ("resends-after-end/tasks.py", &["descriptor-leak"]),
    ("worker-never-ends/student.py", &["descriptor-leak"]),
];

const ONE_AT_A_TIME: &str = "one-at-a-time";
const AT_RESET: &str = "ends-at-reset";

/// Bugs that stand for what has no better name, or that a program shows before it listens.
const WITHOUT_PROGRAMS: &[&str] = &[
    "crashes-at-start",
    "no-answer",
    "no-listen",
    "input-before-listen",
    "wrong-answer",
];

fn main() {
    let mut trials = vec![
        trial("every_bug_has_its_programs", every_bug_has_its_programs),
        trial("a_program_that_has_other_bugs_exists", the_others_exist),
    ];
    for bug in names(&programs()) {
        for file in names(&programs().join(&bug)) {
            let missing = missing(&file);
            let name = match missing {
                Some(program) => format!("{bug}/{file} (skipped: no {program} here)"),
                None => format!("{bug}/{file}"),
            };
            let bug = bug.clone();
            trials.push(
                trial(name, move || seeded(&bug, &file)).with_ignored_flag(missing.is_some()),
            );
        }
    }
    for sheet in runnable().map(Backend::sheet) {
        for service in ["echo", "reply", "chat"] {
            if service != "chat" || sheet.hub.is_ok() {
                let name = format!("{}_{service}", sheet.name);
                trials.push(trial(name, move || of_the_house(sheet, service)));
            }
        }
    }
    let no_python = PYTHON.is_none();
    trials.push(trial("the_server_of_python", server_of_python).with_ignored_flag(no_python));
    let no_nginx = find("nginx").is_none();
    trials.push(trial("nginx", nginx).with_ignored_flag(no_nginx));
    portlab_testkit::run(trials);
}

/// Judges a program of the folder `bug`.
fn seeded(bug: &str, file: &str) {
    let name = format!("{bug}/{file}");
    let dir = folder(&name.replace(['/', '.'], "-"));
    let port = port();
    let text = fs::read_to_string(programs().join(&name)).unwrap();
    fs::write(dir.join(file), text.replace("8080", &port.to_string())).unwrap();
    fs::create_dir(dir.join("static")).unwrap();
    fs::write(dir.join("static/index.html"), "<h1>首页，你好</h1>\n").unwrap();
    let command = match file.strip_suffix(".c") {
        Some(stem) => {
            compile(&dir, stem);
            vec![format!("./{stem}")]
        }
        None => vec![PYTHON.clone().unwrap(), file.to_owned()],
    };
    let verdict = judge(&dir, &command);
    let also = ALSO.iter().find(|(other, _)| *other == name);
    let mut allowed: BTreeSet<_> = also
        .map_or(&[][..], |(_, bugs)| bugs)
        .iter()
        .copied()
        .collect();
    let is_right = file.starts_with("right");
    if !is_right {
        assert!(
            named(&verdict).contains(bug),
            "{name}: {bug} was not named\n{}",
            shown(&verdict)
        );
        allowed.insert(bug);
    }
    raises_no_other_alarm(&name, &verdict, &allowed);
    findings_are_of_their_experiments(&text, &verdict);
}

/// The code to write has the encoding of the program `text`, and stderr is that of the experiment.
fn findings_are_of_their_experiments(text: &str, verdict: &Value) {
    for bug in verdict["bugs"].as_array().unwrap() {
        let shows_gbk = bug["code"].as_str().unwrap().contains("gbk");
        match bug["bug"].as_str().unwrap() {
            "dies-at-non-text" | "splits-character" => {
                assert_eq!(shows_gbk, text.contains("gbk"), "{bug:#}");
            }
            // Its clients send nothing.
            "small-backlog" => assert_eq!(bug["stderr"], serde_json::json!([]), "{bug:#}"),
            _ => {}
        }
    }
}

fn raises_no_other_alarm(name: &str, verdict: &Value, allowed: &BTreeSet<&str>) {
    let named = named(verdict);
    let false_alarms: Vec<_> = named.difference(allowed).collect();
    assert!(
        false_alarms.is_empty(),
        "{name}: {false_alarms:?}\n{}",
        shown(verdict)
    );
}

/// A server of this house has no bug, except that the iterative model serves one client at a time.
fn of_the_house(sheet: &Sheet, service: &str) {
    let model = sheet.name;
    let dir = folder(&format!("{model}-{service}"));
    let bind = "127.0.0.1:{port}";
    let mut words = vec![
        binary(),
        "serve",
        "--bind",
        bind,
        "--model",
        model,
        "--service",
        service,
    ];
    // The smallest pool that serves a client beside a silent one.
    if !matches!(sheet.workers, Workers::None | Workers::Runtime) {
        words.push("--workers=2");
    }
    let words: Vec<_> = words.into_iter().map(str::to_owned).collect();
    let verdict = judge(&dir, &words);
    let allowed = if model == "iterative" {
        &[ONE_AT_A_TIME][..]
    } else {
        &[]
    };
    let name = format!("{model} {service}");
    raises_no_other_alarm(&name, &verdict, &allowed.iter().copied().collect());
}

fn server_of_python() {
    let dir = folder("http-server");
    fs::write(
        dir.join("index.html"),
        "<meta charset='utf-8'><h1>你好</h1>\n",
    )
    .unwrap();
    let python = PYTHON.clone().unwrap();
    let words = ["-m", "http.server", "--bind", "127.0.0.1", "{port}"];
    let command: Vec<_> = [python]
        .into_iter()
        .chain(words.map(str::to_owned))
        .collect();
    raises_no_other_alarm("http.server", &judge(&dir, &command), &BTreeSet::new());
}

fn nginx() {
    let dir = folder("nginx");
    fs::write(
        dir.join("index.html"),
        "<meta charset='utf-8'><h1>你好</h1>\n",
    )
    .unwrap();
    // nginx writes into this folder only, and runs in the foreground.
    let (root, port) = (dir.display(), port());
    let config = format!(
        "daemon off; pid {root}/pid; error_log {root}/log;
         events {{ worker_connections 64; }}
         http {{ access_log off; client_body_temp_path {root}/1; proxy_temp_path {root}/2;
                 fastcgi_temp_path {root}/3; uwsgi_temp_path {root}/4; scgi_temp_path {root}/5;
                 server {{ listen 127.0.0.1:{port}; root {root}; }} }}"
    );
    let file = dir.join("nginx.conf");
    fs::write(&file, config).unwrap();
    let program = find("nginx").unwrap();
    let command = [path(&program), "-c", path(&file)].map(str::to_owned);
    raises_no_other_alarm("nginx", &judge(&dir, &command), &BTreeSet::new());
}

/// What `portlab judge` says about a command that runs in `dir`.
fn judge(dir: &Path, words: &[String]) -> Value {
    let mut judge = command(&["judge", "--json", "--"]);
    let output = judge.args(words).current_dir(dir).output().unwrap();
    json(&output)
}

/// The bugs that a verdict names.
fn named(verdict: &Value) -> BTreeSet<&str> {
    let bugs = verdict["bugs"].as_array().unwrap();
    bugs.iter().map(|it| it["bug"].as_str().unwrap()).collect()
}

/// What a verdict says, for the message of a failed test.
fn shown(verdict: &Value) -> String {
    let mut text = format!("it speaks {}\n", verdict["speech"]);
    for row in verdict["experiments"].as_array().unwrap() {
        let [name, result, why] = ["experiment", "result", "why"].map(|it| &row[it]);
        text += &format!("{name}: {result} {}\n", why["en"]);
    }
    for bug in verdict["bugs"].as_array().unwrap() {
        text += &format!("{}:\n", bug["bug"]);
        for event in bug["evidence"].as_array().unwrap() {
            text += &format!("  {} ms: {}\n", event["at_ms"], event["what"]["en"]);
        }
        text += &format!("  stderr: {}\n", bug["stderr"]);
    }
    text
}

/// Each bug has two programs, one of them in Python, and a right one of the same shape.
fn every_bug_has_its_programs() {
    let with_programs: BTreeSet<_> = names(&programs()).into_iter().collect();
    let bugs = BUGS
        .iter()
        .filter(|it| !WITHOUT_PROGRAMS.contains(&it.name));
    let of_servers: BTreeSet<_> = bugs.map(|it| it.name.to_owned()).collect();
    assert_eq!(with_programs, of_servers);
    for bug in with_programs {
        let files = names(&programs().join(&bug));
        let (right, wrong): (Vec<_>, Vec<_>) = files.iter().partition(|it| it.starts_with("right"));
        assert!(!right.is_empty() && wrong.len() >= 2, "{bug}: {files:?}");
        assert!(
            wrong.iter().any(|it| it.ends_with(".py")),
            "{bug}: {files:?}"
        );
    }
}

fn the_others_exist() {
    for (program, bugs) in ALSO {
        assert!(programs().join(program).is_file(), "{program}");
        for bug in *bugs {
            assert!(portlab_judge::bugs::find(bug).is_some(), "{bug}");
        }
    }
}

fn compile(dir: &Path, stem: &str) {
    let mut cc = Command::new("cc");
    cc.args(["-O1", "-pthread", "-o", stem])
        .arg(format!("{stem}.c"));
    let output = cc.current_dir(dir).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// The program that `file` needs and that isn't here.
fn missing(file: &str) -> Option<&'static str> {
    match file.ends_with(".c") {
        true => find("cc").is_none().then_some("cc"),
        false => PYTHON.is_none().then_some("python3"),
    }
}

/// The file of the interpreter itself: a wrapper in the path may take longer to start than a program takes to be judged.
static PYTHON: LazyLock<Option<String>> = LazyLock::new(|| {
    let mut command = Command::new(find("python3")?);
    let output = command
        .args(["-c", "import sys; print(sys.executable)"])
        .output()
        .ok()?;
    let file = String::from_utf8(output.stdout).ok()?;
    Some(file.trim().to_owned()).filter(|it| !it.is_empty())
});

/// The file of `program`; the path of a user may lack programs of administrators.
fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let others = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
    let mut files = env::split_paths(&path)
        .chain(others)
        .map(|place| place.join(program));
    files.find(|file| file.is_file())
}

/// A free port below those that the system gives to clients: a program that is started again must find it free again.
fn port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    loop {
        let start = u16::try_from(process::id() % 150).unwrap() * 130;
        let port = 10_000 + start + NEXT.fetch_add(1, Relaxed);
        if TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok() {
            return port;
        }
    }
}

fn programs() -> PathBuf {
    root().join("tests/judge/programs")
}
