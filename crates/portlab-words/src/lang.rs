//! The languages of portlab's texts.

use std::{fmt, str::FromStr};

use crate::{Text, tr};

/// A language.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Chinese.
    Zh,
}

impl Lang {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::En, Self::Zh];

    /// The one of two values that belongs to this language: `lang.pick("ready", "就绪")`.
    pub fn pick<T>(self, en: T, zh: T) -> T {
        match self {
            Self::En => en,
            Self::Zh => zh,
        }
    }

    /// The language of a locale, such as `zh_CN.UTF-8` (`locale(7)`): English unless it is Chinese.
    pub fn of_locale(locale: &str) -> Self {
        match locale.starts_with("zh") {
            true => Self::Zh,
            false => Self::En,
        }
    }

    /// The language's tag (BCP 47).
    pub fn tag(self) -> &'static str {
        self.pick("en", "zh-Hans")
    }

    /// The first three of `items`, and how many more there are: `a, b, c and 2 more`.
    pub fn first_few<'a>(self, items: impl IntoIterator<Item = &'a str>) -> String {
        const NAMED: usize = 3;
        let items: Vec<&str> = items.into_iter().collect();
        let more = items.len().saturating_sub(NAMED);
        let named = items[..items.len() - more].join(self.pick(", ", "、"));
        // A full-width bracket needs no space behind it.
        let gap = if named.ends_with('）') { "" } else { " " };
        match (self, more) {
            (_, 0) => named,
            (Self::En, _) => format!("{named} and {more} more"),
            (Self::Zh, _) => format!("{named}{gap}等 {} 个", items.len()),
        }
    }
}

impl FromStr for Lang {
    type Err = Text;

    fn from_str(text: &str) -> Result<Self, Text> {
        match text {
            "en" => Ok(Self::En),
            "zh" => Ok(Self::Zh),
            _ => Err(tr!(
                "unknown language {text:?}: expected en or zh",
                "没有 {text:?} 这种语言：请写 en 或 zh"
            )),
        }
    }
}

/// Writes the language as it is given on the command line, and as HTML's `lang` has it.
impl fmt::Display for Lang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.pick("en", "zh"))
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
        assert_eq!(zh.first_few(["a", "b", "c", "d", "e"]), "a、b、c 等 5 个");
        assert_eq!(zh.first_few(["a（1）"; 4]), "a（1）、a（1）、a（1）等 4 个");
    }

    #[test]
    fn a_locale_has_a_language() {
        for (locale, lang) in [
            ("zh_CN.UTF-8", Lang::Zh),
            ("en_US", Lang::En),
            ("C", Lang::En),
        ] {
            assert_eq!(Lang::of_locale(locale), lang, "{locale}");
        }
    }
}
