//! The house: configuration, wiring, the loop; the binary watchfloor.
