//! In: YAML. Kept: nothing. Out: what a calendar file says, with places, before it is checked.
//! Never knows: zones.

use crate::form::Form;
use serde::Deserialize;
use serde_saphyr::Spanned;

/// The fields of a calendar file.
pub(crate) const FORM: Form = Form {
    what: "a calendar",
    required: &[
        ("calendar", "write calendar: technical_name"),
        ("zone", "write zone: an IANA zone such as Europe/Berlin"),
        (
            "hours",
            "write hours: [{days: [mon, tue, wed, thu, fri], open: [\"09:00-17:00\"]}]",
        ),
    ],
    optional: &["day_start", "holidays"],
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawCalendar {
    pub(crate) calendar: Spanned<String>,
    pub(crate) zone: Spanned<String>,
    pub(crate) day_start: Option<Spanned<String>>,
    pub(crate) hours: Vec<RawHours>,
    #[serde(default)]
    pub(crate) holidays: Vec<RawHoliday>,
}

/// Hours of some days of the week.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawHours {
    pub(crate) days: Vec<Spanned<String>>,
    pub(crate) open: Vec<Spanned<String>>,
}

/// A date with hours of its own; none: closed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawHoliday {
    pub(crate) date: Spanned<String>,
    #[serde(default)]
    pub(crate) name: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) open: Vec<Spanned<String>>,
}
