//! A drawn chart.

use crate::{
    colours,
    frame::Frame,
    number::short,
    pen::{Body, Pen, escape},
};

/// A drawn chart, for a page or for a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawing {
    id: String,
    title: String,
    description: String,
    pub(crate) width: f64,
    pub(crate) height: f64,
    body: Body,
    /// The attributes of an inline drawing, and the texts of its figure.
    places: String,
    values: Option<String>,
}

impl Drawing {
    pub(crate) fn new(frame: &Frame<'_>, (width, height): (f64, f64), pen: Pen) -> Self {
        let allowed = |c: &char| c.is_ascii_alphanumeric() || *c == '-';
        Self {
            id: frame.id.chars().filter(allowed).collect(),
            title: frame.title.to_owned(),
            description: frame.description.to_owned(),
            width: width.ceil(),
            height: height.ceil(),
            body: pen.finish(),
            places: String::new(),
            values: None,
        }
    }

    /// The drawing with what a script needs, if there is anything to read off.
    pub(crate) fn with(mut self, places: String, values: Option<String>) -> Self {
        if values.is_some() {
            (self.places, self.values) = (places, values);
        }
        self
    }

    /// The texts of all values, for the attribute `data-values` of the figure that holds the drawing, so that
    /// [`crate::SCRIPT`] can show them; `None` if it needs none. All widths of a chart have the same.
    pub fn values(&self) -> Option<&str> {
        self.values.as_deref()
    }

    /// An `<svg>` element for a page that includes [`crate::style_sheet`] and
    /// [`crate::variables`].
    pub fn inline(&self) -> String {
        self.svg(&self.places, 0.0, &self.body.inline())
    }

    /// A file of its own, with its styles and a margin. It is light or dark as the viewer is.
    pub fn file(&self) -> String {
        let style = colours::file_style();
        let mut pen = Pen::default();
        let size = (self.width + 2.0 * MARGIN, self.height + 2.0 * MARGIN);
        pen.rect("paper", (-MARGIN, -MARGIN), size, 0.0);
        let (paper, body) = (pen.finish().file(), self.body.file());
        let inside = format!("<style>{style}</style>{paper}{body}");
        self.svg(" xmlns=\"http://www.w3.org/2000/svg\"", MARGIN, &inside) + "\n"
    }

    fn svg(&self, attributes: &str, margin: f64, inside: &str) -> String {
        let (id, corner) = (&self.id, short(-margin));
        let (width, height) = (self.width + 2.0 * margin, self.height + 2.0 * margin);
        let (width, height) = (short(width), short(height));
        let (title, description) = (escape(&self.title), escape(&self.description));
        format!(
            "<svg{attributes} class=\"pl\" viewBox=\"{corner} {corner} {width} {height}\" width=\"{width}\" \
             height=\"{height}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\"><title id=\"{id}-t\">{title}</title>\
             <desc id=\"{id}-d\">{description}</desc>{inside}</svg>"
        )
    }
}

/// The space around a drawing in a file, in user units.
const MARGIN: f64 = 20.0;
