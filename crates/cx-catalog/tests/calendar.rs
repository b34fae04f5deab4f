//! Calendars: business time and days over clocks that are turned; wrong ones, and what is said of them.

use cx_catalog::calendar::{Calendar, duration};
use cx_catalog::{Catalog, Diagnostic, load};
use cx_model::time::{HOUR, MINUTE, Timestamp};
use std::sync::Arc;

const KPI: &str = "kpi: k\nbusiness_name: K\nmeaning: A number.\ntype: simple\nmeasure: {agg: count}\nwindows: [15m]\nunit: count\n\
    decimals: 0\ndirection: none\nowners: {business: a, technical: b}\nexamples:\n  - {events: [{type: a}], window: 15m, value: 1}\n";
const CHANNEL: &str =
    "channels:\n  - {channel: email, medium: owned, sync: false, reply_target_s: 60}\n";
const GOOD: &str = "calendar: care\nzone: Europe/Berlin\nday_start: \"04:00\"\nhours:\n  \
    - {days: [mon, tue, wed, thu, fri], open: [\"08:00-12:00\", \"13:00-18:00\"]}\nholidays:\n  \
    - {date: 2026-12-24, name: Christmas Eve, open: [\"08:00-12:00\"]}\n  - {date: 2026-12-25}\n";

fn of(calendar: &str, channels: &str, kpi: &str) -> Result<Catalog, Vec<Diagnostic>> {
    let dir = tempfile::tempdir().expect("a folder");
    for folder in ["kpis", "boards", "sources", "calendars"] {
        std::fs::create_dir(dir.path().join(folder)).expect("made");
    }
    let write = |name: &str, text: &str| {
        std::fs::write(dir.path().join(name), text).expect("written");
    };
    write("channels.yaml", channels);
    write("calendars/care.yaml", calendar);
    write("kpis/k.yaml", kpi);
    load(dir.path()).map_err(|mut faults| {
        let folder = format!("{}/", dir.path().display());
        let short = |f: &mut Diagnostic| f.file = f.file.replace(&folder, "");
        faults.iter_mut().for_each(short);
        faults
    })
}

fn calendar(text: &str) -> Arc<Calendar> {
    let catalog = of(text, CHANNEL, KPI).unwrap_or_else(|faults| panic!("{}", faults[0]));
    let mut all = catalog.calendars.into_values();
    all.next().expect("there is one")
}

/// Open on every day of the week at these hours.
fn daily(zone: &str, begins: &str, open: &str) -> Arc<Calendar> {
    calendar(&format!(
        "calendar: care\nzone: {zone}\nday_start: \"{begins}\"\nhours:\n  - {{days: [mon, tue, wed, thu, fri, sat, sun], open: [\"{open}\"]}}\n"
    ))
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).expect(text)
}

#[test]
fn a_due_time_goes_over_breaks_weekends_and_holidays() {
    let care = calendar(GOOD);
    for (start, hours, due) in [
        // A Wednesday in winter: one hour before UTC.
        ("2026-12-23T15:00:00Z", 1, "2026-12-23T16:00:00Z"),
        ("2026-12-23T15:00:00Z", 2, "2026-12-23T17:00:00Z"),
        ("2026-12-23T15:00:00Z", 3, "2026-12-24T08:00:00Z"),
        // Closed on Christmas Day and at the weekend: Monday.
        ("2026-12-24T10:30:00Z", 1, "2026-12-28T07:30:00Z"),
        // Over the lunch break, and from inside it.
        ("2026-12-22T10:00:00Z", 2, "2026-12-22T13:00:00Z"),
        ("2026-12-22T11:30:00Z", 1, "2026-12-22T13:00:00Z"),
        // A Monday in summer: two hours.
        ("2026-07-06T02:00:00Z", 1, "2026-07-06T07:00:00Z"),
    ] {
        let found = care.due(at(start), hours * HOUR).expect("in its years");
        assert_eq!(found, at(due), "{start} + {hours} h");
        assert_eq!(care.between(at(start), found), hours * HOUR);
        let steps = care.explain(at(start), hours * HOUR);
        let last = steps.last().expect("at least one");
        assert_eq!((last.to, last.left_ms, last.open), (found, 0, true));
        assert_eq!(steps[0].from, at(start));
        assert!(steps.is_sorted_by(|a, b| a.to == b.from && a.open != b.open));
    }
    assert_eq!(care.due(at("2059-12-31T12:00:00Z"), 100 * HOUR), None);
    assert_eq!(
        care.between(at("1990-01-01T00:00:00Z"), at("1999-01-01T00:00:00Z")),
        0
    );
    assert_eq!(duration(9 * HOUR + 5 * MINUTE), "9 h 5 min");
}

#[test]
fn an_hour_that_a_clock_shows_twice_is_business_twice_and_one_it_skips_never() {
    let night = daily("Europe/Berlin", "00:00", "01:30-02:30");
    let open = |day: &str| {
        let from = at(&format!("{day}T00:00:00+01:00"));
        night.between(from, from.plus(24 * HOUR)) / MINUTE
    };
    assert_eq!(open("2026-03-28"), 60);
    assert_eq!(open("2026-03-29"), 30, "02:00 to 03:00 is skipped");
    let from = at("2026-10-25T00:00:00+02:00");
    let minutes: Vec<i64> = (0..=150)
        .filter(|m| {
            night.is_open(from.plus(m * MINUTE)) != night.is_open(from.plus((m - 1) * MINUTE))
        })
        .collect();
    assert_eq!(minutes, [90, 150], "open at 01:30, closed at 02:30");
    assert_eq!(night.between(from, from.plus(25 * HOUR)) / MINUTE, 90);
}

#[test]
fn days_have_23_to_25_hours_and_begin_where_midnight_is_missing_or_comes_twice() {
    let hours = |calendar: &Calendar, noon: &str| {
        let begins = calendar.day_start(at(noon).second());
        let next = calendar.day_start(begins + 27 * 3_600);
        let next = if next == begins { begins } else { next };
        (
            Timestamp::from_second(begins).to_rfc3339(),
            (next - begins) / 3_600,
        )
    };
    for (zone, begins, noon, day, long) in [
        (
            "Europe/Berlin",
            "00:00",
            "2026-03-29T10:00:00Z",
            "2026-03-28T23:00:00.000Z",
            23,
        ),
        (
            "Europe/Berlin",
            "00:00",
            "2026-10-25T10:00:00Z",
            "2026-10-24T22:00:00.000Z",
            25,
        ),
        (
            "Europe/Berlin",
            "02:30",
            "2026-03-29T10:00:00Z",
            "2026-03-29T01:00:00.000Z",
            23,
        ),
        // No midnight: clocks go from 00:00 to 01:00. And two of them.
        (
            "Africa/Cairo",
            "00:00",
            "2026-04-24T10:00:00Z",
            "2026-04-23T22:00:00.000Z",
            23,
        ),
        (
            "Atlantic/Azores",
            "00:00",
            "2026-10-25T16:00:00Z",
            "2026-10-25T00:00:00.000Z",
            25,
        ),
        (
            "Asia/Kathmandu",
            "00:00",
            "2026-06-01T06:00:00Z",
            "2026-05-31T18:15:00.000Z",
            24,
        ),
    ] {
        let found = hours(&daily(zone, begins, "09:00-17:00"), noon);
        assert_eq!(found, (day.to_owned(), long), "{zone} from {begins}");
    }
}

/// Everything that is said, word for word.
fn refused(name: &str, calendar: &str, channels: &str, kpi: &str) {
    let faults = of(calendar, channels, kpi).err().unwrap_or_default();
    let texts: Vec<String> = faults.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(name, texts.join("\n\n"));
}

#[test]
fn wrong_calendars_are_refused_at_their_place() {
    for (name, from, to) in [
        ("zone_misspelt", "Europe/Berlin", "Europe/Berln"),
        ("day_misspelt", "[mon, tue", "[monday, tue"),
        ("hours_past_midnight", "13:00-18:00", "22:00-06:00"),
        ("hours_overlap", "13:00-18:00", "11:00-18:00"),
        ("no_hours", "13:00-18:00", "1pm to 6pm"),
        ("begins_at_odd_minute", "04:00", "04:10"),
        ("holiday_twice", "2026-12-25", "2026-12-24"),
        ("no_date", "2026-12-25", "25.12.2026"),
        ("never_open", "[\"08:00-12:00\", \"13:00-18:00\"]", "[]"),
    ] {
        assert!(GOOD.contains(from), "{from}");
        refused(name, &GOOD.replacen(from, to, 1), CHANNEL, KPI);
    }
}

#[test]
fn who_names_a_calendar_must_have_one_and_need_one() {
    let channel = |rest: &str| CHANNEL.replace(", reply_target_s: 60", rest);
    let kpi = |windows: &str, rest: &str| {
        let text = KPI.replace("windows: [15m]", &format!("windows: [{windows}]"));
        format!("{text}{rest}")
    };
    refused(
        "channel_of_unknown_hours",
        GOOD,
        &channel(", reply_target_s: 60, calendar: cares"),
        KPI,
    );
    refused(
        "channel_without_a_promise",
        GOOD,
        &channel(", calendar: care"),
        KPI,
    );
    refused(
        "day_of_whom",
        GOOD,
        CHANNEL,
        &kpi("15m, day", "calendar: office\n"),
    );
    refused(
        "calendar_without_a_day",
        GOOD,
        CHANNEL,
        &kpi("15m", "calendar: care\n"),
    );
    let cumulative = |text: &str| text.replace("type: simple", "type: cumulative");
    refused(
        "cumulative_of_minutes",
        GOOD,
        CHANNEL,
        &cumulative(&kpi("15m, day", "")),
    );
    refused(
        "cumulative_ratio",
        GOOD,
        CHANNEL,
        &cumulative(KPI).replace(
            "measure: {agg: count}",
            "numerator: {agg: count}\ndenominator: {agg: count}",
        ),
    );
    refused(
        "cumulative_now",
        GOOD,
        CHANNEL,
        &cumulative(&kpi("now", ""))
            .replace("measure: {agg: count}", "gauge: {of: contact.waiting}"),
    );
}

#[test]
fn a_calendar_and_its_zone_data_are_part_of_the_set_and_of_the_kpis_that_go_by_it() {
    let day = KPI.replace("[15m]", "[15m, day]") + "calendar: care\n";
    let catalog = |calendar: &str| of(calendar, CHANNEL, &day).expect("right");
    let (one, other) = (catalog(GOOD), catalog(&GOOD.replace("13:00", "13:30")));
    assert_ne!(one.hash, other.hash);
    assert_ne!(one.kpis[0].hash, other.kpis[0].hash);
    let care = &one.calendars["care"];
    assert!(care.zone_data.starts_with("20"), "{}", care.zone_data);
    let told = serde_json::to_string(&one.kpis[0]).expect("plain data");
    assert!(told.contains(&care.zone_data), "{told}");
}
