//! `portlab models`: the concurrency models, and what there is to know of each.

use std::io::Write;

use anyhow::Context;
use portlab_backends::{Capacity, MODELS, Sheet, Workers, find, measured, textbook};
use serde_json::json;
use textwrap::wrap;

use crate::{
    Verdict,
    args::{self, DIM, HEAD},
    output,
};

/// List the concurrency models, or print one's fact sheet
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  portlab models\n  portlab models event-loop\n  portlab models event-loop --code"
)]
pub(crate) struct Args {
    /// Print this model's fact sheet
    #[arg(value_name = "NAME", value_parser = args::model_parser(), hide_possible_values = true)]
    name: Option<String>,

    /// As JSON
    #[arg(long)]
    json: bool,

    /// Print the model's textbook twin: the same model by hand, a program of a page
    #[arg(long, requires = "name", conflicts_with = "json")]
    code: bool,

    /// As a page in Markdown, which is docs/models.md
    #[arg(long, conflicts_with_all = ["name", "json", "code"])]
    markdown: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Verdict> {
    let chosen = match &args.name {
        Some(name) => Some(
            find(name)
                .context("clap let an unknown model pass")?
                .sheet(),
        ),
        None => None,
    };
    let mut out = output::stdout();
    if args.markdown {
        write!(out, "{}", page())?;
        return Ok(Verdict::Fine);
    }
    if args.code {
        let twin = chosen.and_then(textbook::twin);
        let twin = twin.context("a model without a textbook twin passed the tests")?;
        write!(out, "{}", twin.source)?;
        return Ok(Verdict::Fine);
    }
    let width = args::prose_width();
    match (chosen, args.json) {
        (Some(sheet), true) => output::print_json(&as_json(sheet))?,
        (Some(sheet), false) => print_sheet(&mut out, sheet, width)?,
        (None, true) => {
            let all: Vec<_> = MODELS.iter().map(|model| as_json(model.sheet())).collect();
            output::print_json(&all)?;
        }
        (None, false) => print_list(&mut out, width)?,
    }
    Ok(Verdict::Fine)
}

fn print_list(out: &mut impl Write, width: usize) -> std::io::Result<()> {
    writeln!(
        out,
        "{HEAD}{:<13} {:<13} {:<47}{HEAD:#}",
        "model", "family", "the field's term"
    )?;
    for sheet in MODELS.iter().map(|model| model.sheet()) {
        writeln!(
            out,
            "{HEAD}{:<13}{HEAD:#} {:<13} {}",
            sheet.name, sheet.family, sheet.term
        )?;
        for line in wrap(
            &format!("blocks {}", sheet.blocks),
            width.saturating_sub(14),
        ) {
            writeln!(out, "{:<13} {DIM}{line}{DIM:#}", "")?;
        }
    }
    writeln!(
        out,
        "\nMore on one:  portlab models NAME      Side by side:  portlab compare"
    )
}

fn print_sheet(out: &mut impl Write, sheet: &Sheet, width: usize) -> std::io::Result<()> {
    writeln!(out, "{HEAD}{}{HEAD:#}  {}", sheet.name, sheet.term)?;
    for (name, fact) in facts(sheet) {
        let mut lines = wrap(&fact, width.saturating_sub(22)).into_iter();
        writeln!(
            out,
            "  {DIM}{name:<18}{DIM:#}  {}",
            lines.next().unwrap_or_default()
        )?;
        for line in lines {
            writeln!(out, "  {:<18}  {line}", "")?;
        }
    }
    writeln!(
        out,
        "\nIts code: crates/portlab-backends/src/models/{}.rs\nBy hand:  portlab models {1} --code\n\
         Try it:   portlab serve --model {1}",
        sheet.file(),
        sheet.name
    )
}

/// What a sheet says, in the order in which it is read.
fn facts(sheet: &Sheet) -> impl Iterator<Item = (&'static str, String)> {
    let measured = measured::told(sheet.name);
    let facts = [
        ("idea", sheet.idea.to_owned()),
        ("family", sheet.family.to_string()),
        ("blocks", sheet.blocks.to_owned()),
        ("a connection costs", sheet.cost.to_owned()),
        ("measured", measured.unwrap_or_default()),
        ("breaks first", sheet.breaks_first.to_owned()),
        ("serves at once", serves(sheet)),
        ("workers", workers(sheet)),
        ("teaches", sheet.teaches.to_owned()),
        ("read on", sheet.source.to_owned()),
    ];
    facts.into_iter().filter(|(_, fact)| !fact.is_empty())
}

/// The page of all models.
fn page() -> String {
    let mut page =
        "# The models\n\nGenerated from their sheets; a test fails when it is stale. Renew it \
                    with\n`PORTLAB_RENEW=1 cargo test --test house`.\n\n\
                    | name | family | the field's term |\n|---|---|---|\n"
            .to_owned();
    let sheets = || MODELS.iter().map(|model| model.sheet());
    for sheet in sheets() {
        page += &format!(
            "| [`{0}`](#{0}) | {1} | {2} |\n",
            sheet.name, sheet.family, sheet.term
        );
    }
    for sheet in sheets() {
        let file = sheet.file();
        page += &format!("\n## {}\n\n", sheet.name);
        for (name, fact) in facts(sheet) {
            page += &format!("- **{name}**: {fact}\n");
        }
        page += &format!(
            "\n[{file}.rs](../crates/portlab-backends/src/models/{file}.rs) tells its story; \
             [the textbook twin](../crates/portlab-backends/src/textbook/{file}.rs) shows it on a page.\n"
        );
    }
    page
}

fn serves(sheet: &Sheet) -> String {
    match sheet.serves {
        Capacity::One => "one connection".to_owned(),
        Capacity::Workers => "one connection per worker".to_owned(),
        Capacity::Open => "as many as the machine carries".to_owned(),
    }
}

fn workers(sheet: &Sheet) -> String {
    match sheet.workers {
        Workers::None => "none to bound".to_owned(),
        Workers::Fixed(count) => format!("{count} unless --workers says otherwise"),
        Workers::PerCore => "one per core unless --workers says otherwise".to_owned(),
        Workers::Runtime => "one per core unless --runtime-threads says otherwise".to_owned(),
    }
}

fn as_json(sheet: &Sheet) -> serde_json::Value {
    let default_workers = match sheet.workers {
        Workers::None => json!(null),
        Workers::Fixed(count) => json!(count),
        Workers::PerCore | Workers::Runtime => json!("per-core"),
    };
    let serves = match sheet.serves {
        Capacity::One => "one",
        Capacity::Workers => "workers",
        Capacity::Open => "open",
    };
    json!({
        "name": sheet.name,
        "family": sheet.family.to_string(),
        "term": sheet.term,
        "idea": sheet.idea,
        "blocks": sheet.blocks,
        "cost": sheet.cost,
        "measured": measured::of(sheet.name).collect::<std::collections::BTreeMap<_, _>>(),
        "breaks_first": sheet.breaks_first,
        "teaches": sheet.teaches,
        "source": sheet.source,
        "default_workers": default_workers,
        "serves_at_once": serves,
        "survives_blocking": sheet.survives_blocking,
    })
}
