//! The content codings that a client accepts: `gzip;q=0.5, br, *;q=0` (RFC 9110, 12.5.3).

use crate::Coding;

/// The codings in the order in which the client prefers them; if it has no preference, the one with smaller files first.
pub(super) fn codings(field: Option<&[u8]>) -> [Option<Coding>; 2] {
    let Some(field) = field else {
        return [None; 2];
    };
    let quality = |coding: Coding| {
        let name = coding.name().as_bytes();
        let items = || field.split(|byte| *byte == b',').map(item);
        let named = items().find(|(it, _)| it.eq_ignore_ascii_case(name));
        let any = || items().find(|(it, _)| *it == b"*");
        named.or_else(any).map_or(0, |(_, quality)| quality)
    };
    let [brotli, gzip] = Coding::ALL.map(|it| Some(it).filter(|&it| quality(it) > 0));
    match quality(Coding::Gzip) > quality(Coding::Brotli) {
        true => [gzip, brotli],
        false => [brotli, gzip],
    }
}

/// The name of an item and its quality in thousandths; 0 if the quality is wrong.
fn item(item: &[u8]) -> (&[u8], u16) {
    let mut parts = item.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    let name = parts.next().unwrap_or_default();
    let mut weights = parts.filter_map(|part| match part {
        [b'q' | b'Q', b'=', weight @ ..] => Some(weight),
        _ => None,
    });
    (name, weights.next().map_or(1000, thousandths))
}

fn thousandths(weight: &[u8]) -> u16 {
    let (whole, digits) = match weight {
        [whole @ (b'0' | b'1')] => (*whole, &[][..]),
        [whole @ (b'0' | b'1'), b'.', digits @ ..] if digits.len() <= 3 => (*whole, digits),
        _ => return 0,
    };
    if !digits.iter().all(u8::is_ascii_digit) {
        return 0;
    }
    let digit = |at: usize| u16::from(digits.get(at).map_or(0, |byte| byte - b'0'));
    let thousandths = u16::from(whole - b'0') * 1000 + digit(0) * 100 + digit(1) * 10 + digit(2);
    thousandths.min(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_chooses_the_coding() {
        use Coding::{Brotli, Gzip};
        for (field, expected) in [
            ("gzip, deflate, br", &[Brotli, Gzip][..]),
            ("gzip", &[Gzip]),
            ("BR;q=0.5, GZIP ; q=0.501", &[Gzip, Brotli]),
            ("br;q=0, gzip;q=0.001", &[Gzip]),
            ("*", &[Brotli, Gzip]),
            ("*;q=0", &[]),
            ("br;q=0, *", &[Gzip]),
            ("identity", &[]),
            ("", &[]),
            ("gzip;q=2", &[]),
            ("gzip;q=0.0001", &[]),
            ("gzip;q=x", &[]),
            ("xgzip", &[]),
        ] {
            let got: Vec<_> = codings(Some(field.as_bytes()))
                .into_iter()
                .flatten()
                .collect();
            assert_eq!(got, expected, "{field}");
        }
        assert_eq!(codings(None), [None; 2]);
    }
}
