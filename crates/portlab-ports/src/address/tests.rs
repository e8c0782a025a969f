use std::net::{IpAddr, SocketAddr, SocketAddrV6};

use proptest::prelude::*;

use super::*;

/// An IPv6 address with many zeros, which are written as `::`.
fn v6() -> impl Strategy<Value = Ipv6Addr> {
    let group = prop_oneof![3 => Just(0), 1 => any::<u16>(), 1 => 1..10_u16];
    proptest::array::uniform8(group).prop_map(Ipv6Addr::from)
}

/// An address whose host is an IPv4 address, an IPv6 address with or without a zone, or a name.
fn address() -> impl Strategy<Value = Address> {
    let zone = proptest::option::of("[a-zA-Z0-9_.@-]{1,15}");
    let name = "[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,30}"
        .prop_filter("an IP address", |it| it.parse::<IpAddr>().is_err());
    let host = prop_oneof![
        any::<Ipv4Addr>().prop_map(Host::V4),
        (v6(), zone).prop_map(|(ip, zone)| Host::V6(ip, zone)),
        name.prop_map(Host::Name),
    ];
    (host, any::<u16>()).prop_map(|(host, port)| Address { host, port })
}

proptest! {
    #[test]
    fn a_printed_address_is_read_as_the_same_address(address in address()) {
        let printed = address.to_string();
        prop_assert_eq!(Purpose::SERVE.read(&printed), Ok(address));
    }

    #[test]
    fn a_socket_address_of_std_is_read_as_the_same_address(
        ip in prop_oneof![any::<Ipv4Addr>().prop_map(IpAddr::V4), v6().prop_map(IpAddr::V6)],
        port: u16,
        scope: u32,
    ) {
        let addr = match ip {
            IpAddr::V4(_) => SocketAddr::new(ip, port),
            // std doesn't print the flow label.
            IpAddr::V6(ip) => SocketAddrV6::new(ip, port, 0, scope).into(),
        };
        let read = Purpose::SERVE.read(&addr.to_string()).unwrap();
        prop_assert_eq!(read.literal(), Ok(Some(addr)));
    }

    #[test]
    fn every_valid_text_gives_an_address_that_can_be_read_again(text in "[0-9a-f:.\\[\\]%lo：。 ]{0,24}") {
        if let Ok(read) = Purpose::SERVE.read(&text) {
            prop_assert_eq!(Purpose::SERVE.read(&read.to_string()), Ok(read));
        }
    }
}

#[test]
fn addresses_are_read_in_every_form_that_people_write() {
    for (text, read) in [
        ("127.0.0.1:8080", "127.0.0.1:8080"),
        ("8080", "127.0.0.1:8080"),
        (":8080", "127.0.0.1:8080"),
        (":http", "127.0.0.1:80"),
        ("localhost:http", "localhost:80"),
        ("localhost:飞秋", "localhost:2425"),
        ("[::1]:80", "[::1]:80"),
        ("[::1]:http", "[::1]:80"),
        ("[fe80::1%lo]:80", "[fe80::1%lo]:80"),
        ("[fe80::1%3]:80", "[fe80::1%3]:80"),
        ("fe80::1%lo:80", "[fe80::1%lo]:80"),
        ("[::ffff:127.0.0.1]:80", "[::ffff:127.0.0.1]:80"),
        // Without brackets, where there is only one way to read it, or one usual way.
        ("::1:8080", "[::1]:8080"),
        (":::8080", "[::]:8080"),
        ("2001:db8::1:18080", "[2001:db8::1]:18080"),
        ("fe80::1:http", "[fe80::1]:80"),
        ("1:2:3:4:5:6:7:8:9090", "[1:2:3:4:5:6:7:8]:9090"),
        // As a Chinese keyboard writes them.
        ("127.0.0.1：8080", "127.0.0.1:8080"),
        (" 127。0。0。1：8080 ", "127.0.0.1:8080"),
        ("１２７．０．０．１：８０８０", "127.0.0.1:8080"),
        ("【::1】：8080", "[::1]:8080"),
        ("：8080", "127.0.0.1:8080"),
        ("ｌｏｃａｌｈｏｓｔ:80", "localhost:80"),
    ] {
        for purpose in [Purpose::SERVE, Purpose::DOCTOR] {
            let found = purpose.read(text);
            assert_eq!(
                found.map(|it| it.to_string()),
                Ok(read.to_owned()),
                "{text}"
            );
        }
    }
    assert_eq!(Purpose::SERVE.read("127.0.0.1:0").map(|it| it.port), Ok(0));
}

/// The words that follow `before` in `text`, each up to the next space or punctuation mark.
fn words_after<'a>(text: &'a str, before: &str) -> Vec<&'a str> {
    let ends = |it: char| it.is_whitespace() || "，；（,;(".contains(it);
    let parts = text.split(before).skip(1);
    parts
        .map(|it| it.trim_start().split(ends).next().unwrap())
        .collect()
}

#[test]
fn an_invalid_address_gets_a_remedy_that_works() {
    for (text, remedy) in [
        ("localhost", "localhost:8080"),
        ("192.0.2.1", "192.0.2.1:8080"),
        ("", "127.0.0.1:8080"),
        ("http", ":http"),
        ("http://example.org/x", "example.org:80"),
        ("https://user:secret@example.org", "example.org:443"),
        ("http://127.0.0.1:8080/", "127.0.0.1:8080"),
        ("http://[::1]:8080/", "[::1]:8080"),
        ("http：//127.0.0.1", "127.0.0.1:80"),
        ("foo://", "127.0.0.1:8080"),
        ("::1", "[::1]:8080"),
        ("::", "[::]:8080"),
        ("::1:ffff", "[::1:ffff]:8080"),
        ("[::1]", "[::1]:8080"),
    ] {
        for purpose in [
            Purpose::SERVE,
            Purpose::LOAD,
            Purpose::CONNECT,
            Purpose::DOCTOR,
        ] {
            let error = purpose.read(text).unwrap_err();
            for error in [error.en, error.zh] {
                let advice = words_after(&error, &format!("{} ", purpose.command));
                assert_eq!(advice, [remedy], "{text:?}: {error}");
                assert!(purpose.read(advice[0]).is_ok(), "{error}");
            }
        }
    }
    for (text, parts) in [
        ("fe80::1:80", ["[fe80::1]:80", "[fe80::1:80]:8080"]),
        ("127.0.0.1:70000", ["\"70000\"", "127.0.0.1:8080"]),
        ("70000", ["\"70000\"", "127.0.0.1:8080"]),
        ("127.0.0.1:", ["\"\"", "127.0.0.1:8080"]),
        ("[::1]:+80", ["\"+80\"", "[::1]:8080"]),
        ("localhost:htpp", ["http", "localhost:8080"]),
        ("my host:80", ["\"my host\"", "127.0.0.1:8080"]),
        ("-1", ["\"-1\"", "127.0.0.1:8080"]),
        ("127.0.0.1:80:90", ["\"127.0.0.1:80\"", "127.0.0.1:8080"]),
        ("[::1]x:80", ["[::1]x:80", "[::1]:8080"]),
        ("[localhost]:80", ["[localhost]", "127.0.0.1:8080"]),
        ("127.0.0.1%lo:80", ["127.0.0.1%lo", "127.0.0.1:8080"]),
        ("fe80::1%:80", ["fe80::1%", "127.0.0.1:8080"]),
    ] {
        let error = Purpose::DOCTOR.read(text).unwrap_err();
        for error in [error.en, error.zh] {
            assert!(
                parts.iter().all(|it| error.contains(it)),
                "{text:?}: {error}"
            );
        }
    }
    let error = Purpose::DOCTOR.read("127.0.0.1:0").unwrap_err();
    assert!(error.en.contains("1 to 65535"), "{error}");
}

#[test]
fn a_zone_is_an_interface_by_name_or_number() {
    let literal = |text| Purpose::DOCTOR.read(text).unwrap().literal();
    let scope = |text| match literal(text) {
        Ok(Some(SocketAddr::V6(addr))) => Ok(addr.scope_id()),
        other => Err(format!("{other:?}")),
    };
    assert_eq!(scope("[::1%7]:80"), Ok(7));
    assert!(scope("[::1%lo]:80").is_ok_and(|it| it > 0));
    let error = literal("[::1%nosuch]:80").unwrap_err();
    assert!(
        error.en.contains("nosuch") && error.en.contains("ip link"),
        "{error}"
    );
    assert_eq!(literal("localhost:80"), Ok(None));
}

#[test]
fn a_name_is_looked_up_and_an_unknown_name_is_an_error() {
    let addrs = Purpose::LOAD.resolve("localhost:80").unwrap();
    assert!(
        addrs
            .iter()
            .all(|it| it.ip().is_loopback() && it.port() == 80),
        "{addrs:?}"
    );
    let error = Purpose::LOAD
        .resolve("nosuch.invalid:80")
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("nosuch.invalid") && error.contains("IP address"),
        "{error}"
    );
}
