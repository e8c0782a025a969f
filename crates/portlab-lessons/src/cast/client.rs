//! Clients that connect, send a word and wait for its echo.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use portlab_sys::socket::uninterrupted;
use rustix::event::{PollFd, PollFlags, poll};
use socket2::SockRef;

use super::PATIENCE;

/// A client's end of a connection. Dropping it closes the connection.
#[derive(Debug)]
pub(crate) struct Client(TcpStream);

impl Client {
    /// Connects to the server at `door`. Fails when no server listens there.
    pub(crate) fn connect(door: SocketAddr) -> io::Result<Self> {
        TcpStream::connect(door).map(Self)
    }

    /// The client's own address. Fails when the system can't give it.
    pub(crate) fn addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    /// Sends a word. Fails when the server has closed the connection.
    pub(crate) fn send(&mut self, word: &str) -> io::Result<()> {
        self.0.write_all(word.as_bytes())
    }

    /// The word that comes within `patience`; `None` if no data come, an empty word if the server has closed the connection.
    /// Fails when the server has reset the connection.
    pub(crate) fn receive_within(&mut self, patience: Duration) -> io::Result<Option<String>> {
        self.0.set_read_timeout(Some(patience))?;
        let mut buffer = [0; 256];
        match uninterrupted(|| self.0.read(&mut buffer)) {
            Ok(length) => Ok(Some(
                String::from_utf8_lossy(&buffer[..length]).into_owned(),
            )),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// As [`Client::receive_within`], for 10 s. Fails when the server has reset the connection.
    pub(crate) fn receive(&mut self) -> io::Result<Option<String>> {
        self.receive_within(PATIENCE)
    }
}

/// `size` clients, connected one after another. Fails when one of them can't connect.
pub(crate) fn connect_all(door: SocketAddr, size: usize) -> io::Result<Vec<Client>> {
    (0..size).map(|_| Client::connect(door)).collect()
}

/// `size` clients that are only connected. When they are dropped, their connections are reset: thousands of closed ones
/// would fill the kernel's table in TIME-WAIT. Fails when one of them can't connect.
pub(crate) fn crowd(door: SocketAddr, size: usize) -> io::Result<Vec<Client>> {
    let clients = connect_all(door, size)?;
    for client in &clients {
        SockRef::from(&client.0).set_linger(Some(Duration::ZERO))?;
    }
    Ok(clients)
}

/// Lets all clients send `word` at once. Returns the time until each echo, in the order in which the echoes came. A client
/// that receives no echo or another word within 20 s is left out. Fails when a client can't send.
pub(crate) fn ask_at_once(clients: &mut [Client], word: &str) -> io::Result<Vec<Duration>> {
    let since = Instant::now();
    for client in &mut *clients {
        client.send(word)?;
    }
    let mut answers = Vec::new();
    let mut waiting: Vec<_> = clients.iter_mut().collect();
    while !waiting.is_empty() && since.elapsed() < 2 * PATIENCE {
        let watched = waiting.iter();
        let watched = watched.map(|client| PollFd::new(&client.0, PollFlags::IN));
        let mut watched: Vec<_> = watched.collect();
        let patience = PATIENCE.try_into().unwrap_or_default();
        poll(&mut watched, Some(&patience))?;
        let ready = watched.iter().map(|fd| !fd.revents().is_empty());
        let ready: Vec<_> = ready.collect();
        let after = since.elapsed();
        for at in (0..ready.len()).rev().filter(|&at| ready[at]) {
            if waiting.swap_remove(at).receive()?.as_deref() == Some(word) {
                answers.push(after);
            }
        }
    }
    Ok(answers)
}

/// Whether these answers came one after another, each delayed by one more `block`: the n-th not before n blocks. The clock
/// starts before the first word is sent, so a correct server never breaks these bounds.
pub(crate) fn are_in_line(answers: &[Duration], block: Duration) -> bool {
    (1..)
        .zip(answers)
        .all(|(before, &after)| after >= block * before)
}

/// A bar for each duration, at most `columns` long, with its milliseconds behind it.
pub(crate) fn bars(durations: &[Duration], columns: u32) -> String {
    let longest = durations.iter().max().copied().unwrap_or_default();
    let rows = (1..).zip(durations).map(|(number, duration): (u32, _)| {
        let share = duration.as_secs_f64() / longest.as_secs_f64().max(f64::MIN_POSITIVE);
        let length = (share * f64::from(columns)).round().max(1.0) as usize;
        let bar = "█".repeat(length);
        format!("{number}  {bar} {} ms", duration.as_millis())
    });
    rows.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, thread};

    use super::*;

    #[test]
    fn answers_are_returned_in_the_order_in_which_they_come() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let door = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            let accepted: Vec<_> = (0..2).map(|_| listener.accept().unwrap().0).collect();
            // The last one first.
            for mut stream in accepted.into_iter().rev() {
                let mut word = [0; 2];
                stream.read_exact(&mut word).unwrap();
                stream.write_all(&word).unwrap();
            }
        });
        let mut clients = connect_all(door, 2).unwrap();
        let answers = ask_at_once(&mut clients, "hi").unwrap();
        assert_eq!(answers.len(), 2);
        assert!(answers.is_sorted());
        server.join().unwrap();
        assert_eq!(clients[0].receive().unwrap().as_deref(), Some(""));
    }

    #[test]
    fn an_answer_that_comes_too_soon_was_not_in_line() {
        let ms = Duration::from_millis;
        assert!(are_in_line(&[100, 200, 350].map(ms), ms(100)));
        assert!(!are_in_line(&[100, 150, 350].map(ms), ms(100)));
    }

    #[test]
    fn the_longest_bar_has_the_full_width() {
        let durations = [50, 100].map(Duration::from_millis);
        assert_eq!(bars(&durations, 4), "1  ██ 50 ms\n2  ████ 100 ms");
    }
}
