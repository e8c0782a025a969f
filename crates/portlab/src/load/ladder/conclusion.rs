//! What a ladder has shown: its failures, its knee, and where it says nothing of the server.

use std::io::{self, Write};

use anstyle::Style;
use portlab_load::{Doubt, Knee, Rung, Sure, knee};
use portlab_words::units;

use super::{
    super::{
        is_wrong,
        words::{paragraph, rate, with_hint},
    },
    Step,
};
use crate::args::{BAD, DIM, GOOD, HEAD, WARN};

/// What went wrong at one rate.
pub(super) fn failures(out: &mut impl Write, width: usize, step: &Step) -> io::Result<()> {
    for failure in step.outcome.tally.failures() {
        let lead = format!("at {}: {}x", step.rate(), failure.count);
        let indent = lead.len() + 1;
        let lead = format!("{BAD}{lead}{BAD:#} ");
        let text = format!("{}: {}", failure.phase, with_hint(&failure));
        paragraph(out, width, (&lead, indent), Style::new(), &text)?;
    }
    Ok(())
}

/// The curve of latency against load that a ladder has shown.
pub(super) struct Curve<'a> {
    walked: &'a [Step],
    points: Vec<Rung>,
    pub(super) knee: Knee,
}

impl<'a> Curve<'a> {
    pub(super) fn of(walked: &'a [Step]) -> Self {
        let points: Vec<_> = walked.iter().map(Step::rung).collect();
        let knee = knee(&points);
        Self {
            walked,
            points,
            knee,
        }
    }

    /// Names the knee.
    pub(super) fn print(
        &self,
        out: &mut impl Write,
        width: usize,
        cut_short: bool,
    ) -> io::Result<()> {
        let (lead, text) = self.knee_in_words(cut_short);
        let indent = lead.len() + 1;
        let lead = format!("{HEAD}{lead}{HEAD:#} ");
        paragraph(out, width, (&lead, indent), Style::new(), &text)?;
        let doubts = self.doubts();
        let (style, word) = match doubts.len() {
            0 => (GOOD, "yes"),
            _ if self.knee.sure().is_none() => (WARN, "no"),
            _ => (WARN, "with care"),
        };
        let evidence = match doubts.is_empty() {
            true => "nothing speaks against the rates up to the one after the knee",
            false => "",
        };
        let lead = format!("{HEAD}believable:{HEAD:#} {style}{word}{style:#}  ");
        let indent = "believable:  ".len() + word.len() + 1;
        paragraph(out, width, (&lead, indent), DIM, evidence)?;
        for (_, text) in doubts {
            let lead = format!("  {WARN}!{WARN:#} ");
            paragraph(out, width, (&lead, 4), Style::new(), &text)?;
        }
        out.flush()
    }

    /// What speaks against the knee: doubts in the rates that show it, from the lowest to the one after
    /// the knee. That a rate was too much for the server is what a ladder is to show, and no doubt.
    pub(super) fn doubts(&self) -> Vec<(&'static str, String)> {
        let after = |sure: Sure| self.next_seen(sure.rung).unwrap_or(sure.rung + 1);
        let evidence = self
            .knee
            .sure()
            .map_or(self.walked.len(), |sure| after(sure) + 1);
        let shown =
            |doubt: &&Doubt| !matches!(doubt, Doubt::Overload { .. } | Doubt::Missing { .. });
        let of_step = |step: &Step| {
            let rate = step.rate();
            let doubts = step.verdict.doubts.iter().filter(shown);
            let doubts = doubts.map(|doubt| (doubt.name(), format!("at {rate}: {doubt}")));
            doubts.collect::<Vec<_>>()
        };
        let steps = self.walked.iter().take(evidence).flat_map(of_step);
        self.about_the_knee().into_iter().chain(steps).collect()
    }

    /// What speaks against the knee itself.
    fn about_the_knee(&self) -> Option<(&'static str, String)> {
        match self.knee {
            Knee::At(sure) | Knee::Beyond(sure) if sure.confidence < SURE => {
                let [first, last] = [sure.first, sure.last].map(|at| self.asked(at));
                let text = format!(
                    "the latency of each run varies so much that the knee may be any rate from {first} \
                     to {last}; give each more time (--duration)"
                );
                Some(("unsure_knee", text))
            }
            Knee::Uneven { .. } => {
                let text = "latency doesn't rise with load: something else makes it; walk again when nothing \
                            else runs, or find out what stops the server at that rate";
                Some(("uneven", text.to_owned()))
            }
            _ => None,
        }
    }

    fn knee_in_words(&self, cut_short: bool) -> (String, String) {
        let points = &self.points;
        let p99 = |at: usize| units::nanos(points[at].p99_ns as f64);
        match self.knee {
            Knee::Below => ("no knee:".to_owned(), why_no_rate_was_good(self.walked)),
            Knee::Uneven {
                before,
                bump,
                after,
            } => {
                let high = match points[bump].kept {
                    true => p99(bump),
                    false => "too long for the server to keep up".to_owned(),
                };
                let text = format!(
                    "p99 is {} at {}, {high} at {} and {} at {}",
                    p99(before),
                    self.asked(before),
                    self.asked(bump),
                    p99(after),
                    self.asked(after),
                );
                ("no knee:".to_owned(), text)
            }
            Knee::Beyond(sure) => {
                let on = match points.get(sure.rung + 1) {
                    Some(next) => format!("; at {} {LATE}", rate(next.asked_per_s)),
                    None if cut_short => String::new(),
                    None => "; go higher".to_owned(),
                };
                let lead = format!("no knee up to {}:", self.asked(sure.rung));
                (lead, format!("up to there {POWER} still rises{on}"))
            }
            Knee::At(sure) => {
                let lead = format!("knee: {},", self.asked(sure.rung));
                let text = format!("{}; {}", self.how_sure(sure), self.what_came_after(sure));
                (lead, text)
            }
        }
    }

    /// Between two rates the curve was not seen, and a rate at which the generator was late shows nothing.
    fn how_sure(&self, sure: Sure) -> String {
        let share = (sure.confidence * 100.0).floor();
        let seen = |at: &usize| !self.points[*at].late;
        let before = (0..sure.first).rev().find(seen).unwrap_or(sure.first);
        let after = self.next_seen(sure.last).unwrap_or(sure.last);
        let [before, after] = [before, after].map(|at| self.asked(at));
        format!("where {POWER} is greatest ({share}% sure), so between {before} and {after}")
    }

    /// What the next rate above the knee looked like.
    fn what_came_after(&self, sure: Sure) -> String {
        let at = &self.points[sure.rung];
        let Some(next) = self.next_seen(sure.rung).map(|next| &self.points[next]) else {
            return LATE.to_owned();
        };
        let beyond = rate(next.asked_per_s);
        if !next.kept {
            let answered = rate(next.achieved_per_s);
            return format!("at {beyond} only {answered} were answered");
        }
        let times = units::three_digits(next.p99_ns as f64 / at.p99_ns.max(1) as f64);
        format!("at {beyond} its p99 is {times} times as long")
    }

    /// The next rate above that of `rung` that says something about the server.
    fn next_seen(&self, rung: usize) -> Option<usize> {
        (rung + 1..self.points.len()).find(|&at| !self.points[at].late)
    }

    fn asked(&self, at: usize) -> String {
        self.walked[at].rate()
    }
}

/// A knee that is less likely than this to be the right rate is doubted.
const SURE: f64 = 0.8;

/// What a knee is the greatest of: L. Kleinrock's power.
const POWER: &str = "messages per second over p99";

/// The reason at the lowest rate, because higher rates say nothing if the lowest fails.
fn why_no_rate_was_good(walked: &[Step]) -> String {
    let Some(lowest) = walked.first() else {
        return "no rate was walked to its end".to_owned();
    };
    let (outcome, rate) = (&lowest.outcome, lowest.rate());
    if is_wrong(outcome) {
        format!("at {rate} already answers were wrong; does --expect say what the server answers?")
    } else if outcome.latency.count() == 0 {
        format!("at {rate} already no answer came; is this what the server waits for?")
    } else if outcome.tally.total() > 0 {
        format!("at {rate} already there were errors, which say why")
    } else if lowest.verdict.generator_was_late() {
        format!("at {rate} already {LATE}")
    } else {
        "the lowest rate is too much already; begin lower".to_owned()
    }
}

const LATE: &str = "the generator itself was late, which says nothing of the server";

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use portlab_load::{Arrivals, Ended, Pace, Plan, Tally};

    use super::*;

    /// A step of a thousand messages, or of none when `p99_ns` is 0.
    fn step(rate_per_s: f64, p99_ns: u64, lag_ns: u64) -> Step {
        let plan = Plan {
            pace: Pace::Open {
                rate_per_s,
                arrivals: Arrivals::Uniform,
            },
            ..Plan::new("127.0.0.1:1".parse().unwrap())
        };
        // An outcome of nothing, to be filled.
        let mut outcome = portlab_load::run(&plan, &mut ()).unwrap();
        outcome.tally = Tally::default();
        outcome.ended = Ended::Done;
        outcome.elapsed = Duration::from_secs(1);
        if p99_ns > 0 {
            outcome.messages = 1_000;
            (0..1_000).for_each(|_| outcome.latency.record(p99_ns));
            (0..1_000).for_each(|_| outcome.pacing_lag.record(lag_ns));
        }
        Step::new(plan, outcome, vec![p99_ns; 5])
    }

    fn said(walked: &[Step]) -> String {
        let mut out = Vec::new();
        Curve::of(walked).print(&mut out, 500, false).unwrap();
        let text = anstream::adapter::strip_bytes(&out).into_vec();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn the_knee_is_told_with_what_came_after_it() {
        let walked = [step(1e3, 100_000, 0), step(2e3, 10_000_000, 0)];
        let said = said(&walked);
        assert!(said.contains("knee: 1.00k/s, where"), "{said}");
        assert!(said.contains("(100% sure"), "{said}");
        assert!(said.contains("at 2.00k/s its p99 is 100 times"), "{said}");
    }

    #[test]
    fn a_rate_at_which_the_generator_was_late_says_nothing_of_the_server() {
        let walked = [step(1e3, 100_000, 0), step(2e3, 10_000_000, 9_000_000)];
        let said = said(&walked);
        let late = "at 2.00k/s the generator itself was late, which says nothing of the server";
        assert!(said.contains("no knee up to 1.00k/s: "), "{said}");
        assert!(said.contains(late), "{said}");
    }

    #[test]
    fn a_knee_lies_between_rates_at_which_the_generator_was_not_late() {
        let walked = [
            step(1e3, 100_000, 0),
            step(2e3, 10_000_000, 9_000_000),
            step(4e3, 9_000_000, 0),
        ];
        let said = said(&walked);
        assert!(said.contains("so between 1.00k/s and 4.00k/s;"), "{said}");
        assert!(said.contains("at 4.00k/s its p99 is 90.0 times"), "{said}");
    }

    #[test]
    fn a_latency_that_rises_and_falls_again_is_told_and_no_knee_is_named() {
        let rising = [(1e3, 100_000), (2e3, 2_200_000), (4e3, 150_000)];
        let said = said(&rising.map(|(rate, p99_ns)| step(rate, p99_ns, 0)));
        let text = "no knee: p99 is 100 µs at 1.00k/s, 2.20 ms at 2.00k/s and 150 µs at 4.00k/s";
        assert!(said.contains(text), "{said}");
        assert!(said.contains("believable: no"), "{said}");
    }

    #[test]
    fn a_ladder_says_whether_its_knee_can_be_believed() {
        let good = said(&[step(1e3, 100_000, 0), step(2e3, 120_000, 0)]);
        assert!(good.contains("believable: yes"), "{good}");
        let late = said(&[step(1e3, 100_000, 0), step(2e3, 10_000_000, 9_000_000)]);
        assert!(late.contains("believable: with care"), "{late}");
        assert!(
            late.contains("! at 2.00k/s: the generator was late itself"),
            "{late}"
        );
        // What lies beyond the rate after the knee shows nothing of it.
        let beyond = [1e3, 2e3, 4e3]
            .map(|rate| step(rate, if rate > 1e3 { 10_000_000 } else { 100_000 }, 0));
        let [one, two, mut three] = beyond;
        three.verdict.doubts = step(4e3, 100_000, 9_000_000).verdict.doubts;
        let far = said(&[one, two, three]);
        assert!(far.contains("believable: yes"), "{far}");
    }

    #[test]
    fn a_ladder_without_answers_is_not_told_to_begin_lower() {
        let said = said(&[step(1e3, 0, 0)]);
        assert!(said.contains("at 1.00k/s already no answer came"), "{said}");
    }
}
