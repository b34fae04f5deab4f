//! In: `watchfloor key`. Kept: nothing. Out: API keys of programs; a key's text once, and never again. Never
//! knows: what they may.

use crate::access::register::Register;
use crate::check::{complain, say};
use crate::{clock, show};
use anyhow::ensure;
use cx_gateway::access::{Boards, Key, Right, Role};
use cx_model::time::Timestamp;
use serde_json::json;
use std::path::Path;

const DAY_MS: i64 = 24 * 3_600 * 1_000;

/// What to do with API keys.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Keys {
    /// Make one and print it: it is shown this once.
    Add {
        /// The program it is for.
        name: String,
        /// viewer, operator, marketer, engineer or admin.
        #[arg(long)]
        role: Role,
        /// Boards it may see: care,sales, or '*' for all.
        #[arg(long)]
        boards: Boards,
        /// It may do less than its role: these only, e.g. metrics or read,parts.
        #[arg(long, value_delimiter = ',')]
        only: Vec<Right>,
        /// For how many days.
        #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(i64).range(1..=3_650))]
        days: i64,
    },
    /// All there are, by what they begin with.
    List {
        /// Answer in JSON.
        #[arg(long)]
        json: bool,
    },
    /// End one, by the id that `key list` shows; what it has open ends within 5 s.
    Revoke { id: String },
}

/// Does it.
///
/// # Errors
/// No key of that id, a folder that cannot be written.
pub(crate) fn run(keys: Keys, data: &Path) -> anyhow::Result<bool> {
    let register = Register::of(data);
    match keys {
        Keys::Add {
            name,
            role,
            boards,
            only,
            days,
        } => {
            let printable = !name.trim().is_empty() && !name.chars().any(char::is_control);
            ensure!(
                printable && name.chars().count() <= 64,
                "a name has 1 to 64 printable characters"
            );
            let only = (!only.is_empty()).then(|| only.into_iter().collect());
            let until = clock::now().0 + days * DAY_MS;
            let (key, text) = Key::fresh(name.trim(), (role, boards), only, Some(until));
            register.change_keys(|all| {
                all.push(key);
                Ok(())
            })?;
            complain("this is the key; it is shown this once:");
            say(&text);
        }
        Keys::List { json } => say(&listed(&register.read()?.1, json)),
        Keys::Revoke { id } => {
            let bare = id.trim_start_matches("wf_");
            register.change_keys(|all| {
                let before = all.len();
                all.retain(|key| key.id != bare);
                ensure!(
                    all.len() < before,
                    "there is no key {id}; see watchfloor key list"
                );
                Ok(())
            })?;
            say(&format!("wf_{bare} is revoked"));
        }
    }
    Ok(true)
}

fn listed(keys: &[Key], as_json: bool) -> String {
    let rights = |key: &Key| -> Option<Vec<&str>> {
        let only = key.only.as_ref()?;
        Some(only.iter().map(|right| right.name()).collect())
    };
    let until = |key: &Key| key.until.map(|until| Timestamp(until).to_rfc3339());
    if as_json {
        let one = |key: &Key| {
            json!({
                "key": format!("wf_{}", key.id), "name": key.name, "role": key.role,
                "boards": key.boards, "only": rights(key), "until": until(key),
            })
        };
        return json!({"keys": keys.iter().map(one).collect::<Vec<_>>()}).to_string();
    }
    let row = |key: &Key| {
        vec![
            format!("wf_{}", key.id),
            key.name.clone(),
            key.role.to_string(),
            key.boards.to_string(),
            rights(key).map_or_else(String::new, |only| format!("only {}", only.join(", "))),
            until(key).map_or_else(String::new, |until| format!("until {until}")),
        ]
    };
    let rows: Vec<Vec<String>> = keys.iter().map(row).collect();
    if rows.is_empty() {
        return "there are no keys".to_owned();
    }
    show::table(&rows, &[])
}
