//! A text in both languages.

use std::{borrow::Cow, error::Error, fmt};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Lang;

/// A text in both languages.
//
// It is used where the language is chosen later: for a column's head, a record, an error. As an error it shows its
// English text, and in the alternate form (`{:#}`) its Chinese one, also as the context of another error. So `main`
// prints a chain of errors in the user's language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Text {
    /// In English.
    pub en: Cow<'static, str>,
    /// In Chinese.
    pub zh: Cow<'static, str>,
}

impl Text {
    /// A text that the program contains.
    pub const fn new(en: &'static str, zh: &'static str) -> Self {
        Self {
            en: Cow::Borrowed(en),
            zh: Cow::Borrowed(zh),
        }
    }

    /// What `said` shows in each language, such as an error that holds a [`Text`].
    pub fn of(said: impl fmt::Display) -> Self {
        Self {
            en: said.to_string().into(),
            zh: format!("{said:#}").into(),
        }
    }

    /// Joins `items` with `en` and `zh` between them. An item that is a [`Text`] is written in each language.
    pub fn join<T: fmt::Display>(items: impl IntoIterator<Item = T>, en: &str, zh: &str) -> Self {
        let items = items.into_iter().map(|it| {
            let Self { en, zh } = Self::of(it);
            (en, zh)
        });
        let (of_en, of_zh): (Vec<_>, Vec<_>) = items.unzip();
        Self {
            en: of_en.join(en).into(),
            zh: of_zh.join(zh).into(),
        }
    }

    /// The text in `lang`.
    pub fn pick(&self, lang: Lang) -> &str {
        lang.pick(&self.en, &self.zh)
    }
}

/// Uses `text` for both languages, such as an error of the operating system.
impl From<String> for Text {
    fn from(text: String) -> Self {
        Self {
            zh: text.clone().into(),
            en: text.into(),
        }
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(if f.alternate() { &self.zh } else { &self.en })
    }
}

impl Error for Text {}

/// Formats a message in both languages, which stand side by side so that both say the same.
///
/// With a language first it formats the text in that language, a `String`. Without one it formats both, a [`Text`].
///
/// ```
/// use portlab_words::{Lang, tr};
///
/// let name = "fork";
/// assert_eq!(tr!(Lang::Zh, "unknown model {name}", "没有 {name} 这个模型"), "没有 fork 这个模型");
/// assert_eq!(tr!("unknown model {name}", "没有 {name} 这个模型").to_string(), "unknown model fork");
/// ```
#[macro_export]
macro_rules! tr {
    ($en:literal, $zh:literal $(,)?) => {
        $crate::Text {
            en: format!($en).into(),
            zh: format!($zh).into(),
        }
    };
    ($lang:expr, $en:literal, $zh:literal $(,)?) => {
        match $lang {
            $crate::Lang::En => format!($en),
            $crate::Lang::Zh => format!($zh),
        }
    };
}

/// `1 byte`, `2 bytes`: a count with its English noun.
pub fn plural(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_language_has_its_text() {
        let text = Text::new("port", "端口");
        assert_eq!(Lang::ALL.map(|lang| text.pick(lang)), ["port", "端口"]);
        assert_eq!([text.to_string(), format!("{text:#}")], ["port", "端口"]);
        let joined = Text::join([&text, &Text::new("host", "主机")], ", ", "、");
        assert_eq!(joined, Text::new("port, host", "端口、主机"));
    }

    #[test]
    fn a_message_is_formatted_in_the_language_that_was_chosen() {
        let port = 80;
        let said = Lang::ALL.map(|lang| tr!(lang, "port {port}", "端口 {port}"));
        assert_eq!(said, ["port 80", "端口 80"]);
        let both = tr!("port {port}", "端口 {port}");
        assert_eq!(
            Lang::ALL.map(|lang| both.pick(lang)),
            said.each_ref().map(String::as_str)
        );
    }
}
