//! A comparison that never was: small, and with everything in it that a report has to tell of. Its
//! figures follow from plain arithmetic, so that they are the same on every machine.

use portlab_stats::{
    measure::Measure,
    record::{
        Cell, Counts, Entrant, Environment, FORMAT, Facts, Failed, Histogram, Kind, NotRun,
        Pinning, Point, Rate, Record, Round, Setup, Slice, Timeline, Track, Workload,
    },
};
use portlab_words::Text;

/// A model: its name, family and what the field calls it; the CPU time that a message costs it in
/// microseconds, its threads and processes among 100 connections, and its memory for each in KiB.
type Model = (&'static str, &'static str, &'static str, f64, u64, u64, f64);

const MODELS: [Model; 10] = [
    ("iterative", "-", "iterative server", 4.0, 1, 1, 0.5),
    (
        "fork",
        "processes",
        "process per connection",
        9.6,
        101,
        101,
        210.0,
    ),
    (
        "prefork",
        "processes",
        "pre-forked pool",
        8.3,
        101,
        101,
        205.0,
    ),
    (
        "threads",
        "threads",
        "thread per connection",
        8.1,
        101,
        1,
        18.0,
    ),
    (
        "prethreaded",
        "threads",
        "pre-threaded pool",
        8.0,
        101,
        1,
        18.2,
    ),
    (
        "pool",
        "thread pool",
        "one job per connection",
        8.2,
        101,
        1,
        18.1,
    ),
    ("event-loop", "event", "reactor", 4.1, 1, 1, 1.2),
    (
        "loop-pool",
        "event + pool",
        "half-sync/half-async",
        4.9,
        3,
        1,
        1.3,
    ),
    (
        "tasks-single",
        "coroutines",
        "tasks on one thread",
        4.6,
        1,
        1,
        1.1,
    ),
    ("tasks", "coroutines", "work-stealing tasks", 4.6, 3, 1, 1.4),
];

const TWIN: &str = "event-loop-again";
const CONTROL: &str = "event-loop-by-hand";
const FOREIGN: &str = "asyncio";
const ROUNDS: usize = 7;

/// The comparison.
pub(crate) fn study() -> Record {
    let mut noise = Noise(7);
    let mut cells = Vec::new();
    let names = || entrants().into_iter().map(|entrant| entrant.name);
    for connections in [10, 100] {
        cells.extend(names().map(|name| cell("echo", &name, connections, &mut noise)));
    }
    let some = ["threads", "event-loop", TWIN, "tasks", FOREIGN];
    for (workload, connections) in [("rate", 10), ("churn", 10), ("idle", 1000)] {
        cells.extend(some.map(|name| cell(workload, name, connections, &mut noise)));
    }
    let chatting = ["prefork", "threads", "event-loop", TWIN, "tasks", FOREIGN];
    cells.extend(chatting.map(|name| cell("chat", name, 20, &mut noise)));
    go_wrong(&mut cells);
    Record {
        format: FORMAT.to_owned(),
        portlab_version: "0.1.0".to_owned(),
        command: "portlab compare --workload echo,rate,churn,idle,chat --controls --rounds 5"
            .to_owned(),
        started_unix_s: 1_767_225_600,
        environment: Environment {
            kernel: "6.12.0".to_owned(),
            cpu: "Imaginary 9000".to_owned(),
            cores: 4,
            pinning: Pinning::Apart {
                server_cpus: vec![0, 1],
                generator_cpus: vec![2, 3],
            },
            open_files_limit: 20_000,
            somaxconn: 4096,
            port_range_first: 32_768,
            port_range_last: 60_999,
        },
        setup: Setup {
            suite: None,
            rounds: ROUNDS,
            load_threads: 1,
            seed: 42,
            baseline: Some("event-loop".to_owned()),
        },
        entrants: entrants(),
        workloads: workloads(),
        complete: true,
        cells,
        timelines: timelines(),
    }
}

/// Something for each note of the legend.
fn go_wrong(cells: &mut [Cell]) {
    for connections in [10, 100] {
        not_run(
            find(cells, "echo", "iterative", connections),
            NotRun::ServesOne,
        );
    }
    let pools = || NotRun::ServesFewer(64);
    not_run(find(cells, "echo", "prefork", 100), pools());
    not_run(find(cells, "echo", "prethreaded", 100), pools());
    not_run(find(cells, "chat", FOREIGN, 20), NotRun::ForeignChat);
    let failing = find(cells, "echo", "pool", 100);
    failing.rounds.remove(3);
    failing.failures.push(Failed {
        round: 4,
        reason: "the server ended: exit status 1".to_owned(),
        unmetered: None,
    });
    let burnt = find(cells, "churn", FOREIGN, 10);
    let failed = |round: &Round| Failed {
        round: round.round,
        reason: "connect: timed out".to_owned(),
        unmetered: None,
    };
    burnt.failures = burnt.rounds.iter().map(failed).collect();
    burnt.rounds.clear();
    let wrong = &mut find(cells, "echo", FOREIGN, 100).rounds[1];
    wrong.errors = 3;
    wrong.first_error = Some("byte 17 of an answer: expected 0x41, got 0x42".to_owned());
    let far = &mut find(cells, "echo", "tasks", 10).rounds[2];
    let cpu = far
        .server_cpu_us_per_message
        .map(|cpu| thousandths(cpu * 1.7));
    far.server_cpu_us_per_message = cpu;
    for round in &mut find(cells, "echo", "event-loop", 100).rounds {
        round.generator_cpu_share = 0.97;
    }
    for round in &mut find(cells, "chat", "threads", 20).rounds {
        round.latency_count = Some(240);
    }
}

fn find<'a>(
    cells: &'a mut [Cell],
    workload: &str,
    model: &str,
    connections: usize,
) -> &'a mut Cell {
    let is_it = |it: &&mut Cell| {
        it.workload == workload && it.model == model && it.point.connections == connections
    };
    cells.iter_mut().find(is_it).expect("there is such a cell")
}

fn not_run(cell: &mut Cell, reason: NotRun) {
    cell.not_run = Some(reason);
    cell.rounds.clear();
    cell.latencies = Histogram::default();
}

fn entrants() -> Vec<Entrant> {
    let models = MODELS.iter().map(|(name, family, term, ..)| Entrant {
        name: (*name).to_owned(),
        kind: Kind::Model,
        sheet: Some(Facts {
            family: (*family).to_owned(),
            term: (*term).to_owned(),
            idea: format!("what a {term} does"),
            blocks: "nobody else".to_owned(),
            cost: "little".to_owned(),
            breaks_first: "patience".to_owned(),
            serves: None,
        }),
    });
    let mut entrants: Vec<_> = models.collect();
    let twin = Kind::Twin {
        of: "event-loop".to_owned(),
    };
    let foreign = Kind::Foreign {
        command: "python3 echo_asyncio.py {port}".to_owned(),
    };
    let others = [(TWIN, twin), (CONTROL, Kind::Control), (FOREIGN, foreign)];
    entrants.extend(others.map(|(name, kind)| Entrant {
        name: name.to_owned(),
        kind,
        sheet: None,
    }));
    entrants
}

fn workloads() -> Vec<Workload> {
    let echo = Workload {
        name: "echo".to_owned(),
        title: Text::new("echo: one message at a time", "回声：一次一条消息"),
        asks: Text::new(
            "What does a message cost when every client waits for its answer?",
            "每个客户都等回答时，一条消息花费多少？",
        ),
        service: "echo".to_owned(),
        counts: Counts::Messages,
        ranked_by: Measure::CpuPerMessage,
        work: "none".to_owned(),
        depth: 1,
        rooms: None,
        server_on_all_cpus: false,
        duration_ms: 400,
        warmup_ms: 30,
    };
    let named = |name: &str, title: Text, asks: Text| Workload {
        name: name.to_owned(),
        title,
        asks,
        ..echo.clone()
    };
    let rate = Workload {
        ranked_by: Measure::LatencyP99,
        ..named(
            "rate",
            Text::new(
                "rate: messages at their own pace",
                "速率：消息按自己的节奏到来",
            ),
            Text::new("How long do messages wait?", "消息要等多久？"),
        )
    };
    let churn = Workload {
        counts: Counts::Connections,
        ..named(
            "churn",
            Text::new(
                "churn: connect, one message, close",
                "短连接：连上、一条消息、断开",
            ),
            Text::new("What does a connection cost?", "一次连接花费多少？"),
        )
    };
    let idle = Workload {
        counts: Counts::Nothing,
        ranked_by: Measure::MemoryPerConnection,
        duration_ms: 200,
        ..named(
            "idle",
            Text::new("idle: connections that say nothing", "空闲：不说话的连接"),
            Text::new("What does an idle connection take?", "一个空闲连接占多少？"),
        )
    };
    let chat = Workload {
        service: "chat".to_owned(),
        counts: Counts::Deliveries,
        depth: 8,
        rooms: Some(2),
        server_on_all_cpus: false,
        ..named(
            "chat",
            Text::new("chat: one says it, all hear it", "聊天：一人说，众人听"),
            Text::new(
                "What does it cost that all hear it?",
                "让众人都听见花费多少？",
            ),
        )
    };
    vec![echo, rate, churn, idle, chat]
}

fn cell(workload: &str, name: &str, connections: usize, noise: &mut Noise) -> Cell {
    let (_, _, _, cpu, threads, processes, kib) = model(name);
    let rounds: Vec<_> = (1..=ROUNDS)
        .map(|number| {
            let cpu = cpu * noise.around_one();
            let mut round = echoed(number, cpu, connections);
            round.threads = threads;
            round.processes = processes;
            let empty = 5_900_000;
            let each = kib * 1024.0 * noise.around_one();
            round.empty_pss_bytes = Some(empty);
            round.peak_pss_bytes = empty + (each * connections as f64) as u64;
            shaped(round, workload, noise)
        })
        .collect();
    Cell {
        workload: workload.to_owned(),
        model: name.to_owned(),
        point: Point {
            connections,
            size_bytes: 64,
            workers_asked: None,
            rate: (workload == "rate").then_some(Rate::Common),
        },
        workers: if name == FOREIGN { 0 } else { 1 },
        not_run: None,
        best_per_s: (workload == "rate").then(|| rounds[0].messages_per_s * 2.0),
        latencies: if workload == "idle" {
            Histogram::default()
        } else {
            histogram(&rounds)
        },
        rounds,
        failures: Vec::new(),
    }
}

/// What a model's figures are made from; a twin has its model's, and the others are near it.
fn model(name: &str) -> Model {
    let loops = *MODELS
        .iter()
        .find(|it| it.0 == "event-loop")
        .expect("it is there");
    match MODELS.iter().find(|it| it.0 == name) {
        Some(model) => *model,
        None if name == FOREIGN => ("", "", "", 31.0, 1, 1, 9.0),
        None if name == CONTROL => ("", "", "", 4.0, 1, 1, 1.1),
        None => loops,
    }
}

/// A round of an echo whose messages cost `cpu` microseconds each.
fn echoed(number: usize, cpu: f64, connections: usize) -> Round {
    let messages_per_s = thousandths(1e6 / (cpu + 4.0));
    let p50 = connections as f64 * (cpu + 4.0) * 1e3;
    Round {
        round: number,
        messages: (messages_per_s * 0.4) as u64,
        elapsed_ms: 400.0,
        messages_per_s,
        latency_count: Some((messages_per_s * 0.4) as u64),
        latency_p50_ns: p50 as u64,
        latency_p90_ns: (p50 * 1.3) as u64,
        latency_p99_ns: (p50 * 2.2) as u64,
        latency_p999_ns: (p50 * 4.0) as u64,
        latency_max_ns: (p50 * 9.0) as u64,
        server_cpu_us_per_message: Some(thousandths(cpu)),
        context_switches_per_message: Some(thousandths(
            if cpu > 7.0 { 1.0 } else { 0.02 } * cpu / 4.0,
        )),
        generator_cpu_us_per_message: Some(4.0),
        generator_cpu_share: 0.6,
        ..Round::default()
    }
}

/// The same as it would be in another workload.
fn shaped(mut round: Round, workload: &str, noise: &mut Noise) -> Round {
    match workload {
        "rate" => {
            round.messages_per_s = 10_000.0;
            round.messages = 4_000;
            round.latency_count = Some(4_000);
            round.offered_per_s = Some(10_000.0);
            round.pacing_lag_p99_ns = Some((9_000.0 * noise.around_one()) as u64);
            round.due_not_sent = Some(0);
        }
        "churn" => {
            let cpu = round.server_cpu_us_per_message.unwrap_or_default();
            round.server_cpu_us_per_message = Some(thousandths(cpu + 30.0));
            round.messages_per_s = thousandths(1e6 / (cpu + 60.0));
            round.messages = (round.messages_per_s * 0.4) as u64;
            round.latency_count = Some(round.messages);
        }
        "idle" => {
            round = Round {
                round: round.round,
                elapsed_ms: 200.0,
                empty_pss_bytes: round.empty_pss_bytes,
                peak_pss_bytes: round.peak_pss_bytes,
                threads: round.threads,
                processes: round.processes,
                generator_cpu_share: 0.0,
                ..Round::default()
            };
        }
        "chat" => {
            round.latency_count = Some(round.messages / 9);
        }
        _ => {}
    }
    round
}

/// A histogram that is about as the quantiles of `rounds` say.
fn histogram(rounds: &[Round]) -> Histogram {
    let mut all = Histogram::default();
    for round in rounds {
        let count = round.latency_count.unwrap_or_default();
        let ends = [
            (round.latency_p50_ns / 2, 10),
            (round.latency_p50_ns, 40),
            (round.latency_p90_ns, 40),
            (round.latency_p99_ns, 9),
            (round.latency_p999_ns, 1),
        ];
        let to_two_digits = |nanos: u64| {
            let unit = 10_u64.pow(nanos.max(1).ilog10().saturating_sub(1));
            nanos.div_ceil(unit) * unit
        };
        let pairs = ends.map(|(nanos, share)| (to_two_digits(nanos), count * share / 100));
        all.add(&Histogram(pairs.to_vec()));
    }
    all
}

fn timelines() -> Vec<Timeline> {
    let slice =
        |kind: &str, from: f64, to: f64, connection| Slice(kind.to_owned(), from, to, connection);
    let one = vec![Track {
        process: "portlab".to_owned(),
        thread: "main".to_owned(),
        slices: vec![
            slice("wait", 0.0, 12.0, None),
            slice("read", 12.0, 14.5, Some(1)),
            slice("handle", 14.5, 15.0, Some(1)),
            slice("write", 15.0, 19.0, Some(1)),
            slice("read", 19.5, 21.0, Some(2)),
            slice("write", 21.5, 25.0, Some(2)),
            slice("wait", 25.0, 40.0, None),
        ],
    }];
    let own = |number: u64, from: f64| Track {
        process: "portlab".to_owned(),
        thread: format!("connection {number}"),
        slices: vec![
            slice("wait", 0.0, from, None),
            slice("read", from, from + 3.0, Some(number)),
            slice("write", from + 3.5, from + 8.0, Some(number)),
            slice("wait", from + 8.0, 40.0, None),
        ],
    };
    let timeline = |model: &str, tracks, more_tracks| Timeline {
        workload: "echo".to_owned(),
        model: model.to_owned(),
        connections: 10,
        length_us: 40.0,
        tracks,
        more_tracks,
        in_steps: more_tracks > 0,
    };
    vec![
        timeline("threads", vec![own(1, 5.0), own(2, 9.5), own(3, 14.0)], 7),
        timeline("event-loop", one, 0),
    ]
}

fn thousandths(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

/// Noise of a known seed.
struct Noise(u64);

impl Noise {
    /// A factor within two per cent of 1.
    fn around_one(&mut self) -> f64 {
        // D. Knuth's MMIX.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        let share = (self.0 >> 40) as f64 / (1_u64 << 24) as f64;
        0.98 + 0.04 * share
    }
}

/// As much as a study of an hour has: ten workloads, most at two or three numbers of connections and
/// one over six, all entrants everywhere.
pub(crate) fn full() -> Record {
    let mut record = study();
    let echo = record.workloads[0].clone();
    let pattern: Vec<Cell> = record
        .cells
        .iter()
        .filter(|cell| cell.workload == "echo" && cell.point.connections == 100)
        .cloned()
        .collect();
    record.workloads.clear();
    record.cells.clear();
    for number in 0..10 {
        let name = format!("workload-{number}");
        record.workloads.push(Workload {
            name: name.clone(),
            ..echo.clone()
        });
        let points: &[usize] = match number {
            0 => &[1, 4, 16, 64, 256, 1000],
            1..=4 => &[10, 100],
            5..=9 => &[10, 100, 1000],
            _ => &[],
        };
        for &connections in points {
            let at = |cell: &Cell| Cell {
                workload: name.clone(),
                point: Point {
                    connections,
                    ..cell.point
                },
                ..cell.clone()
            };
            record.cells.extend(pattern.iter().map(at));
        }
    }
    record
}
