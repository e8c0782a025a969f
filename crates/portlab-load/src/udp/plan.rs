//! What a plan with UDP targets may ask for.

use portlab_words::{Text, tr};

use super::{LONGEST, Matching, NUMBER};
use crate::{Framing, Payload, Plan, PlanError, Target};

impl Plan {
    /// Whether each message is a UDP datagram.
    pub fn is_udp(&self) -> bool {
        self.targets.iter().any(|it| matches!(it, Target::Udp(_)))
    }

    /// Checks what only a plan with UDP targets must keep.
    pub(crate) fn check_udp(&self) -> Result<(), PlanError> {
        if !self.is_udp() {
            return Ok(());
        }
        if let Some(other) = self.targets.iter().find(|it| !matches!(it, Target::Udp(_))) {
            return Err(tr!(
                "the targets are UDP ports and {other}, which isn't one; load them in two runs",
                "目标中有 UDP 端口，也有 {other}；请分两次运行"
            ));
        }
        let script = &self.script;
        let slow = script.behaviour.trickle.is_some() || script.behaviour.read_per_s.is_some();
        let until_or = |framing: &Framing| {
            matches!(
                framing,
                Framing::Until(_) | Framing::Lines(_) | Framing::Close
            )
        };
        for (given, name) in [
            (script.chat.is_some(), "--script chat"),
            (script.greeting.is_some(), "--greeting"),
            (slow, "--trickle, --slow-reader"),
            (self.life.per_connection.is_some(), "--per-connection"),
            (self.life.reconnect, "--reconnect"),
            (self.life.reset, "--reset"),
            (self.tls.is_some(), "--tls"),
        ] {
            if given {
                return Err(tr!(
                    "UDP has no connections; leave out {name}",
                    "UDP 没有连接；请去掉 {name}"
                ));
            }
        }
        let (payload, expect) = script.exchange(0);
        if script.dialogue().is_some() {
            return Err(Text::new(
                "--dialogue goes through its steps on a connection, which UDP lacks; use --text or --lines, and --think",
                "--dialogue 的步骤属于连接，而 UDP 没有连接；请用 --text 或 --lines，以及 --think",
            ));
        }
        if let Payload::Template(template) = payload
            && expect.framing == Framing::Echo
            && !template.has_sequence()
        {
            return Err(Text::new(
                "an echo over UDP is recognised by a number in its message; write {seq} in --text, such as --text '{seq} \
                 {line}', or --expect datagram or none",
                "UDP 的回显靠消息中的编号识别；请在 --text 中写 {seq}，如 --text '{seq} {line}'，或写 --expect datagram 或 none",
            ));
        }
        if until_or(&expect.framing) {
            let framing = &expect.framing;
            return Err(tr!(
                "an answer over UDP is one datagram, and --expect is {framing}; use echo, datagram, bytes:N or none",
                "UDP 的响应是一个数据报，而 --expect 是 {framing}；请用 echo、datagram、bytes:N 或 none"
            ));
        }
        let sizes = payload.sizes();
        if Matching::of(script) == Matching::Header && *sizes.start() < NUMBER {
            let size = sizes.start();
            return Err(tr!(
                "a message of {size} bytes is too short for UDP: it begins with a sequence number of {NUMBER} bytes; use \
                 --size {NUMBER} or more, or --text",
                "{size} 字节的消息对 UDP 太短：消息以 {NUMBER} 字节的序号开头；请用 --size {NUMBER} 或更大，或者 --text"
            ));
        }
        if *sizes.end() > LONGEST {
            let size = sizes.end();
            return Err(tr!(
                "a message of {size} bytes doesn't fit into a UDP datagram, which holds {LONGEST}; use a smaller --size",
                "{size} 字节的消息放不进一个 UDP 数据报（最多 {LONGEST} 字节）；请减小 --size"
            ));
        }
        Ok(())
    }
}
