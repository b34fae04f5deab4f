//! The listener: reads boards from outside and verifies their digest.
