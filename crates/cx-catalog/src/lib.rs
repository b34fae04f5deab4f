//! The meanings: KPI, source and board definitions, parsed, checked and compiled.
