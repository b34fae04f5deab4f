//! In: what somebody asks of a running house. Kept: nothing. Out: its answer, for people or
//! programs. Never knows: how the house finds it.

mod definitions;

use crate::check::say;
use crate::{show, told};
use anyhow::{Context as _, bail};
use cx_model::time::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};

/// How long a house may take; a preview counts the log.
const PATIENCE: Duration = Duration::from_secs(60);

/// What can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum What {
    /// A KPI: definition and values. Without a name: all.
    Kpi,
    /// A board: its numbers at the newest sealed second. Without a name: all.
    Board,
    /// A customer, by customer id or opaque id.
    Customer,
    /// Alerts that are open, and maintenance; `get alerts all`: those before too.
    Alerts,
    /// Sets of definitions, proposals, who did what; with a hash: one proposal.
    Definitions,
    /// What the files would say now, had they always held; with a hash: a proposal.
    Preview,
}

/// What of a KPI is asked for beside its values.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Of {
    /// Of a KPI: why its value is what it is; parts, offsets, accounts, sample records.
    #[arg(long, conflicts_with = "yaml")]
    why: bool,
    /// With --why: one of the KPI's windows, e.g. 15m; the definition's first without it.
    #[arg(long, requires = "why")]
    window: Option<String>,
    /// With --why: a dimension's value, e.g. --dim queue=sales; the total without it.
    #[arg(long = "dim", value_name = "NAME=VALUE", requires = "why")]
    dims: Vec<String>,
    /// A sealed second that is kept (with --why: of the last 120); the newest without it.
    #[arg(long, value_name = "SECOND", conflicts_with = "yaml")]
    s: Option<i64>,
    /// Of a KPI or a proposal: its definition, as the file it was read from.
    #[arg(long, conflicts_with = "json")]
    yaml: bool,
}

/// Asks and prints.
///
/// # Errors
/// No house at the address; its refusal, with the fix.
pub(crate) fn run(
    house: &House<'_>,
    what: What,
    name: Option<&str>,
    of: &Of,
    as_json: bool,
) -> anyhow::Result<bool> {
    if of.why || of.yaml {
        let path = match (what, name) {
            (What::Kpi, Some(name)) => format!("/v1/kpis/{}", encoded(name)),
            (What::Definitions, Some(hash)) if of.yaml => {
                format!("/v1/definitions/{}", encoded(hash))
            }
            _ => bail!("--why and --yaml are for one KPI: get kpi service_level_voice --why"),
        };
        return house.told(&path, of, as_json).map(|()| true);
    }
    let second = of.s.map_or_else(String::new, |s| format!("?s={s}"));
    if of.s.is_some() && (name.is_none() || !matches!(what, What::Kpi | What::Board)) {
        bail!("--s goes with one KPI or one board: get kpi orders --s 1763805731");
    }
    let answer = match (what, name) {
        (What::Kpi, None) => house.glossary()?,
        (What::Kpi, Some(name)) => house.get(&format!("/v1/kpis/{}{second}", encoded(name)))?,
        (What::Board, None) => house.get("/v1/boards")?,
        (What::Board, Some(name)) => house.get(&format!("/v1/boards/{}{second}", encoded(name)))?,
        (What::Customer, None) => bail!("name the customer: get customer customer:42"),
        (What::Customer, Some(name)) => house.customer(name)?,
        (What::Alerts, None) => house.get("/v1/alerts")?,
        (What::Alerts, Some("all")) => house.get("/v1/alerts?all=true")?,
        (What::Alerts, Some(_)) => bail!("get alerts, or get alerts all"),
        (What::Definitions, None) => house.get("/v1/definitions")?,
        (What::Definitions, Some(hash)) => {
            house.get(&format!("/v1/definitions/{}", encoded(hash)))?
        }
        (What::Preview, None) => house.get("/v1/definitions/preview")?,
        (What::Preview, Some(hash)) => house.get(&format!(
            "/v1/definitions/preview?definition={}",
            encoded(hash)
        ))?,
    };
    if as_json {
        say(&answer.to_string());
        return Ok(true);
    }
    say(&match (what, name) {
        (What::Kpi, None) => kpis(&answer),
        (What::Kpi, Some(_)) => kpi(&answer),
        (What::Board, None) => boards(&answer),
        (What::Board, Some(_)) => board(&answer),
        (What::Customer, _) => serde_json::to_string_pretty(&answer)?,
        (What::Alerts, _) => alerts(&answer),
        (What::Definitions, None) => definitions::all(&answer),
        (What::Definitions, Some(_)) => definitions::one(&answer),
        (What::Preview, _) => definitions::preview(&answer),
    });
    Ok(true)
}

/// A running house, asked over HTTP.
pub(crate) struct House<'u> {
    url: &'u str,
    /// An API key.
    token: Option<String>,
}

impl<'u> House<'u> {
    pub(crate) fn at(url: &'u str, token: Option<String>) -> Self {
        let url = url.trim_end_matches('/');
        Self { url, token }
    }

    pub(crate) fn url(&self) -> &'u str {
        self.url
    }

    /// The header that says who asks, where a key does.
    fn signed<B>(&self, request: ureq::RequestBuilder<B>) -> ureq::RequestBuilder<B> {
        match &self.token {
            Some(token) => request.header("authorization", format!("Bearer {token}")),
            None => request,
        }
    }

    /// The lineage of a KPI's number, or the file that defines it.
    fn told(&self, path: &str, of: &Of, as_json: bool) -> anyhow::Result<()> {
        if of.yaml {
            let asked = self.signed(agent().get(format!("{}{path}", self.url)));
            let answer = asked.header("accept", "application/yaml").call();
            let text = match answer {
                Ok(answer) if answer.status().is_success() => {
                    answer.into_body().read_to_string()?
                }
                other => return self.read(other).map(drop),
            };
            // To the letter: the file ends as it ends.
            drop(write!(std::io::stdout(), "{text}"));
            return Ok(());
        }
        let answer = self.get(&format!("{path}/why{}", question(of)?))?;
        if as_json {
            say(&answer.to_string());
        } else {
            say(&told::lineage(&serde_json::from_value(answer)?));
        }
        Ok(())
    }

    /// All definitions, page by page.
    fn glossary(&self) -> anyhow::Result<Value> {
        let mut all = self.get("/v1/kpis")?;
        while let Some(after) = all["next"].as_str() {
            let mut more = self.get(&format!("/v1/kpis?after={}", encoded(after)))?;
            let known = all["kpis"].as_array_mut().context("a list of KPIs")?;
            known.append(more["kpis"].as_array_mut().context("a list of KPIs")?);
            all["next"] = more["next"].take();
        }
        Ok(all)
    }

    /// What it answers to a GET.
    ///
    /// # Errors
    /// Nobody there; its refusal, with the fix.
    pub(crate) fn get(&self, path: &str) -> anyhow::Result<Value> {
        let answer = self
            .signed(agent().get(format!("{}{path}", self.url)))
            .call();
        self.read(answer)
    }

    /// What it answers to a body of a kind.
    ///
    /// # Errors
    /// As [`House::get`].
    pub(crate) fn post(&self, path: &str, kind: &str, body: &str) -> anyhow::Result<Value> {
        let request = self.signed(agent().post(format!("{}{path}", self.url)));
        self.read(request.header("content-type", kind).send(body))
    }

    /// A name is hashed by the house; an opaque id is asked for as it is.
    fn customer(&self, name: &str) -> anyhow::Result<Value> {
        let opaque = name.len() == 32 && name.bytes().all(|b| b.is_ascii_hexdigit());
        if opaque {
            return self.get(&format!("/v1/customers/{name}"));
        }
        let body = json!({"customer_id": name}).to_string();
        let found = self.post("/v1/customers/lookup", "application/json", &body)?;
        let id = found["customer"].as_str().unwrap_or_default();
        self.get(&format!("/v1/customers/{id}"))
    }

    fn read(
        &self,
        answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> anyhow::Result<Value> {
        let untrusted = matches!(answer, Err(ureq::Error::NativeTls(_) | ureq::Error::Tls(_)));
        let answer = answer.with_context(|| match untrusted {
            true => format!("the certificate of {} is not believed: SSL_CERT_FILE names a PEM file of whom to believe", self.url),
            false => format!("nobody answers at {}: start `watchfloor serve` or `demo`, or name another address with --url", self.url),
        })?;
        let status = answer.status();
        let text = answer.into_body().read_to_string()?;
        let value: Value = serde_json::from_str(&text).with_context(|| {
            format!(
                "{} answered {status} and no JSON: is it Watchfloor?",
                self.url
            )
        })?;
        if status.is_success() {
            return Ok(value);
        }
        let word = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        let fixes = value["errors"].as_array().into_iter().flatten();
        let fixes: Vec<&str> = fixes.filter_map(|e| e["fix"].as_str()).collect();
        let faults = value["faults"]
            .as_array()
            .into_iter()
            .flatten()
            .map(self::text);
        let faults: Vec<String> = faults.collect();
        let what = if faults.is_empty() {
            word("detail")
        } else {
            format!("\n{}\n", faults.join("\n"))
        };
        bail!("{}: {what}; {}", word("title"), fixes.join("; "))
    }
}

/// The query of a `why`.
fn question(of: &Of) -> anyhow::Result<String> {
    let mut pairs = Vec::new();
    pairs.extend(of.window.as_ref().map(|w| ("window", w.clone())));
    pairs.extend(of.s.map(|s| ("s", s.to_string())));
    for dim in &of.dims {
        let pair = dim.split_once('=');
        let (name, value) = pair.with_context(|| format!("{dim:?}: write --dim queue=sales"))?;
        pairs.push((name, value.to_owned()));
    }
    let written = pairs.iter().enumerate().map(|(i, (name, value))| {
        let sign = if i == 0 { '?' } else { '&' };
        format!("{sign}{}={}", encoded(name), encoded(value))
    });
    Ok(written.collect())
}

/// Over https it believes whom this machine believes.
fn agent() -> ureq::Agent {
    let tls = TlsConfig::builder()
        .provider(TlsProvider::NativeTls)
        .root_certs(RootCerts::PlatformVerifier);
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .tls_config(tls.build())
        .timeout_global(Some(PATIENCE));
    ureq::Agent::new_with_config(config.build())
}

/// A name inside an address.
pub(crate) fn encoded(name: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~".contains(&b);
    let each = name.bytes().map(|b| {
        if plain(b) {
            char::from(b).to_string()
        } else {
            format!("%{b:02X}")
        }
    });
    each.collect()
}

pub(crate) fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn kpis(answer: &Value) -> String {
    let all = answer["kpis"].as_array().into_iter().flatten();
    let rows: Vec<Vec<String>> = all
        .map(|k| {
            vec![
                text(&k["kpi"]),
                text(&k["business_name"]),
                text(&k["meaning"]),
            ]
        })
        .collect();
    show::table(&rows, &[])
}

fn boards(answer: &Value) -> String {
    let all = answer["boards"].as_array().into_iter().flatten();
    let rows: Vec<Vec<String>> = all
        .map(|b| vec![text(&b["board"]), text(&b["title"])])
        .collect();
    show::table(&rows, &[])
}

/// One line per alert, then what to do first.
fn alerts(answer: &Value) -> String {
    let all = answer["alerts"].as_array().into_iter().flatten();
    let rows: Vec<Vec<String>> = all
        .map(|a| {
            let value = show::value(a["value"].as_i64(), &text(&a["unit"]), scale(&a["scale"]));
            let mut dims = named(&a["dims"]);
            dims.retain(|_, value| value != "all");
            let raised = a["raised"].as_i64().unwrap_or_default();
            let who = a["taken"]["by"].as_str();
            let who = who.map_or_else(
                || format!("untaken, {}", text(&a["owner"])),
                |by| format!("taken by {by}"),
            );
            vec![
                text(&a["priority"]),
                text(&a["state"]),
                text(&a["kpi"]),
                text(&a["window"]),
                show::dims(&dims),
                value,
                Timestamp::from_second(raised).to_rfc3339(),
                who,
                text(&a["next_step"]),
                text(&a["alert"]),
            ]
        })
        .collect();
    let open = if rows.is_empty() {
        "no alert is open".to_owned()
    } else {
        show::table(&rows, &[5])
    };
    let all = answer["maintenance"].as_array().into_iter().flatten();
    let rows: Vec<Vec<String>> = all.map(maintenance).collect();
    if rows.is_empty() {
        return open;
    }
    format!("{open}\n\nmaintenance\n{}", show::table(&rows, &[]))
}

fn maintenance(one: &Value) -> Vec<String> {
    let scope = one["scope"].as_object().into_iter().flatten();
    let scope: Vec<String> = scope
        .map(|(name, of)| format!("{name} {}", text(of)))
        .collect();
    let at =
        |name: &str| Timestamp::from_second(one[name].as_i64().unwrap_or_default()).to_rfc3339();
    vec![
        scope.join(""),
        format!("{} to {}", at("from"), at("until")),
        format!("{}: {}", text(&one["by"]), text(&one["why"])),
        text(&one["maintenance"]),
    ]
}

fn scale(value: &Value) -> u8 {
    value
        .as_u64()
        .and_then(|n| u8::try_from(n).ok())
        .unwrap_or(0)
}

fn named(dims: &Value) -> BTreeMap<String, String> {
    serde_json::from_value(dims.clone()).unwrap_or_default()
}

fn bits(state: &Value) -> u8 {
    scale(state)
}

fn kpi(answer: &Value) -> String {
    let (unit, decimals) = (text(&answer["unit"]), scale(&answer["decimals"]));
    let rows: Vec<Vec<String>> = answer["values"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|v| {
            vec![
                text(&v["window"]),
                show::dims(&named(&v["dims"])),
                show::value(v["value"].as_i64(), &unit, decimals),
                format!("n {}", v["n"]),
                show::state(bits(&v["state"])),
            ]
        })
        .collect();
    let head = format!(
        "{} ({})\n{}\n{}\nowners: {} and {}\ndefinition {}",
        text(&answer["business_name"]),
        text(&answer["kpi"]),
        text(&answer["meaning"]),
        text(&answer["said"]["sentence"]),
        text(&answer["owners"]["business"]),
        text(&answer["owners"]["technical"]),
        text(&answer["definition"]),
    );
    let head = format!("{head}{}", governed(&answer["governed"]));
    if let Some(observed) = answer.get("observed") {
        let value = show::value(observed["value"].as_i64(), &unit, decimals);
        return format!("{head}\nobserved, in no seal: {value}");
    }
    match answer["s"].as_i64() {
        Some(s) => format!(
            "{head}\nsealed second {s}\n\n{}",
            show::table(&rows, &[2, 3])
        ),
        None => format!("{head}\nnothing is sealed yet"),
    }
}

/// State, signatures and versions, a line each; nothing where nobody keeps them.
fn governed(said: &Value) -> String {
    let Some(state) = said["state"].as_str() else {
        return String::new();
    };
    let list = |name: &str| said[name].as_array().cloned().unwrap_or_default();
    let mut lines = vec![format!("\nstate {state}")];
    for one in list("signatures") {
        let demo = if one["demo"] == true { " (demo)" } else { "" };
        let (by, role, at) = (text(&one["by"]), text(&one["role"]), text(&one["at"]));
        lines.push(format!("signed by {by}, {role}{demo}, {at}"));
    }
    for one in list("versions") {
        let changes = one["changes"].as_array().into_iter().flatten().map(text);
        let changes: Vec<String> = changes.collect();
        if !changes.is_empty() {
            lines.push(format!("set {}: {}", one["set"], changes.join("; ")));
        }
    }
    lines.join("\n")
}

fn board(answer: &Value) -> String {
    let values = answer["values"].as_array().into_iter().flatten();
    let values: BTreeMap<i64, (Option<i64>, u8)> = values
        .map(|v| (v[0].as_i64().unwrap_or(0), (v[1].as_i64(), bits(&v[2]))))
        .collect();
    let cells = answer["cells"].as_array().into_iter().flatten();
    let rows: Vec<Vec<String>> = cells
        .map(|cell| {
            let (value, state) = values
                .get(&cell[0].as_i64().unwrap_or(0))
                .copied()
                .unwrap_or_default();
            let info = &cell[4];
            vec![
                text(&info["business_name"]),
                text(&cell[2]),
                show::dims(&named(&cell[3])),
                show::value(value, &text(&info["unit"]), scale(&info["scale"])),
                show::state(state),
            ]
        })
        .collect();
    let seal = if answer["sealed"] == true {
        "sealed"
    } else {
        "NOT SEALED"
    };
    format!(
        "{} — {seal} second {}, digest {}{}\n\n{}",
        text(&answer["title"]),
        answer["s"],
        text(&answer["g"]),
        if std::io::stdout().is_terminal() {
            ""
        } else {
            "\n"
        },
        show::table(&rows, &[3])
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_so_that_an_address_keeps_them() {
        assert_eq!(encoded("service_level"), "service_level");
        assert_eq!(encoded("a/b ü"), "a%2Fb%20%C3%BC");
    }

    #[test]
    fn a_question_is_written_as_an_address_has_it() {
        assert_eq!(question(&Of::default()).expect("nothing is asked"), "");
        let of = Of {
            window: Some("15m".to_owned()),
            dims: vec!["queue=a&b".to_owned()],
            s: Some(7),
            ..Of::default()
        };
        let query = question(&of).expect("a good question");
        assert_eq!(query, "?window=15m&s=7&queue=a%26b");
        let wrong = Of {
            dims: vec!["queue".to_owned()],
            ..Of::default()
        };
        let error = question(&wrong).expect_err("no value").to_string();
        assert!(error.contains("--dim queue=sales"), "{error}");
    }
}
