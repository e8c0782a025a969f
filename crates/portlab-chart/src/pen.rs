//! SVG elements.

use std::fmt::Write as _;

use crate::{measure, number::short};

/// How a text looks: a CSS class, and what it means for the text's size.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Face {
    pub(crate) class: &'static str,
    /// The font size in user units.
    pub(crate) size: f64,
}

impl Face {
    /// The width of `text` in this face.
    pub(crate) fn width(self, text: &str) -> f64 {
        measure::width(text, self.size)
    }
}

/// Names and values.
pub(crate) const LABEL: Face = Face {
    class: "l",
    size: 15.0,
};
/// The figure that counts.
pub(crate) const VALUE: Face = Face {
    class: "v",
    size: 15.0,
};
/// Ticks, axes and legends.
pub(crate) const TICK: Face = Face {
    class: "t",
    size: 13.0,
};
/// Remarks.
pub(crate) const NOTE: Face = Face {
    class: "n",
    size: 13.0,
};
/// A rank.
pub(crate) const RANK: Face = Face {
    class: "r",
    size: 12.5,
};
/// The best rank.
pub(crate) const BEST: Face = Face {
    class: "r1",
    size: 12.5,
};
/// All of them.
#[cfg(test)]
pub(crate) const FACES: [Face; 6] = [LABEL, VALUE, TICK, NOTE, RANK, BEST];

/// Which part of a text stands at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// Writes elements one behind the other.
#[derive(Debug, Default)]
pub(crate) struct Pen {
    body: Body,
}

/// What was drawn.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Body {
    /// The elements of a file.
    svg: String,
    /// What is inserted into them on a page, and where.
    insertions: Vec<(usize, String)>,
}

impl Body {
    /// The elements for a file.
    pub(crate) fn file(&self) -> String {
        self.svg.clone()
    }

    /// The elements for a page.
    pub(crate) fn inline(&self) -> String {
        let (mut inline, mut from) = (String::new(), 0);
        for (at, text) in &self.insertions {
            inline += &self.svg[from..*at];
            inline += text;
            from = *at;
        }
        inline + &self.svg[from..]
    }
}

impl Pen {
    /// A text whose baseline begins, has its middle or ends at `x`, `y`.
    pub(crate) fn text(&mut self, face: Face, anchor: Anchor, (x, y): (f64, f64), text: &str) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let (class, x, y) = (face.class, short(x), short(y));
        let text = escape(text);
        self.write(format_args!(
            "<text class=\"{class}\" x=\"{x}\" y=\"{y}\"{anchor}>{text}</text>"
        ));
    }

    /// Texts beneath each other, `height` apart; returns the baseline of the one that would follow.
    pub(crate) fn texts(
        &mut self,
        face: Face,
        anchor: Anchor,
        (x, mut y): (f64, f64),
        (texts, height): (&[String], f64),
    ) -> f64 {
        for text in texts {
            self.text(face, anchor, (x, y), text);
            y += height;
        }
        y
    }

    /// A path of the given class. `d` is SVG's path language.
    pub(crate) fn path(&mut self, class: &str, d: &str) {
        self.path_with(class, d, "");
    }

    /// The same, with attributes that only a page has.
    pub(crate) fn path_with(&mut self, class: &str, d: &str, attributes: &str) {
        if !d.is_empty() {
            self.write(format_args!("<path class=\"{class}\""));
            self.insert(attributes);
            self.write(format_args!(" d=\"{d}\"/>"));
        }
    }

    /// A straight line.
    pub(crate) fn line(&mut self, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        let d = format!("M{} {}L{} {}", short(x1), short(y1), short(x2), short(y2));
        self.path(class, &d);
    }

    /// A rectangle with corners of radius `r`.
    pub(crate) fn rect(
        &mut self,
        class: &str,
        (x, y): (f64, f64),
        (width, height): (f64, f64),
        r: f64,
    ) {
        let (x, y, width, height) = (short(x), short(y), short(width), short(height));
        let r = if r > 0.0 {
            format!(" rx=\"{}\"", short(r))
        } else {
            String::new()
        };
        self.write(format_args!(
            "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"{r}/>"
        ));
    }

    /// A circle.
    pub(crate) fn circle(&mut self, class: &str, (x, y): (f64, f64), r: f64) {
        let (x, y, r) = (short(x), short(y), short(r));
        self.write(format_args!(
            "<circle class=\"{class}\" cx=\"{x}\" cy=\"{y}\" r=\"{r}\"/>"
        ));
    }

    /// Elements of one class, with a tooltip for all of them. If there are none, nothing is written.
    pub(crate) fn group(&mut self, class: &str, tooltip: &str, inside: impl FnOnce(&mut Self)) {
        self.group_with(class, tooltip, "", inside);
    }

    /// The same, with attributes that only a page has.
    pub(crate) fn group_with(
        &mut self,
        class: &str,
        tooltip: &str,
        attributes: &str,
        inside: impl FnOnce(&mut Self),
    ) {
        let start = (self.body.svg.len(), self.body.insertions.len());
        match class {
            "" => self.body.svg.push_str("<g"),
            class => self.write(format_args!("<g class=\"{class}\"")),
        }
        self.insert(attributes);
        self.body.svg.push('>');
        if !tooltip.is_empty() {
            self.write(format_args!("<title>{}</title>", escape(tooltip)));
        }
        let empty = self.body.svg.len();
        inside(self);
        if self.body.svg.len() == empty {
            self.body.svg.truncate(start.0);
            return self.body.insertions.truncate(start.1);
        }
        self.body.svg.push_str("</g>");
    }

    /// Writes `text` on pages only.
    pub(crate) fn insert(&mut self, text: &str) {
        if !text.is_empty() {
            let at = self.body.svg.len();
            self.body.insertions.push((at, text.to_owned()));
        }
    }

    /// What was written.
    pub(crate) fn finish(self) -> Body {
        self.body
    }

    fn write(&mut self, arguments: std::fmt::Arguments<'_>) {
        // Writing to a string can't fail.
        let _ = self.body.svg.write_fmt(arguments);
    }
}

/// `places` in the language of paths, with straight lines between them.
pub(crate) fn joined(places: impl Iterator<Item = (f64, f64)>) -> String {
    let places = places.map(|(x, y)| format!("{} {}", short(x), short(y)));
    places.collect::<Vec<_>>().join("L")
}

/// Text as XML: markup is escaped, and a character that XML forbids becomes U+FFFD.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\t' | '\n' | '\r' => escaped.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_and_forbidden_characters_are_escaped() {
        let escaped = escape("<script>&\"\u{0}\u{1b}\n进程");
        assert_eq!(escaped, "&lt;script&gt;&amp;&quot;\u{fffd}\u{fffd} 进程");
    }
}
