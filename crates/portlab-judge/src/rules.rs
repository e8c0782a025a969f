//! The rules of HTTP, for a server that the user calls one.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use portlab_conformance::{
    experiments::{Program, Weight},
    http::{self, Broken, Options, RULES, Rule, Suite},
    with_patience,
};
use portlab_words::{Text, tr};

use crate::{Result, RuleRow, Verdict};

/// Checks the rules of HTTP on the server of `verdict`, and adds a row for each. `show` is called after each rule with the
/// share that is done, in `[0, 1]`.
///
/// A program that ends meanwhile is started again, if portlab may do that; otherwise the other rules are skipped.
pub fn check_rules(
    verdict: &mut Verdict,
    mut program: Option<&mut dyn Program>,
    has_fixture: bool,
    show: &mut dyn FnMut(f64),
) {
    let known = verdict.addr.as_ref().and_then(|it| it.parse().ok());
    let addr = known.and_then(|it| up(it, &mut program).ok());
    let options = Options {
        has_fixture,
        has_limits: false,
    };
    let Some(mut suite) = addr.map(|it| Suite::begin(it, options)) else {
        return;
    };
    let began = Instant::now();
    let count = RULES.iter().map(|topic| topic.len()).sum::<usize>() as f64;
    let mut stopped = None;
    for (number, rule) in RULES.iter().flat_map(|topic| topic.iter()).enumerate() {
        let checked = match &stopped {
            Some(why) => http::Verdict::Skipped(Text::clone(why)),
            None => with_patience(PATIENCE, || suite.check(rule)),
        };
        if let http::Verdict::Failed(_) = checked {
            match up(suite.addr, &mut program) {
                Ok(addr) => suite.addr = addr,
                Err(why) => stopped = Some(why),
            }
            let seconds = LONGEST.as_secs();
            if began.elapsed() > LONGEST {
                stopped = Some(tr!(
                    "the {seconds} s for rules are over",
                    "检查规则已经用了 {seconds} 秒"
                ));
            }
        }
        verdict.rules.push(RuleRow::new(rule, checked));
        show((number + 1) as f64 / count);
    }
}

/// Makes sure that the program runs, and returns where it listens.
///
/// # Errors
/// Why it doesn't run.
fn up(
    addr: SocketAddr,
    program: &mut Option<&mut dyn Program>,
) -> std::result::Result<SocketAddr, Text> {
    let Some(program) = program else {
        return Ok(addr);
    };
    match program.ended().is_none() && program.is_listening() {
        true => Ok(addr),
        false => program.start(),
    }
}

impl RuleRow {
    fn new(rule: &Rule, checked: http::Verdict) -> Self {
        let mut row = Self {
            rule: rule.name.to_owned(),
            section: rule.section.to_owned(),
            about: rule.about.clone(),
            weight: rule.weight.name().to_owned(),
            result: Result::Pass,
            why: None,
            request: None,
            answer: None,
            line: None,
        };
        match checked {
            http::Verdict::Passed => {}
            http::Verdict::Skipped(why) => {
                row.result = Result::Skipped;
                row.why = Some(why);
            }
            http::Verdict::Failed(broken) => {
                let Broken {
                    saw,
                    request,
                    answer,
                    line,
                    ..
                } = *broken;
                row.result = match rule.weight {
                    Weight::Must => Result::Fail,
                    Weight::Should | Weight::May => Result::Warn,
                };
                (row.why, row.request) = (Some(saw), Some(request));
                (row.answer, row.line) = (Some(answer), Some(line));
            }
        }
        row
    }
}

/// How long a client waits; if something comes too late, it waits three times as long in a second try.
const PATIENCE: Duration = Duration::from_millis(500);

/// After this long, the rules that are left are skipped.
const LONGEST: Duration = Duration::from_secs(90);
