//! The plain front: rows on stdout, typed lines from stdin.

use std::{
    io::{self, BufRead, IsTerminal, Read},
    sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel},
    thread,
    time::Duration,
};

use anyhow::Context;
use portlab_assist::{Command, Desk, Engine, Event, Log, Record, What, help, is_for_peers};
use portlab_sys::{interrupt, terminal};
use portlab_words::{Text, table::columns, tr};

use super::{Save, Session};
use crate::{
    Verdict,
    args::{self, BAD, DIM, WARN, lang},
    connect::locale,
    output,
};

/// What the front waits for.
enum Input {
    Event(Event),
    Line(Result<String, Text>),
    /// A signal asks the assistant to end.
    End,
}

impl From<Event> for Input {
    fn from(event: Event) -> Self {
        Self::Event(event)
    }
}

/// The state of the front.
struct Plain {
    engine: Engine,
    desk: Desk,
    log: Log,
    save: Save,
    as_json: bool,
    is_server: bool,
    /// Lets lines for clients be read from stdin, when a client is online.
    gate: Sender<()>,
}

/// Runs until a signal, `/quit`, or the end of the connection to the server.
pub(super) fn run(session: Session, as_json: bool) -> anyhow::Result<Verdict> {
    let bell = interrupt::bell().with_context(args::uncaught)?;
    let (sender, inputs) = sync_channel(INPUTS);
    let engine = Engine::start(session.open, session.plan, sender.clone());
    let engine = engine.context(tr!("can't start the assistant", "无法启动助手"))?;
    let (gate, opens) = channel();
    listen(bell, opens, sender)?;
    if io::stdin().is_terminal() {
        // It fails if the thread has ended, and then no line is read.
        let _ = gate.send(());
    }
    let plain = Plain {
        engine,
        log: Log::new(&session.desk.encodings(), locale::country()),
        desk: session.desk,
        save: session.save,
        as_json,
        is_server: session.is_server,
        gate,
    };
    plain.run(&inputs)
}

impl Plain {
    fn run(mut self, inputs: &Receiver<Input>) -> anyhow::Result<Verdict> {
        if !self.as_json && io::stdin().is_terminal() {
            let hint = lang().pick(
                "Enter sends a line; /help lists the commands; Ctrl-C ends",
                "输入文字后按回车发送；/help 查看命令；Ctrl-C 结束",
            );
            crate::tell!("{DIM}{hint}{DIM:#}");
        }
        // The channel ends after the engine has stopped, because the other senders have no end.
        while let Ok(input) = inputs.recv() {
            match input {
                Input::Event(event) => {
                    let is_last = event.what == What::Stopped;
                    self.show(event)?;
                    if is_last {
                        break;
                    }
                }
                Input::Line(Ok(line)) => self.line(&line)?,
                Input::Line(Err(why)) => complain(&why),
                Input::End => self.engine.send(Command::Quit),
            }
            if output::reader_has_gone() {
                break;
            }
        }
        Ok(Verdict::Fine)
    }

    /// Prints and saves the row of an event.
    fn show(&mut self, event: Event) -> anyhow::Result<()> {
        let is_online = matches!(event.what, What::Online { .. });
        let is_over = matches!(event.what, What::Offline(..)) && !self.is_server;
        let row = self.log.push(event);
        match self.as_json {
            true => output::print_line(&output::json_line(&Record::of(row))?)?,
            false => {
                let line = format!("{}\n", row.plain(lang()));
                output::print(&line).with_context(output::unwritten)?;
            }
        }
        if let Some(note) = row.note() {
            let (head, note) = (lang().pick("note: ", "提示："), note.pick(lang()));
            crate::tell!("{WARN}{head}{WARN:#}{note}");
        }
        if let Err(error) = self.save.row(row) {
            crate::tell!("{}", crate::error_text::of(&error));
        }
        if is_over {
            self.engine.send(Command::Quit);
        }
        if is_online {
            // Only the first one matters.
            let _ = self.gate.send(());
        }
        Ok(())
    }

    /// Carries out a typed line.
    fn line(&mut self, line: &str) -> anyhow::Result<()> {
        let done = match self.desk.typed(line) {
            Ok(done) => done,
            Err(why) => {
                complain(&why);
                return Ok(());
            }
        };
        if let Some(said) = self.log.said(&done) {
            crate::tell!("{DIM}{}{DIM:#}", said.pick(lang()));
        }
        done.command.into_iter().for_each(|it| self.engine.send(it));
        if done.help {
            let rows = help(lang()).map(|(form, about)| [form, about].map(str::to_owned));
            let rows: Vec<_> = rows.collect();
            crate::tell!("{}", columns(&rows, 2));
        }
        match done.reread {
            true => self.read_again(),
            false => Ok(()),
        }
    }

    /// Prints the last rows again, in the encodings that were chosen. In JSON, an event is printed once.
    fn read_again(&mut self) -> anyhow::Result<()> {
        self.log.read_again(&self.desk.encodings());
        let rows = self.log.rows().iter().rev();
        let rows: Vec<_> = rows.filter(|it| !it.readings.is_empty()).collect();
        let rows = &rows[..rows.len().min(READ_AGAIN)];
        if rows.is_empty() || self.as_json {
            return Ok(());
        }
        let (names, count) = (self.desk.encoding_names(), rows.len());
        let mut lines = tr!(
            lang(),
            "--- the last {count} rows with text, read as {names}:\n",
            "--- 最近 {count} 行收发内容，按 {names} 解码：\n"
        );
        for row in rows.iter().rev() {
            lines += &format!("{}\n", row.plain(lang()));
        }
        output::print(&lines).with_context(output::unwritten)
    }
}

fn complain(why: &Text) {
    let head = lang().pick("not done: ", "没有执行：");
    crate::tell!("{BAD}{head}{BAD:#}{}", why.pick(lang()));
}

/// Starts the threads that wait for a signal, and for lines. In a pipe, the first line for clients, and all lines behind it,
/// wait until `gate` has opened: until a client is online.
fn listen(
    mut bell: impl Read + Send + 'static,
    gate: Receiver<()>,
    to: SyncSender<Input>,
) -> anyhow::Result<()> {
    let lines = to.clone();
    let waits = thread::Builder::new().name("signal".to_owned());
    let waits = waits.spawn(move || {
        // A byte and an error both mean that the assistant is to end; the second signal ends it at once.
        while bell.read_exact(&mut [0]).is_ok() && to.send(Input::End).is_ok() {}
    });
    let reads = thread::Builder::new().name("stdin".to_owned());
    let reads = reads.spawn(move || {
        let mut is_open = false;
        while let Some(line) = next_line() {
            if !is_open && line.as_ref().is_ok_and(|it| is_for_peers(it)) {
                if gate.recv().is_err() {
                    return;
                }
                is_open = true;
            }
            if lines.send(Input::Line(line)).is_err() {
                return;
            }
        }
    });
    waits
        .and(reads)
        .context(tr!("can't start a thread", "无法启动线程"))?;
    Ok(())
}

/// The next line, or why it can't be used; `None` at the end of stdin.
fn next_line() -> Option<Result<String, Text>> {
    let stdin = io::stdin();
    // A job in the background that reads from its terminal is stopped by the system.
    while stdin.is_terminal() && !terminal::is_in_foreground(&stdin) {
        thread::sleep(LOOK_AGAIN);
    }
    let mut bytes = Vec::new();
    let mut stdin = stdin.lock();
    let mut limited = stdin.by_ref().take(LONGEST_LINE);
    limited.read_until(b'\n', &mut bytes).ok()?;
    if bytes.is_empty() {
        return None;
    }
    if bytes.len() as u64 == LONGEST_LINE && !bytes.ends_with(b"\n") {
        stdin.skip_until(b'\n').ok()?;
        return Some(Err(tr!(
            "a line has at most {LONGEST_LINE} bytes; send a longer text as a file: /file PATH",
            "一行最多 {LONGEST_LINE} 字节；更长的内容请用文件发送：/file 文件路径"
        )));
    }
    Some(decoded(bytes))
}

/// A line in UTF-8, or in the encoding of the terminal.
fn decoded(bytes: Vec<u8>) -> Result<String, Text> {
    let bytes = match String::from_utf8(bytes) {
        Ok(line) => return Ok(line),
        Err(error) => error.into_bytes(),
    };
    let (encoding, mut line) = (locale::encoding(), String::new());
    match encoding.decoder().decode(&bytes, true, &mut line) {
        true => Ok(line),
        false => {
            let name = encoding.name();
            Err(tr!(
                "a line on stdin is not text in {name}; type text in UTF-8, and choose with /encoding how it is sent",
                "标准输入的一行不是 {name} 编码的文字；请用 UTF-8 输入，再用 /encoding 选择发送时的编码"
            ))
        }
    }
}

/// How many inputs wait for the front. A read has at most 64 KiB.
const INPUTS: usize = 256;
/// How many rows are printed again in another encoding.
const READ_AGAIN: usize = 20;
/// A longer line is refused.
const LONGEST_LINE: u64 = 64 << 10;
/// How long until it is checked again whether this job is in the foreground.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
