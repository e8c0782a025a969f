//! Servers that are other programs, and loads of them.

use std::{
    net::SocketAddr,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use portlab_sys::{
    listening::has_listener,
    meter,
    spawn::{Signal, signal, signal_pid, tie_to_this_thread},
};
use serde_json::Value;

use crate::{json, portlab, wait_until};

/// How long a server has after SIGTERM to end its children.
const ENDING: Duration = Duration::from_secs(5);

/// A server that is another program. Its process ends when this value is dropped, and when the test ends.
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
        wait_until("the server listens", || {
            let ended = server.child.try_wait().unwrap();
            assert_eq!(ended, None, "{command:?} has ended");
            // A connection would be one more client, which some servers still serve when they are ended.
            has_listener(addr) == Some(true)
        });
        server
    }

    /// The number of the server's process.
    pub fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }

    /// Loads the server, expects no error, and returns the result.
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
        // On SIGTERM, a server with children ends its children.
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
