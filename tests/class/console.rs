//! The reply console: what a student's program sends is on the page, and gets an answer that was typed there.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    process::{Command, Stdio},
};

use portlab_sys::spawn::tie_to_this_thread;
use portlab_testkit::{PATIENCE, named};
use serde_json::{Value, json};

use super::page::Page;

pub(super) const ONCE: &[(&str, fn())] = named![
    a_python_client_that_speaks_gbk_is_answered_in_gbk,
    bytes_read_in_the_wrong_encoding_are_noted_and_read_again,
    a_client_is_answered_alone_half_closed_and_reset,
    a_line_that_cannot_be_carried_out_is_explained_and_no_file_is_read,
    a_port_in_use_is_named_and_a_closed_console_frees_its_port,
    the_kernels_view_has_the_console_and_its_clients,
];

/// A student's client.
const CLIENT: &str = r#"
import socket, sys
client = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
client.sendall("你好，老师".encode("gbk"))
print(client.recv(1024).decode("gbk"))
"#;

/// Opens the console at a free port.
#[track_caller]
fn opened(page: &Page, encoding: &str) -> SocketAddr {
    page.order(
        "/do/console/open",
        &json!({"port": 0, "encoding": encoding}),
    );
    let view = page.once("console", |it| it["addr"].is_string());
    view["addr"].as_str().unwrap().parse().unwrap()
}

#[track_caller]
fn type_line(page: &Page, line: &str) {
    page.order("/do/console/type", &json!({"line": line}));
}

/// The rows with this `way`.
fn rows<'a>(view: &'a Value, way: &str) -> Vec<&'a Value> {
    let rows = view["rows"].as_array().unwrap().iter();
    rows.filter(|it| it["way"] == way).collect()
}

/// The text of the last row that was received, and its bytes.
fn received(view: &Value) -> Option<(&str, &str)> {
    let row = *rows(view, "in").last()?;
    Some((row["readings"][0]["text"].as_str()?, row["hex"].as_str()?))
}

fn online(view: &Value) -> usize {
    let clients = view["clients"].as_array().unwrap().iter();
    clients.filter(|it| it["ended"].is_null()).count()
}

/// A client that is online.
#[track_caller]
fn client(page: &Page, addr: SocketAddr) -> TcpStream {
    let before = online(&page.once("console", |_| true));
    let client = TcpStream::connect(addr).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    page.once("console", |it| online(it) == before + 1);
    client
}

fn a_python_client_that_speaks_gbk_is_answered_in_gbk() {
    let page = Page::open();
    let addr = opened(&page, "gbk");
    let mut python = Command::new("python3");
    python
        .args(["-c", CLIENT, &addr.port().to_string()])
        .env("PYTHONIOENCODING", "utf-8")
        .stdout(Stdio::piped());
    let python = match tie_to_this_thread(&mut python).spawn() {
        Err(error) if error.kind() == ErrorKind::NotFound => return,
        python => python.unwrap(),
    };
    let seen = page.once("console", |it| received(it).is_some());
    assert_eq!(
        received(&seen),
        Some(("你好，老师", "c4e3bac3a3acc0cfcaa6"))
    );
    assert_eq!(rows(&seen, "in")[0]["guess"], Value::Null);
    type_line(&page, "同学，你好！");
    let output = python.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "同学，你好！\n");
}

fn bytes_read_in_the_wrong_encoding_are_noted_and_read_again() {
    let page = Page::open();
    let addr = opened(&page, "utf-8");
    let mut client = client(&page, addr);
    client.write_all(b"\xc4\xe3\xba\xc3").unwrap();
    let seen = page.once("console", |it| received(it).is_some());
    let guess = &rows(&seen, "in")[0]["guess"];
    assert_eq!(
        (&guess["encoding"], &guess["text"]),
        (&json!("GBK"), &json!("你好"))
    );
    // What the button of that note does.
    type_line(&page, "/encoding GBK");
    let seen = page.once("console", |it| it["encoding"] == "GBK");
    assert_eq!(received(&seen), Some(("你好", "c4e3bac3")));
    type_line(&page, "/both");
    let seen = page.once("console", |it| it["both"] == true);
    let readings = rows(&seen, "in")[0]["readings"].clone();
    assert_eq!(readings[0]["lengths"], "22");
    assert_eq!(readings[1]["encoding"], "UTF-8");
}

fn a_client_is_answered_alone_half_closed_and_reset() {
    let page = Page::open();
    let addr = opened(&page, "utf-8");
    let [mut first, mut second] = [(); 2].map(|()| client(&page, addr));
    type_line(&page, "/to 2");
    type_line(&page, "/eol crlf");
    type_line(&page, "only you");
    type_line(&page, "/hex 00 ff");
    type_line(&page, "/fin 2");
    let mut got = Vec::new();
    second.read_to_end(&mut got).unwrap();
    assert_eq!(got, b"only you\r\n\x00\xff");
    let seen = page.once("console", |it| it["clients"][1]["half_closed"] == true);
    assert_eq!(
        (&seen["to"], &seen["clients"][0]["sent"]),
        (&json!("2"), &json!(0))
    );
    type_line(&page, "/reset 1");
    let error = first.read(&mut [0; 8]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    let seen = page.once("console", |it| online(it) == 1);
    // Those that are online stand first.
    assert!(
        seen["clients"][1]["ended"]["en"]
            .as_str()
            .unwrap()
            .contains("RST"),
        "{seen}"
    );
}

fn a_line_that_cannot_be_carried_out_is_explained_and_no_file_is_read() {
    let page = Page::open();
    for (line, part) in [
        ("hello", "open a port"),
        ("/file /etc/hostname", "no file"),
        ("/rest 1", "/reset"),
        ("/encoding utf-9", "unknown encoding"),
    ] {
        let (status, why) = page.order_status("/do/console/type", &json!({"line": line}));
        assert_eq!(status, 422, "{line}");
        assert!(why["en"].as_str().unwrap().contains(part), "{why}");
        assert_ne!(why["zh"], why["en"]);
    }
}

fn a_port_in_use_is_named_and_a_closed_console_frees_its_port() {
    let page = Page::open();
    let addr = opened(&page, "utf-8");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let asked = json!({"port": port, "encoding": "utf-8"});
    let (status, why) = page.order_status("/do/console/open", &asked);
    assert_eq!(status, 422);
    let why = why["en"].as_str().unwrap();
    assert!(
        why.contains(&port.to_string()) && why.contains("another port"),
        "{why}"
    );
    // The console that was open is open still.
    let client = client(&page, addr);
    page.order("/do/console/shut", &json!({}));
    let seen = page.once("console", |it| it["addr"].is_null());
    assert!(
        !rows(&seen, "event").is_empty(),
        "what has happened stays: {seen}"
    );
    drop(client);
    assert!(TcpStream::connect(addr).is_err());
}

fn the_kernels_view_has_the_console_and_its_clients() {
    let page = Page::open();
    let addr = opened(&page, "utf-8");
    let client = client(&page, addr);
    let own = client.local_addr().unwrap().to_string();
    let find = |view: &Value, local: &str, remote: &str| {
        let mut rows = view["rows"].as_array().unwrap().iter();
        rows.find(|it| it["local"] == local && it["remote"] == remote)
            .cloned()
    };
    let addr = addr.to_string();
    let seen = page.once("kernel", |it| {
        find(it, &addr, &own).is_some() && find(it, &own, &addr).is_some()
    });
    let listener = find(&seen, &addr, "*").unwrap();
    assert_eq!(
        (&listener["state"], &listener["recv_q"]),
        (&json!("LISTEN"), &json!(0))
    );
    let served = find(&seen, &addr, &own).unwrap();
    assert_eq!(served["process"]["is_page"], true);
    assert_eq!(served["state"], "ESTABLISHED");
    assert_eq!(seen["states"], json!({"ESTABLISHED": 2, "LISTEN": 1}));
    drop(client);
    page.once("kernel", |it| find(it, &addr, &own).is_none());
}
