//! URLs of HTTP, as a command line has them.

use std::{fmt, str::FromStr};

use portlab_words::{Text, tr};

/// A URL: `http://HOST[:PORT][/PATH][?QUERY]` (RFC 3986, RFC 9110, 4.2).
///
/// Path and query are sent as they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// Whether the scheme is `https`, so that the connection is one of TLS to [`name`](Self::name).
    pub tls: bool,
    /// The host as it is written: a name, an IPv4 address, or an IPv6 address in brackets, perhaps with its zone.
    pub host: String,
    /// The port, if one is written.
    pub port: Option<u16>,
    /// Path and query; `/` if none is written.
    pub path: String,
    /// What follows `#`, if anything does. As in a browser, it isn't sent.
    pub fragment: Option<String>,
}

impl Url {
    /// Whether `text` has the form of a URL: a scheme, which isn't one of a port or a socket, and `://`.
    pub fn is_like(text: &str) -> bool {
        let is_other = |scheme: &str| {
            ["tcp", "udp", "unix"]
                .iter()
                .any(|it| it.eq_ignore_ascii_case(scheme))
        };
        text.split_once("://")
            .is_some_and(|(scheme, _)| !is_other(scheme))
    }

    /// Where to connect: host and port.
    pub fn address(&self) -> String {
        let usual = if self.tls { 443 } else { 80 };
        let port = self.port.unwrap_or(usual);
        format!("{}:{port}", self.host)
    }

    /// The value of `Host`: the host without the zone of an IPv6 address, which means something to this machine only,
    /// and the port if one is written.
    pub fn host_header(&self) -> String {
        let name = self.name();
        let host = match self.host.starts_with('[') {
            true => format!("[{name}]"),
            false => name.to_owned(),
        };
        match self.port {
            Some(port) => format!("{host}:{port}"),
            None => host,
        }
    }

    /// The name of the server: the host without brackets and zone.
    pub fn name(&self) -> &str {
        match self.host.strip_prefix('[') {
            Some(host) => host.split(['%', ']']).next().unwrap_or(host),
            None => &self.host,
        }
    }
}

impl FromStr for Url {
    type Err = Text;

    fn from_str(text: &str) -> Result<Self, Text> {
        let (scheme, rest) = text.split_once("://").unwrap_or_default();
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => {
                return Err(tr!(
                    "{text:?} is not a URL of HTTP; write http://HOST:PORT/PATH, such as http://127.0.0.1:8080/",
                    "{text:?} 不是 HTTP 的网址；请写 http://主机:端口/路径，如 http://127.0.0.1:8080/"
                ));
            }
        };
        let (rest, fragment) = match rest.split_once('#') {
            Some((rest, fragment)) => (rest, Some(fragment.to_owned())),
            None => (rest, None),
        };
        let at = rest.find(['/', '?']).unwrap_or(rest.len());
        let (server, path) = rest.split_at(at);
        if server.contains('@') {
            return Err(user_in_url(text));
        }
        let (host, port) = match server.rsplit_once(':') {
            // A colon inside the brackets belongs to the address.
            Some((host, port)) if !port.contains(']') => (host, Some(port)),
            _ => (server, None),
        };
        if host.is_empty() {
            return Err(tr!(
                "{text:?} has no host; write http://HOST:PORT/PATH, such as http://127.0.0.1:8080/",
                "{text:?} 没有主机；请写 http://主机:端口/路径，如 http://127.0.0.1:8080/"
            ));
        }
        let port = port
            .filter(|port| !port.is_empty())
            .map(port_of)
            .transpose()?;
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        if bare.unwrap_or(host).contains(['[', ']']) || (bare.is_none() && host.contains(':')) {
            return Err(tr!(
                "{host:?} is not a host; write an IPv6 address in brackets, as in http://[::1]:8080/",
                "{host:?} 不是主机；IPv6 地址请写在方括号里，如 http://[::1]:8080/"
            ));
        }
        if !server.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(tr!(
                "the host in {text:?} has characters that a URL can't contain; write its IP address, or its name in \
                 ASCII (xn--...)",
                "{text:?} 的主机中有网址不能包含的字符；请写 IP 地址，或 ASCII 形式的名字（xn--……）"
            ));
        }
        if !path.bytes().all(|byte| byte.is_ascii_graphic()) {
            let (better, scheme) = (percent_encoded(path), scheme.to_ascii_lowercase());
            return Err(tr!(
                "the path of {text:?} has characters that a URL can't contain; write {scheme}://{server}{better}",
                "{text:?} 的路径中有网址不能包含的字符；请写 {scheme}://{server}{better}"
            ));
        }
        Ok(Self {
            tls,
            // RFC 6874: the percent sign before a zone is written as %25.
            host: host.replace("%25", "%"),
            port,
            path: match path.starts_with('/') {
                true => path.to_owned(),
                false => format!("/{path}"),
            },
            fragment,
        })
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.host.replace('%', "%25"))?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        f.write_str(&self.path)
    }
}

fn port_of(text: &str) -> Result<u16, Text> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let port = text.parse().ok().filter(|port| digits && *port > 0);
    port.ok_or_else(|| {
        tr!(
            "{text:?} is not a port; write a number from 1 to 65535, as in http://127.0.0.1:8080/",
            "{text:?} 不是端口号；请写 1 到 65535 的整数，如 http://127.0.0.1:8080/"
        )
    })
}

/// A URL with a user's name or password. The message doesn't repeat them: it may end up in a log.
fn user_in_url(text: &str) -> Text {
    let rest = text.rsplit_once('@').map_or(text, |(_, rest)| rest);
    tr!(
        "the URL of {rest:?} has a user before its @, and a URL isn't the place for a password; write \
         --header \"Authorization: Basic $(printf USER:PASSWORD | base64)\"",
        "{rest:?} 的网址在 @ 之前写了用户，而密码不应写在网址里；请写 --header \"Authorization: Basic $(printf \
         用户:密码 | base64)\""
    )
}

/// `path` with every byte that a URL can't contain written as `%XX`.
fn percent_encoded(path: &str) -> String {
    let encoded = path.bytes().map(|byte| match byte.is_ascii_graphic() {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    });
    encoded.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_divided_into_its_parts() {
        for (text, address, host, path) in [
            (
                "http://127.0.0.1:8080/x?y=1",
                "127.0.0.1:8080",
                "127.0.0.1:8080",
                "/x?y=1",
            ),
            ("HTTP://localhost", "localhost:80", "localhost", "/"),
            (
                "https://example.org/",
                "example.org:443",
                "example.org",
                "/",
            ),
            (
                "http://localhost:/a%20b//../",
                "localhost:80",
                "localhost",
                "/a%20b//../",
            ),
            ("http://localhost?q", "localhost:80", "localhost", "/?q"),
            ("http://[::1]:8080", "[::1]:8080", "[::1]:8080", "/"),
            ("http://[::1]/@:", "[::1]:80", "[::1]", "/@:"),
            (
                "http://[fe80::1%25eth0]:81/",
                "[fe80::1%eth0]:81",
                "[fe80::1]:81",
                "/",
            ),
            ("http://h/a?b=/#top", "h:80", "h", "/a?b=/"),
        ] {
            let url: Url = text.parse().unwrap();
            let parts = (url.address(), url.host_header(), url.path.as_str());
            assert_eq!(parts, (address.into(), host.into(), path), "{text}");
        }
        let url: Url = "HTTP://[::1%25lo]:81?x#top".parse().unwrap();
        assert_eq!(url.fragment.as_deref(), Some("top"));
        assert_eq!(
            (url.name(), url.to_string()),
            ("::1", "http://[::1%25lo]:81/?x".into())
        );
    }

    #[test]
    fn a_url_that_cannot_be_requested_is_refused_with_what_to_write() {
        for (text, part) in [
            ("ftp://x/", "http://127.0.0.1:8080/"),
            ("http:///x", "has no host"),
            ("http://:80/x", "has no host"),
            ("http://h:x/", "1 to 65535"),
            ("http://h:0/", "1 to 65535"),
            ("http://h:65536/", "1 to 65535"),
            ("http://::1/", "in brackets"),
            ("http://[::1:80/", "in brackets"),
            ("http://[::1]x:80/", "in brackets"),
            ("http://你好:80/", "xn--"),
            ("http://h\n:80/", "xn--"),
            ("http://a:secret@h/", "--header \"Authorization: Basic"),
            ("http://h:80/你 好", "http://h:80/%E4%BD%A0%20%E5%A5%BD"),
            ("http://h/a\r\nX: y", "http://h/a%0D%0AX:%20y"),
        ] {
            let error = text.parse::<Url>().unwrap_err();
            assert!(error.en.contains(part), "{text}: {error}");
            assert!(!error.en.contains("secret") && !error.zh.contains("secret"));
        }
    }
}
