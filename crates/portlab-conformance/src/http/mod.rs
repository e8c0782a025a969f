//! Rules of HTTP/1.1, each from a sentence of a standard, and the client that checks them.
//!
//! A [`Rule`] is a row of a table in `rules/`: what is sent, and what must come. It needs no promise of the server: what
//! differs between servers (the answer to `GET /`, validators, ranges) is learned first, in [`Suite::begin`]. A rule
//! that needs more (known files, limits) is skipped where that isn't promised.
//!
//! How a row writes a request: `\n` stands for CR and LF, `{0a}` for a byte in hexadecimal, `{a*9000}` for 9,000 times
//! the same byte, `{host}` and `{tag}` for what the server is called and its entity tag; `ask.rs` has all of them.

mod ask;
#[cfg(test)]
mod broken;
mod conn;
mod fixture;
mod known;
mod rules;
mod want;

use std::net::SocketAddr;

use portlab_words::{Text, tr};

pub(crate) use conn::{Answer, Conn, Next};
pub use fixture::fixture;
pub use rules::RULES;

use crate::{experiments::Weight, patience::patience, with_patience};
use ask::Ask;
use known::Known;
use want::Want;

/// A sentence of a standard that a server of HTTP/1.1 must, should or may follow.
#[derive(Debug)]
pub struct Rule {
    /// Its name: what a server does, in snake case.
    pub name: &'static str,
    /// The RFC and its section, such as `9112 6.3`.
    pub section: &'static str,
    /// How much it matters; `May` is what a careful server does without being told.
    pub weight: Weight,
    /// What a server does, in a sentence.
    pub about: Text,
    needs: Needs,
    /// What is sent, each on a connection of its own.
    asks: &'static [&'static str],
    /// What comes back, the same for all of them.
    wants: &'static [Want],
}

/// What a rule needs of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needs {
    /// A server of HTTP.
    Any,
    /// That a connection goes on after an answer.
    Open,
    /// A page with an entity tag that is strong.
    Tag,
    /// A page with the date of its last change.
    Modified,
    /// A page of which parts are sent.
    Ranges,
    /// The same, with a strong tag and a date.
    Versions,
    /// The files of [`fixture`].
    Fixture,
    /// The limits of `portlab serve`.
    Limits,
}

/// What a server promises.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// It serves the files of [`fixture`], and nothing else.
    pub has_fixture: bool,
    /// It has the limits that `portlab serve` has by default.
    pub has_limits: bool,
}

/// How a rule was followed.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The rule.
    pub rule: &'static Rule,
    /// What was found.
    pub verdict: Verdict,
}

/// What was found.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// The server follows the rule.
    Passed,
    /// It doesn't.
    Failed(Box<Broken>),
    /// The rule can't be checked here, for this reason.
    Skipped(Text),
}

/// How a rule was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// What came instead of what was wanted.
    pub saw: Text,
    /// What was sent, as text that shows every byte.
    pub request: String,
    /// What came, as text; of a long answer, the beginning.
    pub answer: String,
    /// A line for a shell that sends the same.
    pub line: String,
    /// Whether a wait reached its limit.
    has_waited: bool,
}

/// The rules, ready for one server.
#[derive(Debug)]
pub struct Suite {
    /// Where the server listens.
    pub addr: SocketAddr,
    options: Options,
    known: Known,
}

/// Checks all rules on the server at `addr`, one after another: no two connections are open at once.
pub fn run(addr: SocketAddr, options: Options) -> Vec<Outcome> {
    let suite = Suite::begin(addr, options);
    let check = |rule: &&'static Rule| Outcome {
        rule,
        verdict: suite.check(rule),
    };
    RULES
        .iter()
        .flat_map(|topic| topic.iter())
        .map(|rule| check(&rule))
        .collect()
}

impl Suite {
    /// Learns how the server answers a usual request.
    pub fn begin(addr: SocketAddr, options: Options) -> Self {
        Self {
            addr,
            options,
            known: Known::learn(addr, options.has_fixture),
        }
    }

    /// Checks a rule. If something came too late, the rule is checked once more with three times the patience.
    pub fn check(&self, rule: &'static Rule) -> Verdict {
        if let Some(why) = self.unmet(rule) {
            return Verdict::Skipped(why);
        }
        match self.check_once(rule) {
            Err(broken) if broken.has_waited => {
                with_patience(3 * patience(), || self.check_once(rule)).into()
            }
            result => result.into(),
        }
    }

    fn check_once(&self, rule: &Rule) -> Result<(), Box<Broken>> {
        let mut asks = rule
            .asks
            .iter()
            .map(|text| Ask::new(text, self.addr, &self.known));
        asks.try_for_each(|ask| want::converse(self.addr, &ask, rule.wants, &self.known))
    }

    /// Why a rule can't be checked here.
    fn unmet(&self, rule: &Rule) -> Option<Text> {
        let known = &self.known;
        let (is_met, why) = match rule.needs {
            Needs::Any => return None,
            Needs::Open => (
                known.is_open,
                tr!(
                    "the server closes the connection after each answer",
                    "服务端每次回答后都关闭连接"
                ),
            ),
            Needs::Tag => (
                known.tag.is_some(),
                tr!("the page has no strong ETag", "页面没有强 ETag"),
            ),
            Needs::Modified => (
                known.modified.is_some(),
                tr!("the page has no Last-Modified", "页面没有 Last-Modified"),
            ),
            Needs::Versions => (
                known.has_ranges && known.tag.is_some() && known.modified.is_some(),
                tr!(
                    "the server sends no parts of a page with ETag and Last-Modified",
                    "服务端不发送带 ETag 和 Last-Modified 的部分页面"
                ),
            ),
            Needs::Ranges => (
                known.has_ranges,
                tr!(
                    "the server sends no parts of a page",
                    "服务端不发送页面的一部分"
                ),
            ),
            Needs::Fixture => (
                self.options.has_fixture,
                tr!("the server's files aren't known", "不知道服务端有哪些文件"),
            ),
            Needs::Limits => (
                self.options.has_limits,
                tr!("the server's limits aren't known", "不知道服务端的限制"),
            ),
        };
        (!is_met).then_some(why)
    }
}

impl From<Result<(), Box<Broken>>> for Verdict {
    fn from(result: Result<(), Box<Broken>>) -> Self {
        result.map_or_else(Self::Failed, |()| Self::Passed)
    }
}
