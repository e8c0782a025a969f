//! The pure parts, under criterion: the cost of a message without system calls.
//!
//!     cargo bench --bench pure

use std::{hint::black_box, net::SocketAddr};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use portlab_load::{Latency, Ring};
use portlab_report::Notes;
use portlab_service::{ConnId, Cx, ServiceOptions, Session};
use portlab_stats::fixture::{cell, record};
use portlab_words::Lang;

const SIZES: [usize; 3] = [64, 1024, 64 * 1024];

fn session(options: &ServiceOptions) -> Box<dyn Session> {
    let service = options.build("echo").expect("the table has an echo");
    service.open(ConnId(1), SocketAddr::from(([127, 0, 0, 1], 50_000)))
}

/// One read handed to an echo session, through the trait object, as a backend does.
fn echo_session(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("echo session, one read");
    for size in SIZES {
        let input = vec![7; size];
        let (mut out, mut posts) = (Vec::with_capacity(size), Vec::new());
        let mut session = session(&ServiceOptions::default());
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(size.to_string(), |bencher| {
            bencher.iter(|| {
                out.clear();
                let mut cx = Cx {
                    out: &mut out,
                    posts: &mut posts,
                };
                black_box(session.on_data(black_box(&input), &mut cx))
            });
        });
    }
    group.finish();
}

/// One latency put into a histogram.
fn histogram_record(criterion: &mut Criterion) {
    let mut random = fastrand::Rng::with_seed(1);
    let times: Vec<u64> = (0..1024).map(|_| random.u64(1_000..10_000_000)).collect();
    criterion.bench_function("histogram, one record", |bencher| {
        let (mut latency, mut at) = (Latency::default(), 0);
        bencher.iter(|| {
            at = (at + 1) % times.len();
            latency.record(black_box(times[at]));
        });
    });
    criterion.bench_function("histogram, p99 of a million", |bencher| {
        let filled = || {
            let mut latency = Latency::default();
            (0..1_000_000).for_each(|at| latency.record(times[at % times.len()]));
            latency
        };
        bencher.iter_batched_ref(
            filled,
            |latency| black_box(latency.quantile_ns(0.99)),
            BatchSize::LargeInput,
        );
    });
}

/// One reply compared, byte by byte, with what was sent.
fn reply_check(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("reply check, one read");
    let ring = Ring::random();
    for size in SIZES {
        let reply = ring.at(3, 1_000, size).to_vec();
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(size.to_string(), |bencher| {
            bencher.iter(|| black_box(ring.check(3, black_box(1_000), &reply)));
        });
    }
    group.finish();
}

/// The notes of a report on ten servers in 21 rounds, with waits for a processor in each.
fn notes(criterion: &mut Criterion) {
    let spread = |server: usize| {
        let cpu = (0..21).map(|round| 4.0 + server as f64 + (round * 7 % 5) as f64 / 50.0);
        cpu.collect::<Vec<f64>>()
    };
    let mut cells: Vec<_> = (0..10)
        .map(|it| cell(&format!("server-{it}"), &spread(it)))
        .collect();
    for round in cells.iter_mut().flat_map(|cell| &mut cell.rounds) {
        (round.server_wait_share, round.generator_wait_share) = (Some(0.01), Some(0.02));
    }
    let record = record(cells);
    criterion.bench_function("notes of a record of 210 measurements", |bencher| {
        bencher.iter(|| Notes::of(black_box(&record), Lang::En));
    });
}

criterion_group! {
    name = pure;
    config = Criterion::default()
        .sample_size(30)
        .warm_up_time(std::time::Duration::from_millis(300))
        .measurement_time(std::time::Duration::from_secs(1));
    targets = echo_session, histogram_record, reply_check, notes
}
criterion_main!(pure);
