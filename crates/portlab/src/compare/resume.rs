//! `--resume`: continuing a comparison that was ended before it was complete.

use anyhow::bail;
use portlab_lab::{Leftover, Store, StoreError};
use portlab_stats::record::Record;
use portlab_words::{Text, tr};

use super::Args;
use crate::args::lang;

/// The record to continue; `None` for a new comparison.
///
/// # Errors
/// When there is no record to continue; or when a new comparison would replace an unfinished study, or a file that isn't
/// a record.
pub(super) fn kept(args: &Args, store: &Store) -> anyhow::Result<Option<Record>> {
    let file = store.file().display();
    let kept = match store.kept() {
        Err(error @ StoreError::Unusable(..)) => {
            bail!(tr!(
                "{error}; the comparison would replace it: choose another folder with --out DIR",
                "{error:#}；继续会覆盖它：请用 --out 换一个文件夹"
            ))
        }
        kept => kept?,
    };
    match kept {
        None if args.resume => bail!(tr!(
            "there is no {file} to continue; leave out --resume",
            "没有可以继续的 {file}；请去掉 --resume"
        )),
        Some(record) if args.resume && record.complete => {
            bail!(tr!(
                "{file} is complete; leave out --resume to measure again",
                "{file} 已经测完；要重新测量请去掉 --resume"
            ))
        }
        Some(record) if args.resume => Ok(Some(record)),
        Some(record) if !record.complete && is_a_study(&record) && !args.fresh => {
            let (made, all) = (record.measured(), measurements(&record));
            bail!(tr!(
                "{file} holds an unfinished study, with {made} of {all} measurements made; continue \
                 it with --resume, replace it with --fresh, or choose another folder with --out DIR",
                "{file} 里有一次没做完的比较，已完成 {made} / {all} 次测量；可以用 --resume 继续，用 --fresh 重来，\
                 或者用 --out 换一个文件夹"
            ))
        }
        _ => Ok(None),
    }
}

fn is_a_study(record: &Record) -> bool {
    record.setup.suite.as_deref() == Some("full") && record.measured() > 0
}

fn measurements(record: &Record) -> usize {
    let cells = record.cells.iter().filter(|cell| cell.not_run.is_none());
    cells.count() * record.setup.rounds
}

/// Makes sure that `kept` is of the same experiment as `fresh`.
pub(super) fn check(kept: &Record, fresh: &Record) -> anyhow::Result<()> {
    let [kept_cells, fresh_cells] = [kept, fresh].map(|record| record.cells.iter());
    let same_places = kept_cells.len() == fresh_cells.len()
        && kept_cells.zip(fresh_cells).all(|(a, b)| a.is_same(b));
    let differences = [
        (
            kept.portlab_version != fresh.portlab_version,
            Text::new("portlab's version", "portlab 的版本"),
        ),
        (
            kept.environment != fresh.environment,
            Text::new("the machine, or its limits", "机器，或它的限制"),
        ),
        (
            kept.setup != fresh.setup,
            Text::new(
                "rounds, threads, suite or baseline",
                "轮数、线程数、套件或基准",
            ),
        ),
        (
            kept.entrants != fresh.entrants,
            Text::new("the servers that take part", "参加的服务端"),
        ),
        (
            kept.workloads != fresh.workloads,
            Text::new("the workloads, or their options", "负载，或它们的选项"),
        ),
        (
            !same_places,
            Text::new(
                "connections, sizes, workers or rates",
                "连接数、消息长度、工作者数或速率",
            ),
        ),
    ];
    if let Some((_, Text { en, zh })) = differences.iter().find(|(differs, _)| *differs) {
        let command = &kept.command;
        bail!(tr!(
            "--resume can't continue, because this has changed: {en}; the comparison was started with `{command}`",
            "--resume 不能继续，因为这一项和开始时不同：{zh}；开始时的命令是 `{command}`"
        ));
    }
    Ok(())
}

/// Says how much of the comparison is kept.
pub(super) fn continues(kept: &Record, fresh: &Record) -> String {
    let (made, all) = (kept.measured(), measurements(fresh));
    tr!(
        lang(),
        "continuing: {made} of {all} measurements have been made",
        "继续：{all} 次测量已完成 {made} 次"
    )
}

/// Says what was left behind by a comparison that was killed.
pub(super) fn leftover(left: Leftover) -> String {
    let Leftover { pid, processes } = left;
    let ended = match processes {
        0 => tr!(lang(), "none of its servers was left", "它的服务端都已结束"),
        1 => tr!(
            lang(),
            "one process of its servers was left, and has been ended",
            "它的服务端还留下 1 个进程，已经结束"
        ),
        many => tr!(
            lang(),
            "{many} processes of its servers were left, and have been ended",
            "它的服务端还留下 {many} 个进程，已经结束"
        ),
    };
    tr!(
        lang(),
        "an earlier comparison here (pid {pid}) was killed; {ended}",
        "这里先前的一次比较（进程 {pid}）被强行结束了；{ended}"
    )
}
