//! What a lesson is made of.

use portlab_words::Lang;

use crate::{
    script::{Script, ScriptError},
    stage::{Exit, Stage},
};

/// A lesson: its texts, the programs that it shows, and the function that plays it.
#[derive(Debug)]
pub struct Lesson {
    /// What it is called by: kebab-case, the same as its folder.
    pub name: &'static str,
    /// The part of the course that it belongs to.
    pub part: Part,
    /// Its text in English; [`crate::script`] says how it is written.
    pub en: &'static str,
    /// Its text in Chinese.
    pub zh: &'static str,
    /// The programs in its folder that its texts show lines of, by file name.
    pub files: &'static [(&'static str, &'static str)],
    /// What stands on its page for each `{name}` that has its value only when it is played.
    pub examples: &'static [(&'static str, &'static str)],
    /// Those that are others in Chinese.
    pub examples_zh: &'static [(&'static str, &'static str)],
    /// Plays it, step by step, in the order of its text.
    pub play: fn(&mut Stage<'_>) -> Result<(), Exit>,
}

/// A part of the course.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Ports, TCP, sockets.
    Ports,
    /// Clients and servers, and the bytes between them.
    Talk,
    /// Processes, threads, and what goes wrong among them.
    Together,
    /// The models of servers.
    Models,
    /// Chat and the Web.
    Whole,
}

impl Part {
    /// What the part is called.
    #[must_use]
    pub fn title(self, lang: Lang) -> &'static str {
        let [en, zh] = match self {
            Self::Ports => ["Ports, TCP, sockets", "端口、TCP、套接字"],
            Self::Talk => ["Clients, servers and bytes", "客户端、服务端与字节"],
            Self::Together => ["Processes and threads", "进程与线程"],
            Self::Models => ["Serving many clients", "同时服务许多客户端"],
            Self::Whole => ["Whole programs", "完整的程序"],
        };
        match lang {
            Lang::En => en,
            Lang::Zh => zh,
        }
    }
}

impl Lesson {
    /// Its text in `lang`, as it was written.
    #[must_use]
    pub fn text(&self, lang: Lang) -> &'static str {
        match lang {
            Lang::En => self.en,
            Lang::Zh => self.zh,
        }
    }

    /// Its text in `lang`, parsed.
    ///
    /// # Errors
    /// When it isn't written as it must be, which a test finds out.
    pub fn script(&self, lang: Lang) -> Result<Script, ScriptError> {
        Script::parse(self.text(lang), self.files)
    }

    /// Its text in `lang` as it is shown: the answers to choose from in the order of `seed`.
    ///
    /// # Errors
    /// As [`Lesson::script`].
    pub fn script_as_shown(&self, lang: Lang, seed: u64) -> Result<Script, ScriptError> {
        Ok(self.script(lang)?.shuffled(self.name, seed))
    }

    /// What stands on its page in `lang` for `{name}`.
    #[must_use]
    pub fn example(&self, lang: Lang, name: &str) -> Option<&'static str> {
        let chinese = match lang {
            Lang::En => &[][..],
            Lang::Zh => self.examples_zh,
        };
        let mut all = chinese.iter().chain(self.examples);
        all.find(|(example, _)| *example == name)
            .map(|(_, value)| *value)
    }

    /// Its title in `lang`.
    #[must_use]
    pub fn title(&self, lang: Lang) -> &'static str {
        let first = self.text(lang).lines().next().unwrap_or_default();
        first.trim_start_matches("# ")
    }

    /// Its title in `lang` up to the colon.
    #[must_use]
    pub fn short_title(&self, lang: Lang) -> &'static str {
        let title = self.title(lang);
        title.split([':', '：']).next().unwrap_or(title)
    }
}
