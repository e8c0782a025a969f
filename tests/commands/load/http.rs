//! URLs: requests and answers of HTTP, and servers that break it.

use super::*;

/// What a server does with a request.
#[derive(Clone)]
struct Answer {
    bytes: Vec<u8>,
    /// Whether it closes the connection then.
    closes: bool,
}

/// Answers request n of a connection, counted from 0, with `answer(n, request)`, at most `piece` bytes at a time.
fn web(piece: usize, answer: impl Fn(u64, &str) -> Answer + Clone + Send + 'static) -> SocketAddr {
    server(move |mut stream| {
        stream.set_nodelay(true)?;
        let mut input = BufReader::new(stream.try_clone()?);
        for number in 0.. {
            let Some(request) = request(&mut input)? else {
                break;
            };
            let Answer { bytes, closes } = answer(number, &request);
            for piece in bytes.chunks(piece) {
                stream.write_all(piece)?;
            }
            if closes {
                break;
            }
        }
        Ok(())
    })
}

/// The next request, with its body; `None` at the end.
fn request(input: &mut impl BufRead) -> io::Result<Option<String>> {
    let (mut request, mut length) = (String::new(), 0);
    while !request.ends_with("\r\n\r\n") {
        let from = request.len();
        if input.read_line(&mut request)? == 0 {
            return Ok(None);
        }
        if let Some(value) = request[from..].strip_prefix("Content-Length: ") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    input.read_exact(&mut body)?;
    Ok(Some(request + &String::from_utf8_lossy(&body)))
}

fn always(bytes: &[u8], closes: bool) -> impl Fn(u64, &str) -> Answer + Clone + Send + 'static {
    let bytes = bytes.to_vec();
    move |_, _| Answer {
        bytes: bytes.clone(),
        closes,
    }
}

/// `portlab load http://ADDR/x` with the words of `options`.
fn request_url(addr: SocketAddr, options: &str) -> Output {
    let url = format!("http://{addr}/x");
    portlab(&[&["load", &url, "--json"], &words(options)[..]].concat())
}

#[test]
fn answers_end_where_http_says_however_they_are_cut() {
    let cases = [
        ("", &b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"[..], false, 200),
        ("", b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n", false, 200),
        (
            "--expect=starts:hello!&not:HTTP",
            b"HTTP/1.1 201 Yes\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nhel\r\n3\r\nlo!\r\n0\r\nA: b\r\n\r\n",
            false,
            201,
        ),
        ("", b"HTTP/1.1 204 No Content\r\n\r\n", false, 204),
        ("--method=HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", false, 200),
        (
            "",
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
            false,
            200,
        ),
        ("--expect=contains:end", b"HTTP/1.1 200 OK\r\n\r\nto the end", true, 200),
        ("", b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx", true, 200),
        ("", b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", true, 200),
        ("--expect-status=4xx", b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", false, 404),
        ("--any-answer", b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", false, 500),
    ];
    for (piece, (options, answer, closes, status)) in [1, 10_000].into_iter().cycle().zip(cases) {
        let addr = web(piece, always(answer, closes));
        let output = request_url(addr, &format!("-n=20 -c=2 {options}"));
        assert_eq!(output.status.code(), Some(0), "{options}: {output:?}");
        let result = json(&output);
        // Another connection may have been made for a message that isn't sent any more.
        let made = if closes { 20.0..22.0 } else { 2.0..3.0 };
        assert!(
            made.contains(&number(&result, "connections_made")),
            "{result}"
        );
        holds(
            &result,
            json!({
                "messages": 20, "errors": 0, "unanswered": 0,
                "statuses": [{"status": status, "count": 20}], "closed_by_server": null,
            }),
        );
    }
}

#[test]
fn an_answer_that_breaks_http_is_an_error_that_says_so() {
    let length_9 = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc";
    let cut_head = "HTTP/1.1 200 OK\r\nContent-Le";
    let mut cases = Vec::new();
    for (answer, closes, cause) in [
        (length_9, true, "body ended after 3 of 9 bytes"),
        (length_9, false, "timed out after 3 of 9 bytes of the body"),
        (cut_head, false, "timed out in the middle of an answer"),
        (cut_head, true, "closed in the middle of the answer's head"),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab",
            false,
            "more came back than",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc",
            true,
            "closed in the middle of a chunked body",
        ),
        ("220 ready\r\n", false, "the answer isn't HTTP/1"),
        ("", true, "closed before all requests were answered"),
    ] {
        cases.push(std::thread::spawn(move || {
            let addr = web(10_000, always(answer.as_bytes(), closes));
            // All cases at once, so that even a busy machine has the time to send what comes before the timeout.
            let timeout = match cause.starts_with("timed out") {
                true => "3s",
                false => "60s",
            };
            let output = request_url(addr, &format!("-n=1 -c=1 --timeout={timeout}"));
            assert_eq!(output.status.code(), Some(1), "{answer}: {output:?}");
            let result = json(&output);
            let found = result["failures"][0]["cause"].as_str().unwrap_or_default();
            assert!(found.contains(cause), "{answer}: {result}");
            assert!(result["failures"][0]["hint"].is_string(), "{result}");
        }));
    }
    cases.into_iter().for_each(|case| case.join().unwrap());
}

#[test]
fn a_status_that_is_not_fine_is_an_error() {
    let answer = |number, _: &str| {
        let status = if number % 4 == 3 { 503 } else { 302 };
        let line = format!("HTTP/1.1 {status} x\r\nLocation: /else\r\nContent-Length: 0\r\n\r\n");
        Answer {
            bytes: line.into_bytes(),
            closes: false,
        }
    };
    let addr = web(10_000, answer);
    let output = request_url(addr, "-n=40 -c=1");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let expected = json!({
        "errors": 10, "error_answers": 10, "messages": 40, "checked": "status",
        "statuses": [{"status": 302, "count": 30}, {"status": 503, "count": 10}],
        "redirect": {"status": 302, "location": "/else"}, "first_answer": "HTTP/1.1 302 x",
    });
    holds(&json(&output), expected);
    let output = portlab(&["load", &format!("http://{addr}"), "-n=40", "-c=1"]);
    let text = String::from_utf8(output.stdout).unwrap();
    has(
        &text,
        &[
            "GET requests of",
            "30x status 302",
            "10x status 503",
            "to \"/else\", not followed",
        ],
    );
    let output = request_url(addr, "-n=40 -c=1 --expect-status=2xx,503");
    let result = json(&output);
    holds(&result, json!({"errors": 30}));
    has(&result.to_string(), &["unexpected status 302"]);
}

#[test]
fn requests_behind_an_answer_that_closes_are_unanswered() {
    let answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    // One at a time, nothing is lost; of two at a time, the second is.
    for (depth, unanswered) in [(1, 0), (2, 2)] {
        let addr = web(10_000, always(answer, true));
        let output = request_url(addr, &format!("-n=4 -c=1 --depth={depth}"));
        let result = json(&output);
        holds(
            &result,
            json!({"unanswered": unanswered, "messages": 4 - unanswered, "errors": unanswered}),
        );
        let told = result
            .to_string()
            .contains("the previous answer had Connection: close");
        assert_eq!(told, unanswered > 0, "{result}");
    }
}

#[test]
fn a_request_is_made_of_the_options() {
    let echo_request = |_, request: &str| Answer {
        bytes: format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{request}",
            request.len()
        )
        .into_bytes(),
        closes: false,
    };
    let addr = web(10_000, echo_request);
    let body = folder("http-body").join("body");
    fs::write(&body, "from a file").unwrap();
    let host = format!("contains:Host:\x20{addr}\\r\\nUser-Agent: portlab/");
    let file = format!("--body-file={}", body.display());
    for (options, expected) in [
        (&[][..], &*host),
        (&[], "starts:GET /x HTTP/1.1\\r\\n"),
        (
            &["--body={\"a\":1}"],
            "match:^POST (?s:.)*Content-Length: 7\r\n\r\n\\{\"a\":1\\}$",
        ),
        (
            &[&*file, "--method=PUT"],
            "match:^PUT (?s:.)*\r\n\r\nfrom a file$",
        ),
        (
            &["-H", "Host: a", "-H", "X-Y: z", "-HUser-Agent:"],
            "contains:\\r\\nHost: a\\r\\nX-Y: z\\r\\nUser-Agent: \\r\\n\\r\\n",
        ),
        (&["-H", "Host: a"], "not:127.0.0.1"),
    ] {
        let (url, expect) = (format!("http://{addr}/x"), format!("--expect={expected}"));
        let output = portlab(&[&["load", &url, "-n=3", "-c=1", &expect], options].concat());
        assert_eq!(output.status.code(), Some(0), "{options:?}: {output:?}");
    }
}

#[test]
fn a_url_goes_with_every_pace_and_behaviour() {
    let addr = web(
        10_000,
        always(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false),
    );
    for options in [
        "-n=20 -c=2 --depth=4",
        "-n=20 -c=2 --rate=1k",
        "-n=6 -c=2 --think=1ms",
        "-n=20 -c=2 --per-connection=3",
        "-n=2 -c=1 --trickle=0s --slow-reader=1k",
        "-n=4 -c=2 --through=latency=1ms",
        "-d=50ms -c=2 --idle",
    ] {
        let output = request_url(addr, options);
        assert_eq!(output.status.code(), Some(0), "{options}: {output:?}");
    }
}
