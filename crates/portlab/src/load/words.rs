//! The texts that the result, the lines, the screen and the ladder share.

use std::io::Write;

use anstream::adapter::strip_str;
use anstyle::Style;
use portlab_load::{
    Arrivals, Chat, Latency, LoadResult, Outcome, Pace, Plan, Progress, Statuses, Through,
};
use portlab_service::inert;
pub(super) use portlab_words::units::per_s as rate;
use portlab_words::{Lang, Text, tr, units, wrap::wrap};
use textwrap::core::display_width;

use super::{command, problems};
use crate::args::stderr_width;
pub(super) use portlab_words::plural;

/// The result of `plan`, with the command of this process.
pub(super) fn result(plan: &Plan, outcome: Outcome, warnings: &[Text]) -> LoadResult {
    let headline = Text {
        en: headline(plan, Lang::En).into(),
        zh: headline(plan, Lang::Zh).into(),
    };
    let result = LoadResult::of(plan, outcome, warnings);
    let notes = problems::notes(&result);
    result.described(&command::of_this_process(), headline, notes)
}

/// What was done, in one line.
pub(super) fn headline(plan: &Plan, lang: Lang) -> String {
    let rate = plan.pace.rate_per_s().map_or(String::new(), rate);
    headline_at(plan, &tr!(lang, "at {rate}", "速率 {rate}"), lang)
}

/// The same for an open loop at several rates.
pub(super) fn headline_of_a_ladder(plan: &Plan, ends_per_s: [f64; 2], lang: Lang) -> String {
    let [from, to] = ends_per_s.map(rate);
    let rates = tr!(lang, "from {from} to {to}", "速率从 {from} 到 {to}");
    headline_at(plan, &rates, lang)
}

/// The headline; `rates` are those of an open loop.
fn headline_at(plan: &Plan, rates: &str, lang: Lang) -> String {
    let depth = plan.depth;
    let pace = match plan.pace {
        Pace::Idle => String::new(),
        Pace::Closed if plan.script.chat.is_some() => {
            let messages = counted(depth, "message", "条消息", lang);
            tr!(
                lang,
                "{messages} in flight, closed loop",
                "同时有 {messages}在途，闭环"
            )
        }
        Pace::Closed => tr!(lang, "x depth {depth}, closed loop", "深度 {depth}，闭环"),
        Pace::Open { arrivals, .. } => {
            let spread = match arrivals {
                Arrivals::Uniform => "均匀到达",
                Arrivals::Poisson => "泊松到达",
            };
            tr!(
                lang,
                "open loop {rates}, {arrivals}",
                "开环，{rates}，{spread}"
            )
        }
    };
    let through = plan.through.as_ref().map_or(String::new(), |it| {
        let Through { addr, faults } = it;
        tr!(
            lang,
            "; through a proxy at {addr}: {faults}",
            "；经过代理 {addr}：{faults}"
        )
    });
    let connections = counted(plan.connections, "connection", "个连接", lang);
    if plan.pace == Pace::Idle {
        return tr!(
            lang,
            "{connections}, held open and idle{through}",
            "{connections}，保持打开，不发送{through}"
        );
    }
    if let Some(chat) = &plan.script.chat {
        return headline_of_a_chat(plan, chat, &pace, lang) + &through;
    }
    let link = if plan.pace == Pace::Closed { " " } else { ", " };
    let (messages, think) = (messages(plan, lang), plan.script.think());
    let think = think.map_or(String::new(), |think| {
        tr!(
            lang,
            "; pausing {think} before the next",
            "；每条之间停顿 {think}"
        )
    });
    tr!(
        lang,
        "{connections}{link}{pace}; {messages}{think}{through}",
        "{connections}，{pace}；{messages}{think}{through}"
    )
}

/// What is sent, and which answers are expected.
fn messages(plan: &Plan, lang: Lang) -> String {
    let sizes = plan.script.sizes();
    let [shortest, longest] = [sizes.start(), sizes.end()].map(|it| units::bytes(*it as f64));
    let size = match shortest == longest {
        true => shortest,
        false => tr!(lang, "{shortest} to {longest}", "{shortest} 到 {longest}"),
    };
    if let Some(dialogue) = plan.script.dialogue() {
        let messages = counted(dialogue.exchanges().len(), "message", "条消息", lang);
        return tr!(
            lang,
            "a dialogue of {messages}, of {size}",
            "对话有 {messages}，每条 {size}"
        );
    }
    if let Some(http) = plan.script.http() {
        let (method, conditions) = (http.method.name(), expect_of_http(plan, lang));
        return tr!(
            lang,
            "{method} requests of {size}{conditions}",
            "{method} 请求 {size}{conditions}"
        );
    }
    let expect = plan.script.expectation();
    match plan.checks_every_byte() {
        true => tr!(
            lang,
            "messages of {size}, echoed",
            "消息 {size}，等待原样回显"
        ),
        false => tr!(
            lang,
            "messages of {size}, expecting {expect}",
            "消息 {size}，等待 {expect}"
        ),
    }
}

/// `2 messages` or `2 条消息`.
fn counted(count: usize, en: &str, zh: &str, lang: Lang) -> String {
    lang.pick(plural(count as u64, en), format!("{count} {zh}"))
}

/// What answers of HTTP are expected to have, beside an end.
fn expect_of_http(plan: &Plan, lang: Lang) -> String {
    let expect = &plan.script.expect;
    let statuses = plan.script.http().and_then(|http| http.statuses.as_ref());
    let statuses = statuses.map(Statuses::to_string);
    let text = expect.to_string();
    let conditions = text.strip_prefix("http&").map(str::to_owned);
    let all: Vec<_> = statuses.into_iter().chain(conditions).collect();
    match all.join(lang.pick(", ", "，")) {
        all if all.is_empty() => all,
        all => tr!(lang, ", expecting {all}", "，等待 {all}"),
    }
}

fn headline_of_a_chat(plan: &Plan, chat: &Chat, pace: &str, lang: Lang) -> String {
    let mut encodings: Vec<_> = chat.encodings.iter().map(|it| &*it.label).collect();
    encodings.dedup();
    let encodings = encodings.join(", ");
    let (first, last) = (chat.run.room(0), chat.run.room(chat.rooms - 1));
    let names = match chat.rooms {
        1 => first,
        _ => tr!(lang, "{first} to {last}", "{first} 到 {last}"),
    };
    let members = counted(plan.connections, "member", "个成员", lang);
    let rooms = counted(chat.rooms, "room", "个聊天室", lang);
    tr!(
        lang,
        "chat of {members} in {rooms} ({names}); {pace}; in {encodings}",
        "聊天：{rooms}（{names}）里有 {members}；{pace}；编码 {encodings}"
    )
}

/// What a run with `all` connections is doing while nothing is measured.
pub(super) fn stage(progress: &Progress, all: usize, lang: Lang) -> String {
    let dialled = progress.dialled;
    match progress.waiting.map(|left| left.as_secs_f64().ceil()) {
        Some(left) => tr!(
            lang,
            "waiting for the last answers, {left} s at most",
            "正在等最后的响应，最多 {left} s"
        ),
        None if progress.share == 0.0 => tr!(
            lang,
            "connecting: {dialled} of {all}",
            "正在连接：{dialled}/{all}"
        ),
        None => tr!(lang, "warming up", "正在预热"),
    }
}

/// How much of its runnable time the generator waited for a processor, as the end of a sentence; empty if
/// that is less than a hundredth.
pub(super) fn queued(share: Option<f64>, lang: Lang) -> String {
    let Some(percent) = share.map(|it| it * 100.0).filter(|it| *it >= 1.0) else {
        return String::new();
    };
    tr!(
        lang,
        "; waited {percent:.0}% of its runnable time for a processor",
        "；{percent:.0}% 的可运行时间在等处理器"
    )
}

/// By its rate, a run must have needed this many times its own time for that to be mentioned.
const LONGER: f64 = 1.01;

/// How many messages were answered in the time measured, and how long the messages that became due take at their rate.
pub(super) fn in_time(result: &LoadResult, lang: Lang) -> String {
    let (count, elapsed) = (result.messages, units::time(result.elapsed()));
    let messages = plural(count, "message");
    let text = lang.pick(
        format!("{messages} in {elapsed}"),
        format!("{elapsed} 内 {count} 条消息"),
    );
    // The time of the last message lasts until the next one would be due.
    let by_rate = result.by_rate.as_secs_f64();
    if count == 0 || by_rate <= result.elapsed().as_secs_f64() * LONGER {
        return text;
    }
    let by_rate = units::time(result.by_rate);
    tr!(
        lang,
        "{text}; at this rate, what became due takes {by_rate}",
        "{text}；按这个速率，到期的消息要用 {by_rate}"
    )
}

/// How many of the connections are open.
pub(super) fn open(open: usize, all: usize, lang: Lang) -> String {
    tr!(lang, "{open} of {all} open", "{all} 个中有 {open} 个打开")
}

/// `1 error`, `2 errors`.
pub(super) fn errors(count: u64, lang: Lang) -> String {
    lang.pick(plural(count, "error"), format!("{count} 个错误"))
}

/// A quantile of `latency`; a dash when nothing was recorded.
pub(super) fn quantile(latency: &Latency, quantile: f64) -> String {
    time((latency.count() > 0).then(|| latency.quantile_ns(quantile)))
}

/// A time as it is shown: a dash if there is none.
pub(super) fn time(nanos: Option<u64>) -> String {
    nanos.map_or_else(|| "–".to_owned(), |it| units::nanos(it as f64))
}

/// Writes a message to stderr, as wide as the terminal. An error is ignored: stderr may be closed.
pub(super) fn say(style: Style, lead: &str, text: &str) {
    // Off a terminal a message is one line, which can be searched for.
    let width = stderr_width().unwrap_or(usize::MAX);
    let text = paragraph(width, &head(style, lead), Style::new(), &inert(text));
    let _ = crate::output::stderr().write_all(text.as_bytes());
}

/// A title before a text. The full-width punctuation of Chinese needs no space behind it.
fn head(style: Style, title: &str) -> String {
    let space = if title.ends_with(['：', '，']) {
        ""
    } else {
        " "
    };
    format!("{style}{title}{style:#}{space}")
}

/// A text in one language, in lines that fit into the terminal if its words fit.
pub(super) struct Page {
    pub(super) width: usize,
    pub(super) lang: Lang,
    pub(super) text: String,
}

impl Page {
    pub(super) fn new(width: usize, lang: Lang) -> Self {
        let text = String::new();
        Self { width, lang, text }
    }

    /// Adds a [`paragraph`].
    pub(super) fn add(&mut self, lead: &str, style: Style, text: &str) {
        self.text += &paragraph(self.width, lead, style, text);
    }

    /// Adds `text` behind `lead`, which ends with punctuation.
    pub(super) fn add_behind(&mut self, style: Style, lead: &str, text: &str) {
        self.add(&head(style, lead), Style::new(), text);
    }
}

/// `text` after `lead`, broken between words into lines of at most `width` columns, all with the same indentation. If
/// there is little room beside `lead`, the text begins below.
fn paragraph(width: usize, lead: &str, style: Style, text: &str) -> String {
    if text.is_empty() {
        return format!("{}\n", lead.trim_end());
    }
    // A full-width mark needs no space behind it.
    let is_wide = strip_str(lead)
        .to_string()
        .trim_end()
        .ends_with(['：', '，']);
    let lead = if is_wide { lead.trim_end() } else { lead };
    let (mut lead, mut indent) = (lead.to_owned(), display_width(lead));
    if indent > BELOW && indent + LITTLE > width {
        indent = BELOW;
        lead = format!("{}\n{:indent$}", lead.trim_end(), "");
    }
    let room = width.saturating_sub(indent).max(1);
    let lines = wrap(&tied(text), room);
    let lines = lines.iter().map(|line| line.replace(TIE, " "));
    let lines: Vec<_> = lines.map(|it| format!("{style}{it}{style:#}")).collect();
    lead + &lines.join(&format!("\n{:indent$}", "")) + "\n"
}

/// `text` with its figures tied to their units, so that no line ends between them.
fn tied(text: &str) -> String {
    let mut tied = String::with_capacity(text.len());
    let mut words = text.split(' ').peekable();
    while let Some(word) = words.next() {
        tied.push_str(word);
        let Some(next) = words.peek() else { break };
        let figure = word.ends_with(|last: char| last.is_ascii_digit());
        let unit = next.trim_end_matches(|end: char| !end.is_alphabetic());
        let unit = unit.strip_suffix("/s").unwrap_or(unit);
        tied.push_str(if figure && UNITS.contains(&unit) {
            TIE
        } else {
            " "
        });
    }
    tied
}

/// A space that no line is broken at.
const TIE: &str = "\u{a0}";

/// The units that may follow a figure.
const UNITS: [&str; 8] = ["ns", "µs", "ms", "s", "B", "KiB", "MiB", "GiB"];

/// The least room for a text beside its lead.
const LITTLE: usize = 18;

/// The indentation of a text below its lead.
const BELOW: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paragraph_is_broken_between_words_and_nowhere_else() {
        let printed = |width, lead, text| paragraph(width, lead, Style::new(), text);
        let text = "then use --per-connection and wait";
        assert_eq!(
            printed(30, "  lead  ", text),
            "  lead  then use\n        --per-connection and\n        wait\n"
        );
        // Too little room beside the lead.
        assert_eq!(
            printed(20, "  lead  ", text),
            "  lead\n    then use\n    --per-connection\n    and wait\n"
        );
        assert_eq!(printed(20, "  lead  ", ""), "  lead\n");
        assert_eq!(printed(80, "提示： ", "等待"), "提示：等待\n");
        // A figure keeps its unit.
        assert_eq!(
            printed(8, "", "p99 12 ms; 4 KiB/s"),
            "p99\n12 ms;\n4 KiB/s\n"
        );
    }
}
