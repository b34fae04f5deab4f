//! In: the text of `/metrics`. Kept: nothing. Out: its samples, if it keeps the rules of OpenMetrics 1.0
//! and of Prometheus' own reader. Never knows: what they mean.

use std::collections::{BTreeMap, BTreeSet};

/// One sample: name, labels, and the value as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: String,
}

/// Reads a page; panics with the line that breaks a rule.
pub(crate) fn read(text: &str) -> Vec<Sample> {
    let body = text.strip_suffix("# EOF\n").expect("ends with # EOF");
    let (mut samples, mut seen) = (Vec::new(), BTreeSet::new());
    let mut families: BTreeMap<&str, [Option<&str>; 2]> = BTreeMap::new();
    let mut current = "";
    for line in body.lines() {
        assert!(!line.trim().is_empty(), "no empty lines");
        if let Some(words) = line.strip_prefix("# ") {
            let (keyword, rest) = words.split_once(' ').expect(line);
            let (family, said) = rest.split_once(' ').expect(line);
            if family != current {
                assert!(
                    !families.contains_key(family),
                    "{family} stands apart: {line}"
                );
                current = family;
            }
            let place = ["HELP", "TYPE"].iter().position(|k| *k == keyword);
            let slot = &mut families.entry(family).or_default()[place.expect(line)];
            assert_eq!(slot.replace(said), None, "twice: {line}");
            continue;
        }
        let sample = sample(line);
        let [help, kind] = families.get(current).copied().unwrap_or_default();
        assert!(help.is_some_and(|h| h.len() > 5), "has a HELP: {line}");
        let suffixes = match kind.unwrap_or_else(|| panic!("has a TYPE: {line}")) {
            "counter" => &["_total"][..],
            "gauge" => &[""],
            "histogram" => &["_bucket", "_count", "_sum"],
            other => panic!("{other}: {line}"),
        };
        let suffix = sample.name.strip_prefix(current);
        assert!(suffix.is_some_and(|s| suffixes.contains(&s)), "{line}");
        let bound = sample.labels.contains_key("le");
        assert_eq!(
            suffix == Some("_bucket"),
            bound,
            "only buckets have le: {line}"
        );
        let key = format!("{} {:?}", sample.name, sample.labels);
        assert!(seen.insert(key), "twice: {line}");
        samples.push(sample);
    }
    let histograms = families
        .iter()
        .filter(|(_, [_, kind])| *kind == Some("histogram"));
    histograms.for_each(|(family, _)| histogram(family, &samples));
    samples
}

/// Buckets ascend, the last one is `+Inf` and holds as many as are counted.
fn histogram(family: &str, samples: &[Sample]) {
    let of = |suffix: &str| {
        let name = format!("{family}{suffix}");
        samples.iter().filter(move |s| s.name == name)
    };
    let number = |text: &str| text.parse::<f64>().expect("a number");
    let buckets: Vec<(f64, f64)> = of("_bucket")
        .map(|s| {
            (
                number(&s.labels["le"].replace("+Inf", "inf")),
                number(&s.value),
            )
        })
        .collect();
    let ascend = buckets.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1);
    assert!(ascend, "{family}: {buckets:?}");
    let count = of("_count").next().map(|s| number(&s.value));
    let last = buckets.last().copied();
    assert_eq!(last, count.map(|n| (f64::INFINITY, n)), "{family}");
    assert_eq!(of("_sum").count(), 1, "{family}");
}

fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes
        .next()
        .is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn sample(line: &str) -> Sample {
    let end = line.find(['{', ' ']).expect(line);
    let (name, rest) = line.split_at(end);
    assert!(is_name(name), "{line}");
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest, line),
        None => (BTreeMap::new(), rest),
    };
    let value = rest.strip_prefix(' ').expect(line);
    let number: f64 = value.parse().expect(line);
    assert!(number.is_finite(), "{line}");
    Sample {
        name: name.to_owned(),
        labels,
        value: value.to_owned(),
    }
}

/// The labels after `{`, unescaped, and what follows `}`.
fn labels<'l>(mut rest: &'l str, line: &str) -> (BTreeMap<String, String>, &'l str) {
    let mut labels = BTreeMap::new();
    loop {
        let (name, after) = rest.split_once("=\"").expect(line);
        assert!(is_name(name), "{name}: {line}");
        let mut value = String::new();
        let mut letters = after.char_indices();
        let end = loop {
            match letters.next().expect(line) {
                (at, '"') => break at,
                (_, '\\') => value.push(match letters.next().expect(line).1 {
                    'n' => '\n',
                    escaped @ ('\\' | '"') => escaped,
                    other => panic!("\\{other}: {line}"),
                }),
                (_, letter) => value.push(letter),
            }
        };
        assert_eq!(labels.insert(name.to_owned(), value), None, "{line}");
        let after = &after[end + 1..];
        match after.strip_prefix(',') {
            Some(more) => rest = more,
            None => return (labels, after.strip_prefix('}').expect(line)),
        }
    }
}
