//! In: all numbers of a window. Kept: nothing. Out: a percentile. Never knows: buckets that add up.

/// The number of the nearest rank, as coarse as percentiles are told: seven bits below its highest
/// one, the middle of what shares them.
pub(super) fn percentile(mut numbers: Vec<i64>, per_mille: u16) -> Option<i64> {
    numbers.sort_unstable();
    let rank = (numbers.len() * usize::from(per_mille)).div_ceil(1_000);
    let number = *numbers.get(rank.max(1) - 1)?;
    let size = number.unsigned_abs().min((1 << 40) - 1);
    Some(number.signum() * told(i64::try_from(size).ok()?))
}

fn told(number: i64) -> i64 {
    let mut width = 1;
    while number / width > 255 {
        width *= 2;
    }
    let least = number / width * width;
    least + (width - 1) / 2
}
