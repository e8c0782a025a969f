//! `--openmetrics`: the figures of a run while it lasts.

use super::*;

/// The answer of `GET /metrics` at `addr`, without its head.
fn scraped(addr: SocketAddr) -> String {
    let mut stream = TcpStream::connect(addr).unwrap();
    let request = "GET /metrics HTTP/1.1\r\nAccept: application/openmetrics-text\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    has(head, &["200 OK", "application/openmetrics-text"]);
    body.to_owned()
}

/// The value of the sample `name` of a run without other labels than those of all samples.
#[track_caller]
fn sample(text: &str, name: &str) -> f64 {
    let begin = format!("portlab_load_{name}{{target=");
    let mut lines = text.lines().filter(|line| line.starts_with(&begin));
    let line = lines
        .next()
        .unwrap_or_else(|| panic!("no {name} in\n{text}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[test]
fn the_figures_are_on_the_port_as_long_as_the_run_lasts() {
    let (addr, port) = (server(echo), free_addr());
    let options = format!("-c=2 --warmup=0s --openmetrics={}", port.port());
    let mut during = String::new();
    let (output, said) = interrupted(addr, &options, |_| during = scraped(port));
    has(&said.join("\n"), &[&format!("http://{port}/metrics")]);
    let labels = format!("{{target=\"{addr}\",script=\"echo\",stage=\"measuring\"}} 1\n");
    has(&during, &[&labels, "# EOF\n"]);
    let messages = sample(&during, "messages_total");
    assert!(messages > 0.0, "{during}");
    assert_eq!(sample(&during, "sent_bytes_total") % 64.0, 0.0, "{during}");
    assert_eq!(sample(&during, "open_connections"), 2.0);
    assert!(messages <= number(&json(&output), "messages"));
    assert!(TcpStream::connect(port).is_err(), "the port is closed");
}

#[test]
fn the_file_has_the_figures_of_the_whole_run_at_its_end() {
    let file = folder("openmetrics").join("load.prom");
    // One of the answers is wrong.
    let addr = numbered(|number, stream| {
        echo_changed(move |piece, at| {
            piece[0] ^= u8::from(number == 0 && at == 0);
            true
        })(stream)
    });
    let options = format!("-c=2 -n=1000 --openmetrics={}", file.display());
    let (result, _) = failed(addr, &options);
    let text = fs::read_to_string(&file).unwrap();
    has(&text, &["stage=\"done\"} 1\n", "# EOF\n"]);
    let errors = format!("phase=\"verify\"}} {}\n", result["errors"]);
    has(&text, &[&errors, "phase=\"connect\"} 0\n"]);
    for (sample, key) in [
        ("messages_total", "messages"),
        ("latency_seconds_count", "latency_ns/count"),
    ] {
        assert_eq!(self::sample(&text, sample), number(&result, key), "{text}");
    }
    // The rates of a ladder are added up.
    let options = format!(
        "--rate=500..2k --steps=2 -d=100ms --warmup=0s -c=4 --openmetrics={}",
        file.display()
    );
    let output = load(server(echo), &options);
    let result = json(&output);
    let messages = ["rungs/0/messages", "rungs/1/messages"].map(|it| number(&result, it));
    let text = fs::read_to_string(&file).unwrap();
    let expected: f64 = messages.iter().sum();
    assert_eq!(sample(&text, "messages_total"), expected, "{text}");
    assert_eq!(sample(&text, "asked_messages_per_second"), 2_000.0);
}

#[test]
fn a_port_that_is_taken_and_a_file_that_cant_be_written_are_errors_before_the_run() {
    let (addr, taken) = (free_addr(), listener());
    let port = taken.local_addr().unwrap();
    let pid = std::process::id();
    let said = unable(addr, &format!("--openmetrics={port}"));
    has(
        &said,
        &[&format!("(pid {pid})"), "try --openmetrics 127.0.0.1:0"],
    );
    let said = unable(addr, "--openmetrics=/no/such/folder/load.prom");
    has(
        &said,
        &["/no/such/folder/load.prom", "mkdir -p /no/such/folder"],
    );
    let said = unable(addr, "--openmetrics=127.0.0.1:70000");
    has(&said, &["70000", "65535", "./127.0.0.1:70000"]);
    let file = folder("openmetrics-twice").join("same");
    let file = file.display();
    let said = unable(addr, &format!("--openmetrics={file} --csv={file}"));
    has(&said, &["--csv and --openmetrics both write"]);
}
