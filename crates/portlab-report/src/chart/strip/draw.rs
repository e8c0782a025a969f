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
            let key = (run.what.kind, run.what.brief);
            paths.entry(key).or_default().push(run.plain());
        }
        let mut colours: BTreeMap<u64, Vec<Run<()>>> = BTreeMap::new();
        for run in bins.connections() {
            let colour = run.what % CONNECTIONS;
            colours.entry(colour).or_default().push(run.plain());
        }
        // One bin is one unit, so that the paths need whole numbers only.
        pen.scaled((self.left, middle), self.bin, |pen| {
            for ((kind, brief), runs) in paths {
                let (width, y) = if brief {
                    ("brief", (LANE - BRIEF) / 2.0)
                } else {
                    ("slice", 0.0)
                };
                let class = format!("{} {width}", KINDS[kind as usize]);
                pen.path(&class, &strokes(&runs, y));
            }
            for (colour, runs) in colours {
                pen.path(
                    &format!("c{colour} thin"),
                    &strokes(&runs, LANE / 2.0 + 2.25),
                );
            }
        });
        self.draw_numbers(&bins.connections(), middle, pen);
    }

    /// The number of the connection where there is room for it.
    fn draw_numbers(&self, runs: &[Run<u64>], middle: f64, pen: &mut Pen) {
        for run in runs {
            let number = run.what.to_string();
            let room = (run.to - run.from) as f64 * self.bin;
            if TINY.width(&number) + 6.0 <= room {
                let x = self.left + (run.from + run.to) as f64 / 2.0 * self.bin;
                pen.text(TINY, Anchor::Middle, (x, middle + 3.5), &number);
            }
        }
    }
}

/// The path of strokes along `y`, one for each run. Steps are relative, which keeps it short.
fn strokes(runs: &[Run<()>], y: f64) -> String {
    let mut d = format!("M0 {}", short(y));
    let mut pen = 0;
    for run in runs {
        if run.from > pen {
            d += &format!("m{} 0", run.from - pen);
        }
        d += &format!("h{}", run.to - run.from);
        pen = run.to;
    }
    d
}
