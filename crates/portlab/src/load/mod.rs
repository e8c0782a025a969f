//! `portlab load`: load a port, and measure it.

mod chat;
#[cfg(test)]
mod claims_tests;
mod command;
mod files;
mod files_of_rates;
mod find;
mod http;
mod json;
mod ladder;
mod limits;
mod lines;
mod messages;
mod openmetrics;
mod plan;
mod problems;
#[cfg(test)]
mod refusal_tests;
#[cfg(feature = "tui")]
mod screen;
#[cfg(not(feature = "tui"))]
mod screen {
    /// Returns `None`: this build has no live screen.
    pub(super) fn open(_plan: &super::Plan) -> Option<Box<dyn super::show::Live>> {
        None
    }
}
mod self_test;
mod show;
mod step;
mod steps;
mod target;
mod text;
mod through;
mod tls;
mod words;

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, bail};
use clap::builder::BoolishValueParser;
use portlab_load::{
    Arrivals, Expect, Expectation, Limits, Metrics, Parts, Plan, ThinkTime, preflight,
};
use portlab_service::TextEncoding;

use crate::{
    Verdict,
    args::{self, WARN},
    output,
};
pub(crate) use chat::chat_encodings;
use portlab_words::{Text, units};
use problems::{report_problems, why_it_ended, why_not_connected};
pub(crate) use self_test::{KnownArgs, serve_known};
pub(crate) use show::interrupt_flag;

/// Load a port (TCP, HTTP, TLS, UDP, Unix) and measure it, checking the answers
// clap passes negative numbers on, and the options' parsers refuse them with the remedy.
#[derive(Debug, clap::Args)]
#[command(
    allow_negative_numbers = true,
    after_help = "\
Examples:
  portlab load 127.0.0.1:9090
  portlab load localhost:7 --connections 1000 --duration 30s --size 4KiB
  portlab load 127.0.0.1:6379 --text 'PING\\r\\n' --expect 'lines:1&starts:+PONG'
  portlab load http://127.0.0.1:8080/ --connections 50 --html load.html
  portlab load https://localhost:8443/ --ca root.pem --expect contains:welcome
  portlab load udp://127.0.0.1:5353 --rate 1k --size 512
  portlab load 127.0.0.1:25 --dialogue mail.txt
  portlab load 127.0.0.1:9090 --script chat --connections 50 --rooms 5
  portlab load 127.0.0.1:9090 --rate 10k --arrivals poisson
  portlab load 127.0.0.1:9090 --rate 5k --fail-if 'p99>5ms' --fail-if 'errors>0'
  portlab load 127.0.0.1:9090 --rate 1k..20k --steps 6
  portlab load 127.0.0.1:9090 --find 'p99<10ms'
  portlab load --self-test

Ctrl-C ends the run, prints what was measured so far, and exits with 0 unless an
answer was wrong or an error. A second Ctrl-C ends it at once, without a result.
In a ladder (--rate A..B), which loads a server up to overload, missing answers
leave the exit code at 0; wrong answers and errors make it 1.
An answer that is an error by its own protocol (HTTP 404, -ERR, 550) is an
error, unless --any-answer is given.
docs/load.md has ten tasks, and docs/load-reference.md every figure.
Exit codes: 0 fine, 1 errors, wrong answers or missing ones, 2 could not run."
)]
pub(crate) struct Args {
    /// What to load: HOST:PORT, or a port of this machine, 8080; a URL, http://... or
    /// https://...; udp://HOST:PORT; unix:/path, a socket in the file system, or
    /// unix:@name in the abstract namespace. Connections are spread evenly over several
    /// targets
    #[arg(value_name = "ADDR", required_unless_present_any = ["self_test", "json_schema"])]
    targets: Vec<String>,

    #[command(flatten)]
    pace: PaceArgs,
    #[command(flatten)]
    stop: StopArgs,
    #[command(flatten)]
    connections: ConnectionArgs,
    #[command(flatten)]
    script: ScriptArgs,
    #[command(flatten)]
    http: http::HttpArgs,
    #[command(flatten)]
    tls: tls::TlsArgs,
    #[command(flatten)]
    limits: limits::LimitArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// When messages are sent.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Pace")]
struct PaceArgs {
    /// Messages per second in all, even if the server answers more slowly (open loop);
    /// or a range of rates to try in turn, 1k..20k. Without it, each connection sends
    /// its next message when an answer has arrived (closed loop)
    #[arg(long, short, value_name = "RATE", value_parser = plan::rates)]
    rate: Option<plan::Rates>,

    /// How many rates of the range are tried, each for --duration [default: 6]
    #[arg(long, value_name = "N", requires = "rate")]
    #[arg(value_parser = args::whole(2..=100_u8))]
    steps: Option<u8>,

    /// How the messages of an open loop are spread: uniform or poisson
    /// [default: uniform]
    #[arg(long, value_name = "KIND")]
    arrivals: Option<Arrivals>,

    /// Messages that each connection has in flight: always in a closed loop,
    /// at most in an open one
    #[arg(long, value_name = "N", default_value = "1", value_parser = units::count("1", "65536"))]
    depth: u64,

    /// Send nothing: hold the connections, and check that they stay open
    #[arg(long, conflicts_with_all = ["rate", "messages", "depth"])]
    #[arg(conflicts_with_all = ["message", "expect", "per_connection", "trickle", "slow_reader"])]
    #[arg(conflicts_with_all = ["lines", "dialogue", "think"])]
    #[arg(conflicts_with = "any_answer")]
    idle: bool,

    /// Poll all the time instead of sleeping: latencies are more accurate, and each
    /// thread takes a core
    #[arg(long)]
    spin: bool,

    /// The seed of random lengths and arrivals
    #[arg(long, value_name = "N", default_value = "1", value_parser = args::whole(0..=u64::MAX))]
    seed: u64,
}

/// When the run ends.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "End (the first of these, or Ctrl-C)")]
struct StopArgs {
    /// How long to measure, after the warm-up [default: 10s without --messages]
    #[arg(long, short, value_name = "TIME", value_parser = units::duration("1ms", "7d"))]
    duration: Option<Duration>,

    /// Measure this many messages, from the first one on (-n as in ab)
    #[arg(long, short = 'n', value_name = "N", value_parser = units::count("1", "1T"))]
    messages: Option<u64>,

    /// End as soon as there are more errors than this
    #[arg(long, value_name = "N", value_parser = units::count("0", "1T"))]
    max_errors: Option<u64>,

    /// Load before measuring [default: a tenth of the duration, at most 1s]
    #[arg(long, value_name = "TIME", value_parser = units::duration("0s", "1h"))]
    warmup: Option<Duration>,
}

/// What is sent.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Messages and answers")]
struct ScriptArgs {
    /// Send this text, with the escapes \r \n \t \0 \\ \x41 and the placeholders {seq}
    /// (number of the message), {conn} (of the connection), {rand:8} (eight random
    /// letters) and {line} (of --lines); {{seq}} is sent as {seq}
    #[arg(long, value_name = "TEXT", group = "message")]
    text: Option<String>,

    /// The length of a message of random bytes, or a range, 16..1KiB, to draw
    /// it from [default: 64]
    #[arg(long, short, value_name = "BYTES", value_parser = plan::sizes, group = "message")]
    size: Option<plan::Sizes>,

    /// Where the answer ends: echo, bytes:N, until:"\r\n", lines:N, close (when the
    /// server closes), datagram (any one, over UDP), or none; and what it contains, each joined by &: starts:TEXT,
    /// contains:TEXT, match:REGEX, not:TEXT (write \& for an & in a text)
    #[arg(long, value_name = "WHAT")]
    expect: Option<Expectation>,

    /// What the server sends first: until:"\r\n", lines:N or bytes:N, with conditions
    /// as for --expect
    #[arg(long, value_name = "WHAT")]
    greeting: Option<Expect>,

    /// Count every answer as fine, even one that is an error in its protocol: an HTTP
    /// status from 400 on, -ERR of Redis, a 4xx or 5xx reply of SMTP or FTP
    #[arg(long)]
    any_answer: bool,

    /// The encoding of --text and --dialogue, and of the texts and answers of --expect and
    /// --greeting; the bytes of --lines are sent as they are
    #[arg(long, value_name = "LABEL", default_value = "utf-8")]
    encoding: TextEncoding,

    /// Send the contents of this file
    #[arg(long, value_name = "FILE", group = "message")]
    payload: Option<PathBuf>,

    /// Send these bytes, as in "50 49 4e 47 0d0a"
    #[arg(long, value_name = "BYTES", group = "message")]
    hex: Option<String>,

    /// Send the lines of this file, one in each message, in turn over all connections;
    /// after the last, again the first. Without --text, a message is '{line}\n'
    #[arg(long, value_name = "FILE", conflicts_with_all = ["size", "payload", "hex"])]
    lines: Option<PathBuf>,

    /// Take the lines of --lines in a random order, by --seed
    #[arg(long, requires = "lines")]
    shuffle: bool,

    /// Go through the steps of this file on each connection: lines of say TEXT, expect
    /// WHAT, think TIME, repeat N ... end (docs/load-reference.md has the grammar). After the last
    /// step the connection is closed, and another takes its place
    #[arg(long, value_name = "FILE", conflicts_with_all = ["message", "expect", "greeting", "think"])]
    dialogue: Option<PathBuf>,

    /// Pause between an answer and the next message of a connection: a time, or a range
    /// to draw it from, 10ms..50ms
    #[arg(long, value_name = "TIME", conflicts_with_all = ["rate", "find"])]
    think: Option<ThinkTime>,

    /// Read at most this many bytes per second on each connection
    #[arg(long, value_name = "BYTES", value_parser = units::size("1", "1TiB"))]
    slow_reader: Option<usize>,

    /// Send one byte at a time, at this interval; 10ms if no TIME is given
    #[arg(long, value_name = "TIME", value_parser = units::duration("0s", "1h"))]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "10ms")]
    trickle: Option<Duration>,

    /// chat: load a chat server of portlab; the connections are members, which send
    /// messages to their --rooms and must receive all messages of the others
    #[arg(long, value_name = "NAME", value_parser = ["chat"], conflicts_with_all = [
        "idle", "text", "payload", "hex", "expect", "greeting", "slow_reader", "any_answer",
        "trickle", "threads", "lines", "dialogue", "think",
    ])]
    script: Option<String>,

    /// How many rooms the members of a chat are in
    #[arg(long, value_name = "N", default_value = "1", value_parser = units::count("1", "1M"), requires = "script")]
    rooms: u64,

    /// The encodings of a chat's members, in turn: utf-8,gbk
    #[arg(long, value_name = "LABELS", value_delimiter = ',')]
    #[arg(requires = "script")]
    #[arg(conflicts_with = "encoding")]
    encodings: Vec<TextEncoding>,
}

/// How connections come and go.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Connections")]
struct ConnectionArgs {
    /// How many connections to hold
    #[arg(long, short, value_name = "N", default_value = "100", value_parser = units::count("1", "1M"))]
    connections: u64,

    /// Open them over this time, evenly
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = units::duration("0s", "1h"))]
    ramp: Duration,

    /// Close a connection after this many answers, and open another (churn)
    #[arg(long, value_name = "N", value_parser = units::count("1", "1T"))]
    per_connection: Option<u64>,

    /// Make a connection again that the server closes, and report how long the port was
    /// away; without it the run ends when all connections are closed
    #[arg(long, value_name = "YES|NO", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "yes", value_parser = BoolishValueParser::new())]
    #[arg(hide_possible_values = true)]
    #[arg(conflicts_with = "script")]
    reconnect: Option<bool>,

    /// Close connections by a reset instead of a FIN
    #[arg(long)]
    reset: bool,

    /// Local addresses to connect from, in turn; auto takes as many addresses of
    /// loopback as needed
    #[arg(long, value_name = "ADDRS", value_parser = plan::sources)]
    source: Option<plan::Sources>,

    /// How long connecting may take
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = units::duration("1ms", "1h"))]
    connect_timeout: Duration,

    /// How long an answer may take before its connection is given up
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = units::duration("1ms", "1h"))]
    timeout: Duration,

    /// Load through a proxy that makes faults, such as
    /// latency=50ms,slicer=down:10,1ms (portlab proxy --help lists all)
    #[arg(long, value_name = "FAULTS", value_parser = through::faults)]
    through: Option<through::Faults>,

    /// Threads that generate the load. As in wrk, -t is their number; in ab it is a time,
    /// which is --duration here
    #[arg(long, short = 't', value_name = "N", default_value = "1", value_parser = plan::threads)]
    threads: u64,
}

/// What is printed, and written to files.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
struct OutputArgs {
    /// Print the result as JSON (docs/load.schema.json)
    #[arg(long)]
    json: bool,

    #[cfg_attr(feature = "tui", doc = "No live screen: a line a second on stderr")]
    #[cfg_attr(
        not(feature = "tui"),
        doc = "A line a second on stderr; the live screen needs a build with --features tui"
    )]
    #[arg(long)]
    plain: bool,

    /// Write the percentiles of the latency, as HdrHistogram's tools do; with several
    /// rates a file for each, with the rate in its name
    #[arg(long, value_name = "FILE")]
    hgrm: Option<PathBuf>,

    /// Write a histogram for every second, in HdrHistogram's log format
    #[arg(long, value_name = "FILE")]
    hlog: Option<PathBuf>,

    /// Write a line of figures for every second; with several rates, for every run
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,

    /// Show the figures to Prometheus during the run: rewrite this file each second, for
    /// node_exporter, or answer GET /metrics on this port, 9091 or ADDR:9091
    #[arg(long, value_name = "WHERE", value_parser = openmetrics::To::read)]
    openmetrics: Option<openmetrics::To>,

    /// Write a page with charts, for a browser; portlab report makes the same from
    /// the JSON
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,

    /// Print the schema of --json (docs/load.schema.json)
    #[arg(long, exclusive = true)]
    json_schema: bool,

    /// Load servers of known behaviour, and check the figures (within a minute)
    #[arg(long, conflicts_with_all = [
        "targets", "rate", "steps", "arrivals", "depth", "idle", "spin", "seed",
        "duration", "messages", "max_errors", "warmup",
        "method", "header", "request_body", "unix_socket", "expect_status",
        "script", "rooms", "encodings", "message", "encoding", "expect", "any_answer", "greeting", "slow_reader", "trickle",
        "lines", "shuffle", "dialogue", "think",
        "connections", "ramp", "per_connection", "reconnect", "reset", "source", "connect_timeout", "timeout",
        "through", "threads", "tls", "sni", "ca", "cert", "key", "insecure", "alpn", "tls_resumption",
        "fail_if", "find", "plain", "hgrm", "hlog", "csv", "html", "openmetrics",
    ])]
    self_test: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Verdict> {
    if args.output.json_schema {
        output::print_json(&json::schema())?;
        return Ok(Verdict::Fine);
    }
    if args.output.self_test {
        return self_test::run(args.output.json);
    }
    files::refuse_the_same_twice(&args.output)?;
    let mut plan = plan::plan(args)?;
    plan.check()?;
    self::limits::check(&args.limits.fail_if, &plan)?;
    self::limits::check(&args.limits.find(), &plan)?;
    let limits = Limits::of_this_machine();
    // The highest rate of a ladder needs the most ports.
    let mut most = plan::at_the_highest_rate(&plan, args);
    plan.life.sources = plan::sources_for(&most, args, &limits)?;
    plan.check()?;
    most.life.sources.clone_from(&plan.life.sources);
    let warnings = preflight(&most, &limits);
    let lang = args::lang();
    for warning in &warnings {
        words::say(WARN, lang.pick("note:", "提示："), warning.pick(lang));
    }
    let faults = args.connections.through.as_ref();
    let proxy = through::Proxy::start(faults, &plan)?;
    plan.through = proxy.as_ref().map(|it| it.through.clone());
    let export = args.output.openmetrics.as_ref();
    let export = export.map(openmetrics::Export::start).transpose()?;
    let metrics = export.as_ref().map(|it| it.metrics.clone());
    let find = args.limits.find();
    let verdict = match &args.pace.rate {
        _ if !find.is_empty() => find::run(args, &plan, &find, &warnings, metrics),
        Some(rates) if rates.is_range() => ladder::run(args, &plan, *rates, &warnings, metrics),
        _ => once(args, &plan, &warnings, metrics),
    };
    let exported = export.map_or(Ok(()), openmetrics::Export::finish);
    proxy.map_or(Ok(()), through::Proxy::end)?;
    let verdict = verdict?;
    exported?;
    Ok(verdict)
}

/// One run: shows its progress, and prints its result.
fn once(
    args: &Args,
    plan: &Plan,
    warnings: &[Text],
    metrics: Option<Metrics>,
) -> anyhow::Result<Verdict> {
    let lang = args::lang();
    let files = files::Files::create(&args.output)?;
    let limits = &args.limits.fail_if;
    let mut show = show::Show::new(plan, "", files, args.output.plain, interrupt_flag()?);
    show.parts = (!limits.is_empty()).then(Parts::default);
    show.export_to(metrics.as_ref(), plan);
    let outcome = portlab_load::run(plan, &mut show);
    let parts = show.parts.take().unwrap_or_default();
    let files = show.finish();
    let result = words::result(plan, outcome?, warnings).judged(limits, &parts);
    if let Some(metrics) = &metrics {
        metrics.end_run();
    }
    if let Some(why) = why_not_connected(&result) {
        bail!(why);
    }
    // The files are finished first: a reader of stdout may close it. If a file can't be written, the
    // result is printed all the same.
    let written = files.and_then(|files| files.finish(&result));
    let printed = if args.output.json {
        // The JSON on stdout is for programs; the reasons on stderr are for people.
        if let Some(why) = why_it_ended(&result) {
            words::say(args::BAD, lang.pick("closed:", "已关闭："), why.pick(lang));
        }
        self::limits::report_failed(&result, lang);
        output::print_json(&result)
    } else {
        output::print(&text::of_run(&result, args::terminal_width(), lang))
    };
    printed.with_context(output::unwritten)?;
    report_problems(&result, lang);
    written?;
    Ok(match result.is_fine() {
        true => Verdict::Fine,
        false => Verdict::Failed,
    })
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, Command};

    use super::Args;

    #[test]
    fn a_self_test_takes_no_option_that_it_would_ignore() {
        let mut command = Args::augment_args(Command::new("load"));
        command.build();
        let by_name = |name: &str| command.get_arguments().find(|arg| arg.get_id() == name);
        let conflicts = command.get_arg_conflicts_with(by_name("self_test").unwrap());
        for arg in command.get_arguments() {
            let heeded = ["self_test", "json", "help"].contains(&arg.get_id().as_str());
            let excluded = arg.is_exclusive_set() || conflicts.contains(&arg);
            assert_eq!(heeded, !excluded, "{}", arg.get_id());
        }
    }
}
