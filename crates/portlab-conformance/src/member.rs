//! A member of a chat that checks the lines that it receives.

use crate::{Failure, Target, client::Client, failure::ensure};

/// A client of the chat under test. Lines are bytes, in the encoding that the case uses.
#[derive(Debug)]
pub(crate) struct Member {
    client: Client,
    /// Received bytes that `next` has not returned yet.
    rest: Vec<u8>,
}

impl Member {
    /// Connects, and expects the question for its name.
    pub(crate) fn connect(target: &Target<'_>) -> Result<Self, Failure> {
        Self::connect_over(target.client()?)
    }

    /// Expects the question for its name on a connection.
    fn connect_over(client: Client) -> Result<Self, Failure> {
        let mut client = Self::over(client);
        let question = client.next()?;
        ensure!(
            question.ends_with(b"name?"),
            "expected the question for a name, got {}",
            question.escape_ascii()
        );
        Ok(client)
    }

    /// Makes a member of a connection, and expects nothing yet.
    pub(crate) fn over(client: Client) -> Self {
        Self {
            client,
            rest: Vec::new(),
        }
    }

    /// Connects, takes `name`, and expects to be in the lobby.
    pub(crate) fn join(target: &Target<'_>, name: &str) -> Result<Self, Failure> {
        Self::join_over(target.client()?, name)
    }

    /// The same, over an open connection.
    pub(crate) fn join_over(client: Client, name: &str) -> Result<Self, Failure> {
        let mut client = Self::connect_over(client)?;
        client.send_line(name.as_bytes())?;
        client.expect_line_with(format!("you are {name} in lobby").as_bytes())?;
        Ok(client)
    }

    /// Two members, alice and bob. Alice has received the line that bob has joined.
    pub(crate) fn pair(target: &Target<'_>) -> Result<(Self, Self), Failure> {
        let mut alice = Self::join(target, "alice")?;
        let bob = Self::join(target, "bob")?;
        alice.expect_line(b"* bob joined")?;
        Ok((alice, bob))
    }

    /// `count` members, m0, m1 and so on.
    pub(crate) fn members(target: &Target<'_>, count: usize) -> Result<Vec<Self>, Failure> {
        (0..count)
            .map(|number| Self::join(target, &format!("m{number}")))
            .collect()
    }

    /// Sends and receives in another encoding from now on.
    pub(crate) fn use_encoding(&mut self, encoding: &str) -> Result<(), Failure> {
        self.send_line(format!("/encoding {encoding}").as_bytes())?;
        self.expect_line_with(b"from now on in")
    }

    pub(crate) fn send_line(&mut self, line: &[u8]) -> Result<(), Failure> {
        self.send(&[line, b"\n"].concat())
    }

    /// Sends each byte of `bytes` in a write of its own.
    pub(crate) fn send_one_by_one(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        bytes.chunks(1).try_for_each(|byte| self.send(byte))
    }

    /// Sends bytes as they are.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.client.send(bytes)
    }

    /// Receives the next line, without its end.
    pub(crate) fn next(&mut self) -> Result<Vec<u8>, Failure> {
        loop {
            if let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let mut line: Vec<u8> = self.rest.drain(..=end).collect();
                line.truncate(line.trim_ascii_end().len());
                return Ok(line);
            }
            let more = self.client.receive()?;
            ensure!(
                !more.is_empty(),
                "expected a line, got the end of the connection"
            );
            self.rest.extend(more);
        }
    }

    pub(crate) fn expect_line(&mut self, line: &[u8]) -> Result<(), Failure> {
        let got = self.next()?;
        ensure!(
            got == line,
            "expected \"{}\", got \"{}\"",
            line.escape_ascii(),
            got.escape_ascii()
        );
        Ok(())
    }

    /// Expects a line that contains `part`, after any others.
    pub(crate) fn expect_line_with(&mut self, part: &[u8]) -> Result<(), Failure> {
        loop {
            let line = self.next()?;
            if line.windows(part.len()).any(|window| window == part) {
                return Ok(());
            }
        }
    }

    /// Receives all lines until the server closes.
    pub(crate) fn last_lines(&mut self) -> Result<Vec<Vec<u8>>, Failure> {
        loop {
            let more = self.client.receive()?;
            if more.is_empty() {
                let lines = self.rest.split(|byte| *byte == b'\n');
                let lines = lines.map(|line| line.trim_ascii_end().to_vec());
                return Ok(lines.filter(|line| !line.is_empty()).collect());
            }
            self.rest.extend(more);
        }
    }

    /// Expects that the server closes, and that its last line gives the reason with one of these words.
    pub(crate) fn expect_close_reason(&mut self, words: &[&str]) -> Result<(), Failure> {
        // A client that sends after the end may receive a RST instead of a FIN.
        while let Ok(more @ [_, ..]) = self.client.receive().as_deref() {
            self.rest.extend(more);
        }
        self.client.expect_to_be_dropped()?;
        let text = String::from_utf8_lossy(&self.rest);
        let last = text.lines().last().unwrap_or_default();
        ensure!(
            last.starts_with("* ") && words.iter().any(|word| last.contains(word)),
            "expected a reason with one of {words:?} before the end, got \"{last}\""
        );
        Ok(())
    }

    /// Expects that no other line is waiting: the next line is the answer to this member's own request.
    pub(crate) fn expect_no_other_line(&mut self) -> Result<(), Failure> {
        self.send_line(b"/rooms")?;
        let line = self.next()?;
        ensure!(
            line.starts_with(b"* rooms:"),
            "expected no other line, got \"{}\"",
            line.escape_ascii()
        );
        Ok(())
    }

    /// The connection, for bytes that aren't lines.
    pub(crate) fn client(&mut self) -> &mut Client {
        &mut self.client
    }

    pub(crate) fn into_client(self) -> Client {
        self.client
    }
}
