//! In: an instant. Kept: nothing. Out: how busy the hour, the day of the week and the day itself
//! are, 1 being the mean. Never knows: what comes.

use cx_model::time::{HOUR, Timestamp};

/// Which curve of the day something follows (hours are UTC).
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rhythm {
    /// Busy evenings.
    Visits,
    /// Open from 8 to 20, with peaks before and after noon.
    Contacts,
}

const VISITS: [f64; 24] = [
    2.0, 1.0, 1.0, 1.0, 1.0, 2.0, 4.0, 6.0, 8.0, 9.0, 10.0, 10.0, 11.0, 11.0, 10.0, 10.0, 10.0,
    10.0, 11.0, 12.0, 12.0, 10.0, 7.0, 4.0,
];
const CONTACTS: [f64; 24] = [
    0.2, 0.1, 0.1, 0.1, 0.1, 0.2, 0.5, 1.5, 7.0, 9.0, 12.0, 11.0, 8.0, 9.0, 12.0, 11.0, 9.0, 8.0,
    6.0, 4.0, 1.5, 0.8, 0.5, 0.3,
];
/// Monday to Sunday.
const WEEK: [f64; 7] = [1.25, 1.1, 1.1, 1.1, 1.1, 0.5, 0.85];
/// The busiest day's own factor; it is drawn evenly around 1 up to this.
const DAY: f64 = 1.3;

impl Rhythm {
    fn hours(self) -> &'static [f64; 24] {
        match self {
            Self::Visits => &VISITS,
            Self::Contacts => &CONTACTS,
        }
    }

    /// How busy it can become.
    pub(crate) fn peak(self) -> f64 {
        let hours = self.hours();
        let most = hours.iter().copied().fold(0.0, f64::max);
        most / mean(hours) * WEEK.iter().copied().fold(0.0, f64::max) * DAY
    }

    /// How busy it is.
    pub(crate) fn at(self, at: Timestamp, seed: u64) -> f64 {
        let hour = at.0.div_euclid(HOUR);
        let day = hour.div_euclid(24);
        let of = |n: i64| usize::try_from(n).unwrap_or(0);
        // 1 January 1970 was a Thursday.
        let week = WEEK[of((day + 3).rem_euclid(7))] / mean(&WEEK);
        let hours = self.hours();
        hours[of(hour.rem_euclid(24))] / mean(hours) * week * own_factor(day, seed)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a handful of weights")]
fn mean(weights: &[f64]) -> f64 {
    weights.iter().sum::<f64>() / weights.len() as f64
}

/// Some days are busier than others, and nobody knows why: 0.7 to 1.3, the same for one seed.
#[expect(clippy::cast_precision_loss, reason = "16 bits")]
fn own_factor(day: i64, seed: u64) -> f64 {
    let mixed = (day.unsigned_abs() ^ seed.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    2.0 - DAY + 2.0 * (DAY - 1.0) * ((mixed >> 48) as f64 / 65_535.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_many_weeks_the_mean_is_one_and_nothing_exceeds_the_peak() {
        for rhythm in [Rhythm::Visits, Rhythm::Contacts] {
            let all: Vec<f64> = (0..24 * 7 * 200)
                .map(|h| rhythm.at(Timestamp(h * HOUR), 5))
                .collect();
            assert!((mean(&all) - 1.0).abs() < 0.02, "{}", mean(&all));
            assert!(all.iter().all(|w| *w > 0.0 && *w <= rhythm.peak()));
        }
    }

    #[test]
    fn nights_are_quiet_and_mondays_busy() {
        // 2026-01-05 is a Monday.
        let monday = |h: i64| Timestamp(1_767_571_200_000 + h * HOUR);
        let calls = |at: Timestamp| Rhythm::Contacts.at(at, 1);
        assert!(calls(monday(3)) < 0.1 * calls(monday(10)));
        let saturday = monday(10).plus(5 * 24 * HOUR);
        assert!(calls(saturday) < calls(monday(10)));
    }
}
