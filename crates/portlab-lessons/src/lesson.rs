//! What a lesson is made of.

use std::collections::BTreeMap;

use portlab_words::Lang;

use crate::{
    run::LessonRun,
    script::{Script, ScriptError},
    stage::{Exit, Files, Play, Report, Stage},
};

/// A lesson: its texts, the programs that it shows, and the function that plays it.
#[derive(Debug)]
pub struct Lesson {
    /// The name, in kebab-case: the folder's, with hyphens.
    pub name: &'static str,
    /// The part of the course that the lesson belongs to.
    pub part: Part,
    /// The text in English; [`crate::script`] describes the format.
    pub en: &'static str,
    /// The text in Chinese.
    pub zh: &'static str,
    /// The programs in the lesson's folder that the texts show lines of, by file name.
    pub files: Files,
    /// The lesson's page shows these values for each `{name}` that gets its value only when the lesson is played;
    /// [`Lesson::examples`] describes the format.
    pub examples: &'static str,
    /// Plays the lesson, step by step, in the order of its text.
    pub play: Play,
}

/// Plays a lesson to its end.
///
/// # Errors
/// When the user quits, or the machine refuses what the lesson needs.
pub fn play(lesson: &Lesson, run: &mut LessonRun) -> Result<Report, Exit> {
    let script = lesson.script_as_shown(run.lang, run.seed)?;
    let script = script.with_code(run.choices.code);
    Stage::play(script, lesson.files, run, lesson.play)
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
    /// The part's title.
    pub fn title(self, lang: Lang) -> &'static str {
        match self {
            Self::Ports => lang.pick("Ports, TCP, sockets", "端口、TCP、套接字"),
            Self::Talk => lang.pick("Clients, servers and bytes", "客户端、服务端与字节"),
            Self::Together => lang.pick("Processes and threads", "进程与线程"),
            Self::Models => lang.pick("Serving many clients", "同时服务许多客户端"),
            Self::Whole => lang.pick("Whole programs", "完整的程序"),
        }
    }
}

impl Lesson {
    /// The text in `lang`, as it was written.
    pub fn text(&self, lang: Lang) -> &'static str {
        lang.pick(self.en, self.zh)
    }

    /// The text in `lang`, parsed.
    ///
    /// # Errors
    /// When the text breaks the format; a test finds such a text.
    pub fn script(&self, lang: Lang) -> Result<Script, ScriptError> {
        Script::parse(self.text(lang), self.files)
    }

    /// The text in `lang` as it is shown: the answers to choose from in the order of `seed`.
    ///
    /// # Errors
    /// As [`Lesson::script`].
    pub fn script_as_shown(&self, lang: Lang, seed: u64) -> Result<Script, ScriptError> {
        Ok(self.script(lang)?.shuffled(self.name, seed))
    }

    /// The values that the page in `lang` shows, by name.
    ///
    /// A line `name = value` of [`Lesson::examples`](Self#structfield.examples) gives a value; a value of several lines
    /// stands below `name =`, indented by four spaces. `name.zh` is the value on the Chinese page.
    pub fn examples(&self, lang: Lang) -> BTreeMap<&'static str, String> {
        let mut examples = BTreeMap::new();
        let mut current = "";
        for line in self.examples.lines() {
            match line.split_once(" =").filter(|_| !line.starts_with(' ')) {
                Some((name, value)) => {
                    current = name;
                    examples.insert(name, value.trim_start().to_owned());
                }
                None => {
                    let value: &mut String = examples.entry(current).or_default();
                    let gap = if value.is_empty() { "" } else { "\n" };
                    *value += &format!("{gap}{}", line.strip_prefix("    ").unwrap_or(line));
                }
            }
        }
        let chinese: Vec<_> = examples
            .keys()
            .copied()
            .filter_map(|key| Some((key, key.strip_suffix(".zh")?)))
            .collect();
        for (key, name) in chinese {
            let value = examples.remove(key).unwrap_or_default();
            if lang == Lang::Zh {
                examples.insert(name, value);
            }
        }
        examples
    }

    /// Whether the user's own program meets the lesson at a port.
    pub fn has_a_port_for_the_user(&self) -> bool {
        self.en.contains("{yours}")
    }

    /// The title in `lang`.
    pub fn title(&self, lang: Lang) -> &'static str {
        let first = self.text(lang).lines().next().unwrap_or_default();
        first.trim_start_matches("# ")
    }

    /// The title in `lang` up to the colon.
    pub fn short_title(&self, lang: Lang) -> &'static str {
        let title = self.title(lang);
        title.split([':', '：']).next().unwrap_or(title)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_may_have_several_lines_and_a_different_value_in_chinese() {
        let lesson = Lesson {
            examples: "port = 80\ntaken =\nname = Ming\nname.zh = 小明\ntable =\n    a  b\n\n      c\n",
            ..*crate::LESSONS[0]
        };
        let [en, zh] = Lang::ALL.map(|lang| lesson.examples(lang));
        let values = ["port", "taken", "name", "table"].map(|name| en[name].as_str());
        assert_eq!(values, ["80", "", "Ming", "a  b\n\n  c"]);
        assert_eq!((zh.len(), zh["name"].as_str()), (4, "小明"));
    }
}
