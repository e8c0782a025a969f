//! Reading what a certificate says (RFC 5280, 4.1), as far as it is shown.

use std::net::{Ipv4Addr, Ipv6Addr};

use der::{
    DateTime, Decode, Reader, SliceReader, Tag, Tagged,
    asn1::{AnyRef, GeneralizedTime, UtcTime},
};

use portlab_service::TextEncoding;

use super::Certificate;
use crate::shown::shown;

/// Object identifiers, without their tag: the common name, the organisation, the alternative names.
const COMMON_NAME: &[u8] = &[0x55, 4, 3];
const ORGANISATION: &[u8] = &[0x55, 4, 10];
const ALTERNATIVE_NAMES: &[u8] = &[0x55, 29, 17];

/// How many names, and how many bytes of each, are kept.
const NAMES: usize = 16;
const NAME: usize = 200;

/// Reads a certificate.
pub(super) fn read(bytes: &[u8]) -> der::Result<Certificate> {
    let mut tbs = inside(inside(SliceReader::new(bytes)?.decode()?)?.decode()?)?;
    let mut next = tbs.decode::<AnyRef<'_>>()?;
    if next.tag().is_context_specific() {
        // The version; the serial number follows.
        next = tbs.decode()?;
    }
    let (_serial, _algorithm) = (next, tbs.decode::<AnyRef<'_>>()?);
    let issuer: AnyRef<'_> = tbs.decode()?;
    let mut validity = inside(tbs.decode()?)?;
    let (not_before, not_after) = (time(validity.decode()?)?, time(validity.decode()?)?);
    let subject: AnyRef<'_> = tbs.decode()?;
    let mut names = Vec::new();
    while !tbs.is_finished() {
        let part: AnyRef<'_> = tbs.decode()?;
        if part.tag().number().value() == 3 && part.tag().is_context_specific() {
            names = alternative_names(inside(part)?.decode()?)?;
        }
    }
    Ok(Certificate {
        subject: name_of(subject)?,
        issuer: name_of(issuer)?,
        self_signed: subject.value() == issuer.value(),
        names,
        not_before: not_before.to_string(),
        not_after: not_after.to_string(),
    })
}

/// The contents of a constructed value.
fn inside(value: AnyRef<'_>) -> der::Result<SliceReader<'_>> {
    SliceReader::new(value.value())
}

fn time(value: AnyRef<'_>) -> der::Result<DateTime> {
    match value.tag() {
        Tag::UtcTime => Ok(value.decode_as::<UtcTime>()?.to_date_time()),
        _ => Ok(value.decode_as::<GeneralizedTime>()?.to_date_time()),
    }
}

/// The common name, or else the organisation.
fn name_of(name: AnyRef<'_>) -> der::Result<String> {
    let (mut sets, mut found) = (inside(name)?, String::new());
    while !sets.is_finished() {
        let mut set = inside(sets.decode()?)?;
        while !set.is_finished() {
            let mut pair = inside(set.decode()?)?;
            let (kind, value): (AnyRef<'_>, AnyRef<'_>) = (pair.decode()?, pair.decode()?);
            match kind.value() {
                COMMON_NAME => return Ok(text(value.value())),
                ORGANISATION => found = text(value.value()),
                _ => {}
            }
        }
    }
    Ok(found)
}

fn alternative_names(extensions: AnyRef<'_>) -> der::Result<Vec<String>> {
    let (mut extensions, mut names) = (inside(extensions)?, Vec::new());
    while !extensions.is_finished() {
        let mut extension = inside(extensions.decode()?)?;
        let kind: AnyRef<'_> = extension.decode()?;
        if kind.value() != ALTERNATIVE_NAMES {
            continue;
        }
        let mut value: AnyRef<'_> = extension.decode()?;
        if value.tag() == Tag::Boolean {
            value = extension.decode()?;
        }
        let mut list = inside(AnyRef::from_der(value.value())?)?;
        while !list.is_finished() && names.len() < NAMES {
            names.extend(alternative_name(list.decode()?));
        }
    }
    Ok(names)
}

/// A name of a host, or an IP address (RFC 5280, 4.2.1.6).
fn alternative_name(name: AnyRef<'_>) -> Option<String> {
    let bytes = name.value();
    match name.tag().number().value() {
        2 => Some(text(bytes)),
        7 => <[u8; 4]>::try_from(bytes)
            .map(|it| Ipv4Addr::from(it).to_string())
            .or_else(|_| <[u8; 16]>::try_from(bytes).map(|it| Ipv6Addr::from(it).to_string()))
            .ok(),
        _ => None,
    }
}

fn text(bytes: &[u8]) -> String {
    shown(
        &bytes[..bytes.len().min(NAME)],
        bytes.len() > NAME,
        TextEncoding::default(),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};

    use super::*;

    fn bytes() -> Vec<u8> {
        let names = ["localhost", "a.example", "127.0.0.1", "::1"].map(str::to_owned);
        let mut params = CertificateParams::new(names).unwrap();
        (params.not_before, params.not_after) =
            (date_time_ymd(2001, 2, 3), date_time_ymd(2060, 1, 1));
        params.distinguished_name = rcgen::DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::OrganizationName, "the organisation");
        params
            .distinguished_name
            .push(DnType::CommonName, "a\u{1b}name");
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn a_certificate_is_read_with_its_names_and_times() {
        let read = read(&bytes()).unwrap();
        assert_eq!((&*read.subject, read.self_signed), ("a\\u{1b}name", true));
        assert_eq!(read.names, ["localhost", "a.example", "127.0.0.1", "::1"]);
        assert_eq!(
            [&*read.not_before, &*read.not_after],
            ["2001-02-03T00:00:00Z", "2060-01-01T00:00:00Z"]
        );
    }

    proptest! {
        #[test]
        fn a_damaged_certificate_causes_no_panic(
            at in any::<prop::sample::Index>(),
            byte: u8,
            cut in any::<prop::sample::Index>(),
        ) {
            let mut bytes = bytes();
            let (at, cut) = (at.index(bytes.len()), cut.index(bytes.len()));
            let _ = read(&bytes[..cut]);
            bytes[at] = byte;
            let _ = read(&bytes);
        }
    }
}
