//! Drawing the lanes of a timeline.

use std::collections::BTreeMap;

use crate::chart::{
    bins::{Bins, Run},
    measure::cut,
    number::short,
    pen::{Anchor, Pen, TICK, TINY},
    strip::{
        SliceKind, Strip, Track,
        plan::{BRIEF, CONNECTIONS, KINDS, LANE, Plan, THREAD},
    },
};

impl Plan<'_> {
    pub(super) fn draw_axis(&self, chart: &Strip<'_>, pen: &mut Pen) {
        self.marks.draw_across(pen, (self.top, self.bottom));
        let label = cut(chart.axis.label, TICK.size, self.width);
        pen.text(
            TICK,
            Anchor::End,
            (self.width.min(self.right + 14.0), self.bottom + 37.0),
            &label,
        );
        self.legend.draw(pen, (0.0, self.bottom + 44.0));
    }

    pub(super) fn draw_track(&self, track: &Track, y: f64, pen: &mut Pen) {
        let middle = y + THREAD / 2.0;
        let name = cut(&track.thread, TICK.size, self.left - 14.0);
        pen.group(
            "",
            if name == track.thread {
                ""
            } else {
                &track.thread
            },
            |pen| {
                pen.text(TICK, Anchor::Start, (4.0, middle + 4.5), &name);
            },
        );
        pen.rect(
            "lane",
            (self.left, middle - LANE / 2.0),
            (self.right - self.left, LANE),
            0.0,
        );
        let bins = Bins::new(&track.slices, (self.from_us, self.bin_us), self.bins);
        let mut paths: BTreeMap<(SliceKind, bool), Vec<Run<()>>> = BTreeMap::new();
        for run in bins.kinds() {
            let plain = Run {
                from: run.from,
                to: run.to,
                what: (),
            };
            paths
                .entry((run.what.kind, run.what.brief))
                .or_default()
                .push(plain);
        }
        for ((kind, brief), runs) in paths {
            let (class, height) = (KINDS[kind as usize], if brief { BRIEF } else { LANE });
            pen.path(class, &self.fields(&runs, (middle + LANE / 2.0, height)));
        }
        self.draw_connections(&bins, middle, pen);
    }

    /// A thin line in the colour of the connection, and its number where there is room for it.
    fn draw_connections(&self, bins: &Bins, middle: f64, pen: &mut Pen) {
        let mut colours: BTreeMap<u64, Vec<Run<()>>> = BTreeMap::new();
        let runs = bins.connections();
        for run in &runs {
            let plain = Run {
                from: run.from,
                to: run.to,
                what: (),
            };
            colours
                .entry(run.what % CONNECTIONS)
                .or_default()
                .push(plain);
        }
        for (colour, runs) in colours {
            pen.path(
                &format!("c{colour}"),
                &self.fields(&runs, (middle + LANE / 2.0 + 3.5, 2.5)),
            );
        }
        for run in runs {
            let number = run.what.to_string();
            let room = (run.to - run.from) as f64 * self.bin;
            if TINY.width(&number) + 6.0 <= room {
                let x = self.left + (run.from + run.to) as f64 / 2.0 * self.bin;
                pen.text(TINY, Anchor::Middle, (x, middle + 3.5), &number);
            }
        }
    }

    /// The path of fields that stand on `bottom`. Steps are relative, which keeps it short.
    fn fields(&self, runs: &[Run<()>], (bottom, height): (f64, f64)) -> String {
        let tenths = |at: usize| ((self.left + at as f64 * self.bin) * 10.0).round() / 10.0;
        let mut d = String::new();
        let mut pen = 0.0;
        let (up, down) = (short(-height), short(height));
        for run in runs {
            let (from, to) = (tenths(run.from), tenths(run.to));
            match d.is_empty() {
                true => d += &format!("M{} {}", short(from), short(bottom)),
                false => d += &format!("m{} 0", short(from - pen)),
            }
            d += &format!("v{up}h{}v{down}z", short(to - from));
            // A closed field leaves the pen where it began.
            pen = from;
        }
        d
    }
}
