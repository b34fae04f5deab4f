//! In: how a contact or an order went. Kept: nothing. Out: invitations, and the answers of those
//! who care to give one. Never knows: what anybody does about them.

use crate::company::Company;
use crate::draft::Draft;
use crate::source::name::SURVEYS;
use crate::stream::Reach;
use cx_model::time::{MINUTE, Timestamp};

/// Share of the invited who answer.
const ANSWERS: f64 = 0.12;
/// Share of contacts after which people are also asked whether they would recommend us.
const RECOMMENDED: f64 = 0.8;

impl Company {
    /// Satisfaction with a contact, 1 to 5: worse after a long wait, an open matter, a second try.
    pub(crate) fn ask_after_contact(
        &mut self,
        at: Timestamp,
        reach: Reach,
        channel: &'static str,
        (wait, settled): (i64, bool),
    ) {
        // What is a long wait on the line is none for a letter.
        let patience = match channel {
            "voice_call" | "chat" => 2 * MINUTE,
            "messaging" => 10 * MINUTE,
            _ => 90 * MINUTE,
        };
        let waited = if wait > patience { 1.2 } else { 0.0 };
        let open = if settled { 0.0 } else { 1.3 };
        let mean = 4.5 - waited - open - 0.4 * f64::from(reach.tries);
        let about = Some(("topic", reach.topic));
        self.survey(at, reach.customer, ("csat", 1, 5), (mean, 0.7), about);
        self.aside(|company| {
            if company.chance.yes(RECOMMENDED) {
                let mean = if settled { 7.8 } else { 4.5 };
                company.survey(at, reach.customer, ("nps", 0, 10), (mean, 2.6), None);
            }
        });
    }

    /// Was it easy, 1 to 7: after a machine answered, or gave up.
    pub(crate) fn ask_after_bot(&mut self, at: Timestamp, reach: Reach, contained: bool) {
        let mean = if contained { 5.6 } else { 3.4 };
        let about = Some(("topic", reach.topic));
        self.aside(|company| company.survey(at, reach.customer, ("ces", 1, 7), (mean, 1.3), about));
    }

    /// Would you recommend us, 0 to 10.
    pub(crate) fn ask_after_order(&mut self, at: Timestamp, customer: usize) {
        self.survey(at, customer, ("nps", 0, 10), (8.3, 2.0), None);
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "a score between its bounds"
    )]
    fn survey(
        &mut self,
        at: Timestamp,
        customer: usize,
        (survey, least, most): (&'static str, i64, i64),
        (mean, spread): (f64, f64),
        about: Option<(&'static str, &'static str)>,
    ) {
        let id = self.number();
        let draft = |kind| {
            let draft = Draft::of(customer, SURVEYS, "survey", kind)
                .with("survey", survey)
                .with("survey_id", format!("sv-{id}"));
            about.map_or(draft.clone(), |(name, value)| draft.with(name, value))
        };
        let invited = at.plus(self.chance.exponential(20_000.0));
        self.say(invited, draft("feedback.survey_invited").outbound("system"));
        if !self.chance.yes(ANSWERS) {
            return;
        }
        let answered = invited.plus(self.chance.lognormal(150_000.0, 0.9));
        let score = (mean + spread * self.chance.normal()).round() as i64;
        let score = score.clamp(least, most);
        let answers = self
            .truth
            .minute(answered)
            .surveys
            .entry(survey)
            .or_default();
        answers.count += 1;
        answers.score += score;
        self.say(
            answered,
            draft("feedback.survey_answered").with("score", score),
        );
    }
}
