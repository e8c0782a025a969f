//! An error about the command line, in Chinese. Its English is clap's own.

use std::error::Error as _;

use clap::error::{ContextKind as Part, ContextValue as Value, Error, ErrorKind as Kind};

use crate::args::BAD;

/// The text of `error`, ending in a line end. `None` if the error is of a kind that a user can't cause, or is help.
pub(crate) fn in_chinese(error: &Error) -> Option<String> {
    let what = what(error)?;
    let mut text = format!("{BAD}错误：{BAD:#}{what}\n");
    let choices = [Part::ValidValue, Part::ValidSubcommand];
    for choices in choices.into_iter().filter_map(|it| several(error, it)) {
        text += &format!("  可选的值：{choices}\n");
    }
    let near = [
        Part::SuggestedValue,
        Part::SuggestedArg,
        Part::SuggestedSubcommand,
    ];
    for near in near.into_iter().filter_map(|it| several(error, it)) {
        text += &format!("  您想写的是不是：{near}\n");
    }
    if let Some(Value::StyledStr(usage)) = error.get(Part::Usage) {
        let usage = usage.to_string();
        let usage = usage.trim().trim_start_matches("Usage:").trim_start();
        let usage = usage.replace("[OPTIONS]", "[选项]");
        text += &format!("\n用法：{usage}\n");
    }
    Some(text + "\n完整说明：在命令后面加上 --help\n")
}

/// What is wrong.
fn what(error: &Error) -> Option<String> {
    let part = |it| several(error, it).unwrap_or_default();
    let (arg, value) = (part(Part::InvalidArg), part(Part::InvalidValue));
    Some(match error.kind() {
        Kind::InvalidValue if value.is_empty() => format!("{arg} 后面要写一个值"),
        Kind::InvalidValue | Kind::ValueValidation => {
            // The alternate form of portlab's errors is their Chinese.
            let why = error.source().map(|why| format!("：{why:#}"));
            format!("{arg} 的值 '{value}' 无效{}", why.unwrap_or_default())
        }
        Kind::UnknownArgument if arg.starts_with('-') => format!("没有 {arg} 这个选项"),
        Kind::UnknownArgument => format!("'{arg}' 是多余的"),
        Kind::InvalidSubcommand => format!("没有 {} 这个命令", part(Part::InvalidSubcommand)),
        Kind::NoEquals => format!("{arg} 和它的值之间要写 ="),
        Kind::TooManyValues => format!("{arg} 的值太多：'{value}' 是多余的"),
        Kind::TooFewValues | Kind::WrongNumberOfValues => format!("{arg} 的值太少"),
        Kind::ArgumentConflict => match part(Part::PriorArg) {
            prior if prior == arg => format!("{arg} 只能写一次"),
            prior => format!("{arg} 不能和 {prior} 一起使用"),
        },
        Kind::MissingRequiredArgument => format!("缺少 {arg}"),
        Kind::MissingSubcommand => "缺少命令".to_owned(),
        _ => return None,
    })
}

/// A part of `error`, with commas if it has several texts.
fn several(error: &Error, part: Part) -> Option<String> {
    match error.get(part)? {
        Value::String(text) => Some(text.clone()),
        Value::Strings(texts) if !texts.is_empty() => Some(texts.join("、")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Cli;
    use clap::Parser;

    #[test]
    fn an_error_about_the_command_line_has_a_chinese_text() {
        for (words, said) in [
            (
                "assist --encoding gkb",
                "--encoding <LABEL> 的值 'gkb' 无效：没有",
            ),
            ("assist --encoding", "--encoding <LABEL> 后面要写一个值"),
            (
                "serve --workers 0",
                "--workers <N> 的值 '0' 无效：请写 1 到 65535 之间的整数",
            ),
            ("assist --bogus", "没有 --bogus 这个选项"),
            ("assist 1 2", "'2' 是多余的"),
            ("assit", "没有 assit 这个命令"),
            ("assit", "您想写的是不是：assist"),
            ("judge --as htp", "您想写的是不是：http"),
            ("judge --as htp", "可选的值：echo、"),
            ("assist --eol lf --eol lf", "--eol <END> 只能写一次"),
            ("load", "缺少 <"),
            ("lesson --fast", "缺少 --auto"),
            ("lesson --export slides", "--export <KIND> <DIR> 的值太少"),
            ("proxy 1 2 --bogus", "用法：portlab proxy [选项]"),
        ] {
            let words = ["portlab"].into_iter().chain(words.split(' '));
            let error = Cli::try_parse_from(words.clone()).unwrap_err();
            let told = in_chinese(&error).unwrap();
            let words: Vec<_> = words.collect();
            assert!(told.contains(said), "{words:?}: {said} is not in {told}");
        }
        let help = Cli::try_parse_from(["portlab", "assist", "--help"]).unwrap_err();
        assert_eq!(in_chinese(&help), None);
    }
}
