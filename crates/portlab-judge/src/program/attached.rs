//! A server that runs already: the judge looks at its process, and neither pauses nor ends it.

use std::{
    net::SocketAddr,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use portlab_conformance::experiments::{Processes, Program};
use portlab_sys::{
    keeper,
    listening::has_listener,
    process,
    sockets::{State, holders, sockets_at},
    time_wait,
};
use portlab_words::{Text, tr};

/// A server that the judge hasn't started.
#[derive(Debug)]
pub struct Attached {
    addr: SocketAddr,
    pid: i32,
    /// The command that starts the server again, for a shell.
    restart: Option<String>,
    timeout: Duration,
}

impl Attached {
    /// The program that listens at `addr`. `None` if it isn't of this machine, or belongs to another user.
    pub fn find(addr: SocketAddr, restart: Option<String>, timeout: Duration) -> Option<Self> {
        let pid = holder(addr)?;
        Some(Self {
            addr,
            pid,
            restart,
            timeout,
        })
    }

    /// The program that the command `restart` starts at `addr`, where nothing listens.
    ///
    /// # Errors
    /// When nothing listens there in time.
    pub fn start(addr: SocketAddr, restart: String, timeout: Duration) -> Result<Self, Text> {
        let mut program = Self {
            addr,
            // No process has this number, so the program counts as ended.
            pid: 0,
            restart: Some(restart),
            timeout,
        };
        Program::start(&mut program)?;
        Ok(program)
    }
}

impl Program for Attached {
    fn processes(&self) -> Processes {
        Processes {
            root: self.pid,
            with_root: true,
        }
    }

    fn is_listening(&self) -> bool {
        has_listener(self.addr) != Some(false)
    }

    fn other_ports(&self, _: u16) -> Vec<u16> {
        Vec::new()
    }

    fn ended(&mut self) -> Option<Text> {
        let state = process::status(self.pid, "State");
        let runs = state.is_some_and(|it| !it.starts_with('Z'));
        (!runs).then(|| Text::new("see its own terminal", "请看它自己的终端"))
    }

    fn has_failed(&mut self) -> bool {
        false
    }

    fn is_controlled(&self) -> bool {
        false
    }

    fn kill(&mut self) {}

    fn start_once(&mut self) -> Result<SocketAddr, Text> {
        Program::start(self)
    }

    fn start(&mut self) -> Result<SocketAddr, Text> {
        let addr = self.addr;
        let runs = self.ended().is_none() && self.is_listening();
        let Some(restart) = self.restart.as_ref().filter(|_| !runs) else {
            return match runs {
                true => Ok(addr),
                false => Err(tr!(
                    "the server at {addr} has ended, and portlab may not start it again; judge it with \
                     `portlab judge -- COMMAND`, or give --restart COMMAND",
                    "{addr} 处的服务端已经结束，portlab 不能重新启动它；请用 `portlab judge -- 命令` 评测，或者写上 --restart 命令"
                )),
            };
        };
        // Otherwise a program without SO_REUSEADDR couldn't bind the port. If that fails, it says so itself.
        let _ = time_wait::sweep(addr.port());
        let mut command = Command::new("sh");
        command
            .args(["-c", restart])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        // It ends with the judge: the keeper sees to that.
        keeper::keep(&mut command, None).spawn().map_err(|error| {
            let why = Text::system(&error);
            tr!("can't run --restart: {why}", "无法运行 --restart：{why:#}")
        })?;
        let since = Instant::now();
        while since.elapsed() < self.timeout {
            if has_listener(addr) == Some(true)
                && let Some(pid) = holder(addr)
            {
                self.pid = pid;
                return Ok(addr);
            }
            thread::sleep(Duration::from_millis(10));
        }
        let seconds = self.timeout.as_secs_f64();
        Err(tr!(
            "nothing listens at {addr} {seconds} s after --restart; check the command",
            "运行 --restart 之后过了 {seconds} 秒，{addr} 处仍然没有程序监听；请检查这条命令"
        ))
    }

    fn complaints(&self) -> String {
        String::new()
    }

    fn forget_complaints(&self) {}
}

/// The process that listens at `addr`, the first if there are several.
fn holder(addr: SocketAddr) -> Option<i32> {
    has_listener(addr).filter(|it| *it)?;
    let at_port = sockets_at(addr.port()).ok()?;
    let mut holders = holders();
    let listeners = at_port
        .iter()
        .filter(|it| it.state == State::Listen && it.local.port() == addr.port());
    let mut found = listeners.filter_map(|it| holders.remove(&it.inode)?.into_iter().next());
    found.next().map(|it| it.pid)
}
