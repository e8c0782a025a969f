//! One thread and `poll`: the kernel gets the list of all sockets at every call.
//!
//! Try it: `cargo run --example textbook-poll`, `portlab connect 127.0.0.1:9090`.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{TcpListener, TcpStream},
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
};

/// A connection, and what is still to be sent to it.
type Conn = (TcpStream, Vec<u8>);

/// Serves all clients.
pub fn serve(listener: TcpListener) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let mut conns: Vec<Conn> = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        // At every call the list is made, copied to the kernel and looked through. All of this
        // costs time for every connection, also for those that are silent.
        let mut fds = vec![PollFd::new(&listener, PollFlags::IN)];
        fds.extend(conns.iter().map(|(stream, unsent)| {
            // While the client doesn't take its answer, no more of its input is read.
            let wanted = match unsent.is_empty() {
                true => PollFlags::IN,
                false => PollFlags::OUT,
            };
            PollFd::new(stream, wanted)
        }));
        // The only call that waits. After a signal it is made again.
        match poll(&mut fds, None) {
            Err(Errno::INTR) => continue,
            polled => polled?,
        };
        let ready: Vec<bool> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
        let mut at = 0;
        conns.retain_mut(|conn| {
            at += 1;
            // WouldBlock: the next call reports the socket again. Other errors end the client.
            !ready[at]
                || !read_and_write(conn, &mut buffer)
                    .is_err_and(|it| it.kind() != ErrorKind::WouldBlock)
        });
        while ready[0]
            && let Ok((stream, _)) = listener.accept()
        {
            stream.set_nonblocking(true)?;
            conns.push((stream, Vec::new()));
        }
    }
}

/// Reads once and writes once. What the socket doesn't take waits in `unsent`.
fn read_and_write((stream, unsent): &mut Conn, buffer: &mut [u8]) -> io::Result<()> {
    if unsent.is_empty() {
        let length = stream.read(buffer)?;
        if length == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        unsent.extend_from_slice(&buffer[..length]);
    }
    let sent = stream.write(unsent)?;
    unsent.drain(..sent);
    Ok(())
}

fn main() -> io::Result<()> {
    let addr = std::env::args().nth(1);
    let listener = TcpListener::bind(addr.as_deref().unwrap_or("127.0.0.1:9090"))?;
    println!("listening on {}", listener.local_addr()?);
    serve(listener)
}
