//! Small servers on threads of the test.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::mpsc::{self, Receiver},
    thread,
};

use crate::listener;

/// Serves every connection with `serve`, on a thread each, until the test ends.
pub fn server(serve: impl Fn(TcpStream) -> io::Result<()> + Clone + Send + 'static) -> SocketAddr {
    server_at(listener(), serve)
}

/// Serves every connection to `listener` as [`server`] does.
pub fn server_at(
    listener: TcpListener,
    serve: impl Fn(TcpStream) -> io::Result<()> + Clone + Send + 'static,
) -> SocketAddr {
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let serve = serve.clone();
            thread::spawn(move || serve(stream));
        }
    });
    addr
}

/// Serves one connection with `serve`, and sends the result through the channel.
pub fn serve_once<T: Send + 'static>(
    serve: impl FnOnce(TcpStream) -> io::Result<T> + Send + 'static,
) -> (SocketAddr, Receiver<T>) {
    let listener = listener();
    let addr = listener.local_addr().unwrap();
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let _ = sender.send(serve(stream).unwrap());
    });
    (addr, receiver)
}

/// Sends back every byte.
pub fn echo(stream: TcpStream) -> io::Result<()> {
    echo_changed(|_, _| true)(stream)
}

/// Sends back every byte. `change` gets each piece and its place in the stream first, and may change the piece; if it
/// returns `false`, the connection is closed.
pub fn echo_changed(
    change: impl Fn(&mut [u8], u64) -> bool + Clone + Send + 'static,
) -> impl Fn(TcpStream) -> io::Result<()> + Clone + Send + 'static {
    move |mut stream| {
        let (mut buffer, mut at) = ([0; 4096], 0);
        loop {
            let length = stream.read(&mut buffer)?;
            if length == 0 || !change(&mut buffer[..length], at) {
                return Ok(());
            }
            stream.write_all(&buffer[..length])?;
            at += length as u64;
        }
    }
}
