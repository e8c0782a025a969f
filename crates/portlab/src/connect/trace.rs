//! `--trace`: the five steps of a client, one line or more for each.

use std::{io, net::SocketAddr, os::fd::RawFd, time::Instant};

use portlab_service::{TextDecoder, TextEncoding};
use portlab_words::{
    Text, plural, tr, units,
    wrap::{Lead, hang},
};
use unicode_width::UnicodeWidthStr;

use super::{bytes::rows, conversation::End};
use crate::args::{DIM, HEAD, lang, stderr_width};

/// Writes the steps: each method returns the line, or lines, to print.
pub(super) struct Trace {
    start: Instant,
    sent: Direction,
    received: Direction,
    /// The width of the terminal that stderr is.
    width: Option<usize>,
    /// How many bytes fit into a row with their text. On a very narrow terminal a row begins further to the left.
    per_row: usize,
}

/// What was sent, or what was received.
struct Direction {
    decoder: TextDecoder,
    bytes: u64,
}

impl Trace {
    /// A trace of a conversation in `encoding` that begins at `start`.
    pub(super) fn new(encoding: TextEncoding, start: Instant) -> Self {
        let width = stderr_width();
        let direction = || Direction {
            decoder: encoding.decoder(),
            bytes: 0,
        };
        Self {
            start,
            sent: direction(),
            received: direction(),
            width,
            per_row: match width {
                Some(49..56) => 2,
                Some(..76) => 4,
                Some(..100) => 8,
                _ => 16,
            },
        }
    }

    pub(super) fn created(&self, addr: SocketAddr, fd: RawFd) -> String {
        let version = if addr.is_ipv4() { 4 } else { 6 };
        let text = tr!(
            "a TCP socket for IPv{version}: file descriptor {fd}",
            "一个 TCP 套接字（IPv{version}）：文件描述符 {fd}"
        );
        self.line(Instant::now(), CREATE, &text)
    }

    pub(super) fn connected(&self, local: SocketAddr, peer: SocketAddr) -> String {
        let port = local.port();
        let to = tr!("to {peer}", "到 {peer}");
        let from = tr!(
            "from {local}: the system chose port {port}",
            "从 {local} 出发：端口 {port} 是系统选的"
        );
        let line = self.line(Instant::now(), CONNECT, &to);
        format!("{line}\n{}", self.hung(["", ""], from.pick(lang())))
    }

    pub(super) fn unconnected(&self, peer: SocketAddr, error: &io::Error) -> String {
        let why = Text::system(error);
        let text = tr!("to {peer}: {why}", "到 {peer}：{why:#}");
        self.line(Instant::now(), CONNECT, &text)
    }

    pub(super) fn sending(&mut self, at: Instant, bytes: &[u8]) -> String {
        let text = self.sent.table(bytes, self.per_row);
        self.line(at, SEND, &text.into())
    }

    pub(super) fn received(&mut self, at: Instant, bytes: &[u8]) -> String {
        let text = self.received.table(bytes, self.per_row);
        self.line(at, RECEIVE, &text.into())
    }

    pub(super) fn half_closing(&self, at: Instant) -> String {
        let text = Text::new(
            "the sending half: the client's FIN tells the server that all is sent",
            "关闭发送方向：FIN 告诉服务端，数据发完了",
        );
        self.line(at, CLOSE, &text)
    }

    pub(super) fn fin(&self, at: Instant) -> String {
        let count = count(0);
        let text = tr!(
            "{count}  the server's FIN: the server sends no more",
            "{count:#}  服务端的 FIN：它的数据发完了"
        );
        self.line(at, RECEIVE, &text)
    }

    pub(super) fn broken(&self, at: Instant, error: &io::Error) -> String {
        self.line(at, RECEIVE, &error.to_string().into())
    }

    /// Which side sent the first FIN. `half_closed`: whether the client had closed its sending half.
    pub(super) fn closed(&self, end: End, half_closed: bool, local: SocketAddr) -> String {
        let port = local.port();
        let how = match (end, half_closed) {
            (End::Fin, false) => tr!(
                "the server's FIN came first, and the client's follows",
                "服务端的 FIN 先到，客户端的 FIN 随后发出"
            ),
            (End::Fin, true) => tr!(
                "the client's FIN came first: TIME_WAIT keeps port {port} for a minute",
                "客户端的 FIN 先发出：端口 {port} 要在 TIME_WAIT 状态停留一分钟"
            ),
            (End::Quiet(quiet), true) => {
                let quiet = units::time(quiet);
                tr!(
                    "the client's FIN came first, and the server's has not come in {quiet}",
                    "客户端的 FIN 先发出，服务端的 FIN 过了 {quiet} 还没有来"
                )
            }
            (End::Quiet(quiet), false) => {
                let quiet = units::time(quiet);
                tr!(
                    "the client's FIN comes first: the server sent nothing for {quiet}",
                    "客户端先发 FIN：{quiet} 没有收到数据"
                )
            }
            (End::NoReader, _) => tr!(
                "the client's FIN comes first: the reader of stdout has closed it",
                "客户端先发 FIN：标准输出的读取方已经关闭"
            ),
            (End::Terminated, _) => tr!(
                "the client's FIN comes first: a signal asked this program to end",
                "客户端先发 FIN：收到了要求结束的信号"
            ),
            (End::Broken, _) => tr!(
                "no FIN: a reset ends a connection at once",
                "没有 FIN：RST 使连接立即结束"
            ),
        };
        let line = self.line(Instant::now(), CLOSE, &how);
        let (sent, received) = (self.sent.bytes, self.received.bytes);
        let [sent_en, received_en] = [sent, received].map(|bytes| plural(bytes, "byte"));
        let totals = tr!(
            lang(),
            "{DIM}sent {sent_en}, received {received_en}{DIM:#}",
            "{DIM}共发送 {sent} 字节，接收 {received} 字节{DIM:#}"
        );
        format!("{line}\n{}", self.hung(["", ""], &totals))
    }

    /// A step: its time, its name and its text.
    fn line(&self, at: Instant, step: Text, text: &Text) -> String {
        let elapsed = units::time(at.saturating_duration_since(self.start));
        let elapsed = format!("{elapsed:>8}");
        self.hung([&elapsed, step.pick(lang())], text.pick(lang()))
    }

    /// A text behind the columns of the time and of the step, broken to fit into the terminal.
    fn hung(&self, [time, step]: [&str; 2], text: &str) -> String {
        let leads = [Lead::new(time, DIM, 8), Lead::new(step, HEAD, 9)];
        let lines = hang(&leads, text, self.width.unwrap_or(usize::MAX));
        lines.trim_end().to_owned()
    }
}

impl Direction {
    /// The number of `bytes`, and the bytes in hex and as text: the first row is for the line of a step, the others
    /// for the lines below it.
    fn table(&mut self, bytes: &[u8], per_row: usize) -> String {
        self.bytes += bytes.len() as u64;
        let (rows, left_out) = rows(bytes, &mut self.decoder, per_row, MOST_ROWS);
        let mut text = count(bytes.len()).pick(lang()).to_owned();
        let indent = text.width();
        for (index, (hex, completed)) in rows.iter().enumerate() {
            if index > 0 {
                text += &format!("\n{:indent$}", "");
            }
            text += &format!("  {DIM}{hex}{DIM:#}  {completed}");
        }
        if left_out > 0 {
            let left_out_en = plural(left_out as u64, "byte");
            let more = tr!("and {left_out_en} more", "还有 {left_out} 字节");
            text += &format!("\n{:indent$}  {DIM}{}{DIM:#}", "", more.pick(lang()));
        }
        text
    }
}

/// A number of bytes in its column.
fn count(bytes: usize) -> Text {
    let noun = if bytes == 1 { "byte " } else { "bytes" };
    tr!("{bytes:>5} {noun}", "{bytes:>5} 字节")
}

const CREATE: Text = Text::new("1 create", "1 创建");
const CONNECT: Text = Text::new("2 connect", "2 连接");
const SEND: Text = Text::new("3 send", "3 发送");
const RECEIVE: Text = Text::new("4 receive", "4 接收");
const CLOSE: Text = Text::new("5 close", "5 关闭");

/// More rows of one send or receive are not printed.
const MOST_ROWS: usize = 8;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use anstream::adapter::strip_str;

    use super::*;

    #[test]
    fn sends_and_receives_stand_in_columns_below_each_other() {
        let start = Instant::now();
        let mut trace = Trace::new("gbk".parse().unwrap(), start);
        trace.per_row = 8;
        let at = |us| start + Duration::from_micros(us);
        let said = [
            trace.sending(at(350), b"\xc4\xe3\xba\xc3\n"),
            trace.received(at(1_200), b"0123456789\xc4"),
            trace.received(at(12_000), b"\xe3"),
            trace.fin(at(12_300)),
        ];
        assert_eq!(
            strip_str(&said.join("\n")).to_string(),
            "  350 µs  3 send         5 bytes  c4 e3 ba c3 0a           你好␊\n\
             \u{20}1.20 ms  4 receive     11 bytes  30 31 32 33 34 35 36 37  01234567\n\
             \u{20}                                 38 39 c4                 89\n\
             \u{20}12.0 ms  4 receive      1 byte   e3                       你\n\
             \u{20}12.3 ms  4 receive      0 bytes  the server's FIN: the server sends no more"
        );
    }

    #[test]
    fn rows_beyond_the_most_are_counted() {
        let mut trace = Trace::new(TextEncoding::default(), Instant::now());
        let text = trace.received(Instant::now(), &[b'x'; 1000]);
        assert_eq!(text.lines().count(), 9, "{text}");
        assert!(text.contains("more"), "{text}");
    }
}
