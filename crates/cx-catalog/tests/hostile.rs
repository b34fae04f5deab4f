//! Files that nobody means well: whatever stands in them, they are refused with a place or taken.

use cx_catalog::{Declared, load, parse_kpi};
use proptest::prelude::*;

const GOOD: &str = include_str!("design.yaml");

/// Every fault can be drawn and stands on a line of the file.
fn look(text: &str) {
    let Err(faults) = parse_kpi("k.yaml", text, &Declared::default()) else {
        return;
    };
    assert!(!faults.is_empty(), "refused without a word: {text}");
    for fault in faults {
        assert!(fault.to_string().starts_with("error: "), "{fault}");
        assert!(fault.line >= 1 && fault.column >= 1, "{fault}");
        assert!(fault.line <= text.lines().count().max(1) + 1, "{fault}");
    }
}

#[test]
fn odd_files_are_refused_and_nothing_panics() {
    let deep = "[".repeat(5_000);
    let bomb = "a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b]\n\
                d: &d [*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e]\n";
    let files = [
        "",
        "\n\n",
        "#",
        "---\n---\n",
        "- a\n- b\n",
        "kpi",
        "5",
        "\u{feff}kpi: x",
        "\t",
        "kpi: !!binary x",
        "? [a, b]\n: c\n",
        "kpi: *nobody",
        "\u{0}",
        bomb,
        &deep,
    ];
    for text in files {
        assert!(
            parse_kpi("k.yaml", text, &Declared::default()).is_err(),
            "{text:?}"
        );
        look(text);
    }
}

#[test]
fn numbers_without_end_are_refused() {
    for value in [".nan", ".inf", "-.inf", "1e300", "99999999999999999999"] {
        let text = GOOD.replace("target: 80", &format!("target: {value}"));
        assert!(
            parse_kpi("k.yaml", &text, &Declared::default()).is_err(),
            "{value}"
        );
        look(&text);
    }
}

#[test]
fn a_file_that_is_no_text_is_told() {
    let dir = tempfile::tempdir().expect("a folder");
    for kind in ["kpis", "boards", "sources"] {
        std::fs::create_dir(dir.path().join(kind)).expect("made");
    }
    let channels = "channels:\n  - {channel: web, medium: owned, sync: false}\n";
    std::fs::write(dir.path().join("channels.yaml"), channels).expect("written");
    assert!(
        load(dir.path())
            .expect("an empty catalogue is one")
            .kpis
            .is_empty()
    );
    std::fs::write(dir.path().join("kpis/a.yaml"), [0xff, 0xfe, 0x00]).expect("written");
    std::fs::write(dir.path().join("kpis/b.yaml"), vec![b'a'; 300_000]).expect("written");
    let faults = load(dir.path()).expect_err("two bad files");
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(
        faults[1].to_string().contains("larger than"),
        "{}",
        faults[1]
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_file_never_makes_it_panic(
        at in 0..GOOD.len(),
        cut in 0..60_usize,
        put in "[a-z0-9\"'{}\\[\\]:,&|*!#\n \tż-]{0,12}",
    ) {
        let chars: Vec<char> = GOOD.chars().collect();
        let at = at.min(chars.len());
        let rest = chars.iter().skip(at + cut);
        let text: String = chars[..at].iter().copied().chain(put.chars()).chain(rest.copied()).collect();
        look(&text);
    }
}
