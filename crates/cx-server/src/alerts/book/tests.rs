//! What people do about alerts, and who was first.

use super::*;
use cx_catalog::alert::{Notify, Priority};

pub(in crate::alerts) fn told(id: &str, s: i64, notify: Option<Vec<Notify>>) -> Told {
    Told {
        id: id.to_owned(),
        s,
        raised: 100,
        place: Place {
            kpi: "error_rate".to_owned(),
            definition: "d".to_owned(),
            window: "5m".to_owned(),
            dims: [("source".to_owned(), "payments".to_owned())].into(),
            alert: 0,
        },
        shown: None,
        meaning: notify.map(|notify| Meaning {
            title: "Error rate".to_owned(),
            priority: Priority::P2,
            when: "value > 5".to_owned(),
            clear: "value < 2".to_owned(),
            unit: "percent".to_owned(),
            scale: 2,
            owner: "platform.reliability".to_owned(),
            cause: "service_errors".to_owned(),
            next_step: "Roll back".to_owned(),
            notify,
        }),
    }
}

fn raised() -> Book {
    raised_with(Vec::new())
}

pub(in crate::alerts) fn raised_with(notify: Vec<Notify>) -> Book {
    let mut book = Book::default();
    assert!(book.verdict(Ruling::Raised, told("a", 100, Some(notify))));
    book
}

pub(in crate::alerts) fn does(
    book: &mut Book,
    by: &str,
    verb: Verb,
    at: i64,
    more: (Option<&str>, Option<i64>),
) -> Result<(), String> {
    let deeds = Deeds::Of(Of {
        alert: "a".to_owned(),
        verb,
        to: more.0.map(str::to_owned),
        until: more.1,
    });
    book.act(&deeds, &actor(by, at))
}

fn actor(by: &str, at: i64) -> Actor {
    Actor {
        id: format!("act-{at}"),
        by: by.to_owned(),
        role: String::new(),
        why: "because".to_owned(),
        at,
    }
}

fn state(book: &Book, s: i64) -> Option<(i64, u8)> {
    let cell = "error_rate|d|5m|alert=0,source=payments|";
    book.states(s).get(cell).copied()
}

fn bits(book: &Book, s: i64) -> Option<u8> {
    state(book, s).map(|(raised, bits)| {
        assert_eq!(raised, 100);
        bits % ACTED
    })
}

#[test]
fn a_verdict_that_was_there_before_changes_nothing() {
    let mut book = raised();
    let version = book.version;
    assert!(!book.verdict(Ruling::Raised, told("a", 100, Some(Vec::new()))));
    assert!(book.verdict(Ruling::Cleared, told("a", 130, None)));
    assert!(!book.verdict(Ruling::Cleared, told("a", 140, None)));
    assert!(
        !book.verdict(Ruling::Cleared, told("b", 140, None)),
        "never raised"
    );
    assert_eq!(book.version, version + 1);
}

#[test]
fn who_takes_it_second_is_told_by_whom_it_is_taken() {
    let mut book = raised();
    let plain = (None, None);
    let early = does(&mut book, "Ada", Verb::HandedOver, 101, (Some("Ben"), None));
    assert!(early.expect_err("nobody has it").contains("take it first"));
    does(&mut book, "Ada", Verb::Taken, 102, plain).expect("the first");
    let late = does(&mut book, "Ben", Verb::Taken, 103, plain).expect_err("the second");
    assert!(late.starts_with("Ada took it at "), "{late}");
    does(&mut book, "Ada", Verb::HandedOver, 104, (Some("Ben"), None)).expect("to Ben");
    let late = does(&mut book, "Cleo", Verb::Taken, 105, plain).expect_err("Ben has it");
    assert!(late.starts_with("Ben took it at "), "{late}");
    assert_eq!(bits(&book, 105), Some(RAISED | TAKEN));
}

#[test]
fn a_shelf_ends_by_itself_and_resolving_does_not_clear() {
    let mut book = raised();
    does(&mut book, "Ada", Verb::Shelved, 110, (None, Some(400))).expect("shelved");
    assert_eq!(bits(&book, 399), Some(RAISED | SHELVED));
    assert_eq!(bits(&book, 400), Some(RAISED));
    let gone = does(&mut book, "Ada", Verb::Unshelved, 401, (None, None));
    assert_eq!(gone.expect_err("it returned"), "it is not shelved");
    does(&mut book, "Ada", Verb::Resolved, 402, (None, None)).expect("resolved");
    assert_eq!(
        bits(&book, 403),
        Some(RAISED | RESOLVED),
        "it is still true"
    );
    book.verdict(Ruling::Cleared, told("a", 410, None));
    assert_eq!(bits(&book, 410), None);
}

#[test]
fn what_is_over_stays_a_while_longer_where_nobody_had_taken_it() {
    let mut untaken = raised();
    untaken.verdict(Ruling::Cleared, told("a", 200, None));
    assert_eq!(
        (bits(&untaken, 1_099), bits(&untaken, 1_100)),
        (Some(0), None)
    );
    let mut taken = raised();
    does(&mut taken, "Ada", Verb::Taken, 150, (None, None)).expect("taken");
    taken.verdict(Ruling::Cleared, told("a", 200, None));
    assert_eq!((bits(&taken, 319), bits(&taken, 320)), (Some(TAKEN), None));
    let closed = does(&mut taken, "Ada", Verb::Resolved, 320, (None, None));
    assert_eq!(closed.expect_err("closed"), "the alert is closed");
}

#[test]
fn maintenance_mutes_what_it_is_about_while_it_lasts_and_can_end_early() {
    let scopes = [
        (Scope::Kpi("error_rate".to_owned()), true),
        (Scope::Cause("service_errors".to_owned()), true),
        (Scope::Source("payments".to_owned()), true),
        (Scope::Source("web-shop".to_owned()), false),
        (Scope::Kpi("orders".to_owned()), false),
    ];
    for (scope, muted) in scopes {
        let mut book = raised();
        let declare = Deeds::Declare {
            scope,
            from: 120,
            until: 300,
        };
        book.act(&declare, &actor("Ada", 110)).expect("declared");
        let expected = if muted { RAISED | MUTED } else { RAISED };
        assert_eq!(bits(&book, 119), Some(RAISED));
        assert_eq!(
            (bits(&book, 120), bits(&book, 299)),
            (Some(expected), Some(expected))
        );
        assert_eq!(bits(&book, 300), Some(RAISED));
        let end = Deeds::End {
            maintenance: "act-110".to_owned(),
        };
        book.act(&end, &actor("Ada", 200)).expect("ended");
        assert_eq!(bits(&book, 200), Some(RAISED));
        assert!(book.act(&end, &actor("Ada", 201)).is_err(), "it is over");
    }
}

#[test]
fn every_act_is_a_change_that_screens_see() {
    let mut book = raised();
    let seen = |book: &Book| state(book, 150);
    let mut before = seen(&book);
    does(&mut book, "Ada", Verb::Taken, 101, (None, None)).expect("taken");
    for (i, to) in [
        "Ben", "Cleo", "Ben", "Cleo", "Ben", "Cleo", "Ben", "Cleo", "Ben",
    ]
    .iter()
    .enumerate()
    {
        let at = 110 + i64::try_from(i).expect("few");
        does(&mut book, "Ada", Verb::HandedOver, at, (Some(to), None)).expect(to);
        let now = seen(&book);
        assert_ne!(now, before, "{to}");
        before = now;
    }
}
