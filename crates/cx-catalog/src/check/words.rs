//! In: names, owners, status, direction of a KPI file. Out: faults. Never knows: formulas.

use super::Checker;
use crate::definition::Direction;
use crate::raw::RawKpi;
use cx_model::time::Timestamp;
use serde_saphyr::Spanned;

/// Most decimals a KPI shows.
const DECIMALS: u8 = 4;
/// Largest scaled target or example, so that no product leaves 64 bits.
const LARGEST: f64 = 1e15;

impl Checker<'_, '_> {
    pub(super) fn words(&mut self, raw: &RawKpi) {
        let name = &raw.kpi.value;
        if !technical(name, 48) {
            self.fault(
                &raw.kpi,
                format!("{name:?} is no technical name"),
                "use lower-case letters, digits and _, at most 48",
            );
        }
        for (text, what, most) in [
            (&raw.business_name, "business_name", 40),
            (&raw.meaning, "meaning", 300),
            (&raw.owners.business, "the business owner", 80),
            (&raw.owners.technical, "the technical owner", 80),
        ] {
            self.line(text, what, most);
        }
        if raw.decimals.value > DECIMALS {
            self.fault(
                &raw.decimals,
                format!("more than {DECIMALS} decimals"),
                format!("write 0 to {DECIMALS}"),
            );
        }
        if let Some(status) = &raw.status
            && !["draft", "proposed"].contains(&status.value.as_str())
        {
            self.fault(
                status,
                format!("a file cannot say {:?}", status.value),
                "write draft or proposed: a file can propose, never sign",
            );
        }
        if let Some(from) = &raw.effective_from
            && let Err(why) = Timestamp::parse_rfc3339(&from.value)
        {
            self.fault(
                from,
                format!("{:?} is no time: {why}", from.value),
                "write it as 2026-12-01T00:00:00Z",
            );
        }
    }

    /// One line that says something.
    pub(super) fn line(&mut self, text: &Spanned<String>, what: &str, most: usize) {
        if text.value.trim().is_empty() {
            self.fault(
                text,
                format!("{what} is empty"),
                "write it: a number without it cannot be agreed on",
            );
        } else if text.value.trim().contains('\n') || text.value.chars().count() > most {
            self.fault(
                text,
                format!("{what} is longer than one line of {most} characters"),
                "shorten it",
            );
        }
    }

    pub(super) fn direction(&mut self, raw: &RawKpi) -> Direction {
        match raw.direction.value.as_str() {
            "up" => Direction::Up,
            "down" => Direction::Down,
            "none" => Direction::None,
            other => {
                self.fault(
                    &raw.direction,
                    format!("unknown direction {other:?}"),
                    "write up, down or none",
                );
                Direction::None
            }
        }
    }

    /// A number in shown units as a scaled integer; more decimals than are shown are a fault.
    pub(super) fn scaled(&mut self, raw: &RawKpi, value: &Spanned<f64>) -> Option<i64> {
        let decimals = raw.decimals.value.min(DECIMALS);
        let found = scale(value.value, decimals);
        if found.is_none() {
            let small = value.value.is_finite() && value.value.abs() < LARGEST;
            let (message, fix) = if small {
                let message = format!("{} has more decimals than are shown", value.value);
                let fix = format!("round it, or raise `decimals`, which is {decimals}");
                (message, fix)
            } else {
                let message = "this is no number that can be shown".to_owned();
                (message, "write a smaller number".to_owned())
            };
            self.fault(value, message, fix);
        }
        found
    }
}

/// Scales a decimal; `None` where it has more decimals than that or is too large.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a whole number below 10^15 fits"
)]
pub(crate) fn scale(value: f64, decimals: u8) -> Option<i64> {
    let scaled = value * 10_f64.powi(i32::from(decimals));
    let whole = scaled.round();
    let exact = (scaled - whole).abs() < 1e-6 && whole.abs() < LARGEST;
    exact.then_some(whole as i64)
}

/// Lower-case letters, digits and `_`, at least one.
pub(crate) fn technical(name: &str, most: usize) -> bool {
    let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    !name.is_empty() && name.len() <= most && name.bytes().all(good)
}
