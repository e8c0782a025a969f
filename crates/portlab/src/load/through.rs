//! `--through`: a fault proxy between the generator and the server, in a process of its own.

use std::time::Duration;

use anyhow::{Context, bail};
use portlab_lab::Server;
use portlab_load::{Plan, Target, Through};
use portlab_proxy::{FAULTS, Settings};
use portlab_words::{Text, tr};

use crate::{address::narrow, args};

/// The faults of a proxy, as `portlab proxy` takes them.
#[derive(Clone, Debug)]
pub(super) struct Faults {
    /// `name=value`, or a name that needs no value.
    faults: Vec<String>,
    settings: Settings,
}

/// Reads `latency=50ms,slicer=up:10,1ms,pause`. A piece without a fault's name belongs to the value before it.
pub(super) fn faults(text: &str) -> anyhow::Result<Faults> {
    let mut faults: Vec<String> = Vec::new();
    for piece in narrow(text).split(',').map(str::trim) {
        let piece = piece.replace('_', "-");
        let names_one = FAULTS.iter().any(|it| it.name.replace('_', "-") == piece);
        match faults.last_mut() {
            Some(last) if !names_one && !piece.contains('=') => *last += &format!(",{piece}"),
            _ => faults.push(piece),
        }
    }
    let mut settings = Settings::default();
    for fault in &faults {
        let (name, value) = fault.split_once('=').unwrap_or((fault, ""));
        settings.set(name, value)?;
    }
    Ok(Faults { faults, settings })
}

/// A running proxy. Its process ends when this is dropped.
pub(super) struct Proxy {
    server: Server,
    /// The description of this proxy for the plan of a run.
    pub(super) through: Through,
}

impl Proxy {
    /// Starts a proxy in front of the target of `plan`, if `faults` are given, and waits until it listens.
    pub(super) fn start(faults: Option<&Faults>, plan: &Plan) -> anyhow::Result<Option<Self>> {
        let Some(Faults { faults, settings }) = faults else {
            return Ok(None);
        };
        let [Target::Tcp(target)] = plan.targets[..] else {
            let targets = plan.targets_text();
            bail!(tr!(
                "--through stands before one TCP port, and the target is {targets}; give one HOST:PORT",
                "--through 只能放在一个 TCP 端口之前，而目标是 {targets}；请只写一个 HOST:PORT"
            ));
        };
        let program = std::env::current_exe().with_context(args::not_found)?;
        // In churn, connections that have ended may still be open in the proxy.
        let most = (plan.connections * 2).clamp(1000, 100_000);
        let mut options = vec![
            format!("--to={target}"),
            format!("--max-connections={most}"),
        ];
        options.extend(faults.iter().map(|fault| format!("--{fault}")));
        let server = Server::proxy(&program, target.is_ipv4(), options).context(Text::new(
            "can't start the proxy of --through",
            "无法启动 --through 的代理",
        ))?;
        let through = Through {
            addr: server.addr(),
            faults: settings.to_string(),
        };
        Ok(Some(Self { server, through }))
    }

    /// Ends the proxy.
    ///
    /// # Errors
    /// When the proxy ended during the run: then the figures aren't the server's.
    pub(super) fn end(mut self) -> anyhow::Result<()> {
        if let Some(status) = self.server.wait(Duration::ZERO)? {
            let said = self.server.error_output();
            let none = Text::new("it printed no error", "它没有输出错误");
            let (said, said_zh) = match said.trim() {
                "" => (&*none.en, &*none.zh),
                said => (said, said),
            };
            bail!(tr!(
                "the proxy of --through ended during the run with {status}: {said}",
                "--through 的代理在运行期间结束（{status}）：{said_zh}"
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::faults;

    #[test]
    fn faults_are_read_with_the_commas_of_their_values() {
        let read = faults("latency=up:50ms,slicer=10,1ms,pause,flip=7,once").unwrap();
        let expected = ["latency=up:50ms", "slicer=10,1ms", "pause", "flip=7,once"];
        assert_eq!(read.faults, expected);
        for wrong in ["", "latency", "latency=up", "nonsense=1", "5ms"] {
            assert!(faults(wrong).is_err(), "{wrong}");
        }
    }
}
