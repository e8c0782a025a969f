//! Charts, drawn as SVG: plain data in, text out. The same data draw the same bytes. All
//! names are part of the data, so this crate depends on no record, model or measure.
//!
//! | module | owns |
//! |---|---|
//! | `frame`, `drawing` | what every chart has; the drawn chart, inline or as a file |
//! | `bars` | one figure per row, with its interval and its rounds |
//! | `lines` | a figure over an axis, one line per series |
//! | `percentiles` | the axis of percentiles |
//! | `strip` | what each thread did for some milliseconds |
//! | `waterfall` | the requests of a page over time |
//! | `axis`, `ticks`, `scale` | from values to places, and the round values among them |
//! | `live` | what a page's script needs, and that script |
//! | `labels` | labels that don't overlap |
//! | `legend` | signs and their words, in rows |
//! | `style`, `marker` | the colour, the dash and the marker of a series |
//! | `colours` | the colours themselves, for light and dark screens |
//! | `measure`, `pen`, `number` | how wide a text is, SVG elements, short numbers |
//!
//! Colours and faces are CSS classes: a page includes [`style_sheet`] and [`variables`] once; a file has its own.
//! No text is clipped: a table gives each character at least its usual width, and texts are wrapped by these widths. If
//! that isn't enough, the drawing grows. Only the names at the ends of lines are cut, with the whole name as a tooltip.
//!
//! ```
//! use portlab_chart::{Axis, Bar, Bars, Frame, Marker, Measured, Spacing, Style, bars};
//!
//! let measured = |median: f64| Measured { median, low: 0.9 * median, high: 1.1 * median, rounds: Vec::new() };
//! let row = |name: &str, colour, median| Bar {
//!     label: name.to_owned(),
//!     style: Style { colour, dash: 0, marker: Marker::Circle },
//!     rank: None,
//!     measured: Some(measured(median)),
//!     pale: false,
//!     remark: None,
//! };
//! let rows = [row("threads", 3, 8.1), row("event-loop", 6, 4.2)];
//! let axis = Axis::new("CPU time per message", Spacing::FromZero, |us| format!("{us:.1} µs"));
//! let frame = Frame { id: "cpu", title: "CPU time", description: "two servers", width: Frame::WIDE };
//! let drawing = bars(&frame, &Bars { rows: &rows, axis, key: None });
//! assert!(drawing.file().contains("4.2 µs"));
//! ```

#![forbid(unsafe_code)]

mod axis;
mod bars;
mod colours;
mod drawing;
mod frame;
mod labels;
mod legend;
mod lines;
mod live;
mod marker;
mod measure;
mod number;
mod pen;
mod percentiles;
mod scale;
mod strip;
mod style;
#[cfg(test)]
mod tests;
mod ticks;
mod waterfall;

pub use axis::Axis;
pub use bars::{Bar, Bars, BarsKey, Dot, Measured, Rank, bars};
pub use colours::{style_sheet, variables};
pub use drawing::Drawing;
pub use frame::Frame;
pub use lines::{Lines, Sample, Series, lines};
pub use live::SCRIPT;
pub use marker::Marker;
pub use percentiles::{percentiles, place_of};
pub use scale::Spacing;
pub use strip::{Lane, Slice, Strip, strip};
pub use style::Style;
pub use waterfall::{Transfer, Waterfall, waterfall};
