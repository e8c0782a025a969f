//! Where what goes in a chart of bars.

use crate::{
    axis::Marks,
    bars::{Bar, Bars, Measured},
    frame::Frame,
    legend::Legend,
    measure::wrap,
    pen::{LABEL, NOTE, RANK, TICK, VALUE},
    scale::Scale,
};

/// Where what goes.
pub(super) struct Plan<'a> {
    /// Whether names stand above their bars.
    pub(super) narrow: bool,
    pub(super) width: f64,
    pub(super) height: f64,
    /// The room for badges at the left.
    pub(super) badges: f64,
    /// Where the bars' room begins.
    pub(super) left: f64,
    /// The lower end of the rows.
    pub(super) bottom: f64,
    pub(super) rows: Vec<Row>,
    pub(super) scale: Scale,
    pub(super) marks: Marks,
    pub(super) key: Legend<'a>,
}

/// Where what goes in a row, measured from its upper edge.
pub(super) struct Row {
    pub(super) height: f64,
    pub(super) label: Vec<String>,
    /// The middle of the first line of the label.
    pub(super) label_middle: f64,
    /// The middle of the bar.
    pub(super) middle: f64,
    pub(super) remark: Vec<String>,
    /// The value as it is written.
    pub(super) value: String,
}

/// The space above the rows.
pub(super) const TOP: f64 = 6.0;
/// The height of a line of labels, and of remarks.
pub(super) const LINE: f64 = 19.0;
pub(super) const REMARK: f64 = 17.0;
/// The height of a bar.
pub(super) const BAR: f64 = 18.0;
/// From the bar's middle to that of the rounds beneath it.
pub(super) const LANE: f64 = 15.5;

impl<'a> Plan<'a> {
    pub(super) fn new(frame: &Frame<'_>, chart: &Bars<'a>) -> Self {
        let measured = || chart.rows.iter().filter_map(|bar| bar.measured.as_ref());
        let write = |measured: &Measured| match measured.median.is_finite() {
            true => (chart.axis.write)(measured.median),
            false => String::new(),
        };
        let widest = |widths: &mut dyn Iterator<Item = f64>| widths.fold(0.0, f64::max);
        let ranks = chart.rows.iter().filter_map(|bar| bar.rank.as_ref());
        let badge = widest(&mut ranks.map(|rank| RANK.width(&rank.text)));
        let badges = if badge > 0.0 { badge + 24.0 } else { 0.0 };
        let value = widest(&mut measured().map(|measured| VALUE.width(&write(measured)))) + 12.0;
        let label = widest(&mut chart.rows.iter().map(|bar| LABEL.width(&bar.label)));
        let width = frame.drawn_width();
        let (left, label_room) = match frame.is_narrow() {
            true => (1.0, width - badges),
            false => {
                let room = label.min(width * 0.3);
                (badges + room + 14.0, room)
            }
        };
        // Where values take too much of it, the drawing grows.
        let right = (width - value).max(left + 120.0);
        let width = right + value;
        let lay_out = |bar: &Bar| {
            let value = bar.measured.as_ref().map(write).unwrap_or_default();
            Row::new(bar, value, frame.is_narrow(), label_room, width - left)
        };
        let rows: Vec<Row> = chart.rows.iter().map(lay_out).collect();
        let bottom = TOP + rows.iter().map(|row| row.height).sum::<f64>();
        let all = measured().flat_map(|measured| {
            let rounds = measured.rounds.iter().map(|dot| dot.value);
            [measured.median, measured.low, measured.high]
                .into_iter()
                .chain(rounds)
        });
        let scale = Scale::fit(chart.axis.spacing, all, (left, right));
        let marks = match measured().next() {
            Some(_) => Marks::across(&chart.axis, &scale, width),
            None => Marks::default(),
        };
        let key = chart.key.filter(|_| measured().next().is_some());
        let key = Legend::new(
            key.iter().flat_map(|key| key.items(chart.axis.spacing)),
            width - left,
        );
        let label_lines = wrap(chart.axis.label, TICK.size, width - left).len() as f64;
        let height = bottom + 26.0 + label_lines * REMARK + key.height + 6.0;
        Self {
            narrow: frame.is_narrow(),
            width,
            height,
            badges,
            left,
            bottom,
            rows,
            scale,
            marks,
            key,
        }
    }
}

impl Row {
    pub(super) fn new(
        bar: &Bar,
        value: String,
        narrow: bool,
        label_room: f64,
        remark_room: f64,
    ) -> Self {
        let label = wrap(&bar.label, LABEL.size, label_room);
        let label_height = label.len() as f64 * LINE;
        let above = if narrow { label_height + 12.0 } else { 0.0 };
        let remark = bar
            .remark
            .as_deref()
            .map(|text| wrap(text, NOTE.size, remark_room - 8.0));
        let remark = remark.unwrap_or_default();
        let remarks = remark.len() as f64 * REMARK;
        let middle = above + 15.0;
        let beneath = match bar.measured {
            Some(_) => middle + LANE + 8.0 + remarks,
            None => (middle + 15.0).max(middle - 4.0 + remarks + 4.0),
        };
        let height = beneath.max(label_height + 8.0);
        let label_middle = if narrow { 18.0 } else { middle };
        Self {
            height,
            label,
            label_middle,
            middle,
            remark,
            value,
        }
    }
}
