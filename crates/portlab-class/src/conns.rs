//! The connections of browsers: a listener that accepts so many at a time and no more.
//!
//! A connection without a byte in either direction is closed after a minute; a stream of events sends a comment every 15 s.
//! One address of the network has a share of all places, so that the others and the teacher always find one.

use std::{
    collections::HashMap,
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::serve::Listener;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, Sleep, sleep},
};

use crate::events::STREAMS;

/// A listener with a limit. Further connections wait in the kernel's accept queue.
pub(crate) struct Limited {
    listener: TcpListener,
    free: Arc<Semaphore>,
    peers: Peers,
}

/// A connection of a browser. Its end gives its place back.
pub(crate) struct Conn {
    stream: TcpStream,
    /// Fires when nothing has been read or written for a while.
    idle: Pin<Box<Sleep>>,
    _place: OwnedSemaphorePermit,
    _share: Share,
}

/// A browser opens up to six connections, one of them for its stream; the others are busy only while a page loads.
const MOST: usize = STREAMS + 200;
/// The places of one address: a class behind one router has a phone for each.
const MOST_OF_ONE: usize = 150;
const IDLE: Duration = Duration::from_secs(60);
/// After an error of `accept`, such as a lack of descriptors.
const PAUSE: Duration = Duration::from_millis(100);

impl Limited {
    pub(crate) fn new(listener: TcpListener) -> Self {
        Self {
            listener,
            free: Arc::new(Semaphore::new(MOST)),
            peers: Peers::default(),
        }
    }
}

/// How many connections each address of the network has. Loopback is this machine's user.
#[derive(Clone, Debug, Default)]
struct Peers(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One of an address's places.
#[derive(Debug)]
struct Share {
    peers: Peers,
    ip: IpAddr,
}

impl Peers {
    /// Takes a place for `ip`; `None` if it has all of its share.
    fn take(&self, ip: IpAddr) -> Option<Share> {
        let mut peers = self.lock();
        let count = peers.entry(ip).or_default();
        if *count >= MOST_OF_ONE && !ip.to_canonical().is_loopback() {
            return None;
        }
        *count += 1;
        let peers = self.clone();
        Some(Share { peers, ip })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut peers = self.peers.lock();
        if let Some(count) = peers.get_mut(&self.ip) {
            *count -= 1;
            if *count == 0 {
                peers.remove(&self.ip);
            }
        }
    }
}

impl Conn {
    /// Bytes have been moved, or the connection is idle for too long.
    fn watched<T>(
        &mut self,
        cx: &mut Context<'_>,
        moved: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if moved.is_ready() {
            self.idle.as_mut().reset(Instant::now() + IDLE);
            return moved;
        }
        ready!(self.idle.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl Listener for Limited {
    type Io = Conn;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Conn, SocketAddr) {
        // The semaphore is never closed.
        let place = Arc::clone(&self.free).acquire_owned().await;
        let place = place.expect("the semaphore is open");
        loop {
            match self.listener.accept().await {
                Ok((stream, peer)) => {
                    // The connection is closed at once.
                    let Some(share) = self.peers.take(peer.ip()) else {
                        continue;
                    };
                    // Frames are small, and each leaves at once.
                    let _ = stream.set_nodelay(true);
                    return (
                        Conn {
                            stream,
                            idle: Box::pin(sleep(IDLE)),
                            _place: place,
                            _share: share,
                        },
                        peer,
                    );
                }
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl AsyncRead for Conn {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        self.watched(cx, read)
    }
}

impl AsyncWrite for Conn {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.watched(cx, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, pieces);
        self.watched(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_of_the_network_has_a_share_of_the_places() {
        let peers = Peers::default();
        let [one, other, own] = [[192, 0, 2, 1], [192, 0, 2, 2], [127, 0, 0, 1]].map(IpAddr::from);
        let mut shares: Vec<_> = (0..MOST_OF_ONE).map_while(|_| peers.take(one)).collect();
        assert_eq!(shares.len(), MOST_OF_ONE);
        assert!(peers.take(one).is_none() && peers.take(other).is_some());
        let of_loopback = (0..=MOST_OF_ONE).map_while(|_| peers.take(own));
        assert_eq!(of_loopback.collect::<Vec<_>>().len(), MOST_OF_ONE + 1);
        shares.pop();
        assert!(peers.take(one).is_some());
        shares.clear();
        assert!(peers.lock().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_a_byte_is_closed() {
        use tokio::io::AsyncReadExt as _;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let mut limited = Limited::new(listener);
        let _client = TcpStream::connect(addr).await.unwrap();
        let (mut conn, _) = limited.accept().await;
        let read = conn.read(&mut [0]).await;
        assert_eq!(read.map_err(|it| it.kind()), Err(io::ErrorKind::TimedOut));
    }
}
