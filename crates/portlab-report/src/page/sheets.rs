//! The models' fact sheets.

use maud::{Markup, PreEscaped, html};
use portlab_chart::Style;

/// A model's fact sheet.
#[derive(Clone, Debug)]
pub struct Sheet<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its sign and colour.
    pub style: Style,
    /// Its family, such as `threads`.
    pub family: &'a str,
    /// The field's term for it, such as `thread per connection`.
    pub term: &'a str,
    /// The idea, in a sentence or two.
    pub idea: &'a str,
    /// Further facts, each a name and a text, such as what blocks and what breaks first.
    pub facts: &'a [(&'a str, &'a str)],
}

/// Writes fact sheets, beside one another where there is room.
pub fn sheets(sheets: &[Sheet<'_>]) -> Markup {
    html! {
        div.sheets {
            @for sheet in sheets {
                article class={ "sheet " (sheet.style.class()) } {
                    header {
                        h3 { (PreEscaped(sheet.style.swatch())) (sheet.name) }
                        span.family { (sheet.family) }
                    }
                    p.term { (sheet.term) }
                    p { (sheet.idea) }
                    @if !sheet.facts.is_empty() {
                        dl { @for (name, text) in sheet.facts { dt { (name) } dd { (text) } } }
                    }
                }
            }
        }
    }
}
