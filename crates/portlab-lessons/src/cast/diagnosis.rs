//! What is wrong with a student's program, found in what it sent, and what to change.
//!
//! The functions are pure: they get the bytes, and say what a beginner can do.

use std::time::Duration;

use portlab_service::{inert, is_private};
use portlab_words::{Lang, tr};

use super::{encoding, hex, read_as};

/// What a student's program did, other than its lesson asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The bytes of a text that isn't in GBK.
    Text(Flaw, Vec<u8>),
    /// It closed the connection without sending a byte.
    ClosedAtOnce,
    /// It reset the connection without sending a byte.
    Reset,
    /// It is connected, and has sent nothing for this long.
    Silent(Duration),
    /// No program listens at the port; perhaps the one that is named listens at another port.
    Refused(u16, Option<(String, u16)>),
    /// The program that the lesson runs in the student's place ended with this error.
    Failed(String),
}

/// Why bytes aren't a text in GBK.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// They are this text in UTF-8.
    Utf8(String),
    /// They are UTF-16: every other byte of English text is 0.
    Utf16,
    /// They are what Python prints of bytes: `b'\xc4\xe3'`.
    Printed,
    /// The last byte is half a character.
    Cut,
    /// They are binary data.
    NoText,
}

/// The part of the student's program in its lesson.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Client,
    Server,
}

/// What is wrong with `bytes`, which should be a text in GBK; `None` for a text in GBK.
pub(crate) fn fault_in(bytes: &[u8]) -> Option<Fault> {
    flaw_in(bytes).map(|flaw| Fault::Text(flaw, bytes.to_vec()))
}

fn flaw_in(bytes: &[u8]) -> Option<Flaw> {
    if bytes.contains(&0) {
        return Some(Flaw::Utf16);
    }
    if bytes.starts_with(b"b'") || bytes.starts_with(b"b\"") {
        return Some(Flaw::Printed);
    }
    let is_gbk = |bytes: &[u8]| {
        let text = read_as(encoding("gbk"), bytes);
        !text.chars().any(|it| it == '\u{fffd}' || is_private(it))
    };
    if let Ok(text) = str::from_utf8(bytes) {
        // Two bytes of GBK may be a Latin or Greek letter in UTF-8 by chance, but hardly three a Chinese character.
        let is_chinese = text.chars().any(|it| it >= '\u{2000}');
        return (is_chinese || !is_gbk(bytes)).then(|| Flaw::Utf8(text.to_owned()));
    }
    match bytes.split_last() {
        _ if is_gbk(bytes) => None,
        Some((0x81.., rest)) if is_gbk(rest) => Some(Flaw::Cut),
        _ => Some(Flaw::NoText),
    }
}

impl Fault {
    /// What happened, and what to change in the program that plays `role`.
    pub(crate) fn said(&self, role: Role, lang: Lang) -> String {
        match self {
            Self::Text(flaw, bytes) => flaw.said(bytes, lang),
            Self::ClosedAtOnce | Self::Reset => self.ended(role, lang),
            Self::Silent(time) => {
                let seconds = time.as_secs();
                match role {
                    Role::Client => tr!(
                        lang,
                        "The client is connected, and no byte has come for {seconds} s. After connect() the program must call \
                         send(): does it wait in input() or recv() before that?",
                        "客户端已经连接，但 {seconds} 秒里一个字节也没有发来。connect() 之后要调用 send()：程序是不是先停在 input() 或 \
                         recv() 里了？",
                    ),
                    Role::Server => tr!(
                        lang,
                        "The server accepted the connection, and no byte came for {seconds} s. After recv() the program must call \
                         client.send(): does it wait in a second recv()?",
                        "服务端接受了连接，但 {seconds} 秒里一个字节也没有发来。recv() 之后要调用 client.send()：程序是不是又停在第二个 \
                         recv() 里了？",
                    ),
                }
            }
            Self::Refused(port, None) => tr!(
                lang,
                "No program listens at port {port} yet: the connection was refused. Start your server in another terminal; \
                 the port in bind() must be {port}, and listen() must be called after bind().",
                "还没有程序在监听 {port} 号端口：连接被拒绝。请在另一个终端启动你的服务端；bind() 里的端口号必须是 {port}，bind() \
                 之后还要调用 listen()。",
            ),
            Self::Refused(port, Some((by, other))) => tr!(
                lang,
                "No program listens at port {port} yet: the connection was refused. {by} listens at port {other}: if that is \
                 your server, start it again with port {port}.",
                "还没有程序在监听 {port} 号端口：连接被拒绝。{by} 在监听 {other} 号端口：如果那是你的服务端，请用 {port} 号端口重新启动。",
            ),
            Self::Failed(error) => {
                let error = inert(error);
                tr!(
                    lang,
                    "The Python program that this lesson runs ended with an error: {error}. Check whether `python3` works \
                     here: portlab doctor",
                    "演示程序运行的 Python 程序出错结束：{error}。请检查这里的 python3 能不能用：portlab doctor",
                )
            }
        }
    }

    fn ended(&self, role: Role, lang: Lang) -> String {
        let how = match self {
            Self::Reset => lang.pick("reset", "复位"),
            _ => lang.pick("closed", "关闭"),
        };
        match role {
            Role::Client => tr!(
                lang,
                "The client connected, and {how} the connection without sending a byte. Look at its terminal: an error is in \
                 the last line. Without an error, call send() between connect() and close().",
                "客户端连接以后，一个字节也没有发送就{how}了连接。请看它的终端：最后一行就是错误。没有错误，就在 connect() 和 close() \
                 之间调用 send()。",
            ),
            Role::Server => tr!(
                lang,
                "The server {how} the connection before a byte came. Look at the terminal in which server.py runs: the last \
                 line is the reason. Often it is decode() instead of decode(\"gbk\"), or server.recv() instead of client.recv(). \
                 Without an error, call client.send() before close().",
                "服务端{how}了连接，一个字节也没有发来。请看运行 server.py 的终端：最后一行就是原因。常见的有：decode(\"gbk\") 写成了 \
                 decode()，client.recv() 写成了 server.recv()。没有错误，就在 close() 之前调用 client.send()。",
            ),
        }
    }
}

impl Flaw {
    fn said(&self, bytes: &[u8], lang: Lang) -> String {
        let length = bytes.len();
        match self {
            Self::Utf8(text) => {
                let (text, as_gbk) = (inert(text), read_as(encoding("gbk"), bytes));
                let as_gbk = match as_gbk.contains('\u{fffd}') {
                    true => lang.pick("not GBK", "不是 GBK").to_owned(),
                    false => {
                        let as_gbk = inert(&as_gbk);
                        tr!(lang, "as GBK: {as_gbk}", "按 GBK 解码：{as_gbk}")
                    }
                };
                tr!(
                    lang,
                    "{length} bytes came; {as_gbk}; as UTF-8: {text}. Change encode() to encode(\"gbk\").",
                    "收到 {length} 个字节；{as_gbk}；按 UTF-8 解码：{text}。请把 encode() 改成 encode(\"gbk\")。",
                )
            }
            Self::Utf16 => tr!(
                lang,
                "{length} bytes came, some of them 0, as in UTF-16. Use encode(\"gbk\") in send().",
                "收到 {length} 个字节，其中有 0，像是 UTF-16 编码。send() 里请用 encode(\"gbk\")。",
            ),
            Self::Printed => tr!(
                lang,
                "{length} bytes came, which show bytes as Python prints them: b'...'. Don't use str() on bytes; send the text \
                 itself, with encode(\"gbk\").",
                "收到 {length} 个字节，内容是 Python 打印字节串的样子：b'...'。不要对字节串用 str()；请用 encode(\"gbk\") 发送文字本身。",
            ),
            Self::Cut => tr!(
                lang,
                "{length} bytes came; in GBK the last one is half a character. Send the whole text at once: \
                 send(text.encode(\"gbk\")).",
                "收到 {length} 个字节；按 GBK 解码，最后一个字节只是半个字。请一次发送全部文字：send(text.encode(\"gbk\"))。",
            ),
            Self::NoText => {
                let shown = hex(&bytes[..length.min(16)]);
                tr!(
                    lang,
                    "{length} bytes came, which are text neither in GBK nor in UTF-8: {shown}. Send text with encode(\"gbk\").",
                    "收到 {length} 个字节，按 GBK 和 UTF-8 都不能解码：{shown}。请用 encode(\"gbk\") 发送文字。",
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gbk(text: &str) -> Vec<u8> {
        encoding("gbk").encode(text).unwrap()
    }

    #[test]
    fn a_text_in_gbk_has_no_flaw() {
        // "模" in GBK is a Latin letter in UTF-8.
        for text in ["你好，服务端！", "hello", "收到！\r\n", "模", ""] {
            assert_eq!(flaw_in(&gbk(text)), None, "{text}");
        }
    }

    #[test]
    fn each_flaw_is_told_from_the_others() {
        let utf16: Vec<u8> = "hi".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (bytes, expected) in [
            ("收到！".as_bytes(), Flaw::Utf8("收到！".into())),
            ("你好".as_bytes(), Flaw::Utf8("你好".into())),
            (&utf16, Flaw::Utf16),
            (br"b'\xc4\xe3'", Flaw::Printed),
            (&gbk("你好")[..3], Flaw::Cut),
            (b"\xff\xff\xff\xff", Flaw::NoText),
            // Big5.
            (&encoding("big5").encode("你好").unwrap(), Flaw::NoText),
        ] {
            assert_eq!(flaw_in(bytes), Some(expected), "{bytes:x?}");
        }
    }

    #[test]
    fn a_wrong_encoding_is_named_with_the_change() {
        let said = |text: &str| {
            fault_in(text.as_bytes())
                .unwrap()
                .said(Role::Client, Lang::En)
        };
        // The nine bytes are an odd number, and so can't be three or four characters of GBK.
        assert_eq!(
            said("收到！"),
            "9 bytes came; not GBK; as UTF-8: 收到！. Change encode() to encode(\"gbk\")."
        );
        assert_eq!(
            said("你好"),
            "6 bytes came; as GBK: 浣犲ソ; as UTF-8: 你好. Change encode() to encode(\"gbk\")."
        );
    }

    #[test]
    fn each_fault_says_what_to_do_in_both_languages_and_roles() {
        let ten = Duration::from_secs(10);
        let other = Some(("python3 (pid 7)".to_owned(), 9000));
        for (fault, role, words) in [
            (Fault::ClosedAtOnce, Role::Client, ["send()", "close()"]),
            (Fault::Reset, Role::Server, ["server.py", "server.recv()"]),
            (Fault::Silent(ten), Role::Client, ["10", "input()"]),
            (Fault::Silent(ten), Role::Server, ["10", "client.send()"]),
            (
                Fault::Refused(8080, None),
                Role::Server,
                ["8080", "listen()"],
            ),
            (
                Fault::Refused(8080, other),
                Role::Server,
                ["9000", "python3 (pid 7)"],
            ),
            (
                Fault::Failed("OSError: \x1b[2J".into()),
                Role::Client,
                ["OSError: ␛", "doctor"],
            ),
        ] {
            for lang in Lang::ALL {
                let said = fault.said(role, lang);
                for word in words {
                    assert!(said.contains(word), "{word} is not in {said}");
                }
            }
        }
        let [closed, reset] =
            [Fault::ClosedAtOnce, Fault::Reset].map(|it| it.said(Role::Client, Lang::Zh));
        assert_ne!(closed, reset);
    }
}
