//! Laying text out on a terminal.

use anstyle::{AnsiColor, Style};
use portlab_words::wrap::wrap_behind;
use unicode_width::UnicodeWidthStr;

/// The style of headings.
pub(crate) const HEAD: Style = Style::new().bold();
/// The style of secondary text.
pub(crate) const DIM: Style = Style::new().dimmed();
/// The colour of claims that were seen.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// The colour of claims that failed.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// The colour of questions.
pub(crate) const ASK: Style = AnsiColor::Yellow.on_default().bold();
/// The colour of programs.
const CODE: Style = AnsiColor::Cyan.on_default();

pub(crate) fn painted(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// `text` in lines of at most `width` columns: the first after `first`, the others after as many spaces.
pub(crate) fn wrapped(text: &str, width: usize, first: &str) -> String {
    let mut lines = wrap_behind(text, width, first).join("\n");
    lines.push('\n');
    lines
}

/// Unchanged lines, behind a bar; a line wider than `width` is broken.
pub(crate) fn barred(text: &str, style: Style, width: usize) -> String {
    let room = width.saturating_sub(4).max(1);
    let mut barred = String::new();
    for line in text.lines() {
        for piece in broken(line, room) {
            barred += &format!("  {DIM}│{DIM:#} {style}{piece}{style:#}\n");
        }
    }
    barred
}

pub(crate) fn code(text: &str, width: usize) -> String {
    barred(text, CODE, width)
}

/// A heading with a rule behind it.
pub(crate) fn rule(text: &str, width: usize) -> String {
    let rest = width.saturating_sub(text.width() + 4);
    format!("{HEAD}── {text}{HEAD:#} {DIM}{}{DIM:#}\n", "─".repeat(rest))
}

/// `line` in pieces of at most `width` columns.
fn broken(line: &str, width: usize) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for character in line.chars() {
        let last = pieces.last_mut().expect("there is always a piece");
        let mut longer = last.clone();
        longer.push(character);
        if longer.width() > width {
            // The continuation is indented, to tell it from a new line.
            pieces.push(format!("  {character}"));
        } else {
            *last = longer;
        }
    }
    pieces
}

/// Replaces the marks of a text by styles. `code` keeps its marks, so that it is recognised without colour; **bold**
/// loses its marks.
pub(crate) fn styled(text: &str) -> String {
    let mut styled = String::new();
    for (at, piece) in text.split('`').enumerate() {
        if at % 2 == 1 {
            styled += &painted(CODE, &format!("`{piece}`"));
            continue;
        }
        for (at, piece) in piece.split("**").enumerate() {
            if at % 2 == 1 {
                styled += &painted(HEAD, piece);
            } else {
                styled += piece;
            }
        }
    }
    styled
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `text` without styles.
    fn plain(text: &str) -> String {
        let mut plain = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('\x1b') {
            plain += before;
            rest = after.split_once('m').map_or("", |(_, behind)| behind);
        }
        plain + rest
    }

    #[test]
    fn chinese_is_broken_between_characters_and_not_before_a_full_stop() {
        let lines = wrapped("端口是传输数据的通道，好比门。", 12, "- ");
        assert_eq!(
            plain(&lines),
            "- 端口是传输\n  数据的通\n  道，好比\n  门。\n"
        );
        assert!(lines.lines().all(|line| line.width() <= 12));
    }

    #[test]
    fn code_keeps_its_marks_and_bold_loses_them() {
        assert_eq!(plain(&wrapped(&styled("a `b` **c**"), 20, "")), "a `b` c\n");
    }

    #[test]
    fn long_lines_of_a_program_are_broken_and_indented() {
        assert_eq!(plain(&code("abcdef", 8)), "  │ abcd\n  │   ef\n");
    }

    #[test]
    fn a_rule_ends_at_the_margin() {
        assert_eq!(plain(&rule("门", 12)), "── 门 ──────\n");
    }
}
