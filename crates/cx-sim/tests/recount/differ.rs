//! In: two recounts as JSON. Kept: nothing. Out: every difference; what only one side has is one.
//! Never knows: who made them.

use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// One thing that both should say alike.
#[derive(Debug)]
pub(crate) struct Difference {
    place: String,
    expected: Option<String>,
    got: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = |text: &Option<String>| text.clone().unwrap_or_else(|| "nothing".to_owned());
        let (expected, got) = (said(&self.expected), said(&self.got));
        write!(f, "{}:\n  engine {expected}\n  recount {got}", self.place)
    }
}

/// All of them.
pub(crate) fn differences(expected: &Value, got: &Value) -> Vec<Difference> {
    let (mut expected, mut got) = (named(expected), named(got));
    let mut found = Vec::new();
    for (place, value) in std::mem::take(&mut expected) {
        let other = got.remove(&place);
        if other.as_ref() != Some(&value) {
            found.push(Difference {
                place,
                expected: Some(value),
                got: other,
            });
        }
    }
    found.extend(got.into_iter().map(|(place, value)| Difference {
        place,
        expected: None,
        got: Some(value),
    }));
    found
}

/// Every cell, account, customer and decision of all seconds by its name.
fn named(seconds: &Value) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for second in seconds.as_array().expect("a list of seconds") {
        let s = &second["s"];
        let mut put = |place: String, value: &Value| {
            let twice = all.insert(format!("second {s}, {place}"), value.to_string());
            assert!(twice.is_none(), "{place} stands twice in second {s}");
        };
        put("set".to_owned(), &second["set_number"]);
        put("offsets".to_owned(), &second["offsets"]);
        put("digest".to_owned(), &second["customers_digest"]);
        for (what, names) in [
            ("cells", &["kpi", "window", "dims"][..]),
            ("accounts", &["partition"]),
            ("customers", &["customer"]),
            ("decisions", &["partition", "offset", "index"]),
        ] {
            for entry in second[what].as_array().expect("a list") {
                let name: Vec<String> = names.iter().map(|n| entry[n].to_string()).collect();
                put(format!("{what} {}", name.join(" ")), entry);
            }
        }
    }
    all
}
