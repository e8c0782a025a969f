//! The verification and the load of each service.

use std::{
    net::SocketAddr,
    sync::{
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc,
    },
    thread,
    time::Duration,
};

use portlab_load::{Outcome, Plan, RunError, Script, Stop, Watch, run};
use portlab_words::{Lang, Text, tr};

use crate::{MeasureError, Observer, experiment::Part, workloads::Load};

/// How many messages in each room must be delivered before anything is measured.
const FIRST: usize = 5;

/// How often a file is requested before anything is measured.
const REQUESTS: u64 = 3;

/// Why a server of HTTP can't be measured with connections that stay open.
const CLOSES: Text = Text::new(
    "the server closes the connection after a response; measure it with --workload http-close, or let it speak HTTP/1.1",
    "服务端每次响应之后都关闭连接；请用 --workload http-close 测量它，或者让它使用 HTTP/1.1",
);

/// Verifies the service before anything is measured. An echo gets single bytes, messages of the measured size,
/// and messages longer than one read. In a chat, two members in each room send a few messages; each message must be
/// delivered to the other member, once, in order, and to no other room. A server of HTTP is asked for the file a few times,
/// on one connection if the workload keeps connections open.
pub(crate) fn verify(
    part: &Part,
    size: usize,
    addr: SocketAddr,
    observer: &mut dyn Observer,
) -> Result<(), MeasureError> {
    let plans = match part.workload.load {
        Load::Chat => {
            let plan = part.chat_plan(addr, part.rooms * 2, None);
            vec![(plan, (part.rooms * FIRST) as u64)]
        }
        Load::Echo(_) => [(1, 3), (size, 5), (100_000, 2)]
            .map(|(size, messages)| {
                let plan = Plan {
                    script: Script::echo(size),
                    timeout: part.timeout(),
                    ..Plan::new(addr)
                };
                (plan, messages)
            })
            .into(),
        Load::Http(_) => vec![(part.few_requests(addr, size), REQUESTS)],
    };
    for (mut plan, messages) in plans {
        plan.stop = Stop::messages(messages);
        let outcome = run(&plan, &mut Verifying(observer))?;
        if outcome.interrupted() {
            return Err(MeasureError::Interrupted);
        }
        if !outcome.is_clean() || outcome.messages != messages {
            let closes = matches!(part.workload.load, Load::Http(_)) && outcome.is_clean();
            let Text { en, zh } = match closes {
                true => CLOSES,
                false => failures(&outcome),
            };
            let unverified = tr!(
                "not measured: verification failed: {en}",
                "没有测量：核对没有通过：{zh}"
            );
            return Err(unverified.into());
        }
    }
    Ok(())
}

/// The result of a load of an echo or a chat.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) outcome: Outcome,
    /// Messages that the server has answered, or delivered, while measuring.
    pub(crate) messages: u64,
    /// The part of `messages` between [`Watch::begin`] and [`Watch::end`].
    pub(crate) metered_messages: u64,
    pub(crate) errors: u64,
    /// The errors, in words.
    pub(crate) failures: Text,
    /// Messages per second of the loads beside the measured one, in their order; `None` if one measured for no time.
    pub(crate) beside_per_s: Vec<Option<f64>>,
    /// CPU time of all the generator's threads while measuring.
    pub(crate) generator_cpu: Duration,
    /// The share, in `[0, 1]`, of its time that the busiest of these threads was computing.
    pub(crate) generator_cpu_share: f64,
}

impl Loaded {
    fn of(outcome: Outcome) -> Self {
        let chat = outcome.chat.as_ref();
        Self {
            messages: chat.map_or(outcome.messages, |it| it.deliveries),
            metered_messages: chat.map_or(outcome.metered_messages, |it| it.metered_deliveries),
            errors: outcome.tally.total() + outcome.unanswered + chat.map_or(0, |it| it.violations),
            failures: failures(&outcome),
            beside_per_s: Vec::new(),
            generator_cpu: outcome.generator_cpu.iter().sum(),
            generator_cpu_share: outcome.busiest_thread(),
            outcome,
        }
    }

    /// Messages that were due in an open loop while measuring; 0 for a chat, which counts deliveries.
    pub(crate) fn due(&self) -> u64 {
        match self.outcome.chat {
            Some(_) => 0,
            None => self.outcome.due(),
        }
    }
}

/// Loads the server with all `plans` at once. The first is measured; the others start before it and end
/// after it.
pub(crate) fn load(plans: &[Plan], watch: &mut dyn Watch) -> Result<Loaded, MeasureError> {
    let (measured, others) = plans.split_first().expect("a workload has a load");
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let (connected, all_connected) = mpsc::channel::<()>();
        let others: Vec<_> = others
            .iter()
            .map(|plan| {
                let mut watch = Unmeasured(&is_over, Some(connected.clone()));
                scope.spawn(move || run(plan, &mut watch))
            })
            .collect();
        drop(connected);
        // Each load drops its end of the channel when its connections are made, or when it fails.
        let _ = all_connected.recv();
        let outcome = run(measured, watch);
        is_over.store(true, Relaxed);
        let others: Result<Vec<Outcome>, RunError> = others
            .into_iter()
            .map(|thread| thread.join().expect("a load doesn't panic"))
            .collect();
        let mut loaded = Loaded::of(outcome?);
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let mut threads = measured.threads;
        for outcome in others? {
            threads += 1;
            let elapsed = outcome.elapsed.as_secs_f64();
            let per_s = (elapsed > 0.0).then(|| outcome.messages as f64 / elapsed);
            loaded.beside_per_s.push(per_s);
            loaded.generator_cpu += outcome.generator_cpu.iter().sum::<Duration>();
            loaded.errors += outcome.tally.total();
            if outcome.tally.total() > 0 {
                loaded.failures = failures(&outcome);
            }
        }
        // If there are more threads than processors, no thread is busy all the time.
        let elapsed = loaded.outcome.elapsed.as_secs_f64();
        let time = elapsed.max(f64::MIN_POSITIVE) * threads.min(cores) as f64;
        let share = (loaded.generator_cpu.as_secs_f64() / time).min(1.0);
        loaded.generator_cpu_share = loaded.generator_cpu_share.max(share);
        Ok(loaded)
    })
}

/// Watches a verification, which can be interrupted and shows no progress.
pub(crate) struct Verifying<'a>(pub(crate) &'a mut dyn Observer);

impl Watch for Verifying<'_> {
    fn interrupted(&self) -> bool {
        self.0.interrupted()
    }
}

/// Watches a load that isn't measured. It ends when the measured load is over.
struct Unmeasured<'a>(&'a AtomicBool, Option<mpsc::Sender<()>>);

impl Watch for Unmeasured<'_> {
    fn connected(&mut self, _connected: usize) -> bool {
        self.1 = None;
        true
    }

    fn interrupted(&self) -> bool {
        self.0.load(Relaxed)
    }
}

/// The failures of a load, in words. Socket errors come first, because they cause violations.
fn failures(outcome: &Outcome) -> Text {
    let (tally, chat) = (&outcome.tally, outcome.chat.as_ref());
    let violation = chat.and_then(|it| it.first_violations.first());
    if let Some(violation) = violation.filter(|_| tally.total() == 0) {
        return violation.clone();
    }
    let failures = tally.failures().map(|failure| {
        let (phase, cause) = (failure.phase.text(), failure.cause);
        tr!("{phase}: {cause}", "{phase:#}：{cause:#}")
    });
    let mut told: Vec<Text> = match tally.first_mismatch() {
        Some(mismatch) => vec![tr!("{mismatch}", "{mismatch:#}")],
        None => failures.collect(),
    };
    if told.is_empty() {
        told.push(match chat {
            None => Text::new("no answer in time", "没有及时收到响应"),
            Some(_) => Text::new(
                "not all members received every message in time",
                "不是每个成员都及时收到了全部消息",
            ),
        });
    }
    let joined = |lang, comma| {
        let told: Vec<&str> = told.iter().map(|it| it.pick(lang)).collect();
        told.join(comma)
    };
    let (en, zh) = (joined(Lang::En, ", "), joined(Lang::Zh, "，"));
    match tally.first_wrong() {
        None => tr!("{en}", "{zh}"),
        Some(came) => tr!("{en}; what came: \"{came}\"", "{zh}；收到的是：\"{came}\""),
    }
}

#[cfg(test)]
mod tests {
    use portlab_load::ChatFindings;

    use super::*;

    /// A run of nine deliveries of one message.
    fn loaded(unanswered: u64, findings: ChatFindings) -> Loaded {
        let mut outcome = Outcome::default();
        (outcome.messages, outcome.unanswered) = (1, unanswered);
        outcome.chat = Some(ChatFindings {
            deliveries: 9,
            metered_deliveries: 9,
            ..findings
        });
        outcome.latency.record(1_000);
        Loaded::of(outcome)
    }

    #[test]
    fn a_chat_counts_each_delivery_as_a_message_and_each_fan_out_as_a_latency() {
        let loaded = loaded(0, ChatFindings::default());
        assert_eq!((loaded.messages, loaded.metered_messages), (9, 9));
        assert_eq!((loaded.outcome.latency.count(), loaded.errors), (1, 0));
    }

    #[test]
    fn violations_and_messages_that_not_all_members_received_are_errors() {
        let lost = Text::new("member 3 never received 2 of the messages", "");
        let broken = ChatFindings {
            violations: 1,
            first_violations: vec![lost.clone()],
            ..ChatFindings::default()
        };
        let broken = loaded(2, broken);
        assert_eq!(broken.errors, 3);
        assert_eq!(broken.failures, lost);
    }
}
