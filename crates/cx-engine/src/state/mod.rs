//! What the engine remembers. In: named events. Kept: customers, contacts, sources, event ids.
//! Out: reads. Never knows: KPIs.

pub(crate) mod attempts;
pub(crate) mod cases;
pub(crate) mod contacts;
pub(crate) mod conversations;
pub(crate) mod customers;
pub(crate) mod deadlines;
pub(crate) mod kept;
pub(crate) mod repeats;
pub(crate) mod shards;
pub(crate) mod waiting;
