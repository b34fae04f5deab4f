//! In: every counted cell. Kept: nothing. Out: the cells of derived KPIs. Never knows: logs.
//!
//! The arithmetic is the slow model's own: the CEL crate parses, fractions are whole numbers of 128 bits.

use super::Cell;
use super::scope::scopes;
use ::cel::Program;
use ::cel::common::ast::{Expr, IdedExpr, LiteralValue};
use cx_catalog::definition::{Formula, Kpi, Metric};
use cx_model::value::CellValue;
use cx_model::window::Window;
use std::collections::BTreeMap;

type Cells = BTreeMap<Cell, CellValue>;
/// Numerator and denominator.
type Number = (i128, i128);

/// Adds all derived KPIs: each as soon as all that it is made of is there.
pub(super) fn add(cells: &mut Cells, kpis: &[Kpi]) {
    let mut left: Vec<&Kpi> = kpis
        .iter()
        .filter(|k| matches!(k.formula, Formula::Derived { .. }))
        .collect();
    while !left.is_empty() {
        let waits = |kpi: &Kpi, left: &[&Kpi]| {
            let mut metrics = metrics(kpi).iter();
            metrics.any(|m| left.iter().any(|l| l.kpi == m.name))
        };
        let (later, now): (Vec<&Kpi>, Vec<&Kpi>) =
            left.iter().copied().partition(|kpi| waits(kpi, &left));
        assert!(!now.is_empty(), "a checked catalogue has no circle");
        for kpi in now {
            for window in &kpi.windows {
                for dims in scopes(&kpi.dimensions) {
                    let value = derive(cells, kpis, kpi, (*window, &dims));
                    cells.insert((kpi.kpi.clone(), *window, dims), value);
                }
            }
        }
        left = later;
    }
}

fn metrics(kpi: &Kpi) -> &[Metric] {
    match &kpi.formula {
        Formula::Derived { metrics, .. } => metrics,
        Formula::Simple { .. } | Formula::Ratio { .. } | Formula::Observed { .. } => &[],
    }
}

fn derive(
    cells: &Cells,
    kpis: &[Kpi],
    kpi: &Kpi,
    (window, dims): (Window, &BTreeMap<String, String>),
) -> CellValue {
    let Formula::Derived { expr, metrics, n } = &kpi.formula else {
        return CellValue::default();
    };
    let mut parts = BTreeMap::new();
    for metric in metrics {
        let of = kpis.iter().find(|k| k.kpi == metric.name);
        let of = of.expect("checked by the catalogue");
        let window = if of.windows.contains(&window) {
            window
        } else {
            Window::Now
        };
        let all = || "all".to_owned();
        let scope = of.dimensions.iter().map(|d| {
            let value = dims.get(&d.name).cloned().unwrap_or_else(all);
            (d.name.clone(), value)
        });
        let cell = cells[&(of.kpi.clone(), window, scope.collect())];
        parts.insert(metric.word(), (cell, of.decimals));
    }
    let program = Program::compile(expr).expect("checked by the catalogue");
    let number = value(program.expression(), &parts);
    let value = number.and_then(|number| rounded(number, kpi.decimals));
    let least = parts.values().map(|(cell, _)| cell.n).min();
    let of = |cell: &CellValue| cell.restated[0] + cell.restated[1];
    let restated = parts.values().map(|(cell, _)| of(cell)).sum();
    let named = n.as_ref().map(|n| parts[n.as_str()].0.n);
    CellValue {
        value,
        state: parts
            .values()
            .fold(0, |state, (cell, _)| state | cell.state),
        numerator: value.unwrap_or(0),
        denominator: None,
        n: named.or(least).unwrap_or(0),
        restated: [restated, 0],
    }
}

fn value(at: &IdedExpr, parts: &BTreeMap<&str, (CellValue, u8)>) -> Option<Number> {
    match &at.expr {
        Expr::Literal(LiteralValue::Int(i)) => lowest((i128::from(*i.inner()), 1)),
        Expr::Literal(LiteralValue::Double(d)) => {
            let text = d.inner().to_string();
            let (whole, decimals) = text.split_once('.').unwrap_or((&text, ""));
            let digits = format!("{whole}{decimals}").parse().ok()?;
            lowest((digits, 10_i128.pow(u32::try_from(decimals.len()).ok()?)))
        }
        Expr::Ident(name) => {
            let (cell, decimals) = parts[name.as_str()];
            lowest((i128::from(cell.value?), 10_i128.pow(decimals.into())))
        }
        Expr::Call(call) => {
            let args: Option<Vec<Number>> = call.args.iter().map(|a| value(a, parts)).collect();
            match (call.func_name.as_str(), args?.as_slice()) {
                ("-_", [(a, b)]) => Some((a.checked_neg()?, *b)),
                ("_+_", [a, b]) => sum(*a, *b),
                ("_-_", [a, (c, d)]) => sum(*a, (c.checked_neg()?, *d)),
                ("_*_", [a, b]) => lowest((a.0.checked_mul(b.0)?, a.1.checked_mul(b.1)?)),
                ("_/_", [a, b]) => lowest((a.0.checked_mul(b.1)?, a.1.checked_mul(b.0)?)),
                (other, _) => panic!("{other} is no arithmetic"),
            }
        }
        Expr::Literal(_)
        | Expr::Unspecified
        | Expr::Comprehension(_)
        | Expr::List(_)
        | Expr::Map(_)
        | Expr::Select(_)
        | Expr::Struct(_) => panic!("this is no arithmetic"),
    }
}

fn sum(a: Number, b: Number) -> Option<Number> {
    let above = a.0.checked_mul(b.1)?.checked_add(b.0.checked_mul(a.1)?)?;
    lowest((above, a.1.checked_mul(b.1)?))
}

/// In lowest terms, above 0 below the line; `None` where that is 0.
fn lowest((above, below): Number) -> Option<Number> {
    let (mut a, mut b) = (above.unsigned_abs(), below.unsigned_abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    let by = i128::try_from(a).ok().filter(|_| below != 0)?;
    let (above, below) = (above / by, below / by);
    if below < 0 {
        return Some((above.checked_neg()?, below.checked_neg()?));
    }
    Some((above, below))
}

fn rounded((above, below): Number, decimals: u8) -> Option<i64> {
    let above = above.checked_mul(10_i128.pow(decimals.into()))?;
    let (whole, rest) = (above.div_euclid(below), above.rem_euclid(below));
    let up = rest > below - rest || (rest == below - rest && whole % 2 != 0);
    i64::try_from(whole + i128::from(up)).ok()
}
