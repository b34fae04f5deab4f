//! In: whole numbers. Kept: how often each bucket of a log-linear scale was met. Out: percentiles.
//! Never knows: what a number means, which pane it came from.
//!
//! A bucket is an exponent and seven bits: exact below 256, wider by one bit at every power of two
//! above; its middle lies within 0.4 % of all that it holds. Counts are signed, so what was put in
//! can be taken out again, and two tallies become one by adding.

use std::sync::Arc;

/// Greatest number that is told apart from greater ones, with either sign: 2^40 − 1, 34 years in ms.
const GREATEST: i64 = (1 << 40) - 1;
/// Below this, a bucket is one number.
const EXACT: i64 = 256;
const BITS: u32 = 7;

/// Buckets with their counts, ascending; none is 0.
pub(crate) type Counts = Vec<(i16, i64)>;
/// Counts that parts share until the next change.
pub(crate) type Tally = Arc<Counts>;

/// The bucket of a number; beyond [`GREATEST`], that of the greatest.
pub(crate) fn bucket(number: i64) -> i16 {
    let size = number.clamp(-GREATEST, GREATEST).abs();
    let wider = (size | 1).ilog2().saturating_sub(BITS);
    let bucket = (i64::from(wider) << BITS) + (size >> wider);
    let bucket = i16::try_from(bucket).expect("the greatest number lies in bucket 4,351");
    if number < 0 { -bucket } else { bucket }
}

/// The number that stands for a bucket: the one in its middle.
pub(crate) fn middle(bucket: i16) -> i64 {
    let (sign, bucket) = (i64::from(bucket.signum()), i64::from(bucket.abs()));
    if bucket < EXACT {
        return sign * bucket;
    }
    let wider = (bucket >> BITS) - 1;
    let least = (bucket - (wider << BITS)) << wider;
    sign * (least + ((1 << wider) - 1) / 2)
}

/// Adds to one bucket.
pub(crate) fn put(counts: &mut Counts, bucket: i16, by: i64) {
    match counts.binary_search_by_key(&bucket, |(b, _)| *b) {
        Ok(at) => {
            counts[at].1 = counts[at].1.wrapping_add(by);
            if counts[at].1 == 0 {
                counts.remove(at);
            }
        }
        Err(at) => counts.insert(at, (bucket, by)),
    }
}

/// Adds `sign` times all that another holds.
pub(crate) fn join(counts: &mut Counts, other: &[(i16, i64)], sign: i64) {
    let mut joined = Vec::with_capacity(counts.len() + other.len());
    let mut own = counts.iter().copied().peekable();
    for (bucket, count) in other {
        while let Some(before) = own.next_if(|(b, _)| b < bucket) {
            joined.push(before);
        }
        let same = own.next_if(|(b, _)| b == bucket).map_or(0, |(_, c)| c);
        let sum = same.wrapping_add(count.wrapping_mul(sign));
        if sum != 0 {
            joined.push((*bucket, sum));
        }
    }
    joined.extend(own);
    *counts = joined;
}

/// The number that `per_mille` of 1,000 do not exceed (nearest rank); `None` where there is none.
pub(crate) fn percentile(counts: &[(i16, i64)], per_mille: u16) -> Option<i64> {
    let all: i128 = counts.iter().map(|(_, c)| i128::from(*c)).sum();
    let rank = (all * i128::from(per_mille) + 999).div_euclid(1_000).max(1);
    let mut through = 0;
    for (bucket, count) in counts {
        through += i128::from(*count);
        if through >= rank {
            return Some(middle(*bucket));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_exact_below_256_and_within_four_tenths_of_a_percent_above() {
        for number in (0..EXACT).chain((0..40).flat_map(|e| [-1, 0, 1, 77].map(|d| (1 << e) + d))) {
            let number = number.clamp(0, GREATEST);
            let told = middle(bucket(number));
            let error = (told - number).abs();
            assert!(error * 1_000 <= number * 4, "{number} is told as {told}");
            assert!(
                number >= EXACT || told == number,
                "{number} is told as {told}"
            );
            assert_eq!(middle(bucket(-number)), -told);
        }
        assert_eq!([i64::MAX, i64::MIN].map(bucket), [4_351, -4_351]);
    }

    #[test]
    fn buckets_ascend_with_numbers() {
        let large = (0..40).flat_map(|e| [1 << e, -(1 << e)]);
        let mut numbers: Vec<i64> = (-3_000..3_000).chain(large).collect();
        numbers.sort_unstable();
        assert!(numbers.is_sorted_by_key(|n| bucket(*n)));
    }

    #[test]
    fn a_percentile_is_the_nearest_rank_and_what_is_taken_out_leaves_no_trace() {
        let mut counts = Counts::new();
        for number in 1..=10 {
            put(&mut counts, bucket(number), 1);
        }
        let told = |counts: &Counts| [1, 500, 501, 900, 999].map(|p| percentile(counts, p));
        assert_eq!(told(&counts), [1, 5, 6, 9, 10].map(Some));
        let mut more = counts.clone();
        join(&mut more, &[(bucket(500), 3), (bucket(700), 2)], 1);
        assert_eq!(percentile(&more, 999), Some(middle(bucket(700))));
        join(&mut more, &[(bucket(500), 3), (bucket(700), 2)], -1);
        assert_eq!(more, counts);
        assert_eq!(percentile(&[], 500), None);
    }
}
