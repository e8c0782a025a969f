//! Servers that decode what they receive as text, as the first servers of many students do.
//!
//! Random bytes are valid in no encoding: the server's decoder fails, and the program, its thread or its connection
//! ends. The reason is on the server's own terminal only.

use portlab_words::Text;

use crate::{Payload, Sample};

/// Where the reason is if a server ends, or ends a connection.
pub(crate) const LOOK: Text =
    Text::new("look at your server's own terminal", "请看服务端自己的终端");

/// What to send instead of `payload`, if a server doesn't answer it as expected: a server that sends text of its own,
/// such as `came`, has a protocol; another may decode text, and some can't decode `payload`. `None` if every decoder
/// takes it.
pub(crate) fn advice(payload: &Payload, came: Option<&Sample>) -> Option<Text> {
    match payload {
        Payload::Random(_) if came.is_some_and(|it| it.bytes().starts_with(b"HTTP/")) => {
            Some(Text::new(
                "the server answers in HTTP: give a URL, such as http://127.0.0.1:8080/",
                "服务端用 HTTP 应答：请给出网址，如 http://127.0.0.1:8080/",
            ))
        }
        Payload::Random(_) if came.is_some_and(|it| is_line(it.bytes())) => Some(Text::new(
            "the server has a protocol of its own: give its requests and answers with --text and --expect; if it sends a \
             greeting first, add --greeting",
            "服务端有自己的协议：请用 --text 和 --expect 给出请求和响应；如果它先发送欢迎语，请加上 --greeting",
        )),
        Payload::Random(_) => Some(Text::new(
            "a server that decodes text can't decode the random bytes that are sent: try --text 你好 --encoding gbk, or \
             --encoding utf-8",
            "解码文本的服务端无法解码所发送的随机字节：请试试 --text 你好 --encoding gbk，或 --encoding utf-8",
        )),
        Payload::Always(message) => other_encoding(message),
        Payload::Template(template) => other_encoding(&template.literal()),
    }
}

/// Whether `came` is 16 bytes of ASCII text or more: random bytes are that with a probability below one in a million.
fn is_line(came: &[u8]) -> bool {
    let is_text = |byte: &u8| (b' '..=b'~').contains(byte) || b"\r\n\t".contains(byte);
    came.len() >= 16 && came.iter().all(is_text)
}

/// The other encoding than that of `message`.
fn other_encoding(message: &[u8]) -> Option<Text> {
    if message.is_ascii() {
        return None;
    }
    Some(match std::str::from_utf8(message) {
        Ok(_) => Text::new(
            "a server that decodes text may expect another encoding than UTF-8: try --encoding gbk",
            "解码文本的服务端可能不使用所发送的 UTF-8：请试试 --encoding gbk",
        ),
        Err(_) => Text::new(
            "a server that decodes text may expect UTF-8, and the message isn't UTF-8: try --encoding utf-8",
            "解码文本的服务端可能使用 UTF-8，而发送的不是 UTF-8：请试试 --encoding utf-8",
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_advice_is_the_encoding_that_was_not_sent() {
        let advised =
            |message: &[u8]| advice(&Payload::Always(message.into()), None).map(|it| it.zh);
        assert_eq!(advised(b"hello\n"), None);
        let utf_8 = advised("你好".as_bytes()).unwrap();
        assert!(utf_8.contains("--encoding gbk"), "{utf_8}");
        let gbk = advised(b"\xc4\xe3\xba\xc3").unwrap();
        assert!(gbk.contains("--encoding utf-8"), "{gbk}");
        let came = |bytes: &[u8]| {
            let advice = advice(&Payload::Random(64..=64), Some(&Sample::of(bytes, 60)));
            advice.unwrap().en
        };
        let http = came(b"HTTP/1.1 400 Bad Request\r\n");
        assert!(http.contains("give a URL"), "{http}");
        let greeting = came(b"220 localhost ready\r\n");
        assert!(greeting.contains("--greeting"), "{greeting}");
        assert!(came(b"-ERR unknown command '\xce'").contains("--encoding gbk"));
        let random = advice(&Payload::Random(64..=64), None).unwrap();
        for text in [random.en, random.zh] {
            assert!(text.contains("--text 你好 --encoding gbk"), "{text}");
        }
    }
}
