//! Pages that the server writes itself, in HTML. Text from outside is escaped.

use std::{borrow::Cow, fmt::Write};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use portlab_words::{tr, units};

use super::{HttpOptions, conditions::http_date, status::Status};
use crate::{Listing, inert};

/// What stands in a path as it is (RFC 3986, 3.3).
const IN_PATHS: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

const STYLE: &str = "body{font:1rem/1.6 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem;\
    color-scheme:light dark}\
    table{border-collapse:collapse;width:100%}\
    td{padding:.25rem .75rem .25rem 0;border-top:1px solid #8884;overflow-wrap:anywhere}\
    td:first-child{width:100%}\
    td+td{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums;opacity:.75}\
    a{text-decoration:none}a:hover{text-decoration:underline}";

/// A path as it stands in a link or in Location.
pub(super) fn link(path: &[u8]) -> String {
    percent_encode(path, IN_PATHS).to_string()
}

/// The page of an error.
pub(super) fn error(status: Status, options: &HttpOptions) -> String {
    let status = status.to_string();
    match &options.error_page {
        Some(page) => page.replace("{status}", &status),
        None => document(&status, &format!("<h1>{status}</h1>"), options),
    }
}

/// The entries of a folder.
pub(super) fn listing(path: &[u8], listing: &Listing, options: &HttpOptions) -> String {
    let shown = format!("/{}", shown(path));
    let title = tr!(options.lang, "Index of {shown}", "{shown} 的目录");
    let mut rows = String::new();
    if !path.is_empty() {
        rows += "<tr><td><a href=\"../\">../</a></td><td></td><td></td></tr>";
    }
    for entry in &listing.entries {
        let slash = if entry.length.is_none() { "/" } else { "" };
        let size = entry
            .length
            .map(|it| units::bytes(it as f64))
            .unwrap_or_default();
        // A write to a text succeeds.
        let _ = write!(
            rows,
            "<tr><td><a href=\"./{}{slash}\">{}{slash}</a></td><td>{size}</td><td>{}</td></tr>",
            link(&entry.name),
            self::shown(&entry.name),
            http_date(entry.modified_s),
        );
    }
    if listing.is_cut {
        let note = tr!(
            options.lang,
            "There are more entries than this page shows.",
            "还有更多条目，这里没有列出。"
        );
        let _ = write!(rows, "<tr><td>{note}</td><td></td><td></td></tr>");
    }
    document(
        &title,
        &format!("<h1>{title}</h1><table>{rows}</table>"),
        options,
    )
}

fn document(title: &str, body: &str, options: &HttpOptions) -> String {
    let lang = tr!(options.lang, "en", "zh");
    format!(
        "<!DOCTYPE html><html lang=\"{lang}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\
         <style>{STYLE}</style></head><body>{body}</body></html>\n"
    )
}

/// A name as it is shown on a page.
fn shown(name: &[u8]) -> String {
    let name = String::from_utf8_lossy(name);
    let escape = |c: char| match c {
        '&' => Cow::from("&amp;"),
        '<' => "&lt;".into(),
        '>' => "&gt;".into(),
        '"' => "&quot;".into(),
        '\'' => "&#39;".into(),
        c => c.to_string().into(),
    };
    inert(&name).chars().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Entry;

    #[test]
    fn a_name_cannot_change_the_page() {
        let name = "<b>\"'&\u{202e}中 %.txt".as_bytes().to_vec();
        let entries = vec![Entry {
            name,
            length: Some(1536),
            modified_s: 0,
        }];
        let entries = Listing {
            entries,
            is_cut: true,
        };
        let page = listing(b"a<b", &entries, &HttpOptions::default());
        assert!(page.contains("<title>Index of /a&lt;b</title>"), "{page}");
        assert!(
            page.contains("href=\"./%3Cb%3E%22%27%26%E2%80%AE%E4%B8%AD%20%25.txt\""),
            "{page}"
        );
        assert!(page.contains(">&lt;b&gt;&quot;&#39;&amp;"), "{page}");
        assert!(
            !page.contains('\u{202e}') && !page.contains("<b>"),
            "{page}"
        );
        assert!(
            page.contains("1.50 KiB") && page.contains("more entries"),
            "{page}"
        );
    }
}
