//! Properties of all charts, for any data.

use proptest::prelude::*;

use super::*;
use crate::pen::FACES;

const HOSTILE: &str = "<script>&\"'\u{0}";
const KINDS: [&str; 7] = [
    "accept", "read", "handle", "write", "wait", HOSTILE, CHINESE,
];
const CHINESE: &str = "每个连接一个进程的服务器";

fn frame(width: f64) -> Frame<'static> {
    Frame {
        id: "t",
        title: HOSTILE,
        description: "a chart",
        width,
    }
}

fn style(number: usize) -> Style {
    Style {
        colour: number % 13,
        dash: number % Style::DASHES,
        marker: Marker::ALL[number % Marker::ALL.len()],
    }
}

fn axis(spacing: Spacing) -> Axis<'static> {
    Axis::new("value", spacing, |value| format!("{value:.3e} µs"))
}

fn bars_of(values: &[f64], spacing: Spacing, width: f64) -> Drawing {
    let names = [
        "fork",
        HOSTILE,
        CHINESE,
        "a rather long name of a foreign server 1.2.3",
    ];
    let dot = |value, outlier| Dot { value, outlier };
    let rows: Vec<Bar> = values
        .iter()
        .enumerate()
        .map(|(at, &value)| Bar {
            label: names[at % names.len()].to_owned(),
            style: style(at),
            rank: (at % 3 > 0).then(|| Rank {
                text: format!("{at}–{}", at + 1),
                best: at == 1,
            }),
            measured: (at % 5 != 4).then(|| Measured {
                median: value,
                low: value / 2.0,
                high: value * 1.5,
                rounds: vec![dot(value, false), dot(value * 3.0, true)],
            }),
            pale: at % 2 == 1,
            remark: (at % 4 > 1)
                .then(|| format!("not ranked: {CHINESE}{CHINESE}, for a reason of some length")),
        })
        .collect();
    let key = BarsKey {
        median: "median",
        interval: "95% interval",
        round: "round",
        outlier: CHINESE,
    };
    let chart = Bars {
        rows: &rows,
        axis: axis(spacing),
        key: Some(key),
    };
    bars(&frame(width), &chart)
}

fn lines_of(values: &[f64], spacing: Spacing, width: f64) -> Drawing {
    let series = (0..13)
        .map(|at| {
            let samples = values.iter().enumerate().map(|(x, &y)| Sample {
                y: (x % 4 != 3).then_some(y),
                interval: Some((y * 0.5, y * 1.5)),
                trusted: x % 2 == 0,
                ..Sample::new((x * x + 1) as f64, y)
            });
            let name = match at {
                3 => HOSTILE.to_owned(),
                _ => format!("{CHINESE}-{at}"),
            };
            series(name, at, samples)
        })
        .collect::<Vec<_>>();
    lines_with(&series, axis(Spacing::Log), axis(spacing), width)
}

fn series(name: String, at: usize, samples: impl Iterator<Item = Sample>) -> Series {
    Series {
        name,
        style: style(at),
        samples: samples.collect(),
    }
}

fn lines_with(series: &[Series], x: Axis<'_>, y: Axis<'_>, width: f64) -> Drawing {
    let chart = Lines {
        series,
        x,
        y,
        plot_height: 200.0,
    };
    lines(&frame(width), &chart)
}

fn percentiles_of(values: &[f64], width: f64) -> Drawing {
    let samples = values.iter().map(|value| Sample {
        trusted: false,
        ..Sample::new(place_of(value.abs().fract()), *value)
    });
    let series = [series(HOSTILE.to_owned(), 11, samples)];
    let y = Axis::new("latency", Spacing::Log, |ns| format!("{ns:.0e} ns"));
    lines_with(&series, percentiles("percentile"), y, width)
}

fn strip_of(values: &[f64], lanes: usize, width: f64) -> Drawing {
    let names: Vec<_> = (0..lanes)
        .map(|at| {
            (
                format!("{HOSTILE} {}", at / 3),
                format!("worker {at} {CHINESE}"),
            )
        })
        .collect();
    let slice = |at: usize, pair: &[f64]| {
        let connection = at.is_multiple_of(2).then_some(at as u64);
        (KINDS[at % 6], pair[0], pair[1], connection)
    };
    let lanes = names
        .iter()
        .enumerate()
        .map(|(number, (process, thread))| -> Lane {
            let pairs = values.windows(2).enumerate();
            let slices = pairs.map(|(at, pair)| slice(at + number, pair));
            (process, thread, slices.collect())
        });
    let lanes: Vec<Lane> = lanes.collect();
    strip_with(&lanes, 50_000.0, width)
}

fn strip_with(lanes: &[Lane], length_us: f64, width: f64) -> Drawing {
    let chart = Strip {
        lanes,
        length_us,
        axis: Axis::new("time", Spacing::Linear, |us| format!("{us} µs")),
        key: KINDS,
    };
    strip(&frame(width), &chart)
}

fn waterfall_of(values: &[f64], width: f64) -> Drawing {
    let rows = values.windows(5).enumerate().map(|(at, moments)| Transfer {
        name: format!("/{HOSTILE}/{CHINESE}/{at}"),
        note: "206 video/mp4 451 kB".to_owned(),
        moments: [0, 1, 2, 3, 4].map(|at| moments[at]),
        connection: at,
    });
    waterfall_with(&rows.collect::<Vec<_>>(), width)
}

fn waterfall_with(rows: &[Transfer], width: f64) -> Drawing {
    let axis = Axis::new("time", Spacing::Linear, |ms| format!("{ms} ms"));
    let key = ["queued", HOSTILE, CHINESE, "receiving", "connection"];
    waterfall(&frame(width), &Waterfall { rows, axis, key })
}

/// Everything that must hold for a drawing; returns its texts: face, left, right, baseline.
fn check(drawing: &Drawing) -> Vec<(&'static str, f64, f64, f64)> {
    let file = drawing.file();
    assert!(!file.contains("NaN") && !file.contains("inf"), "{file}");
    assert_eq!(
        file.matches("http").count(),
        1,
        "the name of the language alone"
    );
    assert!(!file.contains("<script"));
    let inline = drawing.inline();
    assert!(!inline.contains("http") && !inline.contains("<style"));
    roxmltree::Document::parse(&inline).expect("well-formed inline");
    let document = roxmltree::Document::parse(&file).expect("well-formed file");
    let nodes = document
        .descendants()
        .filter(|node| node.has_tag_name("text"));
    let texts = nodes.map(|node| {
        let class = node.attribute("class").unwrap().split(' ').next().unwrap();
        let face = FACES
            .iter()
            .find(|face| face.class == class)
            .expect("a known face");
        let number = |name| node.attribute(name).unwrap().parse::<f64>().unwrap();
        let (x, width) = (number("x"), face.width(node.text().unwrap_or_default()));
        let left = match node.attribute("text-anchor") {
            None => x,
            Some("middle") => x - width / 2.0,
            _ => x - width,
        };
        (face.class, left, left + width, number("y"))
    });
    let texts: Vec<_> = texts.collect();
    for (class, left, right, y) in &texts {
        let inside = *left >= -0.2 && *right <= drawing.width + 0.2;
        let beneath = *y >= 9.0 && *y <= drawing.height - 2.0;
        assert!(
            inside && beneath,
            "{class} from {left} to {right} at {y}: {file}"
        );
    }
    texts
}

const WIDTHS: [f64; 3] = [Frame::PHONE, Frame::WIDE, 1400.0];
const SPACINGS: [Spacing; 3] = [Spacing::Linear, Spacing::FromZero, Spacing::Log];

fn check_all(values: &[f64]) {
    for width in WIDTHS {
        for spacing in SPACINGS {
            check(&bars_of(values, spacing, width));
            check(&lines_of(values, spacing, width));
        }
        check(&percentiles_of(values, width));
        check(&strip_of(values, 3, width));
        check(&waterfall_of(values, width));
    }
}

#[test]
fn usual_values_are_drawn_inside_the_drawing() {
    check_all(&[12.0, 3.4, 150.0, 7.0, 0.2, 88.0, 41.0, 1200.0]);
}

#[test]
fn unusual_values_are_drawn_too() {
    check_all(&[]);
    check_all(&[0.0]);
    check_all(&[5.0]);
    check_all(&[f64::NAN, f64::NAN]);
    let extremes = [-1.0, f64::INFINITY, f64::MAX, f64::MIN_POSITIVE];
    check_all(&[&[0.0], &extremes[..], &[1e-300]].concat());
    check_all(&[1e9; 12]);
}

#[test]
fn the_same_data_draw_the_same_bytes() {
    let values = [12.0, 3.4, 150.0, 7.0, 88.0];
    for spacing in SPACINGS {
        let draw = || [bars_of, lines_of].map(|of| of(&values, spacing, 880.0));
        assert_eq!(draw(), draw());
    }
    assert_eq!(strip_of(&values, 9, 880.0), strip_of(&values, 9, 880.0));
}

#[test]
fn the_names_at_the_ends_of_lines_do_not_overlap() {
    let texts = check(&lines_of(&[12.0, 3.4, 150.0], Spacing::FromZero, 880.0));
    let names: Vec<_> = texts.iter().filter(|(class, ..)| *class == "l").collect();
    assert_eq!(names.len(), 13);
    for (at, a) in names.iter().enumerate() {
        for b in &names[..at] {
            assert!((a.3 - b.3).abs() >= 19.0, "{} and {}", a.3, b.3);
        }
    }
}

#[test]
fn labels_of_ticks_do_not_overlap() {
    for width in WIDTHS {
        for spacing in SPACINGS {
            for values in [[1.0, 1e6], [3.0, 4.0], [1e-9, 1e40], [99_999.0, 100_001.0]] {
                let texts = check(&lines_of(&values, spacing, width));
                let ticks: Vec<_> = texts.iter().filter(|(class, ..)| *class == "t").collect();
                for (at, a) in ticks.iter().enumerate() {
                    for b in &ticks[..at] {
                        let apart = a.2 <= b.1 || b.2 <= a.1 || (a.3 - b.3).abs() >= 13.0;
                        let of = (width, spacing, values);
                        assert!(apart, "{a:?} and {b:?} of {of:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_strip_is_small_however_many_slices_there_are() {
    for step in [0.5, 7.3] {
        let busy: Vec<f64> = (0..50_000).map(|at| f64::from(at) * step).collect();
        let bytes = strip_of(&busy, 10, 880.0).inline().len();
        assert!(bytes < 150_000, "{bytes}");
    }
}

#[test]
fn a_strip_shows_what_took_most_of_a_pixel_and_work_before_waiting() {
    let slices = vec![
        ("wait", 0.0, 100.0, Some(1)),
        ("read", 50.0, 50.1, Some(1)),
        ("handle", f64::NAN, 3.0, Some(1)),
        ("handle", 5.0, 2.0, Some(1)),
        ("handle", 1e9, 2e9, Some(1)),
    ];
    let drawing = strip_with(&[("p", "t", slices)], 100.0, 880.0).inline();
    let classes = ["s1 slice", "s2 slice", "s4 slice", "c1 thin"];
    let counts = classes.map(|class| drawing.matches(class).count());
    assert_eq!(counts, [1, 0, 1, 1], "{drawing}");
}

#[test]
fn a_waterfall_has_a_bar_for_each_stage_that_takes_time() {
    let row = |moments, connection| Transfer {
        name: "/".to_owned(),
        note: String::new(),
        moments,
        connection,
    };
    let rows = [
        row([0.0, 10.0, 20.0, 60.0, 100.0], 1),
        row([20.0, 50.0, 50.0, 60.0, 60.0], 10),
    ];
    let drawing = waterfall_with(&rows, 880.0).inline();
    let bars = |kind| drawing.matches(&format!("<rect class=\"{kind}\"")).count();
    // One more of each is in the legend: queued, connecting, waiting, receiving.
    assert_eq!(
        ["s4", "s2", "s3", "s1"].map(bars),
        [3, 2, 3, 2],
        "{drawing}"
    );
    let lines = ["c1 thin", "c2 thin"].map(|line| drawing.matches(line).count());
    assert_eq!(lines, [1, 1]);
    check(&waterfall_with(&rows, 880.0));
}

#[test]
fn a_page_can_tell_what_each_thread_did() {
    let slices = vec![("read", 0.0, 40.0, Some(1)), ("wait", 40.0, 100.0, None)];
    let lanes = [("p", "t", slices.clone()), ("q", "\"u\"", slices)];
    for width in WIDTHS {
        let drawing = strip_with(&lanes, 100.0, width);
        let inline = drawing.inline();
        let document = roxmltree::Document::parse(&inline).unwrap();
        let all = |name| {
            document
                .descendants()
                .filter_map(move |it| it.attribute(name))
        };
        assert_eq!(all("data-lane").collect::<Vec<_>>(), ["p · t", "q · \"u\""]);
        let parts = |kind: &str| all("data-s").filter(|it| *it == kind).count();
        // Reading, waiting, the connection; each has a stroke in both lanes and its name in the legend. Accepting has the name.
        assert_eq!(["1", "4", "6", "0"].map(parts), [3, 3, 3, 1]);
        let values: Vec<_> = drawing.values().unwrap().split('\n').collect();
        assert_eq!(values[..2], ["accept", "read"]);
        assert_eq!(values[KINDS.len()], "time");
        assert_eq!(values[KINDS.len() + 1], "0.3125 µs");
        assert!(!drawing.file().contains("data-"));
    }
    assert_eq!(strip_with(&[], 100.0, 880.0).values(), None);
    assert_eq!(strip_with(&lanes, f64::NAN, 880.0).values(), None);
}

#[test]
fn a_report_of_five_hundred_cells_has_room_for_its_charts() {
    let values: Vec<f64> = (1..=13).map(f64::from).collect();
    let of = |width| bars_of(&values, Spacing::FromZero, width).inline().len();
    // 500 cells are 39 charts of 13 models, each for a wide and for a narrow screen.
    let bytes = 39 * (of(Frame::WIDE) + of(Frame::PHONE));
    assert!(bytes < 900_000, "{bytes}");
}

#[test]
fn a_line_that_ends_early_is_not_drawn_to_the_far_edge() {
    let of = |xs: &[f64]| {
        let samples = xs.iter().map(|&x| Sample::new(x, 5.0));
        series("name".to_owned(), 1, samples)
    };
    let leaders = |series: &[Series]| {
        let (x, y) = (axis(Spacing::Log), axis(Spacing::Log));
        let drawing = lines_with(series, x, y, Frame::WIDE).file();
        drawing.matches("leader").count()
    };
    let whole = || of(&[1.0, 10.0, 100.0]);
    let one = leaders(&[whole()]);
    assert_eq!(leaders(&[whole(), of(&[1.0])]), one);
    assert_eq!(leaders(&[whole(), of(&[1.0, 10.0])]), one);
    assert_eq!(leaders(&[whole(), whole()]), one + 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_drawing_of_any_numbers_is_well_formed(
        values in proptest::collection::vec(
            prop_oneof![any::<f64>(), -1e6..1e6f64, 0.0..1.0f64, Just(0.0), Just(f64::NAN)], 0..12
        )
    ) {
        check_all(&values);
    }

    #[test]
    fn at_any_width_no_text_is_clipped(width in any::<f64>(), narrow in 0.0..2000.0f64) {
        for width in [width, narrow] {
            check(&bars_of(&[1.0, 20.0, 300.0, 7.0, 1.0], Spacing::Log, width));
            check(&lines_of(&[1.0, 20.0, 300.0], Spacing::Linear, width));
            check(&strip_of(&[1.0, 2000.0, 30_000.0], 5, width));
        }
    }
}
