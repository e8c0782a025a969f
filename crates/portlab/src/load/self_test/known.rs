//! Servers whose behaviour is known: an echo with a thread per connection and one known fault. Each is a process of its
//! own, as for every load.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream, UdpSocket},
    process::{Child, ChildStdout, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use anyhow::Context;
use portlab_load::Latency;
use portlab_sys::{
    machine::keep_to,
    socket::{note_arrivals, read_with_age},
    spawn::tie_to_this_thread,
};
use portlab_words::{Text, tr};
use serde::{Deserialize, Serialize};

#[cfg(feature = "tls")]
use super::encrypted;
use super::servers;
use crate::{Verdict, args, output};

/// A server whose behaviour is known
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What it does, such as {"Flip":999}
    #[arg(value_parser = |text: &str| serde_json::from_str::<Behaviour>(text))]
    behaviour: Behaviour,
    /// The processors that it keeps to
    #[arg(long, value_delimiter = ',')]
    cpus: Vec<usize>,
}

/// What a server does beside echoing.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) enum Behaviour {
    /// Answers this long after a message has arrived.
    Delay(Duration),
    /// Answers one message after another, over all connections: each this long after the one before, or after its arrival.
    Queue(Duration),
    /// Answers a byte at a time, this far apart.
    Trickle(Duration),
    /// Flips a bit of the byte at this offset of each connection's stream.
    Flip(u64),
    /// Leaves out the byte at this offset.
    Omit(u64),
    /// Sends the byte at this offset twice.
    Repeat(u64),
    /// Closes after so many bytes.
    Close(u64),
    /// Answers every message of this many bytes with an error of HTTP.
    Refuse(u64),
    /// Answers requests of HTTP.
    Http(servers::Http),
    /// On a UDP port: drops every datagram whose number is a multiple of this.
    Drop(u64),
    /// Closes its port and all connections so long after the first one, for so long.
    Leave { after: Duration, away: Duration },
    /// Encrypts, and begins each handshake so long after the connection is made.
    #[cfg(feature = "tls")]
    Tls(Duration),
}

/// A running server. It is killed when this is dropped.
pub(super) struct Known {
    pub(super) child: Child,
    out: BufReader<ChildStdout>,
    pub(super) addr: SocketAddr,
}

impl Known {
    /// Starts a server that keeps to `cpus`, or, if there are none, to those of this process.
    pub(super) fn start(behaviour: Behaviour, cpus: &[usize]) -> anyhow::Result<Self> {
        let program = std::env::current_exe().with_context(args::not_found)?;
        let mut command = Command::new(program);
        command.args(["known-server", &serde_json::to_string(&behaviour)?]);
        let cpus = cpus.iter().map(|cpu| format!("--cpus={cpu}"));
        command.args(cpus);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = tie_to_this_thread(&mut command)
            .spawn()
            .context(Text::new("can't start a server", "无法启动服务端"))?;
        let out = child.stdout.take().context(NO_ADDRESS)?;
        let mut server = Self {
            child,
            out: BufReader::new(out),
            addr: SocketAddr::from(([127, 0, 0, 1], 0)),
        };
        server.addr = server.read_line()?.parse().context(NO_ADDRESS)?;
        Ok(server)
    }

    fn read_line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        self.out.read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }

    /// Ends the server, and returns how long its answers took by its own clock.
    pub(super) fn own_quantiles(mut self) -> anyhow::Result<[AtQuantiles; 2]> {
        drop(self.child.stdin.take());
        let line = self.read_line()?;
        serde_json::from_str(&line).with_context(|| {
            tr!(
                "the server printed {line:?} instead of its figures",
                "服务端输出的不是数字，而是 {line:?}"
            )
        })
    }
}

impl Drop for Known {
    fn drop(&mut self) {
        // Both fail if the server has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const NO_ADDRESS: Text = Text::new("the server printed no address", "服务端没有输出地址");

/// The quantiles that are checked.
pub(super) const QUANTILES: [f64; 5] = [0.5, 0.75, 0.9, 0.95, 0.99];

/// A time in nanoseconds for each of [`QUANTILES`].
pub(super) type AtQuantiles = [f64; QUANTILES.len()];

/// The times of `latency` at [`QUANTILES`], and beyond each of them: at the quantile that only a third as many exceed.
pub(super) fn at_and_beyond(latency: &Latency) -> [AtQuantiles; 2] {
    [1.0, 3.0].map(|part| {
        QUANTILES.map(|quantile| latency.quantile_ns(1.0 - (1.0 - quantile) / part) as f64)
    })
}

/// Serves until stdin ends. Prints its address first, and at the end how long its answers took by its own clock: from
/// the arrival of a message in the kernel to the last byte of its answer, as [`at_and_beyond`].
pub(crate) fn serve(args: &Args) -> anyhow::Result<Verdict> {
    if !args.cpus.is_empty() {
        keep_to(&args.cpus)?;
    }
    let behaviour = args.behaviour;
    if let Behaviour::Drop(dropped) = behaviour {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        say_address(socket.local_addr()?)?;
        return end_with_stdin(move || servers::echo_datagrams(&socket, dropped));
    }
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut out = say_address(listener.local_addr()?)?;
    if let Behaviour::Leave { after, away } = behaviour {
        return end_with_stdin(move || servers::echo_with_a_gap(listener, after, away));
    }
    #[cfg(feature = "tls")]
    if let Behaviour::Tls(time) = behaviour {
        let config = Arc::new(encrypted::config()?);
        return end_with_stdin(move || encrypted::serve(&listener, &config, time));
    }
    let own = Arc::new(Mutex::new(Latency::new()));
    let times = Arc::clone(&own);
    let free = Arc::new(Mutex::new(Instant::now()));
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let (times, free) = (Arc::clone(&times), Arc::clone(&free));
            // An error ends one connection only.
            thread::spawn(move || match behaviour {
                Behaviour::Http(how) => servers::answer_http(stream, how),
                _ => answer(stream, behaviour, &times, &free),
            });
        }
    });
    std::io::stdin().read_to_end(&mut Vec::new())?;
    let own = own
        .lock()
        .expect("no thread panics while it holds the lock");
    writeln!(out, "{:?}", at_and_beyond(&own))?;
    Ok(Verdict::Fine)
}

/// Prints the address of a server.
fn say_address(addr: SocketAddr) -> std::io::Result<impl Write> {
    let mut out = output::raw_stdout();
    writeln!(out, "{addr}")?;
    out.flush()?;
    Ok(out)
}

/// Lets a thread `serve` until stdin ends.
fn end_with_stdin(
    serve: impl FnOnce() -> std::io::Result<()> + Send + 'static,
) -> anyhow::Result<Verdict> {
    thread::spawn(serve);
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(Verdict::Fine)
}

/// Answers one connection until its end. `free` is when the queue of all connections is empty.
fn answer(
    mut stream: TcpStream,
    behaviour: Behaviour,
    times: &Mutex<Latency>,
    free: &Mutex<Instant>,
) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    note_arrivals(&stream)?;
    let mut buffer = vec![0; 64 * 1024];
    let mut at = 0;
    loop {
        // A delay counts from the arrival of the message in the kernel, and so includes the waking of this thread.
        let (length, age) = read_with_age(&stream, &mut buffer)?;
        let arrived = Instant::now() - age;
        if length == 0 {
            return Ok(());
        }
        let mut answer = buffer[..length].to_vec();
        let end = at + length as u64;
        let place = match behaviour {
            Behaviour::Flip(of) | Behaviour::Omit(of) | Behaviour::Repeat(of) => {
                (at..end).contains(&of).then(|| (of - at) as usize)
            }
            _ => None,
        };
        match (behaviour, place) {
            (Behaviour::Delay(time), _) => wait_until(arrived + time),
            (Behaviour::Queue(time), _) => wait_until(served_at(free, arrived, time)),
            (Behaviour::Trickle(gap), _) => {
                for (index, byte) in answer.iter().enumerate() {
                    wait_until(arrived + gap * index as u32);
                    stream.write_all(&[*byte])?;
                }
                answer.clear();
            }
            (Behaviour::Flip(_), Some(index)) => answer[index] ^= 0x10,
            (Behaviour::Omit(_), Some(index)) => drop(answer.remove(index)),
            (Behaviour::Repeat(_), Some(index)) => answer.insert(index, answer[index]),
            (Behaviour::Flip(_) | Behaviour::Omit(_) | Behaviour::Repeat(_), None) => {}
            // Other functions serve these.
            (Behaviour::Http(_) | Behaviour::Drop(_) | Behaviour::Leave { .. }, _) => {}
            #[cfg(feature = "tls")]
            (Behaviour::Tls(_), _) => {}
            (Behaviour::Close(after), _) => {
                if end >= after {
                    return stream.write_all(&answer[..(after - at) as usize]);
                }
            }
            (Behaviour::Refuse(size), _) => {
                answer = REFUSAL.repeat((end / size - at / size) as usize);
            }
        }
        stream.write_all(&answer)?;
        let took = arrived.elapsed().as_nanos() as u64;
        let mut times = times
            .lock()
            .expect("no thread panics while it holds the lock");
        times.record(took);
        at = end;
    }
}

/// When a message that arrived at that moment has been served for this `time`, behind those before it.
fn served_at(free: &Mutex<Instant>, arrived: Instant, time: Duration) -> Instant {
    let mut free = free
        .lock()
        .expect("no thread panics while it holds the lock");
    *free = arrived.max(*free) + time;
    *free
}

/// An error of HTTP, complete.
const REFUSAL: &[u8] = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";

/// How long before its time a thread stops sleeping: longer than a machine takes to wake it.
const WAKING: Duration = Duration::from_micros(200);

/// Waits until `moment`, with an error of a few microseconds: sleeps first, and polls the clock at the end.
pub(super) fn wait_until(moment: Instant) {
    let left = moment.saturating_duration_since(Instant::now());
    thread::sleep(left.saturating_sub(WAKING));
    while Instant::now() < moment {
        std::hint::spin_loop();
    }
}
