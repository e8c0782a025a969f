//! What checking and measuring cost the load generator: its CPU time per message against that of
//! the plainest mio loop, which sends and receives and looks at nothing. In turn, against one
//! server.
//!
//!     cargo bench --bench generator

use std::{
    io::{self, Read, Write},
    net::SocketAddr,
    path::Path,
    time::{Duration, Instant},
};

use mio::{Events, Interest, Poll, Token, net::TcpStream};
use portlab_lab::Server;
use portlab_load::{Plan, Stop};
use portlab_stats::summary::Figure;
use portlab_sys::clock::thread_cpu;

const CONNECTIONS: usize = 100;
const SIZE: usize = 64;
const ROUNDS: usize = 15;
const ROUND: Duration = Duration::from_millis(700);
const WARMUP: Duration = Duration::from_millis(150);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // `cargo test --benches` passes no `--bench`: then there is nothing to measure.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    println!("{CONNECTIONS} connections, {SIZE} B, depth 1, {ROUNDS} rounds; CPU per message");
    let mut ratios = Vec::new();
    for round in 1..=ROUNDS {
        // In turn, and by turns first, so that a slow moment of the machine meets both.
        let (portlab, plain) = if round % 2 == 0 {
            let plain = plain_in_fresh_server()?;
            (portlab_in_fresh_server()?, plain)
        } else {
            (portlab_in_fresh_server()?, plain_in_fresh_server()?)
        };
        println!(
            "round {round:>2}: portlab {portlab:.3} us, plain loop {plain:.3} us, ratio {:.3}",
            portlab / plain
        );
        ratios.push(portlab / plain);
    }
    let ratio = Figure::of(ratios).expect("there was a round");
    println!(
        "ratio: median {:.3}, from {:.3} to {:.3}",
        ratio.median, ratio.min, ratio.max
    );
    Ok(())
}

fn server() -> Result<Server, portlab_lab::ServerError> {
    Server::start(
        Path::new(env!("CARGO_BIN_EXE_portlab")),
        ["--model=event-loop"],
    )
}

fn portlab_in_fresh_server() -> Result<f64, Box<dyn std::error::Error>> {
    let server = server()?;
    let plan = Plan {
        connections: CONNECTIONS,
        size: SIZE,
        warmup: WARMUP,
        stop: Stop::After(ROUND),
        ..Plan::new(server.addr())
    };
    let outcome = portlab_load::run(&plan, &mut ())?;
    assert!(outcome.is_clean(), "the server answered wrongly");
    Ok(outcome.generator_cpu_us_per_message())
}

fn plain_in_fresh_server() -> Result<f64, Box<dyn std::error::Error>> {
    let server = server()?;
    let addr = server.addr();
    // On a thread of its own, as the generator's is.
    let loaded = std::thread::spawn(move || plain(addr));
    Ok(loaded.join().expect("the plain loop doesn't panic")?)
}

/// The control: a closed loop that checks nothing, times nothing and counts messages only.
fn plain(addr: SocketAddr) -> io::Result<f64> {
    let mut poll = Poll::new()?;
    let mut streams = Vec::new();
    let message = [7; SIZE];
    for number in 0..CONNECTIONS {
        let stream = std::net::TcpStream::connect(addr)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        poll.registry()
            .register(&mut stream, Token(number), Interest::READABLE)?;
        streams.push(stream);
    }
    for stream in &mut streams {
        stream.write_all(&message)?;
    }
    let mut events = Events::with_capacity(1024);
    let mut buffer = vec![0; 64 * 1024];
    let (mut since, mut cpu) = (Instant::now(), thread_cpu());
    let (mut messages, mut warm) = (0u64, false);
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            let stream = &mut streams[event.token().0];
            match stream.read(&mut buffer) {
                Ok(length) => messages += (length / SIZE) as u64,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Err(error) => return Err(error),
            }
            stream.write_all(&message)?;
        }
        let elapsed = since.elapsed();
        if !warm && elapsed > WARMUP {
            (since, cpu, messages, warm) = (Instant::now(), thread_cpu(), 0, true);
        } else if warm && elapsed > ROUND {
            return Ok((thread_cpu() - cpu).as_secs_f64() * 1e6 / messages as f64);
        }
    }
}
