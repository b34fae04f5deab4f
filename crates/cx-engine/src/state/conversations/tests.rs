use super::*;
use cx_model::time::{HOUR, MINUTE, SECOND};

const LIVES: Lives = Lives {
    open_ms: 24 * HOUR,
    closed_ms: 35 * MINUTE,
};
const TERMS: Terms = Terms {
    lateness_ms: 2 * MINUTE,
    horizon_ms: 30 * MINUTE,
};
const KEY: Key128 = Key128(7);

fn at(seconds: i64) -> Timestamp {
    Timestamp(seconds * SECOND)
}

/// Takes steps at (event time, log time) in seconds; what each did.
fn take(conversations: &mut Conversations, steps: &[(i64, i64, Talk)]) -> Vec<Taken> {
    let taken = steps.iter().map(|(time, now, what)| {
        let step = conversations.step(KEY, (at(*time), at(*now)), what.clone());
        step.expect("there is room")
    });
    taken.collect()
}

fn asked(due: Option<i64>) -> Talk {
    Talk::Asked {
        promise: due.map(|due| Promise {
            due: at(due),
            customer: None,
            channel: 0,
            marks: Marks::default(),
        }),
        marks: Marks::default(),
    }
}

fn since(change: &Change) -> Option<i64> {
    change.after.as_ref().map(|w| w.start.0 / SECOND)
}

#[test]
fn a_first_reply_is_told_once_and_a_reply_each_time_it_answers_something() {
    let mut conversations = Conversations::new(9, LIVES, TERMS);
    let steps = [
        (10, 10, asked(None)),
        (12, 12, asked(None)),
        (5, 13, Talk::Replied),
        (40, 41, Talk::Replied),
        (50, 51, Talk::Replied),
        (60, 60, asked(None)),
        (61, 62, Talk::Replied),
    ];
    let taken = take(&mut conversations, &steps);
    let facts = taken.iter().map(|t| (t.first_reply_ms, t.reply_ms));
    let expected = [
        (None, None),
        (None, None),
        (None, None),
        (Some(30_000), Some(30_000)),
        (None, None),
        (None, None),
        (None, Some(1_000)),
    ];
    assert_eq!(facts.collect::<Vec<_>>(), expected);
}

#[test]
fn a_reply_that_comes_late_answers_only_what_was_written_before_it() {
    let mut conversations = Conversations::new(9, LIVES, TERMS);
    let steps = [
        (10, 10, asked(None)),
        (20, 20, asked(None)),
        (30, 30, asked(None)),
        (15, 31, Talk::Replied),
        (14, 32, asked(None)),
        (30, 33, Talk::Closed),
    ];
    let taken = take(&mut conversations, &steps);
    let waits: Vec<_> = taken.iter().map(|t| since(&t.change)).collect();
    assert_eq!(
        waits,
        [Some(10), Some(10), Some(10), Some(20), Some(20), None]
    );
}

#[test]
fn of_too_many_messages_the_oldest_and_the_newest_stay() {
    let mut conversations = Conversations::new(9, LIVES, TERMS);
    let mut steps: Vec<_> = (1..=9).map(|s| (s, s, asked(None))).collect();
    steps.extend([(7, 10, Talk::Replied), (8, 11, Talk::Replied)]);
    let taken = take(&mut conversations, &steps);
    let lost: Vec<_> = taken.iter().map(|t| t.lost).collect();
    assert_eq!(lost.iter().filter(|l| **l).count(), 1);
    assert!(lost[8], "the ninth pushed the eighth out");
    assert_eq!(since(&taken[8].change), Some(1));
    assert_eq!(since(&taken[9].change), Some(9));
    assert_eq!(since(&taken[10].change), Some(9));
}

#[test]
fn a_reply_falls_due_by_time_alone_and_once() {
    let mut conversations = Conversations::new(9, LIVES, TERMS);
    take(&mut conversations, &[(10, 10, asked(Some(70)))]);
    assert_eq!(conversations.next_due(), Some(at(70)));
    assert!(conversations.fire(at(69)).is_none());
    let change = conversations.fire(at(70)).expect("due").change;
    let overdue = |w: &Option<Waiting>| w.as_ref().map(|w| w.overdue);
    assert_eq!(overdue(&change.before), Some(false));
    assert_eq!(overdue(&change.after), Some(true));
    assert!(conversations.fire(at(71)).is_none());
    let taken = take(&mut conversations, &[(65, 80, Talk::Replied)]);
    assert_eq!(taken[0].change.after, None);
}

#[test]
fn conversations_are_forgotten_by_what_is_still_open() {
    let check = |steps: &[(i64, i64, Talk)], expected: i64| {
        let mut conversations = Conversations::new(9, LIVES, TERMS);
        take(&mut conversations, steps);
        while conversations.fire(at(expected - 1)).is_some() {}
        assert_eq!(conversations.len(), 1, "{steps:?}");
        while conversations.fire(at(expected)).is_some() {}
        assert_eq!(conversations.len(), 0, "{steps:?}");
        assert_eq!(conversations.next_due(), None, "{steps:?}");
    };
    let day = 24 * 3_600;
    check(&[(10, 10, asked(None))], 10 + day);
    check(&[(10, 10, asked(Some(500)))], 500 + day);
    check(
        &[(10, 10, asked(None)), (20, 20, Talk::Closed)],
        20 + 35 * 60,
    );
    let reopened = [(20, 20, Talk::Closed), (30, 30, asked(None))];
    check(&reopened, 30 + day);
}

#[test]
fn a_full_table_refuses_strangers_only() {
    let mut conversations = Conversations::new(1, LIVES, TERMS);
    take(&mut conversations, &[(1, 1, asked(None))]);
    let stranger = conversations.step(Key128(8), (at(2), at(2)), Talk::Replied);
    assert_eq!(stranger, None);
    let known = conversations.step(KEY, (at(2), at(2)), Talk::Replied);
    assert_eq!(known.and_then(|t| t.reply_ms), Some(1_000));
}

/// What is decided until `until`: (message, due, decided at) in seconds.
fn breaches(conversations: &mut Conversations, until: i64) -> Vec<(i64, i64, i64)> {
    let fired = std::iter::from_fn(|| conversations.fire(at(until)));
    let ruled = fired.filter_map(|f| f.ruled);
    let seconds = |t: Timestamp| t.0 / SECOND;
    ruled
        .map(|r| {
            assert_eq!(r.ruling, crate::effect::Ruling::ReplyBreached);
            let times = (r.asked_at, r.promise.due, r.decided_at);
            (seconds(times.0), seconds(times.1), seconds(times.2))
        })
        .collect()
}

#[test]
fn a_deadline_belongs_to_each_message_that_was_the_oldest_unanswered_one() {
    let mut conversations = Conversations::new(9, LIVES, TERMS);
    let steps = [
        (10, 10, asked(Some(70))),
        (12, 12, asked(Some(72))),
        (20, 20, asked(Some(80))),
        // Answers the first two; the third begins a wait of its own.
        (15, 30, Talk::Replied),
        // Older than what waits: both have one.
        (18, 31, asked(Some(78))),
        (19, 32, Talk::Replied),
        (100, 100, Talk::Replied),
        // Answered all along.
        (50, 101, asked(Some(60))),
    ];
    take(&mut conversations, &steps);
    assert_eq!(breaches(&mut conversations, 199), []);
    assert_eq!(breaches(&mut conversations, 200), [(20, 80, 200)]);
    assert_eq!(breaches(&mut conversations, 1_000), []);
}

#[test]
fn a_conversation_is_forgotten_only_when_nothing_can_be_decided_of_it_any_more() {
    let short = Lives {
        open_ms: SECOND,
        closed_ms: SECOND,
    };
    let mut conversations = Conversations::new(9, short, TERMS);
    let steps = [(10, 10, asked(Some(70))), (71, 71, Talk::Closed)];
    take(&mut conversations, &steps);
    assert_eq!(breaches(&mut conversations, 500), [(10, 70, 190)]);
    let taken = take(&mut conversations, &[(70, 1_800, Talk::Closed)]);
    assert_eq!(taken[0].ruled.len(), 1, "restated");
    assert_eq!(conversations.len(), 1);
    while conversations.fire(at(1_801)).is_some() {}
    assert_eq!((conversations.len(), conversations.next_due()), (0, None));
}
