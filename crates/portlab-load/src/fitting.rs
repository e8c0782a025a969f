//! Which options a run takes, so that no hint names another one.

use portlab_words::{Lang, Text};

use crate::{Pace, Payload, Plan};

impl Plan {
    /// Whether a run of this kind can be made with `option`, such as `--text`, to another effect than now. Options that
    /// every run takes aren't listed here.
    pub fn takes(&self, option: &str) -> bool {
        let (script, life) = (&self.script, &self.life);
        let is_idle = self.pace == Pace::Idle;
        let (is_chat, is_http) = (script.chat.is_some(), script.http().is_some());
        let is_dialogue = script.dialogue().is_some();
        let sends = !is_idle && !is_chat;
        match option {
            "--text" | "--payload" => sends && !is_http && !is_dialogue,
            "--greeting" => sends && !is_http && !is_dialogue && !self.is_udp(),
            "--expect" => sends && !is_dialogue && (!is_http || script.has_conditions()),
            "--size" => !is_idle && !is_dialogue && matches!(script.payload, Payload::Random(_)),
            "--depth" => !is_idle && script.needs_turns().is_none(),
            "--method" | "--expect-status" => is_http && !is_idle,
            "--dialogue" => is_dialogue,
            "--any-answer" => sends && !script.any_answer && !self.checks_every_byte(),
            "--per-connection" => !is_idle && !is_dialogue && !self.is_udp(),
            "--reconnect" => !life.reconnect && !is_chat && !self.is_udp(),
            "--threads" => !is_chat,
            "--find" => !is_idle && self.stop.messages.is_none() && script.think().is_none(),
            _ => true,
        }
    }

    /// `sentence` without the clauses that name an option which a run like this doesn't take. Semicolons divide a text
    /// into clauses, in both languages. The first clause says what happened, and stays.
    #[must_use]
    pub fn fitting(&self, sentence: &Text) -> Text {
        self.without_clauses(sentence, 1)
    }

    /// `advice` in the same way; it may become empty.
    pub(crate) fn fitting_advice(&self, advice: &Text) -> Text {
        self.without_clauses(advice, 0)
    }

    /// `text` without the clauses that don't fit, from the clause with this number on.
    fn without_clauses(&self, text: &Text, from: usize) -> Text {
        let clauses = |lang: Lang| {
            let mark = lang.pick("; ", "；");
            let fits = |clause: &str| options(clause).all(|it| self.takes(it));
            let clauses = text.pick(lang).split(mark).enumerate();
            let fitting = clauses.filter_map(|(at, it)| (at < from || fits(it)).then_some(it));
            fitting.collect::<Vec<_>>().join(mark)
        };
        Text {
            en: clauses(Lang::En).into(),
            zh: clauses(Lang::Zh).into(),
        }
    }
}

/// The options that `text` names.
fn options(text: &str) -> impl Iterator<Item = &str> {
    let name = |rest: &'_ str| {
        let is_part = |it: char| it.is_ascii_lowercase() || it == '-';
        rest.find(|it| !is_part(it)).unwrap_or(rest.len())
    };
    text.match_indices("--").map(move |(at, _)| {
        let rest = &text[at..];
        rest[..name(rest)].trim_end_matches('-')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clause_with_an_option_that_the_run_does_not_take_is_left_out() {
        let mut plan = Plan::new(std::net::SocketAddr::from(([127, 0, 0, 1], 1)));
        let text = Text::new(
            "it crashed; check --text and --expect; check the file of --dialogue; use --reconnect",
            "它崩溃了；请检查 --text 和 --expect；请检查 --dialogue 的文件；请使用 --reconnect",
        );
        let told = |plan: &Plan| {
            let Text { en, zh } = plan.fitting(&text);
            (en.to_string(), zh.to_string())
        };
        let both = |en: &str, zh: &str| (en.to_owned(), zh.to_owned());
        assert_eq!(
            told(&plan),
            both(
                "it crashed; check --text and --expect; use --reconnect",
                "它崩溃了；请检查 --text 和 --expect；请使用 --reconnect"
            )
        );
        plan.life.reconnect = true;
        plan.pace = Pace::Idle;
        let what = Text::new(
            "answers failed --expect; use --text",
            "响应不符合 --expect；请使用 --text",
        );
        assert_eq!(plan.fitting(&what).en, "answers failed --expect");
        assert_eq!(plan.fitting_advice(&what).en, "");
        assert_eq!(told(&plan), both("it crashed", "它崩溃了"));
    }
}
