//! A pool of processes; the parent accepts, and passes each client's descriptor to a free worker.
//!
//! Try it: `cargo run --example textbook-passing`, `portlab connect 127.0.0.1:9090`.

use std::{
    collections::HashMap,
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    os::{fd::AsFd, unix::net::UnixDatagram},
};

use portlab_sys::{
    alone::Alone,
    children::{Children, Forked, leave},
    seqpacket::Seqpacket,
};

/// How many clients are served at a time. The next one waits in the accept queue.
const WORKERS: usize = 16;

/// Forks the workers, and passes each client to one of them. The parent serves no client.
pub fn serve(listener: TcpListener, workers: usize) -> io::Result<()> {
    let alone = Alone::claim().map_err(io::Error::other)?;
    let mut children = Children::new()?;
    let (mut channels, mut free, mut pid) = (HashMap::new(), Vec::new(), [0; 4]);
    // All workers report on one socket: each sends its process number when it is free.
    let (reports, report) = UnixDatagram::pair()?;
    reports.set_nonblocking(true)?;
    listener.set_nonblocking(true)?;
    loop {
        while children.len() < workers {
            let (near, far) = Seqpacket::pair()?;
            match children.fork(&alone)? {
                Forked::Child(_) => work(&far, &report),
                Forked::Parent(pid) => channels.insert(pid.as_raw_pid(), near),
            };
        }
        // Waits for a client if a worker is free, or else for a report; and for workers that die.
        let next = [listener.as_fd(), reports.as_fd()][usize::from(free.is_empty())];
        for dead in children.reap_beside(Some(next))? {
            channels.remove(&dead.pid.as_raw_pid());
        }
        while reports.recv(&mut pid).is_ok() {
            free.push(i32::from_ne_bytes(pid));
        }
        free.retain(|pid| channels.contains_key(pid));
        if !free.is_empty()
            && let Ok((stream, _)) = listener.accept()
        {
            // The worker gets a descriptor of the same socket (SCM_RIGHTS). The parent's closes.
            let _ = channels[&free.remove(0)].try_send_with(b"client", &stream);
        }
    }
}

/// What each worker does: it reports that it is free, takes a client, and serves it to its end.
fn work(channel: &Seqpacket, report: &UnixDatagram) -> ! {
    while report.send(&std::process::id().to_ne_bytes()).is_ok()
        && let Ok(Some((_, fd))) = channel.recv_with(&mut [0; 8])
    {
        let _ = echo(TcpStream::from(fd));
    }
    leave(true)
}

/// Sends back what arrives, until the client has closed its side and has its last answer.
fn echo(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    while let length @ 1.. = stream.read(&mut buffer)? {
        stream.write_all(&buffer[..length])?;
    }
    Ok(())
}

fn main() -> io::Result<()> {
    let addr = std::env::args().nth(1);
    let listener = TcpListener::bind(addr.as_deref().unwrap_or("127.0.0.1:9090"))?;
    println!("listening on {}", listener.local_addr()?);
    serve(listener, WORKERS)
}
