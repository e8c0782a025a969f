//! The truth suite: for each kind of sentence a record in which it is true, one in which it is false,
//! and one in which nothing can be known. A finding or a caution without a case fails the suite.

use portlab_stats::{
    fixture::{cell, record, twin},
    measure::Measure,
    record::{Cell, Counts, Failed, NotRun, Pinning, Rate, Record},
};
use portlab_words::Lang;

use super::{Sentence, cautions::CAUTIONS, findings, findings::FINDINGS, view::View};

/// A kind of sentence, and where it holds.
struct Case {
    /// The finding or the caution.
    name: &'static str,
    /// What it says where it is true, and nowhere else.
    words: &'static str,
    /// Where it is true.
    holds: Record,
    /// Where its opposite is.
    fails: Record,
    /// Where neither can be known; for a caution, where there is nothing to be careful about.
    open: Record,
}

#[test]
fn each_sentence_is_said_where_it_is_true_and_nowhere_else() {
    for case in cases() {
        let said = |record: &Record| said(case.name, record).join(" ");
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
        // There is no comparison that isn't made over loopback.
        let known = cases.iter().any(|case| case.name == name) || name == "loopback";
        assert!(known, "{name} has no case in truth.rs");
    }
}

/// What the finding or the caution `name` says of `record`.
fn said(name: &str, record: &Record) -> Vec<String> {
    let finding = FINDINGS.iter().find(|(it, _)| *it == name);
    if let Some((_, make)) = finding {
        let view = &View::all(record, Lang::En)[0];
        let said = findings::paragraph(view, make(view)).into_iter();
        return said.map(|finding| finding.sentence.plain()).collect();
    }
    let caution = CAUTIONS.iter().find(|(it, ..)| *it == name);
    let (_, make, _) = caution.unwrap_or_else(|| panic!("no finding or caution {name}"));
    let said = make(record, &View::all(record, Lang::En), Lang::En).into_iter();
    said.map(|sentence| Sentence::of(Lang::En, &sentence).plain())
        .collect()
}

/// `cells`, of which `change` has changed each round.
fn with(mut cells: Vec<Cell>, change: impl Fn(&mut portlab_stats::record::Round)) -> Vec<Cell> {
    for round in cells.iter_mut().flat_map(|cell| &mut cell.rounds) {
        change(round);
    }
    cells
}

/// A record of `cells`, whose workload `change` has changed.
fn of(cells: Vec<Cell>, change: impl Fn(&mut portlab_stats::record::Workload)) -> Record {
    let mut record = record(cells);
    change(&mut record.workloads[0]);
    record
}

fn pair(a: f64, b: f64, rounds: usize) -> Vec<Cell> {
    vec![cell("a", &vec![a; rounds]), cell("b", &vec![b; rounds])]
}

/// A pair of which the second is anything from half to twice the first.
fn unsure() -> Vec<Cell> {
    let spread = [2.0, 8.0, 4.1, 3.0, 9.0, 4.4, 3.9];
    vec![cell("a", &[4.0; 7]), cell("b", &spread)]
}

fn starved() -> Cell {
    Cell {
        not_run: Some(NotRun::ServesFewer(2)),
        ..cell("pool", &[])
    }
}

/// Servers whose context switches are as told.
fn switching(switches: [f64; 4], rounds: usize) -> Record {
    let cpu = [4.0, 4.1, 7.0, 7.6];
    let named = ["a", "b", "c", "d"].into_iter().zip(cpu).zip(switches);
    let cells = named.map(|((name, cpu), switches)| {
        let mut cell = cell(name, &vec![cpu; rounds]);
        for round in &mut cell.rounds {
            round.context_switches_per_message = Some(switches);
        }
        cell
    });
    record(cells.collect())
}

/// An open loop at 10,000 messages a second of which so many were answered.
fn open(per_s: f64, unsent: u64, rounds: usize) -> Record {
    let mut cells = with(vec![cell("a", &vec![4.0; rounds])], |round| {
        round.offered_per_s = Some(1e4);
        round.messages_per_s = per_s;
        round.messages = (per_s * round.elapsed_ms / 1e3) as u64;
        (round.due_not_sent, round.pacing_lag_p99_ns) = (Some(unsent), Some(10));
    });
    cells[0].point.rate = Some(Rate::PerS(1e4));
    record(cells)
}

/// One that serves so many messages a second while each handler blocks for 5 ms.
fn blocking(rates: &[f64]) -> Record {
    let mut cell = cell("a", &vec![4.0; rates.len()]);
    for (round, rate) in cell.rounds.iter_mut().zip(rates) {
        round.messages_per_s = *rate;
    }
    of(vec![cell], |workload| workload.work = "block:5ms".into())
}

/// `fork` and `prefork` with short connections.
fn short(fork: &[f64], prefork: &[f64]) -> Record {
    let cells = vec![cell("fork", fork), cell("prefork", prefork)];
    of(cells, |workload| workload.counts = Counts::Connections)
}

/// One server at 1 connection and at 100.
fn swept(first: &[f64], last: &[f64]) -> Record {
    let mut one = cell("a", first);
    one.point.connections = 1;
    record(vec![one, cell("a", last)])
}

/// A steady server, and one whose p99 is so many microseconds where its p50 is 1,000.
fn tailed(p99_us: u64, rounds: usize) -> Record {
    let mut cells = pair(4.0, 4.0, rounds);
    for (cell, p99_us) in cells.iter_mut().zip([1_500, p99_us]) {
        for round in &mut cell.rounds {
            round.latency_p50_ns = 1_000_000;
            round.latency_p99_ns = p99_us * 1_000;
        }
    }
    record(cells)
}

/// `event-loop`, and a model that needs so much for each of 100 connections, with so many threads.
fn heavy(model: &str, kib_each: u64, threads: u64) -> Record {
    let mut cells = vec![cell("event-loop", &[4.0; 3]), cell(model, &[9.0; 3])];
    for (cell, (kib, threads)) in cells.iter_mut().zip([(1, 1), (kib_each, threads)]) {
        for round in &mut cell.rounds {
            round.peak_pss_bytes = 1_000_000 + kib * 1024 * 100;
            round.threads = threads;
        }
    }
    record(cells)
}

fn failing(rounds: usize) -> Record {
    let mut cell = cell("a", &[4.0; 3]);
    cell.failures = (0..rounds)
        .map(|round| Failed {
            round: round + 9,
            reason: "it burnt".into(),
            unmetered: None,
        })
        .collect();
    record(vec![cell])
}

fn waiting(share: Option<f64>) -> Record {
    record(with(pair(4.0, 9.0, 7), |round| {
        round.generator_wait_share = share;
    }))
}

fn limited(share: f64) -> Record {
    of(
        with(pair(4.0, 9.0, 7), |round| round.generator_cpu_share = share),
        |workload| workload.ranked_by = Measure::MessagesPerS,
    )
}

fn named(kernel: &str) -> Record {
    let mut record = record(pair(4.0, 9.0, 7));
    record.environment.kernel = kernel.into();
    record
}

fn pinned(server_cpus: usize) -> Record {
    let mut record = record(pair(4.0, 9.0, 7));
    record.environment.pinning = Pinning::Apart {
        server_cpus: (0..server_cpus).collect(),
        generator_cpus: vec![9],
    };
    record
}

fn broken_off(complete: bool, rounds: usize) -> Record {
    let mut record = record(pair(4.0, 9.0, rounds));
    record.complete = complete;
    record
}

/// A table of cases, a row each: the name; the words; where they are true, where their opposite is, where neither can be
/// known.
macro_rules! table {
    ($($name:literal $words:literal: $holds:expr, $fails:expr, $open:expr;)+) => {
        vec![$(Case { name: $name, words: $words, holds: $holds, fails: $fails, open: $open }),+]
    };
}

#[rustfmt::skip]
fn cases() -> Vec<Case> {
    let apart = || record(pair(4.0, 9.0, 7));
    let alike = || record(pair(4.0, 4.0, 7));
    let nothing = || record(vec![]);
    let loud = |twin_us: f64| {
        let twin = twin("a", &[twin_us; 7]);
        record(vec![cell("a", &[1.0; 7]), twin, cell("b", &[9.0; 7])])
    };
    let starving = |others: Vec<Cell>| record(others.into_iter().chain([starved()]).collect());
    let computing = |all| {
        of(pair(4.0, 9.0, 7), |workload| {
            workload.work = "cpu:200us".into();
            workload.ranked_by = Measure::MessagesPerS;
            workload.server_on_all_cpus = all;
        })
    };
    let wrong = |errors| record(with(pair(4.0, 9.0, 7), |round| round.errors = errors));
    let few = |count| record(with(pair(4.0, 9.0, 7), |round| round.latency_count = count));
    let outlying = |last| record(vec![cell("a", &[5.0, 5.1, 5.2, 5.3, 5.1, 5.2, last])]);
    let unpinned = || {
        let mut it = apart();
        it.environment.pinning = Pinning::default();
        it
    };
    let unsure = || record(unsure());
    table! {
        "best" "a takes the least CPU": apart(), record(pair(9.0, 4.0, 7)), unsure();
        "best" "no difference in CPU": alike(), apart(), record(pair(4.0, 4.0, 1));
        "best" "a single round": record(pair(4.0, 9.0, 1)), apart(), nothing();
        "best" "the load generator was the limit": limited(0.97), limited(0.5), nothing();
        "best" "the noise is too large": loud(43.0), loud(1.0), nothing();
        "best" "kept to one processor": computing(false), computing(true), nothing();
        "best" "pool serves 2 connections at a time, and could not be compared":
            starving(pair(4.0, 4.0, 7)), alike(), apart();
        "absent" "pool serves 2 connections at a time":
            starving(pair(4.0, 9.0, 7)), apart(), starving(pair(4.0, 4.0, 7));
        "others" "compared with a: b": apart(), alike(), unsure();
        "switches" "goes with context switches":
            switching([0.3, 0.35, 2.0, 2.0], 7), switching([0.3; 4], 7), switching([0.3, 0.35, 2.0, 2.0], 1);
        "at_once" "serves one message at a time":
            blocking(&[198.0; 3]), blocking(&[19_600.0; 3]), blocking(&[150.0, 200.0, 230.0]);
        "made" "making a process":
            short(&[310.0; 3], &[80.0; 3]), short(&[80.0; 3], &[80.0; 3]),
            short(&[80.0, 85.0, 90.0], &[84.0, 82.0, 81.0]);
        "rate" "a kept up": open(1e4, 0, 5), open(8e3, 7, 5), open(1e4, 0, 1);
        "rate" "a fell behind": open(8e3, 7, 5), open(1e4, 0, 5), open(8e3, 7, 1);
        "sweep" "it falls from":
            swept(&[40.0; 7], &[5.0; 7]), swept(&[5.0; 7], &[40.0; 7]),
            swept(&[4.0; 7], &[2.0, 9.0, 4.5, 3.0, 8.0, 6.0, 3.9]);
        "tail" "20x the p50 with b": tailed(20_000, 3), tailed(1_500, 3), tailed(20_000, 1);
        "memory" "a thread of its own":
            heavy("threads", 14, 101), heavy("prethreaded", 14, 101), heavy("threads", 1, 101);
        "incomplete" "broken off": broken_off(false, 3), broken_off(true, 3), broken_off(true, 0);
        "failures" "a failed in 2": failing(2), failing(0), nothing();
        "errors" "had 14 errors": wrong(2), wrong(0), nothing();
        "generator" "the load generator was the limit": limited(0.97), limited(0.5), nothing();
        "busy" "busy with other programs": waiting(Some(0.3)), waiting(Some(0.0)), waiting(None);
        "rounds" "a little too narrow": record(pair(4.0, 9.0, 7)), record(pair(4.0, 9.0, 21)), nothing();
        "floor" "The noise floor, measured with one model under two names, reaches":
            loud(1.5), loud(1.0), apart();
        "outliers" "1 of 7 measurements":
            outlying(9.0), outlying(5.1), record(vec![cell("a", &[5.0, 9.0])]);
        "few_latencies" "no p99.9": few(Some(999)), few(Some(50_000)), nothing();
        "pinning" "A server had 1 processor": pinned(1), pinned(2), unpinned();
        "virtual_machine" "probably a virtual machine":
            named("6.1-aws"), named("6.1-generic"), nothing();
    }
}
