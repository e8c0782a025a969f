//! A figure over an axis, one line per series.

use crate::{
    axis::{Axis, Marks},
    drawing::Drawing,
    frame::Frame,
    labels::spread,
    legend::{Legend, Sign},
    live::{self, Columns},
    marker::Marker,
    measure::{cut, wrap},
    number::short,
    pen::{Anchor, LABEL, Pen, TICK, joined},
    scale::Scale,
    style::{SIGN, Style},
};

/// A chart of lines. On a wide drawing each line has its name at its end; on a narrow one there is a
/// legend beneath.
#[derive(Clone, Copy, Debug)]
pub struct Lines<'a> {
    /// The lines, the first at the bottom where they cross.
    pub series: &'a [Series],
    /// The horizontal axis.
    pub x: Axis<'a>,
    /// The vertical axis.
    pub y: Axis<'a>,
    /// The height of the plot in user units; it grows when the names need more.
    pub plot_height: f64,
}

/// The samples of one line.
#[derive(Clone, Debug)]
pub struct Series {
    /// The name that stands at the line's end.
    pub name: String,
    /// How it is drawn.
    pub style: Style,
    /// In the order of `x`.
    pub samples: Vec<Sample>,
}

/// One sample: a figure at a place on the axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// The place, such as the number of connections.
    pub x: f64,
    /// The figure; where it is missing, the line has a gap.
    pub y: Option<f64>,
    /// The ends of its interval.
    pub interval: Option<(f64, f64)>,
    /// Whether the figure can be relied on; if not, its sign is hollow.
    pub trusted: bool,
}

impl Sample {
    /// A trusted sample without an interval.
    pub fn new(x: f64, y: f64) -> Self {
        Self {
            x,
            y: Some(y),
            interval: None,
            trusted: true,
        }
    }

    fn ys(&self) -> impl Iterator<Item = f64> + use<> {
        let ends = self.interval.filter(|_| self.y.is_some());
        let ends = ends.into_iter().flat_map(|(low, high)| [low, high]);
        self.y.into_iter().chain(ends)
    }
}

/// Draws lines.
pub fn lines(frame: &Frame<'_>, chart: &Lines<'_>) -> Drawing {
    let plan = Plan::new(frame, chart);
    let mut pen = Pen::default();
    plan.draw_axes(&mut pen);
    for (number, series) in chart.series.iter().enumerate() {
        let part = live::part(number);
        pen.group_with(&series.style.class(), "", &part, |pen| {
            plan.draw_intervals(series, pen);
        });
    }
    let columns = Columns::of(chart, &plan.x);
    for (number, series) in chart.series.iter().enumerate() {
        let line = columns.line(number, series, &plan.y);
        pen.group_with(&series.style.class(), "", &line, |pen| {
            plan.draw_line(series, pen);
        });
    }
    plan.draw_names(&mut pen);
    let places = columns.places((plan.top, plan.bottom));
    let drawing = Drawing::new(frame, (plan.width, plan.height), pen);
    drawing.with(places, columns.values())
}

/// The place of everything in the chart.
struct Plan<'a> {
    chart: &'a Lines<'a>,
    width: f64,
    height: f64,
    /// The ends of the plot.
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    x: Scale,
    y: Scale,
    across: Marks,
    upwards: Marks,
    /// Whether intervals are bands: there are few enough for that.
    bands: bool,
    /// The names at the ends of the lines, as they fit; none when there is a legend.
    names: Vec<String>,
    legend: Legend,
}

/// From the plot to the signs beside the names.
const LEADER: f64 = 26.0;
/// From name to name.
const NAME: f64 = 20.0;
/// The most lines that may have bands.
const BANDS: usize = 4;

impl<'a> Plan<'a> {
    fn new(frame: &Frame<'_>, chart: &'a Lines<'a>) -> Self {
        let (width, narrow) = (frame.drawn_width(), frame.is_narrow());
        let named = chart.series.iter().filter(|_| !narrow);
        let names = named.map(|series| cut(&series.name, LABEL.size, width * 0.28));
        let names: Vec<String> = names.collect();
        let top = 14.0 + 17.0 * wrap(chart.y.label, TICK.size, width).len() as f64;
        let asked = match chart.plot_height.is_finite() {
            true => chart.plot_height.clamp(120.0, 2000.0),
            false => 320.0,
        };
        let bottom = top + asked.max(names.len() as f64 * NAME);
        let samples = || chart.series.iter().flat_map(|series| &series.samples);
        let ys = samples().flat_map(Sample::ys);
        let y = Scale::fit(chart.y.spacing, ys, (bottom, top));
        let upwards = Marks::upwards(&chart.y, &y);
        let left = upwards.label_width() + 16.0;
        let widths = names.iter().map(|name| LABEL.width(name));
        let beside = match narrow {
            true => 14.0,
            false => LEADER + SIGN + 8.0 + widths.fold(0.0, f64::max),
        };
        let right = (width - beside).max(left + 140.0);
        let width = right + beside;
        let xs = samples().map(|sample| sample.x);
        let x = Scale::fit(chart.x.spacing, xs, (left, right));
        let across = Marks::across(&chart.x, &x, width);
        let items = chart.series.iter().filter(|_| narrow);
        let items = items.map(|series| (Sign::Line(series.style), series.name.as_str()));
        let legend = Legend::new(items, width);
        let below = 17.0 * wrap(chart.x.label, TICK.size, right - left).len() as f64;
        let has_intervals =
            |series: &&Series| series.samples.iter().any(|it| it.interval.is_some());
        Self {
            chart,
            width,
            height: bottom + 26.0 + below + if narrow { 12.0 + legend.height } else { 4.0 },
            left,
            right,
            top,
            bottom,
            x,
            y,
            across,
            upwards,
            bands: chart.series.iter().filter(has_intervals).count() <= BANDS,
            names,
            legend,
        }
    }

    /// Where a sample lies; `None` when it can't be shown.
    fn place(&self, sample: &Sample) -> Option<(f64, f64)> {
        Some((self.x.at(sample.x)?, self.y.at(sample.y?)?))
    }

    /// The samples between the gaps.
    fn runs<'s>(&self, series: &'s Series) -> impl Iterator<Item = &'s [Sample]> {
        series.samples.split(|sample| self.place(sample).is_none())
    }

    fn draw_axes(&self, pen: &mut Pen) {
        self.across.draw_across(pen, (self.top, self.bottom));
        self.upwards.draw_upwards(pen, (self.left, self.right));
        pen.line("axis", (self.left, self.bottom), (self.right, self.bottom));
        let label = wrap(self.chart.y.label, TICK.size, self.width);
        pen.texts(TICK, Anchor::Start, (0.0, 14.0), (&label, 17.0));
        let label = wrap(self.chart.x.label, TICK.size, self.right - self.left);
        let place = (self.right, self.bottom + 37.0);
        let y = pen.texts(TICK, Anchor::End, place, (&label, 17.0));
        self.legend.draw_names(pen, (0.0, y - 5.0));
    }

    fn draw_intervals(&self, series: &Series, pen: &mut Pen) {
        let interval = |sample: &Sample| {
            let (low, high) = sample.interval?;
            let x = self.place(sample)?.0;
            Some((x, self.y.at_or_low(low), self.y.at(high)?))
        };
        for run in self.runs(series) {
            let ends: Vec<_> = run.iter().filter_map(interval).collect();
            if self.bands && ends.len() > 1 {
                let upper = ends.iter().map(|(x, _, high)| (*x, *high));
                let lower = ends.iter().rev().map(|(x, low, _)| (*x, *low));
                pen.path("band", &format!("M{}z", joined(upper.chain(lower))));
                continue;
            }
            for (x, low, high) in ends {
                let (left, low, high) = (short(x - 3.0), short(low), short(high));
                let x = short(x);
                let d = format!("M{left} {low}h6M{x} {low}V{high}M{left} {high}h6");
                pen.path("err", &d);
            }
        }
    }

    fn draw_line(&self, series: &Series, pen: &mut Pen) {
        for run in self.runs(series).filter(|run| run.len() > 1) {
            let places = run.iter().filter_map(|sample| self.place(sample));
            let d = format!("M{}", joined(places));
            pen.path(&series.style.line_class(), &d);
        }
        if series.style.marker == Marker::None {
            return;
        }
        // With very many samples, a marker on each would hide the line.
        let every = series.samples.len() / 40 + 1;
        for sample in series.samples.iter().step_by(every) {
            let Some(place) = self.place(sample) else {
                continue;
            };
            let x = (self.chart.x.write)(sample.x);
            let y = sample.y.map(self.chart.y.write).unwrap_or_default();
            let class = if sample.trusted { "mk" } else { "mh" };
            pen.group("", &format!("{}: {x}: {y}", series.name), |pen| {
                series.style.marker.draw(pen, class, place, 4.5);
            });
        }
    }

    fn draw_names(&self, pen: &mut Pen) {
        let last = |series: &Series| {
            let mut samples = series.samples.iter().rev();
            samples.find_map(|sample| self.place(sample))
        };
        let named: Vec<_> = self.chart.series.iter().zip(&self.names).collect();
        let ends: Vec<_> = named.iter().map(|(series, _)| last(series)).collect();
        let wanted = ends.iter().map(|end| end.map_or(self.bottom, |(_, y)| y));
        let wanted: Vec<f64> = wanted.collect();
        let furthest = ends.iter().flatten().map(|(x, _)| *x);
        let furthest = furthest.fold(f64::NEG_INFINITY, f64::max);
        let half = NAME / 2.0 - 4.0;
        let places = spread(&wanted, NAME, (self.top + half, self.bottom - half));
        let sign = self.right + LEADER;
        let named = named.into_iter().enumerate();
        for (((number, (series, name)), end), y) in named.zip(ends).zip(places) {
            let size = (self.width - sign + 6.0, NAME);
            let button = live::button(number, (sign - 6.0, y - NAME / 2.0), size);
            pen.group_with(&series.style.class(), &series.name, &button, |pen| {
                // A leader from far inside the plot would look like a line without samples.
                if let Some((x, from)) = end.filter(|(x, _)| *x >= furthest) {
                    let bend = short(self.right + 4.0);
                    let (x, from, sign, y) =
                        (short(x + 7.0), short(from), short(sign - 3.0), short(y));
                    pen.path("leader", &format!("M{x} {from}H{bend}L{sign} {y}"));
                }
                series.style.draw(pen, (sign, y));
                pen.text(LABEL, Anchor::Start, (sign + SIGN + 8.0, y + 5.0), name);
            });
        }
    }
}
