//! In: an engine between two records. Kept: one cut of its state. Out: blocks, from which the same
//! engine is made again. Never knows: files, bytes.
//!
//! A cut shares or copies: what is small is copied at once, tables and chunks are copied by the engine
//! before it first changes them. So taking one holds the engine up for some milliseconds at most, and
//! another thread may turn it into blocks while the engine goes on. What follows from other state
//! (timers, sums over windows, gauges, indices) is in no block; it is made again.

use super::Engine;
use super::decisions::Place;
use crate::account::Account;
use crate::engine::Config;
use crate::kpi::distinct::{Row, Told};
use crate::kpi::lasting::{Packed, Panes};
use crate::kpi::meter::Measured;
use crate::kpi::objects::Family;
use crate::plan::Plan;
use crate::state::attempts::Entity;
use crate::state::cases::Case;
use crate::state::contacts::Contact;
use crate::state::conversations::Conversation;
use crate::state::customers::{Customer, CustomersCut};
use crate::state::shards::Table;
use cx_model::ids::Key128;
use cx_model::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One piece of a cut; their order is that of [`Cut::blocks`]. At most a chunk or a table each.
#[derive(Debug, Serialize, Deserialize)]
pub struct Block(Piece);

#[derive(Debug, Serialize, Deserialize)]
enum Piece {
    Head(Box<Head>),
    Measured(Box<Measured>),
    Repeats(i64, Vec<Key128>),
    Customers(Vec<(Key128, Customer)>),
    Rows(Vec<Told>),
    Contacts(Vec<(Key128, Contact)>),
    Conversations(Vec<(Key128, Conversation)>),
    Attempts(Vec<(Key128, Entity)>),
    Cases(Vec<(Key128, Case)>),
    Lasting(Vec<(Key128, Vec<Panes>)>),
    /// The last one, with how many came before it.
    End(u64),
}

/// What is no table.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Head {
    partition: u32,
    account: Account,
    start: Option<Timestamp>,
    log_time: Timestamp,
    passed: i64,
    control_counter: Option<u64>,
    set_number: u32,
    in_force: u32,
    since: Vec<(u32, i64)>,
    coming: bool,
    place: Place,
}

/// The state of one engine at one offset; for any thread.
pub struct Cut {
    head: Head,
    measured: Measured,
    repeats: Vec<(i64, Arc<Vec<Key128>>)>,
    rows: Vec<Arc<Vec<Row>>>,
    customers: CustomersCut,
    contacts: Vec<Arc<Table<Contact>>>,
    conversations: Vec<Arc<Table<Conversation>>>,
    attempts: Vec<Arc<Table<Entity>>>,
    cases: Vec<Arc<Table<Case>>>,
    lasting: Vec<Arc<Table<Packed>>>,
}

/// Blocks that make no engine of this set and partition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("block {block}: {why}")]
pub struct Unfit {
    /// Its number, from 0.
    pub block: u64,
    /// What does not fit.
    pub why: &'static str,
}

impl Engine {
    /// The state as it is now, at `account().next`. All effects must have been taken.
    pub fn cut(&mut self) -> Cut {
        debug_assert!(self.effects.is_empty(), "effects belong to no cut");
        let (measured, rows) = self.meter.cut();
        Cut {
            head: Head {
                partition: self.config.partition,
                account: self.account.clone(),
                start: self.start,
                log_time: self.log_time,
                passed: self.passed,
                control_counter: self.control_counter,
                set_number: self.sets.number,
                in_force: self.plan.number(),
                since: self.sets.since.to_vec(),
                coming: self.sets.coming,
                place: self.place,
            },
            measured,
            repeats: self.repeats.cut(),
            rows,
            customers: self.customers.cut(),
            contacts: self.contacts.cut(),
            conversations: self.conversations.cut(),
            attempts: self.attempts.cut(),
            cases: self.cases.cut(),
            lasting: self.meter.cut_lasting(),
        }
    }

    /// The engine of a cut. Among the plans must be that of the set it was made under, and of the one
    /// that was to come.
    ///
    /// # Errors
    /// [`Unfit`]: blocks of another partition or set, in another order, or not all of them.
    pub fn restore(
        config: Config,
        plans: &[Arc<Plan>],
        blocks: impl IntoIterator<Item = Block>,
    ) -> Result<Self, Unfit> {
        let mut taken = 0;
        let why = "no plan was given";
        let first = plans.first().ok_or(Unfit { block: taken, why })?;
        let mut engine = Self::new(config, Arc::clone(first));
        for Block(piece) in blocks {
            let refused = |why| Unfit { block: taken, why };
            if let Piece::End(before) = piece {
                let whole = before == taken && engine.meter.whole();
                engine.find_due();
                let engine = whole.then_some(engine);
                return engine.ok_or(refused("blocks are missing before the last one"));
            }
            if matches!(piece, Piece::Head(_)) != (taken == 0) {
                return Err(refused("the first one, and no other, must be the head"));
            }
            engine.take(piece, plans).map_err(refused)?;
            taken += 1;
        }
        let why = "the last one is missing";
        Err(Unfit { block: taken, why })
    }

    fn take(&mut self, piece: Piece, plans: &[Arc<Plan>]) -> Result<(), &'static str> {
        match piece {
            Piece::Head(head) => self.take_head(*head, plans)?,
            Piece::Measured(measured) => {
                if !self.meter.restore(*measured) {
                    return Err("panes of another set");
                }
            }
            Piece::Repeats(minute, keys) => {
                let repeats = &mut self.repeats;
                keys.iter().for_each(|key| repeats.enter(*key, minute));
            }
            Piece::Customers(all) => {
                let customers = &mut self.customers;
                all.into_iter().for_each(|(k, c)| customers.restore(k, c));
            }
            Piece::Rows(rows) => {
                if !self.meter.restore_rows(rows) {
                    return Err("minutes of another set");
                }
            }
            Piece::Contacts(all) => {
                for (key, contact) in all {
                    let change = self.contacts.restore(key, contact);
                    let objects = &mut self.meter.objects;
                    objects.change(&self.plan.set, Family::Contacts, key, &change);
                }
            }
            Piece::Conversations(all) => {
                for (key, conversation) in all {
                    let change = self.conversations.restore(key, conversation);
                    let objects = &mut self.meter.objects;
                    objects.change(&self.plan.set, Family::Conversations, key, &change);
                }
            }
            Piece::Attempts(all) => {
                for (key, entity) in all {
                    let turned = self.attempts.restore(key, entity);
                    turned.iter().for_each(|t| self.turn(t));
                }
            }
            Piece::Cases(all) => {
                for (key, case) in all {
                    let change = self.cases.restore(key, case);
                    let objects = &mut self.meter.objects;
                    objects.change(&self.plan.set, Family::Cases, key, &change);
                }
            }
            Piece::Lasting(all) => {
                let meter = &mut self.meter;
                let mut all = all.into_iter();
                if !all.all(|(key, panes)| meter.restore_lasting(key, &panes)) {
                    return Err("customers of another set");
                }
            }
            Piece::End(_) => {}
        }
        Ok(())
    }

    fn take_head(&mut self, head: Head, plans: &[Arc<Plan>]) -> Result<(), &'static str> {
        if head.partition != self.config.partition {
            return Err("the head of another partition");
        }
        self.account = head.account;
        self.start = head.start;
        self.log_time = head.log_time;
        self.passed = head.passed;
        self.control_counter = head.control_counter;
        self.sets.number = head.set_number;
        self.sets.since = head.since.into();
        self.sets.coming = head.coming;
        self.place = head.place;
        if !self.resume(plans, head.in_force) {
            return Err("made under a set that is not known");
        }
        Ok(())
    }
}

impl Cut {
    /// The offset after the last record it holds.
    #[must_use]
    pub fn next_offset(&self) -> i64 {
        self.head.account.next
    }

    /// Piece by piece; none is made before it is asked for.
    pub fn blocks(self) -> impl Iterator<Item = Block> {
        let head = [
            Piece::Head(Box::new(self.head)),
            Piece::Measured(Box::new(self.measured)),
        ];
        let repeats = self.repeats.into_iter();
        let repeats = repeats.map(|(minute, keys)| Piece::Repeats(minute, keys.to_vec()));
        let customers = self.customers.take().map(Piece::Customers);
        let rows = self.rows.into_iter();
        let rows = rows.map(|rows| Piece::Rows(rows.iter().map(Row::told).collect()));
        let contacts = self.contacts.into_iter();
        let contacts = contacts.map(|table| Piece::Contacts(listed(&table)));
        let conversations = self.conversations.into_iter();
        let conversations = conversations.map(|table| Piece::Conversations(listed(&table)));
        let all = head.into_iter().chain(repeats).chain(customers).chain(rows);
        let attempts = self.attempts.into_iter();
        let attempts = attempts.map(|table| Piece::Attempts(listed(&table)));
        let cases = self.cases.into_iter();
        let cases = cases.map(|table| Piece::Cases(listed(&table)));
        let all = all.chain(contacts).chain(conversations);
        let lasting = self.lasting.into_iter();
        let lasting = lasting.map(|table| {
            let cells = |(key, packed): (&Key128, &Packed)| (*key, packed.cells().into_vec());
            Piece::Lasting(table.iter().map(cells).collect())
        });
        let all = all.chain(attempts).chain(cases).chain(lasting);
        let mut count = 0;
        let counted = all.map(Some).chain([None]);
        counted.map(move |piece| {
            let piece = piece.unwrap_or(Piece::End(count));
            count += 1;
            Block(piece)
        })
    }
}

/// In the order of the table's hasher; what is made of it does not depend on it.
fn listed<V: Clone>(table: &Table<V>) -> Vec<(Key128, V)> {
    table.iter().map(|(k, v)| (*k, v.clone())).collect()
}
