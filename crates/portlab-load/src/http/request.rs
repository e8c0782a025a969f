//! The bytes of a request.

use std::str::FromStr;

use portlab_words::{Text, tr};

use super::Url;

/// A request, as it is sent again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Such as `GET`.
    pub method: Method,
    /// The headers that were given; they replace the usual ones of the same name.
    pub headers: Vec<Header>,
    /// The body; `None` without one.
    pub body: Option<Vec<u8>>,
}

/// The method of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Method(String);

/// A line of a request's head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    name: String,
    value: String,
}

/// The methods that are usual (RFC 9110, 9.3; RFC 5789).
const METHODS: [&str; 8] = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE",
];

/// The methods whose requests most often have a body: without one, they say that it is empty.
const WITH_BODY: [&str; 3] = ["POST", "PUT", "PATCH"];

/// What a server sees as the client.
const USER_AGENT: &str = concat!("portlab/", env!("CARGO_PKG_VERSION"));

impl Method {
    /// `GET`.
    pub fn get() -> Self {
        Self("GET".into())
    }

    /// `POST`.
    pub fn post() -> Self {
        Self("POST".into())
    }

    /// Whether the answers have no body, whatever their heads say.
    pub fn is_head(&self) -> bool {
        self.0 == "HEAD"
    }

    /// The method itself.
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl FromStr for Method {
    type Err = Text;

    fn from_str(text: &str) -> Result<Self, Text> {
        let upper = text.to_ascii_uppercase();
        if upper == "CONNECT" {
            return Err(Text::new(
                "--method CONNECT makes a tunnel, which has no answers; load the server behind the proxy",
                "--method CONNECT 建立的是隧道，没有响应；请直接加载代理之后的服务端",
            ));
        }
        // The names of methods are case-sensitive (RFC 9110, 9.1).
        if upper != text && METHODS.contains(&upper.as_str()) {
            return Err(tr!(
                "--method {text}: methods are in capitals; write --method {upper}",
                "--method {text}：方法要大写；请写 --method {upper}"
            ));
        }
        if text.is_empty() || !text.bytes().all(is_token) {
            return Err(tr!(
                "invalid --method {text:?}: expected a word, such as GET, POST or PURGE",
                "--method {text:?} 无效：应为一个词，如 GET、POST 或 PURGE"
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

impl FromStr for Header {
    type Err = Text;

    fn from_str(text: &str) -> Result<Self, Text> {
        let Some((name, value)) = text.split_once(':') else {
            return Err(tr!(
                "--header {text:?} has no colon; write --header 'NAME: VALUE'",
                "--header {text:?} 没有冒号；请写 --header '名称: 值'"
            ));
        };
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err(tr!(
                "{name:?} can't be the name of a header: expected letters, digits and marks such as - and _, \
                 without spaces",
                "{name:?} 不能用作头部的名称：应为字母、数字和 -、_ 等符号，没有空格"
            ));
        }
        let value = value.trim_matches([' ', '\t']);
        if let Some(bad) = value.chars().find(|it| it.is_control() && *it != '\t') {
            let bad = bad.escape_default();
            return Err(tr!(
                "the value of the header {name} has the character {bad}, which would end its line or break the \
                 request; leave it out, and give each header a --header of its own",
                "头部 {name} 的值中有字符 {bad}，它会提前结束这一行或破坏请求；请去掉它，每个头部各写一个 --header"
            ));
        }
        Ok(Self {
            name: name.to_owned(),
            value: value.to_owned(),
        })
    }
}

impl Request {
    /// Its bytes for `url`.
    pub fn bytes(&self, url: &Url) -> Vec<u8> {
        let Self { method, body, .. } = self;
        let mut head = format!("{} {} HTTP/1.1\r\n", method.0, url.path);
        let mut add = |name: &str, value: &str| {
            head.push_str(&format!("{name}: {value}\r\n"));
        };
        if !self.has("host") {
            add("Host", &url.host_header());
        }
        if !self.has("user-agent") {
            add("User-Agent", USER_AGENT);
        }
        let length = body.as_ref().map_or(0, Vec::len);
        let tells_length = body.is_some() || WITH_BODY.contains(&method.name());
        if tells_length && !self.has("content-length") && !self.has("transfer-encoding") {
            add("Content-Length", &length.to_string());
        }
        for header in &self.headers {
            add(&header.name, &header.value);
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(body.as_deref().unwrap_or_default());
        bytes
    }

    /// Whether a header of this name was given.
    fn has(&self, name: &str) -> bool {
        self.headers
            .iter()
            .any(|it| it.name.eq_ignore_ascii_case(name))
    }
}

/// Whether a method or the name of a header may contain `byte` (RFC 9110, 5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(method: &str, headers: &[&str], body: Option<&str>) -> String {
        let request = Request {
            method: method.parse().unwrap(),
            headers: headers.iter().map(|it| it.parse().unwrap()).collect(),
            body: body.map(|it| it.as_bytes().to_vec()),
        };
        let url = "http://[::1]:8080/x?y".parse().unwrap();
        let text = String::from_utf8(request.bytes(&url)).unwrap();
        text.replace(USER_AGENT, "portlab")
    }

    #[test]
    fn a_request_has_the_headers_that_it_needs_and_given_ones_replace_them() {
        for (request, expected) in [
            (
                bytes("GET", &[], None),
                "GET /x?y HTTP/1.1\r\nHost: [::1]:8080\r\nUser-Agent: portlab\r\n\r\n",
            ),
            (
                bytes("POST", &["Accept:  a/b "], Some("你")),
                "POST /x?y HTTP/1.1\r\nHost: [::1]:8080\r\nUser-Agent: portlab\r\nContent-Length: 3\r\n\
                 Accept: a/b\r\n\r\n你",
            ),
            (
                bytes("PUT", &["HOST: example.org", "user-agent:"], None),
                "PUT /x?y HTTP/1.1\r\nContent-Length: 0\r\nHOST: example.org\r\nuser-agent: \r\n\r\n",
            ),
            (
                bytes(
                    "PURGE",
                    &["host: a", "User-Agent: b", "content-length: 9"],
                    Some("x"),
                ),
                "PURGE /x?y HTTP/1.1\r\nhost: a\r\nUser-Agent: b\r\ncontent-length: 9\r\n\r\nx",
            ),
            (
                bytes(
                    "POST",
                    &["Host: a", "User-Agent: b", "Transfer-Encoding: chunked"],
                    Some("0\r\n\r\n"),
                ),
                "POST /x?y HTTP/1.1\r\nHost: a\r\nUser-Agent: b\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            ),
        ] {
            assert_eq!(request, expected);
        }
    }

    #[test]
    fn a_header_or_method_that_would_break_the_request_is_refused() {
        for (header, part) in [
            ("Authorization Basic x", "has no colon"),
            (": x", "can't be the name"),
            ("A b: x", "can't be the name"),
            ("A : x", "can't be the name"),
            ("A: x\r\nB: y", "the character \\r"),
            ("A: x\ny", "the character \\n"),
            ("A: \0", "the character"),
        ] {
            let error = header.parse::<Header>().unwrap_err().to_string();
            assert!(error.contains(part), "{header:?}: {error}");
        }
        for (method, part) in [
            ("get", "--method GET"),
            ("CONNECT", "tunnel"),
            ("", "expected a word"),
            ("GET /", "expected a word"),
            ("GET\r\n", "expected a word"),
        ] {
            let error = method.parse::<Method>().unwrap_err().to_string();
            assert!(error.contains(part), "{method:?}: {error}");
        }
        assert_eq!("purge".parse::<Method>().unwrap().name(), "purge");
    }
}
