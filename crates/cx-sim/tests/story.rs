//! The story that the demo tells, in virtual time: calm, payments break a minute after the start,
//! the chat fills, then the telephone, and all recovers.

use cx_model::time::{MINUTE, Timestamp};
use cx_sim::{Company, Config, Faults, Minute, Queued};
use std::collections::BTreeSet;

const T: Timestamp = Timestamp(1_800_000_000_000);
/// Minutes of history before the demo starts.
const HISTORY: i64 = 120;

struct Told {
    company: Company,
    visitors: BTreeSet<String>,
    buyers: BTreeSet<String>,
    carts: i64,
}

/// The demo from its history to 36 minutes after its start; visitors of the hour before it.
fn tell(seed: u64) -> Told {
    let start = T.plus(HISTORY * MINUTE);
    let company = Company::new(Config {
        seed,
        customers: 20_000,
        rate_per_s: 40.0,
        start: T,
        incident_at: Some(start.plus(MINUTE)),
        diurnal: false,
        faults: Faults::usual(),
    });
    let (visitors, buyers) = (BTreeSet::new(), BTreeSet::new());
    let mut told = Told {
        company,
        visitors,
        buyers,
        carts: 0,
    };
    while told.company.peek_at() < start.plus(36 * MINUTE) {
        let e = told.company.next_emission();
        let text = String::from_utf8_lossy(&e.value);
        let calm = e.at < start && e.at >= start.plus(-60 * MINUTE);
        if !calm || !text.ends_with('}') {
            continue;
        }
        told.carts += i64::from(text.contains("commerce.cart_item_added"));
        if text.contains(r#""channel":"web""#) {
            if text.contains("commerce.order_placed") {
                told.buyers.insert(e.key.clone());
            }
            told.visitors.insert(e.key);
        }
    }
    told
}

impl Told {
    /// A sum over minutes of the demo, before it where negative.
    fn sum(&self, minutes: std::ops::Range<i64>, of: impl Fn(&Minute) -> i64) -> i64 {
        let begin = T.minute() + HISTORY;
        let all = &self.company.truth().minutes;
        let range = begin + minutes.start..begin + minutes.end;
        all.range(range).map(|(_, m)| of(m)).sum()
    }

    fn queues(&self, minutes: std::ops::Range<i64>, channel: &str, of: fn(&Queued) -> i64) -> i64 {
        self.sum(minutes, |m| m.queues.get(channel).map_or(0, of))
    }

    /// Who waits when a minute of the demo begins.
    fn waiting(&self, minute: i64, channel: &str) -> i64 {
        self.queues(-HISTORY..minute, channel, |q| {
            q.queued - q.answered - q.abandoned - q.called_back
        })
    }

    /// Share of payments that failed, percent.
    fn failing(&self, minutes: std::ops::Range<i64>) -> i64 {
        let tried = self.sum(minutes.clone(), |m| m.payments);
        self.sum(minutes, |m| m.payments_failed) * 100 / tried.max(1)
    }

    /// Of 100 calls answered or given up, how many were answered within 20 s, over the 15 minutes
    /// before this one.
    fn service_level(&self, minute: i64) -> i64 {
        let minutes = minute - 15..minute;
        let decided = self.queues(minutes.clone(), "voice_call", |q| q.answered + q.abandoned);
        self.queues(minutes, "voice_call", |q| q.answered_in_20_s) * 100 / decided.max(1)
    }

    /// Mean number of waiting ones in the last half hour of history.
    fn usual(&self, channel: &str) -> i64 {
        (-30..=0).map(|m| self.waiting(m, channel)).sum::<i64>() / 31
    }
}

#[test]
fn the_demo_starts_calm_breaks_after_a_minute_and_recovers() {
    let mut levels = Vec::new();
    for seed in [1, 2, 3] {
        let told = tell(seed);
        let of = |found: i64, least: i64, most: i64, what: &str| {
            assert!(
                (least..=most).contains(&found),
                "seed {seed}: {what} is {found}"
            );
        };
        // Calm.
        let conversion = told.buyers.len() * 10_000 / told.visitors.len();
        of(
            i64::try_from(conversion).unwrap(),
            200,
            400,
            "conversion, of 10,000",
        );
        let orders = told.sum(-60..0, |m| m.orders);
        of(100 - orders * 100 / told.carts, 60, 75, "cart loss");
        of(told.failing(-60..0), 1, 3, "payment failure in calm");
        levels.extend((-60..=0).step_by(15).map(|m| told.service_level(m)));
        // Payments break; the chat fills within a minute, the telephone within two.
        of(told.failing(1..16), 26, 45, "payment failure when broken");
        let (chat, voice) = (told.usual("chat"), told.usual("voice_call"));
        of(told.waiting(2, "chat"), chat + 4, 40, "chat at minute two");
        of(
            told.waiting(3, "voice_call"),
            voice + 3,
            40,
            "voice at minute three",
        );
        let worst = (1..17).map(|m| told.service_level(m)).min().unwrap();
        of(worst, 25, 70, "worst service level");
        // And all is well again before it comes again.
        of(told.failing(17..32), 0, 6, "payment failure afterwards");
        of(told.waiting(32, "chat"), 0, 15, "chat afterwards");
        of(told.waiting(32, "voice_call"), 0, 10, "voice afterwards");
        assert!(
            told.company
                .payments_failing(T.plus((HISTORY + 36) * MINUTE))
        );
    }
    let mean = levels.iter().sum::<i64>() / i64::try_from(levels.len()).unwrap();
    assert!(
        (75..=95).contains(&mean),
        "service level in calm: {levels:?}"
    );
    let rare = levels.iter().filter(|l| **l < 65).count();
    assert!(rare <= 1, "service level in calm: {levels:?}");
}
