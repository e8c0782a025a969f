//! Changing the faults while the proxy runs: lines on stdin.

use std::{
    io::{self, BufRead, IsTerminal, Read},
    sync::Arc,
    thread,
    time::Duration,
};

use anyhow::{Context, anyhow};
use portlab_proxy::{FAULTS, Proxy, WORDS};
use portlab_sys::{interrupt, terminal};
use portlab_words::tr;
use serde_json::json;

use super::{faults, say};
use crate::{address::narrow, args::lang, error_text};

/// Carries out the lines of stdin, on a thread of its own, until stdin ends.
pub(super) fn start(proxy: Arc<Proxy>, as_json: bool) -> anyhow::Result<()> {
    let thread = thread::Builder::new().name("stdin".to_owned());
    let spawned = thread.spawn(move || {
        while let Some(line) = next_line() {
            if let Err(error) = carry_out(&proxy, line, as_json) {
                crate::tell!("{}", error_text::of(&error));
            }
        }
    });
    spawned.context(tr!(
        "can't start a thread for stdin",
        "无法启动读取标准输入的线程",
    ))?;
    Ok(())
}

/// The next line, or the error of a line that is too long; `None` at the end of stdin.
fn next_line() -> Option<anyhow::Result<String>> {
    let stdin = io::stdin();
    // A job in the background that reads from its terminal is stopped by the system.
    while stdin.is_terminal() && !terminal::is_in_foreground(&stdin) {
        thread::sleep(LOOK_AGAIN);
    }
    let mut bytes = Vec::new();
    let mut stdin = stdin.lock();
    stdin
        .by_ref()
        .take(LONGEST_LINE)
        .read_until(b'\n', &mut bytes)
        .ok()?;
    if bytes.len() as u64 == LONGEST_LINE && !bytes.ends_with(b"\n") {
        stdin.skip_until(b'\n').ok()?;
        return Some(Err(anyhow!(tr!(
            "a line on stdin has at most {LONGEST_LINE} bytes; this longer line changed nothing",
            "标准输入的一行最多 {LONGEST_LINE} 字节；这一行太长，没有改变任何设置"
        ))));
    }
    let line = narrow(&String::from_utf8_lossy(&bytes));
    (!bytes.is_empty()).then_some(Ok(line))
}

/// Carries out a line, and prints the faults that are set then.
fn carry_out(proxy: &Proxy, line: anyhow::Result<String>, as_json: bool) -> anyhow::Result<()> {
    let line = line?;
    match line.as_str() {
        "" => Ok(()),
        "quit" => interrupt::interrupt_self().context(tr!("can't end the proxy", "无法结束代理")),
        "help" => {
            crate::tell!("{}", help());
            Ok(())
        }
        "show" => show(proxy, as_json),
        line => {
            let mut settings = proxy.settings();
            settings.line(line)?;
            proxy
                .set(settings)
                .context(tr!("can't change the faults", "无法改变故障设置"))?;
            show(proxy, as_json)
        }
    }
}

fn show(proxy: &Proxy, as_json: bool) -> anyhow::Result<()> {
    let settings = proxy.settings();
    let line = json!({"event": "faults", "faults": faults::json(&settings)});
    say(as_json, &line, &settings.to_string())
}

fn help() -> String {
    let faults = FAULTS.iter().map(|fault| {
        let form = format!("{} {}", fault.name, faults::value(fault));
        format!("  {form:<22} {}", fault.about.pick(lang()))
    });
    let commands = WORDS
        .iter()
        .map(|(name, about)| format!("  {name:<22} {}", about.pick(lang())));
    let lines: Vec<String> = faults.chain(commands).collect();
    let forms = lang().pick(
        "before a value, up: or down: names a direction; off ends a fault: latency up:off",
        "值的前面可以写 up: 或 down: 指定方向；off 结束一种故障：latency up:off",
    );
    format!("{}\n{forms}", lines.join("\n"))
}

/// A longer line is refused.
const LONGEST_LINE: u64 = 4096;
/// How long until it is checked again whether this job is in the foreground.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
