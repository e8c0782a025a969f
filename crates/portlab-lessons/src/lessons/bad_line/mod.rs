//! A bad line: a client and a server with a network between them that is slow, splits data, closes early or loses all data.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    time::{Duration, Instant},
};

use portlab_proxy::{Proxy, Settings};

use crate::{
    cast::{Client, accept, connect, encoded, encoding, hex, read_as, receive},
    stage::{Exit, Seen, Stage},
};

pub(super) fn play(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let server = stage.server(&["--model=threads"])?;
    far_away(stage, server.addr())?;
    in_pieces(stage)?;
    cut_short(stage, server.addr())?;
    silent(stage, server.addr())
}

fn far_away(stage: &mut Stage<'_>, server: SocketAddr) -> Result<(), Exit> {
    let mut step = stage.step("far")?;
    let near = one_after_another(server)?;
    let proxy = Proxy::before(server, &["latency 50ms"])?;
    let apart = one_after_another(proxy.addr())?;
    let together = all_at_once(proxy.addr())?;
    step.set("near", format!("{:.1}", near.as_secs_f64() * 1e3));
    step.set("apart", apart.as_millis());
    step.set("together", together.as_millis());
    step.seen("apart", apart >= QUESTIONS * ROUND_TRIP);
    // On a busy machine, the one wait may take longer than the five.
    let is_sooner = together >= ROUND_TRIP && together < apart;
    step.seen("together", Seen::if_shown(is_sooner));
    step.end()
}

fn in_pieces(stage: &mut Stage<'_>) -> Result<(), Exit> {
    let mut step = stage.step("pieces")?;
    let text = encoded("gbk", "你好\n")?;
    let door = TcpListener::bind(("127.0.0.1", 0))?;
    let proxy = Proxy::before(door.local_addr()?, &[ONE_BYTE])?;
    let mut client = TcpStream::connect(proxy.addr())?;
    let mut served = accept(&door)?;
    client.write_all(&text)?;
    let mut line = receive(&mut served)?;
    step.seen("piece", line == text[..1]);
    step.set("piece", hex(&line));

    // From now on, a byte comes every millisecond.
    proxy.set(settings(&["slicer up:1,1ms"])?)?;
    let mut reads = 1;
    while !line.ends_with(b"\n") {
        let more = receive(&mut served)?;
        if more.is_empty() {
            break;
        }
        line.extend(more);
        reads += 1;
    }
    let whole = read_as(encoding("gbk"), &line);
    step.seen("whole", whole == "你好\n" && reads > 1);
    step.set("text", whole.trim_end());
    step.set("reads", reads);

    let error = error_of_a_reader(&mut step, &text)?;
    step.printed("python", "gbk_error", error, |it| {
        it.starts_with("UnicodeDecodeError")
    });
    step.end()
}

fn cut_short(stage: &mut Stage<'_>, server: SocketAddr) -> Result<(), Exit> {
    let mut step = stage.step("cut")?;
    let text = "你好".as_bytes();
    let proxy = Proxy::before(server, &["limit_data down:3"])?;
    let mut client = connect(proxy.addr())?;
    client.write_all(text)?;
    let mut answer = Vec::new();
    let read = client.read_to_end(&mut answer);
    step.seen("half", read.is_ok() && answer == text[..3]);
    step.set("half", String::from_utf8_lossy(&answer));
    let missing = text.len().saturating_sub(answer.len());
    step.seen("length", missing == 3);
    step.set("missing", missing);
    step.end()
}

fn silent(stage: &mut Stage<'_>, server: SocketAddr) -> Result<(), Exit> {
    stage.set("waited", WAIT.as_millis());
    let mut step = stage.step("silent")?;
    let proxy = Proxy::before(server, &["pause down"])?;
    let mut client = Client::connect(proxy.addr())?;
    client.send("在吗")?;
    step.seen("nothing", client.receive_within(WAIT)?.is_none());

    let port = proxy.addr().port().to_string();
    let student = step.student("patient.py", &[&port])?;
    let timeout = student.map(|student| student.error_line());
    step.printed("python", "timeout", timeout, |it| it.contains("timed out"));

    proxy.set(Settings::default())?;
    let late = client.receive()?.unwrap_or_default();
    step.seen("late", late == "在吗");
    step.set("late", late);
    step.end()
}

const QUESTIONS: u32 = 5;

/// Twice the latency of [`far_away`].
const ROUND_TRIP: Duration = Duration::from_millis(100);

/// The first byte comes at once; the second would come 30 s later.
const ONE_BYTE: &str = "slicer up:1,30s";

const WAIT: Duration = Duration::from_millis(500);

/// Asks each question after the answer to the one before. Returns the time that this took.
fn one_after_another(door: SocketAddr) -> io::Result<Duration> {
    let mut client = connect(door)?;
    let since = Instant::now();
    for _ in 0..QUESTIONS {
        client.write_all(b"?")?;
        client.read_exact(&mut [0])?;
    }
    Ok(since.elapsed())
}

/// Asks all questions, and then waits for all answers. Returns the time that this took.
fn all_at_once(door: SocketAddr) -> io::Result<Duration> {
    let mut client = connect(door)?;
    let since = Instant::now();
    client.write_all(&[b'?'; QUESTIONS as usize])?;
    client.read_exact(&mut [0; QUESTIONS as usize])?;
    Ok(since.elapsed())
}

fn settings(lines: &[&str]) -> io::Result<Settings> {
    Settings::of(lines).map_err(io::Error::other)
}

/// The error of a student's server that reads once, if the network delivers one byte of `text`; `None` without Python.
fn error_of_a_reader(stage: &mut Stage<'_>, text: &[u8]) -> io::Result<Option<String>> {
    let Some(student) = stage.student("once.py", &[])? else {
        return Ok(None);
    };
    let proxy = Proxy::before(student.door()?, &[ONE_BYTE])?;
    let mut client = TcpStream::connect(proxy.addr())?;
    client.write_all(text)?;
    Ok(Some(student.error_line()))
}
