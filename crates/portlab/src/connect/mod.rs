//! `portlab connect`: a TCP client, as the course writes it: create, connect, send, receive, close.

mod bytes;
mod conversation;
pub(crate) mod dial;
mod editor;
mod event;
mod interactive;
pub(crate) mod locale;
mod messages;
mod plain;
mod screen;
mod sender;
mod trace;
mod visible;

use std::time::{Duration, Instant};

use portlab_service::TextEncoding;

use crate::{
    Verdict,
    address::Purpose,
    args::{DIM, lang},
};
use conversation::{ClientBehaviour, Conversation, Encodings};
use messages::Messages;
use portlab_words::{tr, units};
use screen::Screen;
use sender::{Ending, Sender};
use trace::Trace;

/// Connect to a port, send, receive and close, in any encoding
///
/// On a terminal, every line that is typed is sent, with a line end, and what the
/// server sends is shown above the line; Ctrl-D ends the connection. If stdin is a
/// pipe, all of it is sent, and then everything that the server still sends is
/// printed. With --send and --hex, only these are sent, and stdin is not read.
///
/// What the server sends goes to stdout: to a pipe as text, to a terminal with
/// control characters as pictures (ESC as ␛), so that they can't move the cursor.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  portlab connect 127.0.0.1:9090 --trace
  portlab connect 127.0.0.1:8080 --encoding gbk --send 你好
  portlab connect 127.0.0.1:6379 --send 'PING\\r\\n' --wait 100ms
  portlab connect 127.0.0.1:9090 --hex 'c4 e3 ba c3' --trace
  printf '你好\\n' | portlab connect 127.0.0.1:9090 --encoding gbk

Exit codes: 0 fine, 1 the server sent nothing, 2 could not run. If lines are
typed on a terminal, a server that sends nothing is fine.")]
pub(crate) struct Args {
    /// The port to connect to, HOST:PORT; a port alone is one of this machine. If a
    /// name has several addresses, the first that answers is used
    #[arg(value_name = "ADDR")]
    addr: String,

    #[command(flatten)]
    messages: Messages,

    /// Add a line end, \n, to each --send
    #[arg(long, requires = "send")]
    line: bool,

    /// After --send and --hex, close if nothing is received for this long
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = units::duration("1ms", "1h"))]
    #[arg(requires = "messages")]
    wait: Duration,

    /// The encoding in which text is sent and received. A character that it doesn't
    /// have is sent as ?
    #[arg(long, value_name = "LABEL", default_value = "utf-8")]
    encoding: TextEncoding,

    /// The encoding of the terminal, or of stdin [default: the locale's]. Lines of a
    /// terminal that isn't in UTF-8 are typed without a line editor
    #[arg(long, value_name = "LABEL")]
    input_encoding: Option<TextEncoding>,

    /// After the end of stdin, close if nothing is received for this long
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = units::duration("1ms", "1h"))]
    #[arg(conflicts_with = "messages")]
    timeout: Duration,

    /// How long connecting may take
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = units::duration("1ms", "1h"))]
    connect_timeout: Duration,

    /// Narrate on stderr what a client does in five steps: create, connect, send,
    /// receive, close; with addresses, ports, bytes in hex and as text, and
    /// which FIN came first
    #[arg(long)]
    trace: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Verdict> {
    let addrs = Purpose::CONNECT.resolve(&args.addr)?;
    let encodings = Encodings {
        spoken: args.encoding,
        input: args.input_encoding.unwrap_or_else(locale::encoding),
    };
    let input = encodings.input;
    let behaviour = if !args.messages.is_empty() {
        ClientBehaviour::Script { wait: args.wait }
    } else if input == TextEncoding::default() && interactive::is_possible() {
        ClientBehaviour::Typed
    } else {
        ClientBehaviour::Piped {
            timeout: args.timeout,
        }
    };
    let messages = args.messages.in_encoding(input)?;
    let mut trace = args
        .trace
        .then(|| Trace::new(args.encoding, Instant::now()));
    let (stream, local) = dial::dial(&addrs, args.connect_timeout, trace.as_mut())?;
    let (post, events) = event::channel();
    let spare = event::listen(&stream, post.clone())?;
    let sender = Sender::new(&stream, args.encoding, post.clone())?;
    let screen: Box<dyn Screen> = match behaviour {
        ClientBehaviour::Script { .. } => {
            sender.send(messages.outgoing(args.line), Ending::StayOpen)?;
            Box::new(plain::Plain::new(input))
        }
        ClientBehaviour::Piped { .. } => {
            sender.send(sender::stdin(encodings), Ending::HalfClose)?;
            Box::new(plain::Plain::new(input))
        }
        ClientBehaviour::Typed => {
            let peer = stream.peer_addr();
            let peer = peer.map_or_else(|_| args.addr.clone(), |peer| peer.to_string());
            let line = tr!(
                lang(),
                "connected to {peer}; Enter sends a line, Ctrl-D ends",
                "已连接 {peer}；按回车发送一行，按 Ctrl-D 结束"
            );
            crate::tell!("{DIM}{line}{DIM:#}");
            let (typed, lines) = std::sync::mpsc::channel();
            sender.send(lines.into_iter(), Ending::HalfClose)?;
            Box::new(interactive::Interactive::open(typed, post.clone())?)
        }
    };
    Conversation::new(behaviour, screen, trace, encodings, local).run(&stream, &events, &spare)
}
