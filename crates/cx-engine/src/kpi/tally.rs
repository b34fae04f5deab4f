//! In: whole numbers. Kept: how often each bucket of a log-linear scale was met. Out: percentiles.
//! Never knows: what a number means, which pane it came from.
//!
//! A bucket is an exponent and seven bits: exact below 256, wider by one bit at every power of two
//! above; its middle lies within 0.4 % of all that it holds. Counts are signed, so what was put in
//! can be taken out again, and two tallies become one by adding.

use smallvec::SmallVec;
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

/// Adds to one bucket, or whatever is counted in ascending order.
pub(crate) fn put<K: Ord + Copy>(counts: &mut Vec<(K, i64)>, bucket: K, by: i64) {
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

/// How many buckets are met by going through all of both at the price of looking for one.
const LOOK: usize = 16;

/// Adds `sign` times all that another holds.
pub(crate) fn join(
    counts: &mut Counts,
    other: impl ExactSizeIterator<Item = (i16, i64)>,
    sign: i64,
) {
    let few = other.len() * LOOK < counts.len();
    let (mut at, mut emptied) = (0, false);
    let mut fresh: SmallVec<[(i16, i64); 32]> = SmallVec::new();
    for (bucket, count) in other {
        let (rest, count) = (&counts[at..], count.wrapping_mul(sign));
        at += if few {
            rest.partition_point(|(b, _)| *b < bucket)
        } else {
            let further = rest.iter().position(|(b, _)| *b >= bucket);
            further.unwrap_or(rest.len())
        };
        match counts.get_mut(at) {
            Some((b, own)) if *b == bucket => {
                *own = own.wrapping_add(count);
                emptied |= *own == 0;
            }
            _ => fresh.push((bucket, count)),
        }
    }
    insert(counts, &fresh);
    if emptied {
        counts.retain(|(_, count)| *count != 0);
    }
}

/// Puts buckets that it does not have in their places; from behind, so that nothing is moved twice.
fn insert(counts: &mut Counts, fresh: &[(i16, i64)]) {
    let mut own = counts.len();
    counts.resize(own + fresh.len(), (0, 0));
    for (before, (bucket, count)) in fresh.iter().enumerate().rev() {
        let first = counts[..own].partition_point(|(b, _)| b < bucket);
        counts.copy_within(first..own, first + before + 1);
        counts[first + before] = (*bucket, *count);
        own = first;
    }
}

/// Up to so many buckets are sorted; of more each has its place.
const FEW: usize = 64;

/// One tally of several, which stand in no order.
pub(crate) fn together(tallies: &[&Tally], places: &mut Vec<i64>) -> Tally {
    match tallies {
        [] => return Tally::default(),
        [one] => return Arc::clone(one),
        _ => {}
    }
    let all = || tallies.iter().flat_map(|t| t.iter().copied());
    let size = tallies.iter().map(|t| t.len()).sum();
    let mut joined = Counts::with_capacity(size);
    if size <= FEW {
        let mut few: SmallVec<[(i16, i64); FEW]> = all().collect();
        few.sort_unstable_by_key(|(bucket, _)| *bucket);
        for (bucket, count) in few {
            match joined.last_mut() {
                Some((last, own)) if *last == bucket => *own = own.wrapping_add(count),
                _ => joined.push((bucket, count)),
            }
        }
        joined.retain(|(_, count)| *count != 0);
    } else if let Some(least) = spread(all(), places) {
        let counted = places.iter().zip(least..);
        let counted = counted.filter(|(count, _)| **count != 0);
        joined.extend(counted.map(|(count, bucket)| (bucket, *count)));
    }
    joined.shrink_to_fit();
    Arc::new(joined)
}

/// Counts every bucket at its place, from the least of them on, which is returned; `None` where there is none.
fn spread(counts: impl Iterator<Item = (i16, i64)> + Clone, places: &mut Vec<i64>) -> Option<i16> {
    let buckets = counts.clone().map(|(bucket, _)| (bucket, bucket));
    let (least, greatest) = buckets.reduce(|(a, b), (c, d)| (a.min(c), b.max(d)))?;
    let at = |bucket: i16| usize::from(bucket.abs_diff(least));
    places.clear();
    places.resize(at(greatest) + 1, 0);
    for (bucket, count) in counts {
        let own = &mut places[at(bucket)];
        *own = own.wrapping_add(count);
    }
    Some(least)
}

/// The number that `per_mille` of 1,000 in all of these do not exceed (nearest rank); `None` where there is none.
pub(crate) fn percentile<'t>(
    tallies: impl Iterator<Item = &'t [(i16, i64)]> + Clone,
    per_mille: u16,
) -> Option<i64> {
    let mut counts = Vec::new();
    let least = spread(tallies.flatten().copied(), &mut counts)?;
    let all: i128 = counts.iter().map(|c| i128::from(*c)).sum();
    let rank = (all * i128::from(per_mille) + 999).div_euclid(1_000).max(1);
    let mut through = 0;
    for (bucket, count) in (least..).zip(counts) {
        through += i128::from(count);
        // None is told that nothing lies in.
        if count != 0 && through >= rank {
            return Some(middle(bucket));
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
        let one = |counts: &Counts, p| percentile([&**counts].into_iter(), p);
        let told = |counts: &Counts| [1, 500, 501, 900, 999].map(|p| one(counts, p));
        assert_eq!(told(&counts), [1, 5, 6, 9, 10].map(Some));
        let mut more = counts.clone();
        join(
            &mut more,
            [(bucket(500), 3), (bucket(700), 2)].into_iter(),
            1,
        );
        assert_eq!(one(&more, 999), Some(middle(bucket(700))));
        join(
            &mut more,
            [(bucket(500), 3), (bucket(700), 2)].into_iter(),
            -1,
        );
        assert_eq!(more, counts);
        assert_eq!(one(&Counts::new(), 500), None);
        let halves = [&counts[..3], &[], &counts[3..], &[(-9, 1), (4_000, 1)]];
        let both = [500, 999].map(|p| percentile(halves.into_iter(), p));
        assert_eq!(both, [Some(5), Some(middle(4_000))]);
    }

    #[test]
    fn several_together_are_one_joined_after_the_other() {
        let tally = |from: i16, to: i16, step: usize, count: i64| {
            let buckets = (from..to).step_by(step);
            Tally::new(buckets.map(|b| (b, count + i64::from(b % 2))).collect())
        };
        let few = [tally(-9, 3, 2, 5), tally(2, 6, 1, 3), tally(-9, 3, 2, -3)];
        let many = [
            tally(-4_000, 4_000, 7, 2),
            tally(-3, 90, 1, 4),
            tally(0, 90, 3, -4),
        ];
        for tallies in [&few[..], &many, &few[..1], &[]] {
            let mut expected = Counts::new();
            let each = tallies.iter();
            each.for_each(|t| join(&mut expected, t.iter().copied(), 1));
            let all: Vec<&Tally> = tallies.iter().collect();
            assert_eq!(*together(&all, &mut vec![7; 3]), expected);
        }
    }

    #[test]
    fn joining_is_putting_one_bucket_after_the_other() {
        let many: Counts = (0..200).map(|b| (b * 2, 3)).collect();
        let half: Counts = (0..100).map(|b| (b * 3 - 60, i64::from(b) - 3)).collect();
        let half: Counts = half.into_iter().filter(|(_, c)| *c != 0).collect();
        let few = [
            vec![(100, -3), (101, 2)],
            vec![(0, -3), (398, 1)],
            vec![(-5, 1), (999, -1)],
            vec![],
        ];
        for other in few.into_iter().chain([half, many.clone()]) {
            for (into, from) in [(&many, &other), (&other, &many)] {
                for sign in [1, -1] {
                    let (mut joined, mut one_by_one) = (into.clone(), into.clone());
                    join(&mut joined, from.iter().copied(), sign);
                    let each = from.iter();
                    each.for_each(|(bucket, count)| put(&mut one_by_one, *bucket, sign * count));
                    assert_eq!(joined, one_by_one);
                }
            }
        }
    }
}
