//! A foreign server: any program that listens on the port that it is given.
//!
//! It runs below a [keeper](portlab_sys::keeper), so that all of its processes are metered and ended. If a
//! process that the command didn't start listens on the port, or holds a connection, some work would not be
//! metered, and the server is refused.

use std::{
    borrow::Cow,
    ffi::OsStr,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use portlab_stats::record::Unmetered;
use portlab_sys::{
    listening::has_listener,
    meter::below,
    sockets::{Socket, State, held_by, holders, sockets, sockets_at},
};
use portlab_words::{Text, tr};

use crate::{
    error::{NotMetered, ServerError},
    experiment::ROOT,
    server::{AGAIN, START, Server, Surroundings},
};

/// How long a socket of the server may seem to belong to another process: while the processes are read one by one,
/// some may start or get another parent.
const UNCERTAIN: Duration = Duration::from_secs(2);

/// How long a server that listens on another port may take to listen on this port too.
const ELSEWHERE: Duration = Duration::from_secs(1);

impl Server {
    /// Starts a program that listens on the loopback port that replaces `{port}` in `words`, and serves the files of
    /// `root`, which replaces `{root}`. Waits until it listens, or until `interrupted` returns true. No connection is made to see whether it listens: some servers
    /// end when a connection sends nothing.
    ///
    /// # Errors
    /// If the program can't be started, ends, or doesn't listen in time, or if a process listens that the program
    /// hasn't started.
    pub fn foreign(
        surroundings: &Surroundings,
        words: &[String],
        root: Option<&Path>,
        interrupted: &dyn Fn() -> bool,
    ) -> Result<Self, ServerError> {
        // Another program might bind this port before the server does; nothing can prevent that.
        let addr = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let port = addr.port().to_string();
        let root = root.map_or(Cow::default(), Path::to_string_lossy);
        let replaced = |word: &String| word.replace("{port}", &port).replace(ROOT, &root);
        let mut words = words.iter().map(replaced);
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words);
        let mut server = Self::spawn(surroundings, &mut command, (addr, true))?;
        let timeout = surroundings.start_timeout.unwrap_or(START);
        let Some(Text { en, zh }) = server.wait_until_its_port_is_open(timeout, interrupted)?
        else {
            return Ok(server);
        };
        let words = command.get_args().map(OsStr::to_string_lossy);
        let program = command.get_program().to_string_lossy();
        let command = std::iter::once(program).chain(words).collect::<Vec<_>>();
        let command = command.join(" ");
        Err(match server.stderr.after_a_moment().trim() {
            "" => tr!("`{command}` {en}", "`{command}` {zh}"),
            printed => tr!(
                "`{command}` {en}; its stderr: {printed}",
                "`{command}` {zh}；它的输出：{printed}"
            ),
        }
        .into())
    }

    /// Waits for at most `timeout`; returns what the server did instead, in words.
    fn wait_until_its_port_is_open(
        &mut self,
        timeout: Duration,
        interrupted: &dyn Fn() -> bool,
    ) -> Result<Option<Text>, ServerError> {
        let addr = self.addr;
        let since = Instant::now();
        let (mut refused_since, mut elsewhere_since) = (None::<Instant>, None::<Instant>);
        loop {
            let is_open = has_listener(addr) == Some(true);
            // Read after `is_open`: if the port is open, its listener is in this list.
            let at_port = sockets_at(addr.port())?;
            if is_open {
                let listening = at_port.iter().filter(|it| is_listening(it, addr.port()));
                match check(self.pid(), addr, listening, Unmetered::Listener) {
                    Ok(()) => return Ok(None),
                    Err(why) => {
                        if refused_since.get_or_insert_with(Instant::now).elapsed() > UNCERTAIN {
                            return Err(why.into());
                        }
                    }
                }
            } else if at_port.iter().any(|it| is_listening(it, addr.port()))
                && elsewhere_since.get_or_insert_with(Instant::now).elapsed() > ELSEWHERE
            {
                return Ok(self.listens_elsewhere());
            }
            if let Some(status) = self.child.try_wait()? {
                return Ok(Some(tr!(
                    "ended with {status} instead of listening on {addr}",
                    "没有监听 {addr} 就结束了：{status}"
                )));
            }
            if interrupted() {
                return Ok(Some(Text::new(
                    "was ended before it listened",
                    "还没有监听就被结束了",
                )));
            }
            if since.elapsed() > timeout {
                let seconds = timeout.as_secs_f64();
                return Ok(Some(self.listens_elsewhere().unwrap_or_else(|| {
                    tr!(
                        "doesn't listen on {addr} after {seconds} s; let it take its port from {{port}}, or \
                         give it more time with --start-timeout",
                        "过了 {seconds} 秒还没有监听 {addr}；它要从 {{port}} 得到端口，--start-timeout 可以多给它时间"
                    )
                })));
            }
            thread::sleep(AGAIN);
        }
    }

    /// Where the server listens, in words, if not on its port.
    fn listens_elsewhere(&self) -> Option<Text> {
        let own = held_by(&below(self.pid()).ok()?).inodes;
        let all = sockets().ok()?;
        let listening = all.iter().filter(|it| it.state == State::Listen);
        let own: Vec<_> = listening
            .filter(|it| own.contains(&it.inode))
            .map(|it| it.local.to_string())
            .collect();
        let (addr, others) = (self.addr, own.join(", "));
        (!own.is_empty()).then(|| {
            tr!(
                "listens on {others}, not on {addr}; let it bind 127.0.0.1 and take its port from {{port}}",
                "监听的是 {others}，而不是 {addr}；请让它绑定 127.0.0.1，并从 {{port}} 得到端口"
            )
        })
    }
}

/// Makes sure that every accepted connection of the server below `keeper`, which listens on `addr`, is held
/// by one of its processes.
pub(crate) fn check_connections(keeper: i32, addr: SocketAddr) -> Result<(), NotMetered> {
    let since = Instant::now();
    loop {
        // If the table of sockets can't be read, the server was not found to listen, and this code isn't reached.
        let at_port = sockets_at(addr.port()).unwrap_or_default();
        let accepted = at_port.iter().filter(|it| {
            it.state == State::Established && it.local.port() == addr.port() && it.inode != 0
        });
        let checked = check(keeper, addr, accepted, Unmetered::Connection);
        if checked.is_ok() || since.elapsed() > UNCERTAIN {
            return checked;
        }
        thread::sleep(AGAIN);
    }
}

/// Makes sure that `sockets` are held by processes below `keeper`.
fn check<'a>(
    keeper: i32,
    addr: SocketAddr,
    sockets: impl Iterator<Item = &'a Socket>,
    kind: Unmetered,
) -> Result<(), NotMetered> {
    let own = held_by(&below(keeper).unwrap_or_default());
    let mut others = sockets.filter(|it| !own.inodes.contains(&it.inode));
    let Some(first) = others.next() else {
        return Ok(());
    };
    let (kind, holder) = match own.all_seen {
        true => (kind, holders().remove(&first.inode)),
        false => (Unmetered::Hidden, None),
    };
    let holder = holder.and_then(|all| all.into_iter().next());
    Err(NotMetered { kind, addr, holder })
}

fn is_listening(socket: &Socket, port: u16) -> bool {
    socket.state == State::Listen && socket.local.port() == port
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream;

    fn sleeper() -> Server {
        let mut command = Command::new("sleep");
        let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
        Server::spawn(
            &Surroundings::default(),
            command.arg("600"),
            (nowhere, true),
        )
        .unwrap()
    }

    #[test]
    fn an_interrupted_wait_for_a_noisy_server_ends_and_keeps_little() {
        // The program never listens, and prints to stderr until it is ended.
        let begun = portlab_testkit::folder("noisy").join("begun");
        let noise = format!(
            "echo {{port}} >&2; touch '{}'; yes {{port}} >&2",
            begun.display()
        );
        let words = ["sh", "-c", &noise].map(str::to_owned);
        let surroundings = Surroundings {
            start_timeout: Some(Duration::from_secs(3600)),
            ..Surroundings::default()
        };
        let interrupted = || begun.exists();
        let error = Server::foreign(&surroundings, &words, None, &interrupted).unwrap_err();
        let said = error.to_string();
        assert!(said.contains("was ended before it listened; its stderr: "));
        assert!(said.len() < 80 * 1024, "{}", said.len());
    }

    #[test]
    fn a_connection_that_another_process_holds_is_seen() {
        let server = sleeper();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        assert_eq!(check_connections(server.pid(), addr), Ok(()));
        let _client = TcpStream::connect(addr).unwrap();
        // Not accepted yet: no process holds the connection.
        assert_eq!(check_connections(server.pid(), addr), Ok(()));
        let _accepted = listener.accept().unwrap();
        let refused = check_connections(server.pid(), addr).unwrap_err();
        assert_eq!(refused.kind, Unmetered::Connection);
        assert_eq!(
            refused.holder.unwrap().pid,
            std::process::id().cast_signed()
        );
    }
}
