//! What a line sends, and when, in a time that the tests make.

use std::time::{Duration, Instant};

use fastrand::Rng;

use super::{Ending, Line, OVERHEAD, PIECE, Step};
use crate::fault::Settings;

/// A line with the faults of `lines`, and the time at which it begins.
fn line(lines: &[&str]) -> (Line, Instant) {
    let now = Instant::now();
    let faults = Settings::of(lines).unwrap().up;
    (Line::new(faults, 1 << 20, Rng::with_seed(7), now), now)
}

/// What happens from `start` on until the line waits for bytes: each piece or step, with its time in microseconds.
fn run(line: &mut Line, start: Instant) -> Vec<(u128, String)> {
    let (mut now, mut log) = (start, Vec::new());
    loop {
        let (text, sent) = match line.next(now) {
            Step::Send(bytes) => (String::from_utf8_lossy(&bytes).into_owned(), bytes.len()),
            Step::Wait(None) => return log,
            Step::Wait(Some(at)) => {
                assert!(at > now, "it waits for the past");
                now = at;
                continue;
            }
            step => (format!("{step:?}"), 0),
        };
        let ends = text == "Close" || text.starts_with("Reset");
        log.push(((now - start).as_micros(), text));
        if ends {
            return log;
        }
        line.sent(sent, now);
    }
}

/// As [`run`], with the texts alone.
fn texts(line: &mut Line, start: Instant) -> Vec<String> {
    run(line, start).into_iter().map(|(_, text)| text).collect()
}

const MS: Duration = Duration::from_millis(1);

#[test]
fn without_faults_bytes_pass_at_once() {
    let (mut line, start) = line(&[]);
    line.put(b"abc", start);
    line.end(Ending::Closed, start);
    assert_eq!(
        run(&mut line, start),
        [(0, "abc".into()), (0, "Shut".into())]
    );
    assert!(line.is_over());
}

#[test]
fn latency_delays_each_piece_by_itself_and_the_close_too() {
    let (mut line, start) = line(&["latency 50ms"]);
    line.put(b"a", start);
    line.put(b"b", start + 20 * MS);
    line.end(Ending::Closed, start + 30 * MS);
    let expected = [(50_000, "a"), (70_000, "b"), (80_000, "Shut")];
    assert_eq!(
        run(&mut line, start),
        expected.map(|(at, text)| (at, text.into()))
    );
}

#[test]
fn latency_does_not_limit_how_much_is_under_way_but_the_buffer_does() {
    let (mut line, start) = line(&["latency 50ms"]);
    let mut put = 0;
    while line.has_room() {
        line.put(&[0; 1000], start);
        put += 1000;
    }
    assert!((900_000..1_100_000).contains(&put), "{put}");
    // Small pieces count with what they cost.
    let (mut line, start) = self::line(&["latency 50ms"]);
    let pieces = std::iter::from_fn(|| line.has_room().then(|| line.put(b"x", start)));
    assert_eq!(pieces.count(), (1_usize << 20).div_ceil(1 + OVERHEAD));
}

#[test]
fn what_waits_for_bandwidth_alone_stays_with_the_sender() {
    let (mut line, start) = line(&["bandwidth 1000"]);
    line.put(&[0; PIECE], start);
    assert!(!line.has_room());
}

#[test]
fn jitter_keeps_the_order_and_its_bounds() {
    let (mut line, start) = line(&["latency 50ms", "jitter 20ms"]);
    for byte in b'a'..=b'z' {
        line.put(&[byte], start);
    }
    let log = run(&mut line, start);
    let text: String = log.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(text, "abcdefghijklmnopqrstuvwxyz");
    let times: Vec<_> = log.iter().map(|&(at, _)| at).collect();
    assert!(
        times.iter().all(|at| (30_000..=70_000).contains(at)),
        "{times:?}"
    );
    assert!(times[0] < times[25], "{times:?}");
}

#[test]
fn bandwidth_spreads_bytes_over_time() {
    let (mut line, start) = line(&["bandwidth 1000"]);
    line.put(&[b'x'; 500], start);
    let log = run(&mut line, start);
    assert_eq!(log.len(), 25, "20 bytes, 50 times a second");
    assert_eq!(log[24].0, 480_000);
}

#[test]
fn the_slicer_cuts_about_its_size_and_pauses() {
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
    assert_eq!(log[last].0, 1000 * last as u128);
    let (mut line, start) = self::line(&["slicer 1"]);
    line.put(b"abc", start);
    assert_eq!(texts(&mut line, start), ["a", "b", "c"]);
}

#[test]
fn a_pause_holds_everything_and_stops_reading() {
    let (mut line, start) = line(&["pause"]);
    assert!(!line.has_room());
    line.put(b"abc", start);
    line.end(Ending::Reset, start);
    assert_eq!(line.next(start + 999 * MS), Step::Wait(None));
    line.set(&Settings::default().up, start);
    assert_eq!(texts(&mut line, start), ["abc", "Reset { made: false }"]);
}

#[test]
fn limits_count_the_bytes_that_passed() {
    for (fault, end) in [
        ("half_close 5", "Shut"),
        ("limit_data 5", "Close"),
        ("reset_peer 5", "Reset { made: true }"),
    ] {
        let (mut line, start) = line(&[fault]);
        line.put(b"abc", start);
        line.put(b"defg", start);
        assert_eq!(texts(&mut line, start), ["abc", "de", end], "{fault}");
        // One that has been reached already acts at once.
        let (mut line, start) = self::line(&[]);
        line.put(b"abcdefg", start);
        assert_eq!(texts(&mut line, start), ["abcdefg"]);
        line.set(&Settings::of(&[fault]).unwrap().up, start);
        line.put(b"h", start);
        assert_eq!(texts(&mut line, start), [end], "{fault}");
    }
}

#[test]
fn after_a_half_close_the_rest_is_read_and_dropped() {
    let (mut line, start) = line(&["half_close 0"]);
    assert_eq!(texts(&mut line, start), ["Shut"]);
    line.put(b"abc", start);
    assert_eq!(texts(&mut line, start), [""; 0]);
    assert!(line.has_room() && !line.is_over());
    line.end(Ending::Closed, start);
    assert!(line.is_over());
}

#[test]
fn a_flipped_byte_is_the_nth_of_the_stream_wherever_it_is_cut() {
    for (fault, expected) in [("flip 3", "abbdegghh"), ("flip 3,once", "abbdefghi")] {
        for slicer in ["slicer off", "slicer 1", "slicer 4"] {
            let (mut line, start) = line(&[fault, slicer]);
            line.put(b"abcde", start);
            line.put(b"fghi", start);
            assert_eq!(
                texts(&mut line, start).concat(),
                expected,
                "{fault} {slicer}"
            );
        }
    }
}

#[test]
fn a_timeout_drops_bytes_and_then_closes_or_never_does() {
    let (mut line, start) = line(&["timeout 30ms"]);
    line.put(b"abc", start);
    assert_eq!(run(&mut line, start), [(30_000, "Close".into())]);
    let (mut line, start) = self::line(&["timeout 0s"]);
    line.put(b"abc", start);
    assert_eq!(texts(&mut line, start), [""; 0]);
    line.set(&Settings::default().up, start);
    line.put(b"def", start);
    assert_eq!(texts(&mut line, start), ["def"]);
}

#[test]
fn a_slow_close_delays_the_close_and_not_the_bytes() {
    let (mut line, start) = line(&["slow_close 40ms"]);
    line.put(b"abc", start);
    line.end(Ending::Closed, start);
    assert_eq!(
        run(&mut line, start),
        [(0, "abc".into()), (40_000, "Shut".into())]
    );
}

#[test]
fn faults_that_end_let_go_of_what_is_under_way() {
    for fault in ["latency 1h", "bandwidth 1", "slicer 1,1h"] {
        let (mut line, start) = line(&[fault]);
        line.put(b"abc", start);
        if let Step::Send(bytes) = line.next(start) {
            let length = bytes.len();
            line.sent(length, start);
        }
        assert!(matches!(line.next(start), Step::Wait(Some(_))), "{fault}");
        line.set(&Settings::default().up, start);
        assert!(texts(&mut line, start).concat().ends_with("bc"), "{fault}");
    }
}

#[test]
fn the_same_seed_cuts_and_delays_the_same() {
    let runs = [(); 2].map(|()| {
        let (mut line, start) = line(&["slicer 10", "jitter 5ms"]);
        line.put(&[b'x'; 300], start);
        line.put(&[b'y'; 300], start);
        run(&mut line, start)
    });
    assert_eq!(runs[0], runs[1]);
}
