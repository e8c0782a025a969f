//! The page under test, and requests as a browser makes them.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, ChildStdout},
};

use portlab_sys::spawn::{Signal, signal, tie_to_this_thread};
use portlab_testkit::{PATIENCE, command};
use serde_json::{Value, json};
use ureq::{Agent, Body, http::Response};

/// A page that runs. Its process is killed when this value is dropped.
pub(super) struct Page {
    pub(super) child: Child,
    /// Held, so that the page can print.
    _stdout: BufReader<ChildStdout>,
    /// Such as `http://127.0.0.1:43210`.
    pub(super) base: String,
    pub(super) teacher: String,
    pub(super) join: String,
    agent: Agent,
}

impl Page {
    /// Opens a page at a free port of loopback.
    #[track_caller]
    pub(super) fn open() -> Self {
        Self::open_with(&["--bind=127.0.0.1:0"])
    }

    #[track_caller]
    pub(super) fn open_with(options: &[&str]) -> Self {
        let mut command = command(&["class"]);
        let mut child = tie_to_this_thread(command.args(options)).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = || {
            let mut line = String::new();
            stdout.read_line(&mut line).unwrap();
            line.trim_end().to_owned()
        };
        let (teacher, students) = (line(), line());
        let (base, code) = teacher.split_once("/#teacher=").unwrap();
        let base = base.split_whitespace().last().unwrap();
        Self {
            base: base.to_owned(),
            teacher: code.to_owned(),
            join: students.split_whitespace().last().unwrap().to_owned(),
            child,
            _stdout: stdout,
            agent: Agent::config_builder()
                .http_status_as_error(false)
                .proxy(None)
                .timeout_recv_response(Some(PATIENCE))
                // A stream of events has no end of its own: a test that waits for nothing fails.
                .timeout_recv_body(Some(PATIENCE * 4))
                .build()
                .into(),
        }
    }

    pub(super) fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }

    pub(super) fn signal(&mut self, which: Signal) {
        signal(&mut self.child, which).unwrap();
    }

    /// Gets `path`, with these headers.
    #[track_caller]
    pub(super) fn get(&self, path: &str, headers: &[(&str, &str)]) -> Response<Body> {
        let mut request = self.agent.get(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.call().unwrap()
    }

    /// Sends `body` to `path` with these headers. Returns the status, and the answer's JSON or `null`.
    #[track_caller]
    pub(super) fn send(&self, path: &str, body: &str, headers: &[(&str, &str)]) -> (u16, Value) {
        let mut request = self.agent.post(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut answer = request.content_type("application/json").send(body).unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        let json = serde_json::from_str(&text).unwrap_or_default();
        (answer.status().as_u16(), json)
    }

    /// Gives an order as the teacher, which must be carried out.
    #[track_caller]
    pub(super) fn order(&self, path: &str, body: &Value) {
        let (status, why) = self.order_status(path, body);
        assert_eq!(status, 204, "{path} {body}: {why}");
    }

    #[track_caller]
    pub(super) fn order_status(&self, path: &str, body: &Value) -> (u16, Value) {
        self.send(path, &body.to_string(), &[("x-teacher", &self.teacher)])
    }

    /// Starts a server of `model` in the first slot.
    #[track_caller]
    pub(super) fn serve(&self, model: &str) {
        self.order("/do/serve", &json!({"slot": 0, "model": model}));
    }

    /// Turns some dials; the others stay.
    #[track_caller]
    pub(super) fn turn(&self, dials: &Value) {
        let mut all = self.once("stage", |_| true)["dials"].take();
        for (name, value) in dials.as_object().unwrap() {
            all[name] = value.clone();
        }
        self.order("/do/dials", &all);
    }

    /// Watches topics.
    #[track_caller]
    pub(super) fn watch(&self, topics: &str) -> Events {
        let answer = self.get(&format!("/events?topics={topics}"), &[]);
        assert_eq!(answer.status(), 200);
        Events(BufReader::new(Box::new(answer.into_body().into_reader())))
    }

    /// The first value of `topic` that `is` accepts. A topic without a value yet is `null`.
    #[track_caller]
    pub(super) fn once(&self, topic: &str, is: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        for (_, value) in self.watch(topic) {
            if !value.is_null() && is(&value) {
                return value;
            }
            last = value;
        }
        panic!("no value of {topic} was accepted; the last one: {last}");
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // Both calls fail only if the process has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A stream of events: each topic's name and its value. It ends with the page.
pub(super) struct Events(BufReader<Box<dyn Read>>);

impl Iterator for Events {
    type Item = (String, Value);

    fn next(&mut self) -> Option<Self::Item> {
        let (mut name, mut line) = (String::new(), String::new());
        while self.0.read_line(&mut line).ok()? > 0 {
            if let Some(topic) = line.trim_end().strip_prefix("event: ") {
                topic.clone_into(&mut name);
            } else if let Some(json) = line.trim_end().strip_prefix("data: ") {
                return Some((name, serde_json::from_str(json).unwrap()));
            }
            line.clear();
        }
        None
    }
}
