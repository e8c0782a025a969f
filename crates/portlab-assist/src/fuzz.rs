//! The functions that read what a person or a log has written, for the fuzz targets in `tests/fuzz/`. Each one panics if
//! an assertion fails.

use portlab_words::Text;

use crate::{
    Command, Desk, Replay, Rules, Speech, desk::command_of, is_for_peers, template::Moment,
};

/// Typed lines, one after the other: a line is refused in both languages and changes nothing, or what it sends is for peers
/// and isn't empty. A line that reads a file is left out.
pub fn typed(input: &[u8]) {
    let mut desk = Desk::default();
    for line in String::from_utf8_lossy(input).lines() {
        if command_of(line).is_some_and(|(name, _)| name == "file") {
            continue;
        }
        let before = desk;
        let done = match desk.typed(line) {
            Ok(done) => done,
            Err(why) => {
                refused(&why);
                assert_eq!(desk, before, "{line:?}");
                continue;
            }
        };
        let encodings = desk.encodings();
        assert_eq!(encodings[0], desk.speech.encoding);
        assert!(encodings.len() <= 2 && (done.reread || encodings == before.encodings()));
        match done.command {
            Some(Command::Send { bytes, pieces, .. }) => {
                let is_right = is_for_peers(line) && pieces.most_bytes > 0 && !bytes.is_empty();
                assert!(is_right, "{line:?}");
            }
            Some(Command::Every { text, .. }) => {
                assert!(text.check(desk.speech).is_ok(), "{line:?}");
            }
            _ => {}
        }
    }
}

/// Rules, a line each, and the text that the last line is: each rule is refused in both languages, or the first one that
/// fits answers.
pub fn rules(input: &[u8]) {
    let input = String::from_utf8_lossy(input);
    let mut lines: Vec<_> = input.lines().map(str::to_owned).collect();
    let text = lines.pop().unwrap_or_default();
    let mut all = Rules::default();
    // More compiled regular expressions need more memory than `tests/fuzz/src/target.rs` allows.
    for rule in lines.into_iter().take(4) {
        let own = match Rules::parse(&[rule]) {
            Ok(own) => own,
            Err(why) => {
                refused(&why);
                continue;
            }
        };
        let fits = own.answer(&text).is_some();
        let earlier = all.answer(&text).map(|(number, _)| number);
        all.add(own);
        let now = all.answer(&text);
        assert_eq!(now.is_some(), fits || earlier.is_some());
        assert!(earlier.is_none() || now.map(|(number, _)| number) == earlier);
        let (bytes, text) = (text.as_bytes(), &*text);
        let moment = Moment {
            bytes,
            text,
            ..Moment::default()
        };
        if let Some((_, answer)) = now {
            let rendered = answer.render(moment, Speech::default());
            rendered.expect("UTF-8 has every character");
        }
    }
}

/// A log: it is refused in both languages, or each of its clients gets all of its answers, one time.
pub fn logs(input: &[u8]) {
    let mut replay = match Replay::read(input) {
        Ok(replay) => replay,
        Err(why) => return refused(&why),
    };
    let mut clients = 0;
    while let Some(mut part) = replay.next_client() {
        clients += 1;
        part.received(0);
        part.received(usize::MAX);
        assert!(part.received(usize::MAX).is_empty());
    }
    assert!(clients > 0);
}

fn refused(why: &Text) {
    assert!(!why.en.is_empty() && !why.zh.is_empty());
}
