//! What a line sends, and when. The tests choose the time.

use std::time::{Duration, Instant};

use fastrand::Rng;

use super::{Ending, Line, OVERHEAD, PIECE, Step};
use crate::fault::{Faults, Settings};

const MS: Duration = Duration::from_millis(1);

fn faults(lines: &[&str]) -> Faults {
    Settings::of(lines).unwrap().up
}

/// A line with the faults of `lines`, and the time at which it begins.
fn line(lines: &[&str]) -> (Line, Instant) {
    let now = Instant::now();
    (
        Line::new(faults(lines), 1 << 20, Rng::with_seed(7), now),
        now,
    )
}

/// The steps of a line from `start` until it waits for bytes: each piece or step, with its time in milliseconds.
fn run(line: &mut Line, start: Instant) -> Vec<(u128, String)> {
    let (mut now, mut log) = (start, Vec::new());
    loop {
        let (text, sent) = match line.next(now) {
            Step::Send(bytes) => (String::from_utf8_lossy(&bytes).into_owned(), bytes.len()),
            Step::Wait(None) => return log,
            Step::Wait(Some(at)) => {
                assert!(at > now, "the time is in the past");
                now = at;
                continue;
            }
            step => (format!("{step:?}"), 0),
        };
        let ends = text == "Close" || text.starts_with("Reset");
        log.push(((now - start).as_millis(), text));
        if ends {
            return log;
        }
        line.sent(sent, now);
    }
}

#[test]
fn each_fault_does_what_its_name_says() {
    // "abc" comes at once, "defg" after 20 ms, and the close after 30 ms.
    for (lines, expected) in [
        (&[][..], "0 abc, 20 defg, 30 Shut"),
        (&["latency 50ms"], "50 abc, 70 defg, 80 Shut"),
        (&["slow_close 50ms"], "0 abc, 20 defg, 80 Shut"),
        (&["half_close 5"], "0 abc, 20 de, 20 Shut"),
        (&["half_close 0"], "0 Shut"),
        (&["limit_data 5"], "0 abc, 20 de, 20 Close"),
        (&["limit_data 0"], "0 Close"),
        (&["reset_peer 5"], "0 abc, 20 de, 20 Reset { made: true }"),
        (&["flip 3"], "0 abb, 20 degg, 30 Shut"),
        (&["flip 3,once"], "0 abb, 20 defg, 30 Shut"),
        (
            &["flip 3", "slicer 1"],
            "0 a, 0 b, 0 b, 20 d, 20 e, 20 g, 20 g, 30 Shut",
        ),
        (
            &["slicer 1,10ms"],
            "0 a, 10 b, 20 c, 30 d, 40 e, 50 f, 60 g, 60 Shut",
        ),
        (&["bandwidth 100"], "0 ab, 20 c, 30 de, 50 fg, 50 Shut"),
        (&["timeout 25ms"], "25 Close"),
        (&["timeout 0s"], "30 Shut"),
        (&["pause"], ""),
    ] {
        let (mut line, start) = line(lines);
        line.put(b"abc", start);
        line.put(b"defg", start + 20 * MS);
        line.end(Ending::Closed, start + 30 * MS);
        let log = run(&mut line, start).into_iter();
        let log: Vec<_> = log.map(|(at, text)| format!("{at} {text}")).collect();
        assert_eq!(log.join(", "), expected, "{lines:?}");
    }
}

#[test]
fn the_buffer_limits_the_bytes_that_a_latency_holds() {
    // Small pieces count with the memory that they take.
    for size in [1, 1000] {
        let (mut line, start) = line(&["latency 50ms"]);
        let puts =
            std::iter::from_fn(|| line.has_room().then(|| line.put(&[0; 1000][..size], start)));
        assert_eq!(puts.count(), (1_usize << 20).div_ceil(size + OVERHEAD));
    }
}

#[test]
fn a_bandwidth_without_a_latency_and_a_pause_leave_bytes_with_the_sender() {
    let (mut line, start) = line(&["bandwidth 1000"]);
    line.put(&[0; PIECE], start);
    assert!(!line.has_room());
    assert!(!self::line(&["pause"]).0.has_room());
}

#[test]
fn jitter_keeps_the_order_and_its_bounds_and_is_repeated_by_the_seed() {
    let runs = [(); 2].map(|()| {
        let (mut line, start) = line(&["latency 50ms", "jitter 20ms"]);
        (b'a'..=b'z').for_each(|byte| line.put(&[byte], start));
        run(&mut line, start)
    });
    assert_eq!(runs[0], runs[1]);
    let (times, texts): (Vec<_>, Vec<_>) = runs[0].iter().cloned().unzip();
    assert_eq!(texts.concat(), "abcdefghijklmnopqrstuvwxyz");
    assert!(times.iter().all(|at| (30..=70).contains(at)), "{times:?}");
    assert!(times[0] < times[25], "{times:?}");
}

#[test]
fn the_slicer_cuts_pieces_of_about_its_size_with_pauses_between_them() {
    let (mut line, start) = line(&["slicer 10,1ms"]);
    line.put(&[b'x'; 1000], start);
    let log = run(&mut line, start);
    let last = log.len() - 1;
    assert!(
        log[..last]
            .iter()
            .all(|(_, text)| (5..=15).contains(&text.len()))
    );
    assert!((70..140).contains(&log.len()), "{}", log.len());
    assert_eq!(log[last].0, last as u128);
}

#[test]
fn a_change_of_faults_applies_at_once_to_bytes_under_way() {
    for fault in ["latency 1h", "bandwidth 1", "slicer 1,1h", "pause"] {
        let (mut line, start) = line(&[fault]);
        line.put(b"abc", start);
        line.end(Ending::Reset, start);
        if let Step::Send(bytes) = line.next(start) {
            let length = bytes.len();
            line.sent(length, start);
        }
        assert!(matches!(line.next(start), Step::Wait(_)), "{fault}");
        line.set(&faults(&[]), start);
        let end = "Reset { made: false }";
        let log = run(&mut line, start);
        let text: String = log
            .into_iter()
            .map(|(at, text)| {
                assert_eq!(at, 0);
                text
            })
            .collect();
        assert!(text.ends_with(&format!("bc{end}")), "{fault}: {text}");
    }
    // A limit that is already exceeded applies at the next step.
    let (mut line, start) = line(&[]);
    line.put(b"abc", start);
    run(&mut line, start);
    line.set(&faults(&["reset_peer 2"]), start);
    assert_eq!(line.next(start), Step::Reset { made: true });
}

#[test]
fn after_a_half_close_further_bytes_are_read_and_dropped() {
    let (mut line, start) = line(&["half_close 0"]);
    assert_eq!(line.next(start), Step::Shut);
    line.put(b"abc", start);
    assert_eq!(line.next(start), Step::Wait(None));
    assert!(line.has_room() && !line.is_over());
    line.end(Ending::Closed, start);
    assert!(line.is_over());
}
