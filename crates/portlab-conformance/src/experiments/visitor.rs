//! A client that writes down what it does and what it sees.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpStream},
    thread,
    time::{Duration, Instant},
};

use portlab_sys::{
    asleep::Asleep,
    meter,
    socket::{choose_port_at_connect, uninterrupted},
    sockets::sockets_at,
};
use portlab_words::{Text, tr};
use socket2::{Domain, SockRef, Socket, Type};

use super::{Progress, Speech, record::Record, record::shown, subject::QUIET};

/// A client of the server under judgement. When it is dropped, it closes its connection; if the server closes after its
/// answer, it resets the connection instead, so that no socket in TIME-WAIT stays at the server's port.
#[derive(Debug)]
pub struct Visitor {
    stream: TcpStream,
    number: usize,
    record: Record,
    waits: Waits,
    has_ended: bool,
    /// Whether the server closes the connection itself.
    server_closes: bool,
    /// Whether the server has what it needs for that: a question, unless it sends at once.
    is_asked: bool,
    /// Whether something has come: a client that has sent nothing must not end with a reset.
    has_received: bool,
}

/// How long a client waits.
#[derive(Clone, Copy, Debug)]
pub struct Waits {
    /// How long it waits for a step of the server that sleeps.
    pub patience: Duration,
    /// The server's processes. While one of them runs or waits for a processor, the machine may be busy, and the wait is
    /// longer.
    pub processes: Option<Processes>,
    /// The server's port.
    pub port: u16,
}

/// What a look at a server says about a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// Something may still come.
    GoesOn,
    /// It is over: on a busy machine, what was awaited may only be late.
    IsLate,
    /// It is over: the server is asleep until a client does something.
    IsCertain,
}

/// The processes of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Processes {
    /// The process, or the keeper, from which all of them descend.
    pub root: i32,
    /// Whether the root is one of them; a keeper isn't.
    pub with_root: bool,
}

/// What a client received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// These bytes.
    Bytes(Vec<u8>),
    /// The server has closed the connection.
    End,
    /// The server, or the kernel of its machine, has reset the connection.
    Reset,
    /// Nothing in time.
    Nothing,
}

/// How often longer a wait may be while the server runs.
const LONGER: u32 = 2;

/// How long a wait is without a look at the server.
const LOOK: Duration = Duration::from_millis(100);

/// How long a server that is asleep is awaited: data may be on its way for a moment.
const ASLEEP: Duration = Duration::from_millis(200);

/// The time between two looks at a server that seems to be asleep.
const BETWEEN: Duration = Duration::from_millis(40);

impl Waits {
    /// Whether a wait since `since`, for at most `limit`, is over.
    pub(crate) fn look(&self, since: Instant, limit: Duration) -> Wait {
        let waited = since.elapsed();
        if waited >= ASLEEP && self.is_asleep() {
            return Wait::IsCertain;
        }
        match waited >= limit && (waited >= limit * LONGER || !self.is_running()) {
            true => Wait::IsLate,
            false => Wait::GoesOn,
        }
    }

    /// Whether a process of the server runs, or waits for a processor.
    fn is_running(&self) -> bool {
        let processes = self.processes;
        processes.is_some_and(|it| meter::is_runnable(&it.all()))
    }

    /// Waits until no process of the server runs, for at most `limit`, and a moment longer for what it has written.
    pub(crate) fn settle(&self, limit: Duration) {
        let since = Instant::now();
        while since.elapsed() < limit && self.is_running() {
            thread::sleep(SHORTEST);
        }
        thread::sleep(SHORTEST * 5);
    }

    /// Whether each thread of the server waits without a time limit for something that a client, or another of these
    /// threads, must do, and nothing that the server has sent is on its way.
    fn is_asleep(&self) -> bool {
        let Some(processes) = self.processes else {
            return false;
        };
        let look = || Asleep::look(&processes.all());
        let Some(before) = look() else {
            return false;
        };
        thread::sleep(BETWEEN);
        let at_port = sockets_at(self.port).unwrap_or_default();
        let mut of_server = at_port.iter().filter(|it| it.local.port() == self.port);
        of_server.all(|it| it.unsent == 0) && look() == Some(before)
    }

    /// Waits until `holds` returns true, or the wait is over: then how.
    pub(crate) fn until(&self, mut holds: impl FnMut() -> bool) -> Result<(), Wait> {
        let since = Instant::now();
        loop {
            let wait = self.look(since, self.patience);
            if holds() {
                return Ok(());
            }
            if wait != Wait::GoesOn {
                return Err(wait);
            }
            thread::sleep(Duration::from_millis(2));
        }
    }
}

/// How a client connects.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Dial {
    /// Whether segments and the receive buffer are small, so that the server can't send much before the client reads.
    pub(crate) is_narrow: bool,
    /// Whether the server closes the connection itself.
    pub(crate) server_closes: bool,
    /// Whether the server waits for a question first.
    pub(crate) needs_question: bool,
}

impl Visitor {
    pub(crate) fn connect(
        addr: SocketAddr,
        dial: Dial,
        record: &Record,
        waits: Waits,
    ) -> Option<Self> {
        let number = record.next_client();
        match dial.connect(addr, waits.patience) {
            Ok(stream) => {
                record.connected();
                record.add(tr!("client {number} connects", "客户端 {number} 连接"));
                Some(Self {
                    stream,
                    number,
                    record: record.clone(),
                    waits,
                    has_ended: false,
                    server_closes: dial.server_closes,
                    is_asked: !dial.needs_question,
                    has_received: false,
                })
            }
            Err(error) => {
                if error.kind() != ErrorKind::ConnectionRefused {
                    record.waited_in_vain();
                }
                let Text { en, zh } = match error.kind() {
                    ErrorKind::ConnectionRefused => Text::new("connection refused", "连接被拒绝"),
                    ErrorKind::TimedOut => Text::new("no connection in time", "超时"),
                    _ => Text::system(&error),
                };
                record.add(tr!(
                    "client {number} can't connect: {en}",
                    "客户端 {number} 连不上：{zh}"
                ));
                None
            }
        }
    }

    /// Sends `bytes`. Returns false if the connection has ended, or the server doesn't read.
    pub fn send(&mut self, bytes: &[u8]) -> bool {
        let (number, length, text) = (self.number, bytes.len(), shown(bytes));
        self.is_asked = true;
        let _ = self.stream.set_write_timeout(Some(self.waits.patience));
        let sent = self.stream.write_all(bytes).is_ok();
        match sent {
            true => self.record.add(tr!(
                "client {number} sends {length} bytes: {text}",
                "客户端 {number} 发送 {length} 字节：{text}"
            )),
            false => self.record.add(tr!(
                "client {number} can't send {length} bytes",
                "客户端 {number} 发不出这 {length} 字节"
            )),
        }
        sent
    }

    /// Sends as much of `bytes` as the server and the buffers on the way take. Returns how many bytes.
    pub fn send_until_full(&mut self, bytes: &[u8]) -> usize {
        self.is_asked = true;
        let _ = self.stream.set_write_timeout(Some(LOOK * 2));
        let mut sent = 0;
        while sent < bytes.len() {
            match uninterrupted(|| self.stream.write(&bytes[sent..])) {
                Ok(length) => sent += length,
                Err(_) => break,
            }
        }
        let number = self.number;
        self.record.add(tr!(
            "client {number} sends {sent} bytes, and doesn't read",
            "客户端 {number} 发送 {sent} 字节，自己不接收"
        ));
        sent
    }

    /// Waits for bytes, or for the end, for at most the patience.
    pub fn receive(&mut self) -> Received {
        self.receive_within(self.waits.patience)
    }

    /// The same, for at most `limit`. If nothing comes, no event is written.
    pub fn receive_within(&mut self, limit: Duration) -> Received {
        let since = Instant::now();
        loop {
            let (received, wait) = self.look(LOOK.min(limit), since, limit);
            if received != Received::Nothing || wait != Wait::GoesOn {
                self.note(&received, since, wait);
                return received;
            }
        }
    }

    /// Reads once, for at most `limit`, and says whether the wait since `since` is over if nothing has come.
    fn look(&mut self, look: Duration, since: Instant, limit: Duration) -> (Received, Wait) {
        match self.read(look) {
            Received::Nothing => match self.waits.look(since, limit) {
                Wait::GoesOn => (Received::Nothing, Wait::GoesOn),
                // Something may have come while the server was looked at.
                over => (self.read(SHORTEST), over),
            },
            received => (received, Wait::GoesOn),
        }
    }

    /// Reads once, for at most `limit`, without an event.
    pub(crate) fn read(&mut self, limit: Duration) -> Received {
        let _ = self.stream.set_read_timeout(Some(limit.max(SHORTEST)));
        let mut buffer = vec![0; 65_536];
        match uninterrupted(|| self.stream.read(&mut buffer)) {
            Ok(0) => Received::End,
            Ok(length) => {
                buffer.truncate(length);
                self.has_received = true;
                Received::Bytes(buffer)
            }
            Err(error) if would_block(&error) => Received::Nothing,
            Err(_) => Received::Reset,
        }
    }

    /// Asks the question of `speech`, and returns how far the answer came and its bytes.
    pub fn ask(&mut self, speech: &Speech) -> (Progress, Vec<u8>) {
        if !speech.question.is_empty() && !self.send(&speech.question) {
            return (Progress::Wrong, Vec::new());
        }
        let is_nothing = speech.answer == super::Answer::Nothing;
        let limit = if is_nothing {
            LOOK
        } else {
            self.waits.patience
        };
        self.collect(limit, |bytes, has_ended| speech.progress(bytes, has_ended))
    }

    /// Receives while `progress` of the received bytes is partial. Stops also when the connection ends, when nothing was
    /// received for `limit`, and after a longer time if something comes now and then. `progress` is called again at every
    /// look at the socket.
    pub fn collect(
        &mut self,
        limit: Duration,
        progress: impl Fn(&[u8], bool) -> Progress,
    ) -> (Progress, Vec<u8>) {
        let mut bytes = Vec::new();
        let mut since = Instant::now();
        let began = since;
        loop {
            let (received, wait) = self.look(LOOK, since, limit);
            match &received {
                Received::Bytes(more) => {
                    bytes.extend_from_slice(more);
                    since = Instant::now();
                }
                Received::Nothing if wait == Wait::GoesOn => match progress(&bytes, false) {
                    Progress::Partial => continue,
                    now => return (now, bytes),
                },
                _ => {}
            }
            let has_ended = matches!(received, Received::End | Received::Reset);
            let now = progress(&bytes, has_ended);
            let may_go_on = matches!(received, Received::Bytes(_)) && bytes.len() < MOST;
            if now == Progress::Partial && may_go_on {
                if began.elapsed() < self.waits.patience * SLOW {
                    continue;
                }
                self.record.gave_up(bytes.len(), began.elapsed());
            }
            if !bytes.is_empty() {
                self.note(&Received::Bytes(bytes.clone()), began, wait);
            }
            let is_expected = now == Progress::Right && received == Received::Nothing;
            if !matches!(received, Received::Bytes(_)) && !is_expected {
                self.note(&received, since, wait);
            }
            return (now, bytes);
        }
    }

    /// Sends a line, which a chat may take for the member's name, and waits until the server has dealt with it, and with what
    /// it sends then.
    pub(crate) fn introduce(&mut self) {
        self.send(format!("judge{}\n", self.number).as_bytes());
        let since = Instant::now();
        // On a busy machine, the member may otherwise miss what others say next.
        while since.elapsed() < self.waits.patience / 2
            && (self.is_read() == Some(false) || self.waits.is_running())
        {
            thread::sleep(SHORTEST);
        }
        self.drain(QUIET);
    }

    /// Receives until `is_enough` returns true of the received bytes, or until [`collect`](Self::collect) stops. Returns
    /// whether it has returned true, and the bytes.
    pub fn collect_until(&mut self, is_enough: impl Fn(&[u8]) -> bool) -> (bool, Vec<u8>) {
        let patience = self.waits.patience;
        let (progress, bytes) = self.collect(patience, |bytes, _| match is_enough(bytes) {
            true => Progress::Right,
            false => Progress::Partial,
        });
        (progress == Progress::Right, bytes)
    }

    /// Reads what the server sends until nothing comes for `quiet`, without an event if nothing comes.
    pub fn drain(&mut self, quiet: Duration) -> Vec<u8> {
        let mut bytes = Vec::new();
        let began = Instant::now();
        let received = loop {
            match self.read(quiet) {
                Received::Bytes(more) if bytes.len() < MOST => bytes.extend(more),
                received => break received,
            }
            if began.elapsed() > self.waits.patience * SLOW {
                break Received::Nothing;
            }
        };
        let now = Instant::now();
        if !bytes.is_empty() {
            self.note(&Received::Bytes(bytes.clone()), now, Wait::GoesOn);
        }
        if matches!(received, Received::End | Received::Reset) {
            self.note(&received, now, Wait::GoesOn);
        }
        bytes
    }

    fn note(&mut self, received: &Received, since: Instant, wait: Wait) {
        let number = self.number;
        self.record.add(match received {
            Received::Bytes(bytes) => {
                let (length, text) = (bytes.len(), shown(bytes));
                tr!(
                    "client {number} receives {length} bytes: {text}",
                    "客户端 {number} 收到 {length} 字节：{text}"
                )
            }
            Received::End => tr!(
                "client {number}: the server closes the connection",
                "客户端 {number}：服务端关闭了连接"
            ),
            Received::Reset => tr!(
                "client {number}: the connection is reset",
                "客户端 {number}：连接被复位"
            ),
            Received::Nothing => {
                if wait == Wait::IsLate {
                    self.record.waited_in_vain();
                }
                let ms = since.elapsed().as_millis();
                tr!(
                    "client {number} has received nothing for {ms} ms",
                    "客户端 {number} 等了 {ms} 毫秒，什么也没收到"
                )
            }
        });
        self.has_ended |= matches!(received, Received::End | Received::Reset);
    }

    /// Sends the FIN; the other direction stays open.
    pub fn half_close(&mut self) {
        let number = self.number;
        self.record.add(tr!(
            "client {number} closes its sending half (FIN)",
            "客户端 {number} 半关闭：不再发送（FIN）"
        ));
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Closes the connection as a client does that has received everything: with a FIN.
    pub fn close(mut self) {
        let number = self.number;
        // If both closed at once, both ends would stay in TIME-WAIT.
        let since = Instant::now();
        while self.server_closes
            && self.is_asked
            && !self.has_ended
            && since.elapsed() < self.waits.patience
        {
            self.has_ended = matches!(self.read(LOOK), Received::End | Received::Reset);
        }
        self.server_closes = false;
        self.record.add(tr!(
            "client {number} closes the connection (FIN)",
            "客户端 {number} 关闭连接（FIN）"
        ));
    }

    /// Ends the connection with a reset, as a client does that is killed, or that loses its answer.
    pub fn reset(self) {
        let number = self.number;
        self.record.add(tr!(
            "client {number} resets the connection (RST)",
            "客户端 {number} 把连接复位（RST）"
        ));
        let _ = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
    }

    /// Whether the server has read all that the client has sent. `None` if the server's end can't be seen.
    pub(crate) fn is_read(&self) -> Option<bool> {
        let own = self.stream.local_addr().ok()?.port();
        let peer = self.stream.peer_addr().ok()?.port();
        let all = sockets_at(peer).ok()?;
        let end = |local, remote| {
            let mut all = all.iter();
            all.find(|it| (it.local.port(), it.remote.port()) == (local, remote))
        };
        // What isn't acknowledged may still be on its way.
        Some(end(peer, own)?.unread == 0 && end(own, peer)?.unsent == 0)
    }

    /// Whether the server has closed or reset the connection, as far as the client has received.
    pub fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// How long it waits for a step of the server.
    pub(crate) fn patience(&self) -> Duration {
        self.waits.patience
    }

    /// Its number among the clients of the experiment, from 1.
    pub(crate) fn number(&self) -> usize {
        self.number
    }
}

impl Drop for Visitor {
    fn drop(&mut self) {
        if self.server_closes && self.has_received {
            let _ = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
        }
    }
}

impl Dial {
    /// Connects to `addr` within `limit`.
    pub(crate) fn connect(self, addr: SocketAddr, limit: Duration) -> io::Result<TcpStream> {
        let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None)?;
        if addr.is_ipv4() && addr.ip().is_loopback() {
            choose_port_at_connect(&socket)?;
            socket.bind(&SocketAddr::new(own_address(), 0).into())?;
        }
        // If this end stays in TIME-WAIT, its port can be bound again, to free the server's port.
        socket.set_reuse_address(true)?;
        if self.is_narrow {
            socket.set_recv_buffer_size(4096)?;
            socket.set_tcp_mss(536)?;
        }
        socket.connect_timeout(&addr.into(), limit)?;
        socket.set_tcp_nodelay(true)?;
        Ok(socket.into())
    }
}

/// The loopback address that the clients of this process have: no other program uses it, so a port of it can be bound again
/// to free the server's port from a socket in TIME-WAIT.
fn own_address() -> IpAddr {
    let [_, high, middle, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, 64 | high & 63, middle, low).into()
}

fn would_block(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// How many times the patience an answer may take of which something comes now and then.
const SLOW: u32 = 2;

/// The most bytes of an answer that are read.
const MOST: usize = 64 << 20;

/// The shortest wait for bytes: the system takes no wait of zero.
const SHORTEST: Duration = Duration::from_millis(1);

#[cfg(test)]
mod tests {
    use super::*;
    use std::{net::TcpListener, process::Command, thread};

    #[test]
    fn a_server_that_sends_on_and_on_is_left_after_a_while() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        thread::spawn(move || {
            let mut server = listener.accept().unwrap().0;
            while server.write_all(b"a").is_ok() {
                thread::sleep(Duration::from_millis(1));
            }
        });
        let record = Record::new();
        let waits = Waits {
            patience: Duration::from_millis(50),
            processes: None,
            port: addr.port(),
        };
        let mut client = Visitor::connect(addr, Dial::default(), &record, waits).unwrap();
        let quiet = Duration::from_secs(60);
        assert!(!client.drain(quiet).is_empty());
        assert_eq!(record.is_slow(), None);
        let (progress, bytes) = client.collect(quiet, |_, _| Progress::Partial);
        assert!(progress == Progress::Partial && !bytes.is_empty());
        assert!(record.is_slow().is_some());
    }

    /// As by Ctrl-Z and `fg`: a read with a timeout fails with EINTR then.
    #[test]
    fn a_client_that_is_stopped_and_goes_on_sees_no_reset() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let waits = Waits {
            patience: Duration::from_secs(30),
            processes: None,
            port: addr.port(),
        };
        let record = Record::new();
        let mut client = Visitor::connect(addr, Dial::default(), &record, waits).unwrap();
        let mut server = listener.accept().unwrap().0;
        let stop = "for _ in 1 2 3 4 5; do kill -STOP $PPID; kill -CONT $PPID; sleep 0.02; done";
        let mut shell = Command::new("sh").args(["-c", stop]).spawn().unwrap();
        let answer = thread::spawn(move || {
            assert!(shell.wait().unwrap().success());
            server.write_all(b"a").unwrap();
            server
        });
        assert_eq!(client.receive(), Received::Bytes(b"a".to_vec()));
        drop(answer.join().unwrap());
    }
}
