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
    /// The received part of the next line.
    begun: Vec<u8>,
}

/// The bytes of TCP data in an Ethernet packet.
const PACKET: u32 = 1460;

/// The size of a member's receive buffer.
const QUEUE: usize = 16 << 10;

impl Member {
    /// A member that has only connected, as a plain room expects it.
    pub(super) fn connect(addr: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        // As over a real network: the packets of loopback are so large that the kernel keeps megabytes of them, and the
        // server would notice much later that a member doesn't read.
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

    /// A member that has sent its name and the encoding `label` to the server.
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

    /// A line as text, without its end.
    pub(super) fn text(&self, line: &[u8]) -> String {
        read_as(self.encoding, line).trim_end().to_owned()
    }

    /// The number of bytes of a line, as the server sends it.
    pub(super) fn length(&self, line: &str) -> usize {
        self.encoded(&format!("{line}\r\n")).len()
    }

    fn line(&mut self) -> io::Result<Vec<u8>> {
        // Bytes that came before an error are kept for the next call.
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
