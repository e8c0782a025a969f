//! Which servers could not be measured at the point of the most connections, and why.
//!
//! Said of servers that serve fewer connections at a time than there are, and of servers that failed in every round. If
//! the other servers don't differ, [`best`](super::best) says it instead.

use portlab_stats::record::{Cell, NotRun};
use portlab_words::tr;

use super::{Said, best::finds_no_difference};
use crate::notes::{
    claim::Claim,
    sentence::{count, series},
    view::View,
};

pub(super) fn absent(view: &View) -> Option<Said> {
    let at = view.groups.len().checked_sub(1)?;
    let told = told(view, at).filter(|_| !finds_no_difference(view, at))?;
    let told = tr!(
        view.lang,
        "not every server can be compared: {told}.",
        "不是每个服务端都能参加比较：{told}。"
    );
    Some(Said::of(view, at..=at, told).claiming(claims(view, at)))
}

/// What is claimed of the servers that could not be measured at `at`.
pub(super) fn claims(view: &View, at: usize) -> impl Iterator<Item = Claim> {
    let cells = view.groups[at].cells.iter();
    let absent = cells.filter(|cell| why(cell).is_some());
    absent.map(move |cell| Claim::Absent(at, cell.model.clone()))
}

/// Which servers could not be measured at `at`, and why; `None` if all could.
pub(super) fn told(view: &View, at: usize) -> Option<String> {
    let mut reasons: Vec<(Why, Vec<&Cell>)> = Vec::new();
    for &cell in &view.groups[at].cells {
        let Some(why) = why(cell) else { continue };
        match reasons.iter_mut().find(|(known, _)| *known == why) {
            Some((_, cells)) => cells.push(cell),
            None => reasons.push((why, vec![cell])),
        }
    }
    let told = reasons.iter().map(|(why, cells)| {
        let names = view.names(cells);
        match *why {
            Why::Serves(most) => {
                let most = count(most);
                tr!(
                    view.lang,
                    "{names} serve[s|] {most} connection[|s] at a time",
                    "{names}同时只服务{most}个连接"
                )
            }
            Why::Failed => tr!(
                view.lang,
                "{names} failed in every round",
                "{names}每一轮都失败了"
            ),
        }
    });
    (!reasons.is_empty()).then(|| series(view.lang, told))
}

/// Why a server could not be measured.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    /// It serves so many connections at a time, and there are more.
    Serves(usize),
    /// It failed in every round.
    Failed,
}

fn why(cell: &Cell) -> Option<Why> {
    match &cell.not_run {
        Some(NotRun::ServesOne | NotRun::NoHub) => Some(Why::Serves(1)),
        Some(
            NotRun::ServesFewer(count) | NotRun::FewStacks(count) | NotRun::MostProcesses(count),
        ) => Some(Why::Serves(*count)),
        Some(
            NotRun::ForeignChat
            | NotRun::ForeignRoot
            | NotRun::ForeignFiles
            | NotRun::ControlChat
            | NotRun::NoUring
            | NotRun::Told(_),
        ) => None,
        None if cell.rounds.is_empty() && !cell.failures.is_empty() => Some(Why::Failed),
        None => None,
    }
}
