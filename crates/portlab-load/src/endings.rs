//! Connections that the server closed or reset while the run still used them.

use std::{io, time::Duration};

use portlab_words::{Lang, Text, plural, tr, units};

use crate::{Pace, Payload, Plan, decoding, tls::SPEAKS_TLS};

/// How, and when, the server closed or reset connections that were still in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Endings {
    /// Connections that it closed or reset.
    pub closed: u64,
    /// The fewest and the most answers on one of these connections.
    pub answers: Option<(u64, u64)>,
    /// Answers in the whole run.
    pub(crate) answered: u64,
    /// When the first and the last were closed, in nanoseconds since the run began.
    closed_ns: Option<(u64, u64)>,
    /// Attempts to connect again that were refused.
    pub refused: u64,
    /// When the first and the last attempt were refused, in nanoseconds since the run began.
    refused_ns: Option<(u64, u64)>,
    /// Whether a program listened on the port when the run had lost every connection; `None` if that wasn't tried, or
    /// couldn't be found out.
    pub listens: Option<bool>,
    /// Whether the port speaks TLS, and the run doesn't.
    pub(crate) speaks_tls: bool,
    /// When measuring began; `None` if it never did.
    pub(crate) measuring_since: Option<u64>,
}

/// Connections that are closed within this time are closed together, as when a server stops.
const TOGETHER: Duration = Duration::from_millis(250);

/// With fewer answers than this, a connection is closed soon.
const SOON: u64 = 16;

/// Whether `error`, of a connection that was made, says that the server closed or reset it. Other errors are those of
/// the network.
pub(crate) fn is_closed_by_server(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(
        error.kind(),
        ConnectionReset | ConnectionAborted | BrokenPipe | UnexpectedEof
    )
}

impl Endings {
    /// The server closed a connection at `now`, after so many `answers`.
    pub fn close(&mut self, answers: u64, now: u64) {
        self.merge(&Self {
            closed: 1,
            answers: Some((answers, answers)),
            closed_ns: Some((now, now)),
            ..Self::default()
        });
    }

    /// The server refused a connection that was to replace another, at `now`.
    pub(crate) fn refuse(&mut self, now: u64) {
        self.merge(&Self {
            refused: 1,
            refused_ns: Some((now, now)),
            ..Self::default()
        });
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        let least_and_most = |one: Option<(u64, u64)>, other| {
            let both = one.into_iter().chain(other);
            both.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)))
        };
        self.closed += other.closed;
        self.answers = least_and_most(self.answers, other.answers);
        self.closed_ns = least_and_most(self.closed_ns, other.closed_ns);
        self.refused += other.refused;
        self.refused_ns = least_and_most(self.refused_ns, other.refused_ns);
    }

    /// Whether the server closed and refused no connection.
    pub(crate) fn is_none(&self) -> bool {
        self.closed == 0 && self.refused == 0
    }

    /// How many answers the server allows on a connection: it has closed several, each after the same number of them.
    fn limit(&self) -> Option<u64> {
        let (least, most) = self.answers?;
        (least == most && self.closed > 1 && least > 0).then_some(least)
    }

    /// Whether the server closed several connections, all at once.
    fn together(&self) -> bool {
        let lasted = self.closed_ns.map(|(first, last)| last - first);
        self.closed > 1 && lasted.is_some_and(|ns| Duration::from_nanos(ns) <= TOGETHER)
    }

    /// When the first and the last connection were closed, from the beginning of measuring; `None` if that was before
    /// measuring, or if none was closed.
    pub(crate) fn closed_at(&self) -> Option<(Duration, Duration)> {
        let (first, last) = self.closed_ns?;
        Some((self.since(first)?, self.since(last)?))
    }

    /// When the first attempt to connect was refused, from the beginning of measuring.
    pub(crate) fn refused_at(&self) -> Option<Duration> {
        self.since(self.refused_ns?.0)
    }

    /// What the server did in a run of `plan`, and what the user can do about it. `all`: all connections were lost.
    pub(crate) fn text(&self, plan: &Plan, all: bool) -> Text {
        let idle = plan.pace == Pace::Idle;
        let mut said = Vec::new();
        if self.closed > 0 {
            said.push(self.closed_text(idle));
            if all {
                said.push(Text::new(
                    ", and so the run ended before its time",
                    "，运行因此提前结束",
                ));
            }
        }
        if self.refused > 0 {
            said.push(self.refused_text());
        }
        said.push(Text::new(": ", "："));
        if self.speaks_tls {
            said.push(SPEAKS_TLS);
        } else if self.ends_at_once() && !idle {
            said.extend(self.remedy_at_once(plan.script.exchange(0).0));
        } else {
            said.push(self.remedy(plan, all));
        }
        joined(&said)
    }

    /// Whether the server closed connections before their first answer, and the others soon after it. If connections that
    /// ended otherwise got many answers, the server stopped.
    fn ends_at_once(&self) -> bool {
        let (least, most) = self.answers.unwrap_or((1, 1));
        least == 0 && most < SOON && self.answered < SOON * self.closed
    }

    /// What the user can do if the server closes connections as soon as it receives something.
    fn remedy_at_once(&self, payload: &Payload) -> Vec<Text> {
        let mut said = Vec::new();
        if self.refused > 0 || self.listens == Some(false) {
            said.push(Text::new(
                "nothing listens there any more; ",
                "该端口已经没有程序监听；",
            ));
        }
        said.push(decoding::LOOK);
        said.push(Text::new("; ", "；"));
        said.push(decoding::advice(payload, None).unwrap_or(Text::new(
            "check that it speaks this protocol (--text, --expect, --greeting); check that it has room for so many \
             --connections",
            "请确认它支持这个协议（--text、--expect、--greeting）；请确认它能容纳这么多连接（--connections）",
        )));
        said
    }

    /// What the user can do about it.
    fn remedy(&self, plan: &Plan, all: bool) -> Text {
        let idle = plan.pace == Pace::Idle;
        let (least, most) = self.answers.unwrap_or_default();
        let least = least.max(1);
        match (self.limit(), most) {
            _ if self.refused > 0 && !all => Text::new(
                "nothing listened there for a while; the figures contain that, so repeat the run",
                "有一段时间没有程序在该端口监听；数字中包含了这段时间，请重新运行",
            ),
            _ if self.refused > 0 || self.listens == Some(false) => Text::new(
                "nothing listens there any more; look at your server's own terminal, start it again, then repeat the \
                 run",
                "该端口已经没有程序监听；请看服务端自己的终端，启动服务端后重新运行",
            ),
            _ if idle => Text::new(
                "it has an idle timeout (use a shorter --duration) or a limit on connections (use fewer \
                 --connections), or it stopped",
                "服务端设有空闲超时（请缩短 --duration）或连接数上限（请减少 --connections），或者已经停止",
            ),
            _ if plan.script.dialogue().is_some() => Text::new(
                "it ended a dialogue before its last step; the errors by line show at which message (portlab connect shows \
                 what it answers), and if the server may close there, that message is the last one, with expect close",
                "它在对话的最后一步之前关闭了连接；各行的错误数说明是在哪条消息（portlab connect 可以显示它的响应）；如果服务端本来就在那里关闭，\
                 请让那条消息成为最后一条，并写 expect close",
            ),
            (Some(limit), _) if plan.life.reconnect => tr!(
                "it seems to allow so many on a connection; use --per-connection {limit}, so that no message is lost",
                "它似乎限制了每个连接的响应数；请使用 --per-connection {limit}，这样就不会丢失消息"
            ),
            _ if plan.life.reconnect => Text::new(
                "the connections were made again, and the messages that were on their way are errors",
                "连接已重新建立，当时在途的消息计为错误",
            ),
            (Some(limit), _) => tr!(
                "it seems to allow so many on a connection; use --per-connection {limit}; --reconnect makes closed \
                 connections again",
                "它似乎限制了每个连接的响应数；请使用 --per-connection {limit}；--reconnect 会重新建立被关闭的连接"
            ),
            _ if self.together() => tr!(
                "it was restarted or has closed them all at once; repeat the run; if it happens again, use \
                 --per-connection {least}; --reconnect makes closed connections again",
                "它可能重新启动过，或同时关闭了所有连接；请重新运行；如果再次发生，请使用 --per-connection {least}；--reconnect \
                 会重新建立被关闭的连接"
            ),
            _ => tr!(
                "if it allows no more on a connection, use --per-connection {least}; if it stopped, start it \
                 again, then repeat the run; --reconnect makes closed connections again",
                "如果它限制每个连接的响应数，请使用 --per-connection {least}；如果它已停止，请启动后重新运行；--reconnect \
                 会重新建立被关闭的连接"
            ),
        }
    }

    /// The same for a chat, whose members get no answers.
    pub(crate) fn of_a_chat(&self, all: bool) -> Text {
        let next = match all {
            true => Text::new(
                ", and so the run ended before its time: it stopped, restarted or crashed; start it again, then \
                 repeat the run",
                "，运行因此提前结束：服务端停止、重启或崩溃了；请启动后重新运行",
            ),
            false => Text::new(
                ": it drops members that read too slowly (its --output-limit), or it lost a process",
                "：它会断开读得太慢的成员（--output-limit），或者它失去了一个进程",
            ),
        };
        joined(&[self.closed_text(true), next])
    }

    fn closed_text(&self, idle: bool) -> Text {
        let (least, most) = self.answers.unwrap_or_default();
        let closed = self.closed;
        let what = match closed {
            1 => Text::new("the server closed a connection", "服务端关闭了一个连接"),
            _ => tr!(
                "the server closed {closed} connections",
                "服务端关闭了 {closed} 个连接"
            ),
        };
        let answers = plural(most, "answer");
        let after = match (least, most) {
            _ if idle => Text::new("", ""),
            (_, 0) => Text::new(" before any answer", "，一个响应也没有"),
            _ if least < most => tr!(
                " after {least} to {most} answers",
                "，各在 {least} 到 {most} 个响应之后"
            ),
            _ if closed > 1 => tr!(" after {answers} each", "，各在 {most} 个响应之后"),
            _ => tr!(" after {answers}", "，在 {most} 个响应之后"),
        };
        let when = match self.closed_at() {
            None => Text::new(
                ", the first before measuring began",
                "，第一个在测量开始之前",
            ),
            Some((first, _)) if closed == 1 || self.together() => {
                let first = units::time(first);
                tr!(", {first} after measuring began", "，在测量开始后 {first}")
            }
            Some((first, last)) => {
                let (first, last) = (units::time(first), units::time(last));
                tr!(
                    ", from {first} to {last} after measuring began",
                    "，在测量开始后 {first} 到 {last} 之间"
                )
            }
        };
        joined(&[what, after, when])
    }

    fn refused_text(&self) -> Text {
        let it = match self.closed {
            0 => Text::new("the server", "服务端"),
            _ => Text::new("; it", "；它"),
        };
        let count = self.refused;
        let times = match count {
            1 => "once".to_owned(),
            count => format!("{count} times"),
        };
        let Text { en, zh } = match self.refused_at() {
            Some(at) => {
                let at = units::time(at);
                tr!("from {at} on", "从 {at} 起")
            }
            None => Text::new("from before measuring began", "从测量开始之前起"),
        };
        let refused = tr!(
            " refused new connections ({times}, {en})",
            "拒绝了新的连接（{count} 次，{zh}）"
        );
        joined(&[it, refused])
    }

    fn since(&self, moment_ns: u64) -> Option<Duration> {
        let since = moment_ns.checked_sub(self.measuring_since?)?;
        Some(Duration::from_nanos(since))
    }
}

/// The texts one after the other.
pub(crate) fn joined(texts: &[Text]) -> Text {
    let all = |lang| texts.iter().map(|text| text.pick(lang)).collect::<String>();
    Text {
        en: all(Lang::En).into(),
        zh: all(Lang::Zh).into(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    #[test]
    fn the_endings_of_several_threads_add_up() {
        let (mut one, mut other) = (Endings::default(), Endings::default());
        one.close(1_000, 7_000);
        other.close(990, 9_000);
        other.close(1_000, 8_000);
        other.refuse(9_500);
        one.merge(&other);
        one.merge(&Endings::default());
        assert_eq!((one.closed, one.refused), (3, 1));
        assert_eq!(one.answers, Some((990, 1_000)));
        assert_eq!(one.closed_ns, Some((7_000, 9_000)));
        assert_eq!(one.refused_ns, Some((9_500, 9_500)));
        assert_eq!((one.limit(), one.closed_at()), (None, None));
        one.measuring_since = Some(8_000);
        assert_eq!(one.closed_at(), None);
        assert_eq!(one.refused_at(), Some(Duration::from_nanos(1_500)));
    }

    #[test]
    fn the_text_names_what_the_server_did_and_what_to_type() {
        let told = |closed: &[(u64, u64)], refused: bool, all: bool, idle: bool| {
            let mut endings = Endings::default();
            for (answers, ms) in closed {
                endings.close(*answers, 1_000_000_000 + ms * 1_000_000);
            }
            if refused {
                endings.refuse(6_000_000_000);
            }
            endings.measuring_since = Some(1_000_000_000);
            let mut plan = Plan::new(SocketAddr::from(([127, 0, 0, 1], 1)));
            if idle {
                plan.pace = Pace::Idle;
            }
            endings.text(&plan, all).to_string()
        };
        for (told, expected) in [
            (
                told(&[(1_000, 10), (1_000, 900)], false, true, false),
                "the server closed 2 connections after 1000 answers each, from 10.0 ms to 900 ms after \
                 measuring began, and so the run ended before its time: it seems to allow so many on a \
                 connection; use --per-connection 1000; --reconnect makes closed connections again",
            ),
            (
                told(&[(900, 10), (1_000, 20)], false, true, false),
                "the server closed 2 connections after 900 to 1000 answers, 10.0 ms after measuring \
                 began, and so the run ended before its time: it was restarted or has closed them all \
                 at once; repeat the run; if it happens again, use --per-connection 900; --reconnect makes closed connections again",
            ),
            (
                told(&[(1, 10)], true, false, false),
                "the server closed a connection after 1 answer, 10.0 ms after measuring began; it \
                 refused new connections (once, from 5.00 s on): nothing listened there for a while; the \
                 figures contain that, so repeat the run",
            ),
            (
                told(&[(7, 10)], false, false, false),
                "the server closed a connection after 7 answers, 10.0 ms after measuring began: if it \
                 allows no more on a connection, use --per-connection 7; if it stopped, start it \
                 again, then repeat the run; --reconnect makes closed connections again",
            ),
            (
                told(&[(0, 10), (0, 20)], false, false, true),
                "the server closed 2 connections, 10.0 ms after measuring began: it has an idle timeout (use a \
                 shorter --duration) or a limit on connections (use fewer --connections), or it stopped",
            ),
            (
                told(&[(0, 10), (3, 20)], false, false, false),
                "the server closed 2 connections after 0 to 3 answers, 10.0 ms after measuring began: look at \
                 your server's own terminal; a server that decodes text can't decode the random bytes that are sent: \
                 try --text 你好 --encoding gbk, or --encoding utf-8",
            ),
        ] {
            assert_eq!(told, expected);
        }
        let mut gone = Endings::default();
        gone.close(50, 1);
        gone.listens = Some(false);
        let mut plan = Plan::new(SocketAddr::from(([127, 0, 0, 1], 1)));
        plan.script.payload = Payload::Always("PING\r\n".as_bytes().into());
        let told = gone.text(&plan, true).to_string();
        assert!(
            told.ends_with("start it again, then repeat the run"),
            "{told}"
        );
        let mut gone = Endings::default();
        gone.close(0, 1);
        gone.listens = Some(false);
        let told = gone.text(&plan, true).to_string();
        let parts = ["nothing listens", "own terminal", "--expect"];
        assert!(parts.iter().all(|it| told.contains(it)), "{told}");
        assert!(!told.contains("--encoding"), "ASCII needs none: {told}");
    }

    #[test]
    fn a_limit_is_seen_where_several_end_after_the_same_number_of_answers() {
        for (answers, limit) in [
            (&[50, 50][..], Some(50)),
            (&[50], None),
            (&[50, 51], None),
            (&[0, 0], None),
        ] {
            let mut endings = Endings::default();
            answers.iter().for_each(|it| endings.close(*it, 1));
            assert_eq!(endings.limit(), limit);
        }
    }
}
