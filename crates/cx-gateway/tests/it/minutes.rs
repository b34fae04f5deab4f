//! In: questions for minutes. Kept: nothing. Out: what the rig's house says of them, which follows from the question.
//! Never knows: HTTP.

use cx_gateway::{Finals, Span, Trend};
use cx_model::frame::WireParts;

/// Says at each minute which one it is and for which cell.
pub(crate) fn trend(cells: &[usize], span: Option<Span>) -> Trend {
    let (from, to, step) = span.map_or((60, 180, 60), |s| (s.from, s.to, s.step));
    let s: Vec<i64> = (from..=to).filter(|s| s % step == 0).collect();
    let line = |cell: &usize| {
        let value = |s: &i64| (s % 120 != 0).then(|| s + i64::try_from(*cell).unwrap());
        s.iter().map(value).collect()
    };
    let values = cells.iter().map(line).collect();
    Trend { s, values }
}

/// Parts that say of which cell they are, and over how long; of every third minute none.
pub(crate) fn finals(asked: &Finals) -> Vec<Vec<Option<WireParts>>> {
    let line = |cell: &usize| {
        let cell = i64::try_from(*cell).unwrap();
        let parts = |end: &i64| (end % 180 != 0).then_some((*end, Some(asked.step), cell));
        asked.ends.iter().map(parts).collect()
    };
    asked.cells.iter().map(line).collect()
}
