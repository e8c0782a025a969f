//! Invented figures.

use portlab_report::chart::{
    Bar, Dot, Measured, Palette, Quantiles, Rank, Sample, Series, Slice, SliceKind, Track,
};

use crate::texts::Texts;

/// A model with invented figures.
pub(crate) struct Model {
    pub(crate) name: &'static str,
    /// CPU per message in microseconds; 0 when it wasn't run.
    pub(crate) cpu_us: f64,
    /// The rank; empty when it isn't ranked.
    pub(crate) rank: &'static str,
    /// Messages per second at a thousand connections.
    pub(crate) rate: f64,
    pub(crate) p50_us: f64,
}

const fn model(
    name: &'static str,
    cpu_us: f64,
    rank: &'static str,
    rate: f64,
    p50_us: f64,
) -> Model {
    Model {
        name,
        cpu_us,
        rank,
        rate,
        p50_us,
    }
}

pub(crate) static MODELS: &[Model] = &[
    model("event-loop", 3.18, "1–2", 198_000.0, 48.0),
    model("tasks-single", 3.24, "1–2", 187_000.0, 51.0),
    model("prethreaded", 4.02, "3", 121_000.0, 77.0),
    model("tasks", 4.41, "4–5", 192_000.0, 44.0),
    model("threads", 4.47, "4–5", 168_000.0, 62.0),
    model("prefork", 4.90, "6", 118_000.0, 81.0),
    model("loop-pool", 7.70, "7", 96_000.0, 120.0),
    model("fork", 9.80, "8", 140_000.0, 71.0),
    model("pool", 4.60, "", 61_000.0, 410.0),
    model("iterative", 0.0, "", 0.0, 0.0),
    model("nginx (stream, 2 workers)", 3.61, "", 176_000.0, 55.0),
    model("python asyncio", 21.4, "9", 38_000.0, 520.0),
    model("go net", 5.35, "", 171_000.0, 58.0),
];

/// Numbers in `[0, 1)` that look random and are always the same.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn throw(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f64 / (1u64 << 24) as f64
    }
}

pub(crate) fn bars(palette: &Palette, texts: &Texts) -> Vec<Bar> {
    let bar = |(at, model): (usize, &Model)| {
        let mut dice = Dice::new(at as u64 + 7);
        let rounds: Vec<Dot> = (0..7)
            .map(|round| {
                let outlier = at % 3 == 1 && round == 4;
                let factor = if outlier {
                    1.28
                } else {
                    0.96 + 0.08 * dice.throw()
                };
                Dot {
                    value: model.cpu_us * factor,
                    outlier,
                }
            })
            .collect();
        let measured = (model.cpu_us > 0.0).then(|| Measured {
            median: model.cpu_us,
            low: model.cpu_us * 0.965,
            high: model.cpu_us * (1.03 + 0.03 * dice.throw()),
            rounds,
        });
        let pale = model.rank.is_empty() && measured.is_some();
        Bar {
            label: model.name.to_owned(),
            style: palette.style(model.name),
            rank: (!model.rank.is_empty()).then(|| Rank {
                text: model.rank.to_owned(),
                best: model.rank.starts_with("1–"),
            }),
            remark: match (&measured, pale) {
                (None, _) => Some(texts.not_run.to_owned()),
                (_, true) => Some(texts.not_ranked.to_owned()),
                _ => None,
            },
            measured,
            pale,
        }
    };
    MODELS.iter().enumerate().map(bar).collect()
}

pub(crate) fn lines(palette: &Palette, count: usize) -> Vec<Series> {
    let connections = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0];
    let shown = MODELS.iter().filter(|model| model.rate > 0.0);
    let series = shown.enumerate().take(count).map(|(at, model)| {
        let mut dice = Dice::new(at as u64 + 99);
        let samples = connections.iter().enumerate().map(|(step, &x)| {
            let rise = 1.0 - (-x / (6.0 + at as f64)).exp();
            let y = model.rate * (0.12 + 0.88 * rise) * (0.97 + 0.06 * dice.throw());
            let missing =
                (model.name == "fork" && x == 200.0) || (model.name == "pool" && x > 100.0);
            Sample {
                y: (!missing).then_some(y),
                trusted: !(model.rate > 180_000.0 && step > 7),
                ..Sample::new(x, y).between(y * (0.93 + 0.04 * dice.throw()), y * 1.05)
            }
        });
        Series {
            name: model.name.to_owned(),
            style: palette.style(model.name),
            samples: samples.collect(),
        }
    });
    series.collect()
}

pub(crate) fn quantiles(palette: &Palette) -> Vec<Quantiles> {
    let quantiles = [
        0.0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9995, 0.9999,
    ];
    let shown = MODELS.iter().filter(|model| model.rate > 0.0);
    let series = shown.enumerate().map(|(at, model)| {
        let mut dice = Dice::new(at as u64 + 3);
        let tail = 0.28 + 0.25 * dice.throw();
        let points = quantiles.map(|quantile: f64| {
            let odds = 1.0 / (1.0 - quantile);
            (
                quantile,
                model.p50_us * 600.0 * odds.powf(tail) * (1.0 + 0.1 * dice.throw()),
            )
        });
        Quantiles {
            name: model.name.to_owned(),
            style: palette.style(model.name),
            points: points.to_vec(),
            trusted: model.name != "tasks",
        }
    });
    series.collect()
}

pub(crate) fn tracks() -> Vec<Track> {
    let mut tracks = Vec::new();
    for (process, thread, pace) in [
        ("event-loop (pid 4711)", "main".to_owned(), 300.0),
        ("loop-pool (pid 4720)", "loop".to_owned(), 420.0),
        ("loop-pool (pid 4720)", "worker-0".to_owned(), 1900.0),
        ("loop-pool (pid 4720)", "worker-1".to_owned(), 2100.0),
    ]
    .into_iter()
    .chain((0..18).map(|at| {
        (
            "threads (pid 4733)",
            format!("conn-{at}"),
            2600.0 + 900.0 * f64::from(at % 4),
        )
    })) {
        let mut dice = Dice::new(tracks.len() as u64 + 17);
        let mut slices = Vec::new();
        let mut now = 400.0 * dice.throw();
        while now < 50_000.0 {
            let connection = Some(match thread.strip_prefix("conn-") {
                Some(number) => number.parse().unwrap_or(0),
                None => (dice.throw() * 12.0) as u64,
            });
            let mut step = |kind, duration: f64, now: &mut f64| {
                let connection = connection.filter(|_| kind != SliceKind::Wait);
                slices.push(Slice {
                    kind,
                    from_us: *now,
                    to_us: *now + duration,
                    connection,
                });
                *now += duration;
            };
            if dice.throw() < 0.06 {
                step(SliceKind::Accept, 60.0, &mut now);
            }
            step(SliceKind::Read, pace * 0.08, &mut now);
            step(
                SliceKind::Handle,
                pace * (0.1 + 0.5 * dice.throw()),
                &mut now,
            );
            step(SliceKind::Write, pace * 0.12, &mut now);
            step(SliceKind::Wait, pace * 1.6 * dice.throw(), &mut now);
        }
        tracks.push(Track {
            process: process.to_owned(),
            thread,
            slices,
        });
    }
    tracks
}
