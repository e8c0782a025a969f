//! One figure per model, as bars, with intervals and rounds.

use crate::chart::{
    axis::{Axis, Marks},
    drawing::Drawing,
    frame::Frame,
    legend::{Legend, Sign, whisker},
    measure::wrap,
    number::short,
    palette::Style,
    pen::{Anchor, BEST, Face, LABEL, NOTE, Pen, RANK, TICK, VALUE},
    scale::{Scale, Spacing},
};

/// A chart of bars: one row per model, in the given order.
///
/// By logarithms a bar's length would mean nothing, so there a sign on a thin stem takes its place.
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
    /// The name of the model.
    pub label: String,
    /// How the model is drawn.
    pub style: Style,
    /// Its rank, in a badge at the left.
    pub rank: Option<Rank>,
    /// What was measured; `None` when it wasn't run.
    pub measured: Option<Measured>,
    /// Whether the bar is pale, as that of what isn't ranked.
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

/// What was measured of a model. All figures are of the axis, in its unit.
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
    plan.draw_axis(chart, &mut pen);
    let mut top = TOP;
    for (bar, row) in chart.rows.iter().zip(&plan.rows) {
        plan.draw_row(chart, bar, row, top, &mut pen);
        top += row.height;
    }
    Drawing::new(frame, (plan.width, plan.height), pen)
}

/// Where what goes.
struct Plan<'a> {
    width: f64,
    height: f64,
    /// The room for badges at the left.
    badges: f64,
    /// Where the bars' room begins.
    left: f64,
    /// The lower end of the rows.
    bottom: f64,
    rows: Vec<Row>,
    scale: Scale,
    marks: Marks,
    key: Legend<'a>,
}

/// Where what goes in a row, measured from its upper edge.
struct Row {
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
            true => (6.0, width - badges),
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

    fn draw_axis(&self, chart: &Bars<'_>, pen: &mut Pen) {
        self.marks.draw_across(pen, (TOP, self.bottom));
        let mut y = self.bottom + 38.0;
        for line in wrap(chart.axis.label, TICK.size, self.width - self.left) {
            pen.text(TICK, Anchor::Start, (self.left, y), &line);
            y += REMARK;
        }
        pen.group("key", "", |pen| self.key.draw(pen, (self.left, y - 10.0)));
        let base = self.scale.base();
        pen.line("axis", (base, TOP), (base, self.bottom));
    }

    fn draw_row(&self, chart: &Bars<'_>, bar: &Bar, row: &Row, top: f64, pen: &mut Pen) {
        let label_middle = top + row.label_middle;
        if let Some(rank) = &bar.rank {
            let width = self.badges - 10.0;
            let (ground, face) = if rank.best {
                ("badge1", BEST)
            } else {
                ("badge", RANK)
            };
            pen.rect(ground, (0.0, label_middle - 10.0), (width, 20.0), 10.0);
            pen.text(
                face,
                Anchor::Middle,
                (width / 2.0, label_middle + 4.5),
                &rank.text,
            );
        }
        let face = if bar.measured.is_some() {
            LABEL
        } else {
            muted(LABEL)
        };
        for (line, y) in row.label.iter().zip(lines(label_middle + 5.0, LINE)) {
            pen.text(face, Anchor::Start, (self.badges, y), line);
        }
        let middle = top + row.middle;
        let mut remark = middle + 4.5;
        if let Some(measured) = &bar.measured {
            self.draw_bar(chart, bar, measured, &row.value, middle, pen);
            remark = middle + LANE + REMARK;
        }
        for (line, y) in row.remark.iter().zip(lines(remark, REMARK)) {
            pen.text(NOTE, Anchor::Start, (self.left + 6.0, y), line);
        }
    }

    fn draw_bar(
        &self,
        chart: &Bars<'_>,
        bar: &Bar,
        measured: &Measured,
        value: &str,
        y: f64,
        pen: &mut Pen,
    ) {
        let Some(median) = self.scale.at(measured.median) else {
            return;
        };
        let base = self.scale.base();
        let (low, high) = (
            self.scale.at_or_low(measured.low),
            self.scale.at(measured.high),
        );
        let high = high.unwrap_or(median);
        let rounds = || {
            measured
                .rounds
                .iter()
                .filter_map(|dot| Some((self.scale.at(dot.value)?, dot.outlier)))
        };
        let tooltip = tooltip(chart, bar, measured, value);
        pen.group(&bar.style.class(), &tooltip, |pen| {
            if chart.axis.spacing == Spacing::Log {
                pen.line("stem", (base, y), (median, y));
                whisker(pen, (low, high), y);
                bar.style
                    .marker
                    .draw(pen, if bar.pale { "mh" } else { "mk" }, (median, y), 6.5);
            } else {
                let class = if bar.pale { "pale" } else { "bar" };
                let (start, length) = (base.min(median), (median - base).abs().max(1.0));
                pen.rect(class, (start, y - BAR / 2.0), (length, BAR), 2.0);
                if high - low > 1.0 {
                    pen.line("halo", (low, y), (high, y));
                }
                whisker(pen, (low, high), y);
            }
            let (outliers, others): (Vec<_>, Vec<_>) = rounds().partition(|(_, outlier)| *outlier);
            // Lines without length, with round ends: much shorter than as many circles.
            let dots = others
                .iter()
                .map(|(x, _)| format!("M{} {}h0", short(*x), short(y + LANE)));
            pen.path("dots", &dots.collect::<String>());
            for (x, _) in outliers {
                pen.circle("out", (x, y + LANE), 2.75);
            }
        });
        let end = median.max(high).max(base);
        pen.text(VALUE, Anchor::Start, (end + 9.0, y + 5.0), value);
    }
}

impl Row {
    fn new(bar: &Bar, value: String, narrow: bool, label_room: f64, remark_room: f64) -> Self {
        let label = wrap(&bar.label, LABEL.size, label_room);
        let label_height = label.len() as f64 * LINE;
        let above = if narrow { label_height + 6.0 } else { 0.0 };
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
        let label_middle = if narrow { 12.0 } else { middle };
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

impl<'a> BarsKey<'a> {
    fn items(&self, spacing: Spacing) -> [(Sign<'static>, &'a str); 4] {
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

fn tooltip(chart: &Bars<'_>, bar: &Bar, measured: &Measured, value: &str) -> String {
    let mut tooltip = format!("{}: {value}", bar.label);
    if measured.low.is_finite() && measured.high.is_finite() {
        let write = chart.axis.write;
        tooltip += &format!(" ({} – {})", write(measured.low), write(measured.high));
    }
    tooltip
}

fn muted(face: Face) -> Face {
    Face {
        class: "l q",
        ..face
    }
}

fn lines(first: f64, height: f64) -> impl Iterator<Item = f64> {
    (0..).map(move |line| first + f64::from(line) * height)
}
