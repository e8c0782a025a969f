//! Servers that are other programs, and loads of them.

use std::{
    net::{SocketAddr, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use portlab_sys::{
    meter,
    spawn::{Signal, signal, signal_pid, tie_to_this_thread},
};
use serde_json::Value;

use crate::{json, portlab, wait_until};

/// How long a server has to end its children when it is told to end.
const ENDING: Duration = Duration::from_secs(5);

/// A server that is another program. It ends with this, and with its test.
#[derive(Debug)]
pub struct Foreign {
    /// The process.
    pub child: Child,
    /// Where it listens.
    pub addr: SocketAddr,
}

impl Foreign {
    /// Starts `command`, and waits until it listens at `addr`.
    #[track_caller]
    pub fn start(command: &mut Command, addr: SocketAddr) -> Self {
        let child = tie_to_this_thread(command.stdin(Stdio::null())).spawn();
        let mut server = Self {
            child: child.unwrap(),
            addr,
        };
        wait_until("it listens", || {
            let ended = server.child.try_wait().unwrap();
            assert_eq!(ended, None, "{command:?} has ended");
            accepts(addr)
        });
        server
    }

    /// Its process.
    pub fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }

    /// Loads it, and returns the result, in which nothing went wrong.
    #[track_caller]
    pub fn load(&self, options: &[&str]) -> Value {
        let addr = self.addr.to_string();
        let output = portlab(&[&["load", &addr, "--json"], options].concat());
        assert!(output.status.success(), "{options:?}: {output:?}");
        let result = json(&output);
        assert_eq!(result["errors"], 0, "{options:?}: {result}");
        result
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        let family = meter::tree(self.pid()).unwrap_or_default();
        // A server with children ends them when it is asked to end.
        let _ = signal(&mut self.child, Signal::TERM);
        let since = Instant::now();
        while since.elapsed() < ENDING {
            if self.child.try_wait().is_ok_and(|status| status.is_some()) {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        for pid in family {
            let _ = signal_pid(pid, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

/// Whether a socket listens at `addr`. A socket that connects to a free port may have been given that very port, and
/// connects to itself.
fn accepts(addr: SocketAddr) -> bool {
    TcpStream::connect(addr).is_ok_and(|stream| stream.local_addr().is_ok_and(|own| own != addr))
}
