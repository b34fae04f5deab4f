//! In: a topic of one partition that is small enough to be read at the start. Kept: nothing.
//! Out: every record of it, in order. Never knows: what they say.

use crate::common::Common;
use anyhow::ensure;
use cx_kafka::{Ear, Heard};
use cx_model::record::Record;
use std::time::Duration;

/// Waits of 200 ms without an answer until a topic counts as unreadable.
const TURNS: u32 = 100;

/// Hands over all records that a topic holds now.
///
/// # Errors
/// Kafka's; those of `take`; a topic that cannot be read to its end.
pub(crate) fn read(
    common: &Common,
    topic: &str,
    take: &mut dyn FnMut(&Record<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut ear = Ear::connect(&common.settings, topic, &[0])?;
    ear.start(&[(0, ear.bounds(0)?.0)])?;
    let mut ended = false;
    let mut fault = None;
    let mut silent = 0;
    while !ended {
        let heard = ear.poll(Duration::from_millis(200), &mut |heard| match heard {
            Heard::Record(record) if fault.is_none() => fault = take(&record).err(),
            Heard::Record(_) => {}
            Heard::End { .. } => ended = true,
        })?;
        if let Some(fault) = fault.take() {
            return Err(fault);
        }
        silent = if heard == 0 { silent + 1 } else { 0 };
        ensure!(silent < TURNS, "{topic} cannot be read to its end");
    }
    Ok(())
}
