//! The result in words and figures.

use anstyle::Style;
use portlab_load::{Answers, ChatResult, Judgement, Latency, LoadResult, Pace, Plan};
use portlab_stats::load::{AnswerLine, DatagramResult, Redirect, StatusCount};
use portlab_words::{Lang, tr, units};
use textwrap::core::display_width;

use super::tls;
use super::words::{Page, headline, in_time, plural, quantile, queued, time};
use crate::args::{BAD, DIM, GOOD, HEAD, WARN};

const QUANTILES: [(&str, f64); 5] = [
    ("p50", 0.5),
    ("p90", 0.9),
    ("p99", 0.99),
    ("p99.9", 0.999),
    ("max", 1.0),
];

/// A lag of the generator above this is mentioned.
const OWN_LAG_NS: u64 = 200_000;

/// How wide the name of a row is.
const NAME: usize = 12;

/// How wide a row of an open loop is: its name, and three columns.
const ROW: usize = 2 + NAME + 3 * 11;

/// The result of a run, in lines of at most `width` columns if its words fit.
pub(super) fn of_run(result: &LoadResult, width: usize, lang: Lang) -> String {
    let mut page = Page::new(width, lang);
    page.head(&result.target, &headline(&result.plan, lang));
    if result.interrupted {
        let text = lang.pick(
            "interrupted: this is what was measured so far",
            "已中断：以下是到目前为止的测量结果",
        );
        page.add("", WARN, text);
    }
    if result.plan.pace == Pace::Idle {
        page.alive(result);
    } else {
        page.throughput(result);
        page.latency(result);
        page.steps(result);
    }
    page.targets(result);
    page.connections(result);
    page.generator(result);
    page.outages(result);
    page.datagrams(result);
    page.errors(result);
    if let Some(chat) = &result.chat {
        page.history(chat);
    }
    page.answers(&result.plan, &result.answers);
    page.verdict(result);
    page.limits(result);
    page.text
}

impl Page {
    /// What was loaded, and how.
    pub(super) fn head(&mut self, target: &str, headline: &str) {
        let lead = format!("{HEAD}{target}{HEAD:#}  ");
        self.add(&lead, Style::new(), headline);
    }

    /// A row: its name in both languages, its figure, and an explanation.
    fn row(&mut self, name: (&str, &str), value: &str, rest: &str) {
        self.styled_row(name, value, Style::new(), rest);
    }

    pub(super) fn styled_row(
        &mut self,
        (en, zh): (&str, &str),
        value: &str,
        style: Style,
        rest: &str,
    ) {
        let name = self.lang.pick(en, zh);
        let [after, before] =
            [(NAME, name), (10, value)].map(|(room, it)| room.saturating_sub(display_width(it)));
        let lead = format!(
            "  {name}{:after$} {:before$}{style}{value}{style:#}  ",
            "", ""
        );
        self.add(&lead, DIM, rest);
    }

    /// A row below another one, with the count of one kind.
    fn kind(&mut self, style: Style, count: u64, text: &str) {
        let lead = format!("    {style}{count:>6}x{style:#} ");
        self.add(&lead, Style::new(), text);
    }

    fn throughput(&mut self, result: &LoadResult) {
        let (lang, plan) = (self.lang, &result.plan);
        let mut rest = in_time(result, lang);
        let rate = units::per_s(result.messages_per_s);
        if let Some(chat) = &result.chat {
            rest += lang.pick("; received by all", "；所有成员都收到");
            self.row(("messages", "消息"), &rate, &rest);
            let (count, rate) = (chat.deliveries, units::per_s(chat.deliveries_per_s));
            let text = tr!(lang, "{count} in all", "共 {count} 次");
            return self.row(("deliveries", "送达"), &rate, &text);
        }
        // What has been sent and received includes the warm-up; sizes tell the rate as well.
        if result.size_bytes == result.size_max_bytes && plan.checks_every_byte() {
            let bytes = units::bytes(result.messages_per_s * result.size_bytes as f64);
            rest += &tr!(lang, "; {bytes}/s each way", "；每个方向 {bytes}/s");
        }
        if let (Some(rate_per_s), None) = (result.rate_per_s, result.rate_changed_to_per_s) {
            let share = result.messages_per_s / rate_per_s * 100.0;
            rest += &tr!(
                lang,
                "; {share:.1}% of the rate",
                "；达到速率的 {share:.1}%"
            );
        }
        self.row(("throughput", "吞吐量"), &rate, &rest);
    }

    fn latency(&mut self, result: &LoadResult) {
        let (lang, latency) = (self.lang, &result.latency_ns);
        if latency.count() == 0 {
            return;
        }
        let what = kind_of_latency(result, lang);
        if let (Some(uncorrected), Some(lag)) =
            (&result.uncorrected_latency_ns, &result.pacing_lag_ns)
        {
            self.columns([latency, uncorrected, lag], what);
        } else {
            let count = latency.count();
            let of = tr!(
                lang,
                "of the {count} that became due while measuring",
                "测量期间到期的 {count} 条"
            );
            for (name, at) in QUANTILES {
                let rest = match name {
                    "p50" => what,
                    "max" => &of,
                    _ => "",
                };
                self.row((name, name), &quantile(latency, at), rest);
            }
        }
        if let Some(ChatResult { delivery_ns, .. }) = &result.chat {
            let [p50, p99] = [0.5, 0.99].map(|at| quantile(delivery_ns, at));
            let rest = tr!(
                lang,
                "until any member received it; p99 {p99}",
                "到任一成员收到为止；p99 {p99}"
            );
            self.row(("delivery p50", "送达 p50"), &p50, &rest);
        }
    }

    /// The rows of an open loop: latency from due and from sent, and the lag.
    fn columns(&mut self, histograms: [&Latency; 3], what: &str) {
        let lang = self.lang;
        let heads = match self.width >= ROW {
            true => lang.pick(
                ["from due", "from sent", "lag"],
                ["从到期", "从发送", "滞后"],
            ),
            false => lang.pick(["due", "sent", "lag"], ["到期", "发送", "滞后"]),
        };
        let line = self.in_columns("", heads);
        self.add(&format!("{DIM}{line}{DIM:#}  "), DIM, what);
        for (name, at) in QUANTILES {
            let [due, sent, lag] = histograms.map(|it| units::nanos(it.quantile_ns(at) as f64));
            let line = self.in_columns(name, [&due, &sent, &lag]);
            // Latency that is mostly the generator's lag isn't the server's.
            let [due_ns, _, lag_ns] = histograms.map(|it| it.quantile_ns(at));
            let rest = match lag_ns > OWN_LAG_NS && lag_ns > due_ns / 2 {
                true => lang.pick(
                    "mostly the generator's own lag",
                    "主要是负载生成器自己的滞后",
                ),
                false => "",
            };
            self.add(&(line + "  "), WARN, rest);
        }
    }

    /// A name and three columns. On a narrow page they are narrower.
    pub(super) fn in_columns(&self, name: &str, values: [&str; 3]) -> String {
        let (indent, first, other): (usize, usize, usize) = match self.width >= ROW {
            true => (2, NAME, 11),
            false => (1, 5, 8),
        };
        let mut line = format!("{:indent$}{name:<first$}", "");
        for value in values {
            let gap = other.saturating_sub(display_width(value));
            line += &format!("{:gap$}{value}", "");
        }
        line
    }

    fn alive(&mut self, result: &LoadResult) {
        let (alive, all) = (result.alive, result.connected);
        let share = tr!(self.lang, "{alive} of {all}", "{alive}/{all}");
        let elapsed = units::time(result.elapsed());
        let rest = tr!(
            self.lang,
            "still open after {elapsed}",
            "{elapsed} 后仍然打开"
        );
        self.row(("alive", "存活"), &share, &rest);
    }

    fn connections(&mut self, result: &LoadResult) {
        let (lang, connect) = (self.lang, &result.connect_latency_ns);
        let made = connect.count();
        let [p50, p99] = [0.5, 0.99].map(|at| quantile(connect, at));
        let time = units::nanos(result.connect_phase_ns as f64);
        let churns = made > result.connected as u64;
        let rest = match made {
            0 => lang.pick("none was made", "一个也没有建立").to_owned(),
            _ if churns => tr!(
                lang,
                "p50 to connect; p99 {p99}; {made} made",
                "建立连接的 p50；p99 {p99}；共建立 {made} 个"
            ),
            _ => tr!(
                lang,
                "p50 to connect; p99 {p99}; {made} in {time}",
                "建立连接的 p50；p99 {p99}；{time} 内 {made} 个"
            ),
        };
        self.row(("connect", "连接"), &p50, &rest);
        if let Some((p50, rest)) = tls::handshakes(result, lang) {
            self.row(("handshake", "握手"), &p50, &rest);
        }
        if let Some((version, rest)) = tls::session(result, lang) {
            self.row(("encrypted", "加密"), &version, &rest);
        }
        if let Some(fairness) = result.fairness
            && fairness.connections > 1
            && result.plan.pace != Pace::Idle
        {
            let (least, most) = (fairness.least_messages, fairness.most_messages);
            let rest = tr!(
                lang,
                "Jain's index; {least} to {most} answers on each connection",
                "Jain 指数；每个连接得到 {least} 到 {most} 个响应"
            );
            let index = format!("{:.3}", fairness.jain_index);
            self.row(("fairness", "公平性"), &index, &rest);
        }
    }

    fn generator(&mut self, result: &LoadResult) {
        let (lang, count) = (self.lang, result.threads);
        let share = format!("{:.0}% CPU", result.generator_cpu_share * 100.0);
        let threads = plural(count as u64, "thread");
        let mut rest = lang.pick(format!("of {threads}"), format!("{count} 个线程"));
        if result.generator_cpu_us_per_message > 0.0 {
            let each = units::nanos(result.generator_cpu_us_per_message * 1e3);
            rest += &tr!(lang, "; {each} per message", "；每条消息 {each}");
        }
        rest += &queued(result.generator_wait_share, lang);
        self.row(("generator", "生成器"), &share, &rest);
    }

    /// A row for each of several targets.
    fn targets(&mut self, result: &LoadResult) {
        let lang = self.lang;
        for one in &result.targets {
            let rate = units::per_s(one.messages_per_s);
            let [p50, p99] = [one.latency_ns.p50, one.latency_ns.p99].map(time);
            let (target, errors, missing) = (&one.target, one.errors, one.unanswered);
            let text = tr!(
                lang,
                "{target}: p50 {p50}, p99 {p99}; errors: {errors}, not answered: {missing}",
                "{target}：p50 {p50}，p99 {p99}；错误 {errors}，没有响应 {missing}"
            );
            self.row(("target", "目标"), &rate, &text);
        }
    }

    fn datagrams(&mut self, result: &LoadResult) {
        let (lang, Some(found)) = (self.lang, &result.datagrams) else {
            return;
        };
        let DatagramResult { due, lost, .. } = found;
        let mut parts = vec![tr!(
            lang,
            "{lost} of {due} were not answered",
            "{due} 条中有 {lost} 条没有响应"
        )];
        for (count, en, zh) in [
            (found.duplicates, "duplicates", "重复"),
            (found.reordered, "reordered", "乱序"),
            (found.late, "after the timeout", "超时后到达"),
        ] {
            if found.numbered {
                parts.push(tr!(lang, "{count} {en}", "{zh} {count}"));
            }
        }
        if !found.numbered {
            let text = lang.pick(
                "messages lack a number, so answers are matched by their order",
                "消息没有序号：按顺序匹配响应",
            );
            parts.push(text.to_owned());
        }
        let dropped = found.dropped_here;
        if dropped > 0 {
            parts.push(tr!(
                lang,
                "this machine dropped {dropped} answers because the generator read too slowly",
                "本机丢弃了 {dropped} 个响应，因为负载生成器读得太慢"
            ));
        }
        let loss = format!("{:.2}%", found.loss * 100.0);
        let parts = parts.join(lang.pick("; ", "；"));
        self.row(("loss", "丢失"), &loss, &parts);
    }

    fn outages(&mut self, result: &LoadResult) {
        if let Some(outages) = &result.outages {
            let text = result.outages_text.pick(self.lang);
            self.row(("outages", "中断"), &outages.count.to_string(), text);
        }
    }

    fn errors(&mut self, result: &LoadResult) {
        let lang = self.lang;
        let mut rest = vec![result.checking.text().pick(lang).to_owned()];
        let unsent = lang.pick("due and not sent", "到期未发送");
        for (what, count) in [
            (lang.pick("not answered", "没有响应"), result.unanswered),
            (unsent, result.due_not_sent),
        ] {
            if count > 0 {
                rest.push(tr!(lang, "{what}: {count}", "{what}：{count}"));
            }
        }
        rest.retain(|it| !it.is_empty());
        let rest = rest.join(lang.pick("; ", "；"));
        self.row(("errors", "错误"), &result.errors.to_string(), &rest);
        for failure in &result.failures {
            self.kind(BAD, failure.count, &failure.in_words(lang));
        }
    }

    /// Whether the chat delivered its messages as promised.
    fn history(&mut self, chat: &ChatResult) {
        let lang = self.lang;
        if let Some(first) = &chat.first_strangers_line {
            let text = tr!(
                lang,
                "lines of clients that don't belong to this run: not checked, but part of the server's load; \
                 the first: \"{first}\"",
                "行来自不属于这次运行的客户端：不核对，但也是服务端的负载；第一行：\"{first}\""
            );
            let lines = chat.strangers_lines.to_string();
            self.row(("strangers", "外来"), &lines, &text);
        }
        let (value, style, text) = match chat.violations {
            0 => (
                lang.pick("kept", "遵守").to_owned(),
                GOOD,
                lang.pick(
                    "nothing lost or doubled, every sender's order, one order in a room, nothing from other rooms",
                    "没有丢失或重复，每个发送者的消息顺序不变，一个聊天室只有一种顺序，没有其他聊天室的消息",
                ),
            ),
            count => (
                tr!(lang, "broken {count}x", "违反 {count} 次"),
                BAD,
                lang.pick("see the broken promises", "见违反约定之处"),
            ),
        };
        self.styled_row(("history", "约定"), &value, style, text);
    }

    /// What `answers` began with: the first one, and the first lines of all when there are several.
    pub(super) fn answers(&mut self, plan: &Plan, answers: &Answers) {
        let Some(first) = answers.first() else {
            return;
        };
        let (lang, lines, others) = (self.lang, answers.lines(), answers.others());
        if plan.script.chat.is_some() {
            return self.row(
                ("received", "收到"),
                "",
                &tr!(lang, "the first: \"{first}\"", "第一条：\"{first}\""),
            );
        }
        let echoed = plan.checks_every_byte();
        let statuses = answers.statuses();
        let one_kind = match plan.script.http() {
            Some(_) => statuses.len() < 2,
            None => echoed || (lines.len() < 2 && others == 0),
        };
        let what = if echoed {
            lang.pick(
                "in the whole run, each equal to its message; the first: ",
                "整个运行期间，每个都与发出的消息相同；第一个：",
            )
        } else if plan.pace == Pace::Idle || plan.script.is_one_way() {
            lang.pick("what came first: ", "最先收到的：")
        } else if one_kind {
            lang.pick("in the whole run; the first: ", "整个运行期间；第一个：")
        } else if plan.script.http().is_some() {
            lang.pick(
                "in the whole run, by their statuses; the first: ",
                "整个运行期间，按状态码归类；第一个：",
            )
        } else {
            lang.pick(
                "in the whole run, by their first lines; the first: ",
                "整个运行期间，按首行归类；第一个：",
            )
        };
        let rest = format!("{what}\"{first}\"");
        self.row(("answers", "响应"), &answers.total().to_string(), &rest);
        if let Some(http) = plan.script.http() {
            for StatusCount { status, count } in statuses.into_iter().filter(|_| !one_kind) {
                let is_error = http.error(status).is_some() && !plan.script.any_answer;
                let text = tr!(lang, "status {status}", "状态码 {status}");
                self.kind(if is_error { BAD } else { DIM }, count, &text);
            }
            return self.redirect(answers);
        }
        if one_kind {
            return;
        }
        for AnswerLine { line, count, error } in lines {
            let style = if error.is_some() { BAD } else { DIM };
            self.kind(style, count, &format!("\"{line}\""));
        }
        if others > 0 {
            let text = lang.pick(
                "other first lines, too many to be kept apart",
                "其他首行，种类太多，没有分开统计",
            );
            self.kind(Style::new(), others, text);
        }
    }

    /// Where the first redirect leads, if there was one.
    fn redirect(&mut self, answers: &Answers) {
        if let Some(Redirect { status, location }) = answers.redirect() {
            let text = tr!(
                self.lang,
                "to \"{location}\", not followed; to load that page, give its URL",
                "指向 \"{location}\"，没有跟随；要加载那个页面，请写它的网址"
            );
            self.row(("redirect", "重定向"), &status.to_string(), &text);
        }
    }

    fn verdict(&mut self, result: &LoadResult) {
        let (lang, verdict) = (self.lang, &result.verdict);
        let (name, word) = (("believable", "可信吗"), word_in(verdict.word, lang));
        if !verdict.believable {
            self.styled_row(name, word, WARN, "");
            for caution in &verdict.doubts {
                let lead = format!("    {WARN}!{WARN:#} ");
                self.add(&lead, Style::new(), caution.text.pick(lang));
            }
            return;
        }
        let mut reasons = Vec::new();
        if result.plan.pace != Pace::Idle {
            let samples = units::short(verdict.samples as f64);
            reasons.push(tr!(lang, "{samples} samples", "{samples} 个样本"));
        }
        reasons.push(units::time(result.elapsed()));
        if let Some(lag_ns) = verdict.pacing_lag_p99_ns {
            let lag = units::nanos(lag_ns as f64);
            reasons.push(tr!(lang, "lag p99 {lag}", "滞后 p99 {lag}"));
        }
        // In a shorter run, the messages in flight at its edges make too much of a difference.
        let long = result.elapsed() >= Judgement::LITTLE_NEEDS;
        if let Some(residual) = verdict.littles_law_residual.filter(|_| long) {
            let percent = residual.abs() * 100.0;
            reasons.push(tr!(
                lang,
                "Little's law within {percent:.2}%",
                "与利特尔法则相差不到 {percent:.2}%"
            ));
        }
        reasons.push(
            lang.pick("generator had time left", "生成器有余力")
                .to_owned(),
        );
        self.styled_row(name, word, GOOD, &reasons.join(lang.pick(", ", "，")));
    }
}

/// The kind of latency that was measured, in words.
fn kind_of_latency(result: &LoadResult, lang: Lang) -> &'static str {
    let taken = result.plan.script.is_one_way();
    match (&result.chat, taken, &result.pacing_lag_ns) {
        (Some(_), ..) => lang.pick(
            "fan-out: until the last member received it",
            "扇出：到最后一个成员收到为止",
        ),
        (None, true, Some(_)) => lang.pick(
            "latency until the system had taken the message",
            "延迟，到系统接下消息为止",
        ),
        (None, true, None) => lang.pick(
            "until the system had taken the message",
            "到系统接下消息为止",
        ),
        (None, false, Some(_)) => lang.pick("latency to the last byte", "延迟，到最后一个字节为止"),
        (None, false, None) => lang.pick(
            "latency, from sending to the last byte",
            "延迟，从发送到最后一个字节",
        ),
    }
}

/// A verdict's word in `lang`.
pub(super) fn word_in(word: &'static str, lang: Lang) -> &'static str {
    match (lang, word) {
        (Lang::Zh, "yes") => "可信",
        (Lang::Zh, "with care") => "需谨慎",
        (Lang::Zh, "no") => "不可信",
        _ => word,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use portlab_load::{Arrivals, Ended, Framing, Outcome, Tally};

    use super::*;

    /// An outcome of `plan` in which messages took `nanos`, and were `lag_ns` late.
    pub(in crate::load) fn outcome(plan: &Plan, nanos: &[u64], lag_ns: u64) -> Outcome {
        // An empty outcome, which is filled below.
        let mut outcome = portlab_load::run(plan, &mut ()).unwrap();
        outcome.tally = Tally::default();
        outcome.ended = Ended::Done;
        outcome.elapsed = Duration::from_secs(1);
        outcome.messages = nanos.len() as u64;
        outcome.bytes_received = 64 * outcome.messages;
        for &nanos in nanos {
            outcome.latency.record(nanos);
            outcome.uncorrected.record(nanos);
            outcome.pacing_lag.record(lag_ns);
        }
        outcome
    }

    pub(in crate::load) fn printed(plan: &Plan, outcome: &Outcome, width: usize) -> String {
        let result = LoadResult::of(plan, outcome.clone(), &[]);
        plain(&of_run(&result, width, Lang::En))
    }

    /// `text` without styles.
    pub(in crate::load) fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    pub(in crate::load) fn closed() -> Plan {
        Plan::new(std::net::SocketAddr::from(([127, 0, 0, 1], 1)))
    }

    pub(in crate::load) fn open(rate_per_s: f64) -> Plan {
        let arrivals = Arrivals::Poisson;
        Plan {
            pace: Pace::Open {
                rate_per_s,
                arrivals,
            },
            ..closed()
        }
    }

    #[test]
    fn nothing_is_wider_than_the_terminal() {
        for width in [120, 80, 50, 46, 30] {
            for plan in [closed(), open(1_000.0)] {
                let nanos = [1_234_567, 12_345_678, 123_456_789];
                let said = printed(&plan, &outcome(&plan, &nanos, 123_456_789), width);
                let wide = said.lines().find(|line| line.chars().count() > width);
                assert_eq!(wide, None, "{width}:\n{said}");
                assert!(said.contains("123 ms"), "{said}");
            }
        }
    }

    #[test]
    fn a_message_without_an_answer_is_done_when_the_system_has_taken_it() {
        for mut plan in [closed(), open(1_000.0)] {
            plan.script.expect = Framing::Nothing.into();
            let said = printed(&plan, &outcome(&plan, &[1_000], 0), 200);
            assert!(said.contains("until the system had taken"), "{said}");
            assert!(!said.contains("last byte"), "{said}");
        }
    }
}
