//! A server of known behaviour, as the test holds it.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, ChildStdout, Command, Stdio},
    time::Instant,
};

use anyhow::Context;
use portlab_load::{Progress as Moment, Watch};
use portlab_sys::spawn::{Signal, signal, tie_to_this_thread};
use portlab_words::Text;

use crate::load::known::{Behaviour, QUANTILES};

/// A server of known behaviour. It is killed when this goes.
pub(super) struct Known {
    child: Child,
    out: BufReader<ChildStdout>,
    pub(super) addr: SocketAddr,
}

impl Known {
    pub(super) fn start(behaviour: Behaviour) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context(Text::new(
            "can't find this program again",
            "找不到本程序的文件",
        ))?;
        let mut command = Command::new(program);
        command.arg("known-server").arg(behaviour.to_string());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = tie_to_this_thread(&mut command)
            .spawn()
            .context(Text::new("can't start a server", "无法启动服务器"))?;
        let out = child.stdout.take().context(NO_ADDRESS)?;
        let mut server = Self {
            child,
            out: BufReader::new(out),
            addr: SocketAddr::from(([127, 0, 0, 1], 0)),
        };
        server.addr = server.hear()?.parse().context(NO_ADDRESS)?;
        Ok(server)
    }

    fn hear(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        self.out.read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }

    /// Ends the server, and returns how long its answers took by its own clock, at each of
    /// [`QUANTILES`].
    pub(super) fn own_quantiles(mut self) -> anyhow::Result<[f64; QUANTILES.len()]> {
        drop(self.child.stdin.take());
        let line = self.hear()?;
        let figures: Vec<f64> = line.split(' ').map(str::parse).collect::<Result<_, _>>()?;
        let figures = figures.try_into();
        figures.map_err(|_| anyhow::anyhow!("the server told its figures as {line:?}"))
    }
}

impl Drop for Known {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Freezes a server for the second half of what is measured.
pub(super) struct Freeze<'a> {
    server: &'a mut Child,
    pub(super) stopped: Option<Instant>,
    pub(super) went_on: Option<Instant>,
}

impl<'a> Freeze<'a> {
    pub(super) fn new(server: &'a mut Known) -> Self {
        Self {
            server: &mut server.child,
            stopped: None,
            went_on: None,
        }
    }
}

impl Watch for Freeze<'_> {
    fn tick(&mut self, progress: &Moment) {
        if self.stopped.is_none() && progress.share >= 0.5 {
            self.stopped = signal(self.server, Signal::STOP)
                .ok()
                .map(|()| Instant::now());
        }
    }

    fn end(&mut self) {
        self.went_on = signal(self.server, Signal::CONT)
            .ok()
            .map(|()| Instant::now());
    }
}

const NO_ADDRESS: Text = Text::new("the server printed no address", "服务器没有输出地址");
