//! `--quick`: a comparison that ends within half a minute, or is refused.

use std::time::Duration;

use anyhow::bail;
use portlab_lab::{Costs, Experiment};
use portlab_stats::record::Record;
use portlab_words::{Text, tr};

use super::{Args, parts::about};

/// A quick comparison ends before this time is over, trials and report included.
pub(super) const TIME: Duration = Duration::from_secs(30);

/// How long a foreign server may take until it listens, without `--start-timeout`.
pub(super) const START_TIMEOUT: Duration = Duration::from_secs(5);

/// Fewer rounds than this show nothing.
const LEAST: u32 = 3;

/// The share of the time that is kept in reserve, because rounds may take longer than the trials.
const SPARE: f64 = 0.1;

/// How long recording the timeline of one model takes (`--trace`).
const TRACE: Duration = Duration::from_millis(600);

/// How many rounds fit into the time, of which `spent` is over, and how long one takes.
pub(super) fn rounds(
    args: &Args,
    experiment: &Experiment,
    record: &Record,
    (costs, spent): (&Costs, Duration),
) -> anyhow::Result<(usize, Duration)> {
    let traces = match args.trace {
        true => TRACE * u32::try_from(experiment.entrants.len()).unwrap_or(u32::MAX),
        false => Duration::ZERO,
    };
    let time = TIME.saturating_sub(spent + traces);
    let time = time.mul_f64(1.0 - SPARE);
    let round = costs.round(experiment, record);
    let once = costs.once(experiment, record);
    let fit = fitting(time.saturating_sub(once), round);
    let least = args.rounds.map_or(LEAST, u32::from);
    if fit >= least {
        let most = u32::try_from(experiment.setup.rounds).unwrap_or(u32::MAX);
        return Ok((fit.min(most) as usize, round));
    }
    let takes = about(round * least + once);
    let smaller = costs.fitting(experiment, record, (least, time));
    let remedy = match (&smaller[..], args.rounds) {
        (_, Some(_)) if fit >= LEAST => tr!("leave out --rounds", "请去掉 --rounds"),
        ([], _) => tr!(
            "name fewer --models, or leave out --quick",
            "请减少 --models，或者去掉 --quick"
        ),
        (names, _) => {
            let names = names.join(",");
            tr!(
                "try --workload {names}, fewer --models, or leave out --quick",
                "可以改用 --workload {names}、减少 --models，或者去掉 --quick"
            )
        }
    };
    let (seconds, left, Text { en, zh }) = (TIME.as_secs(), about(time), remedy);
    bail!(tr!(
        "{least} rounds of this comparison take {takes}, and about {left} of the {seconds} s of --quick are left; \
         {en}",
        "这个比较测 {least} 轮要 {takes}，而 --quick 的 {seconds} 秒还剩大约 {left}；{zh}"
    ));
}

/// How many rounds of a length fit into a time.
fn fitting(time: Duration, round: Duration) -> u32 {
    if round.is_zero() {
        return u32::MAX;
    }
    (time.as_secs_f64() / round.as_secs_f64()) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_rounds_fit() {
        let seconds = Duration::from_secs;
        assert_eq!(fitting(seconds(10), seconds(3)), 3);
        assert_eq!(fitting(seconds(2), seconds(3)), 0);
        assert_eq!(fitting(seconds(2), Duration::ZERO), u32::MAX);
    }
}
