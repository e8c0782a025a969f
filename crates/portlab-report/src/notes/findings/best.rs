//! Which servers are best at each point, by what the workload is ranked by.
//!
//! If nothing is ranked, it says why: a single round, the generator's limit, figures below the resolution, too much noise,
//! one processor for a question about several. If no server differs, it gives the noise floor, and names the servers that
//! could not be measured.

use portlab_stats::{
    analysis::{Column, Group, Refusal},
    measure::{Better, Measure},
    record::Cell,
};
use portlab_words::tr;

use super::{Said, absent};
use crate::notes::{
    claim::Claim,
    figures::{figure_of, floor_of, percent},
    sentence::{self, figure, text},
    view::View,
};

/// The most stretches that are reported.
const MOST_STRETCHES: usize = 3;

pub(super) fn best(view: &View) -> Vec<Said> {
    let rankings: Vec<Ranking> = (0..view.groups.len()).map(|at| ranking(view, at)).collect();
    let mut stretches: Vec<(usize, usize)> = Vec::new();
    for (at, ranking) in rankings.iter().enumerate() {
        match stretches.last_mut() {
            Some((first, last)) if rankings[*first].joins(ranking) => *last = at,
            _ => stretches.push((at, at)),
        }
    }
    stretches.retain(|(first, _)| rankings[*first] != Ranking::Unknown);
    if stretches.len() > 1
        && let Some(said) = always_among(view, &rankings)
    {
        return vec![said];
    }
    // The longest stretches are kept; of equal ones the later, where the load is higher.
    let mut by_length: Vec<usize> = (0..stretches.len()).rev().collect();
    by_length.sort_by_key(|&at| std::cmp::Reverse(stretches[at].1 - stretches[at].0));
    by_length.truncate(MOST_STRETCHES);
    by_length.sort_unstable();
    let said = by_length.into_iter().map(|at| {
        let (first, last) = stretches[at];
        let ranking = &rankings[first];
        let claims = (first..=last).flat_map(|at| claims(view, ranking, at));
        Said::of(view, first..=last, told(view, ranking, first, last)).claiming(claims)
    });
    said.collect()
}

/// The ranking of a group.
#[derive(Clone, Debug, PartialEq)]
enum Ranking<'a> {
    /// These servers are the best, and others are worse.
    Best(Vec<&'a str>),
    /// So many servers can't be told apart.
    Same(usize),
    /// Only this server could be ranked.
    Alone(&'a str),
    /// The measure isn't ranked here.
    Refused(Refusal),
    /// There was a single round.
    Once,
    /// Nothing is known.
    Unknown,
}

impl Ranking<'_> {
    /// Whether one sentence can say both.
    fn joins(&self, other: &Self) -> bool {
        use Refusal::{Busy, Noise};
        let both = (self, other);
        self == other
            || matches!(both, (Self::Refused(Noise(_)), Self::Refused(Noise(_))))
            || matches!(both, (Self::Refused(Busy(_)), Self::Refused(Busy(_))))
    }
}

/// Whether no server differs from another at `at`.
pub(super) fn finds_no_difference(view: &View, at: usize) -> bool {
    matches!(ranking(view, at), Ranking::Same(_))
}

fn ranking<'a>(view: &View<'a>, at: usize) -> Ranking<'a> {
    let (group, column) = (&view.groups[at], &view.columns[at]);
    let measured = group.cells.iter().filter(|cell| !cell.rounds.is_empty());
    let most = measured.map(|cell| cell.rounds.len()).max();
    if most.is_none() || view.measure().better() == Better::Neither {
        return Ranking::Unknown;
    }
    if let Some(refusal) = group.refusal(view.measure()).filter(|_| most > Some(1)) {
        return Ranking::Refused(refusal);
    }
    let best = view.best(at);
    let places = column.ranks.iter().flatten().count();
    match (places, best.as_slice()) {
        (0, _) if most == Some(1) => Ranking::Once,
        (0, _) | (_, []) => Ranking::Unknown,
        (1, [one, ..]) => Ranking::Alone(&one.model),
        _ if !column.tells_apart() => Ranking::Same(places),
        // In the order of the record, so that the same set is the same wherever it wins.
        _ => {
            let is_best = |cell: &&&Cell| best.iter().any(|it| it.model == cell.model);
            let cells = group.cells.iter().filter(is_best);
            Ranking::Best(cells.map(|cell| cell.model.as_str()).collect())
        }
    }
}

fn told(view: &View, ranking: &Ranking, first: usize, last: usize) -> String {
    let (lang, what) = (view.lang, view.title(view.measure()));
    match ranking {
        Ranking::Best(list) => {
            let mut figures = span(view, list, first, last);
            if list.len() > 1 {
                figures = tr!(lang, "{figures}, tied", "{figures}，并列");
            }
            wins(view, &sentence::names(lang, list.iter().copied()), &figures)
        }
        Ranking::Same(_) => same(view, first, last),
        Ranking::Alone(name) => {
            let figures = span(view, &[name], first, last);
            let name = sentence::name(name);
            tr!(
                lang,
                "only {name} can be ranked by {what} ({figures}).",
                "能按{what}排名的只有{name}（{figures}）。"
            )
        }
        Ranking::Refused(refusal) => {
            let why = refused(view, *refusal, first, last);
            tr!(
                lang,
                "no server is ranked by {what}: {why}.",
                "不按{what}排名：{why}。"
            )
        }
        Ranking::Once | Ranking::Unknown => tr!(
            lang,
            "no server is ranked by {what}: a single round can't tell a difference from chance.",
            "不按{what}排名：只测了一轮，分不清差别和偶然。"
        ),
    }
}

/// Says that no server differs from another.
fn same(view: &View, first: usize, last: usize) -> String {
    let (lang, what) = (view.lang, view.title(view.measure()));
    let columns = view.columns[first..=last].iter();
    let places = |column: &Column| column.ranks.iter().flatten().count();
    let servers = view.servers(columns.clone().map(places).max().unwrap_or(0));
    let floors = columns.map(|column| column.floor);
    let floor = floors.max_by(|a, b| a.share.total_cmp(&b.share));
    let floor = floor.map_or_else(String::new, |it| floor_of(lang, it));
    let absent = absent::told(view, last).filter(|told| {
        let same = |at: usize| absent::told(view, at).as_ref() == Some(told);
        (first..last).all(same)
    });
    match absent {
        Some(absent) => tr!(
            lang,
            "{absent}, and could not be compared; this run shows no difference in {what} between the other {servers} ({floor}).",
            "{absent}，无法参加比较；其余{servers}在{what}上看不出差别（{floor}）。"
        ),
        None => tr!(
            lang,
            "this run shows no difference in {what} between the {servers} ({floor}).",
            "这次测量看不出{servers}在{what}上有差别（{floor}）。"
        ),
    }
}

/// What `ranking` claims of the group at `at`.
fn claims(view: &View, ranking: &Ranking, at: usize) -> Vec<Claim> {
    match ranking {
        Ranking::Best(names) => {
            let best = names.iter().map(|&name| Claim::Best(at, name.to_owned()));
            best.collect()
        }
        Ranking::Same(_) => {
            let absent = absent::claims(view, at).filter(|_| at + 1 == view.groups.len());
            std::iter::once(Claim::Alike(at)).chain(absent).collect()
        }
        Ranking::Refused(_) | Ranking::Once => vec![Claim::Unranked(at)],
        Ranking::Alone(_) | Ranking::Unknown => Vec::new(),
    }
}

/// Why no server is ranked.
fn refused(view: &View, refusal: Refusal, first: usize, last: usize) -> String {
    let (lang, measure) = (view.lang, view.measure());
    match refusal {
        Refusal::Generator | Refusal::Fact => text(lang.pick(
            "for at least one server the load generator was the limit",
            "至少有一个服务端的瓶颈是负载生成器",
        )),
        Refusal::Unresolved => {
            let cells = view.groups[first..=last].iter().flat_map(|it| &it.cells);
            let cells: Vec<&Cell> = cells.copied().filter(|it| it.is_below(measure)).collect();
            let mut names: Vec<&str> = cells.iter().map(|cell| cell.model.as_str()).collect();
            names.sort_unstable();
            names.dedup();
            let names = sentence::names(lang, names);
            let resolutions = cells.iter().filter_map(|cell| measure.resolution(cell));
            let resolution = figure(figure_of(measure, resolutions.fold(0.0, f64::max)));
            tr!(
                lang,
                "the figure of {names} is below what can be measured here ({resolution}); more connections would show it",
                "{names}的数字低于这里可测的下限（{resolution}）；连接再多一些才看得出来"
            )
        }
        Refusal::Noise(floor) => {
            let floors = view.columns[first..=last].iter().map(|it| it.floor.share);
            let share = figure(percent(floors.fold(floor.share, f64::min)));
            tr!(
                lang,
                "the noise is too large; one model, measured twice, differs from itself by up to {share}",
                "噪声太大，同一个模型测两次，自己最多相差{share}"
            )
        }
        Refusal::Busy(share) => {
            let shares = view.groups[first..=last].iter();
            let shares = shares.filter_map(Group::wait_share);
            let share = figure(percent(shares.fold(share, f64::max)));
            tr!(
                lang,
                "the machine was busy with other programs, and servers or generator waited up to {share} of their time for a processor",
                "机器当时在运行别的程序，服务端或负载生成器最多有{share}的时间在等处理器"
            )
        }
        Refusal::OneProcessor => text(lang.pick(
            "the handlers compute, and servers were kept to one processor, so no model could show how many it uses; --pin off gives servers all",
            "处理函数要做计算，而服务端只能用一个处理器，看不出哪种模型能用多个；用 --pin off 可以解除限制",
        )),
    }
}

/// Says which servers are best, in the words of the measure: they take the least, have the lowest, or reach the most.
fn wins(view: &View, names: &str, figures: &str) -> String {
    let (lang, what) = (view.lang, view.title(view.measure()));
    match view.measure() {
        Measure::MessagesPerS => tr!(
            lang,
            "{names} reach[es|] the most {what} ({figures}).",
            "{what}最多的是{names}（{figures}）。"
        ),
        Measure::LatencyP50 | Measure::LatencyP99 | Measure::LatencyP999 => tr!(
            lang,
            "{names} ha[s|ve] the lowest {what} ({figures}).",
            "{what}最低的是{names}（{figures}）。"
        ),
        Measure::SwitchesPerMessage => tr!(
            lang,
            "{names} make[s|] the fewest {what} ({figures}).",
            "{what}最少的是{names}（{figures}）。"
        ),
        _ => tr!(
            lang,
            "{names} take[s|] the least {what} ({figures}).",
            "{what}最少的是{names}（{figures}）。"
        ),
    }
}

/// Says which servers share the first place at every point; `None` unless servers differ at every point, and some are
/// always among the best.
fn always_among(view: &View, rankings: &[Ranking]) -> Option<Said> {
    let sets: Option<Vec<&Vec<&str>>> = rankings
        .iter()
        .map(|it| match it {
            Ranking::Best(names) => Some(names),
            _ => None,
        })
        .collect();
    let sets = sets?;
    let always = |name: &&&str| sets.iter().all(|names| names.contains(*name));
    let list: Vec<&str> = sets.first()?.iter().filter(always).copied().collect();
    if list.is_empty() {
        return None;
    }
    let all = 0..=rankings.len() - 1;
    let figures = span(view, &list, 0, rankings.len() - 1);
    let names = sentence::names(view.lang, list.iter().copied());
    let what = view.title(view.measure());
    let told = tr!(
        view.lang,
        "{names} [is|are] always among the best by {what} ({figures}); other servers share the first place at some points.",
        "按{what}，{names}始终在最好的之列（{figures}）；与之并列第一的各有不同。"
    );
    let claims = all.clone().flat_map(|at| {
        let names = list.iter();
        names.map(move |&name| Claim::Best(at, name.to_owned()))
    });
    Some(Said::of(view, all, told).claiming(claims))
}

/// From the least to the most that `names` have from the group `first` to `last`.
fn span(view: &View, names: &[&str], first: usize, last: usize) -> String {
    let cells = view.groups[first..=last].iter().flat_map(|it| &it.cells);
    let own: Vec<&Cell> = cells
        .copied()
        .filter(|cell| names.contains(&cell.model.as_str()))
        .collect();
    view.figures(&own, view.measure())
}
