//! The line that is typed: edited, remembered, and entered.

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
    event::{Garbled, Post, What},
    screen::Turn,
    sender::Said,
};

/// Has a thread read lines from the terminal, with a history that lasts as long, and hand them to
/// `typed`, until Ctrl-D, Ctrl-C or SIGINT. Tells through `post` what it does.
///
/// # Errors
/// When this terminal can't be edited on, or the system has no thread left.
pub(super) fn start(typed: Sender<Said>, post: Post, colours: bool) -> anyhow::Result<Printer> {
    let config = Config::builder()
        .auto_add_history(true)
        // Each line that is pasted is sent, as if it had been typed.
        .bracketed_paste(false)
        // Without colours the editor wouldn't say when it paints; the prompt has none if unwanted.
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

fn edit(mut editor: Editor<Watch, MemHistory>, typed: &Sender<Said>, post: &Post) {
    let mut lost_a_line = false;
    let end = loop {
        if let Some(watch) = editor.helper() {
            watch.begins.set(true);
        }
        match editor.readline(PROMPT) {
            // If the receiver is gone, the connection has broken, which is reported elsewhere.
            // The Enter that ends a line which was lost sends nothing.
            Ok(line) if line.is_empty() && std::mem::take(&mut lost_a_line) => {}
            Ok(line) => {
                lost_a_line = false;
                let _ = typed.send(Said::Text(line + "\n"));
            }
            Err(ReadlineError::Eof | ReadlineError::Interrupted) => break Ok(()),
            // Bytes that are no UTF-8. What else came with them is forgotten: half a line is not sent.
            Err(ReadlineError::Io(error)) if error.kind() == ErrorKind::InvalidData => {
                lost_a_line = true;
                if let Some(watch) = editor.helper() {
                    *watch.gate.lock() = false;
                }
                // Fails where it is no terminal any more, which the next line will find out.
                let _ = forget_typed(io::stdin());
                post.tell(What::Garbled(Garbled::LineLost));
            }
            Err(error) => break Err(error.to_string()),
        }
    };
    post.tell(What::Left(end));
}

/// Prints above the line that is being typed.
pub(super) struct Printer {
    printer: Box<dyn ExternalPrinter>,
    gate: Arc<Gate>,
}

impl Printer {
    /// Hands `text` to the editor, which prints it and then tells that it is [`Turn::Printed`]; says
    /// no when it can't now, for it is between two lines, and will tell when it [`Turn::Began`].
    /// Only one text may be on its way.
    pub(super) fn print(&mut self, text: &str) -> bool {
        let open = self.gate.lock();
        *open && self.printer.print(text.to_owned()).is_ok()
    }
}

/// Whether the editor edits a line: then, and only then, it takes what is to be printed. Between two
/// lines it would let others write to the terminal by themselves, while it begins to paint.
#[derive(Default)]
struct Gate(Mutex<bool>);

impl Gate {
    fn lock(&self) -> MutexGuard<'_, bool> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The editor calls this for advice; the calls show what the editor does.
struct Watch {
    prompt: String,
    post: Post,
    gate: Arc<Gate>,
    /// The next painting is the first of its line.
    begins: Cell<bool>,
    /// A key is the reason for the next painting.
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
            self.post.tell(What::Turn(Turn::Began));
        } else if !by_key {
            self.post.tell(What::Turn(Turn::Printed));
        }
        // While one searches the history, the prompt is another.
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
