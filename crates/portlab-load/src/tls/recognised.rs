//! Recognising a port that speaks TLS by what it answers to plain bytes.

use portlab_words::Text;

/// What to do about such a port.
pub(crate) const SPEAKS_TLS: Text = Text::new(
    "this port speaks TLS: add --tls, or write https://",
    "这个端口使用 TLS：请加上 --tls，或写 https://",
);

/// What servers of HTTP write if a plain request comes to a port of `https://`: nginx, Apache, Go.
const WORDS: [&[u8]; 3] = [
    b"plain HTTP request was sent to HTTPS port",
    b"speaking plain HTTP to an SSL-enabled server port",
    b"Client sent an HTTP request to an HTTPS server",
];

/// The first bytes of an alert: its type, and the major number of the version (RFC 8446, 5.1).
const ALERT: [u8; 2] = [21, 3];

/// Whether `bytes`, which answer a plain request, are from a port that speaks TLS.
pub(crate) fn speaks_tls(bytes: &[u8]) -> bool {
    let is_alert = bytes.starts_with(&ALERT)
        && matches!(bytes.get(2..5), Some([0..=4, 0, 2]))
        && matches!(bytes.get(5), Some(1 | 2));
    let says = |words: &&[u8]| bytes.windows(words.len()).any(|it| it == *words);
    let is_refusal = bytes.starts_with(b"HTTP/1.") && bytes.get(8..13) == Some(b" 400 ");
    is_alert || is_refusal && WORDS.iter().any(says)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_and_the_words_of_web_servers_are_recognised() {
        for tls in [
            // OpenSSL, and rustls.
            &b"\x15\x03\x01\x00\x02\x02\x46"[..],
            b"\x15\x03\x03\x00\x02\x02\x2f",
            b"HTTP/1.1 400 Bad Request\r\n\r\n<center>The plain HTTP request was sent to HTTPS port</center>",
            b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n",
        ] {
            assert!(speaks_tls(tls), "{}", tls.escape_ascii());
        }
        for plain in [
            &b"\x15\x03\x01"[..],
            b"\x15\x03\x01\x00\x03\x02\x46",
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n\r\n",
            b"",
        ] {
            assert!(!speaks_tls(plain), "{}", plain.escape_ascii());
        }
    }
}
