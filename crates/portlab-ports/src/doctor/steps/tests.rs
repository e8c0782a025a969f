use std::time::Duration;

use super::*;
use crate::{
    address::{Host, Purpose},
    doctor::reach::Here,
    leftovers::{Bind, Leftovers},
    listeners::{Program, Queue},
    snapshot::Snapshot,
};

const ME: &str = "127.0.0.1:80";

/// The examination of `addr` whose only attempt ends with `outcome`.
fn reach(addr: &str, location: Location, outcome: Outcome, here: Option<Here>) -> Reach {
    let addr: SocketAddr = addr.parse().unwrap();
    Reach {
        target: Purpose::DOCTOR.read(&addr.to_string()).unwrap(),
        timeout: Duration::from_secs(3),
        name: Name::Literal,
        attempts: vec![Attempt {
            addr,
            location,
            took: Some(Duration::from_micros(50)),
            outcome,
            here,
        }],
    }
}

/// The examination of a port of this machine.
fn here_to(addr: &str, outcome: Outcome, here: Here) -> Reach {
    reach(addr, Location::Loopback, outcome, Some(here))
}

/// A machine on which python3 listens at `addrs`.
fn here(addrs: &[&str], queue: u32, accepted: Option<bool>) -> Here {
    let listener = |addr: &&str| {
        let addr: SocketAddr = addr.parse().unwrap();
        Listener {
            port: addr.port(),
            addrs: vec![addr.ip()],
            programs: vec![Program {
                name: "python3".to_owned(),
                pids: vec![42],
            }],
            figures: Queue {
                waiting: queue,
                room: Some(5),
                ..Queue::default()
            },
        }
    };
    Here {
        before: Snapshot {
            listeners: addrs.iter().map(listener).collect(),
            ..Snapshot::default()
        },
        queue: Some(queue + 1),
        accepted,
        has_ended: None,
        leftovers: None,
    }
}

/// The grade of the step `key`, and its text with the remedy.
#[track_caller]
fn said(reach: &Reach, key: &str) -> (Grade, Text) {
    let all = all(reach);
    let found = all.iter().find(|it| it.key == key);
    let Remark {
        grade,
        text,
        remedy,
    } = &found
        .unwrap_or_else(|| panic!("no {key} among {all:?}"))
        .remark;
    let said = remedy.as_ref().map_or(text.clone(), |remedy| {
        tr!("{text} → {remedy}", "{text:#} → {remedy:#}")
    });
    (*grade, said)
}

/// Whether the step `key` has a finding.
fn says(reach: &Reach, key: &str) -> bool {
    all(reach).iter().any(|it| it.key == key)
}

type Failure = (
    Outcome,
    &'static str,
    &'static [&'static str],
    u32,
    [&'static str; 2],
);

/// Failed attempts at a port of this machine: the outcome, the address, where python3 listens, the length of its
/// queue, and parts of the text.
#[rustfmt::skip]
static FAILURES_HERE: &[Failure] = &[
    (Outcome::Refused, ME, &[], 0, ["no program listens on port 80", "--bind 127.0.0.1:80"]),
    (Outcome::Refused, ME, &["127.0.0.1:81"], 0, ["no program listens", "81, python3 (pid 42)"]),
    (Outcome::Refused, ME, &["192.0.2.2:80"], 0, ["only at 192.0.2.2:80", "0.0.0.0:80"]),
    (Outcome::Refused, "[::1]:80", &[ME], 0, ["only at 127.0.0.1:80", "[::]:80"]),
    (Outcome::Refused, "[::1]:80", &["0.0.0.0:80"], 0, ["only at 0.0.0.0:80", "connect to 127.0.0.1:80"]),
    (Outcome::TimedOut, ME, &[ME], 5, ["full (6 wait", "listen()"]),
    (Outcome::TimedOut, ME, &[], 0, ["no answer within 3.00 s", "iptables"]),
];

/// Failed attempts at another machine: the outcome, whether the machine is in the same network, and parts of the text.
#[rustfmt::skip]
static FAILURES_ELSEWHERE: &[(Outcome, bool, [&str; 2])] = &[
    (Outcome::Refused, true, ["the machine answers", "portlab ports"]),
    (Outcome::TimedOut, true, ["no answer", "the machine is on"]),
    (Outcome::TimedOut, false, ["no answer", "--timeout 30s"]),
    (Outcome::Unreachable, false, ["no route leads to 192.0.2.9:80", "ip route"]),
    (Outcome::NoOwnPort, false, ["no port of this machine", "portlab ports"]),
];

#[test]
fn every_failed_attempt_has_a_reason_and_a_remedy() {
    for (outcome, addr, listening, queue, parts) in FAILURES_HERE {
        let here = here(listening, *queue, None);
        check_failure(&here_to(addr, outcome.clone(), here), parts);
    }
    for (outcome, is_near, parts) in FAILURES_ELSEWHERE {
        let location = match is_near {
            true => Location::SameNetwork("eth0".to_owned()),
            false => Location::Elsewhere,
        };
        check_failure(
            &reach("192.0.2.9:80", location, outcome.clone(), None),
            parts,
        );
    }
    let failed = Outcome::Failed("odd".to_owned().into());
    let failed = reach("192.0.2.9:80", Location::Elsewhere, failed, None);
    check_failure(&failed, &["failed after 50.0 µs: odd", "iptables"]);
}

#[track_caller]
fn check_failure(reach: &Reach, parts: &[&str; 2]) {
    let (grade, Text { en, zh }) = said(reach, "connect");
    assert_eq!(grade, Grade::Problem);
    assert!(
        parts.iter().all(|part| en.contains(part)),
        "{parts:?}: {en}"
    );
    let words = zh.split_whitespace().filter(|it| it.is_ascii());
    assert!(!zh.is_ascii() && words.count() < 14, "{zh}");
    assert!(!reach.is_reached());
    let Text { en, zh } = conclusion(reach);
    assert!(
        en.contains("can't be reached") && zh.contains("连不上"),
        "{en} {zh}"
    );
}

#[test]
fn a_connection_that_is_not_accepted_is_not_reached() {
    let with = |accepted| {
        let here = here(&[ME], 2, accepted);
        here_to(ME, Outcome::Connected(First::Silence), here)
    };
    let not_accepted = with(Some(false));
    let (grade, text) = said(&not_accepted, "accept");
    assert_eq!(grade, Grade::Problem);
    assert!(
        text.en.contains("2 before, 3 now") && text.en.contains("strace -p 42"),
        "{text}"
    );
    assert!(!not_accepted.is_reached());
    assert!(conclusion(&not_accepted).en.contains("doesn't accept"));
    assert_eq!(said(&with(Some(true)), "accept").0, Grade::Ok);
    assert!(with(Some(true)).is_reached());
    // If that isn't known, there is no finding.
    assert!(with(None).is_reached() && !says(&with(None), "accept"));
}

#[test]
fn a_listener_without_a_new_connection_is_judged_by_its_queue() {
    let with = |queue, accepted| here_to(ME, Outcome::Listens, here(&[ME], queue, accepted));
    for (queue, accepted, grade, part) in [
        (2, true, Grade::Ok, "has accepted one"),
        (2, false, Grade::Problem, "waiting in its queue: 3"),
        (5, false, Grade::Problem, "accept queue is full (6 wait"),
    ] {
        let way = with(queue, Some(accepted));
        let (given, text) = said(&way, "accept");
        assert_eq!(given, grade);
        assert!(text.en.contains(part), "{text}");
        assert_eq!(way.is_reached(), accepted);
        let Text { en, zh } = conclusion(&way);
        assert!(
            en.contains("A program listens at 127.0.0.1:80") && zh.contains("监听"),
            "{en}"
        );
    }
    let quiet = with(0, None);
    assert!(quiet.is_well() && !says(&quiet, "accept"));
    assert!(said(&quiet, "connect").1.en.contains("not tried"));
}

#[test]
fn a_server_that_ended_when_the_connection_closed_is_a_problem() {
    let with = |has_ended| {
        let here = Here {
            has_ended,
            ..here(&[ME], 0, Some(true))
        };
        here_to(ME, Outcome::Connected(First::Silence), here)
    };
    let ended = with(Some(true));
    let (grade, Text { en, zh }) = said(&ended, "afterwards");
    assert_eq!(grade, Grade::Problem);
    let sentence = "the program ended when the connection was closed: it serves one client and exits, or an empty read ends it";
    assert!(en.contains(sentence) && zh.contains("一断开"), "{en}");
    assert!(ended.is_reached() && !ended.is_well());
    assert!(conclusion(&ended).en.contains("has ended since"));
    assert_eq!(said(&with(Some(false)), "afterwards").0, Grade::Ok);
    assert!(with(Some(false)).is_well());
    // If that isn't known, there is no finding.
    assert!(!says(&with(None), "afterwards"));
}

#[test]
fn connections_left_at_a_port_are_shown_beside_the_refusal() {
    let with = |reusing| {
        let mut here = here(&[], 0, None);
        here.leftovers = Some(Leftovers {
            time_wait: 1,
            time_left: Some(Duration::from_secs(43)),
            open: 0,
            programs: Vec::new(),
            reusing,
        });
        here_to("[::1]:80", Outcome::Refused, here)
    };
    let (grade, text) = said(&with(Bind::InUse), "left_behind");
    assert_eq!(grade, Grade::Problem);
    assert!(
        text.en.contains("43.0 s") && text.en.contains("even with SO_REUSEADDR"),
        "{text}"
    );
    // A server could not be started there.
    let Text { en, zh } = said(&with(Bind::InUse), "connect").1;
    assert!(!en.contains("--bind") && !zh.contains("--bind"));
    let (_, text) = said(&with(Bind::Works), "connect");
    assert!(text.en.contains("portlab serve --bind [::1]:80"));
}

#[test]
fn a_failed_address_of_a_reached_name_is_a_note() {
    let mut way = here_to(ME, Outcome::Refused, here(&["[::1]:80"], 0, None));
    let other = Outcome::Connected(First::Words(b"hi\r\n".to_vec()));
    let other = here_to("[::1]:80", other, here(&["[::1]:80"], 0, Some(true)));
    way.attempts.extend(other.attempts);
    assert_eq!(said(&way, "connect").0, Grade::Note);
    assert!(said(&way, "first_words").1.en.contains("“hi”"));
    assert!(way.is_reached());
}

#[test]
fn a_name_that_is_not_found_is_a_problem() {
    let unknown = Name::Unknown {
        error: "unknown".to_owned(),
        took: Duration::ZERO,
    };
    for name in [unknown, Name::Unanswered] {
        let mut way = reach(ME, Location::Loopback, Outcome::Refused, None);
        way.attempts.clear();
        way.target.host = Host::Name("here.invalid".to_owned());
        way.name = name;
        let (grade, Text { en, zh }) = said(&way, "name");
        assert_eq!(grade, Grade::Problem);
        for text in [en, zh] {
            assert!(
                text.contains("here.invalid") && text.contains("IP"),
                "{text}"
            );
        }
        assert!(!way.is_reached());
    }
}

#[test]
fn the_first_bytes_of_a_server_are_shown_without_escape_sequences() {
    assert_eq!(shown(b"220 hi\x1b[2J\r\n"), "“220 hi␛[2J”");
    assert_eq!(shown("好".repeat(99).as_bytes()).chars().count(), SHOWN + 3);
    assert_eq!(shown(&[0xff, 0x41]), "“\u{fffd}A”");
}
