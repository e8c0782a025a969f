//! How many times as much the others take as the best, under the highest load at which models differ.
//!
//! Withheld for each server whose ratio to the best, round by round, doesn't differ.

use portlab_stats::{estimate::Estimate, record::Cell};
use portlab_words::tr;

use super::Said;
use crate::notes::{claim::Claim, figures::ratios, sentence::series, view::View};

/// Ratios within this factor of each other are told together.
const ALIKE: f64 = 1.25;

/// The most groups in a sentence.
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

/// Groups of servers with similar ratios.
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
