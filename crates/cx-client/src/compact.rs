//! In: a binary message. Kept: nothing. Out: the frame it is (`schemas/README.md`).
//! Never knows: views, sockets.

use cx_model::frame::{ServerFrame, WireParts, WireValue};
use cx_model::value::digest_text;

/// Values of one frame: a board has at most so many cells.
const CELLS: u64 = 2_000;
/// Partitions that a frame can wait for.
const PARTITIONS: u64 = 65_536;

/// The frame, or `None` where the bytes are none.
#[must_use]
pub fn decode(bytes: &[u8]) -> Option<ServerFrame> {
    let (op, rest) = bytes.split_first()?;
    let (flags, rest) = rest.split_first()?;
    let has = |bit: u8| flags & bit != 0;
    let mut read = Reader(rest);
    let id = u32::try_from(read.varint()?).ok()?;
    let seq = read.varint()?;
    let s = if has(1) { Some(read.time()?) } else { None };
    let now = if has(8) { Some(read.time()?) } else { None };
    let frame = match op {
        1 => {
            let waiting_for = if has(2) {
                read.partitions()?
            } else {
                Vec::new()
            };
            let g = read.digest()?;
            let (v, parts) = read.values(has(4))?;
            ServerFrame::D {
                id,
                seq,
                s,
                sealed: has(2).then_some(false),
                now,
                waiting_for,
                cells: Vec::new(),
                gone: Vec::new(),
                v,
                parts,
                g,
                alerts: None,
            }
        }
        2 => {
            let g = read.digest()?;
            let now = now?;
            ServerFrame::Hb { id, seq, s, now, g }
        }
        _ => return None,
    };
    read.0.is_empty().then_some(frame)
}

struct Reader<'b>(&'b [u8]);

impl Reader<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut n = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return None;
            }
            n |= bits << shift;
            if byte & 0x80 == 0 {
                return Some(n);
            }
        }
        None
    }

    fn zigzag(&mut self) -> Option<i64> {
        let n = self.varint()?;
        Some((n >> 1).cast_signed() ^ -(n & 1).cast_signed())
    }

    fn time(&mut self) -> Option<i64> {
        i64::try_from(self.varint()?).ok()
    }

    fn partitions(&mut self) -> Option<Vec<u32>> {
        let n = self.varint().filter(|n| *n <= PARTITIONS)?;
        (0..n).map(|_| u32::try_from(self.varint()?).ok()).collect()
    }

    fn digest(&mut self) -> Option<String> {
        let (digest, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(digest_text(u64::from_le_bytes(*digest)))
    }

    fn values(&mut self, with_parts: bool) -> Option<(Vec<WireValue>, Vec<WireParts>)> {
        let n = self.varint().filter(|n| *n <= CELLS)?;
        let (mut values, mut parts) = (Vec::new(), Vec::new());
        for _ in 0..n {
            let cell = u32::try_from(self.varint()?).ok()?;
            let bits = self.byte()?;
            let null = bits & 0x80 != 0;
            let value = if null { None } else { Some(self.zigzag()?) };
            values.push((cell, value, bits & 0x3f));
            if with_parts {
                let numerator = self.zigzag()?;
                let divided = bits & 0x40 != 0;
                let denominator = if divided { Some(self.zigzag()?) } else { None };
                parts.push((numerator, denominator, self.zigzag()?));
            }
        }
        Some((values, parts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_frame_are_refused_and_never_panic() {
        let good = [1, 1, 1, 5, 100, 1, 2, 3, 4, 5, 6, 7, 8, 1, 3, 0, 14];
        let Some(ServerFrame::D { seq, s, v, g, .. }) = decode(&good) else {
            panic!("a frame");
        };
        assert_eq!((seq, s, v), (5, Some(100), vec![(3, Some(7), 0)]));
        assert_eq!(g, "0807060504030201");
        for end in 0..good.len() {
            assert_eq!(decode(&good[..end]), None, "cut at {end}");
        }
        for bytes in [vec![0xff; 64], vec![3, 0, 0, 0], [&good[..], &[0]].concat()] {
            assert_eq!(decode(&bytes), None, "{bytes:?}");
        }
    }
}
