//! Servers whose behaviour is known, for the self-test to find out: a thread per connection, an
//! echo, and one thing that is wrong with it. A process of its own, as for every load.

use std::{
    fmt,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    str::FromStr,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use anyhow::bail;
use portlab_load::Latency;
use portlab_sys::{
    machine::{halves, keep_to},
    socket::{note_arrivals, read_with_age},
};
use portlab_words::{tr, units};

use crate::{Verdict, output};

/// A server whose behaviour is known
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What it does, such as delay:5ms
    behaviour: Behaviour,
}

/// What a server does beside echoing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Behaviour {
    /// Answers this long after a message has arrived.
    Delay(Duration),
    /// Answers a byte at a time, this far apart.
    Trickle(Duration),
    /// Flips a bit of the byte at this place of each connection's stream.
    Lie(u64),
    /// Leaves the byte at this place out.
    Omit(u64),
    /// Says the byte at this place twice.
    Repeat(u64),
    /// Closes after so many bytes.
    Close(u64),
    /// Answers every so many bytes with an error of HTTP.
    Refuse(u64),
}

impl FromStr for Behaviour {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (name, value) = text.split_once(':').unwrap_or((text, ""));
        let (time, at) = (units::duration("0s", "1h"), units::count("0", "1T"));
        Ok(match name {
            "delay" => Self::Delay(time(value)?),
            "trickle" => Self::Trickle(time(value)?),
            "lie" => Self::Lie(at(value)?),
            "omit" => Self::Omit(at(value)?),
            "repeat" => Self::Repeat(at(value)?),
            "close" => Self::Close(at(value)?),
            "refuse" => Self::Refuse(at(value)?.max(1)),
            _ => bail!(tr!(
                "unknown behaviour {text:?}: expected delay:5ms, trickle:1ms, lie:999999, ...",
                "没有 {text:?} 这种行为；请写 delay:5ms、trickle:1ms、lie:999999 等"
            )),
        })
    }
}

impl fmt::Display for Behaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delay(time) => write!(f, "delay:{}ns", time.as_nanos()),
            Self::Trickle(gap) => write!(f, "trickle:{}ns", gap.as_nanos()),
            Self::Lie(at) => write!(f, "lie:{at}"),
            Self::Omit(at) => write!(f, "omit:{at}"),
            Self::Repeat(at) => write!(f, "repeat:{at}"),
            Self::Close(after) => write!(f, "close:{after}"),
            Self::Refuse(size) => write!(f, "refuse:{size}"),
        }
    }
}

/// The quantiles that a server tells of the times it took itself.
pub(super) const QUANTILES: [f64; 5] = [0.5, 0.75, 0.9, 0.95, 0.99];

/// Serves until stdin ends. Says its address first, and at last how long its answers took by its own
/// clock: from the arrival of a message in the kernel to the last byte of its answer, in
/// nanoseconds at each of [`QUANTILES`].
pub(crate) fn run(args: &Args) -> anyhow::Result<Verdict> {
    if let Ok(Some(halves)) = halves() {
        let _ = keep_to(&halves.second);
    }
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let behaviour = args.behaviour;
    let mut out = output::raw_stdout();
    writeln!(out, "{}", listener.local_addr()?)?;
    out.flush()?;
    let own = Arc::new(Mutex::new(Latency::new()));
    let books = Arc::clone(&own);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let books = Arc::clone(&books);
            // How a connection ends is the client's affair.
            thread::spawn(move || serve(stream, behaviour, &books));
        }
    });
    std::io::stdin().read_to_end(&mut Vec::new())?;
    let own = own.lock().expect("no thread panics with the books open");
    let quantiles = QUANTILES.map(|quantile| own.quantile_ns(quantile).to_string());
    writeln!(out, "{}", quantiles.join(" "))?;
    Ok(Verdict::Fine)
}

fn serve(
    mut stream: TcpStream,
    behaviour: Behaviour,
    books: &Mutex<Latency>,
) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    note_arrivals(&stream)?;
    let mut buffer = vec![0; 64 * 1024];
    let mut at = 0;
    loop {
        // A delay counts from when the message was in the kernel, and includes the waking of this thread.
        let (length, age) = read_with_age(&stream, &mut buffer)?;
        let arrived = Instant::now() - age;
        if length == 0 {
            return Ok(());
        }
        let mut answer = buffer[..length].to_vec();
        let place = |of: u64| {
            (at..at + length as u64)
                .contains(&of)
                .then(|| (of - at) as usize)
        };
        match behaviour {
            Behaviour::Delay(time) => wait_until(arrived + time),
            Behaviour::Trickle(gap) => {
                for (index, byte) in answer.iter().enumerate() {
                    wait_until(arrived + gap * index as u32);
                    stream.write_all(&[*byte])?;
                }
                answer.clear();
            }
            Behaviour::Lie(of) => {
                if let Some(index) = place(of) {
                    answer[index] ^= 0x10;
                }
            }
            Behaviour::Omit(of) => {
                if let Some(index) = place(of) {
                    answer.remove(index);
                }
            }
            Behaviour::Repeat(of) => {
                if let Some(index) = place(of) {
                    answer.insert(index, answer[index]);
                }
            }
            Behaviour::Close(after) => {
                if at + length as u64 >= after {
                    return stream.write_all(&answer[..(after - at) as usize]);
                }
            }
            Behaviour::Refuse(size) => {
                let messages = (at + length as u64) / size - at / size;
                answer = REFUSAL.repeat(messages as usize);
            }
        }
        stream.write_all(&answer)?;
        let took = arrived.elapsed().as_nanos() as u64;
        let mut books = books.lock().expect("no thread panics with the books open");
        books.record(took);
        at += length as u64;
    }
}

/// An error of HTTP, complete.
const REFUSAL: &[u8] = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";

/// How long before its time a thread stops sleeping: longer than a machine takes to wake it.
const WAKING: Duration = Duration::from_micros(200);

/// Waits until `moment`, to a few microseconds: asleep, and for the last bit awake.
fn wait_until(moment: Instant) {
    let left = moment.saturating_duration_since(Instant::now());
    thread::sleep(left.saturating_sub(WAKING));
    while Instant::now() < moment {
        std::hint::spin_loop();
    }
}

#[cfg(test)]
mod tests {
    use super::Behaviour;

    #[test]
    fn every_behaviour_is_written_as_it_is_read() {
        for text in [
            "delay:5ms",
            "trickle:1ms",
            "lie:7",
            "omit:7",
            "repeat:7",
            "close:7",
            "refuse:7",
        ] {
            let behaviour: Behaviour = text.parse().unwrap();
            assert_eq!(
                behaviour.to_string().parse::<Behaviour>().unwrap(),
                behaviour
            );
        }
        assert!("echo".parse::<Behaviour>().is_err());
    }
}
