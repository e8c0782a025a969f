//! What the signs mean, and what the figures can't tell.

use portlab_stats::{
    record::{Cell, Record},
    summary::Figure,
};

use crate::{
    columns::{CPU, RATE, is_chat},
    text::{BAD, GOOD, is_ranked},
};

/// What the signs mean, and what the figures can't tell.
pub(crate) fn legend(record: &Record, has_dashes: bool, width: usize) -> String {
    let mut notes = Vec::new();
    let (rate, cpu) = (RATE.title(&record.setup), CPU.title(&record.setup));
    let any_measured = record.cells.iter().any(|cell| !cell.rounds.is_empty());
    if is_chat(&record.setup) && any_measured {
        notes.push(
            "A delivery: one member has heard a message. Fan-out: from when a message is said to when \
             the last who is to hear it does."
                .to_owned(),
        );
    }
    if record.cells.iter().filter(|cell| is_ranked(cell)).count() > 1 {
        notes.push(format!(
            "{GOOD}▲ best{GOOD:#}, {BAD}▼ worst{BAD:#}; coloured without a sign: a tie with the best or the \
             worst, for their rounds overlap."
        ));
    }
    if record.cells.iter().any(Cell::generator_was_the_limit) {
        let latencies = match is_chat(&record.setup) {
            true => "fan-outs",
            false => "latencies",
        };
        notes.push(format!(
            "* the load generator was the limit: these {rate} and {latencies} are not the server's \
             best, and are not ranked. {cpu} is the server's own."
        ));
    }
    if has_dashes {
        notes.push(
            "– too few messages in a round for this quantile: a p99 takes 100, a p99.9 1,000; try a \
             longer --duration."
                .to_owned(),
        );
    }
    if let Some(spread) = Figure::of(record.cells.iter().filter_map(spread)) {
        notes.push(format!(
            "Medians over the rounds. From round to round {cpu} differed by {:.0}% (median of the \
             cells), by {:.0}% at most.",
            spread.median * 100.0,
            spread.max * 100.0
        ));
    } else if any_measured {
        notes.push(
            "One round: nothing is ranked, for chance can't be told from difference; try --rounds 5."
                .to_owned(),
        );
    }
    let notes = notes
        .iter()
        .map(|note| textwrap::fill(note, width.min(100)) + "\n");
    "\n".to_owned() + &notes.collect::<String>()
}

/// How much the rounds of a cell differ in CPU per message; `None` for a single round.
fn spread(cell: &Cell) -> Option<f64> {
    let several = cell.rounds.len() > 1;
    cell.figure(CPU.measure)
        .filter(|_| several)
        .map(Figure::spread)
}
