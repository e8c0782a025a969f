//! A site that a lesson serves, and the requests that come.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
    sync::mpsc::{self, Receiver, Sender},
    thread,
    time::Duration,
};

use super::be_patient;

/// The response to the request for a path.
pub(crate) type Answer = fn(&str) -> Vec<u8>;

/// A site, open for as long as this program runs.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) addr: SocketAddr,
    bell: UnixStream,
    heads: Receiver<String>,
}

/// The limit on the head of a request, in bytes.
const HEAD: u64 = 16 * 1024;

impl Site {
    /// Opens a site, in which `answer` makes the response to the request for a path.
    pub(crate) fn open(answer: Answer) -> io::Result<Self> {
        let door = TcpListener::bind(("127.0.0.1", 0))?;
        let addr = door.local_addr()?;
        let (bell, signal) = UnixStream::pair()?;
        for end in [&bell, &signal] {
            end.set_nonblocking(true)?;
        }
        let (sender, heads) = mpsc::channel();
        thread::spawn(move || {
            // Each connection has a thread, because a browser opens connections that it doesn't use at once.
            for client in door.incoming() {
                if let (Ok(client), Ok(signal)) = (client, signal.try_clone()) {
                    let sender = sender.clone();
                    thread::spawn(move || serve(client, answer, &sender, signal));
                } else {
                    // Too many files are open, and the next try would fail as well.
                    thread::sleep(Duration::from_millis(10));
                }
            }
        });
        Ok(Self { addr, bell, heads })
    }

    /// Readable when a request has come.
    pub(crate) fn bell(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }

    /// The heads of the requests that have come since the last call.
    pub(crate) fn heads(&mut self) -> Vec<String> {
        // Reads all signals; then a read would block, which ends the copy.
        let _ = io::copy(&mut self.bell, &mut io::sink());
        self.heads.try_iter().collect()
    }
}

/// Answers one request after the other until the client leaves, or a response has no length.
fn serve(
    client: TcpStream,
    answer: Answer,
    heads: &Sender<String>,
    mut signal: UnixStream,
) -> io::Result<()> {
    be_patient(&client)?;
    let mut reader = BufReader::new(client);
    loop {
        let head = read_head(&mut reader)?;
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        // Fails when the lesson has ended.
        let _ = heads.send(head);
        let _ = signal.write(b"!");
        let response = answer(&path);
        reader.get_mut().write_all(&response)?;
        // Without a length, the end of the connection is the end of the page.
        if !String::from_utf8_lossy(&response).contains("Content-Length:") {
            return Ok(());
        }
    }
}

/// The lines of a request up to the empty one.
fn read_head(reader: &mut impl BufRead) -> io::Result<String> {
    let mut head = String::new();
    let mut reader = reader.take(HEAD);
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(head)
}
