//! A member of a chat room.

use std::{
    io::{self, BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
};

use portlab_service::TextEncoding;
use socket2::{Domain, Socket, Type};

use crate::cast::{be_patient, encoding, read_as};

/// A member, with its connection.
pub(super) struct Member {
    reader: BufReader<TcpStream>,
    encoding: TextEncoding,
    /// What of its next line has come.
    begun: Vec<u8>,
}

/// What an Ethernet packet carries.
const PACKET: u32 = 1460;

/// The size of a member's receive buffer.
const QUEUE: usize = 16 << 10;

impl Member {
    /// A member that has only connected, as a plain room expects it.
    pub(super) fn connect(addr: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        // As over a real network: loopback's packets are so large that the kernel keeps megabytes
        // for them, and it would take much longer until a member that doesn't read is noticed.
        socket.set_tcp_mss(PACKET)?;
        socket.set_recv_buffer_size(QUEUE)?;
        socket.connect(&addr.into())?;
        let stream = TcpStream::from(socket);
        be_patient(&stream)?;
        Ok(Self {
            reader: BufReader::new(stream),
            encoding: TextEncoding::default(),
            begun: Vec::new(),
        })
    }

    /// A member that has told our server its name, and the encoding `label`.
    pub(super) fn join(addr: SocketAddr, name: &str, label: &str) -> io::Result<Self> {
        let mut member = Self::connect(addr)?;
        member.say(name)?;
        // "welcome", and "you are ...".
        for _ in 0..2 {
            member.hear()?;
        }
        member.say(&format!("/encoding {label}"))?;
        member.encoding = encoding(label);
        member.hear()?;
        Ok(member)
    }

    pub(super) fn stream(&self) -> &TcpStream {
        self.reader.get_ref()
    }

    pub(super) fn say(&mut self, line: &str) -> io::Result<()> {
        let bytes = self.encoded(&format!("{line}\n"));
        self.stream().write_all(&bytes)
    }

    /// The next line, without its end.
    pub(super) fn hear(&mut self) -> io::Result<String> {
        let line = self.line()?;
        Ok(self.text(&line))
    }

    /// The bytes of the next line that begins with `start`.
    pub(super) fn bytes_of(&mut self, start: &str) -> io::Result<Vec<u8>> {
        loop {
            let line = self.line()?;
            if line.starts_with(start.as_bytes()) {
                return Ok(line);
            }
        }
    }

    /// Reads what is left. Returns the number of members' lines, and the last line.
    pub(super) fn rest(&mut self) -> (usize, String) {
        let (mut said, mut last) = (0, String::new());
        while let Ok(line) = self.hear() {
            said += usize::from(!line.starts_with("* "));
            last = line;
        }
        (said, last)
    }

    /// What a line is in text, without its end.
    pub(super) fn text(&self, line: &[u8]) -> String {
        read_as(self.encoding, line).trim_end().to_owned()
    }

    /// How many bytes a line takes that the server sends.
    pub(super) fn length(&self, line: &str) -> usize {
        self.encoded(&format!("{line}\r\n")).len()
    }

    fn line(&mut self) -> io::Result<Vec<u8>> {
        // What has come before an error is kept for the next time.
        self.reader.read_until(b'\n', &mut self.begun)?;
        if self.begun.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(std::mem::take(&mut self.begun))
    }

    fn encoded(&self, text: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.encoding.encode_with_marks(text, &mut bytes);
        bytes
    }
}
