//! The measurements as a table for other programs: a line for each, with all its figures. The head of a column has the
//! unit.

use ::csv::{Terminator, WriterBuilder};
use portlab_stats::{
    analysis::Group,
    record::{Rate, Round},
};
use serde::Serialize;
use serde_json::Value;

use crate::notes::{Notes, table::Row};

/// Writes the measurements of `notes` as comma-separated values, quoted as in RFC 4180, in lines that
/// end with a line feed: one for each cell and round.
///
/// An unknown field is empty. A failed round, and a cell that wasn't measured, have a line with the reason.
///
/// # Panics
/// Never: memory can be written to.
pub fn csv(notes: &Notes) -> String {
    let mut writer = WriterBuilder::new()
        .terminator(Terminator::Any(b'\n'))
        .from_writer(Vec::new());
    let mut write = |fields: Vec<String>| {
        let fields = fields.into_iter().map(no_formula);
        writer
            .write_record(fields)
            .expect("memory can be written to");
    };
    let heads = [CELL, ROUND, LAST].into_iter();
    let heads = heads.flat_map(str::split_whitespace);
    write(heads.map(str::to_owned).collect());
    for table in notes.tables() {
        for row in &table.rows {
            let line = |number: Option<usize>, round: Option<&Round>, reason: &str| {
                let cell = of_cell(&table.group, row, number);
                [
                    cell,
                    of_round(row, round),
                    last(&table.group, row, round, reason),
                ]
                .concat()
            };
            for round in &row.cell.rounds {
                write(line(Some(round.round), Some(round), ""));
            }
            for failed in &row.cell.failures {
                write(line(Some(failed.round), None, &failed.reason.en));
            }
            if let Some(remark) = row.remark.as_ref().filter(|_| row.cell.failures.is_empty()) {
                write(line(None, None, &remark.plain()));
            }
        }
    }
    let bytes = writer.into_inner().expect("memory can be written to");
    String::from_utf8(bytes).expect("text was written")
}

/// The heads of the columns before those of a round.
const CELL: &str = "workload service counts work depth rooms model kind connections size_bytes workers_asked \
    workers rate_asked_per_s best_per_s round";
/// The figures of a round, which have the names that a record gives them; and between them whether the generator was the
/// limit of the cell.
const ROUND: &str = "messages elapsed_ms messages_per_s heavy_messages_per_s latency_count latency_p50_ns latency_p90_ns latency_p99_ns \
    latency_p999_ns latency_max_ns server_cpu_us_per_message context_switches_per_message \
    empty_pss_bytes peak_pss_bytes threads processes errors first_error \
    generator_cpu_us_per_message generator_cpu_share generator_wait_share server_wait_share \
    machine_cpu_pressure_share generator_was_the_limit offered_per_s pacing_lag_p99_ns due_not_sent";
/// The heads behind those of a round.
const LAST: &str = "ranked_by outlier not_measured";

fn of_cell(group: &Group, row: &Row, round: Option<usize>) -> Vec<String> {
    let (workload, cell) = (group.workload, row.cell);
    let point = &cell.point;
    vec![
        workload.name.clone(),
        workload.service.clone(),
        name(workload.counts),
        workload.work.clone(),
        workload.depth.to_string(),
        known(workload.rooms),
        cell.model.clone(),
        group
            .entrant(cell)
            .map(|it| name(&it.kind))
            .unwrap_or_default(),
        point.connections.to_string(),
        point.size_bytes.to_string(),
        known(point.workers_asked),
        known(Some(cell.workers).filter(|workers| *workers > 0)),
        match point.rate {
            Some(Rate::PerS(rate)) => rate.to_string(),
            other => other.map(name).unwrap_or_default(),
        },
        known(cell.best_per_s),
        known(round),
    ]
}

fn of_round(row: &Row, round: Option<&Round>) -> Vec<String> {
    let Some(round) = round else {
        return ROUND.split_whitespace().map(|_| String::new()).collect();
    };
    // Older records count messages only.
    let round = Round {
        latency_count: round.latency_count.or(Some(round.messages)),
        ..round.clone()
    };
    let round = serde_json::to_value(round).unwrap_or_default();
    let figure = |head: &str| match &round[head] {
        _ if head == "generator_was_the_limit" => row.cell.generator_was_the_limit().to_string(),
        // A text in both languages: programs read English.
        Value::Object(text) => text["en"].as_str().unwrap_or_default().to_owned(),
        Value::Number(number) if number.is_f64() => known(number.as_f64()),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    ROUND.split_whitespace().map(figure).collect()
}

fn last(group: &Group, row: &Row, round: Option<&Round>, reason: &str) -> Vec<String> {
    vec![
        name(group.workload.ranked_by),
        known(round.map(|round| row.outliers.contains(&round.round))),
        reason.to_owned(),
    ]
}

/// `field`, with an apostrophe before it if a spreadsheet would run it as a formula. Numbers are unchanged.
///
/// Source: OWASP, "CSV Injection".
fn no_formula(field: String) -> String {
    let is_number = || field.parse::<f64>().is_ok();
    match field.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r' | '＝' | '＋' | '－' | '＠') if !is_number() =>
        {
            format!("'{field}")
        }
        _ => field,
    }
}

fn known<T: ToString>(value: Option<T>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// The name that a value of an enum has in the record.
fn name(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(name)) => name,
        Ok(Value::Object(variant)) => variant.keys().cloned().collect(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use portlab_stats::{
        fixture::{cell, record, twin},
        record::{Failed, NotRun, Record},
    };

    /// The fields of each line.
    fn table(record: &Record) -> Vec<Vec<String>> {
        let text = csv(&Notes::of(record, portlab_words::Lang::En));
        let mut reader = ::csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(text.as_bytes());
        let fields = |line: ::csv::StringRecord| line.iter().map(str::to_owned).collect();
        reader.records().map(|line| fields(line.unwrap())).collect()
    }

    #[test]
    fn every_round_has_a_line_and_a_cell_without_rounds_has_one_too() {
        let mut failed = cell("failed", &[4.0]);
        failed.failures.push(Failed {
            round: 2,
            reason: "it said \"no\", and\nleft".to_owned().into(),
            unmetered: None,
        });
        let mut pool = cell("pool", &[]);
        pool.not_run = Some(NotRun::ServesFewer(2));
        let spread = [4.0, 4.1, 4.2, 4.1, 4.0, 4.1, 9.0];
        let cells = vec![cell("a", &spread), twin("a", &[4.0]), failed, pool];
        let table = table(&record(cells));
        assert_eq!(table.len(), 1 + 7 + 1 + 2 + 1);
        let at = |head: &str| table[0].iter().position(|it| it == head).unwrap();
        let column = |head: &str| -> Vec<_> {
            table[1..]
                .iter()
                .map(|row| row[at(head)].as_str())
                .collect()
        };
        assert!(table.iter().all(|row| row.len() == table[0].len()));
        assert_eq!(
            column("round"),
            ["1", "2", "3", "4", "5", "6", "7", "1", "1", "2", ""]
        );
        assert_eq!(column("kind")[6..9], ["model", "twin", "model"]);
        assert_eq!(column("server_cpu_us_per_message")[6], "9");
        assert_eq!(column("outlier")[5..8], ["false", "true", "false"]);
        assert_eq!(column("ranked_by")[0], "cpu_per_message");
        assert_eq!(column("not_measured")[9], "it said \"no\", and\nleft");
        assert_eq!(
            column("not_measured")[10],
            "not run: at most 2 at a time; --workers 100 for more"
        );
        assert_eq!(column("messages")[9..], ["", ""]);
    }

    #[test]
    fn no_text_is_a_formula_and_a_number_stays_a_number() {
        let formulas = [
            "=1+1",
            "+A1",
            "-1+cmd|' /C calc'!A0",
            "@SUM(1)",
            "\t=1",
            "\r=1",
            "＝1",
        ];
        for formula in formulas {
            assert_eq!(no_formula(formula.to_owned()), format!("'{formula}"));
            let mut failed = cell("failed", &[4.0]);
            failed.rounds[0].first_error = Some(formula.to_owned().into());
            let fields = table(&record(vec![failed])).concat();
            assert!(fields.contains(&format!("'{formula}")), "{fields:?}");
        }
        for plain in ["-5", "+1.5e-3", "", "echo", "a=b", "你好"] {
            assert_eq!(no_formula(plain.to_owned()), plain);
        }
    }

    #[test]
    fn an_empty_record_has_the_heads() {
        let table = table(&record(Vec::new()));
        assert_eq!(table.len(), 1);
        assert_eq!(table[0][0], "workload");
    }
}
