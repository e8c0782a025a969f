//! Pages for paper: the worksheet, the quiz and the key.

use maud::{Markup, html};
use portlab_words::{Text, tr};

use super::{Kind, Sheet, blocks::Calls};
use crate::{
    script::{Ask, Block},
    words,
};

static NAME: Text = Text::new("Name", "姓名");
static CLASS: Text = Text::new("Class", "班级");
static DATE: Text = Text::new("Date", "日期");
static WORDS: Text = Text::new("Words for the gaps in the programs", "程序中空格处可填的词");
static MY_GUESS: Text = Text::new("My guess", "我猜");
static MY_SCREEN: Text = Text::new("On my screen", "我的屏幕上");
static RIGHT_ANSWER: Text = Text::new("Right answer", "正确答案");

impl Sheet<'_> {
    pub(super) fn worksheet(&self) -> Markup {
        let (lang, name) = (self.lang, self.lesson.name);
        let calls = self.calls();
        html! {
            (self.heading(Kind::Worksheet))
            (self.signature())
            (self.blocks(&self.script.goal, Calls::Shown))
            p.run { (words::RUN_IT.pick(lang)) " " code { "portlab lesson " (name) " --lang " (lang.to_string()) } }
            @if !calls.is_empty() {
                p.bank {
                    b { (WORDS.pick(lang)) }
                    @for call in calls { span { (call) } " " }
                }
            }
            @for (number, step) in (1..).zip(&self.script.steps) {
                section {
                    h2 { (number) ". " (self.inline(&step.title)) }
                    (self.blocks(&step.say, Calls::Gaps))
                    @if let Some(ask) = &step.ask { (self.choice(ask, MY_GUESS.pick(lang))) }
                    div.seen {
                        h3 { (MY_SCREEN.pick(lang)) }
                        // Behind a question the claims would answer it: the student writes what happened.
                        @if step.ask.is_some() {
                            (lines(step.claims.len()))
                        } @else {
                            ul.boxes { @for claim in &step.claims { li { (self.with_gaps(&claim.text)) } } }
                        }
                    }
                    @if !step.why.is_empty() {
                        div.why { h3 { (words::WHY.pick(lang)) } (lines(2)) }
                    }
                }
            }
            (self.open_questions())
            (self.footer(Kind::Key))
        }
    }

    pub(super) fn quiz(&self) -> Markup {
        let steps = self.script.steps.iter();
        let asked = steps.filter_map(|step| Some((step, step.ask.as_ref()?)));
        html! {
            (self.heading(Kind::Quiz))
            (self.signature())
            @for (number, (step, ask)) in (1..).zip(asked) {
                section {
                    h2 { (number) ". " (self.inline(&step.title)) }
                    (self.blocks(&step.say, Calls::Shown))
                    (self.choice(ask, ""))
                }
            }
            (self.open_questions())
            (self.footer(Kind::Key))
        }
    }

    pub(super) fn key(&self) -> Markup {
        let lang = self.lang;
        // The quiz numbers its questions; a step without one has no number there.
        let mut asked = 0;
        html! {
            (self.heading(Kind::Key))
            p.note { (words::SEEN_ONCE.pick(lang)) }
            @for (number, step) in (1..).zip(&self.script.steps) {
                section {
                    h2 { (number) ". " (self.inline(&step.title)) }
                    @if let Some(ask) = &step.ask {
                        @let of_quiz = { asked += 1; asked };
                        p.right {
                            b { (RIGHT_ANSWER.pick(lang)) " " (ask.right + 1) } " " (self.inline(&ask.options[ask.right]))
                            small { " " (tr!(lang, "(quiz, question {of_quiz})", "（小测验第 {of_quiz} 题）")) }
                        }
                    }
                    (self.programs(&step.say))
                    ul.boxes { @for claim in &step.claims { li { (self.inline(&claim.text)) } } }
                    @if !step.why.is_empty() {
                        div.why { h3 { (words::WHY.pick(lang)) } (self.blocks(&step.why, Calls::Shown)) }
                    }
                }
            }
            @if !self.script.questions.is_empty() {
                section {
                    h2 { (words::THINK.pick(lang)) }
                    @for question in &self.script.questions {
                        div.open {
                            b { (self.blocks(&question.question, Calls::Shown)) }
                            (self.blocks(&question.answer, Calls::Shown))
                        }
                    }
                }
            }
            (self.footer(Kind::Quiz))
        }
    }

    /// The programs among `blocks`, with the words of the gaps marked.
    fn programs(&self, blocks: &[Block]) -> Markup {
        let programs = blocks.iter().filter(|block| block.python().is_some());
        let programs: Vec<_> = programs.cloned().collect();
        self.blocks(&programs, Calls::Marked)
    }

    /// A question with a box before each answer.
    fn choice(&self, ask: &Ask, heading: &str) -> Markup {
        html! {
            div.ask {
                @if !heading.is_empty() { h3 { (heading) } }
                (self.blocks(&ask.question, Calls::Shown))
                ol.boxes { @for option in &ask.options { li { (self.inline(option)) } } }
            }
        }
    }

    fn open_questions(&self) -> Markup {
        html! {
            @if !self.script.questions.is_empty() {
                section {
                    h2 { (words::THINK.pick(self.lang)) }
                    @for question in &self.script.questions {
                        div.open { (self.blocks(&question.question, Calls::Shown)) (lines(4)) }
                    }
                }
            }
        }
    }

    fn signature(&self) -> Markup {
        html! {
            p.signature { @for text in [&NAME, &CLASS, &DATE] { span { (text.pick(self.lang)) i {} } } }
        }
    }

    /// The command that makes the other page, whose answers are in the same order.
    fn footer(&self, other: Kind) -> Markup {
        let (seed, name, kind) = (self.seed, self.lesson.name, other.name());
        html! {
            footer {
                (other.title(self.lang)) " "
                code { "portlab lesson " (name) " --export " (kind) " DIR --seed " (seed) }
            }
        }
    }
}

/// Empty lines to write on.
fn lines(count: usize) -> Markup {
    html! { div.rules { @for _ in 0..count { i {} } } }
}
