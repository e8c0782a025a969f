//! Servers that decode text, as the first servers of many students do: they end at random bytes.

use super::*;

/// What a user who has loaded such a server is told to do.
const ADVICE: [&str; 2] = ["own terminal", "--text 你好 --encoding gbk"];

/// What the decoder of a server does with bytes that aren't text.
fn is_text(piece: &mut [u8], _: u64) -> bool {
    std::str::from_utf8(piece).is_ok()
}

#[test]
fn a_server_whose_connections_end_at_random_bytes_is_explained() {
    let addr = server(echo_changed(is_text));
    let (result, said) = failed(addr, "-c=3 -d=10m --warmup=0s");
    holds(&result, json!({"ended": "nobody_left", "answered": 0}));
    has(&said, &ADVICE);
    let said = text(addr, "-c=3 -d=10m --warmup=0s --lang=zh", 1);
    has(&said, &["服务端自己的终端", "--text 你好 --encoding gbk"]);
    // Of the encodings that the text names, one works, and the other one is told.
    fine(addr, "-c=3 -n=30 --text=你好");
    let (_, said) = failed(addr, "-c=3 -d=10m --warmup=0s --text=你好 --encoding=gbk");
    has(&said, &["own terminal", "try --encoding utf-8"]);
}

/// A server that serves one connection after the other, until it ends with an error.
fn ending() -> SocketAddr {
    let listener = listener();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut piece = [0; 64];
            let length = stream.read(&mut piece).unwrap();
            if !is_text(&mut piece[..length], 0) {
                return;
            }
            let _ = stream.write_all(&piece[..length]);
        }
    });
    addr
}

#[test]
fn a_server_that_ends_at_random_bytes_is_explained() {
    let (_, said) = failed(ending(), "-c=3 -d=10m --warmup=0s");
    has(&said, &ADVICE);
    let said = text(ending(), "-c=3 -d=300ms --warmup=0s --reconnect", 1);
    has(&words(&said).join(" "), &["still when the run ended"]);
    has(&words(&said).join(" "), &ADVICE);
}

#[test]
fn a_server_whose_threads_end_with_open_connections_is_explained() {
    let addr = server(|mut stream| {
        let mut piece = [0; 64];
        let length = stream.read(&mut piece)?;
        if !is_text(&mut piece[..length], 0) {
            // The thread has ended, and the list of all clients keeps the connection open.
            return swallow(stream);
        }
        stream.write_all(&piece[..length])
    });
    let said = text(addr, "-c=2 -n=2 --timeout=200ms", 1);
    has(&said, &["timed out", "raise --timeout"]);
    has(&words(&said).join(" "), &ADVICE);
}

#[test]
fn a_server_that_drops_what_is_no_text_is_explained() {
    let addr = server(echo_changed(|piece, _| {
        piece.iter_mut().for_each(|byte| *byte &= 0x7f);
        true
    }));
    let said = text(addr, "-c=2 -n=2", 1);
    has(&words(&said).join(" "), &["wrong byte", "--expect"]);
    has(&words(&said).join(" "), &ADVICE);
    // If the messages are text, the encoding isn't the reason.
    let addr = server(echo_changed(|piece, _| {
        piece.make_ascii_uppercase();
        true
    }));
    let said = text(addr, "-c=2 -n=2 --text=hello", 1);
    assert!(!said.contains("--encoding"), "{said}");
}
