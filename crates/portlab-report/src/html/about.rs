//! The models, the machine, the timelines.

use maud::{Markup, PreEscaped, html};
use portlab_chart::{Axis, Frame, Lane, Slice, Spacing, Strip, strip};
use portlab_stats::record::{self, Environment, Kind, Pinning, Record, Timeline};
use portlab_words::{Lang, Text, tr, units::nanos};

use super::Report;
use crate::{
    notes::{Notes, names::together},
    page,
};

/// The key facts beneath the title.
pub(super) fn chips(notes: &Notes) -> Vec<(&'static str, String)> {
    let (record, lang) = (notes.record, notes.lang);
    let Environment { cpu, cores, .. } = &record.environment;
    let mut chips = vec![
        (
            lang.pick("measured", "测量时间"),
            notes.heading.date.clone(),
        ),
        (
            lang.pick("machine", "机器"),
            tr!(lang, "{cpu}, {cores} cores", "{cpu}，{cores} 核"),
        ),
        (lang.pick("rounds", "轮数"), record.setup.rounds.to_string()),
        (
            lang.pick("measurements", "测量次数"),
            record.measured().to_string(),
        ),
    ];
    if !record.complete {
        chips.push(("!", tr!(lang, "ended early", "提前结束")));
    }
    chips
}

pub(super) fn footer(record: &Record, lang: Lang) -> String {
    let version = &record.portlab_version;
    tr!(
        lang,
        "portlab {version}; every sentence and every chart follows from results.json alone.",
        "portlab {version}；每句话、每张图都只由 results.json 得出。"
    )
}

/// Which processors server and generator had.
fn pinning(record: &Record, lang: Lang) -> String {
    let list = |cpus: &[usize]| {
        let cpus = cpus.iter().map(ToString::to_string);
        cpus.collect::<Vec<_>>().join(",")
    };
    match &record.environment.pinning {
        Pinning::Apart {
            server_cpus,
            generator_cpus,
        } => {
            let (server, generator) = (list(server_cpus), list(generator_cpus));
            tr!(
                lang,
                "server on cpu {server}, generator on cpu {generator}",
                "服务器在 cpu {server}，负载生成器在 cpu {generator}"
            )
        }
        Pinning::Together(why) => {
            let Text { en, zh } = together(why);
            tr!(lang, "none: {en}", "无：{zh}")
        }
    }
}

/// Where it was measured.
pub(super) fn machine(notes: &Notes) -> Markup {
    let (record, lang) = (notes.record, notes.lang);
    let Environment {
        kernel,
        cpu,
        cores,
        open_files_limit,
        somaxconn,
        port_range_first,
        port_range_last,
        ..
    } = &record.environment;
    let mut facts = vec![
        (lang.pick("machine", "机器"), format!("{cores} × {cpu}")),
        (lang.pick("kernel", "内核"), kernel.clone()),
        (lang.pick("pinning", "绑核"), pinning(record, lang)),
        (
            lang.pick("open files", "打开文件上限"),
            open_files_limit.to_string(),
        ),
        (
            lang.pick("accept queue", "连接队列上限"),
            somaxconn.to_string(),
        ),
        (
            lang.pick("outgoing ports", "出站端口范围"),
            format!("{port_range_first}–{port_range_last}"),
        ),
        ("portlab", record.portlab_version.clone()),
        (
            lang.pick("measured", "测量时间"),
            notes.heading.date.clone(),
        ),
        (lang.pick("seed", "随机种子"), record.setup.seed.to_string()),
    ];
    for entrant in &record.entrants {
        if let Kind::Foreign { command } = &entrant.kind {
            let name = lang.pick("foreign server", "外部服务器");
            facts.push((name, format!("{}: {command}", entrant.name)));
        }
    }
    page::facts(&facts)
}

/// The fact sheets of the models that take part, beside one another where there is room.
pub(super) fn sheets(report: &Report) -> Markup {
    let (record, lang) = (report.notes.record, report.notes.lang);
    let models = record.entrants.iter();
    let models = models.filter(|entrant| entrant.kind == Kind::Model);
    let known = models.filter_map(|it| Some((&it.name, it.sheet.as_ref()?)));
    html! {
        div.sheets {
            @for (name, facts) in known {
                @let style = report.palette.style(name);
                article class={ "sheet " (style.class()) } {
                    header {
                        h3 { (PreEscaped(style.swatch())) (name) }
                        span.family { (facts.family.pick(lang)) }
                    }
                    p.term { (facts.term.pick(lang)) }
                    p { (facts.idea.pick(lang)) }
                    dl {
                        dt { (lang.pick("blocks", "会卡住谁")) } dd { (facts.blocks.pick(lang)) }
                        dt { (lang.pick("a connection costs", "一个连接的代价")) } dd { (facts.cost.pick(lang)) }
                        dt { (lang.pick("breaks first", "最先撑不住的")) } dd { (facts.breaks_first.pick(lang)) }
                    }
                }
            }
        }
    }
}

/// Some milliseconds of each entrant at work.
pub(super) fn timelines(record: &Record, lang: Lang) -> Markup {
    html! {
        div.prose { p { (STRIPS.pick(lang)) } }
        @for (at, timeline) in record.timelines.iter().enumerate() {
            (timeline_of(timeline, at, lang))
        }
    }
}

static STRIPS: Text = Text::new(
    "A lane is a thread, and its colour shows what the thread did. Without a colour, no activity was recorded.",
    "每条泳道是一个线程，颜色表示它在做什么；没有颜色处没有记录到活动。",
);

static IN_STEPS: Text = Text::new(
    "This thread did more than can be drawn: each step shows only its longest activity. The next chart shows \
     a shorter time.",
    "线程做的事多得画不下：每一小段只显示耗时最长的那件事；下图放大来看。",
);

/// The most threads that a strip shows.
const MOST_LANES: usize = 10;

fn timeline_of(timeline: &Timeline, at: usize, lang: Lang) -> Markup {
    let slice = |slice: &record::Slice| Slice {
        kind: KINDS
            .iter()
            .position(|kind| kind.en == slice.0)
            .unwrap_or(KINDS.len() - 1),
        from_us: slice.1,
        to_us: slice.2,
        connection: slice.3,
    };
    let lanes = timeline.tracks.iter().take(MOST_LANES).map(|track| Lane {
        process: &track.process,
        thread: &track.thread,
        slices: track.slices.iter().map(slice).collect(),
    });
    let lanes: Vec<Lane> = lanes.collect();
    let Timeline {
        model,
        connections,
        workload,
        length_us,
        ..
    } = timeline;
    let length = nanos(length_us * 1e3);
    let heading = tr!(
        lang,
        "{model}, {connections} connections, {workload}: {length}",
        "{model}，{connections} 个连接，{workload}：{length}"
    );
    let mut caption = match timeline.more_tracks + timeline.tracks.len() - lanes.len() {
        0 => String::new(),
        more => tr!(
            lang,
            "{more} more threads aren't shown. ",
            "另有 {more} 个线程未显示。"
        ),
    };
    if timeline.in_steps {
        caption += IN_STEPS.pick(lang);
    }
    let draw = |suffix: &str, width: f64| {
        let frame = Frame {
            id: &format!("timeline-{at}-{suffix}"),
            title: &heading,
            description: &caption,
            width,
        };
        let chart = Strip {
            lanes: &lanes,
            length_us: *length_us,
            axis: Axis::new(lang.pick("time", "时间"), Spacing::Linear, |us| {
                nanos(us * 1e3)
            }),
            kinds: KINDS.each_ref().map(|kind| kind.pick(lang)),
            waiting: WAITING,
            connection: lang.pick("thin line: colour of the connection", "细线：连接的颜色"),
        };
        strip(&frame, &chart)
    };
    let (wide, narrow) = (draw("w", Frame::WIDE), draw("n", Frame::PHONE));
    page::figure(&heading, &wide, &narrow, &caption)
}

/// The kinds of slices by the names that a record has for them; the last stands for any other.
static KINDS: [Text; 6] = [
    Text::new("accept", "接受连接"),
    Text::new("read", "读"),
    Text::new("handle", "处理"),
    Text::new("write", "写"),
    Text::new("wait", "等待"),
    Text::new("other", "其他"),
];
const WAITING: usize = 4;
