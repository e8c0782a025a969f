//! `serve --model NAME-textbook`: a model's textbook twin, as a comparison measures it.

use anyhow::{Context, bail};
use portlab_backends::{Options, Sheet, bind, textbook::Twin};
use portlab_service::{HandlerWork, Work};
use portlab_words::tr;

use super::{Args, announce, check_obstacle, remedy, workers};
use crate::{
    Verdict,
    address::{Purpose, warn_if_wide},
    args::lang,
};

/// Serves until a signal ends the process. The listener is bound like that of a model.
pub(super) fn run(args: &Args, twin: &Twin, sheet: &Sheet) -> anyhow::Result<Verdict> {
    let (model, name) = (&args.model, sheet.name);
    if args.trace.is_some() {
        bail!(tr!(
            "{model} records no trace; --trace takes a model, such as {name}",
            "{model} 不记录时间线；--trace 只能用于模型，例如 {name}"
        ));
    }
    if args.live.is_some() {
        bail!(tr!(
            "{model} records no events; --live takes a model, such as {name}",
            "{model} 不记录事件；--live 只能用于模型，例如 {name}"
        ));
    }
    if args.service != "echo" || args.work != HandlerWork::Work(Work::None) {
        bail!(tr!(
            "{model} serves a plain echo only; leave out --service and --work, or take --model {name}",
            "{model} 只提供简单的回显；请去掉 --service 和 --work，或改用 --model {name}"
        ));
    }
    check_obstacle(sheet)?;
    let addr = Purpose::SERVE.resolve(&args.bind)?[0];
    let workers = workers(args, sheet);
    portlab_sys::limits::raise_open_files();
    let options = Options {
        listeners: sheet.listeners(workers),
        ..Options::default()
    };
    // A twin that has a listener for each worker binds the others.
    let listener = bind(addr, &options).map_err(|it| remedy(it, "--bind"))?;
    let addr = listener.local_addr()?;
    warn_if_wide(addr, "--bind");
    announce(args, addr, workers, None)?;
    (twin.serve)(listener, workers).with_context(|| {
        tr!(
            lang(),
            "{model} could not begin to serve",
            "{model} 无法开始服务"
        )
    })?;
    Ok(Verdict::Fine)
}
