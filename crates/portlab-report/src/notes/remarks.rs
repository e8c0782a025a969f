//! What a table can't show in columns: what went wrong, and which servers weren't measured.

use portlab_stats::{analysis::Group, record::Cell};
use portlab_words::{Lang, Text, table::cut};

use super::{
    names,
    parts::{Sentence, Words, sentence, words},
    table::Tone,
};

/// The longest reason that is told, in columns of a terminal.
const REASON: usize = 200;

/// A line beneath a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Remark {
    /// [`Tone::Bad`] of what went wrong.
    pub tone: Tone,
    /// The line.
    pub sentence: Sentence,
}

/// Why `cell` has no figures; `None` if it has some.
pub(super) fn unmeasured(cell: &Cell, lang: Lang) -> Option<Sentence> {
    if !cell.rounds.is_empty() {
        return None;
    }
    let (text, why) = match (&cell.not_run, cell.failures.first()) {
        (Some(why), _) => {
            let why = names::not_run(why, cell.point.connections);
            let text = Text::new("not run: {why}", "未运行：{why}");
            (text, Words::text(why.pick(lang)))
        }
        (None, Some(failed)) => {
            let text = Text::new("failed: {why}", "失败：{why}");
            (text, reason(&failed.reason))
        }
        (None, None) => {
            let text = Text::new("not measured yet", "尚未测量");
            return Some(words(lang, &text, &[]).told(lang));
        }
    };
    Some(words(lang, &text, &[("why", why)]).told(lang))
}

/// The lines beneath the table of `group`.
pub(super) fn of(group: &Group, lang: Lang) -> Vec<Remark> {
    let cells = &group.cells;
    let errors = cells.iter().filter_map(|cell| errors(cell, lang));
    let failures = cells.iter().filter_map(|cell| failures(cell, lang));
    let wrong = errors.chain(failures).map(|sentence| Remark {
        tone: Tone::Bad,
        sentence,
    });
    let behind = cells.iter().filter(|cell| cell.kept_up() == Some(false));
    let behind = listed(
        lang,
        &Text::new(
            "not ranked, for it did not keep up with the rate: {told}.",
            "没跟上速率，不排名：{told}。",
        ),
        behind.map(|cell| (cell.model.as_str(), String::new())),
    );
    let not_run = cells.iter().filter_map(|cell| {
        let why = names::not_run(cell.not_run.as_ref()?, cell.point.connections);
        Some((cell.model.as_str(), why.pick(lang).to_owned()))
    });
    let not_run = listed(
        lang,
        &Text::new("not run: {told}.", "未运行：{told}。"),
        not_run,
    );
    let missing = cells
        .iter()
        .filter(|cell| !cell.was_tried() && cell.not_run.is_none());
    let missing = listed(
        lang,
        &Text::new("not measured yet: {told}.", "尚未测量：{told}。"),
        missing.map(|cell| (cell.model.as_str(), String::new())),
    );
    let dim = [behind, not_run, missing].into_iter().flatten();
    let dim = dim.map(|sentence| Remark {
        tone: Tone::Dim,
        sentence,
    });
    wrong.chain(dim).collect()
}

fn errors(cell: &Cell, lang: Lang) -> Option<Sentence> {
    let count = usize::try_from(cell.errors()).unwrap_or(usize::MAX);
    let mut slots = vec![
        ("name", Words::name(&cell.model)),
        ("count", Words::count(count)),
    ];
    let first = cell.rounds.iter().find_map(|it| it.first_error.as_ref());
    let text = match first {
        Some(first) => {
            slots.push(("first", reason(first)));
            Text::new(
                "{name}: {count} error[|s], the first one: {first}.",
                "{name}：{count}个错误，第一个是：{first}。",
            )
        }
        None => Text::new("{name}: {count} error[|s].", "{name}：{count}个错误。"),
    };
    (count > 0).then(|| words(lang, &text, &slots).told(lang))
}

fn failures(cell: &Cell, lang: Lang) -> Option<Sentence> {
    let failure = cell.failures.first()?;
    let mut slots = vec![
        ("name", Words::name(&cell.model)),
        ("reason", reason(&failure.reason)),
    ];
    let text = if cell.rounds.is_empty() {
        Text::new("{name} failed: {reason}.", "{name}失败：{reason}。")
    } else {
        slots.push(("count", Words::count(cell.failures.len())));
        Text::new(
            "{name}: {count} of its rounds failed: {reason}.",
            "{name}有{count}轮失败：{reason}。",
        )
    };
    Some(words(lang, &text, &slots).told(lang))
}

/// One line of all servers that have a reason, those with the same reason together.
fn listed<'a>(
    lang: Lang,
    text: &Text,
    reasons: impl Iterator<Item = (&'a str, String)>,
) -> Option<Sentence> {
    let mut kinds: Vec<(String, Vec<&str>)> = Vec::new();
    for (model, reason) in reasons {
        match kinds.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, models)) => models.push(model),
            None => kinds.push((reason, vec![model])),
        }
    }
    if kinds.is_empty() {
        return None;
    }
    let told = kinds.into_iter().map(|(reason, models)| {
        let names = ("names", Words::names(lang, models));
        match &reason[..] {
            "" => words(lang, &Text::new("{names}", "{names}"), &[names]),
            reason => {
                let slots = [names, ("reason", Words::text(reason))];
                words(
                    lang,
                    &Text::new("{names} ({reason})", "{names}（{reason}）"),
                    &slots,
                )
            }
        }
    });
    Some(sentence(lang, text, &[("told", Words::series(lang, told))]))
}

/// A reason from the record, without a full stop of its own.
pub(super) fn reason(reason: &str) -> Words {
    let reason = reason.trim_end_matches(['.', '。']);
    Words::text(match reason.is_empty() {
        true => "?".to_owned(),
        false => cut(reason, REASON),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use portlab_stats::{
        analysis::groups,
        fixture::{cell, record},
        record::{Failed, NotRun},
    };

    #[test]
    fn who_is_not_in_the_table_is_under_it() {
        let not_run = |model: &str, reason: NotRun| {
            let mut cell = cell(model, &[]);
            cell.not_run = Some(reason);
            cell
        };
        let mut burnt = cell("burnt", &[]);
        let failed = |round| Failed {
            round,
            reason: "it burnt".into(),
            unmetered: None,
        };
        burnt.failures.push(failed(1));
        let mut scorched = cell("scorched", &[4.0; 2]);
        scorched.failures.push(failed(3));
        scorched.rounds[1].errors = 2;
        scorched.rounds[1].first_error = Some("member 3 received it twice".into());
        let record = record(vec![
            not_run("pool", NotRun::ServesFewer(2)),
            not_run("prefork", NotRun::ServesFewer(2)),
            not_run("iterative", NotRun::ServesOne),
            burnt,
            scorched,
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
                "scorched: 2 errors, the first one: member 3 received it twice.",
                "burnt failed: it burnt.",
                "scorched: 1 of its rounds failed: it burnt.",
                "Not run: pool and prefork (at most 2 at a time; --workers 100 for more); iterative \
                 (serves one connection at a time).",
                "Not measured yet: late.",
            ]
        );
        assert_eq!(lines(Lang::Zh)[4], "尚未测量：late。");
        let whys = record.cells.iter().map(|cell| unmeasured(cell, Lang::En));
        let whys: Vec<_> = whys.map(|why| why.map(|it| it.plain())).collect();
        assert_eq!(whys[3].as_deref(), Some("failed: it burnt"));
        assert_eq!(whys[4], None);
        assert_eq!(whys[5].as_deref(), Some("not measured yet"));
    }
}
