//! In: a subscription's wishes. Kept: nothing. Out: the name of the view that serves them.
//! Never knows: boards, values.

use cx_model::frame::{Encoding, Fields, Filter};
use cx_model::value::CellKey;

/// Live rhythms that are served, ms.
const LIVE: [u16; 5] = [50, 100, 250, 500, 1_000];
const PREFIX: &str = "live";

/// When a view takes values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Cadence {
    /// Once a sealed second.
    #[default]
    Sealed,
    /// At most once in so many ms, without a second.
    Live(u16),
}

impl Cadence {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text == "sealed" {
            return Some(Self::Sealed);
        }
        let ms = text.strip_prefix(PREFIX)?;
        let all = LIVE.into_iter().find(|known| known.to_string() == ms);
        all.map(Self::Live)
    }

    /// All names, for people.
    pub(crate) fn names() -> String {
        let live = LIVE.map(|ms| format!("{PREFIX}{ms}"));
        format!("sealed, {}", live.join(", "))
    }

    /// The rhythm of live values, ms.
    pub(crate) fn live_ms(self) -> Option<i64> {
        match self {
            Self::Sealed => None,
            Self::Live(ms) => Some(i64::from(ms)),
        }
    }
}

/// What names a view of a board: all who ask for the same share its bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) cadence: Cadence,
    pub(crate) fields: Fields,
    pub(crate) enc: Encoding,
    pub(crate) filter: Filter,
}

impl Shape {
    /// Whether a cell is one of the view's.
    pub(crate) fn takes(&self, key: &CellKey) -> bool {
        let Filter {
            kpis,
            windows,
            dims,
        } = &self.filter;
        let window = key.window.name();
        let of = |name: &String| key.dims.get(name);
        (kpis.is_empty() || kpis.contains(&*key.kpi))
            && (windows.is_empty() || windows.contains(window))
            && dims
                .iter()
                .all(|(name, values)| of(name).is_some_and(|value| values.contains(value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cx_model::window::Window;
    use std::collections::BTreeMap;

    #[test]
    fn knows_the_rhythms_that_are_served_and_no_other() {
        assert_eq!(Cadence::parse("sealed"), Some(Cadence::Sealed));
        for ms in LIVE {
            assert_eq!(
                Cadence::parse(&format!("live{ms}")),
                Some(Cadence::Live(ms))
            );
        }
        for wrong in ["", "live", "live10", "live050", "live+50", "50ms"] {
            assert_eq!(Cadence::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_filter_takes_cells_by_kpi_window_and_dimension() {
        let check = |filter: &str, taken: bool| {
            let shape = Shape {
                filter: serde_json::from_str(filter).unwrap(),
                ..Shape::default()
            };
            let key = CellKey {
                kpi: "waiting".into(),
                definition: "d".into(),
                window: Window::Now,
                dims: BTreeMap::from([("queue".to_owned(), "sales".to_owned())]),
            };
            assert_eq!(shape.takes(&key), taken, "{filter}");
        };
        check("{}", true);
        check(r#"{"kpis":["waiting","x"],"windows":["now"]}"#, true);
        check(r#"{"kpis":["x"]}"#, false);
        check(r#"{"windows":["5m"]}"#, false);
        check(r#"{"dims":{"queue":["all","sales"]}}"#, true);
        check(r#"{"dims":{"queue":["all"]}}"#, false);
        check(r#"{"dims":{"channel":["chat"]}}"#, false);
    }
}
