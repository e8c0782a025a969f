//! The conclusion from a comparison, in three lines: which server to choose, what the others cost, and where another one
//! is better.
//!
//! [`conclusion`] decides, and returns data; [`Conclusion::lines`] writes it.

use portlab_stats::{
    analysis::{Column, Group, differs},
    estimate::Estimate,
    measure::{Better, Measure},
    record::{Cell, Counts},
};
use portlab_words::{Lang, tr, units};

use super::{names, places::whereabouts, view::View};

/// The conclusion from a comparison.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Conclusion<'a> {
    /// Which server.
    pub(crate) choice: Choice<'a>,
    /// What the others cost, the cheapest first, if one was chosen.
    pub(crate) costs: Vec<Cost<'a>>,
    /// The points at which another is better.
    pub(crate) changes: Vec<Change<'a>>,
    /// How many points are ranked, and how many there are.
    pub(crate) ranked: (usize, usize),
}

/// Which server.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Choice<'a> {
    /// They are best, or share the best place, at every point that is ranked.
    Everywhere(Vec<&'a str>),
    /// They are at so many points, which is more than half.
    Mostly(Vec<&'a str>, usize),
    /// No server is best at more than half of the points.
    Depends,
    /// All that are ranked are alike.
    Alike(Vec<&'a str>),
    /// Nothing is ranked.
    Unknown,
}

impl<'a> Choice<'a> {
    /// The servers that are chosen.
    fn models(&self) -> &[&'a str] {
        match self {
            Self::Everywhere(models) | Self::Mostly(models, _) | Self::Alike(models) => models,
            Self::Depends | Self::Unknown => &[],
        }
    }
}

/// What a server costs beside the one that was chosen.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cost<'a> {
    /// The server.
    pub(crate) model: &'a str,
    /// The measure.
    pub(crate) measure: Measure,
    /// What is counted as a message.
    pub(crate) counts: Counts,
    /// The server's figure divided by that of the chosen one, at the point where the two differ most.
    pub(crate) times: Estimate,
}

/// A point at which another server is better.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Change<'a> {
    /// The workload, and where in it.
    pub(crate) place: String,
    /// The servers that share the best place there.
    pub(crate) best: Vec<&'a str>,
}

/// The conclusion from the workloads of a record.
pub(super) fn conclusion<'a>(views: &[View<'a>]) -> Conclusion<'a> {
    let all: Vec<(&Group, &Column)> = views
        .iter()
        .flat_map(|it| it.groups.iter().zip(&it.columns))
        .collect();
    // The only server with a place is the best if other servers had errors. It is not the best if the other servers lack
    // rounds, because the comparison was interrupted: they were not compared.
    let compares = |(group, column): &(&Group, &Column)| match places(group, column).len() {
        1 => others_failed(group),
        count => count > 1,
    };
    let points: Vec<(&Group, &Column)> = all.iter().copied().filter(compares).collect();
    let ranked = (points.len(), all.len());
    let mut models: Vec<&'a str> = Vec::new();
    for (group, column) in &points {
        for (model, _) in places(group, column) {
            if !models.contains(&model) {
                models.push(model);
            }
        }
    }
    let first = |model: &str| {
        let best = |(group, column): &&(&Group, &Column)| best(group, column).contains(&model);
        points.iter().filter(best).count()
    };
    let alike = |model: &str| {
        let same = models.iter().copied();
        same.filter(|it| first(it) == first(model)).collect()
    };
    let all_first = models.len() > 1 && models.iter().all(|model| first(model) == points.len());
    // Of those that are best most often, the first in the order of the table: `max_by_key` returns the last.
    let winner = models.iter().rev().copied().max_by_key(|it| first(it));
    let choice = match winner {
        None => Choice::Unknown,
        Some(_) if all_first => Choice::Alike(models.clone()),
        Some(model) if first(model) == points.len() => Choice::Everywhere(alike(model)),
        Some(model) if first(model) * 2 > points.len() => {
            Choice::Mostly(alike(model), first(model))
        }
        Some(_) => Choice::Depends,
    };
    let chosen = choice.models();
    let costs = chosen.first().map_or(Vec::new(), |first| {
        let others = models.iter().copied().filter(|it| !chosen.contains(it));
        costs(&points, &others.collect::<Vec<_>>(), first)
    });
    // If none was chosen, these are all points.
    let elsewhere = points.iter().filter(|(group, column)| {
        let best = best(group, column);
        chosen.iter().all(|chosen| !best.contains(chosen))
    });
    let changes = elsewhere.map(|(group, column)| Change {
        place: place(views, group),
        best: best(group, column),
    });
    Conclusion {
        costs,
        changes: changes.collect(),
        choice,
        ranked,
    }
}

/// Whether a model or a foreign server had errors at a point.
fn others_failed(group: &Group) -> bool {
    let takes_part = |cell: &&Cell| group.entrant(cell).is_some_and(|it| it.kind.takes_part());
    let mut others = group.cells.iter().filter(|cell| takes_part(cell));
    others.any(|cell| !cell.went_well())
}

/// The workload of a group, and where in it.
fn place(views: &[View], group: &Group) -> String {
    let own = |view: &&View| view.workload.name == group.workload.name;
    let view = views.iter().find(own);
    view.map_or_else(String::new, |view| whereabouts(view, group.point))
}

/// The servers that have a place, with it.
fn places<'a>(group: &Group<'a>, column: &Column) -> Vec<(&'a str, usize)> {
    let cells = group.cells.iter().zip(&column.ranks);
    cells
        .filter_map(|(cell, rank)| Some((cell.model.as_str(), (*rank)?)))
        .collect()
}

/// The servers in the first place.
fn best<'a>(group: &Group<'a>, column: &Column) -> Vec<&'a str> {
    let places = places(group, column).into_iter();
    places.filter(|it| it.1 == 1).map(|it| it.0).collect()
}

/// What each of `models` that isn't first everywhere costs, at the point where it is furthest behind
/// `chosen`.
fn costs<'a>(points: &[(&Group<'a>, &Column)], models: &[&'a str], chosen: &str) -> Vec<Cost<'a>> {
    let far = |cost: &Cost| cost.times.median.max(1.0 / cost.times.median);
    let of = |&model: &&'a str| {
        let behind = points.iter().filter_map(|(group, column)| {
            let rank = |name: &str| {
                let places = places(group, column);
                places.iter().find(|it| it.0 == name).map(|it| it.1)
            };
            // Only differences are reported.
            let (own, first) = (rank(model)?, rank(chosen)?);
            let cell = |name: &str| group.cells.iter().find(|cell| cell.model == name);
            let times = cell(model)?.ratio(cell(chosen)?, column.measure)?;
            let is_worse = match column.measure.better() {
                Better::Higher => times.median < 1.0,
                Better::Lower | Better::Neither => times.median > 1.0,
            };
            let is_behind = own > first && is_worse && times.count > 1;
            (is_behind && differs(times, column.floor)).then_some(Cost {
                model,
                measure: column.measure,
                counts: group.workload.counts,
                times,
            })
        });
        behind.max_by(|a, b| far(a).total_cmp(&far(b)))
    };
    let mut costs: Vec<Cost> = models.iter().filter_map(of).collect();
    costs.sort_by(|a, b| far(a).total_cmp(&far(b)));
    costs
}

/// So many changes are told; the others are counted.
const NAMED: usize = 3;

impl Conclusion<'_> {
    /// The conclusion in words: three lines at most.
    pub(super) fn lines(&self, lang: Lang) -> Vec<String> {
        let mut lines = vec![self.choice_in_words(lang)];
        lines.extend(self.costs_in_words(lang));
        lines.extend(self.changes_in_words(lang));
        lines
    }

    fn choice_in_words(&self, lang: Lang) -> String {
        let (ranked, all) = self.ranked;
        let models = self.choice.models();
        let names = lang.first_few(models.iter().copied());
        let lead = match models.len() {
            1 => tr!(lang, "choose {names}", "选 {names}"),
            _ => tr!(lang, "choose any of {names}", "{names} 选哪个都行"),
        };
        let text = match &self.choice {
            Choice::Everywhere(_) => tr!(
                lang,
                "{lead}: nothing was better at any point that is ranked",
                "{lead}：凡是能排名的测点，都没有更好的"
            ),
            Choice::Mostly(_, count) => tr!(
                lang,
                "{lead}: nothing was better at {count} of {ranked} points",
                "{lead}：{ranked} 个测点中有 {count} 个没有更好的"
            ),
            Choice::Depends => tr!(
                lang,
                "choose by your load: no server is best at most points",
                "按自己的负载选：没有一个服务端在多数测点上最好"
            ),
            Choice::Alike(_) if ranked < all => tr!(
                lang,
                "{lead}: no difference was measured at the points that are ranked",
                "{lead}：能排名的测点都没有测出差别"
            ),
            Choice::Alike(_) => tr!(
                lang,
                "{lead}: no difference was measured",
                "{lead}：没有测出差别"
            ),
            Choice::Unknown => {
                return tr!(
                    lang,
                    "this run supports no choice: nothing could be ranked",
                    "这次测量不能用来选：没有可以排名的结果"
                );
            }
        };
        match (ranked, all) {
            (1, 1) => text,
            _ => tr!(
                lang,
                "{text} ({ranked} of {all} points are ranked)",
                "{text}（{all} 个测点中有 {ranked} 个可以排名）"
            ),
        }
    }

    fn costs_in_words(&self, lang: Lang) -> Option<String> {
        let chosen = self.choice.models().first()?;
        let told = self.costs.iter().map(|cost| {
            let what = names::measure(cost.measure, cost.counts);
            let (model, what) = (cost.model, what.title.pick(lang));
            let Estimate {
                median, low, high, ..
            } = cost.times;
            // Written with the digits of its interval, so that it never seems to lie outside.
            let [times, low, high] = [median, low, high].map(units::three_digits);
            match cost.measure.better() {
                Better::Higher => tr!(
                    lang,
                    "{model} reaches as little as {times}x the {what} ({low} to {high})",
                    "{model} {what}最少只有 {times} 倍（{low} 到 {high}）"
                ),
                _ => tr!(
                    lang,
                    "{model} takes up to {times}x the {what} ({low} to {high})",
                    "{model} {what}最多是 {times} 倍（{low} 到 {high}）"
                ),
            }
        });
        let told: Vec<String> = told.collect();
        let costs = lang.first_few(told.iter().map(String::as_str));
        (!told.is_empty()).then(|| {
            tr!(
                lang,
                "costs, against {chosen}: {costs}",
                "与 {chosen} 相比：{costs}"
            )
        })
    }

    fn changes_in_words(&self, lang: Lang) -> Option<String> {
        let told = self.changes.iter().map(|Change { place, best }| {
            let best = lang.first_few(best.iter().copied());
            tr!(lang, "{place}: {best}", "{place}：{best}")
        });
        let mut told: Vec<String> = told.collect();
        let more = told.len().saturating_sub(NAMED);
        told.truncate(NAMED);
        let shown = told.join(lang.pick("; ", "；"));
        let text = match self.choice {
            Choice::Depends => tr!(lang, "best: {shown}", "各测点最好的：{shown}"),
            _ => tr!(
                lang,
                "another is better for {shown}",
                "在这些测点另有更好的：{shown}"
            ),
        };
        (!told.is_empty()).then(|| match more {
            0 => text,
            _ => tr!(lang, "{text}; and {more} more", "{text}；另有 {more} 处"),
        })
    }
}

#[cfg(test)]
mod tests {
    use portlab_stats::{
        fixture::{cell, record},
        record::{Cell, Record},
    };

    use super::*;
    use crate::notes::truth::golden;

    /// Cells, each at so many connections, of a model whose messages cost so much.
    fn cells(of: &[(usize, &str, f64)]) -> Vec<Cell> {
        let noise = [1.0, 1.01, 0.99, 1.0, 1.02];
        let cell = |&(connections, model, cpu_us): &(usize, &str, f64)| {
            let mut cell = cell(model, &noise.map(|noise| cpu_us * noise));
            cell.point.connections = connections;
            cell
        };
        of.iter().map(cell).collect()
    }

    /// Compares the lines about `record` with the section `label` of the golden file.
    fn check(record: &Record, label: &str) {
        let lines = |lang| conclusion(&View::all(record, lang)).lines(lang);
        golden(label, &Lang::ALL.map(lines));
    }

    #[test]
    fn the_best_server_is_chosen_and_the_exceptions_are_told() {
        let everywhere = [
            (10, "a", 5.0),
            (10, "b", 10.0),
            (100, "a", 4.0),
            (100, "b", 12.0),
        ];
        check(&record(cells(&everywhere)), "conclusion: best everywhere");
        let mostly = [&[(1, "a", 9.0), (1, "b", 5.0)], &everywhere[..]].concat();
        check(&record(cells(&mostly)), "conclusion: best at most points");
        let tied = [
            (10, "a", 5.0),
            (10, "b", 5.0),
            (10, "iterative", 9.0),
            (100, "a", 5.0),
            (100, "b", 5.0),
        ];
        check(
            &record(cells(&tied)),
            "conclusion: two share every first place",
        );
    }

    #[test]
    fn without_a_best_server_none_is_chosen() {
        let alike = [(10, "a", 5.0), (10, "b", 5.05)];
        check(&record(cells(&alike)), "conclusion: no difference");
        // At 100, the rounds were broken off: the difference has no rank.
        let mut unranked = cells(&[&alike[..], &[(100, "a", 5.0), (100, "b", 9.0)]].concat());
        unranked[2..]
            .iter_mut()
            .for_each(|cell| cell.rounds.truncate(1));
        check(
            &record(unranked),
            "conclusion: no difference at the ranked point",
        );
        let depends = [(1, "a", 5.0), (1, "b", 9.0), (10, "a", 9.0), (10, "b", 5.0)];
        check(
            &record(cells(&depends)),
            "conclusion: another at each point",
        );
        // At 100, b is the only one without errors.
        let mut survived = cells(&[
            (10, "a", 4.0),
            (10, "b", 9.0),
            (100, "a", 1.0),
            (100, "b", 9.0),
        ]);
        survived[2].rounds[0].errors = 1;
        check(&record(survived), "conclusion: a sole survivor");
        let mut once = cells(&alike);
        once.iter_mut().for_each(|cell| cell.rounds.truncate(1));
        check(&record(once), "conclusion: a single round");
    }
}
