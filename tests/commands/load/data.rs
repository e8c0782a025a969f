//! Messages that differ, lines of a file, and pauses.

use std::collections::HashSet;

use super::*;

/// Echoes lines, and sends each to the receiver.
fn listening() -> (SocketAddr, Receiver<String>) {
    let (sender, heard) = mpsc::channel();
    let addr = server(move |mut stream: TcpStream| {
        let mut lines = BufReader::new(stream.try_clone()?);
        let mut line = String::new();
        while lines.read_line(&mut line)? > 0 {
            let _ = sender.send(line.trim_end().to_owned());
            stream.write_all(line.as_bytes())?;
            line.clear();
        }
        Ok(())
    });
    (addr, heard)
}

/// Lines from a file with `text` in the folder `name`, as an option.
fn file(name: &str, text: &str) -> String {
    let file = folder(name).join("lines");
    fs::write(&file, text).unwrap();
    format!("--lines={}", file.display())
}

#[test]
fn each_message_is_filled_in_and_every_byte_of_its_echo_is_compared() {
    let (addr, heard) = listening();
    let options = r"-c=3 -t=2 --messages=300 --depth=4 --text={seq}:{conn}:{rand:8}\n";
    let result = fine(addr, options);
    holds(
        &result,
        json!({"messages": 300, "checked": "every_byte", "steps": []}),
    );
    let (mut numbers, mut letters) = (HashSet::new(), HashSet::new());
    for line in heard.try_iter() {
        let parts: Vec<_> = line.split(':').collect();
        let [number, connection, random] = parts[..] else {
            panic!("{line}");
        };
        assert!(numbers.insert(number.parse::<u32>().unwrap()), "{line}");
        assert!(connection.parse::<u32>().unwrap() < 3, "{line}");
        assert!(
            random.len() == 8 && letters.insert(random.to_owned()),
            "{line}"
        );
    }
    assert_eq!(numbers, (0..300).collect());
}

#[test]
fn a_wrong_byte_in_a_message_that_differs_is_found_and_named() {
    for depth in [1, 3] {
        let addr = server(echo_changed(|piece, at| {
            if (at..at + piece.len() as u64).contains(&7_777) {
                piece[(7_777 - at) as usize] ^= 0x80;
            }
            true
        }));
        let options = format!("-c=1 --messages=1000 --depth={depth} --text={{rand:100}}");
        let (result, _) = failed(addr, &options);
        holds(&result, json!({"first_mismatch/offset": 7_777}));
        let byte = |key: &str| result["first_mismatch"][key].as_u64().unwrap();
        assert_eq!(byte("expected") ^ byte("got"), 0x80);
        assert!((byte("expected") as u8).is_ascii_alphanumeric());
    }
}

#[test]
fn messages_larger_than_any_buffer_may_differ_too() {
    let options = "-c=2 --messages=20 --depth=2 --text={seq}{rand:64KiB}{rand:64KiB}{rand:64KiB}";
    let result = fine(server(echo), options);
    holds(&result, json!({"messages": 20, "size_bytes": 196_609}));
}

#[test]
fn lines_are_taken_in_turn_and_none_is_left_out() {
    let words: Vec<_> = (0..100).map(|number| format!("line {number}")).collect();
    let lines = file("in_turn", &(words.join("\r\n") + "\n"));
    let (addr, heard) = listening();
    let sent = |options: &str| {
        fine(addr, &format!("{lines} {options}"));
        heard.try_iter().collect::<Vec<_>>()
    };
    assert_eq!(sent("-c=1 -n=100"), words);
    // After the last line comes the first.
    assert_eq!(sent("-c=1 -n=101")[100], "line 0");
    let mut of_two = sent("-c=7 -t=2 -n=100");
    of_two.sort_by_key(|line| line[5..].parse::<u32>().unwrap());
    assert_eq!(of_two, words);
    let shuffled = sent("-c=1 -n=100 --shuffle --seed=7");
    assert_ne!(shuffled, words);
    assert_eq!(sent("-c=1 -n=100 --shuffle --seed=7"), shuffled);
    assert_eq!(sent(r"-c=1 -n=1 --text=<{line}>\n"), ["<line 0>"]);
}

#[test]
fn a_pause_lies_between_an_answer_and_the_next_message() {
    let addr = server(echo);
    let result = fine(addr, "-c=1 --messages=5 --think=30ms");
    assert!(number(&result, "elapsed_ns") >= 120e6, "{result}");
    holds(&result, json!({"think_ns": [30_000_000, 30_000_000]}));
    // A connection that pauses has nothing in flight. If pauses weren't accounted for, 99 % would be missing.
    let options = "-c=4 -d=400ms --warmup=0s --think=90ms..110ms --text={seq}";
    let result = fine(addr, options);
    let residual = number(&result, "verdict/littles_law_residual");
    assert!(residual > -0.9, "{result}");
}
