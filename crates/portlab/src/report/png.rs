//! Charts as PNG, if portlab was built with the feature `png`.

#[cfg(feature = "png")]
use std::sync::Arc;

#[cfg(feature = "png")]
use anyhow::Context;
use anyhow::bail;
#[cfg(feature = "png")]
use portlab_words::Text;
use portlab_words::tr;
#[cfg(feature = "png")]
use resvg::{
    tiny_skia::{Pixmap, Transform},
    usvg::{Options, Tree, fontdb::Database},
};

/// How many pixels a unit of a chart has: enough for a projector.
#[cfg(feature = "png")]
const PIXELS: f32 = 2.0;

/// Paints charts, with the fonts of this machine.
#[cfg(feature = "png")]
pub(super) struct Painter(Options<'static>);

#[cfg(feature = "png")]
impl Painter {
    /// Finds the fonts.
    ///
    /// # Errors
    /// When the machine has no font: the charts would have no text.
    pub(super) fn new() -> anyhow::Result<Self> {
        let mut fonts = Database::new();
        fonts.load_system_fonts();
        let any = fonts.faces().next().map(|face| face.families[0].0.clone());
        let Some(any) = any else {
            bail!(tr!(
                "a PNG needs a font, and this machine has none; install one, or leave out --png",
                "生成 PNG 需要字体，而这台机器没有；请安装字体，或者去掉 --png"
            ));
        };
        let is_known = |family: &&str| {
            let mut families = fonts.faces().flat_map(|face| &face.families);
            families.any(|it| it.0 == *family)
        };
        let usual = ["DejaVu Sans", "Noto Sans", "Liberation Sans", "Arial"];
        let sans = usual.into_iter().find(is_known).map(str::to_owned);
        fonts.set_sans_serif_family(sans.unwrap_or(any));
        Ok(Self(Options {
            fontdb: Arc::new(fonts),
            ..Options::default()
        }))
    }

    /// The chart `svg` as PNG.
    pub(super) fn paint(&self, svg: &str) -> anyhow::Result<Vec<u8>> {
        const TOO_LARGE: Text =
            Text::new("the chart is too large for a PNG", "图表太大，不能生成 PNG");
        let tree = Tree::from_str(svg, &self.0)?;
        let size = tree.size().to_int_size();
        let size = size.scale_by(PIXELS).context(TOO_LARGE)?;
        let mut picture = Pixmap::new(size.width(), size.height()).context(TOO_LARGE)?;
        let scale = Transform::from_scale(PIXELS, PIXELS);
        resvg::render(&tree, scale, &mut picture.as_mut());
        Ok(picture.encode_png()?)
    }
}

/// A build without the feature has no painter.
#[cfg(not(feature = "png"))]
pub(super) enum Painter {}

#[cfg(not(feature = "png"))]
impl Painter {
    /// Fails, and says how to get the feature.
    pub(super) fn new() -> anyhow::Result<Self> {
        bail!(tr!(
            "this build of portlab can't write PNG; leave out --png, or build portlab with it: \
             cargo install --path crates/portlab --features png",
            "这个 portlab 没有编译 PNG 功能；请去掉 --png，或者重新编译：\
             cargo install --path crates/portlab --features png"
        ))
    }

    pub(super) fn paint(&self, _: &str) -> anyhow::Result<Vec<u8>> {
        match *self {}
    }
}
