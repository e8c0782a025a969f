//! How a lesson is shown: its opening, blocks of text, questions, prompts, its end.

use anstyle::Style;
use portlab_words::{Lang, Text};

use super::{Exit, Stage};
use crate::{
    board::{self, Palette},
    run::{ERASE, Pace},
    script::{Ask, Block, fill, placeholders},
    words,
};

impl Stage<'_> {
    pub(super) fn open(&mut self) -> Result<(), Exit> {
        let before = self.run.choices.first_step;
        let columns = self.run.columns();
        let Palette { head, dim, .. } = self.palette();
        let rule = board::painted(*dim, &"━".repeat(columns));
        let title = self.script.title.clone();
        let title = board::wrapped(&title, columns, "  ");
        let title = board::painted(*head, &title);
        self.write(&format!("{rule}\n{title}{rule}\n\n"))?;
        if before > 0 {
            let said = words::set_up(self.lang(), before);
            self.write(&board::dimmed(&said, columns, "", *dim))?;
            self.silenced = Some(self.run.pace);
            self.run.pace = Pace::Straight;
            return Ok(());
        }
        if self.script.steps.iter().any(|step| step.ask.is_some()) {
            let seed = words::seed(self.lang(), self.run.seed);
            let seed = board::dimmed(&seed, columns, "", *dim);
            self.write(&format!("{seed}\n"))?;
        }
        let goal = self.script.goal.clone();
        self.heading(words::GOAL.pick(self.lang()))?;
        self.blocks(&goal)?;
        let story = self.script.story.clone();
        self.write("\n")?;
        self.heading(words::STORY.pick(self.lang()))?;
        self.blocks(&story)?;
        self.wait(&words::GO_ON)
    }

    pub(super) fn close(&mut self) -> Result<(), Exit> {
        if let Some(step) = self.script.steps.get(self.played) {
            return Err(Exit::mismatch(&step.key, "was not played"));
        }
        let lang = self.lang();
        let columns = self.run.columns();
        let questions = std::mem::take(&mut self.script.questions);
        if !questions.is_empty() {
            let rule = board::rule(words::THINK.pick(lang), columns, self.palette());
            self.write(&format!("\n{rule}"))?;
        }
        for question in questions {
            self.write("\n")?;
            self.marked(self.palette().ask, "?", &question.question)?;
            self.wait(&words::ANSWER_IT)?;
            self.blocks(&question.answer)?;
        }
        self.write(&format!("\n{}", self.summary()))?;
        Ok(())
    }

    /// The numbers of claims that held, were not seen and failed, in a line.
    fn summary(&self) -> String {
        let lang = self.lang();
        let [held, not_here, failed] = [
            &self.report.held,
            &self.report.not_here,
            &self.report.failed,
        ]
        .map(Vec::len);
        let mut line = board::painted(self.palette().good, &format!("✓ {held}"));
        let is_all = not_here + failed == 0;
        let seen = match is_all {
            true => &words::ALL_SEEN,
            false => &words::SEEN_HERE,
        };
        line += &format!(" {}", seen.pick(lang));
        if not_here > 0 {
            line += &format!("  ○ {not_here} {}", words::NOT_HERE.pick(lang));
        }
        if failed > 0 {
            let count = board::painted(self.palette().bad, &format!("✗ {failed}"));
            line += &format!("  {count} {}", words::FAILED.pick(lang));
        }
        line + "\n"
    }

    pub(super) fn ask(&mut self, ask: &Ask) -> Result<Option<usize>, Exit> {
        let lang = self.lang();
        self.write("\n")?;
        let heading = format!("? {}", words::GUESS.pick(lang));
        let heading = board::painted(self.palette().ask, &heading);
        self.write(&format!("{heading}\n"))?;
        self.blocks(&ask.question)?;
        let columns = self.run.columns();
        for (number, option) in (1..).zip(&ask.options) {
            let option = self.prose(option)?;
            let lines = board::wrapped(&option, columns, &format!("  {number}  "));
            self.write(&lines)?;
            self.read(&lines);
        }
        loop {
            let answer = self.answer(&words::YOUR_GUESS)?;
            if answer.is_empty() {
                return Ok(None);
            }
            let guess = answer.parse().ok();
            let guess = guess.filter(|guess| (1..=ask.options.len()).contains(guess));
            match guess {
                Some(guess) => return Ok(Some(guess - 1)),
                None => self.remark(words::AGAIN.pick(lang))?,
            }
        }
    }

    pub(super) fn wait(&mut self, prompt: &Text) -> Result<(), Exit> {
        self.answer(prompt).map(drop)
    }

    /// Pauses within a step: until Enter, or for a share of the time for reading.
    pub(super) fn stop(&mut self, prompt: &Text) -> Result<(), Exit> {
        let pause = self.reading.stop();
        self.run.pause(pause);
        self.wait(prompt)
    }

    pub(super) fn prompt(&mut self, prompt: &Text) -> Result<(), Exit> {
        self.run.discard_input();
        let prompt = format!("[{}]", prompt.pick(self.lang()));
        let prompt = board::painted(self.palette().dim, &prompt);
        self.emit(&format!("{prompt} "))
    }

    pub(super) fn answer(&mut self, prompt: &Text) -> Result<String, Exit> {
        if !self.run.is_interactive() {
            return Ok(String::new());
        }
        self.prompt(prompt)?;
        match self.run.line()? {
            Some(line) => self.typed(&line),
            None => {
                // Ctrl-D leaves the cursor behind the prompt.
                self.leave_prompt()?;
                Err(Exit::Left)
            }
        }
    }

    pub(super) fn typed(&mut self, line: &str) -> Result<String, Exit> {
        match line.trim() {
            "q" | "Q" | "quit" => Err(Exit::Left),
            "" => {
                // Erases the prompt, which is on the line above.
                self.emit(ERASE)?;
                self.screen_was_read(false);
                Ok(String::new())
            }
            line => {
                self.screen_was_read(true);
                Ok(line.to_owned())
            }
        }
    }

    /// Shows blocks, with pauses for reading them.
    pub(super) fn blocks(&mut self, blocks: &[Block]) -> Result<(), Exit> {
        for (at, block) in blocks.iter().enumerate() {
            let is_item = matches!(block, Block::Item(_));
            if at > 0 && !is_item {
                self.write("\n")?;
            }
            self.block(block)?;
        }
        Ok(())
    }

    pub(super) fn block(&mut self, block: &Block) -> Result<(), Exit> {
        let (columns, palette) = (self.run.columns(), self.palette());
        let lines = match block {
            Block::Paragraph(text) => board::wrapped(&self.prose(text)?, columns, ""),
            Block::Item(text) => board::wrapped(&self.prose(text)?, columns, "  - "),
            Block::Picture { text, .. } => {
                let said = words::picture(self.lang(), text);
                board::dimmed(&said, columns, "", palette.dim)
            }
            Block::Lines(text) => {
                board::barred(&self.filled(text)?, Style::new(), columns, palette)
            }
            Block::Code {
                language,
                file,
                is_whole,
                text,
            } => {
                let caption = caption(language, file.as_deref(), *is_whole, self.lang());
                let caption = board::dimmed(&caption, columns, "  ", palette.dim);
                caption + &board::barred(text, palette.code, columns, palette)
            }
        };
        self.write(&lines)?;
        self.read(&lines);
        Ok(())
    }

    /// Shows the first paragraph behind a mark, and the rest without one.
    pub(super) fn marked(
        &mut self,
        style: Style,
        mark: &str,
        blocks: &[Block],
    ) -> Result<(), Exit> {
        let Some((Block::Paragraph(first), rest)) = blocks.split_first() else {
            return self.blocks(blocks);
        };
        let columns = self.run.columns();
        let lines = board::wrapped(&self.prose(first)?, columns, &format!("{mark} "));
        let painted = board::painted(style, mark);
        self.write(&lines.replacen(mark, &painted, 1))?;
        self.read(first);
        self.blocks(rest)
    }

    /// Pauses for reading `text`.
    pub(super) fn read(&mut self, text: &str) {
        let pause = self.reading.pause(text);
        self.run.pause(pause);
    }

    /// `text` with its styles and its values. Marks within a value are shown as they are.
    pub(super) fn prose(&self, text: &str) -> Result<String, Exit> {
        self.filled(&board::styled(text, self.palette()))
    }

    pub(super) fn filled(&self, text: &str) -> Result<String, Exit> {
        let value = |name: &str| self.values.get(name).map(String::as_str);
        let mut names = placeholders(text).into_iter();
        match names.find(|it| value(it).is_none()) {
            None => Ok(fill(text, value)),
            Some(name) => {
                let what = format!("{{{name}}} has no value yet");
                Err(Exit::mismatch(self.current(), what))
            }
        }
    }

    /// The key of the step that is being played.
    pub(super) fn current(&self) -> &str {
        let place = self.played.saturating_sub(1);
        self.script.steps.get(place).map_or("", |step| &step.key)
    }
}

/// The caption above lines of a program.
pub fn caption(language: &str, file: Option<&str>, is_whole: bool, lang: Lang) -> String {
    match (language, file) {
        ("python", _) if is_whole => words::WHOLE_PYTHON.pick(lang).to_owned(),
        ("python", _) => "Python".to_owned(),
        ("rust", Some(file)) if file.starts_with("textbook/") => {
            let stem = file.trim_start_matches("textbook/");
            let model = stem.trim_end_matches(".rs").replace('_', "-");
            words::by_the_book(lang, file, &model)
        }
        ("rust", Some(file)) if file.contains('/') => {
            format!("{} {file}", words::OF_OUR_MODEL.pick(lang))
        }
        ("rust", _) => words::OF_THIS_LESSON.pick(lang).to_owned(),
        ("sh", _) => "$".to_owned(),
        (language, _) => language.to_owned(),
    }
}
