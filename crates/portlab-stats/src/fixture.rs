//! Small records, for tests.

use portlab_words::Text;

use crate::{
    advice::{Candidate, Carries, Ceiling, Kind as Does, Measured, Question, Shot, Shown, Work},
    measure::Measure,
    record::{
        Cell, Counts, Entrant, Environment, FORMAT, Facts, Kind, PROCESSES, Pinning, Point, Record,
        Round, Serves, Setup, THREADS, Workload,
    },
};

/// A cell of an echo at 100 connections that costs so many microseconds per message, round by round.
pub fn cell(model: &str, cpu_us: &[f64]) -> Cell {
    let round = |(at, &cpu): (usize, &f64)| Round {
        round: at + 1,
        messages: 50_000,
        elapsed_ms: 500.0,
        messages_per_s: 100_000.0,
        latency_count: Some(50_000),
        latency_p50_ns: 900_000,
        latency_p90_ns: 1_000_000,
        latency_p99_ns: 2_000_000,
        latency_p999_ns: 3_000_000,
        latency_max_ns: 9_000_000,
        server_cpu_us_per_message: Some(cpu),
        context_switches_per_message: Some(0.01),
        empty_pss_bytes: Some(1_000_000),
        peak_pss_bytes: 2_000_000,
        threads: 1,
        processes: 1,
        generator_cpu_us_per_message: Some(8.0),
        generator_cpu_share: 0.8,
        ..Round::default()
    };
    Cell {
        workload: "echo".into(),
        model: model.into(),
        point: Point {
            connections: 100,
            size_bytes: 64,
            workers_asked: None,
            rate: None,
        },
        workers: 1,
        not_run: None,
        best_per_s: None,
        rounds: cpu_us.iter().enumerate().map(round).collect(),
        failures: Vec::new(),
        latencies: Default::default(),
    }
}

/// The same cell with a change in each round.
pub fn with_rounds(mut cell: Cell, change: impl FnMut(&mut Round)) -> Cell {
    cell.rounds.iter_mut().for_each(change);
    cell
}

/// The cell of `model`'s twin.
pub fn twin(model: &str, cpu_us: &[f64]) -> Cell {
    cell(&format!("{model}-again"), cpu_us)
}

/// The sheets of a few models, with the facts that findings depend on.
fn sheet(model: &str) -> Option<Facts> {
    let coroutines = Text::new("coroutines", "协程");
    let (family, serves) = match model {
        "fork" => (PROCESSES, Serves::Open),
        "prefork" => (PROCESSES, Serves::Workers),
        "threads" => (THREADS, Serves::Open),
        "prethreaded" => (THREADS, Serves::Workers),
        "event-loop" => (Text::new("event", "事件驱动"), Serves::Open),
        "tasks" | "tasks-single" => (coroutines, Serves::Open),
        _ => return None,
    };
    const EMPTY: Text = Text::new("", "");
    Some(Facts {
        family,
        term: EMPTY,
        idea: EMPTY,
        blocks: EMPTY,
        cost: EMPTY,
        breaks_first: EMPTY,
        serves: Some(serves),
    })
}

/// A record of `cells`. The suffix of a name gives the kind of the entrant: `-again` a twin, `-textbook` a control,
/// `-other` another build. The first entrant is the baseline.
pub fn record(cells: Vec<Cell>) -> Record {
    let mut entrants: Vec<Entrant> = Vec::new();
    for cell in &cells {
        if entrants.iter().any(|known| known.name == cell.model) {
            continue;
        }
        let other = cell.model.strip_suffix("-other");
        let kind = match cell.model.strip_suffix("-again") {
            Some(of) => Kind::Twin { of: of.to_owned() },
            None if let Some(of) = other => Kind::Build {
                of: of.to_owned(),
                program: "old/portlab".to_owned(),
                version: "0.1.0".to_owned(),
            },
            None if crate::summary::control_of(&cell.model).is_some() => Kind::Control,
            None => Kind::Model,
        };
        entrants.push(Entrant {
            name: cell.model.clone(),
            kind,
            sheet: sheet(&cell.model),
        });
    }
    let rounds = cells.iter().map(|cell| cell.rounds.len());
    Record {
        format: FORMAT.into(),
        portlab_version: "0.0.0".into(),
        command: "portlab compare".into(),
        started_unix_s: 0,
        environment: Environment {
            kernel: "6.0".into(),
            cpu: "a processor".into(),
            cores: 2,
            pinning: Pinning::Apart {
                server_cpus: vec![0],
                generator_cpus: vec![1],
            },
            open_files_limit: 1024,
            somaxconn: 4096,
            port_range_first: 1,
            port_range_last: 2,
        },
        setup: Setup {
            suite: None,
            rounds: rounds.max().unwrap_or(0),
            load_threads: 1,
            seed: 1,
            baseline: entrants.first().map(|entrant| entrant.name.clone()),
        },
        entrants,
        workloads: vec![Workload {
            name: "echo".into(),
            title: Text::new("echo", "回显"),
            asks: Text::new("What does a message cost?", "一条消息花费多少？"),
            service: "echo".into(),
            counts: Counts::Messages,
            ranked_by: Measure::CpuPerMessage,
            work: "none".into(),
            depth: 1,
            rooms: None,
            active_connections: None,
            heavy_depth: None,
            server_on_all_cpus: false,
            duration_ms: 500,
            warmup_ms: 100,
        }],
        complete: true,
        cells,
        timelines: Vec::new(),
    }
}

/// A model that met the bound in five rounds, at so many microseconds a message and so many MiB.
pub fn candidate(model: &str, cpu_us: f64, mib: u64) -> Candidate {
    // The usual difference between rounds of one server.
    let noise = [1.0, 1.02, 0.98, 1.01, 0.99];
    let shot = |(at, noise): (usize, &f64)| Shot {
        round: at + 1,
        work: 0,
        shown: Shown::Held,
        p99_ns: 6_000_000,
        latencies: 2_500,
        cpu_us_per_message: Some(cpu_us * noise),
        peak_pss_bytes: mib << 20,
        wait_share: Some(0.01),
    };
    Candidate {
        model: model.to_owned(),
        workers: 1,
        carries: Carries::All,
        shots: noise.iter().enumerate().map(shot).collect(),
        blocked: Vec::new(),
        ceiling: Ceiling::NotSearched,
    }
}

/// Models that were asked for 5,000 messages per second on 500 connections, with 5 ms of waiting.
pub fn measured(candidates: Vec<Candidate>) -> Measured {
    let work = |kind| Work {
        kind,
        time_ns: 5_000_000,
    };
    Measured {
        question: Question {
            works: vec![work(Does::Wait)],
            connections: 500,
            rate_per_s: 5_000.0,
            size_bytes: 64,
            members: None,
            churn: false,
            within_ns: 50_000_000,
        },
        server_cores: 1,
        memory_bytes: 8 << 30,
        candidates,
        what_if: Some(work(Does::Block)),
        cut_short: false,
        interrupted: false,
    }
}
