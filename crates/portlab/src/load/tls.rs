//! The options of TLS, and what the result says about it.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use portlab_load::{LoadResult, Pem, Tls, TlsOptions};
use portlab_sys::input;
use portlab_words::{Lang, tr};

use super::words::quantile;

/// How connections are encrypted.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "TLS")]
pub(super) struct TlsArgs {
    /// Encrypt the connections with TLS 1.3 or 1.2, with any messages; https:// implies
    /// it
    #[arg(long)]
    tls: bool,

    /// The server's name, sent to it and checked in its certificate
    /// [default: the host as written; an IP address is checked, but not sent]
    #[arg(long, value_name = "NAME")]
    sni: Option<String>,

    /// Trust the certificates of this file (PEM) instead of the system's roots; the
    /// server's own may be among them
    #[arg(long, value_name = "FILE", conflicts_with = "insecure")]
    ca: Option<PathBuf>,

    /// This client's certificate (PEM), for servers that ask for one
    #[arg(long, value_name = "FILE")]
    cert: Option<PathBuf>,

    /// The private key of --cert (PEM) [default: in the file of --cert]
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,

    /// Accept every certificate
    #[arg(long)]
    insecure: bool,

    /// The protocols to offer (ALPN), the preferred one first [default: http/1.1 with
    /// https://]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    alpn: Vec<String>,

    /// on: connections resume the session of an earlier one, as a client does that has
    /// connected before; off: the server makes every handshake in full
    #[arg(long, value_name = "HOW", value_parser = ["on", "off"], default_value = "off")]
    #[arg(hide_possible_values = true)]
    tls_resumption: String,
}

/// The longest file of certificates.
const MOST: u64 = 16 << 20;

/// The name of HTTP/1.1 (RFC 7301, 6).
const HTTP: &str = "http/1.1";

/// The longest name of a protocol (RFC 7301, 3.1).
const LONGEST_PROTOCOL: usize = 255;

impl TlsArgs {
    /// What TLS needs to load `hosts`, which are those of URLs of `https` or not; `None` without TLS.
    pub(super) fn plan(&self, hosts: &[String], is_https: bool) -> anyhow::Result<Option<Tls>> {
        let resumption = self.tls_resumption == "on";
        if !self.tls && !is_https {
            let given = [
                ("--sni", self.sni.is_some()),
                ("--ca", self.ca.is_some()),
                ("--cert", self.cert.is_some()),
                ("--insecure", self.insecure),
                ("--alpn", !self.alpn.is_empty()),
                ("--tls-resumption", resumption),
            ];
            if let Some((option, _)) = given.iter().find(|(_, given)| *given) {
                bail!(tr!(
                    "{option} is an option of TLS, and the connections have none; add --tls",
                    "{option} 是 TLS 的选项，而连接没有使用 TLS；请加上 --tls"
                ));
            }
            return Ok(None);
        }
        if let Some(name) = self.alpn.iter().find(|it| !is_protocol(it)) {
            bail!(tr!(
                "invalid protocol {name:?} in --alpn: expected a name of 1 to {LONGEST_PROTOCOL} bytes, such as http/1.1",
                "--alpn 中的协议 {name:?} 无效：应为 1 到 {LONGEST_PROTOCOL} 字节的名字，如 http/1.1"
            ));
        }
        let spoken = |name: &&String| !is_https || name.starts_with("http/1.");
        if let Some(name) = self.alpn.iter().find(|it| !spoken(it)) {
            bail!(tr!(
                "portlab speaks HTTP/1.1 with a URL, and --alpn offers {name:?}; leave out --alpn",
                "网址的负载使用 HTTP/1.1，而 --alpn 提供了 {name:?}；请去掉 --alpn"
            ));
        }
        let alpn = match is_https && self.alpn.is_empty() {
            // A port that speaks only HTTP/2 then refuses the handshake, and says why.
            true => vec![HTTP.to_owned()],
            false => self.alpn.clone(),
        };
        let options = TlsOptions {
            ca: self.ca.as_deref().map(pem).transpose()?,
            cert: self.cert.as_deref().map(pem).transpose()?,
            key: self.key.as_deref().map(pem).transpose()?,
            insecure: self.insecure,
            alpn,
            resumption,
        };
        let names = self.sni.as_ref().map_or(hosts, std::slice::from_ref);
        Ok(Some(Tls::new(&options, names)?))
    }
}

fn is_protocol(name: &str) -> bool {
    (1..=LONGEST_PROTOCOL).contains(&name.len())
}

fn pem(file: &Path) -> anyhow::Result<Pem> {
    let name = file.display().to_string();
    let bytes = input::read(file, MOST).with_context(|| {
        tr!(
            "can't read {name}, a file of certificates",
            "无法读取证书文件 {name}"
        )
    })?;
    Ok(Pem { file: name, bytes })
}

/// The figure of the row about handshakes, and what is said beside it; `None` without TLS.
pub(super) fn handshakes(result: &LoadResult, lang: Lang) -> Option<(String, String)> {
    let (tls, latency) = (result.tls.as_ref()?, result.handshake_latency_ns.as_ref()?);
    let [p50, p99] = [0.5, 0.99].map(|at| quantile(latency, at));
    let resumed = tls.handshakes_resumed;
    let full = tls.handshakes - resumed;
    let rest = match tls.handshakes {
        0 => lang.pick("none was completed", "一次也没有完成").to_owned(),
        _ => tr!(
            lang,
            "p50 of TLS; p99 {p99}; {full} in full, {resumed} resumed",
            "TLS 握手的 p50；p99 {p99}；{full} 次完整，{resumed} 次恢复会话"
        ),
    };
    Some((p50, rest))
}

/// What the first connection agreed on, and what the server's certificate says.
pub(super) fn session(result: &LoadResult, lang: Lang) -> Option<(String, String)> {
    let tls = result.tls.as_ref()?;
    let version = tls.version.clone()?;
    let mut parts: Vec<_> = tls.cipher.iter().cloned().collect();
    parts.extend(tls.alpn.clone());
    if let Some(it) = &tls.certificate {
        let (subject, until) = (&it.subject, &it.not_after);
        let whose = match (&**subject, it.self_signed) {
            ("", _) => it.names.first().cloned().unwrap_or_default(),
            (subject, false) => subject.to_owned(),
            (subject, true) => tr!(lang, "{subject} (self-signed)", "{subject}（自签名）"),
        };
        parts.push(tr!(
            lang,
            "certificate of {whose} until {until}",
            "证书属于 {whose}，有效到 {until}"
        ));
    }
    if !tls.verified {
        parts.push(lang.pick("not checked", "没有核对").to_owned());
    }
    let cut = tls.answers_without_close_notify;
    if cut > 0 {
        parts.push(tr!(
            lang,
            "{cut} answers ended without close_notify, so they may have been cut",
            "{cut} 个响应结束时没有 close_notify，可能不完整"
        ));
    }
    Some((version, parts.join(lang.pick("; ", "；"))))
}
