//! Pages of HTTP: where they end, in which encoding they are, and what comes for one that doesn't exist.

use std::time::Duration;

use portlab_service::TextEncoding;
use portlab_words::tr;

use super::{
    Experiment, Kind, Received, Service, Speech, Subject, Trouble, Weight,
    clients::NOT_SERVING,
    http::{self, Response},
    talk::{leave, page, receive_page, unreachable},
};

fn is_http(speech: &Speech) -> bool {
    speech.kind == Kind::Http
}

pub(super) const answers_404_for_a_missing_page: Experiment = Experiment {
    about: [
        "answers 404 for a page that doesn't exist",
        "请求不存在的页面时回答 404",
    ],
    weight: Weight::Should,
    fits: is_http,
    names: &["no-404", "dies-at-404"],
    unless: &[NOT_SERVING],
    run: |subject| {
        let status = page(subject, &http::request(http::MISSING))?.status();
        if status.is_none() && subject.without_answer(Service::Deaf) == Service::Down {
            return Err(subject.named("dies-at-404"));
        }
        match status {
            // A redirection to another page is fine.
            Some(300..=499) => Ok(()),
            _ => Err(Trouble::Bug("no-404")),
        }
    },
    ..Experiment::ANY
};

pub(super) const says_where_a_page_ends: Experiment = Experiment {
    about: [
        "says where a page ends: Content-Length, or a close",
        "说明页面在哪里结束：Content-Length，或者关闭连接",
    ],
    fits: is_http,
    names: &["no-content-length-no-close"],
    unless: &[NOT_SERVING],
    run: |subject| {
        let page = page(subject, &http::lasting_request("/"))?;
        match page.response {
            Some(response) if !page.is_whole && !response.is_sized() => {
                Err(Trouble::Bug("no-content-length-no-close"))
            }
            _ => Ok(()),
        }
    },
    ..Experiment::ANY
};

pub(super) const counts_the_bytes_of_a_page: Experiment = Experiment {
    about: [
        "counts the bytes of a page in Content-Length",
        "Content-Length 是页面的字节数",
    ],
    fits: is_http,
    names: &["content-length-in-characters"],
    unless: &[NOT_SERVING],
    run: |subject| {
        for response in some_pages(subject)? {
            let Some(length) = response.length() else {
                continue;
            };
            let sent = response.body.len();
            if sent > length {
                subject.note(tr!(
                    "Content-Length is {length}, and the page has {sent} bytes",
                    "Content-Length 写的是 {length}，页面实际有 {sent} 字节"
                ));
                return Err(Trouble::Bug("content-length-in-characters"));
            }
        }
        Ok(())
    },
    ..Experiment::ANY
};

pub(super) const declares_the_encoding_of_a_page: Experiment = Experiment {
    about: [
        "sends a page in the encoding that it declares",
        "页面的编码和它声明的 charset 一致",
    ],
    fits: is_http,
    names: &["wrong-charset"],
    unless: &[NOT_SERVING],
    run: |subject| {
        for response in some_pages(subject)? {
            let Some(declared) = declared(&response) else {
                continue;
            };
            if !is_in(&response.page(), &declared) {
                let declared = portlab_service::inert(&declared);
                subject.note(tr!(
                    "the page is declared as {declared}, and its bytes are not {declared}",
                    "页面声明的编码是 {declared}，实际的字节却不是 {declared}"
                ));
                return Err(Trouble::Bug("wrong-charset"));
            }
        }
        Ok(())
    },
    ..Experiment::ANY
};

/// The first page, and the one that says that a page doesn't exist.
fn some_pages(subject: &mut Subject<'_>) -> Result<Vec<Response>, Trouble> {
    let mut pages = Vec::new();
    for path in ["/", http::MISSING] {
        let page = page(subject, &http::request(path))?;
        if page.response.is_none() {
            subject.revive();
        }
        pages.extend(page.response);
    }
    Ok(pages)
}

/// The encoding that the header of a page declares, or else the page itself.
pub(super) fn declared(response: &Response) -> Option<String> {
    let after = |text: &str| {
        let (_, name) = text.split_once("charset=")?;
        let name = name.trim_start_matches(['"', '\'', ' ']);
        let end = name.find(|it: char| !it.is_ascii_alphanumeric() && it != '-' && it != '_');
        Some(name[..end.unwrap_or(name.len())].to_owned())
    };
    let of_header = response.header("content-type").unwrap_or_default();
    after(&of_header.to_ascii_lowercase()).or_else(|| {
        let page = response.page();
        let begin = &page[..page.len().min(1024)];
        let begin = String::from_utf8_lossy(begin).to_ascii_lowercase();
        after(&begin[begin.find("<meta")?..])
    })
}

/// Whether `page` can be the beginning of a text in `encoding`. An unknown encoding may be right.
///
/// A server that sends a part of a page may cut it inside of a character: [`super::large`] names that bug.
pub(super) fn is_in(page: &[u8], encoding: &str) -> bool {
    let Ok(encoding) = encoding.parse::<TextEncoding>() else {
        return true;
    };
    if begin_of_text(page, encoding).is_none() {
        return false;
    }
    // Bytes in UTF-8 often are GBK, too, but a text in GBK with two characters that look like Chinese in UTF-8 is rare.
    let of_utf8 = begin_of_text(page, TextEncoding::default()).unwrap_or_default();
    let chinese = |it: &char| ('\u{4e00}'..'\u{a000}').contains(it);
    encoding.name() == "UTF-8" || of_utf8.chars().filter(chinese).count() < 2
}

/// The text whose beginning `page` is, if the bytes are well formed in `encoding`.
fn begin_of_text(page: &[u8], encoding: TextEncoding) -> Option<String> {
    let mut text = String::new();
    let is_well_formed = encoding.decoder().decode(page, false, &mut text);
    is_well_formed.then_some(text)
}

pub(super) const waits_for_the_whole_request: Experiment = Experiment {
    about: [
        "waits for the end of a request before it answers",
        "收完整个请求才回答",
    ],
    weight: Weight::Should,
    fits: is_http,
    names: &[EARLY],
    unless: &[NOT_SERVING],
    run: |subject| {
        for (begin, rest) in [
            (
                "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n",
                "Connection: close\r\n\r\n",
            ),
            (
                "GET / HT",
                "TP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
            ),
        ] {
            let mut client = subject.connect().ok_or_else(unreachable)?;
            client.send(begin.as_bytes());
            if client.receive_within(SOON) != Received::Nothing {
                return Err(subject.named(EARLY));
            }
            client.send(rest.as_bytes());
            if receive_page(&mut client).response.is_none() {
                return Err(subject.named(EARLY));
            }
            leave(client);
        }
        Ok(())
    },
    ..Experiment::ANY
};

const EARLY: &str = "answers-before-request-ends";

/// How soon an answer that comes too early comes.
const SOON: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_declared_encoding_is_compared_with_the_bytes() {
        let gbk: TextEncoding = "gbk".parse().unwrap();
        let gbk = gbk.encode("你好，联通").unwrap();
        let utf8 = "你好，联通".as_bytes();
        assert!(is_in(utf8, "utf-8") && is_in(&gbk, "gb2312"));
        assert!(!is_in(&gbk, "utf-8") && !is_in(utf8, "gbk"));
        assert!(!is_in(utf8, "iso-8859-1"));
        assert!(is_in(b"ascii", "gbk") && is_in(utf8, "unheard-of"));
        for cut in 1..utf8.len() {
            assert!(is_in(&utf8[..cut], "utf-8"), "{cut}");
            assert!(is_in(&gbk[..cut.min(gbk.len())], "gbk"), "{cut}");
        }
    }

    #[test]
    fn a_character_may_be_in_two_chunks() {
        let mut bytes = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        for half in "你好".as_bytes().chunks(4) {
            bytes.extend(format!("{:x}\r\n", half.len()).as_bytes());
            bytes.extend(half);
            bytes.extend(b"\r\n");
        }
        assert!(is_in(&http::response(&bytes).unwrap().page(), "utf-8"));
    }

    #[test]
    fn the_header_declares_the_encoding_before_the_page() {
        let page = |header: &str, body: &str| {
            let page = format!("HTTP/1.1 200 OK\r\nContent-Type: text/html{header}\r\n\r\n{body}");
            declared(&http::response(page.as_bytes()).unwrap())
        };
        let meta = "<html><META CHARSET='GBK'>";
        assert_eq!(page("; charset=\"utf-8\"", meta).unwrap(), "utf-8");
        assert_eq!(page("", meta).unwrap(), "gbk");
        assert_eq!(page("", "charset=gbk"), None);
    }
}
