//! What answers began with, in words.

use std::io::{self, Write};

use anstyle::Style;
use portlab_load::{Answers, Expect, Pace, Plan};

use super::words::paragraph;
use crate::args::{BAD, DIM};

/// How wide the name of a row is, as in the rest of a result.
const NAME: usize = super::text::NAME;

/// Prints what `answers` began with, where they weren't compared byte by byte: the first one, and the
/// first lines of all when there are several.
pub(super) fn print_answers(
    out: &mut impl Write,
    width: usize,
    plan: &Plan,
    answers: &Answers,
) -> io::Result<()> {
    let Some(first) = answers.first() else {
        return Ok(());
    };
    let lines = answers.lines();
    let what = match lines.len() {
        _ if plan.pace == Pace::Idle || plan.script.expect == Expect::Nothing => {
            "what came first: "
        }
        0 | 1 if answers.others() == 0 => "in the whole run; the first: ",
        _ => "in the whole run, by their first lines; the first: ",
    };
    let lead = format!("  {:<NAME$} {:>10}  ", "answers", answers.total());
    let text = format!("{what}\"{first}\"");
    paragraph(out, width, (&lead, NAME + 15), DIM, &text)?;
    if lines.len() < 2 && answers.others() == 0 {
        return Ok(());
    }
    for line in lines {
        let style = if line.error().is_some() { BAD } else { DIM };
        let lead = format!("    {style}{:>6}x{style:#} ", line.count());
        let text = format!("\"{}\"", line.text());
        paragraph(out, width, (&lead, 12), Style::new(), &text)?;
    }
    if answers.others() > 0 {
        let lead = format!("    {:>6}x ", answers.others());
        let text = "other first lines, too many to be kept apart";
        paragraph(out, width, (&lead, 12), Style::new(), text)?;
    }
    Ok(())
}
