//! In: a compiled set, the event at hand. Kept: its breakdowns, each once. Out: the combination a
//! measure counts in. Never knows: measures' conditions, panes.

use super::numbers::Numbers;
use cx_catalog::compiled::{Compiled, CompiledDimension, DimensionSource, View};
use cx_model::attribute::SLOT_CHANNEL;

/// Not asked for yet.
const UNKNOWN: u16 = 0;

/// All breakdowns of one set.
pub(crate) struct Dims {
    all: Vec<Dim>,
    /// Per measure its breakdowns, as indices into `all`.
    of: Vec<Vec<usize>>,
}

/// The value of each breakdown for the event at hand, once somebody asked.
pub(crate) struct Leaves(Vec<u16>);

/// One breakdown; several KPIs may share it.
struct Dim {
    source: DimensionSource,
    values: Vec<String>,
    /// Numbers of the values.
    numbers: Numbers,
    /// The same by the number of a registered channel, for a breakdown by channel; else empty.
    channels: Vec<u16>,
}

impl Dims {
    pub(crate) fn new(set: &Compiled) -> Self {
        let mut dims = Self {
            all: Vec::new(),
            of: Vec::new(),
        };
        for measure in &set.measures {
            let of = measure.dimensions.iter().map(|d| dims.enter(d));
            let of = of.collect();
            dims.of.push(of);
        }
        for dim in &mut dims.all {
            if dim.source == DimensionSource::Slot(SLOT_CHANNEL) {
                let channels = set.channels.iter().map(|name| dim.named(Some(name)));
                dim.channels = channels.collect();
            }
        }
        dims
    }

    fn enter(&mut self, dimension: &CompiledDimension) -> usize {
        let same = |d: &Dim| d.source == dimension.source && d.values == dimension.values;
        self.all.iter().position(same).unwrap_or_else(|| {
            self.all.push(Dim {
                source: dimension.source,
                values: dimension.values.clone(),
                numbers: Numbers::of(&dimension.values),
                channels: Vec::new(),
            });
            self.all.len() - 1
        })
    }

    /// Of no event yet.
    pub(crate) fn leaves(&self) -> Leaves {
        Leaves(vec![UNKNOWN; self.all.len()])
    }

    /// The combination the event counts in, whose channel's number may be known already: per dimension the value's number + 1, `other` is the
    /// last.
    pub(crate) fn leaf(
        &self,
        leaves: &mut Leaves,
        measure: usize,
        (view, channel): (View<'_, '_>, Option<usize>),
    ) -> [u16; 2] {
        let mut leaf = [0; 2];
        for (out, dim) in leaf.iter_mut().zip(&self.of[measure]) {
            let known = &mut leaves.0[*dim];
            if *known == UNKNOWN {
                let dim = &self.all[*dim];
                let number = channel.and_then(|c| dim.channels.get(c).copied());
                *known = number.unwrap_or_else(|| dim.named(dim.source.value(view).as_deref()));
            }
            *out = *known;
        }
        leaf
    }
}

impl Leaves {
    /// Another event, or another view of it.
    pub(crate) fn begin(&mut self) {
        self.0.fill(UNKNOWN);
    }
}

impl Dim {
    fn named(&self, value: Option<&str>) -> u16 {
        let known = value.and_then(|v| self.numbers.get(v));
        number(known.unwrap_or(self.values.len()))
    }
}

/// As [`Dims::leaf`], for one measure and an event of which nothing is kept.
pub(crate) fn leaf(dimensions: &[CompiledDimension], view: View<'_, '_>) -> [u16; 2] {
    let mut leaf = [0; 2];
    for (out, dimension) in leaf.iter_mut().zip(dimensions) {
        let value = dimension.source.value(view);
        let known = value.and_then(|v| dimension.index.get(&*v).copied());
        *out = number(known.unwrap_or(dimension.values.len()));
    }
    leaf
}

fn number(index: usize) -> u16 {
    u16::try_from(index + 1).expect("dimensions have few values")
}
