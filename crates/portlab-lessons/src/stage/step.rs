//! A step, from its beginning to its end.

use std::ops::{Deref, DerefMut};

use portlab_words::tr;

use super::{Exit, Seen, Stage};
use crate::{
    script::{Ask, Block, Claim, Step},
    words,
};

/// A step that is being played. Until it ends, it has the methods of the stage.
pub(crate) struct LessonStep<'s, 'a> {
    pub(super) stage: &'s mut Stage<'a>,
    pub(super) text: Step,
    pub(super) guess: Option<usize>,
    pub(super) claims: Vec<(String, Seen)>,
}

impl LessonStep<'_, '_> {
    /// Records whether the claim `key` was seen.
    pub(crate) fn seen(&mut self, key: &str, seen: impl Into<Seen>) {
        self.claims.push((key.to_owned(), seen.into()));
    }

    /// Records whether the claim `key` was seen in the output of a Python program, and shows that output in `{name}`;
    /// without Python (`None`), a note in its place.
    pub(crate) fn printed(
        &mut self,
        key: &str,
        name: &str,
        output: Option<String>,
        is_right: impl Fn(&str) -> bool,
    ) {
        self.seen(key, output.as_deref().map(is_right));
        let not_run = words::NOT_RUN.pick(self.lang());
        self.set(name, output.as_deref().unwrap_or(not_run));
    }

    /// Ends the step: shows what was seen and answers the question; then, after a stop, explains it.
    /// Fails when a claim of the text was not recorded, when a claim was recorded that the text lacks, when a value is
    /// missing, or when the user quits.
    pub(crate) fn end(self) -> Result<(), Exit> {
        let Self {
            stage,
            text,
            guess,
            claims,
        } = self;
        let mismatch = |what: String| Exit::mismatch(&text.key, what);
        let is_in_text = |key: &str| text.claims.iter().any(|claim| claim.key == key);
        if let Some((key, _)) = claims.iter().find(|(key, _)| !is_in_text(key)) {
            return Err(mismatch(format!("claim {key} is not in the text")));
        }
        let lang = stage.lang();
        stage.write("\n")?;
        stage.heading(words::SEEN.pick(lang))?;
        stage.blocks(&text.seen)?;
        let mut outcome = Vec::new();
        for claim in &text.claims {
            let recorded = claims.iter().find(|(key, _)| *key == claim.key);
            let Some(&(_, seen)) = recorded else {
                return Err(mismatch(format!("claim {} was not recorded", claim.key)));
            };
            outcome.push((claim.key.as_str(), seen));
            stage.claim(claim, seen)?;
        }
        // If a claim failed, the text would explain something that didn't happen.
        let failed = outcome.iter().any(|(_, seen)| *seen == Seen::No);
        if let Some(ask) = text.ask.as_ref().filter(|_| !failed) {
            let is_asked = |key: &str| ask.about.as_ref().is_none_or(|about| about == key);
            let asked = outcome.iter().find(|(key, _)| is_asked(key));
            let was_seen = asked.is_some_and(|(_, seen)| *seen == Seen::Yes);
            stage.resolve(ask, guess.filter(|_| was_seen), was_seen)?;
        }
        if !text.why.is_empty() && !failed {
            // A class compares what it saw with its guess before it reads the explanation.
            stage.stop(&words::TELL_WHY)?;
            stage.write("\n")?;
            stage.heading(words::WHY.pick(lang))?;
            stage.blocks(&text.why)?;
        }
        stage.wait(&words::GO_ON)
    }
}

impl<'a> Deref for LessonStep<'_, 'a> {
    type Target = Stage<'a>;

    fn deref(&self) -> &Stage<'a> {
        self.stage
    }
}

impl<'a> DerefMut for LessonStep<'_, 'a> {
    fn deref_mut(&mut self) -> &mut Stage<'a> {
        self.stage
    }
}

impl Stage<'_> {
    fn claim(&mut self, claim: &Claim, seen: Seen) -> Result<(), Exit> {
        let name = format!("{}/{}", self.current(), claim.key);
        // A claim of a step that isn't shown counts only if it failed, because then the steps after it may fail too.
        let silenced = match seen {
            Seen::No => self.silenced.take(),
            _ if self.silenced.is_some() => return Ok(()),
            _ => None,
        };
        let palette = self.palette();
        let (list, style, mark) = match seen {
            Seen::Moot => return Ok(()),
            Seen::Yes => (&mut self.report.held, palette.good, "✓"),
            Seen::NotHere => (&mut self.report.not_here, palette.dim, "○"),
            Seen::No => (&mut self.report.failed, palette.bad, "✗"),
        };
        list.push(name);
        let text = match (seen, &claim.not_here) {
            (Seen::NotHere, Some(text)) => text.clone(),
            (Seen::NotHere, None) => {
                let what = format!("claim {0} has no text `{0}?`", claim.key);
                return Err(Exit::mismatch(self.current(), what));
            }
            (Seen::Yes | Seen::Moot, _) => claim.text.clone(),
            (Seen::No, _) => format!("{} — {}", claim.text, words::NOT_SEEN.pick(self.lang())),
        };
        self.marked(style, mark, &[Block::Paragraph(text)])?;
        self.silenced = silenced;
        Ok(())
    }

    /// Shows the right answer, and whether the user's guess was right. If this machine couldn't show the outcome, shows what
    /// other machines show.
    fn resolve(&mut self, ask: &Ask, guess: Option<usize>, was_seen: bool) -> Result<(), Exit> {
        let verdict = match guess {
            _ if !was_seen => &words::WOULD,
            Some(guess) if guess == ask.right => &words::RIGHT,
            Some(_) => &words::WRONG,
            None => &words::OUTCOME,
        };
        let (verdict, right) = (verdict.pick(self.lang()), &ask.options[ask.right]);
        let right = tr!(
            self.lang(),
            "{verdict}\u{201c}{right}\u{201d}",
            "{verdict}{right}"
        );
        self.write("\n")?;
        self.marked(self.palette().ask, "→", &[Block::Paragraph(right)])
    }
}
