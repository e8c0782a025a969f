//! The words of a command: mistakes that are seen before it is started.

use std::path::Path;

use portlab_service::inert;
use portlab_words::{Text, tr};

use super::StartTrouble;

impl StartTrouble {
    /// Checks that the script that `words` names is in `folder`: an interpreter would only end with an error.
    pub(crate) fn check(words: &[String], folder: Option<&Path>) -> Result<(), Self> {
        let (program, rest) = words.split_first().ok_or_else(Self::empty)?;
        // The first word that is a script; those behind it are the script's own.
        let Some(script) = rest.iter().find(|it| is_script(it) && !it.starts_with('-')) else {
            return Ok(());
        };
        let path = folder.map_or_else(|| script.into(), |folder| folder.join(script));
        if path.exists() {
            return Ok(());
        }
        let (program, shown) = (inert(program), inert(script));
        if script.contains(' ') {
            return Err(Self::of_command(tr!(
                "the quotes make one word of `{shown}`; write it without them: portlab judge -- {program} {shown}",
                "引号把 `{shown}` 变成了一个词；请去掉引号：portlab judge -- {program} {shown}"
            )));
        }
        let here = folder.map_or_else(std::env::current_dir, |it| Ok(it.to_owned()));
        let here = here.unwrap_or_default();
        let here = inert(&here.to_string_lossy());
        let Text { en, zh } = beside(&path);
        Err(Self::of_command(tr!(
            "{shown} doesn't exist in {here}; check the spelling and the folder{en}",
            "{here} 里没有 {shown}；请检查拼写和文件夹{zh}"
        )))
    }
}

/// Whether `word` begins with the name of a file that an interpreter runs.
fn is_script(word: &str) -> bool {
    let name = word.split_whitespace().next().unwrap_or_default();
    let extension = Path::new(name).extension();
    extension.is_some_and(|it| SCRIPTS.iter().any(|script| it == *script))
}

/// The files of the same kind beside `path`.
fn beside(path: &Path) -> Text {
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
    let entries = folder.unwrap_or(Path::new(".")).read_dir();
    let mut names: Vec<_> = entries
        .into_iter()
        .flatten()
        .filter_map(|it| Some(it.ok()?.path()))
        .filter(|it| it.extension() == path.extension())
        .filter_map(|it| Some(inert(&it.file_name()?.to_string_lossy())))
        .collect();
    names.sort();
    names.truncate(SHOWN);
    if names.is_empty() {
        return Text::default();
    }
    let names = names.join(", ");
    tr!(": it has {names}", "；文件夹里有：{names}")
}

/// The extensions of files that an interpreter runs.
const SCRIPTS: &[&str] = &["py", "js", "rb", "sh", "pl", "php", "lua", "jar", "java"];

/// How many names are shown.
const SHOWN: usize = 5;
