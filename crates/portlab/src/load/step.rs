//! One of several runs at different rates.

use std::sync::{Arc, atomic::AtomicBool};

use portlab_load::{Condition, Ended, LoadResult, Metrics, Pace, Parts, Plan, Rung};
use portlab_words::Text;

use super::{files::Files, show::Show, words};

/// What all runs have in common.
pub(super) struct Steps<'a> {
    /// In an open loop; each run has its own rate.
    pub(super) plan: &'a Plan,
    pub(super) limits: &'a [Condition],
    pub(super) warnings: &'a [Text],
    pub(super) plain: bool,
    pub(super) interrupted: Arc<AtomicBool>,
    pub(super) metrics: Option<Metrics>,
}

/// The result at one rate.
pub(super) struct Step {
    pub(super) result: LoadResult,
    /// The p99 of each part of the run.
    pub(super) parts_ns: Vec<u64>,
}

impl Steps<'_> {
    /// Runs at one rate, and shows the run under a title.
    pub(super) fn at(&self, rate_per_s: f64, seed: u64, title: &str) -> anyhow::Result<Step> {
        let mut plan = Plan {
            seed,
            ..self.plan.clone()
        };
        if let Pace::Open { rate_per_s: of, .. } = &mut plan.pace {
            *of = rate_per_s;
        }
        let flag = Arc::clone(&self.interrupted);
        let mut show = Show::new(&plan, title, Files::default(), self.plain, flag);
        show.export_to(self.metrics.as_ref(), &plan);
        show.parts = Some(Parts::default());
        let outcome = portlab_load::run(&plan, &mut show);
        let parts = show.parts.take().unwrap_or_default();
        show.finish()?;
        let result = words::result(&plan, outcome?, self.warnings).judged(self.limits, &parts);
        if let Some(metrics) = &self.metrics {
            metrics.end_run();
        }
        Ok(Step {
            result,
            parts_ns: parts.p99s_ns(),
        })
    }
}

impl Step {
    /// The result as a point of a curve.
    pub(super) fn rung(&self) -> Rung {
        let result = &self.result;
        Rung {
            asked_per_s: self.asked_per_s(),
            achieved_per_s: result.messages_per_s,
            kept: result.ended == Ended::Done && result.kept_up,
            late: result.verdict.generator_was_late,
            p99_ns: result.latency_ns.quantile_ns(0.99),
            parts_ns: self.parts_ns.clone(),
        }
    }

    pub(super) fn asked_per_s(&self) -> f64 {
        self.result.rate_per_s.unwrap_or_default()
    }

    /// The rate as it is written.
    pub(super) fn rate(&self) -> String {
        words::rate(self.asked_per_s())
    }
}
