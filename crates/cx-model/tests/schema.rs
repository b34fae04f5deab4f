//! `schemas/event.schema.json` and `schemas/events.md`: made from the vocabulary, current, and of
//! one mind with the decoder about every example.

use cx_model::attribute::{ATTRIBUTES, Kind};
use cx_model::vocabulary::EVENT_TYPES;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The form of a date-time; that the day exists is checked by its format.
const RFC_3339: &str = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})$";

/// Extensions that are understood, and what for.
const EXTENSIONS: &[(&str, &str)] = &[
    (
        "recordedtime",
        "When the source wrote it down, RFC 3339; checked.",
    ),
    (
        "expirytime",
        "After when it is of no use, RFC 3339; checked.",
    ),
    (
        "sequence",
        "The number of the event among all that its source sent, in 1 to 18 digits, each one more than the one before: what is missing is seen. Any other text is no number.",
    ),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn examples(folder: &str) -> BTreeMap<String, Value> {
    let folder = root().join("schemas/examples").join(folder);
    let entries = std::fs::read_dir(&folder).expect("the folder is there");
    let paths = entries.map(|e| e.expect("readable").path());
    let json = paths.filter(|p| p.extension().is_some_and(|e| e == "json"));
    let read = |p: PathBuf| {
        let text = std::fs::read_to_string(&p).expect("readable");
        let value = serde_json::from_str(&text).expect("an example is JSON");
        (p.display().to_string(), value)
    };
    let all: BTreeMap<String, Value> = json.map(read).collect();
    assert!(all.len() > 5, "{} has {}", folder.display(), all.len());
    all
}

/// The registered channels; the catalogue's own test reads them as YAML.
fn channels() -> Vec<String> {
    let file = root().join("deploy/catalog/channels.yaml");
    let text = std::fs::read_to_string(file).expect("readable");
    let names = text
        .lines()
        .filter_map(|l| l.split_once("channel: ")?.1.split(',').next());
    let names: Vec<String> = names.map(str::to_owned).collect();
    assert!(names.len() > 20, "{names:?}");
    names
}

fn text(meaning: &str, required: bool) -> Value {
    let kind = if required {
        json!("string")
    } else {
        json!(["string", "null"])
    };
    json!({"description": meaning, "type": kind, "minLength": 1, "maxLength": 256})
}

fn instant(meaning: &str) -> Value {
    json!({
        "description": meaning, "type": ["string", "null"],
        "format": "date-time", "pattern": RFC_3339,
    })
}

fn envelope() -> Map<String, Value> {
    let version = "Version of CloudEvents; only 1.0 is understood.";
    let mut kind = text(
        "What happened. Another than these is counted as unregistered.",
        true,
    );
    kind["examples"] = json!(EVENT_TYPES);
    let all = [
        (
            "specversion",
            json!({"description": version, "const": "1.0"}),
        ),
        (
            "id",
            text(
                "Names the event, unique together with `source`: a repeat changes nothing.",
                true,
            ),
        ),
        (
            "source",
            text(
                "Who says so, as a file in deploy/catalog/sources names it.",
                true,
            ),
        ),
        ("type", kind),
        (
            "subject",
            text("The customer; absent where it belongs to none.", false),
        ),
        (
            "time",
            instant("When it happened, RFC 3339 with a zone; absent: when it was logged."),
        ),
        (
            "datacontenttype",
            attribute("Media type of `data`; absent: application/json."),
        ),
        (
            "dataschema",
            attribute("Address of the schema of `data`; not looked at."),
        ),
        (
            "data_base64",
            json!({
                "description": "Data that is no text; not looked at.",
                "type": ["string", "null"],
            }),
        ),
        ("data", data()),
    ];
    let known = EXTENSIONS.iter().map(|(n, m)| match *n {
        "sequence" => (*n, json!({"description": m, "type": ["string", "null"]})),
        _ => (*n, instant(m)),
    });
    let all = all.into_iter().chain(known);
    all.map(|(name, schema)| (name.to_owned(), schema))
        .collect()
}

fn attribute(meaning: &str) -> Value {
    json!({"description": meaning, "type": ["string", "number", "boolean", "null"]})
}

fn data() -> Value {
    let mut fields = Map::new();
    for attribute in ATTRIBUTES {
        let kind = match attribute.kind {
            Kind::Bool => "boolean",
            Kind::Int => "integer",
            Kind::Double => "number",
            Kind::Text => "string",
        };
        let mut field = json!({"description": attribute.meaning, "type": [kind, "null"]});
        if attribute.name == "channel" {
            field["examples"] = json!(channels());
        }
        fields.insert(attribute.name.to_owned(), field);
    }
    json!({
        "description": "Any JSON value; of an object these fields are looked at. \
            A field of another type than its own counts as absent and is marked so; others are skipped.",
        "properties": fields,
        "additionalProperties": true,
    })
}

/// The schema that producers should hold; `strict` also about the types of fields in `data`, which
/// the decoder forgives.
fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:watchfloor:schema:event",
        "title": "Event",
        "description": "One interaction: a CloudEvent 1.0 in structured JSON. \
            262,144 bytes and 32 levels at most; no key twice; texts of the envelope 256 bytes at most.",
        "type": "object",
        "required": ["specversion", "id", "source", "type"],
        "properties": envelope(),
        "propertyNames": {"pattern": "^([a-z0-9]+|data_base64)$"},
        "additionalProperties": attribute("Extension attribute: lower-case letters and digits, no object or array."),
    })
}

/// The same without the types of fields in `data`: exactly what is refused.
fn gate() -> Value {
    let mut schema = schema();
    schema["properties"]["data"] = json!(true);
    schema
}

fn page() -> String {
    let mut page = String::from(
        "# Events\n\nMade from the vocabulary; the schema is `event.schema.json`, examples are in `examples/`.\n\n\
         An event of another type or channel is accepted and counted as unregistered.\n\n\
         ## Families\n\n| family | events |\n|---|---|\n",
    );
    for (family, events) in families() {
        writeln!(page, "| {family} | {} |", events.join(", ")).expect("text");
    }
    page += "\nA type is `cx.` family `.` event `.v1`, e.g. `";
    page += EVENT_TYPES[0];
    page += "`.\n\n## Fields of `data`\n\n| field | type | meaning |\n|---|---|---|\n";
    for a in ATTRIBUTES {
        writeln!(page, "| `{}` | {} | {} |", a.name, a.kind.name(), a.meaning).expect("text");
    }
    page += "\n## Channels\n\n";
    page += &channels().join(", ");
    page += ".\n\n## Extension attributes\n\n\
        Any may be sent: lower-case letters and digits, no objects or arrays. Understood are:\n\n\
        | attribute | meaning |\n|---|---|\n";
    for (name, meaning) in EXTENSIONS {
        writeln!(page, "| `{name}` | {meaning} |").expect("text");
    }
    page
}

/// Families with their events, in the order of the vocabulary.
fn families() -> Vec<(&'static str, Vec<&'static str>)> {
    let mut all: Vec<(&str, Vec<&str>)> = Vec::new();
    for kind in EVENT_TYPES {
        let mut parts = kind.split('.').skip(1);
        let (family, event) = (
            parts.next().expect("a family"),
            parts.next().expect("an event"),
        );
        match all.last_mut().filter(|(f, _)| *f == family) {
            Some((_, events)) => events.push(event),
            None => all.push((family, vec![event])),
        }
    }
    all
}

fn current(name: &str, made: &str) {
    let file = root().join("schemas").join(name);
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::write(&file, made).expect("written");
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == made,
        "schemas/{name} is old: run the test with UPDATE_SCHEMAS=1"
    );
}

#[test]
fn the_written_schema_and_page_are_those_of_the_vocabulary() {
    let made = serde_json::to_string_pretty(&schema()).expect("JSON") + "\n";
    current("event.schema.json", &made);
    current("events.md", &page());
}

fn validator(schema: &Value) -> jsonschema::Validator {
    let options = jsonschema::options().should_validate_formats(true);
    options.build(schema).expect("a schema of draft 2020-12")
}

#[test]
fn the_schema_takes_what_the_decoder_takes() {
    let (gate, schema) = (validator(&gate()), validator(&schema()));
    let all = ["valid", "published"].into_iter().flat_map(examples);
    for (name, event) in all {
        let faults: Vec<String> = gate.iter_errors(&event).map(|e| e.to_string()).collect();
        assert!(faults.is_empty(), "{name}: {faults:?}");
        let forgiven = name.ends_with("form-attributes-of-the-wrong-type.json");
        assert_eq!(schema.is_valid(&event), !forgiven, "{name}");
    }
}

#[test]
fn the_schema_refuses_what_a_schema_can_see() {
    let schema = validator(&schema());
    let (mut seen, mut wrong) = (0, Vec::new());
    for (name, wrapper) in examples("invalid") {
        let text = wrapper["text"]
            .as_str()
            .filter(|_| wrapper.get("repeat").is_none());
        // What is no JSON, no schema is ever asked about.
        let parsed = text.and_then(|t| serde_json::from_str(t).ok());
        let Some(event) = wrapper.get("event").cloned().or(parsed) else {
            continue;
        };
        let sees = wrapper["schema"].as_bool().unwrap_or(true);
        seen += usize::from(sees);
        if schema.is_valid(&event) == sees {
            wrong.push(format!("{name}: seen: {}", !sees));
        }
    }
    assert!(wrong.is_empty() && seen > 30, "{seen}: {wrong:?}");
}

#[test]
fn the_examples_use_every_family_channel_and_field() {
    let valid = examples("valid");
    let used = |of: &dyn Fn(&Value) -> Vec<String>| -> BTreeSet<String> {
        valid.values().flat_map(of).collect()
    };
    let types = used(&|e| vec![e["type"].as_str().unwrap_or_default().to_owned()]);
    for (family, _) in families() {
        let begins = format!("cx.{family}.");
        assert!(types.iter().any(|t| t.starts_with(&begins)), "{family}");
    }
    let unknown: Vec<&String> = types
        .iter()
        .filter(|t| t.starts_with("cx.") && !EVENT_TYPES.contains(&t.as_str()))
        .collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    let said = used(&|e| vec![e["data"]["channel"].as_str().unwrap_or_default().to_owned()]);
    let missing: Vec<String> = channels()
        .into_iter()
        .filter(|c| !said.contains(c))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    let fields = used(&|e| {
        let fields = e["data"].as_object().into_iter().flatten();
        fields.map(|(name, _)| name.clone()).collect()
    });
    let missing: Vec<&str> = ATTRIBUTES
        .iter()
        .map(|a| a.name)
        .filter(|name| !fields.contains(*name))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
