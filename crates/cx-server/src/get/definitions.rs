//! In: what a house says of its definitions. Kept: nothing. Out: it as people read it on a terminal.
//! Never knows: how it was asked.

use super::text;
use crate::show;
use serde_json::Value;

/// Acts that are listed.
const LOG: usize = 20;

/// Sets, what the files and people propose, what is retired, who did what.
pub(super) fn all(told: &Value) -> String {
    let files = &told["files"];
    let mut parts = vec![titled("sets", list(&told["sets"]).map(set).collect(), &[])];
    let changes: Vec<String> = list(&files["changes"]).map(text).collect();
    let faults: Vec<String> = list(&files["faults"]).map(text).collect();
    let again = list(&files["again"]).map(text);
    if !faults.is_empty() {
        parts.push(format!("the files are wrong\n{}", faults.join("\n")));
    } else if changes.is_empty() {
        parts.push("the files say what is in force".to_owned());
    } else {
        let lines = changes
            .into_iter()
            .chain(again)
            .chain(files["cannot"].as_str().map(str::to_owned));
        let lines: Vec<String> = lines.map(|line| format!("  {line}")).collect();
        let hash = text(&files["hash"]);
        parts.push(format!("the files propose {hash}\n{}", lines.join("\n")));
    }
    for (title, name) in [
        ("proposals", "proposals"),
        ("proposed by the files", "kpis"),
    ] {
        let of = if name == "kpis" { files } else { told };
        let rows: Vec<Vec<String>> = list(&of[name]).map(proposed).collect();
        if !rows.is_empty() {
            parts.push(titled(title, rows, &[]));
        }
    }
    let retired: Vec<Vec<String>> = list(&told["retired"]).map(retired).collect();
    if !retired.is_empty() {
        parts.push(titled("retired", retired, &[]));
    }
    parts.push(titled(
        "who did what",
        list(&told["log"]).take(LOG).map(act).collect(),
        &[],
    ));
    parts.join("\n\n")
}

/// One proposal.
pub(super) fn one(told: &Value) -> String {
    let changes: Vec<String> = list(&told["changes"]).map(text).collect();
    let signed = list(&told["signatures"]);
    let signed = signed.map(|s| format!("signed by {}, {}", text(&s["by"]), text(&s["role"])));
    let head = format!(
        "{} ({}), {}\nproposed by {}, {}\ndefinition {}\nits home is {}",
        text(&told["business_name"]),
        text(&told["kpi"]),
        text(&told["state"]),
        text(&told["by"]),
        text(&told["at"]),
        text(&told["definition"]),
        text(&told["home"]),
    );
    let lines = std::iter::once(head).chain(changes).chain(signed);
    lines.collect::<Vec<_>>().join("\n")
}

/// What changed KPIs would say.
pub(super) fn preview(told: &Value) -> String {
    let rows: Vec<Vec<String>> = list(&told["rows"])
        .map(|row| {
            let value = |name: &str| row[name].as_str().unwrap_or("nothing").to_owned();
            vec![
                text(&row["kpi"]),
                text(&row["window"]),
                value("before"),
                value("after"),
            ]
        })
        .collect();
    if rows.is_empty() {
        return "no number would change its definition".to_owned();
    }
    let head = ["kpi", "window", "now", "would be"]
        .map(str::to_owned)
        .to_vec();
    let rows: Vec<Vec<String>> = std::iter::once(head).chain(rows).collect();
    format!(
        "at sealed second {}, counted from {} records\n\n{}",
        told["s"],
        told["records"],
        show::table(&rows, &[2, 3])
    )
}

fn set(set: &Value) -> Vec<String> {
    let from = set["effective_from"].as_str().unwrap_or("the beginning");
    let by = set["activated"]["by"].as_str().unwrap_or("shipped");
    let changes: Vec<String> = list(&set["changes"]).map(text).collect();
    vec![
        format!("set {}", set["set"]),
        text(&set["state"]).replace('_', " "),
        format!("from {from}"),
        format!("by {by}"),
        changes.join("; "),
    ]
}

fn proposed(one: &Value) -> Vec<String> {
    let changes: Vec<String> = list(&one["changes"]).map(text).collect();
    let by = one["by"]
        .as_str()
        .map_or_else(String::new, |by| format!("by {by}"));
    let hash = text(&one["definition"]);
    vec![
        text(&one["kpi"]),
        text(&one["state"]),
        hash.get(..12).unwrap_or(&hash).to_owned(),
        by,
        changes.join("; "),
    ]
}

fn retired(one: &Value) -> Vec<String> {
    let by = one["retired"]["by"].as_str().unwrap_or("its file");
    vec![
        text(&one["kpi"]),
        format!("with set {}", one["set"]),
        format!("by {by}"),
    ]
}

/// An act as a sentence.
fn act(act: &Value) -> Vec<String> {
    let word = |name: &str| act[name].as_str().unwrap_or_default().to_owned();
    let what = if act["set"].is_u64() && act["kpi"].is_null() {
        format!("set {}", act["set"])
    } else {
        word("kpi")
    };
    let what = [what, word("side")].into_iter().filter(|w| !w.is_empty());
    vec![
        word("at"),
        word("by"),
        word("act").replace('_', " "),
        what.collect::<Vec<_>>().join(", "),
        word("why"),
    ]
}

fn titled(title: &str, rows: Vec<Vec<String>>, right: &[usize]) -> String {
    if rows.is_empty() {
        return format!("{title}: none");
    }
    format!("{title}\n{}", show::table(&rows, right))
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
