//! The text of an error, in the language of this run.

use std::{error::Error, io};

use portlab_service::inert;
use portlab_words::Lang;

use crate::args::{BAD, lang};

/// An error and its causes, as lines for stderr. They may quote a file, an option or a server, so they are made inert.
pub(crate) fn of(error: &anyhow::Error) -> String {
    let head = lang().pick("error: ", "错误：");
    format!("{BAD}{head}{BAD:#}{}", plain(error))
}

/// The same without its head and its colour.
pub(crate) fn plain(error: &anyhow::Error) -> String {
    let causes: Vec<_> = error.chain().map(in_words).collect();
    let lines: Vec<_> = causes
        .join(lang().pick(": ", "："))
        .lines()
        .map(inert)
        .collect();
    lines.join("\n")
}

/// The text of one cause: in the language of this run if it has a text in that language, otherwise unchanged, such as an
/// error of the operating system.
fn in_words(cause: &(dyn Error + 'static)) -> String {
    match lang() {
        Lang::En => cause.to_string(),
        // The alternate form of our errors is their Chinese.
        Lang::Zh => system(cause).unwrap_or_else(|| format!("{cause:#}")),
    }
}

/// An error of the operating system in Chinese, if it is a common one, with its number.
fn system(cause: &(dyn Error + 'static)) -> Option<String> {
    use io::ErrorKind as Kind;
    let error = cause.downcast_ref::<io::Error>()?;
    let number = error.raw_os_error()?;
    let what = match error.kind() {
        Kind::NotFound => "没有这个文件或文件夹",
        Kind::PermissionDenied => "没有权限",
        Kind::AlreadyExists => "已经存在",
        Kind::IsADirectory => "这是文件夹，不是文件",
        Kind::NotADirectory => "路径中有一段不是文件夹",
        Kind::StorageFull => "磁盘已满",
        Kind::AddrInUse => "地址已被占用",
        Kind::AddrNotAvailable => "本机没有这个地址",
        Kind::ConnectionRefused => "连接被拒绝",
        Kind::ConnectionReset => "连接被复位",
        Kind::BrokenPipe => "对方已关闭连接",
        Kind::NetworkUnreachable => "网络不可达",
        Kind::HostUnreachable => "主机不可达",
        Kind::TimedOut => "超时",
        _ => return None,
    };
    Some(format!("{what}（系统错误 {number}）"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_system_are_chinese_in_chinese_with_their_number() {
        let chinese = |error: io::Error| system(&error);
        let error = std::fs::read("/no/such/file").unwrap_err();
        let said = "没有这个文件或文件夹（系统错误 2）";
        assert_eq!(chinese(error).as_deref(), Some(said));
        // A text of our own stays.
        assert_eq!(chinese(io::Error::other("ours")), None);
        let address = std::net::UdpSocket::bind("192.0.2.1:0").unwrap_err();
        assert!(chinese(address).unwrap().starts_with("本机没有这个地址"));
    }
}
