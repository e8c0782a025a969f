//! The highest rate that each model handles.

use portlab_load::{Finding, Goal, Highest, Limit, Missed, Search, Trial};
use portlab_stats::{
    advice::{Ceiling, Shot, Shown, limits},
    estimate::Estimate,
};

use super::{
    InquiryRun, Now,
    point::{At, Stage, Taken},
};

/// The most trials for one model's highest rate, and the precision and the confidence of the rate's interval.
const TRIALS: usize = 12;
const PRECISION: f64 = 0.2;
const CONFIDENCE: f64 = 0.9;
/// This many models are searched at a time, with a trial of each in turn.
const AT_A_TIME: usize = 3;
/// A model is first tried at the rate that its CPU time allows, multiplied by this.
const START: f64 = 0.6;
/// No rate is tried above the rate that the model's CPU time allows, multiplied by this.
const MOST: f64 = 16.0;

impl InquiryRun<'_> {
    /// The highest rate of the cheapest models, then of the others, as long as there is time.
    pub(super) fn highest_rates(&mut self) {
        for few in self.by_cost().chunks(AT_A_TIME) {
            self.point.look_around();
            let searches = few.iter().filter_map(|&at| Some((at, self.search(at)?)));
            let mut searches: Vec<(usize, Search)> = searches.collect();
            let in_time = self.search_all(&mut searches);
            for (at, search) in searches {
                self.candidates[at].ceiling = ceiling(&search);
            }
            if !in_time {
                return;
            }
        }
    }

    /// Makes a trial of each model in turn until the highest rate of each is known. Returns whether the time
    /// was long enough.
    fn search_all(&mut self, searches: &mut [(usize, Search)]) -> bool {
        loop {
            let mut going = false;
            for (at, search) in &mut *searches {
                let Some(rate_per_s) = search.next_rate() else {
                    continue;
                };
                // A trial that is cut off would show nothing.
                if self.observer.interrupted() || self.budget.left() < self.point.longest() {
                    return false;
                }
                self.tell(*at, Now::Searching(rate_per_s));
                let Some(finding) = self.trial(*at, rate_per_s) else {
                    return false;
                };
                search.learn(Trial {
                    rate_per_s,
                    finding,
                });
                going = true;
            }
            if !going {
                return true;
            }
        }
    }

    /// A search that starts near the rate that the CPU time of a message allows, with the results of the
    /// rounds; `None` if no message of the model was measured.
    fn search(&self, at: usize) -> Option<Search> {
        let question = &self.inquiry.question;
        let candidate = &self.candidates[at];
        let shots = candidate.shots.iter();
        let costs = shots.filter_map(|it| it.cpu_us_per_message);
        let cpu_us = Estimate::of(costs)?.median.max(0.1);
        let estimated = self.server_cores as f64 * 1e6 / cpu_us;
        let limits = limits(question, self.server_cores);
        let limit = limits.first().map_or(f64::INFINITY, |it| it.per_s());
        let least_per_s = question.rate_per_s;
        let most_per_s = limit.min(estimated * MOST).clamp(least_per_s * 1.01, 5e6);
        let mut search = Search::new(Goal {
            start_per_s: (estimated * START).clamp(least_per_s, most_per_s),
            least_per_s,
            most_per_s,
            precision: PRECISION,
            confidence: CONFIDENCE,
            trials: TRIALS + candidate.shots.len(),
            blind: self.point.blind(),
        });
        // Spoiled measurements are left out: they must not make this rate the highest that can be measured.
        let says = |it: &&Shot| it.work == 0 && it.says() != Shown::Nothing;
        for shot in candidate.shots.iter().filter(says) {
            search.learn(Trial {
                rate_per_s: least_per_s,
                finding: finding(shot),
            });
        }
        Some(search)
    }

    /// Measures all works at one rate, which holds if all of them do. `None` if a measurement was cut off.
    fn trial(&self, at: usize, rate_per_s: f64) -> Option<Finding> {
        for work in self.inquiry.question.each_work() {
            match self.take(at, 0, At { rate_per_s, work }, Stage::Whole) {
                Taken::Shot(shot) if shot.says() == Shown::Held => {}
                Taken::Shot(shot) => return Some(finding(&shot)),
                Taken::Failed(_) | Taken::Nothing => return Some(Finding::Missed(Missed::Errors)),
                Taken::CutOff => return None,
            }
        }
        Some(Finding::Held)
    }
}

/// The finding of `shot` for a search: the bound was met, it was missed, or nothing was shown.
fn finding(shot: &Shot) -> Finding {
    match shot.says() {
        Shown::Held => Finding::Held,
        Shown::Nothing => Finding::Nothing,
        _ => Finding::Missed(Missed::Latency),
    }
}

fn ceiling(search: &Search) -> Ceiling {
    match search.highest() {
        Highest::Between { low, high } => Ceiling::Between {
            low_per_s: low,
            high_per_s: high,
        },
        Highest::AtLeast { per_s, limit } => Ceiling::AtLeast {
            per_s,
            spoiled: limit == Limit::Spoiled,
        },
        Highest::Below { per_s } => Ceiling::Below { per_s },
        Highest::Unknown => Ceiling::Unknown,
    }
}
