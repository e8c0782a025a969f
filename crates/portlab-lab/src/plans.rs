//! The loads that a cell is verified and measured with.

use std::{net::SocketAddr, time::Duration};

use portlab_load::{
    Arrivals, Chat, Conditions, Expect, Framing, Http, Method, Pace, Payload, Plan, PlanError,
    Request, RunId, Script, Stop, Url,
};
use portlab_stats::record::{Counts, Point, Rate};

use crate::{
    Experiment,
    experiment::Part,
    files::{content, name},
    workloads::Load,
};

/// How long an answer may take in addition to the handler's work: far longer than in a useful measurement.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The message that each connection sends to an echo before the load begins.
const INTRODUCTION: &[u8] = b"\n";

impl Experiment {
    /// Checks what can be known before the first server is started.
    ///
    /// # Errors
    /// If a number is zero, if there are too few file descriptors for the connections, or too few members for
    /// the rooms of a chat.
    pub fn check(&self) -> Result<(), PlanError> {
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 1));
        for part in &self.parts {
            for point in &part.points {
                let rate = match point.rate {
                    Some(Rate::PerS(rate)) => Some(rate),
                    _ => None,
                };
                let plans = part.plans(nowhere, point, self.setup.load_threads, rate);
                plans.iter().try_for_each(Plan::check)?;
                // One process holds the connections of all plans.
                let all = Plan {
                    connections: plans.iter().map(|plan| plan.connections).sum(),
                    ..plans[0].clone()
                };
                all.check()?;
            }
        }
        Ok(())
    }
}

impl Part {
    /// The loads of a server at `target`, at least one; the first is measured. With a rate it is an open loop.
    pub(crate) fn plans(
        &self,
        target: SocketAddr,
        point: &Point,
        threads: usize,
        rate_per_s: Option<f64>,
    ) -> Vec<Plan> {
        let shape = match self.workload.load {
            Load::Echo(shape) | Load::Http(shape) => shape,
            Load::Chat => return vec![self.chat_plan(target, point.connections, rate_per_s)],
        };
        let is_http = matches!(self.workload.load, Load::Http(_));
        let plain = Plan {
            connections: point.connections,
            threads,
            depth: self.depth,
            script: Script::echo(point.size_bytes),
            warmup: self.warmup,
            stop: Stop::after(self.duration),
            timeout: self.timeout(),
            ..Plan::new(target)
        };
        let mut plans = shape(plain);
        for plan in plans.iter_mut().filter(|_| is_http) {
            request(plan, target, point.size_bytes);
            // A server may close a connection between two requests.
            plan.life.reconnect = plan.life.per_connection.is_none();
        }
        for plan in plans.iter_mut().filter(|_| !is_http) {
            // Each connection is served once before the load begins. Otherwise a server with a process for
            // each connection would be measured while it still forks: the first processes take all CPU
            // time.
            if plan.life.per_connection.is_none() {
                plan.script.introduction = INTRODUCTION.to_vec();
                plan.script.greeting = Some(Framing::Bytes(INTRODUCTION.len()).into());
            }
        }
        if rate_per_s.is_some() {
            plans[0].pace = pace(rate_per_s);
        }
        plans
    }

    /// A load of requests on one connection, or on one after the other if the workload has a connection for each. If the
    /// server closes a connection that should stay open, no other follows.
    pub(crate) fn few_requests(&self, target: SocketAddr, size_bytes: usize) -> Plan {
        let point = Point {
            connections: 1,
            size_bytes,
            workers_asked: None,
            rate: None,
        };
        let mut plans = self.plans(target, &point, 1, None);
        let mut plan = plans.swap_remove(0);
        plan.life.reconnect = false;
        plan.script.introduction.clear();
        plan.script.greeting = None;
        plan
    }

    /// A load of the chat at `target`. With a rate it is an open loop.
    pub(crate) fn chat_plan(
        &self,
        target: SocketAddr,
        members: usize,
        rate_per_s: Option<f64>,
    ) -> Plan {
        let chat = Chat {
            rooms: self.rooms,
            encodings: self.encodings.clone(),
            run: RunId::random(),
        };
        Plan {
            connections: members,
            pace: pace(rate_per_s),
            depth: self.depth,
            // The encodings hold the message.
            script: Script::chat(chat, 1),
            warmup: self.warmup,
            stop: Stop::after(self.duration),
            connect_timeout: self.timeout(),
            timeout: self.timeout(),
            ..Plan::new(target)
        }
    }

    /// How long an answer may take. A message longer than one read takes several reads, and the handler
    /// works after each; and if one thread serves all connections, they wait for each other.
    pub(crate) fn timeout(&self) -> Duration {
        TIMEOUT + self.work_time * 4
    }

    /// Whether messages are sent at all.
    pub(crate) fn sends_messages(&self) -> bool {
        self.workload.counts != Counts::Nothing
    }
}

/// Makes `plan` request the file of `size_bytes`. Each connection gets it once before the load begins, as with an echo.
fn request(plan: &mut Plan, target: SocketAddr, size_bytes: usize) {
    let url = format!("http://{target}/{}", name(size_bytes));
    let url: Url = url.parse().expect("an address and digits are a URL");
    let is_short = plan.life.per_connection.is_some();
    let close = || "Connection: close".parse().expect("it is a header");
    let request = Request {
        method: Method::get(),
        headers: is_short.then(close).into_iter().collect(),
        body: None,
    };
    let bytes = request.bytes(&url);
    let framing = Framing::Http(Http {
        method: request.method,
        urls: vec![url],
        statuses: Some("200".parse().expect("it is a status")),
    });
    plan.script = Script {
        payload: Payload::Always(bytes.clone().into()),
        expect: Expect {
            conditions: Conditions::exactly(content(size_bytes)),
            ..framing.clone().into()
        },
        ..plan.script.clone()
    };
    if !is_short {
        plan.script.introduction = bytes;
        plan.script.greeting = Some(framing.into());
    }
}

fn pace(rate_per_s: Option<f64>) -> Pace {
    rate_per_s.map_or(Pace::Closed, |rate_per_s| Pace::Open {
        rate_per_s,
        arrivals: Arrivals::Poisson,
    })
}
