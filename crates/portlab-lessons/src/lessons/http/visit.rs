//! An HTTP client with few functions, which shows each step.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
};

use crate::cast::connect;

/// A connection to a site.
pub(super) struct Visit(BufReader<TcpStream>);

/// The response of a site.
pub(super) struct Response {
    /// The status line and the headers, up to the empty line.
    pub(super) head: String,
    /// As many bytes as the headers say, or fewer if no more came.
    pub(super) body: Vec<u8>,
}

impl Visit {
    pub(super) fn to(addr: SocketAddr) -> io::Result<Self> {
        Ok(Self(BufReader::new(connect(addr)?)))
    }

    pub(super) fn stream(&self) -> &TcpStream {
        self.0.get_ref()
    }

    pub(super) fn send(&mut self, text: &str) -> io::Result<()> {
        self.stream().write_all(text.as_bytes())
    }

    /// Requests a page, with the required lines only.
    pub(super) fn get(&mut self, path: &str) -> io::Result<Response> {
        let host = self.stream().peer_addr()?;
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n"))?;
        self.response()
    }

    pub(super) fn response(&mut self) -> io::Result<Response> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.0.read_line(&mut head)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let mut response = Response {
            head,
            body: Vec::new(),
        };
        let length = response.header("Content-Length").parse().unwrap_or(0);
        let mut rest = self.0.by_ref().take(length);
        rest.read_to_end(&mut response.body)?;
        Ok(response)
    }
}

impl Response {
    /// The first line, without its end.
    pub(super) fn status(&self) -> &str {
        self.head.lines().next().unwrap_or_default()
    }

    /// The value of a header; empty if there is no such header.
    pub(super) fn header(&self, name: &str) -> &str {
        let mut headers = self.head.lines().filter_map(|line| line.split_once(": "));
        headers
            .find(|(header, _)| *header == name)
            .map_or("", |(_, value)| value)
    }

    /// The body, with U+FFFD for malformed bytes.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).trim_end().to_owned()
    }

    /// Head and body, without the `\r`.
    pub(super) fn whole(&self) -> String {
        format!("{}{}", self.head, self.text()).replace('\r', "")
    }
}
