//! The load generator: drives any TCP port at a pace and by a script, checks what comes back, and
//! reports whether its own figures can be believed.
//!
//! ```
//! use std::{io::{Read, Write}, net::TcpListener, thread};
//! use portlab_load::{LoadResult, Plan, Stop, run};
//!
//! // A server for one connection.
//! let listener = TcpListener::bind("127.0.0.1:0")?;
//! let addr = listener.local_addr()?;
//! thread::spawn(move || -> std::io::Result<()> {
//!     let (mut stream, _) = listener.accept()?;
//!     let mut buffer = [0; 4096];
//!     while let length @ 1.. = stream.read(&mut buffer)? {
//!         stream.write_all(&buffer[..length])?;
//!     }
//!     Ok(())
//! });
//!
//! let plan = Plan { stop: Stop::messages(100), ..Plan::new(addr) };
//! let outcome = run(&plan, &mut ())?;
//! assert!(outcome.is_clean());
//! let result = LoadResult::of(&plan, outcome, &[]);
//! assert_eq!((result.messages, result.checked), (100, "every_byte"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A run is `stop x pace x script` over some connections. Each thread has one loop, made of independent parts:
//!
//! | module | owns |
//! |---|---|
//! | `plan`, `pace`, `target`, `script`, `expect` | the plan: when the run ends, when messages are sent, where to, what is sent, what counts as an answer |
//! | `run`, `coordinator`, `stage` | a run from its plan to its outcome; the stages, in step over all threads |
//! | `worker`, `dial`, `dialling`, `securing`, `dispatch`, `close_all`, `leaving`, `timers`, `again` | one thread's loop: readiness, connections, messages that are due, timers |
//! | `program`, `template`, `lines`, `hex` | scripts of several steps, such as a dialogue file; messages that differ: templates, and lines of a file |
//! | `http` | HTTP/1.1: requests, and where answers end |
//! | `stream`, `tls` | the bytes of a connection, whatever carries them; their encryption |
//! | `dialogue` | the trait between a worker and a script; `conn` and `requests` send requests, `udp` sends datagrams, `chat` has members in rooms |
//! | `thread_state`, `stats`, `interval_merger` | what a thread's connections share; what a thread counts; intervals over all threads |
//! | `ring`, `answers`, `status`, `endings`, `outages`, `decoding`, `shown` | checking an echo; what answers begin with; errors by protocol; closed connections, and when none could be made; servers that decode text |
//! | `latency`, `tally`, `by_target`, `fairness`, `stall` | histograms, errors, figures of each target, how evenly connections were served, time without a processor |
//! | `outcome`, `time_series`, `checked`, `credibility`, `result`, `record`, `one_line` | what was measured, and when; how far answers were checked; whether it can be believed; all of it for people and programs |
//! | `limits` | limits that a run must meet, each with its verdict and interval |
//! | `preflight`, `export`, `openmetrics` | warnings before the run; histograms for HdrHistogram's tools; figures for Prometheus while it lasts |
//! | `knee`, `search` | a ladder of rates, and the knee of latency against load; the highest rate that a server handles |

#![forbid(unsafe_code)]

mod again;
mod answers;
mod by_target;
mod chat;
mod checked;
mod close_all;
mod conn;
mod coordinator;
mod credibility;
mod decoding;
mod dial;
mod dialling;
mod dialogue;
mod dispatch;
mod endings;
mod expect;
mod export;
mod fitting;
#[doc(hidden)]
pub mod fuzz;
mod hex;
mod http;
mod interval_merger;
mod knee;
mod latency;
mod leaving;
mod limits;
mod lines;
mod openmetrics;
mod outages;
mod outcome;
mod pace;
mod plan;
mod preflight;
mod program;
mod record;
mod requests;
mod result;
mod ring;
mod run;
mod script;
mod search;
mod securing;
mod shown;
mod stage;
mod stall;
mod stats;
mod status;
mod stream;
mod sync;
mod tally;
mod target;
mod template;
mod thread_state;
mod time_series;
mod timers;
mod tls;
mod udp;
mod worker;

pub use answers::Answers;
pub(crate) use answers::FirstLine;
pub use by_target::TargetFigures;
pub use chat::{Chat, ChatEncoding, ChatFindings, RunId};
pub use checked::Checked;
pub use credibility::{Caution, CautionKind, Judgement};
pub use endings::Endings;
pub(crate) use expect::Judge;
pub use expect::{Conditions, Expect, Expectation, Framing, Unmet, WrongAnswer, unescape};
pub use export::{IntervalLog, write_percentiles};
pub use hex::bytes_of_hex;
pub use http::{Figures, Header, Http, HttpFault, Method, Request, Statuses, Url};
pub use knee::{Knee, KneeEstimate, Rung, knee, rungs};
pub use latency::Latency;
pub use limits::{Condition, LimitResult, Parts, Unit};
pub use lines::Lines;
pub use openmetrics::{Exporter, Metrics};
pub use outages::Outages;
pub use outcome::{Interval, Outcome};
pub use pace::{Arrivals, Pace};
pub use plan::{Life, Plan, PlanError, Stop, Through};
pub use portlab_stats::load::{Ended, Fairness};
pub use preflight::{Limits, loopback_sources, preflight};
pub use program::{Exchange, Exchanges, Fault, MOST_BYTES as MOST_DIALOGUE, Program, ThinkTime};
pub use record::{Details, Origin};
pub use result::{ChatResult, Closed, FailureLine, LoadResult};
pub(crate) use result::{all_english, english};
pub use ring::{Mismatch, Ring};
pub use run::{Progress, RunError, Watch, run};
pub use script::{ClientBehaviour, Payload, Script};
pub use search::{Finding, Goal, Highest, Limit, Missed, Search, Shown, Trial};
pub use shown::Sample;
pub use status::ErrorAnswer;
pub use tally::{Cause, Failure, LONGEST_LINE, Phase, Tally};
pub use target::Target;
pub use template::Template;
pub use time_series::TimeSeries;
pub use tls::{Pem, Tls, TlsFault, TlsOptions};
pub use udp::Datagrams;
