//! What a message costs one server, divided by what it costs another one. Both are loaded in turn for a short time each, so that
//! changes of the machine's speed affect both.

use std::time::Duration;

use portlab_lab::Server;
use portlab_load::{Plan, Watch};
use portlab_stats::estimate::Estimate;
use portlab_sys::meter;

pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Turns of each server in a pair.
pub(crate) const TURNS: usize = 16;
const WARMUP: Duration = Duration::from_millis(20);

/// The median over the turns of one pair of processes. `plan` loads a server for one turn; its target and its warm-up are set here.
pub(crate) fn ratio(pair: usize, [one, other]: [&Server; 2], plan: &Plan) -> Result<f64> {
    let mut ratios = Vec::new();
    for turn in 0..TURNS {
        // A B, B A, A B, ...: each server is the first in half of the turns.
        if (turn + pair).is_multiple_of(2) {
            let one = cpu_us_per_message(one, plan)?;
            ratios.push(one / cpu_us_per_message(other, plan)?);
        } else {
            let other = cpu_us_per_message(other, plan)?;
            ratios.push(cpu_us_per_message(one, plan)? / other);
        }
    }
    // On a busy machine a turn may have no message, and so no ratio.
    ratios.retain(|ratio| ratio.is_finite());
    Ok(Estimate::of(ratios).expect("there was a turn").median)
}

fn cpu_us_per_message(server: &Server, plan: &Plan) -> Result<f64> {
    let plan = Plan {
        warmup: WARMUP,
        targets: Plan::new(server.addr()).targets,
        ..plan.clone()
    };
    let mut meter = Meter {
        pid: server.pid(),
        begin: Duration::ZERO,
        end: Duration::ZERO,
    };
    let outcome = portlab_load::run(&plan, &mut meter)?;
    assert!(outcome.is_clean(), "the server answered wrongly");
    Ok((meter.end - meter.begin).as_secs_f64() * 1e6 / outcome.metered_messages as f64)
}

struct Meter {
    pid: i32,
    begin: Duration,
    end: Duration,
}

impl Watch for Meter {
    fn begin(&mut self) {
        self.begin = meter::usage(self.pid).expect("the server runs").cpu;
    }

    fn end(&mut self) {
        self.end = meter::usage(self.pid).expect("the server runs").cpu;
    }
}
