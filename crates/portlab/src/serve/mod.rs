//! `portlab serve`: one service, one model, one port.

mod limits;
mod timeline;

use std::{
    io::{self, IsTerminal, Write},
    panic,
    path::PathBuf,
    time::Duration,
};

use anyhow::{Context, bail};
use portlab_backends::{Alone, Asked, BindError, Counts, Door, Options, Sheet, Stop, find, tally};
use portlab_ports::{Leftovers, Snapshot};
use portlab_service::{HandlerWork, Service, ServiceOptions, TextEncoding, Work};
use portlab_words::{Lang, units};
use serde_json::json;

use self::limits::LimitArgs;
use crate::{
    Verdict,
    address::{Purpose, warn_if_wide},
    args, output,
};

/// Serve a protocol on a port through a concurrency model
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  portlab serve --model threads
  portlab serve --model event-loop --work block:5ms
  portlab serve --model loop-pool --work cpu:2ms --trace trace.json
  portlab serve --service reply --reply 你好 --encoding gbk --bind 127.0.0.1:8080

SIGINT (Ctrl-C), SIGTERM or SIGHUP drains and exits 0; a second SIGINT or SIGTERM
ends it at once.")]
pub(crate) struct Args {
    /// The concurrency model (`portlab models` lists them)
    #[arg(
        long,
        value_name = "NAME",
        default_value = "tasks",
        hide_possible_values = true
    )]
    #[arg(value_parser = args::server_parser())]
    model: String,

    /// What is said on the port
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
    #[arg(long, value_name = "WORK", default_value = "none", value_parser = args::work)]
    work: HandlerWork,

    /// The text that `reply` answers with
    #[arg(long, value_name = "TEXT", default_value = "hello")]
    reply: String,

    /// The encoding that texts are sent in
    #[arg(long, value_name = "NAME", default_value = "utf-8")]
    encoding: TextEncoding,

    /// Say how many connections there were, and what became of them, every so often;
    /// SIGUSR1 asks for it once
    #[arg(long, value_name = "TIME", value_parser = units::duration("10ms", "1d"))]
    stats: Option<Duration>,

    /// Record a timeline of accept, read, handle, write and wait, and write it to
    /// FILE at the end, for ui.perfetto.dev or vizviewer
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,

    /// The most events that a trace holds, 32 bytes of memory each
    #[arg(long, value_name = "N", default_value = "1M", value_parser = units::count("1", "100M"))]
    trace_events: u64,

    /// Say on stdout in JSON, a line each, what happens
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    limits: LimitArgs,
}

/// With so few a server is full after some tens of connections.
const FEW_FILES: u64 = 64;
const MORE_FILES: &str = "allow more in this shell: sudo prlimit --pid $$ --nofile=65536, or open a new shell if \
     ulimit -n has lowered it in this one";
/// "Too many open files".
const EMFILE: i32 = 24;

pub(crate) fn run(args: &Args) -> anyhow::Result<Verdict> {
    // First of all, while this is certainly the only thread.
    let alone = Alone::claim()?;
    let model = find(&args.model).context("clap let an unknown model pass")?;
    let service = build_service(args)?;
    check_hub(model.sheet(), args, service)?;
    let addr = Purpose::SERVE.resolve(&args.bind)?[0];
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let asked = Asked {
        workers: args.workers.map(usize::from),
        runtime_threads: args.runtime_threads.map(usize::from),
    };
    let workers = model.sheet().workers(asked, cores);
    let open_files = portlab_sys::limits::raise_open_files();
    if open_files < FEW_FILES {
        crate::tell!(
            "note: only {open_files} open files are allowed, and each connection takes one; {MORE_FILES}"
        );
    }

    tally::begin().context("no memory for the counts")?;
    tally::write_on_signal(args.json, args.stats)
        .context("can't install the handler of SIGUSR1 or the timer of --stats")?;
    log_few_panics();
    let stop = Stop::install(args.limits.drain).context("can't catch SIGINT and SIGTERM")?;
    if io::stderr().is_terminal() {
        let drain = units::time(args.limits.drain);
        stop.announce(format!(
            "\nstopping; whoever is talking has {drain}, Ctrl-C again ends it now\n"
        ));
    }
    let options = Options {
        overflow: args.limits.overflow(),
        limits: args.limits.limits(model.sheet()),
        refusal: service.refusal(),
        ..Options::default()
    };
    let timeline = timeline::begin(args, model, workers, &stop)?;
    let door = Door::open(addr, options, workers, stop, alone).map_err(remedy)?;
    warn_if_wide(door.addr()?);
    announce(args, &door, model.sheet())?;
    let served = model
        .serve(door, service)
        .map_err(|error| match error.raw_os_error() {
            Some(EMFILE) => {
                anyhow::anyhow!("the model could not begin to serve: {error}; {MORE_FILES}")
            }
            _ => anyhow::Error::new(error).context("the model could not begin to serve"),
        })?;
    if args.json {
        let counts = format!("{{{}}}", tally::Line { as_json: true });
        let counts: serde_json::Value = serde_json::from_str(&counts)?;
        let mut line = json!({"event": "stopped", "cut": served.cut, "connections": counts});
        if let Some(Counts {
            delivered,
            missed,
            dropped,
        }) = served.mail
        {
            line["mail"] =
                json!({"delivered": delivered, "missed": missed, "members_dropped": dropped});
        }
        say(&line.to_string())?;
    } else {
        let drain = units::time(args.limits.drain);
        let line = match served.cut {
            0 => "stopped: everybody had finished".to_owned(),
            cut => format!("stopped: cut off {cut} that had not finished after {drain}"),
        };
        crate::tell!("{line}");
        crate::tell!("counts: {}", tally::Line { as_json: false });
        if let Some(Counts {
            delivered,
            missed,
            dropped,
        }) = served.mail
        {
            crate::tell!("mail: {delivered} delivered, {missed} missed, {dropped} members dropped");
        }
    }
    if let Some(timeline) = timeline {
        timeline.finish()?;
    }
    Ok(Verdict::Fine)
}

/// A service whose connections share something needs a place for it.
fn check_hub(sheet: &Sheet, args: &Args, service: &dyn Service) -> anyhow::Result<()> {
    match (sheet.hub, service.hub()) {
        (Err(why), Some(_)) => bail!(
            "{} can't serve {}: {why}; try --model threads",
            sheet.name,
            args.service
        ),
        _ => Ok(()),
    }
}

/// Makes the service and leaks it: it is served for as long as the process lives.
fn build_service(args: &Args) -> anyhow::Result<&'static dyn Service> {
    let options = ServiceOptions {
        reply: args.reply.clone(),
        encoding: args.encoding,
        work: args.work,
        chat: args.limits.chat(),
    };
    Ok(Box::leak(options.build(&args.service)?))
}

fn announce(args: &Args, door: &Door, sheet: &Sheet) -> anyhow::Result<()> {
    let addr = door.addr()?;
    let Args { model, service, .. } = args;
    if args.json {
        let pid = std::process::id();
        let line = json!({
            "event": "listening",
            "addr": addr.to_string(),
            "pid": pid,
            "model": model,
            "service": service,
            "workers": door.workers,
            "limits": args.limits.json(sheet),
        });
        return say(&line.to_string());
    }
    let mut line = format!("listening on {addr}  model {model}, service {service}");
    if service != "echo" {
        line += &format!(" in {}", args.encoding.name());
    }
    if args.work != HandlerWork::Work(Work::None) {
        line += &format!(", work {}", args.work);
    }
    say(&line)?;
    crate::tell!("{}", args.limits.line(sheet, service == "chat"));
    Ok(())
}

/// A panic of a handler is a line of the server's log, of which there is one a second. `RUST_BACKTRACE` changes
/// nothing.
fn log_few_panics() {
    panic::set_hook(Box::new(|panic| {
        if tally::may_log() {
            let text = panic.payload_as_str().unwrap_or("without a message");
            let place = panic
                .location()
                .map_or_else(String::new, ToString::to_string);
            crate::tell!("portlab: a handler panicked at {place}: {text}");
        }
    }));
}

fn say(line: &str) -> anyhow::Result<()> {
    let mut stdout = output::raw_stdout();
    writeln!(stdout, "{line}")?;
    stdout.flush()?;
    Ok(())
}

/// Adds to a refusal what can be done about it.
pub(crate) fn remedy(error: BindError) -> anyhow::Error {
    let hint = match &error {
        BindError::InUse { addr, holder: None } => {
            let free = std::net::SocketAddr::new(addr.ip(), 0);
            // Nobody may be listening: connections of an earlier server are enough.
            let left = Snapshot::take().ok();
            let left = left.and_then(|it| Leftovers::at(addr.port(), Some(addr.ip()), &it));
            let left = left.map_or_else(String::new, |it| format!(": {}", it.tell(Lang::En)));
            format!("{error}{left}; try --bind {free}")
        }
        BindError::InUse { addr, .. } | BindError::Privileged(addr) => {
            let free = std::net::SocketAddr::new(addr.ip(), 0);
            format!("{error}; try --bind {free}")
        }
        BindError::Other { .. } => format!("{error}; --bind takes an address of this machine"),
    };
    anyhow::Error::msg(hint)
}
