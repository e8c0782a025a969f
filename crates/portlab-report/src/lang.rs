//! The languages that a report speaks.

use std::{fmt, str::FromStr};

use portlab_stats::record::Text;

/// A language.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Chinese.
    Zh,
}

/// A language that no report speaks.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} is no language of portlab's; take en or zh")]
pub struct LangError(String);

impl Lang {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::En, Self::Zh];

    /// `text` in this language.
    #[must_use]
    pub fn pick(self, text: &Text) -> &str {
        match self {
            Self::En => &text.en,
            Self::Zh => &text.zh,
        }
    }

    /// The first three of `items`, and how many more there are: `a, b, c and 2 more`.
    #[must_use]
    pub fn first_few<'a>(self, items: impl IntoIterator<Item = &'a str>) -> String {
        const NAMED: usize = 3;
        let items: Vec<&str> = items.into_iter().collect();
        let more = items.len().saturating_sub(NAMED);
        let named = &items[..items.len() - more];
        match (self, more) {
            (Self::En, 0) => named.join(", "),
            (Self::En, _) => format!("{} and {more} more", named.join(", ")),
            (Self::Zh, 0) => named.join("、"),
            (Self::Zh, _) => format!("{} 等，另有 {more} 个", named.join("、")),
        }
    }
}

impl FromStr for Lang {
    type Err = LangError;

    fn from_str(text: &str) -> Result<Self, LangError> {
        match text {
            "en" => Ok(Self::En),
            "zh" => Ok(Self::Zh),
            _ => Err(LangError(text.to_owned())),
        }
    }
}

/// Writes the language as it is given on the command line, and as HTML's `lang` has it.
impl fmt::Display for Lang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::En => "en",
            Self::Zh => "zh",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_read_as_it_is_written() {
        for lang in Lang::ALL {
            assert_eq!(lang.to_string().parse(), Ok(lang));
        }
        let error = "de".parse::<Lang>().unwrap_err().to_string();
        assert!(error.contains("\"de\"") && error.contains("en or zh"));
    }

    #[test]
    fn three_are_named_and_the_others_counted() {
        let [en, zh] = Lang::ALL;
        assert_eq!(en.first_few(["a", "b", "c"]), "a, b, c");
        assert_eq!(en.first_few(["a", "b", "c", "d"]), "a, b, c and 1 more");
        assert_eq!(
            zh.first_few(["a", "b", "c", "d", "e"]),
            "a、b、c 等，另有 2 个"
        );
    }

    #[test]
    fn each_picks_its_own_text() {
        let text = Text::new("port", "端口");
        assert_eq!(Lang::ALL.map(|lang| lang.pick(&text)), ["port", "端口"]);
    }
}
