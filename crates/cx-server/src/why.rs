//! In: a number at a sealed second, what the roll-up knows of it. Kept: nothing. Out: its lineage, all
//! but the sample records. Never knows: Kafka, sockets.

use crate::show;
use cx_catalog::compiled::{Compiled, CompiledFormula};
use cx_catalog::definition::{Formula, Kpi};
use cx_catalog::said::worked;
use cx_engine::Counts;
use cx_gateway::{
    Account, Covers, Doubt, Freshness, Ingredient, Lineage, Mark, Partition, Parts, Samples,
};
use cx_model::time::{SECOND, Timestamp};
use cx_model::value::{CellValue, DATA_GAP, LIMITED, RESTATED, WARMING};
use cx_model::window::Window;

/// The lineage of a number that is in no doubt to be one of the set's; samples are for others to find.
pub(crate) fn lineage(
    set: &Compiled,
    definitions: &[Kpi],
    doubt: &Doubt,
    counts: Option<&[Counts]>,
    now: Timestamp,
) -> Lineage {
    let (info, sealed) = (&set.cells[doubt.cell], &doubt.sealed);
    let value = sealed.values.get(doubt.cell).copied().unwrap_or_default();
    let key = &info.key;
    let definition = definitions.iter().find(|k| *k.kpi == *key.kpi);
    let made_of = made_of(set, definition, doubt);
    let derived = !made_of.is_empty();
    let offsets = (0..).zip(sealed.offsets.iter());
    let partitions = offsets.map(|(partition, next)| {
        let of = counts.and_then(|c| c.get(partition as usize));
        Partition {
            partition,
            next_offset: *next,
            // Another life's counts would be those of other offsets.
            account: of.filter(|c| c.next == *next).map(account),
        }
    });
    Lineage {
        kpi: key.kpi.to_string(),
        business_name: info.business_name.to_string(),
        definition: key.definition.to_string(),
        window: key.window.name().to_owned(),
        dims: key.dims.clone(),
        unit: info.unit.to_string(),
        scale: info.scale,
        s: sealed.s,
        value: value.value,
        shown: show::value(value.value, &info.unit, info.scale),
        state: value.state,
        parts: Parts {
            numerator: value.numerator,
            denominator: value.denominator,
            n: value.n,
            restated_numerator: value.restated[0],
            restated_denominator: value.restated[1],
        },
        worked: definition.map_or_else(String::new, |k| {
            let shown = made_of.iter().map(|i| (&*i.name, &*i.shown));
            worked(k, &value, &shown.collect::<Vec<_>>())
        }),
        made_of,
        covers: covers(set, doubt),
        partitions: partitions.collect(),
        marks: marks(&value, key.window, derived),
        freshness: freshness(set, doubt, now),
        samples: Samples::default(),
    }
}

/// The numbers that a derived one was calculated from.
fn made_of(set: &Compiled, definition: Option<&Kpi>, doubt: &Doubt) -> Vec<Ingredient> {
    let key = &set.cells[doubt.cell].key;
    let kpi = set.kpis.iter().find(|k| k.kpi == key.kpi);
    let (Some(kpi), Some(Formula::Derived { metrics, .. })) = (kpi, definition.map(|k| &k.formula))
    else {
        return Vec::new();
    };
    let CompiledFormula::Derived(derived) = &kpi.formula else {
        return Vec::new();
    };
    let pairs = metrics.iter().zip(&derived.metrics);
    pairs
        .map(|(metric, compiled)| {
            let at = compiled.cells[doubt.cell - kpi.first_cell];
            let info = &set.cells[at];
            let value = doubt.sealed.values.get(at).copied().unwrap_or_default();
            Ingredient {
                name: metric.word().to_owned(),
                kpi: info.key.kpi.to_string(),
                window: info.key.window.name().to_owned(),
                dims: info.key.dims.clone(),
                shown: show::value(value.value, &info.unit, info.scale),
            }
        })
        .collect()
}

fn account(counts: &Counts) -> Account {
    Account {
        start: counts.start,
        applied: counts.applied,
        duplicates: counts.duplicates,
        late: counts.late,
        dead_lettered: counts.dead_lettered,
        control: counts.control,
        gaps: counts.gaps,
        lost: counts.lost,
        holds: counts.holds(),
        data_gap: counts.data_gap.map(|gap| (gap.from, gap.to)),
    }
}

/// From the first pane of the window to the second; of two measures the longer stretch.
fn covers(set: &Compiled, doubt: &Doubt) -> Option<Covers> {
    let key = &set.cells[doubt.cell].key;
    let kpi = set.kpis.iter().find(|k| k.kpi == key.kpi)?;
    let panes = kpi.formula.measures().into_iter().filter_map(|m| {
        let (panes, width) = set.measures[m].panes(key.window, doubt.sealed.s)?;
        Some((panes.start() * width, width))
    });
    let (from, pane_s) = panes.min()?;
    Some(Covers {
        from: Timestamp::from_second(from).to_rfc3339(),
        to: Timestamp::from_second(doubt.sealed.s).to_rfc3339(),
        pane_s,
    })
}

fn marks(value: &CellValue, window: Window, derived: bool) -> Vec<Mark> {
    let [above, below] = value.restated;
    let restated = if derived {
        "Events that came after their pane was final changed a number that it is calculated from."
            .to_owned()
    } else {
        format!(
            "Events that came after their pane was final changed it: {above} additions above the line, {below} below."
        )
    };
    let empty = if derived {
        "A number that it is calculated from has no value, or the calculation would divide by 0."
    } else if window == Window::Now {
        "Nothing was there at the second, so there is no value."
    } else {
        "Nothing was counted in the window, so there is no value: neither 0 nor 100."
    };
    let set = |bit: u8| value.state & bit != 0;
    let all = [
        ("empty", value.value.is_none(), empty),
        (
            "warming",
            set(WARMING),
            "The window reaches back before the first record of the log: it was not seen whole.",
        ),
        ("restated", set(RESTATED), &restated),
        (
            "data_gap",
            set(DATA_GAP),
            "Records that the number needs are missing from the log; see the partitions' data_gap.",
        ),
        (
            "limited",
            set(LIMITED),
            "A declared limit refused something the number needs; see limited in /healthz.",
        ),
    ];
    let set = all.into_iter().filter(|(_, is, _)| *is);
    set.map(|(mark, _, meaning)| Mark {
        mark: mark.to_owned(),
        meaning: meaning.to_owned(),
    })
    .collect()
}

fn freshness(set: &Compiled, doubt: &Doubt, now: Timestamp) -> Freshness {
    let sealed = &doubt.sealed;
    let age_ms = now.since(Timestamp::from_second(sealed.s)).max(0);
    let minutes = |ms: i64| ms.div_euclid(60 * SECOND);
    let words = format!(
        "The second was {}.{} s old when it was asked for. Events up to {} min late still count as they come; later ones, up to {} min, restate it.",
        age_ms.div_euclid(SECOND),
        age_ms.rem_euclid(SECOND) / 100,
        minutes(set.limits.lateness_ms),
        minutes(set.limits.horizon_ms)
    );
    Freshness {
        age_ms,
        final_through: sealed.final_through,
        words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mark_says_what_it_means_and_an_ordinary_number_has_none() {
        let check = |value: CellValue, expected: &[&str]| {
            let marks = marks(&value, Window::M15, false);
            let names: Vec<&str> = marks.iter().map(|m| m.mark.as_str()).collect();
            assert_eq!(names, expected);
        };
        let value = CellValue {
            value: Some(1),
            ..CellValue::default()
        };
        check(value, &[]);
        let state = WARMING | RESTATED | DATA_GAP | LIMITED;
        let all = CellValue {
            state,
            restated: [3, 5],
            ..CellValue::default()
        };
        check(
            all,
            &["empty", "warming", "restated", "data_gap", "limited"],
        );
        let told = &marks(&all, Window::M15, false)[2].meaning;
        assert!(
            told.contains("3 additions above the line, 5 below"),
            "{told}"
        );
        let told = &marks(&all, Window::M15, true)[2].meaning;
        assert!(told.contains("calculated from"), "{told}");
    }
}
