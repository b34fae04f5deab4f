//! In: nothing. Kept: nothing. Out: every name the world and we agreed on, once. Never knows: who uses it.

/// All interactions, keyed by customer: the only door to the engine.
pub const TOPIC_INTERACTIONS: &str = "cx.interactions";
/// Refused records with their original bytes.
pub const TOPIC_DEAD_LETTERS: &str = "cx.dead-letters";
/// What was decided, partition by partition as the interactions it follows from.
pub const TOPIC_DECISIONS: &str = "cx.decisions";
/// Sets of definitions.
pub const TOPIC_DEFINITIONS: &str = "cx.definitions";
/// What people do: the audit log.
pub const TOPIC_ACTIONS: &str = "cx.actions";
/// Verdicts of the judge of alerts, and once a minute its state.
pub const TOPIC_ALERTS: &str = "cx.alerts";

/// Header that marks and signs a control record.
pub const HEADER_CONTROL: &str = "cx-control";

/// Control record that only moves log time.
pub const CONTROL_CLOCK: &str = "cx.control.clock.v1";
/// Control record that activates a set of definitions.
pub const CONTROL_ACTIVATION: &str = "cx.control.activation.v1";
/// Control record that says the active set again.
pub const CONTROL_ACTIVE: &str = "cx.control.active_set.v1";
/// Control record: somebody knows that records are missing.
pub const CONTROL_GAP: &str = "cx.control.data_gap_acknowledged.v1";

/// A contact entered a queue.
pub const CONTACT_QUEUED: &str = "cx.contact.queued.v1";
/// A contact left a queue without an answer or an end (callback, overflow).
pub const CONTACT_DEQUEUED: &str = "cx.contact.dequeued.v1";
/// A person answered a contact.
pub const CONTACT_ANSWERED: &str = "cx.contact.answered.v1";
/// A contact ended, answered or not.
pub const CONTACT_ENDED: &str = "cx.contact.ended.v1";

/// Registered event types, a family a paragraph; others are accepted and counted as unregistered.
#[rustfmt::skip]
pub const EVENT_TYPES: &[&str] = &[
    "cx.session.started.v1", "cx.session.ended.v1",
    "cx.view.page_viewed.v1", "cx.view.screen_viewed.v1", "cx.view.content_consumed.v1",
    "cx.view.search_performed.v1", "cx.view.help_article_viewed.v1",
    "cx.commerce.product_viewed.v1", "cx.commerce.cart_item_added.v1", "cx.commerce.cart_item_removed.v1",
    "cx.commerce.checkout_started.v1", "cx.commerce.checkout_step.v1", "cx.commerce.payment_failed.v1",
    "cx.commerce.order_placed.v1", "cx.commerce.order_cancelled.v1", "cx.commerce.order_shipped.v1",
    "cx.commerce.order_delivered.v1", "cx.commerce.order_returned.v1", "cx.commerce.refunded.v1",
    "cx.message.sent.v1", "cx.message.delivered.v1", "cx.message.bounced.v1", "cx.message.opened.v1",
    "cx.message.clicked.v1", "cx.message.replied.v1", "cx.message.marked_spam.v1",
    "cx.contact.initiated.v1", "cx.contact.self_service_entered.v1", CONTACT_QUEUED, CONTACT_DEQUEUED,
    "cx.contact.offered_to_agent.v1", CONTACT_ANSWERED, "cx.contact.held.v1", "cx.contact.resumed.v1", "cx.contact.transferred.v1",
    "cx.contact.callback_scheduled.v1", "cx.contact.wrapup_started.v1", "cx.contact.wrapup_ended.v1", CONTACT_ENDED,
    "cx.conversation.started.v1", "cx.conversation.customer_message.v1", "cx.conversation.agent_message.v1",
    "cx.conversation.bot_message.v1", "cx.conversation.handoff.v1", "cx.conversation.closed.v1",
    "cx.case.opened.v1", "cx.case.assigned.v1", "cx.case.status_changed.v1", "cx.case.sla_paused.v1",
    "cx.case.sla_resumed.v1", "cx.case.resolved.v1", "cx.case.reopened.v1", "cx.case.escalated.v1", "cx.case.merged.v1",
    "cx.feedback.survey_invited.v1", "cx.feedback.survey_answered.v1", "cx.feedback.review_posted.v1",
    "cx.feedback.complaint.v1", "cx.feedback.sentiment_scored.v1",
    "cx.social.mention.v1", "cx.social.comment.v1", "cx.social.share.v1", "cx.social.reaction.v1", "cx.social.follow.v1",
    "cx.device.telemetry_alert.v1", "cx.device.skill_invoked.v1", "cx.device.skill_failed.v1",
    "cx.device.vr_session.v1", "cx.device.beacon_entered.v1", "cx.device.beacon_left.v1",
    "cx.store.visit.v1", "cx.store.pos_sale.v1", "cx.store.appointment.v1",
    "cx.identity.identified.v1", "cx.identity.linked.v1", "cx.identity.unlinked.v1", "cx.identity.merged.v1",
    "cx.identity.split.v1", "cx.identity.anonymous_reset.v1", "cx.identity.erased.v1",
    "cx.consent.granted.v1", "cx.consent.denied.v1", "cx.consent.withdrawn.v1", "cx.consent.preference_set.v1",
    "cx.promise.made.v1", "cx.promise.amended.v1", "cx.promise.kept.v1", "cx.promise.broken.v1",
    "cx.campaign.audience_entered.v1", "cx.campaign.audience_left.v1", "cx.campaign.targeted.v1",
    "cx.campaign.suppressed.v1", "cx.campaign.exposed.v1", "cx.campaign.converted.v1", "cx.campaign.held_out.v1",
    "cx.response.proposed.v1", "cx.response.approved.v1", "cx.response.dispatched.v1",
    "cx.response.delivered.v1", "cx.response.failed.v1", "cx.response.expired.v1", "cx.response.cancelled.v1",
    "cx.ops.request_summary.v1", "cx.ops.vitals.v1", "cx.ops.incident_opened.v1", "cx.ops.incident_closed.v1",
    "cx.ops.deploy.v1", "cx.ops.integration_heartbeat.v1", "cx.agent.state_changed.v1",
];
