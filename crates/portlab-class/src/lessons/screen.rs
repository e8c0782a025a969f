//! The lines that a run has printed, as a terminal shows them: bounded, without styles.

use std::collections::VecDeque;

/// The newest lines. The last one may be a prompt, which waits for a line.
#[derive(Debug, Default)]
pub(super) struct Screen {
    lines: VecDeque<String>,
    /// The line that has no end yet.
    last: String,
    /// Bytes at the end that aren't a whole character yet.
    rest: Vec<u8>,
    bytes: usize,
    /// Grows with each change.
    pub(super) version: u64,
}

impl Screen {
    /// Appends what the run has written.
    pub(super) fn write(&mut self, written: &[u8]) {
        self.version += 1;
        self.rest.extend_from_slice(written);
        let rest = std::mem::take(&mut self.rest);
        let mut bytes = &rest[..];
        loop {
            match std::str::from_utf8(bytes) {
                Ok(text) => {
                    self.push(text);
                    return;
                }
                Err(error) => {
                    let (valid, behind) = bytes.split_at(error.valid_up_to());
                    self.push(&String::from_utf8_lossy(valid));
                    let Some(wrong) = error.error_len() else {
                        self.rest = behind.to_vec();
                        return;
                    };
                    self.push("\u{fffd}");
                    bytes = &behind[wrong..];
                }
            }
        }
    }

    /// Answers the prompt: a line that is empty removes it, as on a terminal.
    pub(super) fn answer(&mut self, line: &str) {
        self.version += 1;
        if line.is_empty() {
            self.last.clear();
        } else {
            self.push(line);
            self.end_line();
        }
    }

    pub(super) fn lines(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(String::as_str)
    }

    /// The line that has no end yet: while a run waits, its prompt.
    pub(super) fn prompt(&self) -> &str {
        self.last.trim_end()
    }

    fn push(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                '\n' => self.end_line(),
                '\t' => self.last.push(character),
                _ if character.is_control() => {}
                // A line without an end is cut.
                _ if self.last.len() < LONGEST => self.last.push(character),
                _ => {}
            }
        }
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.last);
        self.bytes += line.len();
        self.lines.push_back(line);
        while self.lines.len() > LINES || self.bytes > BYTES {
            let first = self.lines.pop_front();
            self.bytes -= first.map_or(0, |it| it.len());
        }
    }
}

const LINES: usize = 400;
const BYTES: usize = 64 * 1024;
const LONGEST: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(screen: &Screen) -> Vec<&str> {
        screen.lines().collect()
    }

    #[test]
    fn a_prompt_goes_when_it_is_answered_by_enter_and_stays_with_a_word() {
        let mut screen = Screen::default();
        screen.write(b"one\n[Enter: continue] ");
        assert_eq!(screen.prompt(), "[Enter: continue]");
        screen.answer("");
        screen.write(b"two\n[Your guess] ");
        screen.answer("2");
        assert_eq!(lines(&screen), ["one", "two", "[Your guess] 2"]);
        assert_eq!(screen.prompt(), "");
    }

    #[test]
    fn a_character_that_comes_in_two_pieces_is_whole_and_a_wrong_byte_is_marked() {
        let mut screen = Screen::default();
        let text = "好\n".as_bytes();
        screen.write(&text[..1]);
        screen.write(&text[1..]);
        screen.write(b"\xff!\x1b\r\n");
        assert_eq!(lines(&screen), ["好", "\u{fffd}!"]);
    }

    #[test]
    fn only_the_newest_lines_are_kept() {
        let mut screen = Screen::default();
        for number in 0..1000 {
            screen.write(format!("{number}\n").as_bytes());
        }
        assert_eq!(screen.lines().count(), LINES);
        assert_eq!(screen.lines().last(), Some("999"));
        for _ in 0..1000 {
            screen.write("x".repeat(2000).as_bytes());
            screen.write(b"\n");
        }
        assert!(screen.bytes <= BYTES && screen.lines().count() == BYTES / LONGEST);
    }
}
