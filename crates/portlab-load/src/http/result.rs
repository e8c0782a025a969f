//! The figures of HTTP in a result.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{Answers, Plan, StatusCount};

/// What was requested of HTTP, and how it answered.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct HttpResult {
    /// The method of the requests, if the target is a URL.
    pub method: Option<String>,
    /// How often each status of HTTP came, the most frequent first.
    pub statuses: Vec<StatusCount>,
    /// The first redirect, which was not followed; `null` if there was none.
    pub redirect: Option<Redirect>,
}

/// An answer that names another URL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Redirect {
    /// Its status.
    pub status: u16,
    /// The value of its `Location`; characters that aren't text are escaped.
    pub location: String,
}

impl HttpResult {
    pub(crate) fn of(plan: &Plan, answers: &Answers) -> Self {
        Self {
            method: plan.script.http().map(|it| it.method.name().to_owned()),
            statuses: answers.statuses(),
            redirect: answers.redirect().cloned(),
        }
    }
}
