use portlab_lab::python::Python;
use portlab_sys::{
    limits::Tasks,
    machine::{Memory, Processors},
    uring::Uring,
};

use super::*;
use crate::{
    doctor::machine::{CoursePort, Loopback, Terminal},
    leftovers::{Bind, Leftovers},
    range::Range,
};

/// A machine without notes and problems.
fn facts() -> Facts {
    Facts {
        open_files: 1_024,
        most_open_files: 524_288,
        tasks: Some(Tasks {
            most: 30_000,
            bound: "kernel.threads-max",
        }),
        memory_maps: Some(65_530),
        processors: Processors {
            online: 4,
            allowed: 4,
            usable: 4,
        },
        memory: Some(Memory {
            total_bytes: 8 << 30,
            available_bytes: 6 << 30,
        }),
        range: Some(Range {
            ports: 32_768..=60_999,
            reserved: Vec::new(),
        }),
        in_use: 7,
        time_wait: 3,
        reuses_time_wait: (true, false),
        somaxconn: Some(4_096),
        conntrack: None,
        uring: Uring::Ready,
        loopback: Loopback::default(),
        course_port: CoursePort::Free,
        python: Some(Python {
            program: "python3",
            executable: "/usr/bin/python3".into(),
            version: "3.11.7".to_owned(),
        }),
        gevent: Some("24.2.1".to_owned()),
        terminal: Terminal {
            columns: Some(80),
            locale: "zh_CN.UTF-8".to_owned(),
            name: "xterm".to_owned(),
        },
    }
}

/// The notes and problems of the same machine after `change`.
fn remarks(change: impl FnOnce(&mut Facts)) -> Vec<Finding> {
    let mut facts = facts();
    change(&mut facts);
    let all = all(&facts).into_iter();
    all.filter(|it| it.remark.grade != Grade::Ok).collect()
}

fn left() -> Leftovers {
    Leftovers {
        time_wait: 1,
        time_left: Some(std::time::Duration::from_secs(43)),
        open: 0,
        programs: Vec::new(),
        reusing: Bind::InUse,
    }
}

fn few(bound: &'static str) -> Option<Tasks> {
    Some(Tasks { most: 99, bound })
}

fn no() -> Option<Text> {
    Some("no".to_owned().into())
}

/// A word of a remedy that has no command.
const IN_WORDS: &str = "fewer";

type Change = fn(&mut Facts);

/// The key of a check, a change of the facts that makes it a note, and a part of the remedy.
#[rustfmt::skip]
static SHORTCOMINGS: &[(&str, Change, &str)] = &[
    ("loopback_second", |it| it.loopback.second = no(), IN_WORDS),
    ("loopback_ipv6", |it| it.loopback.v6 = no(), "disable_ipv6=0"),
    ("port_8080", |it| it.course_port = CoursePort::Held(Vec::new()), "sudo portlab ports 8080"),
    ("port_8080", |it| it.course_port = CoursePort::Held(vec!["x (pid 1)".to_owned()]), "8081"),
    ("port_8080", |it| it.course_port = CoursePort::LeftBehind(left()), "SO_REUSEADDR"),
    ("port_8080", |it| it.course_port = CoursePort::Refused("no".to_owned().into()), "8081"),
    ("ports", |it| it.in_use = 28_000, "\"15000 60999\""),
    ("ports", |it| it.range.as_mut().unwrap().ports = 1..=9, "--source auto"),
    ("backlog", |it| it.somaxconn = Some(128), "somaxconn=4096"),
    ("conntrack", |it| it.conntrack = Some((999, 1_000)), "nf_conntrack_max"),
    ("open_files", |it| it.most_open_files = 4_096, "prlimit"),
    ("tasks", |it| it.tasks = few("pids.max"), "--pids-limit"),
    ("tasks", |it| it.tasks = few("ulimit -u"), "--nproc"),
    ("tasks", |it| it.tasks = few("kernel.pid_max"), "kernel.pid_max="),
    ("memory_maps", |it| it.memory_maps = Some(20_000), "vm.max_map_count="),
    ("processors", |it| it.processors.usable = 1, "CPU/msg"),
    ("memory", |it| it.memory.as_mut().unwrap().available_bytes = 9, "--connections"),
    ("io_uring", |it| it.uring = Uring::Off, "io_uring_disabled=0"),
    ("io_uring", |it| it.uring = Uring::Missing, "5.1"),
    ("io_uring", |it| it.uring = Uring::Old, "6.0"),
    ("io_uring", |it| it.uring = Uring::Refused, "memlock"),
    ("gevent", |it| it.gevent = None, "pip install gevent"),
    ("python", |it| it.python = None, "apt install python3"),
    ("terminal", |it| it.terminal.columns = Some(79), "80"),
    ("letters", |it| it.terminal.locale = "C".to_owned(), "C.UTF-8"),
    ("letters", |it| it.terminal.locale = String::new(), "C.UTF-8"),
    ("letters", |it| it.terminal.name = "linux".to_owned(), "ssh"),
];

#[test]
fn a_healthy_machine_has_no_notes_and_no_problems() {
    assert_eq!(remarks(|_| {}), []);
}

#[test]
fn each_shortcoming_gives_one_note_with_a_remedy() {
    for (key, change, remedy) in SHORTCOMINGS {
        let remarks = remarks(change);
        let keys: Vec<_> = remarks.iter().map(|it| it.key).collect();
        assert_eq!(keys, [*key], "{remarks:?}");
        let Text { en, zh } = remarks[0].remark.remedy.as_ref().unwrap();
        assert!(en.contains(remedy), "{key}: {en}");
        assert!(zh.contains(remedy) || *remedy == IN_WORDS, "{key}: {zh}");
        assert_eq!(worst(&remarks), Grade::Note);
    }
}

#[test]
fn unknown_facts_have_no_finding() {
    let mut facts = facts();
    facts.somaxconn = None;
    facts.range = None;
    facts.memory = None;
    let keys: Vec<_> = all(&facts).iter().map(|it| it.key).collect();
    assert!(keys.contains(&"loopback"), "{keys:?}");
    for unknown in ["backlog", "ports", "memory"] {
        assert!(!keys.contains(&unknown), "{keys:?}");
    }
}

#[test]
fn a_missing_requirement_is_a_problem() {
    for change in [
        (|it| it.loopback.v4 = Some("unreachable".to_owned().into())) as Change,
        |it| it.most_open_files = 20,
    ] {
        let remarks = remarks(change);
        assert_eq!((worst(&remarks), remarks.len()), (Grade::Problem, 1));
        assert!(remarks[0].remark.remedy.is_some());
    }
}

#[test]
fn every_finding_is_written_in_both_languages() {
    let mut facts = facts();
    for _ in 0..2 {
        for Finding { key, about, remark } in all(&facts) {
            let Text { en, zh } = &remark.text;
            assert!(key == "python" || !zh.is_ascii(), "{zh}");
            assert!(
                about.en.is_ascii() && en.replace("你好", "").is_ascii(),
                "{en}"
            );
        }
        facts.open_files = facts.most_open_files;
        facts.tasks = None;
        facts.processors.allowed = 3;
        facts.processors.usable = 3;
        facts.terminal.columns = None;
        facts.reuses_time_wait = (false, false);
    }
}
