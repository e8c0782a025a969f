//! The commands of a person, as the engine carries them out.

use std::{
    sync::{Arc, mpsc::TryRecvError},
    time::{Duration, Instant},
};

use portlab_words::{Text, tr};

use super::{
    peer::Then,
    turn::{Every, Turn},
};
use crate::{Command, Ended, Event, PeerId, Recipient, Rules, What};

impl<T: From<Event>> Turn<T> {
    /// Carries out the commands that have come; returns whether more may come.
    pub(super) fn obey(&mut self) -> bool {
        loop {
            match self.commands.try_recv() {
                Ok(command) => self.carry_out(command),
                Err(error) => return error == TryRecvError::Empty,
            }
        }
    }

    pub(super) fn carry_out(&mut self, command: Command) {
        match command {
            Command::Send {
                to,
                bytes,
                pieces,
                by,
            } => {
                let bytes: Arc<[u8]> = bytes.into();
                let all = self.recipients(to);
                if all.is_empty() {
                    self.unsent(None, self.missing(to));
                }
                for id in all {
                    self.queue(id, &bytes, pieces, by);
                }
            }
            Command::Every { to, text, every } => {
                self.every = Some(Every {
                    to,
                    text,
                    every,
                    next_at: Instant::now(),
                    sent: 0,
                });
            }
            Command::EveryOff => self.every = None,
            Command::AddRules(rules) => self.plan.rules.add(rules),
            Command::RulesOff => self.plan.rules = Rules::default(),
            Command::Close(to) => self.then(to, Then::Close),
            Command::HalfClose(_) | Command::Reset(_) if self.udp.is_some() => {
                let why = Text::new(
                    "UDP has no connection: only TCP has FIN and RST",
                    "UDP 没有连接：只有 TCP 才有 FIN 和 RST",
                );
                self.outbox.post(What::Trouble(why));
            }
            Command::HalfClose(to) => self.then(to, Then::HalfClose),
            Command::Reset(to) => {
                for id in self.asked(to) {
                    self.peers[&id].link.reset();
                    self.end(id, Ended::ResetHere);
                }
            }
            Command::Pause(to) => self.pause(to, true),
            Command::Resume(to) => self.pause(to, false),
            Command::Speak(speech) => {
                if speech.encoding != self.plan.speech.encoding {
                    for peer in self.peers.values_mut() {
                        peer.decoder = speech.encoding.decoder();
                    }
                }
                self.plan.speech = speech;
            }
            Command::Quit if self.quits_at.is_some() => self.quits_at = Some(Instant::now()),
            Command::Quit => {
                self.quits_at = Some(Instant::now() + LAST_BYTES);
                (self.listener, self.accept_at) = (None, None);
                (self.udp, self.udp_is_ready) = (None, false);
                self.every = None;
                for id in self.recipients(Recipient::All) {
                    self.then(Recipient::One(id), Then::Close);
                }
            }
        }
    }

    fn then(&mut self, to: Recipient, then: Then) {
        for id in self.asked(to) {
            if let Some(peer) = self.peers.get_mut(&id) {
                peer.then = peer.then.max(then);
                self.send(id);
            }
        }
    }

    fn pause(&mut self, to: Recipient, paused: bool) {
        let mut whom = None;
        // All clients are also those that come later.
        if self.is_client || to != Recipient::All {
            let Some(peer) = self.asked(to).first().copied() else {
                return;
            };
            // Over UDP, all clients share the socket.
            whom = Some(peer).filter(|_| self.is_client || self.udp.is_none());
        }
        if whom.is_none() || self.udp.is_some() {
            self.paused = paused;
        }
        for (id, peer) in &mut self.peers {
            if whom.is_none_or(|it| it == *id) {
                peer.paused = paused;
                self.ready.insert(*id);
            }
        }
        self.outbox.post(match paused {
            true => What::Paused(whom),
            false => What::Resumed(whom),
        });
    }

    /// The peers that are meant by a person; if there are none, the person is told.
    fn asked(&mut self, to: Recipient) -> Vec<PeerId> {
        let all = self.recipients(to);
        if all.is_empty() {
            self.outbox.post(What::Trouble(self.missing(to)));
        }
        all
    }

    /// Why a command finds no peer.
    fn missing(&self, to: Recipient) -> Text {
        let online = Text::join(self.peers.keys(), ", ", "、");
        match to {
            _ if self.is_client => Text::new(
                "the connection to the server has ended; /quit ends the assistant",
                "与服务端的连接已结束；输入 /quit 结束助手",
            ),
            Recipient::All => Text::new("no client is online", "没有客户端在线"),
            Recipient::One(peer) => {
                let is_new = peer.0 == 0 || peer.0 > self.last;
                let what = match is_new {
                    true => tr!("there was never a client {peer}", "没有出现过客户端 {peer}"),
                    false => tr!("{peer} is not online", "{peer} 不在线"),
                };
                match self.peers.is_empty() {
                    true => tr!(
                        "{what}, and no other client is online",
                        "{what:#}，也没有其他客户端在线"
                    ),
                    false => tr!(
                        "{what}; online: {online} (/to all sends to all)",
                        "{what:#}；在线的有 {online:#}（/to all 发给所有客户端）"
                    ),
                }
            }
        }
    }
}

/// How long the last bytes may take after a command to quit.
const LAST_BYTES: Duration = Duration::from_secs(2);
