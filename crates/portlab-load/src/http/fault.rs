//! What can be wrong with an answer of HTTP.

use std::cmp::Ordering;

use portlab_words::{Text, tr, units};

use super::{chunks::LONGEST_CHUNK_LINE, head::LONGEST_HEAD, head::MOST_HEADERS};

/// What is wrong with an answer of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HttpFault {
    /// It doesn't begin as an answer of HTTP/1 does.
    NotHttp,
    /// It begins as an answer of HTTP/2 does.
    Http2,
    /// A line of the head isn't valid.
    BadHead,
    /// The head has no end within its limit.
    LongHead,
    /// The head has more lines than are allowed.
    ManyHeaders,
    /// The value of `Content-Length` isn't a number that fits into 64 bits.
    BadLength,
    /// There are several values of `Content-Length`, and they differ.
    TwoLengths,
    /// Both `Content-Length` and `Transfer-Encoding` are given.
    LengthAndCoding,
    /// `Transfer-Encoding` isn't `chunked`.
    UnknownCoding,
    /// The size of a chunk isn't a hexadecimal number that fits into 64 bits.
    BadChunkSize,
    /// The line with the size of a chunk has no end within its limit.
    LongChunkLine,
    /// A chunk doesn't end where its size says.
    BadChunkEnd,
    /// The trailers have no end within the limit of a head.
    LongTrailers,
    /// The server closed the connection in the middle of the head.
    EndedInHead,
    /// The server closed the connection in the middle of the body.
    ShortBody(Figures),
    /// The server closed the connection in the middle of a body of chunks.
    EndedInChunks,
    /// The timeout expired in the middle of the body.
    SlowBody(Figures),
    /// The previous answer had `Connection: close`, so that this request got no answer.
    ClosedBehind,
}

/// How much of a body came.
///
/// The figures are those of the first error of its kind: they don't tell errors apart.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    /// How many bytes came.
    pub got: u64,
    /// How many the head announced.
    pub of: u64,
}

impl Ord for Figures {
    fn cmp(&self, _other: &Self) -> Ordering {
        Ordering::Equal
    }
}

impl PartialOrd for Figures {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Figures {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Figures {}

impl HttpFault {
    /// Whether the server closed the connection in the middle of an answer.
    pub(crate) fn is_closed_by_server(self) -> bool {
        matches!(
            self,
            Self::EndedInHead | Self::ShortBody(_) | Self::EndedInChunks
        )
    }

    /// The fault, in words.
    pub(crate) fn text(self) -> Text {
        let head = units::bytes(LONGEST_HEAD as f64);
        match self {
            Self::NotHttp => Text::new("the answer isn't HTTP/1", "响应不是 HTTP/1"),
            Self::Http2 => Text::new("the server answered in HTTP/2", "服务端用 HTTP/2 响应"),
            Self::BadHead => Text::new(
                "a line of the answer's head is not valid",
                "响应头部中有无效的行",
            ),
            Self::LongHead => tr!("head longer than {head}", "响应头部超过 {head}"),
            Self::ManyHeaders => tr!(
                "more than {MOST_HEADERS} lines in the answer's head",
                "响应头部超过 {MOST_HEADERS} 行"
            ),
            Self::BadLength => Text::new(
                "Content-Length is not a number of bytes",
                "Content-Length 不是字节数",
            ),
            Self::TwoLengths => Text::new(
                "two values of Content-Length that differ",
                "有两个不同的 Content-Length",
            ),
            Self::LengthAndCoding => Text::new(
                "both Content-Length and Transfer-Encoding, so that the end of the answer is not clear",
                "同时有 Content-Length 和 Transfer-Encoding，响应的结尾不明确",
            ),
            Self::UnknownCoding => Text::new(
                "a Transfer-Encoding other than chunked",
                "Transfer-Encoding 不是 chunked",
            ),
            Self::BadChunkSize => Text::new(
                "the size of a chunk is not a hexadecimal number",
                "分块的长度不是十六进制数",
            ),
            Self::LongChunkLine => {
                let limit = units::bytes(LONGEST_CHUNK_LINE as f64);
                tr!(
                    "the line with the size of a chunk is longer than {limit}",
                    "写分块长度的一行超过 {limit}"
                )
            }
            Self::BadChunkEnd => Text::new(
                "a chunk does not end where its size says",
                "分块没有在它的长度处结束",
            ),
            Self::LongTrailers => tr!("trailers longer than {head}", "尾部超过 {head}"),
            Self::EndedInHead => Text::new(
                "the server closed in the middle of the answer's head",
                "服务端在响应头部的中间关闭了连接",
            ),
            Self::ShortBody(Figures { got, of }) => tr!(
                "body ended after {got} of {of} bytes",
                "响应体在 {of} 字节中的 {got} 字节之后结束"
            ),
            Self::EndedInChunks => Text::new(
                "the server closed in the middle of a chunked body",
                "服务端在分块的响应体中间关闭了连接",
            ),
            Self::SlowBody(Figures { got, of }) => tr!(
                "timed out after {got} of {of} bytes of the body",
                "响应体收到 {of} 字节中的 {got} 字节时超时"
            ),
            Self::ClosedBehind => Text::new(
                "the previous answer had Connection: close, so this request got no answer",
                "前一个响应写了 Connection: close，所以这个请求没有得到响应",
            ),
        }
    }

    /// What to do about it.
    pub(crate) fn hint(self) -> Text {
        match self {
            Self::NotHttp => Text::new(
                "is it a server of HTTP? To load another protocol, give HOST:PORT instead of a URL",
                "这是 HTTP 服务端吗？要加载其他协议，请写“主机:端口”而不是网址",
            ),
            Self::Http2 => Text::new(
                "portlab speaks HTTP/1.1; let the server accept HTTP/1.1 on this port, or load a port on which it does",
                "portlab 使用 HTTP/1.1；请让服务端在这个端口接受 HTTP/1.1，或加载接受它的端口",
            ),
            Self::ShortBody(_) | Self::EndedInChunks | Self::EndedInHead => Text::new(
                "the server failed, ended early or announced too much; look at the server's log",
                "服务端出错、提前结束，或声明的长度太大；请看服务端的日志",
            ),
            Self::SlowBody(_) => Text::new(
                "the server is slow, or announces more in Content-Length than it sends; for a slow one, raise --timeout",
                "服务端慢，或 Content-Length 大于实际发送的长度；如果只是慢，请增大 --timeout",
            ),
            Self::ClosedBehind => Text::new(
                "the server limits the requests per connection; use --depth 1, or --per-connection with this limit",
                "服务端限制每个连接的请求数；请使用 --depth 1，或用 --per-connection 写出这个限制",
            ),
            _ => Text::new(
                "the server breaks RFC 9112, or its previous answer was longer than announced",
                "服务端不符合 RFC 9112，或它的前一个响应比它声明的长",
            ),
        }
    }
}
