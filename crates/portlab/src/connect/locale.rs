//! The encoding and the country of the terminal, from the environment.

use portlab_service::TextEncoding;

/// The encoding of the locale (`zh_CN.GBK`), which is that of the terminal; UTF-8 if the locale names none that
/// portlab knows.
pub(crate) fn encoding() -> TextEncoding {
    encoding_of(&locale())
}

/// The top-level domain of the country of the locale, with which a few bytes of GBK can be told from Shift_JIS. Any other
/// locale gives China, because this program serves a Chinese course.
pub(crate) fn country() -> &'static str {
    country_of(&locale())
}

/// The locale for characters: see locale(7).
fn locale() -> String {
    let set = ["LC_ALL", "LC_CTYPE", "LANG"].map(std::env::var);
    let mut set = set.into_iter().flatten().filter(|it| !it.is_empty());
    set.next().unwrap_or_default()
}

fn encoding_of(locale: &str) -> TextEncoding {
    let charset = locale.split_once('.').map(|(_, charset)| charset);
    let charset = charset.and_then(|it| it.split('@').next());
    charset
        .and_then(|charset| charset.parse().ok())
        .unwrap_or_default()
}

fn country_of(locale: &str) -> &'static str {
    match locale.split(['.', '@']).next().unwrap_or_default() {
        "zh_TW" => "tw",
        "zh_HK" => "hk",
        it if it.starts_with("ja") => "jp",
        it if it.starts_with("ko") => "kr",
        it if it.starts_with("ru") => "ru",
        it if it.starts_with("de") => "de",
        it if it.starts_with("fr") => "fr",
        _ => "cn",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_tells_the_encoding_and_the_country() {
        for (locale, encoding, country) in [
            ("zh_CN.GBK", "GBK", "cn"),
            ("zh_CN.GB18030", "gb18030", "cn"),
            ("zh_CN.gb2312@pinyin", "GBK", "cn"),
            ("zh_CN.UTF-8", "UTF-8", "cn"),
            ("zh_TW.Big5", "Big5", "tw"),
            ("ja_JP.eucJP", "EUC-JP", "jp"),
            ("ko_KR.eucKR", "EUC-KR", "kr"),
            ("en_US.utf8", "UTF-8", "cn"),
            ("C", "UTF-8", "cn"),
            ("C.UTF-8", "UTF-8", "cn"),
            ("zh_CN", "UTF-8", "cn"),
            ("xx_XX.NOSUCH", "UTF-8", "cn"),
            ("", "UTF-8", "cn"),
        ] {
            assert_eq!(encoding_of(locale).name(), encoding, "{locale}");
            assert_eq!(country_of(locale), country, "{locale}");
        }
    }
}
