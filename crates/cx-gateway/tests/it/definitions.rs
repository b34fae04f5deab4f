//! What people say of definitions.

use crate::rig::{Reply, Rig};

async fn post(rig: &Rig, body: &str) -> Reply {
    rig.ask("POST", "/v1/definitions", &[], body.as_bytes())
        .await
}

#[tokio::test]
async fn a_word_that_is_none_is_refused_with_its_field_and_what_to_write() {
    let rig = Rig::start(1);
    let right =
        r#"{"word": "sign", "kpi": "k", "definition": "d", "role": "business", "by": "Ada"}"#;
    for (body, field) in [
        ("", "body"),
        ("[]", "body"),
        (&*right.replace("business", "president"), "body"),
        (&*right.replace("\"sign\"", "\"shout\""), "body"),
        (&*right.replace("\"kpi\"", "\"kpy\""), "body"),
        (&*right.replace("Ada", " "), "by"),
        (&*right.replace("Ada", &"x".repeat(65)), "by"),
    ] {
        let reply = post(&rig, body).await;
        let problem = reply.json();
        assert_eq!(reply.status, 400, "{body}: {problem}");
        assert_eq!(problem["errors"][0]["field"], field, "{body}: {problem}");
        let fix = problem["errors"][0]["fix"].as_str().unwrap_or_default();
        assert!(fix.contains("roll_back"), "{problem}");
    }
    assert_eq!(post(&rig, right).await.status, 409, "this house keeps none");
}

#[tokio::test]
async fn a_definition_comes_as_yaml_with_who_and_why_in_the_query() {
    let rig = Rig::start(1);
    let yaml = [("content-type", "application/yaml")];
    let large = "#".repeat(64 * 1024 + 1);
    for (query, body, field) in [
        ("", "kpi: k", "by"),
        ("?by=Ada&who=Ben", "kpi: k", "who"),
        ("?by=Ada&draft=yes", "kpi: k", "draft"),
        ("?by=Ada&by=Ben", "kpi: k", "query"),
        ("?by=Ada", &large, "body"),
    ] {
        let path = format!("/v1/definitions{query}");
        let reply = rig.ask("POST", &path, &yaml, body.as_bytes()).await;
        let problem = reply.json();
        assert_eq!(reply.status, 400, "{query}: {problem}");
        assert_eq!(problem["errors"][0]["field"], field, "{query}: {problem}");
    }
    let path = "/v1/definitions?by=Ada%20Nowak&why=larger&draft=true";
    let reply = rig.ask("POST", path, &yaml, b"kpi: k").await;
    assert_eq!(reply.status, 409, "this house keeps none: {}", reply.text);
}

#[tokio::test]
async fn drafts_are_proposed_and_definitions_retired_by_their_hash() {
    let rig = Rig::start(1);
    for word in ["propose", "retire"] {
        let right = format!(r#"{{"word": "{word}", "kpi": "k", "definition": "d", "by": "Ada"}}"#);
        assert_eq!(post(&rig, &right).await.status, 409, "{word} is understood");
        let without = right.replace(r#""definition": "d", "#, "");
        assert_eq!(
            post(&rig, &without).await.status,
            400,
            "{word} without its hash"
        );
    }
    let write = r#"{"word": "write", "yaml": "kpi: k", "draft": false, "by": "Ada"}"#;
    assert_eq!(
        post(&rig, write).await.status,
        400,
        "a text is sent as YAML"
    );
}

#[tokio::test]
async fn a_proposal_that_nobody_made_is_not_found_and_a_wrong_question_is_told() {
    let rig = Rig::start(1);
    let reply = rig.get("/v1/definitions/ab").await;
    assert_eq!(reply.status, 404, "{}", reply.text);
    let reply = rig.get("/v1/definitions/preview?of=ab").await;
    let problem = reply.json();
    assert_eq!(
        (reply.status, &problem["errors"][0]["field"]),
        (400, &"of".into()),
        "{problem}"
    );
    assert_eq!(
        rig.get("/v1/definitions/preview?definition=ab")
            .await
            .status,
        409
    );
}
