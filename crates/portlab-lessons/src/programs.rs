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
    /// The commands that other terminals run first, one a line: the server of a client, or the installation of a package.
    pub before: &'static str,
    /// Whether it reads other files of its folder, by paths from there.
    pub reads_files: bool,
}

impl Program {
    /// The command for a shell that runs the program from the file `path`, which has a `/`: a program in Rust is compiled
    /// first, and a program that reads files beside it runs in its folder. `None` for a file that a program reads.
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
        let run = |path| quoted(["python3", path].into_iter().chain(arguments));
        Some(match path.rsplit_once('/') {
            Some((folder, file)) if self.reads_files => {
                format!("cd {} && {}", quoted([folder]), run(file))
            }
            _ => run(path),
        })
    }
}

impl Lesson {
    /// The programs that the lesson shows, whole or in parts, and that can be run: its Python files, with the files that they
    /// read, and the textbook models in Rust that need no other crate.
    pub fn programs(&self, script: &Script, code: Code) -> Vec<Program> {
        let mut programs = Vec::new();
        if code != Code::Rust {
            let files = self.files.iter().filter(|(file, _)| !file.ends_with(".rs"));
            let reads_files = files.clone().any(|(file, _)| !file.ends_with(".py"));
            programs.extend(files.map(|(file, text)| Program {
                file: (*file).to_owned(),
                text: (*text).to_owned(),
                arguments: self.found_in(ARGUMENTS, file).unwrap_or_default(),
                before: self.found_in(BEFORE, file).unwrap_or_default(),
                reads_files,
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
                before: "",
                reads_files: false,
            }));
        }
        programs
    }

    /// What `table` has for `file`.
    fn found_in(&self, table: &Table, file: &str) -> Option<&'static str> {
        let mut listed = table.iter();
        let found = listed.find(|(lesson, name, _)| (*lesson, *name) == (self.name, file));
        found.map(|(_, _, text)| *text)
    }
}

/// Whether a program in Rust can be compiled without other crates.
fn uses_std_only(text: &str) -> bool {
    let mut imports = text.lines().filter_map(|line| line.strip_prefix("use "));
    imports.all(|path| path.starts_with("std::"))
}

/// Texts for some programs: the lesson, the file, the text.
type Table = [(&'static str, &'static str, &'static str)];

/// Commands that other terminals have to run before a program, one a line: the server of a client, at the port of [`ARGUMENTS`],
/// or the installation of a package.
const BEFORE: &Table = &[
    (
        "bad-line",
        "patient.py",
        "portlab assist 8080 --encoding gbk --auto-echo",
    ),
    (
        "bytes",
        "split.py",
        "echo 你好 | portlab assist 8080 --encoding gbk",
    ),
    (
        "client",
        "client.py",
        "portlab assist 8080 --encoding gbk --auto-echo",
    ),
    ("coroutines", "green.py", "python3 -m pip install gevent"),
    ("coroutines", "switch.py", "python3 -m pip install greenlet"),
    (
        "http-messages",
        "follow.py",
        "portlab serve --service http --root . --listing --bind 8080",
    ),
    (
        "ports",
        "two_doors.py",
        "portlab assist 8080\nportlab assist 9090",
    ),
    (
        "udp",
        "order.py",
        "portlab assist udp://127.0.0.1:8080 --rule 'any => ticket {seq}'",
    ),
    ("stacks", "rude.py", "python3 -m pip install gevent"),
    ("web-many", "green.py", "python3 -m pip install gevent"),
];

/// Arguments of the programs that need some.
const ARGUMENTS: &Table = &[
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
                // A function may call the arguments words.
                let reads = (1..10).take_while(|at| {
                    let mut names = ["argv", "words"].iter();
                    names.any(|name| program.text.contains(&format!("{name}[{at}]")))
                });
                let given = program.arguments.split_whitespace().count();
                assert_eq!(given, reads.count(), "{}/{}", lesson.name, program.file);
                known.insert((lesson.name, program.file));
            }
        }
        for (lesson, file, _) in ARGUMENTS.iter().chain(BEFORE) {
            assert!(known.contains(&(*lesson, (*file).to_owned())), "{file}");
        }
    }

    /// A client, as its `connect` and its port in the arguments show, is told with its server.
    #[test]
    fn each_client_is_told_with_its_server() {
        for lesson in LESSONS {
            let script = lesson.script(Lang::En).unwrap();
            for program in lesson.programs(&script, Code::Python) {
                let calls = ["connect(", "create_connection(", "urlopen("];
                let is_server = program.text.contains("bind(");
                let is_client = !is_server && calls.iter().any(|call| program.text.contains(call));
                let needs_server = is_client && program.arguments.contains("8080");
                let is_told = program.before.contains("8080");
                assert_eq!(is_told, needs_server, "{}/{}", lesson.name, program.file);
            }
        }
    }

    #[test]
    fn a_program_that_reads_files_runs_beside_them() {
        let lesson = crate::find("web-site").unwrap();
        let script = lesson.script(Lang::En).unwrap();
        let programs = lesson.programs(&script, Code::Python);
        let site = programs.iter().find(|it| it.file == "site.py").unwrap();
        let command = site.command("own dir/site.py").unwrap();
        assert_eq!(command, "cd 'own dir' && python3 site.py 8080");
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
