//! Who is best at each point, by what the workload is ranked by.
//!
//! Where nothing is ranked, the reason is said: a single round, the generator's limit, figures below
//! what can be measured, too much noise, one processor for a question about several. Where no server
//! differs, the noise floor is said, and which servers could not be measured, for then that is what
//! was found.

use portlab_stats::{
    analysis::{Column, Floor, Group, Refusal},
    measure::{Better, Measure},
    record::Cell,
};
use portlab_words::Text;

use super::{Said, absent};
use crate::notes::{
    claim::Claim,
    figures::{figure, percent},
    parts::{Words, words},
    view::View,
};

/// More stretches than this are a list, and no finding.
const MOST_STRETCHES: usize = 3;

pub(super) fn best(view: &View) -> Vec<Said> {
    let verdicts: Vec<Verdict> = (0..view.groups.len()).map(|at| verdict(view, at)).collect();
    let mut stretches: Vec<(usize, usize)> = Vec::new();
    for (at, verdict) in verdicts.iter().enumerate() {
        match stretches.last_mut() {
            Some((first, last)) if verdicts[*first].joins(verdict) => *last = at,
            _ => stretches.push((at, at)),
        }
    }
    stretches.retain(|(first, _)| verdicts[*first] != Verdict::Unknown);
    if stretches.len() > 1
        && let Some(said) = always_among(view, &verdicts)
    {
        return vec![said];
    }
    // The longest stretches say most; of equals the later ones, where the load is higher.
    let mut by_length: Vec<usize> = (0..stretches.len()).rev().collect();
    by_length.sort_by_key(|&at| std::cmp::Reverse(stretches[at].1 - stretches[at].0));
    by_length.truncate(MOST_STRETCHES);
    by_length.sort_unstable();
    let said = by_length.into_iter().map(|at| {
        let (first, last) = stretches[at];
        said(view, &verdicts[first], first, last)
    });
    said.collect()
}

/// What can be said of a group.
#[derive(Clone, Debug, PartialEq)]
enum Verdict<'a> {
    /// These are the best, and others aren't.
    Best(Vec<&'a str>),
    /// So many can't be told apart.
    Same(usize),
    /// This one alone could be ranked.
    Alone(&'a str),
    /// The measure isn't ranked here.
    Refused(Refusal),
    /// There was a single round.
    Once,
    /// Nothing.
    Unknown,
}

impl Verdict<'_> {
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
    matches!(verdict(view, at), Verdict::Same(_))
}

fn verdict<'a>(view: &View<'a>, at: usize) -> Verdict<'a> {
    let (group, column) = (&view.groups[at], &view.columns[at]);
    let measured = group.cells.iter().filter(|cell| !cell.rounds.is_empty());
    let most = measured.map(|cell| cell.rounds.len()).max();
    if most.is_none() || view.measure().better() == Better::Neither {
        return Verdict::Unknown;
    }
    if let Some(refusal) = group.refusal(view.measure()).filter(|_| most > Some(1)) {
        return Verdict::Refused(refusal);
    }
    let best = view.best(at);
    let places = column.ranks.iter().flatten().count();
    match (places, best.as_slice()) {
        (0, _) if most == Some(1) => Verdict::Once,
        (0, _) | (_, []) => Verdict::Unknown,
        (1, [one, ..]) => Verdict::Alone(&one.model),
        _ if !column.tells_apart() => Verdict::Same(places),
        // In the order of the record, so that the same set is the same wherever it wins.
        _ => {
            let is_best = |cell: &&&Cell| best.iter().any(|it| it.model == cell.model);
            let cells = group.cells.iter().filter(is_best);
            Verdict::Best(cells.map(|cell| cell.model.as_str()).collect())
        }
    }
}

fn said(view: &View, verdict: &Verdict, first: usize, last: usize) -> Said {
    let lang = view.lang;
    let what = ("what", view.title(view.measure()));
    let told = match verdict {
        Verdict::Best(names) => {
            let figures = tied(view, names, first, last);
            let names = Words::names(lang, names.iter().copied());
            let slots = [("names", names), what, ("figures", figures)];
            words(lang, &wins(view.measure()), &slots)
        }
        Verdict::Same(_) => {
            let columns = &view.columns[first..=last];
            let count = |column: &Column| column.ranks.iter().flatten().count();
            let floors = columns.iter().map(|column| column.floor);
            let floor = floors.max_by(|a, b| a.share.total_cmp(&b.share));
            let mut slots = vec![
                what,
                (
                    "count",
                    Words::count(columns.iter().map(count).max().unwrap_or(0)),
                ),
                ("noun", Words::text(view.noun().pick(lang))),
                (
                    "floor",
                    floor.map_or_else(Words::default, |it| floor_of(view, it)),
                ),
            ];
            let absent = absent::told(view, last).filter(|told| {
                let same = |at: usize| absent::told(view, at).as_ref() == Some(told);
                (first..last).all(same)
            });
            let text = match absent {
                Some(absent) => {
                    slots.push(("absent", absent));
                    Text::new(
                        "{absent}, and could not be compared; between the other {count} {noun} this \
                         run could see no difference in {what} ({floor}).",
                        "{absent}，无法参加比较；其余{count}{noun}在{what}上看不出差别（{floor}）。",
                    )
                }
                None => Text::new(
                    "no difference in {what} between the {count} {noun} that this run could \
                     see ({floor}).",
                    "这次测量看不出{count}{noun}在{what}上有差别（{floor}）。",
                ),
            };
            words(lang, &text, &slots)
        }
        Verdict::Alone(name) => {
            let figures = ("figures", span(view, &[name], first, last));
            let name = ("name", Words::name(name));
            let text = Text::new(
                "only {name} can be ranked by {what} ({figures}).",
                "能按{what}排名的只有{name}（{figures}）。",
            );
            words(lang, &text, &[name, what, figures])
        }
        Verdict::Refused(refusal) => refused(view, *refusal, first, last),
        Verdict::Once | Verdict::Unknown => {
            let text = Text::new(
                "no server is ranked by {what}: there was a single round, which can't tell \
                 difference from chance.",
                "不按{what}排名：只测了一轮，分不清差别和偶然。",
            );
            words(lang, &text, &[what])
        }
    };
    let claims = (first..=last).flat_map(|at| claims(view, verdict, at));
    Said::of(view, first..=last, told).claiming(claims)
}

/// What `verdict` claims of the group at `at`.
fn claims(view: &View, verdict: &Verdict, at: usize) -> Vec<Claim> {
    match verdict {
        Verdict::Best(names) => {
            let best = names.iter().map(|&name| Claim::Best(at, name.to_owned()));
            best.collect()
        }
        Verdict::Same(_) => {
            let absent = absent::claims(view, at).filter(|_| at + 1 == view.groups.len());
            std::iter::once(Claim::Alike(at)).chain(absent).collect()
        }
        Verdict::Refused(_) | Verdict::Once => vec![Claim::Unranked(at)],
        Verdict::Alone(_) | Verdict::Unknown => Vec::new(),
    }
}

/// Why no server is ranked.
fn refused(view: &View, refusal: Refusal, first: usize, last: usize) -> Words {
    let lang = view.lang;
    let mut slots = vec![("what", view.title(view.measure()))];
    let text = match refusal {
        Refusal::Generator | Refusal::Fact => Text::new(
            "no server is ranked by {what}: for at least one server the load generator was the \
             limit.",
            "不按{what}排名：至少有一个服务器还没到极限，负载生成器先到了极限。",
        ),
        Refusal::Unresolved => {
            let measure = view.measure();
            let cells = view.groups[first..=last].iter().flat_map(|it| &it.cells);
            let below = |cell: &&Cell| {
                let median = cell.figure(measure).map(|it| it.median);
                median.is_some_and(|it| measure.is_below_resolution(cell, it))
            };
            let cells: Vec<&Cell> = cells.copied().filter(below).collect();
            let mut names: Vec<&str> = cells.iter().map(|cell| cell.model.as_str()).collect();
            names.sort_unstable();
            names.dedup();
            let resolutions = cells.iter().filter_map(|cell| measure.resolution(cell));
            let coarsest = resolutions.fold(0.0, f64::max);
            slots.push(("names", Words::names(lang, names)));
            slots.push(("resolution", Words::figure(figure(measure, coarsest))));
            Text::new(
                "no server is ranked by {what}: that of {names} is below what can be measured here \
                 ({resolution}); more connections would show it.",
                "不按{what}排名：{names}的数字低于这里可测的下限（{resolution}）；连接再多一些才看得出来。",
            )
        }
        Refusal::Noise(floor) => {
            let floors = view.columns[first..=last].iter().map(|it| it.floor.share);
            let least = floors.fold(floor.share, f64::min);
            slots.push(("share", Words::figure(percent(least))));
            Text::new(
                "no server is ranked by {what}: the noise is too large. One model under two names could \
                 not be told apart within {share}.",
                "不按{what}排名：噪声太大，同一个模型用两个名字测量，相差{share}以内都分不出来。",
            )
        }
        Refusal::Busy(share) => {
            let shares = view.groups[first..=last].iter();
            let shares = shares.filter_map(Group::wait_share);
            slots.push((
                "share",
                Words::figure(percent(shares.fold(share, f64::max))),
            ));
            Text::new(
                "no server is ranked by {what}: the machine was busy with other programs, and servers \
                 or generator waited up to {share} of their time for a processor.",
                "不按{what}排名：机器在忙别的程序，服务器或负载生成器最多有{share}的时间在等处理器。",
            )
        }
        Refusal::OneProcessor => Text::new(
            "no server is ranked by {what}: the handlers compute, and servers were kept to one \
             processor, so no model could show how many it uses; --pin off lets them.",
            "不按{what}排名：处理函数要做计算，而服务器只能用一个处理器，看不出哪种模型能用多个；用 --pin off 放开。",
        ),
    };
    words(lang, &text, &slots)
}

/// How winning is put: one costs least, has the lowest, or the most.
fn wins(measure: Measure) -> Text {
    match measure {
        Measure::MessagesPerS => Text::new(
            "{names} reach[es|] the most {what} ({figures}).",
            "{what}最多的是{names}（{figures}）。",
        ),
        Measure::LatencyP50 | Measure::LatencyP99 | Measure::LatencyP999 => Text::new(
            "{names} ha[s|ve] the lowest {what} ({figures}).",
            "{what}最低的是{names}（{figures}）。",
        ),
        Measure::SwitchesPerMessage => Text::new(
            "{names} make[s|] the fewest {what} ({figures}).",
            "{what}最少的是{names}（{figures}）。",
        ),
        _ => Text::new(
            "{names} cost[s|] least {what} ({figures}).",
            "{what}最少的是{names}（{figures}）。",
        ),
    }
}

/// Where every point tells apart, and the same one shares the first place at each, though with
/// others each time.
fn always_among(view: &View, verdicts: &[Verdict]) -> Option<Said> {
    let sets = || {
        verdicts.iter().enumerate().filter_map(|(at, it)| match it {
            Verdict::Best(names) => Some((at, names)),
            _ => None,
        })
    };
    if sets().count() < verdicts.len() {
        return None;
    }
    let (first, names) = sets().next()?;
    let (last, _) = sets().next_back()?;
    let always = |name: &&&str| sets().all(|(_, names)| names.contains(*name));
    let names: Vec<&str> = names.iter().filter(always).copied().collect();
    if names.is_empty() {
        return None;
    }
    let slots = [
        ("figures", span(view, &names, first, last)),
        ("names", Words::names(view.lang, names.iter().copied())),
        ("what", view.title(view.measure())),
    ];
    let text = Text::new(
        "{names} [is|are] always among the best by {what} ({figures}); who shares the \
         first place changes.",
        "按{what}，{names}始终在最好的之列（{figures}）；与之并列第一的各有不同。",
    );
    let told = words(view.lang, &text, &slots);
    let claims = (first..=last).flat_map(|at| {
        let names = names.iter();
        names.map(move |&name| Claim::Best(at, name.to_owned()))
    });
    Some(Said::of(view, first..=last, told).claiming(claims))
}

/// The figures of the best, and whether several share the place.
fn tied(view: &View, names: &[&str], first: usize, last: usize) -> Words {
    let figures = span(view, names, first, last);
    if names.len() == 1 {
        return figures;
    }
    let text = Text::new("{figures}, tied", "{figures}，并列");
    words(view.lang, &text, &[("figures", figures)])
}

/// From the least to the most that `names` have from the group `first` to `last`.
fn span(view: &View, names: &[&str], first: usize, last: usize) -> Words {
    let cells = view.groups[first..=last].iter().flat_map(|it| &it.cells);
    let own: Vec<&Cell> = cells
        .copied()
        .filter(|cell| names.contains(&cell.model.as_str()))
        .collect();
    view.figures(&own, view.measure())
}

/// "noise floor 3.0 %", and that it is assumed where it is.
fn floor_of(view: &View, floor: Floor) -> Words {
    let text = match floor.measured {
        true => Text::new("noise floor {share}", "噪声水平{share}"),
        false => Text::new("noise floor {share}, assumed", "噪声水平按{share}估计"),
    };
    let share = Words::figure(percent(floor.share));
    words(view.lang, &text, &[("share", share)])
}

#[cfg(test)]
mod tests {
    use portlab_stats::{
        fixture::{cell, record, twin},
        measure::Measure,
        record::Cell,
    };

    use super::{super::check::check, best};

    fn at(connections: usize, mut cell: Cell) -> Cell {
        cell.point.connections = connections;
        cell
    }

    #[test]
    fn the_best_are_named_with_their_tie() {
        let record = record(vec![
            cell("event-loop", &[4.1; 7]),
            twin("event-loop", &[4.1; 7]),
            cell("tasks-single", &[4.1; 7]),
            cell("threads", &[7.0; 7]),
        ]);
        check(
            best,
            &record,
            &[
                "For 100 connections of 64 B, `event-loop` and `tasks-single` cost least CPU per \
                 message (4.10 µs, tied).",
            ],
            &[
                "100 个连接、每条消息 64 B 时，每条消息的 CPU 时间最少的是 `event-loop` 和 \
                 `tasks-single`（4.10 µs，并列）。",
            ],
        );
    }

    #[test]
    fn who_wins_everywhere_is_told_once() {
        let cells = [1, 10, 100].into_iter().flat_map(|connections| {
            [
                at(connections, cell("a", &[4.0; 7])),
                at(connections, cell("b", &[8.0; 7])),
            ]
        });
        check(
            best,
            &record(cells.collect()),
            &["From 1 to 100 connections, `a` costs least CPU per message (4.00 µs)."],
            &["从 1 到 100 个连接，每条消息的 CPU 时间最少的是 `a`（4.00 µs）。"],
        );
    }

    #[test]
    fn who_always_shares_the_first_place_is_told_once_too() {
        let record = record(vec![
            at(1, cell("a", &[4.0; 7])),
            at(1, cell("b", &[4.0; 7])),
            at(1, cell("c", &[8.0; 7])),
            at(10, cell("a", &[2.0; 7])),
            at(10, cell("b", &[3.0; 7])),
            at(10, cell("c", &[2.0; 7])),
        ]);
        check(
            best,
            &record,
            &[
                "From 1 to 10 connections, `a` is always among the best by CPU per message \
                 (2.00 µs to 4.00 µs); who shares the first place changes.",
            ],
            &[
                "从 1 到 10 个连接，按每条消息的 CPU 时间，`a` 始终在最好的之列\
                 （2.00 µs～4.00 µs）；与之并列第一的各有不同。",
            ],
        );
    }

    #[test]
    fn what_cannot_be_told_apart_is_said_with_the_noise_floor() {
        let noisy = [0.97, 1.031, 1.0, 1.031, 1.02, 0.99, 1.031];
        let overlapping = record(vec![
            cell("a", &[4.0; 7]),
            twin("a", &noisy.map(|it| it * 4.0)),
            cell("b", &[4.05; 7]),
        ]);
        check(
            best,
            &overlapping,
            &[
                "For 100 connections of 64 B, no difference in CPU per message between the 2 \
                 models that this run could see (noise floor 3.0%).",
            ],
            &[
                "100 个连接、每条消息 64 B 时，这次测量看不出 2 个模型在每条消息的 CPU 时间上有差别\
                 （噪声水平 3.0%）。",
            ],
        );
    }

    #[test]
    fn where_a_difference_begins_both_stretches_are_told() {
        let record = record(vec![
            at(1, cell("a", &[4.0; 7])),
            at(1, cell("b", &[4.1; 7])),
            at(10, cell("a", &[4.0; 7])),
            at(10, cell("b", &[8.0; 7])),
            at(100, cell("a", &[4.0; 7])),
            at(100, cell("b", &[9.0; 7])),
        ]);
        check(
            best,
            &record,
            &[
                "For 1 connection, no difference in CPU per message between the 2 models that this \
                 run could see (noise floor 5.0%, assumed).",
                "From 10 to 100 connections, `a` costs least CPU per message (4.00 µs).",
            ],
            &[
                "1 个连接时，这次测量看不出 2 个模型在每条消息的 CPU 时间上有差别\
                 （噪声水平按 5.0% 估计）。",
                "从 10 到 100 个连接，每条消息的 CPU 时间最少的是 `a`（4.00 µs）。",
            ],
        );
    }

    #[test]
    fn each_measure_has_its_own_words() {
        let mut record = record(vec![cell("a", &[4.0; 7]), cell("b", &[8.0; 7])]);
        for (cell, factor) in record.cells.iter_mut().zip([1, 2]) {
            for round in &mut cell.rounds {
                round.messages_per_s *= factor as f64;
                round.latency_p99_ns *= factor;
                round.peak_pss_bytes *= factor;
            }
        }
        let expected = [
            (
                Measure::MessagesPerS,
                "`b` reaches the most messages per second (200k)",
            ),
            (
                Measure::LatencyP99,
                "`a` has the lowest 99th percentile of latency (2.00 ms)",
            ),
            (
                Measure::PeakMemory,
                "`a` costs least memory at its peak (1.91 MiB)",
            ),
        ];
        for (measure, expected) in expected {
            record.workloads[0].ranked_by = measure;
            let [en, _] = super::super::check::said(best, &record);
            assert!(en[0].contains(expected), "{en:?}");
        }
        record.workloads[0].ranked_by = Measure::Threads;
        check(best, &record, &[], &[]);
    }

    #[test]
    fn after_a_single_round_nobody_is_best() {
        let record = record(vec![cell("a", &[4.0]), cell("b", &[8.0])]);
        let [en, zh] = super::super::check::said(best, &record);
        assert!(en[0].contains("no server is ranked") && zh[0].contains("只测了一轮"));
        assert!(!en[0].contains('`') && !zh[0].contains('`'));
    }

    #[test]
    fn where_the_generator_was_the_limit_nobody_reaches_most() {
        let mut record = record(vec![cell("a", &[4.0; 7]), cell("b", &[8.0; 7])]);
        record.workloads[0].ranked_by = Measure::MessagesPerS;
        for round in &mut record.cells[0].rounds {
            round.generator_cpu_share = 0.97;
        }
        let [en, zh] = super::super::check::said(best, &record);
        assert!(en[0].contains("the load generator was the limit"), "{en:?}");
        assert!(zh[0].contains("负载生成器"), "{zh:?}");
    }

    #[test]
    fn who_made_errors_is_never_best() {
        let mut record = record(vec![
            cell("wrong", &[1.0; 7]),
            cell("a", &[4.0; 7]),
            cell("b", &[8.0; 7]),
        ]);
        record.cells[0].rounds[0].errors = 1;
        let [en, _] = super::super::check::said(best, &record);
        assert!(en[0].contains("`a` costs least"), "{en:?}");
        record.cells.truncate(1);
        check(best, &record, &[], &[]);
    }

    #[test]
    fn who_alone_can_be_ranked_is_not_called_the_best() {
        let record = record(vec![cell("a", &[4.0; 7])]);
        check(
            best,
            &record,
            &["For 100 connections of 64 B, only `a` can be ranked by CPU per message (4.00 µs)."],
            &["100 个连接、每条消息 64 B 时，能按每条消息的 CPU 时间排名的只有 `a`（4.00 µs）。"],
        );
    }
}
