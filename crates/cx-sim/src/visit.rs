//! In: a visitor of the shop or the app. Kept: one visit. Out: its steps from the first page to the
//! order. Never knows: whether payments are broken; it only learns that one failed.

use crate::agenda::What;
use crate::company::Company;
use crate::draft::Draft;
use crate::source::name::{APP, PAYMENTS, SHOP};
use cx_model::time::{MINUTE, SECOND, Timestamp};

const PAGES: [&str; 6] = ["/", "/new", "/sale", "/brands", "/search", "/help"];
const SCREENS: [&str; 4] = ["home", "offers", "list", "account"];
/// Chance that a visitor goes on to one more page.
const GOES_ON: f64 = 0.76;
/// Chance that a product looked at goes into the cart.
const CART: f64 = 0.035;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Browse,
    Checkout,
    Address,
    Delivery,
    Payment,
    Leave,
}

/// One visit.
#[derive(Debug)]
pub(crate) struct Visit {
    customer: usize,
    id: u64,
    app: bool,
    device: u64,
    clock_off: i64,
    began: Timestamp,
    pages: u32,
    step: Step,
    campaign: Option<u64>,
}

impl Visit {
    fn channel(&self) -> &'static str {
        if self.app { "mobile_app" } else { "web" }
    }

    /// What the shop's own server stamps.
    fn draft(&self, kind: &'static str) -> Draft {
        let source = if self.app { APP } else { SHOP };
        Draft::of(self.customer, source, self.channel(), kind)
            .with("session_id", format!("s-{}", self.id))
            .on_device(self.device, 0)
    }

    /// What the device stamps.
    fn seen(&self, kind: &'static str) -> Draft {
        self.draft(kind).on_device(self.device, self.clock_off)
    }

    fn payment(&self, kind: &'static str) -> Draft {
        Draft::of(self.customer, PAYMENTS, self.channel(), kind)
            .with("session_id", format!("s-{}", self.id))
            .with("order_id", format!("o-{}", self.id))
    }
}

impl Company {
    /// A visit begins.
    pub(crate) fn visit(&mut self, at: Timestamp, app: bool, who: Option<(usize, u64)>) {
        let customer = who.map_or_else(|| self.people.active(&mut self.chance), |w| w.0);
        let visit = Visit {
            customer,
            id: self.number(),
            app,
            device: self.people.device(customer, &mut self.chance),
            clock_off: self.clock_off(),
            began: at,
            pages: 0,
            step: Step::Browse,
            campaign: who.map(|w| w.1),
        };
        self.truth.minute(at).sessions += 1;
        let mut draft = visit.draft("session.started");
        if let Some(campaign) = visit.campaign {
            draft = draft.with("campaign_id", format!("cmp-{campaign}"));
        }
        self.say(at, draft);
        self.go(at.plus(1), Box::new(visit));
    }

    /// The next step of a visit.
    pub(crate) fn go(&mut self, at: Timestamp, mut visit: Box<Visit>) {
        let pause = match visit.step {
            Step::Browse => self.browse(at, &mut visit),
            Step::Checkout => {
                self.say(at, visit.draft("commerce.checkout_started"));
                self.on(&mut visit, Step::Address, 0.9)
            }
            Step::Address => self.checkout_step(at, &mut visit, "address", Step::Delivery),
            Step::Delivery => self.checkout_step(at, &mut visit, "delivery", Step::Payment),
            Step::Payment => self.pay(at, &mut visit),
            Step::Leave => {
                let duration = at.since(visit.began);
                let ended = visit.draft("session.ended").with("duration_ms", duration);
                self.say(at, ended);
                return;
            }
        };
        self.plan(at.plus(pause), What::Visit(visit));
    }

    /// The visit goes on with this step, or the visitor leaves; how long that takes.
    fn on(&mut self, visit: &mut Visit, step: Step, chance: f64) -> i64 {
        if !self.chance.yes(chance) {
            visit.step = Step::Leave;
            return self.chance.lognormal(8_000.0, 0.8);
        }
        visit.step = step;
        self.chance.lognormal(22_000.0, 1.1)
    }

    fn browse(&mut self, at: Timestamp, visit: &mut Visit) -> i64 {
        visit.pages += 1;
        let product = visit.pages.is_multiple_of(2);
        let draft = if product {
            let product = self.chance.below(400);
            visit
                .seen("commerce.product_viewed")
                .with("product_id", format!("p-{product}"))
        } else {
            self.page(visit)
        };
        self.say(at, draft);
        // Who comes by a campaign buys twice as often.
        let buys = if visit.campaign.is_some() {
            2.0 * CART
        } else {
            CART
        };
        if product && self.chance.yes(buys) {
            let added = visit
                .draft("commerce.cart_item_added")
                .with("quantity", 1 + i64::from(self.chance.yes(0.2)));
            let later = at.plus(self.chance.lognormal(6_000.0, 0.6));
            self.say(later, added);
            return 60 * SECOND + self.on(visit, Step::Checkout, 0.5);
        }
        self.on(visit, Step::Browse, GOES_ON)
    }

    fn page(&mut self, visit: &Visit) -> Draft {
        if visit.app {
            let screen = SCREENS[self.chance.below(SCREENS.len())];
            return visit.seen("view.screen_viewed").with("page", screen);
        }
        let page = PAGES[self.chance.below(PAGES.len())];
        let kind = match page {
            "/search" => "view.search_performed",
            "/help" => "view.help_article_viewed",
            _ => "view.page_viewed",
        };
        visit.seen(kind).with("page", page)
    }

    fn checkout_step(
        &mut self,
        at: Timestamp,
        visit: &mut Visit,
        name: &'static str,
        next: Step,
    ) -> i64 {
        let failed = self.chance.yes(0.02);
        let draft = visit
            .draft("commerce.checkout_step")
            .with("step", name)
            .with("outcome", if failed { "failed" } else { "ok" });
        self.say(at, draft);
        let step = if failed { visit.step } else { next };
        self.on(visit, step, 0.9)
    }

    fn pay(&mut self, at: Timestamp, visit: &mut Visit) -> i64 {
        let failure = self.story.failure(at);
        let failed = self.chance.yes(failure);
        let minute = self.truth.minute(at);
        minute.payments += 1;
        minute.payments_failed += i64::from(failed);
        let tried = visit
            .payment("commerce.checkout_step")
            .with("step", "payment")
            .with("outcome", if failed { "failed" } else { "ok" });
        self.say(at, tried);
        if failed {
            let reason = if self.story.failing(at) {
                "provider_timeout"
            } else {
                "card_declined"
            };
            let draft = visit
                .payment("commerce.payment_failed")
                .with("reason", reason);
            self.say(at, draft);
            self.trouble(at, visit.customer, "payment");
            return self.on(visit, Step::Payment, 0.6);
        }
        self.order(at, visit);
        self.on(visit, Step::Leave, 1.0)
    }

    fn order(&mut self, at: Timestamp, visit: &Visit) {
        let amount = self.chance.lognormal(6_400.0, 0.6).clamp(300, 200_000);
        let minute = self.truth.minute(at);
        minute.orders += 1;
        minute.revenue_minor += amount;
        let placed = visit
            .draft("commerce.order_placed")
            .with("order_id", format!("o-{}", visit.id))
            .with("amount_minor", amount)
            .with("currency", "EUR");
        self.say(at, placed);
        self.confirm_order(at, visit.customer, visit.id);
        if self.chance.yes(0.03) {
            let back = at.plus(5 * MINUTE + self.chance.exponential(1_500_000.0));
            self.truth.minute(back).refunded_minor += amount;
            let refund = visit
                .payment("commerce.refunded")
                .outbound("system")
                .with("amount_minor", -amount)
                .with("currency", "EUR");
            self.say(back, refund);
        }
        if self.chance.yes(0.06) {
            let asked = at.plus(self.chance.lognormal(60_000.0, 0.7));
            self.ask_after_order(asked, visit.customer);
        }
        if self.chance.yes(0.04) {
            let late = at.plus(10 * MINUTE);
            self.trouble(late, visit.customer, "delivery");
        }
    }
}
