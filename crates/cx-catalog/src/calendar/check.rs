//! In: what a calendar file says. Kept: nothing. Out: a checked [`Calendar`], or faults with places.
//! Never knows: who goes by it.

use super::raw::RawCalendar;
use super::zone::{self, Zone};
use super::{Calendar, Hours, YEARS};
use crate::check::technical;
use crate::diagnostic::{Page, did_you_mean};
use serde_saphyr::Spanned;
use std::collections::BTreeMap;
use std::sync::Arc;

/// All calendars of a catalogue by name.
pub(crate) type Calendars = BTreeMap<String, Arc<Calendar>>;

/// Days of the week as they are written.
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// Most open hours of one day.
const A_DAY: usize = 8;
/// Minutes of a day.
const DAY: u16 = 1_440;

/// The calendar of that name, or a fault.
pub(crate) fn named(
    name: &Spanned<String>,
    known: &Calendars,
    page: &mut Page<'_>,
) -> Option<Arc<Calendar>> {
    let found = known.get(&name.value);
    if found.is_none() {
        let fix = if known.is_empty() {
            "write it as calendars/NAME.yaml first".to_owned()
        } else {
            did_you_mean(&name.value, known.keys().map(String::as_str))
        };
        page.fault(
            name.referenced,
            format!("unknown calendar {:?}", name.value),
            fix,
        );
    }
    found.cloned()
}

/// Checks what a file says; `None` where it cannot be a calendar.
pub(crate) fn read(raw: &RawCalendar, page: &mut Page<'_>) -> Option<Calendar> {
    let name = &raw.calendar;
    if !technical(&name.value, 48) {
        let message = format!("{:?} is no technical name", name.value);
        let fix = "use lower-case letters, digits and _, at most 48";
        page.fault(name.referenced, message, fix);
    }
    let day_start = raw.day_start.as_ref().map_or(0, |t| begins(t, page));
    let week = week(raw, page);
    let holidays = holidays(raw, page);
    let Some(zone) = Zone::find(&raw.zone.value) else {
        let known = Zone::names().filter(|z| z.contains('/') && !z.starts_with("Etc/"));
        page.fault(
            raw.zone.referenced,
            format!("unknown zone {:?}", raw.zone.value),
            did_you_mean(&raw.zone.value, known),
        );
        return None;
    };
    if !page.faults.is_empty() {
        return None;
    }
    let mut calendar = Calendar {
        calendar: name.value.clone(),
        zone: raw.zone.value.clone(),
        day_start,
        week,
        holidays,
        zone_data: zone::version().to_owned(),
        table: super::Table::default(),
    };
    calendar.table = zone.table(&calendar);
    if !zone::quarters(&calendar.table.days) {
        page.fault(
            raw.zone.referenced,
            format!(
                "days of {} do not begin on a quarter of an hour",
                calendar.zone
            ),
            "take a zone whose offset is a multiple of 15 minutes, or UTC",
        );
    }
    Some(calendar)
}

fn begins(text: &Spanned<String>, page: &mut Page<'_>) -> u16 {
    let found = minutes(&text.value).filter(|m| *m < DAY && m.is_multiple_of(15));
    if found.is_none() {
        page.fault(
            text.referenced,
            format!("a day cannot begin at {:?}", text.value),
            "write a quarter of an hour from \"00:00\" to \"23:45\", e.g. \"04:00\"",
        );
    }
    found.unwrap_or(0)
}

fn week(raw: &RawCalendar, page: &mut Page<'_>) -> [Vec<Hours>; 7] {
    let mut week: [Option<Vec<Hours>>; 7] = Default::default();
    for row in &raw.hours {
        let open = hours(&row.open, page);
        for day in &row.days {
            match DAYS.iter().position(|d| *d == day.value) {
                None => {
                    let fix = did_you_mean(&day.value, DAYS);
                    let message = format!("unknown day {:?}", day.value);
                    page.fault(day.referenced, message, fix);
                }
                Some(i) if week[i].is_some() => {
                    let message = format!("{} has hours already", day.value);
                    let fix = "put all hours of a day into one list, e.g. open: [\"08:00-12:00\", \"13:00-18:00\"]";
                    page.fault(day.referenced, message, fix);
                }
                Some(i) => week[i] = Some(open.clone()),
            }
        }
    }
    if week.iter().flatten().all(Vec::is_empty) && page.faults.is_empty() {
        page.fault(
            raw.calendar.referenced,
            "the calendar is never open",
            "write hours: [{days: [mon, tue, wed, thu, fri], open: [\"09:00-17:00\"]}]",
        );
    }
    week.map(Option::unwrap_or_default)
}

fn holidays(raw: &RawCalendar, page: &mut Page<'_>) -> BTreeMap<String, Vec<Hours>> {
    let mut all = BTreeMap::new();
    for holiday in &raw.holidays {
        let open = hours(&holiday.open, page);
        let date = &holiday.date;
        if let Some(name) = &holiday.name
            && name.value.trim().is_empty()
        {
            page.fault(
                name.referenced,
                "the name is empty",
                "write it, or leave it out",
            );
        }
        let known = zone::date(&date.value).filter(|d| (YEARS.0..YEARS.1).contains(&d.year()));
        if known.is_none() {
            page.fault(
                date.referenced,
                format!(
                    "{:?} is no date of {} to {}",
                    date.value,
                    YEARS.0,
                    YEARS.1 - 1
                ),
                "write it as 2026-12-25",
            );
        } else if all.insert(date.value.clone(), open).is_some() {
            let message = format!("{} stands twice", date.value);
            page.fault(date.referenced, message, "remove one");
        }
    }
    all
}

/// Open hours of one day, ascending and apart.
fn hours(texts: &[Spanned<String>], page: &mut Page<'_>) -> Vec<Hours> {
    let mut all: Vec<Hours> = Vec::new();
    if let Some(text) = texts.get(A_DAY) {
        let message = format!("more than {A_DAY} open hours a day");
        page.fault(text.referenced, message, "join those that touch");
    }
    for text in texts {
        let found = text.value.split_once('-');
        let found = found.and_then(|(from, to)| Some((minutes(from.trim())?, minutes(to.trim())?)));
        match found {
            None => page.fault(
                text.referenced,
                format!("{:?} are no hours", text.value),
                "write them as \"08:00-12:00\", from \"00:00\" to \"24:00\"",
            ),
            Some((from, to)) if from >= to => page.fault(
                text.referenced,
                format!("{:?} ends before it begins", text.value),
                "write hours of one date; what goes past midnight is \"22:00-24:00\" and \"00:00-06:00\" of the next day",
            ),
            Some((from, _)) if all.last().is_some_and(|(_, last)| from < *last) => page.fault(
                text.referenced,
                format!("{:?} begins before the hours before it end", text.value),
                "write them in order, none inside another",
            ),
            Some(hours) => all.push(hours),
        }
    }
    all
}

/// `HH:MM` as minutes, `24:00` included.
fn minutes(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let number = |t: &str| {
        let two = t.len() == 2 && t.bytes().all(|b| b.is_ascii_digit());
        two.then(|| t.parse::<u16>().ok()).flatten()
    };
    let (hour, minute) = (number(hour)?, number(minute)?);
    let all = hour * 60 + minute;
    (minute < 60 && all <= DAY).then_some(all)
}
