//! Servers of known behaviour that don't echo on a TCP port: over UDP, away for a time, of HTTP.

use std::{
    io::{self, BufRead, BufReader, Write},
    net::{Shutdown, TcpListener, TcpStream, UdpSocket},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use serde::{Deserialize, Serialize};

/// How a server answers requests of HTTP.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) enum Http {
    /// Each with a body of a known length, and every tenth of a connection with status 500.
    Statuses,
    /// With a body in three chunks, each of which is sent by itself.
    Chunks,
    /// The fifth of a connection announces ten bytes more than follow, and ends the connection.
    Short,
}

/// Echoes every datagram but those whose number is a multiple of `dropped`.
///
/// # Errors
/// Those of the socket.
pub(super) fn echo_datagrams(socket: &UdpSocket, dropped: u64) -> io::Result<()> {
    let mut buffer = [0; 2048];
    for number in 1.. {
        let (length, peer) = socket.recv_from(&mut buffer)?;
        if number % dropped != 0 {
            socket.send_to(&buffer[..length], peer)?;
        }
    }
    Ok(())
}

/// Echoes; once, so long `after` the first connection, closes the port and all connections, and is `away` for a time.
///
/// # Errors
/// When the port can't be opened again.
pub(super) fn echo_with_a_gap(
    listener: TcpListener,
    after: Duration,
    away: Duration,
) -> io::Result<()> {
    let addr = listener.local_addr()?;
    let leaves = Arc::new(AtomicBool::new(false));
    let leaving = Arc::clone(&leaves);
    let (first, streams) = (listener.accept()?.0, Arc::new(Mutex::new(Vec::new())));
    let kept = Arc::clone(&streams);
    echo_and_keep(first, &streams);
    let accepting = thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            if leaving.load(Relaxed) {
                return;
            }
            echo_and_keep(stream, &kept);
        }
    });
    thread::sleep(after);
    leaves.store(true, Relaxed);
    // This connection ends the call that waits for one.
    drop(TcpStream::connect(addr)?);
    let _ = accepting.join();
    for stream in streams
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .drain(..)
    {
        let _ = stream.shutdown(Shutdown::Both);
    }
    thread::sleep(away);
    for stream in TcpListener::bind(addr)?.incoming().map_while(Result::ok) {
        echo_and_keep(stream, &streams);
    }
    Ok(())
}

fn echo_and_keep(stream: TcpStream, streams: &Mutex<Vec<TcpStream>>) {
    if let (Ok(mut from), Ok(mut to)) = (stream.try_clone(), stream.try_clone()) {
        thread::spawn(move || io::copy(&mut from, &mut to));
    }
    let mut streams = streams.lock().unwrap_or_else(PoisonError::into_inner);
    streams.push(stream);
}

/// Answers the requests of one connection.
///
/// # Errors
/// Those of the connection.
pub(super) fn answer_http(mut stream: TcpStream, how: Http) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut lines = BufReader::new(stream.try_clone()?);
    let (mut line, mut requests) = (Vec::new(), 0);
    while lines.read_until(b'\n', &mut line)? > 0 {
        let ends = line == b"\r\n";
        line.clear();
        if !ends {
            continue;
        }
        requests += 1;
        match how {
            Http::Statuses if requests % 10 == 0 => {
                stream.write_all(b"HTTP/1.1 500 Oh\r\nContent-Length: 3\r\n\r\nno\n")?;
            }
            Http::Chunks => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
                for chunk in [&b"3\r\nyes\r\n"[..], b"1\r\n\n\r\n", b"0\r\n\r\n"] {
                    stream.write_all(chunk)?;
                }
            }
            Http::Short if requests == 5 => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\nyes\n")?;
                return stream.shutdown(Shutdown::Both);
            }
            Http::Statuses | Http::Short => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nyes\n")?;
            }
        }
    }
    Ok(())
}
