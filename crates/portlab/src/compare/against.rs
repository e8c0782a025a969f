//! The models of another build of portlab, in the same rounds as those of this build.

use std::{io::Write, path::Path, sync::Arc};

use anyhow::bail;
use portlab_lab::{
    Build,
    experiment::{BUILD_SUFFIX, Entrant},
};
use portlab_report::gate_text;
use portlab_stats::{
    analysis::LEAST_FLOOR,
    gate::builds,
    record::{Kind, Record},
};
use portlab_words::tr;

use super::Args;
use crate::{Verdict, args, gate, output};

/// Puts each model of the build `program` behind the same model of this build.
///
/// # Errors
/// When that file is not a portlab program, or there is no model to compare.
pub(super) fn add(entrants: &mut Vec<Entrant>, program: &Path) -> anyhow::Result<()> {
    let build = Arc::new(Build::ask(program)?);
    let all = std::mem::take(entrants);
    let mut models = 0;
    for entrant in all {
        let other = (entrant.kind == Kind::Model).then(|| entrant.of_build(&build));
        entrants.push(entrant);
        models += usize::from(other.is_some());
        entrants.extend(other);
    }
    if models == 0 {
        bail!(tr!(
            "--against compares models, and no model takes part; name some with --models",
            "--against 比较的是模型，但没有模型参加；用 --models 指定几个"
        ));
    }
    for name in entrants
        .iter()
        .filter(|it| it.build.is_some())
        .map(|it| &it.name)
    {
        if entrants.iter().filter(|it| it.name == *name).count() > 1 {
            bail!(tr!(
                "the other build's model is called {name} too; give the --server a name that doesn't end \
                 with {BUILD_SUFFIX}",
                "另一个版本的模型也叫 {name}；请给 --server 换一个不以 {BUILD_SUFFIX} 结尾的名字"
            ));
        }
    }
    Ok(())
}

/// Prints how this build compares with the other one, and judges it if `--fail-over` was given.
///
/// # Errors
/// When the run can't decide.
pub(super) fn judge(args: &Args, record: &Record, verdict: Verdict) -> anyhow::Result<Verdict> {
    if args.against.is_none() {
        return Ok(verdict);
    }
    let gate = builds(record, args.fail_over.unwrap_or(LEAST_FLOOR));
    if !args.json {
        let text = gate_text(&gate, record, args::lang(), args::terminal_width());
        write!(output::stdout(), "\n{text}")?;
    }
    if args.fail_over.is_none() {
        return Ok(verdict);
    }
    // A single failed measurement may be chance, so the gate decides.
    match gate::judge(&gate, record)? {
        Verdict::Fine if !record.complete => {
            bail!(tr!(
                "this run cannot decide: it was interrupted; --resume goes on with it",
                "这次运行不能判定：它被中断了；用 --resume 继续"
            ))
        }
        verdict => Ok(verdict),
    }
}
