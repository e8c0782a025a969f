//! How wide a text is. The font isn't known, so the table makes every character a little wider than it is in the usual
//! sans-serif fonts.

use unicode_width::UnicodeWidthChar;

/// The width of `text` at a font size of `size`, in the unit of `size`.
pub(crate) fn width(text: &str, size: f64) -> f64 {
    text.chars().map(ems).sum::<f64>() * size
}

/// Breaks `text` into lines no wider than `room`: at spaces, after `-` and `/`, between Chinese characters, and inside a
/// word that is wider than a line. A line has at least one character, and there is at least one line.
pub(crate) fn wrap(text: &str, size: f64, room: f64) -> Vec<String> {
    let mut lines = vec![String::new()];
    for piece in pieces(text) {
        let line = lines.last().map_or("", String::as_str);
        let joined = width(line, size) + width(piece.trim_end(), size);
        if !line.is_empty() && joined > room + ROUNDING {
            lines.push(String::new());
        }
        for c in piece.chars() {
            let full = lines.last().is_some_and(|line| {
                !line.is_empty() && width(line, size) + ems(c) * size > room + ROUNDING && c != ' '
            });
            if full {
                lines.push(String::new());
            }
            if let Some(line) = lines.last_mut() {
                line.push(c);
            }
        }
    }
    for line in &mut lines {
        *line = line.trim_end().to_owned();
    }
    lines
}

/// Cuts `text` so that it is no wider than `room`, with an ellipsis where something is missing.
pub(crate) fn cut(text: &str, size: f64, room: f64) -> String {
    if width(text, size) <= room {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut left = room - width("…", size);
    for c in text.chars() {
        left -= ems(c) * size;
        if left < 0.0 {
            break;
        }
        kept.push(c);
    }
    kept + "…"
}

/// The pieces between which a line may end.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        let next = text[end..].chars().next();
        // Closing punctuation never begins a line.
        let may_end = matches!(c, ' ' | '-' | '/') || is_wide(c) || next.is_some_and(is_wide);
        if may_end && !next.is_some_and(|next| " ，。、；：）？！)".contains(next)) {
            pieces.push(&text[start..end]);
            start = end;
        }
    }
    pieces.push(&text[start..]);
    pieces
}

fn is_wide(c: char) -> bool {
    c.width() == Some(2)
}

/// Sums of widths differ a little by the order in which they are added.
const ROUNDING: f64 = 1e-6;

/// The width of a character in em.
fn ems(c: char) -> f64 {
    match c {
        'i' | 'j' | 'l' | '|' | '\'' | '.' | ',' | ':' | ';' | '!' => 0.34,
        ' ' | 'I' | 'f' | 't' | 'r' | '(' | ')' | '[' | ']' | '/' | '-' | '·' => 0.42,
        'm' | 'M' | 'W' | '@' | '%' | '…' | '—' => 1.0,
        'w' | 'A'..='Z' | '&' | '<' | '>' | '+' | '=' | '~' => 0.76,
        '\t' | '\n' | '\r' => 0.42,
        // A control character is drawn as a symbol.
        c if c.is_control() || c == char::REPLACEMENT_CHARACTER => 1.05,
        c if c.is_ascii() => 0.62,
        // A character that the font lacks is drawn as a box.
        c => match c.width() {
            Some(0) => 0.0,
            Some(1) => 0.72,
            _ => 1.05,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_no_wider_than_the_room_and_lose_nothing() {
        for text in [
            "not run: the port was taken",
            "未运行：端口被占用，请换一个端口",
            "averyveryverylongname",
        ] {
            for room in [40.0, 90.0, 200.0] {
                let lines = wrap(text, 14.0, room);
                assert!(
                    lines
                        .iter()
                        .all(|line| width(line, 14.0) <= room + ROUNDING),
                    "{lines:?}"
                );
                let bare = |text: &str| text.replace(' ', "");
                assert_eq!(bare(&lines.concat()), bare(text));
            }
        }
    }

    #[test]
    fn closing_punctuation_never_begins_a_line() {
        for room in 40..120 {
            let lines = wrap("未运行：端口被占用，请换一个端口。", 14.0, f64::from(room));
            assert!(
                lines
                    .iter()
                    .all(|line| !line.starts_with(['，', '。', '：'])),
                "{lines:?}"
            );
        }
    }

    #[test]
    fn a_cut_text_fits_and_says_that_it_is_cut() {
        let cut_text = cut("a-long-name-of-a-server", 14.0, 80.0);
        assert!(
            cut_text.ends_with('…') && width(&cut_text, 14.0) <= 80.0,
            "{cut_text}"
        );
        assert_eq!(cut("fork", 14.0, 80.0), "fork");
    }
}
