//! The line editor: lines are edited, kept in a history, and entered.

use std::{
    borrow::Cow,
    cell::Cell,
    io::{self, ErrorKind},
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc::Sender},
    thread,
};

use anstyle::{AnsiColor, Style};
use rustyline::{
    ColorMode, Config, Editor, ExternalPrinter, Helper,
    completion::Completer,
    error::ReadlineError,
    highlight::{CmdKind, Highlighter},
    hint::Hinter,
    history::MemHistory,
    validate::{ValidationContext, ValidationResult, Validator},
};

use portlab_sys::terminal::forget_typed;

use super::{
    event::{EventSender, Garbled, What},
    screen::EditorEvent,
    sender::Outgoing,
};

/// Starts a thread that reads lines from the terminal, with a history that lasts as long as the thread, and sends them to
/// `typed`, until Ctrl-D, Ctrl-C or SIGINT. It sends its events through `post`.
///
/// # Errors
/// When this terminal can't be edited on, or the system has no thread left.
pub(super) fn start(
    typed: Sender<Outgoing>,
    post: EventSender,
    colours: bool,
) -> anyhow::Result<Printer> {
    let config = Config::builder()
        .auto_add_history(true)
        // Each line that is pasted is sent like a typed line.
        .bracketed_paste(false)
        // Without colours the editor wouldn't call the highlighter, which shows when it paints. The prompt has a colour only
        // if colours are wanted.
        .color_mode(ColorMode::Forced)
        .build();
    let history = MemHistory::with_config(&config);
    let mut editor = Editor::with_history(config, history)?;
    let gate = Arc::new(Gate::default());
    editor.set_helper(Some(Watch {
        prompt: match colours {
            true => format!("{PROMPT_STYLE}{PROMPT}{PROMPT_STYLE:#}"),
            false => PROMPT.to_owned(),
        },
        post: post.clone(),
        gate: Arc::clone(&gate),
        begins: Cell::new(true),
        by_key: Cell::new(false),
    }));
    let printer = Box::new(editor.create_external_printer()?);
    thread::Builder::new().spawn(move || edit(editor, &typed, &post))?;
    Ok(Printer { printer, gate })
}

fn edit(mut editor: Editor<Watch, MemHistory>, typed: &Sender<Outgoing>, post: &EventSender) {
    let mut lost_a_line = false;
    let end = loop {
        if let Some(watch) = editor.helper() {
            watch.begins.set(true);
        }
        match editor.readline(PROMPT) {
            // If the receiver is gone, the connection has broken, which is reported elsewhere.
            // The Enter of a line that was lost sends nothing.
            Ok(line) if line.is_empty() && std::mem::take(&mut lost_a_line) => {}
            Ok(line) => {
                lost_a_line = false;
                let _ = typed.send(Outgoing::Text(line + "\n"));
            }
            Err(ReadlineError::Eof | ReadlineError::Interrupted) => break Ok(()),
            // Bytes that aren't UTF-8. The rest of their line is dropped too: half a line is not sent.
            Err(ReadlineError::Io(error)) if error.kind() == ErrorKind::InvalidData => {
                lost_a_line = true;
                if let Some(watch) = editor.helper() {
                    *watch.gate.lock() = false;
                }
                // This fails if stdin is no longer a terminal, which the next line reports.
                let _ = forget_typed(io::stdin());
                post.send(What::Garbled(Garbled::LineLost));
            }
            Err(error) => break Err(error.to_string()),
        }
    };
    post.send(What::Left(end));
}

/// Prints above the line that is being typed.
pub(super) struct Printer {
    printer: Box<dyn ExternalPrinter>,
    gate: Arc<Gate>,
}

impl Printer {
    /// Hands `text` to the editor, which prints it and then sends [`EditorEvent::Printed`]. Returns `false` if the editor is
    /// between two lines and can't print now; it sends [`EditorEvent::Began`] when it begins the next line.
    /// Only one text may be handed over at a time.
    pub(super) fn print(&mut self, text: &str) -> bool {
        let open = self.gate.lock();
        *open && self.printer.print(text.to_owned()).is_ok()
    }
}

/// Whether the editor edits a line. Only then it takes text to print: between two lines, the text would be written
/// directly to the terminal, while the editor begins to paint.
#[derive(Default)]
struct Gate(Mutex<bool>);

impl Gate {
    fn lock(&self) -> MutexGuard<'_, bool> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The editor calls these traits for help with its line; the calls show what the editor does.
struct Watch {
    prompt: String,
    post: EventSender,
    gate: Arc<Gate>,
    /// Whether the next painting is the first of its line.
    begins: Cell<bool>,
    /// Whether a key causes the next painting.
    by_key: Cell<bool>,
}

impl Highlighter for Watch {
    /// Is called at each painting.
    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(
        &'s self,
        prompt: &'p str,
        default: bool,
    ) -> Cow<'b, str> {
        let by_key = self.by_key.take();
        if self.begins.take() {
            *self.gate.lock() = true;
            self.post.send(What::Editor(EditorEvent::Began));
        } else if !by_key {
            self.post.send(What::Editor(EditorEvent::Printed));
        }
        // During a search in the history, the editor has another prompt.
        Cow::Borrowed(if default { &self.prompt } else { prompt })
    }

    /// Is called before each painting that a key has caused. The answer asks for that painting.
    fn highlight_char(&self, _: &str, _: usize, _: CmdKind) -> bool {
        self.by_key.set(true);
        true
    }
}

impl Validator for Watch {
    /// Is called when a line is entered.
    fn validate(&self, _: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        *self.gate.lock() = false;
        Ok(ValidationResult::Valid(None))
    }
}

impl Completer for Watch {
    type Candidate = String;
}

impl Hinter for Watch {
    type Hint = String;
}

impl Helper for Watch {}

const PROMPT: &str = "> ";
const PROMPT_STYLE: Style = AnsiColor::Green.on_default().bold();
