//! What can go wrong in TLS, in words, with remedies.

use std::{error, fmt, io};

use portlab_words::{Text, tr};

use super::Certificate;

/// Why a TLS connection failed. Errors of the system, such as a reset, aren't listed here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsFault {
    /// The server's bytes aren't TLS.
    Plain,
    /// The server sent back what it was sent.
    Echoed,
    /// The server closed the connection during the handshake.
    Closed,
    /// The server sent a fatal alert of this number (RFC 8446, 6), which rustls calls so.
    Alert(u8, &'static str),
    /// The server's certificate has expired.
    Expired,
    /// The server's certificate isn't valid yet.
    NotYetValid,
    /// The server's certificate is for other names.
    OtherName,
    /// The server's certificate is signed by itself, and isn't trusted.
    SelfSigned,
    /// The server's certificate doesn't lead to a root that is trusted.
    UnknownIssuer,
    /// The server's certificate is wrong in another way.
    Certificate,
    /// The server has neither TLS 1.2 nor TLS 1.3.
    OldVersion,
    /// The server and this client have no algorithm in common.
    NothingInCommon,
    /// The server chose a protocol (ALPN) that wasn't offered.
    OtherProtocol,
    /// A record can't be decrypted, or is damaged.
    Damaged,
    /// The server breaks the rules of TLS.
    Misbehaved,
}

impl TlsFault {
    /// The fault that is in `error`, if it is one of TLS.
    pub(crate) fn in_error(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref::<Self>().copied()
    }

    /// The fault, in words.
    pub(crate) fn text(self) -> Text {
        match self {
            Self::Plain => Text::new("the server answers without TLS", "服务端的响应没有使用 TLS"),
            Self::Echoed => Text::new(
                "the server sent back what it was sent: it echoes, without TLS",
                "服务端把收到的数据原样发回：它是回显服务，没有使用 TLS",
            ),
            Self::Closed => Text::new(
                "the server closed the connection during the handshake",
                "服务端在 TLS 握手期间关闭了连接",
            ),
            Self::Alert(number, name) => {
                let name = as_in_the_rfc(name);
                tr!(
                    "the server sent the alert {name} ({number})",
                    "服务端发送了警报 {name}（{number}）"
                )
            }
            Self::Expired => {
                Text::new("the server's certificate has expired", "服务端的证书已过期")
            }
            Self::NotYetValid => Text::new(
                "the server's certificate isn't valid yet",
                "服务端的证书尚未生效",
            ),
            Self::OtherName => Text::new(
                "the server's certificate is for another name",
                "服务端的证书属于另一个名字",
            ),
            Self::SelfSigned => Text::new(
                "the server's certificate is self-signed and not trusted",
                "服务端的证书是自签名的，不受信任",
            ),
            Self::UnknownIssuer => Text::new(
                "the issuer of the server's certificate is not trusted",
                "服务端证书的签发者不受信任",
            ),
            Self::Certificate => {
                Text::new("the server's certificate is invalid", "服务端的证书无效")
            }
            Self::OldVersion => Text::new(
                "the server has neither TLS 1.2 nor TLS 1.3",
                "服务端既不支持 TLS 1.2，也不支持 TLS 1.3",
            ),
            Self::NothingInCommon => Text::new(
                "the server and portlab have no cipher suite or key exchange in common",
                "服务端与本程序没有共同的密码套件或密钥交换方式",
            ),
            Self::OtherProtocol => Text::new(
                "the server chose a protocol that was not offered",
                "服务端选择了没有提供的协议",
            ),
            Self::Damaged => Text::new("a record of TLS is damaged", "有一条 TLS 记录已损坏"),
            Self::Misbehaved => Text::new(
                "the server breaks the rules of TLS",
                "服务端违反了 TLS 的规则",
            ),
        }
    }

    /// The same with what the server's `certificate` says; the server was to be called `name`.
    pub(crate) fn text_with(self, certificate: &Certificate, name: &str) -> Text {
        let Certificate {
            issuer,
            names,
            not_before,
            not_after,
            ..
        } = certificate;
        match self {
            Self::Expired => tr!(
                "the server's certificate expired at {not_after}",
                "服务端的证书已于 {not_after} 过期"
            ),
            Self::NotYetValid => tr!(
                "the server's certificate becomes valid at {not_before}",
                "服务端的证书从 {not_before} 起才有效"
            ),
            Self::OtherName if names.is_empty() => tr!(
                "the server's certificate names no server, so it isn't for {name}",
                "服务端的证书没有写出服务器的名字，所以不属于 {name}"
            ),
            Self::OtherName => {
                let (en, zh) = (names.join(", "), names.join("、"));
                tr!(
                    "the server's certificate is for {en}, not for {name}",
                    "服务端的证书属于 {zh}，不属于 {name}"
                )
            }
            Self::UnknownIssuer if !issuer.is_empty() => tr!(
                "the issuer of the server's certificate, {issuer}, is not trusted",
                "服务端证书的签发者 {issuer} 不受信任"
            ),
            _ => self.text(),
        }
    }

    /// What to do about it.
    pub(crate) fn hint(self) -> Option<Text> {
        Some(match self {
            Self::Plain | Self::Echoed => Text::new(
                "leave out --tls, or write http:// in the URL",
                "请去掉 --tls，或在网址中写 http://",
            ),
            Self::Closed => Text::new(
                "does this port speak TLS? The server's log may have the reason",
                "这个端口使用 TLS 吗？服务端的日志可能有原因",
            ),
            Self::Expired | Self::NotYetValid => Text::new(
                "renew it, or check this machine's clock; to load the server anyway, use --insecure",
                "请更新证书，或检查本机的时钟；仍要测试，请使用 --insecure",
            ),
            Self::OtherName => Text::new(
                "give one of its names with --sni NAME, or accept any name with --insecure",
                "请用 --sni NAME 给出证书中的一个名字，或用 --insecure 接受任何名字",
            ),
            Self::SelfSigned => Text::new(
                "trust it with --ca FILE, the file of this certificate, or accept any with --insecure",
                "请用 --ca FILE（这个证书的文件）信任它，或用 --insecure 接受任何证书",
            ),
            Self::UnknownIssuer => Text::new(
                "give the root certificate with --ca FILE, or accept any with --insecure; if the root is known, the \
                 server doesn't send the certificates between",
                "请用 --ca FILE 给出根证书，或用 --insecure 接受任何证书；如果根证书本来受信任，说明服务端没有发送中间证书",
            ),
            Self::Certificate => Text::new(
                "to load the server anyway, use --insecure",
                "仍要测试，请使用 --insecure",
            ),
            Self::OldVersion => Text::new(
                "older versions are insecure, and rustls doesn't have them",
                "更早的版本不安全，rustls 不支持",
            ),
            Self::OtherProtocol => Text::new("see --alpn", "见 --alpn"),
            Self::Damaged => Text::new(
                "something between the server and this client changes bytes",
                "服务端与本程序之间有东西改动了数据",
            ),
            Self::Alert(number, _) => return hint_of_alert(number),
            Self::NothingInCommon | Self::Misbehaved => return None,
        })
    }
}

/// The name of an alert, such as `HandshakeFailure`, as RFC 8446 writes it: `handshake_failure`.
fn as_in_the_rfc(name: &str) -> String {
    let mut written = String::new();
    for letter in name.replace("CA", "Ca").chars() {
        if letter.is_uppercase() && !written.is_empty() {
            written.push('_');
        }
        written.push(letter.to_ascii_lowercase());
    }
    written
}

fn hint_of_alert(number: u8) -> Option<Text> {
    Some(match number {
        40 | 70 | 71 => Text::new(
            "the server allows other versions or ciphers, or asks for a client's certificate: --cert FILE --key FILE",
            "服务端只接受其他版本或密码套件，或要求客户端证书：--cert FILE --key FILE",
        ),
        42..=46 | 48 | 49 => Text::new(
            "the server refuses this client's certificate: --cert FILE --key FILE",
            "服务端拒绝了客户端的证书：--cert FILE --key FILE",
        ),
        112 => Text::new(
            "the server doesn't know this name; give another one with --sni NAME",
            "服务端不认识这个名字；请用 --sni NAME 给出另一个",
        ),
        116 => Text::new(
            "the server asks for a client's certificate: --cert FILE --key FILE",
            "服务端要求客户端证书：--cert FILE --key FILE",
        ),
        120 => Text::new(
            "the server has none of the protocols of --alpn; a port that speaks only HTTP/2 doesn't take HTTP/1.1",
            "服务端不支持 --alpn 中的协议；只支持 HTTP/2 的端口不接受 HTTP/1.1",
        ),
        80 => Text::new("see the server's log", "请看服务端的日志"),
        _ => return None,
    })
}

impl fmt::Display for TlsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text().fmt(f)
    }
}

impl error::Error for TlsFault {}

impl From<TlsFault> for io::Error {
    fn from(fault: TlsFault) -> Self {
        Self::new(io::ErrorKind::InvalidData, fault)
    }
}
