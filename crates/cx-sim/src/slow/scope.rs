//! In: declared breakdowns, a record. Kept: nothing. Out: their combinations; whether the record counts in one.
//! Never knows: what is counted.

use super::meaning::Named;
use cx_catalog::definition::Dimension;
use std::collections::BTreeMap;

/// All combinations of dimension values, with `all` and `other`.
pub(super) fn scopes(dimensions: &[Dimension]) -> Vec<BTreeMap<String, String>> {
    let mut all = vec![BTreeMap::new()];
    for d in dimensions {
        let values = d.values.iter().map(String::as_str).chain(["all", "other"]);
        all = values
            .flat_map(|v| {
                all.iter().map(move |scope| {
                    let mut scope = scope.clone();
                    scope.insert(d.name.clone(), v.to_owned());
                    scope
                })
            })
            .collect();
    }
    all
}

pub(super) fn scoped(r: &Named, dimensions: &[Dimension], dims: &BTreeMap<String, String>) -> bool {
    dimensions.iter().all(|d| {
        let value = match d.name.as_str() {
            "reason" if d.values.iter().any(|v| v == "invalid_json") => r.outcome.reason(),
            // CloudEvents' own, beside the data.
            "source" | "type" => r.event[&d.name].as_str().unwrap_or_default(),
            name => r.event["data"][name].as_str().unwrap_or_default(),
        };
        let wanted = dims[&d.name].as_str();
        wanted == "all"
            || if wanted == "other" {
                !d.values.iter().any(|v| v == value)
            } else {
                wanted == value
            }
    })
}
