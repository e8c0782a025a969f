//! `--send` and `--hex`: the texts and bytes to send, in the order in which they are given.

use std::{ffi::OsString, os::unix::ffi::OsStringExt};

use anyhow::bail;
use clap::{
    Arg, ArgAction, ArgGroup, ArgMatches, Command, FromArgMatches,
    builder::{OsStringValueParser, StringValueParser, TypedValueParser, ValueParser},
};
use portlab_load::{bytes_of_hex, unescape};
use portlab_service::TextEncoding;
use portlab_words::tr;

use super::sender::Outgoing;

/// A text or bytes to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// A text, with its escapes already read.
    Text(String),
    /// A text that is not in UTF-8, such as one from a terminal in GBK.
    Foreign(Vec<u8>),
    /// Bytes, which are sent unchanged.
    Bytes(Vec<u8>),
}

/// All texts and bytes to send, in order.
// `clap::Args` is implemented by hand, because the derive macro keeps the order within one option only.
#[derive(Clone, Debug, Default)]
pub(super) struct Messages(Vec<Message>);

impl Messages {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same, with every text that is not in UTF-8 read in `input`.
    ///
    /// # Errors
    /// When one isn't in that encoding, or has a wrong escape.
    pub(super) fn in_encoding(&self, input: TextEncoding) -> anyhow::Result<Self> {
        let read = |message: &Message| match message {
            Message::Foreign(bytes) => {
                let mut text = String::new();
                if !input.decoder().decode(bytes, true, &mut text) {
                    let name = input.name();
                    bail!(tr!(
                        "--send {text:?} is not in {name}; name the encoding of the terminal, as in \
                         --input-encoding gbk",
                        "--send {text:?} 不是 {name} 编码；请写明终端的编码，比如 --input-encoding gbk"
                    ));
                }
                Ok(Message::Text(unescape(&text)?))
            }
            message => Ok(message.clone()),
        };
        let all = self.0.iter().map(read);
        Ok(Self(all.collect::<anyhow::Result<_>>()?))
    }

    /// What is to be sent: each text is followed by a line end if `line` is set.
    pub(super) fn outgoing(&self, line: bool) -> impl Iterator<Item = Outgoing> + Send + 'static {
        self.0
            .clone()
            .into_iter()
            .map(move |message| match message {
                Message::Text(text) if line => Outgoing::Text(text + "\n"),
                Message::Text(text) => Outgoing::Text(text),
                Message::Bytes(bytes) | Message::Foreign(bytes) => Outgoing::Bytes(bytes),
            })
    }
}

impl clap::Args for Messages {
    fn augment_args(command: Command) -> Command {
        let text = |text: OsString| match text.into_string() {
            Ok(text) => unescape(&text).map(Message::Text),
            Err(text) => Ok(Message::Foreign(text.into_vec())),
        };
        let bytes = |text: String| bytes_of_hex(&text).map(Message::Bytes);
        let send = option(
            "send",
            "TEXT",
            ValueParser::from(OsStringValueParser::new().try_map(text)),
        );
        let hex = option(
            "hex",
            "BYTES",
            ValueParser::from(StringValueParser::new().try_map(bytes)),
        );
        command
            .arg(send.help(
                "Send this text, with the escapes \\r \\n \\t \\0 \\\\ \\x41 and no line end of its \
                 own; may be given several times",
            ))
            .arg(hex.help(
                "Send these bytes as they are, as in \"c4 e3 ba c3\"; may be given several times, and \
                 goes in order with --send",
            ))
            .group(ArgGroup::new("messages").args(["send", "hex"]).multiple(true))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

fn option(name: &'static str, value: &'static str, parser: ValueParser) -> Arg {
    Arg::new(name)
        .long(name)
        .value_name(value)
        .value_parser(parser)
        .action(ArgAction::Append)
}

impl FromArgMatches for Messages {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut messages = Self::default();
        messages.update_from_arg_matches(matches)?;
        Ok(messages)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        let of = |name| {
            let indices = matches.indices_of(name).into_iter().flatten();
            indices.zip(matches.get_many::<Message>(name).into_iter().flatten())
        };
        let mut all: Vec<_> = of("send").chain(of("hex")).collect();
        all.sort_by_key(|&(index, _)| index);
        self.0 = all
            .into_iter()
            .map(|(_, message)| message.clone())
            .collect();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use clap::Args as _;

    use super::*;

    fn parse(words: &[&str]) -> Result<Vec<Message>, clap::Error> {
        let command = Messages::augment_args(Command::new("connect").no_binary_name(true));
        let matches = command.try_get_matches_from(words)?;
        Messages::from_arg_matches(&matches).map(|messages| messages.0)
    }

    #[test]
    fn texts_and_bytes_keep_the_order_in_which_they_are_given() {
        let text = |text: &str| Message::Text(text.to_owned());
        let bytes = |bytes: &[u8]| Message::Bytes(bytes.to_vec());
        let words = [
            "--hex=c4 e3",
            "--send",
            "a\\r\\n",
            "--send=b",
            "--hex",
            "00",
        ];
        let expected = [bytes(b"\xc4\xe3"), text("a\r\n"), text("b"), bytes(b"\0")];
        assert_eq!(parse(&words).unwrap(), expected);
        assert_eq!(parse(&[]).unwrap(), []);
    }

    #[test]
    fn an_invalid_message_is_refused_with_the_remedy() {
        for (word, remedy) in [("--send=\\q", "\\r \\n"), ("--hex=5", "pairs of digits")] {
            let error = parse(&[word]).unwrap_err().to_string();
            assert!(error.contains(remedy), "{error}");
        }
    }
}
