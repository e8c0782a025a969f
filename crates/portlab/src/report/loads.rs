//! Reports on loads.

use anyhow::bail;
use portlab_report::{Document, load_csv};
use portlab_stats::load::LoadRecord;
use portlab_words::{Lang, tr};

use super::{Args, Format};
use crate::{Verdict, args};

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

/// `document` in `format`.
fn written(document: &Document, format: Format) -> String {
    match format {
        Format::Md => document.markdown(),
        Format::Html => document.html(),
        Format::Text | Format::Csv => document.text(args::terminal_width()),
    }
}
