//! The bytes that are sent: a ring, from which any message is cut without a copy.

use std::fmt;

/// The bytes that all connections send, as a ring.
///
/// A connection's stream begins at a place in the ring of its own, and goes round and round; a message is the next piece
/// of the stream. So nothing is generated or copied while measuring (a message is sent straight from the ring), and an
/// echo is checked by comparing it with the ring.
#[derive(Debug)]
pub struct Ring {
    /// The ring, followed by its own beginning, so that any slice of up to [`Ring::REACH`] bytes is in one piece.
    bytes: Box<[u8]>,
    /// How long the ring is.
    length: usize,
    /// How far apart the places of two neighbouring connections are.
    stride: u64,
}

/// A byte that came back different from what was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mismatch {
    /// Which connection, counted from 0.
    pub connection: usize,
    /// Which byte of its stream, counted from 0.
    pub offset: u64,
    /// What was sent.
    pub expected: u8,
    /// What came back.
    pub got: u8,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            connection,
            offset,
            expected,
            got,
        } = self;
        let text = portlab_words::tr!(
            "connection {connection}, offset {offset}: expected {expected:#04x}, got {got:#04x}",
            "连接 {connection}，偏移 {offset}：应为 {expected:#04x}，收到 {got:#04x}"
        );
        text.fmt(f)
    }
}

impl Ring {
    /// The length of the random ring: the largest prime below 64 Ki. Two of them fit in a core's second-level cache.
    pub(crate) const RANDOM: usize = 65_521;
    /// The longest piece that [`at`](Self::at) returns.
    pub const REACH: usize = 64 * 1024;

    /// Random bytes, the same at every call, from which messages of any length are cut.
    ///
    /// The ring's length is a prime, so consecutive messages differ, unless their length is a multiple of the ring's: a
    /// byte that is lost, doubled, or swapped between messages or between connections, is noticed.
    pub fn random() -> Self {
        let mut random = fastrand::Rng::with_seed(0x706f_7274_6c61_6221);
        let mut bytes = vec![0; Self::RANDOM];
        random.fill(&mut bytes);
        // 7919 is a prime too: neighbouring connections start far apart.
        Self::closed(bytes, 7919)
    }

    /// One message that is sent again and again, the same on every connection.
    ///
    /// Every byte of an echo is compared here as well. But all messages are alike, so a whole message that is lost, or
    /// swapped with another one, isn't noticed.
    ///
    /// # Panics
    /// When `message` is empty.
    pub fn of(message: &[u8]) -> Self {
        assert!(!message.is_empty(), "a message has at least one byte");
        Self::closed(message.to_vec(), 0)
    }

    /// Appends the ring's beginning to its end, until a reach from its last byte is in one piece.
    fn closed(mut bytes: Vec<u8>, stride: u64) -> Self {
        let length = bytes.len();
        while bytes.len() < length + Self::REACH {
            let more = (length + Self::REACH - bytes.len()).min(length);
            bytes.extend_from_within(..more);
        }
        Self {
            bytes: bytes.into(),
            length,
            stride,
        }
    }

    /// The bytes from `offset` of connection `connection`'s stream on, `length` of them, or
    /// [`Ring::REACH`] if that is less.
    pub fn at(&self, connection: usize, offset: u64, length: usize) -> &[u8] {
        let place = (connection as u64 * self.stride + offset) % self.length as u64;
        &self.bytes[place as usize..][..length.min(Self::REACH)]
    }

    /// Compares what arrived at `offset` of a connection's stream with what was sent there.
    ///
    /// # Errors
    /// The first byte that differs.
    ///
    /// # Panics
    /// When `got` is longer than [`Ring::REACH`].
    pub fn check(&self, connection: usize, offset: u64, got: &[u8]) -> Result<(), Mismatch> {
        let expected = self.at(connection, offset, got.len());
        assert!(
            got.len() <= Self::REACH,
            "a read is at most as long as the ring reaches"
        );
        compare(connection, offset, expected, got)
    }
}

/// Compares what arrived at `offset` of a connection's stream with what was sent there, which is as long.
pub(crate) fn compare(
    connection: usize,
    offset: u64,
    expected: &[u8],
    got: &[u8],
) -> Result<(), Mismatch> {
    if expected == got {
        return Ok(());
    }
    let mut pairs = expected.iter().zip(got);
    let differs = pairs.position(|(expected, got)| expected != got);
    let at = differs.expect("slices of one length that differ, differ somewhere");
    let offset = offset + at as u64;
    Err(Mismatch {
        connection,
        offset,
        expected: expected[at],
        got: got[at],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_one_ring_wherever_it_is_cut() {
        let ring = Ring::random();
        let whole: Vec<u8> = (0..200_000)
            .map(|offset| ring.at(3, offset, 1)[0])
            .collect();
        for (start, length) in [(0, 1), (65_520, 2), (65_500, Ring::REACH), (131_000, 4_096)] {
            let piece = &whole[start..start + length];
            assert_eq!(ring.at(3, start as u64, length), piece);
            assert_eq!(ring.check(3, start as u64, piece), Ok(()));
        }
    }

    #[test]
    fn the_longest_piece_is_returned_from_every_place_of_the_ring() {
        let ring = Ring::random();
        for place in 0..Ring::RANDOM as u64 {
            let piece = ring.at(0, place, Ring::REACH);
            let last = ring.at(0, place + Ring::REACH as u64 - 1, 1);
            assert_eq!((piece.len(), piece.last()), (Ring::REACH, last.first()));
        }
    }

    #[test]
    fn one_flipped_bit_is_found_and_its_place_named() {
        let ring = Ring::random();
        let mut reply = ring.at(5, 1_000_000, 64).to_vec();
        reply[17] ^= 1;
        let mismatch = ring.check(5, 1_000_000, &reply).unwrap_err();
        assert_eq!((mismatch.connection, mismatch.offset), (5, 1_000_017));
        assert_eq!(mismatch.expected ^ mismatch.got, 1);
    }

    #[test]
    fn a_lost_byte_a_stale_message_and_a_neighbours_message_are_found() {
        let ring = Ring::random();
        for size in [8, 64, 1024] {
            for (connection, offset) in [(0, 9 * size + 1), (0, 8 * size), (1, 9 * size)] {
                let wrong = ring.at(connection, offset, size as usize);
                assert!(ring.check(0, 9 * size, wrong).is_err(), "{offset}");
            }
        }
    }

    #[test]
    fn a_message_that_is_sent_again_and_again_is_a_ring_of_its_own_length() {
        let ring = Ring::of(b"abc");
        assert_eq!(ring.at(7, 0, 7), b"abcabca");
        assert_eq!(ring.at(8, 4, 2), b"bc");
        assert_eq!(ring.at(0, 1, Ring::REACH).len(), Ring::REACH);
        assert!(ring.check(3, 3, b"abx").is_err());
        let long = vec![7; Ring::REACH * 2];
        assert_eq!(Ring::of(&long).at(0, 5, usize::MAX).len(), Ring::REACH);
    }
}
