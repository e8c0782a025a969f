//! The picture of the lesson on HTTP messages, drawn from the record that `benches/waterfall.py` has written.

use std::{fs, path::Path};

use libtest_mimic::Failed;
use portlab_chart::{Axis, Frame, Spacing, Transfer, Waterfall, waterfall};
use portlab_words::Lang;
use serde::Deserialize;

use crate::{check, pages::fresh};

/// What `benches/waterfall.py` has written.
#[derive(Deserialize)]
struct Record {
    requests: Vec<Request>,
}

/// A request; the moments are milliseconds since the first.
#[derive(Deserialize)]
struct Request {
    path: String,
    range: Option<String>,
    status: u16,
    #[serde(rename = "type")]
    kind: String,
    bytes: u64,
    connection: usize,
    start_ms: f64,
    connect_ms: Option<f64>,
    send_ms: f64,
    head_ms: f64,
    end_ms: f64,
}

impl Request {
    fn transfer(&self) -> Transfer {
        let range = self.range.as_deref().unwrap_or_default();
        let name = format!("{} {}", self.path, range.trim_start_matches("bytes="));
        let kind = self.kind.rsplit('/').next().unwrap_or_default();
        let size = match self.bytes {
            bytes @ ..1000 => format!("{bytes} B"),
            bytes => format!("{:.0} kB", bytes as f64 / 1000.0),
        };
        Transfer {
            name: name.trim_end().to_owned(),
            note: format!("{} · {kind} · {size}", self.status),
            moments: [
                self.start_ms,
                self.connect_ms.unwrap_or(self.send_ms),
                self.send_ms,
                self.head_ms,
                self.end_ms,
            ],
            connection: self.connection,
        }
    }
}

/// The drawings are fresh, and the record shows what the lesson says about them.
pub(crate) fn the_waterfall_is_drawn_from_its_record() -> Result<(), Failed> {
    let images = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/images");
    let record = fs::read_to_string(images.join("waterfall.json"))?;
    let Record { requests } = serde_json::from_str(&record)?;
    for lang in Lang::ALL {
        let file = images.join(format!("waterfall.{lang}.svg"));
        fresh(&file, &drawing(&requests, lang))?;
    }
    is_as_described(&requests)
}

fn drawing(requests: &[Request], lang: Lang) -> String {
    let rows: Vec<_> = requests.iter().map(Request::transfer).collect();
    let label = lang.pick("time since the first request", "从第一个请求开始的时间");
    let key = lang.pick(
        [
            "waits for a connection or its turn",
            "connecting",
            "waiting for the first byte",
            "receiving",
            "which connection",
        ],
        [
            "等连接，等轮到自己",
            "建立连接",
            "等第一个字节",
            "接收",
            "用的是哪个连接",
        ],
    );
    let frame = Frame {
        id: "waterfall",
        title: lang.pick("A page load in Chromium", "Chromium 加载一张网页"),
        description: lang.pick(
            "A row for each request, with bars for its stages",
            "每个请求一行，每个阶段一条",
        ),
        width: Frame::WIDE,
    };
    let axis = Axis::new(label, Spacing::Linear, |ms| format!("{ms:.0} ms"));
    let rows = &rows;
    waterfall(&frame, &Waterfall { rows, axis, key }).file()
}

/// Fails unless the requests are those that the lesson describes.
fn is_as_described(requests: &[Request]) -> Result<(), Failed> {
    let paths: Vec<_> = requests.iter().map(|it| it.path.as_str()).collect();
    check(requests.len() == 10, "not ten requests")?;
    check(paths.contains(&"/照片 一.png"), "no Chinese name")?;
    let is_in_order = paths[0] == "/" && paths[9] == "/favicon.ico";
    check(is_in_order, "the page isn't first, or the favicon last")?;
    let is_alone = requests[1..]
        .iter()
        .all(|it| it.start_ms > requests[0].head_ms);
    check(is_alone, "the page isn't alone at first")?;
    let is_missing = requests.iter().any(|it| it.status == 404);
    check(is_missing, "no picture is missing")?;
    let of_video = requests.iter().filter(|it| it.kind == "video/mp4");
    let ranges = of_video.map(|it| it.range.as_deref().filter(|_| it.status == 206));
    let ranges = ranges.map(|it| it?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    let ranges: Vec<Option<u64>> = ranges.collect();
    let [Some(0), Some(end), Some(rest)] = ranges[..] else {
        return Err(format!("the video isn't in three pieces: {ranges:?}").into());
    };
    check(0 < rest && rest < end, "the end isn't the second piece")?;
    let is_used_again = requests.iter().filter(|it| it.connect_ms.is_none()).count() > 2;
    check(is_used_again, "no connection is used again")
}
