//! Properties of all sentences: they are the same each time, and say the same in both languages.

use portlab_stats::{
    analysis::groups,
    fixture::{cell, record},
    measure::Measure,
    record::{Cell, Counts, Failed, Pinning, Point, Rate, Record},
};
use portlab_words::{Lang, Text};
use proptest::prelude::*;

use super::{
    Notes, Part, Sentence,
    claim::Claim,
    table::{Field, Row, Tone},
    truth::golden,
    view::View,
};

/// The figures and names of a sentence, sorted: what both languages must agree on.
fn facts(sentence: &Sentence) -> Vec<String> {
    let fact = |part: &Part| match part {
        Part::Text(_) => None,
        Part::Name(name) => Some(name.clone()),
        // A ratio and a share are written in each language's own way.
        Part::Figure(figure) => Some(figure.replace([' ', 'x', '倍'], "")),
    };
    let mut facts: Vec<String> = sentence.parts.iter().filter_map(fact).collect();
    facts.sort();
    facts
}

/// Every sentence of `notes`: findings, cautions, remarks, legend.
fn sentences<'a>(notes: &'a Notes) -> Vec<&'a Sentence> {
    let found = notes.workloads.iter().flat_map(|it| &it.findings);
    let found = found.map(|it| &it.sentence);
    let cautions = notes.cautions.iter().map(|it| &it.sentence);
    let remarks = notes.tables().flat_map(|table| &table.remarks);
    let remarks = remarks.map(|it| &it.sentence);
    let signs = notes.legend.iter().map(|it| &it.sentence);
    found.chain(cautions).chain(remarks).chain(signs).collect()
}

fn check_languages(record: &Record) {
    let [en, zh] = Lang::ALL.map(|lang| Notes::of(record, lang));
    let [en, zh] = [sentences(&en), sentences(&zh)];
    assert_eq!(en.len(), zh.len());
    for (en, zh) in en.into_iter().zip(zh) {
        assert_eq!(facts(en), facts(zh), "\n{en}\n{zh}");
        let (en, zh) = (en.to_string(), zh.to_string());
        assert!(en.ends_with('.') && !en.contains(['{', '[', ']']), "{en}");
        assert!(!en.starts_with(|first: char| first.is_lowercase()), "{en}");
        assert!(zh.ends_with('。') && !zh.contains("  "), "{zh}");
        let chinese = |letter: char| ('\u{4e00}'..='\u{9fff}').contains(&letter);
        assert!(zh.contains(chinese) && !en.contains(chinese), "{en} {zh}");
    }
}

/// A small comparison as the lab makes them: of each cell its connections, its model, what messages cost, context switches
/// and threads.
fn comparison() -> Record {
    let cells = [
        (
            1,
            "event-loop",
            [40.0, 41.0, 40.5, 40.2, 40.1, 40.4],
            1.0,
            1,
        ),
        (
            1,
            "tasks-single",
            [40.3, 41.2, 40.1, 40.9, 40.2, 40.0],
            1.0,
            1,
        ),
        (1, "threads", [42.0, 43.0, 42.5, 42.2, 42.1, 42.4], 1.0, 2),
        (1, "fork", [43.0, 44.0, 43.5, 43.2, 43.1, 43.4], 1.0, 2),
        (100, "event-loop", [4.1, 4.2, 4.1, 4.1, 4.0, 4.1], 0.01, 1),
        (100, "tasks-single", [4.1, 4.2, 4.1, 4.2, 4.1, 4.1], 0.02, 1),
        (100, "threads", [7.0, 7.1, 7.0, 7.2, 7.0, 7.1], 1.04, 101),
        (100, "fork", [7.9, 8.1, 8.0, 8.2, 8.0, 8.1], 1.05, 101),
    ];
    let cells = cells.map(|(connections, model, cpu_us, switches, threads)| {
        let mut cell = cell(model, &cpu_us);
        cell.point.connections = connections;
        for round in &mut cell.rounds {
            round.context_switches_per_message = Some(switches);
            round.peak_pss_bytes += threads * 20_000;
            round.threads = threads;
            if model == "fork" {
                round.processes = threads;
            }
        }
        cell
    });
    record(cells.into())
}

fn spoken(record: &Record, lang: Lang) -> Vec<String> {
    let notes = Notes::of(record, lang);
    let said = sentences(&notes).into_iter();
    said.map(ToString::to_string).collect()
}

#[test]
fn the_findings_of_a_comparison_equal_the_golden_file() {
    let record = comparison();
    let said = Lang::ALL.map(|lang| spoken(&record, lang)[..5].to_vec());
    golden("a comparison is told in a paragraph", &said);
    check_languages(&record);
}

#[test]
fn the_same_record_is_told_the_same() {
    let record = comparison();
    for lang in Lang::ALL {
        assert_eq!(spoken(&record, lang), spoken(&record.clone(), lang));
    }
}

/// A comparison that was broken off: in the last table, only one server has the rounds that a place takes.
#[test]
fn a_server_is_not_best_because_others_lack_rounds() {
    let mut record = comparison();
    for cell in &mut record.cells {
        if cell.point.connections == 100 && cell.model != "fork" {
            cell.rounds.truncate(1);
        }
    }
    let told = |record: &Record| Notes::of(record, Lang::En).conclusion.join(" ");
    let broken_off = told(&record);
    assert!(
        broken_off.contains("(1 of 2 points are ranked)"),
        "{broken_off}"
    );
    // But a server that alone has no errors is the best.
    for cell in &mut record.cells {
        if cell.rounds.len() == 1 {
            cell.rounds[0].errors = 1;
        }
    }
    let with_errors = told(&record);
    assert!(!with_errors.contains("(1 of 2 points"), "{with_errors}");
}

#[test]
fn an_empty_record_says_nothing() {
    let nothing = record(vec![]);
    let notes = Notes::of(&nothing, Lang::En);
    assert!(notes.cautions.is_empty() && notes.workloads[0].findings.is_empty());
}

/// A cell with arbitrary figures.
fn any_cell() -> impl Strategy<Value = Cell> {
    use prop::{bool::weighted, collection::vec, option, sample::select};
    let round = (
        select(vec![0.0, 0.4, 4.0, 4.1, 4.3, 8.0, 1e5]),
        select(vec![0.0, 0.01, 0.3, 1.0, 2.0]),
        select(vec![0_u64, 50, 999, 50_000]),
        select(vec![0.2, 0.8, 0.95]),
        weighted(0.03),
        0_u64..200,
    );
    let names = ["fork", "prefork", "event-loop", "event-loop-again", "x"];
    let one = (
        select(names.to_vec()),
        select(vec![0_usize, 1, 10, 100]),
        option::weighted(0.3, select(vec![0.0, 100.0, 1e6])),
        vec(round, 0..8),
        weighted(0.1),
    );
    one.prop_map(|(name, connections, rate, rounds, fails)| {
        let mut cell = cell(name, &vec![1.0; rounds.len()]);
        cell.point.connections = connections;
        cell.point.rate = rate.map(Rate::PerS);
        cell.workers = connections / 5;
        for (round, (cpu, switches, count, share, wrong, ms)) in cell.rounds.iter_mut().zip(rounds)
        {
            round.server_cpu_us_per_message = (count > 0).then_some(cpu);
            round.context_switches_per_message = (count > 0).then_some(switches);
            (round.messages, round.latency_count) = (count, Some(count));
            round.messages_per_s = count as f64 * 2.0;
            round.generator_cpu_share = share;
            round.errors = u64::from(wrong);
            (round.latency_p50_ns, round.latency_p99_ns) = (ms * 500, ms * ms * 1_000);
            (round.threads, round.processes) = (ms, ms / 2);
            round.offered_per_s = rate;
            round.due_not_sent = rate.map(|_| ms / 100);
            round.peak_pss_bytes = ms << 20;
        }
        cell.failures.extend(fails.then(|| Failed {
            round: 9,
            reason: Text::new("no answer", "没有应答"),
            unmetered: None,
        }));
        cell
    })
}

/// Records with arbitrary cells.
fn any_record() -> impl Strategy<Value = Record> {
    use prop::{collection::vec, sample::select};
    let works = ["none", "block:5ms", "wait:0s", "cpu:1us", "block:", "x"];
    let counts = [
        Counts::Messages,
        Counts::Connections,
        Counts::Deliveries,
        Counts::Requests,
        Counts::Nothing,
    ];
    let workload = (
        select(Measure::ALL.to_vec()),
        select(works.to_vec()),
        select(counts.to_vec()),
        any::<bool>(),
    );
    let made = (vec(any_cell(), 0..14), workload);
    made.prop_map(|(mut cells, (ranked_by, work, counts, complete))| {
        let mut known: Vec<(String, Point)> = Vec::new();
        cells.retain(|cell| {
            let is_new = !known.contains(&(cell.model.clone(), cell.point));
            known.push((cell.model.clone(), cell.point));
            is_new
        });
        let mut record = record(cells);
        let workload = &mut record.workloads[0];
        (workload.ranked_by, workload.counts) = (ranked_by, counts);
        workload.work = work.into();
        record.complete = complete;
        if complete {
            record.environment.pinning = Pinning::default();
        }
        record
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn both_languages_say_the_same_of_any_record(record in any_record()) {
        check_languages(&record);
    }

    #[test]
    fn no_reported_ratio_has_an_interval_that_contains_one(record in any_record()) {
        for view in View::all(&record, Lang::En) {
            for at in 0..groups(&record).len() {
                for (_, ratio) in view.others(at) {
                    prop_assert!(!ratio.contains(1.0), "{ratio:?}");
                }
            }
        }
        let told = spoken(&record, Lang::En).join(" ");
        for equal in [" 1.0x", " 1.00x;", " 1.00x."] {
            prop_assert!(!told.contains(equal), "{told}");
        }
    }

    #[test]
    fn a_paragraph_is_short_and_names_only_entrants(record in any_record()) {
        for workload in Notes::of(&record, Lang::En).workloads {
            prop_assert!(workload.findings.len() <= super::MOST);
            for part in workload.findings.iter().flat_map(|it| &it.sentence.parts) {
                if let Part::Name(name) = part {
                    prop_assert!(record.entrant(name).is_some());
                }
            }
        }
    }

    #[test]
    fn a_chosen_server_is_first_in_the_tables(record in any_record()) {
        use super::conclusion::{Choice, conclusion};
        let first = |model: &str| {
            let notes = Notes::of(&record, Lang::En);
            let ranks = notes.tables().filter_map(|table| {
                let at = table.columns.iter().position(|it| it.field == Field::Rank)?;
                let ranked = table.rows.iter().filter_map(|row| row.entries.get(at));
                let places = ranked.filter(|it| !it.text.is_empty()).count();
                let failed = |row: &Row| !row.cell.went_well() && !row.is_aside;
                // A server that alone has a place is compared only with servers that have failed.
                if places == 0 || places == 1 && !table.rows.iter().any(failed) {
                    return None;
                }
                let row = table.rows.iter().find(|row| row.cell.model == model)?;
                Some(row.entries.get(at)?.text == "1")
            });
            let ranks: Vec<bool> = ranks.collect();
            (ranks.iter().filter(|it| **it).count(), ranks.len())
        };
        match conclusion(&View::all(&record, Lang::En)).choice {
            Choice::Everywhere(models) => {
                for model in models {
                    let (count, all) = first(model);
                    prop_assert!(count == all && count > 0, "{model}: {count} of {all}");
                }
            }
            Choice::Mostly(models, count) => {
                for model in models {
                    prop_assert_eq!(first(model).0, count, "{}", model);
                }
            }
            Choice::Alike(models) => {
                for model in models {
                    let (count, all) = first(model);
                    prop_assert_eq!(count, all, "{}", model);
                }
            }
            Choice::Depends | Choice::Unknown => {}
        }
    }

    #[test]
    fn no_two_claims_exclude_each_other_and_no_table_denies_one(record in any_record()) {
        for workload in Notes::of(&record, Lang::En).workloads {
            let claims: Vec<&Claim> = workload.findings.iter().flat_map(|it| &it.claims).collect();
            for (at, claim) in claims.iter().enumerate() {
                for other in &claims[..at] {
                    prop_assert!(!claim.excludes(other), "{claim:?} and {other:?}");
                }
                let table = &workload.tables[claim.at()];
                let column = table.columns.iter().position(|it| it.field == Field::Rank);
                let row = |model: &str| table.rows.iter().find(|row| row.cell.model == *model).unwrap();
                let entry = |model: &str| {
                    let entries = row(model).entries.get(column?)?;
                    Some((entries.text.clone(), entries.tone))
                };
                let agrees = match claim {
                    Claim::Best(_, model) => {
                        entry(model) == Some(("1".to_owned(), Tone::Good))
                    }
                    Claim::Worse(_, model) => {
                        entry(model).is_some_and(|(rank, _)| rank != "1" && !rank.is_empty())
                    }
                    Claim::Alike(_) => table.rows.iter().all(|row| {
                        let entry = column.and_then(|at| row.entries.get(at));
                        entry.is_none_or(|it| ["", "1"].contains(&it.text.as_str()))
                    }),
                    Claim::Unranked(_) => column.is_none(),
                    Claim::FellBehind(_, model) => {
                        entry(model).is_none_or(|(rank, _)| rank.is_empty())
                    }
                    Claim::Absent(_, model) => row(model).entries.is_empty(),
                    Claim::KeptUp(..) => true,
                };
                prop_assert!(agrees, "the table denies {claim:?}");
            }
        }
    }
}
