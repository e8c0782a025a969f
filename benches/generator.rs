//! What checking and measuring cost the load generator: its CPU time per message against that of a plain mio loop, which
//! sends and receives, and checks nothing. The turns are so short that changes of the machine's speed affect both.
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
use portlab_load::{Plan, Script, Stop};
use portlab_stats::estimate::Estimate;
use portlab_sys::clock::thread_cpu;
use portlab_testkit::{binary, is_bench};

const CONNECTIONS: usize = 100;
const SIZE: usize = 64;
/// Fresh servers.
const SERVERS: usize = 7;
/// Turns of each generator against one server.
const TURNS: usize = 16;
const TURN: Duration = Duration::from_millis(150);
const WARMUP: Duration = Duration::from_millis(20);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    if !is_bench() {
        return Ok(());
    }
    println!(
        "{CONNECTIONS} connections, {SIZE} B, depth 1; {SERVERS} servers, {TURNS} turns of {TURN:?} \
         each; CPU per message, portlab : plain loop"
    );
    let mut ratios = Vec::new();
    for number in 0..SERVERS {
        let program = Path::new(binary());
        let server = Server::start(program, ["--model=event-loop"])?;
        let mut of_server = Vec::new();
        for turn in 0..TURNS {
            // A B, B A, A B, ...: a slow moment of the machine affects both, and each is first in half of the turns.
            of_server.push(if (turn + number).is_multiple_of(2) {
                let portlab = portlab(server.addr())?;
                portlab / plain_on_a_thread(server.addr())?
            } else {
                let plain = plain_on_a_thread(server.addr())?;
                portlab(server.addr())? / plain
            });
        }
        ratios.push(Estimate::of(of_server).expect("there was a turn").median);
    }
    let Estimate {
        median, min, max, ..
    } = Estimate::of(ratios).expect("there was a server");
    println!("median {median:.3}, from {min:.3} to {max:.3}");
    Ok(())
}

fn portlab(addr: SocketAddr) -> Result<f64, Box<dyn std::error::Error>> {
    let plan = Plan {
        connections: CONNECTIONS,
        script: Script::echo(SIZE),
        warmup: WARMUP,
        stop: Stop::after(TURN),
        ..Plan::new(addr)
    };
    let outcome = portlab_load::run(&plan, &mut ())?;
    assert!(outcome.is_clean(), "the server answered wrongly");
    Ok(outcome.generator_cpu_us_per_message())
}

/// Runs the plain loop on a thread of its own, as the generator's loop runs.
fn plain_on_a_thread(addr: SocketAddr) -> Result<f64, Box<dyn std::error::Error>> {
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
        } else if warm && elapsed > TURN {
            return Ok((thread_cpu() - cpu).as_secs_f64() * 1e6 / messages as f64);
        }
    }
}
