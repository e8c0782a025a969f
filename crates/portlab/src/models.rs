//! `portlab models`: the concurrency models, and the fact sheet of each.

use std::{collections::BTreeMap, io::Write};

use anstyle::Style;
use anyhow::bail;
use portlab_backends::{
    Backend, Group, MODELS, Serves, Sheet, Workers, find, measured, models::of_group, textbook,
};
use portlab_words::{
    Lang, Text, tr,
    wrap::{Lead, hang},
};
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

use crate::{
    Verdict,
    args::{self, DIM, HEAD, lang},
    choice, output,
};

/// List the concurrency models, or print one's fact sheet
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  portlab models\n  portlab models event-loop\n  portlab models event-loop --code\n  portlab models @history"
)]
pub(crate) struct Args {
    /// Print this model's fact sheet, or list the models of a group, such as @history
    #[arg(value_name = "NAME", value_parser = args::model_parser(), hide_possible_values = true)]
    name: Option<String>,

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
    let (lang, width) = (lang(), args::prose_width());
    let name = args.name.as_deref();
    let one_model = name.and_then(find).map(Backend::sheet);
    let listed: Vec<_> = match name.and_then(choice::in_group) {
        Some(models) => models.map(Backend::sheet).collect(),
        None => MODELS.iter().map(|model| model.sheet()).collect(),
    };
    let text = match one_model {
        _ if args.markdown => page(lang),
        Some(sheet) if args.json => {
            output::print_json(&as_json(sheet))?;
            return Ok(Verdict::Fine);
        }
        None if args.json => {
            output::print_json(&listed.into_iter().map(as_json).collect::<Vec<_>>())?;
            return Ok(Verdict::Fine);
        }
        // tests/house.rs: every model has a twin.
        Some(sheet) if args.code => {
            textbook::twin(sheet).map_or_else(String::new, |it| it.source.to_owned())
        }
        None if args.code => bail!(tr!(
            "--code prints the program of one model; name a model instead of a group",
            "--code 显示一个模型的程序；请写模型的名字，不要写组名"
        )),
        Some(sheet) => one(sheet, lang, width),
        None => list(&listed, lang, width),
    };
    write!(output::stdout(), "{text}")?;
    Ok(Verdict::Fine)
}

fn list(sheets: &[&'static Sheet], lang: Lang, width: usize) -> String {
    let heads = lang.pick(["model", "family"], ["模型", "类别"]);
    let rows = sheets.iter().map(|it| [it.name, it.family.pick(lang)]);
    let columns = |at: usize| {
        let all = rows.clone().chain([heads]);
        all.map(|row| row[at].width()).max().unwrap_or(0)
    };
    let columns = [columns(0), columns(1)];
    let row = |texts: [&str; 2], styles: [Style; 2], text: &str| {
        let lead = |at: usize| Lead::new(texts[at], styles[at], columns[at]);
        hang(&[lead(0), lead(1)], text, width)
    };
    let term = lang.pick("the field's term", "业内的叫法");
    let mut text = row(heads, [HEAD, HEAD], &format!("{HEAD}{term}{HEAD:#}"));
    for sheet in sheets {
        let family = sheet.family.pick(lang);
        let styles = [HEAD, Style::new()];
        text += &row([sheet.name, family], styles, sheet.term.pick(lang));
        let blocks = sheet.blocks.pick(lang);
        let blocks = tr!(lang, "{DIM}blocks {blocks}{DIM:#}", "{DIM}{blocks}{DIM:#}");
        text += &hang(&[Lead::new("", DIM, columns[0])], &blocks, width);
    }
    let groups = lang.pick("Groups for --models:", "可以用在 --models 里的组：");
    text += &format!("\n{groups}\n");
    for group in Group::ALL {
        let lead = Lead::new(group.name(), HEAD, GROUP);
        text += &hang(&[lead], group.title().pick(lang), width);
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

/// The widths of the columns of groups, of the titles of facts, and of those of the last lines.
const GROUP: usize = 8;
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
        (lang.pick("groups", "所属的组"), groups(sheet).join(", ")),
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

/// The names of the groups that the model is in.
fn groups(sheet: &Sheet) -> Vec<&'static str> {
    sheet.groups.iter().map(|group| group.name()).collect()
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
    let heads = lang.pick("| group | models |", "| 组 | 模型 |");
    page += &format!("\n{heads}\n|---|---|\n");
    for group in Group::ALL {
        let models = of_group(*group).map(|it| it.sheet().name);
        let models = models.collect::<Vec<_>>().join(", ");
        page += &format!("| `{}` | {models} |\n", group.name());
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
        "groups": groups(sheet),
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
