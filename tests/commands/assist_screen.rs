//! The screen of `portlab assist`, on a terminal of its own.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    process::{ChildStdout, Stdio},
};

use portlab_sys::spawn::{Signal, signal_pid};
use portlab_testkit::{PATIENCE, folder, on_a_terminal};

/// What a terminal has been sent.
struct Shown {
    from: ChildStdout,
    seen: String,
}

impl Shown {
    /// Reads on until `is_there` finds something, or until the end.
    fn until<T>(&mut self, is_there: impl Fn(&str) -> Option<T>) -> Option<T> {
        let mut buffer = [0; 4096];
        loop {
            if let Some(found) = is_there(&self.seen) {
                return Some(found);
            }
            let length = self.from.read(&mut buffer).unwrap();
            if length == 0 {
                return None;
            }
            self.seen += &String::from_utf8_lossy(&buffer[..length]);
        }
    }

    #[track_caller]
    fn wait_for(&mut self, text: &str) {
        let found = self.until(|seen| seen.contains(text).then_some(()));
        assert!(found.is_some(), "{text}: {}", self.seen);
    }
}

#[test]
fn the_screen_shows_a_client_sends_what_is_typed_and_restores_the_terminal() {
    for end in ["Ctrl-C", "/quit", "SIGTERM"] {
        let dir = folder("assist-screen");
        let assist = "echo $$ > pid; exec $portlab assist 127.0.0.1:0 --encoding gbk --lang zh";
        let Some(mut command) = on_a_terminal(&format!("stty cols 80 rows 24; {assist}")) else {
            return;
        };
        let mut child = command
            .current_dir(&dir)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut keys = child.stdin.take().unwrap();
        let mut screen = Shown {
            from: child.stdout.take().unwrap(),
            seen: String::new(),
        };
        let port = screen.until(|seen| {
            let (_, port) = seen.split_once("127.0.0.1:")?;
            let (port, _) = port.split_once(|it: char| !it.is_ascii_digit())?;
            port.parse::<u16>().ok()
        });
        let mut client = TcpStream::connect(("127.0.0.1", port.unwrap())).unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        client.write_all(&[0xc4, 0xe3, 0xba, 0xc3]).unwrap();
        // A terminal is sent wide characters one by one.
        screen.wait_for("你");
        screen.wait_for("ESTABLISHED");
        keys.write_all("好\r".as_bytes()).unwrap();
        let mut answer = [0; 2];
        client.read_exact(&mut answer).unwrap();
        assert_eq!(answer, [0xba, 0xc3], "in GBK, without a line end");
        match end {
            "Ctrl-C" => keys.write_all(b"\x03").unwrap(),
            "/quit" => keys.write_all(b"/quit\r").unwrap(),
            _ => {
                let pid = fs::read_to_string(dir.join("pid")).unwrap();
                signal_pid(pid.trim().parse().unwrap(), Signal::TERM).unwrap();
            }
        }
        assert_eq!(client.read(&mut answer).unwrap(), 0, "{end}");
        screen.until(|_| None::<()>);
        assert!(child.wait().unwrap().success(), "{end}: {}", screen.seen);
        // Wheel and paste are as before, and then the screen is left.
        let restored = ["\x1b[?1000l", "\x1b[?2004l", "\x1b[?1049l"];
        let places = restored.map(|it| screen.seen.rfind(it));
        assert!(
            places[0].is_some() && places.is_sorted(),
            "{end}: {places:?}"
        );
    }
}
