//! Bytes that are decoded to text.

use portlab_service::{EncodingWatch, TextEncoding, inert};

use crate::{pieces, visible::Visible};

/// Encodings of each kind that the standard has.
const ENCODINGS: [&str; 10] = [
    "utf-8",
    "gbk",
    "gb18030",
    "big5",
    "shift_jis",
    "euc-jp",
    "iso-2022-jp",
    "euc-kr",
    "windows-1252",
    "koi8-r",
];
/// The encodings in which a decoded text is encoded and decoded without a change. (The others encode some characters as
/// similar ones, as the standard says.)
const EXACT: [&str; 4] = ["utf-8", "gbk", "gb18030", "euc-kr"];

/// For every way in which reads cut the bytes, the text is the same. An encoded text is decoded to the same text. The guess
/// of an encoding never fails, and the text of a guess is inert.
pub(crate) fn encodings(input: &[u8]) {
    let [label, length, input @ ..] = input else {
        return;
    };
    let label = ENCODINGS[usize::from(*label) % ENCODINGS.len()];
    let encoding: TextEncoding = label.parse().expect("the standard lists it");
    let decoded = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let (mut decoder, mut text) = (encoding.decoder(), String::new());
        let mut is_well_formed = true;
        for piece in pieces {
            is_well_formed &= decoder.decode(piece, false, &mut text);
        }
        is_well_formed &= decoder.decode(&[], true, &mut text);
        (text, is_well_formed)
    };
    let (text, is_well_formed) = decoded(&mut std::iter::once(input));
    let cut = decoded(&mut pieces(input, *length));
    assert_eq!(cut, (text.clone(), is_well_formed));

    let mut bytes = Vec::new();
    encoding.encode_with_marks(&text, &mut bytes);
    let (mut read, mut decoder) = (String::new(), encoding.decoder());
    assert!(
        decoder.decode(&bytes, true, &mut read),
        "{text:?} {bytes:?}"
    );
    if let Ok(exact) = encoding.encode(&text) {
        assert_eq!(exact, bytes);
        // The decoder removes a byte order mark at the beginning.
        if EXACT.contains(&label) && !text.starts_with('\u{feff}') {
            assert_eq!(read, text);
        }
    }

    // A new detector costs more than all the rest, so only every eighth input makes one.
    if length % 8 != 0 {
        return;
    }
    let mut watch = EncodingWatch::new(encoding, "cn");
    let guesses = pieces(input, *length).filter_map(|piece| watch.push(piece, is_well_formed));
    let guesses: Vec<_> = guesses.collect();
    assert!(guesses.len() <= 1, "{guesses:?}");
    for guess in guesses {
        assert_eq!(inert(&guess.text), guess.text);
    }
}

/// For every way in which reads cut a text, `connect` shows the same text, and of control characters only tabs and line ends.
pub(crate) fn screen(input: &[u8]) {
    let Some((length, input)) = input.split_first() else {
        return;
    };
    let shown = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let (mut visible, mut out) = (Visible::default(), String::new());
        let (mut decoder, mut text) = (TextEncoding::default().decoder(), String::new());
        for piece in pieces {
            decoder.decode(piece, false, &mut text);
            visible.push(&text, &mut out);
            text.clear();
        }
        visible.end(&mut out);
        out
    };
    let whole = shown(&mut std::iter::once(input));
    assert_eq!(shown(&mut pieces(input, *length)), whole);
    assert!(
        !whole.contains(|it: char| it.is_control() && !"\n\t".contains(it)),
        "{whole:?}"
    );
}
