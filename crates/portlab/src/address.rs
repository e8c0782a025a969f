//! Addresses on the command line: reading them, and a warning where other machines can connect.

use std::net::SocketAddr;

pub(crate) use portlab_ports::address::{Host, Purpose, narrow};
use portlab_words::{Lang, tr};

use crate::args::{self, WARN};

/// Warns on stderr if a server that listens at `addr`, the value of `option`, can be reached from other machines.
pub(crate) fn warn_if_wide(addr: SocketAddr, option: &str) {
    if let Some(warning) = warning(addr, option, args::lang()) {
        let head = args::lang().pick("warning: ", "警告：");
        crate::tell!("{WARN}{head}{WARN:#}{warning}");
    }
}

/// What it means that a server listens at `addr`, and the remedy; `None` for loopback.
fn warning(addr: SocketAddr, option: &str, lang: Lang) -> Option<String> {
    let (ip, port) = (addr.ip().to_canonical(), addr.port());
    let loopback = match addr {
        SocketAddr::V4(_) => "127.0.0.1",
        SocketAddr::V6(_) => "[::1]",
    };
    (!ip.is_loopback()).then(|| {
        tr!(
            lang,
            "other machines can connect to {addr}, without login and without encryption; for this machine \
             only: {option} {loopback}:{port}",
            "其他机器可以连接 {addr}，不需要登录，也没有加密；只供本机使用：{option} {loopback}:{port}",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_but_loopback_is_warned_about_with_a_remedy() {
        for text in [
            "127.0.0.1:80",
            "127.9.9.9:80",
            "[::1]:80",
            "[::ffff:127.0.0.1]:80",
        ] {
            assert_eq!(
                warning(text.parse().unwrap(), "--bind", Lang::En),
                None,
                "{text}"
            );
        }
        for (text, remedy) in [
            ("0.0.0.0:80", "127.0.0.1:80"),
            ("192.0.2.7:80", "127.0.0.1:80"),
            ("[::]:80", "[::1]:80"),
            ("[fe80::1]:80", "[::1]:80"),
            ("[::ffff:192.0.2.7]:80", "[::1]:80"),
        ] {
            for lang in Lang::ALL {
                let said = warning(text.parse().unwrap(), "--bind", lang).unwrap();
                assert!(said.ends_with(&format!("--bind {remedy}")), "{said}");
            }
        }
    }
}
