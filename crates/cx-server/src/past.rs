//! In: questions about the past. Kept: how many are answered at a time. Out: minutes and lines as the
//! gateway shows them. Never knows: HTTP, files.

use crate::common::Common;
use crate::history;
use crate::history::kept::History;
use cx_gateway::{Finals, Kept, Past, Span, Trend};
use cx_model::frame::WireParts;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Questions that may read files at a time: the rest of the machine has other work.
static READERS: Semaphore = Semaphore::const_new(2);
/// How long a question waits for what an earlier life kept to be read.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often the quarters of an hour stand, s.
const QUARTER: i64 = 900;

/// A whole minute that is kept.
pub(crate) async fn minute(common: &Arc<Common>, s: i64) -> Result<Option<Past>, String> {
    if s.rem_euclid(60) != 0 {
        return Ok(None);
    }
    let found = read(common, move |history| history.minute(s)).await?;
    let found = found.map_err(|e| e.to_string())?;
    Ok(found.map(|moment| Past {
        sealed: moment.sealed,
        unknown: moment.unknown,
    }))
}

/// Values of cells at the minutes of a span, or at the newest ones.
pub(crate) async fn trend(common: &Arc<Common>, cells: Vec<usize>, span: Option<Span>) -> Trend {
    let line = match span {
        None => {
            wait(&common.history).await;
            common.history.newest_line(&cells)
        }
        Some(Span { from, to, step }) => {
            let span = history::Span { from, to, step };
            let line = read(common, move |history| history.line(span, &cells)).await;
            line.unwrap_or_default()
        }
    };
    Trend {
        s: line.s,
        values: line.values,
    }
}

/// Final parts of cells at seconds that a trend named.
pub(crate) async fn finals(common: &Arc<Common>, asked: Finals) -> Vec<Vec<Option<WireParts>>> {
    let Finals { cells, ends, step } = asked;
    let none = vec![vec![None; ends.len()]; cells.len()];
    let found = read(common, move |history| history.finals(&ends, step, &cells)).await;
    found.unwrap_or(none)
}

/// What is kept, with the sealed seconds in memory.
pub(crate) fn kept(common: &Common, seconds: Option<(i64, i64)>) -> Kept {
    let extent = common.history.extent();
    let newest = extent.newest;
    let dense = extent
        .dense_from
        .or_else(|| common.history.oldest_in_memory());
    let whole = |s: i64, up: i64| (s + up).div_euclid(QUARTER) * QUARTER;
    let oldest = extent.oldest.or(dense);
    let quarters = oldest.zip(newest);
    let quarters = quarters.map(|(from, to)| (whole(from, QUARTER - 1), whole(to, 0)));
    Kept {
        seconds,
        minutes: dense.zip(newest),
        quarters: quarters.filter(|(from, to)| from <= to),
        durable: common.history.outlives(),
    }
}

/// Reads files where no other task waits for it.
async fn read<T: Send + 'static>(
    common: &Arc<Common>,
    ask: impl FnOnce(&History) -> T + Send + 'static,
) -> Result<T, String> {
    wait(&common.history).await;
    let common = Arc::clone(common);
    let turn = READERS.acquire().await.map_err(|e| e.to_string())?;
    let asked = tokio::task::spawn_blocking(move || ask(&common.history)).await;
    drop(turn);
    asked.map_err(|e| e.to_string())
}

async fn wait(history: &History) {
    let mut ready = history.ready();
    let ready = ready.wait_for(|ready| *ready);
    // Where it takes too long, what is there so far is the answer.
    drop(tokio::time::timeout(PATIENCE, ready).await);
}
