//! The functions that read what a person or a log has written, for the fuzz targets in `tests/fuzz/`. Each one panics if
//! an assertion fails.

use portlab_words::Text;

use crate::{Command, Desk, PeerId, Replay, Rules, Speech, is_for_peers, template::Moment};

/// Typed lines, one after the other: a line is refused in both languages and changes nothing, or what it sends is for peers
/// and isn't empty. A line that reads a file is left out.
pub fn typed(input: &[u8]) {
    let mut desk = Desk::default();
    for line in String::from_utf8_lossy(input).lines() {
        if line.starts_with("/file") {
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
        for command in done.commands {
            match command {
                Command::Send { bytes, pieces, .. } => {
                    assert!(
                        is_for_peers(line) && pieces.most_bytes > 0 && !bytes.is_empty(),
                        "{line:?}"
                    );
                }
                Command::Every { text, .. } => {
                    let ours = text.render(moment(b"", ""), desk.speech);
                    assert!(ours.is_ok(), "{line:?}");
                }
                _ => {}
            }
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
    for rule in lines {
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
        if let Some((_, answer)) = now
            && let Err(why) = answer.render(moment(text.as_bytes(), &text), Speech::default())
        {
            panic!("UTF-8 has every character: {why}");
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

fn moment<'a>(bytes: &'a [u8], text: &'a str) -> Moment<'a> {
    let peer = PeerId(1);
    Moment {
        bytes,
        text,
        seq: 1,
        peer,
    }
}

fn refused(why: &Text) {
    assert!(!why.en.is_empty() && !why.zh.is_empty());
}
