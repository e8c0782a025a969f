//! A screen without a line editor: a pipe, a file, or a terminal for one answer.

use std::io::{self, IsTerminal, Write};

use portlab_service::TextEncoding;

use super::{screen::Screen, visible::Visible};
use crate::output;

/// stdout and stderr, as they are.
pub(super) struct Plain {
    /// The encoding of the terminal, if stdout is one.
    encoding: TextEncoding,
    /// If stdout is a terminal: makes text harmless for it.
    visible: Option<Visible>,
    /// stderr goes to a terminal too.
    beside: bool,
    /// The terminal's line has begun.
    mid_line: bool,
}

impl Plain {
    /// A screen that writes text in `encoding` if stdout is a terminal, and in UTF-8 otherwise.
    pub(super) fn new(encoding: TextEncoding) -> Self {
        Self {
            encoding,
            visible: io::stdout().is_terminal().then(Visible::default),
            beside: io::stderr().is_terminal(),
            mid_line: false,
        }
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        self.mid_line = !text.ends_with('\n');
        let mut stdout = output::raw_stdout();
        if self.visible.is_some() {
            let mut bytes = Vec::with_capacity(text.len());
            self.encoding.encode_with_marks(text, &mut bytes);
            stdout.write_all(&bytes)?;
        } else {
            stdout.write_all(text.as_bytes())?;
        }
        stdout.flush()
    }
}

impl Screen for Plain {
    fn show(&mut self, text: &str) -> io::Result<()> {
        let Some(visible) = &mut self.visible else {
            return self.write(text);
        };
        let mut shown = String::new();
        visible.push(text, &mut shown);
        self.write(&shown)
    }

    fn say(&mut self, lines: &str) {
        if self.visible.is_some() && self.beside && self.mid_line {
            // An error of stdout was reported when it happened.
            let _ = self.write("\n");
        }
        crate::tell!("{lines}");
    }

    fn close(&mut self) -> io::Result<()> {
        let Some(visible) = &mut self.visible else {
            return Ok(());
        };
        let mut rest = String::new();
        visible.end(&mut rest);
        self.write(&rest)?;
        // The shell's prompt is to begin a line.
        if self.mid_line {
            self.write("\n")?;
        }
        Ok(())
    }
}
