//! In: verdicts. Kept: nothing. Out: them as they stand in `cx.alerts`, and back. Never knows: who reads.

use crate::cloud::Event;
use cx_catalog::alert::{Notify, Priority};
use cx_catalog::compiled::Compiled;
use cx_engine::judge::{Place, Ruling, State, Verdict};
use cx_model::time::Timestamp;
use serde::{Deserialize, Serialize};

const RAISED: &str = "cx.alert.raised.v1";
const CLEARED: &str = "cx.alert.cleared.v1";
const WITHDRAWN: &str = "cx.alert.withdrawn.v1";
const JUDGED: &str = "cx.alert.judged.v1";

/// A verdict as it is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Told {
    /// Of the alert; `alert` is its place among those of the KPI.
    pub(crate) id: String,
    /// The sealed second.
    pub(crate) s: i64,
    /// When it was raised.
    pub(crate) raised: i64,
    /// Which limit of which number.
    #[serde(flatten)]
    pub(crate) place: Place,
    /// The number, as it was shown; nothing where the definition is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) shown: Option<Shown>,
    /// What the alert says; with what raises it, so that the log needs no other to be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) meaning: Option<Meaning>,
}

/// The number that was judged.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Shown {
    pub(crate) value: Option<i64>,
    pub(crate) state: u8,
    pub(crate) n: i64,
    pub(crate) numerator: i64,
    pub(crate) denominator: Option<i64>,
}

/// What an alert says, in the words of its definition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Meaning {
    pub(crate) title: String,
    pub(crate) priority: Priority,
    pub(crate) when: String,
    pub(crate) clear: String,
    pub(crate) unit: String,
    pub(crate) scale: u8,
    pub(crate) owner: String,
    pub(crate) cause: String,
    pub(crate) next_step: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) notify: Vec<Notify>,
}

/// A record of `cx.alerts`.
pub(crate) enum Record {
    Verdict(Ruling, Box<Told>),
    State(State),
}

/// A verdict as bytes.
pub(crate) fn verdict(verdict: Verdict, set: &Compiled) -> Vec<u8> {
    let kind = match verdict.ruling {
        Ruling::Raised => RAISED,
        Ruling::Cleared => CLEARED,
        Ruling::Withdrawn => WITHDRAWN,
    };
    let word = kind.split('.').nth(2).unwrap_or_default();
    let id = format!("{}:{word}", verdict.id);
    let meaning = meaning(&verdict.place, set).filter(|_| verdict.ruling == Ruling::Raised);
    let told = Told {
        id: verdict.id,
        s: verdict.s,
        raised: verdict.raised,
        place: verdict.place,
        shown: verdict.shown.map(|v| Shown {
            value: v.value,
            state: v.state,
            n: v.n,
            numerator: v.numerator,
            denominator: v.denominator,
        }),
        meaning,
    };
    let at = Timestamp::from_second(told.s);
    Event::new(id, kind, at, told).bytes()
}

fn meaning(place: &Place, set: &Compiled) -> Option<Meaning> {
    let of = |a: &&cx_catalog::alert::CompiledAlert| {
        *a.kpi == *place.kpi && *a.definition == *place.definition && a.index == place.alert
    };
    let alert = set.alerts.iter().find(of)?;
    let cell = &set.cells[alert.cells.first()?.cell];
    let said = &alert.alert;
    Some(Meaning {
        title: cell.business_name.to_string(),
        priority: said.priority,
        when: said.when.clone(),
        clear: said.clear.clone(),
        unit: cell.unit.to_string(),
        scale: cell.scale,
        owner: said.owner.clone(),
        cause: said.cause.clone(),
        next_step: said.next_step.clone(),
        notify: said.notify.clone(),
    })
}

/// A judge's state as bytes.
pub(crate) fn state(state: &State) -> Vec<u8> {
    let s = state.through.unwrap_or_default();
    let at = Timestamp::from_second(s);
    Event::new(format!("judged:{s}"), JUDGED, at, state).bytes()
}

/// What a record says; `None` for one of another kind or release.
pub(crate) fn read(value: &[u8]) -> Option<Record> {
    let event: Event<&serde_json::value::RawValue> = serde_json::from_slice(value).ok()?;
    let ruling = match event.kind.as_str() {
        RAISED => Ruling::Raised,
        CLEARED => Ruling::Cleared,
        WITHDRAWN => Ruling::Withdrawn,
        JUDGED => {
            let state = serde_json::from_str(event.data.get()).ok()?;
            return Some(Record::State(state));
        }
        _ => return None,
    };
    let told = serde_json::from_str(event.data.get()).ok()?;
    Some(Record::Verdict(ruling, Box::new(told)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cx_engine::judge::{Saved, Standing};
    use cx_model::value::CellValue;

    fn place() -> Place {
        Place {
            kpi: "error_rate".to_owned(),
            definition: "d".to_owned(),
            window: "5m".to_owned(),
            dims: [("source".to_owned(), "payments".to_owned())].into(),
            alert: 1,
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let set = cx_catalog::load(std::path::Path::new("../../deploy/catalog"));
        let set = set.expect("the shipped one").compile(1);
        let written = Verdict {
            id: "0a".to_owned(),
            ruling: Ruling::Cleared,
            s: 7,
            raised: 5,
            place: place(),
            shown: Some(CellValue {
                value: Some(12),
                n: 3,
                ..CellValue::default()
            }),
        };
        let Some(Record::Verdict(ruling, told)) = read(&verdict(written, &set)) else {
            panic!("a verdict");
        };
        assert_eq!(
            (ruling, told.id.as_str(), told.s, told.raised),
            (Ruling::Cleared, "0a", 7, 5)
        );
        assert_eq!(
            (told.place, told.shown.and_then(|v| v.value)),
            (place(), Some(12))
        );
        let kept = State {
            through: Some(9),
            standing: vec![Saved {
                place: place(),
                standing: Standing::Pending { since: 3, seen: 9 },
            }],
        };
        let Some(Record::State(back)) = read(&state(&kept)) else {
            panic!("a state");
        };
        assert_eq!(back, kept);
        assert!(read(b"{}").is_none() && read(b"").is_none());
    }
}
