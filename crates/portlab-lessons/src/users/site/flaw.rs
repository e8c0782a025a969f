//! What is wrong with the responses of a student's web server, and what to change. The functions are pure.

use portlab_service::inert;
use portlab_words::{Lang, tr};

use super::Received;

/// What is wrong with a web server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// It closed the connection without a response.
    Closed,
    /// It sent nothing for ten seconds.
    Silent,
    /// The response begins with this line, which is no status line.
    NoStatusLine(String),
    /// The lines of the head end with `\n` alone.
    BareNewlines,
    /// No empty line follows the headers.
    NoEmptyLine,
    /// The status line is this one.
    Status(String),
    /// Content-Length says so many bytes, and so many came, which are so many characters.
    Length(usize, usize, usize),
    /// There is no Content-Length, and the connection stays open.
    NoEnd,
    /// The path of a missing page got this status line, not 404.
    NotMissing(String),
    /// A connection without a request ended the server.
    Ended,
    /// It sent a file from outside of its folder to this path.
    Leaked(&'static str),
}

impl Received {
    /// The head up to the empty line, and the body; `None` without an empty line.
    fn parts(&self) -> Option<(String, &[u8])> {
        let mut places = 0..self.bytes.len();
        let end = places.find(|&at| self.bytes[at..].starts_with(b"\r\n\r\n"))?;
        let head = String::from_utf8_lossy(&self.bytes[..end]).into_owned();
        Some((head, &self.bytes[end + 4..]))
    }

    /// The first line.
    pub(crate) fn status(&self) -> String {
        let text = String::from_utf8_lossy(&self.bytes);
        inert(text.lines().next().unwrap_or_default())
    }

    /// The body, with U+FFFD for malformed bytes; empty without an empty line.
    pub(crate) fn body(&self) -> String {
        let body = self.parts().map_or(&[][..], |(_, body)| body);
        String::from_utf8_lossy(body).into_owned()
    }

    /// Whether the body is as long as the head says.
    pub(super) fn is_complete(&self) -> bool {
        let parts = self.parts();
        parts.is_some_and(|(head, body)| length(&head).is_some_and(|it| it <= body.len()))
    }
}

/// The value of Content-Length.
fn length(head: &str) -> Option<usize> {
    let mut headers = head.lines().filter_map(|line| line.split_once(':'));
    let found = headers.find(|(name, _)| name.eq_ignore_ascii_case("Content-Length"));
    found.and_then(|(_, value)| value.trim().parse().ok())
}

/// What is wrong with the response to a request for a page that exists; `None` if nothing is.
pub(crate) fn flaw_in(received: &Received) -> Option<Flaw> {
    let status = received.status();
    if received.bytes.is_empty() {
        return Some(match received.ended {
            true => Flaw::Closed,
            false => Flaw::Silent,
        });
    }
    if !status.starts_with("HTTP/1.") {
        return Some(Flaw::NoStatusLine(status.chars().take(40).collect()));
    }
    let Some((head, body)) = received.parts() else {
        let has_empty_line = received.bytes.windows(2).any(|it| it == b"\n\n");
        return Some(match has_empty_line {
            true => Flaw::BareNewlines,
            false => Flaw::NoEmptyLine,
        });
    };
    match length(&head) {
        None if !received.ended => return Some(Flaw::NoEnd),
        Some(said) if said != body.len() => {
            let characters = String::from_utf8_lossy(body).chars().count();
            return Some(Flaw::Length(said, body.len(), characters));
        }
        _ => {}
    }
    let is_found = status.split(' ').nth(1) == Some("200");
    (!is_found).then_some(Flaw::Status(status))
}

impl Flaw {
    /// What happened, and what to change.
    pub(crate) fn said(&self, lang: Lang) -> String {
        match self {
            Self::Closed => tr!(
                lang,
                "The server closed the connection without a response. Look at its terminal: an error is in the last line.",
                "服务端没有返回响应就关闭了连接。请看它的终端：出错的话，最后一行就是原因。",
            ),
            Self::Silent => tr!(
                lang,
                "No response came for 10 s. After recv() the program must call sendall(), and then close().",
                "10 秒里没有收到响应。recv() 之后要调用 sendall()，再调用 close()。",
            ),
            Self::NoStatusLine(line) => tr!(
                lang,
                "The response begins with \"{line}\". Its first line must be the status line: HTTP/1.1 200 OK",
                "响应报文的第一行是“{line}”。第一行必须是响应行：HTTP/1.1 200 OK",
            ),
            Self::BareNewlines => tr!(
                lang,
                "The lines of the head end with \\n only. Write \\r\\n behind each of them, and behind the empty line.",
                "响应行和响应头只用 \\n 结尾。每一行都要用 \\r\\n 结尾，空行也一样。",
            ),
            Self::NoEmptyLine => tr!(
                lang,
                "No empty line stands between the headers and the page. Write \\r\\n once more behind the last header.",
                "响应头和网页之间没有空行。最后一个响应头后面要再写一个 \\r\\n。",
            ),
            Self::Status(status) => tr!(
                lang,
                "The response to the request for / is \"{status}\". Expected: HTTP/1.1 200 OK and a page",
                "请求 /，得到的是“{status}”。应当返回 HTTP/1.1 200 OK 和网页。",
            ),
            Self::Length(said, came, characters) if said == characters => tr!(
                lang,
                "Content-Length is {said}: these are the page's characters. It has {came} bytes: take len() after encode().",
                "Content-Length 写的是 {said}，这是网页的字符数。网页有 {came} 个字节：要在 encode() 之后取 len()。",
            ),
            Self::Length(said, came, _) => tr!(
                lang,
                "Content-Length is {said}, and {came} bytes came behind the empty line. Take len() of the bytes that are sent.",
                "Content-Length 写的是 {said}，空行后面却有 {came} 个字节。要对真正发送的字节取 len()。",
            ),
            Self::NoEnd => tr!(
                lang,
                "The page has no Content-Length, and the connection stays open: a browser keeps loading. Call client.close().",
                "没有 Content-Length，连接也一直不关：浏览器会一直转圈。请调用 client.close()。",
            ),
            Self::NotMissing(status) => tr!(
                lang,
                "The request for a page that doesn't exist got \"{status}\". Expected: HTTP/1.1 404 Not Found",
                "请求不存在的网页，得到的是“{status}”。应当返回 HTTP/1.1 404 Not Found。",
            ),
            Self::Ended => tr!(
                lang,
                "After a connection without a request, the server doesn't respond. Look at its terminal: often it is \
                 IndexError. Check first whether recv() returned nothing.",
                "来了一个不发请求的连接，服务端就不再响应了。请看它的终端：常见的是 IndexError。先检查 recv() 是不是返回了空。",
            ),
            Self::Leaked(path) => tr!(
                lang,
                "The request for {path} got a file from outside of the folder. Check the real path before open().",
                "请求 {path}，得到了文件夹外面的文件。open() 之前要检查真实路径。",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn came(text: &str, ended: bool) -> Option<Flaw> {
        let bytes = text.as_bytes().to_vec();
        flaw_in(&Received { bytes, ended })
    }

    #[test]
    fn each_flaw_of_a_response_is_told_from_the_others() {
        for (text, ended, flaw) in [
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n你好",
                false,
                None,
            ),
            ("HTTP/1.1 200 OK\r\n\r\nhi", true, None),
            ("HTTP/1.1 200 OK\r\n\r\nhi", false, Some(Flaw::NoEnd)),
            ("", true, Some(Flaw::Closed)),
            ("", false, Some(Flaw::Silent)),
            ("<h1>hi", true, Some(Flaw::NoStatusLine("<h1>hi".into()))),
            ("HTTP/1.1 200 OK\n\nhi", true, Some(Flaw::BareNewlines)),
            ("HTTP/1.1 200 OK\r\nhi", true, Some(Flaw::NoEmptyLine)),
            (
                "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n你好",
                true,
                Some(Flaw::Length(2, 6, 2)),
            ),
            (
                "HTTP/1.1 404 Not Found\r\n\r\n",
                true,
                Some(Flaw::Status("HTTP/1.1 404 Not Found".into())),
            ),
        ] {
            assert_eq!(came(text, ended), flaw, "{text:?}");
        }
    }

    #[test]
    fn a_length_in_characters_is_named_with_the_change() {
        let said = |flaw: Flaw| Lang::ALL.map(|lang| flaw.said(lang)).join("\n");
        assert!(said(Flaw::Length(2, 6, 2)).contains("encode()"));
        assert!(!said(Flaw::Length(9, 6, 2)).contains("encode()"));
    }
}
