//! Help in Chinese: of portlab, and of the commands that a class uses. The English is clap's, made from the options.

use clap::Command;

/// The pages of the commands.
const PAGES: &[(&str, &str)] = &[
    ("assist", include_str!("help/assist.zh.txt")),
    #[cfg(feature = "class")]
    ("class", include_str!("help/class.zh.txt")),
    ("judge", include_str!("help/judge.zh.txt")),
    ("lesson", include_str!("help/lesson.zh.txt")),
];

/// `command`, which is portlab, with its pages of help in Chinese.
pub(crate) fn in_chinese(command: Command) -> Command {
    let command = command.override_help(include_str!("help/portlab.zh.txt"));
    PAGES.iter().fold(command, |command, (name, page)| {
        command.mut_subcommand(name, |it| it.override_help(*page))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::CommandFactory;
    use unicode_width::UnicodeWidthStr;

    use super::*;
    use crate::Cli;

    #[test]
    fn a_page_in_chinese_has_the_options_and_commands_of_the_english_one() {
        let mut portlab = in_chinese(Cli::command());
        portlab.build();
        for command in [&portlab].into_iter().chain(portlab.get_subcommands()) {
            let name = command.get_name();
            let page = match PAGES.iter().find(|(of, _)| *of == name) {
                Some((_, page)) => page,
                None if name == "portlab" => include_str!("help/portlab.zh.txt"),
                None => continue,
            };
            let shown: Vec<_> = command
                .get_arguments()
                .filter(|it| !it.is_hide_set())
                .collect();
            let options: BTreeSet<_> = shown.iter().filter_map(|it| it.get_long()).collect();
            let entries = page.lines().filter(|it| it.trim_start().starts_with('-'));
            let entries = entries.filter_map(|it| it.split("--").nth(1));
            let written: BTreeSet<_> = entries.filter_map(|it| it.split(' ').next()).collect();
            assert_eq!(written, options, "{name}");
            for arg in shown {
                let values = arg.get_value_names().unwrap_or_default();
                let takes = arg.get_action().takes_values();
                for value in values.iter().filter(|_| takes) {
                    assert!(page.contains(value.as_str()), "{name}: {value}");
                }
                for value in arg.get_default_values().iter().filter(|_| takes) {
                    let value = value.to_string_lossy();
                    assert!(page.contains(&*value), "{name}: {value}");
                }
            }
            for of in command.get_subcommands().filter(|it| !it.is_hide_set()) {
                let entry = format!("\n  {:13}", of.get_name());
                assert!(page.contains(&entry), "{entry}");
            }
            for line in page.lines() {
                assert!(line.width() <= 80, "{name}: {line}");
            }
        }
    }
}
