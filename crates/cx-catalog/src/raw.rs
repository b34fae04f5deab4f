//! In: YAML. Kept: nothing. Out: what a KPI file says, with places, before it is checked.
//! Never knows: whether it makes sense. The JSON Schema of the file is made from these types.

use crate::form::Form;
use schemars::JsonSchema;
use serde::de::{Deserializer, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Serialize};
use serde_saphyr::Spanned;
use std::collections::BTreeMap;
use std::fmt;

/// The fields of a KPI file.
pub(crate) const KPI: Form = Form {
    what: "a KPI",
    required: &[
        ("kpi", "write kpi: technical_name"),
        ("business_name", "write business_name: the name people say"),
        (
            "meaning",
            "write meaning: one line that both owners would sign",
        ),
        (
            "type",
            "write type: simple, ratio, derived, cumulative or conversion",
        ),
        ("windows", "write windows: [15m, 1h]"),
        (
            "unit",
            "write unit: percent, count, points, seconds or a currency such as EUR",
        ),
        ("decimals", "write decimals: 0 to 4"),
        ("direction", "write direction: up, down or none"),
        (
            "owners",
            "write owners: {business: team.role, technical: team.role}",
        ),
        (
            "examples",
            "write examples: with events, window and value; they run as tests",
        ),
    ],
    optional: &[
        "filter",
        "measure",
        "gauge",
        "oldest",
        "observed",
        "numerator",
        "denominator",
        "base",
        "conversion",
        "entity",
        "within",
        "attempts",
        "calculation",
        "constant_properties",
        "changed_properties",
        "expr",
        "metrics",
        "n",
        "dimensions",
        "calendar",
        "target",
        "status",
        "effective_from",
        "alerts",
    ],
};

/// One KPI: what a number means, who answers for it, and worked examples that run as tests.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "KPI definition")]
pub(crate) struct RawKpi {
    /// Technical name: lower-case letters, digits and `_`, at most 48.
    #[schemars(with = "String", regex(pattern = "^[a-z0-9_]{1,48}$"))]
    pub(crate) kpi: Spanned<String>,
    /// Business name, at most 40 characters.
    #[schemars(with = "String", length(min = 1, max = 40))]
    pub(crate) business_name: Spanned<String>,
    /// One line of meaning.
    #[schemars(with = "String", length(min = 1, max = 300))]
    pub(crate) meaning: Spanned<String>,
    /// `simple` has one of measure, gauge, oldest, observed; `ratio` has numerator and denominator;
    /// `derived` has expr and metrics; `cumulative` has measure and looks back to the beginning of the
    /// day, or a day and more; `conversion` has base, conversion, entity, within and attempts.
    #[serde(rename = "type")]
    #[schemars(with = "String", extend("enum" = ["simple", "ratio", "derived", "cumulative", "conversion"]))]
    pub(crate) kind: Spanned<String>,
    /// CEL condition on every measure, see schemas/cel.md.
    #[schemars(with = "Option<String>")]
    pub(crate) filter: Option<Spanned<String>>,
    /// What a simple KPI counts.
    pub(crate) measure: Option<RawMeasure>,
    /// Open objects at the second.
    pub(crate) gauge: Option<RawObject>,
    /// Age of the oldest object at the second.
    pub(crate) oldest: Option<RawObject>,
    /// What processes measure of themselves; in no digest and on no board.
    pub(crate) observed: Option<RawObserved>,
    /// Above the line of a ratio.
    pub(crate) numerator: Option<RawMeasure>,
    /// Below the line of a ratio.
    pub(crate) denominator: Option<RawMeasure>,
    /// The event that begins an attempt of a conversion.
    pub(crate) base: Option<RawStage>,
    /// The event of the same entity that converts it.
    pub(crate) conversion: Option<RawStage>,
    /// Whose attempts: customer, case, contact, conversation, order or session.
    #[schemars(with = "Option<String>", extend("enum" = ["customer", "case", "contact", "conversation", "order", "session", null]))]
    pub(crate) entity: Option<Spanned<String>>,
    /// How long after its beginning an attempt is decided, 1s to 28d.
    #[schemars(with = "Option<String>")]
    pub(crate) within: Option<Spanned<String>>,
    /// Totals or uniques: `every` such event begins an attempt; the `first` until it is decided; or the
    /// `last`, with which an attempt begins anew.
    #[schemars(with = "Option<String>", extend("enum" = ["every", "first", "last", null]))]
    pub(crate) attempts: Option<Spanned<String>>,
    /// `conversion_rate` where it is not said; of the attempts whose time is over.
    #[schemars(with = "Option<String>", extend("enum" = ["conversion_rate", "drop_off_rate", "conversions", "decided", "undecided", null]))]
    pub(crate) calculation: Option<Spanned<String>>,
    /// Text attributes that both events must say the same of, at most three.
    #[serde(default)]
    #[schemars(with = "Vec<String>", length(max = 3))]
    pub(crate) constant_properties: Vec<Spanned<String>>,
    /// Text attributes of which the second event must say something else, at most three.
    #[serde(default)]
    #[schemars(with = "Vec<String>", length(max = 3))]
    pub(crate) changed_properties: Vec<Spanned<String>>,
    /// What a derived KPI calculates: + - * /, brackets, numbers and the names of its metrics.
    #[schemars(with = "Option<String>")]
    pub(crate) expr: Option<Spanned<String>>,
    /// What a derived KPI is made of, at most eight.
    #[serde(default)]
    #[schemars(with = "Vec<RawMetric>", length(max = 8))]
    pub(crate) metrics: Vec<Spanned<RawMetric>>,
    /// The metric whose n a derived KPI has; the least n of all where it is not said.
    #[schemars(with = "Option<String>")]
    pub(crate) n: Option<Spanned<String>>,
    /// Breakdowns, at most two.
    #[serde(default)]
    #[schemars(with = "Vec<RawDimension>", length(max = 2))]
    pub(crate) dimensions: Vec<Spanned<RawDimension>>,
    /// `now` for gauge and oldest; else 1m, 5m, 15m, 1h, 24h, day, 7d, 28d; day, 24h, 7d, 28d for
    /// cumulative.
    #[schemars(
        with = "Vec<String>",
        length(min = 1),
        inner(regex(pattern = "^(now|1m|5m|15m|1h|24h|day|7d|28d)$"))
    )]
    pub(crate) windows: Vec<Spanned<String>>,
    /// Whose business day the window `day` is: a file in calendars/; where it is not said, the calendar
    /// `default`, or UTC's day where there is none.
    #[schemars(with = "Option<String>")]
    pub(crate) calendar: Option<Spanned<String>>,
    /// `percent` (ratios and derived), `count`, `points`, `seconds` or an ISO 4217 code.
    #[schemars(
        with = "String",
        regex(pattern = "^(percent|count|points|seconds|[A-Z]{3})$")
    )]
    pub(crate) unit: Spanned<String>,
    /// Decimals shown.
    #[schemars(with = "u8", range(max = 4))]
    pub(crate) decimals: Spanned<u8>,
    /// Which way is good.
    #[schemars(with = "String", extend("enum" = ["up", "down", "none"]))]
    pub(crate) direction: Spanned<String>,
    /// Target in shown units, with no more decimals than the KPI shows.
    #[schemars(with = "Option<f64>")]
    pub(crate) target: Option<Spanned<f64>>,
    /// Who answers for meaning and for data.
    pub(crate) owners: RawOwners,
    /// A file can propose, never sign.
    #[schemars(with = "Option<String>", extend("enum" = ["draft", "proposed", null]))]
    pub(crate) status: Option<Spanned<String>>,
    /// RFC 3339 time from which the definition holds.
    #[schemars(with = "Option<String>")]
    pub(crate) effective_from: Option<Spanned<String>>,
    /// Limits, at most eight.
    #[serde(default)]
    #[schemars(length(max = 8))]
    pub(crate) alerts: Vec<RawAlert>,
    /// At least one; none where processes measure, for no event gives such a number.
    #[schemars(with = "Vec<RawExample>")]
    pub(crate) examples: Spanned<Vec<RawExample>>,
}

/// One end of a conversion.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawStage {
    /// CEL condition, see schemas/cel.md.
    #[serde(rename = "where")]
    #[schemars(with = "String")]
    pub(crate) condition: Spanned<String>,
}

/// How, of what, over which events.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawMeasure {
    /// How.
    #[schemars(with = "String", extend("enum" = ["count", "sum", "min", "max", "average", "median", "percentile", "count_distinct"]))]
    pub(crate) agg: Spanned<String>,
    /// `data.<integer attribute>` for sum, min, max, average, median and percentile, `fact.<fact>`
    /// for all of these but min and max, `customer`, `customer.channels` and
    /// `customer.cross_channel` for count_distinct, `record` for a count of records,
    /// `reply.decided` and `reply.met` for a count of promised replies, `sequence.received` and
    /// `sequence.expected` for what sources number.
    #[schemars(with = "Option<String>")]
    pub(crate) of: Option<Spanned<String>>,
    /// Which percentile, 0.001 to 0.999, e.g. 0.9.
    #[schemars(with = "Option<f64>", range(min = 0.001, max = 0.999))]
    pub(crate) percentile: Option<Spanned<f64>>,
    /// CEL condition, see schemas/cel.md.
    #[serde(rename = "where")]
    #[schemars(with = "Option<String>")]
    pub(crate) condition: Option<Spanned<String>>,
}

/// A KPI that a derived one is made of: its name, or a name with an alias.
#[derive(JsonSchema)]
#[serde(untagged)]
pub(crate) enum RawMetric {
    Name(String),
    Aliased(RawAlias),
}

/// A KPI under another name.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawAlias {
    /// Technical name of the KPI.
    pub(crate) name: String,
    /// Its name in the expression.
    pub(crate) alias: Option<String>,
}

impl<'de> Deserialize<'de> for RawMetric {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = RawMetric;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a KPI or {name: \u{2026}, alias: \u{2026}}")
            }

            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<RawMetric, E> {
                Ok(RawMetric::Name(name.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawMetric, A::Error> {
                RawAlias::deserialize(MapAccessDeserializer::new(map)).map(RawMetric::Aliased)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// Which open objects.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawObject {
    /// `contact.waiting`, `conversation.unanswered`, `case.open`, for gauge also `conversation.overdue`, for
    /// oldest also `source.last_event`.
    #[schemars(with = "String", extend("enum" = ["contact.waiting", "conversation.unanswered", "conversation.overdue", "case.open", "source.last_event"]))]
    pub(crate) of: Spanned<String>,
    /// CEL condition on the event that put the object into its state.
    #[serde(rename = "where")]
    #[schemars(with = "Option<String>")]
    pub(crate) condition: Option<Spanned<String>>,
}

/// Which measurement.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawObserved {
    /// `event_to_screen` (seconds) or `consumer_lag` (count).
    #[schemars(with = "String", extend("enum" = ["event_to_screen", "consumer_lag"]))]
    pub(crate) of: Spanned<String>,
}

/// A breakdown: a name, whose values the catalogue declares, or a name with its values.
#[derive(JsonSchema)]
#[serde(untagged)]
pub(crate) enum RawDimension {
    Name(String),
    Declared(RawValues),
}

/// A breakdown with its values.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawValues {
    /// Attribute name without `data.`, or source, type, outcome, reason; `age` of what a gauge counts; of a
    /// combination a name of its own.
    pub(crate) name: String,
    /// Attributes of a combination, whose values stand in `values` with `/` between them.
    #[serde(default)]
    #[schemars(length(max = 3))]
    pub(crate) of: Vec<String>,
    /// Everything else is `other`.
    #[schemars(with = "Option<Vec<String>>", length(min = 1, max = 64))]
    pub(crate) values: Option<Vec<String>>,
    /// Instead of values, of `age`: where one band ends and the next begins, e.g. [1h, 4h, 24h].
    #[serde(default)]
    #[schemars(length(max = 8))]
    pub(crate) bands: Vec<String>,
}

impl<'de> Deserialize<'de> for RawDimension {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = RawDimension;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name or {name: \u{2026}, values: [\u{2026}]}")
            }

            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<RawDimension, E> {
                Ok(RawDimension::Name(name.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawDimension, A::Error> {
                let declared = RawValues::deserialize(MapAccessDeserializer::new(map))?;
                if declared.values.is_none() && declared.name != "age" {
                    return Err(serde::de::Error::missing_field("values"));
                }
                Ok(RawDimension::Declared(declared))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// Two owners.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawOwners {
    /// Answers for the meaning, as `team.role`.
    #[schemars(with = "String")]
    pub(crate) business: Spanned<String>,
    /// Answers for the data, as `team.role`.
    #[schemars(with = "String")]
    pub(crate) technical: Spanned<String>,
}

/// One limit: when it is passed, who must know and what they do first. Judged at sealed seconds over
/// the number as the screens show it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawAlert {
    /// P1 is the most urgent.
    #[schemars(with = "String", extend("enum" = ["P1", "P2", "P3"]))]
    pub(crate) priority: Spanned<String>,
    /// One of the KPI's windows.
    #[schemars(with = "String")]
    pub(crate) window: Spanned<String>,
    /// One of the KPI's dimensions: each of its values, and `other`, is judged by itself. Without it
    /// the total is.
    #[schemars(with = "Option<String>")]
    pub(crate) by: Option<Spanned<String>>,
    /// CEL condition that raises it, over value, n, target; of a ratio also numerator and
    /// denominator, of the age of sources freshness: what each source promises, seconds.
    #[schemars(with = "String", length(min = 1, max = 300))]
    pub(crate) when: Spanned<String>,
    /// Condition that clears it, over the same; must leave out what `when` takes. Between the two is the
    /// dead band.
    #[schemars(with = "String", length(min = 1, max = 300))]
    pub(crate) clear: Spanned<String>,
    /// Delay: how long `when` must hold, e.g. `60s`; at once where it is not said. At most 24 hours.
    #[serde(rename = "for")]
    #[schemars(with = "Option<String>", regex(pattern = "^[0-9]+[smh]$"))]
    pub(crate) duration: Option<Spanned<String>>,
    /// How long it stays raised at least, e.g. `2m`. At most 24 hours.
    #[schemars(with = "Option<String>", regex(pattern = "^[0-9]+[smh]$"))]
    pub(crate) hold: Option<Spanned<String>>,
    /// Who acts; the KPI's business owner where it is not said.
    #[schemars(with = "Option<String>")]
    pub(crate) owner: Option<Spanned<String>>,
    /// What probably lies behind it: lower-case letters, digits and `_`. Alerts of one cause are shown
    /// as one; the KPI's name where it is not said.
    #[schemars(with = "Option<String>", regex(pattern = "^[a-z0-9_]{1,48}$"))]
    pub(crate) cause: Option<Spanned<String>>,
    /// What to do first.
    #[schemars(with = "String", length(min = 1, max = 120))]
    pub(crate) next_step: Spanned<String>,
    /// Whom to tell, at most four.
    #[serde(default)]
    #[schemars(length(max = 4))]
    pub(crate) notify: Vec<RawNotify>,
}

/// Whom to tell, and when.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawNotify {
    /// Name of a receiver in the server's configuration: lower-case letters, digits and `_`.
    #[schemars(with = "String", regex(pattern = "^[a-z0-9_]{1,48}$"))]
    pub(crate) to: Spanned<String>,
    /// Tell only if nobody took the alert for that long, e.g. `5m`.
    #[schemars(with = "Option<String>")]
    pub(crate) untaken_after: Option<Spanned<String>>,
}

/// Events and the value they must give, at the second after the last of them or later.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawExample {
    /// Each is merged over a default event; they are one second apart.
    #[schemars(
        with = "Vec<serde_json::Map<String, serde_json::Value>>",
        length(min = 1)
    )]
    pub(crate) events: Spanned<Vec<serde_json::Value>>,
    /// How long after the last event the value is read, e.g. `90s`; a second where it is not said.
    #[schemars(with = "Option<String>")]
    pub(crate) after: Option<Spanned<String>>,
    /// One of the KPI's windows.
    #[schemars(with = "String")]
    pub(crate) window: Spanned<String>,
    /// Dimension values; absent ones are `all`.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    pub(crate) dims: BTreeMap<String, Spanned<String>>,
    /// In shown units; absent or null where there is nothing to say.
    #[schemars(with = "Option<f64>")]
    pub(crate) value: Option<Spanned<f64>>,
    /// How many observations.
    pub(crate) n: Option<i64>,
}

/// The fields of `channels.yaml`.
pub(crate) const CHANNELS: Form = Form {
    what: "the list of channels",
    required: &[("channels", "write channels: with one entry per channel")],
    optional: &[],
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawChannels {
    pub(crate) channels: Vec<RawChannel>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawChannel {
    pub(crate) channel: Spanned<String>,
    pub(crate) medium: Spanned<String>,
    #[serde(rename = "sync")]
    pub(crate) _sync: bool,
    pub(crate) reply_target_s: Option<Spanned<u32>>,
    pub(crate) calendar: Option<Spanned<String>>,
}

/// The fields of a source file.
pub(crate) const SOURCE: Form = Form {
    what: "a source",
    required: &[
        (
            "source",
            "write source: the CloudEvents source of its events",
        ),
        ("owner", "write owner: who mends it"),
        ("freshness_s", "write freshness_s: seconds, e.g. 60"),
    ],
    optional: &[],
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawSource {
    pub(crate) source: Spanned<String>,
    pub(crate) owner: Spanned<String>,
    pub(crate) freshness_s: Spanned<u32>,
}

/// One source of events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Source {
    /// CloudEvents `source`.
    pub source: String,
    /// Who mends it.
    pub owner: String,
    /// How old its newest event may be, seconds, 1 to 86,400.
    pub freshness_s: u32,
}
