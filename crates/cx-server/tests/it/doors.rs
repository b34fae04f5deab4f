//! The binary's short commands, and a demo's doors.

use crate::run::{House, watchfloor};
use serde_json::Value;
use std::process::Output;

/// Runs it to its end.
pub(crate) fn done(arguments: &[&str]) -> Output {
    watchfloor(arguments).output().expect("it runs")
}

impl House {
    pub(crate) fn demo(more: &[&str]) -> Self {
        let arguments = ["demo", "--address", "127.0.0.1:0", "--json"];
        Self::start(watchfloor(&arguments).args(more))
    }

    /// POST; the status and the JSON.
    pub(crate) fn post(&self, path: &str, kind: &str, body: &[u8]) -> (u16, Value) {
        let config = ureq::Agent::config_builder().http_status_as_error(false);
        let agent = ureq::Agent::new_with_config(config.build());
        let request = agent.post(format!("{}{path}", self.url));
        let answer = request.header("content-type", kind).send(body);
        let answer = answer.expect("an answer");
        let status = answer.status().as_u16();
        let body = answer.into_body().read_to_string().expect("text");
        (status, serde_json::from_str(&body).unwrap_or_default())
    }
}
