//! A figure over an axis, one line per model.

mod plan;

use plan::{LEADER, NAME, Plan};

use crate::{
    axis::Axis,
    drawing::Drawing,
    frame::Frame,
    labels::spread,
    legend::{SIGN, Sign},
    measure::wrap,
    number::short,
    pen::{Anchor, LABEL, Pen, TICK},
    series::{Sample, Series},
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

/// Draws lines.
pub fn lines(frame: &Frame<'_>, chart: &Lines<'_>) -> Drawing {
    let plan = Plan::new(frame, chart);
    let mut pen = Pen::default();
    plan.draw_axes(chart, &mut pen);
    for series in chart.series {
        pen.group(&series.style.class(), "", |pen| {
            plan.draw_intervals(series, pen);
        });
    }
    for series in chart.series {
        pen.group(&series.style.class(), "", |pen| {
            plan.draw_line(chart, series, pen);
        });
    }
    plan.draw_names(chart, &mut pen);
    Drawing::new(frame, (plan.width, plan.height), pen)
}

impl Plan<'_> {
    fn draw_axes(&self, chart: &Lines<'_>, pen: &mut Pen) {
        self.across.draw_across(pen, (self.top, self.bottom));
        self.upwards.draw_upwards(pen, (self.left, self.right));
        pen.line("axis", (self.left, self.bottom), (self.right, self.bottom));
        for (at, line) in wrap(chart.y.label, TICK.size, self.width)
            .iter()
            .enumerate()
        {
            pen.text(TICK, Anchor::Start, (0.0, 14.0 + 17.0 * at as f64), line);
        }
        let mut y = self.bottom + 37.0;
        for line in wrap(chart.x.label, TICK.size, self.right - self.left) {
            pen.text(TICK, Anchor::End, (self.right, y), &line);
            y += 17.0;
        }
        self.legend.draw(pen, (0.0, y - 5.0));
    }

    fn draw_intervals(&self, series: &Series, pen: &mut Pen) {
        let interval = |sample: &Sample| {
            let (low, high) = sample.interval?;
            Some((
                self.place(sample)?.0,
                self.y.at_or_low(low),
                self.y.at(high)?,
            ))
        };
        for run in self.runs(series) {
            let ends: Vec<_> = run.iter().filter_map(interval).collect();
            if self.bands && ends.len() > 1 {
                let upper = ends.iter().map(|(x, _, high)| (x, high));
                let lower = ends.iter().rev().map(|(x, low, _)| (x, low));
                let corners = upper
                    .chain(lower)
                    .map(|(x, y)| format!("{} {}", short(*x), short(*y)));
                pen.path(
                    "band",
                    &format!("M{}z", corners.collect::<Vec<_>>().join("L")),
                );
                continue;
            }
            for (x, low, high) in ends {
                let (left, low, high) = (short(x - 3.0), short(low), short(high));
                let x = short(x);
                pen.path(
                    "err",
                    &format!("M{left} {low}h6M{x} {low}V{high}M{left} {high}h6"),
                );
            }
        }
    }

    fn draw_line(&self, chart: &Lines<'_>, series: &Series, pen: &mut Pen) {
        for run in self.runs(series) {
            let places = run.iter().filter_map(|sample| self.place(sample));
            let places: Vec<_> = places
                .map(|(x, y)| format!("{} {}", short(x), short(y)))
                .collect();
            if places.len() > 1 {
                pen.path(
                    &series.style.line_class(),
                    &format!("M{}", places.join("L")),
                );
            }
        }
        // A sign on each of very many samples would hide the line.
        let every = series.samples.len() / 40 + 1;
        for (at, sample) in series.samples.iter().enumerate() {
            let Some(place) = self.place(sample).filter(|_| at.is_multiple_of(every)) else {
                continue;
            };
            let y = sample.y.map(chart.y.write).unwrap_or_default();
            let tooltip = format!("{}: {}: {y}", series.name, (chart.x.write)(sample.x));
            let class = if sample.trusted { "mk" } else { "mh" };
            pen.group("", &tooltip, |pen| {
                series.style.marker.draw(pen, class, place, 4.5);
            });
        }
    }

    fn draw_names(&self, chart: &Lines<'_>, pen: &mut Pen) {
        let last = |series: &Series| {
            series
                .samples
                .iter()
                .rev()
                .find_map(|sample| self.place(sample))
        };
        let named: Vec<_> = chart.series.iter().zip(&self.names).collect();
        let ends: Vec<_> = named.iter().map(|(series, _)| last(series)).collect();
        let wanted: Vec<f64> = ends
            .iter()
            .map(|end| end.map_or(self.bottom, |(_, y)| y))
            .collect();
        let furthest = ends.iter().flatten().map(|(x, _)| *x);
        let furthest = furthest.fold(f64::NEG_INFINITY, f64::max);
        let half = NAME / 2.0;
        let places = spread(
            &wanted,
            NAME,
            (self.top + half - 4.0, self.bottom - half + 4.0),
        );
        for (((series, name), end), y) in named.into_iter().zip(ends).zip(places) {
            let sign = self.right + LEADER;
            pen.group(&series.style.class(), &series.name, |pen| {
                // A leader from far inside the plot would look like a line without samples.
                if let Some((x, from)) = end.filter(|(x, _)| *x >= furthest) {
                    let bend = short(self.right + 4.0);
                    let (x, from, sign, y) =
                        (short(x + 7.0), short(from), short(sign - 3.0), short(y));
                    pen.path("leader", &format!("M{x} {from}H{bend}L{sign} {y}"));
                }
                Sign::Line(series.style).draw(pen, (sign, y));
                pen.text(LABEL, Anchor::Start, (sign + SIGN + 8.0, y + 5.0), name);
            });
        }
    }
}
