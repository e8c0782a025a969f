//! The charts of a page as files of their own.

use std::{fs, path::Path};

use anyhow::{Context, bail};
use portlab_report::Notes;
use portlab_service::inert;
use portlab_stats::record::Record;
use portlab_sys::whole::write_whole;
use portlab_words::{Lang, tr};

use super::png::Painter;
use crate::{Verdict, args};

/// Writes each chart of `record` into the folder `dir`, which is made if need be, and names the files.
///
/// # Errors
/// When there is none, or a file can't be written; and for PNG, when the machine has no font or this build can't write
/// PNG.
pub(super) fn write(record: &Record, lang: Lang, dir: &Path, png: bool) -> anyhow::Result<Verdict> {
    let painter = png.then(Painter::new).transpose()?;
    let charts = portlab_report::charts(&Notes::of(record, lang));
    if charts.is_empty() {
        bail!(tr!(
            "there is no chart, because nothing was measured",
            "没有图表，因为没有测量结果"
        ));
    }
    fs::create_dir_all(dir).with_context(|| args::unwritten(dir))?;
    for chart in &charts {
        let svg = chart.wide.file();
        keep(&dir.join(format!("{}.svg", chart.name)), svg.as_bytes())?;
        if let Some(painter) = &painter {
            let file = dir.join(format!("{}.png", chart.name));
            keep(&file, &painter.paint(&svg)?)?;
        }
    }
    Ok(Verdict::Fine)
}

fn keep(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    write_whole(file, bytes).with_context(|| args::unwritten(file))?;
    crate::tell!("{}", inert(&file.display().to_string()));
    Ok(())
}
