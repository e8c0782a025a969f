//! The messages on stderr about a run in which something was wrong.

use std::ops::RangeInclusive;

use portlab_load::{CautionKind, FailureLine, LoadResult, Pace, Phase};
use portlab_words::{Lang, Text, plural, tr, units};

use super::words::say;
use crate::args::{BAD, WARN};

/// What the server did to its connections, if it ended some that were in use.
pub(super) fn why_it_ended(result: &LoadResult) -> Option<&Text> {
    let mut cautions = result.verdict.doubts.iter();
    let closed = cautions.find(|it| it.kind == CautionKind::Closed)?;
    Some(&closed.text)
}

/// Why a run had no connection that could send, or a chat lacked members; `None` otherwise.
pub(super) fn why_not_connected(result: &LoadResult) -> Option<Text> {
    let needed = result.chat.as_ref().map_or(1, |it| it.members);
    if result.connected >= needed || result.interrupted {
        return None;
    }
    let in_lang = |lang| {
        let failures = result.failures.iter().map(|it| reason(result, it, lang));
        let reasons = failures.collect::<Vec<_>>().join(lang.pick(", ", "，"));
        let said = result.first_wrong.as_ref().map_or(String::new(), |said| {
            tr!(lang, "; it said \"{said}\"", "；它发送了 \"{said}\"")
        });
        let (target, in_it) = (&result.target, result.connected);
        let made = result.connections_made;
        let connections = plural(made, "connection");
        match &result.chat {
            Some(chat) => {
                let all = chat.members;
                tr!(
                    lang,
                    "{in_it} of {all} members joined the chat at {target}: {reasons}{said}",
                    "{all} 个成员中有 {in_it} 个进入了 {target} 的聊天：{reasons}{said}"
                )
            }
            None if made == 0 => tr!(
                lang,
                "no connection to {target} could be made: {reasons}",
                "无法连接 {target}：{reasons}"
            ),
            None => lang.pick(
                format!(
                    "{connections} to {target} failed before the first message: {reasons}{said}"
                ),
                format!(
                    "到 {target} 的 {made} 个连接在发送第一条消息之前就失败了：{reasons}{said}"
                ),
            ),
        }
    };
    Some(Text {
        en: in_lang(Lang::En).into(),
        zh: in_lang(Lang::Zh).into(),
    })
}

fn reason(result: &LoadResult, failure: &FailureLine, lang: Lang) -> String {
    let timed_out = failure.cause.en == "timed out";
    match (&result.chat, failure.phase) {
        (Some(_), Phase::Greeting) if timed_out => lang
            .pick(
                "greeting: the next member was not admitted; check that this is a chat server of portlab (portlab serve \
                 --service chat), and that it serves so many members at once (--workers)",
                "欢迎信息：下一个成员没能进入；请确认这是本程序的聊天服务（portlab serve --service chat），并且能同时服务这么多成员\
                 （--workers）",
            )
            .to_owned(),
        (None, Phase::Connect) => failure.with_hint(lang),
        _ => failure.in_words(lang),
    }
}

/// When a handshake that was not answered is sent again for the first time (RFC 6298, 2.1).
const HANDSHAKE_RETRY_NS: u64 = 1_000_000_000;

/// The delay of an acknowledgement on Linux: 40 ms (TCP_DELACK_MIN), and up to two ticks of 4 ms more, because the
/// kernel's timers are that late. A server that waits for 50 ms itself is slower.
const DELAYED_NS: RangeInclusive<u64> = 38_000_000..=49_900_000;

/// Prints on stderr what was wrong with a run, if anything was.
pub(super) fn report_problems(result: &LoadResult, lang: Lang) {
    let wrong = |en, zh, text: &str| say(BAD, lang.pick(en, zh), text);
    if let Some(mismatch) = &result.first_mismatch {
        // Its alternate form is Chinese.
        let text = lang.pick(format!("{mismatch}"), format!("{mismatch:#}"));
        wrong("wrong bytes:", "字节不符：", &text);
    }
    if let Some(first) = &result.first_unmet {
        wrong("wrong answer:", "响应不符：", first.text().pick(lang));
    }
    for violation in result.chat.iter().flat_map(|it| &it.first_violations) {
        wrong("broken promise:", "违反约定：", violation.pick(lang));
    }
    if let Some(first) = &result.first_wrong {
        let (en, zh) = match result.chat {
            Some(_) => ("a line that no member sent:", "没有成员发送过的一行："),
            None => ("what came:", "收到的是："),
        };
        wrong(en, zh, &format!("\"{first}\""));
    }
    for text in notes(result) {
        say(WARN, lang.pick("note:", "提示："), text.pick(lang));
    }
}

/// What the latencies of a run say about its server.
pub(super) fn notes(result: &LoadResult) -> Vec<Text> {
    let mut notes = Vec::new();
    let longest_ns = result.connect_latency_ns.max_ns();
    if longest_ns >= HANDSHAKE_RETRY_NS {
        let longest = units::nanos(longest_ns as f64);
        notes.push(tr!(
            "some connections took {longest} to make: their handshakes were sent again after 1 s, 3 s, ..., \
             probably because the server's accept queue was full; use --ramp, or a larger backlog in the server's listen()",
            "有些连接用了 {longest} 才建立：握手在 1 s、3 s……后重发，可能是因为服务端的 accept 队列已满；请使用 --ramp，或增大服务端 listen() \
             的 backlog"
        ));
    }
    // The proxy of --through may cause such a delay itself.
    let plan = &result.plan;
    let direct = plan.pace == Pace::Closed && plan.through.is_none() && result.chat.is_none();
    if direct && waits_for_delayed_acks(|q| result.latency_ns.quantile_ns(q)) {
        notes.push(Text::new(
            "half of all answers took some 40 ms: this is typical of Nagle's algorithm and delayed acknowledgements on \
             the server's side; it probably sends an answer in two writes without TCP_NODELAY; set TCP_NODELAY there, or write an \
             answer at once",
            "一半的响应用了约 40 ms：这是服务端一侧 Nagle 算法与延迟确认的特征；它可能没有设置 TCP_NODELAY，而分两次写出一个响应；请在服务端设置 TCP_NODELAY，或一次写出整个响应",
        ));
    }
    notes
}

/// Whether half of all latencies lie where a delayed acknowledgement puts them.
fn waits_for_delayed_acks(quantile_ns: impl Fn(f64) -> u64) -> bool {
    (0..=50).any(|percent| {
        let from = f64::from(percent) / 100.0;
        *DELAYED_NS.start() <= quantile_ns(from) && quantile_ns(from + 0.5) <= *DELAYED_NS.end()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_all_at_forty_milliseconds_is_a_delayed_acknowledgement() {
        let steps = |fast: f64, slow_ns: u64| {
            move |quantile: f64| if quantile <= fast { 100_000 } else { slow_ns }
        };
        assert!(waits_for_delayed_acks(steps(0.0, 41_000_000)));
        assert!(waits_for_delayed_acks(steps(0.4, 44_000_000)));
        assert!(waits_for_delayed_acks(steps(0.2, 48_100_000)));
        assert!(!waits_for_delayed_acks(steps(0.6, 44_000_000)));
        assert!(!waits_for_delayed_acks(steps(0.0, 50_000_000)));
    }
}
