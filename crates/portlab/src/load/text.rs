//! The result in words and figures.

use std::io::{self, Write};

use anstyle::Style;
use portlab_load::{Account, Expect, Latency, Outcome, Pace, Plan, Verdict};
use portlab_words::units;

use super::answers::print_answers;
use super::words::{headline, in_time, known, paragraph, plural, queued, with_hint};
use crate::args::{BAD, DIM, GOOD, HEAD, WARN};

const QUANTILES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)];

/// Lag that is worth a word.
const OWN_LAG_NS: u64 = 200_000;

/// How wide the name of a row is.
pub(super) const NAME: usize = 12;

/// How wide a row of an open loop is: its name, and three columns.
const ROW: usize = 2 + NAME + 3 * 11;

/// Prints what `plan` came to; nothing is wider than `width` columns if that can be helped.
pub(super) fn print(
    out: &mut impl Write,
    plan: &Plan,
    outcome: &Outcome,
    verdict: &Verdict,
    width: usize,
) -> io::Result<()> {
    let mut page = Page { out, width };
    let target = format!("{HEAD}{}{HEAD:#}  ", plan.target);
    let indent = plan.target.to_string().len() + 2;
    page.wrapped(&target, indent, Style::new(), &headline(plan))?;
    if outcome.interrupted() {
        let text = "interrupted: this is what was measured so far";
        page.wrapped("", 0, WARN, text)?;
    }
    if plan.pace == Pace::Idle {
        page.alive(outcome)?;
    } else {
        page.throughput(plan, outcome)?;
        page.latency(plan, outcome)?;
    }
    page.connections(plan, outcome)?;
    page.generator(outcome)?;
    page.errors(plan, outcome)?;
    print_answers(page.out, width, plan, &outcome.answers)?;
    page.verdict(plan, outcome, verdict)?;
    page.out.flush()
}

struct Page<'a, W> {
    out: &'a mut W,
    width: usize,
}

impl<W: Write> Page<'_, W> {
    /// A row: its name, its figure, and what there is to say of it.
    fn row(&mut self, name: &str, value: &str, rest: &str) -> io::Result<()> {
        let lead = format!("  {name:<NAME$} {value:>10}  ");
        let indent = lead.chars().count();
        self.wrapped(&lead, indent, DIM, rest)
    }

    fn throughput(&mut self, plan: &Plan, outcome: &Outcome) -> io::Result<()> {
        let seconds = outcome.time().as_secs_f64().max(f64::MIN_POSITIVE);
        let mut rest = in_time(outcome.messages, outcome.elapsed, outcome.by_rate);
        // What has been sent and received includes the warm-up; sizes tell the rate as well.
        let sizes = plan.script.say.sizes();
        if sizes.start() == sizes.end() && plan.checks_every_byte() {
            let bytes = outcome.messages as f64 * *sizes.start() as f64 / seconds;
            rest += &format!("; {}/s each way", units::bytes(bytes));
        }
        if let Some(rate_per_s) = plan.pace.rate_per_s()
            && outcome.rate_changed_to.is_none()
        {
            let share = outcome.messages_per_s() / rate_per_s * 100.0;
            rest += &format!("; {share:.1}% of the rate");
        }
        let rate = units::per_s(outcome.messages_per_s());
        self.row("throughput", &rate, &rest)
    }

    fn latency(&mut self, plan: &Plan, outcome: &Outcome) -> io::Result<()> {
        if outcome.latency.count() == 0 {
            return Ok(());
        }
        let open = plan.pace.rate_per_s().is_some();
        let taken = plan.script.expect == Expect::Nothing;
        if open {
            let what = match taken {
                true => "latency until the system had taken the message",
                false => "latency to the last byte",
            };
            let heads = match self.width >= ROW {
                true => ["from due", "from sent", "lag"],
                false => ["due", "sent", "lag"],
            };
            let (line, indent) = self.in_columns("", heads);
            self.wrapped(&format!("{DIM}{line}{DIM:#}  "), indent, DIM, what)?;
        }
        let histograms = [&outcome.latency, &outcome.uncorrected, &outcome.pacing_lag];
        for (name, quantile) in QUANTILES {
            if open {
                let values = histograms.map(|latency| latency.quantile_ns(quantile));
                self.columns(name, values)?;
            } else {
                let value = known(&outcome.latency, outcome.latency.quantile_ns(quantile));
                let rest = match name {
                    "p50" if taken => "until the system had taken the message",
                    "p50" => "latency, from sending to the last byte",
                    _ => "",
                };
                self.row(name, &value, rest)?;
            }
        }
        if open {
            self.columns("max", histograms.map(Latency::max_ns))
        } else {
            let max = known(&outcome.latency, outcome.latency.max_ns());
            let count = outcome.latency.count();
            let rest = format!("of the {count} that became due while measuring");
            self.row("max", &max, &rest)
        }
    }

    /// A row of an open loop: latency from due and from sent, and the lag, in nanoseconds.
    fn columns(&mut self, name: &str, nanos: [u64; 3]) -> io::Result<()> {
        let [due, sent, lag] = nanos.map(|nanos| units::nanos(nanos as f64));
        // Of a stall of the generator's own, the server knows nothing.
        let own = nanos[2] > OWN_LAG_NS && nanos[2] > nanos[0] / 2;
        let rest = match own {
            true => "mostly the generator's own lag",
            false => "",
        };
        let (line, indent) = self.in_columns(name, [&due, &sent, &lag]);
        self.wrapped(&(line + "  "), indent, WARN, rest)
    }

    /// A name and three columns, and where what follows them begins. On a narrow page they are
    /// narrower.
    fn in_columns(&self, name: &str, [due, sent, lag]: [&str; 3]) -> (String, usize) {
        let (indent, first, other) = match self.width >= ROW {
            true => (2, NAME, 10),
            false => (1, 5, 7),
        };
        let line = format!(
            "{:indent$}{name:<first$} {due:>other$} {sent:>other$} {lag:>other$}",
            ""
        );
        (line, indent + first + 3 * (other + 1) + 2)
    }

    fn alive(&mut self, outcome: &Outcome) -> io::Result<()> {
        let share = format!("{} of {}", outcome.alive, outcome.connected);
        let rest = format!("still open after {}", units::time(outcome.elapsed));
        self.row("alive", &share, &rest)
    }

    fn connections(&mut self, plan: &Plan, outcome: &Outcome) -> io::Result<()> {
        let connect = &outcome.connect_latency;
        let made = connect.count();
        let churns = made > outcome.connected as u64;
        let what = if churns {
            format!("{made} made")
        } else {
            format!("{made} in {}", units::time(outcome.connect_phase))
        };
        let p99 = known(connect, connect.quantile_ns(0.99));
        let rest = match made {
            0 => "none was made".to_owned(),
            _ => format!("p50 to connect; p99 {p99}; {what}"),
        };
        self.row("connect", &known(connect, connect.quantile_ns(0.5)), &rest)?;
        if let Some(fairness) = outcome.fairness
            && fairness.connections > 1
            && plan.pace != Pace::Idle
        {
            let (least, most) = (fairness.least, fairness.most);
            let rest = format!("Jain's index; a connection had from {least} to {most} answers");
            self.row("fairness", &format!("{:.3}", fairness.jain), &rest)?;
        }
        Ok(())
    }

    fn generator(&mut self, outcome: &Outcome) -> io::Result<()> {
        let share = format!("{:.0}% CPU", outcome.generator_cpu_share() * 100.0);
        let threads = plural(outcome.threads() as u64, "thread");
        let each = outcome.generator_cpu_us_per_message() * 1e3;
        let rest = if each > 0.0 {
            format!("of {threads}; {} per message", units::nanos(each))
        } else {
            format!("of {threads}")
        };
        let rest = rest + &queued(outcome.generator_wait_share());
        self.row("generator", &share, &rest)
    }

    fn errors(&mut self, plan: &Plan, outcome: &Outcome) -> io::Result<()> {
        let account = Account::of(plan, outcome);
        let mut rest = account.checked.to_string();
        for (what, count) in [
            ("not answered", account.unanswered),
            ("due and not sent", account.due_not_sent),
        ] {
            if count > 0 {
                let and = if rest.is_empty() { "" } else { "; " };
                rest += &format!("{and}{what}: {count}");
            }
        }
        self.row("errors", &account.errors.to_string(), &rest)?;
        for failure in outcome.tally.failures() {
            let (phase, count) = (failure.phase, failure.count);
            let text = format!("{phase}: {}", with_hint(&failure));
            self.wrapped(
                &format!("    {BAD}{count:>6}x{BAD:#} "),
                12,
                Style::new(),
                &text,
            )?;
        }
        Ok(())
    }

    fn verdict(&mut self, plan: &Plan, outcome: &Outcome, verdict: &Verdict) -> io::Result<()> {
        if verdict.is_believable() {
            let mut reasons = Vec::new();
            if plan.pace != Pace::Idle {
                reasons.push(format!(
                    "{} samples",
                    units::short(outcome.latency.count() as f64)
                ));
            }
            reasons.push(units::time(outcome.elapsed));
            // In a shorter run, what is in flight at its edges matters.
            let long = outcome.elapsed >= Verdict::LITTLE_NEEDS;
            if outcome.pacing_lag.count() > 0 {
                let lag = units::nanos(outcome.pacing_lag.quantile_ns(0.99) as f64);
                reasons.push(format!("lag p99 {lag}"));
            }
            if let Some(residual) = outcome.littles_law_residual().filter(|_| long) {
                reasons.push(format!(
                    "Little's law within {:.2}%",
                    residual.abs() * 100.0
                ));
            }
            reasons.push("generator at ease".to_owned());
            let lead = format!("  {:<NAME$} {GOOD}{:>10}{GOOD:#}  ", "believable", "yes");
            return self.wrapped(&lead, NAME + 15, DIM, &reasons.join(", "));
        }
        let word = verdict.word();
        writeln!(
            self.out,
            "  {:<NAME$} {WARN}{word:>10}{WARN:#}",
            "believable"
        )?;
        for doubt in &verdict.doubts {
            self.wrapped(
                &format!("    {WARN}!{WARN:#} "),
                6,
                Style::new(),
                &doubt.to_string(),
            )?;
        }
        Ok(())
    }

    /// `text` after `lead`, broken into lines that begin `indent` columns from the left.
    fn wrapped(&mut self, lead: &str, indent: usize, style: Style, text: &str) -> io::Result<()> {
        paragraph(self.out, self.width, (lead, indent), style, text)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use portlab_load::{Arrivals, Ended, Tally};

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
        let verdict = Verdict::of(plan, outcome);
        let mut out = Vec::new();
        print(&mut out, plan, outcome, &verdict, width).unwrap();
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
