//! What checking and measuring cost the load generator: its CPU time per message against that of a plain mio loop, which
//! sends and receives, and checks nothing; without TLS, and with TLS against a plain loop of rustls. The turns are so
//! short that changes of the machine's speed affect both.
//!
//!     cargo bench --bench generator

use std::{
    io::{self, Read, Write},
    net::SocketAddr,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use mio::{Events, Interest, Poll, Token, net::TcpStream};
use portlab_lab::Server;
use portlab_load::{Pem, Plan, Script, Stop, Tls, TlsOptions};
use portlab_stats::estimate::Estimate;
use portlab_sys::clock::thread_cpu;
use portlab_testkit::{binary, is_bench, server};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned,
    client::Resumption,
    crypto::ring,
    pki_types::{PrivateKeyDer, ServerName},
};

type Error = Box<dyn std::error::Error>;

const CONNECTIONS: usize = 100;
const SIZE: usize = 64;
/// Fresh servers.
const SERVERS: usize = 7;
/// Turns of each generator against one server.
const TURNS: usize = 16;
const TURN: Duration = Duration::from_millis(150);
const WARMUP: Duration = Duration::from_millis(20);

/// The most CPU time per message with TLS, as a share of the plain loop's.
const BOUND: f64 = 1.1;

fn main() -> Result<(), Error> {
    if !is_bench() {
        return Ok(());
    }
    println!(
        "{CONNECTIONS} connections, {SIZE} B, depth 1; {SERVERS} servers, {TURNS} turns of {TURN:?} \
         each; CPU per message, portlab : plain loop"
    );
    compare("without TLS", || {
        let program = Path::new(binary());
        let server = Server::start(program, ["--model=event-loop"])?;
        Ok((server.addr(), None, server))
    })?;
    let encrypted = compare("with TLS", || {
        let (addr, secret) = encrypted_server()?;
        Ok((addr, Some(secret), ()))
    })?;
    match encrypted <= BOUND {
        true => Ok(()),
        false => Err(format!("with TLS the bound is {BOUND}").into()),
    }
}

/// Prints the ratio of both generators against fresh servers, and returns its median. A server is its address, what
/// TLS needs, and what keeps it alive.
fn compare<K>(
    name: &str,
    start: impl Fn() -> Result<(SocketAddr, Option<Secret>, K), Error>,
) -> Result<f64, Error> {
    let mut ratios = Vec::new();
    for number in 0..SERVERS {
        let (addr, secret, _alive) = start()?;
        let secret = secret.as_ref();
        let mut of_server = Vec::new();
        for turn in 0..TURNS {
            // A B, B A, A B, ...: a slow moment of the machine affects both, and each is first in half of the turns.
            of_server.push(if (turn + number).is_multiple_of(2) {
                let portlab = portlab(addr, secret)?;
                portlab / plain_on_a_thread(addr, secret)?
            } else {
                let plain = plain_on_a_thread(addr, secret)?;
                portlab(addr, secret)? / plain
            });
        }
        ratios.push(Estimate::of(of_server).expect("there was a turn").median);
    }
    let Estimate {
        median, min, max, ..
    } = Estimate::of(ratios).expect("there was a server");
    println!("{name}: median {median:.3}, from {min:.3} to {max:.3}");
    Ok(median)
}

/// What the two clients of a server with TLS need.
struct Secret {
    portlab: Tls,
    plain: Arc<ClientConfig>,
}

/// A server with TLS that echoes, with a thread for each connection.
fn encrypted_server() -> Result<(SocketAddr, Secret), Error> {
    let provider = Arc::new(ring::default_provider());
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let key = PrivateKeyDer::try_from(own.signing_key.serialize_der())?;
    let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key)?;
    let config = Arc::new(config);
    let addr = server(move |stream| {
        stream.set_nodelay(true)?;
        let session = ServerConnection::new(Arc::clone(&config)).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(session, stream);
        let mut buffer = [0; 4096];
        while let length @ 1.. = stream.read(&mut buffer)? {
            stream.write_all(&buffer[..length])?;
        }
        Ok(())
    });
    let options = TlsOptions {
        ca: Some(Pem {
            file: "the server's own".to_owned(),
            bytes: own.cert.pem().into_bytes(),
        }),
        ..TlsOptions::default()
    };
    let portlab = Tls::new(&options, &["localhost".to_owned()]).map_err(|error| error.en)?;
    let mut roots = RootCertStore::empty();
    roots.add(own.cert.der().clone())?;
    let mut plain = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    plain.resumption = Resumption::disabled();
    let plain = Arc::new(plain);
    Ok((addr, Secret { portlab, plain }))
}

fn portlab(addr: SocketAddr, secret: Option<&Secret>) -> Result<f64, Error> {
    let plan = Plan {
        connections: CONNECTIONS,
        script: Script::echo(SIZE),
        tls: secret.map(|it| it.portlab.clone()),
        warmup: WARMUP,
        stop: Stop::after(TURN),
        ..Plan::new(addr)
    };
    let outcome = portlab_load::run(&plan, &mut ())?;
    assert!(outcome.is_clean(), "the server answered wrongly");
    Ok(outcome.generator_cpu_us_per_message())
}

/// Runs the plain loop on a thread of its own, as the generator's loop runs.
fn plain_on_a_thread(addr: SocketAddr, secret: Option<&Secret>) -> Result<f64, Error> {
    let config = secret.map(|it| Arc::clone(&it.plain));
    let loaded = std::thread::spawn(move || match config {
        None => plain(addr, Ok),
        Some(config) => plain(addr, |stream| Encrypted::new(stream, &config)),
    });
    Ok(loaded.join().expect("the plain loop doesn't panic")?)
}

/// A connection of the plain loop.
trait Connection {
    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize>;
    fn send(&mut self, message: &[u8]) -> io::Result<()>;
    fn socket(&mut self) -> &mut TcpStream;
}

impl Connection for TcpStream {
    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.read(buffer)
    }

    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.write_all(message)
    }

    fn socket(&mut self) -> &mut TcpStream {
        self
    }
}

struct Encrypted {
    socket: TcpStream,
    session: ClientConnection,
}

impl Encrypted {
    /// Makes the handshake, which may poll: it isn't measured.
    fn new(mut socket: TcpStream, config: &Arc<ClientConfig>) -> io::Result<Self> {
        let name = ServerName::try_from("localhost").expect("it is a name");
        let session = ClientConnection::new(Arc::clone(config), name);
        let mut session = session.map_err(io::Error::other)?;
        while session.is_handshaking() || session.wants_write() {
            match session.complete_io(&mut socket) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => std::thread::yield_now(),
                Err(error) => return Err(error),
                Ok(_) => {}
            }
        }
        Ok(Self { socket, session })
    }
}

impl Connection for Encrypted {
    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.session.read_tls(&mut self.socket)?;
        let came = self.session.process_new_packets();
        came.map_err(io::Error::other)?;
        self.session.reader().read(buffer)
    }

    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.session.writer().write_all(message)?;
        self.session.write_tls(&mut self.socket).map(drop)
    }

    fn socket(&mut self) -> &mut TcpStream {
        &mut self.socket
    }
}

/// The control: a closed loop that checks nothing, times nothing and counts messages only.
fn plain<C: Connection>(
    addr: SocketAddr,
    connect: impl Fn(TcpStream) -> io::Result<C>,
) -> io::Result<f64> {
    let mut poll = Poll::new()?;
    let mut connections = Vec::new();
    let message = [7; SIZE];
    for number in 0..CONNECTIONS {
        let stream = std::net::TcpStream::connect(addr)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let mut connection = connect(TcpStream::from_std(stream))?;
        let (socket, token) = (connection.socket(), Token(number));
        poll.registry()
            .register(socket, token, Interest::READABLE)?;
        connections.push(connection);
    }
    for connection in &mut connections {
        connection.send(&message)?;
    }
    let mut events = Events::with_capacity(1024);
    let mut buffer = vec![0; 64 * 1024];
    let (mut since, mut cpu) = (Instant::now(), thread_cpu());
    let (mut messages, mut warm) = (0u64, false);
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            let connection = &mut connections[event.token().0];
            match connection.receive(&mut buffer) {
                Ok(length) => messages += (length / SIZE) as u64,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Err(error) => return Err(error),
            }
            connection.send(&message)?;
        }
        let elapsed = since.elapsed();
        if !warm && elapsed > WARMUP {
            (since, cpu, messages, warm) = (Instant::now(), thread_cpu(), 0, true);
        } else if warm && elapsed > TURN {
            return Ok((thread_cpu() - cpu).as_secs_f64() * 1e6 / messages as f64);
        }
    }
}
