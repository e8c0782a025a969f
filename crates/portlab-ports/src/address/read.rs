//! Reading an address: text in, parts out. Nothing is looked up.

use std::net::{Ipv4Addr, Ipv6Addr};

use portlab_words::narrow;

use super::{Address, Host, fault::Fault};
use crate::services::{named, near};

/// Reads `text`. Port 0 is an error unless `takes_zero`.
pub(super) fn read(text: &str, takes_zero: bool) -> Result<Address, Fault> {
    let text = narrow(text);
    if let Some((scheme, rest)) = text.split_once("://") {
        let addr = addr_of_url(scheme, rest);
        return Err(Fault::Url { addr, text });
    }
    let (host, port) = split(&text)?;
    let host = match host {
        "" => Host::V4(Ipv4Addr::LOCALHOST),
        host => read_host(host, &text)?,
    };
    match port_of(port) {
        Some(0) if !takes_zero => Err(Fault::Zero { text }),
        Some(port) => Ok(Address { host, port }),
        None => Err(Fault::BadPort {
            port: port.to_owned(),
            near: near(port).filter(|_| !is_number(port)),
            example: Address { host, port: 8080 }.to_string(),
        }),
    }
}

/// The address of a URL's server; an example if the URL has no valid host.
fn addr_of_url(scheme: &str, rest: &str) -> String {
    let host = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    // A user's name and password may stand before the host.
    let host = host.rsplit('@').next().unwrap_or(host);
    let port = named(scheme).map_or(8080, |service| service.port);
    let written = [host.to_owned(), format!("{host}:{port}")];
    let read = written.iter().find_map(|it| read(it, false).ok());
    read.map_or_else(|| "127.0.0.1:8080".to_owned(), |it| it.to_string())
}

/// Reads a port: a number without sign or spaces, or the name of a service.
pub fn port_of(text: &str) -> Option<u16> {
    if is_number(text) {
        return text.parse().ok();
    }
    named(text).map(|service| service.port)
}

/// Divides `text` into host and port. A port alone has an empty host.
fn split(text: &str) -> Result<(&str, &str), Fault> {
    let no_port = |host: &str| Fault::NoPort {
        host: host.to_owned(),
    };
    if let Some(rest) = text.strip_prefix('[') {
        let bad = || Fault::BadHost {
            host: text.to_owned(),
            text: text.to_owned(),
        };
        let (host, behind) = rest.split_once(']').ok_or_else(bad)?;
        if v6(host).is_none() {
            return Err(bad());
        }
        return match behind.strip_prefix(':') {
            Some(port) => Ok((host, port)),
            None if behind.is_empty() => Err(no_port(text)),
            None => Err(bad()),
        };
    }
    let Some((host, port)) = text.rsplit_once(':') else {
        if is_number(text) {
            return Ok(("", text));
        }
        read_host(text, text)?;
        return Err(no_port(text));
    };
    if !host.contains(':') {
        return Ok((host, port));
    }
    // An IPv6 address without brackets: the last part may be the port, or belong to the address.
    let (with_port, alone) = (v6(host).is_some(), v6(text).is_some());
    match (with_port, alone) {
        (true, false) => Ok((host, port)),
        // netstat prints loopback and a port as ::1:8080.
        (true, true) if host == "::1" && port_of(port).is_some() => Ok((host, port)),
        (true, true) if port_of(port).is_some() => Err(Fault::Ambiguous {
            text: text.to_owned(),
            with_port: format!("[{host}]:{port}"),
        }),
        (_, true) => Err(no_port(&format!("[{text}]"))),
        (false, false) => Err(Fault::BadHost {
            host: host.to_owned(),
            text: text.to_owned(),
        }),
    }
}

fn read_host(host: &str, text: &str) -> Result<Host, Fault> {
    if let Ok(ip) = host.parse() {
        return Ok(Host::V4(ip));
    }
    if let Some((ip, zone)) = v6(host) {
        return Ok(Host::V6(ip, zone));
    }
    let is_odd = |it: char| it.is_whitespace() || it.is_control() || "/%[]@?#\\\"'".contains(it);
    if host.starts_with('-') || host.contains(is_odd) {
        return Err(Fault::BadHost {
            host: host.to_owned(),
            text: text.to_owned(),
        });
    }
    Ok(Host::Name(host.to_owned()))
}

/// Reads an IPv6 address, with or without a zone.
fn v6(text: &str) -> Option<(Ipv6Addr, Option<String>)> {
    let Some((ip, zone)) = text.split_once('%') else {
        return Some((text.parse().ok()?, None));
    };
    // Characters that the name of an interface can't have.
    let is_odd = |it: char| it.is_whitespace() || "/:%[]".contains(it);
    if zone.is_empty() || zone.contains(is_odd) {
        return None;
    }
    Some((ip.parse().ok()?, Some(zone.to_owned())))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit())
}
