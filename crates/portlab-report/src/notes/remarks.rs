//! What a table can't show in columns: what went wrong, and which servers weren't measured.

use portlab_stats::{
    analysis::Group,
    record::{Cell, Workload},
};
use portlab_words::{Lang, table::cut, tr};

use super::{
    names,
    sentence::{self, Sentence, count, name, series, text},
    table::Tone,
};

/// The longest reason that is told, in columns of a terminal.
const REASON: usize = 200;

/// A line beneath a table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Remark {
    /// [`Tone::Bad`] of what went wrong.
    pub(crate) tone: Tone,
    /// The line.
    pub(crate) sentence: Sentence,
}

/// Why `cell` has no figures; `None` if it has some.
pub(super) fn unmeasured(workload: &Workload, cell: &Cell, lang: Lang) -> Option<Sentence> {
    if !cell.rounds.is_empty() {
        return None;
    }
    let told = match (not_run(workload, cell, lang), cell.failures.first()) {
        (Some(why), _) => tr!(lang, "not run: {why}", "未运行：{why}"),
        (None, Some(failed)) => {
            let why = reason(failed.reason.pick(lang));
            tr!(lang, "failed: {why}", "失败：{why}")
        }
        (None, None) => tr!(lang, "not measured yet", "尚未测量"),
    };
    Some(Sentence::line(lang, &told))
}

/// The lines beneath the table of `group`.
pub(super) fn of(group: &Group, lang: Lang) -> Vec<Remark> {
    let cells = || group.cells.iter().copied();
    let wrong = cells().filter_map(|cell| errors(cell, lang));
    let wrong = wrong.chain(cells().filter_map(|cell| failures(cell, lang)));
    let wrong = wrong.map(|told| (Tone::Bad, Sentence::line(lang, &told)));
    let behind = cells().filter(|cell| cell.kept_up() == Some(false));
    let behind = listed(lang, behind.map(|cell| (cell, String::new()))).map(|told| {
        tr!(
            lang,
            "not ranked, because they did not keep up with the rate: {told}.",
            "没跟上速率，不排名：{told}。"
        )
    });
    let not_run = cells().filter_map(|cell| Some((cell, not_run(group.workload, cell, lang)?)));
    let not_run =
        listed(lang, not_run).map(|told| tr!(lang, "not run: {told}.", "未运行：{told}。"));
    let missing = cells().filter(|cell| !cell.was_tried() && cell.not_run.is_none());
    let missing = listed(lang, missing.map(|cell| (cell, String::new())))
        .map(|told| tr!(lang, "not measured yet: {told}.", "尚未测量：{told}。"));
    let dim = [behind, not_run, missing].into_iter().flatten();
    let dim = dim.map(|told| (Tone::Dim, Sentence::of(lang, &told)));
    let remarks = wrong.chain(dim);
    remarks
        .map(|(tone, sentence)| Remark { tone, sentence })
        .collect()
}

fn errors(cell: &Cell, lang: Lang) -> Option<String> {
    let errors = usize::try_from(cell.errors()).unwrap_or(usize::MAX);
    let (name, count) = (name(&cell.model), count(errors));
    let first = cell.rounds.iter().find_map(|it| it.first_error.as_ref());
    let told = match first.map(|it| reason(it.pick(lang))) {
        Some(first) => tr!(
            lang,
            "{name}: {count} error[|s], the first one: {first}.",
            "{name}：{count}个错误，第一个是：{first}。"
        ),
        None => tr!(
            lang,
            "{name}: {count} error[|s].",
            "{name}：{count}个错误。"
        ),
    };
    (errors > 0).then_some(told)
}

fn failures(cell: &Cell, lang: Lang) -> Option<String> {
    let reason = reason(cell.failures.first()?.reason.pick(lang));
    let (name, count) = (name(&cell.model), count(cell.failures.len()));
    Some(match cell.rounds.is_empty() {
        true => tr!(lang, "{name} failed: {reason}.", "{name}失败：{reason}。"),
        false => tr!(
            lang,
            "{name}: {count} of its rounds failed: {reason}.",
            "{name}有{count}轮失败：{reason}。"
        ),
    })
}

/// Why `cell` can't be run; `None` if it can.
fn not_run(workload: &Workload, cell: &Cell, lang: Lang) -> Option<String> {
    let why = names::not_run(cell.not_run.as_ref()?, workload.held(cell.point));
    Some(text(why.pick(lang)))
}

/// The servers that have a reason, those with the same reason together; `None` if there are none.
fn listed<'a>(lang: Lang, reasons: impl Iterator<Item = (&'a Cell, String)>) -> Option<String> {
    let mut kinds: Vec<(String, Vec<&str>)> = Vec::new();
    for (Cell { model, .. }, reason) in reasons {
        match kinds.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, models)) => models.push(model),
            None => kinds.push((reason, vec![model])),
        }
    }
    let told = kinds.iter().map(|(reason, models)| {
        let names = sentence::names(lang, models.iter().copied());
        match reason.is_empty() {
            true => names,
            false => tr!(lang, "{names} ({reason})", "{names}（{reason}）"),
        }
    });
    (!kinds.is_empty()).then(|| series(lang, told))
}

/// A reason from the record, without a full stop of its own.
fn reason(reason: &str) -> String {
    match reason.trim_end_matches(['.', '。']) {
        "" => "?".to_owned(),
        reason => text(&cut(reason, REASON)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use portlab_stats::{
        analysis::groups,
        fixture::{cell, record},
        record::{Failed, NotRun},
    };
    use portlab_words::Text;

    #[test]
    fn a_server_that_was_not_measured_is_named_below_the_table() {
        let not_run = |model: &str, reason: NotRun| {
            let mut cell = cell(model, &[]);
            cell.not_run = Some(reason);
            cell
        };
        let mut never = cell("never-up", &[]);
        let failed = |round| Failed {
            round,
            reason: Text::new("no answer", "没有应答"),
            unmetered: None,
        };
        never.failures.push(failed(1));
        let mut partly = cell("partly", &[4.0; 2]);
        partly.failures.push(failed(3));
        partly.rounds[1].errors = 2;
        partly.rounds[1].first_error =
            Some(Text::new("member 3 received it twice", "成员 3 收到了两次"));
        let record = record(vec![
            not_run("pool", NotRun::ServesFewer(2)),
            not_run("prefork", NotRun::ServesFewer(2)),
            not_run("iterative", NotRun::ServesOne),
            never,
            partly,
            cell("late", &[]),
        ]);
        let groups = groups(&record);
        let lines = |lang| -> Vec<String> {
            let remarks = of(&groups[0], lang).into_iter();
            remarks.map(|remark| remark.sentence.plain()).collect()
        };
        assert_eq!(
            lines(Lang::En),
            [
                "partly: 2 errors, the first one: member 3 received it twice.",
                "never-up failed: no answer.",
                "partly: 1 of its rounds failed: no answer.",
                "Not run: pool and prefork (at most 2 at a time; --workers 100 for more); iterative (serves one connection at a time).",
                "Not measured yet: late.",
            ]
        );
        assert_eq!(lines(Lang::Zh)[4], "尚未测量：late。");
        let whys = record
            .cells
            .iter()
            .map(|cell| unmeasured(&record.workloads[0], cell, Lang::En));
        let whys: Vec<_> = whys.map(|why| why.map(|it| it.plain())).collect();
        assert_eq!(whys[3].as_deref(), Some("failed: no answer"));
        assert_eq!(whys[4], None);
        assert_eq!(whys[5].as_deref(), Some("not measured yet"));
    }
}
