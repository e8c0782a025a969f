//! Timelines: some milliseconds of each entrant at work.

use maud::{Markup, html};
use portlab_chart::{Axis, Lane, Spacing, Strip, strip};
use portlab_stats::record::{Record, Slice, Timeline};
use portlab_words::{Lang, Text, tr, units::nanos};

use super::charts::{Chart, drawn};

pub(super) fn timelines(record: &Record, lang: Lang) -> Markup {
    html! {
        div.prose { p { (LANES.pick(lang)) } }
        @for (at, timeline) in record.timelines.iter().enumerate() { (chart(timeline, at, lang).figure()) }
    }
}

fn chart<'a>(timeline: &'a Timeline, at: usize, lang: Lang) -> Chart {
    let slice = |it: &'a Slice| (&it.0[..], it.1, it.2, it.3);
    let lanes = timeline.tracks.iter().map(|track| {
        let slices = track.slices.iter().map(slice);
        (&track.process[..], &track.thread[..], slices.collect())
    });
    let lanes: Vec<Lane> = lanes.collect();
    let (model, workload) = (&timeline.model, &timeline.workload);
    let (connections, length) = (timeline.connections, nanos(timeline.length_us * 1e3));
    let heading = tr!(
        lang,
        "{model}, {connections} connections, {workload}: {length}",
        "{model}，{connections} 个连接，{workload}：{length}"
    );
    let more = match timeline.more_tracks {
        0 => String::new(),
        more => tr!(
            lang,
            "{more} more threads aren't shown. ",
            "另有 {more} 个线程未显示。"
        ),
    };
    let steps = timeline.in_steps.then_some(IN_STEPS.pick(lang));
    let caption = more + steps.unwrap_or_default();
    let time = lang.pick("time", "时间");
    drawn((format!("timeline-{at}"), heading), caption, |frame| {
        let chart = Strip {
            lanes: &lanes,
            length_us: timeline.length_us,
            axis: Axis::new(time, Spacing::Linear, |us| nanos(us * 1e3)),
            key: KEY.each_ref().map(|kind| kind.pick(lang)),
        };
        strip(frame, &chart)
    })
}

static LANES: Text = Text::new(
    "A lane is a thread, and its colour shows what the thread did. Without a colour, no activity was recorded.",
    "每条泳道是一个线程，颜色表示它在做什么；没有颜色的地方没有记录到活动。",
);
static IN_STEPS: Text = Text::new(
    "This thread did more than can be drawn: each step shows only its longest activity. The next chart shows \
     a shorter time.",
    "线程做的事太多，画不下：每一小段只显示耗时最长的那件事；下面放大一段来看。",
);
static KEY: [Text; 7] = [
    Text::new("accept", "接受连接"),
    Text::new("read", "读"),
    Text::new("handle", "处理"),
    Text::new("write", "写"),
    Text::new("wait", "等待"),
    Text::new("other", "其他"),
    Text::new("thin line: colour of the connection", "细线：连接的颜色"),
];
