//! The argument of `portlab ports`: a port by number or by name.

use portlab_words::{Text, tr};

use crate::{
    address::{Purpose, narrow, port_of},
    services::near,
};

/// Reads the port from a number from 0 to 65535, the name of a service, or an address.
///
/// # Errors
/// If `text` is none of these; the error names the nearest service.
pub fn asked(text: &str) -> Result<u16, Text> {
    let text = &narrow(text);
    if let Some(port) = port_of(text) {
        return Ok(port);
    }
    if text.contains(':') {
        return Purpose::PORTS.read(text).map(|it| it.port);
    }
    // Also numbers that are too large for any integer, and numbers with a sign or a decimal point.
    let is_number = text.parse::<f64>().is_ok_and(f64::is_finite);
    if is_number {
        return Err(tr!(
            "{text} is not a port; ports are the numbers from 0 to 65535 (two bytes)",
            "{text} 不是端口号：端口号是 0 到 65535 的整数（两个字节）"
        ));
    }
    Err(match near(text) {
        Some(near) => tr!(
            "{text:?} is neither a port nor a service that portlab lists; did you mean {near}? Write a \
             number from 0 to 65535, or a name",
            "{text:?} 不是端口号，也不是 portlab 知道的服务名；你是想写 {near} 吗？请写 0 到 65535 \
             的整数，或者服务名"
        ),
        None => tr!(
            "{text:?} is neither a port nor a service that portlab lists; write a number from 0 to 65535, or \
             a name such as http",
            "{text:?} 不是端口号，也不是 portlab 知道的服务名；请写 0 到 65535 的整数，或者服务名，比如 http"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_asked_for_by_number_and_by_name() {
        for (text, port) in [
            ("0", 0),
            ("65535", 65535),
            ("http", 80),
            ("MySQL", 3306),
            ("８０８０", 8080),
            (":8080", 8080),
            ("127.0.0.1：8080", 8080),
            ("[::1%lo]:http", 80),
        ] {
            assert_eq!(asked(text), Ok(port));
        }
    }

    #[test]
    fn an_invalid_port_gets_a_remedy_in_both_languages() {
        for (text, remedy) in [
            ("70000", "0 to 65535"),
            ("-1", "0 to 65535"),
            ("8080.5", "0 to 65535"),
            ("99999999999999999999", "0 to 65535"),
            ("htpp", "http"),
            ("what is this", "such as http"),
            ("", "such as http"),
            ("8080-8090", "0 to 65535"),
            ("+80", "0 to 65535"),
        ] {
            let Text { en, zh } = asked(text).unwrap_err();
            assert!(en.contains(text) && en.contains(remedy), "{en}");
            assert!(zh.contains(text) && zh.contains("0 到 65535"), "{zh}");
        }
    }
}
