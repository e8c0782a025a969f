//! Finding the encoding of a stream that is read in a wrong encoding.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};

use crate::{TextDecoder, TextEncoding, inert};

/// Examines a stream of text, and finds out if it is in another encoding than the one that it is read in.
///
/// There are two signs of a wrong encoding. First, bytes are malformed: GBK that is read as UTF-8 nearly always is.
/// Second, all bytes are well-formed UTF-8, with characters of three bytes, and are read as another encoding: read as GBK,
/// they are characters such as `浣犲ソ`, which are well formed, too. Bytes with control characters are not text, and give no
/// guess.
///
/// The guess is made by chardetng, the detector of Firefox.
pub struct EncodingWatch {
    assumed: TextEncoding,
    /// The country for chardetng, as a top-level domain: few bytes may be text in several encodings.
    likely: &'static str,
    detector: EncodingDetector,
    utf_8: TextDecoder,
    /// So far all bytes were UTF-8. Not used for a stream that is read as UTF-8.
    is_utf_8: bool,
    /// Characters of three bytes and more, if it is UTF-8.
    wide: usize,
    malformed: bool,
    /// The first bytes from the first one that isn't ASCII: in every encoding a character begins there.
    sample: Vec<u8>,
    /// How many bytes beyond ASCII it has examined.
    watched: usize,
    /// A guess was made, or none will be made.
    is_over: bool,
}

/// The likely encoding of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guess {
    /// The encoding.
    pub encoding: TextEncoding,
    /// The stream in that encoding, from the first character beyond ASCII, inert, with pictures of its line ends. A long
    /// text ends with `…`.
    pub text: String,
}

impl EncodingWatch {
    /// Examines a stream that is read as `assumed`. `likely` is the top-level domain of the country whose
    /// encodings are most likely, such as `cn`.
    ///
    /// # Panics
    /// When `likely` is not a top-level domain in lower case.
    pub fn new(assumed: TextEncoding, likely: &'static str) -> Self {
        Self {
            assumed,
            likely,
            detector: EncodingDetector::new(Iso2022JpDetection::Deny),
            utf_8: TextEncoding::default().decoder(),
            is_utf_8: true,
            wide: 0,
            malformed: false,
            sample: Vec::new(),
            watched: 0,
            is_over: false,
        }
    }

    /// Examines the next bytes of the stream, which are `well_formed` or not in the encoding that it is read in. Returns
    /// another encoding at most once, if the stream is likely to be in it.
    pub fn push(&mut self, bytes: &[u8], well_formed: bool) -> Option<Guess> {
        if self.is_over {
            return None;
        }
        self.malformed |= !well_formed;
        self.watched += bytes.iter().filter(|byte| !byte.is_ascii()).count();
        self.is_over = self.watched > MOST || bytes.iter().any(|byte| is_binary(*byte));
        self.detector.feed(bytes, false);
        // Until the first byte beyond ASCII, all encodings read the same.
        if self.is_over || self.watched == 0 {
            return None;
        }
        if self.assumed != TextEncoding::default() {
            let mut text = String::new();
            self.is_utf_8 &= self.utf_8.decode(bytes, false, &mut text);
            self.wide += text.chars().filter(|it| it.len_utf8() >= 3).count();
        }
        self.keep_sample(bytes);
        let reads_as_utf_8 = self.is_utf_8 && self.wide >= ENOUGH;
        if !self.malformed && !reads_as_utf_8 {
            return None;
        }
        let guess = self.guess(reads_as_utf_8)?;
        self.is_over = true;
        Some(guess)
    }

    fn guess(&self, reads_as_utf_8: bool) -> Option<Guess> {
        let encoding = match reads_as_utf_8 {
            true => TextEncoding::default(),
            false => {
                let likely = Some(self.likely.as_bytes());
                let found = self.detector.guess(likely, Utf8Detection::Allow);
                found.name().parse().ok()?
            }
        };
        let mut text = String::new();
        let well_formed = encoding.decoder().decode(&self.sample, false, &mut text);
        // Big5 that is read as GBK has characters that no text has.
        let fits = well_formed && !text.chars().any(is_private);
        let text = text.trim_end_matches(['\r', '\n']);
        let mut shown = text.chars().take(SHOWN).collect::<String>();
        let is_other = encoding != self.assumed && !shown.trim().is_empty();
        if shown.len() < text.len() {
            shown.push('…');
        }
        (fits && is_other).then(|| Guess {
            encoding,
            text: inert(&shown),
        })
    }

    fn keep_sample(&mut self, bytes: &[u8]) {
        let from = match self.sample.is_empty() {
            true => bytes.iter().position(|byte| !byte.is_ascii()),
            false => Some(0),
        };
        let bytes = &bytes[from.unwrap_or(bytes.len())..];
        let room = SAMPLE.saturating_sub(self.sample.len());
        self.sample
            .extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

/// A character of private use: no text has it, and it stands for bytes that another encoding reads.
pub fn is_private(character: char) -> bool {
    ('\u{e000}'..='\u{f8ff}').contains(&character)
}

/// A control character that isn't part of texts. (Texts may have escape sequences and telnet's bell.)
fn is_binary(byte: u8) -> bool {
    byte < 0x20 && !b"\t\n\r\x07\x08\x0c\x1b".contains(&byte)
}

/// With so many characters of three bytes, the stream is taken as UTF-8: GBK rarely has bytes that look like two of them.
const ENOUGH: usize = 2;
/// After so many bytes beyond ASCII without a guess, no more are examined.
const MOST: usize = 64 << 10;
/// How many bytes a sample has: more than those of the characters that are shown, at four bytes each.
const SAMPLE: usize = 128;
/// How many characters of the sample are shown.
const SHOWN: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;

    fn encoding(label: &str) -> TextEncoding {
        label.parse().unwrap()
    }

    /// All guesses when `bytes`, read as `assumed`, come in pieces of `piece`.
    fn guesses(assumed: &str, bytes: &[u8], piece: usize) -> Vec<(&'static str, String)> {
        let mut watch = EncodingWatch::new(encoding(assumed), "cn");
        let mut decoder = encoding(assumed).decoder();
        let mut guesses = Vec::new();
        for piece in bytes.chunks(piece) {
            let well_formed = decoder.decode(piece, false, &mut String::new());
            guesses.extend(watch.push(piece, well_formed));
        }
        let named = |guess: Guess| (guess.encoding.name(), guess.text);
        guesses.into_iter().map(named).collect()
    }

    /// What is shown of a text of three lines that begins with ASCII.
    const LINES: &str = "你好␊再见␊你好吗";

    #[test]
    fn a_text_is_shown_whole_and_a_long_one_with_a_sign_where_it_is_cut() {
        let shown = |text: &str| {
            let bytes = encoding("gbk").encode(text).unwrap();
            guesses("utf-8", &bytes, bytes.len()).pop().unwrap().1
        };
        let course = "你好服务端,我是客户端小黑!";
        assert_eq!(shown(course), course);
        assert_eq!(shown(&"好".repeat(SHOWN)), "好".repeat(SHOWN));
        for count in [SHOWN + 1, SAMPLE] {
            assert_eq!(shown(&"好".repeat(count)), "好".repeat(SHOWN) + "…");
        }
    }

    #[test]
    fn gbk_that_is_read_as_utf_8_is_found_out_once_wherever_it_is_cut() {
        let bytes = encoding("gbk").encode("hi 你好\n再见\n你好吗\n").unwrap();
        for piece in 1..=bytes.len() {
            let found = guesses("utf-8", &bytes, piece);
            assert_eq!(found.len(), 1, "{piece}: {found:?}");
            assert_eq!(found[0].0, "GBK", "{piece}");
            assert!(LINES.starts_with(&found[0].1), "{piece}: {found:?}");
        }
        // A whole answer at once.
        assert_eq!(guesses("utf-8", &bytes, 100), [("GBK", LINES.to_owned())]);
        let one = encoding("gbk").encode("好").unwrap();
        assert_eq!(guesses("utf-8", &one, 100), [("GBK", "好".to_owned())]);
    }

    #[test]
    fn utf_8_that_is_read_as_gbk_is_found_out_once_wherever_it_is_cut() {
        let text = "hi 你好\n再见\n你好吗\n";
        for assumed in ["gbk", "big5", "shift_jis", "latin1"] {
            for piece in 1..=text.len() {
                let found = guesses(assumed, text.as_bytes(), piece);
                assert_eq!(found.len(), 1, "{assumed} {piece}: {found:?}");
                assert_eq!(found[0].0, "UTF-8", "{assumed} {piece}");
            }
        }
        assert_eq!(
            guesses("gbk", text.as_bytes(), 100),
            [("UTF-8", LINES.to_owned())]
        );
        // One character and the bytes after it are malformed in GBK.
        assert_eq!(guesses("gbk", "你\n".as_bytes(), 9).len(), 1);
    }

    #[test]
    fn a_stream_in_the_assumed_encoding_gives_no_guess() {
        let text = "HTTP/1.1 200 OK\r\n\r\n\x1b[1m联通，你好，世界：功能許蓋\n";
        for assumed in ["utf-8", "gbk", "gb18030"] {
            let bytes = encoding(assumed).encode(text).unwrap();
            for piece in 1..=bytes.len() {
                assert_eq!(guesses(assumed, &bytes, piece), [], "{assumed} {piece}");
            }
        }
        // Two characters of GBK whose bytes are UTF-8 as well.
        assert_eq!(guesses("gbk", b"\xcd\xa8\xd0\x85", 1), []);
    }

    #[test]
    fn binary_data_gives_no_guess() {
        for bytes in [
            &b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0"[..],
            b"\x16\x03\x03\0\x7a\x02\0\0\x76\x03\x03\xd1\x8a\x90\x33\x88",
            b"\xff\0\xc4",
            b"\xff",
            b"\xc4",
        ] {
            assert_eq!(guesses("utf-8", bytes, 100), [], "{bytes:?}");
        }
    }

    #[test]
    fn characters_of_private_use_are_no_text() {
        let bytes = encoding("big5").encode("你好").unwrap();
        assert_eq!(guesses("utf-8", &bytes, 100), []);
    }

    #[test]
    fn the_country_decides_between_likely_encodings() {
        let bytes = encoding("shift_jis").encode("日本語テスト\n").unwrap();
        let mut watch = EncodingWatch::new(encoding("utf-8"), "jp");
        let guess = watch.push(&bytes, false).unwrap();
        assert_eq!(guess.encoding.name(), "Shift_JIS");
        assert_eq!(guess.text, "日本語テスト");
    }
}
