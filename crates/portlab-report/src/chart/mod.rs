//! Charts, drawn as SVG: plain data in, text out. The same data draw the same bytes.
//!
//! | module | owns |
//! |---|---|
//! | `frame`, `drawing` | what every chart has; the drawn chart, inline or as a file |
//! | `bars` | one figure per model, with its interval and its rounds |
//! | `lines`, `series` | a figure over an axis, one line per model |
//! | `percentiles` | latency by percentile |
//! | `strip`, `bins` | what each thread did in a few milliseconds; thinned to what can be seen |
//! | `axis`, `ticks`, `scale` | from values to places, and the round values among them |
//! | `labels` | labels that don't lie on one another |
//! | `legend` | signs and their words, in rows |
//! | `palette`, `marker` | the colour, dash and sign of each model |
//! | `colours` | the colours themselves, by day and by night |
//! | `measure`, `pen`, `number` | how wide a text is, SVG elements, short numbers |
//!
//! Colours and faces are CSS classes: on a page, [`style_sheet`] is to be included once; a file
//! brings its own. Nothing is clipped: texts are measured by a table that takes them for wider than
//! they are, then wrapped, and where that isn't enough, the drawing grows. Only the names at the
//! ends of lines are cut, with the whole name behind them as a tooltip.

mod axis;
mod bars;
mod bins;
mod colours;
mod drawing;
mod frame;
mod labels;
mod legend;
mod lines;
mod marker;
mod measure;
mod number;
mod palette;
mod pen;
mod percentiles;
mod scale;
mod series;
mod strip;
#[cfg(test)]
mod tests;
mod ticks;

pub use axis::Axis;
pub use bars::{Bar, Bars, BarsKey, Dot, Measured, Rank, bars};
pub use colours::{style_sheet, variables};
pub use drawing::Drawing;
pub use frame::Frame;
pub use lines::{Lines, lines};
pub use measure::width;
pub use palette::{Palette, Style, swatch};
pub use percentiles::{Percentiles, Quantiles, percentiles};
pub use scale::Spacing;
pub use series::{Sample, Series};
pub use strip::{Slice, SliceKind, Strip, StripWords, Track, strip};
