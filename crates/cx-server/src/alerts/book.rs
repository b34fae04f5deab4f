//! In: verdicts and acts in the order of their topics. Kept: alerts, the newest 2,000 of them, maintenance.
//! Out: what is so at a second. Never knows: topics, screens.

use super::acts::{Deeds, Of, Verb};
use super::record::{Meaning, Shown, Told};
use cx_engine::judge::{Place, Ruling};
use cx_gateway::alerts::{
    ACTS as ACTED, Deed, MUTED, Maintenance, RAISED, RESOLVED, SHELVED, TAKEN,
};
use cx_gateway::{AlertStates, Scope};
use cx_model::time::Timestamp;
use cx_model::value::CellKey;
use cx_model::window::Window;
use std::collections::BTreeMap;

/// Most alerts that are remembered; the log has them all.
const ALERTS: usize = 2_000;
/// Most acts that are remembered of one.
const ACTS: usize = 20;
/// Most maintenance that is remembered.
const MAINTENANCE: usize = 200;
/// How long an alert that is over stays where nobody had taken it, and where somebody had, s.
const STAYS_UNTAKEN_S: i64 = 900;
const STAYS_TAKEN_S: i64 = 120;

/// What both topics say.
#[derive(Debug, Default)]
pub(crate) struct Book {
    /// By when it was raised and its id.
    alerts: BTreeMap<(i64, String), Alert>,
    maintenance: Vec<Maintenance>,
    /// Grows with every change.
    pub(crate) version: u64,
}

/// One alert.
#[derive(Debug, Clone)]
pub(crate) struct Alert {
    pub(crate) id: String,
    pub(crate) place: Place,
    pub(crate) meaning: Meaning,
    pub(crate) raised: i64,
    pub(crate) shown: Option<Shown>,
    /// When, and whether its definition went.
    pub(crate) over: Option<(i64, Ruling)>,
    pub(crate) taken: Option<Deed>,
    pub(crate) shelved: Option<Deed>,
    pub(crate) resolved: Option<Deed>,
    pub(crate) acts: Vec<Deed>,
    /// How many there were, modulo 8.
    done: u8,
}

/// Somebody's act: its id, who, in which role, why, when.
#[derive(Debug, Clone)]
pub(crate) struct Actor {
    pub(crate) id: String,
    pub(crate) by: String,
    pub(crate) role: String,
    pub(crate) why: String,
    pub(crate) at: i64,
}

impl Alert {
    /// Whether it is shown: while it is raised, and for a while after.
    pub(crate) fn open(&self, s: i64) -> bool {
        let Some((over, _)) = self.over else {
            return true;
        };
        let stays = if self.taken.is_some() {
            STAYS_TAKEN_S
        } else {
            STAYS_UNTAKEN_S
        };
        self.resolved.is_none() && s - over < stays
    }

    /// Whether it is put aside now.
    pub(crate) fn aside(&self, s: i64) -> bool {
        let until = self.shelved.as_ref().and_then(|d| d.until);
        until.is_some_and(|until| s < until)
    }
}

impl Book {
    /// Takes a verdict; false for one that was there before.
    pub(crate) fn verdict(&mut self, ruling: Ruling, told: Told) -> bool {
        let key = (told.raised, told.id.clone());
        let known = self.alerts.get_mut(&key);
        match (ruling, known, told.meaning) {
            (Ruling::Raised, None, Some(meaning)) => {
                let alert = Alert {
                    id: told.id,
                    place: told.place,
                    meaning,
                    raised: told.raised,
                    shown: told.shown,
                    over: None,
                    taken: None,
                    shelved: None,
                    resolved: None,
                    acts: Vec::new(),
                    done: 0,
                };
                self.alerts.insert(key, alert);
                self.bound();
            }
            (Ruling::Cleared | Ruling::Withdrawn, Some(alert), _) if alert.over.is_none() => {
                alert.over = Some((told.s, ruling));
            }
            _ => return false,
        }
        self.version += 1;
        true
    }

    /// The oldest that is over goes; one that is raised never does.
    fn bound(&mut self) {
        while self.alerts.len() > ALERTS {
            let over = self.alerts.iter().find(|(_, a)| a.over.is_some());
            let Some(key) = over.map(|(key, _)| key.clone()) else {
                return;
            };
            self.alerts.remove(&key);
        }
    }

    /// Whether an act fits what is so.
    ///
    /// # Errors
    /// Why not, in words.
    pub(crate) fn fits(&self, deeds: &Deeds, s: i64) -> Result<(), String> {
        match deeds {
            Deeds::Declare { .. } => Ok(()),
            Deeds::End { maintenance } => {
                let known = self.maintenance.iter();
                let mut open = known.filter(|m| m.maintenance == *maintenance && s < m.until);
                let none = || format!("there is no maintenance {maintenance:?} that is not over");
                open.next().map(drop).ok_or_else(none)
            }
            Deeds::Of(of) => {
                let alert = self.alerts.values().find(|a| a.id == of.alert);
                let none = || format!("there is no alert {:?}", of.alert);
                fits(alert.ok_or_else(none)?, of, s)
            }
        }
    }

    /// Takes an act as its topic has it.
    ///
    /// # Errors
    /// Why it does not fit, in words: it changes nothing then.
    pub(crate) fn act(&mut self, deeds: &Deeds, actor: &Actor) -> Result<(), String> {
        self.fits(deeds, actor.at)?;
        self.version += 1;
        match deeds {
            Deeds::Declare { scope, from, until } => {
                self.maintenance.push(Maintenance {
                    maintenance: actor.id.clone(),
                    scope: scope.clone(),
                    from: *from,
                    until: *until,
                    by: actor.by.clone(),
                    why: actor.why.clone(),
                });
                let more = self.maintenance.len().saturating_sub(MAINTENANCE);
                self.maintenance.drain(..more);
            }
            Deeds::End { maintenance } => {
                for m in &mut self.maintenance {
                    if m.maintenance == *maintenance {
                        m.until = m.until.min(actor.at);
                    }
                }
            }
            Deeds::Of(of) => {
                let alert = self.alerts.values_mut().find(|a| a.id == of.alert);
                done(alert.expect("it fitted"), of, actor);
            }
        }
        Ok(())
    }

    /// All alerts, the oldest first.
    pub(crate) fn alerts(&self) -> impl DoubleEndedIterator<Item = &Alert> {
        self.alerts.values()
    }

    /// Maintenance that is not over.
    pub(crate) fn maintenance(&self, s: i64) -> impl Iterator<Item = &Maintenance> {
        self.maintenance.iter().filter(move |m| s < m.until)
    }

    /// The maintenance in which an alert says nothing.
    pub(crate) fn muted(&self, alert: &Alert, s: i64) -> Option<&Maintenance> {
        let about = |scope: &Scope| match scope {
            Scope::Kpi(kpi) => alert.place.kpi == *kpi,
            Scope::Cause(cause) => alert.meaning.cause == *cause,
            Scope::Source(source) => alert.place.dims.get("source") == Some(source),
        };
        let mut now = self.maintenance(s);
        now.find(|m| m.from <= s && about(&m.scope))
    }

    /// State bits of an alert.
    pub(crate) fn bits(&self, alert: &Alert, s: i64) -> u8 {
        let bit = |set: bool, bit: u8| if set { bit } else { 0 };
        bit(alert.over.is_none(), RAISED)
            | bit(alert.taken.is_some(), TAKEN)
            | bit(alert.aside(s), SHELVED)
            | bit(self.muted(alert, s).is_some(), MUTED)
            | bit(alert.resolved.is_some(), RESOLVED)
            | (alert.done * ACTED)
    }

    /// The newest alert of each place that is shown, by what its cell's hash begins with.
    pub(crate) fn states(&self, s: i64) -> AlertStates {
        let open = self.alerts().filter(|a| a.open(s));
        open.filter_map(|a| Some((cell(&a.place)?, (a.raised, self.bits(a, s)))))
            .collect()
    }
}

/// What the hash of an alert's cell begins with; `None` for a window of another release.
fn cell(place: &Place) -> Option<String> {
    let mut dims = place.dims.clone();
    dims.insert("alert".to_owned(), place.alert.to_string());
    let key = CellKey {
        kpi: place.kpi.as_str().into(),
        definition: place.definition.as_str().into(),
        window: Window::parse(&place.window)?,
        dims,
    };
    Some(key.digest_prefix())
}

fn clock(s: i64) -> String {
    Timestamp::from_second(s).to_rfc3339()
}

fn fits(alert: &Alert, of: &Of, s: i64) -> Result<(), String> {
    if !alert.open(s) {
        return Err("the alert is closed".to_owned());
    }
    if let Some(resolved) = alert
        .resolved
        .as_ref()
        .filter(|_| of.verb == Verb::Resolved)
    {
        return Err(format!("{} resolved it already", resolved.by));
    }
    match (of.verb, &alert.taken) {
        (Verb::Taken, Some(taken)) => Err(format!(
            "{} took it at {}; it can be handed over",
            taken.by,
            clock(taken.at)
        )),
        (Verb::HandedOver, None) => Err("nobody has taken it: take it first".to_owned()),
        (Verb::HandedOver, Some(taken)) if of.to.as_deref() == Some(&taken.by) => {
            Err(format!("{} has it already", taken.by))
        }
        (Verb::Unshelved, _) if !alert.aside(s) => Err("it is not shelved".to_owned()),
        (Verb::Taken | Verb::HandedOver | Verb::Shelved | Verb::Unshelved | Verb::Resolved, _) => {
            Ok(())
        }
    }
}

/// What an act that fits changes.
fn done(alert: &mut Alert, of: &Of, actor: &Actor) {
    let deed = Deed {
        what: of.verb.name(),
        by: of.to.clone().unwrap_or_else(|| actor.by.clone()),
        role: actor.role.clone(),
        why: actor.why.clone(),
        at: actor.at,
        until: of.until,
    };
    match of.verb {
        Verb::Taken | Verb::HandedOver => alert.taken = Some(deed.clone()),
        Verb::Shelved => alert.shelved = Some(deed.clone()),
        Verb::Unshelved => alert.shelved = None,
        Verb::Resolved => alert.resolved = Some(deed.clone()),
    }
    alert.acts.push(deed);
    alert.done = (alert.done + 1) % 8;
    let more = alert.acts.len().saturating_sub(ACTS);
    alert.acts.drain(..more);
}

#[cfg(test)]
pub(super) mod tests;
