//! Errors, counted by phase and cause.

use std::{collections::BTreeMap, fmt, io};

use portlab_words::{Text, tr, units};
use serde::Serialize;

use crate::{ErrorAnswer, HttpFault, Mismatch, Sample, TlsFault, Unmet, WrongAnswer};

/// The phase of a connection in which an error happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Making the connection.
    Connect,
    /// Agreeing on encryption.
    Handshake,
    /// Waiting for the server's greeting.
    Greeting,
    /// Sending a message.
    Send,
    /// Waiting for an answer.
    Receive,
    /// Checking an answer.
    Verify,
    /// Closing the connection.
    Close,
}

/// The cause of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// The system's error number.
    Errno(i32),
    /// The timeout expired.
    TimedOut,
    /// The timeout expired in the middle of an answer.
    Incomplete,
    /// The server closed the connection before all its requests were answered.
    ClosedEarly,
    /// The server closed a connection on which no request waited for its answer.
    ClosedIdle,
    /// A byte of an echo differs from the byte that was sent.
    WrongByte,
    /// More bytes came than the answer may have.
    Unsolicited,
    /// The answer has another length than it must have.
    Length,
    /// A line of a chat, or a greeting, has no end within [`LONGEST_LINE`] bytes.
    NoEnd,
    /// The chat refused a name or a room.
    Refused,
    /// The server's first line isn't that of a portlab chat.
    NoChat,
    /// The answer is complete, and an error by its own protocol.
    ErrorAnswer(ErrorAnswer),
    /// The answer is complete, and not as a condition of `--expect` says, or of `--greeting`.
    Content(Unmet),
    /// TLS failed.
    Tls(TlsFault),
    /// The answer isn't a valid one of HTTP.
    Http(HttpFault),
}

/// One line of the tally.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The phase.
    pub phase: Phase,
    /// The cause.
    pub cause: Cause,
    /// How many errors there were of this phase and cause.
    pub count: u64,
}

/// How many bytes a line of a chat, or a greeting that ends with a delimiter or a line end, may have.
/// Real lines are much shorter, and this much memory may be needed for every connection.
pub const LONGEST_LINE: usize = 64 * 1024;

/// All errors of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    counts: BTreeMap<(Phase, Cause), u64>,
    first_mismatch: Option<Mismatch>,
    first_wrong: Option<Sample>,
    first_unmet: Option<WrongAnswer>,
    /// Whether a server answered plain bytes as a port with TLS does.
    speaks_tls: bool,
}

impl Tally {
    /// How many bytes of a wrong answer are kept to be shown.
    pub(crate) const SAMPLE: usize = 60;

    /// Counts an error.
    pub fn add(&mut self, phase: Phase, cause: Cause) {
        *self.counts.entry((phase, cause)).or_default() += 1;
    }

    pub(crate) fn add_io(&mut self, phase: Phase, error: &io::Error) {
        let cause = match TlsFault::in_error(error) {
            Some(fault) => Cause::Tls(fault),
            None => Cause::Errno(error.raw_os_error().unwrap_or(0)),
        };
        self.add(phase, cause);
    }

    pub(crate) fn add_mismatch(&mut self, mismatch: Mismatch) {
        self.add(Phase::Verify, Cause::WrongByte);
        self.first_mismatch.get_or_insert(mismatch);
    }

    pub(crate) fn add_wrong_answer(&mut self, wrong: WrongAnswer) {
        self.add(Phase::Verify, Cause::Content(wrong.unmet));
        self.first_unmet.get_or_insert(wrong);
    }

    /// Keeps the beginning of `bytes`, which contain an error, unless earlier ones are kept.
    pub(crate) fn keep_wrong(&mut self, bytes: &[u8]) {
        let first = &mut self.first_wrong;
        first.get_or_insert_with(|| Sample::of(bytes, Self::SAMPLE));
    }

    /// A server answered plain bytes as a port with TLS does.
    pub(crate) fn met_tls(&mut self) {
        self.speaks_tls = true;
    }

    /// Whether a server answered plain bytes as a port with TLS does.
    pub(crate) fn speaks_tls(&self) -> bool {
        self.speaks_tls
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.speaks_tls |= other.speaks_tls;
        for (&key, count) in &other.counts {
            *self.counts.entry(key).or_default() += count;
        }
        self.first_mismatch = self.first_mismatch.or(other.first_mismatch);
        if self.first_wrong.is_none() {
            self.first_wrong.clone_from(&other.first_wrong);
        }
        if self.first_unmet.is_none() {
            self.first_unmet.clone_from(&other.first_unmet);
        }
    }

    /// How many errors there were.
    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    /// How many answers were errors by their own protocol.
    pub fn error_answers(&self) -> u64 {
        self.wrong(|cause| matches!(cause, Cause::ErrorAnswer(_)))
    }

    /// The same of datagrams, whose wrong echoes end no connection: they count as answers too.
    pub(crate) fn error_datagrams(&self) -> u64 {
        let is_wrong = |cause| matches!(cause, Cause::WrongByte | Cause::Length);
        self.error_answers() + self.wrong(is_wrong)
    }

    /// How many answers were not as a condition says.
    pub fn unmet(&self) -> u64 {
        self.wrong(|cause| matches!(cause, Cause::Content(_)))
    }

    /// How many answers were wrong for such a cause.
    fn wrong(&self, is_such: impl Fn(Cause) -> bool) -> u64 {
        let counts = self.counts.iter();
        let such = counts.filter(|((phase, cause), _)| *phase == Phase::Verify && is_such(*cause));
        such.map(|(_, count)| count).sum()
    }

    /// Whether an answer was wrong. Answers that are errors by their own protocol don't count.
    pub(crate) fn has_wrong_answers(&self) -> bool {
        self.wrong(|cause| !matches!(cause, Cause::ErrorAnswer(_))) > 0
    }

    /// The errors, by phase and cause.
    pub fn failures(&self) -> impl Iterator<Item = Failure> {
        self.counts.iter().map(|(&(phase, cause), &count)| Failure {
            phase,
            cause,
            count,
        })
    }

    /// The beginning of the first read that contained an error, if there was one.
    pub fn first_wrong(&self) -> Option<&Sample> {
        self.first_wrong.as_ref()
    }

    /// The first answer that wasn't as a condition says, if there was one.
    pub fn first_unmet(&self) -> Option<&WrongAnswer> {
        self.first_unmet.as_ref()
    }

    /// The first wrong byte, if there was one.
    pub fn first_mismatch(&self) -> Option<Mismatch> {
        self.first_mismatch
    }
}

impl Phase {
    /// All phases, in the order of a connection's life.
    pub const ALL: [Self; 7] = [
        Self::Connect,
        Self::Handshake,
        Self::Greeting,
        Self::Send,
        Self::Receive,
        Self::Verify,
        Self::Close,
    ];

    /// The phase, in words.
    pub fn text(self) -> Text {
        match self {
            Self::Connect => Text::new("connect", "连接"),
            Self::Handshake => Text::new("TLS handshake", "TLS 握手"),
            Self::Greeting => Text::new("greeting", "欢迎信息"),
            Self::Send => Text::new("send", "发送"),
            Self::Receive => Text::new("receive", "接收"),
            Self::Verify => Text::new("verify", "核对"),
            Self::Close => Text::new("close", "关闭"),
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text().en)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text().fmt(f)
    }
}

impl Cause {
    /// The system's error number, if it was the system's error.
    pub fn errno(self) -> Option<i32> {
        match self {
            Self::Errno(errno) => Some(errno),
            _ => None,
        }
    }

    /// The cause, in words.
    pub fn text(self) -> Text {
        match self {
            // The standard library has the text, and adds the number.
            Self::Errno(errno) => Text::system(&io::Error::from_raw_os_error(errno)),
            Self::TimedOut => Text::new("timed out", "超时"),
            Self::Incomplete => {
                Text::new("timed out in the middle of an answer", "响应收到一半时超时")
            }
            Self::ClosedEarly => Text::new(
                "the server closed before all requests were answered",
                "服务端在响应所有请求之前关闭了连接",
            ),
            Self::ClosedIdle => Text::new(
                "the server closed an idle connection",
                "服务端关闭了空闲的连接",
            ),
            Self::WrongByte => Text::new("wrong byte", "字节不符"),
            Self::Length => Text::new(
                "the answer has another length than expected",
                "响应的长度与预期不同",
            ),
            Self::Unsolicited => {
                Text::new("more came back than was expected", "收到的比应收到的多")
            }
            Self::NoEnd => {
                let limit = units::bytes(LONGEST_LINE as f64);
                tr!(
                    "more than {limit} came, the limit, without an end",
                    "收到了超过上限 {limit} 的数据，仍没有结束"
                )
            }
            Self::Refused => Text::new(
                "the server refused the name or the room",
                "服务端拒绝了名字或聊天室",
            ),
            Self::NoChat => Text::new(
                "the server is not a portlab chat",
                "服务端不是 portlab 的聊天服务",
            ),
            Self::Http(fault) => fault.text(),
            Self::ErrorAnswer(error @ ErrorAnswer::UnexpectedStatus(_)) => error.text(),
            Self::ErrorAnswer(error) => {
                let Text { en, zh } = error.text();
                tr!(
                    "the server answered with an error: {en}",
                    "服务端的响应是错误：{zh}"
                )
            }
            Self::Content(unmet) => unmet.text(),
            Self::Tls(fault) => fault.text(),
        }
    }

    /// What to do about it when it happens in `phase`, where that is known.
    pub fn hint(self, phase: Phase) -> Option<Text> {
        Some(match self {
            Self::Errno(errno) => return errno_hint(errno),
            Self::TimedOut => time_out_hint(phase),
            Self::Incomplete => Text::new(
                "the server is slow, or its answer ends otherwise than expected; if it is slow, raise --timeout; check \
                 --expect, and the end of --text; check the lines expect in the file of --dialogue",
                "服务端慢，或响应的结尾与预期不同；如果只是慢，请调高 --timeout；请检查 --expect 和 --text 的结尾；请检查 --dialogue \
                 文件中的 expect 行",
            ),
            Self::ClosedEarly => Text::new(
                "the server crashed, or speaks another protocol: look at your server's own terminal; check --text and \
                 --expect; check the messages in the file of --dialogue; if it limits the requests per connection, use \
                 --per-connection; --reconnect makes closed connections again",
                "服务端崩溃了，或使用另一种协议：请看服务端自己的终端；请检查 --text 和 --expect；请检查 --dialogue 文件中的消息；如果它限制每个连接的请求数，请使用 \
                 --per-connection；--reconnect 会重新建立被关闭的连接",
            ),
            Self::ClosedIdle => Text::new(
                "the server has an idle timeout, or a limit on connections: use a shorter --duration, or fewer --connections",
                "服务端设有空闲超时或连接数上限：请缩短 --duration，或减少 --connections",
            ),
            Self::WrongByte => Text::new(
                "the server doesn't echo, or mixes up its buffers; if another answer is right, describe it with --expect",
                "服务端不是回显服务端，或者弄混了缓冲区；如果其他响应才是对的，请用 --expect 说明",
            ),
            Self::Length => Text::new(
                "the server cuts or pads datagrams, or --expect states another length",
                "服务端截断或填充了数据报，或者 --expect 写的长度不同",
            ),
            Self::Unsolicited => Text::new(
                "the server sent something twice, or its answer is longer than expected; check where the answers to \
                 --text end (--expect); if the server sends a greeting first, use --greeting; portlab connect shows what it \
                 sends",
                "服务端重复发送了，或响应比预期的长；请检查 --text 的响应在哪里结束（--expect）；如果服务端先发送欢迎信息，请使用 --greeting；portlab \
                 connect 可以显示它发送了什么",
            ),
            Self::NoEnd => no_end_hint(phase),
            Self::Refused => Text::new(
                "the name is taken, perhaps by another load, or the chat has too many rooms: use fewer --rooms",
                "名字已被占用，可能是另一次负载测试，或者聊天室太多：请减少 --rooms",
            ),
            Self::NoChat => Text::new(
                "start one: portlab serve --service chat",
                "请启动一个：portlab serve --service chat",
            ),
            Self::ErrorAnswer(error) => error.hint(),
            Self::Content(unmet) => unmet.hint(),
            Self::Tls(fault) => return fault.hint(),
            Self::Http(fault) => fault.hint(),
        })
    }
}

fn no_end_hint(phase: Phase) -> Text {
    match phase {
        Phase::Greeting => Text::new(
            "write how the server's greeting ends, as in --greeting 'until:\\r\\n'; portlab connect shows what the server \
             sends",
            "请写明欢迎信息怎样结束，如 --greeting 'until:\\r\\n'；portlab connect 可以显示服务端发送了什么",
        ),
        _ => Text::new(
            "no line of a chat is so long; is it a chat of portlab serve --service chat?",
            "聊天的一行不会这么长；这是 portlab serve --service chat 的聊天服务吗？",
        ),
    }
}

fn errno_hint(errno: i32) -> Option<Text> {
    // The numbers are Linux's; see errno(3).
    Some(match errno {
        111 => Text::new(
            "no program listens there; is the server up? portlab ports lists the ports of this machine",
            "该端口没有程序监听；服务端启动了吗？portlab ports 会列出本机的端口",
        ),
        104 => Text::new(
            "the server reset the connection: it crashed, or closed before it had read everything; look at your \
             server's own terminal",
            "服务端复位了连接：它崩溃了，或者没有读完就关闭了；请看服务端自己的终端",
        ),
        99 => Text::new(
            "no local port is left for this address; use --source auto, fewer connections, or wait a minute",
            "这个地址的本地端口已用完；请使用 --source auto、减少连接数，或等一分钟",
        ),
        24 => Text::new(
            "out of file descriptors; raise the limit with ulimit -n",
            "文件描述符已用完；请用 ulimit -n 提高上限",
        ),
        32 => Text::new(
            "the server had closed the connection already; look at your server's own terminal; if it limits the requests \
             per connection, use --per-connection; --reconnect makes closed connections again",
            "服务端此前已经关闭了连接；请看服务端自己的终端；如果它限制每个连接的请求数，请使用 --per-connection；--reconnect 会重新建立被关闭的连接",
        ),
        113 | 101 => Text::new(
            "that address can't be reached; portlab doctor ADDR looks for the reason",
            "无法到达该地址；portlab doctor 地址 会查找原因",
        ),
        2 => Text::new(
            "no socket has this name; is the server up, and the path after unix: right?",
            "没有这个名字的套接字；服务端启动了吗？unix: 后面的路径写对了吗？",
        ),
        13 => Text::new(
            "this user may not connect; check the permissions of the path after unix:, or the rules of the firewall",
            "这个用户无权连接；请检查 unix: 后面路径的权限，或防火墙的规则",
        ),
        90 => Text::new(
            "a datagram has at most 65507 bytes; use a smaller --size; send a shorter --text",
            "一个数据报最多 65507 字节；请减小 --size；请缩短 --text",
        ),
        _ => return None,
    })
}

fn time_out_hint(phase: Phase) -> Text {
    match phase {
        Phase::Connect => Text::new(
            "no reply to the handshake: a firewall, or a full accept queue; portlab doctor ADDR tells which, and \
             --ramp opens connections more slowly",
            "握手没有响应：有防火墙，或 accept 队列已满；portlab doctor 地址 会指出是哪一种，--ramp 可以放慢建立连接的速度",
        ),
        Phase::Handshake => Text::new(
            "the server doesn't answer as TLS does: does this port speak TLS? If not, leave out --tls",
            "服务端没有按 TLS 响应：这个端口使用 TLS 吗？如果不使用，请去掉 --tls",
        ),
        Phase::Greeting => Text::new(
            "the server sends no greeting, or one with another end; check --greeting; portlab connect shows what the \
             server sends",
            "服务端没有先发送欢迎信息，或结尾与预期不同；请检查 --greeting；portlab connect 可以显示服务端发送了什么",
        ),
        Phase::Send => Text::new(
            "the server doesn't read, or reads more slowly than data is sent; raise --timeout; use a smaller --size; use \
             a smaller --depth",
            "服务端不读取，或读得比发送慢；请调高 --timeout；请减小 --size；请减小 --depth",
        ),
        _ => Text::new(
            "no byte of the answer came: the server is slow, or serves fewer connections at once and leaves the \
             others in its accept queue, or waits for the rest of the request; raise --timeout, or use fewer --connections; \
             end the message as the server needs it, as in --text 'hello\\n'",
            "响应一个字节也没收到：服务端慢，或同时服务的连接有限、其余的留在 accept 队列中，或在等请求的其余部分；请调高 --timeout，或减少 \
             --connections；请按服务端的要求结尾，如 --text 'hello\\n'",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_several_threads_add_up_by_phase_and_cause() {
        let (mut left, mut right) = (Tally::default(), Tally::default());
        left.add(Phase::Connect, Cause::Errno(111));
        right.add(Phase::Connect, Cause::Errno(111));
        right.add(Phase::Receive, Cause::TimedOut);
        left.merge(&right);
        let counts: Vec<_> = left
            .failures()
            .map(|failure| (failure.phase, failure.cause, failure.count))
            .collect();
        assert_eq!(
            counts,
            [
                (Phase::Connect, Cause::Errno(111), 2),
                (Phase::Receive, Cause::TimedOut, 1)
            ]
        );
        assert_eq!(left.total(), 3);
    }

    #[test]
    fn an_error_number_is_shown_as_the_systems_text_with_a_remedy() {
        let refused = Cause::Errno(111);
        assert!(refused.to_string().contains("refused"), "{refused}");
        assert!(
            refused
                .hint(Phase::Connect)
                .is_some_and(|hint| hint.en.contains("server up"))
        );
    }

    #[test]
    fn every_hint_names_an_option_or_an_action() {
        let errnos = [2, 13, 24, 32, 90, 99, 101, 104, 111, 113].map(Cause::Errno);
        let others = [
            Cause::TimedOut,
            Cause::Incomplete,
            Cause::ClosedEarly,
            Cause::ClosedIdle,
            Cause::WrongByte,
            Cause::Unsolicited,
            Cause::Length,
            Cause::NoEnd,
            Cause::Refused,
            Cause::NoChat,
            Cause::ErrorAnswer(ErrorAnswer::Minus),
        ];
        let actions = [
            "--",
            "portlab ",
            "ulimit",
            "own terminal",
            "自己的终端",
            "unix:",
        ];
        for cause in errnos.into_iter().chain(others) {
            for phase in Phase::ALL {
                let hint = cause.hint(phase).expect("there is a hint");
                let clauses = [hint.en.split("; ").count(), hint.zh.split('；').count()];
                assert_eq!(clauses[0], clauses[1], "{cause}: {hint:?}");
                for text in [hint.en, hint.zh] {
                    let names = actions.iter().any(|it| text.contains(it));
                    assert!(names, "{cause}: {text}");
                }
            }
        }
    }
}
