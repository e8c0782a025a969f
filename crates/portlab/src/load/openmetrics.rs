//! `--openmetrics`: the figures of a run while it lasts, in a file or on a port.

use std::path::{Path, PathBuf};

use anyhow::Context;
use portlab_backends::{Options, bind};
use portlab_load::{Exporter, Metrics};
use portlab_words::{Text, tr};

use super::words;
use crate::{
    address::{Purpose, narrow, warn_if_wide},
    args::{WARN, lang, unwritten},
    serve::remedy,
};

/// The option, for messages.
const OPTION: &str = "--openmetrics";

/// Where the figures go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum To {
    File(PathBuf),
    /// The port to listen on, as it was written.
    Port(String),
}

impl To {
    /// Reads `FILE` or `ADDR`. An address has a colon, or digits alone.
    ///
    /// # Errors
    /// If an address is invalid.
    pub(super) fn read(text: &str) -> Result<Self, Text> {
        let address = narrow(text);
        let is_number = address.bytes().all(|it| it.is_ascii_digit());
        if text.contains('/') || !(address.contains(':') || is_number) {
            return Ok(Self::File(text.into()));
        }
        Purpose::METRICS.read(text).map_err(|Text { en, zh }| {
            tr!(
                "{en}; a file is written ./{text}",
                "{zh}；文件请写成 ./{text}"
            )
        })?;
        Ok(Self::Port(text.to_owned()))
    }

    pub(super) fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Port(_) => None,
        }
    }
}

/// Exports the figures until [`Export::finish`].
pub(super) struct Export {
    exporter: Exporter,
    pub(super) metrics: Metrics,
    to: To,
}

impl Export {
    /// Begins to export, before anything is measured: a file that can't be written, or a port that is taken, is an error
    /// now.
    pub(super) fn start(to: &To) -> anyhow::Result<Self> {
        let metrics = Metrics::default();
        let exporter = match to {
            To::File(path) => {
                Exporter::to_file(path.clone(), metrics.clone()).with_context(|| unwritten(path))?
            }
            To::Port(text) => on_port(text, metrics.clone())?,
        };
        Ok(Self {
            exporter,
            metrics,
            to: to.clone(),
        })
    }

    /// Writes the last figures, or closes the port.
    pub(super) fn finish(self) -> anyhow::Result<()> {
        let to = self.to;
        self.exporter.finish().with_context(|| match &to {
            To::File(path) => unwritten(path),
            To::Port(text) => tr!(
                lang(),
                "--openmetrics {text} stopped during the run",
                "--openmetrics {text} 在运行期间停止了"
            ),
        })
    }
}

fn on_port(text: &str, metrics: Metrics) -> anyhow::Result<Exporter> {
    let addr = Purpose::METRICS.resolve(text)?[0];
    let listener = bind(addr, &Options::default()).map_err(|it| remedy(it, OPTION))?;
    let addr = listener.local_addr()?;
    warn_if_wide(addr, OPTION);
    let url = format!("http://{addr}/metrics");
    let said = tr!(
        lang(),
        "figures for Prometheus: {url}",
        "供 Prometheus 读取的数字：{url}"
    );
    words::say(WARN, lang().pick("note:", "提示："), &said);
    Exporter::at(listener, metrics)
        .with_context(|| tr!("can't serve {addr}", "无法在 {addr} 提供服务"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_colon_or_digits_alone() {
        for text in [
            "9091",
            ":9091",
            "127.0.0.1:9091",
            "[::1]:0",
            "９０９１",
            "：9091",
        ] {
            assert_eq!(To::read(text).unwrap(), To::Port(text.to_owned()), "{text}");
        }
        for text in ["load.prom", "./9091", "/tmp/a:1", "metrics", "load2"] {
            assert_eq!(To::read(text).unwrap().file(), Some(Path::new(text)));
        }
        for text in ["70000", "load:1.prom", "127.0.0.1:"] {
            let error = To::read(text).unwrap_err().to_string();
            assert!(error.contains(&format!("./{text}")), "{error}");
        }
    }
}
