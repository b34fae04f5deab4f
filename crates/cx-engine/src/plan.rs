//! In: a compiled set. Kept: what engines look up in it, made once. Out: it, shared by the engines of
//! all partitions, so that one copy stays in the processor's caches. Never knows: state.

use crate::kpi::dims::Dims;
use crate::kpi::layout::Layout;
use crate::kpi::names::Names;
use crate::kpi::outcomes::Outcomes;
use cx_catalog::compiled::Compiled;
use std::sync::Arc;

/// One set, as engines run it.
pub struct Plan {
    pub(crate) set: Arc<Compiled>,
    pub(crate) names: Names,
    pub(crate) dims: Dims,
    pub(crate) outcomes: Outcomes,
    pub(crate) layout: Layout,
}

impl Plan {
    /// Of one set.
    #[must_use]
    pub fn new(set: Arc<Compiled>) -> Self {
        Self {
            names: Names::new(&set),
            dims: Dims::new(&set),
            outcomes: Outcomes::new(&set),
            layout: Layout::of(&set),
            set,
        }
    }
}
