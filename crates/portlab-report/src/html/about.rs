//! The models and the machine.

use maud::{Markup, PreEscaped, html};
use portlab_stats::record::{Environment, Kind, Pinning, Record};
use portlab_words::{Lang, Text, tr};

use super::Report;
use crate::notes::{Notes, names::together};

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
                "服务端在 cpu {server}，负载生成器在 cpu {generator}"
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
            lang.pick("accept queue", "accept 队列上限"),
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
            let name = lang.pick("foreign server", "外部服务端");
            facts.push((name, format!("{}: {command}", entrant.name)));
        }
    }
    html! {
        dl.facts { @for (name, value) in facts { div { dt { (name) } dd { (value) } } } }
    }
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
                        dt { (lang.pick("breaks first", "最先到极限的")) } dd { (facts.breaks_first.pick(lang)) }
                    }
                }
            }
        }
    }
}
