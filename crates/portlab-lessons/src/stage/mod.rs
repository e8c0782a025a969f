//! What a lesson's function does: begin a step, tell what was seen, end it.
//!
//! ```text
//! let mut step = stage.step("second")?;       // says what is about to be done, and asks
//! let second = TcpListener::bind(door);       // does it
//! step.set("error", second.unwrap_err());     // {error} in the text
//! step.seen("refused", ...);                  // a claim, true or not
//! step.end()?;                                // shows what was seen, and says why
//! ```

mod act;
mod reading;
mod show;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, fmt, io, os::fd::BorrowedFd, process::Command, time::Duration};

use portlab_lab::{Server, ServerError, python::Python};
use portlab_words::Lang;

pub(crate) use act::Act;
use reading::Reading;
pub(crate) use show::caption;

use crate::{
    board,
    cast::Student,
    hall::{Hall, Heard},
    lesson::Lesson,
    script::{Script, ScriptError},
    words,
};

/// Why a lesson ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum Exit {
    /// Whoever watched has left.
    #[error("the lesson was left")]
    Left,
    /// The system refused something.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A server that plays a part didn't.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The lesson's text isn't written as it must be.
    #[error("the lesson's text: {0}")]
    Script(#[from] ScriptError),
    /// The function and the text don't agree.
    #[error("step {step}: {what}")]
    Mismatch {
        /// The step.
        step: String,
        /// What is wrong.
        what: String,
    },
}

/// How a lesson has come out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The claims that held, each as `step/claim`.
    pub held: Vec<String>,
    /// Those that this machine can't show.
    pub not_here: Vec<String>,
    /// Those that didn't hold.
    pub failed: Vec<String>,
}

/// What became of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It was seen.
    Yes,
    /// It should have been seen, and wasn't.
    No,
    /// This machine can't show it.
    NotHere,
    /// There is nothing to be told: what it depends on was up to the watchers' own program, and didn't
    /// come.
    Moot,
}

impl Seen {
    /// For what is up to this machine, or to whoever watches: seen, or not to be seen here.
    #[must_use]
    pub(crate) fn if_shown(seen: bool) -> Self {
        if seen { Self::Yes } else { Self::NotHere }
    }
}

impl From<bool> for Seen {
    fn from(seen: bool) -> Self {
        if seen { Self::Yes } else { Self::No }
    }
}

/// Of what only a machine with, say, Python can show: `None` where it can't.
impl From<Option<bool>> for Seen {
    fn from(seen: Option<bool>) -> Self {
        seen.map_or(Self::NotHere, Self::from)
    }
}

/// The stage of one lesson.
pub struct Stage<'a> {
    lesson: &'a Lesson,
    script: Script,
    hall: &'a mut Hall,
    values: HashMap<String, String>,
    report: Report,
    /// The steps that have been played.
    played: usize,
    reading: Reading,
    python: Option<Option<Python>>,
}

/// Plays a lesson to its end.
///
/// # Errors
/// When whoever watches leaves, or the machine doesn't let it be played.
pub fn play(lesson: &Lesson, hall: &mut Hall) -> Result<Report, Exit> {
    let script = lesson.script_as_shown(hall.lang, hall.seed)?;
    let reading = Reading::of(&script);
    let mut stage = Stage {
        lesson,
        script,
        hall,
        values: HashMap::new(),
        report: Report::default(),
        played: 0,
        reading,
        python: None,
    };
    stage.open()?;
    (lesson.play)(&mut stage)?;
    stage.close()?;
    Ok(stage.report)
}

impl<'a> Stage<'a> {
    /// Begins the step `key`: says what is about to be done, and asks what will happen.
    ///
    /// # Errors
    /// When it isn't the next step of the text, or whoever watches leaves.
    pub(crate) fn step(&mut self, key: &str) -> Result<Act<'_, 'a>, Exit> {
        let act = self.task(key)?;
        if act.step.ask.is_none() {
            act.stage.wait(words::DO_IT)?;
        }
        Ok(act)
    }

    /// As [`Stage::step`], for a step in which it is the watchers' turn: it begins without waiting for
    /// Enter.
    ///
    /// # Errors
    /// As there.
    pub(crate) fn task(&mut self, key: &str) -> Result<Act<'_, 'a>, Exit> {
        let mismatch = |what: &str| Exit::Mismatch {
            step: key.to_owned(),
            what: what.to_owned(),
        };
        let (at, step) = self
            .script
            .step(key)
            .ok_or(mismatch("is not in the text"))?;
        if at != self.played {
            return Err(mismatch("is not the next in the text"));
        }
        let step = step.clone();
        self.played += 1;
        let heading = format!("{}/{}  {}", at + 1, self.script.steps.len(), step.title);
        let heading = self.filled(&heading)?;
        let columns = self.hall.columns();
        self.write(&format!("\n{}", board::rule(&heading, columns)))?;
        self.blocks(&step.say)?;
        let guess = match &step.ask {
            Some(ask) => self.ask(ask)?,
            None => None,
        };
        Ok(Act {
            stage: self,
            step,
            guess,
            claims: Vec::new(),
        })
    }

    /// Leaves out the step `key`, which would be the next: what it builds on didn't come.
    ///
    /// # Errors
    /// When it isn't the next step of the text.
    pub(crate) fn skip(&mut self, key: &str) -> Result<(), Exit> {
        match self.script.step(key) {
            Some((at, _)) if at == self.played => {
                self.played += 1;
                Ok(())
            }
            _ => Err(Exit::Mismatch {
                step: key.to_owned(),
                what: "is not the next in the text".to_owned(),
            }),
        }
    }

    /// Gives `{name}` in the text its value, from now on.
    pub(crate) fn set(&mut self, name: &str, value: impl fmt::Display) {
        self.values.insert(name.to_owned(), value.to_string());
    }

    /// The hall, for a lesson that asks for more than Enter.
    pub(crate) fn hall(&mut self) -> &mut Hall {
        self.hall
    }

    /// Waits until `other` can be read, which is up to the watchers' own programs: true when it can.
    /// They may go on without; when nobody is there, it waits for ten seconds.
    ///
    /// # Errors
    /// When whoever watches leaves.
    pub(crate) fn wait_for(&mut self, other: BorrowedFd<'_>) -> Result<bool, Exit> {
        let is_manned = self.is_manned();
        if is_manned {
            self.prompt(words::WAITING)?;
        }
        let patience = Duration::from_secs(if is_manned { 3600 } else { 10 });
        let heard = self.hall.hear(other, patience)?;
        match &heard {
            Heard::Line(line) => self.typed(line).map(|_| false),
            Heard::Other if is_manned => {
                self.write("\n")?;
                Ok(true)
            }
            Heard::Other => Ok(true),
            Heard::Nothing => Ok(false),
        }
    }

    /// A line that whoever watches types as an answer, or `default` if it is empty or nobody is there.
    ///
    /// # Errors
    /// When whoever watches leaves.
    pub(crate) fn answer_by_hand(&mut self, default: &str) -> Result<String, Exit> {
        let line = self.answer(words::ANSWER_BY_HAND)?;
        Ok(if line.is_empty() {
            default.to_owned()
        } else {
            line
        })
    }

    /// Waits until the watchers' own server is started, as they say: false when they go on without.
    ///
    /// # Errors
    /// When whoever watches leaves.
    pub(crate) fn is_started(&mut self) -> Result<bool, Exit> {
        Ok(self.answer(words::STARTED)? != "s")
    }

    /// Says something between prompts, to whoever watches.
    ///
    /// # Errors
    /// When it can't be written.
    pub(crate) fn remark(&mut self, text: &str) -> Result<(), Exit> {
        if self.is_manned() {
            self.write(&format!("{}\n", board::painted(board::DIM, text)))?;
        }
        Ok(())
    }

    /// Whether somebody is there who answers.
    #[must_use]
    pub(crate) fn is_manned(&self) -> bool {
        self.hall.is_manned()
    }

    /// The language.
    #[must_use]
    pub(crate) fn lang(&self) -> Lang {
        self.hall.lang
    }

    /// A server of ours, in a process of its own: `options` are those of `portlab serve`. It ends when
    /// it is dropped.
    ///
    /// # Errors
    /// When it doesn't start.
    pub(crate) fn server(&self, options: &[&str]) -> Result<Server, ServerError> {
        Server::start(&self.hall.program, options)
    }

    /// Another of our own commands, run as a student does: `arguments` stand behind `portlab`. It ends
    /// when it is dropped.
    ///
    /// # Errors
    /// When it can't be started.
    pub(crate) fn portlab(&self, arguments: &[&str]) -> io::Result<Student> {
        Student::start(Command::new(&self.hall.program).args(arguments))
    }

    /// This machine's Python, if it has one.
    pub(crate) fn python(&mut self) -> Option<&Python> {
        self.python.get_or_insert_with(Python::find).as_ref()
    }

    /// Runs the program `file` of the lesson's folder in Python, as a student would; `None` when this
    /// machine has no Python. It ends when it is dropped.
    ///
    /// # Errors
    /// When it can't be started.
    ///
    /// # Panics
    /// When the lesson has no such file.
    pub(crate) fn student(
        &mut self,
        file: &str,
        arguments: &[&str],
    ) -> io::Result<Option<Student>> {
        let found = self.lesson.files.iter().find(|(name, _)| *name == file);
        let (_, text) = found.expect("a lesson names the files of its own folder");
        let python = self.python().cloned();
        python
            .map(|python| Student::python(&python, text, arguments))
            .transpose()
    }
}

impl fmt::Debug for Stage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stage")
            .field("lesson", &self.lesson.name)
            .field("played", &self.played)
            .finish_non_exhaustive()
    }
}
