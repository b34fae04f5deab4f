//! In: what somebody says of a second, and what the log says of it. Kept: nothing. Out: whether they
//! agree, and the first difference. Never knows: who says it.

use super::count::{Counted, Meaning};
use crate::show;
use cx_model::value::{CellValue, DATA_GAP};
use cx_sim::slow::Cell;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// One number with its parts, as HTTP shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Number {
    pub(crate) value: Option<i64>,
    pub(crate) state: u8,
    pub(crate) numerator: i64,
    pub(crate) denominator: Option<i64>,
    pub(crate) n: i64,
}

impl From<CellValue> for Number {
    fn from(v: CellValue) -> Self {
        Self {
            value: v.value,
            state: v.state,
            numerator: v.numerator,
            denominator: v.denominator,
            n: v.n,
        }
    }
}

/// What somebody says of one sealed second.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) s: i64,
    /// By partition.
    pub(crate) offsets: Vec<i64>,
    pub(crate) cells: BTreeMap<Cell, Number>,
    /// Hashes of the definitions by KPI.
    pub(crate) definitions: BTreeMap<String, String>,
}

/// The first thing that both do not say alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Difference {
    /// Another definition, or none; theirs first.
    Definition {
        kpi: String,
        hashes: [Option<String>; 2],
    },
    /// The second ends with other records; theirs first.
    Offsets([Vec<i64>; 2]),
    /// A number, or one that only one side has; theirs first.
    Number {
        cell: Cell,
        values: [Option<Number>; 2],
    },
}

/// How a comparison came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Numbers that both or one of them have.
    pub(crate) numbers: usize,
    pub(crate) equal: usize,
    /// Numbers that rest on records which are gone.
    pub(crate) unproven: usize,
    /// In how the second is judged or on which records it rests.
    pub(crate) ground: Option<Difference>,
    /// The first in a number.
    pub(crate) number: Option<Difference>,
}

impl Verdict {
    /// No number could be compared.
    pub(crate) fn proves_nothing(&self) -> bool {
        self.differences().next().is_none() && self.equal == 0
    }

    pub(crate) fn agrees(&self) -> bool {
        self.differences().next().is_none() && self.equal > 0
    }

    /// The first of each kind.
    pub(crate) fn differences(&self) -> impl Iterator<Item = &Difference> {
        self.ground.iter().chain(&self.number)
    }
}

/// Compares everything.
pub(crate) fn verdict(meaning: &Meaning, told: &Told, counted: &Counted) -> Verdict {
    let mut verdict = Verdict {
        numbers: 0,
        equal: 0,
        unproven: 0,
        ground: definitions(meaning, told),
        number: None,
    };
    if told.offsets != counted.offsets {
        let both = [told.offsets.clone(), counted.offsets.clone()];
        verdict.ground.get_or_insert(Difference::Offsets(both));
    }
    let mut all: Vec<&Cell> = told.cells.keys().chain(counted.cells.keys()).collect();
    all.sort_unstable();
    all.dedup();
    for cell in all {
        verdict.numbers += 1;
        let values = [told.cells.get(cell), counted.cells.get(cell)].map(Option::<&_>::copied);
        match judged(meaning, counted, cell, values) {
            Judged::Equal => verdict.equal += 1,
            Judged::Unproven => verdict.unproven += 1,
            Judged::Differs => {
                let cell = cell.clone();
                verdict
                    .number
                    .get_or_insert(Difference::Number { cell, values });
            }
        }
    }
    verdict
}

/// What is to be said of one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Judged {
    Equal,
    Unproven,
    Differs,
}

impl Judged {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::Unproven => "not provable",
            Self::Differs => "DIFFERS",
        }
    }
}

/// Judges one number; theirs first.
pub(crate) fn judged(
    meaning: &Meaning,
    counted: &Counted,
    cell: &Cell,
    values: [Option<Number>; 2],
) -> Judged {
    // Whether somebody has acknowledged that records are missing is no number; that they are is said.
    let mask = if counted.incomplete {
        !DATA_GAP
    } else {
        u8::MAX
    };
    let plain = |value: Number| Number {
        state: value.state & mask,
        ..value
    };
    let [theirs, ours] = values.map(|value| value.map(plain));
    let kpi = meaning.kpi(&cell.0);
    if let (Some(kpi), Some(_), Some(_)) = (kpi, theirs, ours)
        && !counted.proves(kpi, cell)
    {
        return Judged::Unproven;
    }
    if theirs == ours {
        Judged::Equal
    } else {
        Judged::Differs
    }
}

fn definitions(meaning: &Meaning, told: &Told) -> Option<Difference> {
    let ours: BTreeMap<&str, &str> = meaning
        .kpis
        .iter()
        .map(|k| (k.kpi.as_str(), k.hash.as_str()))
        .collect();
    let theirs = &told.definitions;
    let names = theirs
        .keys()
        .map(String::as_str)
        .chain(ours.keys().copied());
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    names.into_iter().find_map(|name| {
        let hashes = [
            theirs.get(name).map(String::as_str),
            ours.get(name).copied(),
        ];
        (hashes[0] != hashes[1]).then(|| Difference::Definition {
            kpi: name.to_owned(),
            hashes: hashes.map(|hash| hash.map(str::to_owned)),
        })
    })
}

impl Difference {
    /// In a sentence: who says what.
    pub(crate) fn words(&self, meaning: &Meaning) -> String {
        match self {
            Self::Definition { kpi, hashes } => {
                let [theirs, ours] = hashes.each_ref().map(|hash| match hash {
                    Some(hash) => format!("definition {}", hash.get(..12).unwrap_or(hash)),
                    None => "no such KPI".to_owned(),
                });
                format!("{kpi}: Watchfloor has {theirs}, the catalogue {ours}")
            }
            Self::Offsets([theirs, ours]) => format!(
                "Watchfloor says that the second rests on offsets {}, the log says {}",
                vector(theirs),
                vector(ours)
            ),
            Self::Number { cell, values } => {
                let [theirs, ours] = values.map(|value| number(meaning, cell, value));
                format!(
                    "{}: Watchfloor says {theirs}, the log says {ours}",
                    name(cell)
                )
            }
        }
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        match self {
            Self::Definition { kpi, hashes } => {
                json!({"what": "definition", "kpi": kpi, "watchfloor": hashes[0], "log": hashes[1]})
            }
            Self::Offsets([theirs, ours]) => {
                json!({"what": "offsets", "watchfloor": theirs, "log": ours})
            }
            Self::Number { cell, values } => json!({
                "what": "number", "kpi": cell.0, "window": cell.1.name(), "dims": cell.2,
                "watchfloor": values[0], "log": values[1],
            }),
        }
    }
}

/// `0:12 1:40`
pub(crate) fn vector(offsets: &[i64]) -> String {
    let pairs = offsets.iter().enumerate().map(|(p, o)| format!("{p}:{o}"));
    pairs.collect::<Vec<_>>().join(" ")
}

fn name(cell: &Cell) -> String {
    let (kpi, window, dims) = cell;
    format!("{kpi} {} {}", window.name(), show::dims(dims))
        .trim_end()
        .to_owned()
}

fn number(meaning: &Meaning, cell: &Cell, value: Option<Number>) -> String {
    let Some(v) = value else {
        return "nothing".to_owned();
    };
    let kpi = meaning.kpi(&cell.0);
    let (unit, decimals) = kpi.map_or(("", 0), |k| (k.unit.as_str(), k.decimals));
    let below = v.denominator.map_or("none".to_owned(), |d| d.to_string());
    let state = match show::state(v.state) {
        state if state.is_empty() => state,
        state => format!(", {state}"),
    };
    format!(
        "{} (numerator {}, denominator {below}, n {}{state})",
        show::value(v.value, unit, decimals),
        v.numerator,
        v.n
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recount::count::{Asked, count};
    use crate::recount::log::{Head, Log, Take};
    use cx_model::record::{Record, TimestampKind};
    use cx_model::time::{HOUR, Timestamp};
    use cx_model::value::RESTATED;
    use std::path::Path;

    /// 2026-01-01T00:00Z
    const BEGIN: i64 = 1_767_225_600_000;

    /// Orders, one a minute, from one partition.
    struct Orders {
        head: Head,
        many: i64,
    }

    impl Orders {
        fn new(low: i64, many: i64) -> Self {
            let head = Head {
                topic: "t".to_owned(),
                partitions: 1,
                lows: vec![low],
                gaps_are_losses: false,
                definitions: Vec::new(),
                length: None,
            };
            Self { head, many }
        }
    }

    impl Log for Orders {
        fn head(&self) -> &Head {
            &self.head
        }

        fn read(&mut self, _: Option<&[i64]>, take: Take<'_>) -> anyhow::Result<()> {
            for n in 0..self.many {
                let at = Timestamp(BEGIN + n * 60_000);
                let event = json!({
                    "specversion": "1.0", "id": n.to_string(), "source": "web-shop",
                    "type": "cx.commerce.order_placed.v1", "subject": "customer:1",
                    "data": {"channel": "web", "amount_minor": 1_000, "currency": "EUR"},
                });
                take(&Record {
                    partition: 0,
                    offset: self.head.lows[0] + n,
                    timestamp: at,
                    timestamp_kind: TimestampKind::Create,
                    key: None,
                    value: Some(event.to_string().as_bytes()),
                    control: None,
                    content_type: None,
                    attributes: &[],
                })?;
            }
            Ok(())
        }
    }

    fn meaning() -> Meaning {
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/catalog");
        Meaning::of(&cx_catalog::load(&shipped).expect("right"))
    }

    fn counted(meaning: &Meaning, log: &mut Orders) -> Counted {
        let newest = Asked::default();
        count((meaning, None), log, &newest, &mut |_| Ok(())).expect("counted")
    }

    fn told(meaning: &Meaning, counted: &Counted) -> Told {
        let hashes = meaning.kpis.iter().map(|k| (k.kpi.clone(), k.hash.clone()));
        Told {
            s: counted.s,
            offsets: counted.offsets.clone(),
            cells: counted.cells.clone(),
            definitions: hashes.collect(),
        }
    }

    fn orders(window: &str) -> impl Fn(&&Cell) -> bool {
        move |cell: &&Cell| cell.0 == "orders" && cell.1.name() == window
    }

    #[test]
    fn one_number_that_is_wrong_in_its_last_digit_or_its_state_is_found_and_told() {
        let meaning = meaning();
        let counted = counted(&meaning, &mut Orders::new(0, 30));
        let right = told(&meaning, &counted);
        let judge = |told: &Told| verdict(&meaning, told, &counted);
        assert!(judge(&right).agrees(), "{:?}", judge(&right));
        let orders = right.cells.keys().find(orders("15m")).expect("shipped");
        for change in [
            (|v| v.value = v.value.map(|v| v + 1)) as fn(&mut Number),
            |v| v.value = None,
            |v| v.state |= RESTATED,
            |v| v.n += 1,
            |v| v.numerator += 1,
        ] {
            let mut wrong = right.clone();
            change(wrong.cells.get_mut(orders).expect("there"));
            let found = judge(&wrong);
            assert!(!found.agrees());
            assert_eq!(found.equal, found.numbers - 1);
            let words = found.number.expect("one").words(&meaning);
            assert!(words.starts_with("orders 15m"), "{words}");
            assert!(words.contains("the log says 15 (numerator 15"), "{words}");
        }
        let mut missing = right.clone();
        missing.cells.remove(orders);
        let words = judge(&missing).number.expect("one").words(&meaning);
        assert!(words.contains("Watchfloor says nothing"), "{words}");
    }

    #[test]
    fn other_records_and_other_definitions_are_differences_of_their_own() {
        let meaning = meaning();
        let counted = counted(&meaning, &mut Orders::new(0, 5));
        let mut other = told(&meaning, &counted);
        other.offsets[0] += 1;
        let found = verdict(&meaning, &other, &counted);
        let words = found.ground.expect("one").words(&meaning);
        assert!(words.contains("offsets 0:5, the log says 0:4"), "{words}");
        let mut other = told(&meaning, &counted);
        other.definitions.remove("orders");
        let found = verdict(&meaning, &other, &counted);
        let words = found.ground.expect("one").words(&meaning);
        assert!(
            words.contains("orders: Watchfloor has no such KPI"),
            "{words}"
        );
    }

    #[test]
    fn what_rests_on_records_that_are_gone_is_not_provable_and_the_rest_is() {
        let meaning = meaning();
        let early = counted(&meaning, &mut Orders::new(7, 60));
        let mut other = told(&meaning, &early);
        let orders = |window: &str| other.cells.keys().find(orders(window)).cloned();
        let (short, long) = (orders("15m").expect("there"), orders("1h").expect("there"));
        for value in other.cells.values_mut() {
            value.value = Some(77);
        }
        let found = verdict(&meaning, &other, &early);
        assert_eq!((found.unproven, found.number), (found.numbers, None));
        // Three hours later what may have been repeated is forgotten, but not what is open.
        let late = counted(&meaning, &mut Orders::new(7, 180));
        let (records, open) = late.holds_from().expect("its beginning is gone");
        assert!(records.since(Timestamp(BEGIN)) < 2 * HOUR);
        assert!(open.since(Timestamp(BEGIN)) > 24 * HOUR);
        let proves = |cell: &Cell| late.proves(meaning.kpi(&cell.0).expect("there"), cell);
        assert!(proves(&short) && proves(&long));
        let of = |kpi: &str| late.cells.keys().find(|c| c.0 == kpi).expect("shipped");
        for remembers in ["source_age", "waiting_now", "oldest_waiting", "queue_wait"] {
            assert!(!proves(of(remembers)), "{remembers}");
        }
        let whole = counted(&meaning, &mut Orders::new(0, 3));
        assert_eq!(whole.holds_from(), None);
    }
}
