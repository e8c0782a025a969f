//! `portlab proxy`: faults in front of any port.

mod control;
mod faults;

use std::{io::Read, net::SocketAddr, sync::Arc};

use anyhow::{Context, bail};
use portlab_backends::bind;
use portlab_proxy::{Counts, Options, Proxy};
use portlab_sys::interrupt;
use serde_json::json;

use crate::{
    Verdict,
    address::{Purpose, warn_if_wide},
    args::{self, lang},
    output,
    serve::remedy,
};
use faults::FaultArgs;
use portlab_words::{Text, tr, units};

/// Forward connections to a port, with faults: delays, resets, wrong bytes
///
/// A value may begin with a direction: `up:` from client to server, `down:` from
/// server to client; without a direction, the fault is in both. Numbers of bytes
/// count what was forwarded in that direction of a connection.
///
/// While the proxy runs, lines on stdin change the faults, those of open connections
/// too: the same names and values without dashes (`latency up:50ms`, `latency off`),
/// and `pause`, `resume`, `clear`, `show`, `help`, `quit`. The end of stdin changes
/// nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  portlab proxy --to 127.0.0.1:9090 --latency 50ms --jitter 10ms
  portlab proxy --to 9090 --bandwidth down:100k --slicer up:1,5ms
  portlab proxy --bind 127.0.0.1:0 --to 9090 --reset-peer down:1000 --json
  (sleep 5; echo 'pause down'; sleep 5; echo resume) | portlab proxy --to 9090

SIGINT (Ctrl-C), SIGTERM, SIGHUP or `quit` ends the proxy; it prints its counts.
Exit codes: 0 fine, 2 could not run.")]
pub(crate) struct Args {
    /// Where to listen, HOST:PORT; a port alone is loopback's, and 0 lets the system
    /// choose one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9091")]
    bind: String,

    /// Where to forward, HOST:PORT; a port alone is one of this machine
    #[arg(long, value_name = "ADDR")]
    to: String,

    /// The most connections at a time; a further one is reset
    #[arg(long, value_name = "N", default_value = "1000", value_parser = args::whole(1..=100_000_u64))]
    max_connections: u64,

    /// The most bytes in flight in one direction of one connection
    #[arg(long, value_name = "BYTES", default_value = "4MiB", value_parser = units::size("1", "1GiB"))]
    buffer: usize,

    /// The seed of random faults: the same seed gives the same cuts and delays
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = args::whole(0..=u64::MAX))]
    seed: u64,

    /// Print each event on stdout as a line of JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    faults: FaultArgs,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Verdict> {
    let settings = args.faults.settings()?;
    let targets = Purpose::PROXY_TO.resolve(&args.to)?;
    let addr = Purpose::PROXY_BIND.resolve(&args.bind)?[0];
    portlab_sys::limits::raise_open_files();
    // Installed before the line `listening`, because a signal may come as soon as that line is read.
    let mut bell = interrupt::bell().with_context(args::uncaught)?;
    let listener =
        bind(addr, &portlab_backends::Options::default()).map_err(|it| remedy(it, "--bind"))?;
    let addr = listener.local_addr()?;
    if let Some(target) = targets.iter().find(|target| is_same(addr, **target)) {
        bail!(tr!(
            "--to {target} is the proxy's own port; give it another with --bind 127.0.0.1:0",
            "--to {target} 是代理自己的端口；用 --bind 127.0.0.1:0 给代理换一个端口"
        ));
    }
    warn_if_wide(addr, "--bind");
    let options = Options {
        targets: targets.clone(),
        settings,
        max_connections: args.max_connections,
        buffer: args.buffer,
        seed: args.seed,
    };
    let warning = lang().pick("warning: ", "警告：");
    let report = move |trouble: &Text| crate::tell!("{warning}{}", trouble.pick(lang()));
    let proxy = Proxy::start(listener, options, report)
        .context(tr!("can't start the proxy", "无法启动代理"))?;
    let proxy = Arc::new(proxy);
    say(
        args.json,
        &json!({
            "event": "listening",
            "addr": addr.to_string(),
            "pid": std::process::id(),
            "to": targets[0].to_string(),
            "faults": faults::json(&proxy.settings()),
        }),
        &format!(
            "listening on {addr}, forwarding to {}  {}",
            targets[0],
            proxy.settings()
        ),
    )?;
    control::start(Arc::clone(&proxy), args.json)?;
    // A byte and an error both mean that the proxy is to end.
    let _ = bell.read_exact(&mut [0]);
    finish(&proxy, args.json)?;
    Ok(Verdict::Fine)
}

/// Prints the counts of the proxy.
fn finish(proxy: &Proxy, as_json: bool) -> anyhow::Result<()> {
    let Counts {
        connections,
        open,
        up_bytes,
        down_bytes,
        failed_targets,
        refused,
        resets,
        resets_passed,
    } = proxy.counts();
    let line = json!({
        "event": "stopped", "connections": connections, "open": open, "up_bytes": up_bytes, "down_bytes": down_bytes,
        "failed_targets": failed_targets, "refused": refused, "resets": resets, "resets_passed": resets_passed,
    });
    let text = tr!(
        lang(),
        "stopped; connections: {connections} (still open: {open}), bytes up: {up_bytes}, bytes down: {down_bytes}, \
         resets made: {resets}, resets passed on: {resets_passed}, target failed: {failed_targets}, \
         too many open: {refused}",
        "已停止；连接 {connections} 个（还开着 {open} 个），上行 {up_bytes} 字节，下行 {down_bytes} 字节，\
         制造的 RST {resets} 个，转发的 RST {resets_passed} 个，连不上目标 {failed_targets} 次，\
         因连接太多而拒绝 {refused} 次"
    );
    say(as_json, &line, &text)
}

/// Writes `line` or `text` on stdout.
fn say(as_json: bool, line: &serde_json::Value, text: &str) -> anyhow::Result<()> {
    match as_json {
        true => output::print_line(&line.to_string()),
        false => output::print_line(text),
    }
}

/// Whether a connection to `target` would arrive at `bound`, the proxy itself, and be forwarded again and again.
fn is_same(bound: SocketAddr, target: SocketAddr) -> bool {
    let is_here = bound.ip() == target.ip() || target.ip().is_unspecified();
    let takes_all = bound.ip().is_unspecified() && target.ip().is_loopback();
    bound.port() == target.port() && (is_here || takes_all)
}
