//! Warnings before a run, lines and screens during it, and its files.

use base64::Engine;
use hdrhistogram::serialization::{
    Deserializer,
    interval_log::{IntervalLogIterator, LogEntry},
};

use super::*;

#[test]
fn a_warning_before_the_run_names_what_will_fail() {
    let options = "-c=1 --messages=1 --trickle=1ms --timeout=20ms";
    let output = load(server(echo), options);
    has(&stderr(&output), &["a message takes 64.0 ms"]);
    let warnings = json(&output)["preflight"].to_string();
    has(&warnings, &["raise --timeout"]);
}

#[test]
fn the_files_of_a_run_agree_with_its_result() {
    let dir = folder("files");
    let path = |name: &str| dir.join(name);
    let option = |name: &str| format!("--{name}={}", path(name).display());
    let files = ["hgrm", "hlog", "csv"].map(option).join(" ");
    let options = format!("-c=2 --warmup=50ms {files}");
    let (output, _) = interrupted(server(echo), &options, |_| ());
    let result = json(&output);
    let count = result["latency_ns"]["count"].as_u64().unwrap();

    let csv = fs::read_to_string(path("csv")).unwrap();
    let mut rows = csv.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let head = rows.next().unwrap();
    let rows: Vec<_> = rows.collect();
    assert!(
        rows.len() >= 2 && rows.iter().all(|row| row.len() == head.len()),
        "{csv}"
    );
    let column = |name: &str| head.iter().position(|title| *title == name).unwrap();
    let of = |name: &str| {
        let at = column(name);
        rows.iter().map(move |row| row[at].parse::<f64>().unwrap())
    };
    assert_eq!(of("messages").sum::<f64>(), number(&result, "messages"));
    assert!(
        of("from_s").skip(1).eq(of("to_s").take(rows.len() - 1)),
        "a gap: {csv}"
    );

    let hgrm = fs::read_to_string(path("hgrm")).unwrap();
    let last = hgrm.lines().rfind(|line| !line.starts_with('#')).unwrap();
    assert_eq!(last.split_whitespace().nth(2).unwrap(), count.to_string());

    let hlog = fs::read(path("hlog")).unwrap();
    let logged = IntervalLogIterator::new(&hlog).filter_map(|entry| match entry {
        Ok(LogEntry::Interval(interval)) => {
            let engine = base64::engine::general_purpose::STANDARD;
            let bytes = engine.decode(interval.encoded_histogram()).unwrap();
            let histogram: hdrhistogram::Histogram<u64> =
                Deserializer::new().deserialize(&mut &bytes[..]).unwrap();
            Some(histogram.len())
        }
        _ => None,
    });
    let logged: u64 = logged.sum();
    // Answers that came after measuring had ended, one for each connection at most, belong to no interval.
    assert!(
        logged <= count && logged + 2 >= count,
        "{logged} of {count}"
    );
}

#[test]
fn a_pipe_gets_each_second_when_it_is_over() {
    let addr = server(echo);
    let load = format!("load {addr} -c=1 -d=10m --warmup=0s --plain --csv=/dev/stdout");
    let mut child = command(&words(&load)).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let lines: Vec<_> = lines.take(3).map(Result::unwrap).collect();
    assert!(child.try_wait().unwrap().is_none(), "the run goes on");
    signal(&mut child, Signal::INT).unwrap();
    child.wait().unwrap();
    has(&lines[0], &["from_s,to_s"]);
    let began = lines[1..].iter().map(|row| row.split_once('.').unwrap().0);
    assert!(began.eq(["0", "1"]), "{lines:?}");
}

#[test]
fn a_file_that_cannot_be_written_is_an_error_and_no_panic() {
    let addr = server(echo);
    for (option, path) in [
        ("--csv", "/dev/full"),
        ("--hgrm", "/dev/full"),
        ("--hlog", "/dev/full"),
        ("--csv", "/no/such/folder/x"),
    ] {
        let output = load(addr, &format!("-c=1 --messages=10 {option}={path}"));
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let said = stderr(&output);
        has(&said, &[&format!("can't write {path}")]);
        assert!(!said.contains("panicked"), "{said}");
    }
    let output = shell(&format!(
        "$portlab load {addr} -c=1 --messages=10 >/dev/full"
    ));
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    has(&stderr(&output), &["No space left"]);
}

#[test]
fn a_closed_pipe_changes_neither_stderr_nor_the_exit_code() {
    let addr = server(echo);
    for options in ["", "--json", "--rate=100..200 --steps=2"] {
        let load = format!("$portlab load {addr} -c 1 -d 200ms {options}");
        let output = shell(&format!("set -o pipefail; {load} 2>&1 | true"));
        assert_eq!(stderr(&output), "", "{options}");
        assert_eq!(output.status.code(), Some(0), "{options}");
    }
}

#[test]
fn off_a_terminal_stderr_has_a_line_for_each_second() {
    let csv = folder("seconds").join("csv");
    let options = format!("-c=1 --warmup=0s --csv={}", csv.display());
    let (_, said) = interrupted(server(echo), &options, |_| ());
    let lines = said.iter().filter(|line| is_second(line)).count();
    let csv = fs::read_to_string(csv).unwrap();
    let rows = csv.lines().skip(1).map(|row| {
        let mut numbers = row.split(',').map(|it| it.parse::<f64>().unwrap());
        -numbers.next().unwrap() + numbers.next().unwrap()
    });
    let mut lengths: Vec<_> = rows.collect();
    assert_eq!(lengths.len(), lines, "{said:?}\n{csv}");
    // The last second may be a short one.
    lengths.pop();
    assert!(lengths.iter().all(|length_s| *length_s >= 0.9), "{csv}");
    let warms_up = said.iter().any(|line| line.contains("warming up"));
    assert!(!warms_up, "there is no warm-up: {said:?}");
}

#[test]
fn a_terminal_shows_a_screen_and_is_restored() {
    let addr = server(echo);
    // A terminal without a size has no room for a screen.
    let load = format!("stty cols 100 rows 30; exec $portlab load {addr} -c 2 -d 30s --rate 500");
    let Some(mut command) = on_a_terminal(&load) else {
        return;
    };
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let (mut keys, mut screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (mut seen, mut buffer, mut asked) = (String::new(), [0; 4096], false);
    loop {
        let length = screen.read(&mut buffer).unwrap();
        if length == 0 {
            break;
        }
        seen += &String::from_utf8_lossy(&buffer[..length]);
        // By now it has drawn what it measures.
        if !asked && seen.contains("CPU") {
            asked = true;
            keys.write_all(b"+q").unwrap();
        }
    }
    assert!(child.wait().unwrap().success(), "{seen}");
    let (drawn, after) = seen
        .split_once("\u{1b}[?1049l")
        .expect("the screen is left");
    has(drawn, &["\u{1b}[?1049h", "throughput"]);
    has(after, &["interrupted", "the rate was changed"]);
}

#[test]
fn the_json_output_follows_the_schema() {
    let (addr, closing) = (server(echo), server(|_| Ok(())));
    let schema = json(&portlab(&["load", "--json-schema"]));
    let problems = |result: &Value| schema::problems(&schema, &schema, result, "");
    for (addr, options) in [
        (addr, "-c=2 --messages=10"),
        (addr, "-c=2 -d=100ms --rate=100 --arrivals=poisson"),
        (addr, "-c=2 -d=100ms --idle"),
        (addr, "-c=2 -d=100ms --rate=100..200 --steps=2"),
        (closing, "-c=2 --messages=10"),
    ] {
        let problems = problems(&json(&load(addr, options)));
        assert!(problems.is_empty(), "{options}: {problems:?}");
    }
    // The check can fail.
    let mut result = json(&load(addr, "-c=2 --messages=10"));
    result["messages"] = "ten".into();
    assert!(!problems(&result).is_empty());
    result["messages"] = 10.into();
    result["mesages"] = 10.into();
    assert!(!problems(&result).is_empty());
}
