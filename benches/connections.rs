//! The memory of an idle connection, 9,000 connections at once, and 10,000 connections of the load generator over TLS.
//!
//!     cargo bench --bench connections
//!     cargo bench --bench connections -- idle load tls held     all parts, of which any may be chosen
//!
//! Exit code 1 if a bound isn't kept.

use std::{
    env,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use portlab_backends::MODELS;
use portlab_lab::Server;
use portlab_sys::{limits::raise_open_files, meter::pss_bytes, spawn};
use portlab_testkit::{binary, is_bench};

#[cfg(feature = "tls")]
use std::{io, net::TcpListener, sync::Arc};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Idle connections whose memory is measured.
const IDLE: usize = 5_000;
/// Connections that must be held at once.
const HELD: usize = 9_000;
/// The bytes that each connection may cost a server.
const BOUNDS: &[(&str, f64)] = &[
    ("event-loop", 1024.0),
    ("sharded", 1024.0),
    ("prefork-loop", 1024.0),
    ("uring", 2.0 * 1024.0),
    ("coroutines", 10.0 * 1024.0),
    ("tasks", 2.0 * 1024.0),
    ("threads", 16.0 * 1024.0),
];
/// The bytes that each connection may cost the load generator.
const LOAD_BOUND: f64 = 2.0 * 1024.0;
/// Encrypted connections of the load generator, and the bytes that its process may take.
#[cfg(feature = "tls")]
const ENCRYPTED: (usize, f64) = (10_000, 1024.0 * 1024.0 * 1024.0);
/// Of the models that serve any number of connections, this one doesn't hold [`HELD`]: they would be as many processes.
const TOO_LARGE: &str = "fork";

fn main() -> Result<()> {
    if !is_bench() {
        return Ok(());
    }
    raise_open_files();
    let parts: Vec<String> = env::args()
        .skip(1)
        .filter(|it| !it.starts_with('-'))
        .collect();
    let asks = |part: &str| parts.is_empty() || parts.iter().any(|it| it == part);
    let mut kept = true;
    if asks("idle") {
        println!("PSS per connection, {IDLE} idle ones, each after an echo of 64 B");
        for &(model, bound) in BOUNDS {
            kept &= verdict(model, server_bytes_per_connection(model)?, bound);
        }
    }
    if asks("load") {
        kept &= verdict("load", load_bytes_per_connection()?, LOAD_BOUND);
    }
    #[cfg(feature = "tls")]
    if asks("tls") {
        kept &= verdict("load over TLS", peak_of_encrypted_load()?, ENCRYPTED.1);
    }
    if asks("held") {
        println!("{HELD} connections at once, each echoed after all are open");
        for sheet in MODELS.iter().map(|model| model.sheet()) {
            if sheet.capacity(1).is_none() && sheet.name != TOO_LARGE {
                let server = start(sheet.name)?;
                let mut clients = connect(server.addr(), HELD)?;
                exchange(&mut clients)?;
                println!("{:>16}: {HELD} held", sheet.name);
            }
        }
    }
    match kept {
        true => Ok(()),
        false => Err("a bound isn't kept".into()),
    }
}

fn verdict(name: &str, bytes: f64, bound: f64) -> bool {
    let is_kept = bytes <= bound;
    let verdict = if is_kept { "within" } else { "OVER" };
    println!("{name:>16}: {bytes:>7.0} B, {verdict} the bound of {bound:.0} B");
    is_kept
}

fn start(model: &str) -> Result<Server> {
    let program = Path::new(binary());
    Ok(Server::start(program, [format!("--model={model}")])?)
}

fn server_bytes_per_connection(model: &str) -> Result<f64> {
    let server = start(model)?;
    // The first connections bring pages into memory that stay; they don't count as a cost of a connection.
    exchange(&mut connect(server.addr(), 10)?)?;
    let before = pss_bytes(server.pid())?;
    let mut clients = connect(server.addr(), IDLE)?;
    exchange(&mut clients)?;
    let after = pss_bytes(server.pid())?;
    Ok((after as f64 - before as f64) / IDLE as f64)
}

/// The difference between the generator with [`IDLE`] connections and with ten.
fn load_bytes_per_connection() -> Result<f64> {
    let server = start("event-loop")?;
    let with = |connections: usize| -> Result<f64> {
        let mut command = Command::new(binary());
        command.args([
            "load",
            &server.addr().to_string(),
            "--duration=5s",
            "--warmup=0s",
        ]);
        command.args(["--connections", &connections.to_string()]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut load = spawn::tie_to_this_thread(&mut command).spawn()?;
        thread::sleep(Duration::from_secs(3));
        let pss = pss_bytes(i32::try_from(load.id())?)?;
        load.kill()?;
        load.wait()?;
        Ok(pss as f64)
    };
    Ok((with(IDLE)? - with(10)?) / (IDLE - 10) as f64)
}

/// The largest PSS of a generator that holds [`ENCRYPTED`] connections, each after a handshake and a greeting.
#[cfg(feature = "tls")]
fn peak_of_encrypted_load() -> Result<f64> {
    let (connections, _) = ENCRYPTED;
    let mut command = Command::new(binary());
    command.args(["load", &greeter()?.to_string(), "--tls", "--insecure"]);
    command.args(["--greeting=lines:1", "--idle", "--duration=5s", "--json"]);
    command.args(["--timeout=2m", "--connections", &connections.to_string()]);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut load = spawn::tie_to_this_thread(&mut command).spawn()?;
    let (pid, mut peak) = (i32::try_from(load.id())?, 0);
    while load.try_wait()?.is_none() {
        // The process may end at any moment.
        peak = peak.max(pss_bytes(pid).unwrap_or(0));
        thread::sleep(Duration::from_millis(100));
    }
    let result: serde_json::Value = serde_json::from_slice(&load.wait_with_output()?.stdout)?;
    match result["alive"] == connections {
        true => Ok(peak as f64),
        false => Err(format!("{} of {connections} connections are open", result["alive"]).into()),
    }
}

/// A server over TLS that greets each connection, and keeps it open.
#[cfg(feature = "tls")]
fn greeter() -> Result<SocketAddr> {
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(own.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key.into())?;
    let (config, listener) = (Arc::new(config), TcpListener::bind("127.0.0.1:0")?);
    let addr = listener.local_addr()?;
    thread::spawn(move || {
        let greeted = |stream| {
            let session = rustls::ServerConnection::new(Arc::clone(&config)).ok()?;
            let mut stream = rustls::StreamOwned::new(session, stream);
            stream.write_all(b"ready\n").ok().map(|()| stream)
        };
        let streams = listener.incoming().map_while(io::Result::ok);
        streams.map(greeted).collect::<Vec<_>>()
    });
    Ok(addr)
}

fn connect(addr: SocketAddr, count: usize) -> Result<Vec<TcpStream>> {
    let clients = (0..count).map(|_| {
        let client = TcpStream::connect(addr)?;
        client.set_read_timeout(Some(Duration::from_secs(20)))?;
        Ok(client)
    });
    clients.collect()
}

fn exchange(clients: &mut [TcpStream]) -> Result<()> {
    let message = [7; 64];
    for client in &mut *clients {
        client.write_all(&message)?;
    }
    for client in clients {
        let mut answer = [0; 64];
        client.read_exact(&mut answer)?;
        assert_eq!(answer, message);
    }
    Ok(())
}
