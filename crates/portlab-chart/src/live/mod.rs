//! What the script of a page needs to make charts answer to the reader.
//!
//! The script ([`SCRIPT`]) formats nothing and computes no value: the texts are here. A figure holds them once, for its wide
//! and its narrow drawing ([`crate::Drawing::values`]), as the attribute `data-values`: a text is a line. Each drawing says
//! where they belong, in attributes that only an inline drawing has:
//!
//! | kind | texts |
//! |---|---|
//! | lines | what the axis is, and the name of each column; then for each series its name and a text for each column |
//! | bars | nothing, and the name of each row; then for each kind of figure its name and a text for each row |
//! | strip | the kinds of slices; then what the axis is, and the moments, evenly spaced |
//!
//! | kind | element | attribute | meaning |
//! |---|---|---|---|
//! | lines | the drawing | `data-x` | the place of each column |
//! | lines, strip | the drawing | `data-plot` | the upper and the lower end of the plot; for a strip also the left and the right one |
//! | lines | the line of a series | `data-y` | its place in each column; empty where it has none |
//! | bars | the drawing | `data-rows` | the upper and the lower end of each row |
//! | strip | a lane | `data-lane` | the name of the thread; what it did is read off its strokes |
//! | lines, strip | a part of a series | `data-s` | the number of the series, or of the kind |
//! | lines, strip | the name of a series | `data-b` | the corner, the width and the height of the button over it |

mod columns;
mod rows;

use crate::number::short;

pub(crate) use self::{columns::Columns, rows::Rows};

/// The script that makes the charts of a page answer to pointer, touch and keyboard, for the end of its body. An element of
/// the page that has the attribute `data-toggle` is shown; the attribute explains the buttons that switch series off.
pub const SCRIPT: &str = include_str!("live.js");

/// The rules for what [`SCRIPT`] adds.
pub(crate) const STYLE: &str = include_str!("live.css");

/// The attribute of a part of the series numbered `number`.
pub(crate) fn part(number: usize) -> String {
    format!(" data-s=\"{number}\"")
}

/// The attributes of the name of a series, with the box of its button.
pub(crate) fn button(number: usize, (x, y): (f64, f64), (width, height): (f64, f64)) -> String {
    let corners = places([x, y, width, height]);
    format!("{} data-b=\"{corners}\"", part(number))
}

/// Places, with commas between them.
pub(crate) fn places(places: impl IntoIterator<Item = f64>) -> String {
    let places = places.into_iter().map(short);
    places.collect::<Vec<_>>().join(",")
}

/// Texts, each on a line of its own.
pub(crate) fn texts(texts: &[String]) -> String {
    let texts = texts.iter().map(|it| it.replace(char::is_control, " "));
    texts.collect::<Vec<_>>().join("\n")
}
