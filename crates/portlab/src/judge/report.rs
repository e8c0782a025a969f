//! `portlab judge --report`: sends a verdict to a classroom page.

use std::time::Duration;

use anyhow::bail;
use portlab_judge::Verdict;
use portlab_service::inert;
use portlab_words::{Text, tr};

use crate::{args::lang, output};

/// A classroom page that receives verdicts.
pub(super) struct Page {
    url: String,
    agent: ureq::Agent,
}

impl Page {
    /// The page at `url`.
    ///
    /// # Errors
    /// If it isn't a URL of HTTP.
    pub(super) fn new(url: &str) -> anyhow::Result<Self> {
        if !url.starts_with("http://") {
            bail!(tr!(
                lang(),
                "can't send to {url:?} in --report: write http://HOST:PORT, as the teacher's screen shows it",
                "--report 的地址 {url:?} 不对：请照老师屏幕上的样子写 http://主机:端口"
            ));
        }
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            // A page that refuses says why in the body of its answer, so the body is read with any status.
            .http_status_as_error(false)
            // The page is in the same room: a proxy to the internet doesn't know it.
            .proxy(None)
            .build();
        // The screen shows students the address of their own page, which ends in /join.
        let url = url.strip_suffix("/join").unwrap_or(url);
        Ok(Self {
            url: url.to_owned(),
            agent: config.into(),
        })
    }

    /// Says on stderr that the verdict has arrived.
    pub(super) fn confirm(&self, verdict: &Verdict) {
        let (url, name) = (&self.url, inert(&verdict.name));
        crate::say!("sent to {url} as {name}", "已经送到 {url}，名字是 {name}");
    }

    /// Sends `verdict` as JSON, by POST.
    ///
    /// # Errors
    /// If the page can't be reached, or refuses.
    pub(super) fn send(&self, verdict: &Verdict) -> anyhow::Result<()> {
        let json = output::json(verdict)?;
        let request = self.agent.post(&self.url);
        let sent = request.content_type("application/json").send(json);
        let url = &self.url;
        let error = match sent {
            Ok(answer) => return accepted(url, answer),
            Err(error) => error,
        };
        let why = match &error {
            ureq::Error::Io(error) => Text::system(error),
            ureq::Error::Timeout(_) => Text::new("no answer in time", "超时"),
            other => Text::of(other),
        };
        bail!(tr!(
            lang(),
            "the verdict was not sent to {url}: {why}; check the address with: portlab doctor HOST:PORT",
            "结果没有送到 {url}：{why:#}；请检查这个地址：portlab doctor 主机:端口"
        ))
    }
}

/// Whether the page has taken the verdict; otherwise why it hasn't.
fn accepted(url: &str, mut answer: ureq::http::Response<ureq::Body>) -> anyhow::Result<()> {
    let code = answer.status();
    if code.is_success() {
        return Ok(());
    }
    let status = code.as_u16();
    let body = answer.body_mut().with_config().limit(LONGEST_REASON);
    let reason = body.read_to_vec().unwrap_or_default();
    if let Ok(Text { en, zh }) = serde_json::from_slice(&reason) {
        let (en, zh) = (inert(&en), inert(&zh));
        bail!(tr!(
            lang(),
            "the page at {url} didn't take the verdict (status {status}): {en}",
            "{url} 没有收下结果（状态码 {status}）：{zh}"
        ));
    }
    bail!(tr!(
        lang(),
        "the page at {url} didn't take the verdict: it answers with status {status}; compare the address with that on \
         the teacher's screen, and send again",
        "{url} 没有收下结果：它回答的状态码是 {status}；请核对老师屏幕上的地址，然后再发送一次"
    ))
}

/// The most bytes of a reason.
const LONGEST_REASON: u64 = 4096;
/// How long sending may take.
const PATIENCE: Duration = Duration::from_secs(5);
