//! What is said, and what must be answered.

use std::fmt;

/// The bytes that all connections speak: one ring of random bytes, read from a place of its own by
/// each connection.
///
/// A connection's stream is the ring from its place on, round and round; messages are only marks on
/// it. So nothing is generated or copied while measuring (a message is sent straight from the
/// ring), a reply is checked by comparing it with the ring, and because the ring's length is a
/// prime, no message resembles its neighbours: a byte that is lost, doubled, swapped between
/// messages or between connections, is noticed.
#[derive(Debug)]
pub struct Pattern {
    /// The ring, followed by its own beginning, so that any slice of up to [`Pattern::REACH`] bytes
    /// is in one piece.
    bytes: Box<[u8]>,
}

/// A byte that came back different from what was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
        write!(
            f,
            "connection {connection}, offset {offset}: expected {expected:#04x}, got {got:#04x}"
        )
    }
}

impl Pattern {
    /// The ring's length: the largest prime below 64 Ki. Two rings fit in a core's second-level
    /// cache.
    const RING: usize = 65_521;
    /// The longest piece that can be had at once.
    pub const REACH: usize = 64 * 1024;

    /// The same pattern at every call.
    #[must_use]
    pub fn new() -> Self {
        let mut random = fastrand::Rng::with_seed(0x706f_7274_6c61_6221);
        let mut bytes = vec![0; Self::RING];
        random.fill(&mut bytes);
        // Twice the ring is a little shorter than a reach from the ring's last byte.
        while bytes.len() < Self::RING + Self::REACH {
            let more = (Self::RING + Self::REACH - bytes.len()).min(Self::RING);
            bytes.extend_from_within(..more);
        }
        Self {
            bytes: bytes.into(),
        }
    }

    /// The bytes from `offset` of connection `connection`'s stream on, `length` of them, or
    /// [`Pattern::REACH`] if that is less.
    #[must_use]
    pub fn at(&self, connection: usize, offset: u64, length: usize) -> &[u8] {
        // 7919 is a prime too: neighbouring connections start far apart.
        let place = (connection as u64 * 7919 + offset) % Self::RING as u64;
        &self.bytes[place as usize..][..length.min(Self::REACH)]
    }

    /// Compares what arrived at `offset` of a connection's stream with what was sent there.
    ///
    /// # Errors
    /// The first byte that differs.
    ///
    /// # Panics
    /// When `got` is longer than [`Pattern::REACH`].
    pub fn check(&self, connection: usize, offset: u64, got: &[u8]) -> Result<(), Mismatch> {
        let expected = self.at(connection, offset, got.len());
        assert!(
            got.len() <= Self::REACH,
            "a read is at most as long as the pattern reaches"
        );
        if expected == got {
            return Ok(());
        }
        let differs = expected
            .iter()
            .zip(got)
            .position(|(expected, got)| expected != got);
        let at = differs.expect("slices of one length that differ, differ somewhere");
        let offset = offset + at as u64;
        Err(Mismatch {
            connection,
            offset,
            expected: expected[at],
            got: got[at],
        })
    }
}

impl Default for Pattern {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_one_ring_wherever_it_is_cut() {
        let pattern = Pattern::new();
        let whole: Vec<u8> = (0..200_000)
            .map(|offset| pattern.at(3, offset, 1)[0])
            .collect();
        for (start, length) in [
            (0, 1),
            (65_520, 2),
            (65_500, Pattern::REACH),
            (131_000, 4_096),
        ] {
            assert_eq!(
                pattern.at(3, start as u64, length),
                &whole[start..start + length]
            );
            assert_eq!(
                pattern.check(3, start as u64, &whole[start..start + length]),
                Ok(())
            );
        }
    }

    #[test]
    fn the_longest_piece_can_be_had_from_every_place_of_the_ring() {
        let pattern = Pattern::new();
        for place in 0..Pattern::RING as u64 {
            let piece = pattern.at(0, place, Pattern::REACH);
            assert_eq!(piece.len(), Pattern::REACH);
            let last = place + Pattern::REACH as u64 - 1;
            assert_eq!(
                piece[Pattern::REACH - 1],
                pattern.at(0, last, 1)[0],
                "from {place}"
            );
        }
    }

    #[test]
    fn one_flipped_bit_is_found_and_its_place_named() {
        let pattern = Pattern::new();
        let mut reply = pattern.at(5, 1_000_000, 64).to_vec();
        reply[17] ^= 1;
        let mismatch = pattern.check(5, 1_000_000, &reply).unwrap_err();
        assert_eq!((mismatch.connection, mismatch.offset), (5, 1_000_017));
        assert_eq!(mismatch.expected ^ mismatch.got, 1);
    }

    #[test]
    fn a_lost_byte_a_stale_message_and_a_neighbours_message_are_found() {
        let pattern = Pattern::new();
        for size in [8, 64, 1024] {
            let sent =
                |connection, message: u64| pattern.at(connection, message * size, size as usize);
            assert!(
                pattern
                    .check(0, 9 * size, pattern.at(0, 9 * size + 1, size as usize))
                    .is_err()
            );
            assert!(pattern.check(0, 9 * size, sent(0, 8)).is_err());
            assert!(pattern.check(0, 9 * size, sent(1, 9)).is_err());
        }
    }
}
