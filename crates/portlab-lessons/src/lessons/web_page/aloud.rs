//! A request, read aloud.

use portlab_service::inert;
use portlab_words::{Lang, table::columns};

/// The words of the first line, and the headers that are explained, each with its meaning.
const MEANINGS: &[(&str, [&str; 2])] = &[
    ("GET", ["the method: give me", "请求方法：我要"]),
    ("/", ["the path: this page", "资源路径：这一张网页"]),
    ("HTTP/1.1", ["the version of HTTP", "HTTP 的版本"]),
    ("Host", ["the server in the URL", "网址里的服务端"]),
    ("User-Agent", ["I am this program", "我是这个程序"]),
    ("Accept", ["I can show these kinds", "我能显示这些类型"]),
    (
        "Accept-Language",
        ["my user reads these", "用户读得懂这些语言"],
    ),
    ("Accept-Encoding", ["I can unpack these", "我会解这些压缩"]),
    (
        "Connection",
        ["afterwards, leave the line", "用完以后，连接"],
    ),
];

/// The longest value that is shown, in characters.
const LONGEST: usize = 20;

/// `head`, word by word in a table. Private headers, such as cookies, are counted only.
pub(super) fn aloud(head: &str, lang: Lang) -> String {
    let mut lines = head.lines();
    let first = lines.next().unwrap_or_default().split(' ');
    let first = first.map(|word| (word, ""));
    let headers = lines.filter_map(|line| line.split_once(": "));
    let (known, other): (Vec<_>, Vec<_>) = first
        .chain(headers)
        .map(|(name, value)| (name, value, meaning(name, lang)))
        .partition(|(.., meaning)| meaning.is_some());
    let mut rows: Vec<_> = known
        .into_iter()
        .map(|(name, value, meaning)| {
            [
                inert(name),
                meaning.unwrap_or_default().to_owned(),
                cut(value),
            ]
        })
        .collect();
    if !other.is_empty() {
        let more = lang.pick("more headers", "其余的请求头");
        rows.push(["...".to_owned(), more.to_owned(), other.len().to_string()]);
    }
    let end = lang.pick(["(empty line)", "that is all"], ["（空行）", "写完了"]);
    rows.push([end[0].to_owned(), end[1].to_owned(), String::new()]);
    columns(&rows, 2)
}

fn meaning(name: &str, lang: Lang) -> Option<&'static str> {
    let mut all = MEANINGS.iter();
    let found = all.find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, [en, zh])| lang.pick(*en, *zh))
}

/// The beginning of a value.
fn cut(value: &str) -> String {
    let value = inert(value);
    match value.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &value[..at]),
        None => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_headers_are_counted_and_long_values_are_cut() {
        let head = "GET / HTTP/1.1\r\nhost: a\r\nCookie: secret\r\nUser-Agent: Mozilla/5.0 (X11; Linux)\r\n\r\n";
        let shown = aloud(head, Lang::En);
        let lines: Vec<_> = shown.lines().map(str::trim_end).collect();
        assert_eq!(lines.len(), 7, "{shown}");
        assert!(lines[3].starts_with("host") && lines[3].ends_with(" a"));
        assert!(lines[4].ends_with("  Mozilla/5.0 (X11; Li…"), "{shown}");
        assert!(lines[5].ends_with("1") && !shown.contains("secret"));
    }
}
