//! In: verdicts of the judge, acts of people. Kept: alerts as the two topics say them. Out: what needs
//! somebody, for screens, programs and receivers. Never knows: how a number is judged.
//!
//! Both topics are read back: an alert is what stands in `cx.alerts`, whoever acts first is first in
//! `cx.actions`. A start reads them from the beginning and knows the same.

mod acts;
mod bench;
mod book;
mod reader;
mod record;
mod telling;
mod told;

pub(crate) use acts::{Deeds, fit, kind};
pub(crate) use bench::Bench;
pub(crate) use reader::{remember, run};

use crate::cast::Person;
use book::Book;
use cx_catalog::compiled::Compiled;
use cx_engine::judge::State;
use cx_gateway::alerts::AlertPage;
use cx_model::value::CellInfo;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use tokio::sync::oneshot;

/// Alerts of the house, shared by its threads.
#[derive(Default)]
pub(crate) struct Alerts {
    book: Mutex<Book>,
    /// What the judge goes on from.
    begin: Mutex<State>,
    /// The newest second judged.
    s: AtomicI64,
    /// Sealed seconds that were not judged, for the topic took nothing.
    skipped: AtomicU64,
    /// Who waits for their act to come back from its topic.
    waiting: Mutex<BTreeMap<String, oneshot::Sender<Result<(), String>>>>,
}

impl Alerts {
    fn book(&self) -> std::sync::MutexGuard<'_, Book> {
        self.book.lock().expect("no holder panics")
    }

    /// What `/v1/alerts` says.
    pub(crate) fn page(
        &self,
        all: bool,
        cast: &[Person],
        reaches: impl Fn(&str) -> bool,
    ) -> AlertPage {
        told::page(&self.book(), self.second(), all, cast, reaches)
    }

    /// How many are open, by priority and state; every pair is there.
    pub(crate) fn counts(&self) -> BTreeMap<(&'static str, &'static str), u64> {
        told::counts(&self.book(), self.second())
    }

    /// Sealed seconds that nobody judged.
    pub(crate) fn skipped(&self) -> u64 {
        self.skipped.load(Ordering::Relaxed)
    }

    /// Whether an act fits what is so.
    ///
    /// # Errors
    /// Why not, in words.
    pub(crate) fn check(&self, deeds: &Deeds) -> Result<(), String> {
        self.book().fits(deeds, self.second())
    }

    /// Told once the act of this id was read back: whether it still fitted then.
    pub(crate) fn await_act(&self, id: &str) -> oneshot::Receiver<Result<(), String>> {
        let (tell, told) = oneshot::channel();
        let mut waiting = self.waiting.lock().expect("no holder panics");
        waiting.retain(|_, tell| !tell.is_closed());
        waiting.insert(id.to_owned(), tell);
        told
    }

    fn came_back(&self, id: &str, outcome: Result<(), String>) {
        let tell = self.waiting.lock().expect("no holder panics").remove(id);
        if let Some(tell) = tell {
            // Whoever asked may have gone.
            drop(tell.send(outcome));
        }
    }

    fn second(&self) -> i64 {
        self.s.load(Ordering::Relaxed)
    }
}

/// The alerts of a set as cells of boards.
pub(crate) fn cells(set: &Compiled) -> Vec<CellInfo> {
    let all = set.alerts.iter().flat_map(|alert| {
        let cells = alert.cells.iter();
        cells.map(move |cell| (alert.index, &set.cells[cell.cell]))
    });
    all.map(|(index, number)| {
        let mut cell = number.clone();
        cell.key.dims.insert("alert".to_owned(), index.to_string());
        cell.unit = "alert".into();
        (cell.scale, cell.target, cell.direction) = (0, None, "none");
        cell
    })
    .collect()
}
