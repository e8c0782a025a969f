//! The models, the machine, the timelines.

use maud::{Markup, html};
use portlab_chart::{Axis, Frame, Lane, Slice, Spacing, Strip, strip};
use portlab_stats::record::{self, Kind, Pinning, Record, Timeline};
use portlab_words::{Lang, Text, tr, units::nanos};

use super::Report;
use crate::{
    notes::{
        Notes,
        names::{Field, together},
        sheets,
    },
    page::{self, Sheet},
};

static MACHINE: Text = Text::new("machine", "机器");
static KERNEL: Text = Text::new("kernel", "内核");
static DATE: Text = Text::new("measured", "测量时间");
static ROUNDS: Text = Text::new("rounds", "轮数");
static MEASUREMENTS: Text = Text::new("measurements", "测量次数");
static PINNED: Text = Text::new("pinning", "绑核");
static FILES: Text = Text::new("open files", "打开文件上限");
static BACKLOG: Text = Text::new("accept queue", "连接队列上限");
static PORTS: Text = Text::new("outgoing ports", "出站端口范围");
static VERSION: Text = Text::new("portlab", "portlab");
static SEED: Text = Text::new("seed", "随机种子");
static INCOMPLETE: Text = Text::new("ended early", "提前结束");

/// The key facts beneath the title.
pub(super) fn chips(notes: &Notes) -> Vec<(&'static str, String)> {
    let (record, lang) = (notes.record, notes.lang);
    let environment = &record.environment;
    let cores = match lang {
        Lang::En => format!("{}, {} cores", environment.cpu, environment.cores),
        Lang::Zh => format!("{}，{} 核", environment.cpu, environment.cores),
    };
    let mut chips = vec![
        (DATE.pick(lang), notes.heading.date.clone()),
        (MACHINE.pick(lang), cores),
        (ROUNDS.pick(lang), record.setup.rounds.to_string()),
        (MEASUREMENTS.pick(lang), record.measured().to_string()),
    ];
    if !record.complete {
        chips.push(("!", INCOMPLETE.pick(lang).to_owned()));
    }
    chips
}

pub(super) fn footer(record: &Record, lang: Lang) -> String {
    match lang {
        Lang::En => format!(
            "portlab {}; every sentence and every chart follows from results.json alone.",
            record.portlab_version
        ),
        Lang::Zh => format!(
            "portlab {}；每句话、每张图都只由 results.json 得出。",
            record.portlab_version
        ),
    }
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
            match lang {
                Lang::En => format!("server on cpu {server}, generator on cpu {generator}"),
                Lang::Zh => format!("服务器在 cpu {server}，负载生成器在 cpu {generator}"),
            }
        }
        Pinning::Together(why) => match lang {
            Lang::En => format!("none: {}", together(why).en),
            Lang::Zh => format!("无：{}", together(why).zh),
        },
    }
}

/// Where it was measured.
pub(super) fn machine(notes: &Notes) -> Markup {
    let (record, lang) = (notes.record, notes.lang);
    let environment = &record.environment;
    let pinning = pinning(record, lang);
    let mut facts = vec![
        (
            MACHINE.pick(lang),
            format!("{} × {}", environment.cores, environment.cpu),
        ),
        (KERNEL.pick(lang), environment.kernel.clone()),
        (PINNED.pick(lang), pinning),
        (FILES.pick(lang), environment.open_files_limit.to_string()),
        (BACKLOG.pick(lang), environment.somaxconn.to_string()),
        (
            PORTS.pick(lang),
            format!(
                "{}–{}",
                environment.port_range_first, environment.port_range_last
            ),
        ),
        (VERSION.pick(lang), record.portlab_version.clone()),
        (DATE.pick(lang), notes.heading.date.clone()),
        (SEED.pick(lang), record.setup.seed.to_string()),
    ];
    for entrant in &record.entrants {
        if let Kind::Foreign { command } = &entrant.kind {
            facts.push((FOREIGN.pick(lang), format!("{}: {command}", entrant.name)));
        }
    }
    let facts: Vec<_> = facts
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    page::facts(&facts)
}

static FOREIGN: Text = Text::new("foreign server", "外部服务器");

/// The fact sheets of the models that take part.
pub(super) fn sheets(report: &Report) -> Markup {
    let (record, lang) = (report.notes.record, report.notes.lang);
    let known: Vec<_> = record
        .entrants
        .iter()
        .filter(|entrant| entrant.kind == Kind::Model)
        .filter_map(|entrant| {
            let recorded = entrant.sheet.as_ref()?;
            Some((&entrant.name, sheets::facts(&entrant.name, recorded, lang)))
        })
        .collect();
    let titles = [Field::Blocks, Field::Cost, Field::BreaksFirst].map(Field::title);
    let facts: Vec<_> = known
        .iter()
        .map(|(_, facts)| {
            [
                (titles[0].pick(lang), facts.blocks.as_str()),
                (titles[1].pick(lang), facts.cost.as_str()),
                (titles[2].pick(lang), facts.breaks_first.as_str()),
            ]
        })
        .collect();
    let sheets: Vec<Sheet> = known
        .iter()
        .zip(&facts)
        .map(|((name, sheet), facts)| Sheet {
            name,
            style: report.palette.style(name),
            family: &sheet.family,
            term: &sheet.term,
            idea: &sheet.idea,
            facts,
        })
        .collect();
    page::sheets(&sheets)
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
    page::figure(&heading, &wide, Some(&narrow), &caption)
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
