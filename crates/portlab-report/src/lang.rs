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
    fn each_picks_its_own_text() {
        let text = Text::new("port", "端口");
        assert_eq!(Lang::ALL.map(|lang| lang.pick(&text)), ["port", "端口"]);
    }
}
