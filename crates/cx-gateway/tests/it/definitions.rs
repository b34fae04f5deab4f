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
