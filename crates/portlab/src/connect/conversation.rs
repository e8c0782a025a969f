//! The steps between connecting and being done: send, receive, close.

use std::{
    io,
    net::{Shutdown, SocketAddr, TcpStream},
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender},
    time::{Duration, Instant},
};

use anyhow::{Context, anyhow};
use portlab_service::{EncodingWatch, TextDecoder, TextEncoding};
use portlab_words::units;

use super::{
    event::{Event, Garbled, What},
    locale,
    screen::{Screen, Turn},
    trace::{Parting, Trace},
};
use crate::{
    Verdict,
    args::{DIM, WARN},
    output,
};

/// Where what is sent comes from, and how long an answer is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// From the command line; closed when nothing has come for `wait`.
    Script { wait: Duration },
    /// From stdin; after its end, given up when nothing has come for `timeout`.
    Piped { timeout: Duration },
    /// From somebody's keys.
    Typed,
}

/// The encodings of a conversation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Encodings {
    /// What is sent and received.
    pub(super) spoken: TextEncoding,
    /// What is typed, or comes from stdin.
    pub(super) input: TextEncoding,
}

/// A conversation that goes on.
pub(super) struct Conversation {
    manner: Manner,
    screen: Box<dyn Screen>,
    trace: Option<Trace>,
    encodings: Encodings,
    decoder: TextDecoder,
    watch: EncodingWatch,
    local: SocketAddr,
    /// When something was last sent or received.
    last: Instant,
    /// When it ends whatever happens.
    ends_at: Option<Instant>,
    has_come: bool,
    has_said_all: bool,
    has_half_closed: bool,
    has_replaced: bool,
    has_garbled: bool,
    /// Buffers that the ear is to get back.
    spare: Vec<Vec<u8>>,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The server closed.
    Fin,
    /// The connection broke.
    Broken,
    /// Nothing came for so long; or whoever typed has gone for so long.
    Quiet(Duration),
    /// We were told to end.
    Terminated,
    /// Nobody reads stdout any more.
    NoReader,
}

impl Conversation {
    pub(super) fn new(
        manner: Manner,
        screen: Box<dyn Screen>,
        trace: Option<Trace>,
        encodings: Encodings,
        local: SocketAddr,
    ) -> Self {
        Self {
            manner,
            screen,
            trace,
            encodings,
            decoder: encodings.spoken.decoder(),
            watch: EncodingWatch::new(encodings.spoken, locale::country()),
            local,
            last: Instant::now(),
            ends_at: None,
            has_come: false,
            has_said_all: false,
            has_half_closed: false,
            has_replaced: false,
            has_garbled: false,
            spare: Vec::new(),
        }
    }

    /// Shows and tells what happens on `stream`, as `events` say, until it is over; closes, and says
    /// whether all went well. Gives buffers back to `spare` when what they held is shown.
    ///
    /// # Errors
    /// When stdout can't be written to, or what is to be sent can't be read.
    pub(super) fn hold(
        mut self,
        stream: &TcpStream,
        events: &Receiver<Event>,
        spare: &SyncSender<Vec<u8>>,
    ) -> anyhow::Result<Verdict> {
        let ended = self.listen(events, spare).and_then(|end| {
            self.finish(end)?;
            Ok(end)
        });
        self.dismiss_the_editor(events);
        // Whatever has happened, the terminal is given back, and the server told.
        let closed = self.screen.close().context(UNWRITTEN);
        let _ = stream.shutdown(Shutdown::Both);
        let end = ended?;
        closed?;
        self.say_how_it_ended(end);
        let well = self.has_come || self.manner == Manner::Typed;
        Ok(if well { Verdict::Fine } else { Verdict::Failed })
    }

    fn listen(
        &mut self,
        events: &Receiver<Event>,
        spare: &SyncSender<Vec<u8>>,
    ) -> anyhow::Result<End> {
        loop {
            let (over, end) = self.over();
            // A server that never stops talking leaves no pause to notice it in.
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
                Err(_) => self.screen.turn(Turn::Due).context(UNWRITTEN)?,
            }
            // A server may talk without end, and nobody would see it.
            if output::reader_has_gone() {
                return Ok(End::NoReader);
            }
            if self.screen.waiting() < MOST_WAITING {
                for buffer in self.spare.drain(..) {
                    // There is room for all, unless the ear has ended.
                    let _ = spare.try_send(buffer);
                }
            }
        }
    }

    /// When this ends if nothing happens, and how.
    fn over(&self) -> (Option<Instant>, End) {
        let quiet = match self.manner {
            Manner::Script { wait } if self.has_said_all => Some(wait),
            Manner::Script { wait } => Some(wait.max(UNREAD)),
            Manner::Piped { timeout } => Some(timeout).filter(|_| self.has_said_all),
            Manner::Typed => None,
        };
        match quiet {
            // No wait is too long to be added, or it is as good as none.
            Some(quiet) => (self.last.checked_add(quiet), End::Quiet(quiet)),
            None => (self.ends_at, End::Quiet(FAREWELL)),
        }
    }

    /// Does what an event asks for; says whether the conversation is over.
    fn take(&mut self, event: Event) -> anyhow::Result<Option<End>> {
        let at = event.at;
        match event.what {
            What::Sending(bytes) => {
                self.last = at;
                self.tell(|trace| trace.sending(at, &bytes));
            }
            What::Replaced(character) => self.say_once_that_it_was_replaced(character),
            What::Garbled(garbled) => self.say_once_that_input_is_garbled(garbled),
            What::Unsent(error) => {
                self.last = at;
                self.has_said_all = true;
                self.note(&format!("not all could be sent: {}", cause(&error)));
            }
            What::Unread(error) => return Err(anyhow!("can't read stdin: {error}")),
            What::HalfClosing => {
                self.has_half_closed = true;
                self.tell(|trace| trace.half_closing(at));
            }
            What::SaidAll => {
                self.last = at;
                self.has_said_all = true;
            }
            What::Came(bytes) => {
                self.has_come = true;
                self.tell(|trace| trace.came(at, &bytes));
                self.show(&bytes, false)?;
                // While it was shown, perhaps slowly, nothing more could come.
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
                    self.note(&format!("the connection broke: {}", cause(&error)));
                }
                return Ok(Some(End::Broken));
            }
            What::Began => self.screen.turn(Turn::Began).context(UNWRITTEN)?,
            What::Printed => self.screen.turn(Turn::Printed).context(UNWRITTEN)?,
            What::Left(how) => {
                self.screen.turn(Turn::Left).context(UNWRITTEN)?;
                how.map_err(|error| anyhow!("can't read from the terminal: {error}"))?;
                self.ends_at = Some(at + FAREWELL);
            }
            What::Terminated => return Ok(Some(End::Terminated)),
        }
        Ok(None)
    }

    fn show(&mut self, bytes: &[u8], last: bool) -> anyhow::Result<()> {
        let mut text = String::new();
        let well_formed = self.decoder.decode(bytes, last, &mut text);
        self.screen.show(&text).context(UNWRITTEN)?;
        if let Some(guess) = self.watch.push(bytes, well_formed) {
            let (said, name) = (self.encodings.spoken.name(), guess.encoding.name());
            let (text, label) = (guess.text, name.to_lowercase());
            self.note(&format!(
                "what comes looks like {name}, not like {said}: in {name} it reads {text:?}; try --encoding \
                 {label}"
            ));
        }
        Ok(())
    }

    /// Shows what is left of what came, and tells of the last step.
    fn finish(&mut self, end: End) -> anyhow::Result<()> {
        self.show(&[], true)?;
        let parting = match end {
            End::Broken => Parting::Reset,
            End::Fin if self.has_half_closed => Parting::OursFirst,
            End::Fin => Parting::ServerFirst,
            End::Quiet(quiet) if self.has_half_closed => Parting::Unanswered(quiet),
            End::Quiet(quiet) => Parting::Quiet(quiet),
            End::Terminated => Parting::Told,
            End::NoReader => Parting::NoReader,
        };
        let local = self.local;
        self.tell(|trace| trace.closed(parting, local));
        Ok(())
    }

    /// Has the line editor end, if there is one, and leave the terminal to us.
    fn dismiss_the_editor(&mut self, events: &Receiver<Event>) {
        let limit = Instant::now() + FAREWELL;
        while self.screen.dismiss() && Instant::now() < limit {
            // It may be between two lines, where it can't be asked: so it is asked again.
            let again = Instant::now() + Duration::from_millis(50);
            while let Ok(event) =
                events.recv_timeout(again.saturating_duration_since(Instant::now()))
            {
                let turn = match event.what {
                    What::Left(_) => Turn::Left,
                    What::Printed => Turn::Printed,
                    _ => continue,
                };
                // If that can't be shown, closing will say so.
                let _ = self.screen.turn(turn);
                if turn == Turn::Left {
                    break;
                }
            }
        }
    }

    fn say_how_it_ended(&mut self, end: End) {
        let silent = !self.has_come && self.manner != Manner::Typed;
        match end {
            End::Fin if silent => self.note("the server closed without a word"),
            End::Fin if self.has_half_closed || self.trace.is_some() => {}
            End::Fin if !matches!(self.manner, Manner::Script { .. }) => {
                let line = format!("{DIM}the server closed the connection{DIM:#}");
                self.screen.say(&line);
            }
            End::Quiet(quiet) if self.manner != Manner::Typed => {
                let quiet = units::time(quiet);
                if !self.has_said_all {
                    self.note(&format!(
                        "the server has read nothing for {quiet}, and not all is sent"
                    ));
                } else if silent {
                    let remedy = match self.manner {
                        Manner::Script { .. } => {
                            "does it wait for a line end (--line)? Or try --wait 5s"
                        }
                        _ => "try --timeout 1m",
                    };
                    self.note(&format!("nothing came for {quiet}; {remedy}"));
                } else if self.has_half_closed {
                    self.note(&format!(
                        "the server has not closed, and said nothing for {quiet}"
                    ));
                }
            }
            End::Fin | End::Broken | End::Quiet(_) | End::Terminated | End::NoReader => {}
        }
    }

    fn say_once_that_it_was_replaced(&mut self, character: char) {
        if std::mem::replace(&mut self.has_replaced, true) {
            return;
        }
        let name = self.encodings.spoken.name();
        self.note(&format!(
            "{character:?} has no place in {name}, and is sent as ?; utf-8 and gb18030 carry every \
             character"
        ));
    }

    fn say_once_that_input_is_garbled(&mut self, garbled: Garbled) {
        if std::mem::replace(&mut self.has_garbled, true) {
            return;
        }
        let (input, spoken) = (self.encodings.input.name(), self.encodings.spoken.name());
        let label = spoken.to_lowercase();
        // What it might be instead.
        let other = match label.as_str() {
            "utf-8" => "gbk",
            label => label,
        };
        self.note(&match garbled {
            Garbled::SentAsItIs => format!(
                "stdin is not {input}, but reads as {spoken}, and is sent as it is; --input-encoding {label} \
                 says so"
            ),
            Garbled::Marked => format!(
                "stdin holds bytes that are not {input}; they are sent as ?; if it is in another encoding, \
                 name it, as in --input-encoding {other}"
            ),
            Garbled::LineLost => format!(
                "the terminal sent bytes that are not {input}, and the line was not sent; if the terminal \
                 is set to another encoding, name it, as in --input-encoding {other}"
            ),
        });
    }

    fn note(&mut self, text: &str) {
        self.screen.say(&format!("{WARN}note:{WARN:#} {text}"));
    }

    fn tell(&mut self, line: impl FnOnce(&mut Trace) -> String) {
        if let Some(trace) = &mut self.trace {
            let line = line(trace);
            self.screen.say(&line);
        }
    }
}

/// Why sending or receiving failed, in words.
fn cause(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionReset => {
            "the server reset it, for it crashed, or closed with bytes unread".to_owned()
        }
        io::ErrorKind::BrokenPipe => "the server had closed already".to_owned(),
        _ => error.to_string(),
    }
}

/// How long what still comes is shown when whoever types has gone.
const FAREWELL: Duration = Duration::from_secs(1);

/// How long a server is at least given to read what is sent to it.
const UNREAD: Duration = Duration::from_secs(5);

/// While more than this waits to be shown, nothing is read.
const MOST_WAITING: usize = 256 << 10;

const UNWRITTEN: &str = "can't write to stdout";
