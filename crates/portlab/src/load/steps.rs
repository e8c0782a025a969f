//! The steps of a dialogue file in the result.

use portlab_load::LoadResult;
use portlab_words::units;

use super::words::{Page, time};
use crate::args::{BAD, DIM};

impl Page {
    /// A row for each message of a dialogue file.
    pub(super) fn steps(&mut self, result: &LoadResult) {
        if result.steps.is_empty() {
            return;
        }
        let lang = self.lang;
        let head = self.in_columns(
            lang.pick("line", "行"),
            [lang.pick("answers", "响应"), "p50", "p99"],
        );
        let what = lang.pick("latency by message", "各消息的延迟");
        self.add(&format!("{DIM}{head}{DIM:#}  "), DIM, what);
        for step in &result.steps {
            let [p50, p99] = [step.latency_ns.p50, step.latency_ns.p99].map(time);
            let count = units::short(step.latency_ns.count as f64);
            let row = self.in_columns(&step.line.to_string(), [&count, &p50, &p99]);
            let message = &step.message;
            let (style, rest) = match step.errors {
                0 => (DIM, message.clone()),
                errors => {
                    let errors = super::words::errors(errors, lang);
                    (BAD, format!("{message}  {errors}"))
                }
            };
            self.add(&(row + "  "), style, &portlab_service::inert(&rest));
        }
    }
}
