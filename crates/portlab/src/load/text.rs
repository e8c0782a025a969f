//! The result in words and figures.

use std::io::{self, Write};

use anstyle::Style;
use portlab_load::{
    AnswerLine, Answers, ChatResult, Credibility, Expect, Latency, LoadResult, Pace, Plan,
};
use portlab_words::{Lang, tr, units};

use super::words::{headline, in_time, known, padded, paragraph, plural, queued};
use crate::args::{BAD, DIM, GOOD, HEAD, WARN};

const QUANTILES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)];

/// Lag of the generator that is mentioned.
const OWN_LAG_NS: u64 = 200_000;

/// How wide the name of a row is.
const NAME: usize = 12;

/// Where the text of a row begins.
const TEXT: usize = NAME + 15;

/// How wide a row of an open loop is: its name, and three columns.
const ROW: usize = 2 + NAME + 3 * 11;

/// Prints what a run came to; nothing is wider than `width` columns if that can be helped.
pub(super) fn print(
    out: &mut impl Write,
    result: &LoadResult,
    width: usize,
    lang: Lang,
) -> io::Result<()> {
    let mut page = Page { out, width, lang };
    let target = format!("{HEAD}{}{HEAD:#}  ", result.target);
    let indent = result.target.len() + 2;
    page.wrapped(&target, indent, Style::new(), &headline(&result.plan, lang))?;
    if result.interrupted {
        let text = lang.pick(
            "interrupted: this is what was measured so far",
            "已中断：以下是到目前为止的测量结果",
        );
        page.wrapped("", 0, WARN, text)?;
    }
    if result.plan.pace == Pace::Idle {
        page.alive(result)?;
    } else {
        page.throughput(result)?;
        page.latency(result)?;
    }
    page.connections(result)?;
    page.generator(result)?;
    page.errors(result)?;
    if let Some(chat) = &result.chat {
        page.history(chat)?;
    }
    print_answers(page.out, width, &result.plan, &result.answers, lang)?;
    page.verdict(result)?;
    page.out.flush()
}

struct Page<'a, W> {
    out: &'a mut W,
    width: usize,
    lang: Lang,
}

impl<W: Write> Page<'_, W> {
    /// A row: its name in both languages, its figure, and what there is to say of it.
    fn row(&mut self, name: (&str, &str), value: &str, rest: &str) -> io::Result<()> {
        self.styled_row(name, value, Style::new(), rest)
    }

    fn styled_row(
        &mut self,
        (en, zh): (&str, &str),
        value: &str,
        style: Style,
        rest: &str,
    ) -> io::Result<()> {
        let name = padded(self.lang.pick(en, zh), NAME);
        let gap = 10_usize.saturating_sub(textwrap::core::display_width(value));
        let lead = format!("  {name} {:gap$}{style}{value}{style:#}  ", "");
        let indent = TEXT.max(17 + textwrap::core::display_width(value));
        self.wrapped(&lead, indent, DIM, rest)
    }

    fn throughput(&mut self, result: &LoadResult) -> io::Result<()> {
        let (lang, plan) = (self.lang, &result.plan);
        let mut rest = in_time(result, lang);
        if let Some(chat) = &result.chat {
            rest += lang.pick("; received by all", "；所有成员都收到");
            self.row(
                ("messages", "消息"),
                &units::per_s(result.messages_per_s),
                &rest,
            )?;
            let count = chat.deliveries;
            let text = tr!(lang, "{count} in all", "共 {count} 次");
            return self.row(
                ("deliveries", "投递"),
                &units::per_s(chat.deliveries_per_s),
                &text,
            );
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
        let rate = units::per_s(result.messages_per_s);
        self.row(("throughput", "吞吐量"), &rate, &rest)
    }

    /// What latency there is, in words.
    fn kind_of_latency(&self, result: &LoadResult) -> &'static str {
        let taken = result.plan.script.expect == Expect::Nothing;
        match (&result.chat, taken, &result.pacing_lag_ns) {
            (Some(_), ..) => self.lang.pick(
                "fan-out: until the last member received it",
                "扇出：到最后一个成员收到为止",
            ),
            (None, true, Some(_)) => self.lang.pick(
                "latency until the system had taken the message",
                "延迟，到系统接下消息为止",
            ),
            (None, true, None) => self.lang.pick(
                "until the system had taken the message",
                "到系统接下消息为止",
            ),
            (None, false, Some(_)) => self
                .lang
                .pick("latency to the last byte", "延迟，到最后一个字节为止"),
            (None, false, None) => self.lang.pick(
                "latency, from sending to the last byte",
                "延迟，从发送到最后一个字节",
            ),
        }
    }

    fn latency(&mut self, result: &LoadResult) -> io::Result<()> {
        let (lang, latency) = (self.lang, &result.latency_ns);
        if latency.count() == 0 {
            return Ok(());
        }
        let what = self.kind_of_latency(result);
        if let (Some(uncorrected), Some(lag)) =
            (&result.uncorrected_latency_ns, &result.pacing_lag_ns)
        {
            let heads = match self.width >= ROW {
                true => lang.pick(
                    ["from due", "from sent", "lag"],
                    ["从到期", "从发送", "滞后"],
                ),
                false => lang.pick(["due", "sent", "lag"], ["到期", "发送", "滞后"]),
            };
            let (line, indent) = self.in_columns("", heads);
            self.wrapped(&format!("{DIM}{line}{DIM:#}  "), indent, DIM, what)?;
            let histograms = [latency, uncorrected, lag];
            for (name, quantile) in QUANTILES {
                self.columns(name, histograms.map(|it| it.quantile_ns(quantile)))?;
            }
            self.columns("max", histograms.map(Latency::max_ns))?;
        } else {
            for (name, quantile) in QUANTILES {
                let value = known(latency, latency.quantile_ns(quantile));
                let rest = if name == "p50" { what } else { "" };
                self.row((name, name), &value, rest)?;
            }
            let (max, count) = (known(latency, latency.max_ns()), latency.count());
            let rest = tr!(
                lang,
                "of the {count} that became due while measuring",
                "测量期间到期的 {count} 条"
            );
            self.row(("max", "max"), &max, &rest)?;
        }
        if let Some(ChatResult { delivery_ns, .. }) = &result.chat {
            let p99 = known(delivery_ns, delivery_ns.quantile_ns(0.99));
            let rest = tr!(
                lang,
                "until any member received it; p99 {p99}",
                "到任一成员收到为止；p99 {p99}"
            );
            let p50 = known(delivery_ns, delivery_ns.quantile_ns(0.5));
            self.row(("delivery p50", "投递 p50"), &p50, &rest)?;
        }
        Ok(())
    }

    /// A row of an open loop: latency from due and from sent, and the lag, in nanoseconds.
    fn columns(&mut self, name: &str, nanos: [u64; 3]) -> io::Result<()> {
        let [due, sent, lag] = nanos.map(|nanos| units::nanos(nanos as f64));
        // Of a stall of the generator's own, the server knows nothing.
        let own = nanos[2] > OWN_LAG_NS && nanos[2] > nanos[0] / 2;
        let rest = match own {
            true => self.lang.pick(
                "mostly the generator's own lag",
                "主要是负载生成器自己的滞后",
            ),
            false => "",
        };
        let (line, indent) = self.in_columns(name, [&due, &sent, &lag]);
        self.wrapped(&(line + "  "), indent, WARN, rest)
    }

    /// A name and three columns, and where what follows them begins. On a narrow page they are
    /// narrower.
    fn in_columns(&self, name: &str, values: [&str; 3]) -> (String, usize) {
        let (indent, first, other): (usize, usize, usize) = match self.width >= ROW {
            true => (2, NAME, 10),
            false => (1, 5, 7),
        };
        let mut line = format!("{:indent$}{name:<first$}", "");
        for value in values {
            let gap = (other + 1).saturating_sub(textwrap::core::display_width(value));
            line += &format!("{:gap$}{value}", "");
        }
        (line, indent + first + 3 * (other + 1) + 2)
    }

    fn alive(&mut self, result: &LoadResult) -> io::Result<()> {
        let (alive, all) = (result.alive, result.connected);
        let share = tr!(self.lang, "{alive} of {all}", "{alive}/{all}");
        let elapsed = units::time(result.elapsed());
        let rest = tr!(
            self.lang,
            "still open after {elapsed}",
            "{elapsed} 后仍然打开"
        );
        self.row(("alive", "存活"), &share, &rest)
    }

    fn connections(&mut self, result: &LoadResult) -> io::Result<()> {
        let (lang, connect) = (self.lang, &result.connect_latency_ns);
        let made = connect.count();
        let p99 = known(connect, connect.quantile_ns(0.99));
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
        let p50 = known(connect, connect.quantile_ns(0.5));
        self.row(("connect", "连接"), &p50, &rest)?;
        if let Some(fairness) = result.fairness
            && fairness.connections > 1
            && result.plan.pace != Pace::Idle
        {
            let (least, most) = (fairness.least, fairness.most);
            let rest = tr!(
                lang,
                "Jain's index; a connection had from {least} to {most} answers",
                "Jain 指数；每个连接得到 {least} 到 {most} 个回应"
            );
            self.row(
                ("fairness", "公平性"),
                &format!("{:.3}", fairness.jain),
                &rest,
            )?;
        }
        Ok(())
    }

    fn generator(&mut self, result: &LoadResult) -> io::Result<()> {
        let (lang, count) = (self.lang, result.threads);
        let share = format!("{:.0}% CPU", result.generator_cpu_share * 100.0);
        let threads = plural(count as u64, "thread");
        let mut rest = lang.pick(format!("of {threads}"), format!("{count} 个线程"));
        if result.generator_cpu_us_per_message > 0.0 {
            let each = units::nanos(result.generator_cpu_us_per_message * 1e3);
            rest += &tr!(lang, "; {each} per message", "；每条消息 {each}");
        }
        rest += &queued(result.generator_wait_share, lang);
        self.row(("generator", "生成器"), &share, &rest)
    }

    fn errors(&mut self, result: &LoadResult) -> io::Result<()> {
        let (lang, account) = (self.lang, &result.account);
        let mut rest = vec![account.checked.text().pick(lang).to_owned()];
        let missing = [
            (lang.pick("not answered", "没有回应"), account.unanswered),
            (
                lang.pick("due and not sent", "到期未发送"),
                account.due_not_sent,
            ),
        ];
        for (what, count) in missing.iter().filter(|(_, count)| *count > 0) {
            rest.push(tr!(lang, "{what}: {count}", "{what}：{count}"));
        }
        rest.retain(|it| !it.is_empty());
        let rest = rest.join(lang.pick("; ", "；"));
        self.row(("errors", "错误"), &account.errors.to_string(), &rest)?;
        for failure in &result.failures {
            let (count, text) = (failure.count, failure.in_words(lang));
            let lead = format!("    {BAD}{count:>6}x{BAD:#} ");
            self.wrapped(&lead, 12, Style::new(), &text)?;
        }
        Ok(())
    }

    /// Whether a chat kept its promises.
    fn history(&mut self, chat: &ChatResult) -> io::Result<()> {
        let lang = self.lang;
        if let Some(first) = &chat.first_strangers_line {
            let lines = chat.strangers_lines;
            let text = tr!(
                lang,
                "lines of clients that don't belong to this run: not checked, but part of the server's load; \
                 the first: \"{first}\"",
                "行来自不属于这次运行的客户端：不核对，但也是服务器的负载；第一行：\"{first}\""
            );
            self.row(("strangers", "外来"), &lines.to_string(), &text)?;
        }
        let count = chat.violations;
        if count > 0 {
            let value = tr!(lang, "broken {count}x", "违反 {count} 次");
            let text = lang.pick("see the broken promises", "见违反约定之处");
            return self.styled_row(("history", "历史"), &value, BAD, text);
        }
        let text = lang.pick(
            "nothing lost or doubled, every sender's order, one order in a room, nothing from other rooms",
            "没有丢失或重复，每个发送者的次序不变，房间里只有一种次序，没有其他房间的消息",
        );
        self.styled_row(("history", "历史"), lang.pick("kept", "遵守"), GOOD, text)
    }

    fn verdict(&mut self, result: &LoadResult) -> io::Result<()> {
        let (lang, verdict) = (self.lang, &result.verdict);
        let name = ("believable", "可信吗");
        if !verdict.believable {
            let word = word_in(verdict.word, lang);
            self.styled_row(name, word, WARN, "")?;
            for caution in &verdict.doubts {
                let lead = format!("    {WARN}!{WARN:#} ");
                self.wrapped(&lead, 6, Style::new(), caution.text.pick(lang))?;
            }
            return Ok(());
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
        // In a shorter run, what is in flight at its edges matters.
        let long = result.elapsed() >= Credibility::LITTLE_NEEDS;
        if let Some(residual) = verdict.littles_law_residual.filter(|_| long) {
            let percent = residual.abs() * 100.0;
            reasons.push(tr!(
                lang,
                "Little's law within {percent:.2}%",
                "与利特尔法则相差不到 {percent:.2}%"
            ));
        }
        reasons.push(lang.pick("generator at ease", "生成器有余力").to_owned());
        let reasons = reasons.join(lang.pick(", ", "，"));
        self.styled_row(name, lang.pick("yes", "可信"), GOOD, &reasons)
    }

    /// `text` after `lead`, broken into lines that begin `indent` columns from the left.
    fn wrapped(&mut self, lead: &str, indent: usize, style: Style, text: &str) -> io::Result<()> {
        paragraph(self.out, self.width, (lead, indent), style, text)
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

/// Prints what `answers` began with, where they weren't compared byte by byte: the first one, and the
/// first lines of all when there are several.
pub(super) fn print_answers(
    out: &mut impl Write,
    width: usize,
    plan: &Plan,
    answers: &Answers,
    lang: Lang,
) -> io::Result<()> {
    let Some(first) = answers.first() else {
        return Ok(());
    };
    let (lines, others) = (AnswerLine::all(answers), answers.others());
    let what = match lines.len() {
        _ if plan.pace == Pace::Idle || plan.script.expect == Expect::Nothing => {
            lang.pick("what came first: ", "最先收到的：")
        }
        0 | 1 if others == 0 => {
            lang.pick("in the whole run; the first: ", "整个运行期间；第一个：")
        }
        _ => lang.pick(
            "in the whole run, by their first lines; the first: ",
            "整个运行期间，按首行归类；第一个：",
        ),
    };
    let name = padded(lang.pick("answers", "回应"), NAME);
    let lead = format!("  {name} {:>10}  ", answers.total());
    paragraph(
        out,
        width,
        (&lead, TEXT),
        DIM,
        &format!("{what}\"{first}\""),
    )?;
    if lines.len() < 2 && others == 0 {
        return Ok(());
    }
    for AnswerLine { line, count, error } in lines {
        let style = if error.is_some() { BAD } else { DIM };
        let lead = format!("    {style}{count:>6}x{style:#} ");
        paragraph(
            out,
            width,
            (&lead, 12),
            Style::new(),
            &format!("\"{line}\""),
        )?;
    }
    if others > 0 {
        let lead = format!("    {others:>6}x ");
        let text = lang.pick(
            "other first lines, too many to be kept apart",
            "其他首行，种类太多，没有分开统计",
        );
        paragraph(out, width, (&lead, 12), Style::new(), text)?;
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use portlab_load::{Arrivals, Ended, Outcome, Pace, Plan, Tally};

    use super::*;

    /// What is said of a run of `plan` on a page of `width`; every message took `nanos`.
    fn said(plan: &Plan, nanos: &[u64], width: usize) -> String {
        // An outcome of nothing, to be filled.
        let mut outcome = portlab_load::run(plan, &mut ()).unwrap();
        outcome.tally = Tally::default();
        outcome.ended = Ended::Done;
        outcome.elapsed = Duration::from_millis(1_234);
        outcome.messages = nanos.len() as u64;
        outcome.bytes_received = 64 * outcome.messages;
        for &nanos in nanos {
            outcome.latency.record(nanos);
            outcome.uncorrected.record(nanos);
            outcome.pacing_lag.record(nanos);
        }
        printed(plan, &outcome, width)
    }

    pub(in crate::load) fn printed(plan: &Plan, outcome: &Outcome, width: usize) -> String {
        let result = LoadResult::of(plan, outcome.clone(), &[]);
        let mut out = Vec::new();
        print(&mut out, &result, width, Lang::En).unwrap();
        let text = anstream::adapter::strip_bytes(&out).into_vec();
        String::from_utf8(text).unwrap()
    }

    pub(in crate::load) fn closed() -> Plan {
        Plan::new("127.0.0.1:1".parse().unwrap())
    }

    pub(in crate::load) fn open() -> Plan {
        Plan {
            pace: Pace::Open {
                rate_per_s: 1_000.0,
                arrivals: Arrivals::Poisson,
            },
            ..closed()
        }
    }

    #[test]
    fn nothing_is_wider_than_the_terminal() {
        for width in [120, 80, 50, 46, 30] {
            for plan in [closed(), open()] {
                let said = said(&plan, &[1_234_567, 12_345_678, 123_456_789], width);
                let wide = said.lines().find(|line| line.chars().count() > width);
                assert_eq!(wide, None, "{width}:\n{said}");
                assert!(said.contains("123 ms"), "{said}");
            }
        }
    }

    #[test]
    fn a_message_without_an_answer_is_done_when_the_system_has_taken_it() {
        for mut plan in [closed(), open()] {
            plan.script.expect = Expect::Nothing;
            let said = said(&plan, &[1_000], 200);
            assert!(said.contains("until the system had taken"), "{said}");
            assert!(!said.contains("last byte"), "{said}");
        }
    }
}
