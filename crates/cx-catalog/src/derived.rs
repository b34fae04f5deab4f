//! In: all KPIs, and what the files of derived ones say. Kept: nothing. Out: derived ones with hashes
//! that cover what they are made of, and the order in which to calculate; or faults with places.
//! Never knows: values.

use crate::check::{self, currency};
use crate::definition::{Formula, Kpi, Metric};
use crate::diagnostic::{Diagnostic, Page, Place, did_you_mean};
use crate::expr::{Expr, Operator};
use crate::raw::RawKpi;
use cx_model::window::Window;
use std::collections::{BTreeMap, BTreeSet};

/// The file of a derived KPI.
pub(crate) struct Said {
    pub(crate) file: String,
    pub(crate) text: String,
    pub(crate) raw: RawKpi,
}

/// All KPIs of a catalogue, while derived ones are tied to what they are made of.
pub(crate) struct Tying<'t> {
    pub(crate) kpis: &'t mut BTreeMap<String, Kpi>,
    /// Technical names of files that were refused: nobody is blamed for their absence.
    pub(crate) refused: &'t [String],
    pub(crate) faults: Vec<Diagnostic>,
}

impl Tying<'_> {
    /// Checks every derived KPI after all that it is made of, and gives it its hash.
    pub(crate) fn tie(&mut self, said: &BTreeMap<String, Said>) {
        let mut done = BTreeSet::new();
        for name in said.keys() {
            self.visit(name, said, &mut Vec::new(), &mut done);
        }
    }

    fn visit(
        &mut self,
        name: &str,
        said: &BTreeMap<String, Said>,
        path: &mut Vec<String>,
        done: &mut BTreeSet<String>,
    ) {
        let Some(file) = said.get(name).filter(|_| !done.contains(name)) else {
            return;
        };
        path.push(name.to_owned());
        let mut page = Page::new(&file.file, &file.text);
        for (i, metric) in metrics(&self.kpis[name]).to_vec().iter().enumerate() {
            if path.contains(&metric.name) {
                let round = [path.as_slice(), std::slice::from_ref(&metric.name)].concat();
                let message = format!("a KPI cannot be made of itself: {}", round.join(" → "));
                page.fault(at(file, i), message, "take it out of one of them");
            } else {
                self.visit(&metric.name, said, path, done);
            }
        }
        path.pop();
        if !done.insert(name.to_owned()) {
            return;
        }
        if page.faults.is_empty() {
            let kpi = &self.kpis[name];
            check(kpi, file, self.kpis, self.refused, &mut page);
        }
        let of: Vec<String> = metrics(&self.kpis[name])
            .iter()
            .filter_map(|m| self.kpis.get(&m.name).map(|of| of.hash.clone()))
            .collect();
        let of: Vec<&str> = of.iter().map(String::as_str).collect();
        if let Some(kpi) = self.kpis.get_mut(name) {
            kpi.hash = check::hash(kpi, &of);
        }
        self.faults.extend(page.faults);
    }
}

/// What a KPI is made of; nothing but for a derived one.
pub(crate) fn metrics(kpi: &Kpi) -> &[Metric] {
    match &kpi.formula {
        Formula::Derived { metrics, .. } => metrics,
        Formula::Simple { .. } | Formula::Ratio { .. } | Formula::Observed { .. } => &[],
    }
}

fn at(file: &Said, metric: usize) -> Place {
    file.raw.metrics[metric].referenced.into()
}

fn check(
    kpi: &Kpi,
    file: &Said,
    all: &BTreeMap<String, Kpi>,
    refused: &[String],
    page: &mut Page<'_>,
) {
    let mut of: Vec<&Kpi> = Vec::new();
    for (i, metric) in metrics(kpi).iter().enumerate() {
        match all.get(&metric.name) {
            Some(found) if check::observed(&found.formula) => {
                let message = format!("{} is measured by processes, no seal holds it", found.kpi);
                page.fault(
                    at(file, i),
                    message,
                    "take KPIs that are counted from events",
                );
            }
            Some(found) => of.push(found),
            None if refused.contains(&metric.name) => {}
            None => {
                let fix = did_you_mean(&metric.name, all.keys().map(String::as_str));
                let message = format!("there is no KPI {}", metric.name);
                page.fault(at(file, i), message, fix);
            }
        }
    }
    if of.len() < metrics(kpi).len() {
        return;
    }
    for part in &of {
        windows(kpi, part, file, page);
        day(kpi, part, file, page);
        dimensions(kpi, part, file, page);
    }
    unit(kpi, &of, file, page);
}

/// A part is read in the same window; one that is only there now is read now.
fn windows(kpi: &Kpi, part: &Kpi, file: &Said, page: &mut Page<'_>) {
    if part.windows == [Window::Now] {
        return;
    }
    for spanned in &file.raw.windows {
        let window = Window::parse(&spanned.value).filter(|w| kpi.windows.contains(w));
        if window.is_some_and(|w| !part.windows.contains(&w)) {
            let has: Vec<&str> = part.windows.iter().map(|w| w.name()).collect();
            let message = format!("{} has no window {}", part.kpi, spanned.value);
            let fix = format!(
                "it has {}; add the window there, or remove it here",
                has.join(", ")
            );
            page.fault(spanned.referenced, message, fix);
        }
    }
}

/// The day of a part is the same day.
fn day(kpi: &Kpi, part: &Kpi, file: &Said, page: &mut Page<'_>) {
    let zone = |kpi: &Kpi| kpi.calendar.as_ref().map(|c| c.calendar.clone());
    let both = [kpi, part].map(|k| k.windows.contains(&Window::Day));
    let day = file.raw.windows.iter().find(|w| w.value == "day");
    if let (Some(day), [true, true], true) = (day, both, zone(kpi) != zone(part)) {
        let name = zone(part).unwrap_or_else(|| "UTC".to_owned());
        let message = format!("the day of {} is that of the calendar {name}", part.kpi);
        page.fault(day.referenced, message, format!("write calendar: {name}"));
    }
}

/// Every breakdown is one of each part, with the same values; parts may have more.
fn dimensions(kpi: &Kpi, part: &Kpi, file: &Said, page: &mut Page<'_>) {
    for (dimension, spanned) in kpi.dimensions.iter().zip(&file.raw.dimensions) {
        let theirs = part.dimensions.iter().find(|d| d.name == dimension.name);
        let (message, fix) = match theirs {
            Some(theirs) if theirs.values == dimension.values => continue,
            Some(theirs) => (
                format!("{} has other values of {}", part.kpi, dimension.name),
                format!("write values: [{}]", theirs.values.join(", ")),
            ),
            None => (
                format!("{} is not broken down by {}", part.kpi, dimension.name),
                "remove it here, or add it there".to_owned(),
            ),
        };
        page.fault(spanned.referenced, message, fix);
    }
}

/// What a value is counted in.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Unit {
    /// A number in the text: it takes any unit.
    Written,
    /// `count` or `points`.
    Number,
    /// `percent`, `seconds` or a currency.
    Named(String),
}

impl Unit {
    fn of(kpi: &Kpi) -> Self {
        match kpi.unit.as_str() {
            "count" | "points" => Self::Number,
            unit => Self::Named(unit.to_owned()),
        }
    }

    fn words(&self) -> &str {
        match self {
            Self::Written | Self::Number => "a plain number",
            Self::Named(unit) => unit,
        }
    }

    /// What comes of an expression, or what does not go together.
    fn result(expr: &Expr, of: &[&Kpi]) -> Result<Self, String> {
        Ok(match expr {
            Expr::Number(_) => Self::Written,
            Expr::Name(i) => Self::of(of[*i]),
            Expr::Minus(a) => Self::result(a, of)?,
            Expr::Two(operator, a, b) => {
                let (a, b) = (Self::result(a, of)?, Self::result(b, of)?);
                let words = format!("{} and {}", a.words(), b.words());
                match operator {
                    Operator::Plus | Operator::Minus => a
                        .added(b)
                        .ok_or(format!("{words} cannot be added or subtracted"))?,
                    Operator::Times => a.times(b).ok_or(format!("{words} cannot be multiplied"))?,
                    Operator::Over => a.over(b).ok_or(format!("{words} cannot be divided"))?,
                }
            }
        })
    }

    fn added(self, other: Self) -> Option<Self> {
        match (self, other) {
            (Self::Written, unit) | (unit, Self::Written) => Some(unit),
            (a, b) => (a == b).then_some(a),
        }
    }

    fn times(self, other: Self) -> Option<Self> {
        match (self, other) {
            (Self::Written, unit) | (unit, Self::Written) => Some(unit),
            (Self::Number, unit) | (unit, Self::Number) => Some(unit),
            (Self::Named(_), Self::Named(_)) => None,
        }
    }

    fn over(self, other: Self) -> Option<Self> {
        match (self, other) {
            (unit, Self::Written | Self::Number) => Some(unit),
            (a, b) => (a == b).then_some(Self::Number),
        }
    }

    /// Percentages may be told in points: their difference is one of percentage points.
    fn fits(&self, unit: &str) -> bool {
        match self {
            Self::Written | Self::Number => !currency(unit) && unit != "seconds",
            Self::Named(own) => own == unit || (own == "percent" && unit == "points"),
        }
    }
}

fn unit(kpi: &Kpi, of: &[&Kpi], file: &Said, page: &mut Page<'_>) {
    let (Formula::Derived { expr, metrics, .. }, Some(text)) = (&kpi.formula, &file.raw.expr)
    else {
        return;
    };
    let expr = parsed(expr, metrics);
    match Unit::result(&expr, of) {
        Err(message) => {
            let fix = "bring both into one unit, e.g. divide by a KPI of the same unit";
            page.fault(text.referenced, message, fix);
        }
        Ok(result) if !result.fits(&kpi.unit) => {
            let message = format!("the expression gives {}, not {}", result.words(), kpi.unit);
            let fix = match result {
                Unit::Written | Unit::Number => "write count, points or percent".to_owned(),
                Unit::Named(unit) => format!("write unit: {unit}"),
            };
            page.fault(file.raw.unit.referenced, message, fix);
        }
        Ok(_) => {}
    }
}

/// The expression of a checked definition.
pub(crate) fn parsed(expr: &str, metrics: &[Metric]) -> Expr {
    let words: Vec<&str> = metrics.iter().map(Metric::word).collect();
    Expr::parse(expr, &words).expect("checked when it was read")
}

/// Positions of the KPIs in the order in which to calculate them: each after what it is made of.
pub(crate) fn order(kpis: &[Kpi]) -> Vec<usize> {
    let mut order = Vec::with_capacity(kpis.len());
    let place = |name: &str| kpis.iter().position(|k| k.kpi == name);
    let ready = |i: usize, order: &[usize]| {
        let mut of = metrics(&kpis[i]).iter().filter_map(|m| place(&m.name));
        of.all(|m| order.contains(&m))
    };
    while order.len() < kpis.len() {
        let next = (0..kpis.len()).filter(|i| !order.contains(i) && ready(*i, &order));
        let next: Vec<usize> = next.collect();
        debug_assert!(!next.is_empty(), "a checked catalogue has no circle");
        if next.is_empty() {
            break;
        }
        order.extend(next);
    }
    order
}
