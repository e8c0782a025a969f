//! The site that the lesson serves.

use std::{
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::net::UnixStream,
    sync::mpsc::{self, Receiver, Sender},
    thread,
    time::Duration,
};

use crate::cast::be_patient;

/// The site's first page.
pub(super) const PAGE: &str = "<h1>你好，浏览器！</h1>\n";

/// The folder of the other pages: a lesson writes no files, so it serves some of the kernel's.
pub(super) const FOLDER: &str = "/proc/sys/kernel";

/// A site, open for as long as this program runs.
pub(super) struct Site {
    pub(super) addr: SocketAddr,
    /// Readable when a request has come.
    pub(super) bell: UnixStream,
    heads: Receiver<String>,
}

/// The limit on the head of a request, in bytes.
const HEAD: u64 = 16 * 1024;

impl Site {
    pub(super) fn open() -> io::Result<Self> {
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
                    thread::spawn(move || serve(client, &sender, signal));
                } else {
                    // Too many files are open, and the next try would fail as well.
                    thread::sleep(Duration::from_millis(10));
                }
            }
        });
        Ok(Self { addr, bell, heads })
    }

    /// The heads of the requests that have come since the last call.
    pub(super) fn heads(&mut self) -> Vec<String> {
        // Reads all signals; then a read would block, which ends the copy.
        let _ = io::copy(&mut self.bell, &mut io::sink());
        self.heads.try_iter().collect()
    }
}

/// Answers one request after the other until the client leaves.
fn serve(client: TcpStream, heads: &Sender<String>, mut signal: UnixStream) -> io::Result<()> {
    be_patient(&client)?;
    let mut reader = BufReader::new(client);
    loop {
        let head = read_head(&mut reader)?;
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        // Fails when the lesson has ended.
        let _ = heads.send(head);
        let _ = signal.write(b"!");
        reader.get_mut().write_all(&answer(&path))?;
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

fn answer(path: &str) -> Vec<u8> {
    let (status, body, length) = match path {
        "/" => ("200 OK", PAGE.into(), PAGE.len()),
        // The common mistake, on purpose: the length in characters, not in bytes.
        "/short" => ("200 OK", PAGE.into(), PAGE.chars().count()),
        path => match file_of(path) {
            Some(body) => ("200 OK", body.clone(), body.len()),
            None => ("404 Not Found", NO_PAGE.into(), NO_PAGE.len()),
        },
    };
    let kind = if body.starts_with(b"<") {
        "html"
    } else {
        "plain"
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/{kind}; charset=utf-8\r\nContent-Length: {length}\r\n\r\n"
    );
    [head.as_bytes(), &body].concat()
}

fn file_of(path: &str) -> Option<Vec<u8>> {
    let leads_out = !path.starts_with('/') || path.split('/').any(|part| part == "..");
    if leads_out {
        return None;
    }
    fs::read(format!("{FOLDER}{path}")).ok()
}

const NO_PAGE: &str = "no such page\n";
