//! Errors of the operating system in both languages.

use std::io::{self, ErrorKind as Kind};

use crate::Text;

impl Text {
    /// An error of the system: its own text, and in Chinese that of the common ones, with their number. Other errors keep
    /// their text, and so does an error that holds a [`Text`].
    pub fn system(error: &io::Error) -> Self {
        let mut text = Self::of(error);
        if let Some(what) = chinese(error) {
            let number = error.raw_os_error();
            let number = number.map_or_else(String::new, |it| format!("（系统错误 {it}）"));
            text.zh = format!("{what}{number}").into();
        }
        text
    }
}

fn chinese(error: &io::Error) -> Option<&'static str> {
    if error.get_ref().is_some() {
        return lookup(&error.to_string());
    }
    Some(match (error.kind(), error.raw_os_error()) {
        (Kind::NotFound, _) => "没有这个文件或文件夹",
        (Kind::PermissionDenied, _) => "没有权限",
        (Kind::AlreadyExists, _) => "已经存在",
        (Kind::IsADirectory, _) => "这是文件夹，不是文件",
        (Kind::NotADirectory, _) => "路径中有一段不是文件夹",
        (Kind::StorageFull, _) => "磁盘已满",
        (Kind::ReadOnlyFilesystem, _) => "磁盘是只读的",
        (Kind::AddrInUse, _) => "地址已被占用",
        (Kind::AddrNotAvailable, _) => "本机没有这个地址",
        (Kind::ConnectionRefused, _) => "连接被拒绝",
        (Kind::ConnectionReset, _) => "连接被复位",
        (Kind::ConnectionAborted, _) => "连接已中断",
        (Kind::NotConnected, _) => "还没有连接",
        (Kind::BrokenPipe, _) => "对方已关闭连接",
        (Kind::NetworkDown, _) => "网络已断开",
        (Kind::NetworkUnreachable, _) => "网络不可达",
        (Kind::HostUnreachable, _) => "主机不可达",
        (Kind::TimedOut, _) => "超时",
        (Kind::OutOfMemory, _) => "内存不足",
        // EMFILE and ENFILE have no kind of their own.
        (_, Some(23 | 24)) => "打开的文件和套接字太多",
        _ => return None,
    })
}

/// The failure of a name lookup, which the standard library gives as a text only (`gai_strerror(3)`).
fn lookup(text: &str) -> Option<&'static str> {
    let why = text.strip_prefix("failed to lookup address information: ")?;
    Some(match why {
        "Temporary failure in name resolution" => "域名服务器（DNS）没有响应，请检查网络",
        "Name or service not known" | "No address associated with hostname" => "没有这个主机名",
        _ => "域名解析失败",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_system_are_chinese_in_chinese_with_their_number() {
        let said = |error: io::Error| {
            let Text { en, zh } = Text::system(&error);
            assert_eq!(en, error.to_string());
            zh
        };
        let missing = std::fs::read("/no/such/file").unwrap_err();
        assert_eq!(said(missing), "没有这个文件或文件夹（系统错误 2）");
        for number in [13, 17, 20, 21, 24, 28, 32, 98, 99, 101, 104, 110, 111, 113] {
            let said = said(io::Error::from_raw_os_error(number));
            let is_english = said.contains(|it: char| it.is_ascii_alphabetic());
            assert!(!is_english && said.contains(&number.to_string()), "{said}");
        }
        assert_eq!(said(Kind::TimedOut.into()), "超时");
        // A host name with a space is looked up nowhere.
        let unknown = std::net::ToSocketAddrs::to_socket_addrs("a b:80").unwrap_err();
        let said_of_it = said(unknown);
        assert!(!said_of_it.contains("failed"), "{said_of_it}");
        // Texts of our own, and errors that are not common, stay.
        let ours = Text::new("ours", "程序自己的");
        assert_eq!(said(io::Error::other(ours)), "程序自己的");
        let odd = io::Error::from_raw_os_error(71);
        assert_eq!(Text::system(&odd).zh, odd.to_string());
    }
}
