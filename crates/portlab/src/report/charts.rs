//! The charts of a page as files of their own.

use std::{fs, path::Path, sync::Arc};

use anyhow::{Context, bail};
use portlab_report::notes::Notes;
use portlab_service::inert;
use portlab_stats::record::Record;
use portlab_sys::whole::write_whole;
use portlab_words::Lang;
use resvg::{
    tiny_skia::{Pixmap, Transform},
    usvg::{Options, Tree, fontdb::Database},
};

use crate::Verdict;

/// How many pixels a unit of a drawing has: enough for a projector.
const PIXELS: f32 = 2.0;

/// Writes each chart of `record` into the folder `dir`, which is made if need be, and names the files.
///
/// # Errors
/// When there is none, or a file can't be written; and for PNG, when the machine has no font.
pub(super) fn write(record: &Record, lang: Lang, dir: &Path, png: bool) -> anyhow::Result<Verdict> {
    let charts = portlab_report::charts(&Notes::of(record, lang));
    if charts.is_empty() {
        bail!("there is no chart, for nothing was measured");
    }
    fs::create_dir_all(dir).with_context(|| format!("can't make {}", dir.display()))?;
    let options = if png { Some(options()?) } else { None };
    for chart in &charts {
        let svg = chart.wide.file();
        keep(&dir.join(format!("{}.svg", chart.name)), svg.as_bytes())?;
        if let Some(options) = &options {
            keep(
                &dir.join(format!("{}.png", chart.name)),
                &painted(&svg, options)?,
            )?;
        }
    }
    Ok(Verdict::Fine)
}

fn keep(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    write_whole(file, bytes).with_context(|| format!("can't write {}", file.display()))?;
    crate::tell!("{}", inert(&file.display().to_string()));
    Ok(())
}

/// The fonts of this machine. Without any, a chart would have no words, and nobody would be told.
fn options() -> anyhow::Result<Options<'static>> {
    let mut fonts = Database::new();
    fonts.load_system_fonts();
    if fonts.is_empty() {
        bail!("a PNG needs a font, and this machine has none; install one, or leave out --png");
    }
    // Whatever the drawing asks for, one of these is there.
    let any = fonts.faces().next().map(|face| face.families[0].0.clone());
    if let Some(any) = any {
        let known = |family: &str| {
            fonts
                .faces()
                .any(|face| face.families.iter().any(|it| it.0 == family))
        };
        let sans = ["DejaVu Sans", "Noto Sans", "Liberation Sans", "Arial"];
        let sans = sans
            .into_iter()
            .find(|family| known(family))
            .map(str::to_owned);
        fonts.set_sans_serif_family(sans.unwrap_or(any));
    }
    Ok(Options {
        fontdb: Arc::new(fonts),
        ..Options::default()
    })
}

/// A drawing as PNG.
fn painted(svg: &str, options: &Options) -> anyhow::Result<Vec<u8>> {
    let tree = Tree::from_str(svg, options)?;
    let size = tree
        .size()
        .to_int_size()
        .scale_by(PIXELS)
        .context("the drawing is too large")?;
    let mut picture =
        Pixmap::new(size.width(), size.height()).context("the drawing is too large")?;
    resvg::render(
        &tree,
        Transform::from_scale(PIXELS, PIXELS),
        &mut picture.as_mut(),
    );
    Ok(picture.encode_png()?)
}
