//! Receiving nothing: how a program notices that its peer has closed the connection, and what happens if it doesn't
//! check.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{Shutdown, TcpStream},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use portlab_sys::{clock::thread_cpu, process::times_slept, sockets::Socket, threads};
use socket2::SockRef;

use crate::{
    cast::{
        Ends, PATIENCE, Student, connection,
        kernel::{once, own_pid, own_thread, shown, threads_of},
        listed, receive,
    },
    stage::{Exit, Stage},
};

pub(super) fn play(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let mut step = stage.step("waits")?;
    let (mut client, served) = connection()?;
    let reader = reader(served)?;
    step.seen("asleep", once(|| own_thread("reader") == Some('S')));
    step.set("threads", threads_of(own_pid())?);
    client.write_all(b"hello")?;
    let (mut served, length) = join(reader)?;
    step.set("length", length);
    step.seen("five", length == 5);
    step.end()?;

    let mut step = stage.step("nothing")?;
    let empty = client.write(b"")?;
    client.write_all(b"again")?;
    let word = receive(&mut served)?;
    step.seen("unseen", empty == 0 && word == b"again");
    step.set("word", String::from_utf8_lossy(&word));
    drop(client);
    let mut ends = Vec::new();
    for _ in 0..3 {
        ends.push(receive(&mut served)?.len());
    }
    step.set("ends", listed(&ends));
    step.seen("nothing", ends == [0, 0, 0]);
    step.end()?;

    stage.set("enough", ENOUGH.as_millis());
    let mut step = stage.step("busy")?;
    let busy = read_on(&mut served)?;
    step.set("reads", busy.empty);
    step.set("cpu", busy.cpu.as_millis());
    step.set("wall", busy.wall.as_millis());
    step.set("slept", busy.slept);
    step.seen("turns", busy.empty > 100);
    // On a busy machine the loop may get little processor time, but it doesn't sleep.
    step.seen("restless", busy.slept < 10);
    let student = step.student("busy.py", &[])?;
    let looks = student.as_ref().map(states_of_busy_server).transpose()?;
    // At some moments the program may be waiting for memory.
    step.printed("python", "looks", looks, |looks| {
        looks.matches('R').count() >= 15
    });
    // The program would go on for ever.
    drop(student);
    step.end()?;

    one_direction_is_closed(stage)?;
    reset(stage)
}

fn one_direction_is_closed(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let mut step = stage.step("half")?;
    let (mut client, mut served) = connection()?;
    client.write_all(b"hello")?;
    client.shutdown(Shutdown::Write)?;
    let asked = read_all(&mut served)?;
    let ends = Ends::of(&client)?;
    let is_half = |all: &[Socket]| ends.states(all) == [Some("CLOSE-WAIT"), Some("FIN-WAIT-2")];
    let both = ends.once(is_half)?;
    step.set("half", shown(&both));
    step.seen("heard", asked == b"hello" && is_half(&both));
    served.write_all(&asked.to_ascii_uppercase())?;
    drop(served);
    let answer = read_all(&mut client)?;
    step.seen("answered", answer == b"HELLO");
    step.set("answer", String::from_utf8_lossy(&answer));
    drop(client);
    step.end()
}

fn reset(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let mut step = stage.step("reset")?;
    let (client, mut served) = connection()?;
    let ends = Ends::of(&client)?;
    SockRef::from(&client).set_linger(Some(Duration::ZERO))?;
    drop(client);
    let error = step.set_error("error", receive(&mut served).err().as_ref());
    step.seen("reset", error == Some(ErrorKind::ConnectionReset));
    step.seen("gone", ends.once(<[_]>::is_empty)?.is_empty());
    step.end()
}

/// Reads until the peer has closed its direction.
fn read_all(end: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut all = Vec::new();
    end.read_to_end(&mut all)?;
    Ok(all)
}

/// A reader's end of the connection, and the number of bytes that it has read.
type Read1024 = io::Result<(TcpStream, usize)>;

/// Reads once, on a thread of its own.
fn reader(mut served: TcpStream) -> io::Result<JoinHandle<Read1024>> {
    let reader = thread::Builder::new().name("reader".to_owned());
    reader.spawn(move || {
        let length = receive(&mut served)?.len();
        Ok((served, length))
    })
}

fn join(reader: JoinHandle<Read1024>) -> Read1024 {
    let end = reader.join();
    end.map_err(|_| io::Error::other("the reader has panicked"))?
}

/// The cost of not checking whether anything was received.
struct Busy {
    /// How many reads returned no bytes.
    empty: u64,
    /// The processor time that the loop took.
    cpu: Duration,
    /// The time that it took in all.
    wall: Duration,
    /// How often the thread gave up the processor in order to wait.
    slept: u64,
}

/// Goes on reading though the peer has closed, until the thread has used [`ENOUGH`] processor time, which takes longer on a
/// busy machine.
fn read_on(served: &mut TcpStream) -> io::Result<Busy> {
    let (since, slept) = (Instant::now(), times_slept());
    let (start, mut cpu, mut empty) = (thread_cpu(), Duration::ZERO, 0);
    while cpu < ENOUGH && since.elapsed() < PATIENCE {
        let data = receive(served)?;
        empty += u64::from(data.is_empty());
        cpu = thread_cpu().saturating_sub(start);
    }
    Ok(Busy {
        empty,
        cpu,
        wall: since.elapsed(),
        slept: times_slept().saturating_sub(slept),
    })
}

/// The processor time that the loop wastes.
const ENOUGH: Duration = Duration::from_millis(20);

/// Connects to a student's server and disconnects; then looks at the state of its process 20 times.
fn states_of_busy_server(student: &Student) -> io::Result<String> {
    drop(TcpStream::connect(student.door()?)?);
    let state = || threads::state(student.pid()).unwrap_or('?');
    once(|| state() == 'R');
    let look = || {
        thread::sleep(Duration::from_millis(2));
        state()
    };
    Ok(std::iter::repeat_with(look).take(20).collect())
}
