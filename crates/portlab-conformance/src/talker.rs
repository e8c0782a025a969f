//! A member of a chat that says what it expects to hear.

use crate::{Failure, Target, client::Client, failure::ensure};

/// A client of the chat under test. Lines are bytes, in whatever encoding the case speaks.
#[derive(Debug)]
pub(crate) struct Talker {
    client: Client,
    /// What has been received and belongs to lines to come.
    rest: Vec<u8>,
}

impl Talker {
    /// Connects, and hears the question for its name.
    pub(crate) fn connect(target: &Target<'_>) -> Result<Self, Failure> {
        Self::connect_over(target.client()?)
    }

    /// Hears the question for its name over a connection.
    fn connect_over(client: Client) -> Result<Self, Failure> {
        let mut talker = Self::over(client);
        let question = talker.next()?;
        ensure!(
            question.ends_with(b"name?"),
            "expected to be asked for a name, heard {}",
            question.escape_ascii()
        );
        Ok(talker)
    }

    /// Whatever is heard over a connection.
    pub(crate) fn over(client: Client) -> Self {
        Self {
            client,
            rest: Vec::new(),
        }
    }

    /// Connects, takes `name`, and hears that it is in.
    pub(crate) fn join(target: &Target<'_>, name: &str) -> Result<Self, Failure> {
        Self::join_over(target.client()?, name)
    }

    /// The same, over a connection that is there.
    pub(crate) fn join_over(client: Client, name: &str) -> Result<Self, Failure> {
        let mut talker = Self::connect_over(client)?;
        talker.say(name.as_bytes())?;
        talker.hears_of(format!("you are {name} in lobby").as_bytes())?;
        Ok(talker)
    }

    /// Two members, alice and bob. Alice has heard that bob is in.
    pub(crate) fn pair(target: &Target<'_>) -> Result<(Self, Self), Failure> {
        let mut alice = Self::join(target, "alice")?;
        let bob = Self::join(target, "bob")?;
        alice.hears(b"* bob joined")?;
        Ok((alice, bob))
    }

    /// `count` members, m0, m1 and so on.
    pub(crate) fn members(target: &Target<'_>, count: usize) -> Result<Vec<Self>, Failure> {
        (0..count)
            .map(|number| Self::join(target, &format!("m{number}")))
            .collect()
    }

    /// Speaks and hears another encoding from now on.
    pub(crate) fn speak(&mut self, encoding: &str) -> Result<(), Failure> {
        self.say(format!("/encoding {encoding}").as_bytes())?;
        self.hears_of(b"from now on in")
    }

    /// Says a line.
    pub(crate) fn say(&mut self, line: &[u8]) -> Result<(), Failure> {
        self.send(&[line, b"\n"].concat())
    }

    /// Sends bytes as they are.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.client.send(bytes)
    }

    /// The next line, without its end.
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

    /// The next line is this one.
    pub(crate) fn hears(&mut self, line: &[u8]) -> Result<(), Failure> {
        let heard = self.next()?;
        ensure!(
            heard == line,
            "expected to hear \"{}\", heard \"{}\"",
            line.escape_ascii(),
            heard.escape_ascii()
        );
        Ok(())
    }

    /// A line that holds `part` is heard, sooner or later.
    pub(crate) fn hears_of(&mut self, part: &[u8]) -> Result<(), Failure> {
        loop {
            let line = self.next()?;
            if line.windows(part.len()).any(|window| window == part) {
                return Ok(());
            }
        }
    }

    /// Whatever is still said until the server closes, line by line.
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

    /// The last line before the server closes is the server's own and has one of these words.
    pub(crate) fn hears_why_it_is_closed(&mut self, words: &[&str]) -> Result<(), Failure> {
        // A client that sends on after the end may see a RST instead of a FIN.
        while let Ok(more @ [_, ..]) = self.client.receive().as_deref() {
            self.rest.extend(more);
        }
        self.client.expect_to_be_dropped()?;
        let text = String::from_utf8_lossy(&self.rest);
        let last = text.lines().last().unwrap_or_default();
        ensure!(
            last.starts_with("* ") && words.iter().any(|word| last.contains(word)),
            "expected a reason with one of {words:?} before the end, heard \"{last}\""
        );
        Ok(())
    }

    /// Nothing has been heard that nobody asked for: an answer to a question of its own comes next.
    pub(crate) fn has_heard_all(&mut self) -> Result<(), Failure> {
        self.say(b"/rooms")?;
        let line = self.next()?;
        ensure!(
            line.starts_with(b"* rooms:"),
            "expected to have heard everything, heard \"{}\"",
            line.escape_ascii()
        );
        Ok(())
    }

    /// The connection, for what is no chat.
    pub(crate) fn client(&mut self) -> &mut Client {
        &mut self.client
    }

    /// Gives up the connection.
    pub(crate) fn into_client(self) -> Client {
        self.client
    }
}
