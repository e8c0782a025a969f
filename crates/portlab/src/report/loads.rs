//! Reports on loads.

use anyhow::bail;
use portlab_report::{Document, load_csv, load_failures};
use portlab_stats::load::LoadRecord;
use portlab_words::{Lang, tr};

use super::{Args, Format};
use crate::{
    Verdict,
    args::{self, BAD, lang},
};

/// Reports on one load.
pub(super) fn one(
    args: &Args,
    record: &LoadRecord,
    format: Format,
    lang: Lang,
) -> anyhow::Result<Verdict> {
    if args.fail_over.is_some() {
        bail!(tr!(
            "--fail-over needs something to compare with: add the JSON of a later load",
            "--fail-over 需要比较的对象：请再给出后一次负载测试的 JSON"
        ));
    }
    let document = Document::of_load(record, lang);
    if let Some(dir) = &args.charts {
        return super::write_these(&document.charts(), dir, args.png);
    }
    let report = match format {
        Format::Csv => load_csv(record),
        _ => written(&document, format),
    };
    super::print(args, format, &report)?;
    Ok(Verdict::Fine)
}

/// Reports on what has changed between two loads, and judges that if `--fail-over` was given.
pub(super) fn two(
    args: &Args,
    before: &LoadRecord,
    now: &LoadRecord,
    format: Format,
) -> anyhow::Result<Verdict> {
    if format == Format::Csv {
        bail!(tr!(
            "a report on two loads is text, md or html; add --format md",
            "两次负载测试的报告有 text、md 和 html 三种格式；请加上 --format md"
        ));
    }
    let document = Document::of_two_loads(before, now, lang());
    super::print(args, format, &written(&document, format))?;
    let Some(bar) = args.fail_over else {
        return Ok(Verdict::Fine);
    };
    let failures = match load_failures(before, now, bar, lang()) {
        Ok(failures) => failures,
        Err(why) => bail!(why),
    };
    for failure in &failures {
        let head = lang().pick("failed:", "失败：");
        let what = failure.strip_prefix(head).unwrap_or(failure);
        crate::tell!("{BAD}{head}{BAD:#}{what}");
    }
    Ok(match failures.is_empty() {
        true => Verdict::Fine,
        false => Verdict::Failed,
    })
}

/// `document` in `format`.
fn written(document: &Document, format: Format) -> String {
    match format {
        Format::Md => document.markdown(),
        Format::Html => document.html(),
        Format::Text | Format::Csv => document.text(args::terminal_width()),
    }
}
