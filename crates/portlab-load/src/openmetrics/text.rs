//! The figures as text that Prometheus reads.
//!
//! Source: OpenMetrics 1.0 (prometheus.io/docs/specs/om/open_metrics_spec), and the older text format 0.0.4
//! (prometheus.io/docs/instrumenting/exposition_formats).

use super::figures::{Figures, Stage};
use crate::{Latency, Phase, TargetFigures};

/// The form of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    OpenMetrics,
    /// The format before it, for programs that don't ask for OpenMetrics. The samples are the same.
    Prometheus,
}

/// The upper edges of the buckets of a histogram, as they are written, and in nanoseconds.
const EDGES: [(&str, u64); 19] = [
    ("1e-05", 10_000),
    ("2e-05", 20_000),
    ("5e-05", 50_000),
    ("0.0001", 100_000),
    ("0.0002", 200_000),
    ("0.0005", 500_000),
    ("0.001", 1_000_000),
    ("0.002", 2_000_000),
    ("0.005", 5_000_000),
    ("0.01", 10_000_000),
    ("0.02", 20_000_000),
    ("0.05", 50_000_000),
    ("0.1", 100_000_000),
    ("0.2", 200_000_000),
    ("0.5", 500_000_000),
    ("1.0", 1_000_000_000),
    ("2.0", 2_000_000_000),
    ("5.0", 5_000_000_000),
    ("10.0", 10_000_000_000),
];

/// The quantiles that are exported beside the histogram, as they are written.
const QUANTILES: [(&str, f64); 5] = [
    ("0.5", 0.5),
    ("0.9", 0.9),
    ("0.99", 0.99),
    ("0.999", 0.999),
    ("1.0", 1.0),
];

impl Format {
    /// The format for a client that accepts `accepted`, the value of its header.
    pub(super) fn accepted_by(accepted: &str) -> Self {
        match accepted
            .to_ascii_lowercase()
            .contains("application/openmetrics-text")
        {
            true => Self::OpenMetrics,
            false => Self::Prometheus,
        }
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
        }
    }

    /// Writes `figures`.
    pub(super) fn write(self, figures: &Figures) -> String {
        let mut page = Page {
            format: self,
            labels: labels(&figures.target, figures.script),
            text: String::new(),
        };
        page.stage(figures.stage);
        page.counters(figures);
        page.gauges(figures);
        page.histogram(&figures.latency);
        page.quantiles("latency", "Latency of the run so far", &figures.latency);
        page.quantiles(
            "pacing_lag",
            "How late the generator itself sent, in the run so far",
            &figures.pacing_lag,
        );
        page.targets(figures);
        if self == Self::OpenMetrics {
            page.text += "# EOF\n";
        }
        page.text
    }
}

/// A text that is being written.
struct Page {
    format: Format,
    /// The labels of every sample.
    labels: String,
    text: String,
}

impl Page {
    /// Begins a family of samples. Its name ends with its `unit`.
    fn family(&mut self, name: &str, kind: &str, unit: &str, help: &str) {
        let is_open = self.format == Format::OpenMetrics;
        let (name, kind) = match kind {
            "counter" if !is_open => (format!("{name}_total"), kind),
            _ => (name.to_owned(), kind),
        };
        self.text += &format!("# TYPE {PREFIX}{name} {kind}\n");
        if is_open && !unit.is_empty() {
            self.text += &format!("# UNIT {PREFIX}{name} {unit}\n");
        }
        self.text += &format!("# HELP {PREFIX}{name} {help}.\n");
    }

    fn sample(&mut self, name: &str, more_labels: &str, value: impl std::fmt::Display) {
        let labels = &self.labels;
        let comma = if more_labels.is_empty() { "" } else { "," };
        self.text += &format!("{PREFIX}{name}{{{labels}{comma}{more_labels}}} {value}\n");
    }

    fn stage(&mut self, now: Stage) {
        // Not a stateset, which the older format doesn't have.
        self.family("stage", "gauge", "", "Whether the run is in this stage now");
        for (stage, name) in Stage::ALL {
            let label = format!("stage=\"{name}\"");
            self.sample("stage", &label, u8::from(stage == now));
        }
    }

    fn counters(&mut self, figures: &Figures) {
        self.family("errors", "counter", "", "Errors since the run began");
        let errors = figures.counts().errors;
        for phase in Phase::ALL {
            let label = format!("phase=\"{phase:?}\"").to_lowercase();
            self.sample("errors_total", &label, errors.get(&phase).unwrap_or(&0));
        }
        for (name, unit, help, value) in [
            (
                "messages",
                "",
                "Messages answered while measuring",
                figures.messages as f64,
            ),
            (
                "sent_bytes",
                "bytes",
                "Bytes sent while measuring",
                figures.bytes_sent as f64,
            ),
            (
                "received_bytes",
                "bytes",
                "Bytes received while measuring",
                figures.bytes_received as f64,
            ),
            (
                "measured_seconds",
                "seconds",
                "How long was measured",
                figures.measured_s,
            ),
        ] {
            self.family(name, "counter", unit, help);
            self.sample(&format!("{name}_total"), "", value);
        }
    }

    fn gauges(&mut self, figures: &Figures) {
        for (name, unit, help, value) in [
            (
                "open_connections",
                "",
                "Connections that are open",
                Some(figures.open as f64),
            ),
            (
                "in_flight_messages",
                "",
                "Messages sent whose answers haven't come",
                Some(figures.in_flight as f64),
            ),
            (
                "generator_cpu_ratio",
                "ratio",
                "The share of its threads' time that the generator computed",
                Some(figures.generator_cpu_share),
            ),
            (
                "asked_messages_per_second",
                "",
                "Messages per second that are asked for",
                figures.asked_per_s,
            ),
        ] {
            if let Some(value) = value {
                self.family(name, "gauge", unit, help);
                self.sample(name, "", value);
            }
        }
    }

    fn histogram(&mut self, latency: &Latency) {
        let name = "latency_seconds";
        self.family(
            name,
            "histogram",
            "seconds",
            "Latency of messages, from when they were due",
        );
        let mut recorded = latency.recorded().peekable();
        let mut upto = 0;
        for (edge, edge_ns) in EDGES {
            while let Some((_, count)) = recorded.next_if(|(ns, _)| *ns <= edge_ns) {
                upto += count;
            }
            self.sample(&format!("{name}_bucket"), &format!("le=\"{edge}\""), upto);
        }
        self.sample(&format!("{name}_bucket"), "le=\"+Inf\"", latency.count());
        self.count_and_sum(name, latency);
    }

    /// The figures of each target, if there are several.
    fn targets(&mut self, figures: &Figures) {
        let (script, counts) = (figures.script, figures.counts().targets);
        let labels = figures.targets.iter().map(|it| labels(it, script));
        let targets: Vec<_> = labels.zip(&counts).collect();
        if targets.is_empty() {
            return;
        }
        type Value = fn(&TargetFigures) -> u64;
        let kinds: [(&str, &str, Value); 3] = [
            (
                "messages",
                "Messages of a target that were answered while measuring",
                |it| it.messages,
            ),
            ("errors", "Errors of a target since the run began", |it| {
                it.errors
            }),
            (
                "unanswered",
                "Messages of a target that were not answered",
                |it| it.unanswered,
            ),
        ];
        let of_all = self.labels.clone();
        for (name, help, value) in kinds {
            let name = format!("target_{name}");
            self.family(&name, "counter", "", help);
            for (labels, counts) in &targets {
                self.labels.clone_from(labels);
                self.sample(&format!("{name}_total"), "", value(counts));
            }
        }
        let name = "target_latency_quantile_seconds";
        self.family(
            name,
            "summary",
            "seconds",
            "Latency of a target in the run so far",
        );
        for (labels, counts) in &targets {
            self.labels.clone_from(labels);
            self.samples_of_quantiles(name, &counts.latency);
        }
        self.labels = of_all;
    }

    fn quantiles(&mut self, name: &str, help: &str, latency: &Latency) {
        if latency.count() == 0 {
            return;
        }
        let name = format!("{name}_quantile_seconds");
        self.family(&name, "summary", "seconds", help);
        self.samples_of_quantiles(&name, latency);
    }

    fn samples_of_quantiles(&mut self, name: &str, latency: &Latency) {
        if latency.count() > 0 {
            for (label, quantile) in QUANTILES {
                let seconds = latency.quantile_ns(quantile) as f64 / 1e9;
                self.sample(name, &format!("quantile=\"{label}\""), seconds);
            }
        }
        self.count_and_sum(name, latency);
    }

    fn count_and_sum(&mut self, name: &str, latency: &Latency) {
        let sum_s = latency.mean_ns() * latency.count() as f64 / 1e9;
        self.sample(&format!("{name}_count"), "", latency.count());
        self.sample(&format!("{name}_sum"), "", sum_s);
    }
}

fn labels(target: &str, script: &str) -> String {
    format!("target=\"{}\",script=\"{script}\"", escaped(target))
}

/// The value of a label.
fn escaped(value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('"', "\\\"");
    value.replace('\n', "\\n")
}

/// Every name begins with this.
const PREFIX: &str = "portlab_load_";

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, time::Duration};

    use super::*;
    use crate::{Arrivals, Interval, Pace, Plan};

    /// Figures of an open loop with three messages, of a target whose name needs escapes.
    fn figures() -> Figures {
        let mut plan = Plan::new(crate::Target::Unix("/tmp/a \\\"b\"\nc".into()));
        let arrivals = Arrivals::Uniform;
        plan.pace = Pace::Open {
            rate_per_s: 1_000.0,
            arrivals,
        };
        let mut figures = Figures::default();
        figures.begin_run(&plan);
        let mut interval = Interval {
            to: Duration::from_secs(1),
            messages: 3,
            bytes_sent: 192,
            bytes_received: 191,
            rate_per_s: 1_000.0,
            ..Interval::default()
        };
        for ns in [15_000, 15_000_000, 15_000_000_000] {
            interval.latency.record(ns);
            interval.pacing_lag.record(ns / 1_000);
        }
        figures.add(&interval);
        let mut outcome = crate::Outcome::empty(1);
        (0..7).for_each(|_| outcome.tally.add(Phase::Connect, crate::Cause::TimedOut));
        outcome.by_target = vec![TargetFigures::default(); plan.targets.len()];
        outcome.by_target[0].messages = 3;
        figures.count(&outcome);
        figures
    }

    /// The samples of `text`: their values by name and labels.
    ///
    /// # Panics
    /// When `text` isn't OpenMetrics.
    fn samples(text: &str) -> BTreeMap<String, f64> {
        let lines = text.strip_suffix("# EOF\n").expect("it ends with # EOF");
        let mut samples = BTreeMap::new();
        let (mut name, mut kind) = ("", "");
        for line in lines.lines() {
            if let Some(family) = line.strip_prefix("# TYPE ") {
                (name, kind) = family.split_once(' ').unwrap();
                let is_new = !samples
                    .keys()
                    .any(|it: &String| it.starts_with(&format!("{name}{{")));
                assert!(is_new, "samples of {name} are apart");
                let known = ["counter", "gauge", "histogram", "summary"];
                assert!(known.contains(&kind), "{line}");
            } else if let Some(unit) = line.strip_prefix("# UNIT ") {
                let (of, unit) = unit.split_once(' ').unwrap();
                assert!(of == name && name.ends_with(&format!("_{unit}")), "{line}");
            } else if let Some(help) = line.strip_prefix("# HELP ") {
                assert!(help.starts_with(&format!("{name} ")), "{line}");
            } else {
                let (sample, labels) = line.split_once('{').unwrap();
                let (labels, value) = labels.rsplit_once("} ").unwrap();
                let suffixes: &[&str] = match kind {
                    "counter" => &["_total"],
                    "histogram" => &["_bucket", "_count", "_sum"],
                    "summary" => &["", "_count", "_sum"],
                    _ => &[""],
                };
                let suffix = sample.strip_prefix(name).unwrap();
                assert!(suffixes.contains(&suffix), "{line} of a {kind}");
                check_labels(labels);
                let key = format!("{sample}{{{labels}}}");
                let value = value.parse().unwrap();
                assert_eq!(samples.insert(key, value), None, "twice: {line}");
            }
        }
        samples
    }

    /// Each label is `name="value"`, with escapes in the value.
    fn check_labels(mut labels: &str) {
        while !labels.is_empty() {
            let (name, rest) = labels.split_once("=\"").unwrap();
            let is_part = |it: char| it.is_ascii_alphanumeric() || it == '_';
            assert!(!name.is_empty() && name.chars().all(is_part), "{name}");
            let mut escaped = false;
            let end = rest.find(|it: char| {
                let ends = it == '"' && !escaped;
                escaped = it == '\\' && !escaped;
                ends
            });
            let rest = &rest[end.expect("a value ends") + 1..];
            labels = rest.strip_prefix(',').unwrap_or(rest);
            assert!(rest.is_empty() || rest.len() > labels.len(), "{rest}");
        }
    }

    /// The value of the sample with this name and, beside those of all samples, these labels.
    #[track_caller]
    fn value(samples: &BTreeMap<String, f64>, name: &str, label: &str) -> f64 {
        let of_it =
            |key: &&String| key.starts_with(&format!("{PREFIX}{name}{{")) && key.contains(label);
        let mut keys = samples.keys().filter(of_it);
        let key = keys.next().unwrap_or_else(|| panic!("no {name} {label}"));
        assert_eq!(keys.next(), None, "{name} {label}");
        samples[key]
    }

    #[test]
    fn the_text_is_openmetrics_and_has_all_figures() {
        let text = Format::OpenMetrics.write(&figures());
        let samples = samples(&text);
        let labels = r#"target="unix:/tmp/a \\\"b\"\nc",script="echo""#;
        assert!(samples.keys().all(|it| it.contains(labels)), "{text}");
        for (name, label, expected) in [
            ("messages_total", "", 3.0),
            ("errors_total", "phase=\"connect\"", 7.0),
            ("errors_total", "phase=\"verify\"", 0.0),
            ("sent_bytes_total", "", 192.0),
            ("received_bytes_total", "", 191.0),
            ("measured_seconds_total", "", 1.0),
            ("asked_messages_per_second", "", 1_000.0),
            ("stage", "\"connecting\"", 1.0),
            ("stage", "\"measuring\"", 0.0),
            ("latency_seconds_bucket", "le=\"1e-05\"", 0.0),
            ("latency_seconds_bucket", "le=\"2e-05\"", 1.0),
            ("latency_seconds_bucket", "le=\"0.01\"", 1.0),
            ("latency_seconds_bucket", "le=\"0.02\"", 2.0),
            ("latency_seconds_bucket", "le=\"10.0\"", 2.0),
            ("latency_seconds_bucket", "le=\"+Inf\"", 3.0),
            ("latency_seconds_count", "", 3.0),
            ("pacing_lag_quantile_seconds_count", "", 3.0),
        ] {
            assert_eq!(value(&samples, name, label), expected, "{name} {label}");
        }
        for (name, label, expected) in [
            ("latency_seconds_sum", "", 15.015015),
            ("latency_quantile_seconds", "\"0.5\"", 0.015),
            ("latency_quantile_seconds", "\"1.0\"", 15.0),
        ] {
            let got = value(&samples, name, label);
            assert!((got / expected - 1.0).abs() < 1e-3, "{name} {label}: {got}");
        }
    }

    #[test]
    fn several_targets_have_figures_of_their_own_which_add_up_over_the_runs() {
        let addr = |port| crate::Target::Tcp(([127, 0, 0, 1], port).into());
        let mut plan = Plan::new(addr(1));
        plan.targets.push(addr(2));
        let mut figures = Figures::default();
        for messages in [[3, 5], [10, 20]] {
            figures.begin_run(&plan);
            let mut outcome = crate::Outcome::empty(1);
            outcome.tally.add(Phase::Send, crate::Cause::TimedOut);
            outcome.by_target = vec![TargetFigures::default(); 2];
            for (target, messages) in outcome.by_target.iter_mut().zip(messages) {
                target.messages = messages;
                target.latency.record(messages * 1_000_000_000);
            }
            figures.count(&outcome);
            figures.end_run();
        }
        let samples = samples(&Format::OpenMetrics.write(&figures));
        let two = "target=\"127.0.0.1:2\"";
        assert_eq!(value(&samples, "target_messages_total", two), 25.0);
        assert_eq!(
            value(&samples, "target_latency_quantile_seconds_count", two),
            2.0
        );
        assert_eq!(value(&samples, "errors_total", "\"send\""), 2.0);
    }

    #[test]
    fn without_messages_there_are_no_quantiles() {
        let text = Format::OpenMetrics.write(&Figures::default());
        let samples = samples(&text);
        assert_eq!(value(&samples, "latency_seconds_count", ""), 0.0);
        assert!(
            !text.contains("quantile") && !text.contains("asked"),
            "{text}"
        );
    }

    #[test]
    fn edges_are_written_as_their_numbers() {
        for (text, ns) in EDGES {
            assert_eq!((text.parse::<f64>().unwrap() * 1e9).round() as u64, ns);
        }
        assert!(EDGES.is_sorted_by_key(|(_, ns)| *ns));
    }

    #[test]
    fn the_older_format_names_counters_as_their_samples() {
        let text = Format::Prometheus.write(&figures());
        assert!(
            text.contains("# TYPE portlab_load_messages_total counter\n"),
            "{text}"
        );
        assert!(
            !text.contains("# UNIT") && !text.contains("# EOF"),
            "{text}"
        );
    }
}
