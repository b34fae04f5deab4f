use super::decode;
use crate::attribute::SlotTable;
use crate::event::Slot;
use crate::limits::Limits;
use crate::reject::Reason;

const HEAD: &str = r#""specversion":"1.0","id":"1","source":"/shop","type":"cx.x.y.v1""#;

fn check(json: &str, expected: Option<(Reason, &str)>) {
    let mut slots = SlotTable::default();
    slots.add("wait_ms").expect("declared");
    let got = decode(json.as_bytes(), &slots, &Limits::default());
    let got = got.err().map(|r| (r.reason, r.place));
    assert_eq!(
        got.as_ref().map(|(r, p)| (*r, p.as_str())),
        expected,
        "{}",
        &json[..json.len().min(200)]
    );
}

#[test]
fn takes_every_form_that_cloudevents_allows() {
    check(&format!("{{{HEAD}}}"), None);
    check(
        &format!(
            r#"{{{HEAD},"time":"2018-04-05T17:31:00Z","data":"text","comexampleextension1":"v","num":5,"flag":true}}"#
        ),
        None,
    );
    check(
        &format!(
            r#"{{{HEAD},"time":"2018-04-05T17:31:00.123456+02:00","data_base64":"AAA=","subject":null}}"#
        ),
        None,
    );
    check(&format!(r#"{{{HEAD},"data":[1,{{"a":[]}}]}}"#), None);
    check(
        &format!(r#"{{{HEAD},"data":null,"dataschema":"https://x"}}"#),
        None,
    );
}

#[test]
fn names_reason_and_place_of_every_fault() {
    check("", Some((Reason::Empty, "record")));
    check("[1]", Some((Reason::InvalidJson, "line 1 column 0")));
    check("{", Some((Reason::InvalidJson, "line 1 column 1")));
    check(
        &format!("{{{HEAD}}} x"),
        Some((Reason::InvalidJson, "line 1 column 68")),
    );
    check(
        r#"{"specversion":"1.0","id":"1","source":"/s"}"#,
        Some((Reason::MissingAttribute, "type")),
    );
    check(
        r#"{"id":"1","source":"/s","type":"t"}"#,
        Some((Reason::MissingAttribute, "specversion")),
    );
    check(
        &format!(r#"{{{HEAD},"time":"yesterday"}}"#),
        Some((Reason::InvalidAttribute, "time")),
    );
    check(
        &format!(r#"{{{HEAD},"time":5}}"#),
        Some((Reason::InvalidAttribute, "time")),
    );
    check(
        &format!(r#"{{{HEAD},"my_ext":"x"}}"#),
        Some((Reason::InvalidAttribute, "my_ext")),
    );
    check(
        &format!(r#"{{{HEAD},"ext":{{}}}}"#),
        Some((Reason::InvalidAttribute, "ext")),
    );
    check(
        &format!(r#"{{{HEAD},"subject":""}}"#),
        Some((Reason::InvalidAttribute, "subject")),
    );
    check(
        &format!(r#"{{{HEAD},"subject":"{}"}}"#, "x".repeat(300)),
        Some((Reason::TooLong, "subject")),
    );
    check(
        &format!(r#"{{{HEAD},"id":"2"}}"#),
        Some((Reason::InvalidJson, "line 1 column 75")),
    );
}

#[test]
fn refuses_ten_thousand_levels_five_megabytes_and_bad_utf8() {
    let deep = format!(
        r#"{{{HEAD},"data":{{"x":{}{}}}}}"#,
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    let got = decode(deep.as_bytes(), &SlotTable::default(), &Limits::default()).expect_err("deep");
    assert_eq!(got.reason, Reason::TooDeep);
    check(
        &format!(r#"{{{HEAD},"data":"{}"}}"#, "x".repeat(5_000_000)),
        Some((Reason::TooLarge, "record")),
    );
    let mut bytes = format!(r#"{{{HEAD},"data":{{"whatever":"#).into_bytes();
    bytes.extend_from_slice(b"\"\xff\xfe\"}}");
    let got = decode(&bytes, &SlotTable::default(), &Limits::default()).expect_err("utf-8");
    assert_eq!(got.reason, Reason::InvalidJson);
}

#[test]
fn puts_attributes_into_slots_and_marks_wrong_types() {
    let mut slots = SlotTable::default();
    let wait = slots.add("wait_ms").expect("declared");
    let json = format!(
        r#"{{{HEAD},"data":{{"channel":"ch\u0061t","wait_ms":"5","queue":7,"other":{{}}}}}}"#
    );
    let event = decode(json.as_bytes(), &slots, &Limits::default()).expect("valid");
    assert_eq!(event.slot(0), &Slot::Text("chat".into()));
    assert_eq!(event.slot(wait), &Slot::Mistyped);
    assert_eq!(event.slot(2), &Slot::Mistyped);
    assert_eq!(event.slot(3), &Slot::Missing);
}
