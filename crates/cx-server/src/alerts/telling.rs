//! In: the book, the clocks. Kept: who was told what. Out: messages, each once in a life of the house.
//! Never knows: how they travel.
//!
//! Whoever starts again tells again what is young enough; the id is the same, so a receiver knows it.

use super::book::{Alert, Book};
use super::told::view;
use crate::webhook::{Message, Webhooks};
use cx_engine::judge::Ruling;
use cx_model::time::Timestamp;
use serde_json::json;
use std::collections::BTreeSet;

/// A verdict that is older notifies nobody, s.
const OLD_S: i64 = 300;

/// Who was told what: alert, occasion, receiver.
#[derive(Debug, Default)]
pub(crate) struct Telling(BTreeSet<(String, &'static str, String)>);

impl Telling {
    /// Tells whoever must know by now; `s` is the newest sealed second, `now` the house's clock.
    pub(crate) fn tell(&mut self, book: &Book, (s, now): (i64, i64), webhooks: &Webhooks) {
        for (alert, occasion, to) in self.due(book, (s, now)) {
            if !webhooks.reaches(&to) {
                continue;
            }
            let body = json!({
                "type": format!("alert.{occasion}"), "timestamp": Timestamp::from_second(s).to_rfc3339(),
                "data": view(book, alert, s),
            });
            webhooks.tell(Message {
                id: format!("{}:{occasion}", alert.id),
                to,
                body: body.to_string().into_bytes(),
            });
        }
    }

    fn due<'b>(
        &mut self,
        book: &'b Book,
        (s, now): (i64, i64),
    ) -> Vec<(&'b Alert, &'static str, String)> {
        let known: BTreeSet<&String> = book.alerts().map(|a| &a.id).collect();
        self.0.retain(|(id, _, _)| known.contains(id));
        let mut due = Vec::new();
        for alert in book.alerts() {
            if alert.aside(s) || book.muted(alert, s).is_some() {
                continue;
            }
            for notify in &alert.meaning.notify {
                let occasion = occasion(alert, notify.untaken_after_s, now);
                let Some(occasion) = occasion else {
                    continue;
                };
                let late = occasion == "cleared" && notify.untaken_after_s.is_some();
                // Who was to know only of the untaken one, and did not, need not know that it is over.
                let heard = (alert.id.clone(), "untaken", notify.to.clone());
                if late && !self.0.contains(&heard) {
                    continue;
                }
                let key = (alert.id.clone(), occasion, notify.to.clone());
                if self.0.insert(key) {
                    due.push((alert, occasion, notify.to.clone()));
                }
            }
        }
        due
    }
}

/// What there is to tell of an alert now.
fn occasion(alert: &Alert, untaken_after_s: Option<u32>, now: i64) -> Option<&'static str> {
    let young = |at: i64| now - at <= OLD_S;
    match (alert.over, untaken_after_s) {
        (Some((over, Ruling::Raised | Ruling::Cleared | Ruling::Withdrawn)), _) => {
            young(over).then_some("cleared")
        }
        (None, None) => young(alert.raised).then_some("raised"),
        (None, Some(after)) => {
            let at = alert.raised + i64::from(after);
            (alert.taken.is_none() && now >= at && young(at)).then_some("untaken")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::book::tests::{does, raised_with};
    use super::*;
    use crate::alerts::acts::Verb;
    use cx_catalog::alert::Notify;

    fn notify() -> Vec<Notify> {
        let to = |to: &str, untaken_after_s| Notify {
            to: to.to_owned(),
            untaken_after_s,
        };
        vec![to("team", None), to("lead", Some(60))]
    }

    fn told(telling: &mut Telling, book: &Book, now: i64) -> Vec<String> {
        let due = telling.due(book, (now, now));
        due.iter()
            .map(|(_, occasion, to)| format!("{occasion} {to}"))
            .collect()
    }

    #[test]
    fn each_receiver_is_told_once_at_its_time() {
        let (mut book, mut telling) = (raised_with(notify()), Telling::default());
        assert_eq!(told(&mut telling, &book, 101), ["raised team"]);
        assert_eq!(told(&mut telling, &book, 159), [""; 0]);
        assert_eq!(told(&mut telling, &book, 160), ["untaken lead"]);
        assert_eq!(told(&mut telling, &book, 161), [""; 0]);
        book.verdict(
            Ruling::Cleared,
            super::super::book::tests::told("a", 170, None),
        );
        assert_eq!(
            told(&mut telling, &book, 171),
            ["cleared team", "cleared lead"]
        );
        assert_eq!(told(&mut telling, &book, 172), [""; 0]);
    }

    #[test]
    fn who_took_it_in_time_spares_the_others() {
        let (mut book, mut telling) = (raised_with(notify()), Telling::default());
        does(&mut book, "Ada", Verb::Taken, 130, (None, None)).expect("taken");
        assert_eq!(told(&mut telling, &book, 200), ["raised team"]);
        book.verdict(
            Ruling::Cleared,
            super::super::book::tests::told("a", 210, None),
        );
        assert_eq!(told(&mut telling, &book, 211), ["cleared team"]);
    }

    #[test]
    fn an_old_verdict_and_a_shelved_alert_notify_nobody() {
        let mut telling = Telling::default();
        assert_eq!(told(&mut telling, &raised_with(notify()), 461), [""; 0]);
        let mut book = raised_with(notify());
        does(&mut book, "Ada", Verb::Shelved, 101, (None, Some(150))).expect("shelved");
        assert_eq!(told(&mut telling, &book, 120), [""; 0]);
        assert_eq!(
            told(&mut telling, &book, 151),
            ["raised team"],
            "it returned"
        );
    }
}
