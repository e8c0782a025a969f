//! Slides: one screen each.

use maud::{Markup, html};
use portlab_words::Text;
use unicode_width::UnicodeWidthStr;

use super::{
    Sheet,
    blocks::{Calls, columns},
};
use crate::{
    script::{Block, Step},
    words,
};

static KEYS: Text = Text::new("Next: → or Space. Back: ←", "下一页：→ 或空格；上一页：←");

/// The sizes of letters, from the largest, in hundredths of a screen's height, as in `slides.css`.
const SIZES: [f64; 4] = [4.6, 4.0, 3.4, 2.9];

/// The height beneath a slide's title, in the same unit.
const ROOM: f64 = 76.0;
/// The width of a slide of 4:3 without its margins, in the same unit.
const WIDE: f64 = 121.0;

impl Sheet<'_> {
    pub(super) fn slides(&self) -> Markup {
        let lang = self.lang;
        let script = &self.script;
        let mut slides = vec![html! {
            section.slide.first {
                h1 { (self.inline(&script.title)) }
                div.s1 { (self.blocks(&script.goal, Calls::Shown)) }
                p.keys { (KEYS.pick(lang)) }
            }
        }];
        slides.extend(self.part(words::STORY.pick(lang), "", &script.story, &[]));
        for (number, step) in (1..).zip(&script.steps) {
            slides.extend(self.step(number, step));
        }
        for it in &script.questions {
            slides.extend(self.part(words::THINK.pick(lang), "ask", &it.question, &[]));
            let answer = [&it.question[..], &it.answer].concat();
            slides.extend(self.part(words::ANSWER.pick(lang), "", &answer, &[]));
        }
        html! { main { @for slide in slides { (slide) } } }
    }

    fn step(&self, number: usize, step: &Step) -> Vec<Markup> {
        let lang = self.lang;
        let title = format!("{number}. {}", self.filled(&step.title));
        let mut slides = self.part(&title, "", &step.say, &[]);
        let mut outcome = Vec::new();
        if let Some(ask) = &step.ask {
            let heading = words::GUESS.pick(lang);
            slides.extend(self.part(heading, "ask", &ask.question, &ask.options));
            let right = format!("→ **{}**", ask.options[ask.right]);
            outcome.push(Block::Paragraph(right));
        }
        outcome.extend_from_slice(&step.seen);
        let claims: Vec<_> = step.claims.iter().map(|it| it.text.clone()).collect();
        slides.extend(self.part(words::SEEN_ONCE.pick(lang), "seen", &outcome, &claims));
        if !step.why.is_empty() {
            slides.extend(self.part(words::WHY.pick(lang), "", &step.why, &[]));
        }
        slides
    }

    /// The slides of a part: its blocks, and a list beneath them. It is one slide if its text fits in letters that can be
    /// read; otherwise as many as it needs.
    fn part(&self, title: &str, class: &str, blocks: &[Block], list: &[String]) -> Vec<Markup> {
        let mut slides = Vec::new();
        let mut rest = blocks;
        while self.size(rest, list).is_none() && rest.len() > 1 {
            let fits = |count: &usize| self.size(&rest[..*count], &[]).is_some();
            let count = (1..rest.len()).rev().find(fits).unwrap_or(1);
            let (now, later) = rest.split_at(count);
            slides.push(self.slide(title, class, now, &[]));
            rest = later;
        }
        if self.size(rest, list).is_none() && !list.is_empty() {
            slides.push(self.slide(title, class, rest, &[]));
            rest = &[];
        }
        slides.push(self.slide(title, class, rest, list));
        slides
    }

    fn slide(&self, title: &str, class: &str, blocks: &[Block], list: &[String]) -> Markup {
        let size = self.size(blocks, list).unwrap_or(SIZES.len());
        html! {
            section class={ "slide " (class) } {
                h2 { (title) }
                div class={ "s" (size) } {
                    (self.blocks(blocks, Calls::Shown))
                    @if !list.is_empty() { ol { @for item in list { li { (self.inline(item)) } } } }
                }
            }
        }
    }

    /// The number, from 1, of the largest letters in which the text fits on a slide.
    fn size(&self, blocks: &[Block], list: &[String]) -> Option<usize> {
        let fits = |(_, size): &(usize, f64)| self.height(*size, blocks, list) <= ROOM;
        let found = (1..).zip(SIZES).find(fits);
        found.map(|(number, _)| number)
    }

    /// About how high the text is in letters of height `size`.
    fn height(&self, size: f64, blocks: &[Block], list: &[String]) -> f64 {
        // A letter of Latin script is half as wide as high, a Chinese one as wide as high.
        let rows = |text: &str, share: f64| {
            let columns = (2.0 * WIDE / size * share).floor();
            (text.width() as f64 / columns).ceil().max(1.0)
        };
        let of_block = |block: &Block| match block {
            Block::Paragraph(text) | Block::Item(text) | Block::Picture { text, .. } => {
                (1.45 * rows(&self.filled(text), 0.97) + 0.55) * size
            }
            Block::Lines(text) | Block::Code { text, .. } => {
                let text = self.filled(text);
                // Lines of programs and tables aren't broken: wide ones have smaller letters, as in `slides.css`.
                let letters = (0.86 * size).min(FIT / columns(&text) as f64);
                text.lines().count() as f64 * 1.35 * letters + 1.6 * size
            }
        };
        let of_item = |it: &String| (1.45 * rows(&self.filled(it), 0.92) + 0.4) * size;
        let items = list.iter().map(of_item);
        blocks.iter().map(of_block).chain(items).sum()
    }
}

/// The height of letters of a fixed width, times the columns of a line that is as wide as a slide.
const FIT: f64 = 190.0;
