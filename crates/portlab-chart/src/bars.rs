//! One figure per row, as bars, with intervals and rounds.

use crate::{
    axis::{Axis, Marks},
    drawing::Drawing,
    frame::Frame,
    legend::{Legend, Sign, whisker},
    live::Rows,
    measure::wrap,
    number::short,
    pen::{Anchor, BEST, Face, LABEL, NOTE, Pen, RANK, TICK, VALUE},
    scale::{Scale, Spacing},
    style::Style,
};

/// A chart of bars, in the given order.
///
/// On a logarithmic axis the length of a bar has no meaning, so a marker on a thin stem is drawn instead.
#[derive(Clone, Copy, Debug)]
pub struct Bars<'a> {
    /// The rows, from top to bottom.
    pub rows: &'a [Bar],
    /// The axis of the figures; its `write` writes the values behind the bars too.
    pub axis: Axis<'a>,
    /// What the signs mean, drawn beneath; `None` for no key.
    pub key: Option<BarsKey<'a>>,
}

/// A row.
#[derive(Clone, Debug)]
pub struct Bar {
    /// The name of the row.
    pub label: String,
    /// How the row is drawn.
    pub style: Style,
    /// Its rank, in a badge at the left.
    pub rank: Option<Rank>,
    /// What was measured, if anything was.
    pub measured: Option<Measured>,
    /// Whether the bar is pale, because the row isn't ranked.
    pub pale: bool,
    /// A remark in muted text: in place of the bar, or beneath it.
    pub remark: Option<String>,
}

/// A rank.
#[derive(Clone, Debug)]
pub struct Rank {
    /// Such as `1` or `2–4`.
    pub text: String,
    /// Whether it is the best, or can't be told from it.
    pub best: bool,
}

/// What was measured for a row. All figures are of the axis, in its unit.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The median.
    pub median: f64,
    /// The lower end of its interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// The rounds, in the order in which they ran.
    pub rounds: Vec<Dot>,
}

/// A round.
#[derive(Clone, Copy, Debug)]
pub struct Dot {
    /// Its figure.
    pub value: f64,
    /// Whether it lies far from the others; its dot is hollow.
    pub outlier: bool,
}

/// The words for what the signs mean.
#[derive(Clone, Copy, Debug)]
pub struct BarsKey<'a> {
    /// Such as `median`.
    pub median: &'a str,
    /// Such as `95% interval`.
    pub interval: &'a str,
    /// Such as `one round`.
    pub round: &'a str,
    /// Such as `outlier`.
    pub outlier: &'a str,
}

/// Draws bars.
pub fn bars(frame: &Frame<'_>, chart: &Bars<'_>) -> Drawing {
    let plan = Plan::new(frame, chart);
    let mut pen = Pen::default();
    plan.draw_axis(&mut pen);
    let mut top = TOP;
    for row in &plan.rows {
        plan.draw_row(row, top, &mut pen);
        top += row.height;
    }
    let rows = Rows::of(chart, TOP, plan.rows.iter().map(|row| row.height));
    let drawing = Drawing::new(frame, (plan.width, plan.height), pen);
    drawing.with(rows.places(), rows.values())
}

impl<'a> BarsKey<'a> {
    fn items(&self, spacing: Spacing) -> [(Sign, &'a str); 4] {
        let median = match spacing {
            Spacing::Log => Sign::Marker,
            _ => Sign::Bar,
        };
        [
            (median, self.median),
            (Sign::Whisker, self.interval),
            (Sign::Dot, self.round),
            (Sign::Hollow, self.outlier),
        ]
    }
}

/// The place of everything in the chart.
struct Plan<'a> {
    axis: Axis<'a>,
    /// Whether names stand above their bars.
    narrow: bool,
    width: f64,
    height: f64,
    /// The room for badges at the left.
    badges: f64,
    /// Where the bars' room begins.
    left: f64,
    /// The lower end of the rows.
    bottom: f64,
    rows: Vec<Row<'a>>,
    scale: Scale,
    marks: Marks,
    key: Legend,
}

/// The place of everything in a row, measured from its upper edge.
struct Row<'a> {
    bar: &'a Bar,
    height: f64,
    label: Vec<String>,
    /// The middle of the first line of the label.
    label_middle: f64,
    /// The middle of the bar.
    middle: f64,
    remark: Vec<String>,
    /// The value as it is written.
    value: String,
}

/// The space above the rows.
const TOP: f64 = 6.0;
/// The height of a line of labels, and of remarks.
const LINE: f64 = 19.0;
const REMARK: f64 = 17.0;
/// The height of a bar.
const BAR: f64 = 18.0;
/// From the bar's middle to that of the rounds beneath it.
const LANE: f64 = 15.5;

impl<'a> Plan<'a> {
    fn new(frame: &Frame<'_>, chart: &Bars<'a>) -> Self {
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
        // If the values leave too little room for the bars, the drawing grows.
        let right = (width - value).max(left + 120.0);
        let width = right + value;
        let lay_out = |bar: &'a Bar| {
            let value = bar.measured.as_ref().map(write).unwrap_or_default();
            Row::new(bar, value, frame.is_narrow(), (label_room, width - left))
        };
        let rows: Vec<Row> = chart.rows.iter().map(lay_out).collect();
        let bottom = TOP + rows.iter().map(|row| row.height).sum::<f64>();
        let all = measured().flat_map(|it| {
            let rounds = it.rounds.iter().map(|dot| dot.value);
            [it.median, it.low, it.high].into_iter().chain(rounds)
        });
        let scale = Scale::fit(chart.axis.spacing, all, (left, right));
        let is_measured = measured().next().is_some();
        let marks = match is_measured {
            true => Marks::across(&chart.axis, &scale, width),
            false => Marks::default(),
        };
        let key = chart.key.filter(|_| is_measured);
        let items = key.iter().flat_map(|key| key.items(chart.axis.spacing));
        let key = Legend::new(items, width - left);
        let label_lines = wrap(chart.axis.label, TICK.size, width - left).len() as f64;
        Self {
            axis: chart.axis,
            narrow: frame.is_narrow(),
            width,
            height: bottom + 26.0 + label_lines * REMARK + key.height + 6.0,
            badges,
            left,
            bottom,
            rows,
            scale,
            marks,
            key,
        }
    }

    fn draw_axis(&self, pen: &mut Pen) {
        self.marks.draw_across(pen, (TOP, self.bottom));
        let label = wrap(self.axis.label, TICK.size, self.width - self.left);
        let place = (self.left, self.bottom + 38.0);
        let y = pen.texts(TICK, Anchor::Start, place, (&label, REMARK));
        pen.group("key", "", |pen| self.key.draw(pen, (self.left, y - 10.0)));
        if !self.narrow {
            let base = self.scale.base();
            pen.line("axis", (base, TOP), (base, self.bottom));
        }
    }

    fn draw_row(&self, row: &Row, top: f64, pen: &mut Pen) {
        let (bar, label_middle) = (row.bar, top + row.label_middle);
        if let Some(rank) = &bar.rank {
            let width = self.badges - 10.0;
            let (ground, face) = match rank.best {
                true => ("badge1", BEST),
                false => ("badge", RANK),
            };
            pen.rect(ground, (0.0, label_middle - 10.0), (width, 20.0), 10.0);
            let place = (width / 2.0, label_middle + 4.5);
            pen.text(face, Anchor::Middle, place, &rank.text);
        }
        let muted = Face {
            class: "l q",
            ..LABEL
        };
        let face = if bar.measured.is_some() { LABEL } else { muted };
        let place = (self.badges, label_middle + 5.0);
        pen.texts(face, Anchor::Start, place, (&row.label, LINE));
        let middle = top + row.middle;
        let mut remark = middle + 4.5;
        if let Some(measured) = &bar.measured {
            self.draw_bar(row, measured, middle, pen);
            remark = middle + LANE + REMARK;
        }
        let left = self.left + if self.narrow { 0.0 } else { 6.0 };
        pen.texts(NOTE, Anchor::Start, (left, remark), (&row.remark, REMARK));
    }

    fn draw_bar(&self, row: &Row, measured: &Measured, y: f64, pen: &mut Pen) {
        let (bar, base) = (row.bar, self.scale.base());
        if self.narrow {
            pen.line("axis", (base, y - BAR), (base, y + LANE + 4.0));
        }
        let Some(median) = self.scale.at(measured.median) else {
            // For example 0 on a logarithmic axis.
            return pen.text(VALUE, Anchor::Start, (base + 9.0, y + 5.0), &row.value);
        };
        let low = self.scale.at_or_low(measured.low);
        let high = self.scale.at(measured.high).unwrap_or(median);
        pen.group(&bar.style.class(), &self.tooltip(row, measured), |pen| {
            if self.axis.spacing == Spacing::Log {
                pen.line("stem", (base, y), (median, y));
                // The marker would cover a shorter interval.
                if high - low > 16.0 {
                    whisker(pen, (low, high), y);
                }
                let class = if bar.pale { "mh" } else { "mk" };
                bar.style.marker.draw(pen, class, (median, y), 6.5);
            } else {
                let class = if bar.pale { "pale" } else { "bar" };
                let (start, length) = (base.min(median), (median - base).abs().max(1.0));
                pen.rect(class, (start, y - BAR / 2.0), (length, BAR), 2.0);
                whisker(pen, (low, high), y);
            }
            let rounds = measured.rounds.iter();
            let rounds = rounds.filter_map(|dot| Some((self.scale.at(dot.value)?, dot.outlier)));
            let (outliers, others): (Vec<_>, Vec<_>) = rounds.partition(|(_, outlier)| *outlier);
            // Lines without length and with round ends take less text than circles.
            let dots = others
                .iter()
                .map(|(x, _)| format!("M{} {}h0", short(*x), short(y + LANE)));
            pen.path("dots", &dots.collect::<String>());
            for (x, _) in outliers {
                pen.circle("out", (x, y + LANE), 2.75);
            }
        });
        let end = median.max(high).max(base);
        pen.text(VALUE, Anchor::Start, (end + 9.0, y + 5.0), &row.value);
    }

    fn tooltip(&self, row: &Row, measured: &Measured) -> String {
        let (label, value) = (&row.bar.label, &row.value);
        match measured.low.is_finite() && measured.high.is_finite() {
            true => {
                let [low, high] = [measured.low, measured.high].map(self.axis.write);
                format!("{label}: {value} ({low} – {high})")
            }
            false => format!("{label}: {value}"),
        }
    }
}

impl<'a> Row<'a> {
    fn new(
        bar: &'a Bar,
        value: String,
        narrow: bool,
        (label_room, remark_room): (f64, f64),
    ) -> Self {
        let label = wrap(&bar.label, LABEL.size, label_room);
        let label_height = label.len() as f64 * LINE;
        let above = if narrow { label_height + 12.0 } else { 0.0 };
        let remark = bar.remark.iter();
        let remark: Vec<String> = remark
            .flat_map(|text| wrap(text, NOTE.size, remark_room - 8.0))
            .collect();
        let remarks = remark.len() as f64 * REMARK;
        let middle = above + 15.0;
        let beneath = match bar.measured {
            Some(_) => middle + LANE + 8.0 + remarks,
            None => (middle + 15.0).max(middle - 4.0 + remarks + 4.0),
        };
        Self {
            bar,
            height: beneath.max(label_height + 8.0),
            label,
            label_middle: if narrow { 18.0 } else { middle },
            middle,
            remark,
            value,
        }
    }
}
