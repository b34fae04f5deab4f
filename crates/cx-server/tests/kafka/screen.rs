//! What Chromium shows of a running house, against a recount of its log.

use crate::proof::{Log, names, recounted};
use crate::run::{House, root};

/// What Chromium shows.
#[derive(serde::Deserialize)]
struct Shown {
    s: i64,
    g: String,
    tiles: Vec<(u32, Option<i64>, u8)>,
}

/// Holds what Chromium shows of a running house against its own log; how many tiles. `None` where the
/// environment names no Chromium.
pub(crate) fn shown(house: &House, log: &Log<'_>) -> Option<usize> {
    let chromium = std::env::var_os("WATCHFLOOR_TEST_CHROMIUM")?;
    let display = root().join("crates/cx-gateway/display");
    let mut node = std::process::Command::new("node");
    node.args(["e2e/shown.mjs", &house.url]);
    let output = node.env("CHROMIUM", chromium).current_dir(display).output();
    let output = output.expect("node");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    let shown: Shown = serde_json::from_slice(&output.stdout).expect("a line of JSON");
    let board = house.get(&format!("/v1/boards/care?s={}", shown.s));
    assert_eq!(
        board["g"],
        shown.g.as_str(),
        "second {}: the digest",
        shown.s
    );
    let names = names(&board);
    recounted(log, |slow| {
        let cells = slow.at(shown.s);
        for (id, value, state) in &shown.tiles {
            let cell = &cells[&names[id]];
            let told = (*value, *state);
            assert_eq!(
                told,
                (cell.value, cell.state),
                "second {}, {:?}",
                shown.s,
                names[id]
            );
        }
    });
    assert!(shown.tiles.len() > 5, "{} tiles", shown.tiles.len());
    Some(shown.tiles.len())
}
