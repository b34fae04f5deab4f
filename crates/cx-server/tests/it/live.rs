//! Live boards: what the engines hold between two seconds.

use crate::run::House;
use cx_client::{BoardStream, Wish};
use std::time::Duration;

#[test]
fn a_live_board_moves_between_the_seconds() {
    const UPDATES: usize = 12;
    let house = House::demo(&["--history", "2", "--rate", "60", "--customers", "200"]);
    let url = format!("{}/v1/stream", house.url.replacen("http", "ws", 1));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let mut sealed = BoardStream::connect(&url, "care").await.expect("a stream");
        let wish = Wish {
            cadence: "live100".to_owned(),
            ..Wish::default()
        };
        let live = BoardStream::connect_for(&url, "care", wish).await;
        let mut live = live.expect("a stream");
        // From a sealed second on: how many live updates come before three more are sealed?
        let watched = async {
            let begun = loop {
                let update = sealed.next().await.expect("verified");
                if let (true, Some(s)) = (update.sealed, update.s) {
                    break s;
                }
            };
            let mut moved = 0;
            loop {
                tokio::select! {
                    update = sealed.next() => {
                        let update = update.expect("verified");
                        if update.s.is_some_and(|s| s >= begun + 4) {
                            break moved;
                        }
                    }
                    update = live.next() => {
                        let update = update.expect("verified");
                        assert_eq!((update.sealed, update.s), (false, None));
                        moved += usize::from(!update.cells.is_empty());
                    }
                }
            }
        };
        let moved = tokio::time::timeout(Duration::from_secs(60), watched).await;
        let moved = moved.expect("seconds are sealed");
        assert!(moved >= UPDATES, "{moved} live updates in four seconds");
    });
}
