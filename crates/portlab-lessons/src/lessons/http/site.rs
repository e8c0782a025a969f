//! The pages that the lesson serves.

use std::fs;

/// The site's first page.
pub(super) const PAGE: &str = "<h1>你好，浏览器！</h1>\n";

/// The folder of the other pages: a lesson writes no files, so it serves some of the kernel's.
pub(super) const FOLDER: &str = "/proc/sys/kernel";

/// The response to the request for `path`.
pub(super) fn answer(path: &str) -> Vec<u8> {
    let (status, body, length) = match path {
        "/" => ("200 OK", PAGE.into(), PAGE.len()),
        // The common mistake, on purpose: the length in characters, not in bytes.
        "/short" => ("200 OK", PAGE.into(), PAGE.chars().count()),
        path => match file_of(path) {
            Some(body) => ("200 OK", body.clone(), body.len()),
            None => ("404 Not Found", NO_PAGE.into(), NO_PAGE.len()),
        },
    };
    let kind = if body.starts_with(b"<") {
        "html"
    } else {
        "plain"
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/{kind}; charset=utf-8\r\nContent-Length: {length}\r\n\r\n"
    );
    [head.as_bytes(), &body].concat()
}

fn file_of(path: &str) -> Option<Vec<u8>> {
    let leads_out = !path.starts_with('/') || path.split('/').any(|part| part == "..");
    if leads_out {
        return None;
    }
    fs::read(format!("{FOLDER}{path}")).ok()
}

const NO_PAGE: &str = "no such page\n";
