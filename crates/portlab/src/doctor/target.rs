//! The address that somebody can't reach, as they write it.

use portlab_report::Lang;

use crate::{ports::services::named, prose::say};

/// A port of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// A name or an IP address, without brackets.
    pub(super) host: String,
    /// Not 0.
    pub(super) port: u16,
}

impl Target {
    /// Reads HOST:PORT; a port alone is one of this machine. A port may be a service's name.
    ///
    /// # Errors
    /// In words, what is missing and how it is written.
    pub(super) fn read(text: &str, lang: Lang) -> Result<Self, String> {
        // As a Chinese keyboard has them.
        let text = &text.trim().replace('：', ":").replace(['。', '．'], ".");
        if let Some((scheme, rest)) = text.split_once("://") {
            return Err(of_url(text, scheme, rest, lang));
        }
        let Some((host, port)) = text.rsplit_once(':') else {
            return match number(text) {
                Some(port) => Ok(Self::here(port)),
                None if is_number(text) => Err(no_port(text, text, lang)),
                None => Err(no_number(text, lang)),
            };
        };
        let bare = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
        if bare.is_none() && host.contains(':') {
            return Err(say!(
                lang,
                "{text:?} may be an IPv6 address, which stands in brackets before its port; write \
                 [{text}]:8080",
                "{text:?} 像是 IPv6 地址，后面要写端口的话，地址得放在方括号里；请写 [{text}]:8080"
            ));
        }
        let port = number(port)
            .or_else(|| named(port).map(|service| service.port))
            .ok_or_else(|| no_port(port, text, lang))?;
        match bare.unwrap_or(host) {
            "" => Ok(Self::here(port)),
            host if host.contains(|it: char| it.is_whitespace() || it == '/') => Err(say!(
                lang,
                "{host:?} in {text:?} is no host; write HOST:PORT, such as 127.0.0.1:8080",
                "{text:?} 里的 {host:?} 不是主机；请写 主机:端口，比如 127.0.0.1:8080"
            )),
            host => Ok(Self {
                host: host.to_owned(),
                port,
            }),
        }
    }

    fn here(port: u16) -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port,
        }
    }
}

/// Writes the address as it is given on the command line.
impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// A port that can be connected to.
fn number(text: &str) -> Option<u16> {
    text.parse().ok().filter(|&port| port > 0)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|it| it.is_ascii_digit())
}

fn of_url(text: &str, scheme: &str, rest: &str, lang: Lang) -> String {
    let host = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let has_port = host.rsplit_once(':').is_some_and(|(_, it)| is_number(it));
    let addr = match named(scheme) {
        _ if host.is_empty() => "127.0.0.1:8080".to_owned(),
        _ if has_port => host.to_owned(),
        Some(service) => format!("{host}:{}", service.port),
        None => format!("{host}:8080"),
    };
    say!(
        lang,
        "{text:?} is a URL, and no address; write HOST:PORT: portlab doctor {addr}",
        "{text:?} 是网址（URL），不是地址；请写 主机:端口：portlab doctor {addr}"
    )
}

fn no_port(port: &str, text: &str, lang: Lang) -> String {
    say!(
        lang,
        "{port:?} in {text:?} is no port to connect to; write a number from 1 to 65535, as in \
         127.0.0.1:8080",
        "{text:?} 里的 {port:?} 不是能连接的端口；请写 1 到 65535 的整数，比如 127.0.0.1:8080"
    )
}

fn no_number(host: &str, lang: Lang) -> String {
    let host = if host.is_empty() { "127.0.0.1" } else { host };
    say!(
        lang,
        "{host:?} has no port, and a machine has 65535 of them; write HOST:PORT: portlab doctor {host}:8080 \
         (portlab ports lists those of this machine)",
        "{host:?} 没有写端口，一台机器有 65535 个端口；请写 主机:端口：portlab doctor {host}:8080\
         （portlab ports 会列出本机的端口）"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_in_every_form_that_people_write() {
        for (text, host, port) in [
            ("127.0.0.1:8080", "127.0.0.1", 8080),
            ("localhost:http", "localhost", 80),
            ("[::1]:80", "::1", 80),
            ("8080", "127.0.0.1", 8080),
            (":8080", "127.0.0.1", 8080),
            (" 127。0。0。1：8080 ", "127.0.0.1", 8080),
        ] {
            let target = Target::read(text, Lang::En).unwrap();
            assert_eq!((target.host.as_str(), target.port), (host, port));
        }
        let v6 = Target::read("[::1]:80", Lang::En).unwrap();
        assert_eq!(v6.to_string(), "[::1]:80");
    }

    #[test]
    fn what_is_missing_is_said_with_what_to_write() {
        for (text, remedy) in [
            ("localhost", "localhost:8080"),
            ("192.0.2.1", "192.0.2.1:8080"),
            ("", "127.0.0.1:8080"),
            ("http://example.org/x", "doctor example.org:80"),
            ("http://127.0.0.1:8080/", "doctor 127.0.0.1:8080"),
            ("foo://", "127.0.0.1:8080"),
            ("::1", "[::1]:8080"),
            ("fe80::1:80", "[fe80::1:80]:8080"),
            ("127.0.0.1:0", "65535"),
            ("127.0.0.1:70000", "65535"),
            ("70000", "65535"),
            ("0", "65535"),
            ("127.0.0.1:", "65535"),
            ("my host:80", "127.0.0.1:8080"),
        ] {
            for lang in Lang::ALL {
                let error = Target::read(text, lang).unwrap_err();
                assert!(error.contains(remedy), "{text:?}: {error}");
            }
        }
    }
}
