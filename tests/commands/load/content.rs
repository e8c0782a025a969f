//! Conditions on what answers contain.

use super::{answers::talking, *};

#[test]
fn an_answer_that_fails_a_condition_is_an_error_and_its_connection_goes_on() {
    for trickle in [false, true] {
        let addr = talking(b"", trickle, |number| match number % 5 {
            4 => b"ERR no\r\n",
            _ => b"OK fine\r\n",
        });
        for condition in [r#"starts:"OK""#, r#"not:"ERR""#, r#"match:"^OK\s\w+$""#] {
            let options =
                format!(r"-c=1 --depth=3 --messages=40 --text=X\n --expect=lines:1&{condition}");
            let (result, said) = failed(addr, &options);
            holds(
                &result,
                json!({
                    "messages": 40,
                    "errors": 8,
                    "unmet_answers": 8,
                    "error_answers": 0,
                    "connections_made": 1,
                    "checked": "content",
                    "failures/0/phase": "verify",
                    "failures/0/count": 8,
                    "first_unmet/connection": 0,
                    "first_unmet/answer": 4,
                    "first_unmet/condition": condition,
                    "verdict/word": "with care",
                }),
            );
            let got = result["first_unmet"]["got"].as_str().unwrap();
            assert!(got.starts_with("ERR no"), "{got}");
            has(&said, &["connection 0, answer 4", condition, "ERR no"]);
        }
        let met = r"--messages=40 --text=X\n --expect=lines:1&match:(OK|ERR)&contains:\r\n&not:x";
        holds(&fine(addr, met), json!({"checked": "content"}));
    }
}

#[test]
fn every_kind_of_framing_takes_conditions() {
    let addr = server(|mut stream| {
        // One message, and the end of the connection is the end of the answer.
        stream.read_exact(&mut [0])?;
        stream.write_all(b"one and ")?;
        thread::sleep(Duration::from_millis(1));
        stream.write_all(b"two")
    });
    for framing in ["close", "bytes:11", "until:two"] {
        let run = |condition: &str| {
            let options = format!(
                "-c=2 --messages=10 --per-connection=1 --text=X --expect={framing}&{condition}"
            );
            load(addr, &options)
        };
        let right = json(&run("contains:and\\x20two"));
        holds(&right, json!({"errors": 0, "messages": 10}));
        let wrong = json(&run("not:and\\x20two"));
        holds(
            &wrong,
            json!({"errors": 10, "unmet_answers": 10, "verdict/word": "no"}),
        );
    }
}

#[test]
fn an_answer_that_is_an_error_by_its_protocol_is_counted_once() {
    let addr = talking(b"", false, |_| b"-ERR no\r\n");
    let options = r"-c=1 --messages=10 --text=X\r\n --expect=lines:1&starts:+OK";
    let (result, _) = failed(addr, options);
    holds(
        &result,
        json!({"errors": 10, "error_answers": 10, "unmet_answers": 0, "first_unmet": null}),
    );
    let (result, _) = failed(addr, &format!("{options} --any-answer"));
    holds(
        &result,
        json!({"errors": 10, "error_answers": 0, "unmet_answers": 10}),
    );
}

#[test]
fn wrong_answers_end_a_run_that_allows_few_errors() {
    let addr = talking(b"", false, |_| b"no\r\n");
    let options = r"-c=1 -d=10m --text=X\n --expect=lines:1&starts:OK --max-errors=10";
    let (result, _) = failed(addr, options);
    holds(&result, json!({"ended": "too_many_errors"}));
}

#[test]
fn a_greeting_must_meet_its_conditions() {
    let addr = talking(b"220 ready\r\n", true, |_| b"OK\r\n");
    let run = r"-c=1 --messages=2 --text=X\n --expect=lines:1";
    fine(addr, &format!("{run} --greeting=lines:1&starts:220"));
    let said = unable(addr, &format!("{run} --greeting=lines:1&starts:+OK"));
    has(&said, &["greeting: ", r#"starts:"+OK""#, "220 ready"]);
}

#[test]
fn a_condition_is_about_the_characters_of_the_encoding() {
    let addr = server(echo);
    let options = "-c=1 --messages=2 --encoding=gbk --text=你好\\n --expect=lines:1&";
    let result = fine(addr, &format!("{options}match:^你.$"));
    holds(
        &result,
        json!({"first_answer": "你好\\n", "first_lines/0/line": "你好"}),
    );
    let (result, _) = failed(addr, &format!("{options}contains:您"));
    holds(&result, json!({"unmet_answers": 2}));
    let said = unable(addr, &format!("{options}contains:😀"));
    has(&said, &["😀", "GBK"]);
}

#[test]
fn an_echo_is_told_by_its_first_answer_too() {
    let addr = server(echo);
    let result = fine(addr, "-c=2 --depth=2 --messages=20 --text=one\\ntwo");
    let line = json!([{"line": "one", "count": 20, "error": null}]);
    holds(
        &result,
        json!({"first_answer": "one\\ntwo", "first_lines": line}),
    );
    let result = fine(addr, "-c=2 --messages=20 --warmup=0s");
    holds(&result, json!({"first_lines": [], "other_first_lines": 20}));
    assert!(result["first_answer"].is_string(), "{result}");
    let text = text(addr, "-c=1 --messages=20 --text=one", 0);
    has(&text, &["each equal to its message; the first: \"one\""]);
}
