//! A step, from its beginning to its end.

use std::fmt;

use portlab_words::Lang;

use super::{Exit, Seen, Stage};
use crate::{
    board,
    script::{Ask, Block, Claim, Step},
    words,
};

/// A step that is being played.
pub(crate) struct Act<'s, 'a> {
    pub(super) stage: &'s mut Stage<'a>,
    pub(super) step: Step,
    pub(super) guess: Option<usize>,
    pub(super) claims: Vec<(String, Seen)>,
}

impl<'s, 'a> Act<'s, 'a> {
    /// Gives `{name}` in the text its value, from now on.
    pub(crate) fn set(&mut self, name: &str, value: impl fmt::Display) {
        self.stage.set(name, value);
    }

    /// Tells what became of the claim `key`.
    pub(crate) fn seen(&mut self, key: &str, seen: impl Into<Seen>) {
        self.claims.push((key.to_owned(), seen.into()));
    }

    /// The stage.
    pub(crate) fn stage(&mut self) -> &mut Stage<'a> {
        self.stage
    }

    /// Ends the step: shows what was seen and answers the question; then, after a stop, says why.
    ///
    /// # Errors
    /// When a claim of the text was not told of, or another was; when a value is missing; when
    /// whoever watches leaves.
    pub(crate) fn end(self) -> Result<(), Exit> {
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
        let mut outcome = Vec::new();
        for claim in &step.claims {
            let told = claims.iter().find(|(key, _)| *key == claim.key);
            let Some(&(_, seen)) = told else {
                return Err(mismatch(format!("claim {} was not told of", claim.key)));
            };
            outcome.push((claim.key.as_str(), seen));
            stage.claim(claim, seen)?;
        }
        // Where something failed, the text explains what didn't happen.
        let failed = outcome.iter().any(|(_, seen)| *seen == Seen::No);
        if let Some(ask) = step.ask.as_ref().filter(|_| !failed) {
            let is_asked = |key: &str| ask.about.as_ref().is_none_or(|about| about == key);
            let asked = outcome.iter().find(|(key, _)| is_asked(key));
            let was_seen = asked.is_some_and(|(_, seen)| *seen == Seen::Yes);
            stage.resolve(ask, guess.filter(|_| was_seen), was_seen)?;
        }
        if !step.why.is_empty() && !failed {
            // A class compares what it saw with its guess before it is told why.
            stage.stop(words::TELL_WHY)?;
            stage.write("\n")?;
            stage.heading(words::WHY.in_(lang))?;
            stage.blocks(&step.why)?;
        }
        stage.wait(words::GO_ON)
    }
}

impl Stage<'_> {
    fn claim(&mut self, claim: &Claim, seen: Seen) -> Result<(), Exit> {
        let name = format!("{}/{}", self.current(), claim.key);
        let (list, style, mark) = match seen {
            Seen::Moot => return Ok(()),
            Seen::Yes => (&mut self.report.held, board::GOOD, "✓"),
            Seen::NotHere => (&mut self.report.not_here, board::DIM, "○"),
            Seen::No => (&mut self.report.failed, board::BAD, "✗"),
        };
        list.push(name);
        let text = match (seen, &claim.not_here) {
            (Seen::NotHere, Some(text)) => text.clone(),
            (Seen::NotHere, None) => {
                return Err(Exit::Mismatch {
                    step: self.current().to_owned(),
                    what: format!("claim {0} has no text `{0}?`", claim.key),
                });
            }
            (Seen::Yes | Seen::Moot, _) => claim.text.clone(),
            (Seen::No, _) => {
                let not_seen = words::NOT_SEEN.in_(self.lang());
                format!("{} — {not_seen}", claim.text)
            }
        };
        let text = Block::Paragraph(text);
        self.marked(style, mark, &[text])
    }

    /// Tells whoever has guessed whether it was right; or what would have come, if this machine
    /// couldn't show it.
    fn resolve(&mut self, ask: &Ask, guess: Option<usize>, was_seen: bool) -> Result<(), Exit> {
        let lang = self.lang();
        let verdict = match guess {
            _ if !was_seen => words::WOULD,
            Some(guess) if guess == ask.right => words::RIGHT,
            Some(_) => words::WRONG,
            None => words::OUTCOME,
        };
        let (verdict, right) = (verdict.in_(lang), &ask.options[ask.right]);
        let right = match lang {
            Lang::En => format!("{verdict}\u{201c}{right}\u{201d}"),
            Lang::Zh => format!("{verdict}「{right}」"),
        };
        self.write("\n")?;
        self.marked(board::ASK, "→", &[Block::Paragraph(right)])
    }
}
