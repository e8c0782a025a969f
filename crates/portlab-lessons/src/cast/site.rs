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

use super::{be_patient, visit::header_of};

/// The response to the request for a path.
pub(crate) type Answer = fn(&str) -> Vec<u8>;

/// A request: its head, up to the empty line, and its body.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// The method, in the first word of the request line.
    pub(crate) fn method(&self) -> &str {
        self.head.split(' ').next().unwrap_or_default()
    }

    /// The path, in the second word.
    pub(crate) fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    /// The value of a header; empty without this header.
    pub(crate) fn header(&self, name: &str) -> &str {
        header_of(&self.head, name)
    }
}

/// A site, open for as long as this program runs.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) addr: SocketAddr,
    bell: UnixStream,
    heads: Receiver<String>,
}

/// The limit on the head of a request, in bytes.
const HEAD: u64 = 16 * 1024;
/// The limit on its body.
const BODY: u64 = 64 * 1024;

impl Site {
    /// Opens a site, in which `answer` makes the response to the request for a path.
    pub(crate) fn open(answer: Answer) -> io::Result<Self> {
        Self::answering(move |request| answer(request.path()))
    }

    /// Opens a site, in which `answer` makes the response to a request.
    pub(crate) fn answering(
        answer: impl Fn(&Request) -> Vec<u8> + Clone + Send + 'static,
    ) -> io::Result<Self> {
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
                    let (answer, sender) = (answer.clone(), sender.clone());
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
    answer: impl Fn(&Request) -> Vec<u8>,
    heads: &Sender<String>,
    mut signal: UnixStream,
) -> io::Result<()> {
    be_patient(&client)?;
    let mut reader = BufReader::new(client);
    loop {
        let head = read_head(&mut reader)?;
        // Fails when the lesson has ended.
        let _ = heads.send(head.clone());
        let _ = signal.write(b"!");
        let length = header_of(&head, "Content-Length").parse().unwrap_or(0);
        let mut body = Vec::new();
        reader
            .by_ref()
            .take(BODY.min(length))
            .read_to_end(&mut body)?;
        let response = answer(&Request { head, body });
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
