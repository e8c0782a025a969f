//! `--script chat`: members in rooms send messages and receive them.

use anyhow::bail;
use portlab_load::{Chat, ChatEncoding, RunId, Script};
use portlab_service::{ChatLimits, TextEncoding};
use portlab_words::tr;

use super::{Args, plan};

/// The end of every message: characters that have one to four bytes, depending on the encoding, and some
/// whose second byte is a backslash or a bracket.
const FILLER: &str = "你好，世界：功能許蓋譏";

/// The script of a chat.
pub(super) fn script(args: &Args) -> anyhow::Result<Script> {
    if args.pace.rate.is_some_and(plan::Rates::is_range) {
        bail!(tr!(
            "--script chat takes one --rate; a ladder is for requests",
            "--script chat 只接受一个 --rate；逐级加载只用于请求"
        ));
    }
    let size = *plan::size(&args.script).end();
    let longest = ChatLimits::default().line_bytes - NAME;
    if size > longest {
        bail!(tr!(
            "--size {size} is too long for a chat; a line of it has at most {longest} bytes",
            "--size {size} 对聊天来说太长；一行最多 {longest} 字节"
        ));
    }
    let encodings = match args.script.encodings.as_slice() {
        [] => &[args.script.encoding],
        encodings => encodings,
    };
    let chat = Chat {
        rooms: usize::try_from(args.script.rooms)?,
        encodings: chat_encodings(encodings, size),
        run: RunId::random(),
    };
    Ok(Script::chat(chat, size))
}

/// The messages' text in each of `encodings`, about `size` bytes in UTF-8.
pub(crate) fn chat_encodings(encodings: &[TextEncoding], size: usize) -> Vec<ChatEncoding> {
    let fill = |text: &str| {
        let mut filler: String = text
            .chars()
            .scan(0, |length, character| {
                *length += character.len_utf8();
                (*length + NUMBER < size).then_some(character)
            })
            .collect();
        while filler.len() + NUMBER < size {
            filler.push('x');
        }
        filler + "."
    };
    let encoded = |filler: &str| {
        let one = |encoding: &TextEncoding| {
            let filler = encoding.encode(filler).ok()?;
            let label = encoding.name().to_owned();
            Some(ChatEncoding { label, filler })
        };
        encodings.iter().map(one).collect::<Option<Vec<_>>>()
    };
    // Not every encoding can carry Chinese; all of them carry ASCII.
    encoded(&fill(FILLER))
        .or_else(|| encoded(&fill("")))
        .unwrap_or_default()
}

/// Room for the sender's name, which the chat puts before a message.
const NAME: usize = 16;

/// The length that is assumed for a message's number.
const NUMBER: usize = 6;
