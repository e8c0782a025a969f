//! The text of a server as a terminal may show it.

use portlab_service::visible;

/// Makes the text of a stream harmless, piece by piece: lines end with `\r\n` or `\n`, tabs stay, and every other
/// control character becomes its picture.
#[derive(Debug, Default)]
pub(super) struct Visible {
    /// The last piece ended with a `\r`, and a `\n` may follow.
    cr: bool,
}

impl Visible {
    /// Appends `text` to `out`, made harmless.
    pub(super) fn push(&mut self, text: &str, out: &mut String) {
        let mut text = text;
        if self.cr && !text.is_empty() {
            self.cr = false;
            match text.strip_prefix('\n') {
                Some(rest) => {
                    out.push('\n');
                    text = rest;
                }
                None => show("\r", out),
            }
        }
        if let Some(rest) = text.strip_suffix('\r') {
            self.cr = true;
            text = rest;
        }
        for line in text.split_inclusive('\n') {
            match line.strip_suffix('\n') {
                Some(line) => {
                    show(line.strip_suffix('\r').unwrap_or(line), out);
                    out.push('\n');
                }
                None => show(line, out),
            }
        }
    }

    /// Appends to `out` a `\r` that was kept back, because no `\n` will follow.
    pub(super) fn end(&mut self, out: &mut String) {
        if std::mem::take(&mut self.cr) {
            show("\r", out);
        }
    }
}

/// Appends `text`, with control characters as pictures except tabs.
fn show(text: &str, out: &mut String) {
    let shown = |it| if it == '\t' { it } else { visible(it) };
    out.extend(text.chars().map(shown));
}

#[cfg(test)]
mod tests {
    use super::Visible;

    fn seen(pieces: &[&str]) -> String {
        let (mut visible, mut out) = (Visible::default(), String::new());
        for piece in pieces {
            visible.push(piece, &mut out);
        }
        visible.end(&mut out);
        out
    }

    #[test]
    fn lines_stay_and_control_characters_become_pictures() {
        assert_eq!(
            seen(&["你\t好\r\n\n\x1b[2J\x07b\ra\r\r\n"]),
            "你\t好\n\n␛[2J␇b␍a␍\n"
        );
        assert_eq!(seen(&["no end"]), "no end");
        assert_eq!(seen(&["", "\n", ""]), "\n");
    }

    #[test]
    fn a_line_end_may_be_cut() {
        assert_eq!(seen(&["a\r", "\nb"]), "a\nb");
        assert_eq!(seen(&["a\r", "b\r", "\r", "\n"]), "a␍b␍\n");
        assert_eq!(seen(&["a\r"]), "a␍");
    }
}
