//! What every chart has.

/// What every chart has, whatever its kind.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// A prefix for the ids inside, unique on its page: ASCII letters, digits and hyphens; others
    /// are left out.
    pub id: &'a str,
    /// What the chart shows, in a few words. It isn't drawn: screen readers say it.
    pub title: &'a str,
    /// What the chart shows, in a sentence, for screen readers.
    pub description: &'a str,
    /// The width in user units, which are pixels where the page has room for them; the height
    /// follows from what is drawn. Below [`Frame::NARROW`] the layout is that for a telephone. At
    /// least 280 and at most 4,000.
    pub width: f64,
}

impl Frame<'_> {
    /// A width that suits a page on a screen or a projector.
    pub const WIDE: f64 = 880.0;
    /// A width that suits a telephone.
    pub const PHONE: f64 = 360.0;
    /// The width below which names stand above or beneath what they name.
    pub const NARROW: f64 = 520.0;

    /// The width that is drawn.
    pub(crate) fn drawn_width(&self) -> f64 {
        if self.width.is_finite() {
            self.width.clamp(280.0, 4000.0)
        } else {
            Self::WIDE
        }
    }

    /// Whether the layout is that for a telephone.
    pub(crate) fn is_narrow(&self) -> bool {
        self.drawn_width() < Self::NARROW
    }
}
