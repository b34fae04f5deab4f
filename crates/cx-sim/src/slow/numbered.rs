//! In: records with their names. Kept: nothing. Out: what is counted of the numbers that sources give.
//! Never knows: panes' sums, how partitions are joined.

use super::Part;
use super::conditions::measures;
use super::meaning::{Named, Outcome};
use super::versions::Version;
use cx_catalog::definition::{Agg, Kpi};
use cx_catalog::numbered::Numbered;
use cx_model::window::Window;
use std::collections::BTreeMap;

/// The number of one record of a source at log second `at`.
struct Came {
    at: i64,
    number: i64,
}

fn number(r: &Named) -> Option<i64> {
    let text = r.event["sequence"].as_str()?;
    let plain = text.chars().all(|c| c.is_ascii_digit());
    (plain && text.len() <= 18)
        .then(|| text.parse().ok())
        .flatten()
}

/// Whether a KPI counts what sources number.
pub(super) fn counts(kpi: &Kpi) -> bool {
    let all = measures(kpi);
    all.iter()
        .any(|m| matches!(m.agg, Agg::CountNumbered { .. }))
}

/// What of one source came in one window and breakdown.
pub(super) fn part(
    (version, of): (&Version<'_>, Numbered),
    sources: &[String],
    (window, dims): (Window, &BTreeMap<String, String>),
    logs: &[&[Named]],
    s: i64,
) -> Part {
    let wanted = dims.get("source").map_or("all", String::as_str);
    let named = sources
        .iter()
        .filter(|name| wanted == "all" || **name == wanted);
    let counts = named.map(|source| {
        let records = logs.iter().flat_map(|log| log.iter());
        let taken = records.filter(|r| {
            matches!(r.outcome, Outcome::Applied | Outcome::Late)
                && r.event["source"] == source.as_str()
                && version.judges(r, true)
        });
        let came = taken.filter_map(|r| {
            let at = r.log_time.second();
            number(r).map(|number| Came { at, number })
        });
        counted(of, &came.collect::<Vec<_>>(), window, s)
    });
    let n = counts.sum();
    Part {
        value: Some(n),
        n,
        restated: 0,
    }
}

fn counted(of: Numbered, came: &[Came], window: Window, s: i64) -> i64 {
    let (length, width) = (window.seconds(), window.pane_seconds());
    // The end of the newest pane, of which all before `s` is there.
    let end = ((s - 1).div_euclid(width) + 1) * width;
    let within = |from: i64, to: i64| {
        let all = came.iter().filter(move |c| c.at >= from && c.at < to);
        all.map(|c| c.number)
    };
    let now = || within(end - length, end);
    if of == Numbered::Received {
        return i64::try_from(now().count()).expect("few records");
    }
    let before = within(end - 2 * length, end - length).max();
    match (now().max(), before.or(now().min().map(|least| least - 1))) {
        (Some(highest), Some(from)) => (highest - from).max(0),
        _ => 0,
    }
}
