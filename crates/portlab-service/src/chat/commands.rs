//! The commands of the chat. A new one is an entry here, and a request to the hub.

use self::Action::Ask;
use super::request::Request;
use crate::nearest;

/// A command, as /help shows it.
pub(super) struct Command {
    name: &'static str,
    /// Its arguments; none if this is empty.
    takes: &'static str,
    about: &'static str,
    /// Reads the arguments; `None` if they are wrong.
    read: for<'a> fn(&'a str) -> Option<Action<'a>>,
}

/// What a line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Action<'a> {
    /// A request to the hub.
    Ask(Request<'a>),
    /// Another encoding, by its label.
    Speak(&'a str),
    /// The list of commands.
    Help,
    /// The end.
    Quit,
}

const COMMANDS: &[Command] = &[
    command("/nick", "NAME", "take another name", |rest| {
        some(rest).map(|name| Ask(Request::Nick(name)))
    }),
    command("/join", "ROOM", "go to another room, or open it", |rest| {
        some(rest).map(|room| Ask(Request::Join(room)))
    }),
    command("/rooms", "", "which rooms there are", |_| {
        Some(Ask(Request::Rooms))
    }),
    command("/who", "", "who is in this room", |_| {
        Some(Ask(Request::Who))
    }),
    command(
        "/msg",
        "NAME TEXT",
        "say something to one member alone",
        |rest| {
            let (name, text) = rest.split_once(' ')?;
            some(text).map(|text| Ask(Request::Tell(name, text)))
        },
    ),
    command("/me", "TEXT", "say what you do", |rest| {
        some(rest).map(|text| Ask(Request::Act(text)))
    }),
    command(
        "/encoding",
        "NAME",
        "read and write in utf-8, gbk, gb18030, big5, shift_jis, ...",
        |rest| some(rest).map(Action::Speak),
    ),
    command("/help", "", "this list", |_| Some(Action::Help)),
    command("/quit", "", "leave", |_| Some(Action::Quit)),
];

const fn command(
    name: &'static str,
    takes: &'static str,
    about: &'static str,
    read: for<'a> fn(&'a str) -> Option<Action<'a>>,
) -> Command {
    Command {
        name,
        takes,
        about,
        read,
    }
}

fn some(text: &str) -> Option<&str> {
    let text = text.trim();
    (!text.is_empty()).then_some(text)
}

/// Reads what `line` asks for.
///
/// # Errors
/// With a text for the member, when the command is unknown or its arguments are wrong.
pub(super) fn read(line: &str) -> Result<Action<'_>, String> {
    if !line.starts_with('/') {
        return Ok(Ask(Request::Line(line)));
    }
    let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        let known = COMMANDS.iter().map(|command| command.name);
        let near =
            nearest(name, known).map_or_else(String::new, |near| format!("did you mean {near}? "));
        return Err(format!(
            "unknown command {name}; {near}/help lists the commands"
        ));
    };
    (command.read)(rest.trim_start()).ok_or_else(|| format!("write {name} {}", command.takes))
}

/// The list of commands, a line each.
pub(super) fn help() -> impl Iterator<Item = String> {
    COMMANDS.iter().map(|it| {
        let usage = format!("{} {}", it.name, it.takes);
        format!("{usage:<16} {}", it.about)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_with_their_arguments() {
        let ask = |request| Ok(Ask(request));
        assert_eq!(read("hello /quit"), ask(Request::Line("hello /quit")));
        assert_eq!(read("/nick  bob "), ask(Request::Nick("bob")));
        assert_eq!(read("/msg bob a b"), ask(Request::Tell("bob", "a b")));
        assert_eq!(read("/encoding gbk"), Ok(Action::Speak("gbk")));
        assert_eq!(read("/quit now"), Ok(Action::Quit));
        for (line, told) in [
            ("/msg bob", "write /msg NAME TEXT"),
            ("/join ", "write /join ROOM"),
            ("/jion tea", "did you mean /join?"),
            ("/xyzzyplugh", "unknown command /xyzzyplugh; /help"),
        ] {
            let error = read(line).unwrap_err();
            assert!(error.contains(told), "{line}: {error}");
        }
    }
}
