//! The stage: a lesson's function begins a step, records what was seen, and ends the step.
//!
//! ```text
//! let mut step = stage.step("second")?;       // shows the step's text, and asks
//! let second = TcpListener::bind(door);       // does it
//! step.set_error("error", second.err());      // {error} in the text
//! step.seen("refused", ...);                  // a claim, true or not
//! step.end()?;                                // shows the outcome, and explains it
//! ```

mod reading;
mod screen;
mod show;
mod step;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    fmt,
    io::{self, ErrorKind},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::fd::BorrowedFd,
    process::Command,
    time::Duration,
};

use portlab_lab::{Server, ServerError, python::Python};
use portlab_service::inert;
use portlab_sys::holder::holder;
use portlab_words::{Lang, tr};

use reading::Reading;
use screen::Screen;
pub use show::caption;
pub(crate) use step::LessonStep;

pub use crate::seen::Seen;

use crate::{
    board,
    cast::{Fault, Folder, Role, Site, Student, kernel::error_name, listen_at},
    run::{Input, LessonRun, Pace},
    script::{Script, ScriptError},
    words,
};

/// Why a lesson ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum Exit {
    /// The user quit.
    #[error("the user quit the lesson")]
    Left,
    /// The system refused what the lesson needs.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A server of the lesson failed.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The lesson's text breaks the format.
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

impl Exit {
    fn mismatch(step: &str, what: impl Into<String>) -> Self {
        let (step, what) = (step.to_owned(), what.into());
        Self::Mismatch { step, what }
    }
}

/// The outcome of a lesson.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The claims that held, each as `step/claim`.
    pub held: Vec<String>,
    /// The claims that this machine can't show.
    pub not_here: Vec<String>,
    /// The claims that didn't hold.
    pub failed: Vec<String>,
}

/// A lesson's function.
pub(crate) type Play = fn(&mut Stage<'_>) -> Result<(), Exit>;

/// Programs by file name.
pub(crate) type Files = &'static [(&'static str, &'static str)];

/// The stage of one lesson.
pub struct Stage<'a> {
    script: Script,
    files: Files,
    run: &'a mut LessonRun,
    values: HashMap<String, String>,
    report: Report,
    /// How many steps have been played.
    played: usize,
    reading: Reading,
    screen: Screen,
    /// The pace of the steps that are shown, while the steps before them are set up.
    silenced: Option<Pace>,
    python: Option<Option<Python>>,
}

impl<'a> Stage<'a> {
    /// Plays a lesson to its end: shows the opening of `script`, calls `play`, and shows the questions and the sum.
    /// `files` are those of the lesson's folder. Fails when the user quits, or the machine refuses what the lesson needs.
    pub(crate) fn play(
        script: Script,
        files: Files,
        run: &'a mut LessonRun,
        play: Play,
    ) -> Result<Report, Exit> {
        let reading = Reading::of(&script);
        let mut stage = Stage {
            script,
            files,
            run,
            values: HashMap::new(),
            report: Report::default(),
            played: 0,
            reading,
            screen: Screen::default(),
            silenced: None,
            python: None,
        };
        stage.open()?;
        play(&mut stage)?;
        stage.close()?;
        Ok(stage.report)
    }

    /// Begins the step `key`: shows its text, and asks what will happen. Fails when it isn't the next step of the text, or
    /// the user quits.
    pub(crate) fn step(&mut self, key: &str) -> Result<LessonStep<'_, 'a>, Exit> {
        let mut step = self.task(key)?;
        if step.text.ask.is_none() {
            step.wait(&words::DO_IT)?;
        }
        Ok(step)
    }

    /// As [`Stage::step`], for a step in which the user acts: it begins without waiting for Enter.
    ///
    /// # Errors
    /// As there.
    pub(crate) fn task(&mut self, key: &str) -> Result<LessonStep<'_, 'a>, Exit> {
        let at = self.next_step(key)?;
        let text = self.script.steps[at].clone();
        self.played += 1;
        if at >= self.run.choices.first_step
            && let Some(pace) = self.silenced.take()
        {
            self.run.pace = pace;
        }
        // Each step begins a screen.
        self.make_room(screen::ROWS)?;
        let heading = format!("{}/{}  {}", at + 1, self.script.steps.len(), text.title);
        let heading = self.filled(&heading)?;
        let columns = self.run.columns();
        self.write(&format!(
            "\n{}",
            board::rule(&heading, columns, self.palette())
        ))?;
        self.blocks(&text.say)?;
        let guess = match &text.ask {
            Some(ask) => self.ask(ask)?,
            None => None,
        };
        Ok(LessonStep {
            stage: self,
            text,
            guess,
            claims: Vec::new(),
        })
    }

    /// Skips the next step, `key`, because its precondition failed. Fails when it isn't the next step of the text.
    pub(crate) fn skip(&mut self, key: &str) -> Result<(), Exit> {
        self.next_step(key)?;
        self.played += 1;
        Ok(())
    }

    /// The place of the step `key`, which must be the next one.
    fn next_step(&self, key: &str) -> Result<usize, Exit> {
        match self.script.step(key) {
            None => Err(Exit::mismatch(key, "is not in the text")),
            Some((at, _)) if at == self.played => Ok(at),
            Some(_) => Err(Exit::mismatch(key, "is not the next in the text")),
        }
    }

    /// Gives `{name}` in the text its value, from now on.
    pub(crate) fn set(&mut self, name: &str, value: impl fmt::Display) {
        self.values.insert(name.to_owned(), value.to_string());
    }

    /// Gives `{name}` the kernel's name of an error, `OK` if there was none, and returns its kind.
    pub(crate) fn set_error(&mut self, name: &str, error: Option<&io::Error>) -> Option<ErrorKind> {
        self.set(name, error_name(error));
        error.map(io::Error::kind)
    }

    /// The run, for a lesson that asks for more than Enter.
    pub(crate) fn run(&mut self) -> &mut LessonRun {
        self.run
    }

    /// Waits until `other` is readable, which depends on the user's own program. Returns false when the user skips this,
    /// or, without a user, after ten seconds. Fails when the user quits.
    pub(crate) fn wait_for(&mut self, other: BorrowedFd<'_>) -> Result<bool, Exit> {
        let patience = if self.is_interactive() { 3600 } else { 10 };
        let ready = self.wait_within(other, Duration::from_secs(patience))?;
        Ok(ready == Some(true))
    }

    /// As [`Stage::wait_for`], for `patience` at most: `None` when nothing happened in that time.
    pub(crate) fn wait_within(
        &mut self,
        other: BorrowedFd<'_>,
        patience: Duration,
    ) -> Result<Option<bool>, Exit> {
        if !self.is_interactive() {
            let input = self.run.wait(other, patience)?;
            return Ok((input == Input::Other).then_some(true));
        }
        loop {
            self.prompt(&words::WAITING)?;
            let input = self.run.wait(other, patience)?;
            if !matches!(input, Input::Line(_)) {
                self.leave_prompt()?;
            }
            match input {
                // Enter alone is often typed by mistake, and a class would lose the step.
                Input::Line(line) if self.typed(&line)? == "s" => return Ok(Some(false)),
                Input::Line(_) => {}
                Input::Other => return Ok(Some(true)),
                Input::Timeout => return Ok(None),
                Input::End => return Err(Exit::Left),
            }
        }
    }

    /// Shows what is wrong with the user's program, and what to change. The text is shown as it is, without styles.
    pub(crate) fn diagnose(&mut self, fault: &Fault, role: Role) -> Result<(), Exit> {
        self.warn(&fault.said(role, self.lang()))
    }

    /// Shows a warning as it is, without styles.
    pub(crate) fn warn(&mut self, said: &str) -> Result<(), Exit> {
        let said = board::wrapped(said, self.run.columns(), "! ");
        let mark = board::painted(self.palette().bad, "!");
        self.write(&said.replacen('!', &mark, 1))
    }

    /// Listens at the port that the user has chosen; otherwise at port 8080, which the course's programs use, or at another
    /// if 8080 is taken. In the text, `{yours}` is its number, and `{taken}` names the program that holds 8080, if one
    /// does. Fails if the chosen port, or every port, is taken.
    pub(crate) fn courses_port(&mut self) -> io::Result<TcpListener> {
        if let Some(port) = self.run.choices.port {
            self.set("yours", port);
            self.set("taken", "");
            return listen_at(port);
        }
        let usual = SocketAddr::from((Ipv4Addr::LOCALHOST, 8080));
        let door = TcpListener::bind(usual);
        let is_free = door.is_ok();
        let door = door.or_else(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let port = door.local_addr()?.port();
        self.set("yours", port);
        let by = holder(usual).map_or_else(|| "?".to_owned(), |by| by.to_string());
        let taken = tr!(
            self.lang(),
            " (Number 8080 is taken by {by}, so it is {port} this time.)",
            "（8080 号被 {by} 占用，所以这次用 {port} 号。）",
        );
        self.set("taken", if is_free { "" } else { &taken });
        Ok(door)
    }

    /// Shows the requests that come to `site`, until the user presses Enter, and returns their heads; without a user, it
    /// doesn't wait. Fails when the user quits.
    pub(crate) fn requests_until_enter(&mut self, site: &mut Site) -> Result<Vec<String>, Exit> {
        let mut heads = Vec::new();
        if !self.is_interactive() {
            return Ok(heads);
        }
        let prompt = words::REQUESTS.pick(self.lang());
        let prompt = board::painted(self.palette().dim, &format!("[{prompt}]"));
        // Enter that was pressed before the prompt was shown doesn't end the step.
        self.run.discard_input();
        self.write(&format!("{prompt}\n"))?;
        loop {
            match self.run.wait(site.bell(), Duration::from_secs(60))? {
                Input::Line(line) if line.trim() == "q" => return Err(Exit::Left),
                Input::Line(_) | Input::End => return Ok(heads),
                Input::Timeout => {}
                Input::Other => {
                    for head in site.heads() {
                        let line = head.lines().next().unwrap_or_default();
                        self.write(&format!("  │ {}\n", inert(line)))?;
                        heads.push(head);
                    }
                }
            }
        }
    }

    /// A line that the user types as an answer, or `default` if the line is empty or there is no user.
    /// Fails when the user quits.
    pub(crate) fn answer_by_hand(&mut self, default: &str) -> Result<String, Exit> {
        let line = self.answer(&words::ANSWER_BY_HAND)?;
        let line = Some(line).filter(|line| !line.is_empty());
        Ok(line.unwrap_or_else(|| default.to_owned()))
    }

    /// Waits until the user confirms that their own server is started. Returns false when the user skips this.
    /// Fails when the user quits.
    pub(crate) fn is_started(&mut self) -> Result<bool, Exit> {
        Ok(self.answer(&words::STARTED)? != "s")
    }

    /// Shows a remark between prompts, if there is a user. Fails when it can't be written.
    pub(crate) fn remark(&mut self, text: &str) -> Result<(), Exit> {
        if self.is_interactive() {
            self.write(&format!("{}\n", board::painted(self.palette().dim, text)))?;
        }
        Ok(())
    }

    pub(crate) fn is_interactive(&self) -> bool {
        self.run.is_interactive()
    }

    pub(crate) fn lang(&self) -> Lang {
        self.run.lang
    }

    /// Starts `portlab serve` with `options`, in a process of its own, which ends when the value is dropped.
    /// Fails when the server doesn't start.
    pub(crate) fn server(&self, options: &[&str]) -> Result<Server, ServerError> {
        Server::start(&self.run.program, options)
    }

    /// Runs `portlab` with `arguments`, as a student does. The program ends when it is dropped.
    /// Fails when it can't be started.
    pub(crate) fn portlab(&self, arguments: &[&str]) -> io::Result<Student> {
        Student::start(Command::new(&self.run.program).args(arguments))
    }

    /// This machine's Python, if it has one.
    pub(crate) fn python(&mut self) -> Option<&Python> {
        self.python.get_or_insert_with(Python::find).as_ref()
    }

    /// Runs the program `file` of the lesson's folder in Python, as a student would; `None` when this machine has no
    /// Python. The program ends when it is dropped. Fails when it can't be started. Panics when the lesson has no such file.
    pub(crate) fn student(
        &mut self,
        file: &str,
        arguments: &[&str],
    ) -> io::Result<Option<Student>> {
        let found = self.files.iter().find(|(name, _)| *name == file);
        let (_, text) = found.expect("a lesson names the files of its own folder");
        let python = self.python();
        python
            .map(|python| Student::python(python, text, arguments))
            .transpose()
    }

    /// As [`Stage::student`], from the file in [`Stage::folder`]; `None` without a folder.
    pub(crate) fn student_in(
        &mut self,
        folder: Option<&Folder>,
        file: &str,
        arguments: &[&str],
    ) -> io::Result<Option<Student>> {
        let python = self.python().zip(folder);
        python
            .map(|(python, folder)| Student::python_in(folder, python, file, arguments))
            .transpose()
    }

    /// A folder with the lesson's files, as `--save` writes them; `None` when this machine has no Python.
    /// Fails when they can't be written.
    pub(crate) fn folder(&mut self) -> io::Result<Option<Folder>> {
        let files = self.files.iter().copied();
        let files: Vec<_> = files.filter(|(name, _)| !name.ends_with(".rs")).collect();
        let python = self.python();
        python.map(|it| Folder::with(it, files)).transpose()
    }
}
