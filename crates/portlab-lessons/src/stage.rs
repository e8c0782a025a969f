//! What a lesson's function does: begin a step, tell what was seen, end it.
//!
//! ```text
//! let mut step = stage.step("second")?;       // says what is about to be done, and asks
//! let second = TcpListener::bind(door);       // does it
//! step.set("error", second.unwrap_err());     // {error} in the text
//! step.seen("refused", ...);                  // a claim, true or not
//! step.end()?;                                // shows what was seen, and says why
//! ```

use std::{
    collections::HashMap,
    fmt,
    io::{self, Write},
    time::Duration,
};

use portlab_lab::{Server, ServerError, python::Python};
use portlab_report::Lang;
use unicode_width::UnicodeWidthStr;

use crate::{
    board,
    cast::Student,
    hall::{Hall, READING},
    lesson::Lesson,
    script::{Ask, Block, Claim, Script, ScriptError, Step, fill, placeholders},
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
}

impl From<bool> for Seen {
    fn from(seen: bool) -> Self {
        if seen { Self::Yes } else { Self::No }
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
    /// What a text's columns take in time, so that all of them fit into [`READING`].
    per_column: Duration,
    python: Option<Option<Python>>,
}

/// Plays a lesson to its end.
///
/// # Errors
/// When whoever watches leaves, or the machine doesn't let it be played.
pub fn play(lesson: &Lesson, hall: &mut Hall) -> Result<Report, Exit> {
    let script = lesson.script(hall.lang)?;
    let columns = lesson.text(hall.lang).width().max(1);
    let pauses = u32::try_from(columns).unwrap_or(u32::MAX);
    let mut stage = Stage {
        lesson,
        script,
        hall,
        values: HashMap::new(),
        report: Report::default(),
        played: 0,
        per_column: (READING / pauses).min(COMFORTABLE),
        python: None,
    };
    stage.open()?;
    (lesson.play)(&mut stage)?;
    stage.close()?;
    Ok(stage.report)
}

/// How long a column takes to be read when there is time.
const COMFORTABLE: Duration = Duration::from_millis(25);

impl<'a> Stage<'a> {
    /// Begins the step `key`: says what is about to be done, and asks what will happen.
    ///
    /// # Errors
    /// When it isn't the next step of the text, or whoever watches leaves.
    pub fn step(&mut self, key: &str) -> Result<Act<'_, 'a>, Exit> {
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
            None => {
                self.wait(words::DO_IT.in_(self.lang()))?;
                None
            }
        };
        Ok(Act {
            stage: self,
            step,
            guess,
            claims: Vec::new(),
        })
    }

    /// Gives `{name}` in the text its value, from now on.
    pub fn set(&mut self, name: &str, value: impl fmt::Display) {
        self.values.insert(name.to_owned(), value.to_string());
    }

    /// The hall, for a lesson that asks for more than Enter.
    pub fn hall(&mut self) -> &mut Hall {
        self.hall
    }

    /// Whether somebody is there who answers.
    #[must_use]
    pub fn is_manned(&self) -> bool {
        self.hall.is_manned()
    }

    /// The language.
    #[must_use]
    pub fn lang(&self) -> Lang {
        self.hall.lang
    }

    /// A server of ours, in a process of its own: `options` are those of `portlab serve`. It ends when
    /// it is dropped.
    ///
    /// # Errors
    /// When it doesn't start.
    pub fn server(&self, options: &[&str]) -> Result<Server, ServerError> {
        Server::start(&self.hall.program, options)
    }

    /// This machine's Python, if it has one.
    pub fn python(&mut self) -> Option<&Python> {
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
    pub fn student(&mut self, file: &str, arguments: &[&str]) -> io::Result<Option<Student>> {
        let found = self.lesson.files.iter().find(|(name, _)| *name == file);
        let (_, text) = found.expect("a lesson names the files of its own folder");
        let python = self.python().cloned();
        python
            .map(|python| Student::start(python.program, text, arguments))
            .transpose()
    }

    fn open(&mut self) -> Result<(), Exit> {
        let columns = self.hall.columns();
        let rule = board::painted(board::DIM, &"━".repeat(columns));
        let title = self.script.title.clone();
        let title = board::painted(board::HEAD, &board::wrapped(&title, columns, "  "));
        self.write(&format!("{rule}\n{title}{rule}\n\n"))?;
        let goal = self.script.goal.clone();
        self.heading(words::GOAL.in_(self.lang()))?;
        self.blocks(&goal)?;
        let story = self.script.story.clone();
        self.write("\n")?;
        self.heading(words::STORY.in_(self.lang()))?;
        self.blocks(&story)?;
        self.wait(words::GO_ON.in_(self.lang()))
    }

    fn close(&mut self) -> Result<(), Exit> {
        if self.played < self.script.steps.len() {
            return Err(Exit::Mismatch {
                step: self.script.steps[self.played].key.clone(),
                what: "was not played".to_owned(),
            });
        }
        let lang = self.lang();
        let columns = self.hall.columns();
        let questions = std::mem::take(&mut self.script.questions);
        if !questions.is_empty() {
            let rule = board::rule(words::THINK.in_(lang), columns);
            self.write(&format!("\n{rule}"))?;
        }
        for question in questions {
            self.write("\n")?;
            self.marked(board::ASK, "?", &question.question)?;
            self.wait(words::ANSWER_IT.in_(lang))?;
            self.blocks(&question.answer)?;
        }
        self.write(&format!("\n{}", self.summary()))?;
        Ok(())
    }

    /// How it has come out, in a line.
    fn summary(&self) -> String {
        let lang = self.lang();
        let Report {
            held,
            not_here,
            failed,
        } = &self.report;
        let mut line = board::painted(board::GOOD, &format!("✓ {}", held.len()));
        if not_here.is_empty() && failed.is_empty() {
            line += &format!("  {}", words::ALL_SEEN.in_(lang));
        }
        if !not_here.is_empty() {
            line += &format!("  ○ {} {}", not_here.len(), words::NOT_HERE.in_(lang));
        }
        if !failed.is_empty() {
            let count = board::painted(board::BAD, &format!("✗ {}", failed.len()));
            line += &format!("  {count} {}", words::FAILED.in_(lang));
        }
        line + "\n"
    }

    fn ask(&mut self, ask: &Ask) -> Result<Option<usize>, Exit> {
        let lang = self.lang();
        self.write("\n")?;
        let heading = board::painted(board::ASK, &format!("? {}", words::GUESS.in_(lang)));
        self.write(&format!("{heading}\n"))?;
        self.blocks(&ask.question)?;
        let columns = self.hall.columns();
        for (number, option) in (1..).zip(&ask.options) {
            let option = self.filled(option)?;
            let lines = board::wrapped(&option, columns, &format!("  {number}  "));
            self.write(&lines)?;
            self.read(&lines);
        }
        let answer = self.answer(words::YOUR_GUESS.in_(lang))?;
        let guess = answer.trim().parse::<usize>().ok();
        Ok(guess
            .filter(|guess| (1..=ask.options.len()).contains(guess))
            .map(|guess| guess - 1))
    }

    /// Waits until whoever watches wants to go on, or the text has been read.
    fn wait(&mut self, prompt: &str) -> Result<(), Exit> {
        self.answer(prompt).map(drop)
    }

    fn answer(&mut self, prompt: &str) -> Result<String, Exit> {
        if !self.hall.is_manned() {
            return Ok(String::new());
        }
        self.write(&format!(
            "{} ",
            board::painted(board::DIM, &format!("[{prompt}]"))
        ))?;
        let line = self.hall.line()?.ok_or(Exit::Left)?;
        match line.trim() {
            "q" | "quit" => Err(Exit::Left),
            "" => {
                // The prompt has done its part: a line up, and erased.
                self.write("\x1b[1A\x1b[2K")?;
                Ok(String::new())
            }
            line => Ok(line.to_owned()),
        }
    }

    fn heading(&mut self, text: &str) -> Result<(), Exit> {
        self.write(&format!("{}\n", board::painted(board::HEAD, text)))
    }

    /// Shows blocks, and pauses for as long as they take to be read.
    fn blocks(&mut self, blocks: &[Block]) -> Result<(), Exit> {
        for (at, block) in blocks.iter().enumerate() {
            let is_item = matches!(block, Block::Item(_));
            if at > 0 && !is_item {
                self.write("\n")?;
            }
            self.block(block)?;
        }
        Ok(())
    }

    fn block(&mut self, block: &Block) -> Result<(), Exit> {
        let columns = self.hall.columns();
        let lines = match block {
            Block::Paragraph(text) => board::wrapped(&self.filled(text)?, columns, ""),
            Block::Item(text) => board::wrapped(&self.filled(text)?, columns, "  - "),
            Block::Lines(text) => {
                board::barred(&self.filled(text)?, anstyle::Style::new(), columns)
            }
            Block::Code {
                language,
                file,
                text,
            } => {
                let caption = caption(language, file.as_deref(), self.lang());
                let caption = board::wrapped(&caption, columns, "  ");
                let caption = board::painted(board::DIM, caption.trim_end());
                format!("{caption}\n{}", board::code(text, columns))
            }
        };
        self.write(&lines)?;
        self.read(&lines);
        Ok(())
    }

    /// The first paragraph behind a mark, the rest as it is.
    fn marked(&mut self, style: anstyle::Style, mark: &str, blocks: &[Block]) -> Result<(), Exit> {
        let Some((Block::Paragraph(first), rest)) = blocks.split_first() else {
            return self.blocks(blocks);
        };
        let columns = self.hall.columns();
        let lines = board::wrapped(&self.filled(first)?, columns, &format!("{mark} "));
        let painted = board::painted(style, mark);
        self.write(&lines.replacen(mark, &painted, 1))?;
        self.read(first);
        self.blocks(rest)
    }

    fn read(&self, text: &str) {
        let columns = u32::try_from(text.width()).unwrap_or(u32::MAX);
        self.hall.pause(self.per_column.saturating_mul(columns));
    }

    fn filled(&self, text: &str) -> Result<String, Exit> {
        let value = |name: &str| self.values.get(name).map(String::as_str);
        let missing = placeholders(text)
            .into_iter()
            .find(|it| value(it).is_none());
        match missing {
            None => Ok(fill(text, value)),
            Some(name) => Err(Exit::Mismatch {
                step: self.current().to_owned(),
                what: format!("{{{name}}} has no value yet"),
            }),
        }
    }

    /// The key of the step that is being played.
    fn current(&self) -> &str {
        let place = self.played.saturating_sub(1);
        self.script.steps.get(place).map_or("", |step| &step.key)
    }

    fn write(&mut self, text: &str) -> Result<(), Exit> {
        self.hall.out.write_all(text.as_bytes())?;
        self.hall.out.flush()?;
        Ok(())
    }
}

/// A step that is being played.
pub struct Act<'s, 'a> {
    stage: &'s mut Stage<'a>,
    step: Step,
    guess: Option<usize>,
    claims: Vec<(String, Seen)>,
}

impl<'s, 'a> Act<'s, 'a> {
    /// Gives `{name}` in the text its value, from now on.
    pub fn set(&mut self, name: &str, value: impl fmt::Display) {
        self.stage.set(name, value);
    }

    /// Tells what became of the claim `key`.
    pub fn seen(&mut self, key: &str, seen: impl Into<Seen>) {
        self.claims.push((key.to_owned(), seen.into()));
    }

    /// The stage.
    pub fn stage(&mut self) -> &mut Stage<'a> {
        self.stage
    }

    /// Ends the step: shows what was seen, answers the question, says why.
    ///
    /// # Errors
    /// When a claim of the text was not told of, or another was; when a value is missing; when
    /// whoever watches leaves.
    pub fn end(self) -> Result<(), Exit> {
        let Self {
            stage,
            step,
            guess,
            claims,
        } = self;
        let mismatch = |what: String| Exit::Mismatch {
            step: step.key.clone(),
            what,
        };
        if let Some((key, _)) = claims
            .iter()
            .find(|(key, _)| !step.claims.iter().any(|claim| claim.key == *key))
        {
            return Err(mismatch(format!("claim {key} is not in the text")));
        }
        let lang = stage.lang();
        stage.write("\n")?;
        stage.heading(words::SEEN.in_(lang))?;
        stage.blocks(&step.seen)?;
        let mut as_told = true;
        for claim in &step.claims {
            let told = claims.iter().find(|(key, _)| *key == claim.key);
            let Some(&(_, seen)) = told else {
                return Err(mismatch(format!("claim {} was not told of", claim.key)));
            };
            as_told &= seen == Seen::Yes;
            stage.claim(claim, seen)?;
        }
        if let Some(ask) = step.ask.as_ref().filter(|_| as_told) {
            stage.resolve(ask, guess)?;
        }
        if !step.why.is_empty() && as_told {
            stage.write("\n")?;
            stage.heading(words::WHY.in_(lang))?;
            stage.blocks(&step.why)?;
        }
        stage.wait(words::GO_ON.in_(lang))
    }
}

impl Stage<'_> {
    fn claim(&mut self, claim: &Claim, seen: Seen) -> Result<(), Exit> {
        let name = format!("{}/{}", self.current(), claim.key);
        let (list, style, mark) = match seen {
            Seen::Yes => (&mut self.report.held, board::GOOD, "✓"),
            Seen::NotHere => (&mut self.report.not_here, board::DIM, "○"),
            Seen::No => (&mut self.report.failed, board::BAD, "✗"),
        };
        list.push(name);
        let text = match (seen, &claim.not_here) {
            (Seen::NotHere, Some(text)) => self.filled(text)?,
            (Seen::NotHere, None) => {
                return Err(Exit::Mismatch {
                    step: self.current().to_owned(),
                    what: format!("claim {0} has no text `{0}?`", claim.key),
                });
            }
            (Seen::Yes, _) => self.filled(&claim.text)?,
            (Seen::No, _) => {
                let text = self.filled(&claim.text)?;
                format!("{text} — {}", words::NOT_SEEN.in_(self.lang()))
            }
        };
        let text = Block::Paragraph(text);
        self.marked(style, mark, &[text])
    }

    /// Tells whoever has guessed whether it was right.
    fn resolve(&mut self, ask: &Ask, guess: Option<usize>) -> Result<(), Exit> {
        let lang = self.lang();
        let verdict = match guess {
            Some(guess) if guess == ask.right => words::RIGHT,
            Some(_) => words::WRONG,
            None => words::OUTCOME,
        };
        let right = format!("{}{}", verdict.in_(lang), ask.options[ask.right]);
        self.write("\n")?;
        self.marked(board::ASK, "→", &[Block::Paragraph(right)])
    }
}

/// What stands above lines of a program.
pub(crate) fn caption(language: &str, file: Option<&str>, lang: Lang) -> String {
    match (language, file) {
        ("python", _) => "Python".to_owned(),
        ("rust", Some(file)) if file.starts_with("models/") => {
            format!(
                "{}: crates/portlab-backends/src/{file}",
                words::OF_OUR_MODEL.in_(lang)
            )
        }
        ("rust", _) => words::OF_THIS_LESSON.in_(lang).to_owned(),
        ("sh", _) => "$".to_owned(),
        (language, _) => language.to_owned(),
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
