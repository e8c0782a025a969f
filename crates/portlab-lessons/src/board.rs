//! Laying text out on a terminal.

use anstyle::{Ansi256Color, AnsiColor, Style};
use portlab_words::wrap::{wrap, wrap_behind};
use unicode_width::UnicodeWidthStr;

use crate::script::{Mark, pieces};

/// The colours of a lesson.
#[derive(Debug)]
pub(crate) struct Palette {
    /// Headings.
    pub(crate) head: Style,
    /// Secondary text.
    pub(crate) dim: Style,
    /// Claims that were seen.
    pub(crate) good: Style,
    /// Claims that failed.
    pub(crate) bad: Style,
    /// Questions.
    pub(crate) ask: Style,
    /// Programs.
    pub(crate) code: Style,
}

/// The colours of the user's terminal.
pub(crate) static USUAL: Palette = Palette {
    head: Style::new().bold(),
    dim: Style::new().dimmed(),
    good: AnsiColor::Green.on_default(),
    bad: AnsiColor::Red.on_default().bold(),
    ask: AnsiColor::Yellow.on_default().bold(),
    code: AnsiColor::Cyan.on_default(),
};

/// Colours for a projector: a contrast of at least 4.5:1 on black and on white (WCAG 2.2, 1.4.3). Only six colours of the
/// 256 have it on both.
pub(crate) static PROJECTOR: Palette = Palette {
    head: Style::new().bold(),
    dim: Ansi256Color(243).on_default(),
    good: Ansi256Color(29).on_default(),
    bad: Ansi256Color(131).on_default().bold(),
    ask: Ansi256Color(163).on_default().bold(),
    code: Ansi256Color(63).on_default(),
};

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
pub(crate) fn barred(text: &str, style: Style, width: usize, palette: &Palette) -> String {
    let dim = palette.dim;
    let room = width.saturating_sub(4).max(1);
    let mut barred = String::new();
    for line in text.lines() {
        for piece in broken(line, room) {
            barred += &format!("  {dim}│{dim:#} {style}{piece}{style:#}\n");
        }
    }
    barred
}

/// [`wrapped`] in the style `dim`.
pub(crate) fn dimmed(text: &str, width: usize, first: &str, dim: Style) -> String {
    let lines = wrapped(text, width, first);
    painted(dim, lines.trim_end()) + "\n"
}

/// A heading with a rule behind it.
pub(crate) fn rule(text: &str, width: usize, palette: &Palette) -> String {
    let Palette { head, dim, .. } = palette;
    let rest = width.saturating_sub(text.width() + 4);
    format!("{head}── {text}{head:#} {dim}{}{dim:#}\n", "─".repeat(rest))
}

/// `line` in pieces of at most `width` columns, broken at spaces where it has some. A mark begins each piece behind the
/// first, to tell it from a new line.
fn broken(line: &str, width: usize) -> Vec<String> {
    if line.width() <= width {
        return vec![line.to_owned()];
    }
    let text = line.trim_start();
    let margin = &line[..line.len() - text.len()];
    let room = width.saturating_sub(margin.width() + MARK.width());
    let pieces = wrap(text, room.max(LEAST)).into_iter().enumerate();
    let marked = pieces.map(|(at, piece)| match at {
        0 => format!("{margin}{piece}"),
        _ => format!("{margin}{MARK}{piece}"),
    });
    marked.collect()
}

/// Begins the continuation of a broken line.
const MARK: &str = "↳ ";
/// The fewest columns of a broken line.
const LEAST: usize = 2;

/// Replaces the marks of a text by styles. `code` keeps its marks, so that it is recognised without colour; **bold**
/// loses its marks.
pub(crate) fn styled(text: &str, palette: &Palette) -> String {
    let styled = pieces(text).map(|(mark, piece)| match mark {
        Mark::Plain => piece.to_owned(),
        Mark::Code => painted(palette.code, &format!("`{piece}`")),
        Mark::Strong => painted(palette.head, piece),
    });
    styled.collect()
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
        assert_eq!(
            plain(&wrapped(&styled("a `b` **c**", &USUAL), 20, "")),
            "a `b` c\n"
        );
    }

    #[test]
    fn long_lines_of_a_program_are_broken_at_spaces_and_marked() {
        let shown = |text: &str| plain(&barred(text, USUAL.code, 25, &USUAL));
        assert_eq!(
            shown("  let all = connect(address);\nnext()"),
            "  │   let all =\n  │   ↳ connect(address);\n  │ next()\n"
        );
        // A word that is wider than a line is cut.
        let word = "x".repeat(22);
        let (cut, rest) = word.split_at(19);
        assert_eq!(shown(&word), format!("  │ {cut}\n  │ ↳ {rest}\n"));
    }

    #[test]
    fn a_rule_ends_at_the_margin() {
        assert_eq!(plain(&rule("门", 12, &USUAL)), "── 门 ──────\n");
    }

    #[test]
    fn a_projector_shows_every_colour_on_black_and_on_white() {
        // The colours 16 to 231 are a cube, 232 to 255 are greys (xterm's 256 colours).
        let rgb = |index: u8| match index {
            16..=231 => [36, 6, 1].map(|step| match (index - 16) / step % 6 {
                0 => 0,
                level => 55 + 40 * level,
            }),
            _ => [8 + 10 * (index - 232); 3],
        };
        let linear = |value: u8| match f64::from(value) / 255.0 {
            low if low <= 0.04045 => low / 12.92,
            high => ((high + 0.055) / 1.055).powf(2.4),
        };
        let it = &PROJECTOR;
        // The colour of bold text is the terminal's own; dimmed text has no known colour.
        assert_eq!(it.head.get_fg_color(), None);
        for style in [it.dim, it.good, it.bad, it.ask, it.code] {
            let Some(anstyle::Color::Ansi256(Ansi256Color(index @ 16..))) = style.get_fg_color()
            else {
                panic!("{style:?} depends on the terminal");
            };
            assert!(!style.get_effects().contains(anstyle::Effects::DIMMED));
            let [red, green, blue] = rgb(index).map(linear);
            let luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
            let on_black = (luminance + 0.05) / 0.05;
            let on_white = 1.05 / (luminance + 0.05);
            assert!(
                on_black >= 4.5 && on_white >= 4.5,
                "colour {index}: {on_black:.2} on black, {on_white:.2} on white"
            );
        }
    }
}
