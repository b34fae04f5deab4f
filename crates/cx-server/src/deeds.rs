//! In: what somebody says or does, on a command line. Kept: nothing. Out: it, told to a running house; what
//! came of it. Never knows: who may; the house says so.

use crate::check::say;
use crate::cli::{Asked, duration};
use crate::get::{House, encoded, text};
use anyhow::{Context as _, bail};
use clap::{Args, Subcommand, ValueEnum};
use cx_model::time::Timestamp;
use serde_json::{Value, json};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What people say of definitions and do about alerts.
#[derive(Subcommand)]
pub(crate) enum Deed {
    /// Sign a KPI's definition for the side whose owner you are.
    Sign {
        /// Technical name.
        kpi: String,
        /// Hash of the definition, or how it begins; without it the one in force.
        #[arg(long, value_name = "HASH")]
        definition: Option<String>,
        /// For which side; without it the one whose owner you are.
        #[arg(long)]
        role: Option<Side>,
        #[command(flatten)]
        who: Who,
    },
    /// Propose a definition beside the files: it is checked and kept, with what it changes.
    Propose {
        /// A KPI's file, or - for standard input.
        file: PathBuf,
        /// Keep it only: nobody can sign it until it is proposed.
        #[arg(long)]
        draft: bool,
        #[command(flatten)]
        who: Who,
    },
    /// Let the definitions of the files hold.
    Activate {
        /// Hash of the files' set, or how it begins: `get definitions` says it.
        hash: String,
        #[command(flatten)]
        who: Who,
    },
    /// Let the definitions of an earlier set hold again, as a new set.
    RollBack {
        /// Its number: `get definitions` lists them.
        set: u32,
        #[command(flatten)]
        who: Who,
    },
    /// Take a definition out of force, or take a proposal back.
    Retire {
        /// Technical name.
        kpi: String,
        /// Hash of the proposal, or how it begins; without it the definition in force.
        #[arg(long, value_name = "HASH")]
        definition: Option<String>,
        #[command(flatten)]
        who: Who,
    },
    /// Do something about an alert.
    Alert {
        /// What.
        act: AlertAct,
        /// Its id, or how it begins: `get alerts` lists them.
        alert: String,
        /// Of hand-over: to whom.
        #[arg(long, required_if_eq("act", "hand-over"))]
        to: Option<String>,
        /// Of shelve: for how long (5m to 8h).
        #[arg(long = "for", value_name = "DURATION", value_parser = duration, required_if_eq("act", "shelve"))]
        time: Option<Duration>,
        #[command(flatten)]
        who: Who,
    },
    /// Declare maintenance, in which alerts say nothing; or end it.
    Maintenance {
        #[command(subcommand)]
        what: Maintenance,
    },
}

#[derive(Subcommand)]
pub(crate) enum Maintenance {
    /// Alerts of a KPI, a cause or a source say nothing for a while.
    Declare {
        #[command(flatten)]
        scope: Scope,
        /// From when on, as 2026-12-24T08:00:00Z; without it from now on.
        #[arg(long, value_name = "TIME")]
        from: Option<String>,
        /// For how long (30m, 2h; 7 days at most).
        #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
        time: Duration,
        #[command(flatten)]
        who: Who,
    },
    /// It is over.
    End {
        /// Its id, or how it begins: `get alerts` lists it.
        maintenance: String,
        #[command(flatten)]
        who: Who,
    },
}

/// Which alerts.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Scope {
    /// All of a KPI.
    #[arg(long)]
    kpi: Option<String>,
    /// All of a cause.
    #[arg(long)]
    cause: Option<String>,
    /// All about one source.
    #[arg(long)]
    source: Option<String>,
}

/// Who says it, why, and to which house.
#[derive(Args)]
pub(crate) struct Who {
    /// Your name; a key or token has its own.
    #[arg(
        long = "as",
        value_name = "NAME",
        env = "WATCHFLOOR_AS",
        required_unless_present = "token_file"
    )]
    by: Option<String>,
    /// Why.
    #[arg(long, default_value = "")]
    why: String,
    #[command(flatten)]
    house: Asked,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Side {
    Business,
    Technical,
}

impl Side {
    fn name(self) -> &'static str {
        match self {
            Self::Business => "business",
            Self::Technical => "technical",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AlertAct {
    Take,
    HandOver,
    Shelve,
    Unshelve,
    Resolve,
}

impl AlertAct {
    fn name(self) -> &'static str {
        match self {
            Self::Take => "take_alert",
            Self::HandOver => "hand_over_alert",
            Self::Shelve => "shelve_alert",
            Self::Unshelve => "unshelve_alert",
            Self::Resolve => "resolve_alert",
        }
    }
}

/// Tells the house, and prints what came of it.
///
/// # Errors
/// No house at the address; its refusal, with the fix; a file that cannot be read.
pub(crate) fn run(deed: Deed) -> anyhow::Result<bool> {
    match deed {
        Deed::Sign {
            kpi,
            definition,
            role,
            who,
        } => who.sign(&kpi, definition.as_deref(), role),
        Deed::Propose { file, draft, who } => who.propose(&file, draft),
        Deed::Activate { hash, who } => who.activate(&hash),
        Deed::RollBack { set, who } => who.say(json!({"word": "roll_back", "set": set})),
        Deed::Retire {
            kpi,
            definition,
            who,
        } => {
            let definition = who.definition(&kpi, definition.as_deref())?;
            who.say(json!({"word": "retire", "kpi": kpi, "definition": definition}))
        }
        Deed::Alert {
            act,
            alert,
            to,
            time,
            who,
        } => who.alert(act, &alert, (to, time)),
        Deed::Maintenance { what } => match what {
            Maintenance::Declare {
                scope,
                from,
                time,
                who,
            } => who.declare(scope, from, time),
            Maintenance::End { maintenance, who } => who.end(&maintenance),
        },
    }
}

impl Who {
    /// The name that was written; where access is closed the house goes by the credential's own.
    fn by(&self) -> &str {
        self.by.as_deref().unwrap_or_default()
    }

    fn house(&self) -> anyhow::Result<House<'_>> {
        self.house.at()
    }

    fn sign(
        &self,
        kpi: &str,
        definition: Option<&str>,
        role: Option<Side>,
    ) -> anyhow::Result<bool> {
        let hash = self.definition(kpi, definition)?;
        let role = match role {
            Some(role) => role.name(),
            None => self.side(kpi, &hash)?,
        };
        self.say(json!({"word": "sign", "kpi": kpi, "definition": hash, "role": role}))
    }

    /// The side whose owner somebody is.
    fn side(&self, kpi: &str, hash: &str) -> anyhow::Result<&'static str> {
        let told = self.kpi(kpi)?;
        let proposed = told["proposals"].as_array().into_iter().flatten();
        let one = proposed.chain(std::iter::once(&told));
        let mut may = one.filter(|one| one["definition"] == hash || one["definition"].is_null());
        let may = may.next().map(|one| one["may"].clone()).unwrap_or_default();
        let is = |side: &Side| {
            let people = may[side.name()]["people"].as_array();
            people.is_some_and(|all| all.iter().any(|name| name == self.by()))
        };
        let sides = [Side::Business, Side::Technical];
        match sides.iter().find(|side| is(side)) {
            Some(side) => Ok(side.name()),
            None => bail!(
                "{} is neither its business owner ({}) nor its technical one ({}): name the side with --role",
                self.by.as_deref().unwrap_or("whoever has this key"),
                text(&may["business"]["owner"]),
                text(&may["technical"]["owner"])
            ),
        }
    }

    fn propose(&self, file: &Path, draft: bool) -> anyhow::Result<bool> {
        let yaml = if file == Path::new("-") {
            let mut all = String::new();
            std::io::stdin().read_to_string(&mut all)?;
            all
        } else {
            let shown = file.display();
            std::fs::read_to_string(file).with_context(|| format!("cannot read {shown}"))?
        };
        let (by, why) = (encoded(self.by()), encoded(&self.why));
        let path = format!("/v1/definitions?by={by}&why={why}&draft={draft}");
        self.told(self.house()?.post(&path, "application/yaml", &yaml)?)
    }

    fn activate(&self, begins: &str) -> anyhow::Result<bool> {
        let files = self.house()?.get("/v1/definitions")?["files"].take();
        let hash = begins_with(std::iter::once(&files["hash"]), begins);
        let hash = hash.with_context(|| {
            format!(
                "the files have hash {}, which does not begin with {begins}: read what they propose again (get definitions)",
                text(&files["hash"])
            )
        })?;
        self.say(json!({"word": "activate", "hash": hash}))
    }

    fn alert(
        &self,
        act: AlertAct,
        begins: &str,
        (to, time): (Option<String>, Option<Duration>),
    ) -> anyhow::Result<bool> {
        let page = self.house()?.get("/v1/alerts")?;
        let all = page["alerts"].as_array().into_iter().flatten();
        let alert = begins_with(all.map(|a| &a["alert"]), begins);
        let alert = alert.with_context(|| {
            format!("no open alert, or more than one, begins with {begins}: get alerts lists them")
        })?;
        let mut body = json!({"action": act.name(), "alert": alert});
        if act == AlertAct::HandOver {
            body["to"] = to.into();
        }
        if act == AlertAct::Shelve {
            body["minutes"] = time.map(|t| t.as_secs().div_ceil(60)).into();
        }
        self.does(body)
    }

    fn declare(
        &self,
        Scope { kpi, cause, source }: Scope,
        from: Option<String>,
        time: Duration,
    ) -> anyhow::Result<bool> {
        let named = [("kpi", kpi), ("cause", cause), ("source", source)];
        let scope = named.into_iter().find_map(|(name, of)| Some((name, of?)));
        let (name, of) = scope.context("--kpi, --cause or --source")?;
        let from = match from {
            Some(from) => Timestamp::parse_rfc3339(&from).map_err(anyhow::Error::msg)?,
            None => crate::clock::now(),
        };
        let until = from.plus(i64::try_from(time.as_millis())?);
        self.does(json!({
            "action": "declare_maintenance", "scope": {name: of},
            "from": from.to_rfc3339(), "until": until.to_rfc3339(),
        }))
    }

    fn end(&self, begins: &str) -> anyhow::Result<bool> {
        let page = self.house()?.get("/v1/alerts")?;
        let all = page["maintenance"].as_array().into_iter().flatten();
        let found = begins_with(all.map(|m| &m["maintenance"]), begins);
        let found = found.with_context(|| {
            format!("no maintenance, or more than one, begins with {begins}: get alerts lists it")
        })?;
        self.does(json!({"action": "end_maintenance", "maintenance": found}))
    }

    /// The hash of a KPI's definition in force, or of a proposal that begins so.
    fn definition(&self, kpi: &str, begins: Option<&str>) -> anyhow::Result<String> {
        let told = match begins {
            Some(begins) if begins.len() == 64 => return Ok(begins.to_owned()),
            Some(_) => self.house()?.get("/v1/definitions")?,
            None => self.house()?.get(&format!("/v1/kpis/{}", encoded(kpi)))?,
        };
        let Some(begins) = begins else {
            return Ok(text(&told["definition"]));
        };
        let list = |list: &Value| list.as_array().cloned().unwrap_or_default();
        let of_files = list(&told["files"]["kpis"]).into_iter();
        let all = of_files.chain(list(&told["proposals"]));
        let own: Vec<Value> = all.filter(|one| one["kpi"] == kpi).collect();
        let found = begins_with(own.iter().map(|one| &one["definition"]), begins);
        found.with_context(|| {
            format!("no definition of {kpi}, or more than one, that begins with {begins} is proposed: get definitions lists them")
        })
    }

    fn kpi(&self, kpi: &str) -> anyhow::Result<Value> {
        let told = self.house()?.get(&format!("/v1/kpis/{}", encoded(kpi)));
        match told {
            Ok(mut told) => Ok(told["governed"].take()),
            // A new one is in no set yet.
            Err(_) => Ok(json!({"proposals": self.house()?.get("/v1/definitions")?["proposals"]})),
        }
    }

    /// Says a word about definitions.
    fn say(&self, mut word: Value) -> anyhow::Result<bool> {
        word["by"] = self.by().into();
        word["why"] = self.why.as_str().into();
        let house = self.house()?;
        self.told(house.post("/v1/definitions", "application/json", &word.to_string())?)
    }

    /// Does something about alerts.
    fn does(&self, mut act: Value) -> anyhow::Result<bool> {
        act["by"] = self.by().into();
        act["why"] = self.why.as_str().into();
        let house = self.house()?;
        let written = house.post("/v1/actions", "application/json", &act.to_string())?;
        let id = written["id"].clone();
        if self.house.json {
            say(&written.to_string());
        } else {
            say(&format!("done: it is act {} of cx.actions", text(&id)));
        }
        Ok(true)
    }

    fn told(&self, said: Value) -> anyhow::Result<bool> {
        if self.house.json {
            say(&said.to_string());
            return Ok(true);
        }
        let word = |name: &str| said[name].as_str().map(str::to_owned);
        let mut lines = Vec::new();
        if let Some((kpi, state)) = word("kpi").zip(word("state")) {
            let definition = word("definition").unwrap_or_default();
            lines.push(format!("{kpi} {definition} is {state}"));
        }
        if let Some(from) = word("effective_from") {
            lines.push(format!("set {} holds from {from}", said["set"]));
        }
        let changes = said["changes"].as_array().into_iter().flatten();
        lines.extend(changes.map(text));
        lines.extend(word("next"));
        say(&lines.join("\n"));
        Ok(true)
    }
}

/// The one text that begins so; `None` for none and for more than one.
fn begins_with<'v>(all: impl Iterator<Item = &'v Value>, begins: &str) -> Option<String> {
    let mut found = all
        .filter_map(Value::as_str)
        .filter(|id| id.starts_with(begins));
    let first = found.next()?.to_owned();
    found.all(|other| other == first).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_found_by_how_it_begins_where_only_one_does() {
        let all = [json!("abcd"), json!("abef"), json!("abcd"), Value::Null];
        for (begins, found) in [("abc", Some("abcd")), ("ab", None), ("x", None)] {
            assert_eq!(
                begins_with(all.iter(), begins).as_deref(),
                found,
                "{begins}"
            );
        }
    }
}
