//! The reasons why a server could not be started, or a measurement could not be made.

use std::{error::Error, fmt, io, net::SocketAddr};

use portlab_stats::record::{Failed, Unmetered};
use portlab_sys::sockets::Holder;
use portlab_words::{Text, tr};

/// Why a measurement could not be made.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// The server didn't start or didn't stop.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// Not all that serves the connections could be metered.
    #[error(transparent)]
    NotMetered(#[from] NotMetered),
    /// No message was answered, or delivered, while measuring, and there was no error.
    #[error(transparent)]
    NoMessages(Text),
    /// The load could not be generated, or the server failed verification, lost connections, ended or could not be
    /// metered.
    #[error(transparent)]
    Failed(#[from] Text),
    /// The user has ended the run.
    #[error("interrupted")]
    Interrupted,
}

impl From<io::Error> for MeasureError {
    fn from(error: io::Error) -> Self {
        let why = Text::system(&error);
        Self::Failed(tr!(
            "can't meter the server: {why}",
            "无法测量服务端的资源用量：{why:#}"
        ))
    }
}

impl MeasureError {
    /// The failure of `round`, for the record.
    pub(crate) fn in_round(&self, round: usize) -> Failed {
        let unmetered = match self {
            Self::NotMetered(why) | Self::Server(ServerError::NotMetered(why)) => Some(why.kind),
            _ => None,
        };
        Failed {
            round,
            reason: Text::of(self),
            unmetered,
        }
    }
}

/// Why a server could not be started or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The server could not be started, did not begin to listen, or did not stop.
    #[error(transparent)]
    Failed(#[from] Text),
    /// A foreign server listens, but can't be metered in whole.
    #[error(transparent)]
    NotMetered(#[from] NotMetered),
}

impl From<io::Error> for ServerError {
    fn from(error: io::Error) -> Self {
        let why = Text::system(&error);
        Self::Failed(tr!(
            "lost contact with the server: {why}",
            "与服务端失去了联系：{why:#}"
        ))
    }
}

/// A foreign server that can't be metered in whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotMetered {
    /// What can't be metered.
    pub kind: Unmetered,
    /// The port.
    pub addr: SocketAddr,
    /// The process that the command didn't start, if it could be found.
    pub holder: Option<Holder>,
}

impl fmt::Display for NotMetered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let addr = self.addr;
        let does = match self.kind {
            Unmetered::Listener => tr!("listens on {addr}", "监听着 {addr}"),
            Unmetered::Connection => {
                tr!("holds a connection to {addr}", "持有到 {addr} 的一个连接")
            }
            Unmetered::Hidden => {
                return tr!(
                    "not measured: a process of the server belongs to another user, so portlab can't see which \
                     processes hold the sockets of {addr}; run the server as yourself, or portlab as root",
                    "没有测量：服务端有一个进程属于别的用户，看不出 {addr} 的套接字属于哪个进程；\
                     请用自己的身份运行服务端，或者以 root 运行 portlab"
                )
                .fmt(f);
            }
        };
        let (Text { en, zh }, holder) = (does, self.holder.as_ref().map(Holder::to_string));
        let of = |other: &str| holder.clone().unwrap_or_else(|| other.to_owned());
        let (process, process_zh) = (of("another process"), of("另一个进程"));
        tr!(
            "not measured: {process} {en}, and the command of --server didn't start it, so what it uses \
             can't be metered; give the command that starts the server itself",
            "没有测量：{process_zh} {zh}，但它不是 --server 的命令启动的，无法测量它的资源用量；\
             请给出直接启动服务端的命令"
        )
        .fmt(f)
    }
}

impl Error for NotMetered {}
