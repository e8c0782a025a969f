//! How the others stand to the best, where models can be told apart under the highest load.
//!
//! Withheld of each server whose ratio to the best, round by round, doesn't differ.

use portlab_stats::{estimate::Estimate, record::Cell};
use portlab_words::tr;

use super::Said;
use crate::notes::{claim::Claim, figures::ratios, sentence::series, view::View};

/// Ratios within this factor of each other are told together.
const ALIKE: f64 = 1.25;

/// More groups than this are a table, and no sentence.
const MOST_GROUPS: usize = 4;

pub(super) fn others(view: &View) -> Option<Said> {
    let (lang, at) = (view.lang, view.telling()?);
    let others = view.others(at);
    if others.is_empty() {
        return None;
    }
    let told = grouped(&others).into_iter().map(|group| {
        let (cells, with): (Vec<&Cell>, Vec<Estimate>) = group.iter().copied().unzip();
        let (names, times) = (view.names(&cells), ratios(lang, &with));
        tr!(lang, "{names} {times}", "{names}是{times}")
    });
    let (what, told) = (view.title(view.measure()), series(lang, told));
    let best = view.names(&view.best(at)[..1]);
    let told = tr!(
        lang,
        "{what} compared with {best}: {told}.",
        "{what}与{best}相比：{told}。"
    );
    let claims = others
        .iter()
        .map(|(cell, _)| Claim::Worse(at, cell.model.clone()));
    Some(Said::of(view, at..=at, told).claiming(claims))
}

/// Those that are alike, together.
fn grouped<'a, 'b>(others: &'b [(&'a Cell, Estimate)]) -> Vec<&'b [(&'a Cell, Estimate)]> {
    let mut alike = ALIKE;
    loop {
        let mut groups = Vec::new();
        let mut first = 0;
        for at in 1..=others.len() {
            let far = others.get(at).is_none_or(|(_, ratio)| {
                let apart = ratio.median / others[first].1.median;
                apart.max(1.0 / apart) > alike
            });
            if far {
                groups.push(&others[first..at]);
                first = at;
            }
        }
        if groups.len() <= MOST_GROUPS {
            return groups;
        }
        alike *= ALIKE;
    }
}

#[cfg(test)]
mod tests {
    use portlab_stats::fixture::{cell, record, twin};

    use super::{
        super::check::{check, silent},
        others,
    };

    #[test]
    fn the_others_are_told_in_groups() {
        let record = record(vec![
            cell("event-loop", &[4.0; 7]),
            twin("event-loop", &[4.0; 7]),
            cell("tasks", &[4.8; 7]),
            cell("threads", &[6.8; 7]),
            cell("fork", &[7.6; 7]),
        ]);
        check(others, &record, "the others are told in groups");
    }

    #[test]
    fn an_unsure_ratio_is_given_with_its_interval() {
        let unsure = [6.0, 6.4, 7.0, 8.0, 9.0, 10.0, 7.2];
        let record = record(vec![cell("a", &[4.0; 7]), cell("b", &unsure)]);
        check(
            others,
            &record,
            "an unsure ratio is given with its interval",
        );
    }

    #[test]
    fn without_a_difference_no_ratio_is_told() {
        for other in [[2.0, 6.0, 4.1, 3.0, 9.0, 4.4, 3.9], [4.1; 7]] {
            silent(
                others,
                &record(vec![cell("a", &[4.0; 7]), cell("b", &other)]),
            );
        }
        let once = record(vec![cell("a", &[4.0]), cell("b", &[8.0])]);
        silent(others, &once);
        let mut apart = record(vec![cell("a", &[4.0; 3]), cell("b", &[8.0; 3])]);
        for round in &mut apart.cells[1].rounds {
            round.round += 2;
        }
        silent(others, &apart);
    }
}
