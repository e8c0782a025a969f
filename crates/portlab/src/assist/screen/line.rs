//! The line that is typed, and the history of lines.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tui_input::{Input, InputRequest};

use portlab_service::visible;

/// The line that is typed, and the history of lines.
#[derive(Debug, Default)]
pub(super) struct TypedLine {
    input: Input,
    history: Vec<String>,
    /// Which line of the history is shown. At its length: the line that was typed.
    at: usize,
    /// The typed line, while a line of the history is shown.
    draft: String,
}

impl TypedLine {
    pub(super) fn text(&self) -> &str {
        self.input.value()
    }

    /// Empties the line, and keeps its text in the history, unless the text is the last entry already.
    pub(super) fn enter(&mut self) {
        let text = self.input.value_and_reset();
        if !text.is_empty() && self.history.last() != Some(&text) {
            self.history.push(text);
        }
        let old = self.history.len().saturating_sub(KEPT);
        self.history.drain(..old);
        self.at = self.history.len();
    }

    /// Handles a key that edits or shows the history.
    pub(super) fn handle(&mut self, key: KeyEvent) {
        match (key.code, key.modifiers) {
            (KeyCode::Up, KeyModifiers::NONE) => self.show(self.at.saturating_sub(1)),
            (KeyCode::Down, KeyModifiers::NONE) => self.show(self.at + 1),
            _ => drop(request(key).and_then(|it| self.input.handle(it))),
        }
    }

    /// Inserts text from the clipboard as one line, because only Enter sends. A tab stays, as the Tab key types none.
    pub(super) fn paste(&mut self, text: &str) {
        let one_line = text.trim_end_matches(['\r', '\n']).replace("\r\n", " ");
        for character in one_line.chars().take(LONGEST_PASTE) {
            let inserted = match character.is_control() && character != '\t' {
                true => ' ',
                false => character,
            };
            self.input.handle(InputRequest::InsertChar(inserted));
        }
    }

    /// The line as `width` columns show it.
    pub(super) fn seen(&self, width: usize) -> Seen {
        let text: String = self.text().chars().map(visible).collect();
        let shown = Input::new(text).with_cursor(self.input.cursor());
        // The cursor behind the last character takes a column too.
        let skipped = shown.visual_scroll(width.saturating_sub(1));
        Seen {
            cursor: shown.visual_cursor().saturating_sub(skipped),
            skipped,
            text: shown.into(),
        }
    }

    fn show(&mut self, at: usize) {
        let last = self.history.len();
        if self.at == last {
            self.draft = self.text().to_owned();
        }
        self.at = at.min(last);
        let text = self.history.get(self.at).unwrap_or(&self.draft).clone();
        self.input = std::mem::take(&mut self.input).with_value(text);
    }
}

/// A line that may be wider than its place.
pub(super) struct Seen {
    /// The whole line, inert.
    pub(super) text: String,
    /// How many columns of it lie left of its place.
    pub(super) skipped: usize,
    /// The cursor's column in its place.
    pub(super) cursor: usize,
}

/// The usual keys of a line editor (`readline(3)`).
fn request(key: KeyEvent) -> Option<InputRequest> {
    let control = key.modifiers == KeyModifiers::CONTROL;
    let by_word = control || key.modifiers == KeyModifiers::ALT;
    Some(match key.code {
        KeyCode::Char('a') if control => InputRequest::GoToStart,
        KeyCode::Char('e') if control => InputRequest::GoToEnd,
        KeyCode::Char('k') if control => InputRequest::DeleteTillEnd,
        KeyCode::Char('u') if control => InputRequest::DeleteFromStart,
        KeyCode::Char('w') if control => InputRequest::DeletePrevWord,
        KeyCode::Char('y') if control => InputRequest::Yank,
        KeyCode::Char('h') if control => InputRequest::DeletePrevChar,
        KeyCode::Char('d') if control => InputRequest::DeleteNextChar,
        KeyCode::Char(_) if by_word => return None,
        KeyCode::Char(character) => InputRequest::InsertChar(character),
        KeyCode::Backspace if by_word => InputRequest::DeletePrevWord,
        KeyCode::Backspace => InputRequest::DeletePrevChar,
        KeyCode::Delete if by_word => InputRequest::DeleteNextWord,
        KeyCode::Delete => InputRequest::DeleteNextChar,
        KeyCode::Left if by_word => InputRequest::GoToPrevWord,
        KeyCode::Left => InputRequest::GoToPrevChar,
        KeyCode::Right if by_word => InputRequest::GoToNextWord,
        KeyCode::Right => InputRequest::GoToNextChar,
        KeyCode::Home => InputRequest::GoToStart,
        KeyCode::End => InputRequest::GoToEnd,
        _ => return None,
    })
}

/// How many lines the history keeps.
const KEPT: usize = 500;
/// The most characters of one paste: a line is short, and a file is sent by `/file`.
const LONGEST_PASTE: usize = 16 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn press(line: &mut TypedLine, codes: &[KeyCode]) {
        let keys = codes
            .iter()
            .map(|it| KeyEvent::new(*it, KeyModifiers::NONE));
        keys.for_each(|it| line.handle(it));
    }

    fn typed(line: &mut TypedLine, text: &str) {
        text.chars()
            .for_each(|it| press(line, &[KeyCode::Char(it)]));
    }

    #[test]
    fn the_history_gives_lines_back_and_keeps_what_was_begun() {
        let mut line = TypedLine::default();
        for text in ["你好", "再见", "再见", ""] {
            typed(&mut line, text);
            line.enter();
            assert_eq!(line.text(), "");
        }
        typed(&mut line, "half");
        let mut seen = Vec::new();
        for key in [[KeyCode::Up; 3], [KeyCode::Down; 3]].concat() {
            press(&mut line, &[key]);
            seen.push(line.text().to_owned());
        }
        assert_eq!(seen, ["再见", "你好", "你好", "再见", "half", "half"]);
    }

    #[test]
    fn the_cursor_stands_behind_wide_characters_and_in_its_place() {
        let mut line = TypedLine::default();
        typed(&mut line, "你好ab");
        press(&mut line, &[KeyCode::Left; 2]);
        press(&mut line, &[KeyCode::Backspace]);
        typed(&mut line, "们");
        assert_eq!(line.text(), "你们ab");
        let seen = line.seen(20);
        assert_eq!((seen.skipped, seen.cursor), (0, 4));
        press(&mut line, &[KeyCode::Right; 2]);
        for width in 3..8 {
            let seen = line.seen(width);
            assert!(seen.cursor < width, "{width}: {}", seen.cursor);
            assert_eq!(seen.skipped + seen.cursor, 6);
            assert_ne!(seen.skipped % 2, 1, "half a character at {width}");
        }
    }

    #[test]
    fn home_and_end_move_to_both_ends_of_the_line() {
        let mut line = TypedLine::default();
        typed(&mut line, "abc");
        press(&mut line, &[KeyCode::Home]);
        typed(&mut line, "X");
        press(&mut line, &[KeyCode::End]);
        typed(&mut line, "Y");
        assert_eq!(line.text(), "XabcY");
    }

    #[test]
    fn pasted_lines_are_one_line_and_control_characters_are_never_shown() {
        let mut line = TypedLine::default();
        line.paste("one\r\ntwo\x1b[2J\n");
        assert_eq!(line.text(), "one two [2J");
        line.paste("\u{202e}\t");
        assert!(line.text().ends_with('\t'));
        assert!(!line.seen(80).text.contains(['\u{202e}', '\t']));
    }
}
