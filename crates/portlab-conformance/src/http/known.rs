//! What is learned of a server before its rules are checked.

use std::net::SocketAddr;

use super::conn::{Answer, Conn, Next};

/// How the server answers a usual request.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// The status of `GET /`. If that is an error of syntax or of the server, 200: then most rules fail.
    pub(super) usual: u16,
    /// Whether a connection goes on after an answer.
    pub(super) is_open: bool,
    /// The path of the page whose validators and parts the rules ask for.
    pub(super) page: &'static str,
    /// The page.
    pub(super) body: Vec<u8>,
    /// Its entity tag, if that is strong.
    pub(super) tag: Option<String>,
    /// The date of its last change.
    pub(super) modified: Option<String>,
    /// Whether parts of it are sent.
    pub(super) has_ranges: bool,
}

impl Known {
    pub(super) fn learn(addr: SocketAddr, has_fixture: bool) -> Self {
        let usual = get(addr, "/", CLOSE).map_or(200, |it| it.status);
        let page = if has_fixture { "/text.txt" } else { "/" };
        let found = get(addr, page, CLOSE).filter(|it| it.status == 200);
        let is_open = Conn::open(addr).is_ok_and(|mut conn| {
            conn.send(request(addr, "/", "").repeat(2));
            let mut answers = || matches!(conn.next(false), Next::Answer(_));
            answers() && answers()
        });
        let part = get(addr, page, "Range: bytes=0-1\r\nConnection: close\r\n");
        let body = found.as_ref().map(|it| it.body.clone()).unwrap_or_default();
        let field = |name| found.as_ref()?.field(name).map(str::to_owned);
        Self {
            usual: if matches!(usual, 400 | 500..) {
                200
            } else {
                usual
            },
            is_open,
            page,
            tag: field("etag").filter(|it| it.starts_with('"')),
            modified: field("last-modified").filter(|it| httpdate::parse_http_date(it).is_ok()),
            // The rules ask for the first and the last bytes.
            has_ranges: body.len() >= 20 && part.is_some_and(|it| it.status == 206),
            body,
        }
    }

    /// What replaces a place in a row's text.
    pub(super) fn value(&self, place: &str) -> Option<String> {
        let tag = || self.tag.clone().unwrap_or_default();
        match place {
            "page" => Some(self.page.to_owned()),
            "tag" => Some(tag()),
            "bare tag" => Some(tag().replace('"', "")),
            "modified" => Some(self.modified.clone().unwrap_or_default()),
            "modified as in RFC 850" => Some(self.old_dates().unwrap_or_default()[0].clone()),
            "modified as of asctime" => Some(self.old_dates().unwrap_or_default()[1].clone()),
            "length" => Some(self.body.len().to_string()),
            _ => None,
        }
    }

    /// The date of the page's last change in the two forms of RFC 9110, 5.6.7, that aren't sent any more.
    fn old_dates(&self) -> Option<[String; 2]> {
        let words: Vec<_> = self
            .modified
            .as_ref()?
            .split([' ', ','])
            .filter(|it| !it.is_empty())
            .collect();
        let [weekday, day, month, year, time, zone] = words[..] else {
            return None;
        };
        let long = [
            "Sunday",
            "Monday",
            "Tuesday",
            "Wednesday",
            "Thursday",
            "Friday",
            "Saturday",
        ];
        let long = long.iter().find(|it| it.starts_with(weekday))?;
        let (short, padded) = (&year[2..], day.trim_start_matches('0'));
        Some([
            format!("{long}, {day}-{month}-{short} {time} {zone}"),
            format!("{weekday} {month} {padded:>2} {time} {year}"),
        ])
    }
}

fn get(addr: SocketAddr, path: &str, fields: &str) -> Option<Answer> {
    let mut conn = Conn::open(addr).ok()?;
    conn.send(request(addr, path, fields));
    match conn.next(false) {
        Next::Answer(answer) => Some(*answer),
        _ => None,
    }
}

fn request(addr: SocketAddr, path: &str, fields: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: {addr}\r\n{fields}\r\n").into()
}

const CLOSE: &str = "Connection: close\r\n";
