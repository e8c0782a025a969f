//! Self-tests of what is neither an echo nor a TCP port that stays: HTTP, datagrams, a port that is away.

use std::time::Duration;

use portlab_load::{
    Expect, Framing, Http, Method, Outcome, Payload, Plan, Request, Script, Stop, Target, Url,
};
use portlab_words::{Text, units};

use super::{ANSWERED, ERRORS, bench::Bench, known::Behaviour, open, servers};

/// The share of datagrams that a server drops, in per cent, and by how much the reported share may differ.
const LOSS: (f64, f64) = (1.0, 0.05);
/// How long a server is away, and by what share the reported time may differ.
const AWAY: (Duration, f64) = (Duration::from_millis(500), 0.05);

impl Bench {
    pub(super) fn statuses(&mut self) -> anyhow::Result<()> {
        let outcome = self.load_http(servers::Http::Statuses)?;
        self.count(ANSWERED, 1_000, outcome.messages)?;
        let name = Text::new("status 500", "状态码 500");
        self.count(name, 100, outcome.tally.error_answers())
    }

    pub(super) fn chunks(&mut self) -> anyhow::Result<()> {
        let outcome = self.load_http(servers::Http::Chunks)?;
        self.count(ANSWERED, 1_000, outcome.messages)?;
        self.count(ERRORS, 0, outcome.tally.total())
    }

    /// Each connection gets four whole answers and a short one, until all messages are sent.
    pub(super) fn short_bodies(&mut self) -> anyhow::Result<()> {
        let outcome = self.load_http(servers::Http::Short)?;
        self.count(ANSWERED, 800, outcome.messages)?;
        let name = Text::new("bodies that ended early", "提前结束的响应正文");
        self.count(name, 200, outcome.tally.total())
    }

    pub(super) fn datagrams(&mut self) -> anyhow::Result<()> {
        let (percent, tolerance) = LOSS;
        let server = self.start(Behaviour::Drop((100.0 / percent) as u64))?;
        let plan = Plan {
            targets: vec![Target::Udp(server.addr)],
            connections: 10,
            stop: Stop::messages(10_000),
            timeout: Duration::from_secs(1),
            ..open(server.addr, 5_000.0, Duration::from_secs(10))
        };
        let outcome = self.load(&plan)?;
        let lost = outcome.unanswered as f64 / outcome.due() as f64 * 100.0;
        let range = percent - tolerance..=percent + tolerance;
        self.figure(Text::new("lost", "丢失"), &range, lost, |it| {
            format!("{it:.2}%")
        })
    }

    pub(super) fn outage(&mut self) -> anyhow::Result<()> {
        let (away, tolerance) = AWAY;
        let after = Duration::from_millis(800);
        let server = self.start(Behaviour::Leave { after, away })?;
        let mut plan = Plan {
            connections: 10,
            ..open(server.addr, 1_000.0, Duration::from_secs(2))
        };
        plan.life.reconnect = true;
        let outcome = self.load(&plan)?;
        let name = Text::new("outages", "中断次数");
        self.count(name, 1, outcome.outages.count() as u64)?;
        let range = [1.0 - tolerance, 1.0 + tolerance].map(|it| it * away.as_secs_f64() * 1e9);
        let got = outcome.outages.total().as_secs_f64() * 1e9;
        let name = Text::new("its length", "中断时间");
        self.figure(name, &(range[0]..=range[1]), got, units::nanos)
    }

    /// Loads a server of HTTP with a thousand requests, one after the other: the server counts those of a connection.
    fn load_http(&mut self, how: servers::Http) -> anyhow::Result<Outcome> {
        let url: Url = "http://127.0.0.1/".parse()?;
        let message = Request {
            method: Method::get(),
            headers: Vec::new(),
            body: None,
        }
        .bytes(&url);
        self.load_server(Behaviour::Http(how), |plan| {
            plan.life.reconnect = true;
            plan.script = Script {
                payload: Payload::Always(message.into()),
                expect: Expect::from(Framing::Http(Http {
                    method: Method::get(),
                    urls: vec![url],
                    statuses: None,
                })),
                ..Script::echo(1)
            };
        })
    }
}
