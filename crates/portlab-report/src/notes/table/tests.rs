use portlab_stats::{
    fixture::{cell, record, twin},
    record::Record,
};

use super::*;

fn with_table<T>(record: &Record, look: impl FnOnce(&Table) -> T) -> T {
    look(&Table::of(&View::all(record, Lang::En)[0], 0))
}

/// What stands in `field`, for all rows that were measured.
fn column(record: &Record, field: Field) -> Vec<String> {
    written(record, field, false)
}

fn written(record: &Record, field: Field, is_narrow: bool) -> Vec<String> {
    with_table(record, |table| {
        let mut columns = table.columns.iter();
        let at = columns.position(|it| it.field == field).unwrap();
        let entries = table.rows.iter().filter_map(|row| row.entries.get(at));
        let sign = |entry: &Entry| String::from_iter(entry.sign);
        let written = entries.map(|entry| entry.text(is_narrow).to_owned() + &sign(entry));
        written.collect()
    })
}

fn three() -> Record {
    record(vec![
        cell("slow", &[9.0, 9.2, 9.1, 9.0, 9.1]),
        cell("fast", &[4.0; 5]),
        twin("fast", &[4.04, 4.0, 4.02, 3.99, 4.01]),
        cell("as-fast", &[4.01; 5]),
    ])
}

#[test]
fn rows_go_by_rank_and_a_twin_follows_its_model() {
    let names = ["fast", "fast-again", "as-fast", "slow"];
    assert_eq!(column(&three(), Field::Name), names);
    assert_eq!(column(&three(), Field::Rank), ["1", "", "1", "3"]);
    assert_eq!(
        column(&three(), Field::Figure(Measure::CpuPerMessage)),
        ["4.00 µs▲", "4.01 µs", "4.01 µs▲", "9.10 µs▼"]
    );
    // All rates are the same: no first, and no last.
    let rates = column(&three(), Field::Figure(Measure::MessagesPerS));
    assert_eq!(rates, ["100k"; 4]);
}

/// Thirteen servers of three families, and a foreign one with its own, without a sheet.
fn many() -> Record {
    let mut record = record(
        (0..14)
            .map(|at| cell(&format!("m{at:02}"), &[4.0 + f64::from(at); 5]))
            .chain([twin("m01", &[5.0; 5])])
            .collect(),
    );
    let known = portlab_stats::fixture::record(vec![cell("threads", &[4.0])]);
    for (at, entrant) in record.entrants.iter_mut().enumerate() {
        let family = ["threads", "event", "processes"][at % 3];
        entrant.sheet = known.entrants[0].sheet.clone().filter(|_| at != 13);
        if let Some(sheet) = &mut entrant.sheet {
            sheet.family = family.to_owned().into();
        }
    }
    record
}

#[test]
fn a_long_table_stands_family_by_family_the_best_first() {
    let families = |record: &Record| {
        with_table(record, |table| {
            let rows = with_families(&table.rows);
            let heads =
                rows.filter_map(|(family, row)| Some((family?.to_owned(), row.cell.model.clone())));
            heads.collect::<Vec<_>>()
        })
    };
    let own = |family: &str, first: &str| (family.to_owned(), first.to_owned());
    let expected = [
        own("threads", "m00"),
        own("event", "m01"),
        own("processes", "m02"),
        own("other servers", "m13"),
    ];
    assert_eq!(families(&many()), expected);
    // Within a family the rows go by rank, and the twin follows its model.
    let names = column(&many(), Field::Name);
    assert_eq!(names[5..9], ["m01", "m01-again", "m04", "m07"]);
    let mut few = many();
    few.cells.truncate(12);
    assert!(families(&few).is_empty());
    let mut unknown = many();
    unknown.entrants.iter_mut().for_each(|it| it.sheet = None);
    assert!(families(&unknown).is_empty());
    assert_eq!(column(&unknown, Field::Name)[..2], ["m00", "m01"]);
}

#[test]
fn a_column_is_sorted_by_its_numbers() {
    let mut record = three();
    record.setup.baseline = Some("fast".into());
    record.cells.push(cell("failed", &[]));
    let numbers = |field: Field| {
        with_table(&record, |table| {
            let at = table.columns.iter().position(|it| it.field == field);
            let entries = table.rows.iter().map(|row| row.entries.get(at?));
            let numbers = entries.map(|entry| entry?.sort);
            numbers.collect::<Vec<_>>()
        })
    };
    // In nanoseconds.
    let cpu = [Some(4000.0), Some(4010.0), Some(4010.0), Some(9100.0), None];
    assert_eq!(numbers(Field::Figure(Measure::CpuPerMessage)), cpu);
    let ranks = [Some(1.0), None, Some(1.0), Some(3.0), None];
    assert_eq!(numbers(Field::Rank), ranks);
    let lower_ends = [Some(4000.0), Some(3990.0), Some(4010.0), Some(9000.0), None];
    assert_eq!(numbers(Field::Interval), lower_ends);
    let ratios = numbers(Field::Ratio);
    assert!(
        ratios[0] == Some(1.0) && ratios[3] > Some(2.2),
        "{ratios:?}"
    );
    assert_eq!(numbers(Field::Name), [None; 5]);
}

#[test]
fn a_ratio_that_does_not_differ_from_one_has_a_sign() {
    let mut record = three();
    record.setup.baseline = Some("fast".into());
    let narrow = written(&record, Field::Ratio, true);
    assert_eq!(narrow, ["1", "1.00≈", "1.00≈", "2.27"]);
    assert_eq!(column(&record, Field::Ratio)[3], "2.27 (2.25–2.30)");
}

#[test]
fn an_interval_needs_more_than_one_round() {
    assert_eq!(written(&three(), Field::Interval, true)[3], "±1.1%");
    assert_eq!(column(&three(), Field::Interval)[3], "9.00–9.20 µs");
    let once = record(vec![cell("a", &[4.0]), cell("b", &[4.0])]);
    let fields = with_table(&once, |table| {
        table.columns.iter().map(|it| it.field).collect::<Vec<_>>()
    });
    assert!(!fields.contains(&Field::Interval) && !fields.contains(&Field::Rank));
}

#[test]
fn a_figure_below_the_resolution_has_a_bound_and_no_ratio_or_rank() {
    let mut record = three();
    record.workloads[0].ranked_by = Measure::MemoryPerConnection;
    record.setup.baseline = Some("fast".into());
    for round in &mut record.cells[1].rounds {
        round.peak_pss_bytes = round.empty_pss_bytes.unwrap() + 17;
    }
    let memory = column(&record, Field::Figure(Measure::MemoryPerConnection));
    assert!(memory.contains(&"<41 B".to_owned()), "{memory:?}");
    let ratios = column(&record, Field::Ratio);
    let unknown = ratios.iter().filter(|it| *it == "–").count();
    assert_eq!(unknown, 3, "{ratios:?}");
    let ranked = with_table(&record, |table| {
        table.columns.iter().any(|it| it.field == Field::Rank)
    });
    assert!(!ranked);
}

#[test]
fn a_workload_without_messages_shows_memory_and_threads() {
    let mut workload = record(Vec::new()).workloads.remove(0);
    assert_eq!(measures(&workload, true).len(), Measure::ALL.len() - 1);
    let on_one = measures(&workload, false);
    assert!(!on_one.contains(&Measure::CpusUsed), "{on_one:?}");
    assert_eq!(on_one[0], Measure::CpuPerMessage);
    workload.counts = Counts::Nothing;
    workload.ranked_by = Measure::MemoryPerConnection;
    let expected = [
        Measure::MemoryPerConnection,
        Measure::PeakMemory,
        Measure::Threads,
        Measure::Processes,
    ];
    assert_eq!(measures(&workload, true), expected);
}
