//! `portlab serve`: one service, one model, one port.

mod control;
mod limits;
mod timeline;
mod web;

use std::{
    io::{self, IsTerminal},
    net::SocketAddr,
    panic,
    path::PathBuf,
    time::Duration,
};

use anyhow::{Context, bail};
use portlab_backends::{
    Alone, Asked, BindError, Counts, Door, Options, Served, Sheet, Stop, Workers, find, tally,
    textbook,
};
use portlab_ports::{Leftovers, Snapshot};
use portlab_service::{HandlerWork, Service, ServiceOptions, TextEncoding, Work};
use portlab_words::{Text, tr, units};
use serde_json::{Value, json};

use self::{limits::LimitArgs, web::WebArgs};
use crate::{
    Verdict,
    address::{Purpose, warn_if_wide},
    args::{self, lang},
    output,
};

/// Serve a protocol on a port through a concurrency model
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  portlab serve --model threads
  portlab serve --model event-loop --work block:5ms
  portlab serve --model loop-pool --work cpu:2ms --trace trace.json
  portlab serve --service reply --reply 你好 --encoding gbk --bind 8080
  portlab serve --service http --root site --bind 8080

At SIGINT (Ctrl-C), SIGTERM or SIGHUP the server lets its connections finish and
exits with 0; a second SIGINT or SIGTERM ends it at once.")]
pub(crate) struct Args {
    /// The concurrency model (`portlab models` lists them)
    #[arg(long, value_name = "NAME", default_value = DEFAULT_MODEL)]
    #[arg(hide_possible_values = true)]
    #[arg(value_parser = args::server_parser())]
    model: String,

    /// The protocol that the server speaks
    #[arg(long, value_name = "NAME", default_value = "echo", value_parser = args::service_parser())]
    service: String,

    /// Where to listen, HOST:PORT; a port alone is loopback's, and 0 lets the system
    /// choose one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9090")]
    bind: String,

    /// How many workers the model's pool has, if it has one: processes or threads
    /// that may block [default: the model's own]
    #[arg(long, value_name = "N", value_parser = args::whole(1..=u16::MAX))]
    workers: Option<u16>,

    /// How many threads an async runtime has, if the model has one, on which
    /// nothing should block [default: one per core]
    #[arg(long, value_name = "N", value_parser = args::whole(1..=u16::MAX))]
    runtime_threads: Option<u16>,

    /// What the handler does before each answer: wait:5ms, block:5ms, cpu:200us,
    /// panic
    #[arg(long, value_name = "WORK", default_value = "none")]
    work: HandlerWork,

    /// The text that `reply` answers with
    #[arg(long, value_name = "TEXT", default_value = "hello")]
    reply: String,

    /// The encoding in which texts are sent
    #[arg(long, value_name = "NAME", default_value = "utf-8")]
    encoding: TextEncoding,

    /// Print the counts of connections at this interval; at SIGUSR1 they are printed
    /// once
    #[arg(long, value_name = "TIME", value_parser = units::duration("10ms", "1d"))]
    stats: Option<Duration>,

    /// Record a timeline of accept, read, handle, write and wait, and write it to
    /// FILE at the end, for ui.perfetto.dev or vizviewer
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,

    /// The most events that a trace holds, 32 bytes of memory each
    #[arg(long, value_name = "N", default_value = "1M", value_parser = units::count("1", "100M"))]
    trace_events: u64,

    /// Write events into the ring at FILE while the server runs, for the classroom page
    #[arg(long, value_name = "FILE", hide = true)]
    live: Option<PathBuf>,

    /// Print each event on stdout as a line of JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    web: WebArgs,

    #[command(flatten)]
    limits: LimitArgs,
}

/// With fewer open files than this, a server is full after some tens of connections.
const FEW_FILES: u64 = 64;
const MORE_FILES: Text = Text::new(
    "allow more in this shell: sudo prlimit --pid $$ --nofile=65536, or open a new shell if ulimit -n has lowered it \
     in this one",
    "在这个终端里放宽限制：sudo prlimit --pid $$ --nofile=65536；如果是在这个终端里用 ulimit -n 调低的，也可以新开一个终端",
);
/// "Too many open files".
const EMFILE: i32 = 24;

pub(crate) fn run(args: &Args) -> anyhow::Result<Verdict> {
    if let Some((twin, sheet)) = textbook::control(&args.model) {
        return control::run(args, twin, sheet);
    }
    // This comes first, because the process certainly has one thread here.
    let alone = Alone::claim()?;
    portlab_backends::log::set_lang(lang());
    let model = find(&args.model).context("clap let an unknown model pass")?;
    let service = build_service(args)?;
    check_hub(model.sheet(), args, service)?;
    check_obstacle(model.sheet())?;
    let files = match &*args.service {
        "http" => Some(args.web.files()?),
        service => args.web.check_unused(service).map(|()| None)?,
    };
    let addr = Purpose::SERVE.resolve(&args.bind)?[0];
    let workers = workers(args, model.sheet());
    if !args.json {
        warn_of_unused(args, model.sheet());
    }
    warn_of_few_files();
    args.limits.warn_of_few_maps(model.sheet());
    tally::begin().context(tr!("no memory for the counts", "没有内存用来计数"))?;
    tally::write_on_signal(args.json, args.stats).context(tr!(
        "can't install the handler of SIGUSR1 or the timer of --stats",
        "无法安装 SIGUSR1 的处理函数或 --stats 的定时器",
    ))?;
    log_few_panics();
    let drain = args.limits.drain;
    let stop = Stop::install(drain).with_context(args::uncaught)?;
    if io::stderr().is_terminal() {
        let drain = units::time(drain);
        let text = tr!(
            lang(),
            "stopping: open connections have {drain} to finish; Ctrl-C again ends the server now",
            "正在停止：还没结束的连接有 {drain} 时间收尾；再按一次 Ctrl-C 立即结束"
        );
        stop.announce(format!("\n{}\n", output::fitted(&text)));
    }
    let options = Options {
        listeners: model.sheet().listeners(workers),
        overflow: args.limits.overflow(),
        limits: args.limits.limits(model.sheet()),
        refusal: service.refusal(),
        files,
        ..Options::default()
    };
    timeline::show(args)?;
    let timeline = timeline::begin(args, model, workers, &stop)?;
    let door =
        Door::open(addr, options, workers, stop, alone).map_err(|it| remedy(it, "--bind"))?;
    let addr = door.addr()?;
    warn_if_wide(addr, "--bind");
    let mut limits = args.limits.json(model.sheet());
    if args.service == "http" {
        args.web.add_to(&mut limits);
    }
    announce(args, addr, door.workers, Some(limits))?;
    if !args.json {
        crate::tell!(
            "{}",
            args.limits.line(model.sheet(), &args.service, &args.web)
        );
    }
    let served = model.serve(door, service).map_err(unserved)?;
    sum_up(args, &served)?;
    if let Some(timeline) = timeline {
        timeline.finish()?;
    }
    Ok(Verdict::Fine)
}

/// Warns of a number of workers or threads that has no effect on the model of `sheet`.
fn warn_of_unused(args: &Args, sheet: &Sheet) {
    let has_pool = !matches!(sheet.workers, Workers::None | Workers::Runtime);
    let has_runtime = sheet.workers == Workers::Runtime;
    for (option, number, is_used) in [
        ("--workers", args.workers, has_pool),
        ("--runtime-threads", args.runtime_threads, has_runtime),
    ] {
        if let Some(number) = number.filter(|_| !is_used) {
            let name = sheet.name;
            crate::say!(
                "note: {option} {number} has no effect on {name}; see `portlab models {name}`",
                "提示：{option} {number} 对 {name} 不起作用；参见 `portlab models {name}`"
            );
        }
    }
}

/// Warns if so few files may be open that the server is soon full.
fn warn_of_few_files() {
    let open_files = portlab_sys::limits::raise_open_files();
    if open_files < FEW_FILES {
        let more = MORE_FILES;
        let more = more.pick(lang());
        crate::say!(
            "note: only {open_files} open files are allowed, and each connection takes one; {more}",
            "提示：只允许打开 {open_files} 个文件，而每个连接占一个；{more}"
        );
    }
}

/// Why a model didn't begin to serve.
fn unserved(error: io::Error) -> Text {
    let more = match error.raw_os_error() {
        Some(EMFILE) => MORE_FILES,
        _ => Text::new(
            "portlab doctor says what this machine allows",
            "portlab doctor 会说明这台机器的限制",
        ),
    };
    let Text { en, zh } = more;
    tr!(
        "the model could not begin to serve: {error}; {en}",
        "这个模型没能开始服务：{error:#}；{zh}"
    )
}

/// Prints how the server has ended.
fn sum_up(args: &Args, served: &Served) -> anyhow::Result<()> {
    let cut = served.cut;
    if args.json {
        let counts = format!("{{{}}}", tally::Line { as_json: true });
        let counts: Value = serde_json::from_str(&counts)?;
        let mut line = json!({"event": "stopped", "cut": cut, "connections": counts});
        if let Some(it) = served.mail {
            line["mail"] = json!({
                "delivered": it.delivered, "missed": it.missed, "members_dropped": it.dropped,
            });
        }
        return output::print_line(&line.to_string());
    }
    let drain = units::time(args.limits.drain);
    let line = match cut {
        0 => tr!(
            lang(),
            "stopped: all connections had ended",
            "已停止：所有连接都已结束"
        ),
        _ => tr!(
            lang(),
            "stopped: {cut} connections had not ended after {drain}, and were closed",
            "已停止：有 {cut} 个连接过了 {drain} 还没有结束，被强行关闭"
        ),
    };
    crate::tell!("{line}");
    // The same line as the handler of SIGUSR1 writes, for programs.
    crate::tell!("counts: {}", tally::Line { as_json: false });
    if let Some(Counts {
        delivered,
        missed,
        dropped,
    }) = served.mail
    {
        crate::say!(
            "mail: {delivered} delivered, {missed} missed, {dropped} members dropped",
            "消息：送达 {delivered} 条，丢失 {missed} 条，断开成员 {dropped} 个"
        );
    }
    Ok(())
}

const DEFAULT_MODEL: &str = "tasks";

/// How many workers `sheet`'s model is to have.
fn workers(args: &Args, sheet: &Sheet) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let asked = Asked {
        workers: args.workers.map(usize::from),
        runtime_threads: args.runtime_threads.map(usize::from),
    };
    sheet.workers(asked, cores)
}

/// Refuses a service with a hub on a model that has no place for a hub.
fn check_hub(sheet: &Sheet, args: &Args, service: &dyn Service) -> anyhow::Result<()> {
    if let (Err(why), Some(_)) = (&sheet.hub, service.hub()) {
        let (name, service) = (sheet.name, &args.service);
        bail!(tr!(
            "{name} can't serve {service}: {why}; try --model {DEFAULT_MODEL}",
            "{name} 不能提供 {service} 服务：{why:#}；可以改用 --model {DEFAULT_MODEL}"
        ));
    }
    Ok(())
}

/// Refuses a model that can't serve on this machine.
fn check_obstacle(sheet: &Sheet) -> anyhow::Result<()> {
    let name = sheet.name;
    match sheet.obstacle() {
        Some(why) => bail!(tr!(
            "{name} can't serve: {why}; or take another model, such as --model {DEFAULT_MODEL}",
            "{name} 无法提供服务：{why:#}；也可以换一个模型，例如 --model {DEFAULT_MODEL}"
        )),
        None => Ok(()),
    }
}

/// Makes the service, and leaks it, because the process serves it until its end.
fn build_service(args: &Args) -> anyhow::Result<&'static dyn Service> {
    let options = ServiceOptions {
        reply: args.reply.clone(),
        encoding: args.encoding,
        work: args.work,
        chat: args.limits.chat(),
        http: args.web.http(args.encoding)?,
    };
    Ok(Box::leak(options.build(&args.service)?))
}

/// Prints where the server listens.
fn announce(
    args: &Args,
    addr: SocketAddr,
    workers: usize,
    limits: Option<Value>,
) -> anyhow::Result<()> {
    let Args { model, service, .. } = args;
    if args.json {
        let mut line = json!({
            "event": "listening",
            "addr": addr.to_string(),
            "pid": std::process::id(),
            "model": model,
            "service": service,
            "workers": workers,
        });
        if let Some(limits) = limits {
            line["limits"] = limits;
        }
        return output::print_line(&line.to_string());
    }
    let mut line = format!("listening on {addr}  model {model}, service {service}");
    match &**service {
        "echo" => {}
        "http" => line += &format!(": http://{addr}/"),
        _ => line += &format!(" in {}", args.encoding.name()),
    }
    if args.work != HandlerWork::Work(Work::None) {
        line += &format!(", work {}", args.work);
    }
    output::print_line(&line)
}

/// Makes a panic of a handler one line of the server's log, which has at most one line a second. `RUST_BACKTRACE` changes
/// nothing.
fn log_few_panics() {
    panic::set_hook(Box::new(|panic| {
        if tally::may_log() {
            let text = panic.payload_as_str().unwrap_or("without a message");
            let place = panic
                .location()
                .map_or_else(String::new, ToString::to_string);
            crate::say!(
                "portlab: a handler panicked at {place}: {text}",
                "portlab：处理函数在 {place} panic：{text}"
            );
        }
    }));
}

/// Why `error` keeps a server from listening at the value of `option`, and what can be done about it.
pub(crate) fn remedy(error: BindError, option: &str) -> Text {
    remedy_with(error, option, 0)
}

/// The same, with a port that is likely to be free.
pub(crate) fn remedy_with(error: BindError, option: &str, port: u16) -> Text {
    let Text { en, zh } = error.text();
    match &error {
        BindError::InUse(addr, holder) => {
            let free = SocketAddr::new(addr.ip(), port);
            // Without a listener, connections of an earlier server keep the port in use.
            let left = Snapshot::take().ok().filter(|_| holder.is_none());
            let left = left.and_then(|it| Leftovers::at(addr.port(), Some(addr.ip()), &it));
            let left = left.map_or(Text::new("", ""), |it| {
                let left = it.tell();
                tr!(": {left}", "：{left:#}")
            });
            tr!(
                "{en}{left}; try {option} {free}",
                "{zh}{left:#}；可以改用 {option} {free}"
            )
        }
        BindError::Privileged(addr) => {
            let free = SocketAddr::new(addr.ip(), port);
            tr!(
                "{en}; try {option} {free}",
                "{zh}；可以改用 {option} {free}"
            )
        }
        BindError::Other(..) => tr!(
            "{en}; {option} takes an address of this machine",
            "{zh}；{option} 要写本机的地址"
        ),
    }
}
