//! What follows from a comparison, in three lines: which server to choose, what the others cost, and what
//! would change that.
//!
//! [`conclusion`] decides, and returns data; [`Conclusion::lines`] writes it.

use portlab_stats::{
    analysis::{Column, Group, groups},
    estimate::Estimate,
    measure::{Better, Measure},
    record::{Counts, Record},
    units,
};

use crate::{
    Lang,
    notes::{figures, names},
};

/// What follows from a comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Conclusion<'a> {
    /// Which server.
    pub choice: Choice<'a>,
    /// What the others cost, where one was chosen, the cheapest first.
    pub costs: Vec<Cost<'a>>,
    /// Where another would be better.
    pub changes: Vec<Change<'a>>,
    /// How many points are ranked, and how many there are.
    pub ranked: (usize, usize),
}

/// Which server.
#[derive(Clone, Debug, PartialEq)]
pub enum Choice<'a> {
    /// It is best, or shares the best place, at every point that is ranked.
    Everywhere(&'a str),
    /// It is at so many points, and at none of the others is it out of the ranking.
    Mostly(&'a str, usize),
    /// No server is best at more than half of the points.
    Depends,
    /// All that are ranked are alike.
    Alike(Vec<&'a str>),
    /// Nothing is ranked.
    Unknown,
}

/// What a server costs beside the one that was chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct Cost<'a> {
    /// The server.
    pub model: &'a str,
    /// The measure.
    pub measure: Measure,
    /// What is counted as a message.
    pub counts: Counts,
    /// How many times as much the server takes (or, of what is better high, reaches), where that is most.
    pub times: Estimate,
}

/// A point at which another server is better.
#[derive(Clone, Debug, PartialEq)]
pub struct Change<'a> {
    /// The workload.
    pub workload: &'a str,
    /// The number of connections.
    pub connections: usize,
    /// The length of a message.
    pub size_bytes: usize,
    /// The servers that share the best place there.
    pub best: Vec<&'a str>,
}

/// What `record` comes to.
#[must_use]
pub fn conclusion(record: &Record) -> Conclusion<'_> {
    let groups = groups(record);
    let column = |group: &Group| group.column(group.workload.ranked_by);
    let columns: Vec<Column> = groups.iter().map(column).collect();
    let points: Vec<(&Group, &Column)> = groups
        .iter()
        .zip(&columns)
        .filter(|(_, column)| column.ranks.iter().flatten().count() > 1)
        .collect();
    let ranked = (points.len(), groups.len());
    let mut models: Vec<&str> = Vec::new();
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
    let all_first = models.iter().all(|model| first(model) == points.len());
    // The first of those that are best most often: in the order of the table.
    let winner = models
        .iter()
        .copied()
        .fold(None, |best: Option<&str>, model| match best {
            Some(known) if first(known) >= first(model) => best,
            _ => Some(model),
        });
    let choice = match winner {
        None => Choice::Unknown,
        Some(_) if all_first => Choice::Alike(models.clone()),
        Some(model) if first(model) == points.len() => Choice::Everywhere(model),
        Some(model) if first(model) * 2 > points.len() => Choice::Mostly(model, first(model)),
        Some(_) => Choice::Depends,
    };
    let chosen = match choice {
        Choice::Everywhere(model) | Choice::Mostly(model, _) => Some(model),
        Choice::Depends | Choice::Alike(_) | Choice::Unknown => None,
    };
    let costs = chosen.map_or(Vec::new(), |chosen| costs(&points, &models, chosen));
    let depends = choice == Choice::Depends;
    let elsewhere = points.iter().filter(|(group, column)| {
        let best = best(group, column);
        depends || chosen.is_some_and(|chosen| !best.contains(&chosen))
    });
    let changes = elsewhere.map(|(group, column)| Change {
        workload: name_of(record, group),
        connections: group.point.connections,
        size_bytes: group.point.size_bytes,
        best: best(group, column),
    });
    Conclusion {
        choice,
        costs,
        changes: changes.collect(),
        ranked,
    }
}

/// The name of a group's workload, as long as the record lives.
fn name_of<'a>(record: &'a Record, group: &Group) -> &'a str {
    let same = record.workload(&group.workload.name);
    same.map_or("", |workload| &workload.name)
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
    let of = |&model: &&'a str| {
        let behind = points.iter().filter_map(|(group, column)| {
            let rank = |name: &str| {
                let places = places(group, column);
                places.iter().find(|it| it.0 == name).map(|it| it.1)
            };
            // Only what differs is told.
            let (own, first) = (rank(model)?, rank(chosen)?);
            let cell = |name: &str| group.cells.iter().find(|cell| cell.model == name);
            let times = cell(model)?.ratio(cell(chosen)?, column.measure)?;
            (own > first).then_some(Cost {
                model,
                measure: column.measure,
                counts: group.workload.counts,
                times,
            })
        });
        let far = |cost: &Cost| cost.times.median.max(1.0 / cost.times.median);
        behind.max_by(|a, b| far(a).total_cmp(&far(b)))
    };
    let mut costs: Vec<Cost> = models.iter().filter_map(of).collect();
    let far = |cost: &Cost| cost.times.median.max(1.0 / cost.times.median);
    costs.sort_by(|a, b| far(a).total_cmp(&far(b)));
    costs
}

/// So many are named in a line; the others are counted.
const NAMED: usize = 3;

impl Conclusion<'_> {
    /// The conclusion in words: three lines at most, each beginning with what it is about.
    #[must_use]
    pub fn lines(&self, lang: Lang) -> Vec<String> {
        let mut lines = vec![self.choice_in_words(lang)];
        lines.extend(self.costs_in_words(lang));
        lines.extend(self.changes_in_words(lang));
        lines
    }

    fn choice_in_words(&self, lang: Lang) -> String {
        let (ranked, all) = self.ranked;
        let points = match lang {
            Lang::En if ranked == 1 && all == 1 => String::new(),
            Lang::En => format!(" ({ranked} of {all} points are ranked)"),
            Lang::Zh if ranked == 1 && all == 1 => String::new(),
            Lang::Zh => format!("（{all} 处中有 {ranked} 处可以排名）"),
        };
        match (&self.choice, lang) {
            (Choice::Everywhere(model), Lang::En) => {
                format!("choose {model}: nothing was better wherever it was measured{points}")
            }
            (Choice::Everywhere(model), Lang::Zh) => {
                format!("选 {model}：测过的地方都没有更好的{points}")
            }
            (Choice::Mostly(model, count), Lang::En) => {
                format!("choose {model}: nothing was better at {count} of {ranked} points{points}")
            }
            (Choice::Mostly(model, count), Lang::Zh) => {
                format!("选 {model}：{ranked} 处中有 {count} 处没有更好的{points}")
            }
            (Choice::Depends, Lang::En) => {
                format!("choose by your load: no server is best at most points{points}")
            }
            (Choice::Depends, Lang::Zh) => {
                format!("按自己的负载选：没有一个在多数地方最好{points}")
            }
            (Choice::Alike(models), Lang::En) => format!(
                "choose any of {}: no difference was measured{points}",
                list(models, lang)
            ),
            (Choice::Alike(models), Lang::Zh) => {
                format!("{} 选哪个都行：没有测出差别{points}", list(models, lang))
            }
            (Choice::Unknown, Lang::En) => {
                "choose nothing by this run: nothing could be ranked".to_owned()
            }
            (Choice::Unknown, Lang::Zh) => "这次测量不能用来选：没有可以排名的结果".to_owned(),
        }
    }

    fn costs_in_words(&self, lang: Lang) -> Option<String> {
        let told = self.costs.iter().map(|cost| {
            let what = names::measure(cost.measure, cost.counts);
            let what = lang.pick(&what.title);
            let Estimate {
                median, low, high, ..
            } = cost.times;
            let times = figures::times(lang, median);
            let [low, high] = [low, high].map(units::three_digits);
            let model = cost.model;
            match (lang, cost.measure.better()) {
                (Lang::En, Better::Higher) => {
                    format!("{model} reaches {times} the {what} ({low} to {high})")
                }
                (Lang::En, _) => format!("{model} takes {times} the {what} ({low} to {high})"),
                (Lang::Zh, _) => format!("{model} 的{what}是它的 {times}（{low} 到 {high}）"),
            }
        });
        let told: Vec<String> = told.collect();
        let told: Vec<&str> = told.iter().map(String::as_str).collect();
        let lead = match lang {
            Lang::En => "costs: ",
            Lang::Zh => "代价：",
        };
        (!told.is_empty()).then(|| format!("{lead}{}", list(&told, lang)))
    }

    fn changes_in_words(&self, lang: Lang) -> Option<String> {
        let told = self.changes.iter().map(|change| {
            let best = list(&change.best, lang);
            let (workload, count) = (change.workload, change.connections);
            let size = figures::size(change.size_bytes);
            match lang {
                Lang::En => format!("{best} for {workload} on {count} connections of {size}"),
                Lang::Zh => format!("{workload}、{count} 个连接、{size} 时 {best} 更好"),
            }
        });
        let told: Vec<String> = told.collect();
        let told: Vec<&str> = told.iter().map(String::as_str).collect();
        let lead = match lang {
            Lang::En => "would change it: ",
            Lang::Zh => "什么会改变它：",
        };
        (!told.is_empty()).then(|| format!("{lead}{}", list(&told, lang)))
    }
}

/// `a, b, c and 2 more`.
fn list(names: &[&str], lang: Lang) -> String {
    let more = names.len().saturating_sub(NAMED);
    let named = &names[..names.len().min(NAMED)];
    match (lang, more) {
        (Lang::En, 0) => named.join(", "),
        (Lang::En, more) => format!("{} and {more} more", named.join(", ")),
        (Lang::Zh, 0) => named.join("、"),
        (Lang::Zh, more) => format!("{} 等，另有 {more} 个", named.join("、")),
    }
}

#[cfg(test)]
mod tests {
    use portlab_stats::{
        fixture::{cell, record},
        record::Cell,
    };

    use super::*;

    /// A cell at so many connections.
    fn at(connections: usize, model: &str, cpu_us: f64) -> Cell {
        let mut cell = cell(
            model,
            &[1.0, 1.01, 0.99, 1.0, 1.02].map(|noise| cpu_us * noise),
        );
        cell.point.connections = connections;
        cell
    }

    #[test]
    fn who_is_best_everywhere_is_chosen_and_the_others_cost_more() {
        let record = record(vec![
            at(10, "a", 5.0),
            at(10, "b", 10.0),
            at(100, "a", 4.0),
            at(100, "b", 12.0),
        ]);
        let conclusion = conclusion(&record);
        assert_eq!(conclusion.choice, Choice::Everywhere("a"));
        assert_eq!(conclusion.costs.len(), 1);
        assert!((conclusion.costs[0].times.median - 3.0).abs() < 1e-9);
        assert!(conclusion.changes.is_empty());
        let lines = conclusion.lines(Lang::En);
        assert!(lines[0].starts_with("choose a: "), "{lines:?}");
        assert!(
            lines[1].starts_with("costs: b takes 3.0x the "),
            "{lines:?}"
        );
        assert_eq!(lines.len(), 2);
    }

    #[test]
    fn who_is_best_at_most_points_is_chosen_and_the_exception_would_change_it() {
        let record = record(vec![
            at(1, "a", 9.0),
            at(1, "b", 5.0),
            at(10, "a", 5.0),
            at(10, "b", 10.0),
            at(100, "a", 4.0),
            at(100, "b", 12.0),
        ]);
        let conclusion = conclusion(&record);
        assert_eq!(conclusion.choice, Choice::Mostly("a", 2));
        assert_eq!(conclusion.changes.len(), 1);
        let lines = conclusion.lines(Lang::En);
        let change = "would change it: b for echo on 1 connections of 64 B";
        assert_eq!(lines[2], change);
    }

    #[test]
    fn what_does_not_differ_is_alike_and_costs_nothing_more() {
        let same = record(vec![at(10, "a", 5.0), at(10, "b", 5.05)]);
        let alike = conclusion(&same);
        assert_eq!(alike.choice, Choice::Alike(vec!["a", "b"]));
        assert_eq!(alike.lines(Lang::Zh).len(), 1);
    }

    #[test]
    fn where_each_point_has_another_best_it_depends() {
        let record = record(vec![
            at(1, "a", 5.0),
            at(1, "b", 9.0),
            at(10, "a", 9.0),
            at(10, "b", 5.0),
        ]);
        let conclusion = conclusion(&record);
        assert_eq!(conclusion.choice, Choice::Depends);
        assert_eq!(conclusion.changes.len(), 2);
    }

    #[test]
    fn nothing_is_chosen_where_nothing_is_ranked() {
        let mut cells = vec![at(10, "a", 5.0), at(10, "b", 9.0)];
        for cell in &mut cells {
            cell.rounds.truncate(1);
        }
        let record = record(cells);
        assert_eq!(conclusion(&record).choice, Choice::Unknown);
        for lang in Lang::ALL {
            assert_eq!(conclusion(&record).lines(lang).len(), 1);
        }
    }
}
