//! From the dials to a comparison: the workload that fits, and its options.

use std::time::Duration;

use portlab_backends::{Serves, Sheet};
use portlab_lab::workloads;
use portlab_service::{HandlerWork, Work};
use portlab_words::{Text, tr};

use crate::stage::Dials;

/// A comparison of two models.
#[derive(Debug, PartialEq)]
pub(super) struct Plan {
    /// Whether the comparison is to end within half a minute.
    is_quick: bool,
    /// The options of `portlab compare`, each with its value.
    options: Vec<(&'static str, String)>,
    /// Where the comparison differs from what the dials say.
    pub(super) notes: Vec<Text>,
}

/// A handler that works for longer than this is measured with this time: the whole comparison ends within half a minute.
const LONGEST_WORK: Duration = Duration::from_millis(20);
/// The longest time of one work for each client, one after the other.
const LONGEST_TURN: Duration = Duration::from_millis(400);
/// A work that is longer than that of the workloads has rounds of this many works, so that each round has a p99.
const WORKS_PER_ROUND: u32 = 25;
const USUAL_WORK: Duration = Duration::from_millis(5);
/// The length of a round, if the number of rounds is given.
const USUAL_ROUND: &str = "60ms";

impl Plan {
    /// The comparison of the two models of `sheets` that fits `dials`, in so many rounds; `None` for as many as fit into
    /// half a minute.
    ///
    /// # Errors
    /// If nothing can be compared.
    pub(super) fn of(
        dials: &Dials,
        sheets: [&Sheet; 2],
        rounds: Option<u16>,
    ) -> Result<Self, Text> {
        let HandlerWork::Work(work) = dials.work.parse().map_err(Text::of)? else {
            return Err(Text::new(
                "handlers that panic are not compared: choose another work",
                "会崩溃的处理函数不能比较：请换一种处理",
            ));
        };
        let mut notes = Vec::new();
        let (name, measured) = workload(&dials.service, work, dials.clients);
        let [was, is] = [work, measured].map(HandlerWork::Work);
        if !["echo", "chat", "http"].contains(&&*dials.service) {
            let service = &dials.service;
            notes.push(tr!(
                "the comparison has no service {service}: echo was measured",
                "比较里没有服务 {service}：测的是回显"
            ));
        }
        if ["chat", "http"].contains(&name) && work != Work::None {
            notes.push(tr!(
                "the comparison measures {name} without work in the handler",
                "比较测的是 {name}，处理函数里没有额外的处理"
            ));
        }
        let clients = match name {
            "chat" => dials.clients.max(2),
            _ => dials.clients,
        };
        let of = |sheet: &Sheet| sheet.name;
        let [first, second] = sheets.map(of);
        let mut options = vec![
            ("--models", format!("{first},{second}")),
            ("--workload", name.to_owned()),
            ("--connections", clients.to_string()),
        ];
        if !["chat", "http"].contains(&name) {
            options.push(("--size", dials.size.to_string()));
        }
        if measured != Work::None {
            options.push(("--work", is.to_string()));
            if is != was {
                notes.push(tr!(
                    "each handler does {is} in place of {was}, so that the comparison is over soon",
                    "每次处理改为 {is}（原来是 {was}），这样比较很快就能完成"
                ));
            }
            if is.time() > USUAL_WORK {
                let round = (is.time() * WORKS_PER_ROUND).as_millis();
                options.push(("--duration", format!("{round}ms")));
            }
        }
        if dials.workers > 0 {
            options.push(("--workers", dials.workers.to_string()));
        }
        // The baseline is measured twice, so it should be the model that serves more connections at a time.
        let baseline = sheets.into_iter().min_by_key(|it| match it.serves {
            Serves::Open => 0,
            Serves::Workers => 1,
            Serves::One => 2,
        });
        options.extend(baseline.map(|it| ("--baseline", it.name.to_owned())));
        // So many rounds are measured however long they take; otherwise as many as `--quick` has time for.
        if let Some(rounds) = rounds {
            options.push(("--rounds", rounds.to_string()));
            if !options.iter().any(|it| it.0 == "--duration") {
                options.push(("--duration", USUAL_ROUND.to_owned()));
            }
        }
        let is_quick = rounds.is_none();
        Ok(Self {
            is_quick,
            options,
            notes,
        })
    }

    /// The arguments of `portlab` for the comparison.
    pub(super) fn arguments(&self) -> impl Iterator<Item = &str> {
        let options = self.options.iter();
        let options = options.flat_map(|(name, value)| [*name, value]);
        let quick = self.is_quick.then_some("--quick");
        ["compare"].into_iter().chain(quick).chain(options)
    }

    /// The command, as it is typed in a terminal: no argument has a character that a shell would change.
    pub(super) fn command(&self) -> String {
        let words = ["portlab"].into_iter().chain(self.arguments());
        words.collect::<Vec<_>>().join(" ")
    }

    /// The question that the workload answers.
    pub(super) fn question(&self) -> Option<&'static Text> {
        let name = self.options.iter().find(|it| it.0 == "--workload");
        workloads::find(&name?.1).map(|it| it.asks)
    }
}

/// The workload that fits a service and the work of its handlers, with the work that is measured.
fn workload(service: &str, work: Work, clients: u32) -> (&str, Work) {
    let wait = |time: Duration| time.min(LONGEST_WORK);
    // One thread may do the work of all clients, one after the other.
    let work_in_turn = |time: Duration| wait(time).min(LONGEST_TURN / clients.max(1));
    match (service, work) {
        ("chat" | "http", _) => (service, Work::None),
        (_, Work::None) => ("echo", Work::None),
        (_, Work::Wait(time)) => ("wait", Work::Wait(wait(time))),
        (_, Work::Block(time)) => ("block", Work::Block(work_in_turn(time))),
        (_, Work::Cpu(time)) => ("cpu", Work::Cpu(work_in_turn(time))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::sheet;

    fn plan_of(change: impl FnOnce(&mut Dials), models: [&str; 2]) -> Result<Plan, Text> {
        let mut dials = Dials::default();
        change(&mut dials);
        Plan::of(&dials, models.map(|it| sheet(it).unwrap()), None)
    }

    #[test]
    fn rounds_that_are_asked_for_have_no_limit_of_time() {
        let models = ["threads", "event-loop"].map(|it| sheet(it).unwrap());
        let plan = |rounds| Plan::of(&Dials::default(), models, rounds).unwrap();
        has(&plan(None), &[" --quick "]);
        has(&plan(Some(2)), &["--rounds 2 --duration 60ms"]);
        assert!(!plan(Some(2)).command().contains("--quick"));
    }

    #[track_caller]
    fn has(plan: &Plan, options: &[&str]) {
        for option in options {
            assert!(plan.command().contains(option), "{option}: {plan:?}");
        }
    }

    #[test]
    fn the_workload_follows_from_service_and_work() {
        let models = ["threads", "event-loop"];
        for (service, work, workload, notes) in [
            ("echo", "none", "echo", 0),
            ("echo", "wait:5ms", "wait", 0),
            ("echo", "block:3ms", "block", 0),
            ("echo", "cpu:200us", "cpu", 0),
            ("reply", "none", "echo", 1),
            ("chat", "none", "chat", 0),
            ("http", "wait:5ms", "http", 1),
        ] {
            let plan = plan_of(
                |dials| (dials.service, dials.work) = (service.to_owned(), work.to_owned()),
                models,
            );
            let plan = plan.unwrap();
            has(&plan, &[&format!("--workload {workload} ")]);
            assert_eq!(plan.notes.len(), notes, "{service} {work}: {plan:?}");
            assert!(plan.question().is_some(), "{workload}");
        }
        assert!(plan_of(|dials| dials.work = "panic".to_owned(), models).is_err());
    }

    #[test]
    fn a_long_work_is_shortened_and_the_plan_says_so() {
        let models = ["iterative", "threads"];
        let plan = plan_of(|dials| *dials = dials.slow_motion(), models).unwrap();
        has(&plan, &["--work wait:20ms", "--duration 500ms"]);
        // `iterative` can't serve five connections at once.
        has(&plan, &["--connections 5", "--baseline threads"]);
        assert!(
            plan.notes[0]
                .en
                .contains("wait:20ms in place of wait:800ms")
        );
        assert!(
            plan.command()
                .starts_with("portlab compare --quick --models iterative,threads ")
        );
    }
}
