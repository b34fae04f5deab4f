//! Minutes that say which one they are, and how to keep and find them.

use crate::model::Model;
use cx_model::value::{CellValue, Sealed};
use cx_server::history::{Bounds, Cells, Error, Found, Opened, Pen, Span, Store, Taken};
use std::collections::VecDeque;

/// A whole quarter of an hour.
pub(crate) const BEGIN: i64 = 1_767_225_600;
pub(crate) const HOUR: i64 = 3_600;
pub(crate) const DAY: i64 = 24 * HOUR;
pub(crate) const ROOMY: Bounds = Bounds { bytes: 1 << 30 };

/// Cells named `k0|`, `k1|` … of a set.
pub(crate) fn cells(set: &str, names: &[u32]) -> Cells {
    Cells {
        set: set.to_owned(),
        keys: names.iter().map(|n| format!("k{n}|")).collect(),
    }
}

/// The value of a cell at a minute.
pub(crate) fn value(s: i64, name: u32) -> CellValue {
    let n = s / 60 * i64::from(name + 1);
    CellValue {
        value: (n % 7 != 0).then_some(n),
        state: u8::try_from(n % 16).expect("small"),
        numerator: -n,
        denominator: (n % 3 != 0).then_some(n + 1),
        n: n % 1_000,
        restated: [n % 5, n % 2],
    }
}

/// A minute as it was sealed.
pub(crate) fn sealed(s: i64, names: &[u32]) -> Sealed {
    Sealed {
        s,
        sealed: true,
        offsets: [s, s + 1].into(),
        values: names.iter().map(|n| value(s, *n)).collect(),
        final_through: s - 120,
        waiting_for: Vec::new(),
    }
}

/// What must be found of it.
pub(crate) fn found(s: i64, names: &[u32]) -> Found {
    Found {
        s,
        final_through: s - 120,
        offsets: vec![s, s + 1],
        cells: names.iter().map(|n| Some(value(s, *n))).collect(),
    }
}

pub(crate) fn open(model: &Model, ours: &Cells) -> (Store<Model>, Opened) {
    Store::open(model.clone(), ROOMY, ours.clone()).expect("a healthy disk")
}

/// Keeps minutes; what became of them.
pub(crate) fn keep(
    store: &Store<Model>,
    pen: &mut Pen,
    minutes: impl IntoIterator<Item = Sealed>,
) -> Result<Taken, Error> {
    let mut waiting: VecDeque<Sealed> = minutes.into_iter().collect();
    let mut taken = Taken::default();
    store.append(pen, &mut waiting, &mut taken)?;
    assert!(waiting.is_empty());
    Ok(taken)
}

/// All minutes there are.
pub(crate) fn all(store: &Store<Model>) -> Vec<i64> {
    store.listed(Span {
        from: 0,
        to: i64::MAX,
        step: 60,
    })
}
