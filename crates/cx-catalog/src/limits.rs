//! In: `limits.yaml`. Kept: nothing. Out: the bounds of the set. Never knows: how much memory there is.

use crate::diagnostic::Page;
use crate::form::Form;
use cx_model::limits::Limits;
use serde::Deserialize;
use serde_saphyr::Spanned;

/// The fields of `limits.yaml`.
pub(crate) const FORM: Form = Form {
    what: "the list of limits",
    required: &[],
    optional: &[
        "customers",
        "contacts",
        "conversations",
        "repeats",
        "clamp_s",
    ],
};

/// Most that a table may be told to hold: what a partition's other parts can point to.
const MOST: u32 = 100_000_000;
/// Rings of panes reach no further ahead.
const CLAMP_S: u32 = 300;

/// Bounds per partition that differ from the usual ones.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawLimits {
    customers: Option<Spanned<u32>>,
    contacts: Option<Spanned<u32>>,
    conversations: Option<Spanned<u32>>,
    repeats: Option<Spanned<u32>>,
    /// How far ahead of log time stamps are believed, seconds.
    clamp_s: Option<Spanned<u32>>,
}

/// The usual bounds, with those of the file in their place.
pub(crate) fn limits(raw: &RawLimits, page: &mut Page<'_>) -> Limits {
    let mut limits = Limits::default();
    for (name, told, limit) in [
        ("customers", &raw.customers, &mut limits.customers),
        ("contacts", &raw.contacts, &mut limits.contacts),
        (
            "conversations",
            &raw.conversations,
            &mut limits.conversations,
        ),
        ("repeats", &raw.repeats, &mut limits.repeats),
    ] {
        let Some(told) = told else {
            continue;
        };
        if !(1..=MOST).contains(&told.value) {
            let message = format!("{name} is out of bounds");
            let fix = format!("write 1 to {MOST}, for one partition");
            page.fault(told.referenced, message, fix);
        }
        *limit = told.value as usize;
    }
    if let Some(clamp) = &raw.clamp_s {
        if !(1..=CLAMP_S).contains(&clamp.value) {
            let fix = format!("write 1 to {CLAMP_S} seconds; {CLAMP_S} is usual");
            page.fault(clamp.referenced, "clamp_s is out of bounds", fix);
        }
        limits.clamp_ms = i64::from(clamp.value) * 1_000;
    }
    limits
}
