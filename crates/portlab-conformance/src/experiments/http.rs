//! As much of HTTP/1 as a judge needs.

use std::borrow::Cow;

use super::Progress;

/// A response, as far as it was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// Names in lower case, and values.
    pub(crate) headers: Vec<(String, String)>,
    /// The bytes behind the head. A body in chunks has their sizes in it.
    pub(crate) body: Vec<u8>,
}

/// The request for `path`, whose connection the server should close after its response.
pub(crate) fn request(path: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: portlab-judge\r\nAccept: */*\r\n\
         Connection: close\r\n\r\n"
    )
    .into_bytes()
}

/// The request for `path` of a client that has more requests.
pub(crate) fn lasting_request(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").into_bytes()
}

/// What every response begins with.
const BEGINNING: &[u8] = b"HTTP/";

/// The response that `received` begins with, if its head is complete.
pub(crate) fn response(received: &[u8]) -> Option<Response> {
    // httparse skips empty lines before a response. RFC 9112, 2.2 allows that for requests only.
    if !received.starts_with(BEGINNING) {
        return None;
    }
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut head = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(length) = head.parse(received).ok()? else {
        return None;
    };
    let status = head.code?;
    let headers = head.headers.iter();
    let headers = headers.map(|it| {
        let value = String::from_utf8_lossy(it.value).trim().to_owned();
        (it.name.to_ascii_lowercase(), value)
    });
    Some(Response {
        status,
        headers: headers.collect(),
        body: received[length..].to_vec(),
    })
}

impl Response {
    /// The value of a header, by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(header, _)| header == name);
        found.map(|(_, value)| value.as_str())
    }

    /// How many bytes the body should have, if the head says so. RFC 9112, 6.3: of a body in chunks, the chunks say it.
    pub(crate) fn length(&self) -> Option<usize> {
        let length = self.header("content-length")?.parse().ok();
        length.filter(|_| !self.is_chunked())
    }

    /// How many bytes the whole response should have, if the head says so. `received` bytes of it have come.
    pub(crate) fn whole(&self, received: usize) -> Option<usize> {
        let head = received - self.body.len();
        Some(head.saturating_add(self.length()?))
    }

    /// The bytes of the page, as far as they have come: of a body in chunks, what is in the chunks.
    pub(crate) fn page(&self) -> Cow<'_, [u8]> {
        if !self.is_chunked() {
            return Cow::Borrowed(&self.body);
        }
        let mut page = Vec::new();
        let mut rest = &self.body[..];
        while let Ok(httparse::Status::Complete((head, size @ 1..))) =
            httparse::parse_chunk_size(rest)
        {
            rest = &rest[head..];
            let size = rest.len().min(usize::try_from(size).unwrap_or(usize::MAX));
            page.extend(&rest[..size]);
            rest = rest[size..].strip_prefix(b"\r\n").unwrap_or_default();
        }
        Cow::Owned(page)
    }

    /// The paths of this server to which the page links, as far as they can be written into a request.
    pub(crate) fn links(&self) -> Vec<String> {
        let page = self.page();
        let page = String::from_utf8_lossy(&page);
        let values = page.split(['"', '\'', '>', ' ']);
        let mut paths = Vec::new();
        let mut previous = "";
        for value in values {
            let is_link = previous.ends_with("href=") || previous.ends_with("src=");
            let is_here = value.bytes().all(|it| it.is_ascii_graphic())
                && !value.contains([':', '#', '?'])
                && !value.starts_with("//");
            if is_link && is_here && !value.is_empty() {
                let path = format!(
                    "/{}",
                    value.trim_start_matches("./").trim_start_matches('/')
                );
                if !paths.contains(&path) {
                    paths.push(path);
                }
            }
            previous = value;
        }
        paths
    }

    /// Whether the response says where it ends.
    pub(crate) fn is_sized(&self) -> bool {
        self.length().is_some() || self.is_chunked()
    }

    /// Whether the body is sent in chunks.
    fn is_chunked(&self) -> bool {
        let coding = self.header("transfer-encoding").unwrap_or_default();
        coding.to_ascii_lowercase().contains("chunked")
    }
}

/// How far a response has come. A response without a length is whole when the connection ends.
pub(crate) fn progress(received: &[u8], has_ended: bool) -> Progress {
    let Some(response) = response(received) else {
        let begins = received.len().min(BEGINNING.len());
        let is_http = received[..begins] == BEGINNING[..begins];
        return match is_http && !has_ended {
            true => Progress::Partial,
            false => Progress::Wrong,
        };
    };
    let is_whole = match response.length() {
        Some(length) => response.body.len() >= length,
        None if response.is_chunked() => response.body.ends_with(b"0\r\n\r\n"),
        None => matches!(response.status, 204 | 304),
    };
    match is_whole || has_ended {
        true => Progress::Right,
        false => Progress::Partial,
    }
}

/// The path of a page that no server has.
pub(crate) const MISSING: &str = "/portlab-no-such-page-4711.html";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_what_is_in_its_chunks() {
        let page = |body: &str| {
            let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
            let response = response(format!("{head}{body}").as_bytes()).unwrap();
            String::from_utf8(response.page().into_owned()).unwrap()
        };
        assert_eq!(page("3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n"), "hello");
        assert_eq!(page("3\r\nhel\r\n5\r\nlo"), "hello");
        assert_eq!(page("3\r\nhelp\r\n0\r\n\r\n"), "hel");
        assert_eq!(page("ffffffffffffffff\r\nhel"), "hel");
        assert_eq!(page("hello"), "");
    }

    #[test]
    fn a_response_is_whole_at_its_length_or_at_the_end() {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
        let at = |body: &str, ended| progress(format!("{head}{body}").as_bytes(), ended);
        assert_eq!(at("hell", false), Progress::Partial);
        assert_eq!(at("hello", false), Progress::Right);
        let without = b"HTTP/1.0 200 OK\r\n\r\nhello";
        assert_eq!(progress(without, false), Progress::Partial);
        assert_eq!(progress(without, true), Progress::Right);
        assert_eq!(progress(b"HTT", false), Progress::Partial);
        assert_eq!(progress(b"hello", false), Progress::Wrong);
        let after_an_empty_line = format!("\r\n{head}hello");
        assert_eq!(
            progress(after_an_empty_line.as_bytes(), false),
            Progress::Wrong
        );
        let page = "<a href=\"/a.html\">a</a> <img src='./b.png'> <a href=\"http://x/\">x</a> <a href='/a.html'>";
        let page =
            format!("{head}{page}<a href=\"//y/z\"><a href=\"#here\"><a href=\"a\r\nX: y\">");
        let links = response(page.as_bytes()).unwrap().links();
        assert_eq!(links, ["/a.html", "/b.png"]);
        let chunked =
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n";
        assert_eq!(progress(chunked.as_bytes(), false), Progress::Partial);
        let chunked = chunked.to_owned() + "0\r\n\r\n";
        assert_eq!(progress(chunked.as_bytes(), false), Progress::Right);
        let long = b"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\nhello";
        let whole = response(long).unwrap().whole(long.len());
        assert_eq!(whole, Some(usize::MAX));
    }
}
