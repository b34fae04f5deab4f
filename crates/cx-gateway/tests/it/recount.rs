//! The seal, pressed over HTTP.

use crate::rig::Rig;
use cx_gateway::{NoRecount, Recount, Recounts, Score};
use serde_json::json;
use std::sync::{Arc, Mutex};

/// Says what it is told to say.
struct Said(Mutex<Result<Recount, NoRecount>>);

impl Recounts for Said {
    fn last(&self) -> Recount {
        recount("none")
    }

    fn begin(&self) -> Result<Recount, NoRecount> {
        self.0.lock().unwrap().clone()
    }
}

fn recount(state: &'static str) -> Recount {
    Recount {
        state,
        words: "so it is".to_owned(),
        s: (state != "none").then_some(7),
        offsets: Vec::new(),
        records: 0,
        of: None,
        score: (state == "agrees").then_some(Score {
            numbers: 3,
            equal: 2,
            not_provable: 1,
        }),
        difference: None,
    }
}

async fn pressed(rig: &Rig) -> crate::rig::Reply {
    rig.ask("POST", "/v1/recount", &[], b"").await
}

#[tokio::test]
async fn pressing_the_seal_begins_a_recount_and_looking_at_it_does_not() {
    let rig = Rig::start(1);
    pressed(&rig).await.problem(404);
    assert_eq!(
        rig.get("/v1/recount").await.problem(404)["title"],
        "no recounts here"
    );
    let said = Arc::new(Said(Mutex::new(Ok(recount("agrees")))));
    *rig.house.recounts.lock().unwrap() = Some(Arc::clone(&said) as Arc<dyn Recounts>);
    let last = rig.get("/v1/recount").await.json();
    assert_eq!(
        last,
        json!({"state": "none", "words": "so it is", "records": 0})
    );
    let begun = pressed(&rig).await;
    assert_eq!(begun.status, 202);
    let score = json!({"numbers": 3, "equal": 2, "not_provable": 1});
    assert_eq!(begun.json()["score"], score);
    *said.0.lock().unwrap() = Err(NoRecount::Running);
    let problem = pressed(&rig).await.problem(409);
    assert_eq!(problem["title"], "a recount is running");
    *said.0.lock().unwrap() = Err(NoRecount::NotYet("nothing is sealed".to_owned()));
    assert_eq!(
        pressed(&rig).await.problem(503)["detail"],
        "nothing is sealed"
    );
}

#[tokio::test]
async fn another_sites_page_cannot_press_the_seal() {
    let rig = Rig::start(1);
    let foreign = [("origin", "http://evil.example")];
    let refused = rig.ask("POST", "/v1/recount", &foreign, b"").await;
    assert_eq!(refused.problem(403)["title"], "wrong origin");
}
