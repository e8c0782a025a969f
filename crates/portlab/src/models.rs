//! `portlab models`: the concurrency models, and the fact sheet of each.

use std::{collections::BTreeMap, io::Write};

use anstyle::Style;
use clap::builder::TypedValueParser;
use portlab_backends::{MODELS, Serves, Sheet, Workers, find, measured, textbook};
use portlab_words::{
    Lang, Text, tr,
    wrap::{Lead, hang},
};
use serde_json::{Value, json};

use crate::{
    Verdict,
    args::{self, DIM, HEAD, lang},
    output,
};

/// List the concurrency models, or print one's fact sheet
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  portlab models\n  portlab models event-loop\n  portlab models event-loop --code"
)]
pub(crate) struct Args {
    /// Print this model's fact sheet
    #[arg(value_name = "NAME", value_parser = args::model_parser().map(sheet), hide_possible_values = true)]
    name: Option<&'static Sheet>,

    /// Print JSON
    #[arg(long)]
    json: bool,

    /// Print the model's textbook twin: the same model by hand, a program of one page
    #[arg(long, requires = "name", conflicts_with = "json")]
    code: bool,

    /// Print the page docs/models.md, in Markdown
    #[arg(long, conflicts_with_all = ["name", "json", "code"])]
    markdown: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Verdict> {
    let sheets = MODELS.iter().map(|model| model.sheet());
    let (lang, width) = (lang(), args::prose_width());
    let text = match args.name {
        _ if args.markdown => page(lang),
        Some(sheet) if args.json => {
            output::print_json(&as_json(sheet))?;
            return Ok(Verdict::Fine);
        }
        None if args.json => {
            output::print_json(&sheets.map(as_json).collect::<Vec<_>>())?;
            return Ok(Verdict::Fine);
        }
        // tests/house.rs: every model has a twin.
        Some(sheet) if args.code => {
            textbook::twin(sheet).map_or_else(String::new, |it| it.source.to_owned())
        }
        Some(sheet) => one(sheet, lang, width),
        None => list(lang, width),
    };
    write!(output::stdout(), "{text}")?;
    Ok(Verdict::Fine)
}

fn sheet(name: String) -> &'static Sheet {
    let model = find(&name).expect("the parser takes names of the table only");
    model.sheet()
}

fn list(lang: Lang, width: usize) -> String {
    let row = |[name, family]: [&str; 2], style, text: &str| {
        let leads = [Lead::new(name, HEAD, NAME), Lead::new(family, style, NAME)];
        hang(&leads, text, width)
    };
    let heads = lang.pick(["model", "family"], ["模型", "类别"]);
    let term = lang.pick("the field's term", "业内的叫法");
    let mut text = row(heads, HEAD, &format!("{HEAD}{term}{HEAD:#}"));
    for sheet in MODELS.iter().map(|model| model.sheet()) {
        let family = sheet.family.pick(lang);
        text += &row([sheet.name, family], Style::new(), sheet.term.pick(lang));
        let blocks = sheet.blocks.pick(lang);
        let blocks = tr!(lang, "{DIM}blocks {blocks}{DIM:#}", "{DIM}{blocks}{DIM:#}");
        text += &hang(&[Lead::new("", DIM, NAME)], &blocks, width);
    }
    let more = lang.pick(
        "More on one:  portlab models NAME      Side by side:  portlab compare",
        "一个模型的资料：portlab models 名称      并排比较：portlab compare",
    );
    text + "\n" + &hang(&[], more, width)
}

fn one(sheet: &Sheet, lang: Lang, width: usize) -> String {
    let (name, file) = (sheet.name, sheet.file());
    let head = Lead::new(name, HEAD, name.len());
    let mut text = hang(&[head], sheet.term.pick(lang), width);
    for (title, fact) in facts(sheet, lang) {
        text += &hang(
            &[Lead::new("", DIM, 0), Lead::new(title, DIM, TITLE)],
            &fact,
            width,
        );
    }
    text.push('\n');
    // The path is in two parts, so that it fits into a narrow terminal.
    let folder = "crates/portlab-backends/src/models";
    let code = tr!(lang, "{file}.rs in {folder}", "{folder} 里的 {file}.rs");
    let (twin, serve) = (
        format!("portlab models {name} --code"),
        format!("portlab serve --model {name}"),
    );
    let titles = lang.pick(
        ["source code:", "by hand:", "try it:"],
        ["源代码：", "手写版：", "试一试："],
    );
    for (title, rest) in titles.into_iter().zip([code, twin, serve]) {
        text += &hang(&[Lead::new(title, Style::new(), CODE)], &rest, width);
    }
    text
}

/// The widths of the columns of names, of the titles of facts, and of those of the last lines.
const NAME: usize = 12;
const TITLE: usize = 18;
const CODE: usize = 12;

/// What a sheet says, in the order in which it is read.
fn facts(sheet: &Sheet, lang: Lang) -> impl Iterator<Item = (&'static str, String)> {
    let hub = match &sheet.hub {
        Ok(place) => place.pick(lang).to_owned(),
        Err(why) => format!("{}{}", lang.pick("none: ", "没有："), why.pick(lang)),
    };
    let text = |text: &Text| text.pick(lang).to_owned();
    let [cost, breaks_first] = [&sheet.cost, &sheet.breaks_first].map(text);
    let at_once = text(&serves(sheet));
    let measured = measured::in_words(sheet.name, lang);
    let facts = [
        (lang.pick("idea", "思路"), text(&sheet.idea)),
        (lang.pick("family", "类别"), text(&sheet.family)),
        (lang.pick("blocks", "会卡住谁"), text(&sheet.blocks)),
        (lang.pick("a connection costs", "一个连接的代价"), cost),
        (lang.pick("measured", "实测"), measured.unwrap_or_default()),
        (lang.pick("breaks first", "最先到极限的"), breaks_first),
        (lang.pick("serves at once", "同时服务"), at_once),
        (lang.pick("workers", "工作者"), workers(sheet, lang)),
        (lang.pick("the hub", "共享数据放在"), hub),
        (lang.pick("teaches", "能学到什么"), text(&sheet.teaches)),
        (lang.pick("read on", "延伸阅读"), sheet.source.to_owned()),
    ];
    facts.into_iter().filter(|(_, fact)| !fact.is_empty())
}

/// The page of all models.
fn page(lang: Lang) -> String {
    let mut page = lang
        .pick(
            "# The models\n\nGenerated from the models' sheets; a test fails if this page is stale. Renew it with\n\
             `PORTLAB_RENEW=1 cargo test --test house`.\n\n\
             | name | family | the field's term |\n|---|---|---|\n",
            "# 模型\n\n由各个模型的资料生成。\n\n| 名称 | 类别 | 业内的叫法 |\n|---|---|---|\n",
        )
        .to_owned();
    let sheets = || MODELS.iter().map(|model| model.sheet());
    for Sheet {
        name, family, term, ..
    } in sheets()
    {
        let [family, term] = [family, term].map(|it| it.pick(lang));
        page += &format!("| [`{name}`](#{name}) | {family} | {term} |\n");
    }
    for sheet in sheets() {
        page += &format!("\n## {}\n\n", sheet.name);
        for (title, fact) in facts(sheet, lang) {
            page += &format!("- **{title}**: {fact}\n");
        }
        let file = sheet.file();
        page += &tr!(
            lang,
            "\n[{file}.rs](../crates/portlab-backends/src/models/{file}.rs) explains this model; \
             [its textbook twin](../crates/portlab-backends/src/textbook/{file}.rs) is a program of a page.\n",
            "\n[{file}.rs](../crates/portlab-backends/src/models/{file}.rs) 详细介绍这个模型；\
             [手写版](../crates/portlab-backends/src/textbook/{file}.rs) 是一页程序。\n"
        );
    }
    page
}

fn serves(sheet: &Sheet) -> Text {
    match sheet.serves {
        Serves::One => Text::new("one connection", "一个连接"),
        Serves::Workers => Text::new("one connection per worker", "每个工作者一个连接"),
        Serves::Open => Text::new("as many as the machine can hold", "机器能承受多少就是多少"),
    }
}

fn workers(sheet: &Sheet, lang: Lang) -> String {
    let (count, option) = match sheet.workers {
        Workers::None => {
            return lang
                .pick("none: --workers has no effect", "没有：--workers 不起作用")
                .to_owned();
        }
        Workers::Fixed(count) => (tr!(lang, "{count}", " {count} 个"), "--workers"),
        Workers::PerCore | Workers::Shards => (
            lang.pick("one per core", "每个核一个").to_owned(),
            "--workers",
        ),
        Workers::Runtime => (
            lang.pick("one per core", "每个核一个").to_owned(),
            "--runtime-threads",
        ),
    };
    tr!(
        lang,
        "{count}; {option} changes that",
        "默认{count}，可用 {option} 指定"
    )
}

/// A sheet for programs, in English.
fn as_json(sheet: &Sheet) -> Value {
    let default_workers = match sheet.workers {
        Workers::None => Value::Null,
        Workers::Fixed(count) => json!(count),
        Workers::PerCore | Workers::Shards | Workers::Runtime => json!("per-core"),
    };
    json!({
        "name": sheet.name,
        "family": sheet.family.en,
        "term": sheet.term.en,
        "idea": sheet.idea.en,
        "blocks": sheet.blocks.en,
        "cost": sheet.cost.en,
        "measured": measured::of(sheet.name).collect::<BTreeMap<_, _>>(),
        "breaks_first": sheet.breaks_first.en,
        "teaches": sheet.teaches.en,
        "source": sheet.source,
        "default_workers": default_workers,
        "serves_at_once": sheet.serves,
        "survives_blocking": sheet.survives_blocking,
    })
}
