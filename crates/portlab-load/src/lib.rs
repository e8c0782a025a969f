//! The load generator: drives any TCP port at a pace and by a script, checks what comes back, and
//! says whether its own figures can be believed.
//!
//! A run is `stop x pace x script`, over some connections: one loop per thread ([`run`] starts
//! them), made of parts that don't know each other:
//!
//! | module | owns |
//! |---|---|
//! | `account` | what became of the messages, and how far answers were checked |
//! | `again` | connections that still have something to read |
//! | `answers` | what answers begin with |
//! | `status` | answers that are errors by their own protocol |
//! | `endings` | connections that the server ended |
//! | `shown` | bytes from outside as text |
//! | `chat` | loading a chat: members, what they hear, and whether it is right |
//! | `plan` | what is to be done: [`Plan`], [`Stop`], [`Life`] |
//! | `pace` | when messages are sent: closed loop, open loop, not at all |
//! | `script` | what is said, and how the client behaves |
//! | `expect` | what counts as an answer, and where it ends |
//! | `ring` | the bytes that are said, and checking an echo of them |
//! | `conn` | one connection: what it has sent, received and still waits for |
//! | `state` | what a thread's connections share: the clock, the books |
//! | `dial` | making connections, ending them, replacing them |
//! | `dispatch` | giving messages to connections: at once, or when they are due |
//! | `close_all` | closing all of them at the end, and listening for what is too much |
//! | `timers` | waking at the right time |
//! | `worker` | one thread's readiness loop |
//! | `stage` | the stages, announced by one thread and followed by the others |
//! | `run` | a run from its plan to its outcome, and who watches it |
//! | `coordinator` | the phases, in step over all threads: connect, warm up, measure, drain, close |
//! | `intervals` | what all threads did between two moments |
//! | `stats` | what a thread gathers, and hands in at every turn |
//! | `latency` | histograms |
//! | `tally` | errors, by phase and cause |
//! | `fairness` | how evenly connections were served |
//! | `outcome` | what was measured |
//! | `preflight` | what will fail, said before the run |
//! | `verdict` | whether the result can be believed |
//! | `ladder` | the rates of a ladder, a run at each |
//! | `knee` | the knee of the curve of latency against load |
//! | `search` | the highest rate that a server can bear |
//! | `export` | histograms for HdrHistogram's tools |

#![forbid(unsafe_code)]

mod account;
mod again;
mod answers;
mod chat;
mod conn;
mod coordinator;
mod interval_merger;
mod thread_state;
mod dial;
mod dialogue;
mod dispatch;
mod endings;
mod expect;
mod export;
mod fairness;
#[doc(hidden)]
pub mod fuzz;
mod close_all;
mod stats;
mod knee;
mod ladder;
mod latency;
mod outcome;
mod pace;
mod plan;
mod preflight;
mod requests;
mod result;
mod ring;
mod run;
mod script;
mod search;
mod shown;
mod stage;
mod stall;
mod status;
mod sync;
mod tally;
mod timers;
mod verdict;
mod worker;

pub use account::{Account, Checked};
pub use answers::{Answers, FirstLine};
pub use chat::{Chat, ChatEncoding, ChatFindings, RunId, Violation};
pub use endings::Endings;
pub use expect::{Delimiter, EscapeError, Expect, ExpectError, unescape};
pub use export::{IntervalLog, write_percentiles};
pub use fairness::Fairness;
pub use knee::{Knee, Rung, Sure, knee};
pub use ladder::rungs;
pub use latency::Latency;
pub use outcome::{Ended, Interval, Outcome};
pub use pace::{Arrivals, Pace, UnknownArrivals};
pub use plan::{Life, Plan, PlanError, Stop, Through};
pub use preflight::{Limits, loopback_sources, preflight};
pub(crate) use result::english;
pub use result::{AnswerLine, ChatResult, Closed, FailureLine, Judgement, LoadResult};
pub use ring::{Mismatch, Ring};
pub use run::{Progress, RunError, Watch, run};
pub use script::{ClientBehaviour, Say, Script};
pub use search::{Finding, Goal, Highest, Limit, Missed, Search, Shown, Trial};
pub use shown::Sample;
pub use status::ErrorAnswer;
pub use tally::{Cause, Failure, LONGEST_LINE, Phase, Tally};
pub use verdict::{Caution, CautionKind, Credibility};
