//! Which request may do what.
//!
//! | request | needs |
//! |---|---|
//! | any | a `Host` that is this machine: another site's name that points here is refused |
//! | that changes something, from a browser | an `Origin` that is this page |
//! | that starts, loads or stops something | the teacher's code in the header `X-Teacher` |
//!
//! The page sends no CORS header, so no other site can send the header `X-Teacher` or read an answer.

use std::{net::IpAddr, sync::Arc, time::Duration};

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use portlab_words::Text;
use tokio::time::timeout;
use tokio_stream::StreamExt;

use crate::{LARGEST_BODY, room::Room};

/// What a browser may load: files of this page. No inline script, no other host, no frame around the page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Checks `Host` and `Origin`, and adds the headers that every answer has.
pub(crate) async fn browser(
    State(room): State<Arc<Room>>,
    request: Request,
    next: Next,
) -> Response {
    let headers = request.headers();
    let answer = if !is_of_this_machine(headers) {
        read_and_refuse(request, StatusCode::MISDIRECTED_REQUEST, &NOT_HERE).await
    } else if request.method() != Method::GET && !is_own_origin(headers) {
        read_and_refuse(request, StatusCode::FORBIDDEN, &OTHER_SITE).await
    } else if room.has_ended() {
        StatusCode::SERVICE_UNAVAILABLE.into_response()
    } else {
        next.run(request).await
    };
    with_policy(answer)
}

/// Lets a request pass that has the teacher's code.
pub(crate) async fn teacher(
    State(room): State<Arc<Room>>,
    request: Request,
    next: Next,
) -> Response {
    if !is_teacher(&room, request.headers()) {
        return read_and_refuse(request, StatusCode::FORBIDDEN, &NO_CODE).await;
    }
    // Some orders need no body and wouldn't read it.
    let (parts, body) = request.into_parts();
    match to_bytes(body, LARGEST_BODY).await {
        Ok(bytes) => next.run(Request::from_parts(parts, bytes.into())).await,
        Err(_) => StatusCode::PAYLOAD_TOO_LARGE.into_response(),
    }
}

/// Refuses a request after its body, which is discarded. A connection with unread input would be closed, and the browser's
/// next request on it would fail.
async fn read_and_refuse(request: Request, status: StatusCode, why: &Text) -> Response {
    let mut frames = Body::into_data_stream(request.into_body());
    let discard = async {
        let mut bytes = 0;
        while let Some(Ok(frame)) = frames.next().await {
            bytes += frame.len();
            if bytes > LARGEST_BODY {
                break;
            }
        }
    };
    // A slow sender is refused all the same.
    let _ = timeout(READING, discard).await;
    refusal(status, why)
}

pub(crate) fn is_teacher(room: &Room, headers: &HeaderMap) -> bool {
    let code = headers.get("x-teacher").map(HeaderValue::as_bytes);
    code.is_some_and(|code| same(code, room.codes.teacher.as_bytes()))
}

/// Compares all bytes, so that the time tells nothing about the first that differs.
pub(crate) fn same(one: &[u8], other: &[u8]) -> bool {
    let differences = one.iter().zip(other).fold(0, |sum, (a, b)| sum | (a ^ b));
    one.len() == other.len() && differences == 0
}

/// Why a request is refused, in both languages.
pub(crate) fn refusal(status: StatusCode, why: &Text) -> Response {
    (status, axum::Json(why)).into_response()
}

fn with_policy(mut answer: Response) -> Response {
    let headers = answer.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            header::HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    answer
}

/// Whether `Host` is an IP address, `localhost`, or this machine's name.
fn is_of_this_machine(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|it| it.to_str().ok());
    let Some(host) = host else {
        return false;
    };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|it| it.is_ascii_digit()) => name,
        _ => host,
    };
    let ip = name.trim_matches(['[', ']']).parse::<IpAddr>();
    let own = own_name();
    let name = name.to_ascii_lowercase();
    ip.is_ok() || name == "localhost" || name == own || name == format!("{own}.local")
}

fn own_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname");
    name.unwrap_or_default().trim().to_ascii_lowercase()
}

/// Whether the request comes from this page, or from a program: a browser sends an `Origin` with each request that
/// changes something.
fn is_own_origin(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return true;
    };
    let origin = origin
        .to_str()
        .ok()
        .and_then(|it| it.strip_prefix("http://"));
    let host = headers.get(header::HOST).and_then(|it| it.to_str().ok());
    origin.is_some() && origin == host
}

/// How long the body of a refused request may take.
const READING: Duration = Duration::from_secs(2);

const NOT_HERE: Text = Text::new(
    "open this page by the address that the terminal of `portlab class` shows",
    "请用 `portlab class` 的终端里显示的地址打开本页",
);
const OTHER_SITE: Text = Text::new(
    "the request comes from another site, and was refused",
    "这个请求来自别的网站，已拒绝",
);
const NO_CODE: Text = Text::new(
    "this needs the teacher's code: open the teacher's address, which the terminal of `portlab class` shows",
    "这里需要教师码：请打开 `portlab class` 的终端里显示的教师地址",
);

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| {
            let name = header::HeaderName::from_bytes(name.as_bytes()).unwrap();
            (name, HeaderValue::from_str(value).unwrap())
        });
        pairs.collect()
    }

    #[test]
    fn a_name_of_another_machine_is_refused() {
        for (host, is_right) in [
            ("127.0.0.1:8000", true),
            ("[::1]:8000", true),
            ("192.168.1.5", true),
            ("LocalHost:8000", true),
            ("evil.example:8000", false),
            ("127.0.0.1.evil.example", false),
            ("", false),
        ] {
            assert_eq!(
                is_of_this_machine(&headers(&[("host", host)])),
                is_right,
                "{host}"
            );
        }
        assert!(!is_of_this_machine(&HeaderMap::new()));
    }

    #[test]
    fn a_request_of_another_site_is_refused() {
        let own = ("host", "127.0.0.1:8000");
        for (origin, is_right) in [
            ("http://127.0.0.1:8000", true),
            ("http://127.0.0.1:8001", false),
            ("https://127.0.0.1:8000", false),
            ("http://evil.example", false),
            ("null", false),
        ] {
            assert_eq!(
                is_own_origin(&headers(&[own, ("origin", origin)])),
                is_right,
                "{origin}"
            );
        }
        // A program, such as `portlab judge --report`.
        assert!(is_own_origin(&headers(&[own])));
    }

    #[test]
    fn codes_are_the_same_only_with_every_byte() {
        assert!(same(b"abc", b"abc"));
        for other in ["", "ab", "abd", "abcd"] {
            assert!(!same(b"abc", other.as_bytes()), "{other}");
        }
    }
}
