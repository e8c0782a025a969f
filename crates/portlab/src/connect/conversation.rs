//! The steps after connecting: send, receive, close.

use std::{
    io,
    net::{Shutdown, SocketAddr, TcpStream},
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender},
    time::{Duration, Instant},
};

use anyhow::Context;
use portlab_service::{EncodingWatch, TextDecoder, TextEncoding};
use portlab_words::{Text, tr, units};

use super::{
    event::{Event, Garbled, What},
    locale,
    screen::{EditorEvent, Screen},
    trace::Trace,
};
use crate::{
    Verdict,
    args::{DIM, WARN, lang},
    output,
};

/// Where the bytes to send come from, and how long the client waits for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClientBehaviour {
    /// From the command line. The client closes the connection if it receives nothing for `wait`.
    Script { wait: Duration },
    /// From stdin. After its end the client closes the connection if it receives nothing for `timeout`.
    Piped { timeout: Duration },
    /// From the keys of a terminal.
    Typed,
}

/// The encodings of a conversation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Encodings {
    /// The encoding of what is sent and received.
    pub(super) spoken: TextEncoding,
    /// The encoding of what is typed, or comes from stdin.
    pub(super) input: TextEncoding,
}

/// A running conversation with a server.
pub(super) struct Conversation {
    behaviour: ClientBehaviour,
    screen: Box<dyn Screen>,
    trace: Option<Trace>,
    encodings: Encodings,
    decoder: TextDecoder,
    watch: EncodingWatch,
    local: SocketAddr,
    /// When something was last sent or shown. Events wait while stdout takes nothing, so an event may be older.
    last: Instant,
    /// The deadline after the input from the terminal has ended.
    ends_at: Option<Instant>,
    has_received: bool,
    has_sent_all: bool,
    has_half_closed: bool,
    has_replaced: bool,
    has_garbled: bool,
    /// Buffers to give back to the thread that reads.
    spare: Vec<Vec<u8>>,
}

/// How a conversation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The server closed.
    Fin,
    /// The connection broke.
    Broken,
    /// Nothing was received for this long, or the input from the terminal ended this long ago.
    Quiet(Duration),
    /// A signal asked this process to end.
    Terminated,
    /// The reader of stdout has closed it.
    NoReader,
}

impl Conversation {
    pub(super) fn new(
        behaviour: ClientBehaviour,
        screen: Box<dyn Screen>,
        trace: Option<Trace>,
        encodings: Encodings,
        local: SocketAddr,
    ) -> Self {
        Self {
            behaviour,
            screen,
            trace,
            encodings,
            decoder: encodings.spoken.decoder(),
            watch: EncodingWatch::new(encodings.spoken, locale::country()),
            local,
            last: Instant::now(),
            ends_at: None,
            has_received: false,
            has_sent_all: false,
            has_half_closed: false,
            has_replaced: false,
            has_garbled: false,
            spare: Vec::new(),
        }
    }

    /// Shows and traces the `events` of `stream` until the conversation is over; then closes `stream`, and returns whether
    /// all went well. Gives buffers back to `spare` when their bytes are shown.
    ///
    /// # Errors
    /// When stdout can't be written to, or the input can't be read.
    pub(super) fn run(
        mut self,
        stream: &TcpStream,
        events: &Receiver<Event>,
        spare: &SyncSender<Vec<u8>>,
    ) -> anyhow::Result<Verdict> {
        let ended = self.listen(events, spare).and_then(|end| {
            self.finish(end)?;
            Ok(end)
        });
        self.end_editor(events);
        // After an error too, the terminal is restored and the connection closed.
        let closed = self.screen.close().with_context(output::unwritten);
        let _ = stream.shutdown(Shutdown::Both);
        let end = ended?;
        closed?;
        self.report_end(end);
        let well = self.has_received || self.behaviour == ClientBehaviour::Typed;
        Ok(if well { Verdict::Fine } else { Verdict::Failed })
    }

    fn listen(
        &mut self,
        events: &Receiver<Event>,
        spare: &SyncSender<Vec<u8>>,
    ) -> anyhow::Result<End> {
        loop {
            let (over, end) = self.over();
            // If a server sends without a pause, no receive times out, so the deadline is checked here.
            if self.ends_at.is_some_and(|at| at <= Instant::now()) {
                return Ok(end);
            }
            let wake = [over, self.screen.due()].into_iter().flatten().min();
            let event = match wake {
                Some(at) => events.recv_timeout(at.saturating_duration_since(Instant::now())),
                None => events.recv().map_err(RecvTimeoutError::from),
            };
            match event {
                Ok(event) => {
                    if let Some(end) = self.take(event)? {
                        return Ok(end);
                    }
                }
                Err(_) if over.is_some_and(|over| over <= Instant::now()) => return Ok(end),
                Err(_) => self.editor_event(EditorEvent::Due)?,
            }
            // Without a reader, a server that sends without end would keep this process running.
            if output::reader_has_gone() {
                return Ok(End::NoReader);
            }
            if self.screen.waiting() < MOST_WAITING {
                for buffer in self.spare.drain(..) {
                    // The channel has room for all, unless the thread that reads has ended.
                    let _ = spare.try_send(buffer);
                }
            }
        }
    }

    /// When the conversation ends if nothing happens, and how.
    fn over(&self) -> (Option<Instant>, End) {
        let quiet = match self.behaviour {
            ClientBehaviour::Script { wait } if self.has_sent_all => Some(wait),
            ClientBehaviour::Script { wait } => Some(wait.max(UNREAD)),
            ClientBehaviour::Piped { timeout } => Some(timeout).filter(|_| self.has_sent_all),
            ClientBehaviour::Typed => None,
        };
        match quiet {
            // A wait that is too long to be added never ends.
            Some(quiet) => (self.last.checked_add(quiet), End::Quiet(quiet)),
            None => (self.ends_at, End::Quiet(LAST_BYTES)),
        }
    }

    /// Handles an event; returns how the conversation ended, if it is over.
    fn take(&mut self, event: Event) -> anyhow::Result<Option<End>> {
        let at = event.at;
        match event.what {
            What::Sending(bytes) => {
                self.last = self.last.max(at);
                self.tell(|trace| trace.sending(at, &bytes));
            }
            What::Replaced(character) => self.note_replaced(character),
            What::Garbled(garbled) => self.note_garbled(garbled),
            What::Unsent(error) => {
                self.last = self.last.max(at);
                self.has_sent_all = true;
                let cause = cause(&error);
                self.note(&tr!(
                    "not everything was sent: {cause}",
                    "没有全部发出去：{cause:#}"
                ));
            }
            What::Unread(error) => {
                let why = Text::system(&error);
                return Err(tr!("can't read stdin: {why}", "无法读标准输入：{why:#}").into());
            }
            What::HalfClosing => {
                self.has_half_closed = true;
                self.tell(|trace| trace.half_closing(at));
            }
            What::SentAll => {
                self.last = self.last.max(at);
                self.has_sent_all = true;
            }
            What::Received(bytes) => {
                self.has_received = true;
                self.tell(|trace| trace.received(at, &bytes));
                self.show(&bytes, false)?;
                // Showing may be slow, and no bytes were received meanwhile.
                self.last = Instant::now();
                self.spare.push(bytes);
            }
            What::Fin => {
                self.tell(|trace| trace.fin(at));
                return Ok(Some(End::Fin));
            }
            What::Broken(error) => {
                self.tell(|trace| trace.broken(at, &error));
                if self.trace.is_none() {
                    let cause = cause(&error);
                    self.note(&tr!("the connection broke: {cause}", "连接断了：{cause:#}"));
                }
                return Ok(Some(End::Broken));
            }
            What::Editor(event) => self.editor_event(event)?,
            What::Left(how) => {
                self.editor_event(EditorEvent::Left)?;
                how.map_err(|error| {
                    tr!(
                        "can't read from the terminal: {error}",
                        "无法读终端：{error}"
                    )
                })?;
                self.ends_at = Some(at + LAST_BYTES);
            }
            What::Terminated => return Ok(Some(End::Terminated)),
        }
        Ok(None)
    }

    fn editor_event(&mut self, event: EditorEvent) -> anyhow::Result<()> {
        self.screen
            .editor_event(event)
            .with_context(output::unwritten)
    }

    fn show(&mut self, bytes: &[u8], last: bool) -> anyhow::Result<()> {
        let mut text = String::new();
        let well_formed = self.decoder.decode(bytes, last, &mut text);
        self.screen.show(&text).with_context(output::unwritten)?;
        if let Some(guess) = self.watch.push(bytes, well_formed) {
            let (said, name) = (self.encodings.spoken.name(), guess.encoding.name());
            let (text, label) = (guess.text, name.to_lowercase());
            self.note(&tr!(
                "the server's text looks like {name}, not like {said}: read as {name} it is {text:?}; \
                 try --encoding {label}",
                "收到的内容像是 {name}，不像 {said}：按 {name} 解码是 {text:?}；试试 --encoding {label}"
            ));
        }
        Ok(())
    }

    /// Shows the rest of the received text, and traces the last step.
    fn finish(&mut self, end: End) -> anyhow::Result<()> {
        self.show(&[], true)?;
        let half_closed = self.has_half_closed;
        let local = self.local;
        self.tell(|trace| trace.closed(end, half_closed, local));
        Ok(())
    }

    /// Ends the line editor, if there is one, so that the editor restores the terminal.
    fn end_editor(&mut self, events: &Receiver<Event>) {
        let limit = Instant::now() + LAST_BYTES;
        while self.screen.end_editor() && Instant::now() < limit {
            // Between two lines the editor misses the signal, so it is sent again.
            let again = Instant::now() + Duration::from_millis(50);
            while let Ok(event) =
                events.recv_timeout(again.saturating_duration_since(Instant::now()))
            {
                let event = match event.what {
                    What::Left(_) => EditorEvent::Left,
                    What::Editor(event) => event,
                    _ => continue,
                };
                // An error of stdout is reported when the screen is closed.
                let _ = self.screen.editor_event(event);
                if event == EditorEvent::Left {
                    break;
                }
            }
        }
    }

    fn report_end(&mut self, end: End) {
        let silent = !self.has_received && self.behaviour != ClientBehaviour::Typed;
        let is_script = matches!(self.behaviour, ClientBehaviour::Script { .. });
        match end {
            End::Fin if silent => self.note(&tr!(
                "the server closed the connection and sent nothing",
                "服务端什么也没发就关闭了连接"
            )),
            End::Fin if self.has_half_closed || self.trace.is_some() || is_script => {}
            End::Fin => {
                let line = lang().pick("the server closed the connection", "服务端关闭了连接");
                self.screen.say(&format!("{DIM}{line}{DIM:#}"));
            }
            End::Quiet(quiet) if self.behaviour != ClientBehaviour::Typed => {
                self.report_silence(&units::time(quiet), silent, is_script);
            }
            End::Broken | End::Quiet(_) | End::Terminated | End::NoReader => {}
        }
    }

    fn report_silence(&mut self, quiet: &str, nothing_came: bool, is_script: bool) {
        if !self.has_sent_all {
            self.note(&tr!(
                "the server has read nothing for {quiet}, and not everything was sent",
                "服务端 {quiet} 没有读数据，还没有全部发出去"
            ));
        } else if nothing_came {
            let remedy = match is_script {
                true => Text::new(
                    "does the server wait for a line end (--line)? Or try --wait 5s",
                    "服务端是不是在等换行（--line）？也可以试试 --wait 5s",
                ),
                false => Text::new("try --timeout 1m", "试试 --timeout 1m"),
            };
            self.note(&tr!(
                "the server sent nothing for {quiet}; {remedy}",
                "{quiet} 没有收到任何数据；{remedy:#}"
            ));
        } else if self.has_half_closed {
            self.note(&tr!(
                "the server has sent nothing for {quiet}, and has not closed the connection",
                "服务端 {quiet} 没有发数据，也没有关闭连接"
            ));
        }
    }

    fn note_replaced(&mut self, character: char) {
        if std::mem::replace(&mut self.has_replaced, true) {
            return;
        }
        let name = self.encodings.spoken.name();
        self.note(&tr!(
            "{name} has no code for {character:?}, so ? is sent; utf-8 and gb18030 have all characters",
            "{name} 里没有 {character:?} 这个字符，改发 ?；utf-8 和 gb18030 能表示所有字符"
        ));
    }

    fn note_garbled(&mut self, garbled: Garbled) {
        if std::mem::replace(&mut self.has_garbled, true) {
            return;
        }
        let (input, spoken) = (self.encodings.input.name(), self.encodings.spoken.name());
        let label = spoken.to_lowercase();
        // The most likely other encoding.
        let other = match label.as_str() {
            "utf-8" => "gbk",
            label => label,
        };
        self.note(&match garbled {
            Garbled::SentAsItIs => tr!(
                "stdin is not {input} but {spoken}, and is sent unchanged; its encoding can be named with \
                 --input-encoding {label}",
                "标准输入不是 {input}，但可以按 {spoken} 读，所以原样发送；也可以写明 --input-encoding {label}"
            ),
            Garbled::Marked => tr!(
                "stdin holds bytes that are not {input}, and ? is sent for them; if stdin is in another encoding, \
                 name it, as in --input-encoding {other}",
                "标准输入里有不属于 {input} 的字节，改发 ?；如果是别的编码，请写明，比如 --input-encoding {other}"
            ),
            Garbled::LineLost => tr!(
                "the terminal sent bytes that are not {input}, and the line was not sent; if the terminal \
                 is set to another encoding, name it, as in --input-encoding {other}",
                "终端送来的字节不属于 {input}，这一行没有发送；如果终端用的是别的编码，请写明，比如 --input-encoding {other}"
            ),
        });
    }

    fn note(&mut self, text: &Text) {
        let (head, text) = (lang().pick("note: ", "提示："), text.pick(lang()));
        self.screen.say(&format!("{WARN}{head}{WARN:#}{text}"));
    }

    fn tell(&mut self, line: impl FnOnce(&mut Trace) -> String) {
        if let Some(trace) = &mut self.trace {
            let line = line(trace);
            self.screen.say(&line);
        }
    }
}

/// Why sending or receiving failed, in words.
fn cause(error: &io::Error) -> Text {
    match error.kind() {
        io::ErrorKind::ConnectionReset => tr!(
            "the server reset the connection: it crashed, or closed with bytes unread",
            "服务端复位了连接（RST）：程序崩溃了，或者关闭时还有没读的数据"
        ),
        io::ErrorKind::BrokenPipe => tr!(
            "the server had closed the connection already",
            "服务端已经先关闭了连接"
        ),
        _ => Text::system(error),
    }
}

/// How long the client still receives after the input from the terminal has ended.
const LAST_BYTES: Duration = Duration::from_secs(1);

/// The least time that a server has to read what is sent to it.
const UNREAD: Duration = Duration::from_secs(5);

/// While more bytes than this wait to be shown, nothing is read from the server.
const MOST_WAITING: usize = 256 << 10;
