//! What several subcommands read from the command line, and the colours they share.

use std::{
    fmt::Display, ops::RangeInclusive, os::fd::AsFd, path::Path, str::FromStr, sync::OnceLock,
};

use anyhow::{Context, bail};
use clap::builder::{PossibleValue, PossibleValuesParser};
use portlab_backends::{MODELS, textbook::SUFFIX};
use portlab_lab::{quoted, workloads::WORKLOADS};
use portlab_service::SERVICES;
pub(crate) use portlab_words::style::{BAD, DIM, GOOD, HEAD, WARN};
use portlab_words::{Lang, tr};

use crate::choice;

/// Takes a model's name or a group's, and suggests the near one.
pub(crate) fn model_parser() -> PossibleValuesParser {
    PossibleValuesParser::new(names().chain(choice::groups()))
}

/// Takes a model's name, or that of its textbook twin, which is not suggested.
pub(crate) fn server_parser() -> PossibleValuesParser {
    PossibleValuesParser::new(names().chain(twins()))
}

/// Takes what [`model_parser`] and [`server_parser`] take, or `none`.
pub(crate) fn entrants_parser(none: &'static str) -> PossibleValuesParser {
    let none = PossibleValue::new(none).hide(true);
    let shown = names().chain(choice::groups());
    PossibleValuesParser::new(shown.chain(twins()).chain([none]))
}

fn names() -> impl Iterator<Item = PossibleValue> {
    let names = MODELS.iter().map(|model| model.sheet().name);
    names.map(PossibleValue::new)
}

fn twins() -> impl Iterator<Item = PossibleValue> {
    let twin = |name| PossibleValue::new(format!("{name}{SUFFIX}")).hide(true);
    let names = MODELS.iter().map(|model| model.sheet().name);
    names.map(twin)
}

/// Takes a workload's name, and suggests the near one.
pub(crate) fn workload_parser() -> PossibleValuesParser {
    PossibleValuesParser::new(WORKLOADS.iter().map(|workload| workload.name))
}

/// Takes a service's name, and suggests the near one.
pub(crate) fn service_parser() -> PossibleValuesParser {
    PossibleValuesParser::new(SERVICES.iter().map(|service| service.name))
}

/// The language of this run, which [`choose_lang`] chooses once; English before.
pub(crate) fn lang() -> Lang {
    LANG.get().copied().unwrap_or_default()
}

static LANG: OnceLock<Lang> = OnceLock::new();

/// Chooses the language of this run: that of `--lang`, of `PORTLAB_LANG`, or of the locale (`locale(7)`).
///
/// # Errors
/// When `PORTLAB_LANG` names a language that portlab doesn't have.
pub(crate) fn choose_lang(asked: Option<Lang>) -> anyhow::Result<()> {
    let set = |name: &str| std::env::var(name).ok().filter(|it| !it.is_empty());
    let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(set);
    let of_locale = Lang::of_locale(&locale.unwrap_or_default());
    let by_name = set("PORTLAB_LANG").map(|name| name.parse().map_err(|_| name));
    let (lang, unknown) = match (asked, by_name) {
        (Some(lang), _) | (None, Some(Ok(lang))) => (lang, None),
        (None, Some(Err(name))) => (of_locale, Some(name)),
        (None, None) => (of_locale, None),
    };
    LANG.get_or_init(|| lang);
    match unknown {
        Some(name) => bail!(tr!(
            lang,
            "unknown language {name:?} in PORTLAB_LANG: expected en or zh",
            "环境变量 PORTLAB_LANG 的值是 {name:?}，没有这种语言：请设为 en 或 zh"
        )),
        None => Ok(()),
    }
}

/// The message for a file that can't be written, with the remedy if the path is the reason; the error below it gives the
/// reason.
pub(crate) fn unwritten(file: &Path) -> String {
    let (name, parent) = (file.display(), file.parent());
    let missing = parent.filter(|it| !it.as_os_str().is_empty() && !it.exists());
    if let Some(folder) = missing {
        let folder = quoted([&*folder.to_string_lossy()]);
        return tr!(
            lang(),
            "can't write {name}; create its folder first (mkdir -p {folder})",
            "无法写入 {name}；请先创建它的文件夹（mkdir -p {folder}）"
        );
    }
    if file.is_dir() {
        return tr!(
            lang(),
            "can't write {name}, which is a folder; name a file in it",
            "无法写入 {name}，它是文件夹；请写出其中一个文件的名字"
        );
    }
    tr!(lang(), "can't write {name}", "无法写入 {name}")
}

/// The message of a program that can't find its own file, and so can't start itself again.
pub(crate) fn not_found() -> String {
    tr!(
        lang(),
        "can't find this program's own file",
        "找不到本程序自己的文件"
    )
}

/// The message of a command that ends by a signal, and can't catch that signal.
pub(crate) fn uncaught() -> String {
    tr!(
        lang(),
        "can't catch SIGINT and SIGTERM",
        "无法接收 SIGINT 和 SIGTERM 信号"
    )
}

/// The width of the terminal that stdout is; off a terminal, enough for every column.
pub(crate) fn terminal_width() -> usize {
    width_of(std::io::stdout()).unwrap_or(200)
}

/// The width for prose on stdout: that of the terminal, but wide lines are hard to read, and below 40
/// columns nothing can be laid out.
pub(crate) fn prose_width() -> usize {
    terminal_width().clamp(40, 80)
}

/// The width of the terminal that stderr is, if it is one.
pub(crate) fn stderr_width() -> Option<usize> {
    width_of(std::io::stderr())
}

fn width_of(stream: impl AsFd) -> Option<usize> {
    terminal_size::terminal_size_of(stream).map(|(width, _)| width.0.into())
}

/// Returns a parser of whole numbers of `range`.
pub(crate) fn whole<T>(range: RangeInclusive<T>) -> impl Fn(&str) -> anyhow::Result<T> + Clone
where
    T: FromStr + PartialOrd + Display + Clone,
{
    move |text| {
        let number = text.parse().ok().filter(|it| range.contains(it));
        let (least, most) = (range.start(), range.end());
        number.with_context(|| {
            tr!(
                "expected a whole number between {least} and {most}",
                "请写 {least} 到 {most} 之间的整数"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::whole;

    #[test]
    fn a_number_out_of_its_bounds_is_refused_with_the_bounds() {
        assert_eq!(whole(1..=u16::MAX)("65535").unwrap(), 65535);
        for text in ["0", "65536", "-1", "", "1.5", "99999999999999999999", "５"] {
            let error = whole(1..=u16::MAX)(text).unwrap_err().to_string();
            assert!(error.contains("between 1 and 65535"), "{text:?}: {error}");
        }
    }
}
