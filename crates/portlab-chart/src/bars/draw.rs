//! Drawing the rows of a chart of bars.

use crate::{
    bars::{
        Bar, Bars, Measured,
        plan::{BAR, LANE, LINE, Plan, REMARK, Row, TOP},
    },
    legend::whisker,
    measure::wrap,
    number::short,
    pen::{Anchor, BEST, Face, LABEL, NOTE, Pen, RANK, TICK, VALUE},
    scale::Spacing,
};

impl Plan<'_> {
    pub(super) fn draw_axis(&self, chart: &Bars<'_>, pen: &mut Pen) {
        self.marks.draw_across(pen, (TOP, self.bottom));
        let mut y = self.bottom + 38.0;
        for line in wrap(chart.axis.label, TICK.size, self.width - self.left) {
            pen.text(TICK, Anchor::Start, (self.left, y), &line);
            y += REMARK;
        }
        pen.group("key", "", |pen| self.key.draw(pen, (self.left, y - 10.0)));
        if !self.narrow {
            let base = self.scale.base();
            pen.line("axis", (base, TOP), (base, self.bottom));
        }
    }

    pub(super) fn draw_row(&self, chart: &Bars<'_>, bar: &Bar, row: &Row, top: f64, pen: &mut Pen) {
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
            pen.text(
                NOTE,
                Anchor::Start,
                (self.left + if self.narrow { 0.0 } else { 6.0 }, y),
                line,
            );
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
        let base = self.scale.base();
        if self.narrow {
            pen.line("axis", (base, y - BAR), (base, y + LANE + 4.0));
        }
        let Some(median) = self.scale.at(measured.median) else {
            // Such as 0 by logarithms.
            return pen.text(VALUE, Anchor::Start, (base + 9.0, y + 5.0), value);
        };
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
                // An interval that the sign covers would only blur its shape.
                if high - low > 16.0 {
                    whisker(pen, (low, high), y);
                }
                bar.style
                    .marker
                    .draw(pen, if bar.pale { "mh" } else { "mk" }, (median, y), 6.5);
            } else {
                let class = if bar.pale { "pale" } else { "bar" };
                let (start, length) = (base.min(median), (median - base).abs().max(1.0));
                pen.rect(class, (start, y - BAR / 2.0), (length, BAR), 2.0);
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
