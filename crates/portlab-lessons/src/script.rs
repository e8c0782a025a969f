//! A lesson's text: one Markdown file per language, the source of both the terminal's text and the page.
//!
//! ````text
//! # The lesson's title
//!
//! ## goal
//! What students can do afterwards.
//!
//! ## story
//! A comparison.
//!
//! ## step KEY: The step's title
//! What is about to be done. `{name}` stands for a value that the lesson's function sets.
//!
//! ```python student.py: while True
//! ```
//! (An empty block shows lines of a file of the lesson's folder, or of `models/`, `textbook/` and `drivers/`: from the
//! first line that contains the text after the colon to the end of its block; without a colon, the whole file. Any other
//! block is shown as it is; in a block without a language, `{name}` stands for its value.)
//!
//! ### ask KEY
//! What will happen? (KEY is the claim that answers it; without it, the first. The answers are shuffled before
//! they are shown, so no text may refer to them by their place.)
//! - One thing
//! - [x] The other, which does
//!
//! ### seen
//! Text and blocks, as the kernel saw it.
//! - KEY: A claim, which the lesson's function checks.
//! - KEY?: The text that is shown instead on a machine that can't show the claim.
//!
//! ### why
//! The explanation. (Before it, the terminal waits for Enter once more.)
//!
//! ## question
//! Something to think about.
//!
//! ### answer
//! The answer.
//! ````
//!
//! Paragraphs know `code` and **bold**; a list item begins with `- `. A paragraph `![What it shows](FILE)` is a picture of
//! `docs/images/`, which only the page shows.

use crate::{excerpt::excerpt, run::Code};

/// A parsed text.
#[derive(Clone, Debug, Default)]
pub struct Script {
    /// The title.
    pub title: String,
    /// What students can do afterwards.
    pub goal: Vec<Block>,
    /// A comparison.
    pub story: Vec<Block>,
    /// What is done, in order.
    pub steps: Vec<Step>,
    /// What to think about afterwards.
    pub questions: Vec<Question>,
}

/// A step: announced, done and explained.
#[derive(Clone, Debug, Default)]
pub struct Step {
    /// The name by which the lesson's function begins it.
    pub key: String,
    /// Its title.
    pub title: String,
    /// The text that is shown before it is done.
    pub say: Vec<Block>,
    /// The question that is asked before the outcome is shown.
    pub ask: Option<Ask>,
    /// What is shown of the outcome.
    pub seen: Vec<Block>,
    /// The claims about the outcome.
    pub claims: Vec<Claim>,
    /// The explanation.
    pub why: Vec<Block>,
}

/// A question with answers to choose from.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    /// The question.
    pub question: Vec<Block>,
    /// The answers.
    pub options: Vec<String>,
    /// The index of the right one.
    pub right: usize,
    /// The key of the claim that answers the question; the first claim's, if none is named.
    pub about: Option<String>,
}

/// A statement about the outcome, which the lesson's function checks.
#[derive(Clone, Debug, Default)]
pub struct Claim {
    /// The name by which the lesson's function records the outcome.
    pub key: String,
    /// The text that is shown if the claim was seen.
    pub text: String,
    /// The text that is shown on a machine that can't show the claim.
    pub not_here: Option<String>,
}

/// Something to think about.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// The question.
    pub question: Vec<Block>,
    /// The answer.
    pub answer: Vec<Block>,
}

/// A block of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// Prose, on one line.
    Paragraph(String),
    /// An item of a list.
    Item(String),
    /// Lines that are shown unchanged, such as the kernel's tables.
    Lines(String),
    /// A picture, which only the page shows.
    Picture {
        /// What it shows, in words.
        text: String,
        /// The name of its file in `docs/images/`.
        file: String,
    },
    /// Lines of a program.
    Code {
        /// The language: `python`, `rust`, `sh`.
        language: String,
        /// The file that contains the lines, if they are from a file.
        file: Option<String>,
        /// Whether the lines are a whole program that can be copied and run.
        is_whole: bool,
        /// The lines.
        text: String,
    },
}

/// Why a text can't be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct ScriptError {
    line: usize,
    what: String,
}

/// The most lines of a program that are shown at once, so that a class can read them.
const FEW: usize = 16;

impl Script {
    /// Reads a text. It may show lines of `files`, and of the models.
    ///
    /// # Errors
    /// When the text breaks the format.
    pub fn parse(text: &str, files: &[(&str, &str)]) -> Result<Self, ScriptError> {
        let mut sections: Vec<(usize, &str, Vec<Block>)> = Vec::new();
        let mut lines = (1..).zip(text.lines()).peekable();
        while let Some((line, text)) = lines.next() {
            let fail = |what: String| ScriptError { line, what };
            if text.trim().is_empty() {
                continue;
            }
            if text.starts_with('#') {
                sections.push((line, text, Vec::new()));
                continue;
            }
            let block = if let Some(info) = text.strip_prefix("```") {
                let body = lines.by_ref().map(|(_, line)| line);
                let body: Vec<_> = body.take_while(|line| *line != "```").collect();
                fenced(info.trim(), &body.join("\n"), files).map_err(fail)?
            } else {
                // A paragraph or an item goes on until something else begins.
                let mut whole = text.trim().to_owned();
                while let Some((_, more)) = lines.next_if(|(_, next)| goes_on(next)) {
                    join(&mut whole, more.trim());
                }
                match (whole.strip_prefix("- "), picture(&whole)) {
                    (Some(item), _) => Block::Item(item.to_owned()),
                    (_, Some(picture)) => picture,
                    _ => Block::Paragraph(whole),
                }
            };
            let (_, _, blocks) = sections
                .last_mut()
                .ok_or_else(|| fail("text before the first heading".to_owned()))?;
            blocks.push(block);
        }
        let mut script = Self::default();
        for (line, heading, blocks) in sections {
            let added = script.add(heading, blocks);
            added.map_err(|what| ScriptError { line, what })?;
        }
        script.complete()
    }

    /// The step `key`, and its place among all steps, from 0.
    pub fn step(&self, key: &str) -> Option<(usize, &Step)> {
        let mut steps = self.steps.iter().enumerate();
        steps.find(|(_, step)| step.key == key)
    }

    /// The text with the programs of one language only, in each part that shows programs of both.
    #[must_use]
    pub fn with_code(mut self, code: Code) -> Self {
        let [wanted, other] = match code {
            Code::Both => return self,
            Code::Python => ["python", "rust"],
            Code::Rust => ["rust", "python"],
        };
        let is_in = |block: &Block, of: &str| matches!(block, Block::Code { language, .. } if language == of);
        let keep = |parts: &mut [&mut Vec<Block>]| {
            let mut blocks = parts.iter().flat_map(|part| part.iter());
            if blocks.any(|block| is_in(block, wanted)) {
                for part in parts {
                    part.retain(|block| !is_in(block, other));
                }
            }
        };
        for step in &mut self.steps {
            let mut parts = vec![&mut step.say, &mut step.seen, &mut step.why];
            parts.extend(step.ask.as_mut().map(|ask| &mut ask.question));
            keep(&mut parts);
        }
        for it in &mut self.questions {
            keep(&mut [&mut it.question, &mut it.answer]);
        }
        self
    }

    /// The place, from 0, of the step that is called `name`: its number, from 1, or its key.
    pub fn place_of(&self, name: &str) -> Option<usize> {
        match name.parse::<usize>() {
            Ok(number) => number.checked_sub(1).filter(|at| *at < self.steps.len()),
            Err(_) => self.step(name).map(|(at, _)| at),
        }
    }

    /// All blocks, in no particular order.
    pub fn blocks(&self) -> impl Iterator<Item = &Block> {
        let steps = self.steps.iter().flat_map(|step| {
            let asked = step.ask.iter().flat_map(|ask| &ask.question);
            let told = [&step.say, &step.seen, &step.why];
            told.into_iter().flatten().chain(asked)
        });
        let questions = self.questions.iter();
        let questions = questions.flat_map(|it| it.question.iter().chain(&it.answer));
        let opening = self.goal.iter().chain(&self.story);
        opening.chain(steps).chain(questions)
    }

    /// Everything that is shown, in no particular order.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        let lines = self.steps.iter().flat_map(|step| {
            let options = step.ask.iter().flat_map(|ask| &ask.options);
            let claims = step.claims.iter().map(|claim| &claim.text);
            options.chain(claims).map(String::as_str)
        });
        self.blocks().map(Block::text).chain(lines)
    }

    /// Adds the blocks under a heading.
    fn add(&mut self, heading: &str, blocks: Vec<Block>) -> Result<(), String> {
        let title = heading.strip_prefix("# ").filter(|_| blocks.is_empty());
        let step = heading.strip_prefix("## step ");
        if let Some(title) = title {
            self.title = title.to_owned();
        } else if let Some((key, title)) = step.and_then(|it| it.split_once(": ")) {
            if self.step(key).is_some() {
                return Err(format!("step {key} is defined twice"));
            }
            self.steps.push(Step {
                key: key.to_owned(),
                title: title.to_owned(),
                say: blocks,
                ..Step::default()
            });
        } else {
            match (heading, self.questions.last_mut(), self.steps.last_mut()) {
                ("## goal", ..) => self.goal.extend(blocks),
                ("## story", ..) => self.story.extend(blocks),
                ("## question", ..) => self.questions.push(Question {
                    question: blocks,
                    answer: Vec::new(),
                }),
                ("### answer", Some(question), _) => question.answer.extend(blocks),
                (_, None, Some(step)) if heading.starts_with("### ") => {
                    step.add(heading, blocks)?;
                }
                _ => {
                    return Err(format!(
                        "unexpected heading `{heading}`: expected goal, story, `step KEY: TITLE` or question"
                    ));
                }
            }
        }
        Ok(())
    }

    /// Checks that no part is missing.
    fn complete(self) -> Result<Self, ScriptError> {
        let fail = |what: String| Err(ScriptError { line: 0, what });
        if self.title.is_empty() || self.goal.is_empty() || self.story.is_empty() {
            return fail("title, goal or story is missing".to_owned());
        }
        if self.questions.iter().any(|it| it.answer.is_empty()) {
            return fail("a question has no answer".to_owned());
        }
        for step in &self.steps {
            if step.claims.is_empty() {
                return fail(format!("step {} has no claims", step.key));
            }
            let asks = step.ask.as_ref();
            if asks.is_some_and(|ask| ask.options.len() <= ask.right) {
                return fail(format!("no answer of step {} is marked [x]", step.key));
            }
            let about = asks.and_then(|ask| ask.about.as_ref());
            if let Some(key) = about.filter(|key| !step.claims.iter().any(|it| it.key == **key)) {
                return fail(format!(
                    "step {} asks about claim {key}, which it lacks",
                    step.key
                ));
            }
        }
        Ok(self)
    }
}

impl Ask {
    fn of(about: Option<&str>, blocks: Vec<Block>) -> Self {
        let mut ask = Self {
            right: usize::MAX,
            about: about.map(str::to_owned),
            ..Self::default()
        };
        for block in blocks {
            match block {
                Block::Item(item) => {
                    let right = item.strip_prefix("[x] ");
                    if right.is_some() {
                        ask.right = ask.options.len();
                    }
                    ask.options.push(right.unwrap_or(&item).to_owned());
                }
                block => ask.question.push(block),
            }
        }
        ask
    }
}

impl Block {
    /// The block's text.
    pub fn text(&self) -> &str {
        match self {
            Self::Paragraph(text) | Self::Item(text) | Self::Lines(text) => text,
            Self::Code { text, .. } | Self::Picture { text, .. } => text,
        }
    }

    /// The text of a program in Python.
    pub fn python(&self) -> Option<&str> {
        match self {
            Self::Code { language, text, .. } if language == "python" => Some(text),
            _ => None,
        }
    }
}

impl Step {
    /// Adds the blocks under a heading of the step.
    fn add(&mut self, heading: &str, blocks: Vec<Block>) -> Result<(), String> {
        match heading.trim_start_matches("### ").split_once(' ') {
            Some(("ask", key)) => self.ask = Some(Ask::of(Some(key), blocks)),
            None if heading == "### ask" => self.ask = Some(Ask::of(None, blocks)),
            None if heading == "### why" => self.why.extend(blocks),
            None if heading == "### seen" => {
                let mut blocks = blocks.into_iter();
                return blocks.try_for_each(|block| self.claim_or_show(block));
            }
            _ => {
                return Err(format!(
                    "unexpected heading `{heading}`: expected seen, ask or why"
                ));
            }
        }
        Ok(())
    }

    fn claim_or_show(&mut self, block: Block) -> Result<(), String> {
        let Block::Item(item) = block else {
            self.seen.push(block);
            return Ok(());
        };
        let (key, text) = item
            .split_once(": ")
            .ok_or(format!("invalid claim `- {item}`: expected `- KEY: TEXT`"))?;
        let text = text.to_owned();
        match key.strip_suffix('?') {
            None => self.claims.push(Claim {
                key: key.to_owned(),
                text,
                not_here: None,
            }),
            Some(key) => {
                let claim = self.claims.iter_mut().find(|claim| claim.key == key);
                claim
                    .ok_or(format!("{key}? follows no claim {key}"))?
                    .not_here = Some(text);
            }
        }
        Ok(())
    }
}

/// The picture that `![What it shows](FILE)` stands for.
fn picture(text: &str) -> Option<Block> {
    let inside = text.strip_prefix("![")?.strip_suffix(')')?;
    let (text, file) = inside.split_once("](")?;
    let [text, file] = [text, file].map(str::to_owned);
    Some(Block::Picture { text, file })
}

fn goes_on(line: &str) -> bool {
    let begins = ["#", "- ", "```"];
    !line.trim().is_empty() && !begins.iter().any(|mark| line.starts_with(mark))
}

/// Joins two lines of a paragraph: with a space, unless both sides are Chinese, or one side is a Chinese mark. **Bold**
/// marks don't count.
fn join(text: &mut String, more: &str) {
    let before = text.trim_end_matches('*').chars().last();
    let after = more.trim_start_matches('*').chars().next();
    let is_wide = |it: Option<char>| it.is_some_and(|it| it as u32 >= 0x2e80);
    let is_mark = |it: Option<char>| it.is_some_and(|it| "。，：；？！、（）“”".contains(it));
    let is_apart = !(is_wide(before) && is_wide(after));
    if is_apart && !is_mark(before) && !is_mark(after) {
        text.push(' ');
    }
    text.push_str(more);
}

fn fenced(info: &str, body: &str, files: &[(&str, &str)]) -> Result<Block, String> {
    let (language, from) = info.split_once(' ').unwrap_or((info, ""));
    if language.is_empty() || language == "text" {
        return Ok(Block::Lines(body.to_owned()));
    }
    let (file, needle) = from.split_once(": ").unwrap_or((from, ""));
    let text = match (file, body) {
        ("", body) => body.to_owned(),
        (file, "") => shown(file, needle, files)?,
        (file, _) => return Err(format!("a block that shows {file} must be empty")),
    };
    let lines = text.lines().count();
    if lines > FEW {
        return Err(format!("{lines} lines of code are more than {FEW}"));
    }
    Ok(Block::Code {
        language: language.to_owned(),
        file: (!file.is_empty()).then(|| file.to_owned()),
        is_whole: !file.is_empty() && needle.is_empty() || text.starts_with("import "),
        text,
    })
}

fn shown(file: &str, needle: &str, files: &[(&str, &str)]) -> Result<String, String> {
    let mut all = files.iter().chain(portlab_backends::SOURCES);
    let found = all.find(|(listed, _)| *listed == file);
    let (_, text) = found.ok_or(format!(
        "unknown file {file}: expected a file of the lesson or of the models"
    ))?;
    match needle {
        "" => Ok(text.trim_end().to_owned()),
        needle => excerpt(text, needle).ok_or(format!("no line of {file} contains `{needle}`")),
    }
}

/// How words of a paragraph are marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Not at all.
    Plain,
    /// As `code`.
    Code,
    /// As **bold** words.
    Strong,
}

/// `text` in pieces, each with its mark. Pieces may be empty.
pub fn pieces(text: &str) -> impl Iterator<Item = (Mark, &str)> {
    text.split('`').enumerate().flat_map(|(at, piece)| {
        let is_code = at % 2 == 1;
        let words = piece.split("**").enumerate();
        let words = words
            .filter(move |_| !is_code)
            .map(|(at, words)| match at % 2 {
                0 => (Mark::Plain, words),
                _ => (Mark::Strong, words),
            });
        is_code
            .then_some((Mark::Code, piece))
            .into_iter()
            .chain(words)
    })
}

/// The names that stand in curly brackets in `text`.
pub fn placeholders(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('{') {
        rest = after;
        if let Some((name, _)) = after.split_once('}')
            && is_name(name)
        {
            names.push(name);
        }
    }
    names
}

fn is_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    !text.is_empty() && text.bytes().all(fits)
}

/// `text` with each `{name}` replaced by its `value`; an unknown name stays. Names within a value are not replaced.
pub fn fill<'a>(text: &str, value: impl Fn(&str) -> Option<&'a str>) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled += before;
        let known = after.split_once('}').and_then(|(name, behind)| {
            let value = is_name(name).then(|| value(name)).flatten()?;
            Some((value, behind))
        });
        (rest, filled) = match known {
            Some((value, behind)) => (behind, filled + value),
            None => (after, filled + "{"),
        };
    }
    filled + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_divide_a_text() {
        let found: Vec<_> = pieces("a `b ** c` **d**").collect();
        assert_eq!(
            found,
            [
                (Mark::Plain, "a "),
                (Mark::Code, "b ** c"),
                (Mark::Plain, " "),
                (Mark::Strong, "d"),
                (Mark::Plain, "")
            ]
        );
    }

    const TEXT: &str = "# T\n\n## goal\nA\nb.\n\n## story\n\n你\n好\n\n## step one: First\n\nSay.\n\n\
        ```python a.py: while\n```\n\n### ask\nWhat?\n- no\n- [x] yes\n\n### seen\n\n```\n{x}\n```\n\n\
        - came: It {x}.\n- came?: Not here.\n\n### why\nSo.\n\n## question\nQ\n### answer\nR\n";
    const FILES: &[(&str, &str)] = &[("a.py", "while True:\n    pass\nend()\n")];

    #[test]
    fn a_text_is_read_into_its_parts() {
        let script = Script::parse(TEXT, FILES).unwrap();
        assert_eq!(script.title, "T");
        assert_eq!(script.goal, [Block::Paragraph("A b.".into())]);
        assert_eq!(script.story, [Block::Paragraph("你好".into())]);
        let (at, step) = script.step("one").unwrap();
        assert_eq!((at, step.title.as_str()), (0, "First"));
        let Block::Code { text, .. } = &step.say[1] else {
            panic!("{:?}", step.say);
        };
        assert_eq!(text, "while True:\n    pass");
        let ask = step.ask.as_ref().unwrap();
        assert_eq!((ask.options.len(), ask.right), (2, 1));
        assert_eq!(step.seen, [Block::Lines("{x}".into())]);
        assert_eq!(step.claims[0].not_here.as_deref(), Some("Not here."));
        assert_eq!(script.questions.len(), 1);
        let texts: Vec<_> = script.texts().collect();
        for text in [
            "A b.", "你好", "Say.", "What?", "yes", "{x}", "It {x}.", "So.", "Q", "R",
        ] {
            assert!(texts.contains(&text), "{text} is not in {texts:?}");
        }
    }

    #[test]
    fn a_picture_is_a_paragraph_of_its_own() {
        let text = TEXT.replacen("Say.", "Say.\n\n![A\nchart](a.svg)", 1);
        let script = Script::parse(&text, FILES).unwrap();
        let (text, file) = ("A chart".to_owned(), "a.svg".to_owned());
        assert_eq!(script.steps[0].say[1], Block::Picture { text, file });
    }

    #[test]
    fn a_text_with_a_mistake_is_refused_with_its_line() {
        let error = |from: &str, to: &str| {
            let text = TEXT.replacen(from, to, 1);
            Script::parse(&text, FILES).unwrap_err().to_string()
        };
        assert!(error("## goal", "## aim").starts_with("line 3: unexpected heading `## aim`"));
        assert!(error("a.py", "b.py").contains("unknown file b.py"));
        assert!(error(": while", ": until").contains("contains `until`"));
        assert!(error("[x] ", "").contains("no answer of step one"));
        assert!(error("- came?", "- went?").contains("went? follows no claim went"));
        assert!(error("### why", "### answer").contains("unexpected heading"));
        assert!(error("### ask", "### ask left").contains("asks about claim left"));
        assert!(error("- came: It {x}.\n- came?: Not here.\n", "").contains("has no claims"));
    }

    #[test]
    fn lines_are_joined_as_their_language_requires() {
        let joined = |text: &str, more: &str| {
            let mut text = text.to_owned();
            join(&mut text, more);
            text
        };
        assert_eq!(joined("so", "it is"), "so it is");
        assert_eq!(joined("你", "好"), "你好");
        assert_eq!(joined("你", "**好**"), "你**好**");
        assert_eq!(joined("你好。", "TCP"), "你好。TCP");
        assert_eq!(joined("TCP", "（好）"), "TCP（好）");
        assert_eq!(joined("调用", "`bind`"), "调用 `bind`");
    }

    #[test]
    fn names_are_replaced_by_values_and_other_brackets_stay() {
        let value = |name: &str| (name == "port").then_some("80");
        assert_eq!(fill("{port}: {x} {'a': 1} {", value), "80: {x} {'a': 1} {");
        let nested = |name: &str| {
            (name == "a")
                .then_some("{b}")
                .or((name == "b").then_some("!"))
        };
        assert_eq!(fill("{a}{b}", nested), "{b}!");
        assert_eq!(placeholders("{port} {A} { x } {pid}"), ["port", "pid"]);
    }
}
