//! In: identifiers from outside. Kept: nothing. Out: partitions, keyed hashes. Never knows: who it is.

use siphasher::sip128::{Hasher128, SipHasher13};
use std::hash::Hasher;

/// A 128-bit keyed hash that stands for an identifier in memory and snapshots.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct Key128(pub u128);

impl Key128 {
    /// As it is written: 32 hex digits.
    #[must_use]
    pub fn hex(self) -> String {
        format!("{:032x}", self.0)
    }
}

/// The secret key of all [`Key128`]s of one installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashKey(pub u64, pub u64);

impl HashKey {
    /// Hashes the parts, each with its length, so that ("ab","c") and ("a","bc") differ.
    #[must_use]
    pub fn hash(self, parts: &[&str]) -> Key128 {
        let mut hasher = SipHasher13::new_with_keys(self.0, self.1);
        for part in parts {
            hasher.write_u64(part.len() as u64);
            hasher.write(part.as_bytes());
        }
        let h = hasher.finish128();
        Key128((u128::from(h.h1) << 64) | u128::from(h.h2))
    }
}

/// The partition in which a customer lives: `murmur2(customer id) mod partitions`, as Java clients do.
#[must_use]
pub fn partition_of(customer: &str, partitions: u32) -> u32 {
    (murmur2(customer.as_bytes()) & 0x7fff_ffff) % partitions.max(1)
}

/// Kafka's murmur2 (seed `0x9747b28c`), as in `org.apache.kafka.common.utils.Utils.murmur2`.
#[must_use]
pub fn murmur2(data: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let len = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let mut h: u32 = 0x9747_b28c ^ len;
    let mut chunks = data.chunks_exact(4);
    for c in &mut chunks {
        let mut k = u32::from_le_bytes([c[0], c[1], c[2], c[3]]);
        k = k.wrapping_mul(M);
        k ^= k >> 24;
        k = k.wrapping_mul(M);
        h = h.wrapping_mul(M) ^ k;
    }
    let rest = chunks.remainder();
    if !rest.is_empty() {
        for (i, b) in rest.iter().enumerate() {
            h ^= u32::from(*b) << (8 * i);
        }
        h = h.wrapping_mul(M);
    }
    h ^= h >> 13;
    h = h.wrapping_mul(M);
    h ^ (h >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_that_snapshots_and_addresses_hold_do_not_change() {
        let hash = HashKey(1, 2).hash(&["web-shop", "e-1"]);
        assert_eq!(
            format!("{:032x}", hash.0),
            "60f16df65f70656fccca919aee808220"
        );
    }

    #[test]
    fn murmur2_equals_the_java_client_on_its_own_test_vectors() {
        let vectors: [(&str, i32); 6] = [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            (
                "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8",
                -58_897_971,
            ),
            ("abc", 479_470_107),
        ];
        for (text, expected) in vectors {
            assert_eq!(murmur2(text.as_bytes()).cast_signed(), expected, "{text}");
        }
    }
}
