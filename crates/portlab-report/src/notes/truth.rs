//! The truth suite: for each kind of sentence a record in which it is true, one in which it is false,
//! and one in which nothing can be known. A finding or a caution without a case fails the suite.
//!
//! `testdata/sentences.txt` has whole sentences in both languages. `PORTLAB_RENEW=1 cargo test -p portlab-report --lib`
//! renews it; read the new sentences before you commit them.

mod fixtures;

use std::{collections::BTreeMap, env, fs, sync::Mutex};

use portlab_stats::{
    fixture::{cell, record, twin, with_rounds},
    measure::Measure,
    record::{Cell, Pinning, Rate, Record, Together},
};
use portlab_words::{Lang, Text};

use self::fixtures::*;
use super::{Part, Sentence, cautions::CAUTIONS, findings, findings::FINDINGS, view::View};

/// A kind of sentence, with the records that test it.
struct Case {
    /// The finding or the caution.
    name: &'static str,
    /// Words that it says if it is true, and never otherwise.
    words: &'static str,
    /// A record in which it is true.
    holds: Record,
    /// A record in which its opposite is true.
    fails: Record,
    /// A record in which neither can be known; for a caution, one in which it doesn't apply.
    open: Record,
}

#[test]
fn each_sentence_is_said_where_it_is_true_and_nowhere_else() {
    for case in cases() {
        let said = |record: &Record| said(case.name, record, Lang::En).join(" ");
        let (holds, fails, open) = (said(&case.holds), said(&case.fails), said(&case.open));
        let (name, words) = (case.name, case.words);
        assert!(holds.contains(words), "{name}: {words}\n{holds}");
        assert!(!fails.contains(words), "{name}: {words}\n{fails}");
        assert!(!open.contains(words), "{name}: {words}\n{open}");
    }
}

#[test]
fn each_kind_of_sentence_has_a_case() {
    let cases = cases();
    let kinds = FINDINGS.iter().map(|(name, _)| *name);
    for name in kinds.chain(CAUTIONS.iter().map(|(name, ..)| *name)) {
        // All comparisons are made over loopback.
        let known = cases.iter().any(|case| case.name == name) || name == "loopback";
        assert!(known, "{name} has no case in truth.rs");
    }
}

#[test]
fn whole_sentences_equal_the_golden_file() {
    for (name, label, record) in sentences_of_findings()
        .into_iter()
        .chain(sentences_of_cautions())
    {
        golden(label, &Lang::ALL.map(|lang| said(name, &record, lang)));
    }
}

#[test]
fn words_are_said_in_both_languages() {
    for (name, [en, zh], record) in words() {
        for (lang, words) in Lang::ALL.into_iter().zip([en, zh]) {
            let said = said(name, &record, lang).join(" ");
            assert!(said.contains(words), "{name}: {words}\n{said}");
        }
    }
}

#[test]
fn where_a_finding_or_a_caution_does_not_apply_nothing_is_said() {
    for (name, why, record) in nothing() {
        let said = Lang::ALL.map(|lang| said(name, &record, lang));
        assert_eq!(said, [vec![], Vec::<String>::new()], "{name}: {why}");
    }
}

#[test]
fn each_measure_has_its_own_words() {
    let mut cells = pair(4.0, 8.0, 7);
    cells[1] = with_rounds(cells[1].clone(), |round| {
        round.messages_per_s *= 2.0;
        round.latency_p99_ns *= 2;
        round.peak_pss_bytes *= 2;
    });
    for (measure, words) in [
        (
            Measure::MessagesPerS,
            "`b` reaches the most messages per second (200k)",
        ),
        (
            Measure::LatencyP99,
            "`a` has the lowest 99th percentile of latency (2.00 ms)",
        ),
        (
            Measure::PeakMemory,
            "`a` takes the least memory at its peak (1.91 MiB)",
        ),
    ] {
        let said = said("best", &ranked_by(measure, cells.clone()), Lang::En).concat();
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn after_a_single_round_no_server_is_named() {
    let record = record(pair(4.0, 8.0, 1));
    let view = &View::all(&record, Lang::En)[0];
    let parts = findings::all(view)
        .into_iter()
        .flat_map(|it| it.sentence.parts);
    assert!(!parts.into_iter().any(|part| matches!(part, Part::Name(_))));
}

#[test]
fn of_several_rates_the_highest_and_the_first_that_was_too_high_are_told() {
    let rates = [(1e3, 1e3), (2e3, 1_500.0), (3e3, 1_500.0), (4e3, 1_500.0)];
    let record = record(rates.map(|rates| open("a", rates, 0, 5)).into());
    let said = said("rate", &record, Lang::En);
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].starts_with("At 2.00k messages"), "{said:?}");
    assert!(said[1].starts_with("At 4.00k messages"), "{said:?}");
}

#[test]
fn of_many_errors_the_first_are_told_and_the_others_counted() {
    let mut record = record(
        ["a", "b", "c", "d", "e"]
            .map(|name| cell(name, &[1.0; 3]))
            .into(),
    );
    for cell in &mut record.cells {
        cell.rounds[1].errors = 2;
        cell.rounds[1].first_error = Some(Text::new("a wrong byte", "字节不符"));
    }
    let said = said("errors", &record, Lang::En);
    assert_eq!(said.len(), 4);
    assert_eq!(
        said[0],
        "`a` had 2 errors, in echo with 100 connections of 64 B, and is not ranked there; the first: a wrong byte."
    );
    assert_eq!(said[3], "2 other cells had errors too.");
}

#[test]
fn loopback_is_told_once_something_was_measured() {
    let all =
        |cpu_us: &[f64]| super::cautions::all(&record(vec![cell("a", cpu_us)]), &[], Lang::En);
    assert!(all(&[]).is_empty());
    let last = all(&[1.0]).pop().unwrap().sentence.to_string();
    assert!(
        last.starts_with("All messages went over loopback"),
        "{last}"
    );
}

/// What the finding or the caution `name` says of `record`.
fn said(name: &str, record: &Record, lang: Lang) -> Vec<String> {
    let views = View::all(record, lang);
    let finding = FINDINGS.iter().find(|(it, _)| *it == name);
    if let Some((_, make)) = finding {
        let said = findings::paragraph(&views[0], make(&views[0])).into_iter();
        return said.map(|finding| finding.sentence.to_string()).collect();
    }
    let caution = CAUTIONS.iter().find(|(it, ..)| *it == name);
    let (_, make, _) = caution.unwrap_or_else(|| panic!("no finding or caution {name}"));
    let said = make(record, &views, lang).into_iter();
    said.map(|sentence| Sentence::of(lang, &sentence).to_string())
        .collect()
}

/// Compares what is said in English and in Chinese with the section `label` of the file, or renews the section.
#[track_caller]
pub(super) fn golden(label: &str, [en, zh]: &[Vec<String>; 2]) {
    /// One test at a time renews the file.
    static FILE: Mutex<()> = Mutex::new(());
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/sentences.txt");
    let _one = FILE
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let text = fs::read_to_string(path).unwrap_or_default();
    let sections = text.split("# ").filter_map(|it| it.split_once('\n'));
    let mut sections: BTreeMap<&str, &str> = sections
        .map(|(label, sentences)| (label, sentences.trim()))
        .collect();
    let said = format!("{}\n{}", en.join("\n"), zh.join("\n"));
    if env::var_os("PORTLAB_RENEW").is_some() {
        sections.insert(label, &said);
        let sections = sections
            .iter()
            .map(|(label, said)| format!("# {label}\n{said}\n"));
        fs::write(path, sections.collect::<Vec<_>>().join("\n")).unwrap();
    } else {
        let kept = sections.get(label).copied().unwrap_or_default();
        assert_eq!(
            said, kept,
            "{label}; PORTLAB_RENEW=1 renews testdata/sentences.txt"
        );
    }
}

/// A table of cases, a row each: the name; the words; where they are true, where their opposite is, where neither can be
/// known.
macro_rules! table {
    ($($name:literal $words:literal: $holds:expr, $fails:expr, $open:expr;)+) => {
        vec![$(Case { name: $name, words: $words, holds: $holds, fails: $fails, open: $open }),+]
    };
}

/// A server beside few idle connections and beside many.
fn crowded(first: &[f64], last: &[f64]) -> Record {
    let cells = vec![at(10, cell("a", first)), at(10_000, cell("a", last))];
    of(cells, |workload| workload.active_connections = Some(10))
}

/// A server with one connection that has much to send.
fn skewed(heavy: f64, rounds: usize) -> Record {
    let cells = vec![sharing(cell("a", &vec![4.0; rounds]), heavy, 2_000)];
    of(cells, |workload| workload.heavy_depth = Some(100))
}

#[rustfmt::skip]
fn cases() -> Vec<Case> {
    let differ = || record(pair(4.0, 9.0, 7));
    let alike = || record(pair(4.0, 4.0, 7));
    let nothing = || record(vec![]);
    let loud = |twin_us: f64| record(vec![cell("a", &[1.0; 7]), twin("a", &[twin_us; 7]), cell("b", &[9.0; 7])]);
    let starving = |others: Vec<Cell>| record(others.into_iter().chain([starved("pool", 2)]).collect());
    let computing = |all| {
        of(pair(4.0, 9.0, 7), |workload| {
            workload.work = "cpu:200us".into();
            workload.ranked_by = Measure::MessagesPerS;
            workload.server_on_all_cpus = all;
        })
    };
    let limited = |share| {
        let cells = pair(4.0, 9.0, 7).into_iter();
        let cells = cells.map(|cell| with_rounds(cell, |round| round.generator_cpu_share = share));
        ranked_by(Measure::MessagesPerS, cells.collect())
    };
    let waiting = |share| with(pair(4.0, 9.0, 7), |round| round.generator_wait_share = share);
    let wrong = |errors| with(pair(4.0, 9.0, 7), |round| round.errors = errors);
    let few = |count| with(pair(4.0, 9.0, 7), |round| round.latency_count = count);
    let outlying = |last| record(vec![cell("a", &[5.0, 5.1, 5.2, 5.3, 5.1, 5.2, last])]);
    let unsure = || record(vec![cell("a", &[4.0; 7]), cell("b", &UNSURE)]);
    let made = |fork: &[f64], prefork: &[f64]| short(vec![cell("fork", fork), cell("prefork", prefork)]);
    let swept = |first: &[f64], last: &[f64]| record(vec![at(1, cell("a", first)), cell("a", last)]);
    let blocking = |rates: &[f64]| handling("block:5ms", vec![answering("a", 1, rates)]);
    let rated = |answered, unsent, rounds| record(vec![open("a", (1e4, answered), unsent, rounds)]);
    let long = |p99_us, rounds: usize| {
        let [a, b] = ["a", "b"].map(|name| cell(name, &vec![4.0; rounds]));
        record(vec![tailed(a, 1_500, 1), tailed(b, p99_us, 1)])
    };
    let failed = |rounds| record(vec![failing("a", 3, rounds)]);
    table! {
        "best" "`a` takes the least CPU": differ(), record(pair(9.0, 4.0, 7)), unsure();
        "best" "no difference in CPU": alike(), differ(), record(pair(4.0, 4.0, 1));
        "best" "a single round": record(pair(4.0, 9.0, 1)), differ(), nothing();
        "best" "the load generator was the limit": limited(0.97), limited(0.5), nothing();
        "best" "the noise is too large": loud(43.0), loud(1.0), nothing();
        "best" "kept to one processor": computing(false), computing(true), nothing();
        "best" "`pool` serves 2 connections at a time, and could not be compared":
            starving(pair(4.0, 4.0, 7)), alike(), differ();
        "absent" "`pool` serves 2 connections at a time":
            starving(pair(4.0, 9.0, 7)), differ(), starving(pair(4.0, 4.0, 7));
        "others" "compared with `a`: `b`": differ(), alike(), unsure();
        "switches" "goes with context switches":
            switched([0.3, 0.35, 2.0, 2.0], 7), switched([0.3; 4], 7), switched([0.3, 0.35, 2.0, 2.0], 1);
        "at_once" "serves one message at a time":
            blocking(&[198.0; 3]), blocking(&[19_600.0; 3]), blocking(&[150.0, 200.0, 230.0]);
        "made" "making a process":
            made(&[310.0; 3], &[80.0; 3]), made(&[80.0; 3], &[80.0; 3]), made(&[80.0, 85.0, 90.0], &[84.0, 82.0, 81.0]);
        "rate" "`a` kept up": rated(1e4, 0, 5), rated(8e3, 7, 5), rated(1e4, 0, 1);
        "rate" "`a` fell behind": rated(8e3, 7, 5), rated(1e4, 0, 5), rated(8e3, 7, 1);
        "sweep" "it falls from":
            swept(&[40.0; 7], &[5.0; 7]), swept(&[5.0; 7], &[40.0; 7]), swept(&[4.0; 7], &UNSURE);
        "crowd" "with `a` it is 8.0x as much": crowded(&[4.0; 7], &[32.0; 7]), crowded(&[4.0; 7], &[4.0; 7]),
            crowded(&[4.0; 7], &UNSURE);
        "crowd" "with `a` it grows by less than half": crowded(&[4.0; 7], &[4.4; 7]), crowded(&[4.0; 7], &[32.0; 7]),
            crowded(&[4.0; 7], &[4.4, 8.0, 4.4, 8.0, 4.4, 8.0, 4.4]);
        "skew" "100x with `a`": skewed(1e5, 7), skewed(1e3, 7), skewed(1e5, 1);
        "tail" "20x the p50 with `b`": long(20_000, 3), long(1_500, 3), long(20_000, 1);
        "memory" "a thread of its own":
            weighed(&[("threads", 14, 101, 1)]), weighed(&[("prethreaded", 14, 101, 1)]),
            weighed(&[("threads", 1, 101, 1)]);
        "incomplete" "broken off":
            ended(false, pair(4.0, 9.0, 3)), ended(true, pair(4.0, 9.0, 3)), ended(true, vec![]);
        "failures" "`a` failed in 2": failed(2), failed(0), nothing();
        "errors" "had 14 errors": wrong(2), wrong(0), nothing();
        "generator" "the load generator was the limit": limited(0.97), limited(0.5), nothing();
        "busy" "busy with other programs": waiting(Some(0.3)), waiting(Some(0.0)), waiting(None);
        "rounds" "a little too narrow": record(pair(4.0, 9.0, 7)), record(pair(4.0, 9.0, 21)), nothing();
        "floor" "The noise floor, measured with one model under two names, reaches": loud(1.5), loud(1.0), differ();
        "outliers" "1 of 7 measurements": outlying(9.0), outlying(5.1), record(vec![cell("a", &[5.0, 9.0])]);
        "few_latencies" "no p99.9": few(Some(999)), few(Some(50_000)), nothing();
        "pinning" "A server had 1 processor": pinned(apart(1)), pinned(apart(2)), pinned(Pinning::default());
        "virtual_machine" "probably a virtual machine": named("6.1-aws"), named("6.1-generic"), nothing();
    }
}

/// Sentences of findings in both languages: the finding, the section of the file, the record.
#[rustfmt::skip]
fn sentences_of_findings() -> Vec<(&'static str, &'static str, Record)> {
    let noisy = [0.97, 1.031, 1.0, 1.031, 1.02, 0.99, 1.031].map(|it| it * 4.0);
    let seven = |servers| costing(7, servers);
    let costs = |name, us: f64| cell(name, &[us; 7]);
    vec![
        ("best", "the best servers tie",
            seven(&[("event-loop", 4.1), ("event-loop-again", 4.1), ("tasks-single", 4.1), ("threads", 7.0)])),
        ("best", "the best server everywhere is told once",
            sweeping(&[1, 10, 100].map(|many| (many, &[("a", 4.0), ("b", 8.0)][..])))),
        ("best", "a server that always shares the first place is told once",
            sweeping(&[(1, &[("a", 4.0), ("b", 4.0), ("c", 8.0)]), (10, &[("a", 2.0), ("b", 3.0), ("c", 2.0)])])),
        ("best", "no difference above the noise floor",
            record(vec![costs("a", 4.0), twin("a", &noisy), costs("b", 4.05)])),
        ("best", "a difference from some point on",
            sweeping(&[(1, &[("a", 4.0), ("b", 4.1)]), (10, &[("a", 4.0), ("b", 8.0)]),
                (100, &[("a", 4.0), ("b", 9.0)])])),
        ("best", "a server that alone can be ranked is not called the best", seven(&[("a", 4.0)])),
        ("absent", "servers that could not run",
            record(vec![costs("a", 4.0), costs("b", 8.0), starved("iterative", 1), starved("prefork", 16),
                starved("prethreaded", 16), failing("never-up", 0, 1)])),
        ("others", "the others in groups",
            seven(&[("event-loop", 4.0), ("event-loop-again", 4.0), ("tasks", 4.8), ("threads", 6.8), ("fork", 7.6)])),
        ("others", "an unsure ratio is given with its interval",
            record(vec![costs("a", 4.0), cell("b", &[6.0, 6.4, 7.0, 8.0, 9.0, 10.0, 7.2])])),
        ("switches", "cpu time that goes with context switches",
            record(vec![switching(costs("event-loop", 4.0), 0.3), switching(costs("tasks-single", 4.1), 0.35),
                switching(costs("threads", 7.0), 2.0), switching(costs("fork", 7.6), 2.0)])),
        ("switches", "cpu time that does not go with context switches",
            record(vec![switching(costs("a", 4.0), 0.3), switching(costs("b", 9.0), 0.3),
                switching(costs("c", 5.0), 2.0), switching(costs("d", 4.0), 2.0)])),
        ("at_once", "a handler that blocks is served alone or by a worker each",
            handling("block:5ms", vec![answering("event-loop", 1, &[198.0, 197.0, 199.0]),
                answering("tasks", 2, &[394.0, 396.0, 395.0]),
                answering("threads", 1, &[19_500.0, 19_600.0, 19_700.0])])),
        ("made", "the cost of making a process for each connection",
            short(vec![cell("fork", &[310.0, 320.0, 300.0]), cell("prefork", &[80.0, 82.0, 81.0])])),
        ("rate", "servers that kept up are told with their p99",
            record([("a", 1e4, 1_200_000), ("b", 9_950.0, 2_100_000), ("c", 8_300.0, 900_000_000)]
                .map(|(name, answered, p99_ns)| {
                    with_rounds(open(name, (1e4, answered), 0, 5), |round| round.latency_p99_ns = p99_ns)
                }).into())),
        ("sweep", "the best and the worst from the first point to the last", swept_with_switches()),
        ("crowd", "idle connections cost one server much and another nothing",
            of(sweeping(&[(10, &[("a", 4.0), ("b", 4.0), ("c", 5.0)][..]), (10_000, &[("a", 4.4), ("b", 33.0), ("c", 5.0)])])
                .cells, |workload| workload.active_connections = Some(10))),
        ("skew", "a heavy connection is answered in turns or at once",
            of(vec![sharing(costs("a", 4.0), 1e5, 4_000), sharing(costs("b", 4.0), 1.1e3, 2_000),
                sharing(costs("c", 4.0), 1.2e3, 2_100)], |workload| workload.heavy_depth = Some(100))),
        ("tail", "a long tail",
            record(vec![tailed(costs("event-loop", 4.0), 1_200, 1), tailed(costs("tasks", 5.0), 4_300, 2)])),
        ("memory", "a process or a thread for each connection is told with its memory",
            weighed(&[("threads", 14, 101, 1), ("fork", 75, 101, 101)])),
    ]
}

fn swept_with_switches() -> Record {
    let points = [
        (1, "event-loop", 40.0, 1.0),
        (1, "threads", 41.0, 1.0),
        (100, "event-loop", 5.6, 0.02),
        (100, "threads", 10.0, 1.05),
    ];
    let cells = points.map(|(connections, name, us, switches)| {
        at(connections, switching(cell(name, &[us; 7]), switches))
    });
    record(cells.into())
}

/// Sentences of cautions, in the same form.
#[rustfmt::skip]
fn sentences_of_cautions() -> Vec<(&'static str, &'static str, Record)> {
    let once = |cpu_us: &[f64]| record(vec![cell("a", cpu_us)]);
    let mut few = record(pair(5.0, 5.0, 3));
    few.cells[0].rounds[1].latency_count = Some(999);
    let loud = vec![cell("a", &[1.0; 7]), twin("a", &[1.15; 7]), cell("b", &[2.0; 7])];
    let mut broken_off = record(vec![cell("a", &[1.0; 3]), cell("b", &[1.0; 2])]);
    broken_off.complete = false;
    vec![
        ("rounds", "few rounds lower the confidence", once(&[1.0; 3])),
        ("rounds", "few rounds lower the confidence (2)", once(&[1.0; 7])),
        ("rounds", "few rounds lower the confidence (3)", once(&[1.0])),
        ("floor", "the noise floor is measured", record(loud)),
        ("floor", "the noise floor is assumed", record(pair(1.0, 2.0, 7))),
        ("outliers", "outliers are counted", once(&[5.0, 5.1, 5.2, 5.3, 9.0, 5.1, 5.2])),
        ("few_latencies", "too few latencies for a quantile are told", few),
        ("busy", "a busy machine",
            with(vec![cell("a", &[1.0; 3])], |round| round.generator_wait_share = Some(0.3))),
        ("pinning", "one processor for a server", once(&[1.0; 3])),
        ("pinning", "server and generator share processors", pinned(Pinning::Together(Together::OneCore))),
        ("incomplete", "a run that was broken off", broken_off),
        ("failures", "a server that failed is named with the first reason", record(vec![failing("a", 3, 1)])),
    ]
}

/// What is said in English and in Chinese, in part.
#[rustfmt::skip]
fn words() -> Vec<(&'static str, [&'static str; 2], Record)> {
    let mut computing = handling("cpu:200us", vec![answering("event-loop", 1, &[4_900.0; 3])]);
    computing.workloads[0].server_on_all_cpus = true;
    let mut limited = ranked_by(Measure::MessagesPerS, pair(4.0, 8.0, 7));
    limited.cells[0] = with_rounds(limited.cells[0].clone(), |round| round.generator_cpu_share = 0.97);
    let mut wrong = costing(7, &[("wrong", 1.0), ("a", 4.0), ("b", 8.0)]);
    wrong.cells[0].rounds[0].errors = 1;
    let mut unresolved = weighed(&[("threads", 14, 101, 1)]);
    unresolved.cells[0] = with_rounds(unresolved.cells[0].clone(), |round| round.peak_pss_bytes = 1_000_000);
    let mut unsent = record(vec![open("a", (1e4, 1e4), 0, 5)]);
    unsent.cells[0].rounds[3].due_not_sent = Some(1);
    let quiet = record(vec![cell("a", &[1.0; 7]), twin("a", &[1.03; 7]), cell("b", &[2.0; 7])]);
    vec![
        ("best", ["no server is ranked", "只测了一轮"], record(pair(4.0, 8.0, 1))),
        ("best", ["the load generator was the limit", "负载生成器"], limited),
        ("best", ["`a` takes the least", "最少的是 `a`"], wrong),
        ("at_once", ["waits for all at once", "同时等待所有消息"],
            handling("wait:5ms", vec![answering("tasks", 2, &[18_900.0; 3])])),
        ("at_once", ["computes on one processor", "只用一个处理器"], computing),
        ("at_once", ["serves one message at a time", "一次只处理一条消息"],
            handling("block:5ms", vec![answering("a", 1, &[200.0; 3])])),
        ("memory", ["`event-loop` less than the 41 B that can be measured here", "`event-loop` 低于这里可测的下限 41 B"],
            unresolved),
        ("rate", ["`a` fell behind: 100% of the due messages", "`a` 没跟上：应发的消息有 100% 得到响应"], unsent.clone()),
        ("rate", ["in 1 of 5 rounds", "5 轮中有 1 轮"], unsent),
        ("floor", ["is 3.0% at most", "不超过 3.0%"], quiet),
        ("virtual_machine", ["By its name (6.18.44-fc-v657)", "从名字（6.18.44-fc-v657）看"], named("6.18.44-fc-v657")),
        ("generator", ["In echo, for 100 connections of 64 B, the load generator was the limit", "瓶颈是负载生成器"],
            with(vec![cell("a", &[1.0; 3])], |round| round.generator_cpu_share = 0.95)),
    ]
}

/// Records without a sentence: the finding or the caution, why, and the record.
fn nothing() -> Vec<(&'static str, &'static str, Record)> {
    [silent_findings(), silent_rates(), silent_cautions()]
        .into_iter()
        .flatten()
        .collect()
}

#[rustfmt::skip]
fn silent_findings() -> Vec<(&'static str, &'static str, Record)> {
    let costs = |name, us: f64| cell(name, &[us; 7]);
    let mut wrong = costing(7, &[("wrong", 1.0)]);
    wrong.cells[0].rounds[0].errors = 1;
    let apart = with_rounds(cell("b", &[8.0; 3]), |round| round.round += 2);
    let made = |fork: &[f64], prefork: &[f64]| vec![cell("fork", fork), cell("prefork", prefork)];
    let mut failing = made(&[310.0; 3], &[80.0; 3]);
    failing[1].rounds[0].errors = 1;
    let kin = vec![cell("threads", &[80.0, 85.0, 90.0]), cell("prethreaded", &[84.0, 82.0, 81.0])];
    let steady = || tailed(costs("event-loop", 4.0), 1_200, 1);
    let long = || tailed(costs("tasks", 5.0), 4_300, 2);
    let mut few = vec![steady(), long()];
    few[1].rounds[0].latency_count = Some(99);
    let busy = with_rounds(steady(), |round| round.generator_cpu_share = 0.97);
    let unsure_tail = first(3, long(), |round| round.latency_p99_ns = 1_100_000);
    let (light, heavy) = (|| heavy(costs("event-loop", 4.0), 1, 1, 1), || heavy(costs("threads", 7.0), 14, 101, 1));
    let overlapping = first(3, heavy(), |round| round.peak_pss_bytes = 1_010_000);
    let unknown = [light(), heavy()].map(|cell| first(1, cell, |round| round.empty_pss_bytes = None));
    let limited_sweep = Record {
        workloads: ranked_by(Measure::LatencyP50, vec![]).workloads,
        ..with(swept_with_switches().cells, |round| round.generator_cpu_share = 0.97)
    };
    let mut idle = sweeping(&[(10, &[("a", 4.0)][..]), (10_000, &[("a", 33.0)])]);
    idle.workloads[0].active_connections = Some(10);
    vec![
        ("sweep", "another finding tells it", idle),
        ("crowd", "no connection is idle", sweeping(&[(10, &[("a", 4.0)][..]), (10_000, &[("a", 33.0)])])),
        ("skew", "no connection is heavy", record(vec![sharing(costs("a", 4.0), 1e5, 4_000)])),
        ("skew", "the generator was the limit",
            of(vec![with_rounds(sharing(costs("a", 4.0), 1e5, 4_000), |round| round.generator_cpu_share = 0.97)],
                |workload| workload.heavy_depth = Some(100))),
        ("best", "threads are a fact, neither good nor bad", ranked_by(Measure::Threads, pair(4.0, 8.0, 7))),
        ("best", "the only server had errors", wrong),
        ("absent", "all ran", record(pair(4.0, 8.0, 7))),
        ("absent", "the headline says it",
            record(vec![costs("a", 4.0), costs("b", 4.0), starved("pool", 2)])),
        ("others", "no difference", record(vec![costs("a", 4.0), cell("b", &UNSURE)])),
        ("others", "no difference", record(pair(4.0, 4.1, 7))),
        ("others", "a single round", record(pair(4.0, 8.0, 1))),
        ("others", "too few common rounds", record(vec![cell("a", &[4.0; 3]), apart])),
        ("switches", "no difference in CPU",
            record(vec![switching(costs("a", 4.0), 0.3), switching(costs("b", 4.0), 2.0)])),
        ("switches", "the switches are unsure",
            record(vec![switching(costs("a", 4.0), 0.3), first(3, switching(costs("b", 8.0), 2.0), |round| {
                round.context_switches_per_message = Some(0.1);
            })])),
        ("made", "the figures overlap", short(kin)),
        ("made", "connections stay", record(made(&[310.0; 3], &[80.0; 3]))),
        ("made", "the model that makes them in advance had errors", short(failing)),
        ("sweep", "it stays", sweeping(&[(1, &[("a", 4.0)]), (100, &[("a", 4.1)])])),
        ("sweep", "it is unsure",
            record(vec![at(1, costs("a", 4.0)), cell("a", &[2.0, 9.0, 4.5, 3.0, 8.0, 6.0, 3.9])])),
        ("sweep", "there is one point", record(vec![costs("a", 4.0)])),
        ("sweep", "the generator was the limit", limited_sweep),
        ("tail", "all have it", with(vec![steady(), long()], |round| round.latency_p99_ns = 4_000_000)),
        ("tail", "it is unsure", record(vec![steady(), unsure_tail])),
        ("tail", "there are too few latencies", record(few)),
        ("tail", "the generator was the limit", record(vec![busy, long()])),
        // The examples: `--workers 500` with 500 connections, and 16 workers with 10.
        ("memory", "a worker for each connection is a matter of the model and not of counts",
            weighed(&[("prethreaded", 14, 101, 1), ("tasks", 14, 101, 1), ("prefork", 75, 101, 101)])),
        ("memory", "there are few threads", record(vec![light(), with_rounds(heavy(), |round| round.threads = 16)])),
        ("memory", "memory overlaps", record(vec![light(), overlapping])),
        ("memory", "memory is unknown", record(unknown.into())),
        ("memory", "the server had errors", record(vec![light(), first(1, heavy(), |round| round.errors = 1)])),
    ]
}

/// Records in which a rate says nothing about a server.
#[rustfmt::skip]
fn silent_rates() -> Vec<(&'static str, &'static str, Record)> {
    let blocking = |cell: Cell| handling("block:5ms", vec![cell]);
    let right = || answering("a", 1, &[200.0; 3]);
    let mut open_loop = right();
    open_loop.point.rate = Some(Rate::PerS(200.0));
    let mut deep = blocking(right());
    deep.workloads[0].depth = 8;
    let kept_up = || open("a", (1e4, 1e4), 0, 5);
    vec![
        // With one processor for the server, the machine is the reason, and not the model.
        ("at_once", "one processor", handling("cpu:200us", vec![answering("event-loop", 1, &[4_900.0; 3])])),
        ("at_once", "the arithmetic doesn't agree", blocking(answering("a", 1, &[170.0; 3]))),
        ("at_once", "the figure is unsure", blocking(answering("a", 1, &[150.0, 200.0, 230.0]))),
        ("at_once", "a single round", blocking(answering("a", 1, &[200.0]))),
        ("at_once", "the handler does nothing", handling("none", vec![right()])),
        ("at_once", "the generator was the limit",
            blocking(with_rounds(right(), |round| round.generator_cpu_share = 0.97))),
        ("at_once", "the generator chose the rate", blocking(open_loop)),
        ("at_once", "several messages in flight", deep),
        ("rate", "the generator was late",
            record(vec![with_rounds(kept_up(), |round| round.pacing_lag_p99_ns = Some(1_000_000))])),
        ("rate", "an error", record(vec![first(1, kept_up(), |round| round.errors = 1)])),
        ("rate", "a single round", record(vec![open("a", (1e4, 1e4), 0, 1)])),
        ("rate", "a closed loop", record(vec![cell("a", &[4.0; 5])])),
    ]
}

#[rustfmt::skip]
fn silent_cautions() -> Vec<(&'static str, &'static str, Record)> {
    let once = |cpu_us: &[f64]| record(vec![cell("a", cpu_us)]);
    let waited = |share| with(vec![cell("a", &[1.0; 3])], |round| round.generator_wait_share = share);
    vec![
        ("rounds", "ten are enough", once(&[1.0; 10])),
        ("rounds", "there are none", once(&[])),
        ("floor", "one server", once(&[1.0; 7])),
        ("outliers", "all are alike", once(&[5.0; 7])),
        ("few_latencies", "there are enough", record(pair(5.0, 5.0, 3))),
        ("busy", "it isn't known", waited(None)),
        ("busy", "hardly", waited(Some(0.04))),
        ("pinning", "two processors", pinned(apart(2))),
        ("virtual_machine", "no name says so", once(&[1.0; 3])),
        ("incomplete", "it was completed", once(&[1.0; 3])),
        ("failures", "none failed", once(&[1.0; 3])),
        ("errors", "there are none", once(&[1.0; 3])),
        ("generator", "it could do more", once(&[1.0; 3])),
    ]
}
