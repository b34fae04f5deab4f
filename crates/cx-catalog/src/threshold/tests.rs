//! Conditions over numbers as they are shown.

use super::*;

const SHARE: Subject = Subject {
    scale: 1,
    target: Some(800),
    kind: Kind::Ratio,
};

fn parse(text: &str) -> Threshold {
    Threshold::parse(text, SHARE).unwrap_or_else(|f| panic!("{text}: {}", f.message))
}

#[test]
fn a_condition_sees_the_number_as_it_is_shown() {
    let shown = |value: Option<i64>| Shown {
        value,
        n: 20,
        numerator: 15,
        denominator: Some(20),
        freshness: None,
        data_gap: false,
    };
    let cases = [
        ("value < 75", Some(749), Some(true)),
        ("value < 75", Some(750), Some(false)),
        ("value < 75 && n >= 20", Some(749), Some(true)),
        ("value < target - 5", Some(749), Some(true)),
        ("value < target - 5", Some(750), Some(false)),
        ("74.9 == value", Some(749), Some(true)),
        ("numerator * 100 < denominator * 75", Some(1), Some(false)),
        ("!(value < 75)", Some(749), Some(false)),
        ("value < 75", None, None),
        ("!(value < 75)", None, None),
        ("value < 75 || n >= 20", None, Some(true)),
        ("value < 75 && n > 20", None, Some(false)),
        ("value / (n - 20) > 1", Some(749), None),
    ];
    for (text, value, expected) in cases {
        assert_eq!(parse(text).holds(&shown(value)), expected, "{text}");
    }
}

#[test]
fn a_source_is_held_against_what_it_promises_itself() {
    let ages = Subject {
        scale: 0,
        target: None,
        kind: Kind::Sources,
    };
    let silent = Threshold::parse("value > 3 * freshness", ages).expect("a condition");
    let aged = |value: i64, freshness: Option<i64>| Shown {
        value: Some(value),
        n: 1,
        numerator: 0,
        denominator: None,
        freshness,
        data_gap: false,
    };
    assert_eq!(silent.holds(&aged(31, Some(10))), Some(true));
    assert_eq!(silent.holds(&aged(31, Some(60))), Some(false));
    assert_eq!(
        silent.holds(&aged(31, None)),
        None,
        "of all sources none promises"
    );
}

#[test]
fn an_overlap_is_found_where_one_name_decides_it() {
    let cases = [
        ("value < 75 && n >= 20", "value >= 78", false),
        ("value < 75 && n >= 20", "value >= 75", false),
        ("value < 75 && n >= 20", "value > 74.9", false),
        ("value < 75 && n >= 20", "value > 70", true),
        ("value < 75 && n >= 20", "value >= 78 || n < 20", false),
        ("value < 75 && n >= 20", "value >= 78 || n <= 20", true),
        ("n > 4", "n < 5", false),
        ("n > 4", "!(n > 6)", true),
        ("value > 5", "n == 0", false),
        ("value < target", "value >= target - 1", true),
        ("value < target", "value >= target", false),
        ("numerator > denominator", "value > 70", false),
        ("value != 5", "value == 5", false),
        ("value != 5", "value == 6", true),
    ];
    for (when, clear, expected) in cases {
        let (when, clear) = (parse(when), parse(clear));
        assert_eq!(when.overlaps(&clear), expected, "{when:?} {clear:?}");
        assert_eq!(clear.overlaps(&when), expected, "{clear:?} {when:?}");
    }
    assert!(!parse("value > 5 && value < 3").possible());
    assert!(!parse("n < 0").possible());
    assert!(!parse("value == 5.05").possible(), "one decimal is shown");
    assert!(
        parse("value * 2 > 5 && value * 2 < 3").possible(),
        "not decided"
    );
}

#[test]
fn what_is_no_condition_is_refused_at_its_place() {
    let cases = [
        ("value", 0, "this is no condition"),
        ("value < 75 && n", 14, "this is no condition"),
        ("valu < 75", 0, "valu is nothing that an alert can look at"),
        ("value < \"75\"", 8, "an alert compares numbers"),
        ("value = 75", 6, "`=` was not expected here"),
        ("1 < 2", 0, "the condition looks at nothing that changes"),
        (
            "value < 75 || target > 1",
            0,
            "the condition looks at nothing that changes",
        ),
        ("value < 75 ||", 13, "the expression ends too early"),
    ];
    for (text, offset, message) in cases {
        let fault = Threshold::parse(text, SHARE).expect_err(text);
        assert_eq!(
            (fault.offset, fault.message.as_str()),
            (offset, message),
            "{text}"
        );
    }
    let plain = Subject {
        target: None,
        kind: Kind::Plain,
        ..SHARE
    };
    let refused = |text: &str| Threshold::parse(text, plain).expect_err(text).message;
    assert_eq!(refused("value < target"), "the KPI has no target");
    let unknown = "numerator is nothing that an alert can look at";
    assert_eq!(refused("numerator > 5"), unknown);
}

#[test]
fn a_number_that_lacks_records_can_be_told_whatever_its_value_is() {
    let (when, clear) = (parse("data_gap == 1"), parse("data_gap == 0"));
    for (data_gap, value) in [(true, None), (true, Some(749)), (false, None)] {
        let shown = Shown {
            value,
            n: 0,
            numerator: 0,
            denominator: None,
            freshness: None,
            data_gap,
        };
        assert_eq!(when.holds(&shown), Some(data_gap), "{value:?}");
        assert_eq!(clear.holds(&shown), Some(!data_gap), "{value:?}");
    }
    assert!(!when.overlaps(&clear));
    assert!(when.overlaps(&parse("data_gap >= 0")));
}
