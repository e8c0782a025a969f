//! The line of a Python program to look at.

use std::path::{Path, PathBuf};

use portlab_service::inert;
use portlab_sys::input;

use crate::{Place, bugs::Bug};

/// The text of the student's program, if the command names a Python file.
#[derive(Clone, Debug)]
pub struct Source {
    path: PathBuf,
    lines: Vec<String>,
}

impl Source {
    /// The first Python file that `words` name, seen from `folder`.
    pub fn of(words: &[String], folder: Option<&Path>) -> Option<Self> {
        let mut files = words.iter().filter(|it| it.ends_with(".py"));
        let path = files.find_map(|word| {
            let path = folder.map_or_else(|| word.into(), |folder| folder.join(word));
            path.is_file().then_some(path)
        })?;
        let bytes = input::read(&path, MOST).ok()?;
        let text = String::from_utf8_lossy(&bytes);
        Some(Self {
            path,
            lines: text.lines().map(str::to_owned).collect(),
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The line with the number `line`, from 1.
    pub fn line(&self, line: usize) -> Option<Place> {
        let text = self.lines.get(line.checked_sub(1)?)?;
        Some(Place {
            file: inert(&self.path.to_string_lossy()),
            line,
            text: inert(text.trim()),
        })
    }

    /// Whether a line has `part`.
    pub fn has(&self, part: &str) -> bool {
        self.lines.iter().any(|line| code(line).contains(part))
    }

    /// The numbers that can be ports, in the order of the lines.
    pub fn numbers(&self) -> Vec<u16> {
        let words = |line: &String| -> Vec<u16> {
            let words = line.split(|it: char| !it.is_alphanumeric() && it != '_');
            words.filter_map(|it| it.parse().ok()).collect()
        };
        self.lines.iter().flat_map(words).collect()
    }

    /// The line that waits for input at `prompt`.
    pub fn input_at(&self, prompt: &str) -> Option<Place> {
        let is_it = |line: &String| line.contains("input(") && line.contains(prompt);
        let found = self.lines.iter().position(is_it);
        // The prompt may be printed before, or be made of parts.
        let found = found.or_else(|| self.lines.iter().position(|it| code(it).contains("input(")));
        self.line(found? + 1)
    }

    /// The first line that has one of the patterns of `bug`; an earlier pattern counts more.
    pub fn find(&self, bug: &Bug) -> Option<Place> {
        let of = |pattern: &&str| {
            self.lines
                .iter()
                .position(|line| code(line).contains(pattern))
        };
        let found = bug.look_at.iter().find_map(of)?;
        self.line(found + 1)
    }
}

/// A line without its comment.
fn code(line: &str) -> &str {
    line.split('#').next().unwrap_or_default()
}

/// The largest program that is read, in bytes.
const MOST: u64 = 1 << 20;
