//! The HTTP API.

use crate::rig::{Rig, sealed};
use crate::wire::Wire;
use cx_gateway::Desk as _;
use cx_model::value::{cell_hash_of, digest_text};
use serde_json::json;
use std::sync::atomic::Ordering;

const SUB: &str = r#"{"op":"sub","id":1,"board":"care"}"#;

#[tokio::test]
async fn lists_boards_and_shows_one_as_sealed() {
    let rig = Rig::start(2);
    rig.seal(1_000, &[7, 8]);
    let boards = rig.get("/v1/boards").await.json();
    assert_eq!(
        boards["boards"][0],
        json!({"board": "care", "title": "care wall", "zone": "Europe/Warsaw"})
    );
    let board = rig.get("/v1/boards/care").await.json();
    assert_eq!(board["values"], json!([[1, 7, 0], [2, 8, 0]]));
    assert_eq!(board["parts"], json!([[1, 7, null, 7], [2, 8, null, 8]]));
    assert_eq!(board["offsets"], json!([[0, 10], [1, 20]]));
    assert_eq!(
        (&board["s"], &board["sealed"]),
        (&json!(1_000), &json!(true))
    );
    let cell = &board["cells"][0];
    assert_eq!(cell[3], json!({"queue": "q0"}));
    let info = json!({
        "unit": "count", "scale": 0, "target": 10, "direction": "down",
        "definition": "b".repeat(64), "business_name": "Waiting",
        "meaning": "Contacts that wait.", "kind": "simple",
    });
    assert_eq!(cell[4], info);
    assert!(
        board["cells"][1][4].get("target").is_none(),
        "no target, no field"
    );
    let wire = Wire::watching(&rig, SUB).await;
    assert_eq!(
        board["g"],
        json!(wire.held().digest),
        "HTTP and stream agree"
    );
}

#[tokio::test]
async fn shows_a_sealed_second_of_the_past() {
    let rig = Rig::start(1);
    for s in 1_000..1_200 {
        rig.seal(s, &[s]);
    }
    let past = rig.get("/v1/boards/care?s=1100").await.json();
    assert_eq!(
        (&past["s"], &past["values"]),
        (&json!(1_100), &json!([[1, 1_100, 0]]))
    );
    let minute = rig.get("/v1/boards/care?s=1020").await.json();
    assert_eq!(minute["values"], json!([[1, 1_020, 0]]));
    let problem = rig.get("/v1/boards/care?s=1000").await.problem(404);
    let detail = problem["detail"].as_str().unwrap();
    let all = "sealed seconds from 1080 to 1199, whole minutes from 1020 to 1140";
    assert!(detail.contains(all), "{detail}");
    let fix = "ask for 1020, the nearest that is kept";
    assert_eq!(problem["errors"][0]["fix"], fix);
    assert_eq!(problem["nearest"], 1_020);
    assert_eq!(problem["kept"]["seconds"], json!([1_080, 1_199]));
    let detail = rig.get("/v1/boards/care?s=soon").await.problem(400);
    assert_eq!(detail["errors"][0]["field"], "s");
    rig.get("/v1/boards/care?second=1100").await.problem(400);
    rig.get("/v1/boards/care?s=1100&s=1101").await.problem(400);
}

#[tokio::test]
async fn says_which_boards_and_kpis_there_are() {
    let rig = Rig::start(1);
    let problem = rig.get("/v1/boards/cares").await.problem(404);
    assert_eq!(problem["errors"][0]["fix"], "boards are: care, sales");
    rig.get("/v1/boards/cares/trend").await.problem(404);
    let problem = rig.get("/v1/kpis/weather").await.problem(404);
    let fix = "not weather but lag or orders or waiting";
    assert_eq!(problem["errors"][0]["fix"], fix);
    rig.get("/v1/boards/care").await.problem(503);
}

#[tokio::test]
async fn a_cell_that_was_not_counted_then_has_no_value_and_no_part_in_the_digest() {
    let rig = Rig::start(2);
    for s in 600..730 {
        rig.seal(s, &[s, 7]);
    }
    let old = rig.get("/v1/boards/care?s=600").await.json();
    assert_eq!(old["values"], json!([[1, 600, 0]]));
    assert_eq!(old["parts"], json!([[1, 600, null, 600]]));
    let key = &rig.house.boards()[0].cells[0].key;
    let digest = digest_text(cell_hash_of(&key.digest_prefix(), Some(600), 0, None));
    assert_eq!(old["g"], json!(digest));
    rig.house.away.store(true, Ordering::Relaxed);
    let problem = rig.get("/v1/boards/care?s=600").await.problem(503);
    assert_eq!(problem["detail"], "the disk is away");
}

#[tokio::test]
async fn shows_the_trend_of_tiles() {
    let rig = Rig::start(2);
    rig.seal(1_000, &[7, 8]);
    let trend = rig.get("/v1/boards/care/trend").await.json();
    let kept =
        json!({"seconds": [1_000, 1_000], "minutes": null, "quarters": null, "durable": true});
    let expected = json!({
        "s": [60, 120, 180], "values": {"1": [60, null, 180]}, "final_through": 880, "step": 60,
        "kept": kept,
    });
    assert_eq!(trend, expected);
    let mut with = expected;
    with["parts"] = json!({"1": [[60, 60, 0], [120, 60, 0], null]});
    let asked = rig.get("/v1/boards/care/trend?parts=final").await.json();
    assert_eq!(asked, with);
}

#[tokio::test]
async fn a_trend_of_another_time_is_asked_for_by_its_ends_and_a_wrong_question_is_told() {
    let rig = Rig::start(1);
    let ask = async |query: &str| rig.get(&format!("/v1/boards/care/trend?{query}")).await;
    ask("step=60").await.problem(503);
    rig.seal(100_000, &[7]);
    let hour = ask("from=3600&to=7200&step=900").await.json();
    assert_eq!(hour["s"], json!([3_600, 4_500, 5_400, 6_300, 7_200]));
    assert_eq!(
        (&hour["step"], &hour["values"]["1"][1]),
        (&json!(900), &json!(4_500))
    );
    let usual = ask("to=50040").await.json();
    let minutes = usual["s"].as_array().unwrap();
    assert_eq!((minutes.len(), &minutes[179]), (180, &json!(50_040)));
    let parts = ask("from=3600&to=7200&step=900&parts=final").await.json();
    assert_eq!(parts["parts"]["1"][1], json!(null));
    let parts = ask("from=60&to=60&parts=final").await.json();
    assert_eq!(parts["parts"]["1"], json!([[60, 60, 0]]));
    assert_eq!(ask("step=900").await.json()["s"][111], 99_900);
    for (query, field, words) in [
        ("from=now", "from", "no number of seconds"),
        ("from=-60", "from", "no number of seconds"),
        ("from=60&from=60", "from", "not twice"),
        ("since=60", "since", "not expected"),
        (
            "step=30",
            "step",
            "minutes and quarters of an hour are kept",
        ),
        ("parts=sealed", "parts", "final ones are kept"),
        ("parts=final&parts=final", "parts", "not twice"),
        ("from=120&to=60", "from", "after to"),
        ("from=0&to=201661", "from", "3362 minutes of 60 s"),
        ("from=0&to=9223372036854775807", "from", "minutes of 60 s"),
    ] {
        let problem = ask(query).await.problem(400);
        assert_eq!(problem["errors"][0]["field"], field, "{query}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(words), "{query}: {detail}");
    }
}

#[tokio::test]
async fn tells_whether_it_is_ready() {
    let rig = Rig::start(1);
    let reply = rig.get("/readyz").await;
    assert_eq!((reply.status, &reply.json()["ready"]), (503, &json!(false)));
    rig.seal(1_000, &[1]);
    assert_eq!(rig.get("/readyz").await.status, 200);
    assert_eq!(rig.get("/healthz").await.json()["sealed"], 1_000);
}

#[tokio::test]
async fn gives_open_metrics_of_gateway_and_house() {
    let rig = Rig::start(1);
    let _wire = Wire::watching(&rig, SUB).await;
    let reply = rig.get("/metrics").await;
    assert!(reply.head.contains("application/openmetrics-text"));
    for line in [
        "watchfloor_connections 1",
        "watchfloor_frames_sent_total 1",
        "house_is_there 1",
    ] {
        assert!(
            reply.text.lines().any(|l| l == line),
            "{line} in {}",
            reply.text
        );
    }
    assert!(reply.text.ends_with("# EOF\n"));
    assert_eq!(reply.text.matches("# EOF").count(), 1);
}

#[tokio::test]
async fn metrics_say_how_long_values_take_until_the_kernel_has_them() {
    let rig = Rig::start(2);
    rig.seal(100, &[1, 784]);
    let mut wire = Wire::watching(&rig, SUB).await;
    // Published 400 ms after the second was whole.
    rig.hub.publish(&sealed(101, &[1, 786]), 101_400);
    wire.hear_values().await;
    loop {
        // Noted right after the write.
        let text = rig.get("/metrics").await.text;
        let of = |name: &str| -> f64 {
            let line = text.lines().find_map(|l| l.strip_prefix(name));
            line.unwrap().trim().parse().unwrap()
        };
        let counts = ["publish", "event"];
        let counts = counts.map(|from| of(&format!("watchfloor_{from}_to_write_seconds_count")));
        if counts != [1.0, 1.0] {
            assert_eq!(counts, [0.0, 0.0]);
            continue;
        }
        let [publish, event] =
            ["publish", "event"].map(|from| of(&format!("watchfloor_{from}_to_write_seconds_sum")));
        assert!((event - publish - 0.4).abs() < 1e-9, "{event} {publish}");
        break;
    }
}

#[tokio::test]
async fn refuses_foreign_hosts_and_origins() {
    let rig = Rig::start(1);
    let own = rig.address.to_string();
    let problem = rig
        .ask("GET", "/v1/boards", &[("host", "evil.example")], b"")
        .await
        .problem(421);
    assert!(
        problem["detail"].as_str().unwrap().contains("evil.example"),
        "{problem}"
    );
    let foreign = [("origin", "http://evil.example")];
    for path in ["/v1/stream", "/v1/boards"] {
        let problem = rig.ask("GET", path, &foreign, b"").await.problem(403);
        let expected = format!("expected http://{own}, received \"http://evil.example\"");
        assert_eq!(problem["detail"], json!(expected));
    }
    let origin = format!("http://{own}");
    assert_eq!(
        rig.ask("GET", "/v1/boards", &[("origin", &origin)], b"")
            .await
            .status,
        200
    );
    let two = [("host", own.as_str()), ("host", own.as_str())];
    assert!(rig.ask("GET", "/v1/boards", &two, b"").await.status >= 400);
}

#[tokio::test]
async fn refuses_a_stream_that_a_foreign_page_opens() {
    let rig = Rig::start(1);
    let upgrade = [
        ("upgrade", "websocket"),
        ("connection", "upgrade"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("origin", "http://evil.example"),
    ];
    rig.ask("GET", "/v1/stream", &upgrade, b"")
        .await
        .problem(403);
    let reply = rig.get("/v1/stream").await;
    reply.problem(426);
    assert!(reply.head.contains("upgrade: websocket"), "{}", reply.head);
}

#[tokio::test]
async fn every_error_is_a_problem_and_every_answer_is_secured() {
    let rig = Rig::start(1);
    let wrong = rig.ask("DELETE", "/v1/boards", &[], b"").await;
    wrong.problem(405);
    assert!(wrong.head.contains("allow: get"), "{}", wrong.head);
    rig.ask("GET", "/v1/events", &[], b"").await.problem(405);
    rig.get("/nowhere").await.problem(404);
    rig.get("/assets/none.js").await.problem(404);
    rig.get("/v1/boards/%ff").await.problem(400);
    for path in ["/", "/v1/boards", "/nowhere"] {
        let head = rig.get(path).await.head;
        assert!(
            head.contains("x-content-type-options: nosniff"),
            "{path}: {head}"
        );
        assert!(head.contains("frame-ancestors 'none'"), "{path}: {head}");
    }
}

#[tokio::test]
async fn shows_the_display_or_how_to_build_it() {
    let rig = Rig::start(1);
    let index = concat!(env!("CARGO_MANIFEST_DIR"), "/display/dist/index.html");
    let expected = std::fs::read_to_string(index);
    let glossary = index.replace("index", "glossary");
    let glossary = std::fs::read_to_string(glossary);
    for (path, expected) in [
        ("/", &expected),
        ("/wall/care", &expected),
        ("/glossary", &glossary),
    ] {
        let page = rig.get(path).await;
        assert_eq!(page.status, 200);
        assert!(
            page.head.contains("content-type: text/html"),
            "{}",
            page.head
        );
        match expected {
            Ok(built) => assert_eq!(&page.text, built),
            Err(_) => assert!(page.text.contains("cargo xtask demo"), "{}", page.text),
        }
    }
}

#[tokio::test]
async fn a_customer_is_found_by_post_and_read_by_opaque_id() {
    let rig = Rig::start(1);
    let body = r#"{"customer_id": "customer:42"}"#;
    let lookup = async |body: &str| {
        let path = "/v1/customers/lookup";
        rig.ask("POST", path, &[], body.as_bytes()).await
    };
    let found = lookup(body).await.json();
    let id = format!("{:032x}", "customer:42".len());
    assert_eq!(found, json!({"customer": id, "known": true}));
    let customer = rig.get(&format!("/v1/customers/{id}")).await.json();
    assert_eq!(customer["events"], 3);
    let unknown = rig.get("/v1/customers/customer:42").await.problem(404);
    assert!(
        unknown["errors"][0]["fix"]
            .as_str()
            .unwrap()
            .contains("lookup")
    );
    for wrong in [
        "",
        "{}",
        r#"{"customer_id": ""}"#,
        r#"{"customer_id": 7}"#,
        "[1]",
    ] {
        let problem = lookup(wrong).await.problem(400);
        assert_eq!(problem["errors"][0]["field"], "customer_id", "{wrong}");
    }
}
