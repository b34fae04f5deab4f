//! In: a parsed condition. Kept: nothing. Out: what of an event it looks at. Never knows: what it says of that.

use cel::common::ast::{Expr, IdedExpr};
use cx_model::attribute::SlotTable;

/// What a condition looks at, beside the event's type and what became of the record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reads {
    /// Attributes, a bit for each slot.
    pub slots: u64,
    /// The event's source.
    pub source: bool,
    /// Its subject or its id, which differ from event to event.
    pub identity: bool,
    /// What an engine found out about it.
    pub facts: bool,
}

impl Reads {
    /// One attribute.
    #[must_use]
    pub fn slot(slot: usize) -> Self {
        Self {
            slots: 1 << slot,
            ..Self::default()
        }
    }

    /// All that either looks at.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            slots: self.slots | other.slots,
            source: self.source || other.source,
            identity: self.identity || other.identity,
            facts: self.facts || other.facts,
        }
    }

    /// Of a condition whose attributes have slots.
    pub(super) fn of(root: &IdedExpr, slots: &SlotTable) -> Self {
        let (mut reads, mut open) = (Self::default(), vec![root]);
        while let Some(at) = open.pop() {
            match &at.expr {
                Expr::Select(select) => {
                    reads = reads.and(named(&select.operand, &select.field, slots))
                }
                Expr::Call(call) => open.extend(call.args.iter().chain(call.target.as_deref())),
                Expr::List(list) => open.extend(&list.elements),
                Expr::Unspecified
                | Expr::Comprehension(_)
                | Expr::Ident(_)
                | Expr::Literal(_)
                | Expr::Map(_)
                | Expr::Struct(_) => {}
            }
        }
        reads
    }
}

fn named(root: &IdedExpr, field: &str, slots: &SlotTable) -> Reads {
    let Expr::Ident(root) = &root.expr else {
        return Reads::default();
    };
    match (root.as_str(), field) {
        ("data", name) => slots.slot(name).map(Reads::slot).unwrap_or_default(),
        ("event", "source") => Reads {
            source: true,
            ..Reads::default()
        },
        ("event", "subject" | "id") => Reads {
            identity: true,
            ..Reads::default()
        },
        ("fact", _) => Reads {
            facts: true,
            ..Reads::default()
        },
        // The type, the outcome and the reason: whoever asks knows them already.
        _ => Reads::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{About, compile};
    use super::*;

    #[test]
    fn all_that_a_condition_names_is_found_wherever_it_stands_and_never_in_text() {
        let mut slots = SlotTable::default();
        let mut check = |source: &str, names: &[&str], [from, identity, facts]: [bool; 3]| {
            let condition = compile(source, &mut slots, About::Events).expect(source);
            let slot = |name: &&str| 1 << slots.slot(name).expect("a condition names it");
            let expected = Reads {
                slots: names.iter().map(slot).sum(),
                source: from,
                identity,
                facts,
            };
            assert_eq!(condition.reads, expected, "{source}");
        };
        let none = [false; 3];
        check("true", &[], none);
        check(r#"event.type == "data.channel""#, &[], none);
        check(r#"data.page == "fact.reply_ms""#, &["page"], none);
        check("!(data.wait_ms + 1 > 2)", &["wait_ms"], none);
        check(
            r#"data.channel in ["chat", "web"] || has(data.queue)"#,
            &["channel", "queue"],
            none,
        );
        check(
            r#"(data.automated ? data.page : data.queue) == "x""#,
            &["automated", "page", "queue"],
            none,
        );
        check(
            r#"data.page.startsWith(data.queue)"#,
            &["page", "queue"],
            none,
        );
        check(r#"event.source != "x""#, &[], [true, false, false]);
        check(
            r#"has(event.subject) || event.id == "x""#,
            &[],
            [false, true, false],
        );
        check("fact.first_reply_ms <= 60000", &[], [false, false, true]);
        check(
            r#"data.channel == "chat" && !has(fact.reply_ms)"#,
            &["channel"],
            [false, false, true],
        );
    }
}
