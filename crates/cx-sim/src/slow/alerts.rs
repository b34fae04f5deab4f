//! In: the whole history of one number, an alert. Kept: nothing. Out: when it was raised and cleared.
//! Never knows: the judge; its conditions run in the CEL crate's interpreter.

use cel::{Context, Program};
use cx_catalog::definition::Kpi;
use cx_model::value::{CellValue, DATA_GAP};

/// How far apart two seals may be that follow each other, s.
const APART_S: i64 = 60;

/// When an alert was raised, and when it was cleared.
pub type Episode = (i64, Option<i64>);

/// Looks over a history of sealed seconds, ascending, again and again: one question per second.
///
/// # Panics
/// Where the KPI has no such alert.
#[must_use]
pub fn episodes(
    kpi: &Kpi,
    alert: usize,
    freshness: Option<i64>,
    history: &[(i64, CellValue)],
) -> Vec<Episode> {
    let said = &kpi.alerts[alert];
    let judged = |text: &str| {
        let program = Program::compile(text).expect("a checked condition");
        let all = history.iter();
        let held: Vec<bool> = all
            .map(|(_, value)| holds(&program, kpi, freshness, value))
            .collect();
        held
    };
    let (when, clear) = (judged(&said.when), judged(&said.clear));
    let s = |i: usize| history[i].0;
    let mut episodes: Vec<Episode> = Vec::new();
    for now in 0..history.len() {
        match episodes.last_mut() {
            Some((raised, cleared @ None)) => {
                let held = s(now) - *raised >= i64::from(said.hold_s);
                if held && clear[now] && !when[now] {
                    *cleared = Some(s(now));
                }
            }
            Some((_, Some(_))) | None => {
                let run = (0..=now)
                    .rev()
                    .take_while(|i| when[*i] && (*i == now || s(i + 1) - s(*i) <= APART_S));
                let first = run.last().map(s);
                if first.is_some_and(|first| s(now) - first >= i64::from(said.for_s)) {
                    episodes.push((s(now), None));
                }
            }
        }
    }
    episodes
}

/// Whether what raises an alert holds for a number, and what clears it and does not raise it.
///
/// # Panics
/// As [`episodes`].
#[must_use]
pub fn says(kpi: &Kpi, alert: usize, freshness: Option<i64>, value: &CellValue) -> (bool, bool) {
    let said = &kpi.alerts[alert];
    let judged = |text: &str| {
        let program = Program::compile(text).expect("a checked condition");
        holds(&program, kpi, freshness, value)
    };
    let when = judged(&said.when);
    (when, !when && judged(&said.clear))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "numbers on screens are far below 2^53"
)]
fn holds(program: &Program, kpi: &Kpi, freshness: Option<i64>, value: &CellValue) -> bool {
    let shown = |scaled: i64| scaled as f64 / 10_f64.powi(i32::from(kpi.decimals));
    let mut context = Context::empty();
    let numbers = [
        ("n", Some(value.n)),
        ("numerator", Some(value.numerator)),
        ("denominator", value.denominator),
        ("freshness", freshness),
        ("data_gap", Some((value.state & DATA_GAP != 0).into())),
    ];
    for (name, number) in numbers {
        if let Some(number) = number {
            context.add_variable_from_value(name, number);
        }
    }
    for (name, scaled) in [("value", value.value), ("target", kpi.target)] {
        if let Some(scaled) = scaled {
            context.add_variable_from_value(name, shown(scaled));
        }
    }
    matches!(program.execute(&context), Ok(cel::Value::Bool(true)))
}
