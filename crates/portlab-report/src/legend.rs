//! What the signs mean, and what the figures can't tell.

use portlab_stats::{
    analysis::{ASSUMED_FLOOR, Group, LEAST_FLOOR, groups},
    record::{Cell, Counts, Kind, Record},
};

use crate::{
    columns::{percent, title},
    grid::{ALIKE, FIRST, LAST, LIMITED},
    heading::{pinning, plural},
};

/// Rounds below which an interval is said to be a little too sure.
const FEW_ROUNDS: usize = 10;
/// Rounds below which no interval of a median can be 95% sure: it misses the true one when all lie on
/// one side of it.
const TOO_FEW_ROUNDS: usize = 6;
/// How many outliers are named.
const NAMED: usize = 4;

/// What the tables above the legend have shown.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    /// A quantile is missing for want of messages.
    pub(crate) lacks_quantiles: bool,
    /// Ratios to the baseline are shown.
    pub(crate) ratios: bool,
    /// Intervals are, or half their width.
    pub(crate) intervals: bool,
}

/// What the signs mean, and what the figures can't tell; a paragraph each.
pub(crate) fn notes(record: &Record, seen: Seen) -> Vec<String> {
    let groups = groups(record);
    let notes = [
        deliveries(record, &groups),
        places(&groups),
        floor(record, &groups),
        intervals(&groups, seen),
        ratios(record, &groups, seen),
        aside(record),
        generator(record, &groups),
        quantiles(seen),
        outliers(&groups),
        rounds(record),
        health(record),
        Some(format!("{}.", pinned(record))),
    ];
    notes.into_iter().flatten().collect()
}

fn deliveries(record: &Record, groups: &[Group]) -> Option<String> {
    let heard = |group: &Group| group.workload.counts == Counts::Deliveries;
    let measured = record.cells.iter().any(|cell| !cell.rounds.is_empty());
    let note = "A delivery: one member has heard a message. Fan-out: from when a message is said to \
                when the last who is to hear it does.";
    (measured && groups.iter().any(heard)).then(|| note.to_owned())
}

fn places(groups: &[Group]) -> Option<String> {
    let ranked = |group: &Group| group.column(group.workload.ranked_by).last().is_some();
    let measures: Vec<_> = groups
        .iter()
        .filter(|group| ranked(group))
        .map(by)
        .collect();
    let measures = listed(&measures)?;
    Some(format!(
        "The rank goes by {measures}. {FIRST} the first place of a column, {LAST} the last: those that \
         can't be told from the best among them share a place. Nothing is marked where there is one \
         place only."
    ))
}

fn floor(record: &Record, groups: &[Group]) -> Option<String> {
    let floors = groups
        .iter()
        .filter(|group| group.ranks(group.workload.ranked_by))
        .filter(|group| group.cells.iter().any(|cell| group.is_ranked(cell)))
        .map(|group| group.floor(group.workload.ranked_by));
    let floors: Vec<_> = floors.collect();
    let least = percent(ASSUMED_FLOOR);
    let measured: Vec<f64> = floors
        .iter()
        .filter(|floor| floor.measured)
        .map(|floor| floor.share)
        .collect();
    if floors.is_empty() {
        return None;
    }
    let lowest = measured.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = measured.iter().copied().fold(0.0, f64::max);
    if measured.is_empty() {
        return Some(format!(
            "Floor: how far equals differ wasn't measured here, for no model took part twice; less than \
             {least} is called no difference, which is a guess."
        ));
    }
    let twice = record.entrants.iter().find_map(|it| match &it.kind {
        Kind::Twin { of } => Some(format!("{of} under two names")),
        _ => None,
    });
    let mut note = format!(
        "Floor {}: {} could not be told from itself any better here; less is called no difference, as \
         is anything under {}.",
        percent(highest),
        twice.unwrap_or_default(),
        percent(LEAST_FLOOR),
    );
    if percent(lowest) != percent(highest) {
        note += &format!(
            " Each table has its own, from {} to {}.",
            percent(lowest),
            percent(highest)
        );
    }
    if measured.len() < floors.len() {
        note += &format!(" Where it wasn't measured, {least} is assumed.");
    }
    Some(note)
}

fn intervals(groups: &[Group], seen: Seen) -> Option<String> {
    let measured = |group: &Group| group.cells.iter().any(|cell| !cell.rounds.is_empty());
    let mut note = "Figures are medians over the rounds.".to_owned();
    if seen.intervals {
        note += " The interval, or ± half of it, holds the median with 95%: what other rounds might \
                 have shown (bootstrap).";
    }
    groups.iter().any(measured).then_some(note)
}

fn ratios(record: &Record, groups: &[Group], seen: Seen) -> Option<String> {
    let baseline = record.setup.baseline.as_deref().filter(|_| seen.ratios)?;
    let measures: Vec<_> = groups.iter().map(by).collect();
    Some(format!(
        "× {baseline}: how many times the {} of {baseline}, taken round by round; {ALIKE} no difference.",
        listed(&measures)?
    ))
}

fn aside(record: &Record) -> Option<String> {
    let asides = record.entrants.iter().filter_map(|entrant| {
        let name = &entrant.name;
        match &entrant.kind {
            Kind::Control => Some(format!("{name} is an echo by hand, without the traits")),
            Kind::Twin { of } => Some(format!("{name} is {of} once more")),
            _ => None,
        }
    });
    let asides: Vec<_> = asides.collect();
    (!asides.is_empty()).then(|| format!("Not ranked: {}.", asides.join("; ")))
}

fn generator(record: &Record, groups: &[Group]) -> Option<String> {
    if !record.cells.iter().any(Cell::generator_was_the_limit) {
        return None;
    }
    let limited = groups
        .iter()
        .filter(|group| group.generator_was_the_limit())
        .map(|group| group.workload.counts);
    let chat = |counts: Counts| counts == Counts::Deliveries;
    let latencies = match limited.clone().all(chat) {
        true => "fan-outs",
        false => "latencies",
    };
    let rates: Vec<_> = limited
        .map(|counts| title(portlab_stats::measure::Measure::MessagesPerS, counts))
        .collect();
    let rates = listed(&rates)?;
    Some(format!(
        "{LIMITED} the load generator was the limit: these {rates} and {latencies} are not the server's \
         best, and in their table nobody is ranked by them. CPU, switches and memory are the server's own."
    ))
}

fn quantiles(seen: Seen) -> Option<String> {
    let note = "– too few messages in a round for this quantile: a p99 takes 100, a p99.9 1,000; try a \
                longer --duration.";
    seen.lacks_quantiles.then(|| note.to_owned())
}

fn outliers(groups: &[Group]) -> Option<String> {
    let mut far = Vec::new();
    let mut measured = 0;
    for group in groups {
        for cell in &group.cells {
            measured += cell.rounds.len();
            for round in cell.outliers(group.workload.ranked_by) {
                let (workload, connections) = (&cell.workload, cell.point.connections);
                far.push(format!(
                    "{} in round {round} of {workload} {connections}",
                    cell.model
                ));
            }
        }
    }
    if far.is_empty() {
        return None;
    }
    let mut named = far[..far.len().min(NAMED)].join(", ");
    if far.len() > NAMED {
        named += &format!(", and {} more (--format csv marks each)", far.len() - NAMED);
    }
    let verb = if far.len() == 1 { "lies" } else { "lie" };
    let pronoun = if far.len() == 1 { "it is" } else { "they are" };
    Some(format!(
        "{} of {} {verb} far from the others of the cell; {pronoun} in every figure: {named}.",
        far.len(),
        plural(measured, "measurement"),
    ))
}

fn rounds(record: &Record) -> Option<String> {
    let most = record.cells.iter().map(|cell| cell.rounds.len()).max()?;
    match most {
        0 => None,
        1 => Some(
            "One round: nothing is ranked, for chance can't be told from difference; try --rounds 5."
                .to_owned(),
        ),
        few if few < TOO_FEW_ROUNDS => Some(format!(
            "{few} rounds are too few for 95%: their intervals are {:.0}% sure at most. Before a \
             decision, take the usual 21.",
            (1.0 - 0.5_f64.powi(few as i32 - 1)) * 100.0
        )),
        few if few < FEW_ROUNDS => Some(format!(
            "{few} rounds are few: their intervals are a little too sure. Before a decision, take \
             the usual 21."
        )),
        _ => None,
    }
}

fn health(record: &Record) -> Option<String> {
    let measured: usize = record.cells.iter().map(|cell| cell.rounds.len()).sum();
    let errors: u64 = record.cells.iter().map(Cell::errors).sum();
    let failed: usize = record.cells.iter().map(|cell| cell.failures.len()).sum();
    if errors == 0 && failed == 0 {
        let note = format!(
            "{}, no errors: every answer was checked.",
            plural(measured, "measurement")
        );
        return (measured > 0).then_some(note);
    }
    Some(
        "Who made errors, or failed, is shown and not ranked: who drops connections is soon done with \
         the rest."
            .to_owned(),
    )
}

fn pinned(record: &Record) -> String {
    let words = pinning(&record.environment.pinning);
    let mut letters = words.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}

/// What a group is ranked by.
fn by(group: &Group) -> &'static str {
    title(group.workload.ranked_by, group.workload.counts)
}

/// `a`, `a or b`, `a, b or c`, each once.
fn listed(words: &[&str]) -> Option<String> {
    let mut once: Vec<&str> = Vec::new();
    for word in words {
        if !once.contains(word) {
            once.push(word);
        }
    }
    let last = once.pop()?;
    Some(match &once[..] {
        [] => last.to_owned(),
        others => format!("{} or {last}", others.join(", ")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use portlab_stats::fixture::{cell, record, twin};

    fn all(record: &Record) -> String {
        notes(record, Seen::default()).join("\n")
    }

    #[test]
    fn the_noise_floor_is_told_in_words() {
        let twins = vec![
            cell("a", &[1.0; 5]),
            twin("a", &[1.0, 1.0, 1.03, 1.0, 1.03]),
        ];
        let text = all(&record(twins));
        let words = "Floor 3.0%: a under two names could not be told from itself any better here";
        assert!(text.contains(words), "{text}");
        let text = all(&record(vec![cell("a", &[1.0; 5])]));
        assert!(
            text.contains("less than 5.0% is called no difference"),
            "{text}"
        );
    }

    #[test]
    fn outliers_are_named_and_kept() {
        let cells = vec![cell("a", &[1.0, 1.01, 1.02, 1.0, 1.01, 1.0, 9.0])];
        let text = all(&record(cells));
        let words = "1 of 7 measurements lies far from the others of the cell; it is in every figure: \
                     a in round 7 of echo 100.";
        assert!(text.contains(words), "{text}");
    }

    #[test]
    fn few_rounds_are_said_to_be_few() {
        let text = |rounds: &[f64]| all(&record(vec![cell("a", rounds), cell("b", rounds)]));
        assert!(text(&[1.0]).contains("One round: nothing is ranked"));
        assert!(
            text(&[1.0; 5])
                .contains("5 rounds are too few for 95%: their intervals are 94% sure at most")
        );
        assert!(!text(&[1.0; 15]).contains("few"));
    }

    #[test]
    fn words_are_listed_once_each() {
        assert_eq!(listed(&[]), None);
        assert_eq!(listed(&["a", "a"]).unwrap(), "a");
        assert_eq!(listed(&["a", "b", "a", "c"]).unwrap(), "a, b or c");
    }
}
