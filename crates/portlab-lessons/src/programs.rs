//! The programs of a lesson as files that a student runs and changes.

use portlab_lab::quoted;

use crate::{
    lesson::Lesson,
    run::Code,
    script::{Block, Script},
};

/// A program that is complete, or a file that it reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The name of its file, perhaps in a folder.
    pub file: String,
    /// Its text.
    pub text: String,
    /// The arguments with which a beginner may run it.
    pub arguments: &'static str,
}

impl Program {
    /// The command for a shell that runs the program from the file `path`, which has a `/`: a program in Rust is compiled
    /// first. `None` for a file that a program reads.
    pub fn command(&self, path: &str) -> Option<String> {
        if let Some(binary) = path.strip_suffix(".rs") {
            let [path, binary] = [path, binary].map(|it| quoted([it]));
            return Some(format!(
                "rustc --edition 2024 -o {binary} {path} && {binary}"
            ));
        }
        if !path.ends_with(".py") {
            return None;
        }
        let arguments = self.arguments.split_whitespace();
        Some(quoted(["python3", path].into_iter().chain(arguments)))
    }
}

impl Lesson {
    /// The programs that the lesson shows, whole or in parts, and that can be run: its Python files, with the files that they
    /// read, and the textbook models in Rust that need no other crate.
    pub fn programs(&self, script: &Script, code: Code) -> Vec<Program> {
        let mut programs = Vec::new();
        if code != Code::Rust {
            let files = self.files.iter().filter(|(file, _)| !file.ends_with(".rs"));
            programs.extend(files.map(|(file, text)| Program {
                file: (*file).to_owned(),
                text: (*text).to_owned(),
                arguments: self.arguments_of(file),
            }));
        }
        if code != Code::Python {
            let shown = |name: &str| {
                script.blocks().any(
                    |block| matches!(block, Block::Code { file: Some(file), .. } if file == name),
                )
            };
            let twins = portlab_backends::SOURCES.iter().filter(|(name, text)| {
                name.starts_with("textbook/") && shown(name) && uses_std_only(text)
            });
            programs.extend(twins.map(|(name, text)| Program {
                file: name.trim_start_matches("textbook/").to_owned(),
                text: (*text).to_owned(),
                arguments: "",
            }));
        }
        programs
    }

    /// The arguments with which a beginner may run `file`.
    fn arguments_of(&self, file: &str) -> &'static str {
        let mut listed = ARGUMENTS.iter();
        let found = listed.find(|(lesson, name, _)| (*lesson, *name) == (self.name, file));
        found.map_or("", |(_, _, arguments)| arguments)
    }
}

/// Whether a program in Rust can be compiled without other crates.
fn uses_std_only(text: &str) -> bool {
    let mut imports = text.lines().filter_map(|line| line.strip_prefix("use "));
    imports.all(|path| path.starts_with("std::"))
}

/// Arguments of the programs that need some: the lesson, the file, the arguments.
const ARGUMENTS: &[(&str, &str, &str)] = &[
    ("bad-line", "patient.py", "8080"),
    ("bytes", "split.py", "8080 5 gbk"),
    ("client", "client.py", "8080"),
    ("deadlock", "knot.py", "Ming Hong"),
    ("deadlock", "patient.py", "Ming Hong"),
    ("holder", "late.py", "8080"),
    ("http", "web.py", "."),
    ("http-messages", "follow.py", "http://127.0.0.1:8080/"),
    ("ports", "two_doors.py", "8080 9090"),
    ("processes", "family.py", "Ming"),
    ("processes", "guard.py", "2 daemon"),
    ("processes", "named.py", "Ming"),
    ("server", "server.py", "8080"),
    ("threads", "daemon.py", "2 daemon"),
    ("udp", "order.py", "8080"),
    (
        "web-page",
        "url.py",
        "http://localhost:8080/news.html?page=2#end",
    ),
    ("web-page", "page.py", "8080"),
    ("web-many", "green.py", "8080"),
    ("web-many", "one.py", "8080"),
    ("web-many", "processes.py", "8080"),
    ("web-many", "tasks.py", "8080"),
    ("web-many", "threads.py", "8080"),
    ("web-port", "naive.py", "8080"),
    ("web-port", "web.py", "8080"),
    ("web-port", "words.py", "8080"),
    ("web-site", "first.py", "8080"),
    ("web-site", "site.py", "8080"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use portlab_words::Lang;

    use super::*;
    use crate::LESSONS;

    #[test]
    fn each_program_gets_as_many_arguments_as_it_reads() {
        let mut known = BTreeSet::new();
        for lesson in LESSONS {
            let script = lesson.script(Lang::En).unwrap();
            for program in lesson.programs(&script, Code::Both) {
                let reads = (1..10).take_while(|at| program.text.contains(&format!("argv[{at}]")));
                let given = program.arguments.split_whitespace().count();
                assert_eq!(given, reads.count(), "{}/{}", lesson.name, program.file);
                known.insert((lesson.name, program.file));
            }
        }
        for (lesson, file, _) in ARGUMENTS {
            assert!(known.contains(&(*lesson, (*file).to_owned())), "{file}");
        }
    }

    #[test]
    fn a_language_is_chosen() {
        let lesson = crate::find("iterative").unwrap();
        let script = lesson.script(Lang::En).unwrap();
        let files = |code| {
            let programs = lesson.programs(&script, code).into_iter();
            programs.map(|it| it.file).collect::<Vec<_>>()
        };
        assert_eq!(files(Code::Python), ["iterative.py"]);
        assert_eq!(files(Code::Rust), ["iterative.rs", "threads.rs"]);
        assert_eq!(files(Code::Both).len(), 3);
    }
}
