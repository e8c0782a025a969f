//! An HTTP client with few functions, which shows each step.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use rustix::event::{PollFd, PollFlags, poll};

use super::connect;

/// A connection to a site.
#[derive(Debug)]
pub(crate) struct Visit(BufReader<TcpStream>);

/// The response of a site.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    /// The status line and the headers, up to the empty line.
    pub(crate) head: String,
    /// As many bytes as the headers say, or fewer if no more came.
    pub(crate) body: Vec<u8>,
}

impl Visit {
    pub(crate) fn to(addr: SocketAddr) -> io::Result<Self> {
        Ok(Self(BufReader::new(connect(addr)?)))
    }

    pub(crate) fn stream(&self) -> &TcpStream {
        self.0.get_ref()
    }

    pub(crate) fn send(&mut self, text: &str) -> io::Result<()> {
        self.stream().write_all(text.as_bytes())
    }

    /// Whether no bytes of a response come within `patience`.
    pub(crate) fn is_silent(&self, patience: Duration) -> io::Result<bool> {
        let mut watched = [PollFd::new(self.stream(), PollFlags::IN)];
        Ok(poll(&mut watched, Some(&patience.try_into().unwrap_or_default()))? == 0)
    }

    /// Requests a page, with the required lines only.
    pub(crate) fn get(&mut self, path: &str) -> io::Result<Response> {
        let host = self.stream().peer_addr()?;
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n"))?;
        self.response()
    }

    /// The responses of a site to requests for `paths`, each on a connection of its own.
    pub(crate) fn responses<const N: usize>(
        addr: SocketAddr,
        paths: [&str; N],
    ) -> io::Result<[Response; N]> {
        let responses = paths.iter().map(|path| Self::to(addr)?.get(path));
        let responses: Vec<_> = responses.collect::<io::Result<_>>()?;
        Ok(responses.try_into().expect("each path has a response"))
    }

    pub(crate) fn response(&mut self) -> io::Result<Response> {
        let mut response = self.head()?;
        let length = response.header("Content-Length").parse().unwrap_or(0);
        let mut rest = self.0.by_ref().take(length);
        rest.read_to_end(&mut response.body)?;
        Ok(response)
    }

    /// A response without a body, up to its empty line.
    pub(crate) fn head(&mut self) -> io::Result<Response> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.0.read_line(&mut head)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let body = Vec::new();
        Ok(Response { head, body })
    }
}

/// The value of a header in the head of a message; empty without this header.
pub(super) fn header_of<'a>(head: &'a str, name: &str) -> &'a str {
    let mut headers = head.lines().filter_map(|line| line.split_once(": "));
    headers
        .find(|(header, _)| header.eq_ignore_ascii_case(name))
        .map_or("", |(_, value)| value)
}

impl Response {
    /// The first line, without its end.
    pub(crate) fn status(&self) -> &str {
        self.head.lines().next().unwrap_or_default()
    }

    /// The value of a header; empty without this header.
    pub(crate) fn header(&self, name: &str) -> &str {
        header_of(&self.head, name)
    }

    /// The body, with U+FFFD for malformed bytes.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).trim_end().to_owned()
    }

    /// Head and body, without the `\r`.
    pub(crate) fn whole(&self) -> String {
        format!("{}{}", self.head, self.text()).replace('\r', "")
    }
}
