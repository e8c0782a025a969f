use std::{net::SocketAddr, time::Duration};

use super::*;
use crate::{
    address::{Host, Purpose},
    doctor::reach::Here,
    leftovers::{Bind, Leftovers},
    listeners::{Listener, Program, Snapshot},
};

/// A way to `addr` whose only attempt ends with `outcome`.
fn reach(addr: &str, location: Location, outcome: Outcome, here: Option<Here>) -> Reach {
    let addr: SocketAddr = addr.parse().unwrap();
    Reach {
        target: Purpose::DOCTOR.read(&addr.to_string()).unwrap(),
        patience: Duration::from_secs(3),
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

/// A machine on which python3 listens at these.
fn here(addrs: &[&str], queue: u32, accepted: Option<bool>) -> Option<Here> {
    let listener = |addr: &&str| {
        let addr: SocketAddr = addr.parse().unwrap();
        Listener {
            port: addr.port(),
            addrs: vec![addr.ip()],
            programs: vec![Program {
                name: "python3".to_owned(),
                pids: vec![42],
            }],
            established: 0,
            queue,
            room: Some(5),
            is_v6_only: false,
        }
    };
    Some(Here {
        before: Snapshot {
            listeners: addrs.iter().map(listener).collect(),
            ..Snapshot::default()
        },
        queue: Some(queue + 1),
        accepted,
        has_ended: None,
        leftovers: None,
    })
}

/// The finding of `key`, and all that it says.
#[track_caller]
fn said(reach: &Reach, key: &str, lang: Lang) -> (Grade, String) {
    let all = all(reach, lang);
    let found = all.iter().find(|it| it.key == key);
    let found = found.unwrap_or_else(|| panic!("no {key} among {all:?}"));
    let remedy = found.remedy.as_deref().unwrap_or_default();
    (found.grade, format!("{} → {remedy}", found.text))
}

#[test]
fn every_way_that_fails_tells_why_and_what_to_do() {
    let loopback = || Location::Loopback;
    let near = || Location::SameNetwork("eth0".to_owned());
    let with = |outcome, location, addr, here| reach(addr, location, outcome, here);
    let me = "127.0.0.1:80";
    for (reach, parts) in [
        (
            with(Outcome::Refused, loopback(), me, here(&[], 0, None)),
            ["no program listens on port 80", "--bind 127.0.0.1:80"],
        ),
        (
            with(
                Outcome::Refused,
                loopback(),
                me,
                here(&["127.0.0.1:81"], 0, None),
            ),
            ["no program listens", "81, python3 (pid 42)"],
        ),
        (
            with(
                Outcome::Refused,
                loopback(),
                me,
                here(&["192.0.2.2:80"], 0, None),
            ),
            ["only at 192.0.2.2:80", "0.0.0.0:80"],
        ),
        (
            with(
                Outcome::Refused,
                loopback(),
                "[::1]:80",
                here(&[me], 0, None),
            ),
            ["only at 127.0.0.1:80", "[::]:80"],
        ),
        (
            with(
                Outcome::Refused,
                loopback(),
                "[::1]:80",
                here(&["0.0.0.0:80"], 0, None),
            ),
            ["only at 0.0.0.0:80", "connect to 127.0.0.1:80"],
        ),
        (
            with(Outcome::Refused, near(), "192.0.2.9:80", None),
            ["the machine is there", "portlab ports"],
        ),
        (
            with(Outcome::TimedOut, loopback(), me, here(&[me], 5, None)),
            ["full (6 wait", "listen()"],
        ),
        (
            with(Outcome::TimedOut, loopback(), me, here(&[], 0, None)),
            ["no answer within 3.00 s", "iptables"],
        ),
        (
            with(Outcome::TimedOut, near(), "192.0.2.9:80", None),
            ["no answer", "Is the machine on"],
        ),
        (
            with(
                Outcome::TimedOut,
                Location::Elsewhere,
                "198.51.100.9:80",
                None,
            ),
            ["no answer", "--timeout 30s"],
        ),
        (
            with(
                Outcome::Unreachable,
                Location::Elsewhere,
                "198.51.100.9:80",
                None,
            ),
            ["no route to 198.51.100.9:80", "ip route"],
        ),
        (
            with(
                Outcome::NoOwnPort,
                Location::Elsewhere,
                "198.51.100.9:80",
                None,
            ),
            ["no port of this machine", "portlab ports"],
        ),
        (
            with(
                Outcome::Failed("odd".to_owned()),
                Location::Elsewhere,
                "198.51.100.9:80",
                None,
            ),
            ["odd", "iptables"],
        ),
    ] {
        let (grade, text) = said(&reach, "connect", Lang::En);
        assert_eq!(grade, Grade::Problem);
        for part in parts {
            assert!(
                text.to_lowercase().contains(&part.to_lowercase()),
                "{part}: {text}"
            );
        }
        let (_, chinese) = said(&reach, "connect", Lang::Zh);
        let words = chinese
            .split_whitespace()
            .filter(|it| it.is_ascii())
            .count();
        assert!(!chinese.is_ascii() && words < 14, "{chinese}");
        assert!(!reach.is_reached());
        assert!(conclusion(&reach, Lang::En).contains("can't be reached"));
        assert!(conclusion(&reach, Lang::Zh).contains("连不上"));
    }
}

#[test]
fn a_connection_that_nobody_accepts_is_no_reached_one() {
    let me = "127.0.0.1:80";
    let with = |accepted| {
        let here = here(&[me], 2, accepted);
        reach(
            me,
            Location::Loopback,
            Outcome::Connected(First::Silence),
            here,
        )
    };
    let (grade, text) = said(&with(Some(false)), "accept", Lang::En);
    assert_eq!(grade, Grade::Problem);
    assert!(
        text.contains("2 before, 3 now") && text.contains("strace -p 42"),
        "{text}"
    );
    assert!(!with(Some(false)).is_reached());
    assert!(conclusion(&with(Some(false)), Lang::En).contains("doesn't take"));
    assert_eq!(said(&with(Some(true)), "accept", Lang::En).0, Grade::Ok);
    assert!(with(Some(true)).is_reached());
    // Where it can't be told, nothing is claimed.
    assert!(with(None).is_reached());
    assert!(
        all(&with(None), Lang::En)
            .iter()
            .all(|it| it.key != "accept")
    );
}

#[test]
fn a_listener_that_was_not_called_is_judged_by_its_queue() {
    let me = "127.0.0.1:80";
    let with = |queue, accepted| {
        reach(
            me,
            Location::Loopback,
            Outcome::Listens,
            here(&[me], queue, accepted),
        )
    };
    for (queue, accepted, grade, part) in [
        (2, Some(true), Grade::Ok, "has accepted one"),
        (2, Some(false), Grade::Problem, "waiting in its queue: 3"),
        (
            5,
            Some(false),
            Grade::Problem,
            "accept queue is full (6 wait",
        ),
    ] {
        let way = with(queue, accepted);
        let (given, text) = said(&way, "accept", Lang::En);
        assert_eq!(given, grade);
        assert!(text.contains(part), "{text}");
        assert_eq!(way.is_reached(), accepted == Some(true));
        let listens = conclusion(&way, Lang::En).contains("A program listens at 127.0.0.1:80");
        assert!(listens, "{}", conclusion(&way, Lang::En));
        assert!(conclusion(&way, Lang::Zh).contains("监听"));
    }
    let quiet = with(0, None);
    assert!(quiet.is_well());
    assert!(said(&quiet, "connect", Lang::En).1.contains("not tried"));
    assert!(all(&quiet, Lang::En).iter().all(|it| it.key != "accept"));
}

#[test]
fn a_server_that_ended_when_we_hung_up_is_a_problem_though_it_was_reached() {
    let me = "127.0.0.1:80";
    let with = |ended| {
        let mut here = here(&[me], 0, Some(true));
        here.as_mut().unwrap().has_ended = ended;
        reach(
            me,
            Location::Loopback,
            Outcome::Connected(First::Silence),
            here,
        )
    };
    let (grade, text) = said(&with(Some(true)), "afterwards", Lang::En);
    assert_eq!(grade, Grade::Problem);
    assert!(
        text.contains(
            "the program ended when the connection was closed: it serves one client and exits, or an empty read ends it"
        ),
        "{text}"
    );
    assert!(
        said(&with(Some(true)), "afterwards", Lang::Zh)
            .1
            .contains("我们一断开")
    );
    assert!(with(Some(true)).is_reached() && !with(Some(true)).is_well());
    assert!(conclusion(&with(Some(true)), Lang::En).contains("has ended since"));
    assert_eq!(
        said(&with(Some(false)), "afterwards", Lang::En).0,
        Grade::Ok
    );
    assert!(with(Some(false)).is_well());
    // Where it can't be told, nothing is claimed.
    assert!(
        all(&with(None), Lang::En)
            .iter()
            .all(|it| it.key != "afterwards")
    );
}

#[test]
fn what_is_left_at_a_port_is_told_beside_the_refusal() {
    let mut here = here(&[], 0, None);
    here.as_mut().unwrap().leftovers = Some(Leftovers {
        time_wait: 1,
        time_left: Some(Duration::from_secs(43)),
        open: 0,
        programs: Vec::new(),
        reusing: Bind::InUse,
    });
    let mut way = reach("[::1]:80", Location::Loopback, Outcome::Refused, here);
    let (grade, text) = said(&way, "left_behind", Lang::En);
    assert_eq!(grade, Grade::Problem);
    assert!(
        text.contains("43.0 s") && text.contains("even with SO_REUSEADDR"),
        "{text}"
    );
    // A server could not be started there.
    assert!(!said(&way, "connect", Lang::En).1.contains("--bind"));
    assert!(!said(&way, "connect", Lang::Zh).1.contains("--bind"));
    let here = way.attempts[0].here.as_mut().unwrap();
    here.leftovers.as_mut().unwrap().reusing = Bind::Works;
    assert!(
        said(&way, "connect", Lang::En)
            .1
            .contains("portlab serve --bind [::1]:80")
    );
}

#[test]
fn a_failed_address_of_a_reached_name_is_a_note() {
    let refused = here(&["[::1]:80"], 0, None);
    let mut way = reach(
        "127.0.0.1:80",
        Location::Loopback,
        Outcome::Refused,
        refused,
    );
    let other = Outcome::Connected(First::Words(b"hi\r\n".to_vec()));
    let other = reach(
        "[::1]:80",
        Location::Loopback,
        other,
        here(&["[::1]:80"], 0, Some(true)),
    );
    way.attempts.extend(other.attempts);
    assert_eq!(said(&way, "connect", Lang::En).0, Grade::Note);
    assert!(said(&way, "first_words", Lang::En).1.contains("“hi”"));
    assert!(way.is_reached());
}

#[test]
fn a_name_that_is_not_found_ends_the_way() {
    let mut way = reach("127.0.0.1:80", Location::Loopback, Outcome::Refused, None);
    way.attempts.clear();
    way.target.host = Host::Name("here.invalid".to_owned());
    for name in [
        Name::Unknown {
            error: "unknown".to_owned(),
            took: Duration::ZERO,
        },
        Name::Unanswered,
    ] {
        way.name = name;
        for lang in Lang::ALL {
            let (grade, text) = said(&way, "name", lang);
            assert_eq!(grade, Grade::Problem);
            assert!(
                text.contains("here.invalid") && text.contains("IP"),
                "{text}"
            );
        }
        assert!(!way.is_reached());
    }
}

#[test]
fn what_a_server_says_is_shown_and_never_obeyed() {
    assert_eq!(shown(b"220 hi\x1b[2J\r\n"), "“220 hi␛[2J”");
    assert_eq!(shown("好".repeat(99).as_bytes()).chars().count(), SHOWN + 3);
    assert_eq!(shown(&[0xff, 0x41]), "“\u{fffd}A”");
}
